/**
 * Twenty thousand mutants of valid files of every kind, the same in every run: each is accepted or refused with one clear line. No
 * crash, no hang, no other error, no memory above 1 GB. `npm run fuzz` tries a million.
 */
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { dequantize } from '../weights/dequantize.js'
import { openModel } from '../weights/open.js'
import { Draw, mutateJson } from './fuzz/mutate.js'
import { fuzz } from './fuzz/pool.js'
import { configs, datSeed, ggufSeed, layouts, packedConfig, safetensorsFile, safetensorsSeed, tokenizerSeed } from './fuzz/seeds.js'
import { fuzzTargets } from './fuzz/targets.js'
import { makeFolder, writeFiles } from './weights-make.js'

const mutants = 20_000
const report = await fuzz({ seed: 'npm test', mutants })

test(`${mutants} mutants: nothing is found`, () => {
  assert.equal(report.findings, [])
  assert.is(report.total, mutants)
})

test('a mutant is the same whatever was mutated before', () => {
  const made = (mutant: number): string => JSON.stringify(mutateJson(new Draw('same', mutant), tokenizerSeed))
  const first = Array.from({ length: 300 }, (_, i) => made(i))
  for (let i = 0; i < 3000; i++) made(1000 + i)
  assert.equal(first.map((_, i) => made(i)), first)
})

test('every seed is a file that opens: mutants of one that is refused anyway would show nothing', async () => {
  const opens = async (name: string, contents: Readonly<Record<string, unknown>>, type: string): Promise<void> => {
    const folder = makeFolder()
    writeFiles(folder, contents)
    const model = await openModel(join(folder, name))
    try {
      assert.is(model.tensors.get('model.layers.0.mlp.gate_proj.weight')!.type, type)
      for (const tensor of model.tensors.values()) dequantize(model, tensor)
    } finally {
      model.close()
    }
  }
  const packed = { nvfp4: 'nvfp4', modelopt: 'nvfp4', mxfp4: 'mxfp4', fp8: 'fp8', fp8Blocks: 'fp8_blocks', awq: 'int4_g32', gptq: 'int4_g32', gptqOrder: 'int4_g32' }
  assert.equal(Object.keys(packed), Object.keys(layouts))
  for (const [name, type] of Object.entries(packed)) {
    const config = packedConfig(layouts[name]!)
    const { header, data } = safetensorsSeed(config, layouts[name])
    await opens('', { 'config.json': config, 'model.safetensors': safetensorsFile(header, data) }, type)
  }
  await opens('model.dat', { 'config.json': configs.qwen3, 'model.dat': datSeed() }, 'nvfp4')
  await opens('model.gguf', { 'model.gguf': ggufSeed(12, 256, 144, 'qwen3') }, 'q4_k')
  await opens('model.gguf', { 'model.gguf': ggufSeed(16, 256, 66, 'llama') }, 'iq2_xxs')
  const part = (no: number): Uint8Array => ggufSeed(8, 32, 34, 'qwen3', { no, count: 2 })
  await opens('m-00002-of-00002.gguf', { 'm-00001-of-00002.gguf': part(0), 'm-00002-of-00002.gguf': part(1) }, 'q8_0')
})

test('every kind of file had its share', () => {
  const targets = fuzzTargets()
  const shares = targets.reduce((n, t) => n + t.share, 0)
  for (const { name, share } of targets) assert.ok(report.executions[name]! >= Math.floor((mutants * share) / shares) - targets.length, `${name}: ${report.executions[name]}`)
})

test('the mutants are neither all refused nor all harmless, and their errors are many', () => {
  assert.ok(report.accepted > mutants / 20 && report.accepted < mutants * 0.8, `${report.accepted} accepted`)
  assert.ok(report.messages.size > 100, `${report.messages.size} distinct errors`)
})

test('memory stays below 1 GB', () => assert.ok(report.peakBytes < 1e9, `${report.peakBytes} bytes`))

test.run()
