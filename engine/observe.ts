/**
 * WEFT_DEBUG and WEFT_CHECK at work: what stands in place of a plan's recording when someone looks at its launches.
 * Timing runs the whole plan with the device's clock read between launches; checking runs the launches of one node at a
 * time, from recordings made before the first of them, and judges each node on the evaluator. A launch's rates come from
 * the cost its kernel declares, with the live dims put in.
 */
import { tmpdir } from 'node:os'
import type { Compiled } from '../codegen/compile.js'
import { amountOf } from '../codegen/kernel.js'
import { printPlan, type Launch, type Plan } from '../codegen/plan.js'
import { printKernel } from '../codegen/print.js'
import { pageSize } from '../codegen/state.js'
import { WeftError } from '../graph/error.js'
import { inputsOf, type Node, type Tensor } from '../graph/op.js'
import type { Backend, BoundPlan, Recording, Timing } from '../runtime/backend.js'
import type { Switches } from '../runtime/switches.js'
import type { ModelSource } from '../weights/model.js'
import { encodeSafetensors } from '../weights/write.js'
import { writeDump } from './dump.js'
import { launchGroups, type LaunchGroup } from './launch-groups.js'
import { PlanMemory, Replay, worse, type Difference, type Inputs, type Judged } from './replay.js'
import { roofOf } from './roof.js'
import type { Compute, LoadStats } from './types.js'

export interface ObserveParts {
  readonly backend: Backend
  readonly compiled: Compiled
  readonly source: ModelSource
  readonly compute: Compute
  readonly kv: 'f32' | 'f16'
  readonly switches: Pick<Switches, 'debug' | 'check' | 'dump'>
  /** Takes a line for people; the process's standard error unless a test looks. */
  readonly log: (line: string) => void
}

export type Observe = (plan: Plan, bound: BoundPlan) => Promise<void>

/** Inputs larger than this are named in a saved file, not copied into it: the model's file has them. */
const savedBytes = 256 * 2 ** 20

/** What runs plans in place of their recordings, or null where no switch asks for it. */
export function observer(parts: ObserveParts): Observe | null {
  if (parts.switches.check) return checking(parts)
  return parts.switches.debug >= 2 ? timing(parts) : null
}

function timing({ backend, compiled, source, compute, kv, log }: ObserveParts): Observe {
  const recordings = new WeakMap<BoundPlan, Recording>()
  const replay = new Replay({ backend, compiled, source, compute, kv })
  return async (plan, bound) => {
    const recording = recordings.get(bound) ?? backend.record(bound)
    recordings.set(bound, recording)
    const [dims, depth] = [await replay.dims(bound), await deepest(backend, compiled, bound)]
    const timings = await backend.time(recording)
    logTimings(log, plan, timings, dims, depth, (await roofOf(backend)).gbps)
  }
}

function checking(parts: ObserveParts): Observe {
  const { backend, compiled, switches, log } = parts
  const replay = new Replay(parts)
  interface Prepared {
    readonly groups: readonly LaunchGroup[]
    readonly memory: PlanMemory
  }
  const prepared = new WeakMap<BoundPlan, Prepared>()
  const prepare = (plan: Plan, bound: BoundPlan): Prepared => {
    const groups = launchGroups(backend, plan, bound)
    const made = { groups, memory: new PlanMemory(plan, bound, compiled.pageBytes / pageSize) }
    prepared.set(bound, made)
    return made
  }
  return async (plan, bound) => {
    const { groups, memory } = prepared.get(bound) ?? prepare(plan, bound)
    const [dims, depth] = [await replay.dims(bound), await deepest(backend, compiled, bound)]
    const timings: Timing[] = []
    let worst: { readonly row: Difference; readonly node: Node } | null = null
    for (const { node, first, recording } of groups) {
      if (node === null) {
        const before = await replay.state(memory)
        timings.push(...(await backend.time(recording)))
        const { kernel } = plan.launches[first]!
        const expected = await replay.advanced(before, bound.launches[first]!.args[kernel.params.findIndex(p => p.name === 'next')]!)
        const after = await replay.state(memory)
        const word = after.findIndex((v, i) => v !== expected[i])
        if (word >= 0) throw new WeftError({ where: 'WEFT_CHECK', what: `plan ${plan.label}, launch ${first} (${kernel.name}): word ${word} of the state`, expected: String(expected[word]), got: String(after[word]) })
        continue
      }
      const inputs = await replay.inputs(node, memory, dims)
      timings.push(...(await backend.time(recording)))
      const judged = await replay.judge(node, inputs, memory, dims)
      const row = judged.worst
      if (row === null) continue
      if (row.error > row.bound) throw differs(plan, first, timings.length, node, inputs, judged, row, switches.dump ?? tmpdir())
      if (worst === null || worse(worst.row, row) === row) worst = { row, node }
    }
    if (switches.debug >= 1) {
      const near = worst === null ? 'all equal' : `the largest error is ${worst.row.error.toExponential(1)} of a row's norm (${worst.row.bound} is allowed) at ${plan.graph.names.get(worst.node)}`
      log(`checked plan ${plan.label}, ${dims['tokens']} tokens, ${plan.launches.length} launches: ${near}`)
    }
    if (switches.debug >= 2) logTimings(log, plan, timings, dims, depth, (await roofOf(backend)).gbps)
  }
}

