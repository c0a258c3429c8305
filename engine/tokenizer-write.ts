/**
 * A tokenizer as files: `tokenizer.json` with `tokenizer_config.json`, and GGUF's metadata. GGUF names its split and has no words for
 * the rest (normalizer, how added tokens take spaces): what a reader would not get back from the name is said in a note.
 */
import { check } from '../graph/error.js'
import type { GgufMetadata } from '../weights/gguf-write.js'
import type { GenerationDefaults } from '../weights/model.js'
import { CONTROL, impliedBySplit, NORMAL, UNUSED, USER_DEFINED } from './tokenizer-gguf.js'
import { patterns } from './tokenizer-json.js'
import type { Split, TokenizerSpec } from './tokenizer-spec.js'

/** A token that stands for no text: a hole of the vocabulary, or what fills it up to the rows of the embedding. */
const isUnused = (spec: TokenizerSpec, added: ReadonlySet<number>, id: number): boolean => spec.reachable[id] === 0 && !added.has(id)

/** `tokenizer.json` as the Hugging Face library reads it. Tokens that fill the vocabulary up at its end are left out. */
export function tokenizerJson(spec: TokenizerSpec): Record<string, unknown> {
  const added = new Set(spec.added.map(t => t.id))
  const ids = spec.tokens.map((_, id) => id)
  // Added tokens get the ids after the vocabulary's, in order: those among it have to be in it.
  const lastOwn = ids.findLast(id => !added.has(id) && !isUnused(spec, added, id)) ?? -1
  const vocab = Object.fromEntries(ids.slice(0, lastOwn + 1).map(id => [spec.tokens[id], id]))
  const byteLevel = (regex: boolean): Record<string, unknown> => ({ type: 'ByteLevel', add_prefix_space: false, trim_offsets: regex, use_regex: regex })
  const around = [...spec.prefix, ...spec.suffix]
  const special = (id: number): Record<string, unknown> => ({ SpecialToken: { id: spec.tokens[id], type_id: 0 } })
  const single = [...spec.prefix.map(special), { Sequence: { id: 'A', type_id: 0 } }, ...spec.suffix.map(special)]
  return {
    version: '1.0', truncation: null, padding: null,
    added_tokens: [...spec.added].sort((a, b) => a.id - b.id).map(t => ({ id: t.id, content: t.content, single_word: false, lstrip: t.lstrip, rstrip: t.rstrip, normalized: t.normalized, special: t.special })),
    normalizer: spec.nfc ? { type: 'NFC' } : null,
    pre_tokenizer: preTokenizer(spec.split, byteLevel),
    post_processor: around.length === 0 ? byteLevel(false) : {
      type: 'TemplateProcessing', single, pair: [...single, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: Object.fromEntries(around.map(id => [spec.tokens[id], { id: spec.tokens[id], ids: [id], tokens: [spec.tokens[id]] }])),
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE', dropout: null, unk_token: spec.unknownId === null ? null : spec.tokens[spec.unknownId], continuing_subword_prefix: null, end_of_word_suffix: null,
      fuse_unk: false, byte_fallback: false, ignore_merges: spec.ignoreMerges, vocab, merges: spec.merges.left.map((left, i) => [left, spec.merges.right[i]]),
    },
  }
}

function preTokenizer(split: Split, byteLevel: (regex: boolean) => Record<string, unknown>): Record<string, unknown> {
  switch (split) {
    case 'gpt-2': return byteLevel(true)
    case 'smollm': return { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel(true)] }
    case 'qwen2': case 'llama3': {
      const [regex] = [...patterns].find(([, s]) => s === split)!
      return { type: 'Sequence', pretokenizers: [{ type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false }, byteLevel(false)] }
    }
    default: return split satisfies never
  }
}

/** `tokenizer_config.json`, with the chat template. */
export function tokenizerConfigJson(spec: TokenizerSpec, chatTemplate: string | null): Record<string, unknown> {
  const named = (id: number | null): string | null => (id === null ? null : spec.tokens[id]!)
  return {
    tokenizer_class: 'PreTrainedTokenizerFast', clean_up_tokenization_spaces: false, bos_token: named(spec.bosId), eos_token: named(spec.eosId),
    ...(chatTemplate === null ? {} : { chat_template: chatTemplate }),
  }
}

export interface GgufTokenizer {
  readonly metadata: GgufMetadata
  /** What a reader of the file will not know. */
  readonly notes: readonly string[]
}

/** GGUF's metadata of a tokenizer. @param vocab rows of the embedding, up to which tokens are filled up */
export function ggufTokenizer(spec: TokenizerSpec, vocab: number, generation: GenerationDefaults, chatTemplate: string | null): GgufTokenizer {
  check(spec.tokens.length <= vocab, 'tokenizer', `${spec.where}: tokens`, `at most ${vocab}, the rows of the embedding`, `${spec.tokens.length}`)
  const added = new Map(spec.added.map(t => [t.id, t.special]))
  const own = new Set(added.keys())
  const typeOf = (id: number): number => (added.has(id) ? (added.get(id) ? CONTROL : USER_DEFINED) : isUnused(spec, own, id) ? UNUSED : NORMAL)
  const tokens = Array.from({ length: vocab }, (_, id) => spec.tokens[id] ?? `[PAD${id}]`)
  const types = Int32Array.from({ length: vocab }, (_, id) => (id < spec.tokens.length ? typeOf(id) : UNUSED))
  const implied = impliedBySplit(spec.split)
  const eos = spec.eosId ?? generation.stopIds[0] ?? null
  const others = generation.stopIds.filter(id => id !== eos)
  const id = (name: string, value: number | null | undefined): GgufMetadata => (value === null || value === undefined ? [] : [[`tokenizer.ggml.${name}_token_id`, { type: 'u32', value }]])
  const wraps = (ids: readonly number[], own: number | null): boolean => ids.length === 1 && ids[0] === own
  const notes = [
    ...(spec.nfc === implied.nfc ? [] : [`normalization (${spec.nfc ? 'NFC' : 'none'}) is not what readers take from the split's name`]),
    ...(spec.ignoreMerges === implied.ignoreMerges ? [] : ['whether whole tokens go before merges is not what readers take from the split\'s name']),
    ...(spec.added.some(t => t.lstrip || t.rstrip) ? ['added tokens that take the spaces around them will not'] : []),
    ...(spec.unknownId === null ? [] : ['the unknown token is not kept']),
    ...([[spec.prefix, spec.bosId], [spec.suffix, eos]] as const).flatMap(([ids, one]) => (ids.length === 0 || wraps(ids, one) ? [] : ['tokens put around a text, other than BOS and EOS, are not kept'])),
  ]
  const metadata: GgufMetadata = [
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.pre', { type: 'string', value: implied.name }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: tokens }],
    ['tokenizer.ggml.token_type', { type: 'i32s', value: types }],
    ['tokenizer.ggml.merges', { type: 'strings', value: spec.merges.left.map((left, i) => `${left} ${spec.merges.right[i]}`) }],
    ...id('bos', spec.bosId), ...id('eos', eos), ...id('eot', others[0]), ...id('eom', others[1]),
    ['tokenizer.ggml.add_bos_token', { type: 'bool', value: wraps(spec.prefix, spec.bosId) }],
    ['tokenizer.ggml.add_eos_token', { type: 'bool', value: wraps(spec.suffix, eos) }],
    ...(chatTemplate === null ? [] : [['tokenizer.chat_template', { type: 'string', value: chatTemplate }]] as const),
  ]
  return { metadata, notes: [...new Set(notes)] }
}
