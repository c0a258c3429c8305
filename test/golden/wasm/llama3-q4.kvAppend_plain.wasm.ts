// kvAppend.plain: threads 1
export function kernel_kvAppend_plain(tile: u32, args: usize, scratch: usize): void {
  const x: usize = load<u32>(args, 0)
  const cache: usize = load<u32>(args, 4)
  const state: usize = load<u32>(args, 8)
  const row: u32 = tile
  for (let element: u32 = <u32>0; element < <u32>64; element += <u32>1) {
    const at: u32 = ((row * <u32>64) + element)
    store<f32>(cache + (load<u32>(state + (row << 2), 3328) << 8) + (element << 2), load<f32>(x + (at << 2), 0), 0)
  }
}
