/**
 * One thread of the pool: holds an instance of each compiled module over the shared memory, and runs the driver when told.
 * A trap is written into the sync block, where the other workers see it and leave; the last to leave reports to the
 * main thread.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { failedLaunch, scratchHeader, sync } from '../../shaders/wasm.js'
import { api, type WasmMemory, type WasmModule } from './api.js'

export interface WorkerData {
  readonly memory: WasmMemory
  readonly sync: number
  readonly scratch: number
  readonly workers: number
}

/** Consecutive launches of one module: those before `to`, counted from 0. */
export interface Segment {
  readonly module: number
  readonly to: number
}

export type ToWorker =
  | { readonly kind: 'module'; readonly id: number; readonly module: WasmModule }
  | { readonly kind: 'run'; readonly launches: number; readonly count: number; readonly times: number; readonly state: number; readonly segments: readonly Segment[] }

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'module'; readonly error: string | null }
  | { readonly kind: 'done' }

type Driver = (launches: number, count: number, to: number, last: number, state: number, sync: number, scratch: number) => void

function serve(data: WorkerData): void {
  const port = parentPort!
  const drivers = new Map<number, Driver>()
  const now = (): number => Number(process.hrtime.bigint()) / 1000
  const post = (message: FromWorker): void => port.postMessage(message)

  const fail = (error: unknown): void => {
    const words = new Int32Array(data.memory.buffer, data.sync, sync.bytes / 4)
    if (Atomics.compareExchange(words, sync.failed / 4, 0, 1) === 0) {
      const text = new TextEncoder().encode(error instanceof Error ? error.message : String(error)).subarray(0, sync.bytes - sync.message)
      words[sync.failedAt / 4] = new Int32Array(data.memory.buffer, data.scratch, scratchHeader / 4)[0]!
      words[sync.messageBytes / 4] = text.length
      new Uint8Array(data.memory.buffer, data.sync + sync.message, text.length).set(text)
    }
    Atomics.store(words, sync.cursor / 4 + 1, failedLaunch | 0)
    Atomics.notify(words, sync.cursor / 4 + 1)
  }

  port.on('message', (message: ToWorker) => {
    if (message.kind === 'module') {
      try {
        const { exports } = new api.Instance(message.module, { env: { memory: data.memory, now } })
        drivers.set(message.id, exports['run'] as Driver)
        post({ kind: 'module', error: null })
      } catch (error) {
        post({ kind: 'module', error: error instanceof Error ? error.message : String(error) })
      }
      return
    }
    const { launches, count, times, state, segments } = message
    try {
      for (let i = 0; i < times; i++) {
        for (const s of segments) drivers.get(s.module)!(launches, count, 1 + i * count + s.to, count * times, state, data.sync, data.scratch)
      }
    } catch (error) {
      fail(error)
    }
    const words = new Int32Array(data.memory.buffer, data.sync, sync.bytes / 4)
    if (Atomics.add(words, sync.left / 4, 1) + 1 === data.workers) post({ kind: 'done' })
  })
  post({ kind: 'ready' })
}

serve(workerData as WorkerData)
