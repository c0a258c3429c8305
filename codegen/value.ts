/**
 * Expressions as values with methods: `row.mul(4).add(lane)`. Constants are folded and neutral operands dropped, so
 * that schedules may be written for the general case and still give short text.
 */
import { WeftError } from '../graph/error.js'
import { intrinsics, type Intrinsic } from './intrinsics.js'
import type { BinaryOp, Expr, Scalar, ValueType, Vector } from './kernel.js'

export type Operand = Value | number

const componentOf: Readonly<Record<Vector, Scalar>> = { f32x4: 'f32', i32x4: 'i32', u32x4: 'u32' }
const comparisons: ReadonlySet<BinaryOp> = new Set(['<', '<=', '>', '>=', '==', '!=', '&&', '||'])

export function isVector(type: ValueType): type is Vector {
  return type === 'f32x4' || type === 'i32x4' || type === 'u32x4'
}

export class Value {
  constructor(readonly expr: Expr) {}

  get type(): ValueType {
    return this.expr.type
  }
  /** The number, where this is a constant. */
  get constant(): number | undefined {
    return this.expr.kind === 'const' ? this.expr.value : undefined
  }

  add(b: Operand): Value { return binary('+', this, b) }
  sub(b: Operand): Value { return binary('-', this, b) }
  mul(b: Operand): Value { return binary('*', this, b) }
  div(b: Operand): Value { return binary('/', this, b) }
  mod(b: Operand): Value { return binary('%', this, b) }
  and(b: Operand): Value { return binary('&', this, b) }
  or(b: Operand): Value { return binary('|', this, b) }
  xor(b: Operand): Value { return binary('^', this, b) }
  shl(b: Operand): Value { return shift('<<', this, b) }
  shr(b: Operand): Value { return shift('>>', this, b) }
  lt(b: Operand): Value { return binary('<', this, b) }
  le(b: Operand): Value { return binary('<=', this, b) }
  gt(b: Operand): Value { return binary('>', this, b) }
  ge(b: Operand): Value { return binary('>=', this, b) }
  eq(b: Operand): Value { return binary('==', this, b) }
  ne(b: Operand): Value { return binary('!=', this, b) }
  both(b: Value): Value { return binary('&&', this, b) }
  either(b: Value): Value { return binary('||', this, b) }
  not(): Value { return new Value({ kind: 'unary', type: this.type, op: '!', a: this.expr }) }
  negate(): Value { return new Value({ kind: 'unary', type: this.type, op: '-', a: this.expr }) }

  min(b: Operand): Value { return call('min', this, operand(b, this.type)) }
  max(b: Operand): Value { return call('max', this, operand(b, this.type)) }
  /** this · b + c */
  fma(b: Operand, c: Operand): Value { return call('fma', this, operand(b, this.type), operand(c, this.type)) }

  convert(type: ValueType): Value {
    if (type === this.type) return this
    const c = this.constant
    if (c !== undefined && (type === 'f32' || type === 'i32' || type === 'u32')) return constant(type, c)
    return new Value({ kind: 'convert', type, a: this.expr })
  }
  bitcast(type: ValueType): Value {
    return type === this.type ? this : new Value({ kind: 'bitcast', type, a: this.expr })
  }
  at(index: number): Value {
    const { type } = this
    if (!isVector(type)) throw new WeftError({ where: 'kernel', what: `component ${index} of a ${type}`, expected: 'a vector of four' })
    if (this.expr.kind === 'vector') return new Value(this.expr.parts[index]!)
    if (this.expr.kind === 'splat') return new Value(this.expr.a)
    return new Value({ kind: 'component', type: componentOf[type], a: this.expr, index: index as 0 | 1 | 2 | 3 })
  }
}

export function constant(type: Scalar, value: number): Value {
  const v = type === 'f32' ? Math.fround(value) : type === 'u32' ? value >>> 0 : type === 'i32' ? value | 0 : value ? 1 : 0
  return new Value({ kind: 'const', type, value: v })
}
export const u32 = (n: number): Value => constant('u32', n)
export const f32 = (n: number): Value => constant('f32', n)

