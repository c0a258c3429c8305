/**
 * Builds a kernel from ordinary TypeScript: loops and conditions take functions, values are named by hints, and what
 * must hold of every kernel (tiles beyond the live count do nothing, state is read through one parameter) is done
 * here, once.
 */
import type { StateArray, StateLayout } from './state.js'
import type { Access, Amount, CachePolicy, Cost, Element, Expr, Kernel, Param, Role, SharedArray, Stmt, TileFactor, ValueType } from './kernel.js'
import { loadedType } from './kernel.js'
import { WeftError } from '../graph/error.js'
import { call, constant, operand, u32, Value, type Operand } from './value.js'
import type { Intrinsic } from './intrinsics.js'
import type { Scalar } from './kernel.js'

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

export interface Buffer {
  readonly name: string
  readonly element: Element
  load(index: Operand): Value
  /** 8 or 16 bits of a buffer of u32; `index` counts units of that many bits. */
  loadBits(index: Operand, bits: 8 | 16): Value
  store(index: Operand, value: Operand): void
}

export interface Shared {
  readonly name: string
  load(index: Operand): Value
  store(index: Operand, value: Operand): void
}

export interface Variable {
  readonly value: Value
  set(v: Operand): void
  add(v: Operand): void
  /** this += a · b, fused where the target can. */
  accumulate(a: Value, b: Value): void
}

export interface KernelSpec {
  readonly schedule: string
  readonly knobs?: Readonly<Record<string, number>>
  readonly threads: number
  readonly subgroupSize?: number | null
  readonly tiles: readonly TileFactor[]
  readonly cost: Cost
  readonly state: StateLayout
}

export class KernelBuilder {
  readonly tile = builtin('tile')
  readonly local = builtin('local')
  readonly lane = builtin('lane')
  readonly subgroup = builtin('subgroup')

  private readonly params: Param[] = []
  private readonly arrays: SharedArray[] = []
  private readonly used = new Map<string, number>()
  private block: Stmt[] = []
  private stateBuffer: Buffer | null = null

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

  shared(hint: string, element: Element, length: number): Shared {
    const name = this.name(hint)
    this.arrays.push({ name, element, length })
    return {
      name,
      load: index => new Value({ kind: 'shared', type: loadedType[element], array: name, index: operand(index, 'u32').expr }),
      store: (index, value) => this.push({ kind: 'sharedStore', array: name, index: operand(index, 'u32').expr, value: operand(value, loadedType[element]).expr }),
    }
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
   * A loop whose loads run one step ahead of its arithmetic: what `load` names for step i + 1 is read before
   * `compute` uses what it named for step i. With one stage, loads and arithmetic alternate.
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
      const ahead = options.load(from).map(v => this.var('ahead', v.type, v))
      this.for({ from, to, step }, i => {
        const current = ahead.map(v => this.copy('now', v.value))
        const next = this.let('next', i.add(step))
        this.when(next.lt(to), () => options.load(next).forEach((v, n) => ahead[n]!.set(v)))
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
    const live = this.spec.tiles.some(f => f.dim !== null)
    const { schedule, threads, tiles, cost } = this.spec
    let body: readonly Stmt[] = this.block
    if (live) {
      const count = this.spec.tiles.reduce<Value>((n, f) => {
        if (f.dim === null) return n.mul(f.times)
        const size = this.state.load(this.spec.state.words[f.dim as 'tokens' | 'outputs'])
        return n.mul(size.add(f.per - 1).div(f.per).mul(f.times))
      }, u32(1))
      body = [{ kind: 'if', condition: this.tile.lt(count).expr, then: this.block, otherwise: [] }]
    }
    return Object.freeze({
      name: schedule.replace(/[^A-Za-z0-9]/g, '_'), schedule, knobs: this.spec.knobs ?? {}, params: this.params, shared: this.arrays,
      threads, subgroupSize: this.spec.subgroupSize ?? null, tiles, body, cost,
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

function builtin(name: 'tile' | 'local' | 'lane' | 'subgroup'): Value {
  return new Value({ kind: 'builtin', type: 'u32', name } satisfies Expr)
}

/** Builds a kernel. `body` is called once, with the builder and the tile's index. */
export function kernel(spec: KernelSpec, body: (k: KernelBuilder, tile: Value) => void): Kernel {
  const k = new KernelBuilder(spec)
  body(k, k.tile)
  return k.finish()
}
