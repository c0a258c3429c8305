/**
 * Problems for schedules, made from the samples that ops declare: a node with values for all it reads, what its meaning
 * gives for them in float64, and the bytes of every buffer a schedule's kernels are bound to. Nothing here knows a
 * device: the interpreter and every backend run the same problems. What no kernel may read is filled with what would
 * show: rows beyond the live count with NaN, unused cache slots with large numbers, unused state with the largest u32.
 */
import type { Extent } from '../../codegen/builder.js'
import type { Caps } from '../../codegen/caps.js'
import { f16Bits, f16Values } from '../../codegen/interpret-numbers.js'
import type { Dims } from '../../codegen/kernel.js'
import type { Arg, Compute, Context, Lowered, Step } from '../../codegen/schedule.js'
import type { StateArray } from '../../codegen/state.js'
import { pageSize, stateLayout } from '../../codegen/state.js'
import { weightLayout } from '../../codegen/types/layout.js'
import { evaluateWith } from '../../graph/evaluate.js'
import { cacheOp, input, inputOp, weight, weightOp, cache } from '../../graph/graph.js'
import { inputsOf, node, type Attributes, type Node, type Op, type Tensor } from '../../graph/op.js'
import { takeOutput } from '../../graph/ops/attention.js'
import type { Size, TensorType } from '../../graph/tensor.js'
import { bounds } from './bounds.js'
import { Numbers, quantized, type QuantizedMatrix } from './quantized.js'

export type Sample = Op['samples'][number]

export interface Problem {
  readonly title: string
  readonly node: Node
  /** Live values of the dims. */
  readonly dims: Dims
  /** Upper bounds, for which buffers are made. */
  readonly max: Dims
  readonly kv: 'f32' | 'f16'
  readonly values: ReadonlyMap<Node, Tensor>
  readonly matrices: ReadonlyMap<Node, QuantizedMatrix>
  readonly arrays: Readonly<Partial<Record<StateArray, ArrayLike<number>>>>
  readonly sequences: number
  readonly pages: number
}

const isCacheInput = (pattern: string): boolean => pattern.startsWith('float[slots')
const weightNames: ReadonlySet<string> = new Set(['weight', 'norm', 'bias', 'qNorm', 'kNorm', 'order'])
const stateArrays: Readonly<Record<string, StateArray>> = {
  tokens: 'tokens', positions: 'positions', sequences: 'sequences', slots: 'slots', rows: 'outputRows', pageTable: 'pageTable',
}

export interface ProblemOptions {
  /** Row of the quantized-type table for a matrix of weights. */
  readonly type?: string
  readonly kv?: 'f32' | 'f16'
  /** Rows that buffers are made for beyond the live ones; without, sizes are fixed. */
  readonly spare?: number
}

