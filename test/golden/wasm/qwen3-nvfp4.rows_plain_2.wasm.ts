// rows.plain: threads 1
export function kernel_rows_plain_2(tile: u32, args: usize, scratch: usize): void {
  const x: usize = load<u32>(args, 0)
  const out_: usize = load<u32>(args, 4)
  const state: usize = load<u32>(args, 8)
  if ((tile < load<u32>(state, 4))) {
    const row: u32 = tile
    for (let element: u32 = <u32>0; element < <u32>128; element += <u32>1) {
      const at: u32 = ((row * <u32>128) + element)
      store<f32>(out_ + (at << 2), load<f32>(x + (load<u32>(state + (row << 2), 4352) << 9) + (element << 2), 0), 0)
    }
  }
}
