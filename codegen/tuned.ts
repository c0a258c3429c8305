/**
 * What tuning found: for a class of problem, the schedule and knobs that were fastest on one device. A table of these is handed
 * to code generation, which takes an entry where its schedule still accepts; how they are found and kept is not known here.
 */
import { extentMax } from './builder.js'
import type { Node } from '../graph/op.js'
import { problemOf } from './problem.js'
import type { Context } from './schedule.js'

export interface TunedChoice {
  readonly schedule: string
  readonly knobs: Readonly<Record<string, number>>
  /** Microseconds, of this choice and of the one that is taken untuned, measured in turn. */
  readonly us: number
  readonly untunedUs: number
}

/** By the class of problem with the types it is computed in. */
export type TunedChoices = Readonly<Record<string, TunedChoice>>

/** The entry's name for a node: op, sizes, types of weights, arithmetic and cache. */
export function tuneKey(node: Node, context: Pick<Context, 'extent' | 'compute' | 'kv'>): string {
  return `${problemOf(node, size => extentMax(context.extent(size)))}; ${context.compute}, cache ${context.kv}`
}

/** Whether two sets of knobs have the same values, in whatever order they are written. */
export function sameKnobs(a: TunedChoice['knobs'], b: TunedChoice['knobs']): boolean {
  return Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([name, value]) => b[name] === value)
}
