/**
 * Schedules turn one node of a graph into kernels. Each op has several, tried in order; the last is the plain one that
 * takes any shape. A schedule that does not fit says why, and the reasons are kept. Knobs are what a tuner may turn:
 * each has its legal values, the first being the one taken untuned.
 */
import { WeftError } from '../graph/error.js'
import type { Node } from '../graph/op.js'
import type { Size } from '../graph/tensor.js'
import type { Caps } from './caps.js'
import type { Extent } from './builder.js'
import { extentMax } from './builder.js'
import { sharedBytes, type Kernel } from './kernel.js'
import { estimate } from './estimate.js'
import type { Roof } from './roof.js'
import type { StateLayout } from './state.js'
import { tuneKey, type TunedChoice, type TunedChoices } from './tuned.js'
import type { WeightLayout } from './types/layout.js'
import { verify } from './verify.js'

/** Values that a plan carries to the device: tables that kernels read. */
export interface Constant {
  readonly key: string
  readonly data: Float32Array
}

/** What a kernel's parameter is bound to. */
export type Arg =
  | { readonly kind: 'node'; readonly node: Node; readonly output: number }
  | { readonly kind: 'scratch'; readonly name: string }
  | { readonly kind: 'constant'; readonly constant: Constant }
  | { readonly kind: 'state' }

export interface Step {
  readonly kernel: Kernel
  /** By parameter name. */
  readonly args: Readonly<Record<string, Arg>>
}

export interface Lowered {
  readonly steps: readonly Step[]
  /** Bytes of memory the steps pass between each other, by name. */
  readonly scratch: Readonly<Record<string, number>>
}

export interface Reject {
  readonly reject: string
}
export const reject = (reason: string): Reject => ({ reject: reason })

/**
 * What the operands of matrix products may be rounded to; sums are f32. f16 is for GPUs. i16 is for processors: activations of
 * products with integer codes, by groups of 16 or 32 with a scale, so that the largest of a group has sixteen bits.
 */
export type Compute = 'f32' | 'f16' | 'i16'

/** What a schedule may know about where its kernels will run. */
export interface Context {
  readonly caps: Caps
  readonly state: StateLayout
  readonly compute: Compute
  /** Element of the KV cache. */
  readonly kv: 'f32' | 'f16'
  /** A size of the graph as this plan's range of live values. */
  readonly extent: (size: Size) => Extent
  readonly layout: (weight: Node) => WeightLayout
  /** What tuning found on this device. */
  readonly tuned?: TunedChoices
  /** What the chip reaches at most: with it untuned choices are made by estimated cost, without it by order. */
  readonly roof?: Roof
}

export type Knobs = Readonly<Record<string, readonly number[]>>
export type Chosen<K extends Knobs> = { readonly [N in keyof K]: number }

export interface Schedule {
  readonly op: string
  /** `linear.matvec` */
  readonly name: string
  readonly knobs: Knobs
  readonly make: (node: Node, context: Context, knobs: Readonly<Record<string, number>>) => Lowered | Reject
}

export function schedule<const K extends Knobs>(
  op: string,
  name: string,
  knobs: K,
  make: (node: Node, context: Context, knobs: Chosen<K>) => Lowered | Reject,
): Schedule {
  return Object.freeze({ op, name: `${op}.${name}`, knobs, make: (n, c, k) => make(n, c, k as Chosen<K>) } satisfies Schedule)
}

/** Every combination of a schedule's knobs, the untuned one first. */
export function* knobChoices(s: Schedule): Generator<Readonly<Record<string, number>>> {
  const names = Object.keys(s.knobs)
  const walk = function* (i: number, chosen: Readonly<Record<string, number>>): Generator<Readonly<Record<string, number>>> {
    if (i === names.length) yield chosen
    else for (const value of s.knobs[names[i]!]!) yield* walk(i + 1, { ...chosen, [names[i]!]: value })
  }
  yield* walk(0, {})
}

export interface Choice extends Lowered {
  readonly schedule: string
  readonly knobs: Readonly<Record<string, number>>
  readonly rejected: Readonly<Record<string, string>>
}

type Rejected = Readonly<Record<string, string>>

/** How much faster than the first that accepts a choice must be estimated to take its place: estimates are coarse. */
const margin = 0.75

/**
 * A schedule with knobs for a node: what tuning found, else the cheapest by estimate, else the first that accepts. With the
 * reasons against the others; with nothing but reasons where none accepts.
 */
export function choose(schedules: readonly Schedule[], node: Node, context: Context): Choice | { readonly rejected: Rejected } {
  const own = schedules.filter(s => s.op === node.op.name)
  const found = context.tuned?.[tuneKey(node, context)]
  if (found !== undefined) {
    const tuned = takeTuned(own, found, node, context)
    if (tuned !== null) return tuned
  }
  const first = firstThatAccepts(own, node, context)
  if (!('steps' in first) || context.roof === undefined) return first
  return cheapest(own, first, node, context, context.roof)
}

function firstThatAccepts(own: readonly Schedule[], node: Node, context: Context): Choice | { readonly rejected: Rejected } {
  const rejected: Record<string, string> = {}
  for (const s of own) {
    for (const knobs of knobChoices(s)) {
      const made = attempt(s, node, context, knobs)
      if ('reject' in made) {
        rejected[s.name] ??= made.reject
        continue
      }
      return { ...made, schedule: s.name, rejected, knobs }
    }
  }
  return { rejected }
}

/** Whether a schedule has these knobs with these values: what is read from a file may be of another version. */
const isLegal = (s: Schedule, knobs: Chosen<Knobs>): boolean =>
  Object.keys(knobs).length === Object.keys(s.knobs).length && Object.entries(s.knobs).every(([name, values]) => values.includes(knobs[name]!))

