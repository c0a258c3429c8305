/**
 * Expressions as JavaScript text. A value is a list of component texts (one for a scalar, four for `f32x4`, sixteen for
 * `i8x16`), so that vectors cost no objects; whatever has an effect of its own (a load with its checks, a subgroup
 * operation, at which a thread waits) becomes statements before the one being written. f32 results are rounded by
 * `Math.fround`, integers wrap.
 */
import type { Memory } from './interpret-memory.js'
import { loadedType } from './kernel.js'
import type { BinaryOp, Expr, ValueType } from './kernel.js'

export type Code = readonly string[]

/** A place where the threads of a subgroup or group wait for each other. */
export type Site = { readonly statement: number } & (
  | { readonly kind: 'barrier' }
  | { readonly kind: 'add' | 'max' }
  | { readonly kind: 'shuffle'; readonly width: number; readonly mask: number }
  | { readonly kind: 'matrixLoad'; readonly memory: Memory; readonly stride: number; readonly columnMajor: boolean }
  | { readonly kind: 'matrixMultiply' }
  | { readonly kind: 'matrixStore'; readonly memory: Memory; readonly stride: number }
)

/** What an expression is written with. */
export interface Writer {
  /** Number of the statement being written. */
  readonly statement: number
  readonly memory: ReadonlyMap<string, Memory>
  line(text: string): void
  /** A variable that is free until the statement ends. */
  fresh(): string
  /** Components of a name. */
  name(name: string): Code
  /** Notes a site; returns its number. */
  site(site: Site): number
}

type Arithmetic = 'f32' | 'i32' | 'u32' | 'bool' | 'i8' | 'i16' | 'matrix'

export function componentCount(type: ValueType): number {
  if (type === 'i8x16') return 16
  if (type === 'i16x8') return 8
  return type.endsWith('x4') ? 4 : 1
}

function arithmeticOf(type: ValueType): Arithmetic {
  if (type.startsWith('matrix')) return 'matrix'
  return type.split('x')[0] as Arithmetic
}

/** A name or number for a text, so that it can be used more than once. */
function atom(text: string, w: Writer): string {
  if (/^[\w$]+$/.test(text)) return text
  const t = w.fresh()
  w.line(`${t} = ${text}`)
  return t
}

function literal(type: ValueType, value: number): string {
  if (type === 'bool') return value ? 'true' : 'false'
  const v = type === 'f32' ? Math.fround(value) : value
  return v < 0 || Object.is(v, -0) ? `(${Object.is(v, -0) ? '-0' : v})` : String(v)
}

/** Wraps the 32-bit result of an integer operation. */
function wrap(kind: Arithmetic, text: string): string {
  switch (kind) {
    case 'i32': return `(${text} | 0)`
    case 'u32': return `(${text} >>> 0)`
    case 'i8': return `(${text} << 24 >> 24)`
    case 'i16': return `(${text} << 16 >> 16)`
    default: return `(${text})`
  }
}

function arithmetic(op: BinaryOp, kind: Arithmetic, a: string, b: string, w: Writer): string {
  const at = `local, ${w.statement}`
  switch (op) {
    case '+':
    case '-':
      return kind === 'f32' ? `fround(${a} ${op} ${b})` : wrap(kind, `(${a} ${op} ${b})`)
    case '*': return kind === 'f32' ? `fround(${a} * ${b})` : wrap(kind, `imul(${a}, ${b})`)
    case '/':
    case '%': {
      if (kind === 'f32') return `fround(${a} ${op} ${b})`
      return wrap(kind, `(${a} ${op} ${/^[1-9]\d*$/.test(b) ? b : `divisor(${b}, ${at})`})`)
    }
    case '&':
    case '|':
    case '^':
      return wrap(kind, `(${a} ${op} ${b})`)
    case '<<':
    case '>>': {
      const width = { i8: 8, i16: 16, i32: 32, u32: 32, f32: 32, bool: 32, matrix: 32 }[kind]
      const count = /^\d+$/.test(b) && Number(b) < width ? b : `shift(${b}, ${width}, ${at})`
      return wrap(kind, `(${a} ${op === '>>' && kind === 'u32' ? '>>>' : op} ${count})`)
    }
    case '==':
    case '!=':
      return `(${a} ${op}= ${b})`
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '&&':
    case '||':
      return `(${a} ${op} ${b})`
    default: return op satisfies never
  }
}

