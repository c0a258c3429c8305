// fusedLinear.row: rows 1, unroll 2
export function kernel_fusedLinear_row_2(tile: u32, args: usize, scratch: usize): void {
  const x: usize = load<u32>(args, 0)
  const residual: usize = load<u32>(args, 4)
  const out_: usize = load<u32>(args, 8)
  const weight: usize = load<u32>(args, 12)
  const weightWords: usize = load<u32>(args, 16)
  const first: u32 = (tile * <u32>256)
  const end: u32 = (first + <u32>256)
  {
  const col_end_: u32 = end
  for (let col: u32 = first; col < col_end_; col += <u32>1) {
    let acc: v128 = f32x4.splat(<f32>0)
    let acc_1: v128 = f32x4.splat(<f32>0)
    let run: u32 = <u32>0
    for (; run + <u32>1 < <u32>4; run += <u32>2) {
      {
        const loaded: v128 = v128.load(weight + (col << 6) + (run << 4), 0)
        const loaded_1: u32 = load<u32>(weightWords + (col << 4) + (run << 2), 16384)
        const loaded_2: u32 = <u32>load<u16>(weightWords + (col << 3) + (run << 1), 20480)
        const bytes: v128 = i8x16.sub(v128.or(v128.and(loaded, i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat(loaded_1), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3)), i8x16.splat(<i8>(<i32>16)))
        const words: v128 = i16x8.extend_low_i8x16_s(bytes)
        const words_1: v128 = i16x8.extend_high_i8x16_s(bytes)
        const bytes_1: v128 = i8x16.sub(v128.or(v128.and(i32x4.shr_u(loaded, <u32>4), i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat((loaded_1 >> <u32>4)), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3)), i8x16.splat(<i8>(<i32>16)))
        const words_2: v128 = i16x8.extend_low_i8x16_s(bytes_1)
        const words_3: v128 = i16x8.extend_high_i8x16_s(bytes_1)
        const scale: v128 = f32x4.splat(w_f16(loaded_2))
        const products: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_3)), v128.load(x + (run << 7), 112), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_3)), v128.load(x + (run << 7), 96), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_2)), v128.load(x + (run << 7), 80), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_2)), v128.load(x + (run << 7), 64), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_1)), v128.load(x + (run << 7), 48), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_1)), v128.load(x + (run << 7), 32), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), v128.load(x + (run << 7), 16), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), v128.load(x + (run << 7), 0)))))))))
        acc = w_fma(products, scale, acc)
      }
      {
        const loaded: v128 = v128.load(weight + (col << 6) + (run << 4), 16)
        const loaded_1: u32 = load<u32>(weightWords + (col << 4) + (run << 2), 16388)
        const loaded_2: u32 = <u32>load<u16>(weightWords + (col << 3) + (run << 1), 20482)
        const bytes: v128 = i8x16.sub(v128.or(v128.and(loaded, i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat(loaded_1), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3)), i8x16.splat(<i8>(<i32>16)))
        const words: v128 = i16x8.extend_low_i8x16_s(bytes)
        const words_1: v128 = i16x8.extend_high_i8x16_s(bytes)
        const bytes_1: v128 = i8x16.sub(v128.or(v128.and(i32x4.shr_u(loaded, <u32>4), i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat((loaded_1 >> <u32>4)), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3)), i8x16.splat(<i8>(<i32>16)))
        const words_2: v128 = i16x8.extend_low_i8x16_s(bytes_1)
        const words_3: v128 = i16x8.extend_high_i8x16_s(bytes_1)
        const scale: v128 = f32x4.splat(w_f16(loaded_2))
        const products: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_3)), v128.load(x + (run << 7), 240), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_3)), v128.load(x + (run << 7), 224), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_2)), v128.load(x + (run << 7), 208), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_2)), v128.load(x + (run << 7), 192), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_1)), v128.load(x + (run << 7), 176), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_1)), v128.load(x + (run << 7), 160), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), v128.load(x + (run << 7), 144), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), v128.load(x + (run << 7), 128)))))))))
        acc = w_fma(products, scale, acc)
      }
    }
    for (; run < <u32>4; run += <u32>1) {
      const loaded: v128 = v128.load(weight + (col << 6) + (run << 4), 0)
      const loaded_1: u32 = load<u32>(weightWords + (col << 4) + (run << 2), 16384)
      const loaded_2: u32 = <u32>load<u16>(weightWords + (col << 3) + (run << 1), 20480)
      const bytes: v128 = i8x16.sub(v128.or(v128.and(loaded, i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat(loaded_1), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3)), i8x16.splat(<i8>(<i32>16)))
      const words: v128 = i16x8.extend_low_i8x16_s(bytes)
      const words_1: v128 = i16x8.extend_high_i8x16_s(bytes)
      const bytes_1: v128 = i8x16.sub(v128.or(v128.and(i32x4.shr_u(loaded, <u32>4), i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat((loaded_1 >> <u32>4)), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3)), i8x16.splat(<i8>(<i32>16)))
      const words_2: v128 = i16x8.extend_low_i8x16_s(bytes_1)
      const words_3: v128 = i16x8.extend_high_i8x16_s(bytes_1)
      const scale: v128 = f32x4.splat(w_f16(loaded_2))
      const products: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_3)), v128.load(x + (run << 7), 112), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_3)), v128.load(x + (run << 7), 96), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_2)), v128.load(x + (run << 7), 80), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_2)), v128.load(x + (run << 7), 64), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_1)), v128.load(x + (run << 7), 48), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_1)), v128.load(x + (run << 7), 32), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), v128.load(x + (run << 7), 16), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), v128.load(x + (run << 7), 0)))))))))
      acc = w_fma(products, scale, acc)
    }
    const total: f32 = w_sum4(f32x4.add(acc, acc_1))
    store<f32>(out_ + (col << 2), (load<f32>(residual + (col << 2), 0) + total), 0)
  }
  }
}
