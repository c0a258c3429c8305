/**
 * The type rules of expressions, one case a kind. An expression carries the type its maker gave it; here that type is
 * derived again from the operands and the two must agree, so that a target may trust every `type` field it reads.
 * Nothing is inferred across statements: names come with the type of their declaration.
 */
import { intrinsics } from './intrinsics.js'
import type { Intrinsic } from './intrinsics.js'
import { loadedType } from './kernel.js'
import type { BinaryOp, Expr, Param, Scalar, SharedArray, UnaryOp, ValueType } from './kernel.js'
import { printExpr } from './print.js'

/** What an expression may refer to, and how a broken rule is reported. */
export interface ExprContext {
  readonly params: ReadonlyMap<string, Param>
  readonly shared: ReadonlyMap<string, SharedArray>
  /** Type of a name in scope. */
  lookup(name: string): ValueType | undefined
  fail(what: string, expected?: string, got?: string): never
}

/** Components of a type that has them, and how many. */
const parts: Partial<Record<ValueType, { readonly of: Scalar; readonly count: number }>> = {
  f32x4: { of: 'f32', count: 4 }, i32x4: { of: 'i32', count: 4 }, u32x4: { of: 'u32', count: 4 },
  i8x16: { of: 'i32', count: 16 }, i16x8: { of: 'i32', count: 8 },
}
const bits: Partial<Record<ValueType, number>> = {
  f32: 32, i32: 32, u32: 32, f32x4: 128, i32x4: 128, u32x4: 128, i8x16: 128, i16x8: 128,
}
const integers: readonly ValueType[] = ['i32', 'u32', 'i32x4', 'u32x4', 'i8x16', 'i16x8']
const floats: readonly ValueType[] = ['f32', 'f32x4']
const numbers: readonly ValueType[] = [...integers, ...floats]

const unaryTypes: Readonly<Record<UnaryOp, readonly ValueType[]>> = {
  '-': ['f32', 'i32', 'f32x4', 'i32x4', 'i8x16', 'i16x8'], '~': integers, '!': ['bool'],
}

const ordered: readonly ValueType[] = ['f32', 'i32', 'u32']
const binaryTypes: Readonly<Record<BinaryOp, readonly ValueType[]>> = {
  '+': numbers, '-': numbers, '*': numbers, '/': [...floats, 'i32', 'u32'], '%': ['i32', 'u32'],
  '&': integers, '|': integers, '^': integers, '<<': integers, '>>': integers,
  '<': ordered, '<=': ordered, '>': ordered, '>=': ordered, '==': [...ordered, 'bool'], '!=': [...ordered, 'bool'],
  '&&': ['bool'], '||': ['bool'],
}
const yieldsBool: ReadonlySet<BinaryOp> = new Set(['<', '<=', '>', '>=', '==', '!=', '&&', '||'])

/** Types that stand for `same` in an intrinsic's signature. */
const sameTypes: Partial<Record<Intrinsic, readonly ValueType[]>> = {
  abs: ['f32', 'f32x4', 'i32'], min: ['f32', 'f32x4', 'i32', 'u32'], max: ['f32', 'f32x4', 'i32', 'u32'],
  subgroupShuffleXor: ['f32', 'f32x4', 'i32', 'u32'],
}

function checkConst(e: Expr & { kind: 'const' }, cx: ExprContext): ValueType {
  const range = { i32: [-(2 ** 31), 2 ** 31 - 1], u32: [0, 2 ** 32 - 1], bool: [0, 1], f32: null }[e.type]
  if (range !== null) {
    if (!Number.isInteger(e.value) || e.value < range[0]! || e.value > range[1]!) {
      cx.fail(`constant of ${e.type} out of range`, `an integer from ${range[0]} to ${range[1]}`, String(e.value))
    }
  } else if (!Number.isFinite(Math.fround(e.value))) {
    // WGSL has no way to write infinities and NaN.
    cx.fail('constant does not fit in f32', 'at most 3.4028235e38', String(e.value))
  }
  return e.type
}