/** The error about launches [first, end) of a plan, after saving what went into their node and what came out. */
function differs(plan: Plan, first: number, end: number, node: Node, inputs: Inputs, { expected, got }: Judged, d: Difference, folder: string): WeftError {
  const own = plan.launches.slice(first, end)
  const launches = own.length === 1 ? `launch ${first}` : `launches ${first} to ${end - 1}`
  const kernels = own.map(l => l.kernel.name).join(', ')
  const named: readonly (readonly [string, Tensor])[] = [
    ...[...inputs].map(([name, t]) => [`input.${name}`, t] as const),
    ...expected.map((t, i) => [`expected.${i}`, t] as const), ...got.map((t, i) => [`got.${i}`, t] as const),
  ]
  const small = named.filter(([, t]) => t.data.length * 4 <= savedBytes)
  const large = Object.entries(inputsOf(node)).filter(([name]) => !small.some(([n]) => n === `input.${name}`))
  const file = encodeSafetensors(
    small.map(([name, t]) => ({ name, dtype: 'F32', shape: t.shape, data: new Uint8Array(Float32Array.from(t.data).buffer) })),
    {
      plan: plan.label, launch: String(first), kernels, node: plan.graph.names.get(node)!, op: node.op.name, attributes: JSON.stringify(node.attributes),
      ...(large.length === 0 ? {} : { 'too large to save': large.map(([name, n]) => `${name}: ${plan.graph.names.get(n)}`).join('; ') }),
    },
  )
  const path = writeDump(folder, `weft-check-${plan.label}-${first}.safetensors`, file)
  const which = expected.length > 1 ? `output ${d.output}, ` : ''
  const apart = d.bound === 0 ? 'differs from the evaluator' : Number.isFinite(d.error) ? `differs from the evaluator by ${d.error.toExponential(1)} of its norm, ${d.bound} is allowed` : 'is not finite'
  return new WeftError({
    where: 'WEFT_CHECK',
    what: `plan ${plan.label}, ${launches} (${kernels}), node ${plan.graph.names.get(node)}: ${which}row ${d.row.join(', ')} ${apart}; inputs and outputs are in ${path}; at column ${d.column}`,
    expected: String(Number(d.expected.toPrecision(9))), got: String(Number(d.got.toPrecision(9))),
  })
}

/** Positions that the deepest row of the batch attends to. */
export async function deepest(backend: Backend, compiled: Compiled, { state }: BoundPlan): Promise<number> {
  const { arrays, words } = compiled.state
  const read = async (word: number, count: number): Promise<Uint32Array> => new Uint32Array((await backend.read(state.view.buffer, word * 4, count * 4)).slice().buffer)
  const [rows] = await read(words.tokens!, 1)
  return (await read(arrays.positions, Math.max(1, rows!))).reduce((a, b) => Math.max(a, b), 0) + 1
}

