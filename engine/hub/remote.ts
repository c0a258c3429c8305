/**
 * What the hub's server says of a repository, through `@huggingface/hub`: the commit that a revision means, and the files of
 * that commit with their sizes and hashes. A server is a stranger too: every name, size and hash is checked before it
 * becomes a path or an amount.
 */
import { check, WeftError } from '../../graph/error.js'
import { isInteger, readable, show } from '../../weights/fields.js'
import { hubFetch, type FetchInternals } from './fetch.js'
import { hubNameText, isCommit, isRepoFile, type HubName } from './name.js'
import type { HubSettings } from './settings.js'

export interface RemoteFile {
  /** Inside the repository. */
  readonly path: string
  readonly bytes: number
  /** Of the contents: sha256 for large files, git's blob sha1 for small ones. Also its name in the cache. */
  readonly hash: { readonly algorithm: 'sha256' | 'sha1'; readonly hex: string }
}

/** More files than any repository has that is a model. */
const filesLimit = 20_000

export class RemoteRepo {
  readonly #fetch: typeof fetch

  constructor(readonly name: HubName, readonly settings: HubSettings, internals: FetchInternals = {}) {
    this.#fetch = hubFetch(settings, hubNameText(name), internals)
  }

  /** The commit that the revision means now. Throws `Unreachable` where there is no way to the hub. */
  async commit(): Promise<string> {
    const { modelInfo } = await import('@huggingface/hub')
    const { repo, revision } = this.name
    const { sha } = await this.#library(() => modelInfo({ name: repo, revision, additionalFields: ['sha'], hubUrl: this.settings.endpoint, fetch: this.#fetch }))
    check(typeof sha === 'string' && isCommit(sha), 'hub', `${repo}: the hub's answer`, 'a commit of 40 digits', show(sha))
    return sha
  }

  /** The files of `commit` by path: those at the top, and those beside the one that is wanted. */
  async files(commit: string): Promise<ReadonlyMap<string, RemoteFile>> {
    const folder = this.name.file?.includes('/') ? this.name.file.slice(0, this.name.file.lastIndexOf('/')) : null
    const files = new Map<string, RemoteFile>()
    for (const path of folder === null ? [null] : [null, folder]) {
      for (const file of await this.#list(commit, path)) files.set(file.path, file)
    }
    return files
  }

  /** The bytes of a file from `from`, as they come. */
  async open(file: RemoteFile, commit: string, from: number): Promise<AsyncIterable<Uint8Array>> {
    const { downloadFile } = await import('@huggingface/hub')
    const { repo } = this.name
    const url = `${this.settings.endpoint}/${repo}/resolve/${commit}/${file.path.split('/').map(encodeURIComponent).join('/')}`
    // The library's stream forgets which error ended it.
    let failure: unknown = null
    const watched: typeof fetch = async (input, init) => {
      try {
        return await this.#fetch(input, init)
      } catch (error) {
        failure = error
        throw error
      }
    }
    const blob = await this.#library(() => downloadFile({
      repo, path: file.path, revision: commit, hubUrl: this.settings.endpoint, fetch: watched, xet: false,
      downloadInfo: { size: file.bytes, etag: file.hash.hex, url },
    }))
    check(blob !== null, 'hub', `${repo}: the repository has no file ${readable(file.path)}`)
    return streamed((from === 0 ? blob : blob.slice(from)).stream(), () => failure)
  }

  async #list(commit: string, path: string | null): Promise<readonly RemoteFile[]> {
    const { listFiles } = await import('@huggingface/hub')
    const { repo } = this.name
    return this.#library(async () => {
      const files: RemoteFile[] = []
      const entries = listFiles({ repo, revision: commit, recursive: false, ...(path === null ? {} : { path }), hubUrl: this.settings.endpoint, fetch: this.#fetch })
      for await (const entry of entries) {
        check(files.length < filesLimit, 'hub', `${repo}: more than ${filesLimit} files`)
        if (entry.type === 'file') files.push(remoteFile(entry, repo))
      }
      return files
    })
  }

  /** Answers that the library cannot make sense of, as one line of ours. */
  async #library<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (cause) {
      if (cause instanceof WeftError) throw cause
      throw new WeftError({ where: 'hub', what: `${this.name.repo}: the hub's answer cannot be used (${(cause instanceof Error ? cause.message : String(cause)).slice(0, 200)})`, cause })
    }
  }
}

interface Entry {
  readonly path: unknown
  readonly size: unknown
  readonly oid?: unknown
  readonly lfs?: { readonly oid?: unknown; readonly size?: unknown } | null
}

function remoteFile(entry: Entry, repo: string): RemoteFile {
  const { path } = entry
  check(typeof path === 'string' && isRepoFile(path), 'hub', `${repo}: name of a file`, 'one inside the repository', show(path))
  const bytes = entry.lfs?.size ?? entry.size
  check(isInteger(bytes, 0, Number.MAX_SAFE_INTEGER), 'hub', `${repo}: size of ${readable(path)}`, 'a number of bytes', show(bytes))
  const [algorithm, digits] = entry.lfs ? ['sha256', 64] as const : ['sha1', 40] as const
  const hex = entry.lfs ? entry.lfs.oid : entry.oid
  check(typeof hex === 'string' && hex.length === digits && /^[0-9a-f]+$/.test(hex), 'hub', `${repo}: hash of ${readable(path)}`, `${digits} hexadecimal digits`, show(hex))
  return { path, bytes, hash: { algorithm, hex } }
}

const stallSeconds = 60

/** The parts of a stream; one that stands still for a minute is an error like any other interruption. */
async function* streamed(stream: ReadableStream<Uint8Array>, failure: () => unknown): AsyncGenerator<Uint8Array, void, void> {
  const reader = stream.getReader()
  try {
    for (;;) {
      let timer: NodeJS.Timeout | undefined
      const stalled = new Promise<never>((_, reject) => { timer = setTimeout(() => reject(new Error(`nothing came for ${stallSeconds} s`)), stallSeconds * 1000) })
      try {
        const { done, value } = await Promise.race([reader.read(), stalled])
        if (done) return
        yield value
      } catch (error) {
        throw failure() ?? error
      } finally {
        clearTimeout(timer)
      }
    }
  } finally {
    reader.cancel().catch(() => undefined)
  }
}
