/**
 * Where a graph can be looked at: each op's output under a name that other programs can give it too, after the weight it
 * uses (`layers.3.self_attn.q_proj`) or after its part in the layer (`layers.3.self_attn.attention`). A fused op is named
 * after the declared op whose value it yields, so that traces of fused, unfused and foreign runs can be compared. What has no
 * name of its own are views, gathered rows and choices: they hold values that another name already has.
 */
import { cacheOp, isLeaf, weightOp, type Graph } from './graph.js'
import { inputsOf, type Node } from './op.js'

/** One output of a node, or some columns of it, as the value of a named op. */
export interface Point {
  readonly name: string
  readonly node: Node
  /** Which of the node's outputs. */
  readonly output: number
  /** The columns of the last axis, where a product of several weights holds several ops' values. */
  readonly columns?: { readonly from: number; readonly to: number }
  /** The output is a whole cache, of which the op's value is the rows of this run's slots. */
  readonly inCache: boolean
}

/** Rows of each weight by tensor name, from a graph in which no weights are merged. */
export function weightRows(g: Graph): ReadonlyMap<string, number> {
  return new Map(g.nodes.filter(n => n.op === weightOp).map(n => [(n.attributes['tensors'] as readonly string[])[0]!, n.type.shape[0] as number]))
}

/** `model.layers.3.mlp.up_proj.weight` → `layers.3.mlp.up_proj` */
const moduleOf = (tensor: string): string => tensor.replace(/\.(weight|bias)$/, '').replace(/^model\./, '')
const parentOf = (name: string): string => name.replace(/(^|\.)[^.]*$/, '')
const within = (parent: string, name: string): string => (parent === '' ? name : `${parent}.${name}`)

/**
 * The points of a graph in the order of its nodes, each name once. @param rows of each weight, from the graph as declared:
 * tells the parts of merged weights
 */
export function points(g: Graph, rows: ReadonlyMap<string, number>): readonly Point[] {
  const names = new Map<Node, string>()
  const taken = new Map<string, number>()
  const found: Point[] = []
  /** The name of a value, followed through views. */
  const nameOf = (n: Node | undefined): string => {
    if (n === undefined) return ''
    const own = names.get(n)
    if (own !== undefined) return own
    const through = n.inputs[0]
    return through && !isLeaf(n) ? nameOf(through) : ''
  }
  for (const n of g.nodes) {
    for (const p of pointsOf(n, g, nameOf, rows)) {
      if (p.output === 0 && !names.has(n)) names.set(n, p.name)
      const uses = (taken.get(p.name) ?? 0) + 1
      taken.set(p.name, uses)
      found.push({ inCache: false, ...p, name: uses === 1 ? p.name : `${p.name}#${uses}`, node: n })
    }
  }
  return found
}

type Part = Omit<Point, 'node' | 'inCache'> & { readonly inCache?: boolean }

function pointsOf(n: Node, g: Graph, nameOf: (n: Node | undefined) => string, rows: ReadonlyMap<string, number>): readonly Part[] {
  if (isLeaf(n)) return []
  const inputs = inputsOf(n)
  const whole = (name: string): readonly Part[] => [{ name, output: 0 }]
  const beside = (x: Node | undefined, name: string): readonly Part[] => whole(within(parentOf(nameOf(x)), name))
  switch (n.op.name) {
    case 'output': case 'splitHeads': case 'mergeHeads': case 'rows': case 'slice': case 'argmax': case 'topK': return []
    case 'rope': return whole(turned(nameOf(inputs['x'])))
    case 'kvAppend': return [{ name: cacheName(nameOf(inputs['x']), inputs['cache']!), output: 0, inCache: true }]
    case 'qkvHeads': {
      const at = parentOf(nameOf(inputs['x']))
      return [
        { name: within(at, 'q_rope'), output: 0 },
        { name: within(at, 'k_cache'), output: 1, inCache: true }, { name: within(at, 'v_cache'), output: 2, inCache: true },
      ]
    }
    case 'attention': return beside(inputs['q'], 'attention')
    case 'siluMul': return beside(inputs['gate'], 'act')
    case 'add': return nameOf(inputs['b']) === '' ? [] : beside(inputs['b'], 'residual')
    default: return ofWeight(n, inputs, n === g.outputs['logits'], rows) ?? beside(n.inputs.find(i => i) ?? undefined, n.op.name)
  }
}

/** An op with a weight is called after it. */
function ofWeight(n: Node, inputs: Readonly<Record<string, Node>>, isHead: boolean, rows: ReadonlyMap<string, number>): readonly Part[] | null {
  const weight = inputs['weight']
  if (weight?.op !== weightOp) return null
  const tensors = weight.attributes['tensors'] as readonly string[]
  const modules = tensors.map(moduleOf)
  const at = parentOf(modules[0]!)
  if (isHead) return [{ name: 'lm_head', output: 0 }]
  if (inputs['residual']) return [{ name: within(at, 'residual'), output: 0 }]
  if (n.attributes['epilogue'] === 'siluMul') return [{ name: within(at, 'act'), output: 0 }]
  if (modules.length === 1) return [{ name: modules[0]!, output: 0 }]
  let from = 0
  return modules.map((name, i): Part => {
    const to = from + rows.get(tensors[i]!)!
    const part = { name, output: 0, columns: { from, to } }
    from = to
    return part
  })
}

/** `layers.3.self_attn.q_norm`, or `…q_proj` where q is not normed → `layers.3.self_attn.q_rope` */
function turned(name: string): string {
  const last = name.slice(parentOf(name).length).replace(/^\./, '')
  return within(parentOf(name), `${last.replace(/_(proj|norm)$/, '')}_rope`)
}

function cacheName(x: string, cache: Node): string {
  const part = cache.op === cacheOp ? (cache.attributes['part'] as string) : 'kv'
  return within(parentOf(x), `${part}_cache`)
}
