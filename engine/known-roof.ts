/** Where the roof of a device is kept once it was measured: by device, driver and the module that measures it. */
import type { Roof } from '../codegen/roof.js'
import type { Backend } from '../runtime/backend.js'
import { cacheGet, cacheKey, cachePut } from '../runtime/cache.js'
import { deviceOf, driverOf } from './machine.js'
import { ownCode } from './own-code.js'

/** What names a device and its driver. */
type Named = Pick<Backend, 'name' | 'caps' | 'description'>

const keyOf = (backend: Named): string => cacheKey('roof', deviceOf(backend), driverOf(backend), ...(ownCode('codegen/roof.js') ?? []))

/** The roof that was measured on this device before, or null. */
export function knownRoof(backend: Named): Roof | null {
  const found = cacheGet('roof', keyOf(backend))
  return found === null ? null : (JSON.parse(Buffer.from(found).toString('utf8')) as Roof)
}

export function keepRoof(backend: Named, roof: Roof): void {
  cachePut('roof', keyOf(backend), Buffer.from(JSON.stringify(roof)))
}
