/**
 * What each column of a weight meets: the mean square of the inputs of every product, over a text that the model itself reads. Plans
 * run product by product, unfused, and the input is read from the device after each; a quantizer weighs the errors of a column by it.
 */
import { weightOp } from '../graph/graph.js'
import { inputsOf, type Node } from '../graph/op.js'
import { check } from '../graph/error.js'
import { pageSize } from '../codegen/state.js'
import type { Plan } from '../codegen/plan.js'
import type { BoundPlan, Recording } from '../runtime/backend.js'
import { dequantize } from '../weights/dequantize.js'
import { load } from './load.js'
import type { Observe, ObserveParts } from './observe.js'
import { PlanMemory, Replay } from './replay.js'
import type { LoadOptions } from './types.js'

/** Tokens the model reads at a time, each time from nothing. */
const window = 512

/** Sums of squares of one product's inputs, by column. */
interface Sums {
  readonly squares: Float64Array
  rows: number
}

/** Mean squares by the weight's name. Throws when the text has too few tokens to say anything. */
export async function calibrate(path: string, text: string, tokens: number, options: LoadOptions): Promise<ReadonlyMap<string, Float32Array>> {
  const sums = new Map<string, Sums>()
  const model = await load(path, { ...options, fuse: false, context: window, chunk: Math.min(options.chunk ?? window, window) }, { observe: parts => collecting(parts, sums) })
  try {
    const ids = model.tokenize(text).subarray(0, tokens)
    check(ids.length >= 2, '--calibrate', 'tokens of the text', 'at least 2', `${ids.length}`)
    const limit = Math.min(window, model.context)
    for (let from = 0; from < ids.length; from += limit) {
      const session = model.session()
      const own = ids.subarray(from, from + limit)
      await session.logits(own, [own.length - 1])
      session.close()
    }
  } finally {
    await model.close()
  }
  return new Map([...sums].map(([name, { squares, rows }]) => [name, Float32Array.from(squares, s => s / rows)]))
}

/** The product that a launch computes, where it has a weight of the model and reads rows. */
function productOf(node: Node | null): { readonly x: Node; readonly order: string | null; readonly tensors: readonly string[] } | null {
  if (node === null || (node.op.name !== 'linear' && node.op.name !== 'fusedLinear')) return null
  const { x, weight } = inputsOf(node)
  const order = x?.op.name === 'columns' ? (x.inputs[1]!.attributes['tensors'] as readonly string[])[0]! : null
  return x && weight?.op === weightOp ? { x, order, tensors: weight.attributes['tensors'] as readonly string[] } : null
}

function collecting(parts: ObserveParts, sums: Map<string, Sums>): Observe {
  const { backend, compiled, source } = parts
  const replay = new Replay(parts)
  const prepared = new WeakMap<BoundPlan, { readonly pieces: readonly { readonly node: Node | null; readonly recording: Recording }[]; readonly memory: PlanMemory }>()
  const prepare = (plan: Plan, bound: BoundPlan): NonNullable<ReturnType<typeof prepared.get>> => {
    // A piece ends with the last launch of a product: its input still stands there.
    const ends = plan.launches.flatMap((l, i) => (i === plan.launches.length - 1 || (productOf(l.node) !== null && plan.launches[i + 1]!.node !== l.node) ? [i + 1] : []))
    const pieces = ends.map((end, n) => {
      const from = n === 0 ? 0 : ends[n - 1]!
      return { node: plan.launches[end - 1]!.node, recording: backend.record({ ...bound, label: `${bound.label}, launch ${from}`, launches: bound.launches.slice(from, end) }) }
    })
    const made = { pieces, memory: new PlanMemory(plan, bound, compiled.pageBytes / pageSize) }
    prepared.set(bound, made)
    return made
  }
  return async (plan, bound) => {
    const { pieces, memory } = prepared.get(bound) ?? prepare(plan, bound)
    const dims = await replay.dims(bound)
    for (const { node, recording } of pieces) {
      await backend.time(recording)
      const product = productOf(node)
      if (product === null) continue
      const { data, shape } = await replay.activation(product.x, memory, dims)
      const width = shape.at(-1)!
      // Inputs in another order are counted where the model has them.
      const order = product.order === null ? null : dequantize(source, source.tensors.get(product.order)!)
      for (const name of product.tensors) {
        const own = sums.get(name) ?? { squares: new Float64Array(width), rows: 0 }
        sums.set(name, own)
        for (let i = 0; i < data.length; i++) own.squares[order ? order[i % width]! : i % width]! += data[i]! * data[i]!
        own.rows += data.length / width
      }
    }
  }
}
