/**
 * A quantized weight as codes and scales, by plain code of its own beside `weights/dequantize.ts`: what a code means, which scale it
 * shares with its neighbours, what is added. The parts stand apart so that a mistake in any of them can be planted
 * (`mistakes-weights.ts`). A value is (meaning of its code · scale of its group + offset of its group) · tensor scale.
 */
import { fileRow } from '../weights/dequantize.js'
import { e2m1ToF32, e4m3ToF32, e8m0ToF32, f16ToF32, ue4m3ToF32 } from '../weights/floats.js'
import { awqNibble, inputOrder, int4Group, readWords } from '../weights/int4.js'
import type { ByteRange, WeightTensor } from '../weights/model.js'
import { readFloats } from '../weights/scale-grid.js'

export interface Coded {
  readonly kind: 'e2m1' | 'integer' | 'e4m3'
  readonly rows: number
  readonly columns: number
  /** Columns that share a scale. */
  readonly group: number
  /** As the file has it, not negative. */
  readonly code: (row: number, column: number) => number
  readonly meaning: (code: number) => number
  /** Of group g of a row. */
  readonly scale: (row: number, g: number) => number
  readonly offset: (row: number, g: number) => number
  readonly tensorScale: number
  /** The byte of a scale, where it is one. */
  readonly scaleByte?: (row: number, g: number) => number
  /** How two codes share a byte: columns 2j and 2j + 1, or j and j + half a group, low nibble first. */
  readonly pairs?: 'neighbours' | 'halves'
  /** A scale for each block of the matrix: scales by row and column of blocks, and how many rows of blocks there are. */
  readonly blocks?: { readonly scale: (row: number, column: number) => number; readonly rows: number; readonly rowsEach: number }
  /** AWQ and GPTQ: the zero of a group as it is meant, and what the file's lack. */
  readonly int4?: { readonly zero: (row: number, g: number) => number; readonly zeroOffset: 0 | 1; readonly awq: boolean; readonly order: Uint32Array | null }
}

/** Reads the bytes of a range. */
interface Bytes {
  readonly bytes: (range: ByteRange) => Uint8Array
}

const none = (): number => 0
const half = (raw: Uint8Array, at: number): number => f16ToF32(raw[at]! | (raw[at + 1]! << 8))

/** The weight's parts; null for plain floats and for types whose parts are not told apart here. */
export function codedWeight(tensor: WeightTensor | null, at: Bytes): Coded | null {
  if (tensor === null || tensor.shape.length !== 2) return null
  const [rows, columns] = tensor.shape as readonly [number, number]
  const base = { rows, columns, tensorScale: tensor.scale, offset: none }
  switch (tensor.packing) {
    case 'planes': return planes(tensor, at, base)
    case 'gptq': case 'awq': return int4(tensor, at, base)
    case 'gguf': return ggufBlocks(tensor, at, base)
    case 'plain': return tensor.type.startsWith('fp8') ? fp8(tensor, at, base) : null
    case 'order': return null
    default: return tensor.packing satisfies never
  }
}

type Base = Pick<Coded, 'rows' | 'columns' | 'tensorScale' | 'offset'>

function planes(tensor: WeightTensor, at: Bytes, base: Base): Coded {
  const { columns } = base
  const [codes, scales] = [at.bytes(tensor.ranges['codes']!), at.bytes(tensor.ranges['scales']!)]
  const [group, value] = tensor.type === 'nvfp4' ? [16, e4m3ToF32] as const : [32, e8m0ToF32] as const
  const scaleByte = (r: number, g: number): number => scales[(r * columns) / group + g]!
  return {
    ...base, kind: 'e2m1', group, pairs: 'neighbours', meaning: e2m1ToF32, scaleByte,
    code: (r, c) => (codes[(r * columns + c) >> 1]! >> (4 * (c & 1))) & 15,
    scale: (r, g) => value(scaleByte(r, g)),
  }
}

/** A type of GGUF by its block: values, bytes, values of a group, and how to find the parts of group g (or element i) of the block at `b`. */
interface Block {
  readonly values: number
  readonly bytes: number
  readonly group: number
  readonly kind: Coded['kind']
  readonly pairs?: Coded['pairs']
  readonly code: (raw: Uint8Array, b: number, i: number) => number
  readonly meaning: (code: number) => number
  readonly scale: (raw: Uint8Array, b: number, g: number) => number
  readonly scaleByte?: (raw: Uint8Array, b: number, g: number) => number
  readonly offset?: (raw: Uint8Array, b: number, g: number) => number
}

/** Element i of 2n in n bytes from `from` on: j low, j + n high. */
const halves = (from: number, n: number) => (raw: Uint8Array, b: number, i: number): number => (raw[b + from + (i % n)]! >> (i < n ? 0 : 4)) & 15

/** Six bits each of scale and minimum j of Q4_K. */
function sixBits(raw: Uint8Array, b: number, j: number, minimum: boolean): number {
  const byte = (i: number): number => raw[b + 4 + i]!
  if (j < 4) return byte(minimum ? j + 4 : j) & 63
  return ((byte(j + 4) >> (minimum ? 4 : 0)) & 15) | ((byte(minimum ? j : j - 4) >> 6) << 4)
}

