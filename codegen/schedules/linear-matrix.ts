/**
 * Many rows of x on the matrix units: x and decoded weights are rounded to f16 in shared memory, sums are f32. A
 * subgroup of 32 owns a patch of 32 rows and 64 columns as 2 × 4 matrix tiles, one of 64 twice the rows. Columns of a patch come half from the first
 * and half from the second half of the group's tile, so that gate and up of one output meet in one subgroup. Sums
 * have no element access on every target; they pass through a small patch of shared memory for what follows.
 */
import { kernel, extentMax, tilesOf, type Variable } from '../builder.js'
import { reject, schedule, step, type Context, type Lowered, type Reject } from '../schedule.js'
import type { Node } from '../../graph/op.js'
import { WeightView } from '../types/decode.js'
import { runElements } from '../types/layout.js'
import { call, splat, type Value } from '../value.js'
import { LinearOutput, linearProblem } from './linear-problem.js'

const threads = 256
/** Lanes that a subgroup may have: fewer and a patch has too many tiles for the registers. */
const laneCounts: ReadonlySet<number> = new Set([32, 64])
const matrix = 16
const vectors = runElements / 4
/** Elements between rows of the f16 tiles: a run, and 8 to keep rows on different banks. */
const stride = runElements + 8
const patchStride = matrix + 4
const highest = 65504

/** The narrow tile comes last: it is for chips with 32 kB of shared memory. */
const knobs = { colTile: [128, 64], rowTile: [128, 64], stages: [2, 1] } as const

