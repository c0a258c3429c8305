/**
 * One row of x on a CPU: a tile is a band of output columns, each a sum over the weight's row in four lanes. Every code is
 * loaded, decoded and multiplied once; x comes from the first cache, through scratch where a norm stands before it, where it is
 * rounded to words, or where codes are decoded in pairs, as which it is then dealt. Scales multiply the products of a group, not
 * every code. Several rows of the weight at once share x and the constants of decoding, which V8 makes anew at each turn of a
 * loop.
 */
import { extentMax, kernel, tilesOf } from '../../builder.js'
import type { Node } from '../../../graph/op.js'
import { reject, schedule, step, type Context, type Lowered, type Reject } from '../../schedule.js'
import { WeightView } from '../../types/decode.js'
import { decodePair, decodeRun, integerCodes, lanesOf, rowFactor, scalesInPairs, type Order } from '../../types/decode-cpu.js'
import { runElements } from '../../types/layout.js'
import { call, vector, type Value } from '../../value.js'
import { vectorParam } from '../common.js'
import { LinearOutput, linearProblem, rmsFactor } from '../linear-problem.js'
import { dotWords, stageWords } from './words.js'

/** Weights one tile reads, about: long enough to be worth handing out, short enough to share out evenly. */
const tileWeights = 65536

