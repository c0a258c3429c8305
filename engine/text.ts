/**
 * Device text through the disk cache. What is cached is the text alone, under a hash of the kernels it spells, of the
 * chip's capabilities and of the modules that spell it; so an entry can never be stale, and an edit of a target needs no
 * version to be raised. What is not cached is what comes before it: graphs, schedules and plans are made at every
 * start, because the launches need them, and making them makes the kernels.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { Caps } from '../codegen/caps.js'
import { targets } from '../codegen/compile.js'
import type { Kernel } from '../codegen/kernel.js'
import type { Source } from '../codegen/target.js'
import { cacheGet, cacheKey, cachePut } from '../runtime/cache.js'

/** The modules that turn kernels into text, as they were compiled; null where they are no files (a bundle). */
function spelling(): readonly Uint8Array[] | null {
  try {
    return ['../codegen/targets/', '../shaders/'].flatMap(folder => {
      const at = new URL(folder, import.meta.url)
      return readdirSync(at).filter(name => name.endsWith('.js')).sort().map(name => readFileSync(new URL(name, at)))
    })
  } catch {
    return null
  }
}

export interface DeviceText {
  readonly source: Source
  /** Whether an earlier start had made it. */
  readonly cached: boolean
}

/** The text of verified kernels for a chip. Throws what the target throws for a kernel it cannot spell. */
export function deviceText(kernels: readonly Kernel[], caps: Caps): DeviceText {
  const modules = spelling()
  const key = modules && cacheKey(JSON.stringify(caps), JSON.stringify(kernels), ...modules)
  const found = key === null ? null : cacheGet('text', key)
  if (found !== null) return { source: { ...(JSON.parse(Buffer.from(found).toString('utf8')) as Omit<Source, 'caps'>), caps }, cached: true }
  const source = targets[caps.target].render(kernels, caps)
  const { caps: _, ...kept } = source
  if (key !== null) cachePut('text', key, Buffer.from(JSON.stringify(kept)))
  return { source, cached: false }
}
