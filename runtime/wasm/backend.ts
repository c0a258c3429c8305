/**
 * The `wasm` backend: compiled kernels over one shared memory, computed by a pool of threads, with no device needed. Runs,
 * and writes and copies that come while a run is under way, happen in the order they were asked for; with nothing under
 * way, a write is one copy straight into the shared memory.
 */
import type { Caps } from '../../codegen/caps.js'
import type { Source, Target } from '../../codegen/target.js'
import { wasm } from '../../codegen/targets/wasm.js'
import { check, WeftError } from '../../graph/error.js'
import type { Backend, BoundPlan, BufferView, DeviceBuffer, MemoryInfo, Program, Recording, Ticket, Timing } from '../backend.js'
import { compileSource, startCompiler, type Compiler } from './compile.js'
import { chipName, compileWhole, defaultThreads, relaxedSimd } from './machine.js'
import { SharedMemory } from './memory.js'
import { Pool } from './pool.js'
import { encode, recordBytes, WasmProgram, WasmRecording } from './recording.js'

/** Bytes of shared arrays one kernel may have: a worker's scratch, meant to stay in its caches. */
const scratchBytes = 2 ** 20

class WasmBuffer implements DeviceBuffer {
  constructor(readonly owner: WasmBackend, readonly label: string, readonly bytes: number, readonly address: number) {}
}

export interface WasmOptions {
  /** Threads that compute: 1 to 256, the cores of the machine unless told. */
  readonly threads?: number
}

/** Opens the backend. Throws a WeftError if there are no threads or no shared memory to be had. */
export async function openWasm(options: WasmOptions = {}): Promise<WasmBackend> {
  const threads = options.threads ?? defaultThreads()
  check(Number.isInteger(threads) && threads >= 1 && threads <= 256, '--threads', 'number of threads', '1 to 256', String(threads))
  const memory = new SharedMemory()
  const caps = wasmCaps(threads, relaxedSimd(), chipName())
  return new WasmBackend(caps, memory, Pool.start(memory, threads, scratchBytes))
}

/** What a processor offers through WebAssembly. */
export function wasmCaps(threads: number, relaxed: boolean, chip: string): Caps {
  return Object.freeze({
    target: 'wasm', chip, arch: relaxed ? 'relaxed-simd' : 'simd128', subgroup: null, maxThreads: 1, sharedBytes: scratchBytes,
    f16: true, matrix: false, tensorCopy: false, cluster: 1, simd: true, maxBuffers: 64, maxBinding: 2 ** 32 - 2 ** 16, units: threads,
  })
}

export class WasmBackend implements Backend {
  readonly name = 'wasm'
  readonly target: Target = wasm
  readonly description: string
  /** Work that has not finished: the last of it, and how much. */
  private tail: Promise<void> = Promise.resolve()
  private pending = 0
  private nextProgram = 0
  /** A compiler that was started before its text was there. */
  private compiler: Compiler | null = null
  /** A failed run that no one has been told of by a read. */
  private failure: unknown = null
  private closed = false

  constructor(readonly caps: Caps, private readonly shared: SharedMemory, private readonly pool: Pool) {
    this.description = `WebAssembly ${caps.arch === 'relaxed-simd' ? 'with relaxed SIMD' : 'SIMD'}, ${caps.units} thread${caps.units === 1 ? '' : 's'}, ${caps.chip}`
  }

  memory(): MemoryInfo {
    return { free: this.shared.free, total: this.shared.total }
  }

  alloc(bytes: number, label: string): DeviceBuffer {
    this.open()
    return new WasmBuffer(this, label, bytes, this.shared.alloc(bytes, label))
  }

  free(buffer: DeviceBuffer): void {
    const { address } = this.own(buffer)
    if (!this.closed) void this.inOrder(() => this.shared.release(address))
  }

  write(buffer: DeviceBuffer, data: Uint8Array, at = 0): void {
    const { address } = this.range(buffer, at, data.byteLength, 'write')
    // Bytes of the caller are his again when this returns.
    const bytes = this.pending > 0 ? data.slice() : data
    void this.inOrder(() => this.shared.bytes(address + at, bytes.byteLength).set(bytes))
  }

  async read(buffer: DeviceBuffer, at = 0, bytes = buffer.bytes - at): Promise<Uint8Array> {
    const { address } = this.range(buffer, at, bytes, 'read')
    let out = new Uint8Array(0)
    await this.inOrder(() => {
      out = new Uint8Array(bytes)
      out.set(this.shared.bytes(address + at, bytes))
    })
    const { failure } = this
    this.failure = null
    if (failure !== null) throw failure
    return out
  }

  copy(from: DeviceBuffer, fromAt: number, to: DeviceBuffer, toAt: number, bytes: number): void {
    const [source, into] = [this.range(from, fromAt, bytes, 'copy from'), this.range(to, toAt, bytes, 'copy to')]
    void this.inOrder(() => this.shared.bytes(into.address + toAt, bytes).set(this.shared.bytes(source.address + fromAt, bytes)))
  }

