// rope.plain: threads 1
export function kernel_rope_plain_4(tile: u32, args: usize, scratch: usize): void {
  const x: usize = load<u32>(args, 0)
  const table: usize = load<u32>(args, 4)
  const out_: usize = load<u32>(args, 8)
  const state: usize = load<u32>(args, 12)
  if ((tile < load<u32>(state, 0))) {
    const row: u32 = tile
    for (let element: u32 = <u32>0; element < <u32>32; element += <u32>1) {
      const at: u32 = ((row * <u32>32) + element)
      const pair: u32 = (element & <u32>15)
      const pairAt: u32 = ((((row * <u32>2) + (element >> <u32>4)) * <u32>32) + pair)
      const position: u32 = load<u32>(state + (row << 2), 1280)
      const low: u32 = ((((position & <u32>255) * <u32>16) + pair) * <u32>2)
      const high: u32 = (((((position >> <u32>8) + <u32>256) * <u32>16) + pair) * <u32>2)
      const c0: f32 = load<f32>(table + (low << 2), 0)
      const s0: f32 = load<f32>(table + (low << 2), 4)
      const c1: f32 = load<f32>(table + ((position >> <u32>8) << 7) + (pair << 3), 32768)
      const s1: f32 = load<f32>(table + ((position >> <u32>8) << 7) + (pair << 3), 32772)
      const cos: f32 = ((c1 * c0) - (s1 * s0))
      const sin: f32 = ((s1 * c0) + (c1 * s0))
      const a: f32 = load<f32>(x + (pairAt << 2), 0)
      const b: f32 = load<f32>(x + (pairAt << 2), 64)
      store<f32>(out_ + (pairAt << 2), ((a * cos) - (b * sin)), 0)
      store<f32>(out_ + (pairAt << 2), ((b * cos) + (a * sin)), 64)
    }
  }
}
