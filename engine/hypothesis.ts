/**
 * Testing what went wrong: where two traces part, the op is computed again on the evaluator from the values that both still
 * agreed on, first as the graph declares it and then with one mistake planted. A mistake whose result is the wrong
 * output, to rounding, is what happened; nothing is concluded from names. The graph is rewritten between the last known
 * values and the op that differs, so a trace that lacks some ops only leaves more room between them.
 */
import { pageSize } from '../codegen/state.js'
import { evaluateWith } from '../graph/evaluate.js'
import { cacheOp, inputOp, isLeaf, weightOp, type Graph } from '../graph/graph.js'
import type { Config } from '../graph/models/config.js'
import { llama } from '../graph/models/llama.js'
import { defineOp, inputsOf, type Attributes, type Node, type Tensor } from '../graph/op.js'
import { points, weightRows, type Point } from '../graph/points.js'
import type { Size } from '../graph/tensor.js'
import { dequantize } from '../weights/dequantize.js'
import type { ModelSource, WeightTensor } from '../weights/model.js'
import { pointRows, type Traced } from './trace.js'

export type Side = 'weft' | 'trace'
export type Named = Readonly<Record<string, Tensor>>

/** What a mistake changes about an op: what goes in, its attributes, what it does, what comes out. */
export interface Change {
  /** An input that is left out becomes absent. */
  readonly inputs?: (given: Named) => Named
  readonly attributes?: Attributes
  readonly instead?: (given: Named) => Tensor
  readonly output?: (out: Tensor) => Tensor
}

/** A mistake planted at a node: its replacement, or null where the mistake is not made. Inputs come from `at.copy`. */
export type Rewrite = (n: Node, at: Site) => Node | null

export interface Variant {
  /** What is done instead of what the graph says, as the end of a sentence: "adjacent elements are turned together". */
  readonly says: string
  readonly rewrite: Rewrite
}

export interface Mistake {
  readonly name: string
  readonly variants: (at: Site) => readonly Variant[]
}

/** Plants a change wherever an op of that name stands between the known values and the output. */
export const atOp = (op: string, says: string, change: (n: Node, at: Site) => Change | null): Variant => ({
  says,
  rewrite: (n, at) => {
    if (n.op.name !== op) return null
    const made = change(n, at)
    return made && at.altered(n, made)
  },
})

export interface SiteParts {
  readonly source: Pick<ModelSource, 'read' | 'tensors' | 'config'>
  readonly ids: Uint32Array
  readonly values: Readonly<Record<Side, ReadonlyMap<string, Traced>>>
  /** The op that differs; values of ops before it are taken as known. */
  readonly op: string
  /** The first token whose row differs. */
  readonly firstRow: number
  /** Rows handed over at a time, where that is known. */
  readonly chunk: number | null
}

export class Site {
  readonly config: Config
  readonly target: Point
  readonly firstRow: number
  readonly chunk: number | null
  private readonly graph: Graph
  private readonly before: readonly Point[]
  private readonly dims: Readonly<Record<string, number>>
  private readonly weights = new Map<string, Float32Array>()
  /** Sees a node's inputs as they are in the rewritten graph. */
  copy: (n: Node) => Node = n => n

  constructor(private readonly parts: SiteParts) {
    const { source, ids } = parts
    this.config = source.config
    this.firstRow = parts.firstRow
    this.chunk = parts.chunk
    const pages = Math.ceil(ids.length / pageSize)
    this.dims = { tokens: ids.length, outputs: ids.length, sequences: 1, pages, slots: pages * pageSize }
    this.graph = llama(source.config, name => source.tensors.get(name)?.type ?? 'f32', { rows: ids.length, sequences: 1, slots: pages * pageSize, pages })
    const all = points(this.graph, weightRows(this.graph))
    const at = all.findIndex(p => p.name === parts.op)
    this.target = all[at]!
    this.before = all.slice(0, at)
  }

  get tokens(): number {
    return this.parts.ids.length
  }

  /** The op's rows as computed from what `side` has before it, as declared. */
  asDeclared(side: Side): Float32Array {
    return this.evaluate(side, null).rows
  }

  /** The same with a mistake planted; null where there is nothing to plant it in. */
  withMistake(side: Side, rewrite: Rewrite): Float32Array | null {
    const { rows, planted } = this.evaluate(side, rewrite)
    return planted ? rows : null
  }

