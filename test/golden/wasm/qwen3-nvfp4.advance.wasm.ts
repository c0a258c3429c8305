// advance
export function kernel_advance(tile: u32, args: usize, scratch: usize): void {
  const state: usize = load<u32>(args, 0)
  const next: usize = load<u32>(args, 4)
  const step: u32 = load<u32>(state, 8)
  {
    const id: u32 = load<u32>(next, 0)
    const position: u32 = (load<u32>(state, 1280) + <u32>1)
    const sequence: u32 = load<u32>(state, 2304)
    const page: u32 = min<u32>((position >> <u32>8), <u32>15)
    store<u32>(state + (((step + <u32>0) & <u32>4095) << 2), id, 5376)
    store<u32>(state, id, 256)
    store<u32>(state, position, 1280)
    store<u32>(state, ((load<u32>(state + (sequence << 6) + (page << 2), 21760) * <u32>256) + (position & <u32>255)), 3328)
  }
  store<u32>(state, (step + <u32>1), 8)
}
