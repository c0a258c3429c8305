/**
 * Perplexity and divergence against values that transformers and gguf-py gave (`test/fixtures/make/perplexity.py`), and what
 * `weft perplexity` and `weft inspect --tensor` print.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { perplexity, scoredText, type PerplexityReport } from '../engine/perplexity.js'
import { load } from '../engine/load.js'
import type { Model, Session } from '../engine/types.js'
import { dequantize } from '../weights/dequantize.js'
import { ModelFiles } from '../weights/files.js'
import { readSafetensors } from '../weights/safetensors.js'
import { weft } from './help-cli.js'
import { fixtures } from './support/models.js'

interface Expected {
  readonly ids: readonly number[]
  readonly context: number
  readonly chunks: number
  readonly tokens: number
  readonly base_loss: readonly [number, number]
  readonly loss: readonly [number, number]
  readonly log_ratio: readonly [number, number]
  readonly kl: readonly [number, number]
  readonly kl_999: number
  readonly kl_99: number
  readonly kl_median: number
  readonly kl_most: number
  readonly same_top: number
  readonly rms_delta_p: number
}
const expected = JSON.parse(readFileSync(join(fixtures, 'perplexity/expected.json'), 'utf8')) as Expected
const [base, copy] = [join(fixtures, 'models/qwen3'), join(fixtures, 'gguf/qwen3-q8_0/model.gguf')]
const folder = mkdtempSync(join(tmpdir(), 'weft-perplexity-'))
test.after(() => rmSync(folder, { recursive: true }))

const near = (got: number, want: number, what: string, relative = 1e-4): void =>
  assert.ok(Math.abs(got - want) <= relative * Math.abs(want) + 1e-7, `${what}: ${got}, ${want} expected`)

function right(r: PerplexityReport): void {
  assert.equal([r.context, r.chunks, r.tokens], [expected.context, expected.chunks, expected.tokens])
  const exponential = ([mean, error]: readonly [number, number]): readonly [number, number] => [Math.exp(mean), error * Math.exp(mean)]
  const d = r.divergence!
  const pairs = [
    [r.perplexity, exponential(expected.loss), 'perplexity'], [d.perplexity, exponential(expected.base_loss), 'perplexity of the other'],
    [d.logRatio, expected.log_ratio, 'ratio'], [d.mean, expected.kl, 'mean divergence'],
  ] as const
  for (const [got, [value, error], what] of pairs) {
    near(got.value, value, what, 1e-3)
    near(got.error, error, `${what}'s error`, 1e-3)
  }
  near(d.median, expected.kl_median, 'median', 1e-2)
  near(d.p99, expected.kl_99, '99%', 1e-3)
  near(d.p999, expected.kl_999, '99.9%', 1e-3)
  near(d.largest, expected.kl_most, 'largest', 1e-3)
  near(d.sameTop.value, expected.same_top, 'same top')
  near(d.rmsDeltaP, expected.rms_delta_p, 'Δp', 1e-3)
}

test('perplexity and divergence are those of an independent program, on the evaluator and on a device', async () => {
  for (const device of ['reference', 'wasm'] as const) {
    const options = { device, threads: 2, context: 256, chunk: 16 }
    const model = await load(copy, options)
    const against = await load(base, options)
    try {
      const chunks: number[] = []
      right(await perplexity(model, { ids: Uint32Array.from(expected.ids), bos: null }, { context: expected.context, against, onChunk: n => chunks.push(n) }))
      assert.equal(chunks, [1, 2, 3, 4, 5])
    } finally {
      await model.close()
      await against.close()
    }
  }
})

/** A model whose logits are counted as they pass: token t is likelier after t - 1. */
function fake(vocab: number, seen: { rows: number; fed: number[][] }): Model {
  const session = (): Session => ({
    length: 0,
    async logits(ids, rows = [...ids.keys()]) {
      seen.fed.push([...ids])
      seen.rows = Math.max(seen.rows, rows.length)
      const out = new Float32Array(rows.length * vocab)
      rows.forEach((row, i) => { out[i * vocab + ((ids[row]! + 1) % vocab)] = Math.log(vocab - 1) })
      return out
    },
    generate: () => { throw new Error('not asked for') },
    truncate: () => undefined,
    close: () => undefined,
  })
  return { config: { vocab }, context: 4096, session } as unknown as Model
}

test('chunks: BOS first, the second half scored, few logits at a time', async () => {
  const vocab = 300_000
  const seen = { rows: 0, fed: [] as number[][] }
  const ids = Uint32Array.from({ length: 150 }, (_, i) => i + 1)
  const r = await perplexity(fake(vocab, seen), { ids, bos: 7 }, { context: 64 })
  // each next token has half of all probability
  near(r.perplexity.value, 2, 'perplexity')
  assert.equal([r.chunks, r.tokens], [2, 2 * 31])
  assert.equal([seen.fed[0]!.slice(0, 3), seen.fed[0]!.length], [[7, 2, 3], 32])
  assert.equal(seen.fed.flat().filter(id => id === 7).length, 3, 'one BOS a chunk, and token 7 itself')
  assert.ok(seen.rows <= 28, `${seen.rows} rows of ${vocab} logits at once`)
})

