/**
 * The search for the fastest schedule and knobs of each class of problem in a model's plans: a few candidates at random beside
 * the untuned choice and the one the chip's model thinks best, then from the fastest to its neighbours, one knob at a time, until none is
 * faster, the roof is near, or the time is up. Candidates are compiled several at once; one whose results differ from the
 * reference, that does not compile, or that spills registers is never timed. What was tried is kept as it is found, so
 * that an interrupted search goes on where it was. A winner is timed in turn with the untuned choice before it is kept.
 */
import { compile, targets, type CompileOptions, type PlanName } from '../codegen/compile.js'
import { amountOf, statements } from '../codegen/kernel.js'
import { extentMax } from '../codegen/builder.js'
import type { Roof } from '../codegen/roof.js'
import { attempt, choose, estimateSteps, knobChoices, type Context, type Lowered, type Schedule } from '../codegen/schedule.js'
import { schedules } from '../codegen/schedules/index.js'
import { tuneKey, type TunedChoice } from '../codegen/tuned.js'
import { shareOf } from '../engine/roof.js'
import { knownTuning, saveTuning, type Tuning } from '../engine/tuned.js'
import { WeftError } from '../graph/error.js'
import type { Config } from '../graph/models/config.js'
import type { Node } from '../graph/op.js'
import type { WeightType } from '../graph/models/llama.js'
import type { Backend, Program } from '../runtime/backend.js'
import { TuneProblem, type Candidate } from './tune-problem.js'

export interface TuneOptions {
  readonly roof: Roof
  readonly seconds: number
  /** Plans whose problems are tuned. */
  readonly plans: readonly PlanName[]
  /** Only problems of this op. */
  readonly op: string | null
  /** Tries again what was tried before. */
  readonly anew: boolean
  readonly signal: AbortSignal | null
  readonly log: (line: string) => void
}

/** One class of problem, and what the search made of it. */
export interface Tuned {
  readonly key: string
  readonly plan: PlanName
  readonly launches: number
  readonly untuned: { readonly name: string; readonly us: number; readonly estimate: number | null }
  /** What the model of the chip would take, were nothing measured. */
  readonly modelled: { readonly name: string; readonly us: number | null }
  readonly best: { readonly name: string; readonly us: number; readonly estimate: number | null }
  readonly share: number
  readonly candidates: number
  readonly rejected: number
  /** Spearman's rank correlation of estimates and times over all that were timed; null for fewer than three. */
  readonly correlation: number | null
}

interface Choice {
  readonly schedule: Schedule
  readonly knobs: Readonly<Record<string, number>>
}
interface Problem {
  readonly key: string
  readonly node: Node
  readonly context: Context
  readonly plan: PlanName
  readonly launches: number
}

const atOnce = 6
const randomFirst = 6
/** Milliseconds below which a search is not begun with: a compilation takes most of it. */
const leastSlice = { gpu: 1500, cpu: 4000 } as const
/** Share of the roof at which a search ends. */
const near = 0.92
/** How much faster a winner must be, timed in turn. */
const worthwhile = 0.98

const nameOf = ({ schedule, knobs }: Choice): string => `${schedule.name} ${Object.entries(knobs).map(([k, v]) => `${k} ${v}`).join(' ')}`.trim()

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

class Search {
  private readonly choices: readonly Choice[]
  private readonly times = new Map<string, number | string>()
  private readonly lowered = new Map<string, Lowered>()
  private readonly programs = new Map<string, { readonly program: Program; readonly candidate: Candidate }>()
  private problem: TuneProblem | null = null
  private best: { readonly choice: Choice; readonly us: number } | null = null
  private count = 0

  constructor(private readonly backend: Backend, private readonly p: Problem, private readonly options: TuneOptions, private readonly until: number) {
    this.choices = schedules.filter(s => s.op === p.node.op.name).flatMap(schedule => [...knobChoices(schedule)].map(knobs => ({ schedule, knobs })))
    if (!options.anew) for (const [name, result] of Object.entries(knownTuning(backend).tried[p.key] ?? {})) this.times.set(name, result)
  }

  private get over(): boolean {
    return performance.now() >= this.until || this.options.signal?.aborted === true
  }

