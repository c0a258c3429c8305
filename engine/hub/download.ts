/**
 * One file of a repository into the cache's `blobs`, under its hash. Bytes are appended to `<hash>.incomplete`, where an earlier
 * run (of any tool that shares the cache) may have left a beginning, and the file gets its name only when its hash is right:
 * whatever has a name in `blobs` is whole and true. Small files are hashed as git does, with their length before them.
 */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { WeftError } from '../../graph/error.js'
import { NoRanges, Unreachable } from './fetch.js'
import type { RemoteFile, RemoteRepo } from './remote.js'

/** Interruptions in a row without a single byte between them. */
const idleAttempts = 4

/** Called with bytes that are there now and were not before; negative when a beginning proved useless. */
export type OnBytes = (more: number) => void

/** Downloads `file` to `blob`, going on where a partial file ends. Throws one line for what stands in the way. */
export async function downloadBlob(remote: RemoteRepo, file: RemoteFile, commit: string, blob: string, onBytes: OnBytes): Promise<void> {
  const partial = `${blob}.incomplete`
  mkdirSync(dirname(blob), { recursive: true })
  const held = sizeOf(partial)
  // A beginning that does not fit the file may be another tool's, or damaged: it is worth one more try from nothing.
  if (held !== null && (held > file.bytes || !(await fetchOnce(remote, file, commit, partial, onBytes, true)))) rmSync(partial, { force: true })
  else if (held !== null) return finish(partial, blob)
  if (await fetchOnce(remote, file, commit, partial, onBytes, false)) return finish(partial, blob)
  rmSync(partial, { force: true })
  throw new WeftError({ where: 'hub', what: `${remote.name.repo}: ${file.path}: what came does not have the ${file.hash.algorithm} that the hub names; it was thrown away` })
}

/** Completes the partial file; false where its hash is another than the file's. `inherited`: an earlier run may have begun it. */
async function fetchOnce(remote: RemoteRepo, file: RemoteFile, commit: string, partial: string, onBytes: OnBytes, inherited: boolean): Promise<boolean> {
  const hash = hashOf(file)
  const handle = await orDiskError(partial, () => open(partial, 'a'))
  let done = 0
  try {
    done = (await handle.stat()).size
    if (done > 0) for await (const part of createReadStream(partial)) hash.update(part as Uint8Array)
    onBytes(done)
    for (let idle = 0; done < file.bytes;) {
      const before = done
      try {
        for await (const part of await remote.open(file, commit, done)) {
          if (done + part.length > file.bytes) return giveUp()
          await orDiskError(partial, () => handle.appendFile(part))
          hash.update(part)
          done += part.length
          onBytes(part.length)
        }
      } catch (cause) {
        if (cause instanceof NoRanges && inherited) return giveUp()
        // A refusal stays one; a connection that broke off is taken up again where it ended.
        if (cause instanceof WeftError && !(cause instanceof Unreachable)) throw cause
        if (done === before && ++idle >= idleAttempts) throw interrupted(remote, file, done, cause)
      }
      if (done > before) idle = 0
      else if (++idle >= idleAttempts) throw interrupted(remote, file, done, null)
    }
    return hash.digest('hex') === file.hash.hex || giveUp()
  } finally {
    await handle.close()
  }

  function giveUp(): false {
    onBytes(-done)
    return false
  }
}

function finish(partial: string, blob: string): void {
  renameSync(partial, blob)
}

function hashOf(file: RemoteFile): Hash {
  const hash = createHash(file.hash.algorithm)
  return file.hash.algorithm === 'sha1' ? hash.update(`blob ${file.bytes}\0`) : hash
}

function interrupted(remote: RemoteRepo, file: RemoteFile, done: number, cause: unknown): WeftError {
  const reason = cause === null ? 'the connection ended early' : cause instanceof WeftError ? cause.message.replace(/^\[hub\] /, '') : cause instanceof Error ? cause.message : String(cause)
  return new WeftError({ where: 'hub', what: `${remote.name.repo}: ${file.path}: interrupted after ${done} of ${file.bytes} bytes (${reason.slice(0, 120)}); the same command goes on from there`, cause })
}

async function orDiskError<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    const what = code === 'ENOSPC' || code === 'EDQUOT' ? `the disk is full (${code})` : `cannot be written (${code})`
    throw new WeftError({ where: 'hub', what: `${path}: ${what}`, expected: 'a place with room: HF_HOME or HF_HUB_CACHE names another', cause })
  }
}

function sizeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null
}
