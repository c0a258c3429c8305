/**
 * The cache that Hugging Face tools share, on disk:
 *   models--organization--name/refs/<revision>            the commit it meant when last asked
 *   models--organization--name/blobs/<hash>               contents, each once
 *   models--organization--name/snapshots/<commit>/<path>  links to blobs, laid out as the repository is
 * What is in it is read through the library where it can; finding one model without the network and removing one it cannot.
 * Source: huggingface/huggingface_hub, "Understand caching".
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { check, WeftError } from '../../graph/error.js'
import { kindOf, readText } from '../../weights/files.js'
import { readIndex } from '../../weights/safetensors.js'
import { isCommit, type HubName } from './name.js'
import { indexName, select, type Selection } from './select.js'

export interface CachedRevision {
  readonly commit: string
  /** Branches and tags that meant it when last asked. */
  readonly refs: readonly string[]
  readonly bytes: number
  readonly files: readonly string[]
  /** Whether all files of a model are there. */
  readonly complete: boolean
}

export interface CachedRepo {
  readonly repo: string
  readonly path: string
  /** Of all blobs, those of unfinished downloads included. */
  readonly bytes: number
  readonly revisions: readonly CachedRevision[]
}

export function repoFolder(cache: string, repo: string): string {
  return join(cache, `models--${repo.replace('/', '--')}`)
}

/** The commit that the cache knows a revision by, or null. */
export function cachedCommit(cache: string, { repo, revision }: HubName): string | null {
  if (isCommit(revision)) return revision
  const commit = readText(join(repoFolder(cache, repo), 'refs', revision), 'hub', 1000)?.trim()
  return commit !== undefined && isCommit(commit) ? commit : null
}

export function snapshotFolder(cache: string, repo: string, commit: string): string {
  return join(repoFolder(cache, repo), 'snapshots', commit)
}

/** What to open for a model whose every file is in the cache at `commit`; null where one is missing. */
export function findCached(cache: string, name: HubName, commit: string): string | null {
  const folder = snapshotFolder(cache, name.repo, commit)
  const names = filesUnder(folder)
  let chosen: Selection
  try {
    chosen = select(names, name.file, name.repo)
  } catch {
    return null
  }
  const shards = chosen.sharded ? shardsOf(folder) : []
  if (![...chosen.files, ...shards].every(file => kindOf(join(folder, file)) === 'file')) return null
  return chosen.opened === null ? folder : join(folder, chosen.opened)
}

/** The files that a snapshot's index lists. */
export function shardsOf(folder: string): readonly string[] {
  const file = join(folder, indexName)
  const text = readText(file, 'hub', 100_000_000)
  return text === null ? [] : [...readIndex(text, file).keys()]
}

/** Makes `path` of a snapshot a link to a blob, as other tools make it: relative, so that the cache can be moved. */
export function linkBlob(cache: string, repo: string, commit: string, path: string, blob: string): void {
  const link = join(snapshotFolder(cache, repo, commit), path)
  mkdirSync(dirname(link), { recursive: true })
  const target = relative(dirname(link), blob)
  const there = lstatSync(link, { throwIfNoEntry: false })
  if (there?.isSymbolicLink() && readlinkSync(link) === target) return
  rmSync(link, { force: true })
  symlinkSync(target, link)
}

