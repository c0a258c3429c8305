/**
 * The CUDA backend: NVIDIA's driver and compiler called from JavaScript. All work of a backend is queued on one
 * stream, so that writes, runs and reads happen in the order they were asked for; nothing but a full upload ring and
 * freeing memory ever waits for the device.
 */
import { check, WeftError } from '../../graph/error.js'
import type { Caps } from '../../codegen/caps.js'
import type { KernelText, Source } from '../../codegen/target.js'
import { cuda, cudaText } from '../../codegen/targets/cuda.js'
import type { Backend, BoundPlan, DeviceBuffer, MemoryInfo, Recording, Ticket, Timing } from '../backend.js'
import { cacheGet, cacheKey, cachePut } from '../cache.js'
import { Completions } from './completions.js'
import { describeDevice } from './devices.js'
import type { CudaDevice } from './devices.js'
import { flags, openDriver, outOfMemory } from './driver.js'
import type { Driver, Handle } from './driver.js'
import { openNvrtc } from './nvrtc.js'
import type { Nvrtc } from './nvrtc.js'
import { CudaBuffer, CudaProgram, CudaRecording, findFunctions, recordPlan, releaseRecording, timedGraph } from './recording.js'
import { Downloads, Uploads } from './staging.js'

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`
/** cuda.h's form of a version: 13000 is 13.0. */
const versionText = (version: number): string => `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`

export class CudaBackend implements Backend {
  readonly name = 'cuda'
  readonly target = cuda
  readonly caps: Caps
  readonly description: string
  private readonly stream: Handle
  /** Recordings are captured from a stream of their own, beside work that is under way. */
  private readonly captureStream: Handle
  private readonly completions: Completions
  private readonly uploads: Uploads
  private readonly downloads: Downloads
  private readonly buffers = new Set<CudaBuffer>()
  private readonly recordings = new Set<CudaRecording>()
  private readonly modules: Handle[] = []
  private closed = false

  /** Takes a device whose context was retained for it. Use `openCuda`. */
  constructor(
    private readonly driver: Driver, private readonly nvrtc: Nvrtc, private readonly device: CudaDevice,
    private readonly context: Handle, private readonly driverVersion: number,
  ) {
    this.caps = device.caps
    this.description = `${device.caps.chip} (${device.caps.arch}, ${device.caps.units} multiprocessors, ${gigabytes(device.bytes)}), `
      + `driver for CUDA ${versionText(driverVersion)}, NVRTC ${nvrtc.version}`
    this.enter()
    const stream = (): Handle => driver.take<Handle>(out => driver.streamCreate(out, flags.streamNonBlocking), 'a stream')
    this.stream = stream()
    this.captureStream = stream()
    this.completions = new Completions(driver, this.stream, () => this.enter())
    this.uploads = new Uploads(driver, this.stream)
    this.downloads = new Downloads(driver, this.stream, this.completions)
  }

  memory(): MemoryInfo {
    this.enter()
    const [free, total]: (number | bigint | null)[][] = [[null], [null]]
    this.driver.must(this.driver.memoryInfo(free!, total!), 'free memory')
    return { free: Number(free![0]), total: Number(total![0]) }
  }

  alloc(bytes: number, label: string): DeviceBuffer {
    this.enter()
    const { driver } = this
    check(Number.isSafeInteger(bytes) && bytes >= 0, 'cuda', `size of buffer «${label}»`, 'a number of bytes', String(bytes))
    const room = Math.max(256, Math.ceil(bytes / 256) * 256)
    const out: (number | bigint | null)[] = [null]
    const result = driver.memoryAlloc(out, room)
    if (result === outOfMemory) {
      const { free } = this.memory()
      throw new WeftError({ where: 'cuda', what: `no memory for «${label}» on ${this.caps.chip}`, expected: `${bytes} bytes (${gigabytes(bytes)})`, got: `${free} bytes free (${gigabytes(free!)})` })
    }
    driver.must(result, `memory for «${label}»`)
    const buffer = new CudaBuffer(label, bytes, BigInt(out[0]!))
    this.buffers.add(buffer)
    driver.must(driver.fill(buffer.address, 0, room, this.stream), `clearing «${label}»`)
    return buffer
  }

  free(buffer: DeviceBuffer): void {
    this.enter()
    const own = this.own(buffer)
    this.driver.must(this.driver.streamSynchronize(this.stream), `freeing «${own.label}»`)
    own.freed = true
    this.buffers.delete(own)
    this.driver.must(this.driver.memoryFree(own.address), `freeing «${own.label}»`)
  }

  write(buffer: DeviceBuffer, data: Uint8Array, at = 0): void {
    this.enter()
    const own = this.own(buffer)
    checkRange('write to', own, at, data.byteLength)
    this.uploads.send(own.address + BigInt(at), data)
  }

  async read(buffer: DeviceBuffer, at = 0, bytes = buffer.bytes - at): Promise<Uint8Array> {
    this.enter()
    const own = this.own(buffer)
    checkRange('read of', own, at, bytes)
    return this.downloads.fetch(own.address + BigInt(at), bytes, `reading «${own.label}»`)
  }

  copy(from: DeviceBuffer, fromAt: number, to: DeviceBuffer, toAt: number, bytes: number): void {
    this.enter()
    const [source, target] = [this.own(from), this.own(to)]
    checkRange('copy from', source, fromAt, bytes)
    checkRange('copy to', target, toAt, bytes)
    if (bytes === 0) return
    const result = this.driver.copyOnDevice(target.address + BigInt(toAt), source.address + BigInt(fromAt), bytes, this.stream)
    this.driver.must(result, `copy from «${source.label}» to «${target.label}»`)
  }

  async compile(source: Source): Promise<CudaProgram> {
    this.enter()
    check(source.target === 'cuda' && source.caps.arch === this.caps.arch, 'cuda', 'text was rendered for another device',
      `cuda ${this.caps.arch}`, `${source.target} ${source.caps.arch}`)
    const started = performance.now()
    const groups = compileGroups(source.kernels)
    const built = await Promise.all(groups.map(kernels => this.build({ ...source, kernels })))
    this.enter()
    const functions = groups.flatMap((kernels, i) => {
      const module = this.driver.take<Handle>(out => this.driver.moduleLoad(out, built[i]!.cubin), `loading ${kernels.length} kernels`)
      this.modules.push(module)
      return [...findFunctions(this.driver, module, kernels)]
    })
    const cached = groups.reduce((n, kernels, i) => n + (built[i]!.cached ? kernels.length : 0), 0)
    return new CudaProgram(new Map(functions), { compiled: source.kernels.length - cached, cached, ms: performance.now() - started })
  }

  /** Machine code from the disk cache or the compiler. */
  private async build(source: Source): Promise<{ readonly cubin: Uint8Array; readonly cached: boolean }> {
    const text = cudaText(source)
    const arch = this.caps.arch!
    const key = cacheKey(text, arch, this.caps.chip, this.driverVersion, this.nvrtc.version)
    const known = cacheGet('cuda', key)
    if (known !== null) return { cubin: known, cached: true }
    const { cubin } = await this.nvrtc.compile(text, arch)
    cachePut('cuda', key, cubin)
    return { cubin, cached: false }
  }

  record(plan: BoundPlan): Recording {
    this.enter()
    const recording = recordPlan(this.driver, this.captureStream, plan, (buffer): buffer is CudaBuffer => buffer instanceof CudaBuffer && this.buffers.has(buffer))
    this.recordings.add(recording)
    return recording
  }

  release(recording: Recording): void {
    this.enter()
    const own = this.ownRecording(recording)
    this.driver.must(this.driver.streamSynchronize(this.stream), `releasing plan ${own.label}`)
    this.recordings.delete(own)
    releaseRecording(this.driver, own)
  }

  run(recording: Recording, times = 1): Ticket {
    this.enter()
    const { executable, label } = this.ownRecording(recording)
    const launched = (async () => {
      for (let i = 0; i < times; i++) this.driver.must(this.driver.graphLaunch(executable, this.stream), `run of plan ${label}`)
      await this.completions.reached(`run of plan ${label}`)
    })()
    // Whoever awaits the ticket hears of a failure; one that nobody awaits shows in the next read.
    launched.catch(() => undefined)
    return { done: launched }
  }

  async time(recording: Recording): Promise<readonly Timing[]> {
    this.enter()
    const { driver } = this
    const own = this.ownRecording(recording)
    const what = `timed run of plan ${own.label}`
    const { executable, events } = timedGraph(driver, this.captureStream, own)
    driver.must(driver.graphLaunch(executable, this.stream), what)
    await this.completions.reached(what)
    this.enter()
    return own.launches.map((l, i) => ({
      kernel: l.kernel, microseconds: 1000 * driver.take<number>(out => driver.eventElapsed(out, events[i]!, events[i + 1]!), what),
    }))
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.enter()
    this.closed = true
    // Results are not looked at: after a failure of the device every one of these calls repeats it.
    const { driver } = this
    this.completions.close()
    // Reads that were waiting copy out of pinned memory in this turn, before it goes.
    await new Promise(resolve => setImmediate(resolve))
    driver.contextSet(this.context)
    driver.streamSynchronize(this.stream)
    for (const recording of this.recordings) releaseRecording(driver, recording)
    for (const buffer of this.buffers) {
      buffer.freed = true
      driver.memoryFree(buffer.address)
    }
    for (const module of this.modules) driver.moduleUnload(module)
    this.uploads.close()
    this.downloads.close()
    driver.streamDestroy(this.stream)
    driver.streamDestroy(this.captureStream)
    driver.contextRelease(this.device.handle)
    this.recordings.clear()
    this.buffers.clear()
  }

  /** Makes this device's context current on the thread: several backends take turns on it. */
  private enter(): void {
    if (this.closed) throw new WeftError({ where: 'cuda', what: `${this.caps.chip} was closed` })
    this.driver.must(this.driver.contextSet(this.context), 'the context')
  }

  private own(buffer: DeviceBuffer): CudaBuffer {
    if (buffer instanceof CudaBuffer && this.buffers.has(buffer)) return buffer
    throw new WeftError({ where: 'cuda', what: `buffer «${buffer.label}» is not of this device, or was freed` })
  }

  private ownRecording(recording: Recording): CudaRecording {
    if (recording instanceof CudaRecording && this.recordings.has(recording)) return recording
    throw new WeftError({ where: 'cuda', what: `plan ${recording.label} was not recorded on this device` })
  }
}

/**
 * Kernels as the few programs they are compiled in, beside each other on as many threads: about equal in text, the
 * longest placed first. How many does not depend on the machine, so that the disk cache finds them again.
 */
function compileGroups(kernels: readonly KernelText[]): readonly (readonly KernelText[])[] {
  const groups = Array.from({ length: Math.min(4, Math.ceil(kernels.length / 6)) }, () => ({ length: 0, kernels: [] as KernelText[] }))
  for (const kernel of [...kernels].sort((a, b) => b.text.length - a.text.length)) {
    const shortest = groups.reduce((least, g) => (g.length < least.length ? g : least))
    shortest.kernels.push(kernel)
    shortest.length += kernel.text.length
  }
  return groups.map(g => g.kernels)
}

function checkRange(what: string, buffer: CudaBuffer, at: number, bytes: number): void {
  const whole = [at, bytes].every(n => Number.isSafeInteger(n) && n >= 0 && n % 4 === 0)
  check(whole && at + bytes <= buffer.bytes, 'cuda', `${what} «${buffer.label}»`, `multiples of 4 within its ${buffer.bytes} bytes`, `${bytes} bytes at ${at}`)
}

/**
 * Opens the CUDA device of an index. Throws a WeftError that says why it cannot: no driver, no device, an index beyond
 * those there are, no NVRTC.
 */
export async function openCuda(device = 0): Promise<CudaBackend> {
  const driver = await openDriver()
  const described = describeDevice(driver, device)
  const nvrtc = await openNvrtc()
  const version = driver.take<number>(out => driver.driverVersion(out), 'version of the driver')
  const context = driver.take<Handle>(out => driver.contextRetain(out, described.handle), `context of device ${device}`)
  return new CudaBackend(driver, nvrtc, described, context, version)
}
