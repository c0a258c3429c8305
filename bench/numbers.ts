/** Figures of repeated runs, and random ids that are the same in every run. */

export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2
}

export const mean = (values: readonly number[]): number => sum(values) / values.length

/** The sample's standard deviation; 0 for one run. */
export function deviation(values: readonly number[]): number {
  const m = mean(values)
  return values.length > 1 ? Math.sqrt(sum(values.map(v => (v - m) ** 2)) / (values.length - 1)) : 0
}

/** Ids that follow no pattern: xorshift. */
export function randomIds(count: number, vocab: number, seed: number): Uint32Array {
  let state = (seed * 2654435761 + 1) >>> 0
  return Uint32Array.from({ length: count }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % vocab
  })
}

/** A number in three or four figures, for people. */
export function figure(n: number): string {
  const size = Math.abs(n)
  return size >= 1000 ? n.toFixed(0) : size >= 100 ? n.toFixed(1) : size >= 1 ? n.toFixed(2) : size === 0 ? '0' : size >= 0.001 ? n.toPrecision(3) : n.toExponential(1)
}

export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)}%`

/** Microseconds that a batch of runs takes at least: handing it over and hearing of its end, up to milliseconds through WebGPU, then weigh little. */
const batchMicroseconds = 20_000
const mostRuns = 1000

/**
 * Microseconds of one run: the least of several batches, ended early where that is above `enough`. The first run is not counted, and
 * decides nothing: it is cold (a device links, wakes, raises its clock), and is no measure of how many runs fill a batch.
 * @param batch makes so many runs, one after the other, and says how many microseconds all took
 */
export async function timeOfRun(batch: (times: number) => Promise<number>, enough = Infinity): Promise<number> {
  await batch(1)
  let times = 1
  let all = await batch(times)
  while (all < batchMicroseconds && times < mostRuns) {
    times = Math.min(mostRuns, Math.max(times * 2, Math.ceil((batchMicroseconds / all) * times)))
    all = await batch(times)
  }
  let best = all / times
  for (let i = 1; i < (all > 50_000 ? 2 : 7); i++) {
    best = Math.min(best, (await batch(times)) / times)
    if (best > enough) break
  }
  return best
}

/** Spearman's rank correlation, with mean ranks for ties; null for fewer than three, or where one of the two is constant. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number | null {
  if (a.length < 3) return null
  const ranks = (values: readonly number[]): readonly number[] => values.map(v => values.filter(o => o < v).length + (values.filter(o => o === v).length - 1) / 2)
  const [x, y] = [ranks(a), ranks(b)]
  const middle = (a.length - 1) / 2
  const [cross, xx, yy] = x.reduce(([c, p, q], v, i) => [c + (v - middle) * (y[i]! - middle), p + (v - middle) ** 2, q + (y[i]! - middle) ** 2], [0, 0, 0] as [number, number, number])
  return xx === 0 || yy === 0 ? null : cross / Math.sqrt(xx * yy)
}
