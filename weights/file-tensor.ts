/**
 * A tensor between file and weight: what a header declares, inside its file for certain, but under the file's own name and
 * dtype. Both formats yield these; only the ones a model needs are then judged fit to be weights, so that a file may carry
 * whatever else it likes.
 */
import { WeftError } from '../graph/error.js'
import { readable } from './fields.js'
import type { ByteRange, WeightTensor } from './model.js'

export interface FileTensor {
  readonly name: string
  /** As the format spells it: `BF16`, `q4_0`. */
  readonly dtype: string
  /** Slowest dimension first. */
  readonly shape: readonly number[]
  readonly range: ByteRange
}

/** The weight of that Hugging Face name, or null where the file has none. Throws when it is there but unusable. */
export type FindWeight = (name: string) => WeightTensor | null

/** Throws when two tensors of one file share bytes. */
export function checkApart(tensors: Iterable<FileTensor>, file: string, where: string): void {
  const sorted = [...tensors].filter(t => t.range.bytes > 0).sort((a, b) => a.range.offset - b.range.offset)
  for (let i = 1; i < sorted.length; i++) {
    const [before, after] = [sorted[i - 1]!, sorted[i]!]
    if (before.range.offset + before.range.bytes > after.range.offset) {
      throw new WeftError({ where, what: `${file}: tensors ${readable(before.name)} and ${readable(after.name)} overlap` })
    }
  }
}
