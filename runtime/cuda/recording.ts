/**
 * Plans as CUDA graphs. Launches are captured once from a stream and replayed with one call, which leaves about a
 * microsecond between dependent kernels, half of it where a launch may begin before the one before it has ended in full, and
 * no work for the host. Timing replays a second graph that has an event between launches: timed one by one from the host,
 * small kernels would show the host's time, not their own.
 */
import { check, WeftError } from '../../graph/error.js'
import { tileCount } from '../../codegen/kernel.js'
import type { KernelText } from '../../codegen/target.js'
import type { BoundLaunch, BoundPlan, BufferView, DeviceBuffer, Program, Recording, Resources } from '../backend.js'
import { flags, functionAttribute } from './driver.js'
import type { Driver, Handle } from './driver.js'
import { encodeTensorMap, tensorMapAlignment, tensorMapWords } from './tensor-map.js'

/** The longest grid along x. */
const maxTiles = 2 ** 31 - 1

export class CudaBuffer implements DeviceBuffer {
  freed = false
  constructor(readonly label: string, readonly bytes: number, readonly address: bigint) {}
}

export interface CudaFunction {
  readonly handle: Handle
  readonly text: KernelText
  readonly resources: Resources
}

export class CudaProgram implements Program {
  readonly kernels: ReadonlySet<string>
  constructor(readonly functions: ReadonlyMap<string, CudaFunction>, readonly stats: Program['stats']) {
    this.kernels = new Set(functions.keys())
  }

  resources(kernel: string): Resources | null {
    return this.functions.get(kernel)?.resources ?? null
  }
}

/** Finds a module's kernels and grants them the shared memory they ask for. */
export function findFunctions(driver: Driver, module: Handle, kernels: readonly KernelText[]): ReadonlyMap<string, CudaFunction> {
  return new Map(kernels.map(text => {
    const handle = driver.take<Handle>(out => driver.moduleFunction(out, module, text.name), `kernel ${text.name}`)
    if (text.dynamicBytes > 0) {
      const what = `${text.dynamicBytes} bytes of shared memory for kernel ${text.name}`
      driver.must(driver.functionSet(handle, functionAttribute.maxDynamicSharedBytes, text.dynamicBytes), what)
    }
    const get = (name: number): number => driver.take<number>(out => driver.functionGet(out, name, handle), `what kernel ${text.name} takes`)
    const resources = { registers: get(functionAttribute.registers), spilledBytes: get(functionAttribute.localBytes), sharedBytes: get(functionAttribute.sharedBytes) + text.dynamicBytes }
    return [text.name, { handle, text, resources }]
  }))
}

/** A launch with all that its call needs. */
interface Ready {
  readonly kernel: string
  readonly handle: Handle
  readonly tiles: number
  readonly threads: number
  readonly dynamicBytes: number
  readonly overlaps: boolean
  /** As `argumentsOf` makes them. */
  readonly params: BigUint64Array
}

export class CudaRecording implements Recording {
  /** The graph with events, made when first asked for. */
  timed: { readonly executable: Handle; readonly events: readonly Handle[] } | null = null
  constructor(readonly label: string, readonly launches: readonly Ready[], readonly executable: Handle) {}
}

function ready(driver: Driver, plan: BoundPlan, launch: BoundLaunch, owns: (buffer: DeviceBuffer) => buffer is CudaBuffer): Ready | null {
  const where = `plan ${plan.label}, kernel ${launch.kernel}`
  const f = launch.program instanceof CudaProgram ? launch.program.functions.get(launch.kernel) : undefined
  if (f === undefined) throw new WeftError({ where, what: 'the program of this launch has no such kernel on this device' })
  const { text } = f
  check(launch.args.length === text.params.length, where, 'arguments', String(text.params.length), String(launch.args.length))
  const addresses = launch.args.map((view, i) => addressOf(view, `${where}, param ${text.params[i]!.name}`, owns))
  // A grid is whole clusters; kernels leave tiles beyond the count at once.
  const tiles = Math.ceil(tileCount(launch.tiles, plan.dims) / text.cluster) * text.cluster
  check(Number.isInteger(tiles) && tiles >= 0 && tiles <= maxTiles, where, 'tiles', `0 to ${maxTiles}`, String(tiles))
  if (tiles === 0) return null
  const params = argumentsOf(driver, text, addresses, launch.args, where)
  return { kernel: text.name, handle: f.handle, tiles, threads: text.threads, dynamicBytes: text.dynamicBytes, overlaps: text.overlaps === true, params }
}

/** Arguments as the driver wants them: addresses of values, and behind them the values: an address, or a tensor map. */
function argumentsOf(driver: Driver, text: KernelText, addresses: readonly bigint[], views: readonly BufferView[], where: string): BigUint64Array {
  const maps = text.params.filter(p => p.tensor).length
  const words = 2 * addresses.length + maps * (tensorMapWords + tensorMapAlignment)
  const params = new BigUint64Array(new ArrayBuffer(Math.max(8, 8 * words)))
  const base = driver.library.address(params)
  let at = addresses.length
  addresses.forEach((address, i) => {
    const param = text.params[i]!
    if (param.tensor) {
      while ((base + BigInt(8 * at)) % BigInt(8 * tensorMapAlignment) !== 0n) at += 1
      encodeTensorMap(driver, param, address, views[i]!.bytes, params.subarray(at, at + tensorMapWords), `${where}, param ${param.name}`)
    } else params[at] = address
    params[i] = base + BigInt(8 * at)
    at += param.tensor ? tensorMapWords : 1
  })
  return params
}