export function operand(v: Operand, like: ValueType): Value {
  if (v instanceof Value) return v
  if (isVector(like)) return splat(like, v)
  if (like === 'i8x16' || like === 'i16x8') return new Value({ kind: 'splat', type: like, a: constant('i32', v).expr })
  return constant(like as Scalar, v)
}

export function splat(type: Vector, v: Operand): Value {
  return new Value({ kind: 'splat', type, a: operand(v, componentOf[type]).expr })
}

export function vector(a: Value, b: Value, c: Value, d: Value): Value {
  const type = (Object.keys(componentOf) as Vector[]).find(t => componentOf[t] === a.type)
  if (!type) throw new WeftError({ where: 'kernel', what: `vector of ${a.type}`, expected: 'f32, i32 or u32' })
  return new Value({ kind: 'vector', type, parts: [a.expr, b.expr, c.expr, d.expr] })
}

export function select(condition: Value, yes: Value, no: Operand): Value {
  return new Value({ kind: 'select', type: yes.type, condition: condition.expr, yes: yes.expr, no: operand(no, yes.type).expr })
}

export function call(intrinsic: Intrinsic, ...args: readonly Value[]): Value {
  const signature = intrinsics[intrinsic]
  const type = signature.type === 'same' ? args[0]!.type : signature.type
  return new Value({ kind: 'call', type, intrinsic, args: args.map(a => a.expr) })
}

export function table(values: readonly number[]): Value {
  return new Value({ kind: 'table', type: 'i8x16', values })
}

/** Shifts of vectors take a scalar count. */
function shift(op: '<<' | '>>', a: Value, count: Operand): Value {
  const b = operand(count, 'u32')
  if (b.constant === 0) return a
  const folded = fold(op, a, b)
  return folded ?? new Value({ kind: 'binary', type: a.type, op, a: a.expr, b: b.expr })
}

function binary(op: BinaryOp, a: Value, right: Operand): Value {
  const b = operand(right, a.type)
  if (a.type !== b.type) {
    throw new WeftError({ where: 'kernel', what: `operands of ${op} differ`, expected: a.type, got: b.type })
  }
  const folded = fold(op, a, b)
  if (folded) return folded
  return new Value({ kind: 'binary', type: comparisons.has(op) ? 'bool' : a.type, op, a: a.expr, b: b.expr })
}

/** Folding of u32 and i32 arithmetic, and of what is neutral in any type. */
function fold(op: BinaryOp, a: Value, b: Value): Value | undefined {
  const [x, y] = [a.constant, b.constant]
  const integer = a.type === 'u32' || a.type === 'i32'
  if (!integer) return undefined
  const type = a.type as 'u32' | 'i32'
  if (x !== undefined && y !== undefined) {
    switch (op) {
      case '+': return constant(type, x + y)
      case '-': return constant(type, x - y)
      case '*': return constant(type, Math.imul(x, y))
      case '/': return y === 0 ? undefined : constant(type, Math.trunc(x / y))
      case '%': return y === 0 ? undefined : constant(type, x % y)
      case '<<': return constant(type, x << y)
      case '>>': return constant(type, type === 'u32' ? x >>> y : x >> y)
      case '&': return constant(type, x & y)
      case '|': return constant(type, x | y)
      case '<': return constant('bool', Number(x < y))
      case '<=': return constant('bool', Number(x <= y))
      case '>': return constant('bool', Number(x > y))
      case '>=': return constant('bool', Number(x >= y))
      case '==': return constant('bool', Number(x === y))
      case '!=': return constant('bool', Number(x !== y))
      default: return undefined
    }
  }
  if (y === 0 && (op === '+' || op === '-' || op === '|' || op === '^')) return a
  if (x === 0 && (op === '+' || op === '|')) return b
  if (y === 1 && (op === '*' || op === '/')) return a
  if (x === 1 && op === '*') return b
  if ((x === 0 || y === 0) && (op === '*' || op === '&')) return constant(type, 0)
  if (y === 1 && op === '%') return constant(type, 0)
  // Powers of two: unsigned division and remainder are a shift and a mask on every target.
  if (type === 'u32' && y !== undefined && y > 1 && (y & (y - 1)) === 0) {
    if (op === '/') return shift('>>', a, Math.log2(y))
    if (op === '%') return binary('&', a, y - 1)
  }
  return undefined
}