/** A problem from a sample of an op, or from sizes of one's own. */
export function problem(op: Op, sample: Sample, options: ProblemOptions = {}): Problem {
  const { sizes, attributes } = sample
  const numbers = new Numbers(7)
  const spare = options.spare ?? 0
  const kv = options.kv ?? 'f32'
  const count = (name: string): number => sizes[name] as number
  const leading = sizes['...'] === undefined ? [] : [sizes['...']].flat() as readonly number[]
  const usesOutputs = Object.values(op.inputs).some(p => p.includes('outputs'))
  const tokens = leading[0] ?? sizes['tokens'] as number | undefined ?? 1
  const outputs = usesOutputs ? count('outputs') : 1
  const live: Dims = { tokens, outputs }
  const max: Dims = { tokens: tokens + spare, outputs: outputs + (usesOutputs ? spare : 0) }
  const sequences = (sizes['sequences'] as number | undefined) ?? 1
  const slots = (sizes['slots'] as number | undefined) ?? 2 * pageSize
  const pages = (sizes['pages'] as number | undefined) ?? Math.ceil(slots / pageSize)

  const size = (name: string): Size =>
    name === 'tokens' ? { name: 'tokens', max: max['tokens']! } : name === 'outputs' ? { name: 'outputs', max: max['outputs']! } : count(name)
  const shapeOf = (pattern: string): readonly Size[] => /\[(.*)\]/.exec(pattern)![1]!.split(',').map(s => s.trim()).flatMap((name): readonly Size[] =>
    name === '...' ? [size('tokens'), ...leading.slice(1)] : [size(name)])

  const place = places(tokens, sequences, pages, slots, numbers)
  const arrays: Partial<Record<StateArray, ArrayLike<number>>> = {
    ...place, tokens: numbers.integers(tokens, (sizes['vocab'] as number | undefined) ?? 100),
    outputRows: numbers.integers(outputs, tokens),
  }
  const values = new Map<Node, Tensor>()
  const matrices = new Map<Node, QuantizedMatrix>()
  const concrete = (shape: readonly Size[]): readonly number[] => shape.map(s => (typeof s === 'number' ? s : live[s.name]!))
  const inputs = Object.entries(op.inputs).map(([key, pattern]): Node | null => {
    const name = key.replace('?', '')
    if (sample.omit?.includes(name)) return null
    const shape = shapeOf(pattern)
    const at = concrete(shape)
    const total = at.reduce((a, b) => a * b, 1)
    const type: TensorType = { dtype: pattern.startsWith('u32') ? 'u32' : 'float', shape }
    if (type.dtype === 'u32') {
      const made = input(name, type)
      values.set(made, { shape: at, data: Uint32Array.from(arrays[stateArrays[name]!]!).slice(0, total) })
      return made
    }
    if (isCacheInput(pattern)) {
      const made = cache(0, name === 'v' ? 'v' : 'k', type)
      values.set(made, { shape: at, data: cacheValues(op, at, arrays, sequences, numbers, kv) })
      return made
    }
    if (weightNames.has(name)) {
      const made = weight([`test.${name}`], at.length === 2 ? options.type ?? 'f32' : 'f32', at)
      if (at.length === 2) {
        const matrix = quantized(options.type ?? 'f32', at[0]!, at[1]!, numbers)
        matrices.set(made, matrix)
        values.set(made, { shape: at, data: matrix.values })
      } else values.set(made, { shape: at, data: name === 'order' ? Float64Array.from(numbers.permutation(total)) : numbers.floats(total) })
      return made
    }
    const made = input(name, type)
    // Logits with ties, so that the order among equals is seen.
    values.set(made, { shape: at, data: name === 'logits' ? numbers.floats(total).map(v => Math.round(v * 200) / 8) : numbers.floats(total) })
    return made
  })
  const title = [
    op.name, ...Object.entries(sizes).map(([n, v]) => `${n} ${[v].flat().join('×')}`), ...(options.type === undefined ? [] : [options.type]),
    ...(kv === 'f16' ? ['kv f16'] : []), ...(spare > 0 ? ['live'] : []), ...(sample.omit ? [`without ${sample.omit.join(', ')}`] : []),
    ...shortAttributes(attributes),
  ].join(' ')
  return { title, node: node(op, inputs, attributes), dims: live, max, kv, values, matrices, arrays, sequences, pages }
}

function shortAttributes(attributes: Attributes): readonly string[] {
  return Object.entries(attributes).filter(([n, v]) => n !== 'eps' && !Array.isArray(v)).map(([n, v]) => `${n} ${v}`)
}

/** Where the tokens of several interleaved sequences stand, over pages in mixed order. */
function places(tokens: number, sequences: number, pages: number, slots: number, numbers: Numbers) {
  const ofSequence = Uint32Array.from({ length: tokens }, (_, t) => (t * 2 + (t >> 1)) % sequences)
  const next = Array.from({ length: sequences }, (_, s) => Math.max(0, (s % 2 === 0 ? Math.floor(pageSize * (pages - 1) * 0.95) : 3) + (tokens === 1 ? 60 : 0)))
  const positions = Uint32Array.from({ length: tokens }, (_, t) => Math.min(next[ofSequence[t]!]!++, pages * pageSize - 1))
  const free = numbers.permutation(slots / pageSize)
  const pageTable = new Uint32Array(sequences * pages)
  for (let s = 0; s < sequences; s++) {
    const last = Math.max(0, ...positions.filter((_, t) => ofSequence[t] === s))
    for (let p = 0; p <= Math.floor(last / pageSize); p++) pageTable[s * pages + p] = free.pop() ?? 0
  }
  const slotOf = (t: number): number => {
    const position = positions[t]!
    return pageTable[ofSequence[t]! * pages + Math.floor(position / pageSize)]! * pageSize + (position % pageSize)
  }
  return { positions, sequences: ofSequence, pageTable, slots: Uint32Array.from({ length: tokens }, (_, t) => slotOf(t)) }
}

