/**
 * Many query rows: a group holds a tile of queries of one head and walks the keys and values of their sequence in
 * shared memory, with a running maximum and sum for each row (FlashAttention, Dao et al. 2022). Rows of several
 * sequences may stand in one tile: each sequence is walked in turn, and rows of the others are masked.
 */
import { kernel, tilesOf, type Variable } from '../builder.js'
import { reject, schedule, step, type Context, type Lowered, type Reject } from '../schedule.js'
import type { Node } from '../../graph/op.js'
import { pageSize } from '../state.js'
import { call, select, splat, type Value } from '../value.js'
import { attentionProblem, lowest, pageSlot, windowStart } from './attention-problem.js'

/** Keys walked at a time; divides a page. */
const keyTile = 32

function make(node: Node, context: Context, { queryTile, threads }: { readonly queryTile: number; readonly threads: number }): Lowered | Reject {
  const p = attentionProblem(node, context)
  const vectors = p.headDim / 4
  if (context.caps.simd) return reject('threads share tiles; a CPU target has one')
  if (context.caps.units < 8 && queryTile > 16) return reject(`a tile of ${queryTile} rows is for chips of many units; ${context.caps.chip} has ${context.caps.units}`)
  if (p.headDim % 16 !== 0) return reject(`a head of ${p.headDim} is no multiple of 16`)
  // Scores: a thread does rows sr, sr + rowThreads, … and keys sk, sk + 8, …; values: rows likewise and vectors vd, vd + 8, ….
  const across = 8
  const rowThreads = threads / across
  if (queryTile % rowThreads !== 0) return reject(`${queryTile} rows do not divide ${rowThreads} threads`)
  if (vectors % across !== 0 && vectors > across) return reject(`a head of ${p.headDim} does not divide ${across} threads in vectors of 4`)
  const rowsEach = queryTile / rowThreads
  const keysEach = keyTile / across
  const vectorsEach = Math.ceil(vectors / across)
  const stride = vectors + 1
  const cacheElement = context.kv === 'f16' ? ('f16x4' as const) : ('f32x4' as const)

  const made = kernel(
    {
      schedule: 'attention.tile', knobs: { queryTile, threads }, threads, state: context.state, cost: p.cost,
      tiles: [tilesOf(p.rows, queryTile), { dim: null, per: 1, times: p.heads }],
    },
    (k, tile) => {
      const q = k.param('q', 'f32x4', 'activation')
      const [keys, values] = [k.param('k', cacheElement, 'cache'), k.param('v', cacheElement, 'cache')]
      const out = k.param('out', 'f32x4', 'activation', 'write')
      const [queries, kv] = [k.shared('queries', 'f32x4', queryTile * stride), k.shared('kv', 'f32x4', keyTile * stride)]
      const scores = k.shared('scores', 'f32', queryTile * (keyTile + 1))
      const [tops, sums, fades] = [k.shared('tops', 'f32', queryTile), k.shared('sums', 'f32', queryTile), k.shared('fades', 'f32', queryTile)]
      const live = k.let('rows', k.size(p.rows))
      const head = k.let('head', tile.mod(p.heads))
      const kvHead = k.let('kvHead', head.div(p.group))
      const firstRow = k.let('firstRow', tile.div(p.heads).mul(queryTile))
      const rowOf = (i: Value): Value => firstRow.add(i).min(live.sub(1))
      const [ry, rx] = [k.let('ry', k.local.div(across)), k.let('rx', k.local.mod(across))]

      k.for({ name: 'i', from: k.local, to: queryTile * vectors, step: threads }, i => {
        const [row, d] = [k.let('qRow', i.div(vectors)), k.let('qd', i.mod(vectors))]
        queries.store(row.mul(stride).add(d), q.load(rowOf(row).mul(p.heads).add(head).mul(vectors).add(d)).mul(splat('f32x4', k.const('f32', p.scale))))
      })
      k.when(k.local.lt(queryTile), () => {
        tops.store(k.local, lowest)
        sums.store(k.local, 0)
      })
      const acc: readonly (readonly Variable[])[] = Array.from({ length: rowsEach }, () => Array.from({ length: vectorsEach }, () => k.var('acc', 'f32x4', 0)))
      const mine = Array.from({ length: rowsEach }, (_, i) => k.let('mine', ry.add(i * rowThreads)))
      const positions = mine.map(r => k.let('position', k.input('positions', rowOf(r))))
      const sequences = mine.map(r => k.let('sequence', k.input('sequences', rowOf(r))))

      k.for({ name: 'lead', to: queryTile }, lead => {
        // A row leads its sequence if none before it in the tile has the same.
        const sequence = k.let('current', k.input('sequences', rowOf(lead)))
        const leads = k.var('leads', 'u32', 1)
        k.when(lead.gt(0), () => k.when(
          k.input('sequences', rowOf(lead.sub(1))).eq(sequence),
          () => leads.set(0),
          () => k.for({ name: 'j', to: lead }, j => k.when(k.input('sequences', rowOf(j)).eq(sequence), () => leads.set(0))),
        ))
        k.when(leads.value.eq(1), () => {
          const [last, start] = [k.var('last', 'u32', 0), k.var('from', 'u32', 0xffffffff)]
          k.for({ name: 'j', from: lead, to: queryTile }, j => k.when(k.input('sequences', rowOf(j)).eq(sequence), () => {
            const position = k.let('position', k.input('positions', rowOf(j)))
            last.set(last.value.max(position))
            start.set(start.value.min(windowStart(k, p, position)))
          }))
          k.for({ name: 'block', from: start.value.div(keyTile), to: last.value.div(keyTile).add(1) }, block => {
            const first = k.let('first', block.mul(keyTile))
            const slot = k.let('slot', pageSlot(k, context, sequence, first.div(pageSize)).add(first.mod(pageSize)))
            const fetch = (source: typeof keys): void =>
              k.for({ name: 'i', from: k.local, to: keyTile * vectors, step: threads }, i => {
                const [j, d] = [k.let('j', i.div(vectors)), k.let('d', i.mod(vectors))]
                kv.store(j.mul(stride).add(d), source.load(slot.add(j).mul(p.kvHeads).add(kvHead).mul(vectors).add(d)))
              })
            k.barrier()
            fetch(keys)
            k.barrier()
            const dots = mine.map(() => Array.from({ length: keysEach }, () => k.var('dot', 'f32', 0)))
            k.for({ name: 'd', to: vectors, unroll: 8 }, d => {
              const a = mine.map(r => k.let('a', queries.load(r.mul(stride).add(d))))
              for (let n = 0; n < keysEach; n++) {
                const b = k.let('b', kv.load(rx.add(n * across).mul(stride).add(d)))
                a.forEach((av, i) => dots[i]![n]!.add(call('dot4', av, b)))
              }
            })
            mine.forEach((r, i) => {
              const from = windowStart(k, p, positions[i]!)
              for (let n = 0; n < keysEach; n++) {
                const at = k.let('at', first.add(rx).add(n * across))
                const seen = sequences[i]!.eq(sequence).both(at.le(positions[i]!)).both(at.ge(from))
                scores.store(r.mul(keyTile + 1).add(rx).add(n * across), select(seen, dots[i]![n]!.value, lowest))
              }
            })
            k.barrier()
            k.when(k.local.lt(queryTile), () => {
              const at = k.let('scoresAt', k.local.mul(keyTile + 1))
              const before = k.let('before', tops.load(k.local))
              const top = k.var('top', 'f32', before)
              k.for({ name: 'j', to: keyTile, unroll: 8 }, j => top.set(top.value.max(scores.load(at.add(j)))))
              const sum = k.var('sum', 'f32', 0)
              k.for({ name: 'j', to: keyTile, unroll: 8 }, j => {
                const score = k.let('s', scores.load(at.add(j)))
                const weight = k.let('weight', select(score.gt(lowest), call('exp', score.sub(top.value)), 0))
                scores.store(at.add(j), weight)
                sum.add(weight)
              })
              const fade = k.let('fade', call('exp', before.sub(top.value)))
              fades.store(k.local, fade)
              sums.store(k.local, sums.load(k.local).mul(fade).add(sum.value))
              tops.store(k.local, top.value)
            })
            fetch(values)
            k.barrier()
            mine.forEach((r, i) => {
              const fade = k.let('rowFade', splat('f32x4', fades.load(r)))
              acc[i]!.forEach(v => v.set(v.value.mul(fade)))
            })
            k.for({ name: 'j', to: keyTile, unroll: 4 }, j => {
              const weights = mine.map(r => k.let('w', splat('f32x4', scores.load(r.mul(keyTile + 1).add(j)))))
              for (let n = 0; n < vectorsEach; n++) {
                const d = vectors < across ? rx.mod(vectors) : rx.add(n * across)
                const v = k.let('v', kv.load(j.mul(stride).add(d)))
                weights.forEach((w, i) => acc[i]![n]!.accumulate(v, w))
              }
            })
          })
        })
      })
      k.barrier()
      mine.forEach((r, i) => {
        const row = k.let('outRow', firstRow.add(r))
        k.when(row.lt(live), () => {
          const factor = k.let('factor', splat('f32x4', k.const('f32', 1).div(sums.load(r))))
          acc[i]!.forEach((v, n) => {
            const d = rx.add(n * across)
            const put = (): void => out.store(row.mul(p.heads).add(head).mul(vectors).add(d), v.value.mul(factor))
            if (vectors < across) k.when(d.lt(vectors), put)
            else put()
          })
        })
      })
    },
  )
  return { steps: [step(made, p.args)], scratch: {} }
}

export const attentionTile = schedule('attention', 'tile', { queryTile: [32, 16], threads: [128, 64] }, make)
