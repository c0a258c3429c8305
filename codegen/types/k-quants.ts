/**
 * The K-quants and their kin of integer codes: blocks of 256 whose groups have scales of 4, 6 or 8 bits, which share one scale in
 * f16 (and the minima another), and Q5_0 and Q5_1, whose fifth bits stand apart. Six bits of scale are kept as four and
 * two, as the file keeps them, so that a run's share of each field begins at a bit that a shift by its number finds.
 * Source: ggml-org/llama.cpp `ggml-common.h`, `ggml-quants.c` (dequantize_row_*).
 */
import { call } from '../value.js'
import { f32, following, half, items, one, plane, whole, type BlockType, type Fields, type Group, type Items, type Piece } from './blocks.js'

/** Six bits of scale and six of minimum for eight groups, in twelve bytes from byte `at` on: a group's low four bits each, and its high two. */
function sixAndSix(at: number): Readonly<Record<'low' | 'high', Items>> {
  const byte = (i: number): number => 8 * (at + i)
  return {
    low: items(8, 32, j => (j < 4 ? [[byte(j), 4], [byte(j + 4), 4]] : [[byte(j + 4), 8]])),
    high: items(4, 32, j => (j < 4 ? [[byte(j) + 4, 2], [byte(j + 4) + 4, 2]] : [[byte(j - 4) + 6, 2], [byte(j) + 6, 2]])),
  }
}

/** Scale and minimum of a group of Q4_K and Q5_K; `both` holds the block's scale and, above it, that of the minima. */
function scaleAndMin(f: Fields): readonly Group[] {
  const [both, low, high] = [f.word('both', 0), f.item('low'), f.item('high')]
  return one(half(both).mul(whole(low.and(15).or(high.and(3).shl(4)))), half(both.shr(16)).mul(whole(low.shr(4).or(high.and(12).shl(2)))))
}

/** Of sixteen scales of Q3_K: low nibbles in eight bytes, high pairs of bits in four more. */
const sixBits = (at: number) => {
  const low = (j: number): Piece => [8 * (at + (j % 8)) + 4 * Math.floor(j / 8), 4]
  const high = (j: number): Piece => [8 * (at + 8 + (j % 4)) + 2 * Math.floor(j / 4), 2]
  return { low: items(8, 32, r => [low(2 * r), low(2 * r + 1)]), high: items(4, 32, r => [high(2 * r), high(2 * r + 1)]) }
}

const q5 = (min: boolean): BlockType => ({
  elements: 32, bytes: min ? 24 : 22, codebook: null,
  fields: {
    codes: plane(4, min ? 8 : 6, 32), fifth: plane(1, min ? 4 : 2, 8), d: following(16, 32, 0),
    ...(min ? { m: following(16, 32, 2) } : {}),
  },
  codes: { kind: 'integers', planes: ['codes', 'fifth'], zero: min ? 0 : 16 },
  groups: f => one(half(f.item('d')), min ? half(f.item('m')).negate() : null),
})

export const kQuants = {
  q5_0: q5(false),
  q5_1: q5(true),
  q2_k: {
    elements: 256, bytes: 84, codebook: null,
    fields: { codes: plane(2, 16, 128), scales: following(16, 32, 0), both: following(32, 256, 80) },
    codes: { kind: 'integers', planes: ['codes'], zero: 0 },
    groups: f => {
      const [both, scales] = [f.word('both', 0), f.item('scales')]
      const of = (at: number): Group => ({ scale: half(both).mul(whole(scales.shr(at).and(15))), min: half(both.shr(16)).mul(whole(scales.shr(at + 4).and(15))) })
      return [of(0), of(8)]
    },
  },
  q3_k: {
    elements: 256, bytes: 110, codebook: null,
    fields: { codes: plane(2, 32, 128), third: plane(1, 0, 256), ...sixBits(96), d: following(16, 256, 108) },
    codes: { kind: 'integers', planes: ['codes', 'third'], zero: 4 },
    groups: f => {
      const [d, low, high] = [half(f.item('d')), f.item('low'), f.item('high')]
      const of = (at: 0 | 1): Group => ({ scale: d.mul(whole(low.shr(4 * at).and(15).or(high.shr(2 * at).and(3).shl(4))).sub(f32(32))), min: null })
      return [of(0), of(1)]
    },
  },
  q4_k: {
    elements: 256, bytes: 144, codebook: null,
    fields: { codes: plane(4, 16, 64), ...sixAndSix(4), both: following(32, 256, 0) },
    codes: { kind: 'integers', planes: ['codes'], zero: 0 },
    groups: scaleAndMin,
  },
  q5_k: {
    elements: 256, bytes: 176, codebook: null,
    fields: { codes: plane(4, 48, 64), fifth: plane(1, 16, 256), ...sixAndSix(4), both: following(32, 256, 0) },
    codes: { kind: 'integers', planes: ['codes', 'fifth'], zero: 0 },
    groups: scaleAndMin,
  },
  q6_k: {
    elements: 256, bytes: 210, codebook: null,
    fields: { codes: plane(4, 0, 128), high: plane(2, 128, 128), scales: following(16, 32, 192), d: following(16, 256, 208) },
    codes: { kind: 'integers', planes: ['codes', 'high'], zero: 32 },
    groups: f => {
      const [d, scales] = [half(f.item('d')), call('i8x4', f.item('scales'))]
      return [{ scale: d.mul(scales.at(0)), min: null }, { scale: d.mul(scales.at(1)), min: null }]
    },
  },
} as const satisfies Record<string, BlockType>
