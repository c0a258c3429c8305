// fusedLinear.row: rows 1, unroll 2
export function kernel_fusedLinear_row_3(tile: u32, args: usize, scratch: usize): void {
  const x: usize = load<u32>(args, 0)
  const out_: usize = load<u32>(args, 4)
  const weight: usize = load<u32>(args, 8)
  const weightWords: usize = load<u32>(args, 12)
  for (let i: u32 = <u32>0; i < <u32>8; i += <u32>1) {
    store<f32>(scratch + (i << 2), w_sum4(f32x4.add(f32x4.add(f32x4.add(f32x4.add(f32x4.add(f32x4.add(f32x4.add(v128.load(x + (i << 7), 0), v128.load(x + (i << 7), 16)), v128.load(x + (i << 7), 32)), v128.load(x + (i << 7), 48)), v128.load(x + (i << 7), 64)), v128.load(x + (i << 7), 80)), v128.load(x + (i << 7), 96)), v128.load(x + (i << 7), 112))), 0)
  }
  const first: u32 = (tile * <u32>128)
  const end: u32 = (first + <u32>128)
  {
  const col_end_: u32 = end
  for (let col: u32 = first; col < col_end_; col += <u32>1) {
    const weightRow: u32 = (col + <u32>256)
    let acc: v128 = f32x4.splat(<f32>0)
    let acc_1: v128 = f32x4.splat(<f32>0)
    let acc_2: v128 = f32x4.splat(<f32>0)
    let acc_3: v128 = f32x4.splat(<f32>0)
    let minima: f32 = <f32>0
    let minima_1: f32 = <f32>0
    let run: u32 = <u32>0
    for (; run + <u32>1 < <u32>8; run += <u32>2) {
      {
        const loaded: v128 = v128.load(weight + (col << 7) + (run << 4), 0)
        const loaded_1: u32 = load<u32>(weightWords + (col << 5) + (run << 2), 65536)
        const loaded_2: u32 = load<u32>(weightWords + ((((col * <u32>8) + run) >> <u32>3) << 2), 88064)
        const loaded_3: u32 = <u32>load<u8>(weightWords + (col << 3) + run, 81920)
        const loaded_4: u32 = <u32>load<u8>(weightWords + (((col * <u32>8) + run) >> <u32>1), 86016)
        const loaded_5: u32 = (((col * <u32>8) + run) & <u32>7)
        const bytes: v128 = v128.or(v128.and(loaded, i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat(loaded_1), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3))
        const words: v128 = i16x8.extend_low_i8x16_s(bytes)
        const words_1: v128 = i16x8.extend_high_i8x16_s(bytes)
        const bytes_1: v128 = v128.or(v128.and(i32x4.shr_u(loaded, <u32>4), i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat((loaded_1 >> <u32>4)), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3))
        const words_2: v128 = i16x8.extend_low_i8x16_s(bytes_1)
        const words_3: v128 = i16x8.extend_high_i8x16_s(bytes_1)
        const scale: v128 = f32x4.splat((w_f16(loaded_2) * <f32>(((loaded_3 & <u32>15) | ((((loaded_4 >> ((loaded_5 & <u32>1) * <u32>4)) & <u32>15) & <u32>3) << <u32>4)))))
        const least: f32 = (w_f16((loaded_2 >> <u32>16)) * <f32>(((loaded_3 >> <u32>4) | ((((loaded_4 >> ((loaded_5 & <u32>1) * <u32>4)) & <u32>15) & <u32>12) << <u32>2))))
        const products: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_3)), v128.load(x + (run << 7), 112), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_3)), v128.load(x + (run << 7), 96), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_2)), v128.load(x + (run << 7), 80), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_2)), v128.load(x + (run << 7), 64), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_1)), v128.load(x + (run << 7), 48), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_1)), v128.load(x + (run << 7), 32), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), v128.load(x + (run << 7), 16), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), v128.load(x + (run << 7), 0)))))))))
        acc = w_fma(products, scale, acc)
        minima = (least * load<f32>(scratch + (run << 2), 0) + minima)
      }
      {
        const loaded: v128 = v128.load(weight + (col << 7) + (run << 4), 16)
        const loaded_1: u32 = load<u32>(weightWords + (col << 5) + (run << 2), 65540)
        const loaded_2: u32 = load<u32>(weightWords + ((((col * <u32>8) + (run + <u32>1)) >> <u32>3) << 2), 88064)
        const loaded_3: u32 = <u32>load<u8>(weightWords + (col << 3) + run, 81921)
        const loaded_4: u32 = <u32>load<u8>(weightWords + (((col * <u32>8) + (run + <u32>1)) >> <u32>1), 86016)
        const loaded_5: u32 = (((col * <u32>8) + (run + <u32>1)) & <u32>7)
        const bytes: v128 = v128.or(v128.and(loaded, i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat(loaded_1), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3))
        const words: v128 = i16x8.extend_low_i8x16_s(bytes)
        const words_1: v128 = i16x8.extend_high_i8x16_s(bytes)
        const bytes_1: v128 = v128.or(v128.and(i32x4.shr_u(loaded, <u32>4), i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat((loaded_1 >> <u32>4)), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3))
        const words_2: v128 = i16x8.extend_low_i8x16_s(bytes_1)
        const words_3: v128 = i16x8.extend_high_i8x16_s(bytes_1)
        const scale: v128 = f32x4.splat((w_f16(loaded_2) * <f32>(((loaded_3 & <u32>15) | ((((loaded_4 >> ((loaded_5 & <u32>1) * <u32>4)) & <u32>15) & <u32>3) << <u32>4)))))
        const least: f32 = (w_f16((loaded_2 >> <u32>16)) * <f32>(((loaded_3 >> <u32>4) | ((((loaded_4 >> ((loaded_5 & <u32>1) * <u32>4)) & <u32>15) & <u32>12) << <u32>2))))
        const products: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_3)), v128.load(x + (run << 7), 240), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_3)), v128.load(x + (run << 7), 224), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_2)), v128.load(x + (run << 7), 208), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_2)), v128.load(x + (run << 7), 192), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_1)), v128.load(x + (run << 7), 176), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_1)), v128.load(x + (run << 7), 160), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), v128.load(x + (run << 7), 144), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), v128.load(x + (run << 7), 128)))))))))
        acc = w_fma(products, scale, acc)
        minima = (least * load<f32>(scratch + (run << 2), 4) + minima)
      }
    }
    for (; run < <u32>8; run += <u32>1) {
      const loaded: v128 = v128.load(weight + (col << 7) + (run << 4), 0)
      const loaded_1: u32 = load<u32>(weightWords + (col << 5) + (run << 2), 65536)
      const loaded_2: u32 = load<u32>(weightWords + ((((col * <u32>8) + run) >> <u32>3) << 2), 88064)
      const loaded_3: u32 = <u32>load<u8>(weightWords + (col << 3) + run, 81920)
      const loaded_4: u32 = <u32>load<u8>(weightWords + (((col * <u32>8) + run) >> <u32>1), 86016)
      const loaded_5: u32 = (((col * <u32>8) + run) & <u32>7)
      const bytes: v128 = v128.or(v128.and(loaded, i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat(loaded_1), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3))
      const words: v128 = i16x8.extend_low_i8x16_s(bytes)
      const words_1: v128 = i16x8.extend_high_i8x16_s(bytes)
      const bytes_1: v128 = v128.or(v128.and(i32x4.shr_u(loaded, <u32>4), i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat((loaded_1 >> <u32>4)), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3))
      const words_2: v128 = i16x8.extend_low_i8x16_s(bytes_1)
      const words_3: v128 = i16x8.extend_high_i8x16_s(bytes_1)
      const scale: v128 = f32x4.splat((w_f16(loaded_2) * <f32>(((loaded_3 & <u32>15) | ((((loaded_4 >> ((loaded_5 & <u32>1) * <u32>4)) & <u32>15) & <u32>3) << <u32>4)))))
      const least: f32 = (w_f16((loaded_2 >> <u32>16)) * <f32>(((loaded_3 >> <u32>4) | ((((loaded_4 >> ((loaded_5 & <u32>1) * <u32>4)) & <u32>15) & <u32>12) << <u32>2))))
      const products: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_3)), v128.load(x + (run << 7), 112), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_3)), v128.load(x + (run << 7), 96), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_2)), v128.load(x + (run << 7), 80), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_2)), v128.load(x + (run << 7), 64), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_1)), v128.load(x + (run << 7), 48), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_1)), v128.load(x + (run << 7), 32), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), v128.load(x + (run << 7), 16), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), v128.load(x + (run << 7), 0)))))))))
      acc = w_fma(products, scale, acc)
      minima = (least * load<f32>(scratch + (run << 2), 0) + minima)
    }
    let run_1: u32 = <u32>0
    for (; run_1 + <u32>1 < <u32>8; run_1 += <u32>2) {
      {
        const loaded_6: v128 = v128.load(weight + (col << 7) + (run_1 << 4), 32768)
        const loaded_7: u32 = load<u32>(weightWords + (col << 5) + (run_1 << 2), 73728)
        const loaded_8: u32 = load<u32>(weightWords + ((((weightRow * <u32>8) + run_1) >> <u32>3) << 2), 88064)
        const loaded_9: u32 = <u32>load<u8>(weightWords + (col << 3) + run_1, 83968)
        const loaded_10: u32 = <u32>load<u8>(weightWords + (((weightRow * <u32>8) + run_1) >> <u32>1), 86016)
        const loaded_11: u32 = (((weightRow * <u32>8) + run_1) & <u32>7)
        const bytes_2: v128 = v128.or(v128.and(loaded_6, i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat(loaded_7), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3))
        const words_4: v128 = i16x8.extend_low_i8x16_s(bytes_2)
        const words_5: v128 = i16x8.extend_high_i8x16_s(bytes_2)
        const bytes_3: v128 = v128.or(v128.and(i32x4.shr_u(loaded_6, <u32>4), i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat((loaded_7 >> <u32>4)), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3))
        const words_6: v128 = i16x8.extend_low_i8x16_s(bytes_3)
        const words_7: v128 = i16x8.extend_high_i8x16_s(bytes_3)
        const scale_1: v128 = f32x4.splat((w_f16(loaded_8) * <f32>(((loaded_9 & <u32>15) | ((((loaded_10 >> ((loaded_11 & <u32>1) * <u32>4)) & <u32>15) & <u32>3) << <u32>4)))))
        const least_1: f32 = (w_f16((loaded_8 >> <u32>16)) * <f32>(((loaded_9 >> <u32>4) | ((((loaded_10 >> ((loaded_11 & <u32>1) * <u32>4)) & <u32>15) & <u32>12) << <u32>2))))
        const products_1: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_7)), v128.load(x + (run_1 << 7), 112), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_7)), v128.load(x + (run_1 << 7), 96), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_6)), v128.load(x + (run_1 << 7), 80), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_6)), v128.load(x + (run_1 << 7), 64), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_5)), v128.load(x + (run_1 << 7), 48), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_5)), v128.load(x + (run_1 << 7), 32), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_4)), v128.load(x + (run_1 << 7), 16), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_4)), v128.load(x + (run_1 << 7), 0)))))))))
        acc_2 = w_fma(products_1, scale_1, acc_2)
        minima_1 = (least_1 * load<f32>(scratch + (run_1 << 2), 0) + minima_1)
      }
      {
        const loaded_6: v128 = v128.load(weight + (col << 7) + (run_1 << 4), 32784)
        const loaded_7: u32 = load<u32>(weightWords + (col << 5) + (run_1 << 2), 73732)
        const loaded_8: u32 = load<u32>(weightWords + ((((weightRow * <u32>8) + (run_1 + <u32>1)) >> <u32>3) << 2), 88064)
        const loaded_9: u32 = <u32>load<u8>(weightWords + (col << 3) + run_1, 83969)
        const loaded_10: u32 = <u32>load<u8>(weightWords + (((weightRow * <u32>8) + (run_1 + <u32>1)) >> <u32>1), 86016)
        const loaded_11: u32 = (((weightRow * <u32>8) + (run_1 + <u32>1)) & <u32>7)
        const bytes_2: v128 = v128.or(v128.and(loaded_6, i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat(loaded_7), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3))
        const words_4: v128 = i16x8.extend_low_i8x16_s(bytes_2)
        const words_5: v128 = i16x8.extend_high_i8x16_s(bytes_2)
        const bytes_3: v128 = v128.or(v128.and(i32x4.shr_u(loaded_6, <u32>4), i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat((loaded_7 >> <u32>4)), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3))
        const words_6: v128 = i16x8.extend_low_i8x16_s(bytes_3)
        const words_7: v128 = i16x8.extend_high_i8x16_s(bytes_3)
        const scale_1: v128 = f32x4.splat((w_f16(loaded_8) * <f32>(((loaded_9 & <u32>15) | ((((loaded_10 >> ((loaded_11 & <u32>1) * <u32>4)) & <u32>15) & <u32>3) << <u32>4)))))
        const least_1: f32 = (w_f16((loaded_8 >> <u32>16)) * <f32>(((loaded_9 >> <u32>4) | ((((loaded_10 >> ((loaded_11 & <u32>1) * <u32>4)) & <u32>15) & <u32>12) << <u32>2))))
        const products_1: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_7)), v128.load(x + (run_1 << 7), 240), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_7)), v128.load(x + (run_1 << 7), 224), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_6)), v128.load(x + (run_1 << 7), 208), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_6)), v128.load(x + (run_1 << 7), 192), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_5)), v128.load(x + (run_1 << 7), 176), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_5)), v128.load(x + (run_1 << 7), 160), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_4)), v128.load(x + (run_1 << 7), 144), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_4)), v128.load(x + (run_1 << 7), 128)))))))))
        acc_2 = w_fma(products_1, scale_1, acc_2)
        minima_1 = (least_1 * load<f32>(scratch + (run_1 << 2), 4) + minima_1)
      }
    }
    for (; run_1 < <u32>8; run_1 += <u32>1) {
      const loaded_6: v128 = v128.load(weight + (col << 7) + (run_1 << 4), 32768)
      const loaded_7: u32 = load<u32>(weightWords + (col << 5) + (run_1 << 2), 73728)
      const loaded_8: u32 = load<u32>(weightWords + ((((weightRow * <u32>8) + run_1) >> <u32>3) << 2), 88064)
      const loaded_9: u32 = <u32>load<u8>(weightWords + (col << 3) + run_1, 83968)
      const loaded_10: u32 = <u32>load<u8>(weightWords + (((weightRow * <u32>8) + run_1) >> <u32>1), 86016)
      const loaded_11: u32 = (((weightRow * <u32>8) + run_1) & <u32>7)
      const bytes_2: v128 = v128.or(v128.and(loaded_6, i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat(loaded_7), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3))
      const words_4: v128 = i16x8.extend_low_i8x16_s(bytes_2)
      const words_5: v128 = i16x8.extend_high_i8x16_s(bytes_2)
      const bytes_3: v128 = v128.or(v128.and(i32x4.shr_u(loaded_6, <u32>4), i32x4.splat(<u32>252645135)), i32x4.shr_u(v128.and(i32x4.mul(i32x4.splat((loaded_7 >> <u32>4)), i32x4(128, 64, 32, 16)), i32x4.splat(<u32>2155905152)), <u32>3))
      const words_6: v128 = i16x8.extend_low_i8x16_s(bytes_3)
      const words_7: v128 = i16x8.extend_high_i8x16_s(bytes_3)
      const scale_1: v128 = f32x4.splat((w_f16(loaded_8) * <f32>(((loaded_9 & <u32>15) | ((((loaded_10 >> ((loaded_11 & <u32>1) * <u32>4)) & <u32>15) & <u32>3) << <u32>4)))))
      const least_1: f32 = (w_f16((loaded_8 >> <u32>16)) * <f32>(((loaded_9 >> <u32>4) | ((((loaded_10 >> ((loaded_11 & <u32>1) * <u32>4)) & <u32>15) & <u32>12) << <u32>2))))
      const products_1: v128 = w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_7)), v128.load(x + (run_1 << 7), 112), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_7)), v128.load(x + (run_1 << 7), 96), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_6)), v128.load(x + (run_1 << 7), 80), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_6)), v128.load(x + (run_1 << 7), 64), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_5)), v128.load(x + (run_1 << 7), 48), w_fma(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_5)), v128.load(x + (run_1 << 7), 32), w_fma(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_4)), v128.load(x + (run_1 << 7), 16), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_4)), v128.load(x + (run_1 << 7), 0)))))))))
      acc_2 = w_fma(products_1, scale_1, acc_2)
      minima_1 = (least_1 * load<f32>(scratch + (run_1 << 2), 0) + minima_1)
    }
    const total: f32 = (w_sum4(f32x4.add(acc, acc_1)) - minima)
    const total_1: f32 = (w_sum4(f32x4.add(acc_2, acc_3)) - minima_1)
    store<f32>(out_ + (col << 2), ((total / (<f32>1 + w_exp((-total)))) * total_1), 0)
  }
  }
}
