/**
 * A model of a chip: how long a kernel takes, from its own statements. Its body is walked once for one thread, with loops
 * multiplied out where their bounds are known, and gives operations, loads and matrix products; tiles are spread over
 * the chip's units; memory reaches its speed only with enough bytes on their way. It is coarse on purpose: what it is
 * for is to choose among candidates before any was timed, and `weft tune --explain` says how far off it was.
 */
import type { Caps } from './caps.js'
import { liveVectors, withoutConstants } from './estimate-cpu.js'
import { amountOf, sharedBytes, tileCount, type Dims, type Expr, type Kernel, type Stmt } from './kernel.js'
import type { Roof } from './roof.js'

export interface Estimate {
  readonly microseconds: number
  /** Parts that overlap: what memory, what arithmetic would take alone. */
  readonly memory: number
  readonly issue: number
  /** Part of the chip that has work. */
  readonly busy: number
}

/** What one thread of one tile does. */
interface Work {
  /** Operations on one lane; a vector counts four on a GPU, and like any instruction on a CPU. */
  operations: number
  /** Bytes of global loads, and the most that one turn of an innermost loop asks for. */
  loaded: number
  inFlight: number
  matrix: number
  barriers: number
  /** Whether the lengths of all loops are known. */
  known: boolean
}

/** Microseconds between a launch and the next that needs it. */
const launchMicroseconds = { cuda: 2, wgsl: 5, wasm: 4 } as const satisfies Partial<Record<Caps['target'], number>>
/** Microseconds of a load from memory on a GPU. */
const latency = 0.7
/** Threads of a unit that a GPU can hold at once. */
const threadsPerUnit = 2048
const matrixOperations = 16 ** 3
/** Vectors that fit a processor's registers: sixteen, one of which compilers keep for themselves. */
const vectorRegisters = 15
/** Instructions that a vector too many in a loop costs at each turn: stores, loads and moves; measured of V8's code. */
const spillInstructions = 5

/** Without a measurement: a middling chip of that many units. */
export function assumedRoof(caps: Caps): Roof {
  if (caps.simd) return { gbps: Math.min(200, 15 * caps.units), gflops: 50 * caps.units, matrixGflops: null }
  const gflops = caps.units * 256 * 1.5
  return { gbps: Math.max(30, 20 * caps.units), gflops, matrixGflops: caps.matrix ? 8 * gflops : null }
}

/** Null for a kernel whose work depends on more than sizes: on how many positions a row attends to. */
export function estimate(kernel: Kernel, caps: Caps, roof: Roof, dims: Dims): Estimate | null {
  const work: Work = { operations: 0, loaded: 0, inFlight: 0, matrix: 0, barriers: 0, known: true }
  new Walk(kernel, caps, dims, work).block(kernel.body, 1, new Map())
  if (!work.known) return null
  const tiles = Math.max(1, tileCount(kernel.tiles, dims))
  const lanes = tiles * kernel.threads
  // Tiles come to units in waves; the last may leave most of them idle.
  const perUnit = caps.simd ? 1 : Math.max(1, Math.min(Math.floor(threadsPerUnit / kernel.threads), Math.floor(caps.sharedBytes / Math.max(1, sharedBytes(kernel))), 16))
  const busy = tiles / (Math.ceil(tiles / caps.units) * caps.units)
  const peak = (roof.gflops / 2) * 1e3
  // A processor's core starts about twice as many instructions at once as it can multiply and add, which is what its roof says.
  const instructions = caps.simd ? Math.max((lanes * work.operations) / peak / 2, amountOf(kernel.cost.flops, dims) / (roof.gflops * 1e3)) : (lanes * work.operations) / peak
  const products = (lanes * work.matrix * matrixOperations * 2) / (((roof.matrixGflops ?? roof.gflops) * 1e3) * 32)
  const issue = (instructions + products + (lanes * work.barriers * 20) / peak) / busy
  const bytes = amountOf(kernel.cost.bytes, dims)
  // Little's law: bytes on their way, over the time each takes.
  const flying = caps.simd ? Infinity : (Math.min(tiles, perUnit * caps.units) * kernel.threads * Math.max(16, work.inFlight)) / latency / 1e3
  const memory = Math.max(bytes, (lanes * work.loaded) / 8) / 1e3 / Math.min(roof.gbps, flying)
  const launch = (launchMicroseconds as Readonly<Record<string, number>>)[caps.target] ?? 5
  return { microseconds: launch + Math.max(memory, issue) + 0.15 * Math.min(memory, issue), memory, issue, busy }
}