  expectCompile(): void {
    this.open()
    this.compiler ??= startCompiler()
  }

  async compile(source: Source): Promise<Program> {
    this.open()
    check(source.target === 'wasm', 'wasm', 'target of the source', 'wasm', source.target)
    const start = performance.now()
    const { compiler } = this
    this.compiler = null
    const { bytes, cached } = await compileSource(source, compiler)
    const module = await compileWhole(bytes).catch((cause: unknown) => {
      throw new WeftError({ where: 'wasm', what: `the engine refuses the compiled kernels: ${cause instanceof Error ? cause.message : String(cause)}`, cause })
    })
    const id = this.nextProgram++
    // Workers answer one thing at a time, and take modules between runs.
    await this.inOrder(() => this.pool.load(id, module))
    const count = source.kernels.length
    return new WasmProgram(id, source.kernels, { compiled: cached ? 0 : count, cached: cached ? count : 0, ms: performance.now() - start })
  }

  record(plan: BoundPlan): Recording {
    this.open()
    const address = (v: BufferView, what: string): number => {
      const { address, bytes } = this.own(v.buffer)
      check(v.offset % 16 === 0 && v.offset >= 0 && v.offset + v.bytes <= bytes, what, `lies outside of buffer ${v.buffer.label}`, `0 to ${bytes}, aligned to 16`, `${v.offset} to ${v.offset + v.bytes}`)
      return address + v.offset
    }
    const at = this.shared.alloc(recordBytes(plan), `the records of ${plan.label}`)
    const { words, segments } = encode(plan, at, address)
    void this.inOrder(() => this.shared.bytes(at, words.byteLength).set(new Uint8Array(words.buffer)))
    return new WasmRecording(plan.label, at, plan.launches.map(l => l.kernel), address(plan.state.view, 'the state buffer'), segments)
  }

  release(recording: Recording): void {
    const { launches } = this.recorded(recording)
    void this.inOrder(() => this.shared.release(launches))
  }

  run(recording: Recording, times = 1): Ticket {
    const r = this.recorded(recording)
    check(Number.isInteger(times) && times >= 1 && times * r.names.length < 2 ** 31, r.label, 'times', 'a positive integer', String(times))
    const done = this.inOrder(() => this.launch(r, times, 0))
    done.catch((error: unknown) => (this.failure ??= error))
    return { done }
  }

  async time(recording: Recording): Promise<readonly Timing[]> {
    const r = this.recorded(recording)
    const bytes = (r.names.length + 1) * 8
    const stamps = this.shared.alloc(bytes, 'launch times')
    try {
      await this.inOrder(() => this.launch(r, 1, stamps))
      const at = new Float64Array(this.shared.bytes(stamps, bytes).slice().buffer)
      return r.names.map((kernel, i) => ({ kernel, microseconds: at[i + 1]! - at[i]! }))
    } finally {
      this.shared.release(stamps)
    }
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.compiler?.stop()
    await this.pool.close()
  }

  private async launch(r: WasmRecording, times: number, stamps: number): Promise<void> {
    if (r.names.length === 0) return
    const trap = await this.pool.run({ launches: r.launches, count: r.names.length, times, state: r.state, segments: r.segments, stamps })
    if (trap) throw new WeftError({ where: `kernel ${r.names[trap.launch]}`, what: `trapped in launch ${trap.launch} of ${r.label}: ${trap.message}` })
  }

  /** Does work now if nothing is under way, else after what is; a failure concerns only its own promise. */
  private inOrder(work: () => void | Promise<void>): Promise<void> {
    this.open()
    const done = this.pending === 0 ? work() : this.tail.then(work)
    if (done === undefined) return Promise.resolve()
    this.pending++
    const settled = (): void => {
      this.pending--
    }
    this.tail = done.then(settled, settled)
    return done
  }

  private open(): void {
    check(!this.closed, 'wasm', 'the backend is closed')
  }

  private own(buffer: DeviceBuffer): WasmBuffer {
    check(buffer instanceof WasmBuffer && buffer.owner === this, 'wasm', `buffer ${buffer.label} belongs to another backend`)
    return buffer
  }

  private range(buffer: DeviceBuffer, at: number, bytes: number, what: string): WasmBuffer {
    const b = this.own(buffer)
    const fits = Number.isInteger(at) && Number.isInteger(bytes) && at >= 0 && bytes >= 0 && at + bytes <= b.bytes
    check(fits, 'wasm', `${what} of buffer ${b.label}`, `within 0 to ${b.bytes}`, `${at} to ${at + bytes}`)
    check(at % 4 === 0 && bytes % 4 === 0, 'wasm', `${what} of buffer ${b.label}`, 'multiples of 4', `${at} and ${bytes} bytes`)
    return b
  }

  private recorded(recording: Recording): WasmRecording {
    check(recording instanceof WasmRecording, 'wasm', `recording ${recording.label} belongs to another backend`)
    return recording
  }
}
