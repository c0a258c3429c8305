/**
 * Everything an engine needs from code generation, for one model on one chip: the plans with their kernels, how each
 * weight lies on the device, and the constant tables. No device is needed to make it.
 */
import { graph, weightOp, type Graph } from '../graph/graph.js'
import { llama, type WeightType } from '../graph/models/llama.js'
import type { Config } from '../graph/models/config.js'
import type { Node } from '../graph/op.js'
import type { Size } from '../graph/tensor.js'
import { WeftError } from '../graph/error.js'
import type { Extent } from './builder.js'
import type { Caps } from './caps.js'
import { fuse } from './fuse.js'
import type { Kernel } from './kernel.js'
import { lower, type Made } from './lower.js'
import { constantsOf, KernelNames, plan, weightKey, type Plan, type RunnablePlan } from './plan.js'
import { advance } from './schedules/advance.js'
import { matvecRows } from './schedules/linear-matvec.js'
import { schedules as allSchedules } from './schedules/index.js'
import type { Compute, Constant, Context, Schedule } from './schedule.js'
import type { Roof } from './roof.js'
import { pageSize, stateLayout, type StateLayout } from './state.js'
import type { Target } from './target.js'
import { cuda } from './targets/cuda.js'
import { hip } from './targets/hip.js'
import { msl } from './targets/msl.js'
import { wasm } from './targets/wasm.js'
import { wgsl } from './targets/wgsl.js'
import type { TunedChoices } from './tuned.js'
import { weightLayout, type WeightLayout } from './types/layout.js'

export interface CompileOptions {
  readonly caps: Caps
  readonly compute: Compute
  readonly kv: 'f32' | 'f16'
  /** Context limit in positions. */
  readonly context: number
  readonly sequences: number
  /** Rows of a prefill chunk. */
  readonly chunk: number
  readonly fuse: boolean
  /** Schedules to choose from; all of them unless a test wants others. */
  readonly schedules?: readonly Schedule[]
  /** What tuning found on the chip. */
  readonly tuned?: TunedChoices
  /** What the chip reaches at most, measured or assumed: choices are then made by estimated cost. */
  readonly roof?: Roof
  /** Names given so far, where several models share one program: equal kernels are then compiled once. */
  readonly names?: KernelNames
}

/** The plans of an engine. `decode` chooses and feeds its own tokens; `choose` leaves candidates for the sampler. */
export type PlanName = 'decode' | 'choose' | 'small' | 'prefill'

export interface ResidentWeight {
  readonly key: string
  /** Tensors of the file, their rows one below the other. */
  readonly tensors: readonly string[]
  readonly layout: WeightLayout
}

/** What running a model takes once its kernels are compiled: plain data, without the forms it was made from. */
export interface Runnable {
  readonly plans: Readonly<Record<PlanName, RunnablePlan>>
  readonly weights: readonly ResidentWeight[]
  readonly constants: readonly Constant[]
  readonly state: StateLayout
  readonly arenaBytes: number
  /** Bytes of a page of the cache, of k or v of one layer. */
  readonly pageBytes: number
  /** Bytes of weights that decoding a token reads. */
  readonly weightBytesPerToken: number
}

export interface Compiled extends Runnable {
  readonly graph: Graph
  readonly plans: Readonly<Record<PlanName, Plan>>
  readonly kernels: readonly Kernel[]
}

export const targets: Readonly<Record<Caps['target'], Target>> = { wgsl, cuda, wasm, hip, msl }

/** The most memory that logits of one prefill chunk take. */
const logitsBytes = 64 * 2 ** 20

const fixed = (dim: 'tokens' | 'outputs', n: number): Extent => ({ dim, min: n, max: n })
const live = (dim: 'tokens' | 'outputs', min: number, max: number): Extent => ({ dim, min, max })

