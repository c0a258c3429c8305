/**
 * Few rows of x: every weight is read once, in 16-byte loads, by teams of lanes that share an output row's inner axis
 * run by run. Rows of x come from the caches. Memory is the roof.
 */
import { kernel, extentMax, isFixed, tilesOf } from '../builder.js'
import { reject, schedule, step, type Lowered, type Reject, type Context } from '../schedule.js'
import type { Node } from '../../graph/op.js'
import { WeightView } from '../types/decode.js'
import { runElements } from '../types/layout.js'
import { call, type Value } from '../value.js'
import { teamSums, vectorParam } from './common.js'
import { LinearOutput, linearProblem, rmsFactor } from './linear-problem.js'

/** Rows of x this schedule takes. */
export const matvecRows = 8

const knobs = { lanes: [32, 16, 8], columns: [4, 2, 1], threads: [64, 128, 256], stages: [2, 1] } as const

function make(node: Node, context: Context, { lanes, columns, threads, stages }: { lanes: number; columns: number; threads: number; stages: number }): Lowered | Reject {
  const p = linearProblem(node, context)
  const rows = extentMax(p.rows)
  if (context.caps.simd) return reject('threads share rows; a CPU target has one')
  if (rows > matvecRows) return reject(`${rows} rows; up to ${matvecRows} read the weights once`)
  if (!p.layout.runs) return reject(`${p.inner} columns are no whole number of runs of ${runElements}`)
  if (rows * columns * p.parts > 16) return reject('too many sums for the registers')
  const teams = threads / lanes
  const runs = p.inner / runElements

  const made = kernel(
    { schedule: `${p.op}.matvec`, knobs: { lanes, columns, threads, stages }, threads, tiles: [tilesOf(p.out, teams * columns)], cost: p.cost, state: context.state },
    (k, tile) => {
      const x = k.param('x', 'f32x4', 'activation')
      const weight = new WeightView(k, 'weight', p.layout, context.caps)
      const norm = p.has.norm ? vectorParam(k, 'norm', 'f32x4') : null
      const output = new LinearOutput(k, p, weight)
      const lane = k.let('laneOfTeam', k.local.mod(lanes))
      const first = k.let('first', tile.mul(teams).add(k.local.div(lanes)).mul(columns))
      const cols = Array.from({ length: columns }, (_, c) => k.let('col', first.add(c)))
      // Columns beyond the last read the last: their sums are dropped, and flow stays uniform for the shuffles.
      const weightRows = cols.flatMap(c => {
        const inRange = p.out % (teams * columns) === 0 ? c : k.let('clamped', c.min(p.out - 1))
        return Array.from({ length: p.parts }, (_, part) => inRange.add(part * p.out))
      })
      const sums = weightRows.map(() => Array.from({ length: rows }, () => k.var('acc', 'f32', 0)))
      const squares = Array.from({ length: norm ? rows : 0 }, () => k.var('squares', 'f32', 0))

      k.pipeline({
        from: lane, to: runs, step: lanes, stages,
        load: run => weightRows.flatMap(r => weight.read(r, run)),
        compute: (run, loaded) => {
          const each = loaded.length / weightRows.length
          const at = k.let('xAt', run.mul(runElements / 4))
          const decoded = weightRows.map((_, w) => weight.decode(loaded.slice(w * each, (w + 1) * each)))
          for (let r = 0; r < rows; r++) {
            const vectors = Array.from({ length: runElements / 4 }, (_, v) => {
              const raw = k.let('xv', x.load(at.add((r * p.inner) / 4 + v)))
              if (!norm) return raw
              squares[r]!.add(call('dot4', raw, raw))
              return k.let('xn', raw.mul(norm.load(at.add(v))))
            })
            decoded.forEach((groups, w) => {
              for (const g of groups) {
                const mine = vectors.slice(g.at / 4, g.at / 4 + g.codes.length)
                const products = k.let('products', total(mine.map((xv, i) => call('dot4', g.codes[i]!, xv))))
                const acc = sums[w]![r]!
                if (g.scale) acc.accumulate(products, g.scale)
                else acc.add(products)
                if (g.min) acc.set(acc.value.sub(g.min.mul(total(mine.map(xv => call('sum4', xv))))))
              }
            })
          }
        },
      })

      const all = teamSums(k, context.caps, threads, lanes, [...sums.flat().map(s => s.value), ...squares.map(s => s.value)])
      const live = isFixed(p.rows) ? null : k.size(p.rows)
      k.when(lane.eq(0), () => {
        for (let r = 0; r < rows; r++) {
          const store = (): void => {
            const factor = norm ? rmsFactor(k, all[sums.length * rows + r]!, p.inner, p.eps) : null
            cols.forEach((col, c) => {
              const own = Array.from({ length: p.parts }, (_, part) => all[(c * p.parts + part) * rows + r]!)
              const put = (): void => output.store(k.const('u32', r), col, own, factor)
              if (p.out % (teams * columns) === 0) put()
              else k.when(col.lt(p.out), put)
            })
          }
          if (live && r > 0) k.when(live.gt(r), store)
          else store()
        }
      })
    },
  )
  return { steps: [step(made, p.args)], scratch: {} }
}

/** Sum as a balanced tree, so that no chain is longer than it must be. */
function total(values: readonly Value[]): Value {
  if (values.length === 1) return values[0]!
  const half = Math.ceil(values.length / 2)
  return total(values.slice(0, half)).add(total(values.slice(half)))
}

export const matvec = ['linear', 'fusedLinear'].map(op => schedule(op, 'matvec', knobs, make))