function checkCall(e: Expr & { kind: 'call' }, cx: ExprContext): ValueType {
  const { args, type } = intrinsics[e.intrinsic] ?? cx.fail('unknown intrinsic', 'one of intrinsics.ts', e.intrinsic)
  const name = e.intrinsic
  if (args.length !== e.args.length) cx.fail(`${name} takes ${args.length} arguments`, String(args.length), String(e.args.length))
  const got = e.args.map(a => checkExpr(a, cx))
  const allowed = sameTypes[name] ?? floats
  args.forEach((want, i) => {
    if (want === 'same') {
      if (i === 0 && !allowed.includes(got[0]!)) cx.fail(`${name} has no form for its operands`, allowed.join(' or '), got[0])
      if (got[i] !== got[0]) cx.fail(`arguments of ${name} differ in type`, got[0], got[i])
    } else if (got[i] !== want) cx.fail(`argument ${i + 1} of ${name}`, want, got[i])
  })
  if (name === 'subgroupShuffleXor' && e.args[1]!.kind !== 'const') {
    cx.fail('lanes of subgroupShuffleXor must be a constant', 'a u32 constant', printExpr(e.args[1]!))
  }
  return type === 'same' ? got[0]! : type
}

function checkBinary(e: Expr & { kind: 'binary' }, cx: ExprContext): ValueType {
  const a = checkExpr(e.a, cx)
  const b = checkExpr(e.b, cx)
  const shift = e.op === '<<' || e.op === '>>'
  const right = shift && a in parts ? 'u32' : shift && a === 'i32' && b === 'u32' ? 'u32' : a
  if (b !== right) cx.fail(`operands of ${e.op} differ in type`, `${a} ${e.op} ${right}`, `${a} ${e.op} ${b}`)
  if (!binaryTypes[e.op].includes(a)) cx.fail(`${e.op} has no form for ${a}`, binaryTypes[e.op].join(' or '), a)
  return yieldsBool.has(e.op) ? 'bool' : a
}

/** A u32 index of something. */
export function checkIndex(index: Expr, of: string, cx: ExprContext): void {
  const type = checkExpr(index, cx)
  if (type !== 'u32') cx.fail(`index of ${of}`, 'u32', type)
}

