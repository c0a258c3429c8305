/**
 * The kernel form as text: for `weft emit --stage kernel`, dumps, golden files and the messages of `verify` and the
 * interpreter. One statement is one line, parentheses stand only where precedence needs them, and constants show their
 * type (`4` is u32, `4i` is i32, `4.0` is f32), so that equal text means an equal kernel. Statements are numbered depth
 * first from 1, in the order of `statements()`; the numbers are shown when asked for, because golden files would
 * otherwise differ in every line after an inserted one.
 */
import { elementBytes, sharedBytes } from './kernel.js'
import type { Amount, BinaryOp, Expr, Kernel, Stmt, TileFactor, ValueType } from './kernel.js'

/** C's precedence, but with bitwise operators above comparisons, as WGSL readers expect. */
const precedence: Readonly<Record<BinaryOp, number>> = {
  '||': 1, '&&': 2, '==': 3, '!=': 3, '<': 4, '<=': 4, '>': 4, '>=': 4,
  '|': 5, '^': 6, '&': 7, '<<': 8, '>>': 8, '+': 9, '-': 9, '*': 10, '/': 10, '%': 10,
}
const unaryPrecedence = 11
const associative: ReadonlySet<BinaryOp> = new Set(['&&', '||', '&', '|', '^'])
/** Operands of these stand in parentheses whatever the precedence: nobody knows it by heart. */
const bitwise: ReadonlySet<BinaryOp> = new Set(['&', '|', '^', '<<', '>>'])

/** The shortest decimal that reads back as the same f32, always with a point or an exponent. */
function printF32(value: number): string {
  const v = Math.fround(value)
  if (Number.isNaN(v)) return 'nan'
  if (!Number.isFinite(v)) return v < 0 ? '-inf' : 'inf'
  if (Object.is(v, -0)) return '-0.0'
  let text = String(v)
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(v.toPrecision(digits))
    if (Math.fround(short) === v) {
      text = String(short)
      break
    }
  }
  return /[.e]/.test(text) ? text : `${text}.0`
}

function printConst(type: ValueType, value: number): string {
  switch (type) {
    case 'f32': return printF32(value)
    case 'i32': return `${value}i`
    case 'bool': return value ? 'true' : 'false'
    default: return String(value)
  }
}

/** One expression; `above` is the precedence of what it stands in. */
function print(e: Expr, above: number): string {
  const top = (x: Expr): string => print(x, 0)
  switch (e.kind) {
    case 'const': return printConst(e.type, e.value)
    case 'table': return `i8x16[${e.values.join(', ')}]`
    case 'ref': return e.name
    case 'builtin': return `@${e.name}`
    case 'unary': return `${e.op}${print(e.a, unaryPrecedence)}`
    case 'binary': {
      const own = precedence[e.op]
      const operand = (x: Expr, least: number): string => {
        const alike = x.kind === 'binary' && x.op === e.op && associative.has(e.op)
        return print(x, alike ? own : bitwise.has(e.op) ? unaryPrecedence : least)
      }
      const text = `${operand(e.a, own)} ${e.op} ${operand(e.b, own + 1)}`
      return own < above ? `(${text})` : text
    }
    case 'select': return `select(${top(e.condition)}, ${top(e.yes)}, ${top(e.no)})`
    case 'convert': return `${e.type}(${top(e.a)})`
    case 'bitcast': return `bits<${e.type}>(${top(e.a)})`
    case 'splat': return `${e.type}(${top(e.a)})`
    case 'vector': return `${e.type}(${e.parts.map(top).join(', ')})`
    case 'component': return `${print(e.a, unaryPrecedence + 1)}.${'xyzw'[e.index]}`
    case 'load': return `${e.param}[${top(e.index)}]`
    case 'loadBits': return `${e.param}.u${e.bits}[${top(e.index)}]`
    case 'shared': return `${e.array}[${top(e.index)}]`
    case 'call': return `${e.intrinsic}(${e.args.map(top).join(', ')})`
    case 'matrixLoad': return `${e.type}(${e.array}[${top(e.index)}], stride ${e.stride}, ${e.columnMajor ? 'columns' : 'rows'})`
    default: return e satisfies never
  }
}

/** An expression on one line. */
export function printExpr(e: Expr): string {
  return print(e, 0)
}

