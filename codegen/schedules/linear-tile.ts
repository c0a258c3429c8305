/**
 * Many rows of x: a group computes a tile of the output from tiles of x and of decoded weights in shared memory. Both
 * are kept as vectors of four along the inner axis, so that weights are stored as they are decoded, and a thread
 * multiplies by dot products; an odd row stride keeps reads free of bank conflicts. Arithmetic in f32.
 */
import { kernel, extentMax, tilesOf } from '../builder.js'
import { reject, schedule, step, type Context, type Lowered, type Reject } from '../schedule.js'
import type { Node } from '../../graph/op.js'
import { WeightView } from '../types/decode.js'
import { runElements } from '../types/layout.js'
import type { Value } from '../value.js'
import { LinearOutput, linearProblem } from './linear-problem.js'

/** The group's threads as a square over the tile. */
const side = 16
const threads = side * side
const vectors = runElements / 4
const stride = vectors + 1

const knobs = { rowTile: [128, 64, 32], colTile: [128, 64], stages: [2, 1] } as const

function make(node: Node, context: Context, { rowTile, colTile, stages }: { rowTile: number; colTile: number; stages: number }): Lowered | Reject {
  const p = linearProblem(node, context)
  if (context.caps.simd) return reject('threads share tiles; a CPU target has one')
  if (p.has.norm) return reject('the norm of many rows is a pass of its own')
  if (!p.layout.runs) return reject(`${p.inner} columns are no whole number of runs of ${runElements}`)
  if (rowTile > 32 && extentMax(p.rows) <= rowTile / 2) return reject(`${extentMax(p.rows)} rows leave most of a tile of ${rowTile} idle`)
  if (context.caps.units < 8 && rowTile * colTile > 2048) return reject(`a tile of ${rowTile} × ${colTile} is for chips of many units; ${context.caps.chip} has ${context.caps.units}`)
  const [mine, cols] = [rowTile / side, colTile / side]
  const colsPerTile = colTile / p.parts
  const colTiles = Math.ceil(p.out / colsPerTile)
  if (rowTile * colTile > 4096 && Math.ceil(extentMax(p.rows) / rowTile) * colTiles < context.caps.units) return reject(`tiles of ${rowTile} × ${colTile} leave units idle`)
  const xLoads = (rowTile * vectors) / threads

  const made = kernel(
    {
      schedule: `${p.op}.tile`, knobs: { rowTile, colTile, stages }, threads,
      tiles: [tilesOf(p.rows, rowTile), { dim: null, per: 1, times: colTiles }], cost: p.cost, state: context.state,
    },
    (k, tile) => {
      const x = k.param('x', 'f32x4', 'activation')
      const weight = new WeightView(k, 'weight', p.layout, context.caps)
      const output = new LinearOutput(k, p, weight)
      const xs = k.shared('xs', 'f32x4', rowTile * stride)
      const ws = k.shared('ws', 'f32x4', colTile * stride)
      const live = k.let('rows', k.size(p.rows))
      const firstRow = k.let('firstRow', tile.div(colTiles).mul(rowTile))
      const firstCol = k.let('firstCol', tile.mod(colTiles).mul(colsPerTile))
      const [ty, tx] = [k.let('ty', k.local.div(side)), k.let('tx', k.local.mod(side))]

      // Which row of x and which vector of the run each load of this thread is; rows beyond the last read the last.
      const loads = Array.from({ length: xLoads }, (_, i) => {
        const at = k.let('piece', k.local.add(i * threads))
        const row = k.let('xRow', firstRow.add(at.div(vectors)).min(live.sub(1)))
        return { from: k.let('xFrom', row.mul(p.inner / 4).add(at.mod(vectors))), to: k.let('xTo', at.div(vectors).mul(stride).add(at.mod(vectors))) }
      })
      // The weight row this thread decodes: the first half of the tile gates, the second ups, where there are two parts.
      const slot = k.let('slot', k.local.mod(colTile))
      const inPart = slot.mod(colsPerTile)
      const weightRow = k.let('weightRow', firstCol.add(inPart).min(p.out - 1).add(slot.div(colsPerTile).mul(p.out)))

      const sums = Array.from({ length: mine }, () => Array.from({ length: cols }, () => k.var('acc', 'f32', 0)))
      k.pipeline({
        to: p.inner / runElements, step: 1, stages,
        load: run => [...loads.map(l => x.load(l.from.add(run.mul(vectors)))), ...weight.read(weightRow, run)],
        compute: (_run, loaded) => {
          k.barrier()
          loads.forEach((l, i) => xs.store(l.to, loaded[i]!))
          const put = (): void => weight.dequantize(loaded.slice(xLoads)).forEach((v, i) => ws.store(slot.mul(stride).add(i), v))
          if (colTile < threads) k.when(k.local.lt(colTile), put)
          else put()
          k.barrier()
          k.for({ name: 'v', to: vectors, unroll: vectors }, v => {
            const a = Array.from({ length: mine }, (_, i) => k.let('a', xs.load(ty.add(side * i).mul(stride).add(v))))
            for (let j = 0; j < cols; j++) {
              const b = k.let('b', ws.load(tx.add(side * j).mul(stride).add(v)))
              a.forEach((av, i) => sums[i]![j]!.set(chain(av, b, sums[i]![j]!.value)))
            }
          })
        },
      })

      const colsPerPart = cols / p.parts
      for (let i = 0; i < mine; i++) {
        const row = k.let('row', firstRow.add(ty).add(side * i))
        k.when(row.lt(live), () => {
          for (let j = 0; j < colsPerPart; j++) {
            const col = k.let('col', firstCol.add(tx).add(side * j))
            const put = (): void => output.store(row, col, Array.from({ length: p.parts }, (_, part) => sums[i]![j + part * colsPerPart]!.value))
            if (p.out % colsPerTile === 0) put()
            else k.when(col.lt(p.out), put)
          }
        })
      }
    },
  )
  return { steps: [step(made, p.args)], scratch: {} }
}

/** acc + a · b as four fused steps: a dot product by itself would cost one more. */
function chain(a: Value, b: Value, acc: Value): Value {
  return [0, 1, 2, 3].reduce((sum, c) => a.at(c).fma(b.at(c), sum), acc)
}

export const tile = ['linear', 'fusedLinear'].map(op => schedule(op, 'tile', knobs, make))