/** Cache slots that a query may see hold numbers; the rest what a stale page might, far from them. */
function cacheValues(
  op: Op, shape: readonly number[], arrays: Partial<Record<StateArray, ArrayLike<number>>>, sequences: number, numbers: Numbers, kv: 'f32' | 'f16',
): Float64Array {
  const [slots, ...rest] = shape as [number, ...number[]]
  const width = rest.reduce((a, b) => a * b, 1)
  const data = numbers.floats(slots * width)
  if (op.name === 'attention') {
    const seen = new Set<number>()
    const pages = arrays.pageTable!.length / sequences
    for (let t = 0; t < arrays.positions!.length; t++) {
      for (let p = 0; p <= arrays.positions![t]!; p++) seen.add(arrays.pageTable![arrays.sequences![t]! * pages + Math.floor(p / pageSize)]! * pageSize + (p % pageSize))
    }
    for (let s = 0; s < slots; s++) if (!seen.has(s)) data.fill(3e4, s * width, (s + 1) * width)
  }
  return kv === 'f16' ? data.map(v => f16Values[f16Bits(v)]!) : data
}

/** What schedules are told: the sizes as this problem has them, on some chip. */
export function contextOf(p: Problem, caps: Caps, compute: Compute = 'f32'): Context {
  const extent = (dim: 'tokens' | 'outputs'): Extent => ({ dim, min: p.max[dim] === p.dims[dim] ? p.dims[dim]! : 1, max: p.max[dim]! })
  return {
    caps, compute, kv: p.kv,
    state: stateLayout(Math.max(8, p.max['tokens']!, p.max['outputs']!), p.sequences, p.pages * pageSize),
    extent: s => (typeof s === 'number' ? s : s.name === 'tokens' || s.name === 'outputs' ? extent(s.name) : s.max),
    layout: w => {
      const [rows, cols] = w.type.shape as readonly [number, number | undefined]
      return cols === undefined ? weightLayout('f32', 1, rows, caps.simd) : weightLayout(w.attributes['type'] as string, rows, cols, caps.simd)
    },
  }
}

/** Buffers of a problem for some steps, by key; `keyOf` says which a step's parameter is bound to. */
export interface Bound {
  readonly buffers: ReadonlyMap<string, Uint8Array>
  keyOf(step: Step, param: string): string
}

/** Where a node's output lies; views and appended caches lie where their input does. */
function slotOf(n: Node, output: number): { readonly node: Node; readonly output: number } {
  if (n.op.name === 'output') return slotOf(n.inputs[0]!, n.attributes['index'] as number)
  const alias = n.op.aliases?.[output]
  return alias === undefined ? { node: n, output } : slotOf(inputsOf(n)[alias]!, 0)
}

export function bind(p: Problem, context: Context, lowered: Lowered): Bound {
  const ids = new Map<Node, number>()
  const keyOfArg = (arg: Arg): string => {
    switch (arg.kind) {
      case 'state': return 'state'
      case 'scratch': return `scratch ${arg.name}`
      case 'constant': return `constant ${arg.constant.key}`
      case 'node': {
        const { node: n, output } = slotOf(arg.node, arg.output)
        if (!ids.has(n)) ids.set(n, ids.size)
        return n.op === inputOp && n.type.dtype === 'u32' ? 'state' : `node ${ids.get(n)} ${output}`
      }
      default: return arg satisfies never
    }
  }
  const buffers = new Map<string, Uint8Array>()
  const put = (arg: Arg): void => {
    const key = keyOfArg(arg)
    if (!buffers.has(key)) buffers.set(key, bytesOf(p, context, lowered, arg))
  }
  const outputs = p.node.types.map((_, output): Arg => ({ kind: 'node', node: p.node, output }))
  for (const arg of [{ kind: 'state' } as const, ...lowered.steps.flatMap(s => Object.values(s.args)), ...outputs]) put(arg)
  return { buffers, keyOf: (s, param) => keyOfArg(s.args[param]!) }
}

