/**
 * Runs mutants on workers and watches them: one that stands at the same mutant for too long is a hang, one that ends by itself a
 * crash, and the memory of the whole process is looked at all the time. Each is a finding that names its mutant.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ScriptCoverage } from './coverage.js'
import { fuzzTargets } from './targets.js'
import { targetOf, type Finding, type WorkerResult, type WorkerTask } from './worker.js'

export interface FuzzOptions {
  readonly seed: string
  readonly mutants: number
  readonly coverage?: boolean
  readonly workers?: number
  /** Called about once a second with the mutants that were tried. */
  readonly onProgress?: (tried: number) => void
  /** Ends the run; the report is of what was tried until then. */
  readonly signal?: AbortSignal
}

export interface FuzzReport {
  readonly executions: Readonly<Record<string, number>>
  readonly total: number
  readonly accepted: number
  readonly messages: ReadonlyMap<string, number>
  readonly findings: readonly Finding[]
  readonly coverage: readonly ScriptCoverage[]
  readonly peakBytes: number
  readonly seconds: number
}

/** Longer than any mutant takes on a machine that is busy with other things. */
const hangSeconds = 60
const heapMegabytes = 384

/** Tries mutants [0, options.mutants). */
export async function fuzz({ seed, mutants, coverage = false, workers = Math.min(2, availableParallelism()), onProgress, signal }: FuzzOptions): Promise<FuzzReport> {
  const started = Date.now()
  // Files are written and opened a million times: in memory where the system has such a place.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'weft-fuzz-'))
  const targets = fuzzTargets()
  const results: WorkerResult[] = []
  const findings: Finding[] = []
  let peakBytes = 0
  const states = Array.from({ length: workers }, () => new Int32Array(new SharedArrayBuffer(12)).fill(-1))
  signal?.addEventListener('abort', () => states.forEach(s => { s[2] = 1 }))
  const sampler = setInterval(() => { peakBytes = Math.max(peakBytes, process.memoryUsage.rss()) }, 20)
  const teller = setInterval(() => onProgress?.(Math.max(...states.map(s => s[0]!)) + 1), 1000)
  const lost = (at: Int32Array, what: string): void => {
    const mutant = Math.max(0, at[0]!)
    findings.push({ mutant, target: targetOf(targets, mutant).name, what })
  }
  await Promise.all(states.map(async (at, i) => {
    const task: WorkerTask = { seed, from: i, to: mutants, step: workers, coverage, at, started }
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: task, env: { ...process.env, TMPDIR: folder }, resourceLimits: { maxOldGenerationSizeMb: heapMegabytes } })
    const watch = setInterval(() => {
      if (at[0]! < 0 || Date.now() - started - at[1]! < hangSeconds * 1000) return
      lost(at, `hangs: not done after ${hangSeconds} s`)
      void worker.terminate()
    }, 500)
    await new Promise<void>(resolve => {
      worker.on('message', (result: WorkerResult) => results.push(result))
      worker.on('error', error => lost(at, `ends the worker: ${error.message}`))
      worker.on('exit', () => resolve())
    })
    clearInterval(watch)
  }))
  rmSync(folder, { recursive: true, force: true })
  clearInterval(sampler)
  clearInterval(teller)
  const executions: Record<string, number> = {}
  const messages = new Map<string, number>()
  for (const result of results) {
    for (const [name, n] of Object.entries(result.executions)) executions[name] = (executions[name] ?? 0) + n
    for (const [kind, mutant] of result.messages) messages.set(kind, Math.min(mutant, messages.get(kind) ?? Infinity))
    findings.push(...result.findings)
  }
  return {
    executions, messages, findings, peakBytes, total: Object.values(executions).reduce((a, b) => a + b, 0),
    accepted: results.reduce((n, r) => n + r.accepted, 0), coverage: results.flatMap(r => r.coverage), seconds: (Date.now() - started) / 1000,
  }
}
