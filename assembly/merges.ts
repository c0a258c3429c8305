/**
 * Byte-pair encoding of one piece: of all adjacent pairs the one of lowest rank is joined first, the leftmost among equals,
 * until none is in the table of merges. Short pieces keep their symbols in an array and look for the lowest rank by
 * going through it; long ones (a hundred thousand letters without a space are one piece) keep a linked list and a heap of
 * `rank << 32 | position`, whose outdated entries are recognised by the pair's rank having changed.
 */
import { allocate, ensure, powerOfTwo } from './memory'
import { CROWDED, findToken, NONE, PROBES } from './vocabulary'

/** Slot of the pair table: left u32, right u32, rank u32, id u32; free while rank is NONE. */
let pairs: usize = 0
let mask: u32 = 0
/** For each byte the token that stands for it, or NONE where the vocabulary lacks it and the byte is dropped. */
let byteIds: usize = 0

const SHORT: u32 = 40
/** Symbols, ranks and joined ids of a short piece. */
let symbols: usize = 0

export function createMerges(merges: u32): void {
  const size = powerOfTwo(merges * 2)
  mask = size - 1
  pairs = allocate(<usize>size << 4)
  memory.fill(pairs, 0xff, <usize>size << 4)
  byteIds = allocate(1024)
  symbols = allocate(SHORT * 12)
}

/** Looks the 256 bytes up in the indexed vocabulary; `unknown` stands for those it lacks. */
export function indexBytes(unknown: u32): void {
  const byte = allocate(16)
  for (let i: u32 = 0; i < 256; i++) {
    store<u8>(byte, i)
    const id = findToken(byte, 1)
    store<u32>(byteIds + (i << 2), id == NONE ? unknown : id)
  }
}

@inline
function pairPlace(left: u32, right: u32): u32 {
  return <u32>(((<u64>left << 32 | right) * 0x9e3779b97f4a7c15) >> 40)
}

@inline
function pairSlot(left: u32, right: u32): usize {
  let i = pairPlace(left, right)
  while (true) {
    const slot = pairs + (<usize>(i & mask) << 4)
    if (load<u64>(slot) == (<u64>right << 32 | left) || load<u32>(slot, 8) == NONE) return slot
    i++
  }
}

/**
 * Enters merges of increasing rank. At `lengths` two u32 for each, at `text` the bytes of left and right one after the
 * other. A pair that comes again takes the later rank. Returns the first merge whose left, right or joined token does not exist, CROWDED, or -1.
 */
export function addMerges(merges: u32, firstRank: u32, lengths: usize, text: usize): i32 {
  for (let i: u32 = 0; i < merges; i++) {
    const leftLength = load<u32>(lengths + (i << 3))
    const rightLength = load<u32>(lengths + (i << 3), 4)
    const left = findToken(text, leftLength)
    const right = findToken(text + leftLength, rightLength)
    const joined = findToken(text, leftLength + rightLength)
    if (left == NONE || right == NONE || joined == NONE) return i
    const slot = pairSlot(left, right)
    if (((<u32>((slot - pairs) >> 4) - pairPlace(left, right)) & mask) > PROBES) return CROWDED
    store<u32>(slot, left)
    store<u32>(slot, right, 4)
    store<u32>(slot, firstRank + i, 8)
    store<u32>(slot, joined, 12)
    text += leftLength + rightLength
  }
  return -1
}

/** The symbols of the piece's bytes at `out`, 4 bytes each; returns how many. */
function bytesToSymbols(p: usize, length: u32, out: usize): u32 {
  let n: u32 = 0
  for (const end = p + length; p < end; p++) {
    const id = load<u32>(byteIds + (<usize>load<u8>(p) << 2))
    if (id == NONE) continue
    store<u32>(out + (n << 2), id)
    n++
  }
  return n
}

/** Encodes a piece of up to SHORT bytes into `out`; returns the number of ids. */
function encodeShort(p: usize, length: u32, out: usize): u32 {
  let n = bytesToSymbols(p, length, out)
  if (n < 2) return n
  const ranks = symbols
  const joined = symbols + SHORT * 4
  let best: u32 = NONE
  let at: u32 = 0
  for (let i: u32 = 0; i + 1 < n; i++) {
    const slot = pairSlot(load<u32>(out + (i << 2)), load<u32>(out + (i << 2), 4))
    const rank = load<u32>(slot, 8)
    store<u32>(ranks + (i << 2), rank)
    store<u32>(joined + (i << 2), load<u32>(slot, 12))
    if (rank < best) {
      best = rank
      at = i
    }
  }
  while (best != NONE) {
    store<u32>(out + (at << 2), load<u32>(joined + (at << 2)))
    n--
    for (let i = at + 1; i < n; i++) {
      store<u32>(out + (i << 2), load<u32>(out + (i << 2), 4))
      store<u32>(ranks + (i << 2), load<u32>(ranks + (i << 2), 4))
      store<u32>(joined + (i << 2), load<u32>(joined + (i << 2), 4))
    }
    store<u32>(ranks + ((n - 1) << 2), NONE)
    if (at + 1 < n) joinRank(out, at, ranks, joined)
    if (at > 0) joinRank(out, at - 1, ranks, joined)
    best = NONE
    for (let i: u32 = 0; i + 1 < n; i++) {
      const rank = load<u32>(ranks + (i << 2))
      if (rank < best) {
        best = rank
        at = i
      }
    }
  }
  return n
}

