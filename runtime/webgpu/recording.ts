/**
 * A plan made ready: pipelines, bind groups and group counts of every launch. WebGPU replays nothing by itself, so a
 * run encodes the launches again, in one pass, with nothing but calls over ready objects.
 */
import { check, WeftError } from '../../graph/error.js'
import { tileCount } from '../../codegen/kernel.js'
import type { BoundLaunch, BoundPlan, Recording, Timing } from '../backend.js'
import { usage, type DeviceHealth } from './device.js'
import type { WebGpuMemory } from './memory.js'
import { WebGpuProgram, type CompiledKernel } from './program.js'

/** Launches of a submission: of the first few, so that the device has work while the host encodes the rest, and at most. */
const firstSubmission = 32
const largestSubmission = 512

/** Launches of a pass that is timed as a whole: some hundredths of a second of them. */
const launchesAPass = 4096

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

interface ReadyLaunch {
  readonly kernel: string
  readonly pipeline: GPUComputePipeline
  readonly group: GPUBindGroup
  readonly x: number
  readonly y: number
}

export class WebGpuRecording implements Recording {
  /** `launches` are those with work; `order` has the index of each launch of the plan in it, or -1. */
  constructor(readonly label: string, readonly launches: readonly ReadyLaunch[], readonly order: readonly number[], readonly names: readonly string[]) {}
}

/** Two numbers of at most `most` whose product is `tiles` if there are such, else a product just beyond. */
export function splitTiles(tiles: number, most: number): { readonly x: number; readonly y: number } {
  const least = Math.ceil(tiles / most)
  for (let y = least; y <= Math.min(most, least + 1024); y++) if (tiles % y === 0) return { x: tiles / y, y }
  return { x: Math.ceil(tiles / least), y: least }
}

function kernelOf(launch: BoundLaunch): CompiledKernel {
  const kernel = launch.program instanceof WebGpuProgram ? launch.program.compiled.get(launch.kernel) : undefined
  if (kernel === undefined) throw new WeftError({ where: 'webgpu', what: `no kernel ${launch.kernel} in the program of this launch` })
  return kernel
}

export class Recorder {
  /** Pipelines for numbers of tiles that do not split, by kernel. */
  private readonly bounded = new WeakMap<CompiledKernel, Map<number, GPUComputePipeline>>()

  constructor(private readonly health: DeviceHealth, private readonly memory: WebGpuMemory) {}

  record(plan: BoundPlan): WebGpuRecording {
    this.health.check()
    const { device } = this.health
    const launches: ReadyLaunch[] = []
    const groupIds = new Map<GPUBuffer, number>()
    const known = new Map<string, GPUBindGroup>()
    const order = plan.launches.map(launch => {
      const kernel = kernelOf(launch)
      const where = `${plan.label}, kernel ${kernel.name}`
      check(launch.args.length === kernel.params.length, where, 'buffers bound', `${kernel.params.length}, one for each param`, String(launch.args.length))
      const tiles = tileCount(launch.tiles, plan.dims)
      check(Number.isSafeInteger(tiles) && tiles >= 0 && tiles < 2 ** 32, where, 'number of tiles', 'a whole number below 2^32', String(tiles))
      if (tiles === 0) return -1
      const most = device.limits.maxComputeWorkgroupsPerDimension
      const { x, y } = splitTiles(tiles, most)
      check(y <= most, where, 'number of tiles', `at most ${most}²`, String(tiles))
      const bindings = launch.args.map((view, i) => this.memory.binding(view, `${where}: param ${kernel.params[i]!.name}`))
      const key = bindings.map(b => {
        if (!groupIds.has(b.buffer)) groupIds.set(b.buffer, groupIds.size)
        return `${groupIds.get(b.buffer)}+${b.offset}:${b.size}`
      }).join(' ') + ` ${kernel.bindings.label}`
      const group = known.get(key) ?? this.health.watch('validation', () => device.createBindGroup({
        label: kernel.name, layout: kernel.bindings, entries: bindings.map((resource, binding) => ({ binding, resource })),
      }), message => this.health.fail(`${where}: ${message}`))
      known.set(key, group)
      launches.push({ kernel: kernel.name, pipeline: x * y === tiles ? kernel.pipeline : this.boundedPipeline(kernel, tiles), group, x, y })
      return launches.length - 1
    })
    return new WebGpuRecording(plan.label, launches, order, plan.launches.map(l => l.kernel))
  }

  private boundedPipeline(kernel: CompiledKernel, tiles: number): GPUComputePipeline {
    const made = this.bounded.get(kernel) ?? new Map<number, GPUComputePipeline>()
    this.bounded.set(kernel, made)
    const pipeline = made.get(tiles) ?? this.health.device.createComputePipeline({
      label: kernel.name, layout: kernel.layout, compute: { module: kernel.module, constants: { tiles } },
    })
    made.set(tiles, pipeline)
    return pipeline
  }

