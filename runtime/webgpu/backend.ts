/**
 * The WebGPU backend over a GPUDevice, from Dawn in Node or from a browser. Runs are submitted at once and in order;
 * what waits (reads, tickets) waits for the queue. Uploads need no wait, and errors that WebGPU reports late surface
 * at the next call.
 */
import { check, WeftError } from '../../graph/error.js'
import type { Caps } from '../../codegen/caps.js'
import type { Source } from '../../codegen/target.js'
import { wgsl } from '../../codegen/targets/wgsl.js'
import type { Backend, BoundPlan, DeviceBuffer, MemoryInfo, Program, Recording, Ticket, Timing } from '../backend.js'
import { capsOf, describe, deviceDescriptor, isSoftware } from './adapter.js'
import { DeviceHealth } from './device.js'
import { keepsF16Subnormals } from './f16.js'
import { WebGpuMemory } from './memory.js'
import { compileProgram, Layouts } from './program.js'
import { Recorder, WebGpuRecording } from './recording.js'

/** What is around the device: knowledge a browser keeps to itself, or that only the opener has. */
export interface WebGpuSurroundings {
  /** Language features of the WGSL compiler: `navigator.gpu.wgslLanguageFeatures`. */
  readonly language: { has(name: string): boolean }
  /** Threads of the processor, for software adapters. */
  readonly threads: number
  /** Memory of the device where the opener knows better than «unknown». */
  readonly memory?: () => MemoryInfo
  /** Called once after the device is destroyed. */
  readonly release?: () => void
}

export class WebGpuBackend implements Backend {
  readonly name = 'webgpu'
  readonly target = wgsl
  private readonly health: DeviceHealth
  private readonly buffers: WebGpuMemory
  private readonly layouts: Layouts
  private readonly recorder: Recorder
  private closing: Promise<void> | null = null

  private constructor(device: GPUDevice, readonly caps: Caps, readonly description: string, readonly software: boolean, private readonly around: WebGpuSurroundings) {
    this.health = new DeviceHealth(device, caps.chip)
    this.buffers = new WebGpuMemory(this.health)
    this.layouts = new Layouts(device)
    this.recorder = new Recorder(this.health, this.buffers)
  }

  /** Asks the adapter for a device with all it offers of what weft uses. Throws a WeftError if it gives none. */
  static async of(adapter: GPUAdapter, around: WebGpuSurroundings): Promise<WebGpuBackend> {
    const { info } = adapter
    let device: GPUDevice
    try {
      device = await adapter.requestDevice(deviceDescriptor(adapter))
    } catch (cause) {
      throw new WeftError({ where: 'webgpu', what: `${describe(info)} gives no device: ${cause instanceof Error ? cause.message : String(cause)}`, cause })
    }
    const keepsF16 = device.features.has('shader-f16') && await keepsF16Subnormals(device)
    const caps = capsOf(device, info, around.language, keepsF16, around.threads)
    return new WebGpuBackend(device, caps, describe(info), isSoftware(info), around)
  }

  memory(): MemoryInfo {
    return this.around.memory?.() ?? { free: null, total: null }
  }

  alloc(bytes: number, label: string): DeviceBuffer {
    return this.buffers.alloc(bytes, label)
  }

  free(buffer: DeviceBuffer): void {
    this.buffers.free(buffer)
  }

  write(buffer: DeviceBuffer, data: Uint8Array, at = 0): void {
    this.buffers.write(buffer, data, at)
  }

  async read(buffer: DeviceBuffer, at = 0, bytes = buffer.bytes - at): Promise<Uint8Array> {
    return this.buffers.read(buffer, at, bytes)
  }

  copy(from: DeviceBuffer, fromAt: number, to: DeviceBuffer, toAt: number, bytes: number): void {
    this.buffers.copy(from, fromAt, to, toAt, bytes)
  }

  async compile(source: Source): Promise<Program> {
    this.health.check()
    const program = await compileProgram(this.health.device, this.layouts, source)
    this.health.check()
    return program
  }

  record(plan: BoundPlan): Recording {
    return this.recorder.record(plan)
  }

  /** Bind groups and pipelines are the garbage collector's. */
  release(recording: Recording): void {
    recordingOf(recording)
  }

  run(recording: Recording, times = 1): Ticket {
    this.health.check()
    check(Number.isInteger(times) && times >= 1, 'webgpu', 'times to run', 'at least 1', String(times))
    const ready = recordingOf(recording)
    const invalid = this.invalid('validation', () => this.recorder.submit(ready, times))
    const done = invalid.then(message => {
      if (message !== null) this.health.fail(`${recording.label}: ${message}`)
      return this.health.settled()
    })
    // A ticket may be dropped: the failure stays with the device and the next call throws it.
    done.catch(() => undefined)
    return { done }
  }

  private invalid(filter: GPUErrorFilter, act: () => void): Promise<string | null> {
    return new Promise(resolve => {
      let message: string | null = null
      const { device } = this.health
      device.pushErrorScope(filter)
      act()
      device.popErrorScope().then(error => { message = error?.message.split('\n')[0] ?? null }, () => undefined).finally(() => resolve(message))
    })
  }

  async time(recording: Recording): Promise<readonly Timing[]> {
    this.health.check()
    return this.recorder.time(recordingOf(recording))
  }

  async timeRuns(recording: Recording, times: number): Promise<number | null> {
    this.health.check()
    return this.recorder.timeRuns(recordingOf(recording), times)
  }

  async close(): Promise<void> {
    return (this.closing ??= this.shut())
  }

  private async shut(): Promise<void> {
    // Destroying a device with work in flight is allowed, but Dawn then reports its loss to whoever still waits.
    await this.health.settled().catch(() => undefined)
    this.health.close()
    this.buffers.close()
    this.health.device.destroy()
    this.around.release?.()
  }
}

function recordingOf(recording: Recording): WebGpuRecording {
  if (recording instanceof WebGpuRecording) return recording
  throw new WeftError({ where: 'webgpu', what: `recording ${recording.label} is of another backend` })
}
