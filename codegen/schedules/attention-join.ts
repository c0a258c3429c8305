/**
 * Joins what several tiles made of one row and head: each part is a weighted sum of values, then its maximum and its sum
 * of weights. Several are read at once, as each read takes longer than what is done with it, and in a fixed order, so
 * that a result does not depend on which tile was done first.
 */
import { kernel, tilesOf, type KernelBuilder } from '../builder.js'
import type { Kernel } from '../kernel.js'
import type { Context } from '../schedule.js'
import { call, select, splat, type Value } from '../value.js'
import { lowest, type AttentionProblem } from './attention-problem.js'
import { cost } from './common.js'

export interface Parts {
  /** Parts that a row and head have room for, and how many are read at once. */
  readonly room: number
  readonly together: number
  /** Which of them a row has. */
  readonly range: (k: KernelBuilder, row: Value) => readonly [from: Value, to: Value]
}

export const vectorsOf = (p: AttentionProblem): number => p.headDim / 4
/** Vectors of a part: its values, then maximum and sum of weights. */
export const partVectors = (p: AttentionProblem): number => vectorsOf(p) + 1

/** From the scratch `part` to `out`. */
export function joinParts(context: Context, p: AttentionProblem, parts: Parts): Kernel {
  const vectors = vectorsOf(p)
  return kernel(
    {
      schedule: 'attention.join', knobs: { threads: vectors }, threads: vectors, state: context.state,
      tiles: [tilesOf(p.rows), { dim: null, per: 1, times: p.heads }], cost: cost(p.rows, p.heads * p.headDim * 8, p.heads * p.headDim * 4),
    },
    (k, tile) => {
      const part = k.param('part', 'f32x4', 'activation')
      const out = k.param('out', 'f32x4', 'activation', 'write')
      const row = k.let('row', tile.div(p.heads))
      const [from, to] = parts.range(k, row)
      const base = k.let('base', tile.mul(parts.room))
      const [top, sum, acc] = [k.var('top', 'f32', lowest), k.var('sum', 'f32', 0), k.var('acc', 'f32x4', 0)]
      k.for({ name: 'first', from, to, step: parts.together }, first => {
        // Beyond the last part stands the last once more, with a weight of 0.
        const read = Array.from({ length: parts.together }, (_, n) => {
          const at = k.let('at', base.add(n === 0 ? first : first.add(n).min(to.sub(1))).mul(partVectors(p)))
          return { figures: k.let('figures', part.load(at.add(vectors))), values: k.let('values', part.load(at.add(k.local))) }
        })
        const tops = read.map((r, n) => (n === 0 ? r.figures.at(0) : k.let('topOf', select(first.add(n).lt(to), r.figures.at(0), lowest))))
        const next = k.let('next', tops.reduce((a, b) => a.max(b), top.value))
        const before = k.let('before', call('exp', top.value.sub(next)))
        const weights = tops.map(t => k.let('weight', call('exp', t.sub(next))))
        acc.set(read.reduce((a, r, n) => a.add(r.values.mul(splat('f32x4', weights[n]!))), acc.value.mul(splat('f32x4', before))))
        sum.set(read.reduce((a, r, n) => a.add(r.figures.at(1).mul(weights[n]!)), sum.value.mul(before)))
        top.set(next)
      })
      out.store(tile.mul(vectors).add(k.local), acc.value.mul(splat('f32x4', k.const('f32', 1).div(sum.value))))
    },
  )
}
