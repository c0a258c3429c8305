/**
 * A worker of the fuzz suite: tries the mutants [from, to) and reports what came of them. Which one it is at stands in shared
 * memory, so that whoever waits can name the mutant that hangs or kills it.
 */
import { Session } from 'node:inspector/promises'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { WeftError } from '../../graph/error.js'
import { coverageOf, type ScriptCoverage } from './coverage.js'
import { Draw } from './mutate.js'
import { fuzzTargets, type Target } from './targets.js'

export interface WorkerTask {
  readonly seed: string
  readonly from: number
  readonly to: number
  /** Mutants of the whole run go to workers in turn. */
  readonly step: number
  readonly coverage: boolean
  /** [mutant being tried, milliseconds since the start of the run, 1 to end] as Int32. */
  readonly at: Int32Array
  readonly started: number
}

/** Something that no file may cause. */
export interface Finding {
  readonly mutant: number
  readonly target: string
  readonly what: string
}

export interface WorkerResult {
  readonly executions: Readonly<Record<string, number>>
  readonly accepted: number
  /** For each distinct message, the first mutant that gave it. */
  readonly messages: ReadonlyMap<string, number>
  readonly findings: readonly Finding[]
  readonly coverage: readonly ScriptCoverage[]
}

/** The target of a mutant: by its number, so that each has its share of every hundred. */
export function targetOf(targets: readonly Target[], mutant: number): Target {
  let place = (mutant * 37) % targets.reduce((n, t) => n + t.share, 0)
  return targets.find(t => (place -= t.share) < 0)!
}

/** A message without what differs from file to file: two mutants with the same are the same kind of error. */
export function kindOfMessage(message: string): string {
  const named = message.replace(/^\[([^\]]*)\] /, '$1 ').replace(/\/\S+\//g, '')
  const short = named.replace(/(bad JSON|Unexpected (escaped )?character|Unknown \w+( \w+)?|no file|hub ""|: expected|: no such file).*$/, '$1').replace(/(tensors?|metadata|id of|key|name:) \S+/g, '$1 …')
  return short.replace(/"(?:[^"\\]|\\.)*"?/g, '""').replace(/-?\d+(\.\d+)?(e[+-]?\d+)?/g, 'N').replace(/[[{].*$/g, m => m.slice(0, 1)).slice(0, 90)
}

/** Tries one mutant: null where it was accepted, the message of its WeftError, or what must not be. */
export async function tryMutant(target: Target, seed: string, mutant: number): Promise<{ readonly message: string | null; readonly finding: string | null }> {
  try {
    await target.run(new Draw(seed, target.name, mutant), mutant)
    return { message: null, finding: null }
  } catch (error) {
    if (!(error instanceof WeftError)) return { message: null, finding: error instanceof Error ? (error.stack ?? error.message) : String(error) }
    const clean = !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(error.message) && error.message.length < 1000 && error.exitCode === 1
    return { message: error.message, finding: clean ? null : `not one clear line with exit code 1: ${JSON.stringify(error.message.slice(0, 2000))}` }
  }
}

async function work(task: WorkerTask): Promise<WorkerResult> {
  const targets = fuzzTargets()
  const executions: Record<string, number> = {}
  const messages = new Map<string, number>()
  const findings: Finding[] = []
  let accepted = 0
  for (let mutant = task.from; mutant < task.to && findings.length < 20 && task.at[2] !== 1; mutant += task.step) {
    const target = targetOf(targets, mutant)
    task.at[1] = Date.now() - task.started
    task.at[0] = mutant
    const { message, finding } = await tryMutant(target, task.seed, mutant)
    executions[target.name] = (executions[target.name] ?? 0) + 1
    if (finding !== null) findings.push({ mutant, target: target.name, what: finding })
    else if (message === null) accepted++
    else {
      const kind = `${target.name}: ${kindOfMessage(message)}`
      if (!messages.has(kind)) messages.set(kind, mutant)
    }
  }
  return { executions, accepted, messages, findings, coverage: [] }
}

async function main(port: NonNullable<typeof parentPort>, task: WorkerTask): Promise<void> {
  const session = task.coverage ? new Session() : null
  session?.connect()
  await session?.post('Profiler.enable')
  await session?.post('Profiler.startPreciseCoverage', { callCount: false, detailed: true })
  const result = await work(task)
  const taken = await session?.post('Profiler.takePreciseCoverage')
  port.postMessage({ ...result, coverage: taken === undefined ? [] : coverageOf(taken.result) } satisfies WorkerResult)
}

if (!isMainThread && parentPort !== null) await main(parentPort, workerData as WorkerTask)
