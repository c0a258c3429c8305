/**
 * Fusion: one readable list of named rewrite rules over a graph. A fused op keeps its meaning in simple ops, and one
 * that no schedule accepts on a target is expanded back, so a rule never has to know a device. `--no-fuse` leaves
 * the graph as declared, to bisect.
 */
import { isLeaf, rebuild, useCounts, weight, weightOp, type Graph } from '../graph/graph.js'
import { inputsOf, type Node } from '../graph/op.js'
import { qkvHeadsOp, takeOutput } from '../graph/ops/attention.js'
import { fusedLinear } from '../graph/ops/linear.js'
import { node } from '../graph/op.js'

/**
 * Weight rows up to which a product takes the norm of its input along. Every group redoes it; a head of 152k rows is
 * 1.8 times faster behind a norm of its own, a layer's products are not (NVIDIA H200, `docs/performance.md`).
 */
const normRows = 32768

/** How many nodes read a node. */
type Uses = (n: Node) => number

interface Rule {
  readonly name: string
  /** The replacement of a node, or null where the rule does not apply. */
  readonly apply: (n: Node, uses: Uses, options: FuseOptions) => Node | null
}

export interface FuseOptions {
  /** Whether rows are few enough that every group may redo the norm of its input. */
  readonly normInLinear: boolean
}

const is = (n: Node | undefined | null, op: string): n is Node => n?.op.name === op

/** Weights one below the other, where they are of one type and width. */
function stack(parts: readonly (Node | undefined)[]): Node | null {
  const nodes = parts.filter((p): p is Node => p !== undefined)
  if (nodes.length !== parts.length || nodes.some(n => n.op !== weightOp)) return null
  const [first] = nodes
  const width = first!.type.shape[1]
  if (nodes.some(n => n.attributes['type'] !== first!.attributes['type'] || n.type.shape[1] !== width)) return null
  const rows = nodes.reduce((sum, n) => sum + (n.type.shape[0] as number), 0)
  return weight(nodes.flatMap(n => n.attributes['tensors'] as readonly string[]), first!.attributes['type'] as string, width === undefined ? [rows] : [rows, width as number])
}

/** The biases of stacked linears: all there, or none; undefined where they are mixed. */
function stackBias(linears: readonly Node[]): Node | null | undefined {
  const biases = linears.map(l => inputsOf(l)['bias'])
  if (biases.every(b => b === undefined)) return null
  return stack(biases) ?? undefined
}

/** rope(norm?(splitHeads(linear))) as its parts. */
function rotated(n: Node): { readonly linear: Node; readonly norm: Node | undefined; readonly eps: number; readonly rope: Node } | null {
  if (!is(n, 'rope')) return null
  const inner = n.inputs[0]!
  const normed = is(inner, 'rmsNorm')
  const split = normed ? inner.inputs[0]! : inner
  if (!is(split, 'splitHeads') || !is(split.inputs[0], 'linear')) return null
  return { linear: split.inputs[0], norm: normed ? inner.inputs[1]! : undefined, eps: normed ? (inner.attributes['eps'] as number) : 0, rope: n }
}

/** Whether q and k are treated alike: one pass has one eps, one set of frequencies and one list of positions. */
function sameTurn(q: NonNullable<ReturnType<typeof rotated>>, k: NonNullable<ReturnType<typeof rotated>>): boolean {
  const frequencies = [q, k].map(r => r.rope.attributes['frequencies'] as readonly number[])
  const alike = frequencies[0] === frequencies[1] || (frequencies[0]!.length === frequencies[1]!.length && frequencies[0]!.every((f, i) => f === frequencies[1]![i]))
  return alike && !!q.norm === !!k.norm && q.eps === k.eps && q.rope.inputs[1] === k.rope.inputs[1]
}

