/**
 * Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011):
 * four words from a counter and a key, with no state, so that any token's noise can be made anywhere, in any order.
 */
let word0: u32 = 0
let word1: u32 = 0
let word2: u32 = 0
let word3: u32 = 0

/** Makes the four words of counter (c0, c1, 0, 0) and key (k0, k1). */
export function philox(c0: u32, c1: u32, k0: u32, k1: u32): void {
  let c2: u32 = 0
  let c3: u32 = 0
  for (let round = 0; round < 10; round++) {
    const a = <u64>c0 * 0xd2511f53
    const b = <u64>c2 * 0xcd9e8d57
    c0 = <u32>(b >> 32) ^ c1 ^ k0
    c2 = <u32>(a >> 32) ^ c3 ^ k1
    c1 = <u32>b
    c3 = <u32>a
    k0 += 0x9e3779b9
    k1 += 0xbb67ae85
  }
  word0 = c0
  word1 = c1
  word2 = c2
  word3 = c3
}

/** Word `i` of the last four. */
export function philoxWord(i: u32): u32 {
  return i < 2 ? (i ? word1 : word0) : i == 2 ? word2 : word3
}
