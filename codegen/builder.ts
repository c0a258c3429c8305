/**
 * Builds a kernel from ordinary TypeScript: loops and conditions take functions, values are named by hints, and what
 * must hold of every kernel (tiles beyond the live count do nothing, state is read through one parameter) is done
 * here, once.
 */
import type { StateArray, StateLayout } from './state.js'
import type { Access, Amount, Builtin, CachePolicy, Cost, Element, Expr, Kernel, Param, Role, Scalar, SharedArray, Stmt, TensorMap, TileFactor, ValueType } from './kernel.js'
import { loadedType, tileCount } from './kernel.js'
import { WeftError } from '../graph/error.js'
import { call, constant, operand, u32, Value, type Operand } from './value.js'
import type { Arrivals, Buffer, Shared, TensorParam, Variable } from './handles.js'
import type { Intrinsic } from './intrinsics.js'

export type { Arrivals, Buffer, Shared, TensorParam, Variable } from './handles.js'

/** A size known when a kernel is made, or a live dim within a range. */
export type Extent = number | { readonly dim: 'tokens' | 'outputs'; readonly min: number; readonly max: number }

export const extentMax = (e: Extent): number => (typeof e === 'number' ? e : e.max)
export const isFixed = (e: Extent): boolean => typeof e === 'number' || e.min === e.max

/** `times` × ceil(extent / per) tiles. */
export function tilesOf(extent: Extent, per = 1): TileFactor {
  if (typeof extent === 'number') return { dim: null, per: 1, times: Math.ceil(extent / per) }
  if (extent.min === extent.max) return { dim: null, per: 1, times: Math.ceil(extent.max / per) }
  return { dim: extent.dim, per, times: 1 }
}

/** `each` for every unit of the extent, plus `base`. */
export function amount(extent: Extent, each: number, base = 0): Amount {
  if (typeof extent === 'number') return { base: base + extent * each, per: {} }
  if (extent.min === extent.max) return { base: base + extent.max * each, per: {} }
  return { base, per: { [extent.dim]: each } }
}

/** The number of tiles that live dims come to, as a value of the kernel. */
export function liveTiles(tiles: readonly TileFactor[], size: (dim: 'tokens' | 'outputs') => Value): Value {
  return tiles.reduce((n, f) => {
    if (f.dim === null) return n.mul(f.times)
    return n.mul(size(f.dim as 'tokens' | 'outputs').add(f.per - 1).div(f.per).mul(f.times))
  }, u32(1))
}

export interface KernelSpec {
  readonly schedule: string
  readonly knobs?: Readonly<Record<string, number>>
  readonly threads: number
  readonly subgroupSize?: number | null
  /** Neighbouring tiles that run at the same time. */
  readonly cluster?: number
  readonly tiles: readonly TileFactor[]
  readonly cost: Cost
  readonly state: StateLayout
}

export class KernelBuilder {
  readonly tile = builtin('tile')
  readonly local = builtin('local')
  readonly lane = builtin('lane')
  readonly subgroup = builtin('subgroup')
  readonly clusterRank = builtin('clusterRank')

  private readonly params: Param[] = []
  private readonly arrays: SharedArray[] = []
  private readonly used = new Map<string, number>()
  private block: Stmt[] = []
  private stateBuffer: Buffer | null = null
  private arrivalCount = 0

  constructor(private readonly spec: KernelSpec) {}

  param(name: string, element: Element, role: Role, access: Access = 'read', cache: CachePolicy = 'keep'): Buffer {
    if (this.params.some(p => p.name === name)) throw new WeftError({ where: this.spec.schedule, what: `param ${name} is declared twice` })
    this.params.push({ name, element, role, access, cache })
    this.used.set(name, 1)
    return {
      name,
      element,
      load: index => new Value({ kind: 'load', type: loadedType[element], param: name, index: operand(index, 'u32').expr }),
      loadBits: (index, bits) => new Value({ kind: 'loadBits', type: 'u32', param: name, index: operand(index, 'u32').expr, bits }),
      store: (index, value) => this.push({ kind: 'store', param: name, index: operand(index, 'u32').expr, value: operand(value, loadedType[element]).expr }),
    }
  }

  /** A matrix of which boxes are copied in bulk; see `Param.tensor`. */
  tensor(name: string, element: Element, role: Role, tensor: TensorMap): TensorParam {
    this.param(name, element, role)
    this.params[this.params.length - 1] = { ...this.params[this.params.length - 1]!, tensor }
    const word = (v: Operand): Expr => operand(v, 'u32').expr
    return {
      name,
      copy: (arrival, into, index, row, col) =>
        this.push({ kind: 'tensorCopy', arrival: word(arrival), array: into.name, index: word(index), param: name, row: word(row), col: word(col) }),
    }
  }