@inline
function joinRank(out: usize, i: u32, ranks: usize, joined: usize): void {
  const slot = pairSlot(load<u32>(out + (i << 2)), load<u32>(out + (i << 2), 4))
  store<u32>(ranks + (i << 2), load<u32>(slot, 8))
  store<u32>(joined + (i << 2), load<u32>(slot, 12))
}

let heap: usize = 0
let heapLength: u32 = 0

function push(key: u64): void {
  let i = heapLength++
  while (i > 0) {
    const parent = (i - 1) >> 1
    const above = load<u64>(heap + (<usize>parent << 3))
    if (above <= key) break
    store<u64>(heap + (<usize>i << 3), above)
    i = parent
  }
  store<u64>(heap + (<usize>i << 3), key)
}

function pop(): u64 {
  const least = load<u64>(heap)
  const key = load<u64>(heap + (<usize>--heapLength << 3))
  let i: u32 = 0
  for (;;) {
    let child: u32 = 2 * i + 1
    if (child >= heapLength) break
    let below = load<u64>(heap + (<usize>child << 3))
    if (child + 1 < heapLength) {
      const right = load<u64>(heap + (<usize>child << 3), 8)
      if (right < below) {
        below = right
        child++
      }
    }
    if (below >= key) break
    store<u64>(heap + (<usize>i << 3), below)
    i = child
  }
  store<u64>(heap + (<usize>i << 3), key)
  return least
}

/** Node of the list: id u32, next u32, previous u32, rank of the pair with the next u32. */
@inline
function rankPair(nodes: usize, i: u32): void {
  const node = nodes + (<usize>i << 4)
  const next = load<u32>(node, 4)
  let rank = NONE
  if (next != NONE) rank = load<u32>(pairSlot(load<u32>(node), load<u32>(nodes + (<usize>next << 4))), 8)
  store<u32>(node, rank, 12)
  if (rank != NONE) push(<u64>rank << 32 | i)
}

/** Work bytes that `encodeLong` takes for a piece of `length` bytes. */
export function workBytes(length: u32): usize {
  return <usize>length * 36
}

function encodeLong(p: usize, length: u32, work: usize): u32 {
  const out = work
  const nodes = out + (<usize>length << 2)
  heap = nodes + (<usize>length << 4)
  heapLength = 0
  const n = bytesToSymbols(p, length, out)
  for (let i: u32 = 0; i < n; i++) {
    const node = nodes + (<usize>i << 4)
    store<u32>(node, load<u32>(out + (<usize>i << 2)))
    store<u32>(node, i + 1 < n ? i + 1 : NONE, 4)
    store<u32>(node, i ? i - 1 : NONE, 8)
  }
  for (let i: u32 = 0; i < n; i++) rankPair(nodes, i)
  while (heapLength) {
    const key = pop()
    const i = <u32>key
    const node = nodes + (<usize>i << 4)
    if (load<u32>(node, 12) != <u32>(key >> 32)) continue
    const next = load<u32>(node, 4)
    const right = nodes + (<usize>next << 4)
    store<u32>(node, load<u32>(pairSlot(load<u32>(node), load<u32>(right)), 12))
    const after = load<u32>(right, 4)
    store<u32>(node, after, 4)
    store<u32>(right, NONE, 12)
    if (after != NONE) store<u32>(nodes + (<usize>after << 4), i, 8)
    rankPair(nodes, i)
    const before = load<u32>(node, 8)
    if (before != NONE) rankPair(nodes, before)
  }
  let ids: u32 = 0
  for (let i: u32 = 0; i != NONE && n; i = load<u32>(nodes + (<usize>i << 4), 4)) {
    store<u32>(out + (<usize>ids << 2), load<u32>(nodes + (<usize>i << 4)))
    ids++
  }
  return ids
}

/** Encodes one piece; the ids lie at `work`, where there must be `workBytes(length)` aligned bytes. Returns how many ids, or NONE where memory is out. */
export function encodeBytes(p: usize, length: u32, work: usize): u32 {
  if (length <= SHORT) return encodeShort(p, length, work)
  if (!ensure(work + workBytes(length))) return NONE
  return encodeLong(p, length, work)
}
