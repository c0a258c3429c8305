/** Opening models: settings in every style, folders and single files, shards, GGUF, generation defaults, templates, the report. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Config } from '../graph/models/config.js'
import { readConfig } from '../weights/config.js'
import { dequantize } from '../weights/dequantize.js'
import { Fields } from '../weights/fields.js'
import { ModelFiles } from '../weights/files.js'
import { huggingFaceName } from '../weights/gguf.js'
import { readGgufHeader } from '../weights/gguf-header.js'
import { inspect } from '../weights/inspect.js'
import type { ModelSource } from '../weights/model.js'
import { openModel } from '../weights/open.js'
import { encodeSafetensors } from '../weights/write.js'
import { fixture, GgufBytes, makeFolder, makeModel, writeFiles } from './weights-make.js'

type Json = Readonly<Record<string, unknown>>

function settingsOf(base: string): Json {
  return JSON.parse(readFileSync(fixture(`models/${base}/config.json`), 'utf8')) as Json
}

function configOf(base: string, changes: Json): Config {
  const values = Object.fromEntries(Object.entries({ ...settingsOf(base), ...changes }).filter(([, v]) => v !== undefined))
  return readConfig(new Fields('config', 'config.json', values))
}

async function withModel<T>(path: string, use: (model: ModelSource) => T): Promise<T> {
  const model = await openModel(path)
  try {
    return use(model)
  } finally {
    model.close()
  }
}

const llama3Rope = { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalPositions: 64 }
const oldStyle = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 }

/** What a change of config.json does to the configuration. */
const readings: readonly (readonly [string, string, Json, Partial<Config>])[] = [
  ['rope_parameters', 'llama3', {}, { rope: { theta: 1e6, scaling: llama3Rope as Config['rope']['scaling'] } }],
  ['rope_theta and rope_scaling', 'llama3', { rope_parameters: undefined, rope_theta: 5e5, rope_scaling: oldStyle }, { rope: { theta: 5e5, scaling: llama3Rope as Config['rope']['scaling'] } }],
  ['rope_scaling with the old key', 'llama3', { rope_parameters: undefined, rope_theta: 5e5, rope_scaling: { ...oldStyle, rope_type: undefined, type: 'llama3' } }, { rope: { theta: 5e5, scaling: llama3Rope as Config['rope']['scaling'] } }],
  ['rope_scaling null', 'qwen3', { rope_parameters: undefined, rope_theta: 1e6, rope_scaling: null }, { rope: { theta: 1e6, scaling: { type: 'default' } } }],
  ['rope_theta absent', 'llama3', { rope_parameters: undefined }, { rope: { theta: 1e4, scaling: { type: 'default' } } }],
  ['head_dim given', 'qwen3', { head_dim: 64 }, { headDim: 64 }],
  ['head_dim absent', 'qwen3', { head_dim: undefined }, { headDim: 32 }],
  ['head_dim null', 'llama3', { head_dim: null }, { headDim: 32 }],
  ['kv heads absent', 'llama3', { num_key_value_heads: undefined }, { kvHeads: 4 }],
  ['qwen2 has biases without saying so', 'qwen2', {}, { qkvBias: true, outputBias: false, mlpBias: false, qkNorm: false }],
  ['qwen3 norms q and k', 'qwen3', {}, { qkNorm: true, qkvBias: false, outputBias: false }],
  ['attention_bias', 'llama3', { attention_bias: true, mlp_bias: true }, { qkvBias: true, outputBias: true, mlpBias: true }],
  ['mistral has none', 'mistral', { attention_bias: true }, { qkvBias: false, outputBias: false }],
  ['tied unless said', 'qwen3', { tie_word_embeddings: undefined }, { tiedHead: false }],
  ['model_type alone', 'qwen3', { architectures: undefined }, { architecture: 'qwen3' }],
  ['mistral\'s window', 'mistral', {}, { windows: [16, 16, 16] }],
  ['mistral\'s window off', 'mistral', { sliding_window: null }, { windows: [null, null, null] }],
  ['qwen\'s window switched off', 'qwen2', { sliding_window: 8, layer_types: undefined }, { windows: [null, null, null] }],
  ['qwen\'s window from a layer on', 'qwen2', { use_sliding_window: true, sliding_window: 8, max_window_layers: 1, layer_types: undefined }, { windows: [null, 8, 8] }],
  ['layer_types', 'qwen3', { use_sliding_window: true, sliding_window: 8, layer_types: ['full_attention', 'sliding_attention', 'full_attention'] }, { windows: [null, 8, null] }],
  ['llama has no window', 'llama3', { sliding_window: 8 }, { windows: [null, null, null] }],
]