  /** `count` counters of bulk copies. */
  arrivals(count: number): Arrivals {
    const first = this.arrivalCount
    this.arrivalCount += count
    const nth = (arrival: Operand): Expr => operand(arrival, 'u32').add(first).expr
    return {
      commit: arrival => this.push({ kind: 'tensorCommit', arrival: nth(arrival) }),
      wait: (arrival, parity) => this.push({ kind: 'tensorWait', arrival: nth(arrival), parity: operand(parity, 'u32').expr }),
    }
  }

  /** @param at byte in the group's memory, where arrays of several stages share it */
  shared(hint: string, element: Element, length: number, at?: number): Shared {
    const name = this.name(hint)
    this.arrays.push({ name, element, length, ...(at === undefined ? {} : { at }) })
    return {
      name,
      load: index => new Value({ kind: 'shared', type: loadedType[element], array: name, index: operand(index, 'u32').expr }),
      store: (index, value) => this.push({ kind: 'sharedStore', array: name, index: operand(index, 'u32').expr, value: operand(value, loadedType[element]).expr }),
      copy: (index, buffer, from) => this.push({ kind: 'copy', array: name, index: operand(index, 'u32').expr, param: buffer.name, from: operand(from, 'u32').expr }),
    }
  }

  copyCommit(): void {
    this.push({ kind: 'copyCommit' })
  }
  copyWait(pending: number): void {
    this.push({ kind: 'copyWait', pending })
  }

  /** The state buffer; declared on first use. */
  get state(): Buffer {
    return (this.stateBuffer ??= this.param('state', 'u32', 'state'))
  }
  /** The state buffer of the one launch that advances it. */
  advance(): Buffer {
    return (this.stateBuffer = this.param('state', 'u32', 'state', 'readwrite'))
  }
  /** Element `index` of one of the graph's inputs. */
  input(array: StateArray, index: Operand): Value {
    return this.state.load(operand(index, 'u32').add(this.spec.state.arrays[array]))
  }
  /** The live value of an extent. */
  size(extent: Extent): Value {
    if (typeof extent === 'number') return u32(extent)
    if (extent.min === extent.max) return u32(extent.max)
    return this.state.load(this.spec.state.words[extent.dim])
  }

  let(hint: string, value: Value): Value {
    if (value.expr.kind === 'const' || value.expr.kind === 'ref') return value
    const name = this.name(hint)
    this.push({ kind: 'let', name, value: value.expr })
    return new Value({ kind: 'ref', type: value.type, name })
  }

  var(hint: string, type: ValueType, init: Operand): Variable {
    const name = this.name(hint)
    this.push({ kind: 'var', name, type, value: operand(init, type).expr })
    const value = new Value({ kind: 'ref', type, name })
    const set = (v: Operand): void => this.push({ kind: 'assign', name, value: operand(v, type).expr })
    return { value, set, add: v => set(value.add(v)), accumulate: (a, b) => set(a.fma(b, value)) }
  }

  for(range: { readonly name?: string; readonly from?: Operand; readonly to: Operand; readonly step?: Operand; readonly unroll?: number }, body: (i: Value) => void): void {
    const name = this.name(range.name ?? 'i')
    const [from, to, step] = [operand(range.from ?? 0, 'u32'), operand(range.to, 'u32'), operand(range.step ?? 1, 'u32')]
    if (from.constant !== undefined && to.constant !== undefined && from.constant >= to.constant) return
    const stmts = this.nested(() => body(new Value({ kind: 'ref', type: 'u32', name })))
    this.push({ kind: 'for', name, from: from.expr, to: to.expr, step: step.expr, unroll: range.unroll ?? 1, body: stmts })
  }

  when(condition: Value, then: () => void, otherwise?: () => void): void {
    if (condition.constant === 1) return then()
    if (condition.constant === 0) return otherwise?.()
    this.push({ kind: 'if', condition: condition.expr, then: this.nested(then), otherwise: otherwise ? this.nested(otherwise) : [] })
  }

  barrier(): void {
    this.push({ kind: 'barrier' })
  }

  call(intrinsic: Intrinsic, ...args: readonly Value[]): Value {
    return call(intrinsic, ...args)
  }

  const(type: Scalar, value: number): Value {
    return constant(type, value)
  }

  comment(text: string): void {
    this.push({ kind: 'comment', text })
  }

