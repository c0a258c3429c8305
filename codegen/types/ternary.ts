/**
 * Codes of −1, 0 and 1 with one scale for 256: TQ2_0 in two bits each, TQ1_0 in base 3, up to five to a byte. A byte of TQ1_0 is
 * its number of base 3 as a fraction of 256: times 3^n, the digit wanted is what the next multiplication by 3 carries out
 * of the byte; four bytes are multiplied at once, two by two.
 * Source: ggml-org/llama.cpp `ggml-quants.c` (dequantize_row_tq1_0, dequantize_row_tq2_0).
 */
import { following, half, items, less, one, plane, select, u32, type BlockType, type Fields } from './blocks.js'
import type { Value } from '../value.js'

const evenBytes = 0x00ff00ff

/**
 * Quad `v` of a run of TQ1_0. Words 0 to 7 of a block hold 32 bytes, whose digits n are the runs 0 to 4; words 8 to 11 hold 16, whose
 * digits are the halves of runs 5 to 7 but the last, which is the four digits of word 12.
 */
function trits(f: Fields, v: Value): Value {
  const { run } = f
  const late = run.ge(5)
  const last = run.eq(7).both(v.ge(4))
  const word = select(last, u32(12), select(late, v.and(3).add(8), v))
  const digit = select(last, v.sub(4), select(late, run.sub(5).mul(2).add(v.shr(2)), run))
  const power = select(digit.eq(4), u32(81), u32(0x1b090301).shr(digit.and(3).mul(8)).and(255))
  const bytes = f.word('digits', word, `${v.constant}`)
  const [even, odd] = [bytes, bytes.shr(8)].map(w => w.and(evenBytes).mul(power).and(evenBytes).mul(3).shr(8).and(evenBytes)) as [Value, Value]
  return less(even.or(odd.shl(8)), 1)
}

export const ternary = {
  tq1_0: {
    elements: 256, bytes: 54, codebook: null,
    fields: { digits: items(416, 256, () => [[0, 416]]), d: following(16, 256, 52) },
    codes: { kind: 'quads', quad: trits },
    groups: f => one(half(f.item('d'))),
  },
  tq2_0: {
    elements: 256, bytes: 66, codebook: null,
    fields: { codes: plane(2, 0, 128), d: following(16, 256, 64) },
    codes: { kind: 'integers', planes: ['codes'], zero: 1 },
    groups: f => one(half(f.item('d'))),
  },
} as const satisfies Record<string, BlockType>
