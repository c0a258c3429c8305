/** How AssemblyScript spells types, operators, conversions and intrinsics over scalars and 128-bit vectors. */
import type { BinaryOp, Scalar, UnaryOp, ValueType } from '../kernel.js'
import type { Intrinsic } from '../intrinsics.js'
import type { Spell } from '../target.js'

/** The SIMD namespace of a vector type and of its scalars; undefined for scalars. */
const lanes: Readonly<Partial<Record<ValueType, 'f32x4' | 'i32x4' | 'i8x16' | 'i16x8'>>> = {
  f32x4: 'f32x4', i32x4: 'i32x4', u32x4: 'i32x4', i8x16: 'i8x16', i16x8: 'i16x8',
}

/** AssemblyScript's type; undefined where the target has none. */
export function typeName(type: ValueType): string | undefined {
  if (lanes[type]) return 'v128'
  return type === 'f32' || type === 'i32' || type === 'u32' || type === 'bool' ? type : undefined
}

export function constantText(type: Scalar, value: number): string {
  switch (type) {
    case 'bool': return value ? 'true' : 'false'
    case 'i32': return `<i32>${value < 0 ? `(${value})` : value}`
    case 'u32': return `<u32>${value >>> 0}`
    case 'f32': {
      if (Number.isFinite(value) && !Object.is(value, -0)) return `<f32>${value < 0 ? `(${value})` : value}`
      const bits = new Uint32Array(new Float32Array([value]).buffer)[0]!
      return `reinterpret<f32>(0x${bits.toString(16)})`
    }
    default: return type satisfies never
  }
}

const vectorOps: Readonly<Partial<Record<BinaryOp, string>>> = { '+': 'add', '-': 'sub', '*': 'mul', '/': 'div' }
const bitOps: Readonly<Partial<Record<BinaryOp, string>>> = { '&': 'and', '|': 'or', '^': 'xor' }

/** `a op b` for operands of `type`; undefined where the target has no such operation. */
export function binaryText(op: BinaryOp, type: ValueType, a: string, b: string): string | undefined {
  const lane = lanes[type]
  if (!lane) return type === 'f32' && op === '%' ? undefined : `(${a} ${op} ${b})`
  const bit = bitOps[op]
  if (bit) return type === 'f32x4' ? undefined : `v128.${bit}(${a}, ${b})`
  if (op === '<<') return type === 'f32x4' ? undefined : `${lane}.shl(${a}, ${b})`
  if (op === '>>') return type === 'f32x4' ? undefined : `${lane}.shr_${type === 'u32x4' ? 'u' : 's'}(${a}, ${b})`
  const name = vectorOps[op]
  if (!name || (op === '/' && type !== 'f32x4') || (op === '*' && type === 'i8x16')) return undefined
  return `${lane}.${name}(${a}, ${b})`
}

export function unaryText(op: UnaryOp, type: ValueType, a: string): string | undefined {
  const lane = lanes[type]
  switch (op) {
    case '-':
      if (lane) return `${lane}.neg(${a})`
      return type === 'u32' ? `(<u32>0 - ${a})` : `(-${a})`
    case '~': return lane ? (type === 'f32x4' ? undefined : `v128.not(${a})`) : `(~${a})`
    case '!': return lane ? undefined : `(!${a})`
    default: return op satisfies never
  }
}

const vectorConversions: Readonly<Record<string, string>> = {
  'i32x4 f32x4': 'f32x4.convert_i32x4_s', 'u32x4 f32x4': 'f32x4.convert_i32x4_u',
  'f32x4 i32x4': 'i32x4.trunc_sat_f32x4_s', 'f32x4 u32x4': 'i32x4.trunc_sat_f32x4_u',
  'i32x4 u32x4': '', 'u32x4 i32x4': '',
}

export function convertText(from: ValueType, to: ValueType, a: string): string | undefined {
  if (from === to) return a
  if (!lanes[from] && !lanes[to]) return `<${to}>(${a})`
  const name = vectorConversions[`${from} ${to}`]
  return name === undefined ? undefined : name === '' ? a : `${name}(${a})`
}

export function bitcastText(from: ValueType, to: ValueType, a: string): string | undefined {
  if (lanes[from] && lanes[to]) return a
  if (lanes[from] || lanes[to]) return undefined
  return from === 'f32' || to === 'f32' ? (from === to ? a : `reinterpret<${to}>(${a})`) : `<${to}>(${a})`
}

export function splatText(type: ValueType, a: string): string {
  if (type === 'i8x16') return `i8x16.splat(<i8>(${a}))`
  if (type === 'i16x8') return `i16x8.splat(<i16>(${a}))`
  return `${lanes[type]}.splat(${a})`
}