  matrixLoad(type: 'matrixA' | 'matrixB', array: Shared, index: Operand, stride: number, columnMajor = false): Value {
    return new Value({ kind: 'matrixLoad', type, array: array.name, index: operand(index, 'u32').expr, stride, columnMajor })
  }
  matrixMultiply(acc: Variable, a: Value, b: Value): void {
    if (acc.value.expr.kind !== 'ref') throw new WeftError({ where: this.spec.schedule, what: 'matrixMultiply wants a variable' })
    this.push({ kind: 'matrixMultiply', name: acc.value.expr.name, a: a.expr, b: b.expr })
  }
  matrixStore(array: Shared, index: Operand, stride: number, value: Value): void {
    this.push({ kind: 'matrixStore', array: array.name, index: operand(index, 'u32').expr, stride, value: value.expr })
  }

  /**
   * A loop whose loads run ahead of its arithmetic, through `stages` sets of registers: what `load` names for step
   * i + stages − 1 is read before `compute` uses what it named for step i. With one stage, loads and arithmetic
   * alternate.
   */
  pipeline(options: {
    readonly from?: Operand
    readonly to: Operand
    readonly step: Operand
    readonly stages: number
    readonly load: (i: Value) => readonly Value[]
    readonly compute: (i: Value, loaded: readonly Value[]) => void
  }): void {
    const from = operand(options.from ?? 0, 'u32')
    const [to, step] = [operand(options.to, 'u32'), operand(options.step, 'u32')]
    if (options.stages < 2) {
      this.for({ from, to, step }, i => options.compute(i, options.load(i).map(v => this.let('loaded', v))))
      return
    }
    this.when(from.lt(to), () => {
      // The sets of steps i, i + 1, …: each turn hands them down by one and fills the last. Steps beyond the end keep what
      // was there, which nobody uses.
      const sets = [options.load(from).map(v => this.var('ahead', v.type, v))]
      for (let s = 1; s < options.stages - 1; s++) {
        const at = this.let('nth', from.add(step.mul(s)))
        const before = sets[s - 1]!
        const set = before.map(v => this.var('ahead', v.value.type, v.value))
        this.when(at.lt(to), () => options.load(at).forEach((v, n) => set[n]!.set(v)))
        sets.push(set)
      }
      this.for({ from, to, step }, i => {
        const current = sets[0]!.map(v => this.copy('now', v.value))
        sets.slice(1).forEach((set, s) => set.forEach((v, n) => sets[s]![n]!.set(v.value)))
        const next = this.let('next', i.add(step.mul(options.stages - 1)))
        this.when(next.lt(to), () => options.load(next).forEach((v, n) => sets.at(-1)![n]!.set(v)))
        options.compute(i, current)
      })
    })
  }

  /** A fresh immutable name for the present value of a variable. */
  copy(hint: string, value: Value): Value {
    const name = this.name(hint)
    this.push({ kind: 'let', name, value: value.expr })
    return new Value({ kind: 'ref', type: value.type, name })
  }

  finish(): Kernel {
    const { schedule, threads, tiles, cost, cluster = 1 } = this.spec
    // Grids are sized by the upper bound, and rounded up to whole clusters.
    const live = tiles.some(f => f.dim !== null) || tileCount(tiles, {}) % cluster !== 0
    let body: readonly Stmt[] = this.block
    if (live) {
      const count = liveTiles(this.spec.tiles, dim => this.state.load(this.spec.state.words[dim]))
      body = [{ kind: 'if', condition: this.tile.lt(count).expr, then: this.block, otherwise: [] }]
    }
    return Object.freeze({
      name: schedule.replace(/[^A-Za-z0-9]/g, '_'), schedule, knobs: this.spec.knobs ?? {}, params: this.params, shared: this.arrays,
      threads, subgroupSize: this.spec.subgroupSize ?? null, tiles, body, cost,
      ...(cluster === 1 ? {} : { cluster }), ...(this.arrivalCount === 0 ? {} : { arrivals: this.arrivalCount }),
    })
  }

  private push(s: Stmt): void {
    this.block.push(s)
  }
  private nested(fill: () => void): readonly Stmt[] {
    const outer = this.block
    this.block = []
    fill()
    const inner = this.block
    this.block = outer
    return inner
  }
  private name(hint: string): string {
    const n = this.used.get(hint) ?? 0
    this.used.set(hint, n + 1)
    return n === 0 ? hint : `${hint}_${n}`
  }
}

function builtin(name: Builtin): Value {
  return new Value({ kind: 'builtin', type: 'u32', name } satisfies Expr)
}

/** Builds a kernel. `body` is called once, with the builder and the tile's index. */
export function kernel(spec: KernelSpec, body: (k: KernelBuilder, tile: Value) => void): Kernel {
  const k = new KernelBuilder(spec)
  body(k, k.tile)
  return k.finish()
}
