/**
 * Where the hub is, where its cache is, and who asks: what follows from the variables that all Hugging Face tools read, so
 * that a model downloaded by one of them is there for the others.
 * Source: huggingface/huggingface_hub, `constants.py`.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { check } from '../../graph/error.js'
import { switches } from '../../runtime/switches.js'
import { readText } from '../../weights/files.js'

export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string
  /** The folder that holds `models--organization--name`. */
  readonly cache: string
  readonly token: string | null
  /** The hub is not to be asked. */
  readonly offline: boolean
}

/** The settings as the environment has them now. Throws for a value that means nothing. */
export function hubSettings(): HubSettings {
  const { hub, userCache } = switches()
  const home = hub.home ?? join(userCache ?? join(homedir(), '.cache'), 'huggingface')
  const token = (hub.token ?? readText(hub.tokenPath ?? join(home, 'token'), 'hub'))?.trim() || null
  check(token === null || /^[\x21-\x7e]{1,1000}$/.test(token), 'HF_TOKEN', 'the token holds characters that no token has')
  return {
    endpoint: readEndpoint(hub.endpoint ?? 'https://huggingface.co'),
    cache: hub.cache ?? join(home, 'hub'),
    token,
    offline: /^(1|on|yes|true)$/i.test(hub.offline ?? ''),
  }
}

function readEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  check(url !== null && /^https?:$/.test(url.protocol), 'HF_ENDPOINT', 'not an address', 'https://…', JSON.stringify(text))
  return text.replace(/\/+$/, '')
}
