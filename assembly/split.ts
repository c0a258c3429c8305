/**
 * The known split patterns as scanners: each gives the end of the piece that starts at `p`, as the regular expression's
 * leftmost match would, alternative by alternative. They work on one section of text between added tokens, whose end
 * is the end of the text for `(?!\S)`.
 *
 * llama  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *        with n = 1 for Qwen2 and later, n = 3 for Llama 3
 * gpt2   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *        for SmolLM every number is cut out on its own first, and gpt2 runs on what is between them
 */
import { character, lettersEnd, numbersEnd, spacesEnd, symbolsEnd, widthBefore, KIND, LETTER, NUMBER, SPACE } from './classes'

export const enum Split { Gpt2 = 0, Smollm = 1, Qwen2 = 2, Llama3 = 3 }

/** Length of the contraction after the apostrophe at `p`, apostrophe included, or 0. U+017F folds to s, so it matches there where case is ignored. */
function contraction(p: usize, end: usize, anyCase: bool): usize {
  if (p + 1 >= end) return 0
  const fold: u32 = anyCase ? 0x20 : 0
  const first = load<u8>(p, 1) | fold
  if (first == 0x73 || first == 0x74 || first == 0x6d || first == 0x64) return 2
  if (p + 2 >= end) return 0
  if (anyCase && load<u16>(p, 1) == 0xbfc5) return 3
  const second = load<u8>(p, 2) | fold
  if (second == 0x65 && (first == 0x72 || first == 0x76)) return 3
  return first == 0x6c && second == 0x6c ? 3 : 0
}

/** The end of a run of white space that no earlier alternative took: all of it at the end of the text, otherwise all but its last character. */
@inline
function spacePiece(p: usize, run: usize, atEnd: bool): usize {
  if (atEnd) return run
  const last = run - widthBefore(run)
  return last > p ? last : run
}

function llamaPiece(p: usize, end: usize, digits: u32): usize {
  const c = character(p)
  if (c & LETTER) return lettersEnd(p, end)
  const byte = load<u8>(p)
  if (byte == 0x27) {
    const length = contraction(p, end, true)
    if (length) return p + length
  }
  if (c & NUMBER) return numbersEnd(p, end, digits)

  const next = p + (c >> 8)
  const following = next < end ? character(next) : SPACE
  if (following & LETTER && byte != 0x0a && byte != 0x0d) return lettersEnd(next, end)
  if (!(c & SPACE) || (byte == 0x20 && !(following & KIND))) {
    let q = symbolsEnd(next, end)
    while (q < end && (load<u8>(q) == 0x0a || load<u8>(q) == 0x0d)) q++
    return q
  }
  const run = spacesEnd(next, end)
  for (let q = run; q > p; q--) {
    const last = load<u8>(q - 1)
    if (last == 0x0a || last == 0x0d) return q
  }
  return spacePiece(p, run, run == end)
}

function gpt2Piece(p: usize, end: usize, digitsAlone: bool): usize {
  const c = character(p)
  if (c & LETTER) return lettersEnd(p, end)
  const byte = load<u8>(p)
  if (byte == 0x27) {
    const length = contraction(p, end, false)
    if (length) return p + length
  }
  const next = p + (c >> 8)
  if (c & NUMBER) return digitsAlone ? next : numbersEnd(p, end, 0xffffffff)
  if (!(c & SPACE)) return symbolsEnd(next, end)
  if (byte == 0x20 && next < end) {
    const following = character(next)
    if (following & LETTER) return lettersEnd(next, end)
    if (!(following & KIND)) return symbolsEnd(next, end)
    if (following & NUMBER) return digitsAlone ? next : numbersEnd(next, end, 0xffffffff)
  }
  const run = spacesEnd(next, end)
  return spacePiece(p, run, run == end || (digitsAlone && (character(run) & NUMBER) != 0))
}

/** The end of the piece at `p`, which is before `end`. */
export function pieceEnd(split: Split, p: usize, end: usize): usize {
  switch (split) {
    case Split.Qwen2: return llamaPiece(p, end, 1)
    case Split.Llama3: return llamaPiece(p, end, 3)
    case Split.Smollm: return gpt2Piece(p, end, true)
    default: return gpt2Piece(p, end, false)
  }
}
