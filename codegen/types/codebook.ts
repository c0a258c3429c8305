/**
 * Types whose codes are looked up: IQ4_NL and IQ4_XS in a table of sixteen, IQ1, IQ2 and IQ3 in codebooks of up to 2048 entries of
 * four or eight elements, which lie behind the weight's other sections, a byte for each value. Signs stand apart: four bits for
 * four elements, or seven for eight, the eighth making their number even. IQ1's values are −1, 0 and 1 with ⅛ added or
 * subtracted, here eight times as much: 8g ± 1, and the scale an eighth.
 * Source: ggml-org/llama.cpp `ggml-common.h`, `ggml-quants.c` (dequantize_row_iq*).
 */
import { f32, following, half, items, less, one, plane, select, signed, u32, whole, type BlockType, type Codebook, type Fields, type Group } from './blocks.js'
import type { Value } from '../value.js'

const iq4 = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]

const positive = (name: string, entries: number, width: number): Codebook => ({ name, entries, width, times: 1, plus: 0 })
const iq1: Codebook = { name: 'iq1', entries: 2048, width: 8, times: 8, plus: 8 }

const d = (at: number) => following(16, 256, at)
/** Item `i` of a word's items of `bits`. */
const part = (word: Value, bits: number, i: Value): Value => word.shr(i.mul(bits)).and(2 ** bits - 1)
/** The half of an entry of eight that quad `v` is. */
const eight = (f: Fields, index: Value, v: Value): Value => f.entry(index.mul(2).add(v.and(1)))

/** Signs of quad `v` from the seven of its eight elements. */
function evenSigns(seven: Value, v: Value): Value {
  // The parity of seven bits: of four and three folded together, looked up in sixteen bits.
  const parity = u32(0x6996).shr(seven.xor(seven.shr(4)).and(15)).and(1)
  return seven.or(parity.shl(7)).shr(v.and(1).mul(4)).and(15)
}

/** (½ + s) · d · by. */
const halfMore = (scale: Value, s: Value, by: number): Value => scale.mul(whole(s).add(f32(0.5))).mul(f32(by))

/** Scales of two groups of 16, each of four bits. */
function pair(f: Fields): readonly Group[] {
  const [scale, s] = [half(f.item('d')), f.item('scales')]
  return [s.and(15), s.shr(4)].map(n => ({ scale: halfMore(scale, n, 0.25), min: null }))
}

/** 8g ± 1 of an entry of IQ1's; `minus` is 1 where ⅛ is subtracted. */
const delta = (entry: Value, minus: Value): Value => less(entry.add(u32(1).sub(minus).mul(0x02020202)), 9)

