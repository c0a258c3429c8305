// argmax.chunks: threads 1, perThread 8
export function kernel_argmax_chunks(tile: u32, args: usize, scratch: usize): void {
  const logits: usize = load<u32>(args, 0)
  const best: usize = load<u32>(args, 4)
  const row: u32 = tile
  let top: f32 = <f32>(-3.4028234663852886e+38)
  let id: u32 = <u32>0
  {
  const i_end_: u32 = min<u32>(<u32>8192, <u32>512)
  for (let i: u32 = <u32>0; i < i_end_; i += <u32>1) {
    const v: f32 = load<f32>(logits + (row << 11) + (i << 2), 0)
    if (((reinterpret<u32>(v) & <u32>2147483647) >= <u32>2139095040)) {
      top = <f32>3.4028234663852886e+38
      id = <u32>512
    } else {
      if (((v > top) && (id != <u32>512))) {
        top = v
        id = i
      }
    }
  }
  }
  if ((<u32>0 == <u32>0)) {
    store<f32>(best + (tile << 3), top, 0)
    store<f32>(best + (tile << 3), <f32>(id), 4)
  }
}
