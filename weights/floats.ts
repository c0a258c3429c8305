/**
 * The small float formats of model files, decoded by table and encoded by rounding to nearest, ties to even. Every value of
 * f16, bf16, e4m3 and e2m1 is exact in float32, so decoding rounds nothing.
 * e4m3 is OCP's "fn" variant: 0x7F and 0xFF are its only NaNs, it has no infinity, 448 is its largest value.
 */

/** e2m1 by code: bit 3 is the sign, then two bits of exponent and one of mantissa. */
export const e2m1Values: Readonly<Float32Array> = Float32Array.of(0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6)

/** e4m3 by code. */
export const e4m3Values: Readonly<Float32Array> = Float32Array.from({ length: 256 }, (_, code) => {
  const magnitude = code & 0x7f
  if (magnitude === 0x7f) return NaN
  const exponent = magnitude >> 3
  const mantissa = magnitude & 7
  const value = exponent === 0 ? mantissa * 2 ** -9 : (8 + mantissa) * 2 ** (exponent - 10)
  return code & 0x80 ? -value : value
})

export const e4m3Max = 448

const f16Values: Readonly<Float32Array> = Float32Array.from({ length: 1 << 16 }, (_, code) => {
  const exponent = (code >> 10) & 0x1f
  const mantissa = code & 0x3ff
  const value = exponent === 0 ? mantissa * 2 ** -24 : exponent === 31 ? (mantissa ? NaN : Infinity) : (1024 + mantissa) * 2 ** (exponent - 25)
  return code & 0x8000 ? -value : value
})

/** The e2m1 value of a code from 0 to 15. */
export function e2m1ToF32(code: number): number {
  return e2m1Values[code & 15]!
}

/** The e4m3 value of a code from 0 to 255; NaN for 0x7F and 0xFF. */
export function e4m3ToF32(code: number): number {
  return e4m3Values[code & 0xff]!
}

/**
 * GGUF's unsigned e4m3: the top bit is not looked at, and 0x7F stands for zero, as ggml reads it
 * (ggml-org/llama.cpp, `ggml_ue4m3_to_fp32`).
 */
export function ue4m3ToF32(code: number): number {
  return code === 0x7f ? 0 : (code & 0x7f) === 0x7f ? 480 : e4m3Values[code & 0x7f]!
}

/** The value of an e8m0 code, a power of two; NaN for 255. */
export function e8m0ToF32(code: number): number {
  return (code & 0xff) === 0xff ? NaN : 2 ** ((code & 0xff) - 127)
}

/** The value of IEEE half-precision bits. */
export function f16ToF32(bits: number): number {
  return f16Values[bits & 0xffff]!
}

/** The value of bfloat16 bits: the upper half of a float32. */
export function bf16ToF32(bits: number): number {
  return bitsToF32((bits & 0xffff) << 16)
}

/** The e4m3 code nearest to `value`, ties to even; beyond ±448 saturates, NaN gives 0x7F. */
export function f32ToE4m3(value: number): number {
  if (Number.isNaN(value)) return 0x7f
  const sign = value < 0 || Object.is(value, -0) ? 0x80 : 0
  const magnitude = Math.abs(value)
  if (magnitude >= e4m3Max) return sign | 0x7e
  // Positive codes grow with their values: find the two around it.
  let low = 0
  let high = 0x7e
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (e4m3Values[middle]! <= magnitude) low = middle
    else high = middle
  }
  const below = magnitude - e4m3Values[low]!
  const above = e4m3Values[high]! - magnitude
  return sign | (below < above || (below === above && (low & 1) === 0) ? low : high)
}

/** The e2m1 code nearest to `value`, ties to the even code; beyond ±6 saturates. The sign of zero is kept. */
export function f32ToE2m1(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 8 : 0
  const m = Math.abs(value)
  const code = m <= 0.25 ? 0 : m < 0.75 ? 1 : m <= 1.25 ? 2 : m < 1.75 ? 3 : m <= 2.5 ? 4 : m < 3.5 ? 5 : m <= 5 ? 6 : 7
  return sign | code
}

/** The bfloat16 bits nearest to `value`, ties to even. */
export function f32ToBf16(value: number): number {
  const bits = f32ToBits(value)
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
}

/** The half-precision bits nearest to the float32 of these bits, ties to even; beyond 65504 infinity, NaN stays one. */
export function f32BitsToF16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  // 65520, halfway between the largest and what would follow it, rounds away.
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude >= 0x38800000) return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
  const shift = 126 - (magnitude >>> 23)
  if (shift > 25) return sign
  const mantissa = (magnitude & 0x7fffff) | 0x800000
  const whole = mantissa >>> shift
  const rest = mantissa & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  return sign | (whole + (rest > half || (rest === half && (whole & 1) === 1) ? 1 : 0))
}

/** The half-precision bits nearest to `value`. */
export function f32ToF16(value: number): number {
  return f32BitsToF16(f32ToBits(value))
}

function bitsToF32(bits: number): number {
  const view = new DataView(new ArrayBuffer(4))
  view.setInt32(0, bits)
  return view.getFloat32(0)
}

function f32ToBits(value: number): number {
  const view = new DataView(new ArrayBuffer(4))
  view.setFloat32(0, value)
  return view.getUint32(0)
}