/** Notes which commit a revision means now. */
export function writeRef(cache: string, { repo, revision }: HubName, commit: string): void {
  if (isCommit(revision)) return
  const file = join(repoFolder(cache, repo), 'refs', revision)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.${process.pid}.tmp`, commit)
  renameSync(`${file}.${process.pid}.tmp`, file)
}

/** Every model repository in the cache, by name. */
export function listCached(cache: string): readonly CachedRepo[] {
  return entries(cache).flatMap(folder => {
    const [, organization, name] = /^models--([^-](?:(?!--).)*)--(.+)$/.exec(folder) ?? []
    return organization === undefined ? [] : [cachedRepo(cache, `${organization}/${name}`)]
  }).sort((a, b) => (a.repo < b.repo ? -1 : 1))
}

function cachedRepo(cache: string, repo: string): CachedRepo {
  const path = repoFolder(cache, repo)
  const refs = filesUnder(join(path, 'refs')).filter(ref => !ref.endsWith('.tmp'))
  const meaning = new Map(refs.map(ref => [ref, cachedCommit(cache, { repo, revision: ref, file: null })]))
  const revisions = entries(join(path, 'snapshots')).filter(isCommit).map((commit): CachedRevision => {
    const folder = snapshotFolder(cache, repo, commit)
    const files = filesUnder(folder)
    const models = files.filter(f => f.endsWith('.gguf'))
    const complete = [null, ...models].some(file => findCached(cache, { repo, revision: commit, file }, commit) !== null)
    return { commit, refs: refs.filter(ref => meaning.get(ref) === commit), files, complete, bytes: sum(new Set(files.map(f => realpathSync(join(folder, f))))) }
  })
  return { repo, path, revisions, bytes: sum(entries(join(path, 'blobs')).map(blob => join(path, 'blobs', blob))) }
}

/**
 * Removes a repository from the cache, or one revision of it with the blobs that no other uses. Returns the bytes freed.
 * Throws where there is no such thing.
 */
export function removeCached(cache: string, name: HubName, wholeRepo: boolean): number {
  const path = repoFolder(cache, name.repo)
  check(kindOf(path) === 'directory', 'hub', `${name.repo}: not in the cache at ${cache}`)
  const before = cachedRepo(cache, name.repo)
  const commit = wholeRepo ? null : cachedCommit(cache, name)
  const gone = wholeRepo ? before.revisions : before.revisions.filter(r => r.commit === commit)
  check(wholeRepo || gone.length === 1, 'hub', `${name.repo}: revision ${name.revision} is not in the cache`, before.revisions.map(r => r.refs[0] ?? r.commit).join(', ') || 'none is')
  if (gone.length === before.revisions.length) {
    rmSync(path, { recursive: true })
    return before.bytes
  }
  const kept = before.revisions.filter(r => r.commit !== commit)
  const used = new Set(kept.flatMap(r => r.files.map(f => basename(realpathSync(join(snapshotFolder(cache, name.repo, r.commit), f))))))
  rmSync(snapshotFolder(cache, name.repo, commit!), { recursive: true })
  for (const ref of gone[0]!.refs) rmSync(join(path, 'refs', ref))
  const unused = entries(join(path, 'blobs')).filter(blob => !used.has(blob)).map(blob => join(path, 'blobs', blob))
  const freed = sum(unused)
  for (const blob of unused) rmSync(blob)
  return freed
}

/** Keeps other processes of weft from writing the same files; `release` ends it. Throws when another one holds it. */
export function lockRepo(cache: string, repo: string): { readonly release: () => void } {
  const file = join(cache, '.locks', basename(repoFolder(cache, repo)), 'weft.lock')
  mkdirSync(dirname(file), { recursive: true })
  for (const last of [false, true]) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      const remove = (): void => rmSync(file, { force: true })
      // Ctrl-C ends the process in the middle
      process.once('exit', remove)
      return { release: () => { process.off('exit', remove); remove() } }
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause
      const holder = Number(readFileSync(file, 'utf8'))
      if (last || isAlive(holder)) throw new WeftError({ where: 'hub', what: `${repo}: process ${holder} is downloading it already`, cause })
      rmSync(file, { force: true })
    }
  }
  throw new WeftError({ where: 'hub', what: `${file}: cannot be taken` })
}

function isAlive(pid: number): boolean {
  try {
    return Number.isSafeInteger(pid) && pid > 0 && process.kill(pid, 0)
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM'
  }
}

function entries(folder: string): readonly string[] {
  return kindOf(folder) === 'directory' ? readdirSync(folder) : []
}

/** Files and live links under a folder, at most two folders down, relative to it. */
function filesUnder(folder: string, depth = 2): readonly string[] {
  return entries(folder).flatMap(name => {
    switch (kindOf(join(folder, name))) {
      case 'file': return [name]
      case 'directory': return depth === 0 ? [] : filesUnder(join(folder, name), depth - 1).map(inner => `${name}/${inner}`)
      case 'other': case null: return []
    }
  })
}

function sum(files: Iterable<string>): number {
  let bytes = 0
  for (const file of files) bytes += statSync(file, { throwIfNoEntry: false })?.size ?? 0
  return bytes
}
