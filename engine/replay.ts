/**
 * WEFT_CHECK: one node of a plan on the evaluator, with the inputs that the device has. Errors do not add up from node
 * to node, because every node is judged on what the device gave it; so bounds can be tight, and the first node that
 * leaves them is the one at fault. Rows are compared by their norm: over a whole matrix a norm hides one wrong row.
 * Ids and candidates are chosen among the device's own numbers and have to be equal.
 */
import type { Compiled } from '../codegen/compile.js'
import type { Plan } from '../codegen/plan.js'
import { pageSize, type StateArray } from '../codegen/state.js'
import { WeftError } from '../graph/error.js'
import { evaluateWith } from '../graph/evaluate.js'
import { cacheOp, inputOp, weightOp } from '../graph/graph.js'
import { inputsOf, type Node, type Tensor } from '../graph/op.js'
import { takeOutput } from '../graph/ops/attention.js'
import type { Size } from '../graph/tensor.js'
import type { Backend, BoundPlan, BufferView } from '../runtime/backend.js'
import { dequantize } from '../weights/dequantize.js'
import { f16ToF32 } from '../weights/floats.js'
import type { Compute } from './types.js'
import type { ModelSource } from '../weights/model.js'

export interface ReplayParts {
  readonly backend: Backend
  readonly compiled: Compiled
  readonly source: Pick<ModelSource, 'read' | 'tensors'>
  readonly compute: Compute
  readonly kv: 'f32' | 'f16'
}

/** Decoded weights kept from one launch to the next; beyond it they are decoded again. */
const keptBytes = 2 ** 30

/** ‖got − expected‖ / ‖expected‖ of a row that arithmetic explains: sums in f32, operands in f16 or in i16, values stored as f16. */
const bounds = { f32: 2e-5, f16: 1e-2, i16: 3e-4, stored: 1e-3, exact: 0 } as const

/** Values of a node's inputs before its launches, by input name. */
export type Inputs = ReadonlyMap<string, Tensor>

/** A row of a node's outputs beside what it should be. */
export interface Difference {
  readonly output: number
  /** Indices of the row: of all dimensions but the last, or of the only one. */
  readonly row: readonly number[]
  /** ‖got − expected‖ / ‖expected‖, infinite where a number is not finite. */
  readonly error: number
  readonly bound: number
  /** Where in the row the two differ most. */
  readonly column: number
  readonly expected: number
  readonly got: number
}

export interface Judged {
  /** The row nearest to its bound or farthest beyond it; null where all are equal. */
  readonly worst: Difference | null
  readonly expected: readonly Tensor[]
  readonly got: readonly Tensor[]
}

export class Replay {
  private readonly weights = new Map<string, Float32Array>()
  private weightBytes = 0

  constructor(private readonly parts: ReplayParts) {}

  /** The live values of a plan's dims now. */
  async dims(bound: BoundPlan): Promise<Readonly<Record<string, number>>> {
    const { state } = this.parts.compiled
    const live = new Uint32Array((await this.bytes(bound.state.view, 0, 16)).buffer)
    return { tokens: live[state.words.tokens]!, outputs: live[state.words.outputs]!, sequences: state.sequences, pages: state.pages }
  }

  /** Reads a node's inputs. Some are overwritten by its own launches (caches, reused memory): call it before them. */
  async inputs(node: Node, at: PlanMemory, dims: Readonly<Record<string, number>>): Promise<Inputs> {
    const read = new Map<string, Tensor>()
    for (const [name, n] of Object.entries(inputsOf(node))) read.set(name, await this.value(n, 0, at, dims))
    return read
  }

  /** One activation as it stands on the device now. */
  activation(node: Node, at: PlanMemory, dims: Readonly<Record<string, number>>): Promise<Tensor> {
    return this.value(node, 0, at, dims)
  }

  /** Evaluates a node on inputs read before, and compares with what its launches left on the device. */
  async judge(node: Node, inputs: Inputs, at: PlanMemory, dims: Readonly<Record<string, number>>): Promise<Judged> {
    const named = inputsOf(node)
    // Appends write into the cache they are given; what was read stays as it was, to be saved.
    const given = new Map([...inputs].map(([name, t]) => [named[name]!, named[name]!.type.shape.some(isSlots) ? { ...t, data: t.data.slice() } : t]))
    const shape = (sizes: readonly Size[]): readonly number[] => shapeOf(sizes, dims, at)
    const outputs = node.types.map((_, i) => takeOutput(node, i))
    const expected = evaluateWith(outputs, given, () => null, shape)
    const got: Tensor[] = []
    for (const i of outputs.keys()) got.push(await this.value(node, i, at, dims))
    const worst = outputs
      .map((_, i) => compare(i, expected[i]!, got[i]!, this.bound(node, i), added(node, inputs)))
      .reduce(worse, null)
    return { worst, expected, got }
  }