  private evaluate(side: Side, rewrite: Rewrite | null): { readonly rows: Float32Array; readonly planted: boolean } {
    const given = this.known(side)
    const made = new Map<Node, Node>()
    let planted = false
    this.copy = n => {
      const done = made.get(n)
      if (done) return done
      if (given.has(n) || isLeaf(n)) return n
      const wrong = rewrite?.(n, this) ?? null
      planted ||= wrong !== null
      const replaced = wrong ?? Object.freeze({ ...n, inputs: n.inputs.map(i => i && this.copy(i)) })
      made.set(n, replaced)
      return replaced
    }
    const target = this.copy(this.target.node)
    if (rewrite !== null && !planted) return { rows: new Float32Array(), planted }
    const [value] = evaluateWith([target], given, n => this.leaf(n), s => this.shape(s))
    return { rows: pointRows(this.target, value!, this.input('slots')).values, planted }
  }

  /** What the target holds on one side. */
  actual(side: Side): Float32Array {
    return this.parts.values[side].get(this.parts.op)!.data
  }

  /** A node with a mistake inside; its inputs are those of the rewritten graph. */
  altered(n: Node, change: Change): Node {
    const names = Object.keys(n.op.inputs).map(name => name.replace('?', ''))
    const op = defineOp({
      name: `${n.op.name} with a mistake`, inputs: n.op.inputs, output: () => n.types, samples: [],
      evaluate: given => {
        const put = change.inputs ? change.inputs(given) : given
        if (change.instead) return change.instead(put)
        const plain: Node = { ...n, inputs: n.inputs.map((i, at) => (put[names[at]!] ? i : null)), attributes: change.attributes ?? n.attributes }
        const values = new Map(Object.entries(inputsOf(plain)).map(([name, i]) => [i, put[name]!]))
        const [out] = evaluateWith([plain], values, () => null, s => this.shape(s))
        return change.output ? change.output(out!) : out!
      },
    })
    return Object.freeze({ ...n, op, inputs: n.inputs.map(i => i && this.copy(i)) })
  }

  /** The tensor of the file that a weight node stands for. */
  tensor(weight: Node | undefined): WeightTensor | null {
    if (weight?.op !== weightOp) return null
    return this.parts.source.tensors.get((weight.attributes['tensors'] as readonly string[])[0]!) ?? null
  }

  /** Raw bytes of a range of a weight. */
  bytes(range: WeightTensor['ranges'][string]): Uint8Array {
    const into = new Uint8Array(range.bytes)
    this.parts.source.read(range, into)
    return into
  }

  /** Values of a weight by its name in the file; null where the file has none. */
  weight(name: string): Float32Array | null {
    const tensor = this.parts.source.tensors.get(name)
    if (!tensor) return null
    const known = this.weights.get(name) ?? dequantize(this.parts.source, tensor)
    this.weights.set(name, known)
    return known
  }

  /** The RoPE that turns what this node yields, through a norm and views; null where there is none. */
  turnedBy(n: Node): Node | null {
    const source = (of: Node): Node => (of.op.name === 'splitHeads' ? source(of.inputs[0]!) : of)
    return this.graph.nodes.find(r => {
      if (r.op.name !== 'rope') return false
      const first = source(r.inputs[0]!)
      return first === n || (first.op.name === 'rmsNorm' && source(first.inputs[0]!) === n)
    }) ?? null
  }

  /** Values that both sides have before the target, where they were the same to rounding; the side's own. */
  private known(side: Side): ReadonlyMap<Node, Tensor> {
    const { weft, trace } = this.parts.values
    const given = new Map<Node, Tensor>()
    for (const p of this.before) {
      if (!weft.has(p.name) || !trace.has(p.name) || p.output !== 0 || p.columns) continue
      const shape = this.shape(p.node.type.shape)
      const data = new Float64Array(shape.reduce((a, b) => a * b, 1))
      data.set(this.parts.values[side].get(p.name)!.data)
      given.set(p.node, { shape, data })
    }
    return given
  }

  private shape(sizes: readonly Size[]): readonly number[] {
    return sizes.map(s => (typeof s === 'number' ? s : this.dims[s.name]!))
  }

  private input(name: string): Uint32Array {
    const counted = Uint32Array.from({ length: name === 'pageTable' ? this.dims['pages']! : this.tokens }, (_, i) => i)
    return name === 'tokens' ? this.parts.ids : name === 'sequences' ? new Uint32Array(this.tokens) : counted
  }

  private leaf(n: Node): Tensor | null {
    const shape = this.shape(n.type.shape)
    if (n.op === inputOp) return { shape, data: this.input(n.attributes['name'] as string) }
    if (n.op === weightOp) return { shape, data: this.weight((n.attributes['tensors'] as readonly string[])[0]!)! }
    return n.op === cacheOp ? { shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)) } : null
  }
}
