/**
 * GGUF's K-quants, codebook and ternary types as float32, by plain scalar code from the definition of each block; see
 * dequantize.ts. Products of a code, its scales and the block's f16 are exact in float32; a minimum is the one rounding.
 * Source: ggml-org/llama.cpp `ggml-common.h` for the fields of a block, `ggml-quants.c` for their meaning.
 */
import { codebook } from './codebooks.js'
import { f16ToF32 } from './floats.js'

/** One block: `b` is a byte of it by offset, `put` takes element and value. */
type DecodeBlock = (b: (at: number) => number, put: (element: number, value: number) => void) => void

export interface BlockFormat {
  readonly values: number
  readonly bytes: number
  readonly decode: (raw: Uint8Array, into: Float32Array) => void
}

function format(values: number, bytes: number, block: DecodeBlock): BlockFormat {
  return {
    values, bytes,
    decode(raw, into) {
      for (let at = 0, first = 0; first < into.length; at += bytes, first += values) {
        block(i => raw[at + i]!, (element, value) => { into[first + element] = value })
      }
    },
  }
}

const signedByte = (n: number): number => (n << 24) >> 24
const half = (b: (at: number) => number, at: number): number => f16ToF32(b(at) | (b(at + 1) << 8))
const each = (count: number, of: (i: number) => void): void => { for (let i = 0; i < count; i++) of(i) }

const iq4 = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]

/** The six bits each of scale and minimum `j` of Q4_K and Q5_K, in twelve bytes from `at` on. */
function scaleAndMin(b: (at: number) => number, at: number, j: number): readonly [number, number] {
  if (j < 4) return [b(at + j) & 63, b(at + j + 4) & 63]
  return [(b(at + j + 4) & 15) | ((b(at + j - 4) >> 6) << 4), (b(at + j + 4) >> 4) | ((b(at + j) >> 6) << 4)]
}

/** Q4_K, and Q5_K with a fifth bit of element 32j + l in bit j of byte l. */
function q45k(fifthAt: number | null, codesAt: number): DecodeBlock {
  return (b, put) => {
    const [d, least] = [half(b, 0), half(b, 2)]
    each(256, e => {
      const [j, l] = [e >> 5, e & 31]
      const [scale, min] = scaleAndMin(b, 4, j)
      const low = (b(codesAt + 32 * (j >> 1) + l) >> (4 * (j & 1))) & 15
      put(e, d * scale * (low + (fifthAt === null ? 0 : 16 * ((b(fifthAt + l) >> j) & 1))) - least * min)
    })
  }
}

/** Seven signs of eight elements, the eighth making their number even. */
function evenSign(seven: number, i: number): number {
  let bits = 0
  for (let s = seven; s > 0; s >>= 1) bits += s & 1
  return ((seven | ((bits & 1) << 7)) >> i) & 1 ? -1 : 1
}

const sign = (bits: number, i: number): number => ((bits >> i) & 1 ? -1 : 1)

/** Digit `n` of base 3 of a byte of TQ1_0, less one. */
const trit = (byte: number, n: number): number => ((((byte * 3 ** n) & 255) * 3) >> 8) - 1

