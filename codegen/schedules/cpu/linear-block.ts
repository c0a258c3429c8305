/**
 * Several rows of x on a CPU: a tile is a few output columns by many rows. A stretch of the columns' weights is decoded
 * once into scratch memory that the first cache holds; then blocks of `high` rows by `wide` columns are multiplied from
 * registers, four lanes along the inner axis, and what the lanes sum to is added to the tile's results in scratch. Consecutive tiles share their
 * rows of x, which the second cache holds.
 */
import { extentMax, kernel, tilesOf } from '../../builder.js'
import type { Node } from '../../../graph/op.js'
import { reject, schedule, step, type Context, type Lowered, type Reject } from '../../schedule.js'
import { WeightView } from '../../types/decode.js'
import { dequantizeRun, rowFactor } from '../../types/decode-cpu.js'
import { runElements } from '../../types/layout.js'
import { call } from '../../value.js'
import { LinearOutput, linearProblem } from '../linear-problem.js'

/** Rows of x one tile goes through at most. */
const rowTile = 96
/** Elements of the inner axis decoded at a time. */
const stretch = 512
const vectorsPerRun = runElements / 4

function make(node: Node, context: Context, { high, wide, columns }: { readonly high: number; readonly wide: number; readonly columns: number }): Lowered | Reject {
  const p = linearProblem(node, context)
  if (!context.caps.simd) return reject('one thread a tile; a GPU has more')
  if (p.has.norm) return reject('every tile would redo the norm')
  if (!p.layout.runs) return reject(`${p.inner} columns are no whole number of runs of ${runElements}`)
  const most = Math.min(rowTile, Math.ceil(extentMax(p.rows) / high) * high)
  const perTile = columns / p.parts
  const colTiles = Math.ceil(p.out / perTile)
  const runs = p.inner / runElements
  // Stretches of one length, as long as may be.
  const runsEach = Array.from({ length: stretch / runElements }, (_, i) => stretch / runElements - i).find(n => runs % n === 0)!
  const vectorsEach = runsEach * vectorsPerRun

  const made = kernel(
    {
      schedule: `${p.op}.block`, knobs: { high, wide, columns }, threads: 1,
      tiles: [tilesOf(p.rows, most), { dim: null, per: 1, times: colTiles }], cost: p.cost, state: context.state,
    },
    (k, tile) => {
      const x = k.param('x', 'f32x4', 'activation')
      const weight = new WeightView(k, 'weight', p.layout, context.caps)
      const output = new LinearOutput(k, p, weight)
      const [decoded, results] = [k.shared('decoded', 'f32x4', columns * vectorsEach), k.shared('results', 'f32', most * columns)]
      const firstRow = k.let('firstRow', tile.div(colTiles).mul(most))
      const firstCol = k.let('firstCol', tile.mod(colTiles).mul(perTile))
      const live = k.let('rows', k.size(p.rows))
      const rows = k.let('rowsHere', live.sub(firstRow).min(most))
      // Slots of the tile: the columns, and where there are two parts, the columns' second rows after them.
      const weightRow = (slot: typeof tile): typeof tile =>
        firstCol.add(slot.mod(perTile)).min(p.out - 1).add(slot.div(perTile).mul(p.out))

      k.for({ name: 'at', to: runs, step: runsEach }, at => {
        k.for({ name: 'slot', to: columns }, slot => {
          const row = k.let('weightRow', weightRow(slot))
          k.for({ name: 'run', to: runsEach }, run => {
            const loaded = weight.read(row, at.add(run)).map(v => k.let('loaded', v))
            dequantizeRun(k, weight, loaded).forEach((v, i) => decoded.store(slot.mul(vectorsEach).add(run.mul(vectorsPerRun)).add(i), v))
          })
        })
        k.for({ name: 'row', to: rows, step: high }, row => {
          // Rows beyond the last read the last; their results are never stored.
          const xRows = Array.from({ length: high }, (_, i) => k.let('xRow', firstRow.add(row).add(i).min(live.sub(1)).mul(p.inner / 4).add(at.mul(vectorsPerRun))))
          k.for({ name: 'slot', to: columns, step: wide }, slot => {
            const from = k.let('from', slot.mul(vectorsEach))
            const sums = xRows.map(() => Array.from({ length: wide }, () => k.var('acc', 'f32x4', 0)))
            k.for({ name: 'v', to: vectorsEach }, v => {
              const xs = xRows.map(r => k.let('xv', x.load(r.add(v))))
              for (let j = 0; j < wide; j++) {
                const w = k.let('w', decoded.load(from.add(v).add(j * vectorsEach)))
                xs.forEach((xv, i) => sums[i]![j]!.accumulate(xv, w))
              }
            })
            sums.forEach((own, i) => own.forEach((acc, j) => {
              const to = k.let('resultAt', row.add(i).mul(columns).add(slot).add(j))
              const sum = k.let('sum', call('sum4', acc.value))
              k.when(at.eq(0), () => results.store(to, sum), () => results.store(to, results.load(to).add(sum)))
            }))
          })
        })
      })

      const factor = rowFactor(p.layout)
      k.for({ name: 'row', to: rows }, row => {
        const cols = p.out % perTile === 0 ? k.const('u32', perTile) : k.let('cols', k.const('u32', p.out).sub(firstCol).min(perTile))
        k.for({ name: 'col', to: cols }, col => {
          const own = Array.from({ length: p.parts }, (_, part) => {
            const sum = results.load(row.mul(columns).add(col).add(part * perTile))
            return k.let('own', factor === 1 ? sum : sum.mul(factor))
          })
          output.store(k.let('outRow', firstRow.add(row)), k.let('outCol', firstCol.add(col)), own)
        })
      })
    },
  )
  return { steps: [step(made, p.args)], scratch: {} }
}

export const linearBlock = ['linear', 'fusedLinear'].map(op => schedule(op, 'block', { high: [3, 4, 2], wide: [3, 2], columns: [12, 6, 24] }, make))
