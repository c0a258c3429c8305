/** What all attention schedules start from: sizes, parameters, and where a position of a sequence lies in the cache. */
import { inputsOf, type Node } from '../../graph/op.js'
import { amount, type Extent, type KernelBuilder } from '../builder.js'
import type { Cost } from '../kernel.js'
import { nodeArg, type Arg, type Context } from '../schedule.js'
import { pageSize } from '../state.js'
import { select, type Value } from '../value.js'

export interface AttentionProblem {
  readonly rows: Extent
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  /** Query heads that read one kv head. */
  readonly group: number
  readonly window: number | null
  readonly scale: number
  /** Pages one sequence may come to use: of the context limit, so that a growing cache needs no other kernel. */
  readonly pages: number
  readonly args: Readonly<Record<string, Arg>>
  readonly cost: Cost
}

export function attentionProblem(node: Node, context: Context): AttentionProblem {
  const { q, k, v } = inputsOf(node)
  const [heads, headDim] = q!.type.shape.slice(1) as [number, number]
  const kvHeads = k!.type.shape[1] as number
  const rows = context.extent(q!.type.shape[0]!)
  const window = node.attributes['window'] as number | null
  const limit = context.state.pages * pageSize
  const depth = Math.min(limit, window ?? limit)
  const element = context.kv === 'f16' ? 2 : 4
  return {
    rows, heads, kvHeads, headDim, group: heads / kvHeads, window, scale: node.attributes['scale'] as number,
    pages: context.state.pages,
    args: { q: nodeArg(q!), k: nodeArg(k!), v: nodeArg(v!), out: nodeArg(node) },
    // At a full cache: an upper bound; the live depth is not a dim of the plan.
    cost: { bytes: amount(rows, heads * headDim * 8, 2 * depth * kvHeads * headDim * element), flops: amount(rows, 4 * heads * headDim * depth) },
  }
}

/** The first position a query at `position` attends to. */
export function windowStart(k: KernelBuilder, p: AttentionProblem, position: Value): Value {
  if (p.window === null) return k.const('u32', 0)
  return k.let('start', select(position.ge(p.window), position.sub(p.window - 1), 0))
}

/** First slot of a page of a sequence. */
export function pageSlot(k: KernelBuilder, context: Context, sequence: Value, page: Value): Value {
  return k.input('pageTable', sequence.mul(context.state.pages).add(page)).mul(pageSize)
}

/** The most negative finite float: a score that never wins, and never makes a NaN of a difference. */
export const lowest = -3.4028234663852886e38
