// argmax.join
export function kernel_argmax_join(tile: u32, args: usize, scratch: usize): void {
  const best: usize = load<u32>(args, 0)
  const out_: usize = load<u32>(args, 4)
  let top: f32 = <f32>(-3.4028234663852886e+38)
  let id: u32 = <u32>512
  for (let c: u32 = <u32>0; c < <u32>1; c += <u32>1) {
    const at: u32 = ((tile + c) * <u32>2)
    const v: f32 = load<f32>(best + (at << 2), 0)
    const i: u32 = <u32>(load<f32>(best + (at << 2), 4))
    if (((v > top) || ((v == top) && (i < id)))) {
      top = v
      id = i
    }
  }
  if ((<u32>0 == <u32>0)) {
    store<u32>(out_ + (tile << 2), id, 0)
  }
}
