/**
 * Reads the tokenizer in a GGUF file's metadata (`tokenizer.ggml.*`). The file names its split instead of giving a
 * pattern, and leaves out the normalizer, which therefore follows from the name: those whose original has NFC get NFC,
 * so that the ids are the original's.
 */
import { checkNoHoles, fail, isRecord, type AddedToken, type Split, type TokenizerSpec } from './tokenizer-spec.js'

interface Pre {
  readonly split: Split
  readonly nfc: boolean
  readonly ignoreMerges: boolean
  readonly addBos: boolean
}

const gpt2: Pre = { split: 'gpt-2', nfc: false, ignoreMerges: false, addBos: false }
const smollm: Pre = { ...gpt2, split: 'smollm' }
const qwen2: Pre = { split: 'qwen2', nfc: true, ignoreMerges: false, addBos: false }
const llama3: Pre = { split: 'llama3', nfc: false, ignoreMerges: true, addBos: true }

/** `tokenizer.ggml.pre`: names in use, as llama.cpp's `llama-vocab.cpp` groups them. */
const pres: ReadonlyMap<string, Pre> = new Map([
  ['gpt-2', gpt2], ['phi-2', gpt2], ['olmo', gpt2], ['mpt', gpt2],
  ['smollm', smollm], ['starcoder', smollm], ['refact', smollm], ['codeshell', smollm],
  ['qwen2', qwen2], ['deepseek-r1-qwen', qwen2],
  ['llama-bpe', llama3], ['llama3', llama3], ['llama-v3', llama3], ['falcon3', llama3],
  ['smaug-bpe', { ...llama3, ignoreMerges: false, addBos: false }],
])

/** Token types of GGUF that matter here. */
export const NORMAL = 1, CONTROL = 3, USER_DEFINED = 4, UNUSED = 5

/** What a reader makes of a split's usual name, by which `tokenizer.ggml.pre` says everything but tokens and merges. */
export function impliedBySplit(split: Split): { readonly name: string; readonly nfc: boolean; readonly ignoreMerges: boolean } {
  const [name, pre] = [...pres].find(([, p]) => p.split === split)!
  return { name, nfc: pre.nfc, ignoreMerges: pre.ignoreMerges }
}

type Metadata = Readonly<Record<string, unknown>>

/** Reads the metadata. Throws WeftError naming the file and the key for anything malformed or not supported. */
export function readTokenizerGguf(file: string, metadata: Metadata): TokenizerSpec {
  const model = metadata['tokenizer.ggml.model']
  if (model !== 'gpt2') fail(file, 'tokenizer.ggml.model is not supported', '"gpt2" (byte-level BPE)', model)
  const name = metadata['tokenizer.ggml.pre']
  const pre = typeof name === 'string' ? pres.get(name) : undefined
  if (pre === undefined) fail(file, 'tokenizer.ggml.pre is not supported', [...pres.keys()].join(', '), name)

  const tokens = strings(file, metadata, 'tokenizer.ggml.tokens')
  const types = readTypes(file, metadata, tokens.length)
  const reachable = new Uint8Array(tokens.length)
  const added: AddedToken[] = []
  for (let id = 0; id < tokens.length; id++) {
    const type = types[id]
    reachable[id] = type === CONTROL || type === UNUSED ? 0 : 1
    if ((type === CONTROL || type === USER_DEFINED) && tokens[id] !== '') {
      added.push({ id, content: tokens[id], special: type === CONTROL, lstrip: false, rstrip: false, normalized: false })
    }
  }
  const bosId = readId(file, metadata, 'bos', tokens.length)
  const eosId = readId(file, metadata, 'eos', tokens.length)
  const template = metadata['tokenizer.chat_template'] ?? null
  if (template !== null && typeof template !== 'string') fail(file, 'tokenizer.chat_template', 'a string', template)
  return {
    where: file,
    tokens,
    reachable,
    merges: readMerges(file, strings(file, metadata, 'tokenizer.ggml.merges')),
    added,
    split: pre.split,
    nfc: pre.nfc,
    ignoreMerges: pre.ignoreMerges,
    // the originals of these families have no unknown token: bytes that the vocabulary lacks are dropped
    unknownId: null,
    prefix: around(file, metadata, 'bos', bosId, pre.addBos),
    suffix: around(file, metadata, 'eos', eosId, false),
    bosId,
    eosId,
    chatTemplate: template,
  }
}

function strings(file: string, metadata: Metadata, key: string): readonly string[] {
  const value = metadata[key]
  if (!Array.isArray(value)) fail(file, key, 'an array of strings', value)
  const bad = value.findIndex((item: unknown) => typeof item !== 'string')
  if (bad >= 0) fail(file, `${key}[${bad}]`, 'a string', value[bad])
  checkNoHoles(file, value as readonly (string | undefined)[])
  return value as readonly string[]
}

function readTypes(file: string, metadata: Metadata, length: number): ArrayLike<unknown> {
  const value = metadata['tokenizer.ggml.token_type']
  if (value === undefined) return new Uint8Array(length).fill(1)
  const list = Array.isArray(value) || ArrayBuffer.isView(value) ? value as unknown as ArrayLike<unknown> : null
  if (list === null || list.length !== length) fail(file, 'tokenizer.ggml.token_type', `${length} numbers, one for each token`, list === null ? value : `${list.length}`)
  return list
}

function readMerges(file: string, merges: readonly string[]): TokenizerSpec['merges'] {
  const left = new Array<string>(merges.length), right = new Array<string>(merges.length)
  for (let i = 0; i < merges.length; i++) {
    // a space inside a spelling would be the byte alphabet's Ġ: the only space is the separator
    const space = merges[i].indexOf(' ')
    if (space <= 0 || space === merges[i].length - 1) fail(file, `tokenizer.ggml.merges[${i}]`, 'two tokens', merges[i])
    left[i] = merges[i].slice(0, space)
    right[i] = merges[i].slice(space + 1)
  }
  return { left, right }
}

function readId(file: string, metadata: Metadata, name: string, tokens: number): number | null {
  const key = `tokenizer.ggml.${name}_token_id`
  const value = metadata[key] ?? null
  if (value === null) return null
  const id = typeof value === 'bigint' ? Number(value) : value
  return typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < tokens ? id : fail(file, key, `an id below ${tokens}`, value)
}

function around(file: string, metadata: Metadata, name: string, id: number | null, otherwise: boolean): readonly number[] {
  const key = `tokenizer.ggml.add_${name}_token`
  const value = metadata[key] ?? otherwise
  if (typeof value !== 'boolean') fail(file, key, 'true or false', isRecord(value) ? 'an object' : value)
  return value && id !== null ? [id] : []
}
