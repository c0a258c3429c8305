/**
 * Tracing: the output of every op of a run under the names of `graph/points.ts`. A device runs the launches of one node at
 * a time and is read between them, since an arena forgets a value as soon as nothing needs it; the evaluator is
 * asked for more outputs. Fusion hides what its ops pass on inside, so a trace that wants a hidden op runs without it.
 */
import type { Compiled, PlanName } from '../codegen/compile.js'
import { pageSize } from '../codegen/state.js'
import type { Plan } from '../codegen/plan.js'
import { check, WeftError } from '../graph/error.js'
import type { Graph } from '../graph/graph.js'
import type { Config } from '../graph/models/config.js'
import { llama } from '../graph/models/llama.js'
import { inputsOf, type Node, type Tensor } from '../graph/op.js'
import { points, weightRows, type Point } from '../graph/points.js'
import type { BoundPlan } from '../runtime/backend.js'
import { notFiniteWhere } from './executor.js'
import { launchGroups, type LaunchGroup } from './launch-groups.js'
import { PlanMemory, Replay, type ReplayParts } from './replay.js'
import type { Model, TraceSink } from './types.js'

/** Rows of an op's values, one for each token, in the order of the prompt. */
export interface Traced {
  readonly name: string
  /** [tokens, …] */
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** Whether a name fits a pattern: `*` stands for any text, a comma separates alternatives. */
export function matches(pattern: string): (name: string) => boolean {
  const parts = pattern.split(',').map(p => p.trim()).filter(p => p !== '')
  const tests = parts.map(p => new RegExp(`^${p.split('*').map(t => t.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`))
  return name => tests.some(t => t.test(name))
}

/** Gathers what a run gives, chunk by chunk. */
export class TraceRecorder implements TraceSink {
  private readonly parts = new Map<string, { readonly row: readonly number[]; readonly chunks: Float32Array[] }>()

  constructor(readonly wants: (name: string) => boolean = () => true) {}

  take(name: string, row: readonly number[], values: Float32Array): void {
    const known = this.parts.get(name)
    if (known) known.chunks.push(values)
    else this.parts.set(name, { row, chunks: [values] })
  }

