/**
 * Added tokens: two tries over UTF-8 bytes, one matched in the text as it is, the other (tokens marked `normalized`) in the
 * normalized text between those. At each position the longest token wins. Where all tokens of a trie begin with the same
 * byte, as `<|im_end|>` and its like do, sixteen bytes are looked at together.
 */
import { allocate } from './memory'
import { NONE } from './vocabulary'

/** Node: first child u32, next sibling u32, id u32, byte u32; node 0 is no node. */
let nodes: usize = 0
let nodeCount: u32 = 1
/** For each trie, 256 u32: the node of a first byte. */
let roots: usize = 0
/** For each trie, the one first byte, -1 while there is none, -2 where there are several. */
let firstOfRaw: i32 = -1
let firstOfNormalized: i32 = -1

export const RAW: u32 = 0
export const NORMALIZED: u32 = 1

export function createAdded(totalBytes: u32): void {
  nodes = allocate((<usize>totalBytes + 1) << 4)
  roots = allocate(2048)
}

@inline
function root(trie: u32): usize {
  return roots + (trie << 10)
}

function newNode(byte: u32, sibling: u32): u32 {
  const node = nodes + (<usize>nodeCount << 4)
  store<u32>(node, sibling, 4)
  store<u32>(node, NONE, 8)
  store<u32>(node, byte, 12)
  return nodeCount++
}

/** The child of `node` for `byte`, or 0. */
@inline
function child(node: u32, byte: u32): u32 {
  let i = load<u32>(nodes + (<usize>node << 4))
  while (i && load<u32>(nodes + (<usize>i << 4), 12) != byte) i = load<u32>(nodes + (<usize>i << 4), 4)
  return i
}

/** Enters a token of 1 or more bytes. */
export function addToken(trie: u32, p: usize, length: u32, id: u32): void {
  const first: i32 = load<u8>(p)
  const known = trie == RAW ? firstOfRaw : firstOfNormalized
  const now = known == -1 || known == first ? first : -2
  if (trie == RAW) firstOfRaw = now
  else firstOfNormalized = now

  const start = root(trie) + (<usize>first << 2)
  let node = load<u32>(start)
  if (!node) {
    node = newNode(first, 0)
    store<u32>(start, node)
  }
  for (let i: u32 = 1; i < length; i++) {
    const byte: u32 = load<u8>(p + i)
    let next = child(node, byte)
    if (!next) {
      const at = nodes + (<usize>node << 4)
      next = newNode(byte, load<u32>(at))
      store<u32>(at, next)
    }
    node = next
  }
  store<u32>(nodes + (<usize>node << 4), id, 8)
}

export function hasTokens(trie: u32): bool {
  return (trie == RAW ? firstOfRaw : firstOfNormalized) != -1
}

/** The first position from `p` where a token of the trie might begin, or `end`. */
export function nextCandidate(trie: u32, p: usize, end: usize): usize {
  const first = trie == RAW ? firstOfRaw : firstOfNormalized
  if (first == -1) return end
  if (first == -2) {
    const start = root(trie)
    while (p < end && !load<u32>(start + (<usize>load<u8>(p) << 2))) p++
    return p
  }
  const wanted = i8x16.splat(<i8>first)
  while (p < end) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(p), wanted))
    if (found) {
      p += ctz(found)
      return p < end ? p : end
    }
    p += 16
  }
  return end
}

let matched: usize = 0

/** The longest token at `p`, or NONE; `matchEnd` is where it ends. */
export function longestToken(trie: u32, p: usize, end: usize): u32 {
  let node = load<u32>(root(trie) + (<usize>load<u8>(p) << 2))
  let id = NONE
  while (node) {
    p++
    const here = load<u32>(nodes + (<usize>node << 4), 8)
    if (here != NONE) {
      id = here
      matched = p
    }
    if (p >= end) break
    node = child(node, load<u8>(p))
  }
  return id
}

export function matchEnd(): usize {
  return matched
}
