/**
 * Descriptors of matrices for bulk copies. The driver encodes one from an address and sizes into 128 opaque bytes,
 * which a launch passes by value (CUDA driver API, `cuTensorMapEncodeTiled`, since CUDA 12).
 */
import { check } from '../../graph/error.js'
import { elementBytes, type Element, type Param } from '../../codegen/kernel.js'
import type { Driver } from './driver.js'

/** 64-bit words of a descriptor, and the alignment it wants in them. */
export const tensorMapWords = 16
export const tensorMapAlignment = 8

/** The driver's data types by the scalar of an element. */
const scalarTypes: Readonly<Record<'f32' | 'f16' | 'i32' | 'u32', { readonly type: number; readonly bytes: number }>> = {
  u32: { type: 2, bytes: 4 }, i32: { type: 3, bytes: 4 }, f16: { type: 6, bytes: 2 }, f32: { type: 7, bytes: 4 },
}
const scalarOf = (e: Element): keyof typeof scalarTypes => (e.startsWith('f16') ? 'f16' : e.startsWith('f32') ? 'f32' : e === 'i32' ? 'i32' : 'u32')

const prototype = 'int cuTensorMapEncodeTiled(void *tensorMap, int type, unsigned int rank, uint64_t address, void *dims, void *strides, '
  + 'void *box, void *elementStrides, int interleave, int swizzle, int promotion, int fill)'
type Encode = (map: BigUint64Array, type: number, rank: number, address: bigint, dims: BigUint64Array, strides: BigUint64Array, box: Uint32Array, elementStrides: Uint32Array, interleave: number, swizzle: number, promotion: number, fill: number) => number

/**
 * Encodes the descriptor of a param over `bytes` bytes at `address` into `map`, 16 words aligned to 64 bytes. Throws a
 * WeftError if the bytes do not hold the matrix.
 */
export function encodeTensorMap(driver: Driver, param: Param, address: bigint, bytes: number, map: BigUint64Array, where: string): void {
  const { rows, cols, boxRows, boxCols } = param.tensor!
  const each = elementBytes[param.element]
  check(rows * cols * each <= bytes, where, 'matrix of the tensor map', `within ${bytes} bytes`, `${rows} by ${cols} elements of ${each}`)
  const { type, bytes: scalarBytes } = scalarTypes[scalarOf(param.element)]
  const scalars = each / scalarBytes
  const encode = driver.library.func<Encode>(prototype)
  const [none, l2Of128] = [0, 2]
  const result = encode(
    map, type, 2, address, BigUint64Array.of(BigInt(cols * scalars), BigInt(rows)), BigUint64Array.of(BigInt(cols * each)),
    Uint32Array.of(boxCols * scalars, boxRows), Uint32Array.of(1, 1), none, none, l2Of128, none,
  )
  driver.must(result, `${where}: encoding the tensor map`)
}
