/**
 * Scales of FP8 weights that are a grid of floats over the matrix: one for each row, or one for each block of 128 × 128 with
 * partial blocks at the edges. Which the file's dtype is does not matter: all are exact in float32.
 */
import { check } from '../graph/error.js'
import { bf16ToF32, f16ToF32 } from './floats.js'
import type { ModelSource, WeightTensor } from './model.js'

export type GridType = 'f32' | 'f16' | 'bf16'

export interface ScaleGrid {
  readonly type: GridType
  /** Of the grid. */
  readonly rows: number
  readonly columns: number
  /** Rows and columns of the matrix that one scale is for; the last of a row or column may be for fewer. */
  readonly block: readonly [rows: number, columns: number]
}

const bytesEach = { f32: 4, f16: 2, bf16: 2 } as const

/** Bytes of a grid in its file. */
export const gridBytes = ({ type, rows, columns }: Pick<ScaleGrid, 'type' | 'rows' | 'columns'>): number => rows * columns * bytesEach[type]

/** Floats of a plane of some dtype as float32. Throws for one that is not finite, naming tensor and plane. */
export function readFloats(source: Pick<ModelSource, 'read'>, tensor: WeightTensor, plane: string, type: GridType): Float32Array {
  const range = tensor.ranges[plane]
  check(range !== undefined, 'weights', `tensor ${tensor.name} has no plane of ${plane}`)
  const raw = new Uint8Array(range.bytes)
  source.read(range, raw)
  const values = type === 'f32' ? new Float32Array(raw.buffer) : Float32Array.from(new Uint16Array(raw.buffer), type === 'f16' ? f16ToF32 : bf16ToF32)
  const bad = values.findIndex(v => !Number.isFinite(v))
  check(bad < 0, 'weights', `tensor ${tensor.name}: scale ${bad}`, 'a finite number', `${values[bad]}`)
  return values
}

/** The scales of a tensor's grid, row by row. */
export function readGrid(source: Pick<ModelSource, 'read'>, tensor: WeightTensor): Float32Array {
  const { grid } = tensor
  check(grid !== undefined, 'weights', `tensor ${tensor.name} has no grid of scales`)
  return readFloats(source, tensor, 'scales', grid.type)
}
