/**
 * Numbers as a device keeps them, for the interpreter: f16, e4m3 and e2m1 decoded through tables (subnormals included),
 * f16 rounded to nearest with ties to even, bits moved between f32 and u32. Written apart from the readers of model
 * files, so that a mistake in one is seen by the other.
 */

function decodeF16(h: number): number {
  const sign = h & 0x8000 ? -1 : 1
  const exponent = (h >>> 10) & 31
  const mantissa = h & 1023
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1 + mantissa / 1024) * 2 ** (exponent - 15)
}

function decodeE4m3(b: number): number {
  const sign = b & 0x80 ? -1 : 1
  const exponent = (b >>> 3) & 15
  const mantissa = b & 7
  if (exponent === 15 && mantissa === 7) return NaN
  return exponent === 0 ? sign * mantissa * 2 ** -9 : sign * (1 + mantissa / 8) * 2 ** (exponent - 7)
}

/** Values of all f16 bit patterns. */
export const f16Values: Readonly<Float32Array> = Float32Array.from({ length: 65536 }, (_, h) => decodeF16(h))
/** Values of all e4m3 bit patterns; the two NaN codes are NaN. */
export const e4m3Values: Readonly<Float32Array> = Float32Array.from({ length: 256 }, (_, b) => decodeE4m3(b))
/** Values of the sixteen e2m1 codes. */
export const e2m1Values: Readonly<Float32Array> = Float32Array.of(0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6)

const scratchFloat = new Float32Array(1)
const scratchBits = new Uint32Array(scratchFloat.buffer)

/** The bits of an f32. */
export function bitsOf(value: number): number {
  scratchFloat[0] = value
  return scratchBits[0]!
}

/** The f32 of 32 bits. */
export function floatOf(bits: number): number {
  scratchBits[0] = bits
  return scratchFloat[0]!
}

/** The f16 bit pattern nearest to an f32, ties to even; above 65519 it is infinity. */
export function f16Bits(value: number): number {
  const bits = bitsOf(value)
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude < 0x38800000) {
    // Subnormal: the value counts units of 2⁻²⁴, which a double rounds exactly.
    const units = Math.abs(value) * 2 ** 24
    const low = Math.floor(units)
    const rest = units - low
    return sign | (rest > 0.5 || (rest === 0.5 && (low & 1) === 1) ? low + 1 : low)
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1)
  return sign | ((rounded - 0x38000000) >>> 13)
}