export const codebooks = {
  iq4_nl: {
    elements: 32, bytes: 18, codebook: null,
    fields: { codes: plane(4, 2, 32), d: following(16, 32, 0) },
    codes: { kind: 'table', plane: 'codes', values: iq4 },
    groups: f => one(half(f.item('d'))),
  },
  iq4_xs: {
    elements: 256, bytes: 136, codebook: null,
    fields: { codes: plane(4, 8, 32), low: following(4, 32, 4), high: following(2, 32, 2), d: d(0) },
    codes: { kind: 'table', plane: 'codes', values: iq4 },
    groups: f => one(half(f.item('d')).mul(whole(f.item('low').or(f.item('high').shl(4))).sub(f32(32)))),
  },
  iq2_xxs: {
    elements: 256, bytes: 66, codebook: positive('iq2_xxs', 256, 8),
    fields: { codes: following(64, 32, 2), d: d(0) },
    codes: {
      kind: 'quads',
      quad: (f, v) => signed(eight(f, part(f.word('codes', 0), 8, v.shr(1)), v), evenSigns(part(f.word('codes', 1), 7, v.shr(1)), v)),
    },
    groups: f => one(halfMore(half(f.item('d')), f.word('codes', 1).shr(28), 0.25)),
  },
  iq2_xs: {
    elements: 256, bytes: 74, codebook: positive('iq2_xs', 512, 8),
    fields: { codes: following(64, 32, 2), scales: following(8, 32, 66), d: d(0) },
    codes: {
      kind: 'quads',
      quad: (f, v) => {
        const code = part(f.word('codes', v.shr(2)), 16, v.shr(1).and(1))
        return signed(eight(f, code.and(511), v), evenSigns(code.shr(9), v))
      },
    },
    groups: pair,
  },
  iq2_s: {
    elements: 256, bytes: 82, codebook: positive('iq2_s', 1024, 8),
    fields: { codes: following(32, 32, 2), signs: following(32, 32, 34), high: following(8, 32, 66), scales: following(8, 32, 74), d: d(0) },
    codes: {
      kind: 'quads',
      quad: (f, v) => {
        const index = part(f.word('codes', 0), 8, v.shr(1)).or(part(f.item('high'), 2, v.shr(1)).shl(8))
        return signed(eight(f, index, v), part(f.word('signs', 0), 4, v))
      },
    },
    groups: pair,
  },
  iq3_xxs: {
    elements: 256, bytes: 98, codebook: positive('iq3_xxs', 256, 4),
    fields: { codes: following(64, 32, 2), signs: following(32, 32, 66), d: d(0) },
    codes: {
      kind: 'quads',
      quad: (f, v) => signed(f.entry(part(f.word('codes', v.shr(2)), 8, v.and(3))), evenSigns(part(f.word('signs', 0), 7, v.shr(1)), v)),
    },
    groups: f => one(halfMore(half(f.item('d')), f.word('signs', 0).shr(28), 0.5)),
  },
  iq3_s: {
    elements: 256, bytes: 110, codebook: positive('iq3_s', 512, 4),
    fields: { codes: following(64, 32, 2), high: following(8, 32, 66), signs: following(32, 32, 74), scales: following(4, 32, 106), d: d(0) },
    codes: {
      kind: 'quads',
      quad: (f, v) => {
        const index = part(f.word('codes', v.shr(2)), 8, v.and(3)).or(part(f.item('high'), 1, v).shl(8))
        return signed(f.entry(index), part(f.word('signs', 0), 4, v))
      },
    },
    groups: f => one(half(f.item('d')).mul(whole(f.item('scales').mul(2).add(1)))),
  },
  iq1_s: {
    elements: 256, bytes: 50, codebook: iq1,
    fields: { codes: following(32, 32, 2), high: following(16, 32, 34), d: d(0) },
    codes: {
      kind: 'quads',
      quad: (f, v) => {
        const high = f.item('high')
        const index = part(f.word('codes', 0), 8, v.shr(1)).or(part(high, 3, v.shr(1)).shl(8))
        return delta(eight(f, index, v), high.shr(15))
      },
    },
    groups: f => one(half(f.item('d')).mul(f32(0.125)).mul(whole(f.item('high').shr(12).and(7).mul(2).add(1)))),
  },
  iq1_m: {
    elements: 256, bytes: 56, codebook: iq1,
    // The block's f16 is spread over the top nibbles of the four halfwords of scales, and stays there.
    fields: { codes: following(32, 32, 0), high: following(16, 32, 32), scales: items(64, 256, () => [[8 * 48, 64]]) },
    codes: {
      kind: 'quads',
      quad: (f, v) => {
        const high = part(f.item('high'), 4, v.shr(1))
        return delta(eight(f, part(f.word('codes', 0), 8, v.shr(1)).or(high.and(7).shl(8)), v), high.shr(3))
      },
    },
    groups: f => {
      const [a, b] = [f.word('scales', 0), f.word('scales', 1)]
      const spread = a.shr(12).and(0xf).or(a.shr(24).and(0xf0)).or(b.shr(4).and(0xf00)).or(b.shr(16).and(0xf000))
      const scale = half(spread).mul(f32(0.125))
      const own = select(f.run.ge(4), b, a).shr(f.run.shr(1).and(1).mul(16).add(f.run.and(1).mul(6)))
      return [own.and(7), own.shr(3).and(7)].map(s => ({ scale: scale.mul(whole(s.mul(2).add(1))), min: null }))
    },
  },
} as const satisfies Record<string, BlockType>