/** A statement's own line, without what stands inside it. */
export function printStatement(s: Stmt): string {
  switch (s.kind) {
    case 'let': return `let ${s.name}: ${s.value.type} = ${printExpr(s.value)}`
    case 'var': return `var ${s.name}: ${s.type} = ${printExpr(s.value)}`
    case 'assign': return `${s.name} = ${printExpr(s.value)}`
    case 'store': return `${s.param}[${printExpr(s.index)}] = ${printExpr(s.value)}`
    case 'sharedStore': return `${s.array}[${printExpr(s.index)}] = ${printExpr(s.value)}`
    case 'for': {
      const unroll = s.unroll > 1 ? ` unroll ${s.unroll}` : ''
      return `for ${s.name} from ${printExpr(s.from)} to ${printExpr(s.to)} step ${printExpr(s.step)}${unroll}`
    }
    case 'if': return `if ${printExpr(s.condition)}`
    case 'barrier': return 'barrier'
    case 'copy': return `copy ${s.array}[${printExpr(s.index)}] = ${s.param}[${printExpr(s.from)}]`
    case 'copyCommit': return 'copy commit'
    case 'copyWait': return `copy wait, ${s.pending} pending`
    case 'tensorCopy': return `tensor copy ${s.array}[${printExpr(s.index)}] = ${s.param}(${printExpr(s.row)}, ${printExpr(s.col)}), arrival ${printExpr(s.arrival)}`
    case 'tensorCommit': return `tensor commit, arrival ${printExpr(s.arrival)}`
    case 'tensorWait': return `tensor wait, arrival ${printExpr(s.arrival)} of parity ${printExpr(s.parity)}`
    case 'matrixMultiply': return `${s.name} = ${printExpr(s.a)} · ${printExpr(s.b)} + ${s.name}`
    case 'matrixStore': return `matrix ${s.array}[${printExpr(s.index)}], stride ${s.stride} = ${printExpr(s.value)}`
    case 'comment': return `// ${s.text}`
    default: return s satisfies never
  }
}

/** How messages name a statement: its number and its line, cut to what reads well. */
export function nameStatement(number: number, s: Stmt): string {
  const line = printStatement(s)
  return `statement ${number} \`${line.length > 100 ? `${line.slice(0, 97)}…` : line}\``
}

/** `1024 + 20·tokens` */
export function printAmount(amount: Amount): string {
  const parts = Object.entries(amount.per).filter(([, per]) => per !== 0).map(([dim, per]) => `${per}·${dim}`)
  if (amount.base !== 0 || parts.length === 0) parts.unshift(String(amount.base))
  return parts.join(' + ')
}

/** `3·⌈tokens / 4⌉ × 20` */
export function printTiles(tiles: readonly TileFactor[]): string {
  const factor = (f: TileFactor): string => {
    if (f.dim === null) return String(f.times)
    const count = f.per === 1 ? f.dim : `⌈${f.dim} / ${f.per}⌉`
    return f.times === 1 ? count : `${f.times}·${count}`
  }
  return tiles.length === 0 ? '1' : tiles.map(factor).join(' × ')
}

/** What most kernels have none of. */
const extras = (kernel: Kernel): string =>
  `${(kernel.cluster ?? 1) > 1 ? `, cluster ${kernel.cluster}` : ''}${kernel.arrivals ? `, arrivals ${kernel.arrivals}` : ''}`

/** A kernel as text, the same for equal kernels. `numbers` puts each statement's number before it. */
export function printKernel(kernel: Kernel, options: { readonly numbers?: boolean } = {}): string {
  const knobs = Object.entries(kernel.knobs).map(([name, value]) => `${name} ${value}`).join(', ')
  const lines = [
    `kernel ${kernel.name}: ${kernel.schedule}${knobs === '' ? '' : ` { ${knobs} }`}`,
    `  threads ${kernel.threads}, subgroup ${kernel.subgroupSize ?? 'any'}, shared ${sharedBytes(kernel)} bytes${extras(kernel)}`,
    `  tiles ${printTiles(kernel.tiles)}`,
    `  cost ${printAmount(kernel.cost.bytes)} bytes, ${printAmount(kernel.cost.flops)} flops`,
    ...kernel.params.map(p => `  param ${p.name}: ${p.element}, ${p.role}, ${p.access}${p.cache === 'stream' ? ', stream' : ''}${p.tensor ? `, boxes of [${p.tensor.boxRows}, ${p.tensor.boxCols}] of [${p.tensor.rows}, ${p.tensor.cols}]` : ''}`),
    ...kernel.shared.map(s => `  shared ${s.name}: ${s.element}[${s.length}], ${s.length * elementBytes[s.element]} bytes${s.at === undefined ? '' : ` at ${s.at}`}`),
    '',
  ]
  let number = 0
  const walk = (body: readonly Stmt[], depth: number): void => {
    const line = (text: string, label: string): void => {
      lines.push(`${options.numbers ? label.padStart(4) : ''}${'  '.repeat(depth + 1)}${text}`.trimEnd())
    }
    for (const s of body) {
      const opens = s.kind === 'for' || s.kind === 'if'
      line(printStatement(s) + (opens ? ' {' : ''), String(++number))
      if (s.kind === 'for') walk(s.body, depth + 1)
      if (s.kind === 'if') {
        walk(s.then, depth + 1)
        if (s.otherwise.length > 0) {
          line('} else {', '')
          walk(s.otherwise, depth + 1)
        }
      }
      if (opens) line('}', '')
    }
  }
  walk(kernel.body, 0)
  return `${lines.join('\n')}\n`
}
