/**
 * How a model is planned on a chip where nothing was asked for: the same for loading it, for tuning it and for emitting its kernels, so
 * that what `weft emit` prints for a chip is what is run there.
 */
import type { Caps } from '../codegen/caps.js'
import type { CompileOptions } from '../codegen/compile.js'
import { assumedRoof } from '../codegen/estimate.js'

/** The context limit unless told, where the model's own is longer. */
const defaultContext = 32768
/** Rows of a prefill chunk: enough tiles to fill a GPU; on a CPU enough to decode weights seldom. */
const defaultChunk = { gpu: 2048, cpu: 256 } as const

/** What was asked for; the rest is what suits the chip and the model. */
export interface Wanted {
  readonly compute?: CompileOptions['compute'] | undefined
  readonly kvType?: CompileOptions['kv'] | undefined
  /** Positions of one sequence. */
  readonly context?: number | undefined
  readonly sequences?: number | undefined
  /** Rows of a prefill chunk. */
  readonly chunk?: number | undefined
  readonly fuse?: boolean | undefined
  /** What the chip reaches at most, where that is known. */
  readonly roof?: CompileOptions['roof'] | null | undefined
}

/** Positions of one sequence. */
export const contextOf = (maxPositions: number, wanted: number | undefined): number => Math.min(wanted ?? defaultContext, maxPositions)

/** Element of the KV cache: as asked for, else as the arithmetic has it. */
export const cacheElement = (compute: CompileOptions['compute'], wanted: CompileOptions['kv'] | undefined): CompileOptions['kv'] => wanted ?? (compute === 'f16' ? 'f16' : 'f32')

/** @param maxPositions the most that the model was made for */
export function planning(caps: Caps, maxPositions: number, wanted: Wanted): CompileOptions {
  const compute = wanted.compute ?? (caps.simd ? 'i16' : caps.f16 ? 'f16' : 'f32')
  const context = contextOf(maxPositions, wanted.context)
  return {
    caps, compute, kv: cacheElement(compute, wanted.kvType), context, sequences: wanted.sequences ?? 1, fuse: wanted.fuse ?? true,
    chunk: Math.min(wanted.chunk ?? (caps.simd ? defaultChunk.cpu : defaultChunk.gpu), context),
    roof: wanted.roof ?? assumedRoof(caps),
  }
}
