/**
 * The kernel form's expressions in languages of C's family. Parentheses stand where C's precedence or a reader needs
 * them; what the languages spell differently is asked of the dialect.
 */
import { WeftError } from '../../graph/error.js'
import type { BinaryOp, Element, Expr, Param, Scalar, ValueType } from '../kernel.js'
import { isVector, type CContext } from './c-dialect.js'
import { cName } from './c-names.js'

/** The language's type of a value. Throws a WeftError that names the kernel where it has none. */
export function typeOf(type: ValueType, cx: CContext): string {
  const spelled = cx.dialect.values[type]
  if (typeof spelled !== 'string') throw new WeftError({ where: `kernel ${cx.kernel}`, what: `${cx.dialect.name} has no ${type}: ${spelled.unsupported}` })
  return spelled
}

export const nameOf = (name: string, cx: CContext): string => cName(name, cx.dialect.words)

/** An f32 as a literal that reads back as the same bits. */
function floatLiteral(value: number, cx: CContext): string {
  const v = Math.fround(value)
  if (!Number.isFinite(v)) return cx.dialect.bitcast('i32', 'f32', Number.isNaN(v) ? '0x7fc00000' : v > 0 ? '0x7f800000' : '0xff800000')
  // The shortest decimal of the double lies within half its last place: far inside the f32's rounding interval.
  const text = Object.is(v, -0) ? '-0' : String(v)
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`
}

function constant(type: Scalar, value: number, cx: CContext): string {
  switch (type) {
    case 'f32': return floatLiteral(value, cx)
    case 'i32': return value === -(2 ** 31) ? '(-2147483647 - 1)' : String(value)
    case 'u32': return `${value}u`
    case 'bool': return value ? 'true' : 'false'
    default: return type satisfies never
  }
}

const precedence: Readonly<Record<BinaryOp, number>> = {
  '*': 10, '/': 10, '%': 10, '+': 9, '-': 9, '<<': 8, '>>': 8, '<': 7, '<=': 7, '>': 7, '>=': 7, '==': 6, '!=': 6,
  '&': 5, '^': 4, '|': 3, '&&': 2, '||': 1,
}
const arithmetic: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%'])
const chains: ReadonlySet<string> = new Set(['+', '*', '&', '|', '^', '&&', '||'])
const logical: ReadonlySet<string> = new Set(['&&', '||'])
const comparison: ReadonlySet<string> = new Set(['<', '<=', '>', '>=', '==', '!='])

/** Whether `inner` may stand bare as an operand of `outer`: where few readers would look the precedence up, it may not. */
function bare(inner: BinaryOp, outer: BinaryOp, left: boolean): boolean {
  if (inner === outer) return left && chains.has(inner)
  if (arithmetic.has(inner) && arithmetic.has(outer)) return left ? precedence[inner] >= precedence[outer] : precedence[inner] > precedence[outer]
  return (comparison.has(outer) && arithmetic.has(inner)) || (logical.has(outer) && (comparison.has(inner) || arithmetic.has(inner)))
}

/** An expression beside a binary operator. */
export function operand(e: Expr, outer: BinaryOp, left: boolean, cx: CContext): string {
  const text = expression(e, cx)
  const loose = e.kind === 'select' || (e.kind === 'binary' && !bare(e.op, outer, left))
  return loose || text.startsWith('-') ? `(${text})` : text
}

/** An expression as what a unary operator, a component or a cast applies to. */
function primary(e: Expr, cx: CContext): string {
  const text = expression(e, cx)
  return e.kind === 'binary' || e.kind === 'select' || e.kind === 'unary' || text.startsWith('-') ? `(${text})` : text
}

/** Checked to have a type in the language on both sides. */
function cast(how: 'convert' | 'bitcast', to: ValueType, e: Expr, cx: CContext): string {
  typeOf(e.type, cx)
  typeOf(to, cx)
  const text = expression(e, cx)
  return e.type === to ? text : cx.dialect[how](e.type, to, text)
}

/** The value of an element as memory has it. */
function widen(element: Element, text: string, cx: CContext): string {
  switch (element) {
    case 'f16':
    case 'f16x4': return cx.dialect.widen(element, text)
    case 'f32': case 'i32': case 'u32': case 'f32x4': case 'u32x4': return text
    default: return element satisfies never
  }
}

/** What memory of an element keeps of a value. Halves that only move from one place to another stay as they are. */
export function stored(element: Element, e: Expr, cx: CContext): string {
  if ((element === 'f16' || element === 'f16x4') && sourceElement(e, cx) === element) return rawRead(e, cx)
  const text = expression(e, cx)
  switch (element) {
    case 'f16':
    case 'f16x4': return cx.dialect.narrow(element, text)
    case 'f32': case 'i32': case 'u32': case 'f32x4': case 'u32x4': return text
    default: return element satisfies never
  }
}

/** What memory an expression that only reads reads. */
function sourceElement(e: Expr, cx: CContext): Element | null {
  if (e.kind === 'load') return cx.params.get(e.param)!.element
  return e.kind === 'shared' ? cx.shared.get(e.array)!.element : null
}

/** An element as memory has it. */
function rawRead(e: Expr, cx: CContext): string {
  if (e.kind === 'shared') return `${nameOf(e.array, cx)}[${expression(e.index, cx)}]`
  if (e.kind !== 'load') throw new WeftError({ where: `kernel ${cx.kernel}`, what: `${e.kind} reads no memory` })
  const param = cx.params.get(e.param)!
  return cx.dialect.read(param, `${nameOf(param.name, cx)}[${expression(e.index, cx)}]`)
}

function loadBits(param: Param, index: string, bits: 8 | 16, cx: CContext): string {
  // Neighbouring threads share the words these come from, so that even streamed weights keep them in the small cache.
  const kept: Param = { ...param, cache: 'keep' }
  return `${typeOf('u32', cx)}(${cx.dialect.read(kept, `(${cx.dialect.bitsPointer(bits)}${nameOf(param.name, cx)})[${index}]`)})`
}

function call(e: Expr & { readonly kind: 'call' }, cx: CContext): string {
  const spell = cx.dialect.intrinsic[e.intrinsic]
  if (typeof spell !== 'function') throw new WeftError({ where: `kernel ${cx.kernel}`, what: `${cx.dialect.name} has no ${e.intrinsic}: ${spell.unsupported}` })
  return spell(e.args.map(a => expression(a, cx)), e.type)
}

/** Text of an expression of a verified kernel. Throws a WeftError that names the kernel and what the language has no form for. */
export function expression(e: Expr, cx: CContext): string {
  switch (e.kind) {
    case 'const': return constant(e.type, e.value, cx)
    case 'table': return typeOf(e.type, cx)
    case 'ref': return nameOf(e.name, cx)
    case 'builtin': return cx.dialect.builtins[e.name]
    case 'unary': return `${e.op}${primary(e.a, cx)}`
    case 'binary': return `${operand(e.a, e.op, true, cx)} ${e.op} ${operand(e.b, e.op, false, cx)}`
    case 'select': return `${primary(e.condition, cx)} ? ${primary(e.yes, cx)} : ${primary(e.no, cx)}`
    case 'convert':
    case 'bitcast': return cast(e.kind, e.type, e.a, cx)
    case 'splat':
      typeOf(e.type, cx)
      if (!isVector(e.type)) throw new WeftError({ where: `kernel ${cx.kernel}`, what: `${cx.dialect.name} has no splat of ${e.type}` })
      return cx.dialect.splat(e.type, expression(e.a, cx))
    case 'vector': return cx.dialect.vector(e.type, e.parts.map(p => expression(p, cx)))
    case 'component': return `${primary(e.a, cx)}.${'xyzw'[e.index]!}`
    case 'load': return widen(cx.params.get(e.param)!.element, rawRead(e, cx), cx)
    case 'loadBits': return loadBits(cx.params.get(e.param)!, expression(e.index, cx), e.bits, cx)
    case 'shared': return widen(cx.shared.get(e.array)!.element, rawRead(e, cx), cx)
    case 'call': return call(e, cx)
    case 'matrixLoad': {
      const operandName = e.type === 'matrixA' ? 'a' : 'b'
      return `weft_load_${operandName}_${e.columnMajor ? 'col' : 'row'}(&${nameOf(e.array, cx)}[${expression(e.index, cx)}], ${e.stride}u)`
    }
    default: return e satisfies never
  }
}