for (const [name, base, changes, wanted] of readings) {
  test(`config.json: ${name}`, () => {
    const config = configOf(base, changes)
    for (const [key, value] of Object.entries(wanted)) assert.equal(config[key as keyof Config], value, key)
  })
}

const inShards: ReadonlySet<string> = new Set(['llama3', 'mistral'])
for (const name of ['qwen3', 'qwen2', 'llama3', 'mistral', 'qwen3_nvfp4_compressed_tensors', 'qwen3_nvfp4_modelopt']) {
  test(`${name} opens, from its folder${inShards.has(name) ? ' of shards' : ' and from its file'}`, async () => {
    const expected = await withModel(fixture(`models/${name}`), inspect)
    const file = fixture(`models/${name}/model.safetensors`)
    if (!inShards.has(name)) assert.equal({ ...await withModel(file, inspect), path: expected.path }, expected)
    assert.is(expected.tensors.length, expected.types.reduce((n, t) => n + t.tensors, 0))
    assert.is(expected.bytes, expected.tensors.reduce((n, t) => n + t.bytes, 0))
    assert.equal([expected.format, expected.ignored, expected.generation, expected.notice], ['safetensors', [], { stopIds: [2] }, null])
  })
}

for (const [name, architecture, scaling, tied] of [
  ['qwen3-q8_0', 'qwen3', 'default', true], ['qwen3-nvfp4', 'qwen3', 'default', true], ['llama3-q4', 'llama', 'factors', false], ['llama3-mixed', 'llama', 'factors', false],
] as const) {
  test(`${name}.gguf has the configuration of config.json`, async () => {
    const wanted = configOf(architecture === 'llama' ? 'llama3' : 'qwen3', {})
    const { config, format, generation, tokenizer, ignored } = await openModel(fixture(`gguf/${name}`)).then(m => (m.close(), m))
    assert.equal({ ...config, rope: wanted.rope, eps: wanted.eps }, wanted)
    assert.ok(Math.abs(config.eps - wanted.eps) < 1e-12)
    assert.equal([config.rope.theta, config.rope.scaling.type, config.tiedHead], [1e6, scaling, tied])
    assert.equal([format, generation, tokenizer, ignored], ['gguf', { stopIds: [2] }, null, []])
    if (config.rope.scaling.type !== 'factors') return
    const { factors } = config.rope.scaling
    assert.equal([factors.length, factors[0], factors.at(-1)], [16, 1, 8])
    assert.ok(factors.every((f, i) => i === 0 || f >= factors[i - 1]!))
  })
}

test('a split GGUF model is opened by any of its parts, or by its folder', async () => {
  const folder = fixture('gguf/llama-codebooks')
  const paths = [folder, ...[1, 2].map(part => join(folder, `model-0000${part}-of-00002.gguf`))]
  const opened = await Promise.all(paths.map(path => openModel(path).then(m => (m.close(), m))))
  for (const model of opened) {
    assert.equal([model.tensors.size, model.config.layers, model.ignored], [21, 2, []])
    assert.equal([...model.tensors], [...opened[0]!.tensors])
    assert.is(new Set([...model.tensors.values()].map(t => t.ranges['data']!.file)).size, 2)
  }
})

test('names of GGUF', () => {
  const names = [
    ['token_embd.weight', 'model.embed_tokens.weight'], ['output_norm.weight', 'model.norm.weight'], ['output.weight', 'lm_head.weight'],
    ['blk.11.attn_q.weight', 'model.layers.11.self_attn.q_proj.weight'], ['blk.0.attn_k.bias', 'model.layers.0.self_attn.k_proj.bias'],
    ['blk.0.attn_q_norm.weight', 'model.layers.0.self_attn.q_norm.weight'], ['blk.0.ffn_norm.weight', 'model.layers.0.post_attention_layernorm.weight'],
    ['rope_freqs.weight', null], ['blk.0.attn_q.scale', null], ['attn_q.weight', null], ['blk.0.token_embd.weight', null], ['blk.0.constructor.weight', null],
  ] as const
  for (const [own, wanted] of names) assert.is(huggingFaceName(own), wanted, own)
})