function convert(from: Arithmetic, to: Arithmetic, a: string, w: Writer): string {
  if (from === to) return a
  if (to === 'f32') return `fround(${a})`
  if (from === 'f32') return `${to === 'u32' ? 'truncateU32' : 'truncateI32'}(${a}, local, ${w.statement})`
  return wrap(to, a)
}

/** 32-bit words of a value, and a value of words: how bits are cast. */
function toWords(type: ValueType, code: Code, w: Writer): Code {
  const kind = arithmeticOf(type)
  if (kind === 'f32') return code.map(c => `bitsOf(${c})`)
  if (kind === 'i8') {
    const byte = (i: number): string => `(${code[i]!} & 255)`
    return [0, 4, 8, 12].map(i => atom(`(${byte(i)} | ${byte(i + 1)} << 8 | ${byte(i + 2)} << 16 | ${byte(i + 3)} << 24) >>> 0`, w))
  }
  if (kind === 'i16') return [0, 2, 4, 6].map(i => atom(`(${code[i]!} & 65535 | ${code[i + 1]!} << 16) >>> 0`, w))
  return code.map(c => wrap('u32', c))
}

function ofWords(type: ValueType, words: Code, w: Writer): Code {
  const kind = arithmeticOf(type)
  if (kind === 'f32') return words.map(c => `floatOf(${c})`)
  if (kind === 'i8' || kind === 'i16') {
    const bits = kind === 'i8' ? 8 : 16
    const atoms = words.map(c => atom(c, w))
    return Array.from({ length: 128 / bits }, (_, i) => {
      const left = 32 - bits - ((i * bits) % 32)
      return `(${atoms[Math.floor((i * bits) / 32)]!} << ${left} >> ${32 - bits})`
    })
  }
  return words.map(c => wrap(kind, c))
}

/** The text that reads component `c` of element `index`. */
const readWord = (m: Memory, id: string, index: string, c: number, width: number): string => {
  const at = width === 1 ? index : `${index} * ${width} + ${c}`
  return m.element.startsWith('f16') ? `f16Values[${id}[${at}]]` : `${id}[${at}]`
}

function load(name: string, index: Expr, w: Writer): Code {
  const memory = w.memory.get(name)!
  const width = componentCount(loadedType[memory.element])
  const i = atom(expression(index, w)[0]!, w)
  const parts = Array.from({ length: width }, () => w.fresh())
  w.line(parts.map(p => `${p} = 0`).join('; '))
  const track = memory.tracked ? `memory$${name}.read(${i}, local, ${w.statement}); ` : ''
  const reads = parts.map((p, c) => `${p} = ${readWord(memory, `words$${name}`, i, c, width)}`).join(', ')
  w.line(`if (${i} < ${memory.length}) { ${track}${reads} } else outside('reads', memory$${name}, ${i}, local, ${w.statement})`)
  return parts
}

function loadBits(e: Expr & { kind: 'loadBits' }, w: Writer): Code {
  const memory = w.memory.get(e.param)!
  const i = atom(expression(e.index, w)[0]!, w)
  const t = w.fresh()
  const perWord = 32 / e.bits
  const track = memory.tracked ? `memory$${e.param}.readBits(${i}, ${e.bits}, local, ${w.statement}); ` : ''
  const read = `words$${e.param}[Math.floor(${i} / ${perWord})] >>> (${i} % ${perWord}) * ${e.bits} & ${2 ** e.bits - 1}`
  w.line(`${t} = 0`)
  w.line(`if (${i} < ${memory.length * perWord}) { ${track}${t} = ${read} } else outside('reads', memory$${e.param}, Math.floor(${i} / ${perWord}), local, ${w.statement})`)
  return [t]
}