export const blockFormats: Readonly<Record<string, BlockFormat>> = {
  q5_0: format(32, 22, (b, put) => {
    const d = half(b, 0)
    each(32, e => put(e, d * ((((b(6 + (e & 15)) >> (4 * (e >> 4))) & 15) | (((b(2 + (e >> 3)) >> (e & 7)) & 1) << 4)) - 16)))
  }),
  q5_1: format(32, 24, (b, put) => {
    const [d, m] = [half(b, 0), half(b, 2)]
    each(32, e => put(e, d * (((b(8 + (e & 15)) >> (4 * (e >> 4))) & 15) | (((b(4 + (e >> 3)) >> (e & 7)) & 1) << 4)) + m))
  }),
  q2_k: format(256, 84, (b, put) => {
    const [d, least] = [half(b, 80), half(b, 82)]
    each(256, e => {
      const scales = b(e >> 4)
      const q = (b(16 + 32 * (e >> 7) + (e & 31)) >> (2 * ((e >> 5) & 3))) & 3
      put(e, d * (scales & 15) * q - least * (scales >> 4))
    })
  }),
  q3_k: format(256, 110, (b, put) => {
    const d = half(b, 108)
    each(256, e => {
      const j = e >> 4
      const scale = ((b(96 + (j & 7)) >> (4 * (j >> 3))) & 15) | (((b(104 + (j & 3)) >> (2 * (j >> 2))) & 3) << 4)
      const q = ((b(32 + 32 * (e >> 7) + (e & 31)) >> (2 * ((e >> 5) & 3))) & 3) - ((b(e & 31) >> (e >> 5)) & 1 ? 0 : 4)
      put(e, d * (scale - 32) * q)
    })
  }),
  q4_k: format(256, 144, q45k(null, 16)),
  q5_k: format(256, 176, q45k(16, 48)),
  q6_k: format(256, 210, (b, put) => {
    const d = half(b, 208)
    each(256, e => {
      const [part, within] = [e >> 7, e & 127]
      const low = (b(64 * part + (within & 63)) >> (4 * (within >> 6))) & 15
      const high = (b(128 + 32 * part + (e & 31)) >> (2 * (within >> 5))) & 3
      put(e, d * signedByte(b(192 + (e >> 4))) * ((low | (high << 4)) - 32))
    })
  }),
  iq4_nl: format(32, 18, (b, put) => {
    const d = half(b, 0)
    each(32, e => put(e, d * iq4[(b(2 + (e & 15)) >> (4 * (e >> 4))) & 15]!))
  }),
  iq4_xs: format(256, 136, (b, put) => {
    const d = half(b, 0)
    each(256, e => {
      const j = e >> 5
      const scale = ((b(4 + (j >> 1)) >> (4 * (j & 1))) & 15) | (((b(2 + (j >> 2)) >> (2 * (j & 3))) & 3) << 4)
      put(e, d * (scale - 32) * iq4[(b(8 + 16 * j + (e & 15)) >> (4 * ((e >> 4) & 1))) & 15]!)
    })
  }),
  iq2_xxs: format(256, 66, (b, put) => {
    const [d, grid] = [half(b, 0), codebook('iq2_xxs').values]
    each(32, i => {
      const at = 2 + 8 * (i >> 2)
      const rest = (b(at + 4) | (b(at + 5) << 8) | (b(at + 6) << 16) | (b(at + 7) << 24)) >>> 0
      const seven = (rest >>> (7 * (i & 3))) & 127
      each(8, k => put(8 * i + k, d * (0.5 + (rest >>> 28)) * 0.25 * grid[8 * b(at + (i & 3)) + k]! * evenSign(seven, k)))
    })
  }),
  iq2_xs: format(256, 74, (b, put) => {
    const [d, grid] = [half(b, 0), codebook('iq2_xs').values]
    each(32, i => {
      const code = b(2 + 2 * i) | (b(3 + 2 * i) << 8)
      const scale = (b(66 + (i >> 2)) >> (4 * ((i >> 1) & 1))) & 15
      each(8, k => put(8 * i + k, d * (0.5 + scale) * 0.25 * grid[8 * (code & 511) + k]! * evenSign(code >> 9, k)))
    })
  }),
  iq2_s: format(256, 82, (b, put) => {
    const [d, grid] = [half(b, 0), codebook('iq2_s').values]
    each(32, i => {
      const index = b(2 + i) | (((b(66 + (i >> 2)) >> (2 * (i & 3))) & 3) << 8)
      const scale = (b(74 + (i >> 2)) >> (4 * ((i >> 1) & 1))) & 15
      each(8, k => put(8 * i + k, d * (0.5 + scale) * 0.25 * grid[8 * index + k]! * sign(b(34 + i), k)))
    })
  }),
  iq3_xxs: format(256, 98, (b, put) => {
    const [d, grid] = [half(b, 0), codebook('iq3_xxs').values]
    each(64, i => {
      const at = 66 + 4 * (i >> 3)
      const rest = (b(at) | (b(at + 1) << 8) | (b(at + 2) << 16) | (b(at + 3) << 24)) >>> 0
      const seven = (rest >>> (7 * ((i >> 1) & 3))) & 127
      each(4, k => put(4 * i + k, d * (0.5 + (rest >>> 28)) * 0.5 * grid[4 * b(2 + i) + k]! * evenSign(seven, 4 * (i & 1) + k)))
    })
  }),
  iq3_s: format(256, 110, (b, put) => {
    const [d, grid] = [half(b, 0), codebook('iq3_s').values]
    each(64, i => {
      const index = b(2 + i) | (((b(66 + (i >> 3)) >> (i & 7)) & 1) << 8)
      const scale = (b(106 + (i >> 4)) >> (4 * ((i >> 3) & 1))) & 15
      each(4, k => put(4 * i + k, d * (1 + 2 * scale) * grid[4 * index + k]! * sign(b(74 + (i >> 1)), 4 * (i & 1) + k)))
    })
  }),
  iq1_s: format(256, 50, (b, put) => {
    const [d, grid] = [half(b, 0), codebook('iq1').values]
    each(32, i => {
      const high = b(34 + 2 * (i >> 2)) | (b(35 + 2 * (i >> 2)) << 8)
      const index = b(2 + i) | (((high >> (3 * (i & 3))) & 7) << 8)
      each(8, k => put(8 * i + k, d * (2 * ((high >> 12) & 7) + 1) * (grid[8 * index + k]! + (high & 0x8000 ? -0.125 : 0.125))))
    })
  }),
  iq1_m: format(256, 56, (b, put) => {
    const word = (i: number): number => b(48 + 2 * i) | (b(49 + 2 * i) << 8)
    const d = f16ToF32((word(0) >> 12) | ((word(1) >> 12) << 4) | ((word(2) >> 12) << 8) | ((word(3) >> 12) << 12))
    const grid = codebook('iq1').values
    each(32, i => {
      const high = (b(32 + (i >> 1)) >> (4 * (i & 1))) & 15
      const scale = (word(i >> 3) >> (3 * ((i >> 1) & 3))) & 7
      each(8, k => put(8 * i + k, d * (2 * scale + 1) * (grid[8 * (b(i) | ((high & 7) << 8)) + k]! + (high & 8 ? -0.125 : 0.125))))
    })
  }),
  tq1_0: format(256, 54, (b, put) => {
    const d = half(b, 52)
    each(256, e => {
      const late = e - 160
      const value = e < 160 ? trit(b(e & 31), e >> 5) : late < 80 ? trit(b(32 + (late & 15)), late >> 4) : trit(b(48 + (e & 3)), (e - 240) >> 2)
      put(e, d * value)
    })
  }),
  tq2_0: format(256, 66, (b, put) => {
    const d = half(b, 64)
    each(256, e => put(e, d * (((b(32 * (e >> 7) + (e & 31)) >> (2 * ((e >> 5) & 3))) & 3) - 1)))
  }),
}
