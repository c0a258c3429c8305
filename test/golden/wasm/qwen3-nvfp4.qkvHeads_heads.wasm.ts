// qkvHeads.heads: threads 1
export function kernel_qkvHeads_heads(tile: u32, args: usize, scratch: usize): void {
  const x: usize = load<u32>(args, 0)
  const table: usize = load<u32>(args, 4)
  const qNorm: usize = load<u32>(args, 8)
  const kNorm: usize = load<u32>(args, 12)
  const out_: usize = load<u32>(args, 16)
  const k: usize = load<u32>(args, 20)
  const v: usize = load<u32>(args, 24)
  const state: usize = load<u32>(args, 28)
  const row: u32 = (tile >> <u32>3)
  const head: u32 = (tile & <u32>7)
  const from_: u32 = ((row * <u32>256) + (head * <u32>32))
  const position: u32 = load<u32>(state + (row << 2), 1280)
  const slot: u32 = load<u32>(state + (row << 2), 3328)
  if ((head < <u32>4)) {
    let squares: f32 = <f32>0
    for (let i: u32 = <u32>0; i < <u32>32; i += <u32>1) {
      const v_1: f32 = load<f32>(x + ((from_ + i) << 2), 0)
      squares = (v_1 * v_1 + squares)
    }
    const factor: f32 = (<f32>1 / sqrt<f32>(((squares * <f32>0.03125) + <f32>9.999999974752427e-7)))
    for (let i_1: u32 = <u32>0; i_1 < <u32>16; i_1 += <u32>1) {
      const value: f32 = ((load<f32>(x + ((from_ + i_1) << 2), 0) * factor) * load<f32>(qNorm + (i_1 << 2), 0))
      const value_1: f32 = ((load<f32>(x + ((from_ + i_1) << 2), 64) * factor) * load<f32>(qNorm + (i_1 << 2), 64))
      const low: u32 = ((((position & <u32>255) * <u32>16) + i_1) * <u32>2)
      const high: u32 = (((((position >> <u32>8) + <u32>256) * <u32>16) + i_1) * <u32>2)
      const c0: f32 = load<f32>(table + (low << 2), 0)
      const s0: f32 = load<f32>(table + (low << 2), 4)
      const c1: f32 = load<f32>(table + ((position >> <u32>8) << 7) + (i_1 << 3), 32768)
      const s1: f32 = load<f32>(table + ((position >> <u32>8) << 7) + (i_1 << 3), 32772)
      const cos: f32 = ((c1 * c0) - (s1 * s0))
      const sin: f32 = ((s1 * c0) + (c1 * s0))
      store<f32>(out_ + (row << 9) + (head << 7) + (i_1 << 2), ((value * cos) - (value_1 * sin)), 0)
      store<f32>(out_ + (row << 9) + (head << 7) + (i_1 << 2), ((value_1 * cos) + (value * sin)), 64)
    }
  } else {
    if ((head < <u32>6)) {
      let squares_1: f32 = <f32>0
      for (let i_2: u32 = <u32>0; i_2 < <u32>32; i_2 += <u32>1) {
        const v_2: f32 = load<f32>(x + ((from_ + i_2) << 2), 0)
        squares_1 = (v_2 * v_2 + squares_1)
      }
      const factor_1: f32 = (<f32>1 / sqrt<f32>(((squares_1 * <f32>0.03125) + <f32>9.999999974752427e-7)))
      for (let i_3: u32 = <u32>0; i_3 < <u32>16; i_3 += <u32>1) {
        const value_2: f32 = ((load<f32>(x + ((from_ + i_3) << 2), 0) * factor_1) * load<f32>(kNorm + (i_3 << 2), 0))
        const value_3: f32 = ((load<f32>(x + ((from_ + i_3) << 2), 64) * factor_1) * load<f32>(kNorm + (i_3 << 2), 64))
        const low_1: u32 = ((((position & <u32>255) * <u32>16) + i_3) * <u32>2)
        const high_1: u32 = (((((position >> <u32>8) + <u32>256) * <u32>16) + i_3) * <u32>2)
        const c0_1: f32 = load<f32>(table + (low_1 << 2), 0)
        const s0_1: f32 = load<f32>(table + (low_1 << 2), 4)
        const c1_1: f32 = load<f32>(table + ((position >> <u32>8) << 7) + (i_3 << 3), 32768)
        const s1_1: f32 = load<f32>(table + ((position >> <u32>8) << 7) + (i_3 << 3), 32772)
        const cos_1: f32 = ((c1_1 * c0_1) - (s1_1 * s0_1))
        const sin_1: f32 = ((s1_1 * c0_1) + (c1_1 * s0_1))
        store<f32>(k + (slot << 8) + (head << 7) + (i_3 << 2) + 4294966784, ((value_2 * cos_1) - (value_3 * sin_1)), 0)
        store<f32>(k + (slot << 8) + (head << 7) + (i_3 << 2) + 4294966848, ((value_3 * cos_1) + (value_2 * sin_1)), 0)
      }
    } else {
      for (let i_4: u32 = <u32>0; i_4 < <u32>32; i_4 += <u32>1) {
        store<f32>(v + (slot << 8) + (head << 7) + (i_4 << 2) + 4294966528, load<f32>(x + ((from_ + i_4) << 2), 0), 0)
      }
    }
  }
}
