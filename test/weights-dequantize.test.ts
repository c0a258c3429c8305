/** Dequantized values of every supported type, exactly; rows put back in order; parts of a tensor. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { quantTypes } from '../codegen/types/table.js'
import { dequantize, fileRow } from '../weights/dequantize.js'
import { ModelFiles } from '../weights/files.js'
import { ggufWeight, readGguf } from '../weights/gguf.js'
import type { WeightTensor } from '../weights/model.js'
import { openModel } from '../weights/open.js'
import { readSafetensors } from '../weights/safetensors.js'
import { fixture, makeFolder, writeFiles } from './weights-make.js'

/** Tensors of every type of GGUF's, and what they dequantize to, as other programs made them. */
const vectors = [
  { file: 'blocks', expected: 'expected', types: ['f16', 'bf16', 'q4_0', 'q4_1', 'q5_0', 'q5_1', 'q8_0', 'q2_k', 'q3_k', 'q4_k', 'q5_k', 'q6_k', 'iq4_nl', 'iq4_xs', 'nvfp4', 'mxfp4'] },
  { file: 'codebooks', expected: 'codebooks', types: ['iq1_s', 'iq1_m', 'iq2_xxs', 'iq2_xs', 'iq2_s', 'iq3_xxs', 'iq3_s', 'tq1_0', 'tq2_0'] },
]

for (const { file, expected: values, types } of vectors) for (const type of types) {
  test(`${type} blocks of GGUF dequantize exactly`, () => {
    const files = new ModelFiles()
    const gguf = readGguf(files, fixture(`gguf/blocks/${file}.gguf`))
    const expected = readSafetensors(files, fixture(`gguf/blocks/${values}.safetensors`)).get(type)!
    const want = dequantize(files, { name: type, type: 'f32', shape: expected.shape, packing: 'plain', ranges: { data: expected.range }, scale: 1 })
    const weight = ggufWeight(files, gguf, gguf.tensors.get(type)!, type)
    assert.is(weight.shape[1], 512)
    const got = dequantize(files, weight)
    assert.equal(Array.from(got, v => v + 0), Array.from(want, v => v + 0))
    assert.equal(dequantize(files, weight, 1, 2), got.slice(512, 3 * 512))
    files.close()
  })
}

test('every type of the table of GGUF is dequantized here', () => {
  const tested = new Set(vectors.flatMap(v => v.types))
  assert.equal(Object.entries(quantTypes).filter(([name, t]) => (t.gguf || t.blocks) && !tested.has(name)).map(([name]) => name), [])
})

for (const type of [9, 15, 24, 4]) {
  test(`type ${type} is refused by name, with what is supported`, () => {
    const files = new ModelFiles()
    const bytes = readFileSync(fixture('gguf/blocks/blocks.gguf'))
    // The type of the first tensor stands after its name and dimensions.
    const name = Buffer.from('f16')
    const at = bytes.indexOf(Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 0, 0, 0]), name])) + 8 + 3 + 4 + 2 * 8
    assert.is(bytes.readUInt32LE(at), 1)
    bytes.writeUInt32LE(type, at)
    const folder = makeFolder()
    writeFiles(folder, { 'odd.gguf': bytes })
    const gguf = readGguf(files, join(folder, 'odd.gguf'))
    assert.throws(() => ggufWeight(files, gguf, gguf.tensors.get('f16')!, 'f16'), /tensor f16: type: expected f32, f16, .*q6_k.*, got (q8_1|q8_k|i8|type 4)/)
    files.close()
  })
}

test('the order of rows is undone: file row 2i + j of a head is row j·headDim/2 + i', () => {
  assert.equal([0, 1, 2, 3, 4, 5, 6, 7].map(row => fileRow(row, 4)), [0, 2, 1, 3, 4, 6, 5, 7])
  assert.equal([0, 1, 2, 3, 4, 5].map(row => fileRow(row, 6)), [0, 2, 4, 1, 3, 5])
  const stored = Float32Array.of(0, 2, 1, 3, 4, 6, 5, 7)
  const read = (_: unknown, into: Uint8Array): void => into.set(new Uint8Array(stored.buffer))
  const bias: WeightTensor = { name: 'b', type: 'f32', shape: [8], packing: 'plain', ranges: { data: { file: '', offset: 0, bytes: 32 } }, scale: 1, permutedHeads: 2 }
  assert.equal([...dequantize({ read }, bias)], [0, 1, 2, 3, 4, 5, 6, 7])
})