/**
 * Values that are known where tile and thread are the first, by name; names are unique in a kernel. What a block assigns is not
 * known from there on.
 */
type Known = Map<string, number>

class Walk {
  private readonly cpu: boolean
  /** Addresses that are computed already in the block that is walked. */
  private addresses = new Set<string>()

  constructor(private readonly kernel: Kernel, caps: Caps, private readonly dims: Dims, private readonly work: Work) {
    this.cpu = caps.simd
  }

  /** @param times how often the block runs; returns the bytes that one run of it loads outside of loops */
  block(body: readonly Stmt[], times: number, known: Known): number {
    const around = this.addresses
    this.addresses = new Set()
    const bytes = this.statements(body, times, known)
    this.addresses = around
    return bytes
  }

  private statements(body: readonly Stmt[], times: number, known: Known): number {
    let bytes = 0
    const use = (e: Expr): void => void (bytes += this.expression(e, times))
    for (const s of body) {
      switch (s.kind) {
        case 'let':
        case 'var': {
          use(s.value)
          const value = this.evaluate(s.value, known)
          if (value === null) known.delete(s.name)
          else known.set(s.name, value)
          break
        }
        case 'assign':
          use(s.value)
          known.delete(s.name)
          break
        case 'store':
        case 'sharedStore':
          bytes += this.address(s.index, times)
          use(s.value)
          this.count(times, s.value)
          break
        case 'for': {
          const [from, to, step] = [this.evaluate(s.from, known) ?? 0, this.evaluate(s.to, known), this.evaluate(s.step, known) ?? 1]
          if (to === null) this.work.known = false
          const turns = to === null ? 1 : Math.max(0, Math.ceil((to - from) / Math.max(1, step)))
          known.set(s.name, from)
          const each = this.block(s.body, times * turns, known)
          this.work.operations += (times * turns * (this.cpu ? 8 : 2)) / Math.max(1, s.unroll)
          if (this.cpu && !s.body.some(t => t.kind === 'for')) this.work.operations += times * turns * 4 * spillInstructions * Math.max(0, liveVectors(s.body) - vectorRegisters)
          this.work.inFlight = Math.max(this.work.inFlight, each * Math.min(s.unroll, Math.max(1, turns)))
          break
        }
        case 'if': {
          use(s.condition)
          const taken = this.evaluate(s.condition, known)
          bytes += this.block(taken === 0 ? s.otherwise : s.then, times, known)
          break
        }
        case 'barrier': this.work.barriers += times; break
        case 'copy':
          use(s.index)
          use(s.from)
          bytes += 16
          this.work.loaded += 16 * times
          break
        case 'matrixMultiply': this.work.matrix += times; break
        case 'matrixStore':
          use(s.index)
          this.work.operations += 16 * times
          break
        case 'copyCommit':
        case 'copyWait':
        case 'tensorCopy':
        case 'tensorCommit':
        case 'tensorWait':
        case 'comment': break
        default:
          // Statements that come later cost nothing until they are told here.
          break
      }
    }
    return bytes
  }

  /**
   * The address of an access. On a CPU a constant in it is the instruction's own offset, and accesses that differ in nothing else
   * share one computation, as `targets/wasm-address.ts` writes them; then it is scaled to bytes.
   */
  private address(e: Expr, times: number): number {
    if (!this.cpu) return this.expression(e, times)
    const base = withoutConstants(e)
    if (base === null) return 0
    const key = JSON.stringify(base)
    if (this.addresses.has(key)) return 0
    this.addresses.add(key)
    this.work.operations += 4 * times
    return this.expression(base, times)
  }

  private count(times: number, e: Expr): void {
    this.work.operations += times * (this.cpu || !e.type.endsWith('x4') ? (this.cpu ? 4 : 1) : 4)
  }

