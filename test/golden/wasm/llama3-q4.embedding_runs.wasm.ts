// embedding.runs: threads 1
export function kernel_embedding_runs(tile: u32, args: usize, scratch: usize): void {
  const out_: usize = load<u32>(args, 0)
  const state: usize = load<u32>(args, 4)
  const weight: usize = load<u32>(args, 8)
  const weightWords: usize = load<u32>(args, 12)
  const token: u32 = min<u32>(load<u32>(state + (tile << 2), 256), <u32>511)
  for (let run: u32 = <u32>0; run < <u32>4; run += <u32>1) {
    const loaded: v128 = v128.load(weight + (token << 7) + (run << 5), 0)
    const loaded_1: v128 = v128.load(weight + (token << 7) + (run << 5), 16)
    const loaded_2: u32 = <u32>load<u16>(weightWords + (token << 3) + (run << 1), 65536)
    const at: u32 = (((tile * <u32>4) + run) * <u32>8)
    const bytes: v128 = loaded
    const words: v128 = i16x8.extend_low_i8x16_s(bytes)
    const words_1: v128 = i16x8.extend_high_i8x16_s(bytes)
    const bytes_1: v128 = loaded_1
    const words_2: v128 = i16x8.extend_low_i8x16_s(bytes_1)
    const words_3: v128 = i16x8.extend_high_i8x16_s(bytes_1)
    const scale: f32 = w_f16(loaded_2)
    v128.store(out_ + (at << 4), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), f32x4.splat(scale)), 0)
    v128.store(out_ + (at << 4), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), f32x4.splat(scale)), 16)
    v128.store(out_ + (at << 4), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_1)), f32x4.splat(scale)), 32)
    v128.store(out_ + (at << 4), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_1)), f32x4.splat(scale)), 48)
    v128.store(out_ + (at << 4), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_2)), f32x4.splat(scale)), 64)
    v128.store(out_ + (at << 4), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_2)), f32x4.splat(scale)), 80)
    v128.store(out_ + (at << 4), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words_3)), f32x4.splat(scale)), 96)
    v128.store(out_ + (at << 4), f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words_3)), f32x4.splat(scale)), 112)
  }
}