function make(node: Node, context: Context, { rows, unroll }: { readonly rows: number; readonly unroll: number }): Lowered | Reject {
  const p = linearProblem(node, context)
  if (!context.caps.simd) return reject('one thread a tile; a GPU has more')
  if (extentMax(p.rows) > 1) return reject(`${extentMax(p.rows)} rows; one reads each weight once`)
  if (!p.layout.runs) return reject(`${p.inner} columns are no whole number of runs of ${runElements}`)
  const order: Order = context.compute === 'i16' && integerCodes(p.layout) ? 'words' : p.layout.type.codec === 'f32' ? 'elements' : 'pairs'
  const runsEach = scalesInPairs(p.layout) ? 2 : 1
  if (unroll < runsEach) return reject(`${runsEach} runs share a word of scales`)
  const turns = p.inner / runElements / runsEach
  const vectorsEach = (runElements / lanesOf(order)) * runsEach
  // Elements that share a scale, and a minimum, within a run.
  const group = Math.min(p.layout.type.scale?.group ?? runElements, runElements)
  const perPass = Math.max(1, rows / p.parts)
  const columns = Math.max(1, Math.min(p.out, Math.round(tileWeights / p.inner / p.parts / perPass))) * perPass

  const made = kernel(
    { schedule: `${p.op}.row`, knobs: { rows, unroll }, threads: 1, tiles: [tilesOf(p.out, columns)], cost: p.cost, state: context.state },
    (k, tile) => {
      const x = k.param('x', 'f32x4', 'activation')
      const weight = new WeightView(k, 'weight', p.layout, context.caps)
      const output = new LinearOutput(k, p, weight)
      const norm = p.has.norm ? vectorParam(k, 'norm', 'f32x4') : null
      const squares = norm && k.var('squares', 'f32x4', 0)
      const normed = (v: Value, at: Value): Value => (norm ? v.mul(norm.load(at)) : v)
      const before = (at: Value): Value => {
        const v = norm ? k.let('v', x.load(at)) : x.load(at)
        squares?.accumulate(v, v)
        return normed(v, at)
      }
      const words = order === 'words' ? stageWords(k, p.inner, group, runsEach === 2 ? 4 : 1, before) : null
      const staged = !words && (norm || order === 'pairs') ? k.shared('staged', 'f32x4', p.inner / 4) : null
      if (staged) {
        k.for({ name: 'i', to: p.inner / 8 }, i => {
          const [a, b] = [0, 1].map(j => k.let(norm ? 'normed' : 'v', before(i.mul(2).add(j)))) as [Value, Value]
          const dealt = order === 'pairs' ? [vector(a.at(0), a.at(2), b.at(0), b.at(2)), vector(a.at(1), a.at(3), b.at(1), b.at(3))] : [a, b]
          dealt.forEach((v, j) => staged.store(i.mul(2).add(j), v))
        })
      }
      const source = words?.words ?? staged ?? x
      const factor = squares && rmsFactor(k, call('sum4', squares.value), p.inner, p.eps)
      // Minima meet Σ x of their group, which is the same for every column.
      const groupSums = p.layout.type.min && k.shared('groupSums', 'f32', p.inner / group)
      if (groupSums) {
        k.for({ name: 'i', to: p.inner / group }, i => {
          const vectors = Array.from({ length: group / 4 }, (_, v) => i.mul(group / 4).add(v)).map(at => (words ? normed(x.load(at), at) : source.load(at)))
          groupSums.store(i, call('sum4', vectors.reduce((a, b) => a.add(b))))
        })
      }
      const first = k.let('first', tile.mul(columns))
      const end = k.let('end', p.out % columns === 0 ? first.add(columns) : first.add(columns).min(p.out))
      k.for({ name: 'col', from: first, to: end, step: perPass }, col => {
        // Columns beyond the last read the last; what they sum is dropped.
        const cols = Array.from({ length: perPass }, (_, c) => (c === 0 || p.out % perPass === 0 ? col.add(c) : k.let('clamped', col.add(c).min(p.out - 1))))
        const weightRows = cols.flatMap(c => Array.from({ length: p.parts }, (_, part) => k.let('weightRow', c.add(part * p.out))))
        // Two sums a row: neighbouring groups do not wait for each other.
        const sums = weightRows.map(() => [k.var('acc', 'f32x4', 0), k.var('acc', 'f32x4', 0)] as const)
        const minima = weightRows.map(() => groupSums && k.var('minima', 'f32', 0))
        for (let pass = 0; pass < weightRows.length; pass += rows) {
          k.for({ name: 'run', to: turns, unroll: unroll / runsEach }, run => {
            const vectors = Array.from({ length: vectorsEach }, (_, v) => source.load(run.mul(vectorsEach).add(v)))
            const shared = rows > 1 ? vectors.map(v => k.let('xv', v)) : vectors
            const scales = words && (runsEach === 2 ? [words.scales.load(run)] : Array.from({ length: runElements / group }, (_, g) => words.scales.load(run.mul(runElements / group).add(g)))).map(v => k.let('xScale', v))
            weightRows.slice(pass, pass + rows).forEach((row, w) => {
              const [even, odd] = sums[pass + w]!
              const loaded = (runsEach === 2 ? weight.readPair(row, run) : weight.read(row, run)).map(v => k.let('loaded', v))
              const groups = runsEach === 2 ? decodePair(k, weight, loaded, order, scales?.[0]) : decodeRun(k, weight, loaded, order, scales && (g => scales[g]!))
              groups.forEach((g, n) => {
                const mine = shared.slice(g.at / lanesOf(order), g.at / lanesOf(order) + g.codes.length)
                const sum = n % 2 === 0 ? even : odd
                if (g.scale) sum.accumulate(k.let('products', words ? dotWords(g.codes, mine) : chain(g.codes, mine)), g.scale)
                else g.codes.forEach((q, i) => (i % 2 === 0 ? even : odd).accumulate(q, mine[i]!))
                if (g.min) minima[pass + w]!.accumulate(g.min, groupSums!.load(run.mul(runElements / group).add(n)))
              })
            })
          })
        }
        const by = rowFactor(p.layout, order)
        const totals = sums.map(([a, b], w) => {
          const sum = call('sum4', a.value.add(b.value))
          const products = by === 1 ? sum : sum.mul(by)
          const total = minima[w] ? products.sub(minima[w].value) : products
          return k.let('total', words ? total.add(words.nought) : total)
        })
        cols.forEach((c, i) => {
          const put = (): void => output.store(k.const('u32', 0), c, totals.slice(i * p.parts, (i + 1) * p.parts), factor)
          if (i === 0 || p.out % perPass === 0) put()
          else k.when(col.add(i).lt(p.out), put)
        })
      })
    },
  )
  return { steps: [step(made, p.args)], scratch: {} }
}

/** Σ codes · x over vectors, fused one after another. */
const chain = (codes: readonly Value[], x: readonly Value[]): Value => codes.slice(1).reduce((sum, q, i) => q.fma(x[i + 1]!, sum), codes[0]!.mul(x[0]!))

export const linearRow = ['linear', 'fusedLinear'].map(op => schedule(op, 'row', { rows: [4, 2, 1], unroll: [2, 4, 1] }, make))