test('the layouts of one NVFP4 model give the same weights', async () => {
  const models = await Promise.all(['compressed_tensors', 'modelopt'].map(layout => openModel(fixture(`models/qwen3_nvfp4_${layout}`))))
  const [a, b] = [models[0]!, models[1]!]
  assert.equal([...a.tensors.keys()], [...b.tensors.keys()])
  for (const [name, weight] of a.tensors) {
    const [left, right] = [dequantize(a, weight), dequantize(b, b.tensors.get(name)!)]
    // A divisor and its inverse round apart by a few units in the last place.
    assert.ok(left.every((v, i) => Math.abs(v - right[i]!) <= Math.abs(v) * 2 ** -21), name)
    assert.ok(left.some(v => v !== 0), name)
  }
  for (const model of models) model.close()
})

/** Largest error a type may add, as a share of the tensor's largest value. */
const closeness: Readonly<Record<string, number>> = { f32: 0, bf16: 0, f16: 1e-3, q8_0: 5e-3, q4_0: 0.13, q4_1: 0.07, nvfp4: 0.17 }

for (const [name, base] of [['qwen3-q8_0', 'qwen3'], ['qwen3-nvfp4', 'qwen3'], ['llama3-q4', 'llama3'], ['llama3-mixed', 'llama3']] as const) {
  test(`${name} holds the weights of ${base}, in order`, async () => {
    const quantized = await openModel(fixture(`gguf/${name}/model.gguf`))
    const original = await openModel(fixture(`models/${base}`))
    assert.equal([...quantized.tensors.keys()], [...original.tensors.keys()])
    for (const [key, weight] of quantized.tensors) {
      const got = dequantize(quantized, weight)
      const want = dequantize(original, original.tensors.get(key)!)
      const most = want.reduce((a, v) => Math.max(a, Math.abs(v)), 0)
      const worst = want.reduce((a, v, i) => Math.max(a, Math.abs(v - got[i]!)), 0)
      assert.ok(worst <= most * closeness[weight.type]!, `${key} (${weight.type}): ${worst / most}`)
      assert.is(weight.permutedHeads, base !== 'llama3' ? undefined : key.includes('q_proj') ? 4 : key.includes('k_proj') ? 2 : undefined)
      assert.equal(dequantize(quantized, weight, 0, 1), got.slice(0, weight.shape.at(-1)))
    }
    quantized.close()
    original.close()
  })
}

test('rows outside the tensor are refused', async () => {
  const model = await openModel(fixture('models/qwen3'))
  const weight = model.tensors.get('model.layers.0.self_attn.k_proj.weight')!
  assert.throws(() => dequantize(model, weight, 60, 5), /k_proj.weight: rows: expected within 64, got 5 from 60/)
  model.close()
  assert.throws(() => dequantize(model, weight), /read after close/)
})

const smollm = new URL('../../../shared/models/smollm2-135m-instruct-q4_1.gguf', import.meta.url)
test('SmolLM2: real weights of sensible size', async () => {
  if (!existsSync(smollm)) return console.log('skipped: ../shared/models is not here')
  const model = await openModel(smollm.pathname)
  assert.is(model.tensors.get('model.layers.29.self_attn.q_proj.weight')?.permutedHeads, 9)
  for (const name of ['model.embed_tokens.weight', 'model.layers.7.mlp.down_proj.weight', 'model.layers.0.self_attn.k_proj.weight']) {
    const values = dequantize(model, model.tensors.get(name)!, 0, 64)
    const deviation = Math.sqrt(values.reduce((a, v) => a + v * v, 0) / values.length)
    assert.ok(deviation > 0.01 && deviation < 1, `${name}: ${deviation}`)
  }
  model.close()
})

test.run()
