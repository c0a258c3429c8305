/**
 * What is known about the first op that differs: which of the two sides does what the graph says on its own inputs, and
 * which known mistake, planted there, gives the other side's numbers. Only a mistake that explains what is seen, down to the
 * tolerance, is named.
 */
import { Site, type Side, type SiteParts } from './hypothesis.js'
import { mistakes } from './mistakes.js'

export interface Guess {
  /** From the table of mistakes: `RoPE pairing`. */
  readonly mistake: string
  /** What is done: `RoPE turns adjacent elements …`. */
  readonly says: string
  /** Whose numbers it explains. */
  readonly side: Side
  /** How far the mistake's numbers are from that side's. */
  readonly error: number
}

export interface Diagnosis {
  /** Relative error of each side against the evaluator, on its own inputs. */
  readonly errors: Readonly<Record<Side, number>>
  readonly guess: Guess | null
  /** Forms of mistakes that could be made here and were tried. */
  readonly tried: number
  /** c, where one side is the other times c all over; null elsewhere. */
  readonly factor: number | null
}

/** Numbers beyond it are infinite in f16: where one side is not finite, a mistake that makes such numbers explains it. */
const f16Max = 65504

/** Largest relative error of a row of tokens; infinite where a number is not finite and should be. */
export function worstRow(expected: ArrayLike<number>, got: ArrayLike<number>, rows: number): { readonly error: number; readonly row: number; readonly largest: number } {
  const width = expected.length / rows
  let worst = { error: 0, row: 0 }
  let largest = 0
  for (let r = 0; r < rows; r++) {
    let [difference, norm] = [0, 0]
    for (let i = r * width; i < (r + 1) * width; i++) {
      const [want, have] = [expected[i]!, got[i]!]
      const d = want === have ? 0 : Math.abs(have - want)
      const apart = Number.isNaN(d) ? Infinity : d
      difference += apart ** 2
      norm += want ** 2
      if (apart > largest) largest = apart
    }
    const error = difference === 0 ? 0 : Number.isFinite(difference) ? Math.sqrt(difference / Math.max(norm, Number.MIN_VALUE)) : Infinity
    if (error > worst.error) worst = { error, row: r }
  }
  return { ...worst, largest }
}

/** First row beyond `tolerance`. */
export function firstRowBeyond(expected: Float32Array, got: Float32Array, rows: number, tolerance: number): number {
  const width = expected.length / rows
  for (let r = 0; r < rows; r++) {
    const part = (of: Float32Array): Float32Array => of.subarray(r * width, (r + 1) * width)
    if (worstRow(part(expected), part(got), 1).error > tolerance) return r
  }
  return 0
}

/** How far `seen` is from what a computation gives. Where `seen` is not finite, numbers that f16 cannot hold are as good. */
function explained(computed: Float32Array, seen: Float32Array, rows: number): number {
  if (seen.every(Number.isFinite)) return worstRow(seen, computed, rows).error
  const beyond = seen.map((v, i) => (Number.isFinite(v) ? v : Math.abs(computed[i]!) > f16Max || !Number.isFinite(computed[i]!) ? 0 : NaN))
  const within = computed.map((v, i) => (Number.isFinite(seen[i]!) ? v : 0))
  return beyond.every(Number.isFinite) ? worstRow(beyond, within, rows).error : Infinity
}

/** @param error of the op, `tolerance` what is allowed of it */
export function diagnose(parts: SiteParts, error: number, tolerance: number): Diagnosis {
  const site = new Site(parts)
  const sides: readonly Side[] = ['weft', 'trace']
  const errorOf = (side: Side): number => explained(site.asDeclared(side), site.actual(side), site.tokens)
  const errors = { weft: errorOf('weft'), trace: errorOf('trace') }
  // A side that does what the graph says needs no mistake to explain it.
  const suspects = sides.filter(side => errors[side] > tolerance)
  let guess: Guess | null = null
  let tried = 0
  for (const side of suspects) {
    const enough = Math.min(tolerance, errors[side] / 4)
    for (const { name, variants } of mistakes) {
      for (const { says, rewrite } of variants(site)) {
        const rows = site.withMistake(side, rewrite)
        if (rows === null) continue
        tried++
        const left = explained(rows, site.actual(side), site.tokens)
        if (left <= enough && (guess === null || left < guess.error / 4)) guess = { mistake: name, says, side, error: left }
      }
    }
  }
  return { errors, guess, tried, factor: commonFactor(site.actual('trace'), site.actual('weft'), Math.min(tolerance, error / 4)) }
}

/** c where got = c · expected to rounding; null elsewhere. */
function commonFactor(expected: Float32Array, got: Float32Array, tolerance: number): number | null {
  let [both, norm] = [0, 0]
  expected.forEach((v, i) => {
    both += v * got[i]!
    norm += v * v
  })
  const factor = both / norm
  if (!Number.isFinite(factor) || factor === 0) return null
  return worstRow(got, expected.map(v => v * factor), 1).error <= tolerance ? factor : null
}
