/**
 * The way of a text to ids: added tokens are cut out, what is between them is normalized, cut into pieces, and each piece
 * encoded. A piece that is one token is found in the vocabulary at once; of those that are several, the short ones are kept
 * in a small direct-mapped cache, as text repeats its words. Ids go to a buffer that the host empties whenever it is full.
 *
 * The host calls, in this order: `createTokenizer`, then writes the tokens and calls `finishVocabulary`, `enterMerges`
 * and `enterAdded`; after that `encode` and `decode` as often as it likes. Text and ids go in through `inputBuffer`.
 */
import { addToken, createAdded, hasTokens, longestToken, matchEnd, nextCandidate, NORMALIZED, RAW } from './added'
import { flagsBefore, isQuicklyNfc, spacesEnd, unfoldClasses, widthBefore, SPACE } from './classes'
import { allocate, ensure, workspace } from './memory'
import { addMerges, createMerges, encodeBytes, indexBytes } from './merges'
import { pieceEnd, Split } from './split'
import {
  createVocabulary, flagsOf, indexVocabulary, keyOf, sameBytes, slotOf, spread, tokenLength, tokenStart, vocabularySize,
  LSTRIP, NONE, PARTS, RSTRIP, SPECIAL, WHOLE,
} from './vocabulary'

/** Takes `count` ids from the output buffer. */
@external("host", "flush")
declare function flush(count: u32): void
/** Writes the NFC of `bytes` bytes at `from` to `to`, where three times as much fits; returns its bytes. */
@external("host", "normalize")
declare function normalize(from: usize, bytes: usize, to: usize): usize

const OUTPUT: u32 = 1 << 14
let output: usize = 0
let produced: u32 = 0

/** Cache entry of 64 bytes: key u64, length u16, ids u16, up to 6 ids, up to 28 bytes of text. */
const CACHE_BITS: u32 = 15
const CACHED_IDS: u32 = 6
const CACHED_BYTES: u32 = 28
let cache: usize = 0

let split: Split = Split.Gpt2
let nfc: bool = false
let ignoreMerges: bool = false
let skipSpecial: bool = false
let outOfMemory: bool = false
/** End of the text of this call; what is above is free for work. */
let work: usize = 0

export function createTokenizer(tokens: u32, bytes: u32, merges: u32, addedBytes: u32, pattern: u32, normalizes: bool, wholeFirst: bool): void {
  split = pattern
  nfc = normalizes
  ignoreMerges = wholeFirst
  unfoldClasses()
  createVocabulary(tokens, bytes)
  createMerges(merges)
  createAdded(addedBytes)
  output = allocate(OUTPUT * 4)
  cache = allocate(<usize>64 << CACHE_BITS)
}

/** After tokens are written: returns the first id whose bytes are empty or taken, or -1. `unknown` stands for bytes without a token (-1: dropped). */
export function finishVocabulary(unknown: u32): i32 {
  const bad = indexVocabulary()
  if (bad < 0) indexBytes(unknown)
  return bad
}

/** Merges from the input buffer: two u32 lengths for each, then the bytes. Returns the first that names no token, or -1. */
export function enterMerges(count: u32, firstRank: u32): i32 {
  return addMerges(count, firstRank, workspace(), workspace() + (<usize>count << 3))
}

/** One added token, `length` bytes in the input buffer. */
export function enterAdded(trie: u32, length: u32, id: u32): void {
  addToken(trie, workspace(), length, id)
}

/** Makes room for `bytes` bytes of input (and some beyond, which are read but do not matter); its address, or 0 where memory is out. */
export function inputBuffer(bytes: usize): usize {
  return ensure(workspace() + bytes + 64) ? workspace() : 0
}

export function outputBuffer(): usize {
  return output
}

@inline
function emit(id: u32): void {
  store<u32>(output + (<usize>produced << 2), id)
  if (++produced == OUTPUT) {
    flush(produced)
    produced = 0
  }
}

