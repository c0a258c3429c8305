/**
 * Where tuned choices are kept: the user's cache, by device and driver, and files that ship with weft under `codegen/tuned/`, so
 * that known chips start fast. What was found on the machine itself goes before what shipped. Files are read as any input is:
 * an entry of another form is left out, and code generation takes none that its schedules do not know.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TunedChoice, TunedChoices } from '../codegen/tuned.js'
import type { Backend } from '../runtime/backend.js'
import { cacheGet, cacheKey, cachePut } from '../runtime/cache.js'
import { deviceOf, driverOf } from './machine.js'

/** What was found, and what was tried on the way: microseconds by schedule and knobs, or why not. */
export interface Tuning {
  readonly device: string
  readonly driver: string
  readonly entries: TunedChoices
  readonly tried: Readonly<Record<string, Readonly<Record<string, number | string>>>>
}

const isRecord = (v: unknown): v is Readonly<Record<string, unknown>> => typeof v === 'object' && v !== null && !Array.isArray(v)

function isChoice(v: unknown): v is TunedChoice {
  return isRecord(v) && typeof v['schedule'] === 'string' && typeof v['us'] === 'number' && typeof v['untunedUs'] === 'number' && isRecord(v['knobs']) && Object.values(v['knobs']).every(k => typeof k === 'number')
}

/** The choices in a file's text; those of another form are left out. */
export function readChoices(text: string): { readonly device: string; readonly entries: TunedChoices } | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return null
  }
  if (!isRecord(parsed) || typeof parsed['device'] !== 'string' || !isRecord(parsed['entries'])) return null
  return { device: parsed['device'], entries: Object.fromEntries(Object.entries(parsed['entries']).filter((e): e is [string, TunedChoice] => isChoice(e[1]))) }
}

const keyOf = (backend: Backend): string => cacheKey('tuned', deviceOf(backend), driverOf(backend))

/** What was found and tried on this device so far. */
export function knownTuning(backend: Backend): Tuning {
  const [device, driver] = [deviceOf(backend), driverOf(backend)]
  const found = cacheGet('tuned', keyOf(backend))
  const text = found === null ? null : Buffer.from(found).toString('utf8')
  const choices = text === null ? null : readChoices(text)
  if (text === null || choices === null) return { device, driver, entries: {}, tried: {} }
  const tried = (JSON.parse(text) as { readonly tried?: unknown }).tried
  return { device, driver, entries: choices.entries, tried: isRecord(tried) ? (tried as Tuning['tried']) : {} }
}

export function saveTuning(backend: Backend, tuning: Tuning): void {
  cachePut('tuned', keyOf(backend), Buffer.from(JSON.stringify(tuning)))
}

/** The folder of the files that ship, wherever the program was compiled to; null where there is none. */
function shippedFolder(): string | null {
  return ['../codegen/tuned', '../../codegen/tuned'].map(p => fileURLToPath(new URL(p, import.meta.url))).find(existsSync) ?? null
}

/** Everything known of this device: the user's own choices over those that ship. */
export function tunedFor(backend: Backend): TunedChoices {
  const folder = shippedFolder()
  const files = folder === null ? [] : readdirSync(folder).filter(n => n.endsWith('.json')).sort()
  const shipped = files.map(n => readChoices(readFileSync(join(folder!, n), 'utf8'))).filter(f => f?.device === deviceOf(backend))
  return Object.assign({}, ...shipped.map(f => f!.entries), knownTuning(backend).entries) as TunedChoices
}
