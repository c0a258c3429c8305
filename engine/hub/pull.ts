/**
 * From a name to a path: asks the hub which commit is meant, fetches the files of the model that the cache lacks, four at a
 * time, and says what to open. Where the hub cannot be reached, or is not to be asked, a model that is whole in the cache is
 * taken, and said to be; one that is not is an error that names what there is instead.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { check, WeftError } from '../../graph/error.js'
import { readable } from '../../weights/fields.js'
import { cachedCommit, findCached, linkBlob, listCached, lockRepo, repoFolder, shardsOf, snapshotFolder, writeRef } from './cache.js'
import { downloadBlob } from './download.js'
import { Unreachable, type FetchInternals } from './fetch.js'
import { hubNameText, isCommit, parseHubName, type HubName } from './name.js'
import { RemoteRepo, type RemoteFile } from './remote.js'
import { select } from './select.js'
import { hubSettings, type HubSettings } from './settings.js'

export interface PullOptions {
  /** Bytes of the files that are there, and of all that are needed. */
  readonly onProgress?: (done: number, total: number) => void
  /** Lines worth showing a person. */
  readonly onNotice?: (line: string) => void
}

/** What tests put in place of the clock and the disk. */
export interface PullInternals extends FetchInternals {
  readonly settings?: HubSettings
  readonly freeBytes?: (folder: string) => Promise<number>
}

const parallel = 4

/**
 * The path of the model that a person named: a path that exists is itself; a name of the hub is looked up and downloaded as
 * far as the cache lacks it; anything else is left as it is, for whoever opens it to say that it is not there.
 */
export async function locateModel(model: string, options: PullOptions = {}, internals: PullInternals = {}): Promise<string> {
  if (model.includes('\0') || existsSync(model)) return model
  const name = parseHubName(model)
  return name === null ? model : pullModel(name, options, internals)
}

/** Downloads what the cache lacks of a model; returns what to open. Throws a WeftError of one line. */
export async function pullModel(name: HubName, options: PullOptions = {}, internals: PullInternals = {}): Promise<string> {
  const settings = internals.settings ?? hubSettings()
  const known = cachedCommit(settings.cache, name)
  const cached = known === null ? null : findCached(settings.cache, name, known)
  // A commit never changes.
  if (cached !== null && isCommit(name.revision)) return cached
  if (settings.offline) {
    if (cached !== null) return cached
    throw without(name, settings, 'HF_HUB_OFFLINE is set, and the hub is not asked')
  }
  const remote = new RemoteRepo(name, settings, internals)
  let commit: string
  try {
    commit = await remote.commit()
  } catch (cause) {
    if (!(cause instanceof Unreachable)) throw cause
    const reason = cause.message.replace(/^\[hub\] /, '')
    if (cached === null) throw without(name, settings, reason, cause)
    options.onNotice?.(`${hubNameText(name)}: ${reason}; taking what the cache has of it, commit ${known!.slice(0, 8)}`)
    return cached
  }
  const path = findCached(settings.cache, name, commit) ?? (await download(remote, commit, options, internals))
  writeRef(settings.cache, name, commit)
  return path
}

async function download(remote: RemoteRepo, commit: string, options: PullOptions, internals: PullInternals): Promise<string> {
  const { name, settings: { cache } } = remote
  try {
    mkdirSync(repoFolder(cache, name.repo), { recursive: true })
  } catch (cause) {
    throw new WeftError({ where: 'hub', what: `${cache}: the cache cannot be written (${cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)})`, expected: 'a folder of yours: HF_HOME or HF_HUB_CACHE names another', cause })
  }
  const lock = lockRepo(cache, name.repo)
  try {
    const files = await remote.files(commit)
    const chosen = select([...files.keys()], name.file, name.repo)
    await fetchFiles(remote, commit, chosen.files.map(path => fileOf(files, path, name)), options, internals, chosen.sharded)
    if (chosen.sharded) {
      const shards = shardsOf(snapshotFolder(cache, name.repo, commit))
      await fetchFiles(remote, commit, [...chosen.files, ...shards].map(path => fileOf(files, path, name)), options, internals, false)
    }
    const folder = snapshotFolder(cache, name.repo, commit)
    return chosen.opened === null ? folder : join(folder, chosen.opened)
  } finally {
    lock.release()
  }
}

function fileOf(files: ReadonlyMap<string, RemoteFile>, path: string, name: HubName): RemoteFile {
  const file = files.get(path)
  check(file !== undefined, 'hub', `${name.repo}: the repository lacks ${readable(path)}, a part of the model`)
  return file
}

/** Fetches files and links them into the snapshot; `quiet` for the small ones that only say which others there are. */
async function fetchFiles(remote: RemoteRepo, commit: string, files: readonly RemoteFile[], options: PullOptions, internals: PullInternals, quiet: boolean): Promise<void> {
  const { name, settings: { cache } } = remote
  const blobs = join(repoFolder(cache, name.repo), 'blobs')
  // The same contents under two names are one blob.
  const contents = [...new Map(files.map(f => [f.hash.hex, f])).values()]
  const missing = contents.filter(f => sizeOf(join(blobs, f.hash.hex)) !== f.bytes)
  const total = contents.reduce((n, f) => n + f.bytes, 0)
  const left = missing.reduce((n, f) => n + f.bytes - Math.min(f.bytes, sizeOf(join(blobs, `${f.hash.hex}.incomplete`)) ?? 0), 0)
  const free = await (internals.freeBytes ?? freeBytes)(repoFolder(cache, name.repo))
  check(left <= free, 'hub', `${name.repo}: the disk of ${cache} is too full`, `${left} bytes free`, `${free}`)
  if (!quiet && missing.length > 0) options.onNotice?.(`${hubNameText(name)}: downloading ${missing.length} file${missing.length === 1 ? '' : 's'}, ${megabytes(left)}, to ${cache}`)
  let done = total - missing.reduce((n, f) => n + f.bytes, 0)
  const queue = [...missing]
  const worker = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      await downloadBlob(remote, file, commit, join(blobs, file.hash.hex), more => {
        done += more
        if (!quiet) options.onProgress?.(done, total)
      })
    }
  }
  // All of them end before an error is told: none goes on writing behind a released lock.
  const ends = await Promise.allSettled(Array.from({ length: parallel }, () => worker().catch((error: unknown) => {
    queue.length = 0
    throw error
  })))
  const failed = ends.find(e => e.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  for (const file of files) linkBlob(cache, name.repo, commit, file.path, join(blobs, file.hash.hex))
}

/** The error where there is no way to the hub: what can be used instead. */
function without(name: HubName, settings: HubSettings, reason: string, cause?: unknown): WeftError {
  const models = listCached(settings.cache).filter(r => r.revisions.some(v => v.complete)).map(r => r.repo)
  const shown = models.length === 0 ? 'the cache has no model' : `the cache has ${models.slice(0, 8).join(', ')}${models.length > 8 ? ` and ${models.length - 8} more (weft list)` : ''}`
  return new WeftError({ where: 'hub', what: `${hubNameText(name)}: no such path here and not in the cache; ${reason}; ${shown}; without --model, the built-in model runs`, cause })
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

function sizeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null
}

const megabytes = (bytes: number): string => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`)