/** A piece that is not one token by what is known so far. */
function encodeSeveral(p: usize, length: u32, key: u64, slot: usize): void {
  const known = load<u32>(slot, 12)
  let entry: usize = 0
  if (length <= CACHED_BYTES) {
    entry = cache + (<usize>(spread(key, length) >> (32 - CACHE_BITS)) << 6)
    if (load<u64>(entry) == key && load<u16>(entry, 8) == length && (length <= 8 || sameBytes(p, entry + 36, length))) {
      const ids: u32 = load<u16>(entry, 10)
      for (let i: u32 = 0; i < ids; i++) emit(load<u32>(entry + (i << 2), 12))
      return
    }
  }
  const ids = encodeBytes(p, length, work)
  if (ids == NONE) {
    outOfMemory = true
    return
  }
  if (known) {
    const whole = ids == 1 && load<u32>(work) == load<u32>(slot, 8)
    store<u32>(slot, known | (whole ? WHOLE : PARTS), 12)
  }
  if (entry && ids <= CACHED_IDS) {
    store<u64>(entry, key)
    store<u16>(entry, length, 8)
    store<u16>(entry, ids, 10)
    memory.copy(entry + 12, work, ids << 2)
    memory.copy(entry + 36, p, length)
  }
  for (let i: u32 = 0; i < ids; i++) emit(load<u32>(work + (<usize>i << 2)))
}

/** Cuts [p, end) into pieces and encodes them. */
function encodePieces(p: usize, end: usize): void {
  while (p < end) {
    const next = pieceEnd(split, p, end)
    const length = <u32>(next - p)
    const key = keyOf(p, length)
    const slot = slotOf(p, length, key)
    const known = load<u32>(slot, 12)
    if (known & WHOLE || (ignoreMerges && known)) emit(load<u32>(slot, 8))
    else encodeSeveral(p, length, key, slot)
    p = next
  }
}

/** Cuts the trie's tokens out of [p, end); what is between them goes on to the next stage. */
function cutAdded(trie: u32, p: usize, end: usize): void {
  const start = p
  let from = p
  for (;;) {
    p = nextCandidate(trie, p, end)
    if (p >= end) break
    const id = longestToken(trie, p, end)
    if (id == NONE) {
      p++
      continue
    }
    let left = p
    p = matchEnd()
    const flags = flagsOf(id)
    if (skipSpecial && flags & SPECIAL) continue
    let right = p
    if (flags & LSTRIP) {
      while (left > start && flagsBefore(left) & SPACE) left -= widthBefore(left)
      if (left < from) left = from
    }
    if (flags & RSTRIP) right = spacesEnd(right, end)
    if (from < left) encodeBetween(trie, from, left)
    emit(id)
    from = right
  }
  if (from < end) encodeBetween(trie, from, end)
}

function encodeBetween(trie: u32, p: usize, end: usize): void {
  if (trie == NORMALIZED) return encodePieces(p, end)
  if (nfc && !isQuicklyNfc(p, end)) {
    // the normalized section lies in the work space until it is encoded
    const to = work
    const room = (end - p) * 3
    if (!ensure(to + room + 64)) {
      outOfMemory = true
      return
    }
    const bytes = normalize(p, end - p, to)
    work = (to + bytes + 79) & ~15
    if (ensure(work + 4096)) encodeNormalized(to, to + bytes)
    else outOfMemory = true
    work = to
    return
  }
  encodeNormalized(p, end)
}

@inline
function encodeNormalized(p: usize, end: usize): void {
  if (hasTokens(NORMALIZED)) cutAdded(NORMALIZED, p, end)
  else encodePieces(p, end)
}

/**
 * Encodes `bytes` bytes of the input buffer. Full output buffers went to `flush`; returns how many ids are left in the last, or
 * -1 where memory is out. With `special` false, special tokens in the text are text.
 */
export function encode(bytes: usize, special: bool): i32 {
  produced = 0
  skipSpecial = !special
  outOfMemory = false
  const start = workspace()
  work = (start + bytes + 79) & ~15
  if (!ensure(work + 4096)) return -1
  cutAdded(RAW, start, start + bytes)
  return outOfMemory ? -1 : produced
}

/** Where `decode` left its bytes. */
let decoded: usize = 0

export function decodedBytes(): usize {
  return decoded
}

/** The bytes of `count` ids of the input buffer; returns how many bytes, or -1 where memory is out. Ids without a token give nothing. */
export function decode(count: u32, withoutSpecial: bool): i32 {
  const ids = workspace()
  decoded = ids + (<usize>count << 2)
  let at = decoded
  for (let i: u32 = 0; i < count; i++) {
    const id = load<u32>(ids + (<usize>i << 2))
    if (id >= vocabularySize() || (withoutSpecial && flagsOf(id) & SPECIAL)) continue
    const length = tokenLength(id)
    if (!ensure(at + length + 64)) return -1
    memory.copy(at, tokenStart(id), length)
    at += length
  }
  return <i32>(at - decoded)
}
