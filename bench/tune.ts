/**
 * Tuning of a model's shapes on a device: the distinct classes of problem in its plans, each searched for its share of the time, those
 * that weigh most first. The search of one is in `tune-search.ts`, how a candidate is checked and timed in `tune-problem.ts`.
 */
import { compile, type CompileOptions, type PlanName } from '../codegen/compile.js'
import type { Roof } from '../codegen/roof.js'
import { choose, estimateSteps, type Context, type Schedule } from '../codegen/schedule.js'
import { schedules } from '../codegen/schedules/index.js'
import { tuneKey } from '../codegen/tuned.js'
import { WeftError } from '../graph/error.js'
import type { Config } from '../graph/models/config.js'
import type { Node } from '../graph/op.js'
import type { WeightType } from '../graph/models/llama.js'
import type { Backend } from '../runtime/backend.js'
import { TuneProblem } from './tune-problem.js'
import { Search, type Problem, type SearchOptions, type Tuned } from './tune-search.js'

export interface TuneOptions extends SearchOptions {
  readonly seconds: number
  /** Plans whose problems are tuned. */
  readonly plans: readonly PlanName[]
  /** Only problems of this op. */
  readonly op: string | null
}

/** Milliseconds below which a search is not begun with: a compilation takes most of it. */
const leastSlice = { gpu: 1500, cpu: 4000 } as const

/** The distinct problems of a model's plans, with how often each is launched. */
function problemsOf(config: Config, typeOf: WeightType, options: CompileOptions, plans: readonly PlanName[]): readonly Problem[] {
  // Schedules see every node together with where it will run: nothing else has both.
  const met = new Map<string, { readonly node: Node; readonly context: Context }>()
  const seen = schedules.map((s): Schedule => ({ ...s, make: (node, context, knobs) => {
    const key = tuneKey(node, context)
    if (!met.has(key)) met.set(key, { node, context })
    return s.make(node, context, knobs)
  } }))
  const compiled = compile(config, typeOf, { ...options, schedules: seen })
  const problems = new Map<string, Problem>()
  for (const plan of plans) {
    const { dims, launches } = compiled.plans[plan]
    const nodes = new Set(launches.map(l => l.node))
    for (const node of nodes) {
      if (node === null) continue
      const key = tuneKey(node, { extent: size => (typeof size === 'number' ? size : dims[size.name] ?? size.max), compute: options.compute, kv: options.kv })
      const known = met.get(key)
      if (known === undefined || !TuneProblem.fits(known.node)) continue
      const before = problems.get(key)
      problems.set(key, { key, ...known, plan: before?.plan ?? plan, launches: (before?.launches ?? 0) + 1 })
    }
  }
  return [...problems.values()]
}

export async function* tune(backend: Backend, config: Config, typeOf: WeightType, compileOptions: CompileOptions, options: TuneOptions): AsyncGenerator<Tuned> {
  const { tuned: _, ...untuned } = compileOptions
  const problems = problemsOf(config, typeOf, untuned, options.plans).filter(p => options.op === null || p.node.op.name === options.op)
  if (problems.length === 0) throw new WeftError({ where: '--op', what: 'no problem to tune', expected: 'an op of the model whose schedules have knobs', ...(options.op === null ? {} : { got: options.op }), exitCode: 2 })
  const weightOf = (p: Problem): number => p.launches * (estimateOf(p, options.roof) ?? 20)
  const ordered = problems.map(p => ({ p, weight: Math.max(1, weightOf(p)) })).sort((a, b) => b.weight - a.weight)
  const until = performance.now() + options.seconds * 1000
  let left = ordered.reduce((n, o) => n + Math.sqrt(o.weight), 0)
  for (const { p, weight } of ordered) {
    if (options.signal?.aborted || performance.now() >= until) break
    // Time in proportion to what there is to gain, but none so little that nothing can be tried.
    const slice = Math.max(leastSlice[backend.caps.simd ? 'cpu' : 'gpu'], ((until - performance.now()) * Math.sqrt(weight)) / left)
    left -= Math.sqrt(weight)
    const found = await new Search(backend, p, options, performance.now() + slice).run()
    if (found !== null) yield found
  }
}

function estimateOf({ node, context }: Problem, roof: Roof): number | null {
  const chosen = choose(schedules, node, context)
  return 'steps' in chosen ? estimateSteps(chosen, context, roof) : null
}
