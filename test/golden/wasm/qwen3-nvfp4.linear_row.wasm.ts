// linear.row: rows 1, unroll 2
export function kernel_linear_row(tile: u32, args: usize, scratch: usize): void {
  const x: usize = load<u32>(args, 0)
  const out_: usize = load<u32>(args, 4)
  const weight: usize = load<u32>(args, 8)
  const first: u32 = (tile * <u32>512)
  const end: u32 = (first + <u32>512)
  {
  const col_end_: u32 = end
  for (let col: u32 = first; col < col_end_; col += <u32>1) {
    let acc: v128 = f32x4.splat(<f32>0)
    let acc_1: v128 = f32x4.splat(<f32>0)
    let run: u32 = <u32>0
    for (; run + <u32>1 < <u32>4; run += <u32>2) {
      {
        const loaded: v128 = v128.load(weight + (col << 8) + (run << 6), 0)
        const loaded_1: v128 = v128.load(weight + (col << 8) + (run << 6), 16)
        const loaded_2: v128 = v128.load(weight + (col << 8) + (run << 6), 32)
        const loaded_3: v128 = v128.load(weight + (col << 8) + (run << 6), 48)
        acc = w_fma(i32x4.shl(i32x4.extend_low_i16x8_s(loaded), <u32>16), v128.load(x + (run << 7), 0), acc)
        acc_1 = w_fma(i32x4.shl(i32x4.extend_high_i16x8_s(loaded), <u32>16), v128.load(x + (run << 7), 16), acc_1)
        acc = w_fma(i32x4.shl(i32x4.extend_low_i16x8_s(loaded_1), <u32>16), v128.load(x + (run << 7), 32), acc)
        acc_1 = w_fma(i32x4.shl(i32x4.extend_high_i16x8_s(loaded_1), <u32>16), v128.load(x + (run << 7), 48), acc_1)
        acc = w_fma(i32x4.shl(i32x4.extend_low_i16x8_s(loaded_2), <u32>16), v128.load(x + (run << 7), 64), acc)
        acc_1 = w_fma(i32x4.shl(i32x4.extend_high_i16x8_s(loaded_2), <u32>16), v128.load(x + (run << 7), 80), acc_1)
        acc = w_fma(i32x4.shl(i32x4.extend_low_i16x8_s(loaded_3), <u32>16), v128.load(x + (run << 7), 96), acc)
        acc_1 = w_fma(i32x4.shl(i32x4.extend_high_i16x8_s(loaded_3), <u32>16), v128.load(x + (run << 7), 112), acc_1)
      }
      {
        const loaded: v128 = v128.load(weight + (col << 8) + (run << 6), 64)
        const loaded_1: v128 = v128.load(weight + (col << 8) + (run << 6), 80)
        const loaded_2: v128 = v128.load(weight + (col << 8) + (run << 6), 96)
        const loaded_3: v128 = v128.load(weight + (col << 8) + (run << 6), 112)
        acc = w_fma(i32x4.shl(i32x4.extend_low_i16x8_s(loaded), <u32>16), v128.load(x + (run << 7), 128), acc)
        acc_1 = w_fma(i32x4.shl(i32x4.extend_high_i16x8_s(loaded), <u32>16), v128.load(x + (run << 7), 144), acc_1)
        acc = w_fma(i32x4.shl(i32x4.extend_low_i16x8_s(loaded_1), <u32>16), v128.load(x + (run << 7), 160), acc)
        acc_1 = w_fma(i32x4.shl(i32x4.extend_high_i16x8_s(loaded_1), <u32>16), v128.load(x + (run << 7), 176), acc_1)
        acc = w_fma(i32x4.shl(i32x4.extend_low_i16x8_s(loaded_2), <u32>16), v128.load(x + (run << 7), 192), acc)
        acc_1 = w_fma(i32x4.shl(i32x4.extend_high_i16x8_s(loaded_2), <u32>16), v128.load(x + (run << 7), 208), acc_1)
        acc = w_fma(i32x4.shl(i32x4.extend_low_i16x8_s(loaded_3), <u32>16), v128.load(x + (run << 7), 224), acc)
        acc_1 = w_fma(i32x4.shl(i32x4.extend_high_i16x8_s(loaded_3), <u32>16), v128.load(x + (run << 7), 240), acc_1)
      }
    }
    for (; run < <u32>4; run += <u32>1) {
      const loaded: v128 = v128.load(weight + (col << 8) + (run << 6), 0)
      const loaded_1: v128 = v128.load(weight + (col << 8) + (run << 6), 16)
      const loaded_2: v128 = v128.load(weight + (col << 8) + (run << 6), 32)
      const loaded_3: v128 = v128.load(weight + (col << 8) + (run << 6), 48)
      acc = w_fma(i32x4.shl(i32x4.extend_low_i16x8_s(loaded), <u32>16), v128.load(x + (run << 7), 0), acc)
      acc_1 = w_fma(i32x4.shl(i32x4.extend_high_i16x8_s(loaded), <u32>16), v128.load(x + (run << 7), 16), acc_1)
      acc = w_fma(i32x4.shl(i32x4.extend_low_i16x8_s(loaded_1), <u32>16), v128.load(x + (run << 7), 32), acc)
      acc_1 = w_fma(i32x4.shl(i32x4.extend_high_i16x8_s(loaded_1), <u32>16), v128.load(x + (run << 7), 48), acc_1)
      acc = w_fma(i32x4.shl(i32x4.extend_low_i16x8_s(loaded_2), <u32>16), v128.load(x + (run << 7), 64), acc)
      acc_1 = w_fma(i32x4.shl(i32x4.extend_high_i16x8_s(loaded_2), <u32>16), v128.load(x + (run << 7), 80), acc_1)
      acc = w_fma(i32x4.shl(i32x4.extend_low_i16x8_s(loaded_3), <u32>16), v128.load(x + (run << 7), 96), acc)
      acc_1 = w_fma(i32x4.shl(i32x4.extend_high_i16x8_s(loaded_3), <u32>16), v128.load(x + (run << 7), 112), acc_1)
    }
    const total: f32 = w_sum4(f32x4.add(acc, acc_1))
    store<f32>(out_ + (col << 2), total, 0)
  }
  }
}
