// fusedLinear.block: high 3, wide 3, columns 12
export function kernel_fusedLinear_block_2(tile: u32, args: usize, scratch: usize): void {
  const x: usize = load<u32>(args, 0)
  const out_: usize = load<u32>(args, 4)
  const state: usize = load<u32>(args, 8)
  const weight: usize = load<u32>(args, 12)
  const weightWords: usize = load<u32>(args, 16)
  if ((tile < (((load<u32>(state, 0) + <u32>95) / <u32>96) * <u32>43))) {
    const firstRow: u32 = ((tile / <u32>43) * <u32>96)
    const firstCol: u32 = ((tile % <u32>43) * <u32>6)
    const rows: u32 = load<u32>(state, 0)
    const rowsHere: u32 = min<u32>((rows - firstRow), <u32>96)
    {
      for (let slot: u32 = <u32>0; slot < <u32>12; slot += <u32>1) {
        const weightRow: u32 = (min<u32>((firstCol + (slot % <u32>6)), <u32>255) + ((slot / <u32>6) * <u32>256))
        for (let run: u32 = <u32>0; run < <u32>4; run += <u32>1) {
          const loaded: v128 = v128.load(weight + (weightRow << 6) + (run << 4), 0)
          const loaded_1: u32 = <u32>load<u16>(weightWords + (weightRow << 3) + (run << 1), 32768)
          const bytes: v128 = i8x16.sub(v128.and(loaded, i32x4.splat(<u32>252645135)), i8x16.splat(<i8>(<i32>8)))
          const words: v128 = i16x8.extend_low_i8x16_s(bytes)
          const words_1: v128 = i16x8.extend_high_i8x16_s(bytes)
          const bytes_1: v128 = i8x16.sub(v128.and(i32x4.shr_u(loaded, <u32>4), i32x4.splat(<u32>252645135)), i8x16.splat(<i8>(<i32>8)))
          const words_2: v128 = i16x8.extend_low_i8x16_s(bytes_1)
          const words_3: v128 = i16x8.extend_high_i8x16_s(bytes_1)
          const scale: v128 = f32x4.splat(w_f16(loaded_1))
          v128.store(scratch + (slot << 9) + (run << 7), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), scale), 0)
          v128.store(scratch + (slot << 9) + (run << 7), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), scale), 16)
          v128.store(scratch + (slot << 9) + (run << 7), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_1)), scale), 32)
          v128.store(scratch + (slot << 9) + (run << 7), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_1)), scale), 48)
          v128.store(scratch + (slot << 9) + (run << 7), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_2)), scale), 64)
          v128.store(scratch + (slot << 9) + (run << 7), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_2)), scale), 80)
          v128.store(scratch + (slot << 9) + (run << 7), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_3)), scale), 96)
          v128.store(scratch + (slot << 9) + (run << 7), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_3)), scale), 112)
        }
      }
      {
      const row_end_: u32 = rowsHere
      for (let row: u32 = <u32>0; row < row_end_; row += <u32>3) {
        const xRow: u32 = ((min<u32>((firstRow + row), (rows - <u32>1)) * <u32>32) + (<u32>0 * <u32>8))
        const xRow_1: u32 = ((min<u32>(((firstRow + row) + <u32>1), (rows - <u32>1)) * <u32>32) + (<u32>0 * <u32>8))
        const xRow_2: u32 = ((min<u32>(((firstRow + row) + <u32>2), (rows - <u32>1)) * <u32>32) + (<u32>0 * <u32>8))
        for (let slot_1: u32 = <u32>0; slot_1 < <u32>12; slot_1 += <u32>3) {
          const from_: u32 = (slot_1 * <u32>32)
          let acc: v128 = f32x4.splat(<f32>0)
          let acc_1: v128 = f32x4.splat(<f32>0)
          let acc_2: v128 = f32x4.splat(<f32>0)
          let acc_3: v128 = f32x4.splat(<f32>0)
          let acc_4: v128 = f32x4.splat(<f32>0)
          let acc_5: v128 = f32x4.splat(<f32>0)
          let acc_6: v128 = f32x4.splat(<f32>0)
          let acc_7: v128 = f32x4.splat(<f32>0)
          let acc_8: v128 = f32x4.splat(<f32>0)
          for (let v: u32 = <u32>0; v < <u32>32; v += <u32>1) {
            const xv: v128 = v128.load(x + ((xRow + v) << 4), 0)
            const xv_1: v128 = v128.load(x + ((xRow_1 + v) << 4), 0)
            const xv_2: v128 = v128.load(x + ((xRow_2 + v) << 4), 0)
            const w: v128 = v128.load(scratch + ((from_ + v) << 4), 0)
            acc = w_fma(xv, w, acc)
            acc_3 = w_fma(xv_1, w, acc_3)
            acc_6 = w_fma(xv_2, w, acc_6)
            const w_1: v128 = v128.load(scratch + ((from_ + v) << 4), 512)
            acc_1 = w_fma(xv, w_1, acc_1)
            acc_4 = w_fma(xv_1, w_1, acc_4)
            acc_7 = w_fma(xv_2, w_1, acc_7)
            const w_2: v128 = v128.load(scratch + ((from_ + v) << 4), 1024)
            acc_2 = w_fma(xv, w_2, acc_2)
            acc_5 = w_fma(xv_1, w_2, acc_5)
            acc_8 = w_fma(xv_2, w_2, acc_8)
          }
          const resultAt: u32 = ((row * <u32>12) + slot_1)
          const sum: f32 = w_sum4(acc)
          if ((<u32>0 == <u32>0)) {
            store<f32>(scratch + (resultAt << 2), sum, 6144)
          } else {
            store<f32>(scratch + (resultAt << 2), (load<f32>(scratch + (resultAt << 2), 6144) + sum), 6144)
          }
          const resultAt_1: u32 = (((row * <u32>12) + slot_1) + <u32>1)
          const sum_1: f32 = w_sum4(acc_1)
          if ((<u32>0 == <u32>0)) {
            store<f32>(scratch + row * 48 + (slot_1 << 2), sum_1, 6148)
          } else {
            store<f32>(scratch + row * 48 + (slot_1 << 2), (load<f32>(scratch + row * 48 + (slot_1 << 2), 6148) + sum_1), 6148)
          }
          const resultAt_2: u32 = (((row * <u32>12) + slot_1) + <u32>2)
          const sum_2: f32 = w_sum4(acc_2)
          if ((<u32>0 == <u32>0)) {
            store<f32>(scratch + row * 48 + (slot_1 << 2), sum_2, 6152)
          } else {
            store<f32>(scratch + row * 48 + (slot_1 << 2), (load<f32>(scratch + row * 48 + (slot_1 << 2), 6152) + sum_2), 6152)
          }
          const resultAt_3: u32 = (((row + <u32>1) * <u32>12) + slot_1)
          const sum_3: f32 = w_sum4(acc_3)
          if ((<u32>0 == <u32>0)) {
            store<f32>(scratch + row * 48 + (slot_1 << 2), sum_3, 6192)
          } else {
            store<f32>(scratch + row * 48 + (slot_1 << 2), (load<f32>(scratch + row * 48 + (slot_1 << 2), 6192) + sum_3), 6192)
          }
          const resultAt_4: u32 = ((((row + <u32>1) * <u32>12) + slot_1) + <u32>1)
          const sum_4: f32 = w_sum4(acc_4)
          if ((<u32>0 == <u32>0)) {
            store<f32>(scratch + row * 48 + (slot_1 << 2), sum_4, 6196)
          } else {
            store<f32>(scratch + row * 48 + (slot_1 << 2), (load<f32>(scratch + row * 48 + (slot_1 << 2), 6196) + sum_4), 6196)
          }
          const resultAt_5: u32 = ((((row + <u32>1) * <u32>12) + slot_1) + <u32>2)
          const sum_5: f32 = w_sum4(acc_5)
          if ((<u32>0 == <u32>0)) {
            store<f32>(scratch + row * 48 + (slot_1 << 2), sum_5, 6200)
          } else {
            store<f32>(scratch + row * 48 + (slot_1 << 2), (load<f32>(scratch + row * 48 + (slot_1 << 2), 6200) + sum_5), 6200)
          }
          const resultAt_6: u32 = (((row + <u32>2) * <u32>12) + slot_1)
          const sum_6: f32 = w_sum4(acc_6)
          if ((<u32>0 == <u32>0)) {
            store<f32>(scratch + row * 48 + (slot_1 << 2), sum_6, 6240)
          } else {
            store<f32>(scratch + row * 48 + (slot_1 << 2), (load<f32>(scratch + row * 48 + (slot_1 << 2), 6240) + sum_6), 6240)
          }
          const resultAt_7: u32 = ((((row + <u32>2) * <u32>12) + slot_1) + <u32>1)
          const sum_7: f32 = w_sum4(acc_7)
          if ((<u32>0 == <u32>0)) {
            store<f32>(scratch + row * 48 + (slot_1 << 2), sum_7, 6244)
          } else {
            store<f32>(scratch + row * 48 + (slot_1 << 2), (load<f32>(scratch + row * 48 + (slot_1 << 2), 6244) + sum_7), 6244)
          }
          const resultAt_8: u32 = ((((row + <u32>2) * <u32>12) + slot_1) + <u32>2)
          const sum_8: f32 = w_sum4(acc_8)
          if ((<u32>0 == <u32>0)) {
            store<f32>(scratch + row * 48 + (slot_1 << 2), sum_8, 6248)
          } else {
            store<f32>(scratch + row * 48 + (slot_1 << 2), (load<f32>(scratch + row * 48 + (slot_1 << 2), 6248) + sum_8), 6248)
          }
        }
      }
      }
    }
    {
    const row_1_end_: u32 = rowsHere
    for (let row_1: u32 = <u32>0; row_1 < row_1_end_; row_1 += <u32>1) {
      const cols: u32 = min<u32>((<u32>256 - firstCol), <u32>6)
      {
      const col_end_: u32 = cols
      for (let col: u32 = <u32>0; col < col_end_; col += <u32>1) {
        const own: f32 = load<f32>(scratch + row_1 * 48 + (col << 2), 6144)
        const own_1: f32 = load<f32>(scratch + row_1 * 48 + (col << 2), 6168)
        const outRow: u32 = (firstRow + row_1)
        const outCol: u32 = (firstCol + col)
        const to: u32 = ((outRow * <u32>256) + outCol)
        store<f32>(out_ + (to << 2), ((own / (<f32>1 + w_exp((-own)))) * own_1), 0)
      }
      }
    }
    }
  }
}