  /**
   * Encodes and submits a recording `times` times, in submissions that grow: the device begins with the first launches while
   * the host, which takes some 4 µs for each, encodes the next.
   */
  submit({ launches }: WebGpuRecording, times: number): void {
    const { device } = this.health
    const all = launches.length * times
    for (let from = 0, size = firstSubmission; from < all; size = Math.min(2 * size, largestSubmission)) {
      const to = Math.min(from + size, all)
      const encoder = device.createCommandEncoder()
      const pass = encoder.beginComputePass()
      encode(pass, launches, from, to)
      pass.end()
      device.queue.submit([encoder.finish()])
      from = to
    }
  }

  async time(recording: WebGpuRecording): Promise<readonly Timing[]> {
    const { launches } = recording
    const microseconds = launches.length === 0 ? [] : this.health.device.features.has('timestamp-query') ? await this.timestamps(launches) : await this.wallClock(launches)
    return recording.order.map((at, i) => ({ kernel: recording.names[i]!, microseconds: at < 0 ? 0 : microseconds[at]! }))
  }

  /**
   * Microseconds of `times` runs in passes of many launches, by the device's clock at both ends of each pass: launches follow each
   * other as in a real run, and that the host encodes some of them slower than the device does them is not in it. Null without timestamps.
   */
  async timeRuns({ launches }: WebGpuRecording, times: number): Promise<number | null> {
    if (!this.health.device.features.has('timestamp-query') || launches.length === 0) return null
    const perPass = Math.max(1, Math.floor(launchesAPass / launches.length))
    const passes = Array.from({ length: Math.ceil(times / perPass) }, (_, i) => Math.min(perPass, times - i * perPass))
    return sum(await this.timedPasses(passes.map(runs => (pass: GPUComputePassEncoder): void => {
      encode(pass, launches, 0, runs * launches.length)
    })))
  }

  /**
   * One pass a launch, with the device's clock read at both ends. Opening a pass is part of it: on an H200 an empty pass
   * takes 2 µs and a pass of one empty launch 6, of which 1.3 remain for each launch in a pass of many.
   */
  private async timestamps(launches: readonly ReadyLaunch[]): Promise<readonly number[]> {
    return this.timedPasses(launches.map(launch => (pass: GPUComputePassEncoder): void => encode(pass, [launch], 0, 1)))
  }

  /** Microseconds of each pass. */
  private async timedPasses(fills: readonly ((pass: GPUComputePassEncoder) => void)[]): Promise<readonly number[]> {
    const { device } = this.health
    const perSet = 2048
    const sets = Array.from({ length: Math.ceil(fills.length / perSet) }, (_, i) =>
      device.createQuerySet({ type: 'timestamp', count: 2 * Math.min(perSet, fills.length - i * perSet) }))
    const results = device.createBuffer({ label: 'timestamps', size: 16 * fills.length, usage: usage.queryResolve | usage.copySrc })
    const encoder = device.createCommandEncoder()
    fills.forEach((fill, i) => {
      const at = 2 * (i % perSet)
      const pass = encoder.beginComputePass({ timestampWrites: { querySet: sets[Math.floor(i / perSet)]!, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } })
      fill(pass)
      pass.end()
    })
    sets.forEach((set, i) => encoder.resolveQuerySet(set, 0, set.count, results, 16 * perSet * i))
    device.queue.submit([encoder.finish()])
    try {
      const bytes = await this.memory.readPiece(results, 0, results.size)
      const ticks = new BigUint64Array(bytes.buffer)
      // Clocks of different engines may run backwards by a tick.
      return fills.map((_, i) => Math.max(0, Number(ticks[2 * i + 1]! - ticks[2 * i]!)) / 1000)
    } finally {
      results.destroy()
      sets.forEach(s => s.destroy())
    }
  }

  /** Without timestamps: the host's clock around each launch, with the submission's own time in it. */
  private async wallClock(launches: readonly ReadyLaunch[]): Promise<readonly number[]> {
    await this.health.settled()
    const out: number[] = []
    for (const launch of launches) {
      const start = performance.now()
      const encoder = this.health.device.createCommandEncoder()
      const pass = encoder.beginComputePass()
      encode(pass, [launch], 0, 1)
      pass.end()
      this.health.device.queue.submit([encoder.finish()])
      await this.health.settled()
      out.push((performance.now() - start) * 1000)
    }
    return out
  }
}

/** Encodes launches `from` to `to` of a recording that begins anew at its end. */
function encode(pass: GPUComputePassEncoder, launches: readonly ReadyLaunch[], from: number, to: number): void {
  let pipeline: GPUComputePipeline | null = null
  let group: GPUBindGroup | null = null
  for (let i = from; i < to; i++) {
    const launch = launches[i % launches.length]!
    if (launch.pipeline !== pipeline) pass.setPipeline((pipeline = launch.pipeline))
    if (launch.group !== group) pass.setBindGroup(0, (group = launch.group))
    pass.dispatchWorkgroups(launch.x, launch.y)
  }
}