export function compile(config: Config, typeOf: WeightType, options: CompileOptions): Compiled {
  const { caps, chunk, sequences } = options
  if (options.compute === 'f16' && caps.simd) throw new WeftError({ where: '--compute', what: 'a processor does not compute in f16', expected: 'i16 or f32', got: 'f16' })
  if (options.compute === 'i16' && !caps.simd) throw new WeftError({ where: '--compute', what: 'a GPU does not compute in i16', expected: 'f16 or f32', got: 'i16' })
  if (options.compute === 'f16' && !caps.f16) throw new WeftError({ where: '--compute', what: `${caps.chip} has no f16`, expected: 'f32', got: 'f16' })
  if (options.kv === 'f16' && !caps.f16) throw new WeftError({ where: '--kv-type', what: `${caps.chip} has no f16`, expected: 'f32', got: 'f16' })
  const state = stateLayout(Math.max(chunk, matvecRows), sequences, options.context)
  const slots = sequences * state.pages * pageSize
  const whole = llama(config, typeOf, { rows: state.rows, sequences, slots, pages: state.pages })
  const names = options.names ?? new KernelNames()
  const constants = new Map<string, Constant>()
  const weights = new Map<string, ResidentWeight>()
  const layouts = new Map<string, WeightLayout>()
  const layout = (n: Node): WeightLayout => {
    const key = weightKey(n)
    const known = layouts.get(key)
    if (known) return known
    const [rows, cols] = n.type.shape as readonly [number, number | undefined]
    // Norms and biases are a few kilobytes: kept as f32, which loses nothing.
    const made = cols === undefined ? weightLayout('f32', 1, rows, caps.simd) : weightLayout(n.attributes['type'] as string, rows, cols, caps.simd)
    layouts.set(key, made)
    return made
  }
  // Plans of the same range of rows choose alike: what one chose, the other takes.
  const chosen = new Map<string, Made>()
  const make = (label: PlanName, tokens: Extent, outputs: Extent, wanted: readonly string[]): Plan => {
    const extents: Readonly<Record<string, Extent>> = { tokens, outputs }
    const context: Context = {
      caps, state, compute: options.compute, kv: options.kv, layout,
      ...(options.tuned ? { tuned: options.tuned } : {}), ...(options.roof ? { roof: options.roof } : {}),
      extent: (size: Size) => (typeof size === 'number' ? size : extents[size.name] ?? size.max),
    }
    const rows = typeof tokens === 'number' ? tokens : tokens.max
    const own = graph(Object.fromEntries(wanted.map(name => [name, whole.outputs[name]!])))
    const fused = options.fuse ? fuse(own, { normInLinear: !caps.simd && rows <= matvecRows }) : own
    const range = JSON.stringify(extents)
    const made = chosen.get(range) ?? new Map()
    chosen.set(range, made)
    const lowered = lower(fused, options.schedules ?? allSchedules, context, made)
    for (const [key, c] of constantsOf(lowered)) constants.set(key, c)
    for (const n of lowered.graph.nodes) {
      if (n.op === weightOp) weights.set(weightKey(n), { key: weightKey(n), tensors: n.attributes['tensors'] as readonly string[], layout: layout(n) })
    }
    const next = lowered.graph.outputs['next']
    const closing = label === 'decode' ? [advance(next!, context, tokens)] : []
    return plan(label, lowered, extents, names, closing)
  }
  // Logits of every row of a chunk would take hundreds of megabytes; a chunk is asked for few.
  const outputs = Math.max(matvecRows, Math.min(state.rows, Math.floor(logitsBytes / (4 * config.vocab))))
  // Sorting out candidates pays where a token is drawn at every step; after a prompt all logits are read once. On a CPU the
  // logits are in reach of the sampler as they are.
  const candidates = caps.simd ? [] : ['candidates']
  const decode = make('decode', fixed('tokens', 1), fixed('outputs', 1), ['logits', 'next'])
  const choose = make('choose', fixed('tokens', 1), fixed('outputs', 1), ['logits', 'next', ...candidates])
  const few = caps.simd ? null : make('small', live('tokens', 1, matvecRows), live('outputs', 0, matvecRows), ['logits', 'next'])
  const prefill = make('prefill', live('tokens', 1, state.rows), live('outputs', 0, outputs), ['logits', 'next'])
  // A CPU goes through few rows as through many: no kernels of their own are compiled for them.
  const small = few ?? Object.freeze({ ...prefill, label: 'small', dims: { tokens: matvecRows, outputs: matvecRows } })
  const plans: Record<PlanName, Plan> = { decode, choose, small, prefill }
  const kvBytes = options.kv === 'f16' ? 2 : 4
  return Object.freeze({
    graph: whole, plans, kernels: names.kernels, weights: [...weights.values()], constants: [...constants.values()], state,
    arenaBytes: Math.max(...Object.values(plans).map(p => p.arenaBytes)),
    pageBytes: pageSize * config.kvHeads * config.headDim * kvBytes,
    weightBytesPerToken: weightBytesRead(plans.decode, [...weights.values()]),
  })
}

/** An embedding is read by the row; every other weight that streams, whole. */
function weightBytesRead({ launches }: Plan, weights: readonly ResidentWeight[]): number {
  const read = new Set(launches.flatMap(({ kernel, places }) => places.map((p, i) => (p.kind === 'weight' && kernel.params[i]!.cache === 'stream' && !kernel.schedule.startsWith('embedding') ? p.key : ''))))
  return weights.reduce((n, w) => n + (read.has(w.key) ? w.layout.bytes : 0), 0)
}