const mergeQkv: Rule = {
  name: 'q, k and v in one product, then norm, RoPE and the cache append in one pass',
  apply: n => {
    if (!is(n, 'attention')) return null
    const { q, k, v, ...rest } = inputsOf(n)
    if (!is(k, 'kvAppend') || !is(v, 'kvAppend')) return null
    const [query, key] = [rotated(q!), rotated(k.inputs[1]!)]
    const split = v.inputs[1]!
    if (!query || !key || !is(split, 'splitHeads') || !is(split.inputs[0], 'linear')) return null
    const linears = [query.linear, key.linear, split.inputs[0]]
    const x = linears[0]!.inputs[0]!
    if (linears.some(l => l.inputs[0] !== x) || !sameTurn(query, key) || k.inputs[2] !== v.inputs[2]) return null
    const [stacked, bias] = [stack(linears.map(l => l.inputs[1]!)), stackBias(linears)]
    if (!stacked || bias === undefined) return null
    const merged = fusedLinear({ x, weight: stacked, bias })
    const heads = node(
      qkvHeadsOp,
      [merged, k.inputs[0]!, v.inputs[0]!, query.rope.inputs[1]!, k.inputs[2]!, query.norm ?? null, key.norm ?? null],
      { heads: q!.type.shape[1] as number, eps: query.eps, frequencies: query.rope.attributes['frequencies']! },
    )
    const outputs = [0, 1, 2].map(i => takeOutput(heads, i))
    return Object.freeze({ ...n, inputs: [...outputs, rest['positions']!, rest['sequences']!, rest['pageTable']!] })
  },
}

const mergeGateUp: Rule = {
  name: 'gate and up in one product, with SiLU·mul after it',
  apply: (n, uses) => {
    if (!is(n, 'siluMul')) return null
    const linears = n.inputs as readonly Node[]
    const x = linears[0]!.inputs[0]!
    if (linears.some(l => !is(l, 'linear') || l.inputs[0] !== x || uses(l) > 1)) return null
    const [stacked, bias] = [stack(linears.map(l => l.inputs[1]!)), stackBias(linears)]
    return stacked && bias !== undefined ? fusedLinear({ x, weight: stacked, bias, epilogue: 'siluMul' }) : null
  },
}

const residual: Rule = {
  name: 'the residual added by the product before it',
  apply: (n, uses) => {
    if (!is(n, 'add')) return null
    const [a, b] = n.inputs as [Node, Node]
    if (!is(b, 'linear') || uses(b) > 1) return null
    return fusedLinear({ x: b.inputs[0]!, weight: b.inputs[1]!, bias: b.inputs[2] ?? null, residual: a })
  },
}

const normFirst: Rule = {
  name: 'the norm before a product as a factor after it',
  apply: (n, uses, { normInLinear }) => {
    if (!normInLinear || (!is(n, 'fusedLinear') && !is(n, 'linear'))) return null
    const { x, weight: w, norm, bias, residual: added } = inputsOf(n)
    if (norm || !is(x, 'rmsNorm') || uses(x) > 1 || (w!.type.shape[0] as number) > normRows) return null
    return fusedLinear({
      x: x.inputs[0]!, weight: w!, norm: x.inputs[1]!, bias: bias ?? null, residual: added ?? null,
      eps: x.attributes['eps'] as number, epilogue: (n.attributes['epilogue'] as 'none' | 'siluMul' | undefined) ?? 'none',
    })
  },
}

const rules: readonly Rule[] = [mergeQkv, mergeGateUp, residual, normFirst]

/** Applies the rules in their order, each over the whole graph; use counts are those before the rule. */
export function fuse(g: Graph, options: FuseOptions): Graph {
  return rules.reduce((current, rule) => {
    const uses = useCounts(current)
    // Inputs already replaced are new nodes that stand for old ones; a node made by this rule is read once, by its maker.
    const original = new Map<Node, Node>()
    return rebuild(current, (n, was) => {
      const count: Uses = m => uses.get(original.get(m) ?? m) ?? 1
      const made = isLeaf(n) ? n : rule.apply(n, count, options) ?? n
      original.set(made, was)
      return made
    })
  }, g)
}

/** Expands nodes to their meanings; readers of an expanded node's further outputs read the meaning's. */
export function expand(g: Graph, which: (n: Node) => boolean): Graph {
  const meant = new Map<Node, readonly Node[]>()
  return rebuild(g, (n, was) => {
    if (n.op.meaning && which(was)) {
      const nodes = n.op.meaning(inputsOf(n), n.attributes)
      const list = Array.isArray(nodes) ? (nodes as readonly Node[]) : [nodes as Node]
      meant.set(list[0]!, list)
      return list[0]!
    }
    const all = n.op.name === 'output' ? meant.get(n.inputs[0]!) : undefined
    return all ? all[n.attributes['index'] as number]! : n
  })
}
