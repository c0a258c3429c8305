/**
 * Weights as float32, by plain scalar code: the oracle that every backend's decoding is compared with, and the reference
 * device's source of weights. A code times its block scale is exact in float32 for every type here, so one rounding
 * remains, by the minimum (q4_1) or by the tensor scale (nvfp4). Rows that GGUF's llama permuted are put back in order.
 */
import { check } from '../graph/error.js'
import { blockFormats, type BlockFormat } from './dequantize-blocks.js'
import { e2m1ToF32, e4m3ToF32, e8m0ToF32, f16ToF32, ue4m3ToF32 } from './floats.js'
import { inputOrder, int4Rows } from './int4.js'
import type { ModelSource, WeightTensor } from './model.js'
import { readGrid } from './scale-grid.js'

/** Rows are converted in pieces of about so many values, so that the raw bytes never stand beside a whole matrix. */
const pieceValues = 1 << 20

const blocks: Readonly<Record<string, BlockFormat>> = {
  ...blockFormats,
  f32: { values: 1, bytes: 4, decode: (raw, into) => into.set(new Float32Array(raw.buffer, raw.byteOffset, into.length)) },
  f16: { values: 1, bytes: 2, decode: decodeF16 },
  bf16: { values: 1, bytes: 2, decode: decodeBf16 },
  q4_0: { values: 32, bytes: 18, decode: decodeQ4Zero },
  q4_1: { values: 32, bytes: 20, decode: decodeQ4One },
  q8_0: { values: 32, bytes: 34, decode: decodeQ8Zero },
  nvfp4: { values: 64, bytes: 36, decode: decodeNvfp4 },
  mxfp4: { values: 32, bytes: 17, decode: decodeMxfp4 },
  fp8: { values: 1, bytes: 1, decode: (raw, into) => raw.forEach((code, i) => { into[i] = e4m3ToF32(code) }) },
}

/**
 * Rows [rowFrom, rowFrom + rows) of `tensor` as float32, row-major, in the model's own order; all rows by default. A vector
 * counts as one row. Columns of a weight with an order of inputs stand in that order, as its product reads them. Throws when the rows are not the tensor's, or the type is unknown.
 */
export function dequantize(source: Pick<ModelSource, 'read'>, tensor: WeightTensor, rowFrom = 0, rows?: number): Float32Array {
  const columns = tensor.shape.at(-1) ?? 1
  const total = tensor.shape.slice(0, -1).reduce((n, d) => n * d, 1)
  const count = rows ?? total - rowFrom
  const inside = Number.isInteger(rowFrom) && Number.isInteger(count) && rowFrom >= 0 && count >= 0 && rowFrom + count <= total
  check(inside, 'weights', `tensor ${tensor.name}: rows`, `within ${total}`, `${count} from ${rowFrom}`)
  const out = new Float32Array(count * columns)
  const heads = tensor.permutedHeads
  if (heads === undefined) readRows(source, tensor, columns, rowFrom, out)
  else if (total === 1) unpermuteVector(source, tensor, heads, out)
  else {
    for (let i = 0; i < count; i++) readRows(source, tensor, columns, fileRow(rowFrom + i, total / heads), out.subarray(i * columns, (i + 1) * columns))
  }
  return out
}

/** The same with every column where the model has it, for who looks at values and not at products. */
export function dequantizeInOrder(source: Pick<ModelSource, 'read'>, tensor: WeightTensor, rowFrom = 0, rows?: number): Float32Array {
  const values = dequantize(source, tensor, rowFrom, rows)
  if (!tensor.ranges['order']) return values
  const order = inputOrder(source, tensor, 'order')
  const out = new Float32Array(values.length)
  for (let at = 0; at < values.length; at += order.length) for (let i = 0; i < order.length; i++) out[at + order[i]!] = values[at + i]!
  return out
}

/** Where the model's row stands in a permuted file, whose heads hold [headDim/2, 2] rows for the model's [2, headDim/2]. */
export function fileRow(row: number, headDim: number): number {
  const within = row % headDim
  const half = headDim / 2
  return row - within + (within % half) * 2 + Math.floor(within / half)
}

function unpermuteVector(source: Pick<ModelSource, 'read'>, tensor: WeightTensor, heads: number, out: Float32Array): void {
  const stored = new Float32Array(out.length)
  readRows(source, tensor, out.length, 0, stored)
  for (let i = 0; i < out.length; i++) out[i] = stored[fileRow(i, out.length / heads)]!
}

/** Whole rows as they stand in the file, from row `from` on, as many as `out` holds. */
function readRows(source: Pick<ModelSource, 'read'>, tensor: WeightTensor, columns: number, from: number, out: Float32Array): void {
  const rowsAPiece = Math.max(1, Math.floor(pieceValues / columns))
  for (let done = 0; done * columns < out.length; done += rowsAPiece) {
    const piece = out.subarray(done * columns, (done + rowsAPiece) * columns)
    if (tensor.packing === 'gptq' || tensor.packing === 'awq') int4Rows(source, tensor, from + done, piece)
    else if (tensor.packing === 'order') piece.set(inputOrder(source, tensor, 'data'))
    else if (tensor.packing === 'planes') readPlanes(source, tensor, (from + done) * columns, piece)
    else readBlocks(source, tensor, (from + done) * columns, piece)
  }
}

function readBlocks(source: Pick<ModelSource, 'read'>, tensor: WeightTensor, first: number, out: Float32Array): void {
  const block = Object.hasOwn(blocks, tensor.type) ? blocks[tensor.type] : undefined
  const data = tensor.ranges['data']
  if (tensor.grid !== undefined) return readGridded(source, tensor, first, out)
  check(block !== undefined && data !== undefined, 'weights', `tensor ${tensor.name}: type`, Object.keys(blocks).join(', '), tensor.type)
  const raw = new Uint8Array((out.length / block.values) * block.bytes)
  source.read(data, raw, (first / block.values) * block.bytes)
  block.decode(raw, out)
  if (tensor.scale !== 1) for (let i = 0; i < out.length; i++) out[i] = out[i]! * tensor.scale
}

