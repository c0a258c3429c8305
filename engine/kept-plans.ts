/**
 * Plans and the text of their kernels through the disk cache. Making them takes longer than anything else of a start but
 * compiling, and needs the whole of code generation; what running a model takes of them is small. It is kept under all
 * that it follows from: the model's shape, the options, the chip, what tuning found, and the modules that make it.
 */
import { deserialize, serialize } from 'node:v8'
import type { Caps } from '../codegen/caps.js'
import type { CompileOptions, PlanName, Runnable } from '../codegen/compile.js'
import type { RunnablePlan } from '../codegen/plan.js'
import type { Source } from '../codegen/target.js'
import { weightLayout } from '../codegen/types/layout.js'
import { cacheGet, cacheKey, cachePut } from '../runtime/cache.js'
import type { ModelSource } from '../weights/model.js'
import { ownCode } from './own-code.js'

const kind = 'plans'

/** What a device is given: the kernels' text, and the plans that launch them. */
export interface Plans {
  readonly runnable: Runnable
  readonly text: Source
}

/** As kept: a weight by what its layout follows from, text without the chip that the key holds. */
interface Kept {
  readonly runnable: Omit<Runnable, 'weights'>
  readonly weights: readonly { readonly key: string; readonly tensors: readonly string[]; readonly type: string; readonly rows: number; readonly cols: number }[]
  readonly text: Omit<Source, 'caps'>
}

/** The key of what `compile` makes of a model with these options; null where the modules that make it are no files. */
export function plansKey({ config, tensors }: Pick<ModelSource, 'config' | 'tensors'>, options: CompileOptions): string | null {
  const code = ownCode('graph/', 'codegen/', 'shaders/')
  if (code === null) return null
  const types = [...tensors].map(([name, t]) => [name, t.type])
  // The form of an entry is the engine's that wrote it.
  return cacheKey(process.versions.v8, JSON.stringify([config, types, options]), ...code)
}

/** What an earlier start kept under a key, or null. */
export function findPlans(key: string, caps: Caps): Plans | null {
  const found = cacheGet(kind, key)
  if (found === null) return null
  const { runnable, weights, text } = deserialize(found) as Kept
  const resident = weights.map(({ key, tensors, type, rows, cols }) => ({ key, tensors, layout: weightLayout(type, rows, cols, caps.simd) }))
  return { runnable: { ...runnable, weights: resident }, text: { ...text, caps } }
}

export function keepPlans(key: string, { runnable, text }: Plans): void {
  const plans = Object.fromEntries(Object.entries(runnable.plans).map(([name, p]) => [name, runnablePlan(p)])) as Record<PlanName, RunnablePlan>
  const { constants, state, arenaBytes, pageBytes, weightBytesPerToken } = runnable
  const weights = runnable.weights.map(({ key, tensors, layout }) => ({ key, tensors, type: layout.type.name, rows: layout.rows, cols: layout.cols }))
  const { caps: _, ...rest } = text
  const kept: Kept = { runnable: { plans, constants, state, arenaBytes, pageBytes, weightBytesPerToken }, weights, text: rest }
  cachePut(kind, key, serialize(kept))
}

/** A plan without what it was made from. */
function runnablePlan({ label, dims, launches, arenaBytes, outputs }: RunnablePlan): RunnablePlan {
  return { label, dims, arenaBytes, outputs, launches: launches.map(({ kernel: { name, tiles }, places }) => ({ kernel: { name, tiles }, places })) }
}