test('shards of an index give the same model as one file', async () => {
  const folder = makeModel('qwen3')
  const model = await openModel(folder)
  const all = [...model.tensors.values()].map(({ name, shape, ranges }) => {
    const data = new Uint8Array(ranges['data']!.bytes)
    model.read(ranges['data']!, data)
    return { name, shape, data, dtype: 'BF16' as const }
  })
  model.close()
  const shards = [all.slice(0, 11), all.slice(11)]
  const names = shards.map((_, i) => `model-0000${i + 1}-of-00002.safetensors`)
  rmSync(join(folder, 'model.safetensors'))
  writeFiles(folder, {
    ...Object.fromEntries(shards.map((tensors, i) => [names[i], encodeSafetensors(tensors)])),
    'model.safetensors.index.json': { metadata: {}, weight_map: Object.fromEntries(shards.flatMap((tensors, i) => tensors.map(t => [t.name, names[i]]))) },
  })
  await withModel(folder, sharded => {
    assert.is(sharded.bytes, model.bytes)
    for (const { name, data } of all) assert.equal(dequantize(sharded, sharded.tensors.get(name)!), bf16(data), name)
  })
})

function bf16(data: Uint8Array): Float32Array {
  return new Float32Array(Uint32Array.from(new Uint16Array(data.buffer), bits => bits << 16).buffer)
}

/** generation_config.json -> defaults; config.json of the model says eos 2. */
const generations: readonly (readonly [string, Json | null, Json])[] = [
  ['none', null, { stopIds: [2] }],
  ['a list of ids', { eos_token_id: [7, 5, 7] }, { stopIds: [7, 5] }],
  ['one id, sampling', { eos_token_id: 7, do_sample: true, temperature: 0.7, top_k: 20, top_p: 0.8, min_p: 0.05, repetition_penalty: 1.1 }, { stopIds: [7], temperature: 0.7, topK: 20, topP: 0.8, minP: 0.05, repeatPenalty: 1.1 }],
  ['sampling, without saying how hot', { do_sample: true, top_p: 0.9 }, { stopIds: [2], temperature: 1, topP: 0.9 }],
  ['greedy', { do_sample: false, temperature: 0.7, top_k: 20, repetition_penalty: 1.1 }, { stopIds: [2], temperature: 0, repeatPenalty: 1.1 }],
  ['nothing said about sampling', { temperature: 0.6, eos_token_id: null }, { stopIds: [2], temperature: 0.6 }],
]

for (const [name, content, wanted] of generations) {
  test(`generation_config.json: ${name}`, async () => {
    const folder = makeModel('qwen3', content ? { 'generation_config.json': content } : {})
    assert.equal(await withModel(folder, m => m.generation), wanted)
  })
}

const templates: readonly (readonly [string, Json, string | null])[] = [
  ['none', { 'tokenizer_config.json': {} }, null],
  ['a string', { 'tokenizer_config.json': { chat_template: 'one' } }, 'one'],
  ['a list with a default', { 'tokenizer_config.json': { chat_template: [{ name: 'tool_use', template: 'two' }, { name: 'default', template: 'three' }] } }, 'three'],
  ['a list without', { 'tokenizer_config.json': { chat_template: [{ name: 'tool_use', template: 'two' }] } }, 'two'],
  ['a file of its own', { 'tokenizer_config.json': { chat_template: 'one' }, 'chat_template.jinja': 'four' }, 'four'],
]

for (const [name, files, wanted] of templates) {
  test(`chat template: ${name}`, async () => {
    const source = await openModel(makeModel('qwen3', { ...files, 'tokenizer.json': {} }))
    source.close()
    assert.is(source.chatTemplate, wanted)
    assert.ok(source.tokenizer?.kind === 'tokenizer.json' && source.tokenizer.configFile?.endsWith('tokenizer_config.json'))
  })
}

