/**
 * Encoding float32 rows as GGUF has them: plain floats, and the blocks of 32 of q8_0, q4_0 and q4_1, whose codes and
 * scales are those of ggml's reference (gguf-py's `quants.py`). With `search`, scales around the reference's are tried and the one of
 * least squared error taken, as in `quantize.ts`; the codes are then those nearest for the scale as it is stored.
 */
import { check, WeftError } from '../graph/error.js'
import { f16ToF32, f32BitsToF16, f32ToF16 } from './floats.js'
import type { QuantizeOptions } from './quantize.js'

const f32 = Math.fround
const block = 32

/** Values and bytes of a block. */
const sizes = { f32: [1, 4], f16: [1, 2], bf16: [1, 2], q8_0: [32, 34], q4_0: [32, 18], q4_1: [32, 20] } as const
export type EncodedType = keyof typeof sizes

/** Scales tried around the reference's, as factors. */
const factors = [1, 0.85, 0.9, 0.925, 0.95, 0.975, 1.025, 1.05]

/** Rows of `columns` float32 values as bytes of `type`. Throws where a value is not finite or does not fit an f16. */
export function encodeRows(to: EncodedType, values: Float32Array, columns: number, options: QuantizeOptions = {}): Uint8Array {
  const [each, bytes] = sizes[to]
  check(columns % each === 0, to, 'columns', `a multiple of ${each}`, `${columns}`)
  const out = new Uint8Array((values.length / each) * bytes)
  switch (to) {
    case 'f32': new Float32Array(out.buffer).set(values); break
    case 'f16': encodeF16(values, new Uint16Array(out.buffer)); break
    case 'bf16': encodeBf16(values, new Uint16Array(out.buffer)); break
    case 'q8_0': case 'q4_0': case 'q4_1': {
      const weights = options.importance ?? null
      for (let b = 0; b * block < values.length; b++) {
        const part = values.subarray(b * block, (b + 1) * block)
        const own = weights && weights.subarray((b * block) % columns, ((b * block) % columns) + block)
        encodeBlock(kinds[to], part, own, options.search ?? false, out.subarray(b * bytes, (b + 1) * bytes))
      }
      break
    }
    default: to satisfies never
  }
  return out
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length)
}

function encodeF16(values: Float32Array, out: Uint16Array): void {
  const bits = bitsOf(values)
  for (let i = 0; i < out.length; i++) {
    const half = f32BitsToF16(bits[i]!)
    if ((half & 0x7c00) === 0x7c00) throw new WeftError({ where: 'f16', what: 'a value does not fit', expected: 'at most 65504', got: `${values[i]!}` })
    out[i] = half
  }
}

function encodeBf16(values: Float32Array, out: Uint16Array): void {
  const bits = bitsOf(values)
  for (let i = 0; i < out.length; i++) {
    const b = bits[i]!
    // A NaN must stay one, whatever its lower half.
    out[i] = (b & 0x7fffffff) > 0x7f800000 ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16
  }
}

/** A block's scale and, in q4_1, its minimum: what the codes were made from, and what decoding will read. */
interface Grid {
  readonly d: number
  readonly min: number
}

interface Kind {
  /** The reference's grid for a block, before its numbers are rounded to f16. */
  readonly grid: (values: Float32Array) => Grid
  /** The code of a value; `inverse` is 1/d, 0 for a block of zeros. */
  readonly code: (value: number, inverse: number, min: number) => number
  readonly value: (code: number, d: number, min: number) => number
  readonly bits: 4 | 8
  readonly hasMin: boolean
}

const clamp = (n: number, most: number): number => Math.min(Math.max(n, 0), most)

const kinds: Readonly<Record<'q8_0' | 'q4_0' | 'q4_1', Kind>> = {
  q8_0: {
    bits: 8, hasMin: false,
    grid: values => ({ d: f32(extremes(values).largest / 127), min: 0 }),
    // Halves away from zero, as C's roundf.
    code: (v, inverse) => {
      const x = f32(v * inverse)
      return Math.max(-128, Math.min(127, Math.sign(x) * Math.floor(Math.abs(x) + 0.5)))
    },
    value: (q, d) => q * d,
  },
  q4_0: {
    bits: 4, hasMin: false,
    grid: values => ({ d: f32(extremes(values).signed / -8), min: 0 }),
    code: (v, inverse) => clamp(Math.trunc(f32(f32(v * inverse) + 8.5)), 15),
    value: (q, d) => (q - 8) * d,
  },
  q4_1: {
    bits: 4, hasMin: true,
    grid: values => {
      const { low, high } = extremes(values)
      return { d: f32(f32(high - low) / 15), min: low }
    },
    code: (v, inverse, min) => clamp(Math.trunc(f32(f32(f32(v - min) * inverse) + 0.5)), 15),
    value: (q, d, min) => q * d + min,
  },
}

/** The first of the largest magnitudes, with its sign, and the ends of the range. */
function extremes(values: Float32Array): { readonly largest: number; readonly signed: number; readonly low: number; readonly high: number } {
  let [signed, low, high] = [values[0]!, values[0]!, values[0]!]
  for (const v of values) {
    if (!Number.isFinite(v)) throw new WeftError({ where: 'quantize', what: 'values', expected: 'finite numbers', got: `${v}` })
    if (Math.abs(v) > Math.abs(signed)) signed = v
    if (v < low) low = v
    if (v > high) high = v
  }
  return { largest: Math.abs(signed), signed, low, high }
}

function encodeBlock(kind: Kind, values: Float32Array, weights: Float32Array | null, search: boolean, out: Uint8Array): void {
  const reference = kind.grid(values)
  const half = (v: number): number => f16ToF32(f32ToF16(v))
  check(Number.isFinite(half(reference.d)) && Number.isFinite(half(reference.min)), 'quantize', 'a block\'s scale', 'at most 65504', `${reference.d}`)
  let grid = reference
  if (search && reference.d !== 0) {
    let least = Infinity
    // The stored numbers decide the codes here; the reference takes the unrounded ones.
    for (const factor of factors) {
      const tried = { d: half(reference.d * factor), min: half(reference.min) }
      if (tried.d === 0 || !Number.isFinite(tried.d)) continue
      const inverse = f32(1 / tried.d)
      let error = 0
      for (let i = 0; i < block; i++) {
        const difference = values[i]! - kind.value(kind.code(values[i]!, inverse, tried.min), tried.d, tried.min)
        error += difference * difference * (weights === null ? 1 : weights[i]!)
      }
      if (error < least) [least, grid] = [error, tried]
    }
  }
  const inverse = grid.d === 0 ? 0 : f32(1 / grid.d)
  const view = new DataView(out.buffer, out.byteOffset, out.length)
  view.setUint16(0, f32ToF16(grid.d), true)
  if (kind.hasMin) view.setUint16(2, f32ToF16(grid.min), true)
  const at = kind.hasMin ? 4 : 2
  const code = (i: number): number => kind.code(values[i]!, inverse, grid.min)
  if (kind.bits === 8) for (let i = 0; i < block; i++) out[at + i] = code(i)
  else for (let i = 0; i < block / 2; i++) out[at + i] = code(i) | (code(i + block / 2) << 4)
}
