/**
 * Attention on a CPU: a tile is one query row and one kv head, with all the query heads that share it. Positions are walked in
 * blocks that a page holds whole, with a running maximum and sum for each head (FlashAttention, Dao et al. 2022). Scores are
 * dot products in four lanes; values are summed a few vectors of the head at a time, so that the sums stay in
 * registers while a block goes by. Each vector of the cache is loaded once for every `together` heads.
 */
import { kernel, tilesOf } from '../../builder.js'
import type { Node } from '../../../graph/op.js'
import { reject, schedule, step, type Context, type Lowered, type Reject } from '../../schedule.js'
import { pageSize } from '../../state.js'
import { call, select, splat, type Value } from '../../value.js'
import { attentionProblem, lowest, pageSlot, windowStart } from '../attention-problem.js'

/** Positions of a block; divides a page. */
const block = 64

const largestDivisor = (n: number, most: number): number => Array.from({ length: most }, (_, i) => most - i).find(d => n % d === 0)!

function make(node: Node, context: Context, knobs: { readonly together: number }): Lowered | Reject {
  const p = attentionProblem(node, context)
  if (!context.caps.simd) return reject('one thread a tile; a GPU has more')
  if (p.headDim % 4 !== 0) return reject(`a head of ${p.headDim} is no whole number of vectors of 4`)
  const vectors = p.headDim / 4
  const together = largestDivisor(p.group, Math.min(knobs.together, p.group))
  // Sums in registers while values go by: 8, and 4 for the scores.
  const across = largestDivisor(vectors, Math.max(1, Math.floor(8 / together)))
  const chains = largestDivisor(vectors, Math.max(1, Math.floor(4 / together)))
  const cacheElement = context.kv === 'f16' ? ('f16x4' as const) : ('f32x4' as const)

  const made = kernel(
    {
      schedule: 'attention.heads', knobs, threads: 1, state: context.state, cost: p.cost,
      tiles: [tilesOf(p.rows), { dim: null, per: 1, times: p.kvHeads }],
    },
    (k, tile) => {
      const q = k.param('q', 'f32x4', 'activation')
      const [keys, values] = [k.param('k', cacheElement, 'cache'), k.param('v', cacheElement, 'cache')]
      const out = k.param('out', 'f32x4', 'activation', 'write')
      const [query, sums] = [k.shared('query', 'f32x4', p.group * vectors), k.shared('sums', 'f32x4', p.group * vectors)]
      const weights = k.shared('weights', 'f32', p.group * block)
      const rows = k.let('rows', k.size(p.rows))
      // Rows of one kv head follow each other: they read the same cache.
      const [row, kvHead] = [k.let('row', tile.mod(rows)), k.let('kvHead', tile.div(rows))]
      const first = k.let('firstVector', row.mul(p.heads).add(kvHead.mul(p.group)).mul(vectors))
      k.for({ name: 'i', to: p.group * vectors }, i => {
        query.store(i, q.load(first.add(i)).mul(splat('f32x4', p.scale)))
        sums.store(i, splat('f32x4', 0))
      })
      const heads = Array.from({ length: p.group }, () => ({ top: k.var('top', 'f32', lowest), sum: k.var('sum', 'f32', 0) }))
      const passes = Array.from({ length: p.group / together }, (_, i) => Array.from({ length: together }, (_, h) => i * together + h))
      const position = k.let('position', k.input('positions', row))
      const sequence = k.let('sequence', k.input('sequences', row))
      const start = windowStart(k, p, position)

      k.for({ name: 'at', from: start.div(block).mul(block), to: position.add(1), step: block }, at => {
        const slot = k.let('slot', pageSlot(k, context, sequence, at.div(pageSize)).add(at.mod(pageSize)))
        const from = k.let('from', select(start.gt(at), start.sub(at), 0))
        const to = k.let('to', position.add(1).sub(at).min(block))
        const rowOf = (j: Value): Value => k.let('cacheAt', slot.add(j).mul(p.kvHeads).add(kvHead).mul(vectors))

        for (const pass of passes) {
          k.for({ name: 'j', from, to }, j => {
            const keyAt = rowOf(j)
            const dots = pass.map(() => Array.from({ length: chains }, () => k.var('dot', 'f32x4', 0)))
            k.for({ name: 'd', to: vectors, step: chains, unroll: 2 }, d => {
              for (let c = 0; c < chains; c++) {
                const key = k.let('key', keys.load(keyAt.add(d).add(c)))
                pass.forEach((h, n) => dots[n]![c]!.accumulate(key, query.load(d.add(h * vectors + c))))
              }
            })
            pass.forEach((h, n) => {
              const score = k.let('score', call('sum4', dots[n]!.map(v => v.value).reduce((a, b) => a.add(b))))
              weights.store(j.add(h * block), score)
            })
          })
        }

        const fades = heads.map(({ top, sum }, h) => {
          const before = k.copy('before', top.value)
          k.for({ name: 'j', from, to }, j => top.set(top.value.max(weights.load(j.add(h * block)))))
          const fade = k.let('fade', call('exp', before.sub(top.value)))
          sum.set(sum.value.mul(fade))
          k.for({ name: 'j', from, to }, j => {
            const weight = k.let('weight', call('exp', weights.load(j.add(h * block)).sub(top.value)))
            weights.store(j.add(h * block), weight)
            sum.add(weight)
          })
          return fade
        })

        for (const pass of passes) {
          k.for({ name: 'd', to: vectors, step: across }, d => {
            const parts = pass.map(h => Array.from({ length: across }, (_, c) => k.var('part', 'f32x4', sums.load(d.add(h * vectors + c)).mul(splat('f32x4', fades[h]!)))))
            k.for({ name: 'j', from, to }, j => {
              const valueAt = k.let('valueAt', slot.add(j).mul(p.kvHeads).add(kvHead).mul(vectors).add(d))
              const own = pass.map(h => k.let('own', splat('f32x4', weights.load(j.add(h * block)))))
              for (let c = 0; c < across; c++) {
                const value = k.let('value', values.load(valueAt.add(c)))
                own.forEach((w, n) => parts[n]![c]!.accumulate(value, w))
              }
            })
            pass.forEach((h, n) => parts[n]!.forEach((v, c) => sums.store(d.add(h * vectors + c), v.value)))
          })
        }
      })

      heads.forEach(({ sum }, h) => {
        const factor = k.let('factor', splat('f32x4', k.const('f32', 1).div(sum.value)))
        k.for({ name: 'd', to: vectors }, d => out.store(first.add(d).add(h * vectors), sums.load(d.add(h * vectors)).mul(factor)))
      })
    },
  )
  return { steps: [step(made, p.args)], scratch: {} }
}

export const attentionHeads = schedule('attention', 'heads', { together: [2, 4, 1] }, make)
