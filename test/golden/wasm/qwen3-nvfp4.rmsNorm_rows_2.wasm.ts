// rmsNorm.rows: threads 1
export function kernel_rmsNorm_rows_2(tile: u32, args: usize, scratch: usize): void {
  const x: usize = load<u32>(args, 0)
  const weight: usize = load<u32>(args, 4)
  const out_: usize = load<u32>(args, 8)
  const state: usize = load<u32>(args, 12)
  if ((tile < load<u32>(state, 0))) {
    const first: u32 = (tile * <u32>32)
    let squares: f32 = <f32>0
    for (let i: u32 = <u32>0; i < <u32>32; i += <u32>1) {
      const v: v128 = v128.load(x + ((first + i) << 4), 0)
      squares = (squares + w_sum4(f32x4.mul(v, v)))
    }
    const factor: f32 = (<f32>1 / sqrt<f32>(((squares * <f32>0.0078125) + <f32>9.999999974752427e-7)))
    for (let i_1: u32 = <u32>0; i_1 < <u32>32; i_1 += <u32>1) {
      const at: u32 = (first + i_1)
      v128.store(out_ + (at << 4), f32x4.mul(f32x4.mul(v128.load(x + (at << 4), 0), f32x4.splat(factor)), v128.load(weight + (i_1 << 4), 0)), 0)
    }
  }
}
