/**
 * Joins what several tiles made of one row and head: each part is a weighted sum of values, then its maximum and its sum
 * of weights. Parts are read in order, so that a result does not depend on which tile was done first.
 */
import { kernel, tilesOf, type KernelBuilder } from '../builder.js'
import type { Kernel } from '../kernel.js'
import type { Context } from '../schedule.js'
import { call, splat, type Value } from '../value.js'
import { lowest, type AttentionProblem } from './attention-problem.js'
import { cost } from './common.js'

export interface Parts {
  /** Parts that a row and head have room for, and the least work to be had from reading several at once. */
  readonly room: number
  readonly unroll: number
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
      k.for({ name: 'page', from, to, unroll: parts.unroll }, page => {
        const at = k.let('at', base.add(page).mul(partVectors(p)))
        const figures = k.let('figures', part.load(at.add(vectors)))
        const next = k.let('next', top.value.max(figures.at(0)))
        const [before, now] = [k.let('before', call('exp', top.value.sub(next))), k.let('now', call('exp', figures.at(0).sub(next)))]
        acc.set(acc.value.mul(splat('f32x4', before)).add(part.load(at.add(k.local)).mul(splat('f32x4', now))))
        sum.set(sum.value.mul(before).add(figures.at(1).mul(now)))
        top.set(next)
      })
      out.store(tile.mul(vectors).add(k.local), acc.value.mul(splat('f32x4', k.const('f32', 1).div(sum.value))))
    },
  )
}
