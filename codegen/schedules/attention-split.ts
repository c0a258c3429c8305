/**
 * Few query rows: the pages of a sequence's cache are dealt out to the tiles of a head, so that a long context is read
 * by many groups; a second kernel joins the pages by their maxima (flash-decoding, Dao et al. 2023), in page order.
 * How many tiles a head has is fixed; how many pages a tile walks follows the live position.
 */
import { extentMax, kernel, tilesOf } from '../builder.js'
import { reject, schedule, scratchArg, step, type Context, type Lowered, type Reject } from '../schedule.js'
import type { Node } from '../../graph/op.js'
import { pageSize } from '../state.js'
import { call, select, splat, vector } from '../value.js'
import { joinParts, partVectors } from './attention-join.js'
import { attentionProblem, lowest, pageSlot, windowStart } from './attention-problem.js'
import { groupReduce } from './common.js'

const maxRows = 8

function make(node: Node, context: Context, { threads, splits }: { readonly threads: number; readonly splits: number }): Lowered | Reject {
  const p = attentionProblem(node, context)
  const rows = extentMax(p.rows)
  const vectors = p.headDim / 4
  if (context.caps.simd) return reject('threads share a page; a CPU target has one')
  if (rows > maxRows) return reject(`${rows} rows; up to ${maxRows} are split over pages`)
  if (p.headDim % 4 !== 0 || threads % vectors !== 0) return reject(`a head of ${p.headDim} does not divide ${threads} threads in vectors of 4`)
  const teams = threads / vectors
  const cacheElement = context.kv === 'f16' ? ('f16x4' as const) : ('f32x4' as const)
  const { pages } = p
  const perHead = Math.min(splits, pages)

  const parts = kernel(
    {
      schedule: 'attention.split', knobs: { threads, splits }, threads, state: context.state, cost: p.cost,
      tiles: [tilesOf(p.rows), { dim: null, per: 1, times: p.heads * perHead }],
    },
    (k, tile) => {
      const q = k.param('q', 'f32x4', 'activation')
      const [keys, values] = [k.param('k', cacheElement, 'cache'), k.param('v', cacheElement, 'cache')]
      const part = k.param('part', 'f32x4', 'activation', 'write')
      const [query, weights, partial] = [k.shared('query', 'f32x4', vectors), k.shared('weights', 'f32', pageSize), k.shared('partial', 'f32x4', threads)]
      const rowHead = k.let('rowHead', tile.div(perHead))
      const [row, head] = [k.let('row', rowHead.div(p.heads)), k.let('head', rowHead.mod(p.heads))]
      const position = k.let('position', k.input('positions', row))
      const start = windowStart(k, p, position)
      k.when(k.local.lt(vectors), () => query.store(k.local, q.load(rowHead.mul(vectors).add(k.local)).mul(splat('f32x4', k.const('f32', p.scale)))))

      k.for({ name: 'page', from: start.div(pageSize).add(tile.mod(perHead)), to: position.div(pageSize).add(1), step: perHead }, page => {
        const first = k.let('first', page.mul(pageSize))
        const slot = k.let('slot', pageSlot(k, context, k.input('sequences', row), page))
        const partAt = k.let('partAt', rowHead.mul(pages).add(page).mul(partVectors(p)))
        k.barrier()
        const most = k.var('most', 'f32', lowest)
        const kvHead = k.let('kvHead', head.div(p.group))
        const rowAt = (j: typeof page): typeof page => slot.add(j).mul(p.kvHeads).add(kvHead).mul(vectors)
        k.for({ name: 'j', from: k.local, to: pageSize, step: threads }, j => {
          const score = k.var('score', 'f32', lowest)
          const at = k.let('at', first.add(j))
          k.when(at.le(position).both(at.ge(start)), () => {
            const from = k.let('from', rowAt(j))
            const sum = k.var('dot', 'f32', 0)
            k.for({ name: 'd', to: vectors, unroll: 8 }, d => sum.add(call('dot4', query.load(d), keys.load(from.add(d)))))
            score.set(sum.value)
          })
          weights.store(j, score.value)
          most.set(most.value.max(score.value))
        })
        const top = groupReduce(k, context.caps, threads, most.value, 'max')
        k.barrier()
        const own = k.var('own', 'f32', 0)
        k.for({ name: 'j', from: k.local, to: pageSize, step: threads }, j => {
          const score = k.let('s', weights.load(j))
          const weight = k.let('weight', select(score.gt(lowest), call('exp', score.sub(top)), 0))
          weights.store(j, weight)
          own.add(weight)
        })
        const sum = groupReduce(k, context.caps, threads, own.value, 'sum')

        const [team, d] = [k.let('team', k.local.div(vectors)), k.let('d', k.local.mod(vectors))]
        const acc = k.var('acc', 'f32x4', 0)
        const from = k.let('fromJ', select(start.gt(first), start.sub(first), 0))
        const to = k.let('toJ', position.add(1).sub(first).min(pageSize))
        k.for({ name: 'j', from: from.add(team), to, step: teams, unroll: 4 }, j => acc.add(values.load(rowAt(j).add(d)).mul(splat('f32x4', weights.load(j)))))
        partial.store(k.local, acc.value)
        k.barrier()
        k.when(team.eq(0), () => {
          const all = k.var('all', 'f32x4', acc.value)
          for (let t = 1; t < teams; t++) all.add(partial.load(k.local.add(t * vectors)))
          part.store(partAt.add(d), all.value)
        })
        k.when(k.local.eq(0), () => part.store(partAt.add(vectors), vector(top, sum, k.const('f32', 0), k.const('f32', 0))))
      })
    },
  )

  const join = joinParts(context, p, {
    room: pages, together: 4,
    range: (k, row) => {
      const position = k.let('position', k.input('positions', row))
      return [k.let('fromPage', windowStart(k, p, position).div(pageSize)), k.let('toPage', position.div(pageSize).add(1))]
    },
  })
  const part = scratchArg('part')
  return {
    steps: [step(parts, { ...p.args, part }), step(join, { ...p.args, part })],
    scratch: { part: rows * p.heads * pages * partVectors(p) * 16 },
  }
}

export const attentionSplit = schedule('attention', 'split', { threads: [128, 64, 256], splits: [16, 8, 32] }, make)
