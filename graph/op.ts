/**
 * An op is declared in one place: its name, its type rule, its meaning and samples. The meaning is either a
 * composition of simpler ops or, for a primitive, an evaluation over float64 arrays. Reference evaluation, shape
 * checks, the tests on every backend and the fuzzing all come from here.
 */
import { WeftError } from './error.js'
import { matchType, showShape, type Size, type TensorType } from './tensor.js'

export type Attribute = number | string | boolean | null | readonly number[] | readonly string[]
export type Attributes = Readonly<Record<string, Attribute>>

/** A tensor of the graph: what made it, from what. Nodes are immutable and compared by identity. */
export interface Node {
  readonly op: Op
  readonly inputs: readonly (Node | null)[]
  readonly attributes: Attributes
  /** One type for each output; most ops have one. */
  readonly types: readonly TensorType[]
  readonly type: TensorType
}

/** Values of a tensor while the reference evaluates: float64, or u32 ids; caches are shared and written in place. */
export interface Tensor {
  readonly shape: readonly number[]
  readonly data: Float64Array | Float32Array | Uint32Array
}

export type TypeOf = (name: string) => Size
export type Bound = { readonly size: TypeOf; readonly leading: readonly Size[] }

export interface Op {
  readonly name: string
  /** Pattern of each input; a name that ends in `?` may be absent. */
  readonly inputs: Readonly<Record<string, string>>
  /** Types of the outputs, from what the patterns bound. */
  readonly output: (bound: Bound, attributes: Attributes, types: Readonly<Record<string, TensorType>>) => TensorType | readonly TensorType[]
  /** A composition of simpler ops, one node for each output. */
  readonly meaning?: (inputs: Readonly<Record<string, Node>>, attributes: Attributes) => Node | readonly Node[]
  /** Evaluation of a primitive. */
  readonly evaluate?: (inputs: Readonly<Record<string, Tensor>>, attributes: Attributes, shapes: readonly (readonly number[])[]) => Tensor | readonly Tensor[]
  /** The input whose memory an output shares (the KV cache that an append returns), by output index. */
  readonly aliases?: Readonly<Record<number, string>>
  /** Small cases: sizes for the names in the patterns, and attributes. */
  readonly samples: readonly { readonly sizes: Readonly<Record<string, number | readonly number[]>>; readonly attributes: Attributes; readonly omit?: readonly string[] }[]
}

export function defineOp<const O extends Op>(op: O): O {
  return Object.freeze(op)
}

/** Makes a node, checking types where the graph is built. Inputs stand in the order of the op's declaration. */
export function node(op: Op, inputs: readonly (Node | null)[], attributes: Attributes = {}): Node {
  const names = Object.keys(op.inputs)
  const bound = new Map<string, Size | readonly Size[]>()
  const types: Record<string, TensorType> = {}
  const show = (): string => names.map((n, i) => (inputs[i] ? `${n.replace('?', '')} ${showShape(inputs[i]!.type.shape)}` : '')).filter(Boolean).join(', ')
  for (const [i, name] of names.entries()) {
    const input = inputs[i] ?? null
    if (input === null) {
      if (!name.endsWith('?')) throw new WeftError({ where: op.name, what: `input ${name} is missing` })
      continue
    }
    types[name.replace('?', '')] = input.type
    const wrong = matchType(op.inputs[name]!, input.type, bound)
    if (wrong) throw new WeftError({ where: op.name, what: `${name.replace('?', '')} ${wrong}: ${show()}` })
  }
  const size: TypeOf = n => {
    const s = bound.get(n)
    if (s === undefined || Array.isArray(s)) throw new WeftError({ where: op.name, what: `no size is called ${n}` })
    return s as Size
  }
  const out = op.output({ size, leading: (bound.get('...') ?? []) as readonly Size[] }, attributes, types)
  const outputs = (Array.isArray(out) ? out : [out]) as readonly TensorType[]
  return Object.freeze({ op, inputs: names.map((_, i) => inputs[i] ?? null), attributes: Object.freeze({ ...attributes }), types: outputs, type: outputs[0]! })
}

/** The inputs of a node by name. */
export function inputsOf(n: Node): Readonly<Record<string, Node>> {
  const named: Record<string, Node> = {}
  Object.keys(n.op.inputs).forEach((name, i) => {
    const input = n.inputs[i]
    if (input) named[name.replace('?', '')] = input
  })
  return named
}

/** A fixed size where the rule needs a number. */
export function fixed(op: string, name: string, s: Size): number {
  if (typeof s !== 'number') throw new WeftError({ where: op, what: `${name} must be known when the graph is built`, got: s.name })
  return s
}
