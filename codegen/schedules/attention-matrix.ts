/**
 * Many query rows on the matrix units (FlashAttention-2, Dao 2023): a subgroup owns 16 query rows of one head, a group
 * of them walks keys and values through shared memory in f16. Scores and each block's weighted sum of values leave the
 * matrix unit through a patch of shared memory, as its sums have no element access on every target; there 8 lanes share
 * a row and keep its maximum, its sum of weights and its outputs in registers in f32, so that a larger maximum fades
 * what was summed before without another product. Values are copied while scores are made and the next keys while
 * values are summed. Rows of several sequences may stand in one tile: each sequence is walked in turn.
 */
import { extentMax, kernel, tilesOf, type Buffer, type Shared } from '../builder.js'
import { reject, schedule, step, type Context, type Lowered, type Reject } from '../schedule.js'
import type { Node } from '../../graph/op.js'
import { pageSize } from '../state.js'
import { call, select, splat, type Value } from '../value.js'
import { attentionProblem, lowest, pageSlot, windowStart } from './attention-problem.js'

const matrix = 16
/** Lanes that share a row: rows 8 words apart in banks are then read and written without a conflict. */
const team = 8
const laneCounts: ReadonlySet<number> = new Set([32, 64])
const highest = 65504
/** Below every score and above `lowest` by so much that the weight of a key that is not seen is 0 from the first on. */
const unseen = -1e30

/** Columns of the patch, places of keys and values: the smaller ones are for chips with little shared memory. */
const knobs = { queryTile: [64, 128, 32, 16], keyTile: [64, 32], patchCols: [128, 64, 32], stages: [2, 1] } as const
type Chosen = { readonly [N in keyof typeof knobs]: number }

function refusal(context: Context, rows: number, headDim: number): string | null {
  const { caps } = context
  const lanes = caps.subgroup?.min ?? 1
  if (context.compute !== 'f16') return 'matrix units round operands to f16'
  if (context.kv !== 'f16') return 'keys and values are copied as f16; the cache is f32'
  if (!caps.matrix) return `${caps.chip} has no matrix tiles of 16 × 16 × 16`
  if (caps.subgroup?.max !== lanes || !laneCounts.has(lanes)) return `subgroups of ${[...laneCounts].join(' or ')} are not certain`
  if (rows < matrix) return `${rows} rows do not fill a matrix tile of ${matrix}`
  if (headDim % matrix !== 0) return `a head of ${headDim} is no multiple of ${matrix}`
  return null
}