  /** What a node's launches left on the device; of an input of the graph, what the host wrote. */
  async output(node: Node, output: number, at: PlanMemory, dims: Readonly<Record<string, number>>): Promise<Tensor> {
    return this.value(node, output, at, dims)
  }

  /** All words of the state buffer. */
  async state(at: PlanMemory): Promise<Uint32Array> {
    return new Uint32Array((await this.bytes(at.state, 0, this.parts.compiled.state.totalWords * 4)).buffer)
  }

  /** The launch that closes a decode step is no node's: what it should make of the state, given the ids of `next` [rows]. */
  async advanced(before: Uint32Array, next: BufferView): Promise<Uint32Array> {
    const { arrays, words, pages, history } = this.parts.compiled.state
    const after = before.slice()
    const [rows, step] = [before[words.tokens]!, before[words.step]!]
    const ids = new Uint32Array((await this.bytes(next, 0, rows * 4)).buffer)
    ids.forEach((id, row) => {
      const position = before[arrays.positions + row]! + 1
      const page = Math.min(Math.floor(position / pageSize), pages - 1)
      after[arrays.history + ((step * rows + row) % history)] = id
      after[arrays.tokens + row] = id
      after[arrays.positions + row] = position
      after[arrays.slots + row] = before[arrays.pageTable + before[arrays.sequences + row]! * pages + page]! * pageSize + (position % pageSize)
    })
    after[words.step] = step + 1
    return after
  }

  private bound(node: Node, output: number): number {
    const { compute, kv } = this.parts
    if (node.types[output]!.shape.some(isSlots)) return kv === 'f16' ? bounds.stored : bounds.f32
    if (node.type.dtype === 'u32' || node.op.name === 'topK') return bounds.exact
    const linear = node.op.name === 'linear' || node.op.name === 'fusedLinear'
    return linear || (node.op.name === 'attention' && compute === 'f16') ? bounds[compute] : bounds.f32
  }

  private async value(n: Node, output: number, at: PlanMemory, dims: Readonly<Record<string, number>>): Promise<Tensor> {
    const shape = shapeOf(n.types[output]!.shape, dims, at)
    const count = shape.reduce((a, b) => a * b, 1)
    if (n.op === weightOp) return { shape, data: this.weight(n) }
    if (n.op === inputOp) {
      const word = this.parts.compiled.state.arrays[n.attributes['name'] as StateArray]
      return { shape, data: new Uint32Array((await this.bytes(at.state, word * 4, count * 4)).buffer) }
    }
    if (n.op === cacheOp) return { shape, data: await this.cache(at.cache(n), count) }
    if (n.op.name === 'output') return this.value(n.inputs[0]!, n.attributes['index'] as number, at, dims)
    const alias = n.op.aliases?.[output]
    if (alias) return { ...(await this.value(inputsOf(n)[alias]!, 0, at, dims)), shape }
    const { buffer } = await this.bytes(at.made(n), 0, count * 4)
    return { shape, data: n.types[output]!.dtype === 'u32' ? new Uint32Array(buffer) : new Float32Array(buffer) }
  }

  private async bytes(view: BufferView, from: number, count: number): Promise<Uint8Array<ArrayBuffer>> {
    return count === 0 ? new Uint8Array(0) : (await this.parts.backend.read(view.buffer, view.offset + from, count)).slice()
  }

  private async cache(view: BufferView, count: number): Promise<Float64Array> {
    if (this.parts.kv === 'f32') return Float64Array.from(new Float32Array((await this.bytes(view, 0, count * 4)).buffer))
    return Float64Array.from(new Uint16Array((await this.bytes(view, 0, count * 2)).buffer), f16ToF32)
  }