  /** What was recorded, by name, in the order of the computation. */
  tensors(): ReadonlyMap<string, Traced> {
    return new Map([...this.parts].map(([name, { row, chunks }]) => {
      const data = chunks.length === 1 ? chunks[0]! : new Float32Array(chunks.reduce((n, c) => n + c.length, 0))
      if (chunks.length > 1) chunks.reduce((at, c) => (data.set(c, at), at + c.length), 0)
      return [name, { name, shape: [data.length / row.reduce((a, b) => a * b, 1), ...row], data }]
    }))
  }
}

/**
 * Runs `ids` through a model that was loaded with a sink, `chunk` at a time, so that the sink is given all of their rows. Where
 * logits are not finite it ends there, with the rows so far: finding out why is what traces are for.
 */
export async function runTraced(model: Model, ids: Uint32Array, chunk = ids.length): Promise<void> {
  const session = model.session()
  try {
    for (let at = 0; at < ids.length; at += chunk) await session.logits(ids.subarray(at, at + chunk))
  } catch (error) {
    if (!(error instanceof WeftError) || error.where !== notFiniteWhere) throw error
  } finally {
    session.close()
  }
}

/** The names of all ops of a model, in the order of the computation. */
export function opNames(config: Config): readonly string[] {
  const declared = llama(config, () => 'f32', { rows: 1, sequences: 1, slots: pageSize, pages: 1 })
  return points(declared, weightRows(declared)).map(p => p.name)
}

/** The points of a graph that a sink wants. */
export function wantedPoints(g: Graph, declared: Graph, sink: TraceSink): readonly Point[] {
  const known = new Set(points(declared, weightRows(declared)).map(p => p.name))
  return points(g, weightRows(declared)).filter(p => known.has(p.name) && sink.wants(p.name))
}

/** Names a sink wants that some plan of a prompt never writes to memory, because fusion keeps them inside an op. */
export function hiddenNames({ graph, plans }: Compiled, sink: TraceSink): readonly string[] {
  const used: readonly PlanName[] = ['decode', 'small', 'prefill']
  const visible = used.map(name => new Set(wantedPoints(plans[name].graph, graph, sink).map(p => p.name)))
  return wantedPoints(graph, graph, sink).map(p => p.name).filter(name => !visible.every(v => v.has(name)))
}

/** The rows of an op's value: its columns of a product, or its slots of a cache. @param slots of this run's tokens */
export function pointRows(p: Point, { shape, data }: Tensor, slots: ArrayLike<number>): { readonly row: readonly number[]; readonly values: Float32Array } {
  const width = shape.slice(1).reduce((a, b) => a * b, 1)
  if (p.inCache) {
    const values = new Float32Array(slots.length * width)
    for (let t = 0; t < slots.length; t++) values.set(data.subarray(slots[t]! * width, (slots[t]! + 1) * width), t * width)
    return { row: shape.slice(1), values }
  }
  if (!p.columns) return { row: shape.slice(1), values: Float32Array.from(data) }
  const { from, to } = p.columns
  const rows = data.length / width
  const values = new Float32Array(rows * (to - from))
  for (let r = 0; r < rows; r++) values.set(data.subarray(r * width + from, r * width + to), r * (to - from))
  return { row: [to - from], values }
}

/** The first `rows` rows of everything. */
export function firstRows(tensors: ReadonlyMap<string, Traced>, rows: number): ReadonlyMap<string, Traced> {
  return new Map([...tensors].map(([name, { shape, data }]) => [name, { name, shape: [rows, ...shape.slice(1)], data: data.subarray(0, (data.length / shape[0]!) * rows) }]))
}

/** Runs plans node by node, handing each wanted value on. */
export function tracing(parts: ReplayParts, sink: TraceSink): (plan: Plan, bound: BoundPlan) => Promise<void> {
  const { backend, compiled } = parts
  interface Prepared {
    readonly groups: readonly LaunchGroup[]
    readonly memory: PlanMemory
    readonly wanted: ReadonlyMap<Node, readonly Point[]>
  }
  const replay = new Replay(parts)
  const prepared = new WeakMap<BoundPlan, Prepared>()
  const prepare = (plan: Plan, bound: BoundPlan): Prepared => {
    const wanted = new Map<Node, Point[]>()
    for (const p of wantedPoints(plan.graph, compiled.graph, sink)) wanted.set(p.node, [...(wanted.get(p.node) ?? []), p])
    const made = { groups: launchGroups(backend, plan, bound), memory: new PlanMemory(plan, bound, compiled.pageBytes / pageSize), wanted }
    prepared.set(bound, made)
    return made
  }
  return async (plan, bound) => {
    const { groups, memory, wanted } = prepared.get(bound) ?? prepare(plan, bound)
    const dims = await replay.dims(bound)
    for (const { node, recording } of groups) {
      await backend.run(recording).done
      for (const p of (node && wanted.get(node)) ?? []) {
        const value = await replay.output(p.node, p.output, memory, dims)
        const slots = p.inCache ? (await replay.output(inputsOf(p.node)['slots']!, 0, memory, dims)).data : []
        const { row, values } = pointRows(p, value, slots)
        sink.take(p.name, row, values)
      }
    }
  }
}

/** Throws a WeftError naming the pattern where it fits no op of the model. */
export function checkPattern(pattern: string, names: readonly string[]): void {
  const wanted = matches(pattern)
  check(names.some(wanted), '--ops', `no op of the model fits ${JSON.stringify(pattern)}`, `names such as ${['embed_tokens', ...names.filter(n => /^layers\.0\.self_attn/.test(n)).slice(0, 3), 'lm_head'].join(', ')}; * stands for any text`)
}