function derive(e: Expr, cx: ExprContext): ValueType {
  switch (e.kind) {
    case 'const': return checkConst(e, cx)
    case 'table': {
      const fits = e.values.length === 16 && e.values.every(v => Number.isInteger(v) && v >= -128 && v <= 127)
      if (!fits) cx.fail('a table', 'sixteen integers from -128 to 127', `[${e.values.join(', ')}]`)
      return 'i8x16'
    }
    case 'ref': return cx.lookup(e.name) ?? cx.fail(`${e.name} is used where it is not defined`)
    case 'builtin': return 'u32'
    case 'unary': {
      const a = checkExpr(e.a, cx)
      if (!unaryTypes[e.op].includes(a)) cx.fail(`${e.op} has no form for ${a}`, unaryTypes[e.op].join(' or '), a)
      return a
    }
    case 'binary': return checkBinary(e, cx)
    case 'select': {
      const condition = checkExpr(e.condition, cx)
      if (condition !== 'bool') cx.fail('condition of select', 'bool', condition)
      const yes = checkExpr(e.yes, cx)
      const no = checkExpr(e.no, cx)
      if (yes !== no) cx.fail('the two values of select differ in type', yes, no)
      if (yes.startsWith('matrix')) cx.fail('select has no form for matrix tiles')
      return yes
    }
    case 'convert': {
      const a = checkExpr(e.a, cx)
      const from = parts[a]
      const to = parts[e.type]
      const scalars = ordered.includes(a) && ordered.includes(e.type)
      const vectors = from?.count === 4 && to?.count === 4
      if (!scalars && !vectors) cx.fail('no such conversion', 'f32, i32 and u32, or their vectors, to each other', `${a} to ${e.type}`)
      return e.type
    }
    case 'bitcast': {
      const a = checkExpr(e.a, cx)
      if (bits[a] === undefined || bits[a] !== bits[e.type]) cx.fail('bitcast between types of different size', `${bits[a] ?? 'no'} bits`, `${a} to ${e.type}`)
      return e.type
    }
    case 'splat': {
      const a = checkExpr(e.a, cx)
      const of = parts[e.type]?.of ?? cx.fail('splat makes a vector', 'a vector type', e.type)
      if (a !== of) cx.fail(`splat to ${e.type}`, of, a)
      return e.type
    }
    case 'vector': {
      const of = parts[e.type]?.count === 4 ? parts[e.type]!.of : cx.fail('vector makes four components', 'f32x4, i32x4 or u32x4', e.type)
      if (e.parts.length !== 4) cx.fail(`parts of ${e.type}`, '4', String(e.parts.length))
      for (const part of e.parts) {
        const type = checkExpr(part, cx)
        if (type !== of) cx.fail(`part of ${e.type}`, of, type)
      }
      return e.type
    }
    case 'component': {
      const a = checkExpr(e.a, cx)
      const of = parts[a]?.count === 4 ? parts[a]!.of : cx.fail('component of a value without four', 'f32x4, i32x4 or u32x4', a)
      if (![0, 1, 2, 3].includes(e.index)) cx.fail('component index', '0 to 3', String(e.index))
      return of
    }
    case 'load': {
      const param = cx.params.get(e.param) ?? cx.fail(`no param named ${e.param}`)
      if (param.tensor) cx.fail(`param ${e.param} is a tensor map`, 'bulk copies only')
      if (param.access === 'write') cx.fail(`param ${e.param} is read`, 'access read or readwrite', 'write')
      checkIndex(e.index, e.param, cx)
      return loadedType[param.element]
    }
    case 'loadBits': {
      const param = cx.params.get(e.param) ?? cx.fail(`no param named ${e.param}`)
      if (param.tensor) cx.fail(`param ${e.param} is a tensor map`, 'bulk copies only')
      if (param.access === 'write') cx.fail(`param ${e.param} is read`, 'access read or readwrite', 'write')
      if (param.element !== 'u32') cx.fail(`bits of param ${e.param}`, 'elements of u32', param.element)
      if (![8, 16].includes(e.bits)) cx.fail('bits of a partial load', '8 or 16', String(e.bits))
      checkIndex(e.index, e.param, cx)
      return 'u32'
    }
    case 'shared': {
      const array = cx.shared.get(e.array) ?? cx.fail(`no shared array named ${e.array}`)
      checkIndex(e.index, e.array, cx)
      return loadedType[array.element]
    }
    case 'call': return checkCall(e, cx)
    case 'matrixLoad': {
      const array = cx.shared.get(e.array) ?? cx.fail(`no shared array named ${e.array}`)
      if (array.element !== 'f16') cx.fail(`matrix load from ${e.array}`, 'a shared array of f16', array.element)
      checkMatrixStride(e.stride, 8, cx)
      checkIndex(e.index, e.array, cx)
      return e.type
    }
    default: return e satisfies never
  }
}

/** Matrix units read rows of 16 elements whose starts are aligned to 16 bytes. */
export function checkMatrixStride(stride: number, multiple: number, cx: ExprContext): void {
  if (!Number.isInteger(stride) || stride < 16 || stride % multiple !== 0) {
    cx.fail('stride of a matrix tile', `at least 16 and a multiple of ${multiple}`, String(stride))
  }
}

/** Checks an expression and all in it; returns its type. */
export function checkExpr(e: Expr, cx: ExprContext): ValueType {
  const derived = derive(e, cx)
  if (derived !== e.type) cx.fail(`type of \`${printExpr(e)}\``, derived, e.type)
  return derived
}
