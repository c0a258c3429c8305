// embedding.runs: threads 1
export function kernel_embedding_runs(tile: u32, args: usize, scratch: usize): void {
  const out_: usize = load<u32>(args, 0)
  const state: usize = load<u32>(args, 4)
  const weight: usize = load<u32>(args, 8)
  const weightWords: usize = load<u32>(args, 12)
  const token: u32 = min<u32>(load<u32>(state + (tile << 2), 256), <u32>79)
  for (let run: u32 = <u32>0; run < <u32>8; run += <u32>1) {
    const loaded: v128 = v128.load(weight + (token << 7) + (run << 4), 0)
    const loaded_1: u32 = load<u32>(weightWords + (token << 6) + (run << 3), 10240)
    const loaded_2: u32 = load<u32>(weightWords + (token << 6) + (run << 3), 10244)
    const loaded_3: u32 = <u32>load<u16>(weightWords + ((((token * <u32>8) + run) >> <u32>3) << 1), 16640)
    const loaded_4: u32 = <u32>load<u16>(weightWords + (token << 4) + (run << 1), 15360)
    const at: u32 = (((tile * <u32>8) + run) * <u32>8)
    const scale: f32 = (w_f16(loaded_3) * f32x4.extract_lane(w_i8x4(loaded_4), 0))
    const scale_1: f32 = (w_f16(loaded_3) * f32x4.extract_lane(w_i8x4(loaded_4), 1))
    v128.store(out_ + (at << 4), f32x4.mul(w_i8x4((((((<u32>i32x4.extract_lane(loaded, 0) & <u32>252645135) | ((loaded_1 & <u32>50529027) << <u32>4)) | <u32>2155905152) - <u32>538976288) ^ <u32>2155905152)), f32x4.splat(scale)), 0)
    v128.store(out_ + (at << 4), f32x4.mul(w_i8x4((((((<u32>i32x4.extract_lane(loaded, 1) & <u32>252645135) | (((loaded_1 >> <u32>2) & <u32>50529027) << <u32>4)) | <u32>2155905152) - <u32>538976288) ^ <u32>2155905152)), f32x4.splat(scale)), 16)
    v128.store(out_ + (at << 4), f32x4.mul(w_i8x4((((((<u32>i32x4.extract_lane(loaded, 2) & <u32>252645135) | (((loaded_1 >> <u32>4) & <u32>50529027) << <u32>4)) | <u32>2155905152) - <u32>538976288) ^ <u32>2155905152)), f32x4.splat(scale)), 32)
    v128.store(out_ + (at << 4), f32x4.mul(w_i8x4((((((<u32>i32x4.extract_lane(loaded, 3) & <u32>252645135) | (((loaded_1 >> <u32>6) & <u32>50529027) << <u32>4)) | <u32>2155905152) - <u32>538976288) ^ <u32>2155905152)), f32x4.splat(scale)), 48)
    v128.store(out_ + (at << 4), f32x4.mul(w_i8x4(((((((<u32>i32x4.extract_lane(loaded, 0) >> <u32>4) & <u32>252645135) | ((loaded_2 & <u32>50529027) << <u32>4)) | <u32>2155905152) - <u32>538976288) ^ <u32>2155905152)), f32x4.splat(scale_1)), 64)
    v128.store(out_ + (at << 4), f32x4.mul(w_i8x4(((((((<u32>i32x4.extract_lane(loaded, 1) >> <u32>4) & <u32>252645135) | (((loaded_2 >> <u32>2) & <u32>50529027) << <u32>4)) | <u32>2155905152) - <u32>538976288) ^ <u32>2155905152)), f32x4.splat(scale_1)), 80)
    v128.store(out_ + (at << 4), f32x4.mul(w_i8x4(((((((<u32>i32x4.extract_lane(loaded, 2) >> <u32>4) & <u32>252645135) | (((loaded_2 >> <u32>4) & <u32>50529027) << <u32>4)) | <u32>2155905152) - <u32>538976288) ^ <u32>2155905152)), f32x4.splat(scale_1)), 96)
    v128.store(out_ + (at << 4), f32x4.mul(w_i8x4(((((((<u32>i32x4.extract_lane(loaded, 3) >> <u32>4) & <u32>252645135) | (((loaded_2 >> <u32>6) & <u32>50529027) << <u32>4)) | <u32>2155905152) - <u32>538976288) ^ <u32>2155905152)), f32x4.splat(scale_1)), 112)
  }
}
