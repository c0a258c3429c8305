/**
 * The search for the fastest schedule and knobs of one class of problem: what is taken untuned and a few candidates at random, then from
 * the fastest to its neighbours, one knob at a time, until none is faster, the roof is near, or the time is up. Candidates
 * are compiled several at once; one whose results differ from the reference, that does not compile, or that spills
 * registers is never timed. What was tried is kept as it is found, so that an interrupted search goes on where it was. A
 * winner is timed in turn with the untuned choice before it is kept.
 */
import { targets, type PlanName } from '../codegen/compile.js'
import { extentMax } from '../codegen/builder.js'
import { amountOf, statements } from '../codegen/kernel.js'
import type { Roof } from '../codegen/roof.js'
import { attempt, choose, estimateSteps, knobChoices, type Context, type Lowered, type Schedule } from '../codegen/schedule.js'
import { schedules } from '../codegen/schedules/index.js'
import type { TunedChoice } from '../codegen/tuned.js'
import { shareOf } from '../engine/roof.js'
import { knownTuning, saveTuning, type Tuning } from '../engine/tuned.js'
import { WeftError } from '../graph/error.js'
import type { Node } from '../graph/op.js'
import type { Backend, Program } from '../runtime/backend.js'
import { rankCorrelation } from './numbers.js'
import { TuneProblem, type Candidate, type Timed } from './tune-problem.js'

/** A class of problem, by one node of it. */
export interface Problem {
  readonly key: string
  readonly node: Node
  readonly context: Context
  readonly plan: PlanName
  readonly launches: number
}

/** One class of problem, and what the search made of it. */
export interface Tuned {
  readonly key: string
  readonly plan: PlanName
  readonly launches: number
  /** What loading takes where nothing was tuned: the choice by the model of the chip. Microseconds by the device's clock, and by the host's. */
  readonly untuned: { readonly name: string; readonly us: number; readonly hostUs: number; readonly estimate: number | null }
  /** The first that accepts, without any model; null where it was not timed. */
  readonly first: { readonly name: string; readonly us: number | null }
  readonly best: { readonly name: string; readonly us: number; readonly estimate: number | null }
  readonly share: number
  readonly candidates: number
  readonly rejected: number
  /** Spearman's rank correlation of estimates and times over all that were timed; null for fewer than three. */
  readonly correlation: number | null
}

export interface SearchOptions {
  readonly roof: Roof
  /** Tries again what was tried before. */
  readonly anew: boolean
  readonly signal: AbortSignal | null
}

interface Choice {
  readonly schedule: Schedule
  readonly knobs: Readonly<Record<string, number>>
}

const atOnce = 6
const randomFirst = 6
/** Share of the roof at which a search ends. */
const near = 0.92
/** How much faster a winner must be, timed in turn. */
const worthwhile = 0.98

const nameOf = ({ schedule, knobs }: Choice): string => `${schedule.name} ${Object.entries(knobs).map(([k, v]) => `${k} ${v}`).join(' ')}`.trim()

export class Search {
  private readonly choices: readonly Choice[]
  private readonly times = new Map<string, number | string>()
  private readonly hostTimes = new Map<string, number>()
  private readonly lowered = new Map<string, Lowered>()
  private readonly programs = new Map<string, { readonly program: Program; readonly candidate: Candidate }>()
  private problem: TuneProblem | null = null
  /** The choice that loading takes where nothing was tuned. */
  private untuned: string | null = null
  private best: { readonly choice: Choice; readonly us: number } | null = null
  private count = 0

  constructor(private readonly backend: Backend, private readonly p: Problem, private readonly options: SearchOptions, private readonly until: number) {
    this.choices = schedules.filter(s => s.op === p.node.op.name).flatMap(schedule => [...knobChoices(schedule)].map(knobs => ({ schedule, knobs })))
    if (!options.anew) for (const [name, result] of Object.entries(knownTuning(backend).tried[p.key] ?? {})) this.times.set(name, result)
  }

  private get over(): boolean {
    return performance.now() >= this.until || this.options.signal?.aborted === true
  }