function make(node: Node, context: Context, chosen: Chosen): Lowered | Reject {
  const p = attentionProblem(node, context)
  const refused = refusal(context, extentMax(p.rows), p.headDim)
  if (refused !== null) return reject(refused)
  const { queryTile, keyTile, stages } = chosen
  const lanes = context.caps.subgroup!.min
  const threads = (queryTile / matrix) * lanes
  const { headDim } = p
  // What a copy moves: eight f16.
  const chunks = headDim / 8
  const stride = headDim + 8
  const weightStride = keyTile + 8
  const patchCols = Math.max(keyTile, Math.min(chosen.patchCols, Math.ceil(headDim / 32) * 32))
  const patchStride = patchCols + 8
  const rowsAtOnce = lanes / team
  const passes = matrix / rowsAtOnce
  const [keyMatrices, dimMatrices] = [keyTile / matrix, headDim / matrix]

  const made = kernel(
    {
      schedule: 'attention.matrix', knobs: { ...chosen }, threads, subgroupSize: lanes, state: context.state, cost: p.cost,
      tiles: [tilesOf(p.rows, queryTile), { dim: null, per: 1, times: p.heads }],
    },
    (k, tile) => {
      const q = k.param('q', 'f32x4', 'activation')
      const [keys, values] = [k.param('k', 'u32x4', 'cache'), k.param('v', 'u32x4', 'cache')]
      const out = k.param('out', 'f32', 'activation', 'write')
      const queries = k.shared('queries', 'f16', queryTile * stride)
      const heldKeys = k.shared('heldKeys', 'f16', keyTile * stride)
      const heldValues = stages === 2 ? k.shared('heldValues', 'f16', keyTile * stride) : heldKeys
      const weights = k.shared('weights', 'f16', queryTile * weightStride)
      const patch = k.shared('patch', 'f32', queryTile * patchStride)
      const live = k.let('rows', k.size(p.rows))
      const { local } = k
      // The remainder changes nothing: it shows compilers that no index wraps, so that constants become offsets of addresses.
      const subgroup = k.let('ofGroup', k.subgroup.mod(threads / lanes))
      const head = k.let('head', tile.mod(p.heads))
      const kvHead = k.let('kvHead', head.div(p.group))
      // The last rows see the most keys and begin first; heads that read the same keys follow each other.
      const rowTiles = k.let('rowTiles', live.add(queryTile - 1).div(queryTile))
      const firstRow = k.let('firstRow', rowTiles.sub(1).sub(tile.div(p.heads)).mul(queryTile))
      const rowOf = (i: Value): Value => firstRow.add(i).min(live.sub(1))

      const vectors = headDim / 4
      k.for({ name: 'i', from: local, to: queryTile * vectors, step: threads, unroll: 4 }, i => {
        const [row, d] = [k.let('qRow', i.div(vectors)), k.let('qd', i.mod(vectors))]
        const loaded = q.load(rowOf(row).mul(p.heads).add(head).mul(vectors).add(d)).mul(splat('f32x4', k.const('f32', p.scale)))
        const query = k.let('query', loaded.min(splat('f32x4', highest)).max(splat('f32x4', -highest)))
        const at = k.let('queryAt', row.mul(stride).add(d.mul(4)))
        for (let c = 0; c < 4; c++) queries.store(at.add(c), query.at(c))
      })

      // Rows and columns of this lane: in every pass one row, of it every eighth column.
      const [first16, inTeam] = [k.let('first16', subgroup.mul(matrix)), k.let('inTeam', local.mod(team))]
      const each = Array.from({ length: passes }, (_, i) => {
        const row = k.let('mine', first16.add(local.mod(lanes).div(team)).add(i * rowsAtOnce))
        const position = k.let('position', k.input('positions', rowOf(row)))
        return {
          row, position, from: windowStart(k, p, position), sequence: k.let('ofRow', k.input('sequences', rowOf(row))),
          at: k.let('patchAt', row.mul(patchStride).add(inTeam)), weightAt: k.let('weightAt', row.mul(weightStride).add(inTeam)),
          top: k.var('top', 'f32', unseen), sum: k.var('sum', 'f32', 0),
          acc: Array.from({ length: headDim / team }, () => k.var('acc', 'f32', 0)),
        }
      })
      // What this thread copies of a block of keys or values; where the threads are whole rows, pieces differ in a constant.
      const chunk = (i: Value): readonly [Value, Value] => [i.div(chunks), i.mod(chunks)]
      const piece = (row: Value, c: Value) => ({ to: k.let('copyTo', row.mul(stride).add(c.mul(8))), from: k.let('copyFrom', row.mul(p.kvHeads * chunks).add(c)) })
      const piece0 = piece(...chunk(local))
      const pieces = Array.from({ length: Math.ceil((keyTile * chunks) / threads) }, (_, n) => {
        if (threads % chunks !== 0) return n === 0 ? piece0 : piece(...chunk(local.add(n * threads)))
        const rows = (n * threads) / chunks
        return { to: piece0.to.add(rows * stride), from: piece0.from.add(rows * p.kvHeads * chunks) }
      })
      const inRows = (body: (row: Value) => void): void => k.for({ name: 'i', to: queryTile, unroll: 16 }, i => body(k.let('row', rowOf(i))))
      const [lowSequence, highSequence] = [k.var('lowSequence', 'u32', 0xffffffff), k.var('highSequence', 'u32', 0)]
      inRows(row => {
        const sequence = k.let('sequenceHere', k.input('sequences', row))
        lowSequence.set(lowSequence.value.min(sequence))
        highSequence.set(highSequence.value.max(sequence))
      })

      k.for({ name: 'sequence', from: lowSequence.value, to: highSequence.value.add(1) }, sequence => {
        const [last, start] = [k.var('last', 'u32', 0), k.var('start', 'u32', 0xffffffff)]
        inRows(row => {
          const position = k.let('positionHere', k.input('positions', row))
          const own = k.let('own', k.input('sequences', row).eq(sequence))
          last.set(select(own, last.value.max(position), last.value))
          start.set(select(own, start.value.min(windowStart(k, p, position)), start.value))
        })
        // No row of this sequence: from lies beyond to.
        const [from, to] = [k.let('fromBlock', start.value.div(keyTile)), k.let('toBlock', last.value.div(keyTile).add(1))]
        const seen = each.map(r => k.let('seen', select(r.sequence.eq(sequence), r.position.add(1).sub(r.from), 0)))
        const begin = (source: Buffer, into: Shared, block: Value): void => {
          const position = k.let('blockAt', block.mul(keyTile))
          const slot = k.let('slot', pageSlot(k, context, sequence, position.div(pageSize)).add(position.mod(pageSize)))
          const base = k.let('base', slot.mul(p.kvHeads).add(kvHead).mul(chunks))
          pieces.forEach(({ to, from }, n) => {
            const copy = (): void => into.copy(to, source, base.add(from))
            if ((n + 1) * threads <= keyTile * chunks) copy()
            else k.when(local.lt(keyTile * chunks - n * threads), copy)
          })
        }
        const beginNext = (block: Value): void => {
          k.when(block.lt(to), () => begin(keys, heldKeys, block))
          k.copyCommit()
        }

        beginNext(from)
        k.for({ name: 'block', from, to }, block => {
          const first = k.let('first', block.mul(keyTile))
          k.copyWait(0)
          k.barrier()
          if (stages === 2) {
            begin(values, heldValues, block)
            k.copyCommit()
          }
          const scores = Array.from({ length: keyMatrices }, () => k.var('score', 'matrixC', call('matrixZero')))
          for (let d = 0; d < dimMatrices; d++) {
            const a = k.let('a', k.matrixLoad('matrixA', queries, first16.mul(stride).add(d * matrix), stride))
            const b = scores.map((_, j) => k.let('b', k.matrixLoad('matrixB', heldKeys, j * matrix * stride + d * matrix, stride, true)))
            scores.forEach((s, j) => k.matrixMultiply(s, a, b[j]!))
          }
          scores.forEach((s, j) => k.matrixStore(patch, first16.mul(patchStride).add(j * matrix), patchStride, s.value))
          k.barrier()
          // The keys have been read by all.
          if (stages === 2) beginNext(k.let('next', block.add(1)))
          else {
            begin(values, heldValues, block)
            k.copyCommit()
          }
          each.forEach((r, pass) => {
            const key = k.let('key', first.add(inTeam).sub(r.from))
            const raw = Array.from({ length: keyTile / team }, (_, n) =>
              k.let('raw', select(key.add(n * team).lt(seen[pass]!), patch.load(r.at.add(n * team)), lowest)))
            let top = k.let('most', raw.reduce((a, b) => a.max(b)).max(r.top.value))
            for (let bit = team / 2; bit >= 1; bit /= 2) top = k.let('most', top.max(call('subgroupShuffleXor', top, k.const('u32', bit))))
            const fade = k.let('fade', call('exp', r.top.value.sub(top)))
            r.top.set(top)
            const own = raw.map(s => k.let('weight', call('exp', s.sub(top))))
            own.forEach((w, n) => weights.store(r.weightAt.add(n * team), w))
            r.sum.set(r.sum.value.mul(fade).add(own.reduce((a, b) => a.add(b))))
            r.acc.forEach(v => v.set(v.value.mul(fade)))
          })
          k.copyWait(stages === 2 ? 1 : 0)
          k.barrier()
          const a = Array.from({ length: keyMatrices }, (_, j) => k.let('p', k.matrixLoad('matrixA', weights, first16.mul(weightStride).add(j * matrix), weightStride)))
          const inPatch = patchCols / matrix
          for (let d0 = 0; d0 < dimMatrices; d0 += inPatch) {
            if (d0 > 0) k.barrier()
            const here = Math.min(inPatch, dimMatrices - d0)
            // Four at a time: enough products that do not wait for each other.
            for (let d1 = 0; d1 < here; d1 += 4) {
              const sums = Array.from({ length: Math.min(4, here - d1) }, () => k.var('part', 'matrixC', call('matrixZero')))
              a.forEach((av, j) => {
                const b = sums.map((_, n) => k.let('b', k.matrixLoad('matrixB', heldValues, j * matrix * stride + (d0 + d1 + n) * matrix, stride)))
                sums.forEach((s, n) => k.matrixMultiply(s, av, b[n]!))
              })
              sums.forEach((s, n) => k.matrixStore(patch, first16.mul(patchStride).add((d1 + n) * matrix), patchStride, s.value))
            }
            k.barrier()
            const perRow = (here * matrix) / team
            for (const r of each) for (let n = 0; n < perRow; n++) r.acc[(d0 * matrix) / team + n]!.add(patch.load(r.at.add(n * team)))
          }
          if (stages === 1) beginNext(k.let('next', block.add(1)))
        })
      })

      for (const r of each) {
        let sum = r.sum.value
        for (let bit = team / 2; bit >= 1; bit /= 2) sum = k.let('total', sum.add(call('subgroupShuffleXor', sum, k.const('u32', bit))))
        const factor = k.let('factor', k.const('f32', 1).div(sum))
        const row = k.let('outRow', firstRow.add(r.row))
        k.when(row.lt(live), () => {
          const to = k.let('to', row.mul(p.heads).add(head).mul(headDim).add(inTeam))
          r.acc.forEach((v, n) => out.store(to.add(n * team), v.value.mul(factor)))
        })
      }
    },
  )
  return { steps: [step(made, p.args)], scratch: {} }
}

export const attentionMatrix = schedule('attention', 'matrix', knobs, make)