/** A value each lane leaves in its slots and takes up again once the whole subgroup has come. */
function exchange(parts: Code, site: Site, w: Writer): Code {
  parts.forEach((p, c) => w.line(`slots[local * 4 + ${c}] = ${p}`))
  w.line(`yield ${w.site(site)}`)
  return parts.map((_, c) => {
    const t = w.fresh()
    w.line(`${t} = slots[local * 4 + ${c}]`)
    return t
  })
}

function call(e: Expr & { kind: 'call' }, w: Writer): Code {
  const { statement } = w
  const args = e.args.map(a => expression(a, w))
  const [a, b, c] = args
  const kind = e.args[0] === undefined ? 'f32' : arithmeticOf(e.args[0].type)
  const bytes = (word: string): Code => [0, 8, 16, 24].map(at => `(${word} << ${24 - at} >> 24)`)
  const halves = (lo: string, hi: string, of: (bits: string) => string): Code => {
    const words = [atom(lo, w), atom(hi, w)]
    return words.flatMap(word => [of(`(${word} & 65535)`), of(`(${word} >>> 16)`)])
  }
  const bf16 = (bits: string): string => `floatOf(${bits} << 16 >>> 0)`
  const sum = (terms: Code): string => terms.reduce((s, t) => `fround(${s} + ${t})`)
  switch (e.intrinsic) {
    case 'exp':
    case 'log':
    case 'sqrt':
      return [`fround(Math.${e.intrinsic}(${a![0]}))`]
    case 'rsqrt': return [`fround(1 / Math.sqrt(${a![0]}))`]
    case 'floor': return [`Math.floor(${a![0]})`]
    case 'abs': return a!.map(x => (kind === 'i32' ? wrap(kind, `Math.abs(${x})`) : `Math.abs(${x})`))
    case 'min':
    case 'max':
      return a!.map((x, i) => `Math.${e.intrinsic}(${x}, ${b![i]})`)
    // The product of two f32 is exact in a double, so this rounds once, but for the double's own rounding of the sum.
    case 'fma': return a!.map((x, i) => `fround(${x} * ${b![i]} + ${c![i]})`)
    case 'dot4': return [sum(a!.map((x, i) => `fround(${x} * ${b![i]})`))]
    case 'sum4': return [sum(a!)]
    case 'e2m1x4': {
      const word = atom(a![0]!, w)
      return [0, 4, 8, 12].map(at => `e2m1Values[${word} >>> ${at} & 15]`)
    }
    case 'u4x4': {
      const word = atom(a![0]!, w)
      return [0, 4, 8, 12].map(at => `(${word} >>> ${at} & 15)`)
    }
    case 'lookup16': {
      const table = [0, 1, 2, 3].map(i => atom(args[i]![0]!, w))
      const index = atom(args[4]![0]!, w)
      const byte = (at: number): string => `(((${index} >>> ${at} & 8) ? (${index} >>> ${at} & 4) ? ${table[3]} : ${table[2]} : (${index} >>> ${at} & 4) ? ${table[1]} : ${table[0]}) >>> 8 * (${index} >>> ${at} & 3) & 255)`
      return [`((${byte(0)} | ${byte(4)} << 8 | ${byte(8)} << 16 | ${byte(12)} << 24) >>> 0)`]
    }
    case 'i8x4': return bytes(atom(a![0]!, w))
    case 'f16x4': return halves(a![0]!, b![0]!, bits => `f16Values[${bits}]`)
    case 'bf16x4': return halves(a![0]!, b![0]!, bf16)
    case 'f16': return [`f16Values[${a![0]} & 65535]`]
    case 'bf16': return [bf16(`(${a![0]} & 65535)`)]
    case 'e4m3': return [`e4m3Values[${a![0]} & 255]`]
    case 'subgroupAdd': return exchange(a!, { kind: 'add', statement }, w)
    case 'subgroupMax': return exchange(a!, { kind: 'max', statement }, w)
    case 'subgroupShuffleXor': {
      const mask = e.args[1]!
      return exchange(a!, { kind: 'shuffle', width: a!.length, mask: mask.kind === 'const' ? mask.value : 0, statement }, w)
    }
    case 'swizzle': {
      const table = atom(`[${a!.join(', ')}]`, w)
      return b!.map(i => `lookUp(${table}, ${i}, local, ${statement})`)
    }
    case 'interleaveLow8': return a!.slice(0, 8).flatMap((x, i) => [x, b![i]!])
    case 'interleaveHigh8': return a!.slice(8).flatMap((x, i) => [x, b![8 + i]!])
    case 'extendLow8': return a!.slice(0, 8)
    case 'extendHigh8': return a!.slice(8)
    case 'extendLow16': return a!.slice(0, 4)
    case 'extendHigh16': return a!.slice(4)
    case 'narrow16': return [...a!, ...b!].map(x => `Math.max(-32768, Math.min(32767, ${x}))`)
    case 'dot16': return [0, 2, 4, 6].map(i => `(${a![i]} * ${b![i]} + ${a![i + 1]} * ${b![i + 1]} | 0)`)
    case 'matrixZero': return ['zeroTile']
    default: return e.intrinsic satisfies never
  }
}

