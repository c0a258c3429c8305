/**
 * Few query rows: a tile takes all query heads of a kv head, so that its keys and values are read once, and every
 * `splits`th block of the positions (flash-decoding, Dao et al. 2023). A row of the cache is read by a team of lanes in
 * whole 16-byte loads, several rows of a team at a time, keys and values together. Teams keep a maximum, a sum of
 * weights and outputs of their own for each head, and meet in shared memory once, at the end; a second kernel joins the
 * splits. A short text has fewer blocks than splits: the tiles beyond do nothing, and the join does not read them.
 */
import { extentMax, kernel, tilesOf, type Shared } from '../builder.js'
import { reject, schedule, scratchArg, step, type Context, type Lowered, type Reject } from '../schedule.js'
import type { Node } from '../../graph/op.js'
import { pageSize } from '../state.js'
import { call, select, splat, vector, type Value } from '../value.js'
import { joinParts, partVectors, vectorsOf } from './attention-join.js'
import { attentionProblem, lowest, pageSlot, windowStart } from './attention-problem.js'

const maxRows = 8
/** Heads of a tile: more and their outputs do not fit the registers. */
const maxHeads = 4
/** Below every score and above `lowest` by so much that the weight of a key that is not seen is 0 from the first on. */
const unseen = -1e30
/** Bytes of outputs that meet in shared memory at a time. */
const meetingBytes = 16384
/** Words that a lane may hold: queries, outputs and what is loaded ahead; with its indices, more do not fit 255 registers. */
const mostWords = 224

/** `positions`: rows of the cache that a team reads at a time. */
const knobs = { threads: [128, 64], splits: [32, 16, 64, 8], lanes: [16, 8], positions: [4, 2], stages: [2, 1] } as const
type Chosen = { readonly [N in keyof typeof knobs]: number }

/** The largest divisor of a group that a tile can take; an odd group whole, where its prime allows no less than one. */
function headsOf(group: number): number {
  const divisors = Array.from({ length: maxHeads }, (_, i) => maxHeads - i).filter(n => group % n === 0)
  return divisors[0] === 1 && group <= 2 * maxHeads ? group : divisors[0]!
}

