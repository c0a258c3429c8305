/**
 * Quantized types as rows of a table. A row says where a block's fields lie in each file packing and how codes, scales
 * and minima are coded; readers, layouts and decoding follow from it. Every type promises one thing to schedules: a
 * group of elements contributes scale · Σ q·x − min · Σ x, times the row's scale where there is one.
 *
 * Four-bit codes are stored in spans: of each `span` elements the first half lie in the low nibbles of span / 2 bytes
 * and the second half in the high ones. Span 2 is plain order, 16 GGUF's NVFP4, 32 GGUF's Q4_0 and Q4_1.
 *
 * Types whose blocks have more fields are rows in files of their own (blocks.ts says how they are described): k-quants.ts,
 * codebook.ts, ternary.ts.
 */
import { WeftError } from '../../graph/error.js'
import type { BlockType } from './blocks.js'
import { codebooks } from './codebook.js'
import { kQuants } from './k-quants.js'
import { ternary } from './ternary.js'

/** `blocks`: as the row's own `blocks` says. */
export type Codec = 'f32' | 'f16' | 'bf16' | 'e4m3' | 'e2m1' | 'u4' | 'i8' | 'blocks'
/** `e8m0` is a power of two: code − 127 is its exponent. `fields`: made of several fields of a block, by the row's own function. */
export type ScaleCoding = 'e4m3' | 'e8m0' | 'f16' | 'f32' | 'fields'

/** Where a field stands in a block of GGUF: `count` items of the field's coding from byte `at`. */
interface Field {
  readonly at: number
  readonly count: number
}

export interface QuantType {
  readonly name: string
  readonly codec: Codec
  /** Of a code; of rows with `blocks`, all bits of a block for each element. */
  readonly bits: number
  /** Subtracted from a code to give q. */
  readonly zero: number
  /** One scale for each `group` elements along the inner axis. */
  readonly scale: { readonly group: number; readonly coding: ScaleCoding } | null
  /**
   * One minimum for each group of the scale. `f16`: the file stores what is added, the contract subtracts. `zero`: the code that
   * stands for nought, a whole number kept as f16; the minimum is it times the scale.
   */
  readonly min: { readonly coding: 'f16' | 'zero' | 'fields' } | null
  /** A float32 for each row: the tensor scale of NVFP4, kept apart for each merged part, or FP8's scale of a channel. */
  readonly rowScale: boolean
  /** The type's interleaved block in GGUF, or null where elements simply follow each other. */
  readonly gguf: { readonly elements: number; readonly bytes: number; readonly codes: Field; readonly span: number; readonly scales: Field; readonly mins: Field | null } | null
  /** Fields and decoding of a type that has more than codes, scales and minima. */
  readonly blocks?: BlockType
}

const floatType = (name: Codec & string, bits: 16 | 32): QuantType => ({ name, codec: name, bits, zero: 0, scale: null, min: null, rowScale: false, gguf: null })

/** AWQ and GPTQ. Scales are f16 in most files and bf16 in some: f32 holds both. */
const int4 = <const G extends number>(group: G) => ({
  name: `int4_g${group}`, codec: 'u4', bits: 4, zero: 0, scale: { group, coding: 'f32' }, min: { coding: 'zero' }, rowScale: false, gguf: null,
} as const satisfies QuantType)

/** Rows of a family of block types. */
function blockRows<Name extends string>(types: Readonly<Record<Name, BlockType>>, groups: Readonly<Partial<Record<Name, number>>>, mins: readonly Name[]): Readonly<Record<Name, QuantType>> {
  const row = (name: Name): QuantType => ({
    name, codec: 'blocks', bits: (types[name].bytes * 8) / types[name].elements, zero: 0, scale: { group: groups[name] ?? 32, coding: 'fields' },
    min: mins.includes(name) ? { coding: 'fields' } : null, rowScale: false, gguf: null, blocks: types[name],
  })
  return Object.fromEntries((Object.keys(types) as Name[]).map(name => [name, row(name)])) as Record<Name, QuantType>
}

const rows = {
  f32: floatType('f32', 32),
  f16: floatType('f16', 16),
  bf16: floatType('bf16', 16),
  q4_0: {
    name: 'q4_0', codec: 'u4', bits: 4, zero: 8, scale: { group: 32, coding: 'f16' }, min: null, rowScale: false,
    gguf: { elements: 32, bytes: 18, scales: { at: 0, count: 1 }, mins: null, codes: { at: 2, count: 32 }, span: 32 },
  },
  q4_1: {
    name: 'q4_1', codec: 'u4', bits: 4, zero: 0, scale: { group: 32, coding: 'f16' }, min: { coding: 'f16' }, rowScale: false,
    gguf: { elements: 32, bytes: 20, scales: { at: 0, count: 1 }, mins: { at: 2, count: 1 }, codes: { at: 4, count: 32 }, span: 32 },
  },
  q8_0: {
    name: 'q8_0', codec: 'i8', bits: 8, zero: 0, scale: { group: 32, coding: 'f16' }, min: null, rowScale: false,
    gguf: { elements: 32, bytes: 34, scales: { at: 0, count: 1 }, mins: null, codes: { at: 2, count: 32 }, span: 2 },
  },
  nvfp4: {
    name: 'nvfp4', codec: 'e2m1', bits: 4, zero: 0, scale: { group: 16, coding: 'e4m3' }, min: null, rowScale: true,
    gguf: { elements: 64, bytes: 36, scales: { at: 0, count: 4 }, mins: null, codes: { at: 4, count: 64 }, span: 16 },
  },
  mxfp4: {
    name: 'mxfp4', codec: 'e2m1', bits: 4, zero: 0, scale: { group: 32, coding: 'e8m0' }, min: null, rowScale: false,
    gguf: { elements: 32, bytes: 17, scales: { at: 0, count: 1 }, mins: null, codes: { at: 1, count: 32 }, span: 32 },
  },
  int4_g32: int4(32),
  int4_g64: int4(64),
  int4_g128: int4(128),
  fp8: { name: 'fp8', codec: 'e4m3', bits: 8, zero: 0, scale: null, min: null, rowScale: true, gguf: null },
  // Blocks of 128 × 128: each row has its own copy of the scales of its blocks.
  fp8_blocks: { name: 'fp8_blocks', codec: 'e4m3', bits: 8, zero: 0, scale: { group: 128, coding: 'f32' }, min: null, rowScale: false, gguf: null },
  ...blockRows(kQuants, { q2_k: 16, q3_k: 16, q6_k: 16 }, ['q5_1', 'q2_k', 'q4_k', 'q5_k']),
  ...blockRows(codebooks, { iq2_xs: 16, iq2_s: 16, iq1_m: 16 }, []),
  ...blockRows(ternary, {}, []),
} as const satisfies Record<string, QuantType>

export const quantTypes: Readonly<Record<string, QuantType>> = rows

export function quantType(name: string): QuantType {
  const type = quantTypes[name]
  if (!type) throw new WeftError({ where: 'types', what: `unknown quantized type ${name}`, expected: Object.keys(rows).join(', ') })
  return type
}

export const scaleBytes: Readonly<Record<ScaleCoding, number>> = { e4m3: 1, e8m0: 1, f16: 2, f32: 4, fields: 0 }
