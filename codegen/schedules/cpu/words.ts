/**
 * Activations as words of sixteen bits, for products with integer codes: each group of 16 or 32 has a scale of its own, by
 * which its largest element fills the word, so that rounding is at most 2⁻¹⁶ of that element. Compared with operands in f16
 * a row is some ten times as exact; compared with f32 a product takes a fifth fewer instructions.
 */
import type { KernelBuilder } from '../../builder.js'
import type { Shared } from '../../handles.js'
import { call, splat, vector, type Value } from '../../value.js'

const largest = 32767
/** Added to an f32 of at most 22 bits, it leaves the nearest whole number in the low bits. */
const rounding = 1.5 * 2 ** 23
const roundingBits = 0x4b400000
/** What the largest element of a group counts for at least, so that the inverse of its scale is finite. */
const least = 1e-30

export interface StagedWords {
  /** As u32x4: eight elements each. */
  readonly words: Shared
  /** Of each group as f32, or of four at once as f32x4. */
  readonly scales: Shared
  /** 0, or NaN where an element is not finite: whole numbers and maxima lose that. To be added to what is made of the words. */
  readonly nought: Value
}

/**
 * Stages `inner` elements in shared memory. @param load vector `v` of four elements, called once for each
 * @param groupsEach how many groups' scales are read at once
 */
export function stageWords(k: KernelBuilder, inner: number, group: number, groupsEach: 1 | 4, load: (v: Value) => Value): StagedWords {
  const words = k.shared('words', 'u32x4', inner / 8)
  const scales = k.shared('scales', groupsEach === 4 ? 'f32x4' : 'f32', inner / group / groupsEach)
  const all = k.var('all', 'f32x4', 0)
  k.for({ name: 'i', to: inner / group / groupsEach }, i => {
    const own = Array.from({ length: groupsEach }, (_, g) => {
      const first = i.mul(groupsEach).add(g)
      const vectors = Array.from({ length: group / 4 }, (_, v) => k.let('v', load(first.mul(group / 4).add(v))))
      all.set(all.value.add(vectors.reduce((a, b) => a.add(b))))
      const tops = k.let('tops', vectors.map(v => call('abs', v)).reduce((a, b) => a.max(b)))
      const halves = k.let('halves', tops.max(lanes(tops, 2, 3, 0, 1)))
      const most = k.let('most', halves.max(lanes(halves, 1, 0, 3, 2)).max(splat('f32x4', least)))
      const inverse = k.let('inverse', splat('f32x4', largest).div(most))
      const whole = vectors.map(v => v.fma(inverse, rounding).bitcast('i32x4').sub(roundingBits))
      for (let v = 0; v < whole.length; v += 2) words.store(first.mul(group / 8).add(v / 2), call('narrow16', whole[v]!, whole[v + 1]!).bitcast('u32x4'))
      return k.let('scale', most.mul(1 / largest))
    })
    scales.store(i, groupsEach === 4 ? diagonal(k, own) : own[0]!.at(0))
  })
  return { words, scales, nought: k.let('nought', call('sum4', all.value).mul(0)) }
}

const lanes = (v: Value, ...from: readonly [number, number, number, number]): Value => vector(...(from.map(lane => v.at(lane)) as [Value, Value, Value, Value]))

/** One vector of four that each hold one number in all lanes. */
function diagonal(k: KernelBuilder, [a, b, c, d]: readonly Value[]): Value {
  const [low, high] = [k.let('pair', vector(a!.at(0), a!.at(0), b!.at(0), b!.at(0))), k.let('pair', vector(c!.at(0), c!.at(0), d!.at(0), d!.at(0)))]
  return vector(low.at(0), low.at(2), high.at(0), high.at(2))
}

/** Σ codes · x over the words of a group, as four sums in f32x4. */
export const dotWords = (codes: readonly Value[], x: readonly Value[]): Value =>
  codes.map((q, i) => call('dot16', q, x[i]!.bitcast('i16x8'))).reduce((a, b) => a.add(b)).convert('f32x4')
