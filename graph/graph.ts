/**
 * A graph: the nodes that its outputs need, in order, each with a name that says where in the model it stands. Leaves
 * are inputs (ids, positions, …), weights and KV caches; they are ops without inputs, so that every walk is one walk.
 */
import { WeftError } from './error.js'
import { defineOp, inputsOf, type Attributes, type Node, type Op } from './op.js'
import { showType, type TensorType } from './tensor.js'

function leaf(name: string): Op {
  return defineOp({
    name,
    inputs: {},
    output: () => { throw new WeftError({ where: name, what: 'leaves are made by input, weight and cache' }) },
    samples: [],
  })
}
export const inputOp = leaf('input')
export const weightOp = leaf('weight')
export const cacheOp = leaf('cache')

const leafNode = (op: Op, type: TensorType, attributes: Attributes): Node =>
  Object.freeze({ op, inputs: [], attributes: Object.freeze(attributes), types: [type], type })

export const input = (name: string, type: TensorType): Node => leafNode(inputOp, type, { name })

/**
 * A weight: one tensor of the file, or several of one type with their rows one below the other.
 * `type` is the row of the quantized-type table that its elements are stored as.
 */
export const weight = (tensors: readonly string[], type: string, shape: readonly number[]): Node =>
  leafNode(weightOp, { dtype: 'float', shape }, { tensors, type })

export const cache = (layer: number, part: 'k' | 'v', type: TensorType): Node => leafNode(cacheOp, type, { layer, part })

export interface Graph {
  readonly nodes: readonly Node[]
  readonly outputs: Readonly<Record<string, Node>>
  readonly names: ReadonlyMap<Node, string>
}

/** Collects what the outputs need, in dependency order, and names it. */
export function graph(outputs: Readonly<Record<string, Node>>): Graph {
  const nodes: Node[] = []
  const seen = new Set<Node>()
  const visit = (n: Node): void => {
    if (seen.has(n)) return
    seen.add(n)
    n.inputs.forEach(i => i && visit(i))
    nodes.push(n)
  }
  Object.values(outputs).forEach(visit)
  return Object.freeze({ nodes: Object.freeze(nodes), outputs: Object.freeze({ ...outputs }), names: nameNodes(nodes) })
}

/** A node is called after its own weight where it has one (`model.layers.0.mlp.down_proj`), else after its op and first input. */
function nameNodes(nodes: readonly Node[]): ReadonlyMap<Node, string> {
  const names = new Map<Node, string>()
  const taken = new Map<string, number>()
  for (const n of nodes) {
    const base = baseName(n, names)
    const count = taken.get(base) ?? 0
    taken.set(base, count + 1)
    names.set(n, count === 0 ? base : `${base}#${count + 1}`)
  }
  return names
}

function baseName(n: Node, names: ReadonlyMap<Node, string>): string {
  if (n.op === inputOp) return n.attributes['name'] as string
  if (n.op === weightOp) return (n.attributes['tensors'] as readonly string[]).join('+')
  if (n.op === cacheOp) return `cache.${n.attributes['layer']}.${n.attributes['part']}`
  const own = n.inputs.find(i => i?.op === weightOp)
  if (own) return (own.attributes['tensors'] as readonly string[]).map(t => t.replace(/\.weight$/, '')).join('+')
  const first = n.inputs.find(i => i)
  return `${n.op.name}(${first ? names.get(first)! : ''})`
}

export function isLeaf(n: Node): boolean {
  return n.op === inputOp || n.op === weightOp || n.op === cacheOp
}

/** How many nodes read each node; an output of the graph counts as a reader. */
export function useCounts(g: Graph): ReadonlyMap<Node, number> {
  const uses = new Map<Node, number>()
  const use = (n: Node): void => void uses.set(n, (uses.get(n) ?? 0) + 1)
  g.nodes.forEach(n => n.inputs.forEach(i => i && use(i)))
  Object.values(g.outputs).forEach(use)
  return uses
}

/** Replaces nodes bottom up: `replace` sees each node with its inputs already replaced, and the node it was. */
export function rebuild(g: Graph, replace: (n: Node, was: Node) => Node): Graph {
  const made = new Map<Node, Node>()
  for (const n of g.nodes) {
    const inputs = n.inputs.map(i => i && made.get(i)!)
    const same = inputs.every((i, at) => i === n.inputs[at])
    made.set(n, replace(same ? n : Object.freeze({ ...n, inputs }), n))
  }
  return graph(Object.fromEntries(Object.entries(g.outputs).map(([name, n]) => [name, made.get(n)!])))
}

/** Checks what a frozen graph promises; names the node, the rule and the values. */
export function verify(g: Graph): void {
  const seen = new Set<Node>()
  for (const n of g.nodes) {
    const name = g.names.get(n)!
    for (const i of n.inputs) if (i && !seen.has(i)) throw new WeftError({ where: 'graph', what: `${name} reads ${g.names.get(i) ?? i.op.name} before it is made` })
    if (!isLeaf(n) && n.op.name !== 'output') {
      const again = n.op.meaning ? n.op.meaning(inputsOf(n), n.attributes) : null
      const types = again === null ? n.types : (Array.isArray(again) ? (again as readonly Node[]) : [again as Node]).map(m => m.type)
      n.types.forEach((t, i) => {
        if (showType(t) !== showType(types[i]!)) throw new WeftError({ where: 'graph', what: `${name}: the meaning of ${n.op.name} has another type`, expected: showType(t), got: showType(types[i]!) })
      })
    }
    seen.add(n)
  }
}

export function printGraph(g: Graph): string {
  const line = (n: Node): string => {
    const inputs = n.inputs.map(i => (i ? g.names.get(i)! : '-')).join(', ')
    const attributes = Object.entries(n.attributes).map(([k, v]) => `${k}=${Array.isArray(v) && v.length > 4 ? `[${v.length} values]` : JSON.stringify(v)}`).join(' ')
    return `${g.names.get(n)}: ${n.types.map(showType).join(', ')} = ${n.op.name}(${inputs})${attributes ? ` ${attributes}` : ''}`
  }
  return [...g.nodes.map(line), ...Object.entries(g.outputs).map(([name, n]) => `output ${name} = ${g.names.get(n)}`)].join('\n') + '\n'
}


