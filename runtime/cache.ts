/**
 * The disk cache of compiled kernels, one folder for all backends. A key is a hash of everything the bytes depend on;
 * an entry carries a hash of its bytes, so that a file cut short by a full disk reads as absent and is replaced. Files
 * are written beside their place and renamed, which keeps readers of other processes from seeing half of one. A cache
 * that cannot be read or written costs time, never a failure.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { WeftError } from '../graph/error.js'
import { switches } from './switches.js'

/** Raised when what a key stands for, or the form of an entry, changes. */
const version = 1
const magic = Buffer.from(`weft cache ${version}\n`)
const hashBytes = 32
/** About as much as the kernels of a model take, so that a disk that is full is found out too. */
const probeBytes = 2 ** 20

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

/** WEFT_CACHE, else `weft` in XDG_CACHE_HOME or ~/.cache. */
export function cacheFolder(): string {
  const { cache, userCache } = switches()
  return cache ?? join(userCache ?? join(homedir(), '.cache'), 'weft')
}

/** Whether nothing was ever kept: what a start needs will have to be made. */
export const cacheIsNew = (): boolean => !existsSync(cacheFolder())

/** A key for what depends on `parts` and nothing else: device text, chip, driver, options. */
export function cacheKey(...parts: readonly (string | number | Uint8Array)[]): string {
  const hash = createHash('sha256').update(magic)
  for (const part of parts) {
    const bytes = part instanceof Uint8Array ? part : Buffer.from(String(part))
    // With its length, so that no two lists of parts run together into the same bytes.
    hash.update(`${bytes.byteLength}:`).update(bytes)
  }
  return hash.digest('hex')
}

function entryPath(kind: string, key: string): string {
  const named = /^[a-z][a-z0-9-]*$/
  if (!named.test(kind) || !/^[0-9a-f]{64}$/.test(key)) {
    throw new WeftError({ where: 'cache', what: 'name of an entry', expected: 'a kind of lower-case letters and a key made by cacheKey', got: `${kind}/${key}` })
  }
  return join(cacheFolder(), kind, key)
}

/** What was put under this kind and key, or null if it is absent, unreadable or damaged. */
export function cacheGet(kind: string, key: string): Uint8Array | null {
  const path = entryPath(kind, key)
  let file: Buffer
  try {
    file = readFileSync(path)
  } catch {
    return null
  }
  const from = magic.byteLength + hashBytes
  if (file.byteLength < from || !file.subarray(0, magic.byteLength).equals(magic)) return null
  const bytes = file.subarray(from)
  if (!sha256(bytes).equals(file.subarray(magic.byteLength, from))) return null
  return new Uint8Array(bytes)
}

/** Keeps bytes under a kind and key, in place of what was there. Does nothing where the folder cannot be written. */
export function cachePut(kind: string, key: string, bytes: Uint8Array): void {
  const path = entryPath(kind, key)
  const beside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
  try {
    makeFolder(dirname(path))
    writeFileSync(beside, Buffer.concat([magic, sha256(bytes), bytes]))
    renameSync(beside, path)
  } catch {
    try {
      rmSync(beside, { force: true })
    } catch {
      // The folder is gone or read-only: nothing was left behind that could be removed.
    }
  }
}

/** Why nothing can be kept, or null: a start would take as long every time, and nobody would know why. */
export function cacheProblem(): string | null {
  const folder = cacheFolder()
  const probe = join(folder, `probe.${process.pid}.${randomBytes(4).toString('hex')}.tmp`)
  try {
    makeFolder(folder)
    writeFileSync(probe, new Uint8Array(probeBytes))
    return null
  } catch (error) {
    return `${folder} cannot be written (${error instanceof Error && 'code' in error ? String(error.code) : String(error)})`
  } finally {
    try {
      rmSync(probe, { force: true })
    } catch {
      // where a folder is none, nothing was written
    }
  }
}

/** Makes a folder and those above it, one by one: where a file system makes none (/proc), Node's own recursion never ends. */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  if (dirname(folder) !== folder) makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    // Another process may have made it in the meantime.
    if (!existsSync(folder)) throw error
  }
}
