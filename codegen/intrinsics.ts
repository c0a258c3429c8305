/**
 * The operations a target spells beyond arithmetic operators, each with its signature and its meaning over numbers.
 * A target answers for every one, with a spelling or with the reason it has none; what a target can do derives from
 * that, and a new intrinsic does not compile until every target has answered.
 */
import type { ValueType } from './kernel.js'

/** `same` stands for the type of the first argument, which is f32 or f32x4 (min, max, abs: i32 and u32 too). */
type Signature = { readonly args: readonly (ValueType | 'same')[]; readonly type: ValueType | 'same' }

const signatures = {
  exp: { args: ['f32'], type: 'f32' },
  log: { args: ['f32'], type: 'f32' },
  sqrt: { args: ['f32'], type: 'f32' },
  /** 1/√x in f32 precision (2 ulp). */
  rsqrt: { args: ['f32'], type: 'f32' },
  floor: { args: ['f32'], type: 'f32' },
  abs: { args: ['same'], type: 'same' },
  min: { args: ['same', 'same'], type: 'same' },
  max: { args: ['same', 'same'], type: 'same' },
  /** a·b + c; a target may round once or twice. */
  fma: { args: ['same', 'same', 'same'], type: 'same' },
  /** Σ aᵢ·bᵢ. */
  dot4: { args: ['f32x4', 'f32x4'], type: 'f32' },
  /** Σ aᵢ. */
  sum4: { args: ['f32x4'], type: 'f32' },

  /** Four e2m1 codes in the low 16 bits, code i in bits 4i to 4i+3, as 0, ±.5, ±1, ±1.5, ±2, ±3, ±4, ±6. */
  e2m1x4: { args: ['u32'], type: 'f32x4' },
  /** Four unsigned nibbles in the low 16 bits, as 0 to 15. */
  u4x4: { args: ['u32'], type: 'f32x4' },
  /** Four signed bytes of a table of sixteen, given as four words, by the four nibbles of the low 16 bits of the last argument. */
  lookup16: { args: ['u32', 'u32', 'u32', 'u32', 'u32'], type: 'u32' },
  /** Four signed bytes. */
  i8x4: { args: ['u32'], type: 'f32x4' },
  /** Four f16, in two words of two, low half first; subnormals kept. */
  f16x4: { args: ['u32', 'u32'], type: 'f32x4' },
  bf16x4: { args: ['u32', 'u32'], type: 'f32x4' },
  /** One f16 in the low 16 bits. */
  f16: { args: ['u32'], type: 'f32' },
  bf16: { args: ['u32'], type: 'f32' },
  /** One e4m3 in the low 8 bits; subnormals kept. NaN codes are refused when weights are loaded. */
  e4m3: { args: ['u32'], type: 'f32' },

  /** Over the subgroup, in a fixed order; in uniform flow. */
  subgroupAdd: { args: ['f32'], type: 'f32' },
  subgroupMax: { args: ['f32'], type: 'f32' },
  /** The value of the lane whose index differs by the bits of the second argument, a constant. */
  subgroupShuffleXor: { args: ['same', 'u32'], type: 'same' },

  /** result[i] = table[index[i]], 0 ≤ index < 16. */
  swizzle: { args: ['i8x16', 'i8x16'], type: 'i8x16' },
  /** Bytes 0 to 7, or 8 to 15, of the two in turn. */
  interleaveLow8: { args: ['i8x16', 'i8x16'], type: 'i8x16' },
  interleaveHigh8: { args: ['i8x16', 'i8x16'], type: 'i8x16' },
  extendLow8: { args: ['i8x16'], type: 'i16x8' },
  extendHigh8: { args: ['i8x16'], type: 'i16x8' },
  extendLow16: { args: ['i16x8'], type: 'i32x4' },
  extendHigh16: { args: ['i16x8'], type: 'i32x4' },
  /** Both vectors' words in order, each to the nearest that sixteen bits hold. */
  narrow16: { args: ['i32x4', 'i32x4'], type: 'i16x8' },
  /** a₂ᵢ·b₂ᵢ + a₂ᵢ₊₁·b₂ᵢ₊₁, exactly but for both at −32768. */
  dot16: { args: ['i16x8', 'i16x8'], type: 'i32x4' },

  matrixZero: { args: [], type: 'matrixC' },
} as const satisfies Record<string, Signature>

export type Intrinsic = keyof typeof signatures
export const intrinsics: Readonly<Record<Intrinsic, Signature>> = signatures
export const intrinsicNames = Object.keys(signatures) as readonly Intrinsic[]

/** What the matrix statements and loads ask of a target, apart from the calls above. */
export const matrixShape = { m: 16, n: 16, k: 16 } as const