/** The choice that tuning found; null where there is no such schedule any more, or it does not fit. */
function takeTuned(own: readonly Schedule[], found: TunedChoice, node: Node, context: Context): Choice | null {
  const s = own.find(s => s.name === found.schedule)
  if (s === undefined || !isLegal(s, found.knobs)) return null
  const made = attempt(s, node, context, found.knobs)
  if ('reject' in made) return null
  const others = own.filter(o => o.name !== found.schedule).map(o => [o.name, `tuning found ${found.schedule} with ${found.us.toFixed(1)} µs`])
  return { ...made, schedule: found.schedule, knobs: found.knobs, rejected: Object.fromEntries(others) }
}

/** Microseconds that steps take by estimate, for as many rows as there may be and logits of one; null where that depends on more than sizes. */
export function estimateSteps({ steps }: Lowered, context: Context, roof: Roof): number | null {
  const dims = { tokens: extentMax(context.extent({ name: 'tokens', max: 1 })), outputs: 1 }
  const each = steps.map(s => estimate(s.kernel, context.caps, roof, dims)?.microseconds ?? null)
  return each.reduce<number | null>((sum, us) => (sum === null || us === null ? null : sum + us), 0)
}

/** The first choice, or a neighbour that differs in one knob, or another schedule, where that is estimated to be clearly faster. */
function cheapest(own: readonly Schedule[], first: Choice, node: Node, context: Context, roof: Roof): Choice {
  const rejected: Record<string, string> = { ...first.rejected }
  const known = estimateSteps(first, context, roof)
  if (known === null) return first
  let best = { choice: first, cost: known * margin }
  const consider = (s: Schedule, knobs: Chosen<Knobs>): void => {
    // Verified only where it is taken: most are not, and verifying takes as long as making them.
    const made = fitting(s, node, context, knobs)
    if ('reject' in made) {
      if (s.name !== first.schedule) rejected[s.name] ??= made.reject
      return
    }
    const cost = estimateSteps(made, context, roof)
    if (cost === null) return
    if (s.name !== first.schedule) rejected[s.name] ??= `estimated ${cost.toFixed(1)} µs, ${first.schedule} ${known.toFixed(1)}`
    if (cost < best.cost) best = { choice: { ...made, schedule: s.name, rejected, knobs }, cost }
  }
  for (const s of own) {
    if (s.name !== first.schedule) {
      const [knobs] = knobChoices(s)
      // The plain schedule is for what no other takes: that it reads what others share shows in no count.
      if (rejected[s.name] === undefined && !s.name.endsWith('.plain')) consider(s, knobs!)
      continue
    }
    for (const [name, values] of Object.entries(s.knobs)) for (const value of values) if (value !== first.knobs[name]) consider(s, { ...first.knobs, [name]: value })
  }
  if (best.choice !== first) for (const { kernel } of best.choice.steps) verify(kernel)
  const others = Object.fromEntries(Object.entries(rejected).filter(([name]) => name !== best.choice.schedule))
  return { ...best.choice, rejected: others }
}

/** Makes a schedule's kernels and verifies them, refusing what the chip cannot run. */
export function attempt(s: Schedule, node: Node, context: Context, knobs: Readonly<Record<string, number>>): Lowered | Reject {
  const made = fitting(s, node, context, knobs)
  if (!('reject' in made)) for (const { kernel } of made.steps) verify(kernel)
  return made
}

function fitting(s: Schedule, node: Node, context: Context, knobs: Readonly<Record<string, number>>): Lowered | Reject {
  const made = s.make(node, context, knobs)
  if ('reject' in made) return made
  const { caps } = context
  for (const { kernel } of made.steps) {
    if (kernel.threads > caps.maxThreads) return reject(`${kernel.threads} threads a group; ${caps.chip} has ${caps.maxThreads}`)
    const shared = sharedBytes(kernel)
    if (shared > caps.sharedBytes) return reject(`${shared} bytes of shared memory; ${caps.chip} has ${caps.sharedBytes}`)
    if (kernel.params.length > caps.maxBuffers) return reject(`${kernel.params.length} buffers; ${caps.chip} binds ${caps.maxBuffers}`)
  }
  return made
}

export const nodeArg = (node: Node, output = 0): Arg => ({ kind: 'node', node, output })
export const stateArg: Arg = { kind: 'state' }
export const scratchArg = (name: string): Arg => ({ kind: 'scratch', name })

/** One kernel and its arguments, with the state bound where the kernel reads it. */
export function step(kernel: Kernel, args: Readonly<Record<string, Arg>>): Step {
  const all: Record<string, Arg> = {}
  for (const p of kernel.params) {
    const arg = p.name === 'state' ? stateArg : args[p.name] ?? args[p.name.replace(/Words$/, '')]
    if (!arg) throw new WeftError({ where: kernel.schedule, what: `nothing is bound to param ${p.name}` })
    all[p.name] = arg
  }
  return { kernel, args: all }
}

/** The rows of a tensor: all sizes but the last `inner` multiplied, as one extent. */
export function rowsOf(context: Context, shape: readonly Size[], inner = 1): { readonly extent: Extent; readonly per: number } {
  const leading = shape.slice(0, shape.length - inner)
  const live = leading.filter(s => typeof s !== 'number')
  const per = leading.reduce<number>((n, s) => (typeof s === 'number' ? n * s : n), 1)
  if (live.length > 1) throw new WeftError({ where: 'schedule', what: `more than one live size in [${leading.length} sizes]` })
  return { extent: live[0] === undefined ? 1 : context.extent(live[0]), per }
}

export const lastSize = (shape: readonly Size[]): number => shape[shape.length - 1] as number
export const maxRows = (r: { readonly extent: Extent; readonly per: number }): number => extentMax(r.extent) * r.per