  private weight(n: Node): Float32Array {
    const names = n.attributes['tensors'] as readonly string[]
    const key = names.join('+')
    const known = this.weights.get(key)
    if (known) return known
    const { source } = this.parts
    const decoded = names.map(name => dequantize(source, source.tensors.get(name)!))
    const all = decoded.length === 1 ? decoded[0]! : new Float32Array(decoded.reduce((sum, d) => sum + d.length, 0))
    if (decoded.length > 1) decoded.reduce((from, d) => (all.set(d, from), from + d.length), 0)
    if (this.weightBytes + all.byteLength <= keptBytes) {
      this.weights.set(key, all)
      this.weightBytes += all.byteLength
    }
    return all
  }
}

/** Where a plan's nodes lie: what its launches say of the memory they write. */
export class PlanMemory {
  readonly state: BufferView
  private readonly written = new Map<Node, BufferView>()
  private readonly caches = new Map<string, BufferView>()

  /** @param positionBytes bytes of one position in a cache of k or v */
  constructor(plan: Plan, bound: BoundPlan, private readonly positionBytes: number) {
    this.state = bound.state.view
    plan.launches.forEach((launch, l) => launch.places.forEach((place, p) => {
      const view = bound.launches[l]!.args[p]!
      if (place.kind === 'cache') this.caches.set(`${place.layer} ${place.part}`, view)
      // The last launch of a node writes its output, the ones before it what they pass on.
      if (place.kind === 'arena' && launch.node && launch.kernel.params[p]!.access !== 'read') this.written.set(launch.node, view)
    }))
  }

  /** Slots of every cache. */
  get slots(): number {
    const [first] = this.caches.values()
    return first === undefined ? 0 : first.bytes / this.positionBytes
  }

  made(n: Node): BufferView {
    return this.written.get(n) ?? missing(n)
  }
  cache(n: Node): BufferView {
    return this.caches.get(`${n.attributes['layer']} ${n.attributes['part']}`) ?? missing(n)
  }
}

function missing(n: Node): never {
  throw new WeftError({ where: 'WEFT_CHECK', what: `no launch of the plan has the memory of a node of ${n.op.name}` })
}

const isSlots = (s: Size): boolean => typeof s !== 'number' && s.name === 'slots'

function shapeOf(sizes: readonly Size[], dims: Readonly<Record<string, number>>, at: PlanMemory): readonly number[] {
  return sizes.map(s => (typeof s === 'number' ? s : s.name === 'slots' ? at.slots : dims[s.name]!))
}

/** What a node adds its result to: a small sum of large terms is no more exact than the terms. */
function added(node: Node, inputs: Inputs): readonly Tensor[] {
  const names = node.op.name === 'add' ? ['a', 'b'] : node.op.name === 'fusedLinear' ? ['residual'] : []
  return names.flatMap(name => inputs.get(name) ?? [])
}

export function worse(a: Difference | null, b: Difference | null): Difference | null {
  if (a === null || b === null) return a ?? b
  return b.error / b.bound > a.error / a.bound ? b : a
}

/** The worst row of an output, or null if all are equal. */
function compare(output: number, expected: Tensor, got: Tensor, bound: number, terms: readonly Tensor[]): Difference | null {
  const leading = expected.shape.length > 1 ? expected.shape.slice(0, -1) : expected.shape
  const width = expected.shape.length > 1 ? expected.shape.at(-1)! : 1
  const [want, have] = [expected.data, got.data]
  let worst: Difference | null = null
  for (let first = 0; first < want.length; first += width) {
    let [difference, norm, column, largest] = [0, 0, 0, -1]
    const others = terms.map(() => 0)
    for (let i = 0; i < width; i++) {
      const [w, h] = [want[first + i]!, have[first + i]!]
      const d = Number.isFinite(w) && Number.isFinite(h) ? Math.abs(h - w) : Infinity
      difference += d * d
      norm += w * w
      if (d > largest) [largest, column] = [d, i]
      for (let t = 0; t < terms.length; t++) others[t]! += terms[t]!.data[first + i]! ** 2
    }
    if (difference === 0) continue
    const error = difference === Infinity ? Infinity : Math.sqrt(difference / Math.max(norm, ...others, Number.MIN_VALUE))
    if (worst !== null && error <= worst.error) continue
    worst = { output, row: indices(first / width, leading), error, bound, column, expected: want[first + column]!, got: have[first + column]! }
  }
  return worst
}

function indices(row: number, shape: readonly number[]): readonly number[] {
  const out: number[] = []
  for (let i = shape.length - 1, rest = row; i >= 0; i--) {
    out.unshift(rest % shape[i]!)
    rest = Math.floor(rest / shape[i]!)
  }
  return out
}