  async run(): Promise<Tuned | null> {
    const { p, backend } = this
    const legal = this.choices.filter(c => this.lower(c) !== null)
    // What is taken when nothing is known: the first that accepts, in the order of schedules and knobs.
    const [untuned] = legal
    if (untuned === undefined || legal.length < 2) return null
    const modelled = legal.find(c => nameOf(c) === this.modelledName()) ?? untuned
    this.problem = new TuneProblem(backend, p.node, p.context)
    try {
      const again = this.times.get(nameOf(untuned))
      this.times.delete(nameOf(untuned))
      // Always measured now, and first: what others are timed and compared with.
      const start = [modelled, ...this.draw(legal, randomFirst)].filter(c => c !== untuned && !this.times.has(nameOf(c)))
      await this.measure([untuned, ...new Set(start)].slice(0, atOnce))
      const base = this.times.get(nameOf(untuned))
      if (typeof base !== 'number') throw new WeftError({ where: 'tune', what: `${p.key}: the untuned kernel ${nameOf(untuned)} ${base ?? again ?? 'cannot be timed'}` })
      for (const c of legal) this.consider(c)
      while (!this.over && this.shareOfBest() < near) {
        const from = this.best!
        const around = legal.filter(c => !this.times.has(nameOf(c)) && this.isNeighbour(from.choice, c))
        if (around.length === 0) {
          // Nothing near is left untried: another start, as long as there is time.
          const elsewhere = this.draw(legal.filter(c => !this.times.has(nameOf(c))), atOnce)
          if (elsewhere.length === 0) break
          await this.measure(elsewhere)
        } else await this.measure(around.slice(0, atOnce))
      }
      return await this.finish(untuned, modelled, legal)
    } finally {
      this.problem.close()
    }
  }

  private modelledName(): string {
    const chosen = choose(schedules, this.p.node, { ...this.p.context, roof: this.options.roof })
    if (!('steps' in chosen)) return ''
    const schedule = schedules.find(s => s.name === chosen.schedule)!
    // The same kernels tell which knobs they were made with.
    const wanted = JSON.stringify(chosen.steps.map(s => s.kernel))
    const knobs = [...knobChoices(schedule)].find(k => JSON.stringify(this.lower({ schedule, knobs: k })?.steps.map(s => s.kernel)) === wanted)
    return knobs === undefined ? '' : nameOf({ schedule, knobs })
  }

  private lower(c: Choice): Lowered | null {
    const known = this.lowered.get(nameOf(c))
    if (known !== undefined) return known
    const made = attempt(c.schedule, this.p.node, this.p.context, c.knobs)
    if ('reject' in made) return null
    this.lowered.set(nameOf(c), made)
    return made
  }

  private draw(from: readonly Choice[], count: number): readonly Choice[] {
    return [...from].map(c => ({ c, at: Math.random() })).sort((a, b) => a.at - b.at).slice(0, count).map(d => d.c)
  }

  private isNeighbour(a: Choice, b: Choice): boolean {
    if (a.schedule !== b.schedule) return false
    return Object.keys(a.knobs).filter(k => a.knobs[k] !== b.knobs[k]).length === 1
  }

  private consider(choice: Choice): void {
    const us = this.times.get(nameOf(choice))
    if (typeof us === 'number' && (this.best === null || us < this.best.us)) this.best = { choice, us }
  }

  private async measure(choices: readonly Choice[]): Promise<void> {
    for (let from = 0; from < choices.length && (!this.over || this.best === null); from += atOnce) {
      const part = choices.slice(from, from + atOnce)
      await this.compileAll(part)
      for (const c of part) {
        const name = nameOf(c)
        const compiled = this.programs.get(name)
        if (compiled === undefined || this.options.signal?.aborted || (this.over && this.times.size >= 3)) continue
        this.times.set(name, await this.judge(compiled))
        this.consider(c)
      }
      this.save()
    }
  }

  /** All in one program; where that fails, one by one, to find the ones at fault. */
  private async compileAll(choices: readonly Choice[]): Promise<void> {
    const attempt = async (own: readonly Choice[]): Promise<void> => {
      const named = own.map(c => {
        const lowered = this.lower(c)!
        const id = this.count++
        return { c, candidate: { lowered, names: lowered.steps.map((_, i) => `t${id}_${i}`) } }
      })
      const kernels = named.flatMap(({ candidate }) => candidate.lowered.steps.map((s, i) => ({ ...s.kernel, name: candidate.names[i]! })))
      const program = await this.backend.compile(targets[this.backend.caps.target].render(kernels, this.backend.caps))
      for (const { c, candidate } of named) this.programs.set(nameOf(c), { program, candidate })
    }
    try {
      await attempt(choices)
    } catch (error) {
      if (!(error instanceof WeftError)) throw error
      for (const c of choices) {
        try {
          await attempt([c])
        } catch (own) {
          if (!(own instanceof WeftError)) throw own
          this.times.set(nameOf(c), `does not compile: ${own.message.slice(0, 200)}`)
        }
      }
    }
  }

