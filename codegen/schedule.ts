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
import type { StateLayout } from './state.js'
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

/** What a schedule may know about where its kernels will run. */
export interface Context {
  readonly caps: Caps
  readonly state: StateLayout
  /** f16: operands of matrix products may be rounded to f16. */
  readonly compute: 'f32' | 'f16'
  /** Element of the KV cache. */
  readonly kv: 'f32' | 'f16'
  /** A size of the graph as this plan's range of live values. */
  readonly extent: (size: Size) => Extent
  readonly layout: (weight: Node) => WeightLayout
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
  readonly rejected: Readonly<Record<string, string>>
}

/** The first schedule that accepts with its untuned knobs, or null with the reasons of all. */
export function choose(schedules: readonly Schedule[], node: Node, context: Context): Choice | { readonly rejected: Readonly<Record<string, string>> } {
  const rejected: Record<string, string> = {}
  for (const s of schedules.filter(s => s.op === node.op.name)) {
    for (const knobs of knobChoices(s)) {
      const made = attempt(s, node, context, knobs)
      if ('reject' in made) {
        rejected[s.name] ??= made.reject
        continue
      }
      return { ...made, schedule: s.name, rejected }
    }
  }
  return { rejected }
}

/** Makes a schedule's kernels, refusing what the chip cannot run. */
export function attempt(s: Schedule, node: Node, context: Context, knobs: Readonly<Record<string, number>>): Lowered | Reject {
  const made = s.make(node, context, knobs)
  if ('reject' in made) return made
  const { caps } = context
  for (const { kernel } of made.steps) {
    if (kernel.threads > caps.maxThreads) return reject(`${kernel.threads} threads a group; ${caps.chip} has ${caps.maxThreads}`)
    const shared = sharedBytes(kernel)
    if (shared > caps.sharedBytes) return reject(`${shared} bytes of shared memory; ${caps.chip} has ${caps.sharedBytes}`)
    if (kernel.params.length > caps.maxBuffers) return reject(`${kernel.params.length} buffers; ${caps.chip} binds ${caps.maxBuffers}`)
    verify(kernel)
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
