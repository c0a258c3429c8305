// linear.row: rows 1, unroll 2
export function kernel_linear_row(tile: u32, args: usize, scratch: usize): void {
  const x: usize = load<u32>(args, 0)
  const out_: usize = load<u32>(args, 4)
  const weightWords: usize = load<u32>(args, 8)
  const first: u32 = (tile * <u32>80)
  const end: u32 = (first + <u32>80)
  {
  const col_end_: u32 = end
  for (let col: u32 = first; col < col_end_; col += <u32>1) {
    let acc: v128 = f32x4.splat(<f32>0)
    let acc_1: v128 = f32x4.splat(<f32>0)
    let run: u32 = <u32>0
    for (; run + <u32>1 < <u32>8; run += <u32>2) {
      {
        const loaded: u32 = load<u32>(weightWords + (col << 5) + (run << 2), 0)
        const loaded_1: u32 = <u32>load<u8>(weightWords + (col << 3) + run, 5120)
        const loaded_2: u32 = load<u32>(weightWords + (col << 5) + (run << 2), 2560)
        const loaded_3: u32 = <u32>load<u16>(weightWords + ((((col * <u32>8) + run) >> <u32>3) << 1), 6656)
        const loaded_4: u32 = <u32>load<u8>(weightWords + (col << 3) + run, 5888)
        const quad: u32 = ((load<u32>(weightWords + (((loaded & <u32>255) | ((loaded_1 & <u32>3) << <u32>8)) << 3), 6912) ^ ((((loaded_2 & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + (((loaded_2 & <u32>15) * <u32>2113665) & <u32>16843009))
        const quad_1: u32 = ((load<u32>(weightWords + (((loaded & <u32>255) | ((loaded_1 & <u32>3) << <u32>8)) << 3), 6916) ^ (((((loaded_2 >> <u32>4) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>4) & <u32>15) * <u32>2113665) & <u32>16843009))
        const quad_2: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>8) & <u32>255) | (((loaded_1 >> <u32>2) & <u32>3) << <u32>8)) << 3), 6912) ^ (((((loaded_2 >> <u32>8) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>8) & <u32>15) * <u32>2113665) & <u32>16843009))
        const quad_3: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>8) & <u32>255) | (((loaded_1 >> <u32>2) & <u32>3) << <u32>8)) << 3), 6916) ^ (((((loaded_2 >> <u32>12) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>12) & <u32>15) * <u32>2113665) & <u32>16843009))
        const quad_4: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>16) & <u32>255) | (((loaded_1 >> <u32>4) & <u32>3) << <u32>8)) << 3), 6912) ^ (((((loaded_2 >> <u32>16) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>16) & <u32>15) * <u32>2113665) & <u32>16843009))
        const quad_5: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>16) & <u32>255) | (((loaded_1 >> <u32>4) & <u32>3) << <u32>8)) << 3), 6916) ^ (((((loaded_2 >> <u32>20) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>20) & <u32>15) * <u32>2113665) & <u32>16843009))
        const quad_6: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>24) & <u32>255) | (((loaded_1 >> <u32>6) & <u32>3) << <u32>8)) << 3), 6912) ^ (((((loaded_2 >> <u32>24) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>24) & <u32>15) * <u32>2113665) & <u32>16843009))
        const quad_7: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>24) & <u32>255) | (((loaded_1 >> <u32>6) & <u32>3) << <u32>8)) << 3), 6916) ^ (((((loaded_2 >> <u32>28) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>28) & <u32>15) * <u32>2113665) & <u32>16843009))
        const scale: v128 = f32x4.splat(((w_f16(loaded_3) * (<f32>((loaded_4 & <u32>15)) + <f32>0.5)) * <f32>0.25))
        const scale_1: v128 = f32x4.splat(((w_f16(loaded_3) * (<f32>((loaded_4 >> <u32>4)) + <f32>0.5)) * <f32>0.25))
        const products: v128 = w_fma(w_i8x4(quad_3), v128.load(x + (run << 7), 48), w_fma(w_i8x4(quad_2), v128.load(x + (run << 7), 32), w_fma(w_i8x4(quad_1), v128.load(x + (run << 7), 16), f32x4.mul(w_i8x4(quad), v128.load(x + (run << 7), 0)))))
        acc = w_fma(products, scale, acc)
        const products_1: v128 = w_fma(w_i8x4(quad_7), v128.load(x + (run << 7), 112), w_fma(w_i8x4(quad_6), v128.load(x + (run << 7), 96), w_fma(w_i8x4(quad_5), v128.load(x + (run << 7), 80), f32x4.mul(w_i8x4(quad_4), v128.load(x + (run << 7), 64)))))
        acc_1 = w_fma(products_1, scale_1, acc_1)
      }
      {
        const loaded: u32 = load<u32>(weightWords + (col << 5) + (run << 2), 4)
        const loaded_1: u32 = <u32>load<u8>(weightWords + (col << 3) + run, 5121)
        const loaded_2: u32 = load<u32>(weightWords + (col << 5) + (run << 2), 2564)
        const loaded_3: u32 = <u32>load<u16>(weightWords + ((((col * <u32>8) + (run + <u32>1)) >> <u32>3) << 1), 6656)
        const loaded_4: u32 = <u32>load<u8>(weightWords + (col << 3) + run, 5889)
        const quad: u32 = ((load<u32>(weightWords + (((loaded & <u32>255) | ((loaded_1 & <u32>3) << <u32>8)) << 3), 6912) ^ ((((loaded_2 & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + (((loaded_2 & <u32>15) * <u32>2113665) & <u32>16843009))
        const quad_1: u32 = ((load<u32>(weightWords + (((loaded & <u32>255) | ((loaded_1 & <u32>3) << <u32>8)) << 3), 6916) ^ (((((loaded_2 >> <u32>4) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>4) & <u32>15) * <u32>2113665) & <u32>16843009))
        const quad_2: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>8) & <u32>255) | (((loaded_1 >> <u32>2) & <u32>3) << <u32>8)) << 3), 6912) ^ (((((loaded_2 >> <u32>8) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>8) & <u32>15) * <u32>2113665) & <u32>16843009))
        const quad_3: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>8) & <u32>255) | (((loaded_1 >> <u32>2) & <u32>3) << <u32>8)) << 3), 6916) ^ (((((loaded_2 >> <u32>12) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>12) & <u32>15) * <u32>2113665) & <u32>16843009))
        const quad_4: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>16) & <u32>255) | (((loaded_1 >> <u32>4) & <u32>3) << <u32>8)) << 3), 6912) ^ (((((loaded_2 >> <u32>16) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>16) & <u32>15) * <u32>2113665) & <u32>16843009))
        const quad_5: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>16) & <u32>255) | (((loaded_1 >> <u32>4) & <u32>3) << <u32>8)) << 3), 6916) ^ (((((loaded_2 >> <u32>20) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>20) & <u32>15) * <u32>2113665) & <u32>16843009))
        const quad_6: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>24) & <u32>255) | (((loaded_1 >> <u32>6) & <u32>3) << <u32>8)) << 3), 6912) ^ (((((loaded_2 >> <u32>24) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>24) & <u32>15) * <u32>2113665) & <u32>16843009))
        const quad_7: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>24) & <u32>255) | (((loaded_1 >> <u32>6) & <u32>3) << <u32>8)) << 3), 6916) ^ (((((loaded_2 >> <u32>28) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>28) & <u32>15) * <u32>2113665) & <u32>16843009))
        const scale: v128 = f32x4.splat(((w_f16(loaded_3) * (<f32>((loaded_4 & <u32>15)) + <f32>0.5)) * <f32>0.25))
        const scale_1: v128 = f32x4.splat(((w_f16(loaded_3) * (<f32>((loaded_4 >> <u32>4)) + <f32>0.5)) * <f32>0.25))
        const products: v128 = w_fma(w_i8x4(quad_3), v128.load(x + (run << 7), 176), w_fma(w_i8x4(quad_2), v128.load(x + (run << 7), 160), w_fma(w_i8x4(quad_1), v128.load(x + (run << 7), 144), f32x4.mul(w_i8x4(quad), v128.load(x + (run << 7), 128)))))
        acc = w_fma(products, scale, acc)
        const products_1: v128 = w_fma(w_i8x4(quad_7), v128.load(x + (run << 7), 240), w_fma(w_i8x4(quad_6), v128.load(x + (run << 7), 224), w_fma(w_i8x4(quad_5), v128.load(x + (run << 7), 208), f32x4.mul(w_i8x4(quad_4), v128.load(x + (run << 7), 192)))))
        acc_1 = w_fma(products_1, scale_1, acc_1)
      }
    }
    for (; run < <u32>8; run += <u32>1) {
      const loaded: u32 = load<u32>(weightWords + (col << 5) + (run << 2), 0)
      const loaded_1: u32 = <u32>load<u8>(weightWords + (col << 3) + run, 5120)
      const loaded_2: u32 = load<u32>(weightWords + (col << 5) + (run << 2), 2560)
      const loaded_3: u32 = <u32>load<u16>(weightWords + ((((col * <u32>8) + run) >> <u32>3) << 1), 6656)
      const loaded_4: u32 = <u32>load<u8>(weightWords + (col << 3) + run, 5888)
      const quad: u32 = ((load<u32>(weightWords + (((loaded & <u32>255) | ((loaded_1 & <u32>3) << <u32>8)) << 3), 6912) ^ ((((loaded_2 & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + (((loaded_2 & <u32>15) * <u32>2113665) & <u32>16843009))
      const quad_1: u32 = ((load<u32>(weightWords + (((loaded & <u32>255) | ((loaded_1 & <u32>3) << <u32>8)) << 3), 6916) ^ (((((loaded_2 >> <u32>4) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>4) & <u32>15) * <u32>2113665) & <u32>16843009))
      const quad_2: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>8) & <u32>255) | (((loaded_1 >> <u32>2) & <u32>3) << <u32>8)) << 3), 6912) ^ (((((loaded_2 >> <u32>8) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>8) & <u32>15) * <u32>2113665) & <u32>16843009))
      const quad_3: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>8) & <u32>255) | (((loaded_1 >> <u32>2) & <u32>3) << <u32>8)) << 3), 6916) ^ (((((loaded_2 >> <u32>12) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>12) & <u32>15) * <u32>2113665) & <u32>16843009))
      const quad_4: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>16) & <u32>255) | (((loaded_1 >> <u32>4) & <u32>3) << <u32>8)) << 3), 6912) ^ (((((loaded_2 >> <u32>16) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>16) & <u32>15) * <u32>2113665) & <u32>16843009))
      const quad_5: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>16) & <u32>255) | (((loaded_1 >> <u32>4) & <u32>3) << <u32>8)) << 3), 6916) ^ (((((loaded_2 >> <u32>20) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>20) & <u32>15) * <u32>2113665) & <u32>16843009))
      const quad_6: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>24) & <u32>255) | (((loaded_1 >> <u32>6) & <u32>3) << <u32>8)) << 3), 6912) ^ (((((loaded_2 >> <u32>24) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>24) & <u32>15) * <u32>2113665) & <u32>16843009))
      const quad_7: u32 = ((load<u32>(weightWords + ((((loaded >> <u32>24) & <u32>255) | (((loaded_1 >> <u32>6) & <u32>3) << <u32>8)) << 3), 6916) ^ (((((loaded_2 >> <u32>28) & <u32>15) * <u32>2113665) & <u32>16843009) * <u32>255)) + ((((loaded_2 >> <u32>28) & <u32>15) * <u32>2113665) & <u32>16843009))
      const scale: v128 = f32x4.splat(((w_f16(loaded_3) * (<f32>((loaded_4 & <u32>15)) + <f32>0.5)) * <f32>0.25))
      const scale_1: v128 = f32x4.splat(((w_f16(loaded_3) * (<f32>((loaded_4 >> <u32>4)) + <f32>0.5)) * <f32>0.25))
      const products: v128 = w_fma(w_i8x4(quad_3), v128.load(x + (run << 7), 48), w_fma(w_i8x4(quad_2), v128.load(x + (run << 7), 32), w_fma(w_i8x4(quad_1), v128.load(x + (run << 7), 16), f32x4.mul(w_i8x4(quad), v128.load(x + (run << 7), 0)))))
      acc = w_fma(products, scale, acc)
      const products_1: v128 = w_fma(w_i8x4(quad_7), v128.load(x + (run << 7), 112), w_fma(w_i8x4(quad_6), v128.load(x + (run << 7), 96), w_fma(w_i8x4(quad_5), v128.load(x + (run << 7), 80), f32x4.mul(w_i8x4(quad_4), v128.load(x + (run << 7), 64)))))
      acc_1 = w_fma(products_1, scale_1, acc_1)
    }
    const total: f32 = w_sum4(f32x4.add(acc, acc_1))
    store<f32>(out_ + (col << 2), total, 0)
  }
  }
}