function make(node: Node, context: Context, { rowTile, colTile, stages }: { rowTile: number; colTile: number; stages: number }): Lowered | Reject {
  const p = linearProblem(node, context)
  const { caps } = context
  if (context.compute !== 'f16') return reject('matrix units round operands to f16')
  if (!caps.matrix) return reject(`${caps.chip} has no matrix tiles of 16 × 16 × 16`)
  const lanes = caps.subgroup?.min ?? 1
  if (caps.subgroup?.max !== lanes || !laneCounts.has(lanes)) return reject(`subgroups of ${[...laneCounts].join(' or ')} are not certain`)
  if (p.has.norm) return reject('the norm of many rows is a pass of its own')
  if (!p.layout.runs) return reject(`${p.inner} columns are no whole number of runs of ${runElements}`)
  const rows = extentMax(p.rows)
  if (rows < matrix) return reject(`${rows} rows do not fill a matrix tile of ${matrix}`)
  const colsPerTile = colTile / p.parts
  const colTiles = Math.ceil(p.out / colsPerTile)
  if (rowTile > 64 && Math.ceil(rows / rowTile) * colTiles < caps.units) return reject(`tiles of ${rowTile} rows leave units idle`)
  // Subgroups across the columns of the tile, and down its rows.
  const across = 2
  const down = threads / lanes / across
  const rowMatrices = rowTile / down / matrix
  const halfCols = colTile / 2
  const colMatrices = halfCols / across / matrix
  const xLoads = (rowTile * vectors) / threads

  const made = kernel(
    {
      schedule: `${p.op}.matrix`, knobs: { rowTile, colTile, stages }, threads, subgroupSize: lanes,
      tiles: [tilesOf(p.rows, rowTile), { dim: null, per: 1, times: colTiles }], cost: p.cost, state: context.state,
    },
    (k, tile) => {
      const x = k.param('x', 'f32x4', 'activation')
      const weight = new WeightView(k, 'weight', p.layout, caps)
      const output = new LinearOutput(k, p, weight)
      const [xs, ws] = [k.shared('xs', 'f16', rowTile * stride), k.shared('ws', 'f16', colTile * stride)]
      const patches = k.shared('patches', 'f32', (threads / lanes) * 2 * matrix * patchStride)
      const live = k.let('rows', k.size(p.rows))
      // Tiles that share weights follow each other, so that the weights are read from memory once.
      const rowTiles = k.let('rowTiles', live.add(rowTile - 1).div(rowTile))
      const firstRow = k.let('firstRow', tile.mod(rowTiles).mul(rowTile))
      const firstCol = k.let('firstCol', tile.div(rowTiles).mul(colsPerTile))
      const [sgRow, sgCol] = [k.let('sgRow', k.subgroup.div(across)), k.let('sgCol', k.subgroup.mod(across))]

      const loads = Array.from({ length: xLoads }, (_, i) => {
        const at = k.let('piece', k.local.add(i * threads))
        const row = k.let('xRow', firstRow.add(at.div(vectors)).min(live.sub(1)))
        return { from: k.let('xFrom', row.mul(p.inner / 4).add(at.mod(vectors))), to: k.let('xTo', at.div(vectors).mul(stride).add(at.mod(vectors).mul(4))) }
      })
      const slot = k.let('slot', k.local.mod(colTile))
      const inPart = slot.mod(colsPerTile)
      const weightRow = k.let('weightRow', firstCol.add(inPart).min(p.out - 1).add(slot.div(colsPerTile).mul(p.out)))
      // Matrix column j of a subgroup: the first colMatrices in the first half of the tile, the others in the second.
      const colOf = (j: number): Value => sgCol.mul(colMatrices * matrix).add((j % colMatrices) * matrix + Math.floor(j / colMatrices) * halfCols)
      const zero = call('matrixZero')
      const sums: readonly (readonly Variable[])[] = Array.from({ length: rowMatrices }, () => Array.from({ length: 2 * colMatrices }, () => k.var('acc', 'matrixC', zero)))
      const put = (array: typeof xs, at: Value, v: Value): void => {
        const named = k.let('rounded', v)
        for (let c = 0; c < 4; c++) array.store(at.add(c), named.at(c))
      }

      k.pipeline({
        to: p.inner / runElements, step: 1, stages,
        load: run => [...loads.map(l => x.load(l.from.add(run.mul(vectors)))), ...weight.read(weightRow, run)],
        compute: (_run, loaded) => {
          k.barrier()
          // What does not fit an f16 is kept at its largest: down_proj's input may be that large.
          loads.forEach((l, i) => put(xs, l.to, loaded[i]!.min(splat('f32x4', highest)).max(splat('f32x4', -highest))))
          k.when(k.local.lt(colTile), () => weight.dequantize(loaded.slice(xLoads)).forEach((v, i) => put(ws, k.let('wTo', slot.mul(stride).add(i * 4)), v)))
          k.barrier()
          for (let step16 = 0; step16 < runElements; step16 += matrix) {
            const a = Array.from({ length: rowMatrices }, (_, i) => k.let('a', k.matrixLoad('matrixA', xs, sgRow.mul(rowMatrices * matrix).add(i * matrix).mul(stride).add(step16), stride)))
            for (let j = 0; j < 2 * colMatrices; j++) {
              const b = k.let('b', k.matrixLoad('matrixB', ws, colOf(j).mul(stride).add(step16), stride, true))
              a.forEach((av, i) => k.matrixMultiply(sums[i]![j]!, av, b))
            }
          }
        },
      })

      // Two patches a subgroup: a matrix of the first half and its partner of the second.
      const patch = k.let('patch', k.subgroup.mul(2 * matrix * patchStride))
      const partner = matrix * patchStride
      for (let i = 0; i < rowMatrices; i++) {
        for (let j = 0; j < colMatrices; j++) {
          k.barrier()
          k.matrixStore(patches, patch, patchStride, sums[i]![j]!.value)
          k.matrixStore(patches, patch.add(partner), patchStride, sums[i]![j + colMatrices]!.value)
          k.barrier()
          k.for({ name: 'e', from: k.local.mod(lanes), to: matrix * matrix, step: lanes }, e => {
            const [r, c] = [k.let('r', e.div(matrix)), k.let('c', e.mod(matrix))]
            const row = k.let('row', firstRow.add(sgRow.mul(rowMatrices * matrix).add(i * matrix)).add(r))
            const at = k.let('patchAt', patch.add(r.mul(patchStride)).add(c))
            const pair = [k.let('first', patches.load(at)), k.let('second', patches.load(at.add(partner)))]
            k.when(row.lt(live), () => {
              const own = k.let('own', colOf(j).add(c))
              const store = (col: Value, values: readonly Value[]): void => k.when(col.lt(p.out), () => output.store(row, col, values))
              if (p.parts === 2) store(k.let('col', firstCol.add(own)), pair)
              else pair.forEach((v, half) => store(k.let('col', firstCol.add(own).add(half * halfCols)), [v]))
            })
          })
        }
      }
    },
  )
  return { steps: [step(made, p.args)], scratch: {} }
}

export const matrixTile = ['linear', 'fusedLinear'].map(op => schedule(op, 'matrix', knobs, make))
