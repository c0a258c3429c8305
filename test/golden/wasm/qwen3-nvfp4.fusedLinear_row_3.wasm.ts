// fusedLinear.row: rows 1, unroll 2
export function kernel_fusedLinear_row_3(tile: u32, args: usize, scratch: usize): void {
  const x: usize = load<u32>(args, 0)
  const out_: usize = load<u32>(args, 4)
  const weight: usize = load<u32>(args, 8)
  const weightWords: usize = load<u32>(args, 12)
  const first: u32 = (tile * <u32>256)
  const end: u32 = (first + <u32>256)
  {
  const col_end_: u32 = end
  for (let col: u32 = first; col < col_end_; col += <u32>1) {
    const weightRow: u32 = (col + <u32>256)
    let acc: v128 = f32x4.splat(<f32>0)
    let acc_1: v128 = f32x4.splat(<f32>0)
    let acc_2: v128 = f32x4.splat(<f32>0)
    let acc_3: v128 = f32x4.splat(<f32>0)
    let run: u32 = <u32>0
    for (; run + <u32>1 < <u32>4; run += <u32>2) {
      {
        const loaded: v128 = v128.load(weight + (col << 6) + (run << 4), 0)
        const loaded_1: u32 = <u32>load<u16>(weightWords + (col << 3) + (run << 1), 32768)
        const bytes: v128 = w_swizzle(i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), v128.and(loaded, i32x4.splat(<u32>252645135)))
        const words: v128 = i16x8.extend_low_i8x16_s(bytes)
        const words_1: v128 = i16x8.extend_high_i8x16_s(bytes)
        const bytes_1: v128 = w_swizzle(i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), v128.and(i32x4.shr_u(loaded, <u32>4), i32x4.splat(<u32>252645135)))
        const words_2: v128 = i16x8.extend_low_i8x16_s(bytes_1)
        const words_3: v128 = i16x8.extend_high_i8x16_s(bytes_1)
        const scale: v128 = f32x4.splat(w_e4m3((loaded_1 & <u32>255)))
        const scale_1: v128 = f32x4.splat(w_e4m3((loaded_1 >> <u32>8)))
        const products: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_1)), v128.load(x + (run << 7), 48), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_1)), v128.load(x + (run << 7), 32), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), v128.load(x + (run << 7), 16), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), v128.load(x + (run << 7), 0)))))
        acc = w_fma(products, scale, acc)
        const products_1: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_3)), v128.load(x + (run << 7), 112), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_3)), v128.load(x + (run << 7), 96), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_2)), v128.load(x + (run << 7), 80), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_2)), v128.load(x + (run << 7), 64)))))
        acc_1 = w_fma(products_1, scale_1, acc_1)
      }
      {
        const loaded: v128 = v128.load(weight + (col << 6) + (run << 4), 16)
        const loaded_1: u32 = <u32>load<u16>(weightWords + (col << 3) + (run << 1), 32770)
        const bytes: v128 = w_swizzle(i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), v128.and(loaded, i32x4.splat(<u32>252645135)))
        const words: v128 = i16x8.extend_low_i8x16_s(bytes)
        const words_1: v128 = i16x8.extend_high_i8x16_s(bytes)
        const bytes_1: v128 = w_swizzle(i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), v128.and(i32x4.shr_u(loaded, <u32>4), i32x4.splat(<u32>252645135)))
        const words_2: v128 = i16x8.extend_low_i8x16_s(bytes_1)
        const words_3: v128 = i16x8.extend_high_i8x16_s(bytes_1)
        const scale: v128 = f32x4.splat(w_e4m3((loaded_1 & <u32>255)))
        const scale_1: v128 = f32x4.splat(w_e4m3((loaded_1 >> <u32>8)))
        const products: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_1)), v128.load(x + (run << 7), 176), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_1)), v128.load(x + (run << 7), 160), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), v128.load(x + (run << 7), 144), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), v128.load(x + (run << 7), 128)))))
        acc = w_fma(products, scale, acc)
        const products_1: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_3)), v128.load(x + (run << 7), 240), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_3)), v128.load(x + (run << 7), 224), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_2)), v128.load(x + (run << 7), 208), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_2)), v128.load(x + (run << 7), 192)))))
        acc_1 = w_fma(products_1, scale_1, acc_1)
      }
    }
    for (; run < <u32>4; run += <u32>1) {
      const loaded: v128 = v128.load(weight + (col << 6) + (run << 4), 0)
      const loaded_1: u32 = <u32>load<u16>(weightWords + (col << 3) + (run << 1), 32768)
      const bytes: v128 = w_swizzle(i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), v128.and(loaded, i32x4.splat(<u32>252645135)))
      const words: v128 = i16x8.extend_low_i8x16_s(bytes)
      const words_1: v128 = i16x8.extend_high_i8x16_s(bytes)
      const bytes_1: v128 = w_swizzle(i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), v128.and(i32x4.shr_u(loaded, <u32>4), i32x4.splat(<u32>252645135)))
      const words_2: v128 = i16x8.extend_low_i8x16_s(bytes_1)
      const words_3: v128 = i16x8.extend_high_i8x16_s(bytes_1)
      const scale: v128 = f32x4.splat(w_e4m3((loaded_1 & <u32>255)))
      const scale_1: v128 = f32x4.splat(w_e4m3((loaded_1 >> <u32>8)))
      const products: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_1)), v128.load(x + (run << 7), 48), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_1)), v128.load(x + (run << 7), 32), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), v128.load(x + (run << 7), 16), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), v128.load(x + (run << 7), 0)))))
      acc = w_fma(products, scale, acc)
      const products_1: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_3)), v128.load(x + (run << 7), 112), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_3)), v128.load(x + (run << 7), 96), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_2)), v128.load(x + (run << 7), 80), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_2)), v128.load(x + (run << 7), 64)))))
      acc_1 = w_fma(products_1, scale_1, acc_1)
    }
    let run_1: u32 = <u32>0
    for (; run_1 + <u32>1 < <u32>4; run_1 += <u32>2) {
      {
        const loaded_2: v128 = v128.load(weight + (col << 6) + (run_1 << 4), 16384)
        const loaded_3: u32 = <u32>load<u16>(weightWords + (col << 3) + (run_1 << 1), 34816)
        const bytes_2: v128 = w_swizzle(i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), v128.and(loaded_2, i32x4.splat(<u32>252645135)))
        const words_4: v128 = i16x8.extend_low_i8x16_s(bytes_2)
        const words_5: v128 = i16x8.extend_high_i8x16_s(bytes_2)
        const bytes_3: v128 = w_swizzle(i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), v128.and(i32x4.shr_u(loaded_2, <u32>4), i32x4.splat(<u32>252645135)))
        const words_6: v128 = i16x8.extend_low_i8x16_s(bytes_3)
        const words_7: v128 = i16x8.extend_high_i8x16_s(bytes_3)
        const scale_2: v128 = f32x4.splat(w_e4m3((loaded_3 & <u32>255)))
        const scale_3: v128 = f32x4.splat(w_e4m3((loaded_3 >> <u32>8)))
        const products_2: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_5)), v128.load(x + (run_1 << 7), 48), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_5)), v128.load(x + (run_1 << 7), 32), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_4)), v128.load(x + (run_1 << 7), 16), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_4)), v128.load(x + (run_1 << 7), 0)))))
        acc_2 = w_fma(products_2, scale_2, acc_2)
        const products_3: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_7)), v128.load(x + (run_1 << 7), 112), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_7)), v128.load(x + (run_1 << 7), 96), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_6)), v128.load(x + (run_1 << 7), 80), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_6)), v128.load(x + (run_1 << 7), 64)))))
        acc_3 = w_fma(products_3, scale_3, acc_3)
      }
      {
        const loaded_2: v128 = v128.load(weight + (col << 6) + (run_1 << 4), 16400)
        const loaded_3: u32 = <u32>load<u16>(weightWords + (col << 3) + (run_1 << 1), 34818)
        const bytes_2: v128 = w_swizzle(i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), v128.and(loaded_2, i32x4.splat(<u32>252645135)))
        const words_4: v128 = i16x8.extend_low_i8x16_s(bytes_2)
        const words_5: v128 = i16x8.extend_high_i8x16_s(bytes_2)
        const bytes_3: v128 = w_swizzle(i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), v128.and(i32x4.shr_u(loaded_2, <u32>4), i32x4.splat(<u32>252645135)))
        const words_6: v128 = i16x8.extend_low_i8x16_s(bytes_3)
        const words_7: v128 = i16x8.extend_high_i8x16_s(bytes_3)
        const scale_2: v128 = f32x4.splat(w_e4m3((loaded_3 & <u32>255)))
        const scale_3: v128 = f32x4.splat(w_e4m3((loaded_3 >> <u32>8)))
        const products_2: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_5)), v128.load(x + (run_1 << 7), 176), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_5)), v128.load(x + (run_1 << 7), 160), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_4)), v128.load(x + (run_1 << 7), 144), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_4)), v128.load(x + (run_1 << 7), 128)))))
        acc_2 = w_fma(products_2, scale_2, acc_2)
        const products_3: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_7)), v128.load(x + (run_1 << 7), 240), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_7)), v128.load(x + (run_1 << 7), 224), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_6)), v128.load(x + (run_1 << 7), 208), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_6)), v128.load(x + (run_1 << 7), 192)))))
        acc_3 = w_fma(products_3, scale_3, acc_3)
      }
    }
    for (; run_1 < <u32>4; run_1 += <u32>1) {
      const loaded_2: v128 = v128.load(weight + (col << 6) + (run_1 << 4), 16384)
      const loaded_3: u32 = <u32>load<u16>(weightWords + (col << 3) + (run_1 << 1), 34816)
      const bytes_2: v128 = w_swizzle(i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), v128.and(loaded_2, i32x4.splat(<u32>252645135)))
      const words_4: v128 = i16x8.extend_low_i8x16_s(bytes_2)
      const words_5: v128 = i16x8.extend_high_i8x16_s(bytes_2)
      const bytes_3: v128 = w_swizzle(i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), v128.and(i32x4.shr_u(loaded_2, <u32>4), i32x4.splat(<u32>252645135)))
      const words_6: v128 = i16x8.extend_low_i8x16_s(bytes_3)
      const words_7: v128 = i16x8.extend_high_i8x16_s(bytes_3)
      const scale_2: v128 = f32x4.splat(w_e4m3((loaded_3 & <u32>255)))
      const scale_3: v128 = f32x4.splat(w_e4m3((loaded_3 >> <u32>8)))
      const products_2: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_5)), v128.load(x + (run_1 << 7), 48), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_5)), v128.load(x + (run_1 << 7), 32), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_4)), v128.load(x + (run_1 << 7), 16), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_4)), v128.load(x + (run_1 << 7), 0)))))
      acc_2 = w_fma(products_2, scale_2, acc_2)
      const products_3: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_7)), v128.load(x + (run_1 << 7), 112), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_7)), v128.load(x + (run_1 << 7), 96), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_6)), v128.load(x + (run_1 << 7), 80), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_6)), v128.load(x + (run_1 << 7), 64)))))
      acc_3 = w_fma(products_3, scale_3, acc_3)
    }
    const total: f32 = (w_sum4(f32x4.add(acc, acc_1)) * <f32>0.5)
    const total_1: f32 = (w_sum4(f32x4.add(acc_2, acc_3)) * <f32>0.5)
    const gate: f32 = (total * reinterpret<f32>(load<u32>(weightWords + (col << 2), 36864)))
    store<f32>(out_ + (col << 2), ((gate / (<f32>1 + w_exp((-gate)))) * (total_1 * reinterpret<f32>(load<u32>(weightWords + (col << 2), 37888)))), 0)
  }
  }
}