  /** Counts an expression's operations; returns the bytes it loads from memory. */
  private expression(e: Expr, times: number): number {
    switch (e.kind) {
      case 'const':
      case 'table':
      case 'ref':
      case 'builtin': return 0
      case 'unary':
      case 'convert':
      case 'splat':
        this.count(times, e)
        return this.expression(e.a, times)
      case 'bitcast':
      case 'component': return this.expression(e.a, times)
      case 'binary': {
        const here = this.expression(e.a, times) + this.expression(e.b, times)
        this.count(times, e)
        return here
      }
      case 'select':
        this.count(times, e)
        return this.expression(e.condition, times) + this.expression(e.yes, times) + this.expression(e.no, times)
      case 'vector': return e.parts.reduce((n, p) => n + this.expression(p, times), 0)
      case 'load': {
        const bytes = loadBytes(this.kernel, e.param)
        this.work.loaded += bytes * times
        this.count(times, e)
        return bytes + this.address(e.index, times)
      }
      case 'loadBits':
        this.work.loaded += (e.bits / 8) * times
        this.count(times, e)
        return e.bits / 8 + this.address(e.index, times)
      case 'shared':
        this.count(times, e)
        return this.address(e.index, times)
      case 'call':
        // Decoding a word to four values, sums over a vector: a handful of instructions.
        this.work.operations += times * (callCosts[e.intrinsic] ?? (e.type.endsWith('x4') && !this.cpu ? 4 : 1)) * (this.cpu ? 4 : 1)
        return e.args.reduce((n, a) => n + this.expression(a, times), 0)
      case 'matrixLoad':
        this.work.operations += 8 * times
        return this.expression(e.index, times)
      default: return 0
    }
  }

  /** The value of an expression in the first tile's first thread, or null. */
  private evaluate(e: Expr, known: Known): number | null {
    switch (e.kind) {
      case 'const': return e.value
      case 'builtin': return 0
      case 'ref': return known.get(e.name) ?? null
      case 'convert': return this.evaluate(e.a, known)
      case 'load':
        // Of the state only the live sizes are known, which stand in its first words.
        if (this.kernel.params.find(p => p.name === e.param)?.role !== 'state' || e.index.kind !== 'const') return null
        return [this.dims['tokens'], this.dims['outputs']][e.index.value] ?? null
      case 'select': {
        const condition = this.evaluate(e.condition, known)
        return condition === null ? null : this.evaluate(condition ? e.yes : e.no, known)
      }
      case 'call': {
        const args = e.args.map(a => this.evaluate(a, known))
        if (args.some(a => a === null)) return null
        return e.intrinsic === 'min' ? Math.min(...(args as number[])) : e.intrinsic === 'max' ? Math.max(...(args as number[])) : null
      }
      case 'binary': {
        const [a, b] = [this.evaluate(e.a, known), this.evaluate(e.b, known)]
        return a === null || b === null || e.type !== 'u32' && e.type !== 'bool' ? null : binary(e.op, a, b)
      }
      default: return null
    }
  }
}

const callCosts: Readonly<Record<string, number>> = { dot4: 4, sum4: 3, e2m1x4: 10, u4x4: 8, i8x4: 8, f16x4: 4, bf16x4: 4, e4m3: 4, exp: 8, log: 8, sqrt: 4, rsqrt: 4, subgroupAdd: 10, subgroupMax: 10, subgroupShuffleXor: 2 }

function binary(op: string, a: number, b: number): number | null {
  switch (op) {
    case '+': return a + b
    case '-': return a - b
    case '*': return a * b
    case '/': return b === 0 ? null : Math.floor(a / b)
    case '%': return b === 0 ? null : a % b
    case '<': return Number(a < b)
    case '<=': return Number(a <= b)
    case '>': return Number(a > b)
    case '>=': return Number(a >= b)
    case '==': return Number(a === b)
    case '!=': return Number(a !== b)
    case '&&': return Number(a !== 0 && b !== 0)
    case '||': return Number(a !== 0 || b !== 0)
    case '<<': return a * 2 ** b
    case '>>': return Math.floor(a / 2 ** b)
    default: return null
  }
}

function loadBytes(kernel: Kernel, param: string): number {
  const element = kernel.params.find(p => p.name === param)?.element ?? 'u32'
  return element.endsWith('x4') ? (element === 'f16x4' ? 8 : 16) : element === 'f16' ? 2 : 4
}
