/**
 * The tokens: their bytes one after another, and an open-addressed table from bytes to id for those that byte-pair
 * encoding can reach. A key of up to 8 bytes is the bytes themselves, so that the common words are compared without touching
 * the bytes of the vocabulary; a longer key is a hash, and the bytes are compared. A slot is 16 bytes: key u64, id u32,
 * length u32 with two bits of what is known of the token as a whole piece.
 */
import { allocate, powerOfTwo } from './memory'

export const NONE: u32 = 0xffffffff

/** Slot bits: encoding the token's own bytes is known to give the token, or known to give several. */
export const WHOLE: u32 = 0x80000000
export const PARTS: u32 = 0x40000000
const LENGTH: u32 = 0x3fffffff

let count: u32 = 0
let offsets: usize = 0
let bytes: usize = 0
let flags: usize = 0
let slots: usize = 0
let mask: u32 = 0

/** Token flags, one byte per id. */
export const REACHABLE: u32 = 1
export const SPECIAL: u32 = 2
export const LSTRIP: u32 = 4
export const RSTRIP: u32 = 8

export function createVocabulary(tokens: u32, totalBytes: u32): void {
  count = tokens
  offsets = allocate((tokens + 1) * 4)
  bytes = allocate(totalBytes + 16)
  flags = allocate(tokens)
  const size = powerOfTwo(tokens + (tokens >> 1))
  slots = allocate(<usize>size * 16)
  mask = size - 1
}

export function vocabularySize(): u32 {
  return count
}

/** Where the host writes the offsets (u32, one more than tokens), the bytes and the flags before `indexVocabulary`. */
export function tokenOffsets(): usize {
  return offsets
}

export function tokenBytes(): usize {
  return bytes
}

export function tokenFlags(): usize {
  return flags
}

@inline
export function tokenStart(id: u32): usize {
  return bytes + load<u32>(offsets + (id << 2))
}

@inline
export function tokenLength(id: u32): u32 {
  return load<u32>(offsets + (id << 2), 4) - load<u32>(offsets + (id << 2))
}

@inline
export function flagsOf(id: u32): u32 {
  return load<u8>(flags + id)
}

@inline
function mix(h: u64): u64 {
  h *= 0x9e3779b97f4a7c15
  return h ^ (h >> 32)
}

/** The key of 1 or more bytes; up to 7 bytes beyond them are read. */
@inline
export function keyOf(p: usize, length: u32): u64 {
  if (length <= 8) return load<u64>(p) & (<u64>-1 >> (64 - (length << 3)))
  return longKey(p, length)
}

function longKey(p: usize, length: u32): u64 {
  const last = p + length - 8
  let h: u64 = length
  for (; p < last; p += 8) h = mix(h ^ load<u64>(p))
  return mix(h ^ load<u64>(last))
}

/** Spreads a key over a table's slots. */
@inline
export function spread(key: u64, length: u32): u32 {
  return <u32>(((key ^ <u64>length << 56) * 0xd6e8feb86659fd93) >> 32)
}

export function sameBytes(a: usize, b: usize, length: u32): bool {
  while (length >= 8) {
    if (load<u64>(a) != load<u64>(b)) return false
    a += 8
    b += 8
    length -= 8
  }
  return !length || ((load<u64>(a) ^ load<u64>(b)) & (<u64>-1 >> (64 - (length << 3)))) == 0
}

/** The slot of the token with these bytes, or the free slot where it would be. */
export function slotOf(p: usize, length: u32, key: u64): usize {
  let i = spread(key, length)
  while (true) {
    const slot = slots + (<usize>(i & mask) << 4)
    const known = load<u32>(slot, 12) & LENGTH
    if (!known) return slot
    if (known == length && load<u64>(slot) == key) {
      if (length <= 8 || sameBytes(p, tokenStart(load<u32>(slot, 8)), length)) return slot
    }
    i++
  }
}

/** The id of the token with these bytes, or NONE. */
export function findToken(p: usize, length: u32): u32 {
  if (!length) return NONE
  const slot = slotOf(p, length, keyOf(p, length))
  return load<u32>(slot, 12) ? load<u32>(slot, 8) : NONE
}

/**
 * Slots looked at for one key while the tables are filled; ordinary vocabularies stay below a hundred. Whoever chooses tokens so
 * that all fall on one slot would have every entry walk past all others.
 */
export const PROBES: u32 = 4096
/** What stands for a table in which keys crowd: below -1, so that it is no id. */
export const CROWDED: i32 = -2

/** Whether more than PROBES slots lie between where the key belongs and where `slotOf` found it. */
function isFar(slot: usize, key: u64, length: u32): bool {
  return ((<u32>((slot - slots) >> 4) - spread(key, length)) & mask) > PROBES
}

/** Enters the reachable tokens in the table; returns the first id whose bytes are empty or another token's already, CROWDED, or -1. */
export function indexVocabulary(): i32 {
  for (let id: u32 = 0; id < count; id++) {
    if (!(flagsOf(id) & REACHABLE)) continue
    const p = tokenStart(id)
    const length = tokenLength(id)
    if (!length || length > LENGTH) return id
    const key = keyOf(p, length)
    const slot = slotOf(p, length, key)
    if (load<u32>(slot, 12)) return id
    if (isFar(slot, key, length)) return CROWDED
    store<u64>(slot, key)
    store<u32>(slot, id, 8)
    store<u32>(slot, length, 12)
  }
  return -1
}
