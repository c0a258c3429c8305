/**
 * Reads Hugging Face's `tokenizer.json` (and what `tokenizer_config.json` adds) for byte-level BPE. Everything the file
 * may ask for is either honoured or an error that names it: a tokenizer that is nearly right gives text that is
 * nearly right.
 */
import { basename, dirname, join } from 'node:path'
import { parseObject, show } from '../weights/fields.js'
import { readText } from '../weights/files.js'
import { checkNoHoles, fail, isRecord, MAX_MERGES, MAX_TOKENS, type AddedToken, type Split, type TokenizerSpec } from './tokenizer-spec.js'

/** The largest in use have 40 MB and 2 million values. */
const fileLimit = 1 << 26
const valuesLimit = 1 << 23
/** Far above what any file nests, or puts around a text. */
const depthLimit = 8
const aroundLimit = 64

type Json = Readonly<Record<string, unknown>>

function readJson(file: string): Json {
  const text = readText(file, 'tokenizer', fileLimit) ?? fail(file, 'cannot be read', 'a file')
  return parseObject(text, file, basename(file), valuesLimit)
}

/** Reads both files. Throws WeftError naming the file for anything malformed or not supported. */
export async function readTokenizerJson(file: string, configFile: string | null): Promise<TokenizerSpec> {
  const json = readJson(file)
  const config = configFile === null ? {} : readJson(configFile)
  const model = isRecord(json.model) ? json.model : fail(file, 'model', 'an object', json.model)
  checkModel(file, model)

  const nfc = readNormalizer(file, json.normalizer)
  const tokens = readVocabulary(file, model.vocab)
  const inModel = tokens.map(token => token !== undefined ? 1 : 0)
  const added = readAdded(file, json.added_tokens, tokens, model.vocab as Json, nfc)
  checkNoHoles(file, tokens)
  const idOf = (content: string): number | null => {
    const token = added.find(({ content: c }) => c === content)
    if (token) return token.id
    const id = tokens.indexOf(content)
    return id < 0 ? null : id
  }
  const decoders = stages(file, 'decoder', 'decoders', json.decoder)
  if (decoders.length !== 1 || decoders[0].type !== 'ByteLevel') fail(file, 'decoder is not supported', 'ByteLevel', json.decoder)
  const { prefix, suffix } = readTemplate(file, json.post_processor)
  const wrapped = [prefix, suffix].map(names => names.map(name => idOf(name) ?? fail(file, 'post_processor: no such token', undefined, name)))
  return {
    where: file,
    tokens,
    reachable: Uint8Array.from({ length: tokens.length }, (_, id) => inModel[id] ?? 0),
    merges: readMerges(file, model.merges),
    added,
    split: readSplit(file, json.pre_tokenizer),
    nfc,
    ignoreMerges: model.ignore_merges === true,
    unknownId: readUnknown(file, model, idOf),
    prefix: wrapped[0],
    suffix: wrapped[1],
    bosId: readNamed(configFile ?? file, 'bos_token', config, idOf),
    eosId: readNamed(configFile ?? file, 'eos_token', config, idOf),
    chatTemplate: readChatTemplate(configFile ?? file, config),
  }
}

function checkModel(file: string, model: Json): void {
  if (model.type !== 'BPE') fail(file, 'model.type', '"BPE"', model.type)
  const plain = { dropout: 0, continuing_subword_prefix: '', end_of_word_suffix: '', byte_fallback: false }
  for (const [name, neutral] of Object.entries(plain)) {
    const value = model[name] ?? neutral
    if (value !== neutral) fail(file, `model.${name} is not supported`, 'none', value)
  }
}

function readVocabulary(file: string, vocab: unknown): (string | undefined)[] {
  if (!isRecord(vocab)) fail(file, 'model.vocab', 'an object of tokens and ids', Array.isArray(vocab) ? 'an array' : vocab)
  const names = Object.keys(vocab)
  const tokens: (string | undefined)[] = new Array(names.length)
  for (const name of names) {
    const id = vocab[name]
    if (!isId(id)) fail(file, `model.vocab: the id of ${show(name)}`, `an integer below ${MAX_TOKENS}`, id)
    if (tokens[id] !== undefined) fail(file, `model.vocab: ${show(tokens[id])} and ${show(name)} both have id ${id}`)
    tokens[id] = name
  }
  return tokens
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_TOKENS
}

