// fusedLinear.row: rows 1, unroll 2
export function kernel_fusedLinear_row(tile: u32, args: usize, scratch: usize): void {
  const x: usize = load<u32>(args, 0)
  const out_: usize = load<u32>(args, 4)
  const weight: usize = load<u32>(args, 8)
  const weightWords: usize = load<u32>(args, 12)
  for (let i: u32 = <u32>0; i < <u32>8; i += <u32>1) {
    store<f32>(scratch + (i << 2), w_sum4(f32x4.add(f32x4.add(f32x4.add(f32x4.add(f32x4.add(f32x4.add(f32x4.add(v128.load(x + (i << 7), 0), v128.load(x + (i << 7), 16)), v128.load(x + (i << 7), 32)), v128.load(x + (i << 7), 48)), v128.load(x + (i << 7), 64)), v128.load(x + (i << 7), 80)), v128.load(x + (i << 7), 96)), v128.load(x + (i << 7), 112))), 0)
  }
  const first: u32 = (tile * <u32>256)
  const end: u32 = (first + <u32>256)
  {
  const col_end_: u32 = end
  for (let col: u32 = first; col < col_end_; col += <u32>1) {
    let acc: v128 = f32x4.splat(<f32>0)
    let acc_1: v128 = f32x4.splat(<f32>0)
    let minima: f32 = <f32>0
    let run: u32 = <u32>0
    for (; run + <u32>1 < <u32>8; run += <u32>2) {
      {
        const loaded: v128 = v128.load(weight + (col << 7) + (run << 4), 0)
        const loaded_1: u32 = load<u32>(weightWords + ((((col * <u32>8) + run) >> <u32>3) << 2), 35840)
        const loaded_2: u32 = <u32>load<u8>(weightWords + (col << 3) + run, 32768)
        const loaded_3: u32 = <u32>load<u8>(weightWords + (((col * <u32>8) + run) >> <u32>1), 34816)
        const loaded_4: u32 = (((col * <u32>8) + run) & <u32>7)
        const bytes: v128 = v128.and(loaded, i32x4.splat(<u32>252645135))
        const words: v128 = i16x8.extend_low_i8x16_s(bytes)
        const words_1: v128 = i16x8.extend_high_i8x16_s(bytes)
        const bytes_1: v128 = v128.and(i32x4.shr_u(loaded, <u32>4), i32x4.splat(<u32>252645135))
        const words_2: v128 = i16x8.extend_low_i8x16_s(bytes_1)
        const words_3: v128 = i16x8.extend_high_i8x16_s(bytes_1)
        const scale: v128 = f32x4.splat((w_f16(loaded_1) * <f32>(((loaded_2 & <u32>15) | ((((loaded_3 >> ((loaded_4 & <u32>1) * <u32>4)) & <u32>15) & <u32>3) << <u32>4)))))
        const least: f32 = (w_f16((loaded_1 >> <u32>16)) * <f32>(((loaded_2 >> <u32>4) | ((((loaded_3 >> ((loaded_4 & <u32>1) * <u32>4)) & <u32>15) & <u32>12) << <u32>2))))
        const products: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_3)), v128.load(x + (run << 7), 112), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_3)), v128.load(x + (run << 7), 96), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_2)), v128.load(x + (run << 7), 80), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_2)), v128.load(x + (run << 7), 64), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_1)), v128.load(x + (run << 7), 48), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_1)), v128.load(x + (run << 7), 32), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), v128.load(x + (run << 7), 16), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), v128.load(x + (run << 7), 0)))))))))
        acc = w_fma(products, scale, acc)
        minima = (least * load<f32>(scratch + (run << 2), 0) + minima)
      }
      {
        const loaded: v128 = v128.load(weight + (col << 7) + (run << 4), 16)
        const loaded_1: u32 = load<u32>(weightWords + ((((col * <u32>8) + (run + <u32>1)) >> <u32>3) << 2), 35840)
        const loaded_2: u32 = <u32>load<u8>(weightWords + (col << 3) + run, 32769)
        const loaded_3: u32 = <u32>load<u8>(weightWords + (((col * <u32>8) + (run + <u32>1)) >> <u32>1), 34816)
        const loaded_4: u32 = (((col * <u32>8) + (run + <u32>1)) & <u32>7)
        const bytes: v128 = v128.and(loaded, i32x4.splat(<u32>252645135))
        const words: v128 = i16x8.extend_low_i8x16_s(bytes)
        const words_1: v128 = i16x8.extend_high_i8x16_s(bytes)
        const bytes_1: v128 = v128.and(i32x4.shr_u(loaded, <u32>4), i32x4.splat(<u32>252645135))
        const words_2: v128 = i16x8.extend_low_i8x16_s(bytes_1)
        const words_3: v128 = i16x8.extend_high_i8x16_s(bytes_1)
        const scale: v128 = f32x4.splat((w_f16(loaded_1) * <f32>(((loaded_2 & <u32>15) | ((((loaded_3 >> ((loaded_4 & <u32>1) * <u32>4)) & <u32>15) & <u32>3) << <u32>4)))))
        const least: f32 = (w_f16((loaded_1 >> <u32>16)) * <f32>(((loaded_2 >> <u32>4) | ((((loaded_3 >> ((loaded_4 & <u32>1) * <u32>4)) & <u32>15) & <u32>12) << <u32>2))))
        const products: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_3)), v128.load(x + (run << 7), 240), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_3)), v128.load(x + (run << 7), 224), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_2)), v128.load(x + (run << 7), 208), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_2)), v128.load(x + (run << 7), 192), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_1)), v128.load(x + (run << 7), 176), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_1)), v128.load(x + (run << 7), 160), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), v128.load(x + (run << 7), 144), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), v128.load(x + (run << 7), 128)))))))))
        acc = w_fma(products, scale, acc)
        minima = (least * load<f32>(scratch + (run << 2), 4) + minima)
      }
    }
    for (; run < <u32>8; run += <u32>1) {
      const loaded: v128 = v128.load(weight + (col << 7) + (run << 4), 0)
      const loaded_1: u32 = load<u32>(weightWords + ((((col * <u32>8) + run) >> <u32>3) << 2), 35840)
      const loaded_2: u32 = <u32>load<u8>(weightWords + (col << 3) + run, 32768)
      const loaded_3: u32 = <u32>load<u8>(weightWords + (((col * <u32>8) + run) >> <u32>1), 34816)
      const loaded_4: u32 = (((col * <u32>8) + run) & <u32>7)
      const bytes: v128 = v128.and(loaded, i32x4.splat(<u32>252645135))
      const words: v128 = i16x8.extend_low_i8x16_s(bytes)
      const words_1: v128 = i16x8.extend_high_i8x16_s(bytes)
      const bytes_1: v128 = v128.and(i32x4.shr_u(loaded, <u32>4), i32x4.splat(<u32>252645135))
      const words_2: v128 = i16x8.extend_low_i8x16_s(bytes_1)
      const words_3: v128 = i16x8.extend_high_i8x16_s(bytes_1)
      const scale: v128 = f32x4.splat((w_f16(loaded_1) * <f32>(((loaded_2 & <u32>15) | ((((loaded_3 >> ((loaded_4 & <u32>1) * <u32>4)) & <u32>15) & <u32>3) << <u32>4)))))
      const least: f32 = (w_f16((loaded_1 >> <u32>16)) * <f32>(((loaded_2 >> <u32>4) | ((((loaded_3 >> ((loaded_4 & <u32>1) * <u32>4)) & <u32>15) & <u32>12) << <u32>2))))
      const products: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_3)), v128.load(x + (run << 7), 112), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_3)), v128.load(x + (run << 7), 96), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_2)), v128.load(x + (run << 7), 80), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_2)), v128.load(x + (run << 7), 64), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_1)), v128.load(x + (run << 7), 48), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_1)), v128.load(x + (run << 7), 32), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), v128.load(x + (run << 7), 16), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), v128.load(x + (run << 7), 0)))))))))
      acc = w_fma(products, scale, acc)
      minima = (least * load<f32>(scratch + (run << 2), 0) + minima)
    }
    const total: f32 = (w_sum4(f32x4.add(acc, acc_1)) - minima)
    store<f32>(out_ + (col << 2), total, 0)
  }
  }
}