/** Bytes and flops of a launch. Attention declares its cost at a full cache: what scales with the depth is taken at `depth`. */
export function work({ kernel, node }: Launch, dims: Readonly<Record<string, number>>, depth: number, limit: number): { readonly bytes: number; readonly flops: number } {
  const { bytes, flops } = kernel.cost
  const readsCache = kernel.params.some(p => p.role === 'cache' && p.access === 'read')
  if (node?.op.name !== 'attention' || !readsCache) return { bytes: amountOf(bytes, dims), flops: amountOf(flops, dims) }
  const window = (node.attributes['window'] as number | null) ?? Infinity
  const share = Math.min(depth, window) / Math.min(limit, window)
  return { bytes: amountOf({ ...bytes, base: bytes.base * share }, dims), flops: amountOf(flops, dims) * share }
}

function logTimings(log: (line: string) => void, plan: Plan, timings: readonly Timing[], dims: Readonly<Record<string, number>>, depth: number, peak: number): void {
  const limit = (dims['pages'] ?? 1) * pageSize
  const works = plan.launches.map(l => work(l, dims, depth, limit))
  const sum = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0)
  const rates = (micros: number, bytes: number, flops: number): string => {
    const gbps = micros > 0 ? bytes / micros / 1e3 : 0
    return `${micros.toFixed(1).padStart(10)} µs ${gbps.toFixed(2).padStart(9)} GB/s (${((100 * gbps) / peak).toFixed(0)}%) ${(micros > 0 ? flops / micros / 1e3 : 0).toFixed(2).padStart(9)} GFLOP/s`
  }
  const total = rates(sum(timings.map(t => t.microseconds)), sum(works.map(w => w.bytes)), sum(works.map(w => w.flops)))
  log(`plan ${plan.label}, ${dims['tokens']} tokens, ${dims['outputs']} outputs, ${plan.launches.length} launches: ${total.trim()}`)
  const width = Math.max(...plan.launches.map(l => l.kernel.name.length))
  timings.forEach(({ microseconds }, i) => {
    const { kernel, origin } = plan.launches[i]!
    log(`${String(i).padStart(5)} ${kernel.name.padEnd(width)} ${rates(microseconds, works[i]!.bytes, works[i]!.flops)}  ${origin}`)
  })
}

const megabytes = (n: number): string => (n >= 1e9 ? `${(n / 1e9).toFixed(2)} GB` : n >= 1e5 ? `${(n / 1e6).toFixed(1)} MB` : `${(n / 1e3).toFixed(1)} kB`)

/** The lines of WEFT_DEBUG 1 and 3, after a model was loaded. */
export function logLoaded({ backend, compiled, switches, log }: ObserveParts, stats: Omit<LoadStats, 'openSeconds' | 'loadSeconds' | 'cacheBytes'>, cacheBytes: number): void {
  if (switches.debug < 1) return
  const { caps } = backend
  const { free, total } = backend.memory()
  const subgroup = caps.subgroup === null ? 'no subgroups' : `subgroups of ${caps.subgroup.min === caps.subgroup.max ? caps.subgroup.min : `${caps.subgroup.min} to ${caps.subgroup.max}`}`
  const constants = compiled.constants.reduce((n, c) => n + c.data.byteLength, 0)
  log(`device ${backend.name}: ${backend.description}; ${caps.units} units, ${subgroup}, ${caps.sharedBytes} bytes of shared memory, ${caps.f16 ? 'f16' : 'no f16'}${caps.matrix ? ', matrix tiles' : ''}`)
  log(`memory: weights ${megabytes(stats.weightBytes)}, KV cache ${megabytes(cacheBytes)}, activations ${megabytes(compiled.arenaBytes)}, tables ${megabytes(constants)}, state ${megabytes(compiled.state.totalWords * 4)}; ${free === null ? 'what is free is unknown' : `${megabytes(free)} free`}${total === null ? '' : ` of ${megabytes(total)}`}`)
  log(`kernels: ${compiled.kernels.length}, ${stats.kernelsCompiled} compiled and ${stats.kernelsCached} from the disk cache; text ${stats.generateTextSeconds.toFixed(2)} s, compilation ${stats.compileSeconds.toFixed(2)} s, weights ${stats.uploadSeconds.toFixed(2)} s`)
  for (const p of Object.values(compiled.plans)) log(`plan ${p.label}: ${p.launches.length} launches, arena ${megabytes(p.arenaBytes)}`)
  if (switches.debug < 3) return
  for (const p of Object.values(compiled.plans)) log(printPlan(p).trimEnd())
  for (const k of compiled.kernels) log(printKernel(k).trimEnd())
}
