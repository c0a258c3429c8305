/**
 * A device, as the engine sees it: buffers, compiled programs, and recordings that are made once and replayed. A
 * backend knows no op; it launches kernels over buffers. Nothing is created in `run`.
 */
import type { Caps } from '../codegen/caps.js'
import type { Dims, TileFactor } from '../codegen/kernel.js'
import type { Source, Target } from '../codegen/target.js'

export interface DeviceBuffer {
  readonly label: string
  readonly bytes: number
}

/** A run of a buffer's bytes; `offset` is a multiple of 256. */
export interface BufferView {
  readonly buffer: DeviceBuffer
  readonly offset: number
  readonly bytes: number
}

/** What a compiled kernel takes of a multiprocessor: of each thread, of each group. */
export interface Resources {
  readonly registers: number
  /** Bytes of a thread that did not fit its registers. */
  readonly spilledBytes: number
  readonly sharedBytes: number
}

/** Compiled kernels, found by name. */
export interface Program {
  readonly kernels: ReadonlySet<string>
  /** What a kernel takes, where the device tells. */
  resources?(kernel: string): Resources | null
  /** How long compilation took, and how much of it came from the disk cache. */
  readonly stats: { readonly compiled: number; readonly cached: number; readonly ms: number }
}

export interface BoundLaunch {
  readonly program: Program
  readonly kernel: string
  /** One for each of the kernel's params, in their order. */
  readonly args: readonly BufferView[]
  readonly tiles: readonly TileFactor[]
}

export interface BoundPlan {
  readonly label: string
  readonly launches: readonly BoundLaunch[]
  /** Upper bounds of the dims: grids are sized by them, kernels leave tiles beyond the live count at once. */
  readonly dims: Dims
  /** Where the live dims are, for backends that walk tiles themselves: word index in the state buffer by dim. */
  readonly state: { readonly view: BufferView; readonly words: Readonly<Record<string, number>> }
}

export interface Recording {
  readonly label: string
}

export interface Ticket {
  /** Resolves when the run has finished on the device; rejects with a WeftError if the device failed. */
  readonly done: Promise<void>
}

/** Microseconds of each launch of the last timed run, in order. */
export interface Timing {
  readonly kernel: string
  readonly microseconds: number
}

export interface MemoryInfo {
  /** Bytes that can still be allocated, as far as the device says; null where it does not. */
  readonly free: number | null
  readonly total: number | null
}

export interface Backend {
  readonly name: 'cuda' | 'webgpu' | 'wasm'
  readonly target: Target
  readonly caps: Caps
  /** Driver and chip in one line, for people. */
  readonly description: string
  memory(): MemoryInfo
  /** Zeroed memory. Throws a WeftError naming `label`, the bytes wanted and what is free. */
  alloc(bytes: number, label: string): DeviceBuffer
  free(buffer: DeviceBuffer): void
  /** Copies `data` to the device; `data` may be reused when it returns. `at` and the length are multiples of 4. */
  write(buffer: DeviceBuffer, data: Uint8Array, at?: number): void
  /** Waits for runs before it, then copies out. */
  read(buffer: DeviceBuffer, at?: number, bytes?: number): Promise<Uint8Array>
  /** Copies between buffers, after runs before it. */
  copy(from: DeviceBuffer, fromAt: number, to: DeviceBuffer, toAt: number, bytes: number): void
  /** Says that kernels are being made which will be compiled, so that a compiler that starts slowly may start now. */
  expectCompile?(): void
  /** Compiles, through a disk cache keyed by text, chip and driver. Buffers may be made and written meanwhile. */
  compile(source: Source): Promise<Program>
  /** Makes everything a run needs. */
  record(plan: BoundPlan): Recording
  /** Gives back what a recording holds, after runs of it; it is not run again. */
  release(recording: Recording): void
  /** Starts a recording `times` times over (1 unless told) and returns at once; runs happen in order. */
  run(recording: Recording, times?: number): Ticket
  /** Runs once with each launch timed by the device's clock. */
  time(recording: Recording): Promise<readonly Timing[]>
  /**
   * Runs `times` times over and says how many microseconds all took by the device's clock, without what it costs to hand them over;
   * absent or null where the device has no such clock, or the host's does as well.
   */
  timeRuns?(recording: Recording, times: number): Promise<number | null>
  /** Releases all device memory and threads; safe to call twice. */
  close(): Promise<void>
}
