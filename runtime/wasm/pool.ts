/**
 * The threads that compute. The main thread never computes or waits: it posts a run to all workers and hears from the last that leaves it.
 * Workers do not keep the process alive unless a run is under way.
 */
import { Worker } from 'node:worker_threads'
import { WeftError } from '../../graph/error.js'
import { failedLaunch, scratchHeader, sync } from '../../shaders/wasm.js'
import type { WasmModule } from './api.js'
import type { SharedMemory } from './memory.js'
import type { FromWorker, Segment, ToWorker, WorkerData } from './worker.js'

export interface Run {
  readonly launches: number
  readonly count: number
  readonly times: number
  readonly state: number
  readonly segments: readonly Segment[]
  /** Where to write the time after each launch, or 0. */
  readonly stamps: number
}

/** A trap: which launch, counted from 0 in the plan, and what the engine said of it. */
export interface Trap {
  readonly launch: number
  readonly message: string
}

interface Waiting {
  readonly message: (worker: number, m: FromWorker) => void
  readonly fail: (error: WeftError) => void
}

export class Pool {
  private waiting: Waiting | null = null
  private broken: WeftError | null = null
  /** Workers start while others do what comes before the first module. */
  private readonly ready: Promise<void>

  private constructor(private readonly memory: SharedMemory, private readonly workers: readonly Worker[], private readonly syncAt: number) {
    workers.forEach((worker, i) => {
      worker.on('message', (m: FromWorker) => this.waiting?.message(i, m))
      worker.on('error', cause => this.lost(new WeftError({ where: 'wasm', what: `worker ${i} failed: ${cause instanceof Error ? cause.message : String(cause)}`, cause })))
      worker.on('exit', code => this.lost(new WeftError({ where: 'wasm', what: `worker ${i} ended`, got: `exit code ${code}` })))
    })
    this.ready = this.all(() => true)
    // Told to who loads the first module.
    this.ready.catch(() => undefined)
  }

  static start(memory: SharedMemory, threads: number, scratchBytes: number): Pool {
    const syncAt = memory.alloc(sync.bytes, 'the workers’ sync block')
    const workers = Array.from({ length: threads }, () => {
      const scratch = memory.alloc(scratchHeader + scratchBytes, 'a worker’s scratch')
      const workerData: WorkerData = { memory: memory.memory, sync: syncAt, scratch, workers: threads }
      return new Worker(new URL('./worker.js', import.meta.url), { workerData, execArgv: [] })
    })
    return new Pool(memory, workers, syncAt)
  }

  /** Instantiates a module in every worker. */
  async load(id: number, module: WasmModule): Promise<void> {
    await this.ready
    let error: string | null = null
    const loaded = this.all(m => {
      if (m.kind === 'module') error ??= m.error
      return true
    })
    this.post({ kind: 'module', id, module })
    await loaded
    if (error !== null) throw new WeftError({ where: 'wasm', what: `a worker could not take the compiled kernels: ${error as string}` })
  }

  /** Runs launches on all workers; null when all went well. Rejects if a worker is lost. */
  async run(r: Run): Promise<Trap | null> {
    const words = this.memory.words(this.syncAt, sync.bytes / 4)
    words.fill(0)
    words[sync.workers / 4] = this.workers.length
    words[sync.times / 4] = r.stamps
    // Launch 0 is one empty tile: the worker that takes it opens the first launch.
    words[sync.tiles / 4] = 1
    const finished = this.until(() => true)
    const { launches, count, times, state, segments } = r
    this.post({ kind: 'run', launches, count, times, state, segments })
    await finished
    if (Atomics.load(words, sync.failed / 4) === 0) return null
    const at = words[sync.failedAt / 4]! >>> 0
    const message = this.memory.bytes(this.syncAt + sync.message, words[sync.messageBytes / 4]!).slice()
    return { launch: at === 0 || at === failedLaunch ? 0 : (at - 1) % count, message: new TextDecoder().decode(message) }
  }

  async close(): Promise<void> {
    this.lost(new WeftError({ where: 'wasm', what: 'the backend is closed' }))
    await Promise.all(this.workers.map(w => w.terminate()))
  }

  private post(message: ToWorker): void {
    for (const w of this.workers) w.postMessage(message)
  }

  private lost(error: WeftError): void {
    this.broken ??= error
    const { waiting } = this
    this.waiting = null
    waiting?.fail(this.broken)
  }

  /** Resolves once every worker has answered. */
  private all(answered: (m: FromWorker) => boolean): Promise<void> {
    const open = new Set(this.workers.keys())
    return this.until((worker, m) => answered(m) && open.delete(worker) && open.size === 0)
  }

  /** Resolves when `isLast` says so of a message; keeps the process alive meanwhile. */
  private until(isLast: (worker: number, m: FromWorker) => boolean): Promise<void> {
    if (this.broken) return Promise.reject(this.broken)
    for (const w of this.workers) w.ref()
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.waiting = null
        for (const w of this.workers) w.unref()
      }
      this.waiting = {
        message: (worker, m) => {
          if (!isLast(worker, m)) return
          end()
          resolve()
        },
        fail: error => {
          end()
          reject(error)
        },
      }
    })
  }
}
