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
