/**
 * The open files of one model. Weights are streamed by positioned reads of descriptors opened once, so that nothing is
 * mapped or held twice, a file replaced meanwhile is still the one that was checked, and every read is bounded by the size
 * seen at opening. Only regular files are opened: a pipe or a device would block or never end.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { check, WeftError } from '../graph/error.js'
import type { ByteRange } from './model.js'

/** Node refuses reads of 2 GiB and more. */
const readLimit = 1 << 30
/** JSON files beside the weights; the largest known tokenizer.json is under 40 MB, and that one is not read here. */
const textLimit = 16 << 20

interface OpenFile {
  readonly descriptor: number
  readonly bytes: number
}

export class ModelFiles {
  readonly #open = new Map<string, OpenFile>()

  /** Opens `path` for reading and returns its size in bytes; an open one is not opened again. Throws if it is no regular file. */
  open(path: string, where: string): number {
    const known = this.#open.get(path)
    if (known) return known.bytes
    check(kindOf(path) === 'file', where, `${path}: no such file`, 'a regular file')
    let descriptor: number
    try {
      descriptor = openSync(path, 'r')
    } catch (cause) {
      throw new WeftError({ where, what: `${path}: cannot be opened (${reason(cause)})`, cause })
    }
    const { size } = fstatSync(descriptor)
    this.#open.set(path, { descriptor, bytes: size })
    return size
  }

  /** Fills `into` with the bytes of an open file from `offset`; throws when the file ends before. */
  fill(path: string, offset: number, into: Uint8Array, where: string): void {
    const file = this.#open.get(path)
    check(file !== undefined, where, `${path}: read after close, or never opened`)
    if (offset < 0 || offset + into.length > file.bytes) {
      throw new WeftError({ where, what: `${path}: truncated file`, expected: `${into.length} bytes at ${offset}`, got: `a file of ${file.bytes} bytes` })
    }
    let done = 0
    while (done < into.length) {
      const got = readSync(file.descriptor, into, done, Math.min(into.length - done, readLimit), offset + done)
      if (got === 0) {
        throw new WeftError({ where, what: `${path}: the file became shorter while it was read`, expected: `${into.length} bytes at ${offset}`, got: `${done}` })
      }
      done += got
    }
  }

  /** Fills `into` from byte `at` of `range`; throws when that leaves the range. */
  read(range: ByteRange, into: Uint8Array, at = 0): void {
    if (!Number.isSafeInteger(at) || at < 0 || at + into.length > range.bytes) {
      throw new WeftError({ where: 'weights', what: `${range.file}: read outside a tensor`, expected: `within ${range.bytes} bytes`, got: `${into.length} bytes at ${at}` })
    }
    this.fill(range.file, range.offset + at, into, 'weights')
  }

  close(): void {
    for (const { descriptor } of this.#open.values()) closeSync(descriptor)
    this.#open.clear()
  }
}

/** What is at `path`; `null` where there is nothing, or nothing that may be seen. */
export function kindOf(path: string): 'file' | 'directory' | 'other' | null {
  try {
    const stat = statSync(path)
    return stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other'
  } catch {
    return null
  }
}

/** The text of a small UTF-8 file, or null where there is none; larger ones than 16 MiB are refused unread. */
export function readText(path: string, where: string, limit = textLimit): string | null {
  const kind = kindOf(path)
  if (kind === null) return null
  const files = new ModelFiles()
  try {
    const bytes = files.open(path, where)
    check(bytes <= limit, where, `${path}: too large for a file of settings`, `at most ${limit} bytes`, `${bytes}`)
    const into = new Uint8Array(bytes)
    files.fill(path, 0, into, where)
    return new TextDecoder('utf-8', { fatal: true }).decode(into)
  } catch (cause) {
    if (cause instanceof WeftError) throw cause
    throw new WeftError({ where, what: `${path}: not UTF-8 text`, cause })
  } finally {
    files.close()
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
}
