/**
 * Buffers and transfers. Uploads go through the queue's own staging memory, which Dawn returns once the work it
 * belongs to was submitted and finished, so a long stream of writes is submitted piece by piece. Downloads go
 * through mapped buffers that are kept for the next read.
 */
import { check, WeftError } from '../../graph/error.js'
import type { BufferView, DeviceBuffer } from '../backend.js'
import { mapRead, usage, type DeviceHealth } from './device.js'

const writePiece = 16 * 2 ** 20
const flushAfter = 64 * 2 ** 20
const readPiece = 32 * 2 ** 20
const keptStagings = 4

export class WebGpuBuffer implements DeviceBuffer {
  constructor(readonly label: string, readonly bytes: number, readonly gpu: GPUBuffer) {}
}

const megabytes = (n: number): string => `${(n / 1e6).toFixed(1)} MB`

export class WebGpuMemory {
  private readonly live = new Set<WebGpuBuffer>()
  private readonly stagings: GPUBuffer[] = []
  private unsubmitted = 0

  constructor(private readonly health: DeviceHealth) {}

  private get device(): GPUDevice {
    return this.health.device
  }

  /** Bytes of all buffers. */
  get allocated(): number {
    return [...this.live].reduce((n, b) => n + b.gpu.size, 0)
  }

  /** The buffer behind a handle. Throws a WeftError for one of another device or one that was freed. */
  of(buffer: DeviceBuffer): WebGpuBuffer {
    if (buffer instanceof WebGpuBuffer && this.live.has(buffer)) return buffer
    throw new WeftError({ where: 'webgpu', what: `buffer ${buffer.label} is not of this device, or was freed` })
  }

  alloc(bytes: number, label: string): WebGpuBuffer {
    this.health.check()
    const most = this.device.limits.maxBufferSize
    check(Number.isSafeInteger(bytes) && bytes >= 0, 'webgpu', `size of buffer ${label}`, 'a whole number of bytes', String(bytes))
    // Padded so that an array of 16-byte vectors has its last element.
    const size = Math.max(16, Math.ceil(bytes / 16) * 16)
    check(size <= most, 'webgpu', `buffer ${label} is too large for this device`, `at most ${megabytes(most)}`, megabytes(bytes))
    const failed = (message: string): void => {
      this.health.failWith(new WeftError({ where: 'webgpu', what: `no memory for ${label}: wants ${megabytes(bytes)}, ${megabytes(this.allocated - size)} are in use (${message})` }))
    }
    const gpu = this.health.watch('out-of-memory', () => this.health.watch('validation',
      () => this.device.createBuffer({ label, size, usage: usage.storage | usage.copySrc | usage.copyDst }), failed), failed)
    const buffer = new WebGpuBuffer(label, bytes, gpu)
    this.live.add(buffer)
    return buffer
  }

  free(buffer: DeviceBuffer): void {
    if (!(buffer instanceof WebGpuBuffer) || !this.live.delete(buffer)) return
    buffer.gpu.destroy()
  }

  private range(buffer: DeviceBuffer, at: number, bytes: number): WebGpuBuffer {
    const inner = this.of(buffer)
    const fits = Number.isSafeInteger(at) && Number.isSafeInteger(bytes) && at >= 0 && bytes >= 0 && at + bytes <= buffer.bytes
    check(fits, 'webgpu', `range of buffer ${buffer.label}`, `within ${buffer.bytes} bytes`, `${bytes} bytes at ${at}`)
    return inner
  }

  write(buffer: DeviceBuffer, data: Uint8Array, at: number): void {
    this.health.check()
    const { gpu } = this.range(buffer, at, data.byteLength)
    check(at % 4 === 0 && data.byteLength % 4 === 0, 'webgpu', `write to buffer ${buffer.label}`, 'place and length in multiples of 4', `${data.byteLength} bytes at ${at}`)
    for (let done = 0; done < data.byteLength; done += writePiece) {
      const size = Math.min(writePiece, data.byteLength - done)
      this.device.queue.writeBuffer(gpu, at + done, data.buffer as ArrayBuffer, data.byteOffset + done, size)
      this.unsubmitted += size
      if (this.unsubmitted >= flushAfter) this.flush()
    }
  }

