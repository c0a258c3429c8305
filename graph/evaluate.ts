/**
 * The first judge: evaluates a graph's meanings in float64. It is not a backend but what every backend is compared
 * with. Primitives are vectorized loops; composed ops are expanded on the way.
 */
import { WeftError } from './error.js'
import { cacheOp, inputOp, weightOp } from './graph.js'
import { inputsOf, type Node, type Tensor } from './op.js'
import { showShape, type Size } from './tensor.js'

/** What the leaves of a graph hold. */
export interface Leaves {
  /** Live values of the dims. */
  readonly dims: Readonly<Record<string, number>>
  readonly input: (name: string) => Uint32Array
  /** Dequantized values of a weight node, rows of all its tensors one below the other. */
  readonly weight: (n: Node) => Float32Array | Float64Array
  /** The same array on every call: appends write into it. */
  readonly cache: (layer: number, part: 'k' | 'v') => Float64Array
}

export function evaluate(outputs: readonly Node[], leaves: Leaves): readonly Tensor[] {
  const shape = (sizes: readonly Size[]): readonly number[] =>
    sizes.map(s => {
      const n = typeof s === 'number' ? s : leaves.dims[s.name]
      if (n === undefined) throw new WeftError({ where: 'evaluate', what: `no value for dim ${showShape([s])}` })
      return n
    })
  return evaluateWith(outputs, new Map(), n => {
    const at = shape(n.type.shape)
    if (n.op === inputOp) return { shape: at, data: leaves.input(n.attributes['name'] as string) }
    if (n.op === weightOp) return { shape: at, data: leaves.weight(n) }
    if (n.op === cacheOp) return { shape: at, data: leaves.cache(n.attributes['layer'] as number, n.attributes['part'] as 'k' | 'v') }
    return null
  }, shape)
}

/** Evaluates `outputs` given values for some nodes and for leaves; the way one op is judged by itself. */
export function evaluateWith(
  outputs: readonly Node[],
  given: ReadonlyMap<Node, Tensor>,
  leaf: (n: Node) => Tensor | null,
  shape: (sizes: readonly Size[]) => readonly number[],
): readonly Tensor[] {
  const known = new Map<Node, readonly Tensor[]>([...given].map(([n, t]) => [n, [t]]))
  const value = (n: Node): readonly Tensor[] => {
    const done = known.get(n)
    if (done) return done
    const made = compute(n)
    known.set(n, made)
    return made
  }
  const compute = (n: Node): readonly Tensor[] => {
    const own = leaf(n)
    if (own) return [own]
    if (n.op.name === 'output') return [value(n.inputs[0]!)[n.attributes['index'] as number]!]
    const inputs = inputsOf(n)
    if (n.op.meaning) {
      // The meaning's own nodes are evaluated over the values its inputs already have.
      for (const i of Object.values(inputs)) value(i)
      const meant = n.op.meaning(inputs, n.attributes)
      return (Array.isArray(meant) ? (meant as readonly Node[]) : [meant as Node]).map(m => value(m)[0]!)
    }
    const tensors = Object.fromEntries(Object.entries(inputs).map(([name, i]) => [name, value(i)[0]!]))
    const out = n.op.evaluate!(tensors, n.attributes, n.types.map(t => shape(t.shape)))
    return Array.isArray(out) ? (out as readonly Tensor[]) : [out as Tensor]
  }
  return outputs.map(o => value(o)[0]!)
}