test('a text that is too short, other vocabularies and wrong ids are refused', async () => {
  const seen = { rows: 0, fed: [] }
  const refused = async (run: Promise<unknown>, message: RegExp): Promise<void> => {
    try {
      await run
    } catch (e) {
      return assert.match((e as Error).message, message)
    }
    assert.unreachable('not refused')
  }
  const ids = Uint32Array.from({ length: 16 }, (_, i) => i)
  await refused(perplexity(fake(64, seen), { ids, bos: null }, { context: 16 }), /the text is short: tokens: expected at least 32/)
  await refused(perplexity(fake(64, seen), { ids, bos: null }, { context: 8, against: fake(65, seen) }), /vocabulary .*expected 64, got 65/)
  await refused(perplexity(fake(8, seen), { ids, bos: null }, { context: 8 }), /a token id: expected less than 8/)
  await refused(perplexity(fake(64, seen), { ids, bos: null }, { context: 2 }), /tokens of a chunk/)
})

test('BOS is put before each chunk where the tokenizer adds it', () => {
  const tokenizer = (adds: boolean): Model => ({ tokenizer: { bosId: 1, encode: (text: string, { addSpecial = false, special = true } = {}) => Uint32Array.from([...(addSpecial && adds ? [1] : []), special ? 9 : text.length]) } }) as unknown as Model
  assert.equal([scoredText(tokenizer(true), 'abc').bos, [...scoredText(tokenizer(true), 'abc').ids]], [1, [1, 3]])
  assert.equal([scoredText(tokenizer(false), 'abc').bos, [...scoredText(tokenizer(false), 'abc').ids]], [null, [3]])
})

test('weft perplexity: ids from a file, a text, JSON, and wrong options', async () => {
  const file = join(folder, 'ids.txt')
  writeFileSync(file, expected.ids.join('\n'))
  const args = ['perplexity', file, '--ids', '--model', copy, '--context', String(expected.context), '--device', 'wasm']
  const { code, stdout, stderr } = await weft([...args, '--kl-against', base])
  assert.is(code, 0, stderr)
  assert.match(stdout, /^perplexity +5\.72\d\d ± 2\.\d{4}$/m)
  assert.match(stdout, /^KL divergence, 99\.9% +0\.10\d{4}$/m)
  assert.match(stdout, /^115 tokens scored in 5 chunks of 48$/m)
  assert.match(stderr, /^\[1\]\d+\.\d{4},.*\[5\]5\.72\d\d,$/m)
  const json = JSON.parse((await weft([...args, '--chunks', '2', '--json'])).stdout) as PerplexityReport & { readonly against: string | null }
  assert.equal([json.chunks, json.tokens, json.divergence, json.against], [2, 46, null, null])
  const text = join(folder, 'text.txt')
  writeFileSync(text, 'A lighthouse warns ships at night. '.repeat(40))
  const own = await weft(['perplexity', text, '--context', '64', '--chunks', '1', '--device', 'wasm'])
  assert.match(own.stdout, /^31 tokens scored in 1 chunks of 64$/m, own.stderr)
  writeFileSync(text, `${' night'.repeat(127)}\n`)
  const short = await weft(['perplexity', text, '--context', '64', '--device', 'wasm'])
  assert.match(short.stderr, /the text is short: tokens: expected at least 128, .* got 127$/m, 'the line break at the end of a file is no token')
  const wrong = await weft(['perplexity', text, '--ids', '--device', 'wasm'])
  assert.equal([wrong.code, /token ids, separated by/.test(wrong.stderr)], [2, true])
})

test('weft inspect --tensor: what a tensor of any file holds', async () => {
  const out = join(folder, 'out.f32')
  const files = new ModelFiles()
  for (const type of ['q4_0', 'nvfp4']) {
    const { code, stderr, stdout } = await weft(['inspect', join(fixtures, 'gguf/blocks/blocks.gguf'), '--tensor', type, '--dump', out, '--json'])
    assert.is(code, 0, stderr)
    const { range, shape } = readSafetensors(files, join(fixtures, 'gguf/blocks/expected.safetensors')).get(type)!
    const want = dequantize(files, { name: type, type: 'f32', shape, packing: 'plain', ranges: { data: range }, scale: 1 })
    const got = new Float32Array(Uint8Array.from(readFileSync(out)).buffer)
    assert.equal([...got].map(v => v + 0), [...want].map(v => v + 0))
    const r = JSON.parse(stdout) as Readonly<Record<string, number>>
    near(r['minimum']!, want.reduce((a, b) => Math.min(a, b)), 'minimum')
    near(r['maximum']!, want.reduce((a, b) => Math.max(a, b)), 'maximum')
    near(r['mean']!, want.reduce((a, b) => a + b) / want.length, 'mean', 1e-3)
    assert.equal([r['values'], r['nan'], r['infinite']], [want.length, 0, 0])
  }
  files.close()
  const found = async (...args: readonly string[]): Promise<string> => (await weft(['inspect', ...args])).stdout
  assert.match(await found(copy, '--tensor', 'blk.1.ffn_up.weight'), /^tensor +model\.layers\.1\.mlp\.up_proj\.weight$/m)
  assert.match(await found(base, '--tensor', 'layers.1.mlp.up_proj'), /^shape +256 × 128$/m)
  assert.match(await found(join(fixtures, 'traces/right.safetensors'), '--tensor', 'lm_head'), /^shape +10 × 512$/m)
  const none = await weft(['inspect', base, '--tensor', 'self_attn.q_proj'])
  assert.equal([none.code, /no tensor self_attn\.q_proj: expected one of its 35, such as model\.layers\.0\.self_attn\.q_proj\.weight/.test(none.stderr)], [1, true], none.stderr)
  assert.is((await weft(['inspect', base, '--dump', out])).code, 2)
})

test.run()
