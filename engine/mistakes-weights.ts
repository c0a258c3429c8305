/**
 * Mistakes in reading the weights of a product. Quantized ones are decoded again from the file's bits in the wrong way, by
 * plain code of its own beside `weights/dequantize.ts`: block scales taken for integers or laid out in the wrong order, codes
 * of a byte exchanged, the tensor scale forgotten or applied in the wrong direction.
 */
import type { Node, Tensor } from '../graph/op.js'
import { e2m1ToF32, e4m3ToF32, ue4m3ToF32 } from '../weights/floats.js'
import { atOp, type Mistake, type Site, type Variant } from './hypothesis.js'

/** NVFP4 as it lies in the file, by rows: a code for each value and the byte of the scale for each 16. */
interface Nvfp4Bits {
  readonly rows: number
  readonly columns: number
  readonly code: (row: number, column: number) => number
  /** Of block b of a row. */
  readonly scale: (row: number, b: number) => number
  readonly scaleValue: (byte: number) => number
  readonly tensorScale: number
}

function nvfp4Bits(weight: Node | undefined, at: Site): Nvfp4Bits | null {
  const tensor = at.tensor(weight)
  if (tensor?.type !== 'nvfp4' || tensor.shape.length !== 2 || tensor.permutedHeads !== undefined) return null
  const [rows, columns] = tensor.shape as readonly [number, number]
  const common = { rows, columns, tensorScale: tensor.scale }
  if (tensor.packing === 'planes') {
    const [codes, scales] = [at.bytes(tensor.ranges['codes']!), at.bytes(tensor.ranges['scales']!)]
    return {
      ...common, scaleValue: e4m3ToF32,
      code: (r, c) => (codes[(r * columns + c) >> 1]! >> (4 * (c & 1))) & 15,
      scale: (r, b) => scales[(r * columns) / 16 + b]!,
    }
  }
  // GGUF: 64 values in 36 bytes, four scales before their codes, element j of 16 low and j + 8 high.
  const raw = at.bytes(tensor.ranges['data']!)
  const block = (r: number, c: number): number => ((r * columns + c) >> 6) * 36
  return {
    ...common, scaleValue: ue4m3ToF32,
    code: (r, c) => (raw[block(r, c) + 4 + ((c & 63) >> 4) * 8 + (c & 7)]! >> (c & 8 ? 4 : 0)) & 15,
    scale: (r, b) => raw[block(r, b * 16) + (b & 3)]!,
  }
}

/** A matrix of other values. */
function decoded({ rows, columns }: Nvfp4Bits, value: (row: number, column: number) => number): Tensor {
  const data = new Float32Array(rows * columns)
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) data[r * columns + c] = value(r, c)
  return { shape: [rows, columns], data }
}

/** A product with its weight decoded otherwise. */
const misread = (says: string, value: (w: Nvfp4Bits) => ((row: number, column: number) => number) | null): Variant =>
  atOp('linear', says, (n, at) => {
    const bits = nvfp4Bits(n.inputs[1] ?? undefined, at)
    const f = bits && value(bits)
    return f && { inputs: given => ({ ...given, weight: decoded(bits, f) }) }
  })

/** A product with each value of its weight times a factor of the tensor scale. */
const rescaled = (says: string, factor: (tensorScale: number) => number): Variant =>
  atOp('linear', says, (n, at) => {
    const tensor = at.tensor(n.inputs[1] ?? undefined)
    if (tensor === null || tensor.scale === 1 || tensor.scale === 0) return null
    const by = factor(tensor.scale)
    return { inputs: given => ({ ...given, weight: { shape: given['weight']!.shape, data: Float64Array.from(given['weight']!.data, v => v * by) } }) }
  })

export const scaleMistakes: Mistake = {
  name: 'block scales',
  variants: () => [
    misread('the bytes of the block scales are read as integers instead of e4m3', w => (r, c) => e2m1ToF32(w.code(r, c)) * w.scale(r, c >> 4) * w.tensorScale),
    misread('block scales are tiled over a row (column mod blocks) instead of repeated 16 times each', w => (r, c) =>
      e2m1ToF32(w.code(r, c)) * w.scaleValue(w.scale(r, c % (w.columns / 16))) * w.tensorScale),
    misread('the two codes of a byte are exchanged', w => (r, c) => e2m1ToF32(w.code(r, c ^ 1)) * w.scaleValue(w.scale(r, c >> 4)) * w.tensorScale),
    misread('codes are taken as integers from -8 instead of e2m1', w => (r, c) => (w.code(r, c) - 8) * w.scaleValue(w.scale(r, c >> 4)) * w.tensorScale),
    misread('block scales are left out', w => (r, c) => e2m1ToF32(w.code(r, c)) * w.tensorScale),
    rescaled('the tensor scale is left out', s => 1 / s),
    rescaled('the tensor scale divides where it should multiply, or the reverse', s => 1 / s ** 2),
    rescaled('the tensor scale is applied twice', s => s),
  ],
}

export const productMistakes: Mistake = {
  name: 'weights of a product',
  variants: () => [
    atOp('linear', 'the bias is left out', n => (n.inputs[2] ? { inputs: ({ x, weight }) => ({ x: x!, weight: weight! }) } : null)),
    atOp('linear', 'the weight is transposed', n => {
      const [rows, columns] = n.inputs[1]!.type.shape as readonly [number, number]
      if (rows !== columns) return null
      return { inputs: given => ({ ...given, weight: { shape: [rows, columns], data: Float64Array.from(given['weight']!.data, (_, i) => given['weight']!.data[(i % columns) * columns + Math.floor(i / columns)]!) } }) }
    }),
    atOp('linear', 'the head is taken from the embedding though the file has one of its own', (n, at) => {
      const embedding = at.target.name === 'lm_head' && n === at.target.node && !at.config.tiedHead ? at.weight('model.embed_tokens.weight') : null
      return embedding && { inputs: given => ({ ...given, weight: { shape: given['weight']!.shape, data: embedding } }) }
    }),
  ],
}
