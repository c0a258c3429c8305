/**
 * Where a model's time goes, kernel by kernel: every launch of one decode step and of one prefill chunk, timed by the device's
 * clock with the inputs the engine gives it, and added up by kernel. Rates come from the cost a kernel declares; its limit
 * is the roof it stands under, and kernels are sorted by the time they lose against that. Launches are timed one after the
 * other, so that their sum lacks the overlap, and the gaps, of a real step.
 */
import { statements } from '../codegen/kernel.js'
import type { PlanName } from '../codegen/compile.js'
import { problemOf } from '../codegen/problem.js'
import type { Roof } from '../codegen/roof.js'
import { sameKnobs } from '../codegen/tuned.js'
import { sharedBytes } from '../codegen/kernel.js'
import { WeftError } from '../graph/error.js'
import type { LaunchTime, ProfiledModel, RunTime } from '../engine/profile.js'
import type { Session } from '../engine/types.js'
import { shareOf } from '../engine/roof.js'
import { median, randomIds, sum } from './numbers.js'
import { generate, warmMilliseconds } from './speeds.js'

/** Launches of one kernel in one run of a plan; times and amounts are of one launch, on average. */
export interface KernelRow {
  readonly plan: PlanName
  readonly kernel: string
  readonly op: string
  /** Op, sizes and types, as `codegen/problem.ts` puts them: equal in every run of a model, whatever the kernel is called. */
  readonly problem: string
  readonly schedule: string
  readonly knobs: Readonly<Record<string, number>>
  /** Why other schedules were not taken, by name. */
  readonly rejected: Readonly<Record<string, string>>
  readonly launches: number
  readonly us: number
  readonly bytes: number
  readonly flops: number
  readonly gbps: number
  readonly tflops: number
  readonly share: number
  readonly roof: 'memory' | 'arithmetic'
  /** Microseconds of all launches above what the roof alone would take. */
  readonly lost: number
  readonly registers: number | null
  readonly spilledBytes: number | null
  readonly sharedBytes: number
  /** What tuning measured of this problem on this device, untuned and tuned; null where it found nothing. */
  readonly tuned: { readonly before: number; readonly after: number } | null
}

export interface PlanProfile {
  readonly plan: PlanName
  readonly tokens: number
  readonly depth: number
  /** Of all launches. */
  readonly us: number
  readonly rows: readonly KernelRow[]
}

export interface KernelOptions {
  /** Rows of the prefill chunk, or null for none; whether a decode step is looked at. */
  readonly prompt: number | null
  readonly decode: boolean
  readonly depth: number
  readonly runs: number
}

export async function kernelsOf(loaded: ProfiledModel, roof: Roof, options: KernelOptions): Promise<readonly PlanProfile[]> {
  const { model, profile } = loaded
  const session = model.session()
  const { vocab } = model.config
  const found: PlanProfile[] = []
  try {
    if (options.decode) {
      if (!loaded.backend.caps.simd) await warm(session, vocab)
      // The first runs make what timing needs.
      const runs = (await profile(async () => void (await generate(session, randomIds(Math.max(1, options.depth), vocab, 1), 5 + options.runs)))).filter(r => r.plan === 'decode')
      if (runs.length < options.runs) throw new WeftError({ where: 'bench', what: 'the model ended its text at once', expected: 'another -d, or --shape for a model whose texts do not end' })
      found.push(profileOf(loaded, roof, runs.slice(-options.runs)))
    }
    if (options.prompt !== null) {
      const ids = randomIds(options.depth + options.prompt, vocab, 1)
      const runs: RunTime[] = []
      for (let i = 0; i <= options.runs; i++) {
        session.truncate(0)
        if (options.depth > 0) await session.logits(ids.subarray(0, options.depth), [])
        // A prompt longer than a chunk is several runs; the first is looked at.
        const [first] = await profile(async () => void (await session.logits(ids.subarray(options.depth), [options.prompt! - 1])))
        if (i > 0) runs.push(first!)
      }
      found.push(profileOf(loaded, roof, runs))
    }
    return found
  } finally {
    session.close()
  }
}

/** Keeps the device at work until its clocks are up: an idle GPU runs at a fifth of its speed, and timed launches leave it idle in between. */
async function warm(session: Session, vocab: number): Promise<void> {
  const until = performance.now() + warmMilliseconds
  do {
    session.truncate(0)
    await generate(session, randomIds(2, vocab, 2), 16)
  } while (performance.now() < until)
  session.truncate(0)
}

function profileOf(loaded: ProfiledModel, roof: Roof, runs: readonly RunTime[]): PlanProfile {
  const { plan, tokens, depth, launches } = runs[0]!
  const timed = launches.map((l, i): LaunchTime => ({ ...l, microseconds: median(runs.map(r => r.launches[i]!.microseconds)) }))
  const groups = new Map<string, LaunchTime[]>()
  for (const l of timed) {
    const key = `${l.kernel.name} ${problem(loaded, plan, l)}`
    groups.set(key, [...(groups.get(key) ?? []), l])
  }
  const rows = [...groups.values()].map(own => rowOf(loaded, roof, plan, own)).sort((a, b) => b.lost - a.lost)
  return { plan, tokens, depth, us: sum(timed.map(l => l.microseconds)), rows }
}

function problem({ compiled }: ProfiledModel, plan: PlanName, { launch }: LaunchTime): string {
  if (launch.node === null) return launch.kernel.schedule
  const { dims } = compiled.plans[plan]
  return problemOf(launch.node, size => (typeof size === 'number' ? size : dims[size.name] ?? size.max))
}

function rowOf(loaded: ProfiledModel, roof: Roof, plan: PlanName, own: readonly LaunchTime[]): KernelRow {
  const { kernel, launch } = own[0]!
  const [microseconds, bytes, flops] = [sum(own.map(l => l.microseconds)), sum(own.map(l => l.bytes)), sum(own.map(l => l.flops))]
  const matrix = [...statements(kernel.body)].some(s => s.kind === 'matrixMultiply')
  const { roof: under, limit, share } = shareOf(roof, { bytes, flops, microseconds, matrix })
  const resources = loaded.resources(kernel.name)
  const found = launch.node === null ? undefined : loaded.tuned[`${problem(loaded, plan, own[0]!)}; ${loaded.model.compute}, cache ${loaded.kv}`]
  return {
    plan, kernel: kernel.name, op: launch.node?.op.name ?? kernel.schedule, problem: problem(loaded, plan, own[0]!), schedule: kernel.schedule, knobs: kernel.knobs,
    rejected: launch.rejected, launches: own.length, us: microseconds / own.length, bytes: bytes / own.length, flops: flops / own.length,
    gbps: microseconds > 0 ? bytes / microseconds / 1e3 : 0, tflops: microseconds > 0 ? flops / microseconds / 1e6 : 0, share, roof: under,
    lost: microseconds - limit, registers: resources?.registers ?? null, spilledBytes: resources?.spilledBytes ?? null, sharedBytes: resources?.sharedBytes ?? sharedBytes(kernel),
    tuned: found !== undefined && found.schedule === kernel.schedule && sameKnobs(found.knobs, kernel.knobs) ? { before: found.untunedUs, after: found.us } : null,
  }
}
