/**
 * The one error class. Its message starts with where the error arose, so that a user reads which file,
 * tensor or option is meant before what is wrong with it: `[safetensors] model.safetensors: header length …`.
 */
export interface WeftErrorParts {
  /** The part of weft, file, tensor or option concerned: `safetensors`, `matmul`, `--top-k`. */
  readonly where: string
  /** What is wrong, in one line. */
  readonly what: string
  readonly expected?: string
  readonly got?: string
  /** The process's exit code: 2 for a wrong option, otherwise 1. */
  readonly exitCode?: number
  readonly cause?: unknown
}

export class WeftError extends Error {
  readonly where: string
  readonly expected: string | undefined
  readonly got: string | undefined
  readonly exitCode: number

  constructor(parts: WeftErrorParts) {
    const detail = [parts.expected && `expected ${parts.expected}`, parts.got && `got ${parts.got}`].filter(Boolean).join(', ')
    super(`[${parts.where}] ${parts.what}${detail ? `: ${detail}` : ''}`, parts.cause === undefined ? {} : { cause: parts.cause })
    this.name = 'WeftError'
    this.where = parts.where
    this.expected = parts.expected
    this.got = parts.got
    this.exitCode = parts.exitCode ?? 1
  }
}

/** Throws a WeftError unless `condition` holds. */
export function check(condition: boolean, where: string, what: string, expected?: string, got?: string): asserts condition {
  if (condition) return
  throw new WeftError({ where, what, ...(expected === undefined ? {} : { expected }), ...(got === undefined ? {} : { got }) })
}
