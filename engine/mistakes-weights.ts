/**
 * Mistakes in reading the weights of a product. Quantized ones are put together again from the file's bits in the wrong way: block
 * scales taken for integers or laid out in the wrong order, codes of a byte exchanged or dealt otherwise, zeros and minima
 * forgotten, the tensor scale left out or applied in the wrong direction. A form that a type does not have is not tried.
 */
import type { Tensor } from '../graph/op.js'
import { e4m3ToF32 } from '../weights/floats.js'
import { awqNibble } from '../weights/int4.js'
import { codedWeight, type Coded } from './coded-weight.js'
import { atOp, type Mistake, type Variant } from './hypothesis.js'

/** Value of a row and column, decoded otherwise. */
type Value = (row: number, column: number) => number

/** A matrix of other values. */
function decoded({ rows, columns, tensorScale }: Coded, value: Value): Tensor {
  const data = new Float32Array(rows * columns)
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) data[r * columns + c] = value(r, c) * tensorScale
  return { shape: [rows, columns], data }
}

/** A product with its weight decoded otherwise; null where the weight has no such part. */
const misread = (says: string, value: (w: Coded) => Value | null | undefined | false): Variant =>
  atOp('linear', says, (n, at) => {
    const coded = codedWeight(at.tensor(n.inputs[1] ?? undefined), at)
    const f = coded && value(coded)
    return f ? { inputs: given => ({ ...given, weight: decoded(coded, f) }) } : null
  })

/** Groups of a row. */
const groupsOf = ({ columns, group }: Coded): number => Math.ceil(columns / group)

/** A value with another code, another meaning of it, or the scale and offset of another group. */
function valueOf(w: Coded, { code = w.code, meaning = w.meaning, scale = w.scale, offset = w.offset, groupAt = c => Math.floor(c / w.group) }: Partial<Pick<Coded, 'code' | 'meaning' | 'scale' | 'offset'>> & { readonly groupAt?: (column: number) => number }): Value {
  return (r, c) => meaning(code(r, c)) * scale(r, groupAt(c)) + offset(r, groupAt(c))
}

/** Column c of a group of `size` whose two codes of a byte are dealt the other way. */
const redealt = (pairs: NonNullable<Coded['pairs']>, size: number, c: number): number => {
  const i = c % size
  return c - i + (pairs === 'halves' ? (i >> 1) + (i & 1) * (size / 2) : 2 * (i % (size / 2)) + (i < size / 2 ? 0 : 1))
}

/** A nibble or a byte as two's complement. */
const signed = (code: number, bits: number): number => (code << (32 - bits)) >> (32 - bits)

/** A product with each value of its weight times a factor of the tensor scale. */
const rescaled = (says: string, factor: (tensorScale: number) => number): Variant =>
  atOp('linear', says, (n, at) => {
    const tensor = at.tensor(n.inputs[1] ?? undefined)
    if (tensor === null || tensor.scale === 1 || tensor.scale === 0) return null
    const by = factor(tensor.scale)
    return { inputs: given => ({ ...given, weight: { shape: given['weight']!.shape, data: Float64Array.from(given['weight']!.data, v => v * by) } }) }
  })

const hasOffset = (w: Coded): boolean => w.offset(0, 0) !== 0 || w.offset(w.rows - 1, groupsOf(w) - 1) !== 0