function addressOf(view: BufferView, where: string, owns: (buffer: DeviceBuffer) => buffer is CudaBuffer): bigint {
  const { buffer, offset, bytes } = view
  if (!owns(buffer)) throw new WeftError({ where, what: `buffer «${buffer.label}» is not of this device, or was freed` })
  check(Number.isInteger(offset) && offset >= 0 && offset % 256 === 0, where, `offset into buffer «${buffer.label}»`, 'a multiple of 256', String(offset))
  check(bytes >= 0 && offset + bytes <= buffer.bytes, where, `view of buffer «${buffer.label}»`, `within its ${buffer.bytes} bytes`, `${offset} to ${offset + bytes}`)
  return buffer.address + BigInt(offset)
}

/** Captures `work` from a stream into an executable graph. */
function capture(driver: Driver, stream: Handle, what: string, work: () => void): Handle {
  driver.must(driver.captureBegin(stream, flags.captureThreadLocal), what)
  let failure: unknown
  try {
    work()
  } catch (error) {
    failure = error
  }
  // Ended in any case: a stream left capturing can do nothing else.
  const graph: (Handle | null)[] = [null]
  const result = driver.captureEnd(stream, graph)
  if (failure !== undefined) {
    if (graph[0]) driver.graphDestroy(graph[0])
    throw failure
  }
  driver.must(result, what)
  try {
    return driver.take<Handle>(out => driver.graphInstantiate(out, graph[0]!, 0), what)
  } finally {
    driver.graphDestroy(graph[0]!)
  }
}

function launch(driver: Driver, l: Ready, stream: Handle, what: string): void {
  driver.must(driver.launch(l.handle, l.tiles, 1, 1, l.threads, 1, 1, l.dynamicBytes, stream, l.params, null), `${what}, kernel ${l.kernel}`)
}

/** Bytes of a CUlaunchConfig, and of the one CUlaunchAttribute that stands behind it. */
const [configBytes, attributeBytes] = [64, 72]
/** CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION (cuda.h). */
const programmaticSerialization = 6

/** A launch that may begin before the one before it has ended. */
function launchEarly(driver: Driver, l: Ready, stream: Handle, what: string): void {
  // One piece of memory, handed to the call itself: it lives as long as the call does.
  const memory = new BigUint64Array(new ArrayBuffer(configBytes + attributeBytes))
  const words = new Uint32Array(memory.buffer)
  words.set([l.tiles, 1, 1, l.threads, 1, 1, l.dynamicBytes])
  memory.set([stream, driver.library.address(memory) + BigInt(configBytes), 1n], 4)
  words.set([programmaticSerialization, 0, 1], configBytes / 4)
  driver.must(driver.launchEarly!(memory, l.handle, l.params, null), `${what}, kernel ${l.kernel}`)
}

/** Checks a plan's launches and captures them. Launches without tiles are left out. */
export function recordPlan(driver: Driver, stream: Handle, plan: BoundPlan, owns: (buffer: DeviceBuffer) => buffer is CudaBuffer): CudaRecording {
  const launches = plan.launches.map(l => ready(driver, plan, l, owns)).filter(l => l !== null)
  const what = `recording of plan ${plan.label}`
  const executable = capture(driver, stream, what, () => {
    // The first has none before it in the graph.
    launches.forEach((l, i) => (i > 0 && l.overlaps && driver.launchEarly !== null ? launchEarly : launch)(driver, l, stream, what))
  })
  return new CudaRecording(plan.label, launches, executable)
}

/** The graph with an event before the first launch and after each. */
export function timedGraph(driver: Driver, stream: Handle, recording: CudaRecording): NonNullable<CudaRecording['timed']> {
  if (recording.timed !== null) return recording.timed
  const what = `timing of plan ${recording.label}`
  const events = Array.from({ length: recording.launches.length + 1 }, () => driver.take<Handle>(out => driver.eventCreate(out, 0), what))
  const mark = (i: number): void => driver.must(driver.eventRecord(events[i]!, stream, flags.eventRecordExternal), what)
  const executable = capture(driver, stream, what, () => {
    mark(0)
    recording.launches.forEach((l, i) => {
      launch(driver, l, stream, what)
      mark(i + 1)
    })
  })
  return (recording.timed = { executable, events })
}

export function releaseRecording(driver: Driver, recording: CudaRecording): void {
  driver.graphExecDestroy(recording.executable)
  if (recording.timed === null) return
  driver.graphExecDestroy(recording.timed.executable)
  for (const event of recording.timed.events) driver.eventDestroy(event)
  recording.timed = null
}
