/**
 * The one way to the hub's server: adds the token where it belongs and nowhere else, waits as long as the server asks when it
 * is busy, tries again what may pass, and turns every answer that is none into one clear line.
 * `@huggingface/hub` takes such a function in place of `fetch`; it neither retries nor tells a gated repository from a missing one.
 */
import { WeftError } from '../../graph/error.js'
import type { HubSettings } from './settings.js'

type Fetch = typeof fetch

export interface FetchInternals {
  /** Waits; tests count instead. */
  readonly sleep?: (milliseconds: number) => Promise<void>
}

/** No way to the server, or one that only fails: what is in the cache may serve instead. */
export class Unreachable extends WeftError {}

/** The server sends files from their beginning only. */
export class NoRanges extends WeftError {}

const attempts = 6
/** What a server may ask a person to wait. */
const longestWait = 120_000
const answerSeconds = 30
/** Lists of files and facts about a repository; real ones have a few hundred kB. */
const answerLimit = 32 << 20
const passing: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])
/** Errors of a connection that do not pass by themselves. */
const lasting: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT'])

/** A `fetch` for requests about `name` (for the errors). Throws WeftErrors; what it returns is an answer with a usable body. */
export function hubFetch(settings: HubSettings, name: string, internals: FetchInternals = {}): Fetch {
  const sleep = internals.sleep ?? ((ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms)))
  const { origin } = new URL(settings.endpoint)
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const headers = new Headers(init?.headers)
    headers.set('user-agent', 'weft')
    // A redirect to another host drops it (the fetch standard); a list that continues elsewhere must not get it either.
    if (settings.token !== null && url.origin === origin) headers.set('authorization', `Bearer ${settings.token}`)
    for (let attempt = 1; ; attempt++) {
      const answer = await ask(url, { ...init, headers })
      if (answer instanceof Response && answer.ok) {
        checkRange(headers.get('range'), answer, url)
        return url.pathname.startsWith(`${new URL(settings.endpoint).pathname}/api/`.replace('//', '/')) ? whole(answer, url) : answer
      }
      const wait = answer instanceof Response ? waitOf(answer, attempt) : lasting.has(codeOf(answer)) ? null : 500 * 2 ** attempt
      if (wait === null || wait > longestWait || attempt === attempts) throw answer instanceof Response ? await refusal(answer, name, settings, wait) : unreachable(answer, settings)
      if (answer instanceof Response) await answer.body?.cancel()
      await sleep(wait)
    }
  }
}

async function ask(url: URL, init: RequestInit): Promise<Response | Error> {
  const given = new AbortController()
  const timer = setTimeout(() => given.abort(new Error(`no answer within ${answerSeconds} s`)), answerSeconds * 1000)
  try {
    // Only the answer's beginning is waited for here; whoever reads the body notices when it stalls.
    return await fetch(url, { ...init, signal: given.signal })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    clearTimeout(timer)
  }
}

/** Milliseconds to wait before asking again, or null where that would change nothing. */
function waitOf(answer: Response, attempt: number): number | null {
  if (!passing.has(answer.status)) return null
  const header = answer.headers.get('retry-after')
  if (header === null) return 500 * 2 ** attempt
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000
  return Number.isFinite(seconds) ? Math.max(0, seconds * 1000) : 500 * 2 ** attempt
}

/** A server that answers a request for the rest of a file with the whole of it would spoil what is on disk. */
function checkRange(range: string | null, answer: Response, url: URL): void {
  const from = Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0)
  if (from === 0) return
  const begins = Number(/^bytes (\d+)-/.exec(answer.headers.get('content-range') ?? '')?.[1] ?? -1)
  if (answer.status === 206 && begins === from) return
  throw new NoRanges({ where: 'hub', what: `${url.host} does not continue files`, expected: `bytes from ${from}`, got: `status ${answer.status}` })
}

async function whole(answer: Response, url: URL): Promise<Response> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of answer.body ?? []) {
    bytes += (part as Uint8Array).length
    if (bytes > answerLimit) throw new WeftError({ where: 'hub', what: `${url.host}: an answer of more than ${answerLimit} bytes` })
    parts.push(part as Uint8Array)
  }
  return new Response(Buffer.concat(parts), { status: answer.status, headers: answer.headers })
}

/** What a status means to the person who asked. */
async function refusal(answer: Response, name: string, settings: HubSettings, wait: number | null): Promise<WeftError> {
  const code = answer.headers.get('x-error-code')
  await answer.body?.cancel()
  const page = `${settings.endpoint}/${/^[^:@]*/.exec(name)![0]}`
  const what = (text: string): WeftError => new WeftError({ where: 'hub', what: `${name}: ${text}` })
  if (code === 'GatedRepo' || (answer.status === 403 && code === null)) {
    return what(settings.token === null
      ? `access is restricted: accept its conditions at ${page}, then set HF_TOKEN to a token of yours`
      : `the token in HF_TOKEN has no access: accept the conditions at ${page}, or use a token that may read this repository`)
  }
  if (answer.status >= 500) return new Unreachable({ where: 'hub', what: `${new URL(settings.endpoint).host} answers with status ${answer.status}` })
  switch (answer.status) {
    case 401: return what(settings.token === null ? 'no such repository on the hub, or a private one: set HF_TOKEN to a token that may read it' : 'the hub refuses the token in HF_TOKEN, or there is no such repository')
    case 404: return what(code === 'RevisionNotFound' ? 'the repository has no such revision' : code === 'EntryNotFound' ? 'the repository has no such file' : 'no such repository on the hub')
    case 429: return what(`the hub asks for fewer requests${wait !== null && wait > longestWait ? `: try again in ${Math.ceil(wait / 1000)} s` : ', and did so again after waiting; try later, or set HF_TOKEN'}`)
    default: return what(`the hub answers with status ${answer.status}${code === null ? '' : ` (${code.slice(0, 60)})`}`)
  }
}

function unreachable(error: Error, settings: HubSettings): WeftError {
  return new Unreachable({ where: 'hub', what: `${new URL(settings.endpoint).host} cannot be reached (${reasonOf(error)})`, cause: error })
}

function codeOf(error: Error): string {
  const cause: unknown = error.cause
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : ''
}

function reasonOf(error: Error): string {
  return codeOf(error) || (error.cause instanceof Error ? error.cause.message : error.message)
}