function make(node: Node, context: Context, { threads, splits, lanes, positions, stages }: Chosen): Lowered | Reject {
  const p = attentionProblem(node, context)
  const { caps } = context
  const rows = extentMax(p.rows)
  // A lane reads 16 bytes at a time.
  const perChunk = context.kv === 'f16' ? 8 : 4
  const chunks = p.headDim / perChunk
  const team = Math.min(lanes, chunks)
  const [each, teams] = [chunks / team, threads / team]
  const block = teams * positions
  if (caps.simd) return reject('lanes share a row; a CPU target has one')
  if (rows > maxRows) return reject(`${rows} rows; up to ${maxRows} are split over positions`)
  if (!Number.isInteger(Math.log2(chunks))) return reject(`a head of ${p.headDim} is no power of two of 16-byte loads`)
  if (caps.subgroup === null || caps.subgroup.min < team) return reject(`${team} lanes share a row; subgroups of ${caps.chip} have ${caps.subgroup?.min ?? 'no operations'}`)
  if (pageSize % block !== 0) return reject(`blocks of ${block} positions do not divide a page`)
  const heads = headsOf(p.group)
  const words = 2 * heads * each * perChunk + 2 * stages * positions * each * 4
  if (words > mostWords) return reject(`${words} words of queries, outputs and loads a lane; registers hold ${mostWords}`)
  const headTiles = p.heads / heads
  const perHead = Math.min(splits, (p.pages * pageSize) / block)
  const vectors = vectorsOf(p)
  const perVector = perChunk / 4
  const atOnce = Math.max(1, Math.min(heads, Math.floor(meetingBytes / (teams * vectors * 16))))
  const cacheElement = context.kv === 'f16' ? ('u32x4' as const) : ('f32x4' as const)
  const numbers = (loaded: Value): readonly Value[] =>
    context.kv === 'f16' ? [call('f16x4', loaded.at(0), loaded.at(1)), call('f16x4', loaded.at(2), loaded.at(3))] : [loaded]

  const parts = kernel(
    {
      schedule: 'attention.grouped', knobs: { threads, splits, lanes, positions, stages }, threads, state: context.state, cost: p.cost,
      tiles: [tilesOf(p.rows), { dim: null, per: 1, times: headTiles * perHead }],
    },
    (k, tile) => {
      const q = k.param('q', 'f32x4', 'activation')
      const [keys, values] = [k.param('k', cacheElement, 'cache'), k.param('v', cacheElement, 'cache')]
      const part = k.param('part', 'f32x4', 'activation', 'write')
      const [tops, sums] = [k.shared('tops', 'f32', heads * teams), k.shared('sums', 'f32', heads * teams)]
      const partial = k.shared('partial', 'f32x4', atOnce * teams * vectors)
      const [split, rowHeads] = [k.let('split', tile.mod(perHead)), k.let('rowHeads', tile.div(perHead))]
      const row = k.let('row', rowHeads.div(headTiles))
      const kvHead = k.let('kvHead', rowHeads.mod(headTiles).mul(heads).div(p.group))
      const [position, sequence] = [k.let('position', k.input('positions', row)), k.let('sequence', k.input('sequences', row))]
      const start = windowStart(k, p, position)
      const [from, to] = [k.let('fromBlock', start.div(block).add(split)), k.let('toBlock', position.div(block).add(1))]
      const [inTeam, ofTeam] = [k.let('inTeam', k.local.mod(team)), k.let('ofTeam', k.local.div(team))]
      /** Vectors of a row that this lane has, in the order of its loads. */
      const own = Array.from({ length: each * perVector }, (_, i) => inTeam.add(Math.floor(i / perVector) * team).mul(perVector).add(i % perVector))

      k.when(from.lt(to), () => {
        const states = Array.from({ length: heads }, (_, h) => {
          const at = k.let('queryAt', rowHeads.mul(heads).add(h).mul(vectors))
          return {
            query: own.map(v => k.let('query', q.load(at.add(v)).mul(splat('f32x4', k.const('f32', p.scale))))),
            top: k.var('top', 'f32', unseen), sum: k.var('sum', 'f32', 0), acc: own.map(() => k.var('acc', 'f32x4', 0)),
          }
        })
        const turns = Array.from({ length: positions }, (_, u) => u)
        k.pipeline({
          from, to, step: perHead, stages,
          load: b => {
            const first = k.let('first', b.mul(block))
            const slot = k.let('slot', pageSlot(k, context, sequence, first.div(pageSize)).add(first.mod(pageSize)))
            const last = k.let('lastHere', position.sub(first))
            const at = turns.map(u => k.let('rowAt', slot.add(ofTeam.add(u * teams).min(last)).mul(p.kvHeads).add(kvHead).mul(chunks).add(inTeam)))
            return [keys, values].flatMap(source => at.flatMap(a => Array.from({ length: each }, (_, e) => source.load(a.add(e * team)))))
          },
          compute: (b, loaded) => {
            const first = k.let('firstHere', b.mul(block))
            const rowOf = (source: number, u: number): readonly Value[] =>
              Array.from({ length: each }, (_, e) => loaded[(source * positions + u) * each + e]!).flatMap(numbers).map(v => k.let('row', v))
            const dots = turns.map(u => {
              const key = rowOf(0, u)
              return states.map(s => k.let('dot', key.map((v, i) => call('dot4', s.query[i]!, v)).reduce((a, c) => a.add(c))))
            })
            const scores = turns.map(u => {
              const at = k.let('at', first.add(ofTeam).add(u * teams))
              const seen = k.let('seen', at.le(position).both(at.ge(start)))
              return dots[u]!.map(dot => {
                let sum = dot
                for (let bit = team / 2; bit >= 1; bit /= 2) sum = k.let('sumOf', sum.add(call('subgroupShuffleXor', sum, k.const('u32', bit))))
                return k.let('score', select(seen, sum, lowest))
              })
            })
            const weights = states.map((s, h) => {
              const top = k.let('most', turns.map(u => scores[u]![h]!).reduce((a, c) => a.max(c), s.top.value))
              const fade = k.let('fade', call('exp', s.top.value.sub(top)))
              s.top.set(top)
              const own = turns.map(u => k.let('weight', call('exp', scores[u]![h]!.sub(top))))
              s.sum.set(own.reduce((a, c) => a.add(c), s.sum.value.mul(fade)))
              s.acc.forEach(v => v.set(v.value.mul(splat('f32x4', fade))))
              return own
            })
            for (const u of turns) {
              const value = rowOf(1, u)
              states.forEach((s, h) => value.forEach((v, i) => s.acc[i]!.accumulate(v, splat('f32x4', weights[h]![u]!))))
            }
          },
        })

        k.when(inTeam.eq(0), () => states.forEach((s, h) => tops.store(ofTeam.add(h * teams), s.top.value)))
        k.barrier()
        const over = (array: Shared, h: Value, how: (a: Value, b: Value) => Value): Value =>
          Array.from({ length: teams }, (_, t) => array.load(h.mul(teams).add(t))).reduce(how)
        states.forEach((s, h) => {
          const fade = k.let('fade', call('exp', s.top.value.sub(over(tops, k.const('u32', h), (a, b) => a.max(b)))))
          s.acc.forEach(v => v.set(v.value.mul(splat('f32x4', fade))))
          k.when(inTeam.eq(0), () => sums.store(ofTeam.add(h * teams), s.sum.value.mul(fade)))
        })
        const partAt = (h: Value): Value => rowHeads.mul(heads).add(h).mul(perHead).add(split).mul(partVectors(p))
        for (let h0 = 0; h0 < heads; h0 += atOnce) {
          const here = states.slice(h0, h0 + atOnce)
          if (h0 > 0) k.barrier()
          here.forEach((s, h) => s.acc.forEach((v, i) => partial.store(ofTeam.add(h * teams).mul(vectors).add(own[i]!), v.value)))
          k.barrier()
          k.for({ name: 'i', from: k.local, to: here.length * vectors, step: threads }, i => {
            const [h, d] = [k.let('h', i.div(vectors)), k.let('d', i.mod(vectors))]
            const all = Array.from({ length: teams }, (_, t) => partial.load(h.mul(teams).add(t).mul(vectors).add(d)))
            part.store(partAt(h.add(h0)).add(d), all.reduce((a, b) => a.add(b)))
          })
        }
        k.when(k.local.lt(heads), () => {
          const zero = k.const('f32', 0)
          part.store(partAt(k.local).add(vectors), vector(over(tops, k.local, (a, b) => a.max(b)), over(sums, k.local, (a, b) => a.add(b)), zero, zero))
        })
      })
    },
  )
  const join = joinParts(context, p, {
    room: perHead, together: 16,
    range: (k, row) => {
      const position = k.let('position', k.input('positions', row))
      const blocks = position.div(block).add(1).sub(windowStart(k, p, position).div(block))
      return [k.const('u32', 0), k.let('parts', blocks.min(perHead))]
    },
  })
  const part = scratchArg('part')
  return {
    steps: [step(parts, { ...p.args, part }), step(join, { ...p.args, part })],
    scratch: { part: rows * p.heads * perHead * partVectors(p) * 16 },
  }
}

export const attentionGrouped = schedule('attention', 'grouped', knobs, make)