export const scaleMistakes: Mistake = {
  name: 'block scales',
  variants: () => [
    misread('the bytes of the block scales are read as integers', w => w.scaleByte && valueOf(w, { scale: w.scaleByte })),
    misread('the bytes of the block scales are read as e4m3 instead of powers of two', w => w.scaleByte && w.group === 32 && valueOf(w, { scale: (r, g) => e4m3ToF32(w.scaleByte!(r, g)) })),
    misread('block scales are tiled over a row (column mod blocks) instead of repeated for each block', w => groupsOf(w) > 1 && valueOf(w, { groupAt: c => c % groupsOf(w) })),
    misread('block scales are left out', w => (w.scale(0, 0) !== 1 || groupsOf(w) > 1) && valueOf(w, { scale: () => 1 })),
    misread('block scales divide where they should multiply', w => w.kind === 'e4m3' && w.blocks && valueOf(w, { scale: (r, g) => 1 / w.scale(r, g) })),
    misread('block scales are tiled over the rows (row mod blocks) instead of repeated for each block', ({ blocks, ...w }) => blocks && blocks.rowsEach > 1 && blocks.rows > 1 &&
      valueOf(w, { scale: (r, g) => blocks.scale(r % blocks.rows, g) })),
    rescaled('the tensor scale is left out', s => 1 / s),
    rescaled('the tensor scale divides where it should multiply, or the reverse', s => 1 / s ** 2),
    rescaled('the tensor scale is applied twice', s => s),
  ],
}

export const codeMistakes: Mistake = {
  name: 'codes of a weight',
  variants: () => [
    misread('the two codes of a byte are exchanged', w => w.pairs && valueOf(w, { code: (r, c) => w.code(r, w.pairs === 'halves' ? c ^ (w.group / 2) : c ^ 1) })),
    misread('the two codes of a byte are taken for columns 2j and 2j + 1 instead of j and half a block further, or the reverse', w => w.pairs && valueOf(w, { code: (r, c) => w.code(r, redealt(w.pairs!, w.group, c)) })),
    misread('codes are taken as integers from -8 instead of e2m1', w => w.kind === 'e2m1' && valueOf(w, { meaning: q => q - 8 })),
    misread('the doubled table of e2m1 (0, 1, 2, 3, 4, 6, 8, 12) is taken without halving', w => w.kind === 'e2m1' && valueOf(w, { meaning: q => 2 * w.meaning(q) })),
    misread('bytes are read as integers instead of e4m3', w => w.kind === 'e4m3' && valueOf(w, { meaning: q => q })),
    misread('codes are taken as they are: the middle of their range is not taken off', w => w.kind === 'integer' && w.meaning(0) < 0 && valueOf(w, { meaning: q => q })),
    misread('codes of four bits are taken as two\'s complement', w => w.kind === 'integer' && w.meaning(0) === -8 && valueOf(w, { meaning: q => signed(q, 4) })),
    misread('codes of eight bits are taken as numbers without a sign', w => w.kind === 'integer' && w.meaning(255) === -1 && valueOf(w, { meaning: q => q })),
    misread('minima or zeros are left out', w => hasOffset(w) && valueOf(w, { offset: () => 0 })),
    misread('minima or zeros are applied with the other sign', w => hasOffset(w) && valueOf(w, { offset: (r, g) => -w.offset(r, g) })),
    misread('all zeros are taken for 8', w => w.int4 && valueOf(w, { offset: (r, g) => -8 * w.scale(r, g) })),
    misread('zeros are taken as they are stored, though the file\'s format has them less one', w => w.int4?.zeroOffset === 1 && valueOf(w, { offset: (r, g) => -((w.int4!.zero(r, g) + 15) & 15) * w.scale(r, g) })),
    misread('1 is added to the zeros, though the file\'s format has them as they are', w => w.int4?.zeroOffset === 0 && valueOf(w, { offset: (r, g) => -(w.int4!.zero(r, g) + 1) * w.scale(r, g) })),
    misread('the eight codes of AWQ\'s words are taken in the order 0 to 7', w => {
      if (!w.int4?.awq) return null
      const other = (r: number): number => r - (r % 8) + awqNibble.indexOf(r % 8)
      return (r, c) => (w.code(other(r), c) - w.int4!.zero(other(r), Math.floor(c / w.group))) * w.scale(r, Math.floor(c / w.group))
    }),
    misread('g_idx is ignored: groups are taken in the order of inputs', w => w.int4?.order && valueOf(w, { groupAt: c => Math.floor(w.int4!.order![c]! / w.group) })),
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
