/**
 * A server that behaves as the Hugging Face hub does: facts about a revision, lists of files in pages, files by commit, large ones
 * behind a redirect to another host that knows ranges and must never see the token. What goes wrong is told by a function of
 * the request.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeRepo {
  readonly files: Readonly<Record<string, Uint8Array>>
  /** Revisions beside `main`, by name. */
  readonly commit?: string
  readonly branches?: Readonly<Record<string, string>>
  /** Only a request with this token is answered. */
  readonly token?: string
  readonly gated?: boolean
}

export interface Seen {
  readonly host: 'hub' | 'cdn'
  readonly method: string
  readonly path: string
  readonly range: string | null
  readonly token: string | null
}

/** What goes wrong with a request: a status, the connection cut after so many bytes of a file, other bytes, or ranges ignored. */
export type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly cutAfter: number }
  | { readonly flip: number }
  | { readonly ignoreRange: true }
  | { readonly answer: unknown }

export interface FakeHub {
  readonly endpoint: string
  readonly seen: readonly Seen[]
  readonly repos: Record<string, FakeRepo>
  fault: (request: Seen, count: number) => Fault | null
  forget(): void
  close(): Promise<void>
}

export const defaultCommit = 'c0ffee'.padEnd(40, '0')
/** Files from this size on are large ones, behind the redirect. */
export const largeFrom = 10_000

export async function fakeHub(): Promise<FakeHub> {
  const seen: Seen[] = []
  const hub: FakeHub = {
    endpoint: '', seen, repos: {}, fault: () => null,
    forget: () => { seen.length = 0 },
    close: async () => {
      for (const server of [main, cdn]) {
        server.closeAllConnections()
        await new Promise(resolve => server.close(resolve))
      }
    },
  }
  const serve = (host: Seen['host'], answer: (path: string, request: IncomingMessage, response: ServerResponse, fault: Fault | null) => void) => (request: IncomingMessage, response: ServerResponse): void => {
    const path = decodeURIComponent(request.url ?? '/')
    const note: Seen = { host, method: request.method ?? '', path, range: request.headers.range ?? null, token: /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? null }
    seen.push(note)
    const fault = hub.fault(note, seen.filter(s => s.host === host && s.path === path).length)
    if (fault !== null && 'status' in fault) response.writeHead(fault.status, fault.headers).end()
    else if (fault !== null && 'answer' in fault) json(response, fault.answer)
    else answer(path, request, response, fault)
  }
  const main = createServer(serve('hub', (path, request, response, fault) => {
    const [, repo, what] = /^\/(?:api\/models\/)?([^/]+\/[^/]+)\/(.*)$/.exec(path) ?? []
    const found = repo === undefined ? undefined : hub.repos[repo]
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1]
    // Whoever may not know of a repository hears the same as of one that is not there.
    if (found === undefined || (found.token !== undefined && token !== found.token && !found.gated)) {
      response.writeHead(token === undefined ? 401 : 404, { 'x-error-code': 'RepoNotFound' }).end()
      return
    }
    const { commit = defaultCommit, branches = {} } = found
    const revisions: Readonly<Record<string, string>> = { main: commit, ...branches, ...Object.fromEntries([commit, ...Object.values(branches)].map(c => [c, c])) }
    const [, revision] = /^revision\/([^?]*)/.exec(what!) ?? []
    const [, treeOf, folder] = /^tree\/([^/?]+)(?:\/([^?]*))?/.exec(what!) ?? []
    const [, resolved, file] = /^resolve\/([^/]+)\/(.*)$/.exec(what!) ?? []
    if (revision !== undefined) {
      const sha = revisions[revision]
      if (sha === undefined) response.writeHead(404, { 'x-error-code': 'RevisionNotFound' }).end()
      else json(response, { _id: '1', id: repo, sha, private: false, gated: found.gated === true, downloads: 0, likes: 0, lastModified: '2025-01-01T00:00:00.000Z' })
    } else if (treeOf !== undefined) {
      const page = /[?&]page=(\d)/.exec(path)?.[1]
      const list = listing(found.files, folder ?? null)
      // Two pages, as the real one has of long lists.
      if (page === undefined && list.length > 1) response.setHeader('link', `<${hub.endpoint}${request.url}&page=2>; rel="next"`)
      json(response, page === undefined ? list.slice(0, Math.ceil(list.length / 2)) : list.slice(Math.ceil(list.length / 2)))
    } else if (resolved !== undefined && found.gated && token !== found.token) response.writeHead(403, { 'x-error-code': 'GatedRepo' }).end()
    else if (resolved !== undefined && revisions[resolved] !== undefined && found.files[file!] !== undefined) {
      const bytes = found.files[file!]!
      if (bytes.length >= largeFrom) response.writeHead(302, { location: `${origin(cdn)}/${repo}/${file}` }).end()
      else send(bytes, request, response, fault)
    } else response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end()
  }))
  const cdn = createServer(serve('cdn', (path, request, response, fault) => {
    const [, repo, file] = /^\/([^/]+\/[^/]+)\/(.*)$/.exec(path)!
    send(hub.repos[repo!]!.files[file!]!, request, response, fault)
  }))
  for (const server of [main, cdn]) await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(hub, { endpoint: origin(main) })
}

function origin(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(value))
}

function listing(files: FakeRepo['files'], folder: string | null): readonly object[] {
  const prefix = folder === null ? '' : `${folder}/`
  return Object.entries(files).filter(([path]) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/')).map(([path, bytes]) => ({
    type: 'file', path, size: bytes.length, oid: gitHash(bytes),
    ...(bytes.length < largeFrom ? {} : { lfs: { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length, pointerSize: 134 } }),
  }))
}

/** The name git gives to contents. */
export function gitHash(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

function send(file: Uint8Array, request: IncomingMessage, response: ServerResponse, fault: Fault | null): void {
  const from = fault !== null && 'ignoreRange' in fault ? 0 : Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const ranged = request.headers.range !== undefined && !(fault !== null && 'ignoreRange' in fault)
  const body = Buffer.from(file.subarray(from))
  if (fault !== null && 'flip' in fault) body[Math.min(fault.flip, body.length - 1)]! ^= 1
  response.writeHead(ranged ? 206 : 200, { 'content-length': body.length, ...(ranged ? { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` } : {}) })
  if (fault === null || !('cutAfter' in fault)) response.end(body)
  else response.write(body.subarray(0, fault.cutAfter), () => setTimeout(() => response.destroy(), 20))
}