  private async judge({ program, candidate }: { readonly program: Program; readonly candidate: Candidate }): Promise<number | string> {
    const spilled = Math.max(0, ...candidate.names.map(n => program.resources?.(n)?.spilledBytes ?? 0))
    if (spilled > 0) return `spills ${spilled} bytes a thread`
    try {
      const wrong = await this.problem!.check(program, candidate)
      if (wrong !== null) return wrong
      return await this.problem!.time(program, candidate, (this.best?.us ?? Infinity) * 1.5)
    } catch (error) {
      if (!(error instanceof WeftError)) throw error
      return `fails: ${error.message.slice(0, 200)}`
    }
  }

  private shareOfBest(): number {
    const { best, p } = this
    if (best === null) return 0
    const { steps } = this.lower(best.choice)!
    const dims = { tokens: extentMax(p.context.extent({ name: 'tokens', max: 1 })), outputs: 1 }
    const sum = (what: 'bytes' | 'flops'): number => steps.reduce((n, s) => n + amountOf(s.kernel.cost[what], dims), 0)
    const matrix = steps.some(s => [...statements(s.kernel.body)].some(t => t.kind === 'matrixMultiply'))
    return shareOf(this.options.roof, { bytes: sum('bytes'), flops: sum('flops'), microseconds: best.us, matrix }).share
  }

  private async finish(untuned: Choice, modelled: Choice, legal: readonly Choice[]): Promise<Tuned> {
    const { p, options } = this
    const { choice, us } = this.best!
    let [before, after] = [this.times.get(nameOf(untuned)) as number, us]
    if (choice !== untuned) {
      if (!this.programs.has(nameOf(choice))) await this.compileAll([choice])
      const [a, b] = [this.programs.get(nameOf(untuned))!, this.programs.get(nameOf(choice))!]
      // In turn, so that what the machine does meanwhile meets both.
      const duel = { before: Infinity, after: Infinity }
      for (let i = 0; i < 3; i++) {
        duel.before = Math.min(duel.before, await this.problem!.time(a.program, a.candidate, Infinity))
        duel.after = Math.min(duel.after, await this.problem!.time(b.program, b.candidate, Infinity))
      }
      ;[before, after] = [duel.before, duel.after]
    }
    const won = choice !== untuned && after < before * worthwhile
    this.save(won ? { schedule: choice.schedule.name, knobs: choice.knobs, us: after, untunedUs: before } : null)
    const estimated = (c: Choice): number | null => estimateSteps(this.lower(c)!, p.context, options.roof)
    const timed = legal.flatMap(c => {
      const [t, e] = [this.times.get(nameOf(c)), estimated(c)]
      return typeof t === 'number' && e !== null ? [{ t, e }] : []
    })
    const best = won ? choice : untuned
    const model = this.times.get(nameOf(modelled))
    return {
      key: p.key, plan: p.plan, launches: p.launches,
      untuned: { name: nameOf(untuned), us: before, estimate: estimated(untuned) },
      modelled: { name: nameOf(modelled), us: modelled === untuned ? before : typeof model === 'number' ? model : null },
      best: { name: nameOf(best), us: won ? after : before, estimate: estimated(best) },
      share: this.shareOfBest(), candidates: this.times.size, rejected: [...this.times.values()].filter(t => typeof t === 'string').length,
      correlation: rankCorrelation(timed.map(x => x.t), timed.map(x => x.e)),
    }
  }

  /** Keeps what was tried, and a winner; `null` says there is none. */
  private save(winner?: TunedChoice | null): void {
    const known = knownTuning(this.backend)
    const { [this.p.key]: _, ...others } = known.entries
    const entries = winner === undefined ? known.entries : winner === null ? others : { ...others, [this.p.key]: winner }
    saveTuning(this.backend, { ...known, entries, tried: { ...known.tried, [this.p.key]: Object.fromEntries(this.times) } } satisfies Tuning)
  }
}

/** Spearman's rank correlation, with mean ranks for ties; null for fewer than three, or where one of the two is constant. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number | null {
  if (a.length < 3) return null
  const ranks = (values: readonly number[]): readonly number[] => values.map(v => values.filter(o => o < v).length + (values.filter(o => o === v).length - 1) / 2)
  const [x, y] = [ranks(a), ranks(b)]
  const middle = (a.length - 1) / 2
  const [cross, xx, yy] = x.reduce(([c, p, q], v, i) => [c + (v - middle) * (y[i]! - middle), p + (v - middle) ** 2, q + (y[i]! - middle) ** 2], [0, 0, 0] as [number, number, number])
  return xx === 0 || yy === 0 ? null : cross / Math.sqrt(xx * yy)
}
