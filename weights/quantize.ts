/**
 * Quantizing to types of e2m1 codes with a scale of one byte for each block, in float32 throughout (in float64 a few codes
 * differ). NVFP4 as the common exporters do it: the tensor scale maps the largest value to the largest code and block
 * scale; a block's scale is its largest value over 6 and the tensor scale, rounded to e4m3; values are divided by the
 * product of the two scales and rounded to nearest, ties to even. MXFP4 as OCP's specification: the block's scale is the power of two
 * that puts its largest value into e2m1's last binade.
 *
 * With `search` a block's scale is the one of least squared error among those that put its largest value anywhere from
 * 6 to 4 (in between a block trades the coarse step from 4 to 6 against finer ones below): "four over six" is one of
 * them. Errors may be weighted by column, where the mean square of the activations is known.
 * Sources: vllm-project/compressed-tensors `compressors/nvfp4`, NVIDIA/Model-Optimizer `qtensor/nvfp4_tensor.py`, OCP Microscaling
 * Formats 1.0, Cook et al., "Four Over Six" (arXiv 2512.02010).
 */
import { check } from '../graph/error.js'
import { e2m1Values, e4m3Max, e4m3ToF32, e8m0ToF32, f32ToE2m1, f32ToE4m3 } from './floats.js'
import { groupOf, type FourBitFloat, type Fours } from './rows.js'

const e2m1Max = 6
/** The largest block scale where scales are searched: above it there must be room for a block that is scaled to 4. */
const searchMax = 256
/** The smallest e4m3 value above zero: a block of zeros must not be divided by zero. */
const leastScale = 2 ** -9
const f32 = Math.fround

export interface Nvfp4 {
  /** [rows, columns / 2], the even element in the low nibble. */
  readonly codes: Uint8Array
  /** [rows, columns / 16] of e4m3. */
  readonly scales: Uint8Array
  /** Multiplies every element. */
  readonly scale: number
}

export interface QuantizeOptions {
  /** Choose each block's scale by squared error. */
  readonly search?: boolean
  /** What an error counts, by column; 1 everywhere unless given. */
  readonly importance?: Float32Array
}

/** Quantizes a row-major matrix [rows, columns]; throws unless columns is a multiple of 16 and every value finite. */
export function quantizeNvfp4(values: Float32Array, columns: number): Nvfp4 {
  const largest = largestOf(values)
  check(Number.isFinite(largest), 'nvfp4', 'values', 'finite numbers', `${largest}`)
  const scale = f32(largest / (e2m1Max * e4m3Max)) || 1
  return { ...quantizeFours('nvfp4', values, columns, scale), scale }
}

/**
 * What compressed-tensors divides by (its `weight_global_scale`) in an NVFP4 tensor whose largest magnitude is `largest`; the scale
 * that multiplies is its inverse in float32.
 */
export function nvfp4Divisor(largest: number, search = false): number {
  const divisor = f32((e2m1Max * (search ? searchMax : e4m3Max)) / largest)
  return Number.isFinite(divisor) && divisor > 0 && Number.isFinite(f32(1 / divisor)) ? divisor : 1
}

/** Rows of a matrix as codes and block scales; `scale` is the tensor's (1 for MXFP4, which has none). */
export function quantizeFours(type: FourBitFloat, values: Float32Array, columns: number, scale: number, options: QuantizeOptions = {}): Fours {
  const group = groupOf(type)
  check(columns > 0 && columns % group === 0, type, 'columns', `a multiple of ${group}`, `${columns}`)
  check(values.length % columns === 0, type, 'values', `a multiple of ${columns} columns`, `${values.length}`)
  const codes = new Uint8Array(values.length / 2)
  const scales = new Uint8Array(values.length / group)
  const { first, last, valueOf } = type === 'nvfp4' ? e4m3Scales(scale) : e8m0Scales
  const block = { values, at: 0, count: group, importance: options.importance ?? null, column: 0 }
  for (let b = 0; b < scales.length; b++) {
    block.at = b * group
    block.column = block.at % columns
    const largest = largestOf(values, block.at, group)
    check(Number.isFinite(largest), type, 'values', 'finite numbers', `${largest}`)
    let chosen = first(largest)
    if (options.search && largest > 0) {
      let least = Infinity
      for (let code = chosen, end = last(largest); code <= end; code++) {
        const error = errorOf(block, valueOf(code) || 1)
        if (error < least) [least, chosen] = [error, code]
      }
    }
    scales[b] = chosen
    // Zero where both scales are tiny: such values are far below the smallest code anyway.
    const step = valueOf(chosen) || 1
    for (let i = block.at; i < block.at + group; i += 2) codes[i >> 1] = f32ToE2m1(f32(values[i]! / step)) | (f32ToE2m1(f32(values[i + 1]! / step)) << 4)
  }
  return { codes, scales }
}

/** How scales of a type are coded: the code that puts `largest` at 6, the last one worth trying, and a code's value. */
interface Scales {
  readonly first: (largest: number) => number
  readonly last: (largest: number) => number
  readonly valueOf: (code: number) => number
}

function e4m3Scales(scale: number): Scales {
  const code = (wanted: number): number => f32ToE4m3(Math.min(Math.max(wanted, leastScale), e4m3Max))
  return {
    first: largest => code(f32(largest / f32(e2m1Max * scale))),
    last: largest => code(f32(largest / f32(4 * scale))),
    valueOf: c => f32(e4m3ToF32(c) * scale),
  }
}

const e8m0Scales: Scales = {
  first: largest => Math.min(Math.max(exponentOf(largest) - 2 + 127, 0), 254),
  last: largest => Math.min(Math.max(exponentOf(largest) - 1 + 127, 0), 254),
  valueOf: e8m0ToF32,
}

/** ⌊log2⌋ of a float32, -127 for zero; Math.log2 rounds up just below powers of two. */
function exponentOf(value: number): number {
  if (value === 0) return -127
  const guess = Math.floor(Math.log2(value))
  return 2 ** guess > value ? guess - 1 : 2 ** (guess + 1) <= value ? guess + 1 : guess
}

interface Block {
  readonly values: Float32Array
  readonly importance: Float32Array | null
  readonly count: number
  at: number
  column: number
}

/** Squared error of a block at this step, weighted. */
function errorOf({ values, importance, count, at, column }: Block, step: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) {
    const value = values[at + i]!
    const difference = value - e2m1Values[f32ToE2m1(f32(value / step))]! * step
    sum += difference * difference * (importance === null ? 1 : importance[column + i]!)
  }
  return sum
}

/** The largest magnitude of `count` values from `at`; NaN where there is one. */
export function largestOf(values: Float32Array, at = 0, count = values.length): number {
  let most = 0
  for (let i = at; i < at + count; i++) {
    const magnitude = Math.abs(values[i]!)
    if (!(magnitude <= most)) most = magnitude
    if (most !== most) return NaN
  }
  return most
}
