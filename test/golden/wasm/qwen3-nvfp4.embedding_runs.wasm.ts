// embedding.runs: threads 1
export function kernel_embedding_runs(tile: u32, args: usize, scratch: usize): void {
  const out_: usize = load<u32>(args, 0)
  const state: usize = load<u32>(args, 4)
  const weight: usize = load<u32>(args, 8)
  const token: u32 = min<u32>(load<u32>(state + (tile << 2), 256), <u32>511)
  for (let run: u32 = <u32>0; run < <u32>4; run += <u32>1) {
    const loaded: v128 = v128.load(weight + (token << 8) + (run << 6), 0)
    const loaded_1: v128 = v128.load(weight + (token << 8) + (run << 6), 16)
    const loaded_2: v128 = v128.load(weight + (token << 8) + (run << 6), 32)
    const loaded_3: v128 = v128.load(weight + (token << 8) + (run << 6), 48)
    const at: u32 = (((tile * <u32>4) + run) * <u32>8)
    v128.store(out_ + (at << 4), w_bf16x4(<u32>i32x4.extract_lane(loaded, 0), <u32>i32x4.extract_lane(loaded, 1)), 0)
    v128.store(out_ + (at << 4), w_bf16x4(<u32>i32x4.extract_lane(loaded, 2), <u32>i32x4.extract_lane(loaded, 3)), 16)
    v128.store(out_ + (at << 4), w_bf16x4(<u32>i32x4.extract_lane(loaded_1, 0), <u32>i32x4.extract_lane(loaded_1, 1)), 32)
    v128.store(out_ + (at << 4), w_bf16x4(<u32>i32x4.extract_lane(loaded_1, 2), <u32>i32x4.extract_lane(loaded_1, 3)), 48)
    v128.store(out_ + (at << 4), w_bf16x4(<u32>i32x4.extract_lane(loaded_2, 0), <u32>i32x4.extract_lane(loaded_2, 1)), 64)
    v128.store(out_ + (at << 4), w_bf16x4(<u32>i32x4.extract_lane(loaded_2, 2), <u32>i32x4.extract_lane(loaded_2, 3)), 80)
    v128.store(out_ + (at << 4), w_bf16x4(<u32>i32x4.extract_lane(loaded_3, 0), <u32>i32x4.extract_lane(loaded_3, 1)), 96)
    v128.store(out_ + (at << 4), w_bf16x4(<u32>i32x4.extract_lane(loaded_3, 2), <u32>i32x4.extract_lane(loaded_3, 3)), 112)
  }
}