/** Enters the added tokens among `tokens` too. One that the vocabulary has must have its id there; one matched in normalized text is itself normalized. */
function readAdded(file: string, value: unknown, tokens: (string | undefined)[], vocab: Json, nfc: boolean): readonly AddedToken[] {
  if (!Array.isArray(value ?? [])) fail(file, 'added_tokens', 'an array', value)
  return ((value ?? []) as readonly unknown[]).map((entry, index) => {
    const at = `added_tokens[${index}]`
    if (!isRecord(entry)) fail(file, at, 'an object', entry)
    const { id } = entry
    if (!isId(id)) fail(file, `${at}.id`, `an integer below ${MAX_TOKENS}`, id)
    if (typeof entry.content !== 'string' || entry.content === '') fail(file, `${at}.content`, 'a string of one character or more', entry.content)
    if (entry.single_word === true) fail(file, `${at}.single_word is not supported`, 'false', true)
    const flag = (name: string, otherwise: boolean): boolean => {
      const given = entry[name] ?? otherwise
      return typeof given === 'boolean' ? given : fail(file, `${at}.${name}`, 'true or false', given)
    }
    const special = flag('special', false), normalized = flag('normalized', !special)
    const content = nfc && normalized ? entry.content.normalize('NFC') : entry.content
    if (tokens[id] !== undefined && tokens[id] !== content) fail(file, `${at}: id ${id} is already ${show(tokens[id])}`, undefined, content)
    if (Object.hasOwn(vocab, content) && vocab[content] !== id) fail(file, `${at}.id: ${show(content)} is in model.vocab too`, `${vocab[content]}`, id)
    tokens[id] = content
    return { id, content, special, lstrip: flag('lstrip', false), rstrip: flag('rstrip', false), normalized }
  })
}

function readMerges(file: string, merges: unknown): TokenizerSpec['merges'] {
  if (!Array.isArray(merges)) fail(file, 'model.merges', 'an array', merges)
  if (merges.length > MAX_MERGES) fail(file, 'model.merges: there are too many', `at most ${MAX_MERGES}`, merges.length)
  const left = new Array<string>(merges.length), right = new Array<string>(merges.length)
  for (let i = 0; i < merges.length; i++) {
    const merge: unknown = merges[i]
    const pair: readonly unknown[] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : []
    const [a, b] = pair
    if (pair.length !== 2 || typeof a !== 'string' || typeof b !== 'string') fail(file, `model.merges[${i}]`, 'two tokens', merge)
    left[i] = a
    right[i] = b
  }
  return { left, right }
}

function readUnknown(file: string, model: Json, idOf: (token: string) => number | null): number | null {
  const token = model.unk_token ?? null
  if (token === null) return null
  if (model.fuse_unk === true) fail(file, 'model.fuse_unk is not supported', 'false', true)
  return typeof token === 'string' ? idOf(token) ?? fail(file, 'model.unk_token: no such token', undefined, token) : fail(file, 'model.unk_token', 'a string', token)
}

/** Flattens the `Sequence` of any stage. */
function stages(file: string, at: string, list: string, value: unknown, depth = 0): readonly Json[] {
  if (value === null || value === undefined) return []
  if (!isRecord(value)) fail(file, at, 'an object', value)
  if (value.type !== 'Sequence') return [value]
  if (depth === depthLimit) fail(file, `${at}: sequences nested too deep`, `at most ${depthLimit}`)
  const parts = value[list]
  if (!Array.isArray(parts)) fail(file, `${at}.${list}`, 'an array', parts)
  return parts.flatMap((part: unknown, i) => stages(file, `${at}.${list}[${i}]`, list, part, depth + 1))
}

function readNormalizer(file: string, value: unknown): boolean {
  const parts = stages(file, 'normalizer', 'normalizers', value)
  for (const part of parts) if (part.type !== 'NFC') fail(file, 'normalizer is not supported', 'NFC or none', part)
  return parts.length > 0
}