  async run(): Promise<Tuned | null> {
    const { p, backend } = this
    const legal = this.choices.filter(c => this.lower(c) !== null)
    const [first] = legal
    if (first === undefined || legal.length < 2) return null
    const chosen = choose(schedules, p.node, { ...p.context, roof: this.options.roof })
    const untuned = legal.find(c => 'steps' in chosen && c.schedule.name === chosen.schedule && nameOf(c) === nameOf({ ...c, knobs: chosen.knobs })) ?? first
    this.untuned = nameOf(untuned)
    this.problem = new TuneProblem(backend, p.node, p.context)
    try {
      const again = this.times.get(nameOf(untuned))
      this.times.delete(nameOf(untuned))
      // Always measured now, and first: what others are timed and compared with.
      const start = [first, ...this.draw(legal, randomFirst)].filter(c => c !== untuned && !this.times.has(nameOf(c)))
      await this.measure([untuned, ...new Set(start)].slice(0, atOnce))
      const base = this.times.get(nameOf(untuned))
      if (base === undefined && this.options.signal?.aborted) return null
      if (typeof base !== 'number') throw new WeftError({ where: 'tune', what: `${p.key}: the untuned kernel ${nameOf(untuned)} ${base ?? again ?? 'cannot be timed'}` })
      for (const c of legal) this.consider(c)
      while (!this.over) {
        const from = this.best!
        if (this.shareOf(from.choice, from.us) >= near) break
        const around = legal.filter(c => !this.times.has(nameOf(c)) && this.isNeighbour(from.choice, c))
        if (around.length === 0) {
          // Nothing near is left untried: another start, as long as there is time.
          const elsewhere = this.draw(legal.filter(c => !this.times.has(nameOf(c))), atOnce)
          if (elsewhere.length === 0) break
          await this.measure(elsewhere)
        } else await this.measure(around.slice(0, atOnce))
      }
      return await this.finish(untuned, first, legal)
    } finally {
      this.problem.close()
    }
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
        if (compiled === undefined || this.options.signal?.aborted || (this.over && this.times.size >= 3 && name !== this.untuned)) continue
        this.times.set(name, await this.judge(name, compiled))
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

  private async judge(name: string, { program, candidate }: { readonly program: Program; readonly candidate: Candidate }): Promise<number | string> {
    const spilled = Math.max(0, ...candidate.names.map(n => program.resources?.(n)?.spilledBytes ?? 0))
    // What loading takes is timed as it is: others are measured against it.
    if (spilled > 0 && name !== this.untuned) return `spills ${spilled} bytes a thread`
    try {
      const wrong = await this.problem!.check(program, candidate)
      if (wrong !== null) return wrong
      const timed: Timed = await this.problem!.time(program, candidate, (this.best?.us ?? Infinity) * 1.5)
      this.hostTimes.set(name, timed.hostUs)
      return timed.us
    } catch (error) {
      if (!(error instanceof WeftError)) throw error
      return `fails: ${error.message.slice(0, 200)}`
    }
  }

  /** Share of the roof that a choice reaches in this time. */
  private shareOf(choice: Choice, us: number): number {
    const { p } = this
    const { steps } = this.lower(choice)!
    const dims = { tokens: extentMax(p.context.extent({ name: 'tokens', max: 1 })), outputs: 1 }
    const sum = (what: 'bytes' | 'flops'): number => steps.reduce((n, s) => n + amountOf(s.kernel.cost[what], dims), 0)
    const matrix = steps.some(s => [...statements(s.kernel.body)].some(t => t.kind === 'matrixMultiply'))
    return shareOf(this.options.roof, { bytes: sum('bytes'), flops: sum('flops'), microseconds: us, matrix }).share
  }

  private async finish(untuned: Choice, first: Choice, legal: readonly Choice[]): Promise<Tuned> {
    const { p, options } = this
    const { choice, us } = this.best!
    let [before, after] = [this.times.get(nameOf(untuned)) as number, us]
    let hostUs = this.hostTimes.get(nameOf(untuned)) ?? before
    if (choice !== untuned) {
      if (!this.programs.has(nameOf(choice))) await this.compileAll([choice])
      const [a, b] = [this.programs.get(nameOf(untuned))!, this.programs.get(nameOf(choice))!]
      // In turn, so that what the machine does meanwhile meets both.
      const duel = { before: Infinity, after: Infinity }
      for (let i = 0; i < 3; i++) {
        const own = await this.problem!.time(a.program, a.candidate, Infinity)
        if (own.us < duel.before) hostUs = own.hostUs
        duel.before = Math.min(duel.before, own.us)
        duel.after = Math.min(duel.after, (await this.problem!.time(b.program, b.candidate, Infinity)).us)
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
    const [best, bestUs] = won ? [choice, after] : [untuned, before]
    const ofFirst = this.times.get(nameOf(first))
    return {
      key: p.key, plan: p.plan, launches: p.launches,
      untuned: { name: nameOf(untuned), us: before, hostUs, estimate: estimated(untuned) },
      first: { name: nameOf(first), us: first === untuned ? before : typeof ofFirst === 'number' ? ofFirst : null },
      best: { name: nameOf(best), us: bestUs, estimate: estimated(best) },
      share: this.shareOf(best, bestUs), candidates: this.times.size, rejected: [...this.times.values()].filter(t => typeof t === 'string').length,
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
