/**
 * How a model is planned on a chip where nothing was asked for: the same for loading it, for tuning it and for emitting its kernels, so
 * that what `weft emit` prints for a chip is what is run there. Choices are made by a model of the chip, which makes and
 * weighs several times the kernels that are taken; so they are kept on the disk, and found again at every later start. Their
 * key holds everything they follow from, the modules that make kernels and weigh them included: they cannot be stale.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { Caps } from '../codegen/caps.js'
import { compile, type Compiled, type CompileOptions } from '../codegen/compile.js'
import { assumedRoof } from '../codegen/estimate.js'
import type { CostedChoice } from '../codegen/schedule.js'
import type { Config } from '../graph/models/config.js'
import type { WeightType } from '../graph/models/llama.js'
import { cacheGet, cacheKey, cachePut } from '../runtime/cache.js'

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

/** @param maxPositions the most that the model was made for */
export function planning(caps: Caps, maxPositions: number, wanted: Wanted): CompileOptions {
  const compute = wanted.compute ?? (caps.f16 && !caps.simd ? 'f16' : 'f32')
  const context = contextOf(maxPositions, wanted.context)
  return {
    caps, compute, kv: wanted.kvType ?? compute, context, sequences: wanted.sequences ?? 1, fuse: wanted.fuse ?? true,
    chunk: Math.min(wanted.chunk ?? (caps.simd ? defaultChunk.cpu : defaultChunk.gpu), context),
    roof: wanted.roof ?? assumedRoof(caps),
  }
}

/** The modules that make kernels and weigh them, as they were compiled; null where they are no files (a bundle). */
function deciding(): readonly Uint8Array[] | null {
  try {
    return ['../codegen/', '../codegen/schedules/', '../codegen/schedules/cpu/', '../codegen/types/'].flatMap(folder => {
      const at = new URL(folder, import.meta.url)
      return readdirSync(at).filter(name => name.endsWith('.js')).sort().map(name => readFileSync(new URL(name, at)))
    })
  } catch {
    return null
  }
}

/** Compiles as `compile` does, with the choices by cost of earlier starts. */
export function compilePlans(config: Config, typeOf: WeightType, options: CompileOptions): Compiled {
  const modules = deciding()
  if (modules === null) return compile(config, typeOf, options)
  const { tuned: _, ...deciders } = options
  const key = cacheKey(JSON.stringify(deciders), ...modules)
  const found = cacheGet('plans', key)
  const costed = new Map(found === null ? [] : (JSON.parse(Buffer.from(found).toString('utf8')) as readonly (readonly [string, CostedChoice])[]))
  const known = costed.size
  const compiled = compile(config, typeOf, { ...options, costed })
  if (costed.size > known) cachePut('plans', key, Buffer.from(JSON.stringify([...costed])))
  return compiled
}
