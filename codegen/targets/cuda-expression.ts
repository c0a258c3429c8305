/**
 * The kernel form's expressions in CUDA C. Parentheses stand where C's precedence or a reader needs them; operators on
 * vectors are functions of the prelude. What decides how a buffer is read is its role: weights never change while a
 * plan runs and come through the read-only path, everything else through ordinary loads.
 */
import { WeftError } from '../../graph/error.js'
import type { BinaryOp, Builtin, Element, Expr, Param, Scalar, SharedArray, ValueType } from '../kernel.js'
import type { Intrinsic } from '../intrinsics.js'
import type { Spell } from '../target.js'
import { cudaName } from './cuda-names.js'

/** What expressions refer to. */
export interface CudaContext {
  readonly kernel: string
  readonly params: ReadonlyMap<string, Param>
  readonly shared: ReadonlyMap<string, SharedArray>
  readonly intrinsic: Readonly<Record<Intrinsic, Spell>>
}

const noPacked = '128-bit vectors of small integers are for CPU targets'

/** C++ types of values; tiles are declared `auto`, because their type also holds the order they were loaded in. */
export const valueTypes = {
  f32: 'float', i32: 'int', u32: 'unsigned', bool: 'bool', f32x4: 'float4', i32x4: 'int4', u32x4: 'uint4',
  i8x16: { unsupported: noPacked }, i16x8: { unsupported: noPacked }, matrixA: 'auto', matrixB: 'auto', matrixC: 'auto',
} as const satisfies Record<ValueType, string | { readonly unsupported: string }>

/** C++ types of elements in memory. */
export const elementTypes = {
  f32: 'float', f16: 'unsigned short', i32: 'int', u32: 'unsigned', f32x4: 'float4', f16x4: 'uint2', u32x4: 'uint4',
} as const satisfies Record<Element, string>

const builtins: Readonly<Record<Builtin, string>> = {
  tile: 'blockIdx.x', local: 'threadIdx.x', lane: '(threadIdx.x & 31u)', subgroup: '(threadIdx.x >> 5)', clusterRank: 'weft_cluster_rank()',
}

export function typeOf(type: ValueType, cx: CudaContext): string {
  const spelled = valueTypes[type]
  if (typeof spelled !== 'string') throw new WeftError({ where: `kernel ${cx.kernel}`, what: `cuda has no ${type}: ${spelled.unsupported}` })
  return spelled
}

