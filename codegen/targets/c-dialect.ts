/**
 * What differs between the languages that kernels are spelled in with C's syntax: CUDA C, HIP, Metal. A target of this
 * family is one such table; expressions, statements and the frame of a kernel are spelled once for all (`c-expression.ts`,
 * `c-text.ts`). Whatever is no operator or cast is a function whose name begins with `weft_`, which the dialect's prelude
 * defines.
 */
import type { Caps } from '../caps.js'
import type { Intrinsic } from '../intrinsics.js'
import type { Builtin, Element, Kernel, Param, SharedArray, ValueType, Vector } from '../kernel.js'
import type { Spell } from '../target.js'

export type Unsupported = { readonly unsupported: string }

export interface Dialect {
  readonly name: Caps['target']
  readonly extension: string
  /** Names that the language keeps for itself, beyond those of C++. */
  readonly words: ReadonlySet<string>
  readonly values: Readonly<Record<ValueType, string | Unsupported>>
  /** Types of elements in memory. */
  readonly elements: Readonly<Record<Element, string>>
  readonly builtins: Readonly<Record<Builtin, string>>
  readonly intrinsic: Readonly<Record<Intrinsic, Spell>>

  /** A numeric conversion of text to another type, truncating toward zero. */
  convert(from: ValueType, to: ValueType, text: string): string
  /** The same bits as another type. */
  bitcast(from: ValueType, to: ValueType, text: string): string
  splat(type: Vector, text: string): string
  vector(type: Vector, parts: readonly string[]): string
  /** What the text of an element in memory is worth as a value, and the other way round; told apart for f16 only. */
  widen(element: 'f16' | 'f16x4', text: string): string
  narrow(element: 'f16' | 'f16x4', text: string): string
  /** A place in a parameter as it is read. */
  read(param: Param, place: string): string
  /** Cast to the address of units of that many bits, read-only: `(const unsigned char*)`. */
  bitsPointer(bits: 8 | 16): string

  parameter(param: Param, name: string, index: number): string
  /** The line that opens a kernel, up to its brace. @param builtins those its body uses */
  opening(kernel: Kernel, params: readonly string[], builtins: ReadonlySet<Builtin>): string
  readonly barrier: string
  /** Declares a shared array. */
  shared(type: string, name: string, length: number, alignment: number): string
  /** Declares untyped shared memory, the pool, by the name `weft_shared`. */
  pool(bytes: number, alignment: number): string
  /** An array within it, as a constant pointer. */
  pooled(type: string, name: string, at: number): string
  /** Shared memory that a kernel may declare array by array; what needs more lies in the pool. */
  readonly staticSharedBytes: number
  /** Whether the launch grants the pool's bytes, which the text then does not say. */
  readonly poolIsDynamic: boolean
  /** Declares and prepares `count` counters of bulk copies; absent where there are none. */
  readonly arrivals?: (count: number) => readonly string[]
  /** Whether copies to shared memory go on while the thread does; else they are done at once. */
  readonly asynchronousCopies: boolean
  /** On which chips a launch may begin before the one before it has ended in full, and what waits for that and for its memory; nothing on others. */
  readonly overlap?: { on(caps: Caps): boolean; readonly wait: string }
  /** The statement that copies a u32x4 in memory to eight f16 of a shared array. */
  copyHalves(to: string, from: string): string

  prelude(kernels: readonly Kernel[], caps: Caps): string
}

/** What expressions and statements of one kernel refer to. */
export interface CContext {
  readonly dialect: Dialect
  readonly kernel: string
  readonly params: ReadonlyMap<string, Param>
  readonly shared: ReadonlyMap<string, SharedArray>
}

export const noPacked: Unsupported = { unsupported: '128-bit vectors of small integers are for CPU targets' }
export const named = (name: string): Spell => args => `${name}(${args.join(', ')})`

/**
 * Intrinsics that every dialect's prelude defines, under one name. Of a new one that is not here, each dialect has to
 * say itself how it is spelled or why it is not.
 */
export const weftFunctions = {
  exp: named('weft_exp'), log: named('weft_log'), sqrt: named('weft_sqrt'), rsqrt: named('weft_rsqrt'), floor: named('weft_floor'),
  abs: named('weft_abs'), min: named('weft_min'), max: named('weft_max'), fma: named('weft_fma'),
  dot4: named('weft_dot4'), sum4: named('weft_sum4'),
  e2m1x4: named('weft_e2m1x4'), u4x4: named('weft_u4x4'), i8x4: named('weft_i8x4'), lookup16: named('weft_lookup16'), f16x4: named('weft_f16x4'),
  bf16x4: named('weft_bf16x4'), f16: named('weft_f16_bits'), bf16: named('weft_bf16'), e4m3: named('weft_e4m3'),
  subgroupAdd: named('weft_subgroup_add'), subgroupMax: named('weft_subgroup_max'), subgroupShuffleXor: named('weft_shuffle_xor'),
  swizzle: noPacked, interleaveLow8: noPacked, interleaveHigh8: noPacked, extendLow8: noPacked, extendHigh8: noPacked, extendLow16: noPacked, extendHigh16: noPacked, narrow16: noPacked, dot16: noPacked,
  matrixZero: named('weft_matrix_zero'),
} as const satisfies Readonly<Partial<Record<Intrinsic, Spell>>>

export const isVector = (type: ValueType): type is Vector => type === 'f32x4' || type === 'i32x4' || type === 'u32x4'