/** Regular expressions of `Split` that there is a scanner for. */
export const patterns: ReadonlyMap<string, Split> = new Map([
  ["(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", 'qwen2'],
  ["(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", 'llama3'],
  ["'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", 'gpt-2'],
])

function readSplit(file: string, value: unknown): Split {
  const parts = stages(file, 'pre_tokenizer', 'pretokenizers', value)
  const bytes = parts.at(-1)
  if (bytes?.type !== 'ByteLevel') fail(file, 'pre_tokenizer is not supported', 'one that ends in ByteLevel', value)
  // absent means true in the Rust library, for both
  if (bytes.add_prefix_space !== false) fail(file, 'pre_tokenizer: add_prefix_space is not supported', 'false', bytes.add_prefix_space ?? 'none')
  const gpt2 = bytes.use_regex !== false
  const before = parts.slice(0, -1)
  if (before.length === 0 && gpt2) return 'gpt-2'
  const [first] = before
  if (before.length === 1 && first.type === 'Digits' && first.individual_digits === true && gpt2) return 'smollm'
  if (before.length === 1 && first.type === 'Split' && !gpt2) {
    const regex = isRecord(first.pattern) ? first.pattern.Regex : undefined
    const known = typeof regex === 'string' ? patterns.get(regex) : undefined
    const plain = first.behavior === 'Isolated' && (first.invert ?? false) === false
    const removed = first.behavior === 'Removed' && first.invert === true
    if (known !== undefined && (plain || removed)) return known
    fail(file, 'pre_tokenizer: unknown split pattern', 'the pattern of Qwen2, Llama 3 or GPT-2', first)
  }
  fail(file, 'pre_tokenizer is not supported', 'ByteLevel, Digits and ByteLevel, or Split and ByteLevel', value)
}

/** Names of the tokens that `TemplateProcessing` puts around a single text. */
function readTemplate(file: string, value: unknown): { readonly prefix: readonly string[], readonly suffix: readonly string[] } {
  const prefix: string[] = [], suffix: string[] = []
  for (const part of stages(file, 'post_processor', 'processors', value)) {
    if (part.type === 'ByteLevel') continue
    if (part.type !== 'TemplateProcessing' || !Array.isArray(part.single)) fail(file, 'post_processor is not supported', 'ByteLevel or TemplateProcessing', part)
    let after = false
    for (const item of part.single as readonly unknown[]) {
      const token = isRecord(item) && isRecord(item.SpecialToken) ? item.SpecialToken.id : undefined
      if (typeof token === 'string') (after ? suffix : prefix).push(token)
      else if (isRecord(item) && isRecord(item.Sequence) && !after) after = true
      else fail(file, 'post_processor: an item of the template', 'a SpecialToken, or one Sequence', item)
    }
  }
  if (prefix.length + suffix.length > aroundLimit) fail(file, 'post_processor: tokens around a text', `at most ${aroundLimit}`, prefix.length + suffix.length)
  return { prefix, suffix }
}

function readNamed(file: string, name: string, config: Json, idOf: (token: string) => number | null): number | null {
  const value = config[name] ?? null
  if (value === null) return null
  const token = isRecord(value) ? value.content : value
  if (typeof token !== 'string') fail(file, name, 'a token', value)
  return idOf(token) ?? fail(file, `${name}: no such token`, undefined, token)
}

/** The config's own template, the one named default where there are several, or the file `chat_template.jinja` beside it. */
function readChatTemplate(file: string, config: Json): string | null {
  const value = config.chat_template ?? null
  if (typeof value === 'string') return value
  if (Array.isArray(value)) {
    const entry: unknown = value.find((item: unknown) => isRecord(item) && item.name === 'default')
    if (isRecord(entry) && typeof entry.template === 'string') return entry.template
  }
  if (value !== null) fail(file, 'chat_template', 'a string, or a list with one named default', value)
  return readText(join(dirname(file), 'chat_template.jinja'), 'tokenizer')
}