/** Writes what must come before, and returns the components' texts. */
export function expression(e: Expr, w: Writer): Code {
  const kind = arithmeticOf(e.type)
  switch (e.kind) {
    case 'const': return [literal(e.type, e.value)]
    case 'table': return e.values.map(v => literal('i32', v))
    case 'ref': return w.name(e.name)
    case 'builtin': return [e.name]
    case 'unary': return expression(e.a, w).map(a => (e.op === '!' ? `(!${a})` : kind === 'f32' ? `(-${a})` : wrap(kind, `(${e.op}${a})`)))
    case 'binary': {
      const a = expression(e.a, w)
      if (e.op === '&&' || e.op === '||') {
        // The right side is evaluated only where the left leaves it open: its loads may rely on that.
        const t = w.fresh()
        w.line(`${t} = ${a[0]}`)
        w.line(`if (${e.op === '&&' ? '' : '!'}${t}) {`)
        w.line(`${t} = ${expression(e.b, w)[0]}`)
        w.line('}')
        return [t]
      }
      const b = expression(e.b, w)
      const count = b.length === 1 && a.length > 1 ? atom(b[0]!, w) : null
      return a.map((x, i) => arithmetic(e.op, arithmeticOf(e.a.type), x, count ?? b[i]!, w))
    }
    case 'select': {
      const condition = atom(expression(e.condition, w)[0]!, w)
      const [yes, no] = [expression(e.yes, w), expression(e.no, w)]
      return yes.map((y, i) => `(${condition} ? ${y} : ${no[i]})`)
    }
    case 'convert': return expression(e.a, w).map(a => convert(arithmeticOf(e.a.type), kind, a, w))
    case 'bitcast': return ofWords(e.type, toWords(e.a.type, expression(e.a, w), w), w)
    case 'splat': {
      const a = atom(wrap(kind === 'f32' || kind === 'i32' || kind === 'u32' ? 'bool' : kind, expression(e.a, w)[0]!), w)
      return Array.from({ length: componentCount(e.type) }, () => a)
    }
    case 'vector': return e.parts.map(p => expression(p, w)[0]!)
    case 'component': return [expression(e.a, w)[e.index]!]
    case 'load': return load(e.param, e.index, w)
    case 'loadBits': return loadBits(e, w)
    case 'shared': return load(e.array, e.index, w)
    case 'call': return call(e, w)
    case 'matrixLoad': {
      w.line(`indices[local] = ${expression(e.index, w)[0]}`)
      const memory = w.memory.get(e.array)!
      w.line(`yield ${w.site({ kind: 'matrixLoad', memory, stride: e.stride, columnMajor: e.columnMajor, statement: w.statement })}`)
      return [atom('tiles.c[local]', w)]
    }
    default: return e satisfies never
  }
}