/** Types of e2m1 that stand in planes: how many values share a scale, and its coding. */
const planes: Readonly<Record<string, { readonly group: number; readonly scale: (code: number) => number }>> = {
  nvfp4: { group: 16, scale: e4m3ToF32 },
  mxfp4: { group: 32, scale: e8m0ToF32 },
}

/** NVFP4 and MXFP4 of safetensors: codes two to a byte, the even one low; a byte of scale for each group. */
function readPlanes(source: Pick<ModelSource, 'read'>, tensor: WeightTensor, first: number, out: Float32Array): void {
  const { codes: codeRange, scales: scaleRange } = tensor.ranges
  const kind = Object.hasOwn(planes, tensor.type) ? planes[tensor.type] : undefined
  check(kind !== undefined && codeRange !== undefined && scaleRange !== undefined, 'weights', `tensor ${tensor.name}: type in planes`, Object.keys(planes).join(', '), tensor.type)
  const codes = new Uint8Array(out.length / 2)
  const scales = new Uint8Array(out.length / kind.group)
  source.read(codeRange, codes, first / 2)
  source.read(scaleRange, scales, first / kind.group)
  for (let g = 0; g < scales.length; g++) {
    const scale = kind.scale(scales[g]!)
    for (let i = g * kind.group; i < (g + 1) * kind.group; i++) {
      const code = (codes[i >> 1]! >> (4 * (i & 1))) & 15
      out[i] = e2m1ToF32(code) * scale * tensor.scale
    }
  }
}

/** FP8 with a scale for each row or for each block of the matrix. */
function readGridded(source: Pick<ModelSource, 'read'>, tensor: WeightTensor, first: number, out: Float32Array): void {
  const [codes, grid, { block, columns: perRow }] = [new Uint8Array(out.length), readGrid(source, tensor), tensor.grid!]
  const columns = tensor.shape.at(-1)!
  source.read(tensor.ranges['data']!, codes, first)
  for (let i = 0; i < out.length; i++) {
    const [row, column] = [Math.floor((first + i) / columns), (first + i) % columns]
    out[i] = e4m3ToF32(codes[i]!) * grid[Math.floor(row / block[0]) * perRow + Math.floor(column / block[1])]!
  }
}

function decodeF16(raw: Uint8Array, into: Float32Array): void {
  for (let i = 0; i < into.length; i++) into[i] = f16ToF32(half(raw, 2 * i))
}

function decodeBf16(raw: Uint8Array, into: Float32Array): void {
  const bits = new Uint32Array(into.buffer, into.byteOffset, into.length)
  for (let i = 0; i < bits.length; i++) bits[i] = half(raw, 2 * i) << 16
}

function decodeQ4Zero(raw: Uint8Array, into: Float32Array): void {
  for (let at = 0, i = 0; i < into.length; at += 18, i += 32) {
    const d = f16ToF32(half(raw, at))
    for (let j = 0; j < 16; j++) {
      const pair = raw[at + 2 + j]!
      into[i + j] = ((pair & 15) - 8) * d
      into[i + j + 16] = ((pair >> 4) - 8) * d
    }
  }
}

function decodeQ4One(raw: Uint8Array, into: Float32Array): void {
  for (let at = 0, i = 0; i < into.length; at += 20, i += 32) {
    const d = f16ToF32(half(raw, at))
    const min = f16ToF32(half(raw, at + 2))
    for (let j = 0; j < 16; j++) {
      const pair = raw[at + 4 + j]!
      into[i + j] = (pair & 15) * d + min
      into[i + j + 16] = (pair >> 4) * d + min
    }
  }
}

function decodeQ8Zero(raw: Uint8Array, into: Float32Array): void {
  for (let at = 0, i = 0; i < into.length; at += 34, i += 32) {
    const d = f16ToF32(half(raw, at))
    for (let j = 0; j < 32; j++) into[i + j] = ((raw[at + 2 + j]! << 24) >> 24) * d
  }
}

/** GGUF's type 40: four unsigned e4m3 scales, then 8 bytes for each 16 values, element j low and j + 8 high. */
function decodeNvfp4(raw: Uint8Array, into: Float32Array): void {
  for (let at = 0, i = 0; i < into.length; at += 36, i += 64) {
    for (let s = 0; s < 4; s++) {
      const d = ue4m3ToF32(raw[at + s]!)
      for (let j = 0; j < 8; j++) {
        const pair = raw[at + 4 + s * 8 + j]!
        into[i + s * 16 + j] = e2m1ToF32(pair) * d
        into[i + s * 16 + j + 8] = e2m1ToF32(pair >> 4) * d
      }
    }
  }
}

/** OCP's microscaling format as GGUF keeps it: a power of two, then 16 bytes, element j low and j + 16 high. */
function decodeMxfp4(raw: Uint8Array, into: Float32Array): void {
  for (let at = 0, i = 0; i < into.length; at += 17, i += 32) {
    const d = e8m0ToF32(raw[at]!)
    for (let j = 0; j < 16; j++) {
      const pair = raw[at + 1 + j]!
      into[i + j] = e2m1ToF32(pair) * d
      into[i + j + 16] = e2m1ToF32(pair >> 4) * d
    }
  }
}

function half(raw: Uint8Array, at: number): number {
  return raw[at]! | (raw[at + 1]! << 8)
}