const asBytes = (a: Float32Array | Uint16Array | Uint32Array): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength)
const nans = (count: number): Float32Array => new Float32Array(count).fill(NaN)
const maxElements = (p: Problem, shape: readonly Size[]): number => shape.reduce<number>((n, s) => n * (typeof s === 'number' ? s : p.max[s.name]!), 1)

function bytesOf(p: Problem, context: Context, lowered: Lowered, arg: Arg): Uint8Array {
  switch (arg.kind) {
    case 'state': return asBytes(stateWords(p, context))
    case 'constant': return asBytes(Float32Array.from(arg.constant.data))
    case 'scratch': return asBytes(nans(lowered.scratch[arg.name]! / 4))
    case 'node': break
    default: return arg satisfies never
  }
  const { node: n, output } = slotOf(arg.node, arg.output)
  if (n.op === inputOp && n.type.dtype === 'u32') return asBytes(stateWords(p, context))
  const matrix = p.matrices.get(n)
  if (matrix) return matrix.encode(context.layout(n))
  const value = p.values.get(n)
  if (n.op === cacheOp) return p.kv === 'f16' ? asBytes(Uint16Array.from(value!.data, f16Bits)) : asBytes(Float32Array.from(value!.data))
  if (n.op === weightOp) return asBytes(Float32Array.from(value!.data))
  const data = nans(maxElements(p, n.types[output]!.shape))
  if (value) data.set(value.data)
  return asBytes(data)
}

function stateWords(p: Problem, context: Context): Uint32Array {
  const { state } = context
  const words = new Uint32Array(state.totalWords).fill(0xffffffff)
  words[state.words.tokens] = p.dims['tokens']!
  words[state.words.outputs] = p.dims['outputs']!
  words[state.words.step] = 0
  for (const [name, values] of Object.entries(p.arrays)) words.set(values, state.arrays[name as StateArray])
  return words
}

/** What the node's meaning gives, one tensor for each output. */
export function expected(p: Problem): readonly Tensor[] {
  const given = new Map([...p.values].map(([n, t]): [Node, Tensor] => {
    // Kernels read f32: so must the meaning. Caches are written in place, so each evaluation has its own.
    const data = t.data instanceof Uint32Array ? t.data : Float64Array.from(t.data, Math.fround)
    return [n, { shape: t.shape, data }]
  }))
  const shape = (sizes: readonly Size[]): readonly number[] => sizes.map(s => (typeof s === 'number' ? s : p.dims[s.name]!))
  return evaluateWith(p.node.types.map((_, i) => takeOutput(p.node, i)), given, () => null, shape)
}

/** The bits that outputs begin with. */
const poison = 0x7fc00000

/**
 * Compares the outputs in `buffers` with the meaning; returns what differs, or null. Every element has its own bound, ids
 * must be equal, and what lies beyond the live rows must still be as it was.
 * @param products the dtype products may have been made in
 */
export function difference(p: Problem, bound: Bound, outputs: readonly Tensor[], products: Compute = 'f32'): string | null {
  const allowed = bounds(p, outputs, products)
  for (const [output, want] of outputs.entries()) {
    const step: Step = { kernel: null as never, args: { out: { kind: 'node', node: p.node, output } } }
    const bytes = bound.buffers.get(bound.keyOf(step, 'out'))!
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
    const inCache = slotOf(p.node, output).node.op === cacheOp
    const got: ArrayLike<number> = want.data instanceof Uint32Array ? words
      : inCache && p.kv === 'f16'
        ? Float32Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2), h => f16Values[h]!)
        : new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
    const what = (i: number): string => `output ${output} of shape [${want.shape.join(', ')}]: element ${i} is ${got[i]}`
    for (let i = 0; i < want.data.length; i++) {
      if (!(Math.abs(got[i]! - want.data[i]!) <= allowed[output]![i]!)) return `${what(i)}, not ${want.data[i]} ± ${allowed[output]![i]}`
    }
    for (let i = want.data.length; !inCache && i < words.length; i++) if (words[i] !== poison) return `${what(i)}, beyond the live rows`
  }
  return null
}
