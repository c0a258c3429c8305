/**
 * WGSL's spelling of types, constants and intrinsics. Constants are written as the shortest decimal that reads back
 * as the same f32, subnormals as their bits, because a compiler may flush a literal. -0 is made by a device function.
 */
import { WeftError } from '../../graph/error.js'
import { negativeZero, wgslFunctions } from '../../shaders/wgsl.js'
import { matrixShape, type Intrinsic } from '../intrinsics.js'
import type { Element, Scalar, ValueType } from '../kernel.js'
import type { Spell } from '../target.js'

const { m, n, k } = matrixShape

const types: Readonly<Partial<Record<ValueType, string>>> = {
  f32: 'f32', i32: 'i32', u32: 'u32', bool: 'bool', f32x4: 'vec4<f32>', i32x4: 'vec4<i32>', u32x4: 'vec4<u32>',
  matrixA: `subgroup_matrix_left<f16, ${k}, ${m}>`,
  matrixB: `subgroup_matrix_right<f16, ${n}, ${k}>`,
  matrixC: `subgroup_matrix_result<f32, ${n}, ${m}>`,
}

export const wgslElement: Readonly<Record<Element, string>> = {
  f32: 'f32', f16: 'f16', i32: 'i32', u32: 'u32', f32x4: 'vec4<f32>', f16x4: 'vec4<f16>', u32x4: 'vec4<u32>',
}

/** Throws a WeftError for the 128-bit integer vectors of CPU targets. */
export function wgslType(type: ValueType, where: string): string {
  const text = types[type]
  if (text === undefined) throw new WeftError({ where, what: `WGSL has no type for ${type}`, expected: 'scalars, vectors of four or matrix tiles' })
  return text
}

const largestF32 = (2 - 2 ** -23) * 2 ** 127

function f32Literal(value: number, where: string): string {
  const v = Math.fround(value)
  if (!Number.isFinite(v)) throw new WeftError({ where, what: 'WGSL has no constant for this f32', expected: 'a finite number', got: String(value) })
  if (Object.is(v, -0)) return `${negativeZero.name}()`
  if (v !== 0 && Math.abs(v) < 2 ** -126) return `bitcast<f32>(0x${new Uint32Array(Float32Array.of(v).buffer)[0]!.toString(16)}u)`
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(v.toPrecision(digits))
    // A decimal beyond the largest f32 is refused even where it would round down to it.
    if (Math.fround(short) === v && Math.abs(short) <= largestF32) return `${short}f`
  }
  return `${v}f`
}

/** A constant; negative numbers come without parentheses. */
export function wgslConstant(type: Scalar, value: number, where: string): string {
  switch (type) {
    case 'f32': return f32Literal(value, where)
    case 'u32': return `${value >>> 0}u`
    // The literal 2147483648i does not exist.
    case 'i32': return value === -2147483648 ? 'i32(-2147483648)' : `${value}i`
    case 'bool': return value ? 'true' : 'false'
    default: return type satisfies never
  }
}

const builtin = (name: string): Spell => args => `${name}(${args.join(', ')})`
const device = (name: keyof typeof wgslFunctions): Spell => builtin(wgslFunctions[name].name)
const cpuOnly: Spell = { unsupported: 'WGSL has no 128-bit integer vectors' }

export const wgslIntrinsics: Readonly<Record<Intrinsic, Spell>> = {
  exp: builtin('exp'),
  log: builtin('log'),
  sqrt: builtin('sqrt'),
  rsqrt: builtin('inverseSqrt'),
  floor: builtin('floor'),
  abs: builtin('abs'),
  min: builtin('min'),
  max: builtin('max'),
  fma: builtin('fma'),
  dot4: builtin('dot'),
  sum4: device('sum4'),
  e2m1x4: device('e2m1x4'),
  u4x4: device('u4x4'),
  lookup16: device('lookup16'),
  i8x4: device('i8x4'),
  f16x4: device('f16x4'),
  bf16x4: device('bf16x4'),
  f16: device('f16'),
  bf16: device('bf16'),
  e4m3: device('e4m3'),
  subgroupAdd: builtin('subgroupAdd'),
  subgroupMax: builtin('subgroupMax'),
  subgroupShuffleXor: builtin('subgroupShuffleXor'),
  swizzle: cpuOnly,
  extendLow8: cpuOnly,
  extendHigh8: cpuOnly,
  extendLow16: cpuOnly,
  extendHigh16: cpuOnly,
  interleaveLow8: cpuOnly,
  interleaveHigh8: cpuOnly,
  narrow16: cpuOnly,
  dot16: cpuOnly,
  matrixZero: () => `${types.matrixC}()`,
}
