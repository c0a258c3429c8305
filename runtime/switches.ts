/**
 * Everything weft takes from the environment, read here and nowhere else. The switches are for people who debug weft
 * or whose libraries lie in unusual places; what a user chooses in daily life is an option of the command line.
 */
import { check } from '../graph/error.js'

export interface Switches {
  /** WEFT_DEBUG: 1 device and memory, 2 each launch with its time, 3 plan and kernels. */
  readonly debug: 0 | 1 | 2 | 3
  /** WEFT_DUMP: folder that receives every form as numbered files. */
  readonly dump: string | null
  /** WEFT_CHECK=1: replay each launch on the evaluator and stop at the first that differs. */
  readonly check: boolean
  /** WEFT_CACHE: folder of the disk cache, instead of `weft` in the user's cache folder. */
  readonly cache: string | null
  /** XDG_CACHE_HOME: the user's cache folder, instead of ~/.cache. */
  readonly userCache: string | null
  /** WEFT_NVRTC: NVRTC's library, or a folder that holds it (a Python wheel unpacked, a toolkit). */
  readonly nvrtc: string | null
  /** WEFT_COMMIT: what results name as the commit weft was built from, in place of the one checked out beside the program. */
  readonly commit: string | null
  /** Where Python keeps packages that may carry NVRTC: VIRTUAL_ENV and CONDA_PREFIX. */
  readonly pythonPrefixes: readonly string[]
  /** What the Hugging Face tools read, as it stands; `engine/hub/settings.ts` says what follows from it. */
  readonly hub: HubVariables
}

export interface HubVariables {
  /** HF_TOKEN, or its older name HUGGING_FACE_HUB_TOKEN. */
  readonly token: string | null
  /** HF_TOKEN_PATH: the file that holds it. */
  readonly tokenPath: string | null
  /** HF_ENDPOINT: another hub than huggingface.co. */
  readonly endpoint: string | null
  /** HF_HOME: folder of all Hugging Face tools. */
  readonly home: string | null
  /** HF_HUB_CACHE, or its older name HUGGINGFACE_HUB_CACHE: folder of downloaded repositories. */
  readonly cache: string | null
  /** HF_HUB_OFFLINE: never ask the hub. */
  readonly offline: string | null
}

const environment = (): Readonly<Record<string, string | undefined>> => (typeof process === 'undefined' ? {} : process.env)

/** The switches as the environment has them now. Throws a WeftError for a value that means nothing. */
export function switches(): Switches {
  const env = environment()
  const text = (name: string): string | null => env[name] || null
  const debug = Number(env['WEFT_DEBUG'] || 0)
  check(debug === 0 || debug === 1 || debug === 2 || debug === 3, 'WEFT_DEBUG', 'level', '0, 1, 2 or 3', env['WEFT_DEBUG'])
  const checked = env['WEFT_CHECK'] || '0'
  check(checked === '0' || checked === '1', 'WEFT_CHECK', 'value', '0 or 1', checked)
  return Object.freeze({
    debug, dump: text('WEFT_DUMP'), check: checked === '1', cache: text('WEFT_CACHE'), userCache: text('XDG_CACHE_HOME'),
    nvrtc: text('WEFT_NVRTC'), commit: text('WEFT_COMMIT'),
    pythonPrefixes: Object.freeze([text('VIRTUAL_ENV'), text('CONDA_PREFIX')].filter(p => p !== null)),
    hub: Object.freeze({
      token: text('HF_TOKEN') ?? text('HUGGING_FACE_HUB_TOKEN'), tokenPath: text('HF_TOKEN_PATH'), endpoint: text('HF_ENDPOINT'),
      home: text('HF_HOME'), cache: text('HF_HUB_CACHE') ?? text('HUGGINGFACE_HUB_CACHE'), offline: text('HF_HUB_OFFLINE'),
    }),
  })
}