  /** Submits pending writes, and lets Dawn take back the staging memory of finished ones. */
  private flush(): void {
    this.unsubmitted = 0
    this.device.queue.submit([])
  }

  copy(from: DeviceBuffer, fromAt: number, to: DeviceBuffer, toAt: number, bytes: number): void {
    this.health.check()
    const source = this.range(from, fromAt, bytes).gpu
    const target = this.range(to, toAt, bytes).gpu
    check([fromAt, toAt, bytes].every(n => n % 4 === 0), 'webgpu', `copy from ${from.label} to ${to.label}`, 'places and length in multiples of 4', `${bytes} bytes from ${fromAt} to ${toAt}`)
    if (bytes === 0) return
    const encoder = this.device.createCommandEncoder()
    if (source !== target) encoder.copyBufferToBuffer(source, fromAt, target, toAt, bytes)
    else {
      // WebGPU does not copy within a buffer.
      const between = this.device.createBuffer({ label: 'copy', size: bytes, usage: usage.copySrc | usage.copyDst })
      encoder.copyBufferToBuffer(source, fromAt, between, 0, bytes)
      encoder.copyBufferToBuffer(between, 0, target, toAt, bytes)
      this.device.queue.submit([encoder.finish()])
      return between.destroy()
    }
    this.device.queue.submit([encoder.finish()])
  }

  async read(buffer: DeviceBuffer, at: number, bytes: number): Promise<Uint8Array> {
    this.health.check()
    const { gpu } = this.range(buffer, at, bytes)
    const out = new Uint8Array(bytes)
    const start = Math.floor(at / 4) * 4
    const end = Math.ceil((at + bytes) / 4) * 4
    for (let from = start; from < end; from += readPiece) {
      const piece = await this.readPiece(gpu, from, Math.min(readPiece, end - from))
      const skip = Math.max(0, at - from)
      out.set(piece.subarray(skip, Math.min(piece.length, at + bytes - from)), from + skip - at)
    }
    return out
  }

  /** Bytes of a buffer that need not be one of `alloc`; place and length in multiples of 4. */
  async readPiece(gpu: GPUBuffer, at: number, bytes: number): Promise<Uint8Array> {
    const kept = this.stagings.findIndex(s => s.size >= bytes)
    const staging = kept >= 0
      ? this.stagings.splice(kept, 1)[0]!
      : this.device.createBuffer({ label: 'read', size: Math.max(4096, 2 ** Math.ceil(Math.log2(bytes))), usage: usage.mapRead | usage.copyDst })
    const encoder = this.device.createCommandEncoder()
    encoder.copyBufferToBuffer(gpu, at, staging, 0, bytes)
    this.device.queue.submit([encoder.finish()])
    this.unsubmitted = 0
    try {
      await staging.mapAsync(mapRead, 0, bytes)
    } catch (cause) {
      staging.destroy()
      this.health.fail('reading failed', cause)
      this.health.check()
      throw cause
    }
    const data = new Uint8Array(staging.getMappedRange(0, bytes)).slice()
    staging.unmap()
    if (this.stagings.length < keptStagings && !this.health.isClosed) this.stagings.push(staging)
    else staging.destroy()
    this.health.check()
    return data
  }

  /** What a view binds. Throws a WeftError that names the buffer where the device cannot bind it. */
  binding(view: BufferView, of: string): GPUBufferBinding {
    const { gpu } = this.range(view.buffer, view.offset, view.bytes)
    const { maxStorageBufferBindingSize: most, minStorageBufferOffsetAlignment: step } = this.device.limits
    check(view.offset % step === 0, 'webgpu', `offset of ${of} in buffer ${view.buffer.label}`, `a multiple of ${step}`, String(view.offset))
    const size = Math.min(Math.ceil(Math.max(view.bytes, 1) / 16) * 16, gpu.size - view.offset)
    check(size > 0 && size <= most, 'webgpu', `${of} binds ${view.bytes} bytes of buffer ${view.buffer.label}`, `1 to ${most}`, String(size))
    return { buffer: gpu, offset: view.offset, size }
  }

  /** Destroys every buffer. */
  close(): void {
    for (const b of this.live) b.gpu.destroy()
    for (const s of this.stagings) s.destroy()
    this.live.clear()
    this.stagings.length = 0
  }
}
