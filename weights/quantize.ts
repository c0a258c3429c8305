/**
 * Quantizing to NVFP4 as the common exporters do it, in float32 throughout (in float64 a few codes differ): the tensor scale
 * maps the largest value to the largest code and block scale; a block's scale is its largest value over 6 and the
 * tensor scale, rounded to e4m3; values are divided by the product of the two scales and rounded to nearest, ties to even.
 * Source: vllm-project/compressed-tensors `compressors/nvfp4`, NVIDIA/Model-Optimizer `qtensor/nvfp4_tensor.py`.
 */
import { check } from '../graph/error.js'
import { e4m3Max, e4m3ToF32, f32ToE2m1, f32ToE4m3 } from './floats.js'

const block = 16
const e2m1Max = 6
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

/** Quantizes a row-major matrix [rows, columns]; throws unless columns is a multiple of 16 and every value finite. */
export function quantizeNvfp4(values: Float32Array, columns: number): Nvfp4 {
  check(columns > 0 && columns % block === 0, 'nvfp4', 'columns', `a multiple of ${block}`, `${columns}`)
  check(values.length % columns === 0, 'nvfp4', 'values', `a multiple of ${columns} columns`, `${values.length}`)
  const largest = largestOf(values)
  check(Number.isFinite(largest), 'nvfp4', 'values', 'finite numbers', `${largest}`)
  const scale = f32(largest / (e2m1Max * e4m3Max)) || 1
  const codes = new Uint8Array(values.length / 2)
  const scales = new Uint8Array(values.length / block)
  for (let b = 0; b < scales.length; b++) {
    const part = values.subarray(b * block, (b + 1) * block)
    const wanted = f32(largestOf(part) / f32(e2m1Max * scale))
    const code = f32ToE4m3(Math.min(Math.max(wanted, leastScale), e4m3Max))
    scales[b] = code
    // Zero where both scales are tiny: such values are far below the smallest code anyway.
    const step = f32(e4m3ToF32(code) * scale) || 1
    for (let i = 0; i < block; i += 2) {
      const low = f32ToE2m1(f32(part[i]! / step))
      const high = f32ToE2m1(f32(part[i + 1]! / step))
      codes[(b * block + i) / 2] = low | (high << 4)
    }
  }
  return { codes, scales, scale }
}

/** The largest magnitude; NaN where there is one. */
function largestOf(values: Float32Array): number {
  let most = 0
  for (const value of values) {
    if (Number.isNaN(value)) return NaN
    most = Math.max(most, Math.abs(value))
  }
  return most
}