/** An f32 as a literal that reads back as the same bits. */
function floatLiteral(value: number): string {
  const v = Math.fround(value)
  if (Number.isNaN(v)) return '__int_as_float(0x7fc00000)'
  if (!Number.isFinite(v)) return `__int_as_float(${v > 0 ? '0x7f800000' : '0xff800000'})`
  // The shortest decimal of the double lies within half its last place: far inside the f32's rounding interval.
  const text = Object.is(v, -0) ? '-0' : String(v)
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`
}

function constant(type: Scalar, value: number): string {
  switch (type) {
    case 'f32': return floatLiteral(value)
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
export function operand(e: Expr, outer: BinaryOp, left: boolean, cx: CudaContext): string {
  const text = expression(e, cx)
  const loose = e.kind === 'select' || (e.kind === 'binary' && !bare(e.op, outer, left))
  return loose || text.startsWith('-') ? `(${text})` : text
}

/** An expression as what a unary operator, a component or a cast applies to. */
function primary(e: Expr, cx: CudaContext): string {
  const text = expression(e, cx)
  return e.kind === 'binary' || e.kind === 'select' || e.kind === 'unary' || text.startsWith('-') ? `(${text})` : text
}

function convert(from: ValueType, to: ValueType, e: Expr, cx: CudaContext): string {
  const a = expression(e, cx)
  if (to === 'f32x4' || to === 'i32x4' || to === 'u32x4') return from === to ? a : `weft_to_${to}(${a})`
  if (from === 'f32' && to === 'i32') return `__float2int_rz(${a})`
  if (from === 'f32' && to === 'u32') return `__float2uint_rz(${a})`
  return `${typeOf(to, cx)}(${a})`
}

function bitcast(from: ValueType, to: ValueType, e: Expr, cx: CudaContext): string {
  const a = expression(e, cx)
  if (from === to) return a
  if (to === 'f32x4' || to === 'i32x4' || to === 'u32x4') {
    typeOf(from, cx)
    return `weft_as_${to}(${a})`
  }
  if (to === 'f32') return from === 'u32' ? `__uint_as_float(${a})` : `__int_as_float(${a})`
  if (from === 'f32') return to === 'u32' ? `__float_as_uint(${a})` : `__float_as_int(${a})`
  return `${typeOf(to, cx)}(${a})`
}

/** The value of an element as memory has it. */
function widen(element: Element, text: string): string {
  switch (element) {
    case 'f16': return `weft_f16(${text})`
    case 'f16x4': return `weft_f16x4(${text})`
    case 'f32': case 'i32': case 'u32': case 'f32x4': case 'u32x4': return text
    default: return element satisfies never
  }
}

/** What memory of an element keeps of a value. Halves that only move from one place to another stay as they are. */
export function stored(element: Element, e: Expr, cx: CudaContext): string {
  if ((element === 'f16' || element === 'f16x4') && sourceElement(e, cx) === element) return rawRead(e, cx)
  const text = expression(e, cx)
  switch (element) {
    case 'f16': return `weft_to_f16(${text})`
    case 'f16x4': return `weft_to_f16x4(${text})`
    case 'f32': case 'i32': case 'u32': case 'f32x4': case 'u32x4': return text
    default: return element satisfies never
  }
}

/** What memory an expression that only reads reads. */
function sourceElement(e: Expr, cx: CudaContext): Element | null {
  if (e.kind === 'load') return cx.params.get(e.param)!.element
  return e.kind === 'shared' ? cx.shared.get(e.array)!.element : null
}

/** An element as memory has it. */
function rawRead(e: Expr, cx: CudaContext): string {
  if (e.kind === 'shared') return `${cudaName(e.array)}[${expression(e.index, cx)}]`
  if (e.kind !== 'load') throw new WeftError({ where: `kernel ${cx.kernel}`, what: `${e.kind} reads no memory` })
  const { name, role, cache } = cx.params.get(e.param)!
  const place = `${cudaName(name)}[${expression(e.index, cx)}]`
  if (role !== 'weight') return place
  return cache === 'stream' ? `weft_stream(&${place})` : `__ldg(&${place})`
}

function loadBits(param: Param, index: string, bits: 8 | 16): string {
  const at = `((const unsigned ${bits === 8 ? 'char' : 'short'}*)${cudaName(param.name)})[${index}]`
  // Neighbouring threads share the words these come from, so that even streamed weights keep them in the small cache.
  return `unsigned(${param.role === 'weight' ? `__ldg(&${at})` : at})`
}

function call(e: Expr & { readonly kind: 'call' }, cx: CudaContext): string {
  const spell = cx.intrinsic[e.intrinsic]
  if (typeof spell !== 'function') throw new WeftError({ where: `kernel ${cx.kernel}`, what: `cuda has no ${e.intrinsic}: ${spell.unsupported}` })
  return spell(e.args.map(a => expression(a, cx)), e.type)
}

/** Text of an expression of a verified kernel. Throws a WeftError that names the kernel and what CUDA has no form for. */
export function expression(e: Expr, cx: CudaContext): string {
  switch (e.kind) {
    case 'const': return constant(e.type, e.value)
    case 'table': return typeOf(e.type, cx)
    case 'ref': return cudaName(e.name)
    case 'builtin': return builtins[e.name]
    case 'unary': return `${e.op}${primary(e.a, cx)}`
    case 'binary': return `${operand(e.a, e.op, true, cx)} ${e.op} ${operand(e.b, e.op, false, cx)}`
    case 'select': return `${primary(e.condition, cx)} ? ${primary(e.yes, cx)} : ${primary(e.no, cx)}`
    case 'convert': return convert(e.a.type, e.type, e.a, cx)
    case 'bitcast': return bitcast(e.a.type, e.type, e.a, cx)
    case 'splat':
      typeOf(e.type, cx)
      return `weft_splat(${expression(e.a, cx)})`
    case 'vector': return `make_${typeOf(e.type, cx)}(${e.parts.map(p => expression(p, cx)).join(', ')})`
    case 'component': return `${primary(e.a, cx)}.${'xyzw'[e.index]!}`
    case 'load': return widen(cx.params.get(e.param)!.element, rawRead(e, cx))
    case 'loadBits': return loadBits(cx.params.get(e.param)!, expression(e.index, cx), e.bits)
    case 'shared': return widen(cx.shared.get(e.array)!.element, rawRead(e, cx))
    case 'call': return call(e, cx)
    case 'matrixLoad': {
      const operandName = e.type === 'matrixA' ? 'a' : 'b'
      return `weft_load_${operandName}_${e.columnMajor ? 'col' : 'row'}(&${cudaName(e.array)}[${expression(e.index, cx)}], ${e.stride}u)`
    }
    default: return e satisfies never
  }
}

