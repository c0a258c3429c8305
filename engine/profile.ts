/**
 * Where the time of a run goes, launch by launch: a model loaded onto a backend that can be told to time its runs with the
 * device's clock instead of just making them. A timed run gives the same results, only later, so that what is measured is
 * the real thing: the plans the engine chose, with the inputs it gave them. Rates come from the cost that each kernel
 * declares, with the live dims put in.
 */
import type { Compiled, PlanName } from '../codegen/compile.js'
import type { Kernel } from '../codegen/kernel.js'
import type { Launch } from '../codegen/plan.js'
import { pageSize } from '../codegen/state.js'
import { check, WeftError } from '../graph/error.js'
import type { Backend, BoundPlan, Program, Recording, Resources, Ticket, Timing } from '../runtime/backend.js'
import { openDevice } from './device.js'
import { load } from './load.js'
import type { TunedChoices } from '../codegen/tuned.js'
import { deepest, work } from './observe.js'
import { cacheElement } from './planning.js'
import { tunedFor } from './tuned.js'
import type { LoadOptions, Model } from './types.js'
import type { ModelSource } from '../weights/model.js'

export interface LaunchTime {
  readonly kernel: Kernel
  /** Where in the plan: the node it computes, and why other schedules do not. */
  readonly launch: Launch
  readonly microseconds: number
  /** Bytes to and from memory, and floating-point operations, as the kernel declares them. */
  readonly bytes: number
  readonly flops: number
}

/** One run of a plan. */
export interface RunTime {
  readonly plan: PlanName
  /** Rows. */
  readonly tokens: number
  /** Positions that the deepest row attends to. */
  readonly depth: number
  readonly launches: readonly LaunchTime[]
}

export interface ProfiledModel {
  readonly model: Model
  /** The device under it, for measurements beside the model's own runs. */
  readonly backend: Backend
  readonly compiled: Compiled
  /** What tuning found that was handed to code generation, and the cache's element that it was found for. */
  readonly tuned: TunedChoices
  readonly kv: 'f32' | 'f16'
  /** What a compiled kernel takes, where the device tells. */
  resources(kernel: string): Resources | null
  /** Does `job` with every run of a plan timed; returns the runs in order. */
  profile(job: () => Promise<void>): Promise<readonly RunTime[]>
}

/**
 * Loads a model as `load` does, ready to be profiled. @param before does what wants the device's whole memory
 * Throws a WeftError too for the reference, which launches nothing.
 */
export async function loadProfiled(path: string | ModelSource | null, options: LoadOptions = {}, before: (backend: Backend) => Promise<void> = async () => undefined): Promise<ProfiledModel> {
  if (options.device === 'reference') throw new WeftError({ where: '--device', what: 'the reference has no kernels to time', exitCode: 2 })
  let backend: TimedBackend | undefined
  let compiled: Compiled | undefined
  const model = await load(path, options, {
    async openDevice(own) {
      backend = new TimedBackend(await openDevice(own))
      await before(backend.inner)
      return backend
    },
    recompile: made => (compiled = made),
  })
  const [timed, forms] = [backend!, compiled!]
  const profile: ProfiledModel['profile'] = async job => {
    const runs: RunTime[] = []
    timed.instead = async (bound, time) => {
      // Read before the run: at its end a decode plan moves on to the next position.
      const state = new Uint32Array((await timed.read(bound.state.view.buffer, 0, 16)).slice().buffer)
      const depth = await deepest(timed, forms, bound)
      runs.push(runTime(forms, bound.label as PlanName, state, depth, await time()))
    }
    try {
      await job()
    } finally {
      timed.instead = null
    }
    return runs
  }
  return { model, backend: timed.inner, compiled: forms, profile, kv: cacheElement(model.compute, options.kvType), tuned: options.tuned === false ? {} : tunedFor(timed.inner), resources: kernel => timed.program?.resources?.(kernel) ?? null }
}

function runTime({ plans, state }: Compiled, name: PlanName, live: Uint32Array, depth: number, timings: readonly Timing[]): RunTime {
  const { launches } = plans[name]
  check(timings.length === launches.length, 'profile', `plan ${name}: launches timed`, `${launches.length}`, `${timings.length}`)
  const tokens = live[state.words.tokens]!
  const dims = { tokens, outputs: live[state.words.outputs]!, sequences: state.sequences, pages: state.pages }
  return {
    plan: name, tokens, depth,
    launches: launches.map((l, i) => ({ kernel: l.kernel, launch: l, microseconds: timings[i]!.microseconds, ...work(l, dims, depth, state.pages * pageSize) })),
  }
}

/** A recording with the plan it was made from. */
class TimedRecording implements Recording {
  constructor(readonly bound: BoundPlan, readonly inner: Recording) {}
  get label(): string {
    return this.bound.label
  }
}

/** Hands everything on to another backend, but makes runs by `instead` while there is one. */
class TimedBackend implements Backend {
  program: Program | null = null
  instead: ((bound: BoundPlan, time: () => Promise<readonly Timing[]>) => Promise<void>) | null = null
  readonly name: Backend['name']
  readonly target: Backend['target']
  readonly caps: Backend['caps']
  readonly description: string

  constructor(readonly inner: Backend) {
    this.name = inner.name
    this.target = inner.target
    this.caps = inner.caps
    this.description = inner.description
  }

  readonly memory: Backend['memory'] = () => this.inner.memory()
  readonly alloc: Backend['alloc'] = (bytes, label) => this.inner.alloc(bytes, label)
  readonly free: Backend['free'] = buffer => this.inner.free(buffer)
  readonly write: Backend['write'] = (buffer, data, at) => this.inner.write(buffer, data, at)
  readonly read: Backend['read'] = (buffer, at, bytes) => this.inner.read(buffer, at, bytes)
  readonly copy: Backend['copy'] = (from, fromAt, to, toAt, bytes) => this.inner.copy(from, fromAt, to, toAt, bytes)
  readonly compile: Backend['compile'] = async source => (this.program = await this.inner.compile(source))
  readonly record: Backend['record'] = bound => new TimedRecording(bound, this.inner.record(bound))
  readonly release: Backend['release'] = recording => this.inner.release(own(recording).inner)
  readonly time: Backend['time'] = recording => this.inner.time(own(recording).inner)
  readonly close: Backend['close'] = () => this.inner.close()

  run(recording: Recording, times = 1): Ticket {
    const { bound, inner } = own(recording)
    const { instead } = this
    if (instead === null) return this.inner.run(inner, times)
    const runs = async (): Promise<void> => {
      for (let i = 0; i < times; i++) await instead(bound, () => this.inner.time(inner))
    }
    return { done: runs() }
  }
}

function own(recording: Recording): TimedRecording {
  if (recording instanceof TimedRecording) return recording
  throw new WeftError({ where: 'profile', what: `recording ${recording.label} was made by another backend` })
}
