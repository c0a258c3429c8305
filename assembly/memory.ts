/**
 * Flat memory. Tables are carved one after another from the module's own heap base and live as long as the instance;
 * what lies above them is work space, laid out afresh by every call. Nothing is ever freed, and nothing is collected.
 */
let top: usize = (__heap_base + 63) & ~63

/** Makes the memory reach at least to `end`; false where it may not grow further. */
export function ensure(end: usize): bool {
  const have = (<usize>memory.size()) << 16
  if (end <= have) return true
  if (end > 0xffff0000) return false
  // by a quarter more than asked for, so that growing inputs do not grow the memory each time
  const pages = <i32>((end - have + 65535) >> 16)
  const more = pages + (memory.size() >> 2)
  return memory.grow(more) >= 0 || memory.grow(pages) >= 0
}

/** A table of `bytes` zero bytes, aligned to a cache line. Traps where memory is out: hosts check sizes first. */
export function allocate(bytes: usize): usize {
  const at = top
  const end = at + bytes
  if (end < at || !ensure(end)) unreachable()
  top = (end + 63) & ~63
  return at
}

/** Where work space begins: after the last table. */
export function workspace(): usize {
  return top
}

/** The least power of two that is at least `n`. */
export function powerOfTwo(n: u32): u32 {
  let size: u32 = 16
  while (size < n) size <<= 1
  return size
}
