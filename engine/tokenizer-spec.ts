/**
 * What a tokenizer is, apart from the file it came from: readers of `tokenizer.json` and of GGUF metadata yield this, and
 * `tokenizer.ts` lays it out in the flat memory of the compiled module. Also the byte alphabet both files spell tokens in.
 */
import { WeftError } from '../graph/error.js'
import { show } from '../weights/fields.js'

/** The split patterns that there are scanners for, by the number `assembly/split.ts` gives them. */
export const splits = { 'gpt-2': 0, smollm: 1, qwen2: 2, llama3: 3 } as const
export type Split = keyof typeof splits

/** Far above any vocabulary in use, and small enough that a hostile file cannot ask for much memory. */
export const MAX_TOKENS = 1 << 22
/** The largest in use have half a million. */
export const MAX_MERGES = 1 << 21
/** Bytes of all added tokens; a trie takes 16 for each. */
export const MAX_ADDED_BYTES = 1 << 22

export interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special: boolean
  readonly lstrip: boolean
  readonly rstrip: boolean
  /** Matched in the normalized text instead of the text as it is. */
  readonly normalized: boolean
}

export interface TokenizerSpec {
  /** The file, for messages. */
  readonly where: string
  /** Every token's spelling by id, added tokens among them; no holes. */
  readonly tokens: readonly string[]
  /** 1 for each id that byte-pair encoding may yield. */
  readonly reachable: Uint8Array
  /** Left parts and right parts, by rank. */
  readonly merges: { readonly left: readonly string[], readonly right: readonly string[] }
  readonly added: readonly AddedToken[]
  readonly split: Split
  readonly nfc: boolean
  /** A piece that is a token is that token, whatever the merges say. */
  readonly ignoreMerges: boolean
  /** Stands for bytes that the vocabulary lacks; null drops them. */
  readonly unknownId: number | null
  /** What `addSpecial` puts before and after the text. */
  readonly prefix: readonly number[]
  readonly suffix: readonly number[]
  readonly bosId: number | null
  readonly eosId: number | null
  readonly chatTemplate: string | null
}

/**
 * The byte that a character of a token's spelling stands for, by code unit; -1 for the others. Printable characters of
 * Latin-1 stand for themselves, the other 68 bytes for U+0100 and on (GPT-2's `bytes_to_unicode`).
 */
export function byteAlphabet(): Int16Array {
  const bytes = new Int16Array(0x144).fill(-1)
  let next = 0x100
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad)
    bytes[printable ? byte : next++] = byte
  }
  return bytes
}

export function fail(where: string, what: string, expected?: string, got?: unknown): never {
  throw new WeftError({ where, what, ...(expected === undefined ? {} : { expected }), ...(got === undefined ? {} : { got: show(got) }) })
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Throws WeftError unless `tokens` has a string at every id. */
export function checkNoHoles(where: string, tokens: readonly (string | undefined)[]): asserts tokens is readonly string[] {
  for (let id = 0; id < tokens.length; id++) {
    if (tokens[id] === undefined) fail(where, `the vocabulary has a hole: no token has id ${id}, the largest is ${tokens.length - 1}`)
  }
}