const blockTypes: Readonly<Record<string, Block>> = {
  nvfp4: {
    values: 64, bytes: 36, group: 16, kind: 'e2m1', pairs: 'halves', meaning: e2m1ToF32,
    code: (raw, b, i) => halves(4 + 8 * (i >> 4), 8)(raw, b, i & 15), scale: (raw, b, g) => ue4m3ToF32(raw[b + g]!), scaleByte: (raw, b, g) => raw[b + g]!,
  },
  mxfp4: { values: 32, bytes: 17, group: 32, kind: 'e2m1', pairs: 'halves', meaning: e2m1ToF32, code: halves(1, 16), scale: (raw, b) => e8m0ToF32(raw[b]!), scaleByte: (raw, b) => raw[b]! },
  q4_0: { values: 32, bytes: 18, group: 32, kind: 'integer', pairs: 'halves', meaning: q => q - 8, code: halves(2, 16), scale: half },
  q4_1: { values: 32, bytes: 20, group: 32, kind: 'integer', pairs: 'halves', meaning: q => q, code: halves(4, 16), scale: half, offset: (raw, b) => half(raw, b + 2) },
  q8_0: { values: 32, bytes: 34, group: 32, kind: 'integer', meaning: q => (q << 24) >> 24, code: (raw, b, i) => raw[b + 2 + i]!, scale: half },
  q4_k: {
    values: 256, bytes: 144, group: 32, kind: 'integer', meaning: q => q, code: (raw, b, i) => (raw[b + 16 + 32 * (i >> 6) + (i & 31)]! >> (i & 32 ? 4 : 0)) & 15,
    scale: (raw, b, g) => half(raw, b) * sixBits(raw, b, g, false), offset: (raw, b, g) => -half(raw, b + 2) * sixBits(raw, b, g, true),
  },
  q6_k: {
    values: 256, bytes: 210, group: 16, kind: 'integer', meaning: q => q - 32, scale: (raw, b, g) => half(raw, b + 208) * ((raw[b + 192 + g]! << 24) >> 24),
    code: (raw, b, i) => {
      const [part, within] = [i >> 7, i & 127]
      return ((raw[b + 64 * part + (within & 63)]! >> (4 * (within >> 6))) & 15) | (((raw[b + 128 + 32 * part + (i & 31)]! >> (2 * (within >> 5))) & 3) << 4)
    },
  },
}

function ggufBlocks(tensor: WeightTensor, at: Bytes, base: Base): Coded | null {
  const block = Object.hasOwn(blockTypes, tensor.type) ? blockTypes[tensor.type] : undefined
  if (block === undefined) return null
  const { rows, columns } = base
  const { values, bytes, group, kind, pairs, meaning, scale, scaleByte, offset } = block
  const raw = at.bytes(tensor.ranges['data']!)
  const heads = tensor.permutedHeads
  const start = (r: number, c: number): number => (((heads === undefined ? r : fileRow(r, rows / heads)) * columns + c) / values | 0) * bytes
  const ofGroup = (f: NonNullable<Block['offset']>) => (r: number, g: number): number => f(raw, start(r, g * group), g % (values / group))
  return {
    ...base, kind, group, meaning, code: (r, c) => block.code(raw, start(r, c), c % values), scale: ofGroup(scale),
    ...(pairs && { pairs }), ...(scaleByte && { scaleByte: ofGroup(scaleByte) }), ...(offset && { offset: ofGroup(offset) }),
  }
}

function fp8(tensor: WeightTensor, at: Bytes, base: Base): Coded {
  const { rows, columns } = base
  const codes = at.bytes(tensor.ranges['data']!)
  const common = { ...base, kind: 'e4m3', code: (r: number, c: number) => codes[r * columns + c]!, meaning: e4m3ToF32 } as const
  if (!tensor.grid) return { ...common, group: columns, scale: () => 1 }
  const { block: [rowsEach, group], columns: perRow } = tensor.grid
  const grid = readFloats({ read: (range, into, from = 0) => into.set(at.bytes(range).subarray(from, from + into.length)) }, tensor, 'scales', tensor.grid.type)
  const scale = (r: number, c: number): number => grid[r * perRow + c]!
  return { ...common, group: Math.min(group, columns), scale: (r, g) => scale(Math.floor(r / rowsEach), g), blocks: { scale, rows: Math.ceil(rows / rowsEach), rowsEach } }
}

function int4(tensor: WeightTensor, at: Bytes, base: Base): Coded {
  const { rows } = base
  const source = { read: (range: WeightTensor['ranges'][string], into: Uint8Array): void => into.set(at.bytes(range)) }
  const { scales: scaleType, zeroOffset } = tensor.int4!
  const [words, zeros, scales] = [readWords(source, tensor, 'qweight'), readWords(source, tensor, 'qzeros'), readFloats(source, tensor, 'scales', scaleType)]
  const order = tensor.ranges['order'] ? inputOrder(source, tensor, 'order') : null
  const awq = tensor.packing === 'awq'
  const shift = (r: number): number => 4 * (awq ? awqNibble[r % 8]! : r % 8)
  const zero = (r: number, g: number): number => ((zeros[g * (rows / 8) + (r >> 3)]! >>> shift(r)) + zeroOffset) & 15
  const scale = (r: number, g: number): number => scales[g * rows + r]!
  return {
    ...base, kind: 'integer', group: int4Group(tensor), meaning: q => q, scale, offset: (r, g) => -zero(r, g) * scale(r, g), int4: { zero, zeroOffset, awq, order },
    code: (r, c) => {
      const k = order ? order[c]! : c
      return (awq ? words[k * (rows / 8) + (r >> 3)]! >>> shift(r) : words[(k >> 3) * rows + r]! >>> (4 * (k % 8))) & 15
    },
  }
}
