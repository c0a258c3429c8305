/**
 * Rows of a weight as bits, for writers: whatever the file's order of rows and of codes, they come in the model's own
 * order, so that a type which two formats share passes from one to the other without being decoded.
 */
import { check } from '../graph/error.js'
import { fileRow } from './dequantize.js'
import type { ByteRange, ModelSource, WeightTensor } from './model.js'

type Reader = Pick<ModelSource, 'read'>

/** Rows and columns of a tensor; a vector is one row. */
export function sizeOf({ shape }: Pick<WeightTensor, 'shape'>): { readonly rows: number; readonly columns: number } {
  return { rows: shape.slice(0, -1).reduce((n, d) => n * d, 1), columns: shape.at(-1) ?? 1 }
}

/** Bytes of `count` rows of one plane of a tensor, from row `from` of the model's order. */
export function readRows(source: Reader, tensor: WeightTensor, plane: string, from: number, count: number): Uint8Array {
  const range = planeOf(tensor, plane)
  const { rows } = sizeOf(tensor)
  const perRow = range.bytes / rows
  check(Number.isInteger(perRow), 'weights', `tensor ${tensor.name}: ${plane}`, `whole bytes for each of ${rows} rows`, `${range.bytes}`)
  const bytes = new Uint8Array(count * perRow)
  const heads = tensor.permutedHeads
  if (heads === undefined) source.read(range, bytes, from * perRow)
  else for (let r = 0; r < count; r++) source.read(range, bytes.subarray(r * perRow, (r + 1) * perRow), fileRow(from + r, rows / heads) * perRow)
  return bytes
}

function planeOf(tensor: WeightTensor, plane: string): ByteRange {
  const range = tensor.ranges[plane]
  check(range !== undefined, 'weights', `tensor ${tensor.name} has no plane of ${plane}`)
  return range
}

/** Codes of four bits, two to a byte with the even element low, and a byte of scale for each group. */
export interface Fours {
  readonly codes: Uint8Array
  readonly scales: Uint8Array
}

/** How GGUF stores a type of e2m1 with scales of a byte: so many scales, then groups of codes, each half low and half high. */
const blocks = { nvfp4: { scales: 4, group: 16 }, mxfp4: { scales: 1, group: 32 } } as const
export type FourBitFloat = keyof typeof blocks

/** Elements that share a scale. */
export const groupOf = (type: FourBitFloat): number => blocks[type].group

/** Elements of one of GGUF's blocks. */
export const blockOf = (type: FourBitFloat): number => blocks[type].scales * blocks[type].group

/** NVFP4 or MXFP4 rows apart, from planes or from GGUF's blocks, whose unsigned e4m3 scales become ordinary ones. */
export function readFours(source: Reader, tensor: WeightTensor, type: FourBitFloat, from: number, count: number): Fours {
  if (tensor.packing === 'planes') return { codes: readRows(source, tensor, 'codes', from, count), scales: readRows(source, tensor, 'scales', from, count) }
  const { scales: perBlock, group } = blocks[type]
  const raw = readRows(source, tensor, 'data', from, count)
  const [half, size] = [group / 2, perBlock * (1 + group / 2)]
  const codes = new Uint8Array((raw.length / size) * perBlock * half)
  const scales = new Uint8Array((raw.length / size) * perBlock)
  for (let b = 0, g = 0; b < raw.length; b += size) {
    for (let s = 0; s < perBlock; s++, g++) {
      const scale = raw[b + s]!
      scales[g] = type === 'mxfp4' ? scale : (scale & 0x7f) === 0x7f ? 0 : scale & 0x7f
      const at = b + perBlock + s * half
      for (let i = 0; i < half; i += 2) {
        const [one, two] = [raw[at + i]!, raw[at + i + 1]!]
        codes[g * half + i / 2] = (one & 15) | ((two & 15) << 4)
        codes[g * half + (half + i) / 2] = (one >> 4) | (two & 0xf0)
      }
    }
  }
  return { codes, scales }
}

/** The inverse: GGUF's blocks from codes and scales; whole blocks. */
export function blocksOfFours({ codes, scales }: Fours, type: FourBitFloat): Uint8Array {
  const { scales: perBlock, group } = blocks[type]
  const [half, size] = [group / 2, perBlock * (1 + group / 2)]
  const out = new Uint8Array((scales.length / perBlock) * size)
  const nibble = (i: number): number => (codes[i >> 1]! >> (4 * (i & 1))) & 15
  for (let b = 0, g = 0; b < out.length; b += size) {
    for (let s = 0; s < perBlock; s++, g++) {
      out[b + s] = scales[g]!
      const [at, first] = [b + perBlock + s * half, g * group]
      for (let i = 0; i < half; i++) out[at + i] = nibble(first + i) | (nibble(first + half + i) << 4)
    }
  }
  return out
}