export function componentText(from: ValueType, a: string, index: number): string {
  const value = `${lanes[from]}.extract_lane(${a}, ${index})`
  return from === 'u32x4' ? `<u32>${value}` : value
}

/** Lanes of one or two vectors of four, by one shuffle; lanes of the second count from 4. */
export function lanesText(first: string, second: string, from: readonly number[]): string {
  return `i8x16.shuffle(${first}, ${second}, ${from.flatMap(lane => [0, 1, 2, 3].map(byte => 4 * lane + byte)).join(', ')})`
}

/** Four scalars as a vector; `literal` when all are constants. */
export function vectorText(type: ValueType, parts: readonly string[], literal: boolean): string {
  const lane = lanes[type]!
  const plain = parts.map(p => p.replace(/^<\w+>\(?(-?[^()]*)\)?$/, '$1'))
  if (literal && plain.every(p => /^-?[\d.e+-]+$/.test(p))) return `${lane}(${plain.map(p => (type === 'u32x4' ? String(Number(p) | 0) : p)).join(', ')})`
  return parts.slice(1).reduce((v, part, i) => `${lane}.replace_lane(${v}, ${i + 1}, ${part})`, splatText(type, parts[0]!))
}

/** Bytes from `first` on of two vectors in turn, as a shuffle counts them. */
const interleaved = (first: number): string => Array.from({ length: 8 }, (_, i) => `${first + i}, ${16 + first + i}`).join(', ')

const device = (name: string): Spell => args => `${name}(${args.join(', ')})`
const scalar = (name: string): Spell => ([a]) => `${name}<f32>(${a})`
/** An operation whose name on vectors says the signedness; the scalar builtins take it from their type. */
const extremum = (name: 'min' | 'max'): Spell => ([a, b], type) => {
  if (type === 'f32x4') return `f32x4.p${name}(${a}, ${b})`
  if (lanes[type as ValueType]) return `${lanes[type as ValueType]}.${name}_${type === 'u32x4' ? 'u' : 's'}(${a}, ${b})`
  return `${name}<${type}>(${a}, ${b})`
}
const noLanes: Spell = { unsupported: 'a CPU group is one thread' }
const noMatrix: Spell = { unsupported: 'WebAssembly has no matrix unit' }

export const intrinsicSpellings: Readonly<Record<Intrinsic, Spell>> = {
  exp: device('w_exp'),
  log: device('w_log'),
  sqrt: scalar('sqrt'),
  rsqrt: ([a]) => `(<f32>1 / sqrt<f32>(${a}))`,
  floor: scalar('floor'),
  abs: ([a], type) => (lanes[type as ValueType] ? (type === 'u32x4' ? a! : `${lanes[type as ValueType]}.abs(${a})`) : type === 'u32' ? a! : `abs<${type}>(${a})`),
  min: extremum('min'),
  max: extremum('max'),
  fma: ([a, b, c], type) => (type === 'f32x4' ? `w_fma(${a}, ${b}, ${c})` : `(${a} * ${b} + ${c})`),
  dot4: ([a, b]) => `w_sum4(f32x4.mul(${a}, ${b}))`,
  sum4: device('w_sum4'),

  e2m1x4: device('w_e2m1x4'),
  u4x4: device('w_u4x4'),
  lookup16: device('w_lookup16'),
  i8x4: device('w_i8x4'),
  f16x4: device('w_f16x4Of'),
  bf16x4: device('w_bf16x4'),
  f16: ([a]) => `w_f16(${a})`,
  bf16: ([a]) => `reinterpret<f32>(${a} << 16)`,
  e4m3: device('w_e4m3'),

  subgroupAdd: noLanes,
  subgroupMax: noLanes,
  subgroupShuffleXor: noLanes,

  swizzle: device('w_swizzle'),
  interleaveLow8: ([a, b]) => `i8x16.shuffle(${a}, ${b}, ${interleaved(0)})`,
  interleaveHigh8: ([a, b]) => `i8x16.shuffle(${a}, ${b}, ${interleaved(8)})`,
  extendLow8: device('i16x8.extend_low_i8x16_s'),
  extendHigh8: device('i16x8.extend_high_i8x16_s'),
  extendLow16: device('i32x4.extend_low_i16x8_s'),
  extendHigh16: device('i32x4.extend_high_i16x8_s'),
  narrow16: device('i16x8.narrow_i32x4_s'),
  dot16: device('i32x4.dot_i16x8_s'),

  matrixZero: noMatrix,
}
