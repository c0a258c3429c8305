/**
 * The repacking of weights on their way to a device, by words: eight four-bit codes are moved at once with masks and
 * shifts, in place, because a unit of 32 elements stays where it is and only its order changes. `respan` of the layouts is
 * the plain form of the same, and what this is tested against. Buffers are little-endian, as files and devices are.
 */
import { respan } from '../codegen/types/layout.js'
import { scaleBytes, type QuantType } from '../codegen/types/table.js'

const low = 0x0f0f0f0f

/** The low nibbles of four bytes, as sixteen bits. */
const pack = (w: number): number => {
  const pairs = ((w & low) | ((w & low) >>> 4)) & 0x00ff00ff
  return (pairs | (pairs >>> 8)) & 0xffff
}
/** Sixteen bits as the low nibbles of four bytes. */
const spread = (bits: number): number => {
  const pairs = (bits | (bits << 8)) & 0x00ff00ff
  return (pairs | (pairs << 4)) & low
}

/** Reorders four-bit codes between spans in place. `bytes` starts at a multiple of four and holds whole units of both spans. */
export function respanInPlace(bytes: Uint8Array, fromSpan: number, toSpan: number): void {
  if (fromSpan === toSpan) return
  const known = bytes.byteOffset % 4 === 0 && bytes.length % 16 === 0 ? units[`${fromSpan} ${toSpan}`] : undefined
  if (known) known(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4))
  else respan(bytes.slice(), fromSpan, bytes, toSpan)
}

/** By spans, over units of four words: 32 elements. A small model is loaded before V8 optimizes these: no array is made in them. */
const units: Readonly<Record<string, (words: Uint32Array) => void>> = {
  '32 2': words => {
    for (let i = 0; i < words.length; i += 4) {
      const a = words[i]!, b = words[i + 1]!, c = words[i + 2]!, d = words[i + 3]!
      words[i] = pack(a) | (pack(b) << 16)
      words[i + 1] = pack(c) | (pack(d) << 16)
      words[i + 2] = pack(a >>> 4) | (pack(b >>> 4) << 16)
      words[i + 3] = pack(c >>> 4) | (pack(d >>> 4) << 16)
    }
  },
  '16 2': words => {
    for (let i = 0; i < words.length; i += 2) {
      const a = words[i]!, b = words[i + 1]!
      words[i] = pack(a) | (pack(b) << 16)
      words[i + 1] = pack(a >>> 4) | (pack(b >>> 4) << 16)
    }
  },
  '2 32': words => {
    for (let i = 0; i < words.length; i += 4) {
      const a = words[i]!, b = words[i + 1]!, c = words[i + 2]!, d = words[i + 3]!
      words[i] = spread(a & 0xffff) | (spread(c & 0xffff) << 4)
      words[i + 1] = spread(a >>> 16) | (spread(c >>> 16) << 4)
      words[i + 2] = spread(b & 0xffff) | (spread(d & 0xffff) << 4)
      words[i + 3] = spread(b >>> 16) | (spread(d >>> 16) << 4)
    }
  },
  '16 32': words => {
    for (let i = 0; i < words.length; i += 4) {
      const a = words[i]!, b = words[i + 1]!, c = words[i + 2]!, d = words[i + 3]!
      words[i] = (a & low) | ((c & low) << 4)
      words[i + 1] = (b & low) | ((d & low) << 4)
      words[i + 2] = ((a >>> 4) & low) | (c & ~low)
      words[i + 3] = ((b >>> 4) & low) | (d & ~low)
    }
  },
}

/** Where the fields of blocks go; each array holds exactly those of the blocks given, and starts at an even address. */
export interface BlockFields {
  readonly codes: Uint8Array
  readonly scales: Uint8Array
  readonly mins: Uint8Array
}

/** Separates GGUF's interleaved blocks into codes (in the file's span), scales and minima. `from` starts at an even address. */
export function splitBlocks(from: Uint8Array, type: QuantType, into: BlockFields): void {
  const { gguf: block, scale } = type
  if (block!.bytes % 2 !== 0) splitBytes(from, type, into)
  else splitHalves(from, type, into)
  if (scale!.coding === 'e4m3') clearSigns(into.scales)
}
/** Of blocks that are whole halfwords, and so are their fields. */
function splitHalves(from: Uint8Array, type: QuantType, into: BlockFields): void {
  const block = type.gguf!
  const half = (bytes: Uint8Array): Uint16Array => new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
  const [source, codes, scales, mins] = [half(from), half(into.codes), half(into.scales), half(into.mins)]
  const [size, codesAt, codeCount] = [block.bytes / 2, block.codes.at / 2, (block.elements * type.bits) / 16]
  const [scalesAt, scaleCount] = [block.scales.at / 2, (block.scales.count * scaleBytes[type.scale!.coding]) / 2]
  const blocks = source.length / size
  for (let b = 0, at = 0; b < blocks; b++, at += size) {
    for (let i = 0, to = b * codeCount; i < codeCount; i++) codes[to + i] = source[at + codesAt + i]!
    for (let i = 0, to = b * scaleCount; i < scaleCount; i++) scales[to + i] = source[at + scalesAt + i]!
    if (block.mins) mins[b] = source[at + block.mins.at / 2]!
  }
}

/** Of blocks of an odd number of bytes: one scale, codes, no minima. */
function splitBytes(from: Uint8Array, type: QuantType, into: BlockFields): void {
  const { bytes, codes, scales } = type.gguf!
  const [codeCount, scaleCount] = [(codes.count * type.bits) / 8, scales.count * scaleBytes[type.scale!.coding]]
  for (let b = 0, at = 0; at < from.length; b++, at += bytes) {
    for (let i = 0, to = b * codeCount; i < codeCount; i++) into.codes[to + i] = from[at + codes.at + i]!
    for (let i = 0, to = b * scaleCount; i < scaleCount; i++) into.scales[to + i] = from[at + scales.at + i]!
  }
}

/** GGUF's e4m3 is unsigned: the sign bit means nothing, and 0x7F is zero. */
function clearSigns(scales: Uint8Array): void {
  for (let i = 0; i < scales.length; i++) {
    const magnitude = scales[i]! & 0x7f
    scales[i] = magnitude === 0x7f ? 0 : magnitude
  }
}
