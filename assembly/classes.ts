/**
 * What a character is, from its UTF-8 bytes: one table lookup by code point, in a byte table of the whole code space
 * that is unfolded from the generated runs when a tokenizer is made (1.1 MB, of which text touches a few lines). The text is always
 * valid UTF-8, as the host's encoder wrote it, and may be read 16 bytes beyond its end.
 */
import { UNICODE_RUNS } from './unicode'
import { allocate } from './memory'

export const LETTER: u32 = 1
export const NUMBER: u32 = 2
export const SPACE: u32 = 4
export const NOT_QUICK: u32 = 8
export const COMBINING: u32 = 16
export const KIND: u32 = LETTER | NUMBER | SPACE

let table: usize = 0

export function unfoldClasses(): void {
  table = allocate(0x110000)
  let at = table
  for (let i = 0, runs = UNICODE_RUNS.length; i < runs; i++) {
    const run = unchecked(UNICODE_RUNS[i])
    memory.fill(at, <u8>run, run >> 8)
    at += run >> 8
  }
}

function wideCharacter(p: usize): u32 {
  const lead: u32 = load<u8>(p)
  const second: u32 = load<u8>(p, 1) & 63
  if (lead < 0xe0) return load<u8>(table + ((lead & 31) << 6 | second)) | 2 << 8
  const third: u32 = load<u8>(p, 2) & 63
  if (lead < 0xf0) return load<u8>(table + ((lead & 15) << 12 | second << 6 | third)) | 3 << 8
  return load<u8>(table + ((lead & 7) << 18 | second << 12 | third << 6 | load<u8>(p, 3) & 63)) | 4 << 8
}

/** The character at `p`: its flags in the low byte, its width in bytes above. */
@inline
export function character(p: usize): u32 {
  const lead: u32 = load<u8>(p)
  return lead < 0x80 ? load<u8>(table + lead) | 1 << 8 : wideCharacter(p)
}

/** Flags of the character that ends just before `p`. */
export function flagsBefore(p: usize): u32 {
  return character(p - widthBefore(p)) & 0xff
}

/** Bytes of the character that ends just before `p`. */
export function widthBefore(p: usize): usize {
  let width: usize = 1
  while ((load<u8>(p - width) & 0xc0) == 0x80) width++
  return width
}

/** The end of the run of letters at `p`. Sixteen ASCII letters are looked at together, as words are mostly shorter. */
export function lettersEnd(p: usize, end: usize): usize {
  while (p < end) {
    const block = v128.load(p)
    const folded = v128.or(block, i8x16.splat(0x20))
    const others = ~i8x16.bitmask(i8x16.lt_u(i8x16.sub(folded, i8x16.splat(0x61)), i8x16.splat(26))) & 0xffff
    if (!others) {
      p += 16
      continue
    }
    p += ctz(others)
    if (p >= end) return end
    if (load<u8>(p) < 0x80) return p
    const c = wideCharacter(p)
    if (!(c & LETTER)) return p
    p += c >> 8
    // letters of other scripts stand in runs
    while (p < end && load<u8>(p) >= 0x80) {
      const next = wideCharacter(p)
      if (!(next & LETTER)) return p
      p += next >> 8
    }
  }
  return end
}

/** The end of the run at `p` of characters that are neither letter, number nor white space. */
export function symbolsEnd(p: usize, end: usize): usize {
  while (p < end) {
    const c = character(p)
    if (c & KIND) break
    p += c >> 8
  }
  return p
}

/** The end of the run of numbers at `p`, at most `most` characters. */
export function numbersEnd(p: usize, end: usize, most: u32): usize {
  while (p < end && most-- > 0) {
    const c = character(p)
    if (!(c & NUMBER)) break
    p += c >> 8
  }
  return p
}

/** The end of the run of white space at `p`. */
export function spacesEnd(p: usize, end: usize): usize {
  while (p < end) {
    const c = character(p)
    if (!(c & SPACE)) break
    p += c >> 8
  }
  return p
}

/**
 * Whether the text is certainly in NFC: no character that a composition could change, and never two marks together (whose
 * order would have to be checked). A false answer only means that the host has to normalize.
 */
export function isQuicklyNfc(p: usize, end: usize): bool {
  let combining = false
  while (p < end) {
    // nothing below U+0300, that is no byte below 0xcc, takes part in normalization
    while (p < end) {
      const low = i8x16.bitmask(i8x16.ge_u(v128.load(p), i8x16.splat(<i8>0xcc)))
      if (low) {
        const skip = ctz(low)
        if (skip) combining = false
        p += skip
        break
      }
      combining = false
      p += 16
    }
    if (p >= end) return true
    const c = wideCharacter(p)
    if (c & NOT_QUICK) return false
    const mark = (c & COMBINING) != 0
    if (mark && combining) return false
    combining = mark
    p += c >> 8
  }
  return true
}
