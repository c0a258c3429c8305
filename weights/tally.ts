/** What a tensor's values look like, in a few numbers gathered piece by piece. */
import { dequantizeInOrder } from './dequantize.js'
import type { ModelSource, WeightTensor } from './model.js'

const pieceValues = 1 << 20

export interface Tally {
  readonly count: number
  /** Of the values that are numbers; NaN where none is. */
  readonly least: number
  readonly most: number
  readonly mean: number
  /** √(mean of squares) */
  readonly rms: number
  readonly notNumbers: number
  readonly infinite: number
}

/** Counts values; sums are float64, of finite values alone. */
export class Tallying {
  private count = 0
  private least = Infinity
  private most = -Infinity
  private sum = 0
  private squares = 0
  private notNumbers = 0
  private infinite = 0

  add(values: Float32Array): void {
    this.count += values.length
    for (const v of values) {
      if (Number.isNaN(v)) {
        this.notNumbers++
        continue
      }
      if (v < this.least) this.least = v
      if (v > this.most) this.most = v
      if (!Number.isFinite(v)) {
        this.infinite++
        continue
      }
      this.sum += v
      this.squares += v * v
    }
  }

  result(): Tally {
    const { count, notNumbers, infinite } = this
    const finite = count - notNumbers - infinite
    const some = count > notNumbers
    return {
      count, notNumbers, infinite, least: some ? this.least : NaN, most: some ? this.most : NaN,
      mean: this.sum / finite, rms: Math.sqrt(this.squares / finite),
    }
  }
}

export function tally(values: Float32Array): Tally {
  const t = new Tallying()
  t.add(values)
  return t.result()
}

/** Decodes a tensor piece by piece, whole rows of at most about a million values; `each` sees every piece in order. */
export function tallyTensor(source: Pick<ModelSource, 'read'>, tensor: WeightTensor, each: (values: Float32Array) => void = () => undefined): Tally {
  const columns = tensor.shape.at(-1) ?? 1
  const rows = tensor.shape.slice(0, -1).reduce((n, d) => n * d, 1)
  const step = Math.max(1, Math.floor(pieceValues / columns))
  const all = new Tallying()
  for (let at = 0; at < rows; at += step) {
    const values = dequantizeInOrder(source, tensor, at, Math.min(step, rows - at))
    all.add(values)
    each(values)
  }
  return all.result()
}