test('tensors nobody needs may be of any dtype, and are listed', async () => {
  const folder = makeModel('qwen3')
  const bytes = readFileSync(join(folder, 'model.safetensors'))
  const length = Number(bytes.readBigUInt64LE())
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, unknown>
  const end = bytes.length - 8 - length
  const extra = {
    'lm_head.weight': { dtype: 'I64', shape: [1], data_offsets: [end, end + 8] },
    'model.layers.0.self_attn.q_proj.input_scale': { dtype: 'F9_ODD', shape: [3], data_offsets: [end + 8, end + 9] },
  }
  const text = Buffer.from(JSON.stringify({ ...header, ...extra }))
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(text.length))
  writeFiles(folder, { 'model.safetensors': Buffer.concat([prefix, text, bytes.subarray(8 + length), Buffer.alloc(9)]) })
  assert.equal(await withModel(folder, m => [...m.ignored]), Object.keys(extra))
})

test('hf_quant_config.json alone declares ModelOpt\'s layout', async () => {
  const { quantization_config: _, ...rest } = settingsOf('qwen3_nvfp4_modelopt')
  const types = (m: ModelSource): unknown => inspect(m).types.map(t => t.type)
  assert.equal(await withModel(makeModel('qwen3_nvfp4_modelopt', { 'config.json': rest }), types), ['nvfp4', 'bf16'])
})

test('the built-in model opens, packed embedding included, and nothing needs to be said of it', async () => {
  await withModel(fileURLToPath(new URL('../../assets/lexicon', import.meta.url)), model => {
    assert.is(model.notice, null)
    assert.is(model.tensors.get('model.embed_tokens.weight')?.type, 'nvfp4')
    assert.ok(model.bytes < 18_000_000 && model.chatTemplate?.includes('<|im_start|>'))
    assert.is(model.tokenizer?.kind, 'tokenizer.json')
    assert.equal(model.generation.stopIds, [8191, 8189])
    for (const weight of model.tensors.values()) assert.ok(dequantize(model, weight).every(Number.isFinite), weight.name)
  })
})

test('a large vocabulary is read as written; control tokens that end an answer stop it', () => {
  const tokens = Array.from({ length: 150_000 }, (_, i) => (i === 7 ? '<|im_end|>' : `Ġtoken${i}é`))
  const bytes = new GgufBytes(0, 3).entry('general.architecture', 'qwen3').string('tokenizer.ggml.tokens').u32(9).u32(8).u64(tokens.length)
  for (const token of tokens) bytes.string(token)
  bytes.string('tokenizer.ggml.token_type').u32(9).u32(5).u64(tokens.length).bytes(new Uint8Array(Int32Array.from(tokens, (_, i) => (i === 7 ? 3 : 1)).buffer))
  const folder = makeFolder()
  writeFiles(folder, { 'large.gguf': bytes.data(0).done() })
  const files = new ModelFiles()
  const { metadata } = readGgufHeader(files, join(folder, 'large.gguf'))
  files.close()
  assert.equal(metadata['tokenizer.ggml.tokens'], tokens)
  assert.is((metadata['tokenizer.ggml.token_type'] as number[])[7], 3)
})

const smollm = new URL('../../../shared/models/smollm2-135m-instruct-q4_1.gguf', import.meta.url).pathname
test('SmolLM2-135M-Instruct', async () => {
  const model = await openModel(smollm).catch(() => null)
  if (!model) return console.log('skipped: ../shared/models is not here')
  const { architecture, vocab, hidden, layers, heads, kvHeads, headDim, tiedHead, rope, maxPositions } = model.config
  assert.equal([architecture, vocab, hidden, layers, heads, kvHeads, headDim, tiedHead, rope.theta, maxPositions], ['llama', 49152, 576, 30, 9, 3, 64, true, 1e5, 8192])
  assert.equal(model.generation.stopIds, [2, 0])
  assert.is(inspect(model).parameters, 134_515_008)
  assert.ok(model.chatTemplate?.startsWith('{% for message in messages %}') && model.tokenizer?.kind === 'gguf')
  model.close()
})

test.run()
