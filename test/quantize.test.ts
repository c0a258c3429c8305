/**
 * Quantizing: the blocks of the references, the files that other engines read, scales chosen by squared error, columns that count
 * more, and memory that does not grow with the model.
 */
import { spawnSync } from 'node:child_process'
import { ftruncateSync, openSync, closeSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { describeQuantization } from '../bin/commands/quantize.js'
import { calibrate } from '../engine/calibrate.js'
import { quantizeModel } from '../engine/quantize.js'
import { loadTokenizer } from '../engine/tokenizer.js'
import { dequantize } from '../weights/dequantize.js'
import { ModelFiles } from '../weights/files.js'
import { bf16ToF32, f16ToF32, f32ToF16 } from '../weights/floats.js'
import { openModel } from '../weights/open.js'
import { addLoss, decodeAgain } from '../weights/place.js'
import { encodeRows } from '../weights/quantize-blocks.js'
import { nvfp4Divisor, quantizeFours, quantizeNvfp4 } from '../weights/quantize.js'
import { requiredTensors } from '../weights/required.js'
import { blocksOfFours } from '../weights/rows.js'
import { readSafetensors } from '../weights/safetensors.js'
import { safetensorsLayout, safetensorsSlot } from '../weights/write.js'
import { fixture, makeFolder, writeFiles } from './weights-make.js'

const files = new ModelFiles()
const vectors = readSafetensors(files, fixture('quantize/vectors.safetensors'))
const bytesOf = (name: string): Uint8Array => {
  const into = new Uint8Array(vectors.get(name)!.range.bytes)
  files.read(vectors.get(name)!.range, into)
  return into
}
const matrix = new Float32Array(bytesOf('weight').buffer)
const columns = 256

for (const type of ['q8_0', 'q4_0', 'q4_1'] as const) {
  test(`${type}: the blocks of gguf-py`, () => assert.equal(encodeRows(type, matrix, columns), bytesOf(type)))
}

test('mxfp4: the blocks of gguf-py, but for ties and the sign of zeros', () => {
  const got = blocksOfFours(quantizeFours('mxfp4', matrix, columns, 1), 'mxfp4')
  const want = bytesOf('mxfp4')
  const scales = (bytes: Uint8Array): readonly number[] => [...bytes].filter((_, i) => i % 17 === 0)
  // A block of zeros has any scale.
  assert.equal(scales(got).filter((_, i) => i !== 17), scales(want).filter((_, i) => i !== 17))
  const nibbles = (bytes: Uint8Array): readonly number[] => [...bytes].flatMap((b, i) => (i % 17 === 0 ? [] : [b & 15, b >> 4])).map(c => (c === 8 ? 0 : c))
  const [a, b] = [nibbles(got), nibbles(want)]
  assert.is(a.filter((c, i) => c !== b[i]).length, 0)
})

test('f16: every code comes back, halves round to even, too much is infinite', () => {
  for (let bits = 0; bits < 1 << 16; bits++) if (!Number.isNaN(f16ToF32(bits))) assert.is(f32ToF16(f16ToF32(bits)), bits)
  const cases = [[1 + 2 ** -11, 0x3c00], [1 + 3 * 2 ** -11, 0x3c02], [65519, 0x7bff], [65520, 0x7c00], [-1e9, 0xfc00], [2 ** -25, 0], [1.01 * 2 ** -25, 1], [3 * 2 ** -25, 2], [2 ** -14 - 2 ** -26, 0x400], [NaN, 0x7e00]] as const
  for (const [value, bits] of cases) assert.is(f32ToF16(value), bits, `${value}`)
})

/** Squared error of a matrix in a type, weighted by column. */
function errorIn(type: 'nvfp4' | 'mxfp4' | 'q4_0' | 'q4_1' | 'q8_0', options: Parameters<typeof quantizeFours>[4], counts?: Float32Array): number {
  const scale = type === 'nvfp4' ? Math.fround(1 / nvfp4Divisor(matrix.reduce((m, v) => Math.max(m, Math.abs(v)), 0), options?.search)) : 1
  const fours = type === 'nvfp4' || type === 'mxfp4'
  const got = fours ? decodeAgain(type, columns, { ...quantizeFours(type, matrix, columns, scale, options) }, scale, 'planes') : decodeAgain(type, columns, { data: encodeRows(type, matrix, columns, options) }, 1, 'gguf')
  if (!counts) return addLoss({ errors: 0, values: 0, largest: 0 }, matrix, got).errors
  return matrix.reduce((n, v, i) => n + counts[i % columns]! * (v - got[i]!) ** 2, 0)
}

for (const type of ['nvfp4', 'mxfp4', 'q4_0', 'q4_1'] as const) {
  test(`${type}: a search lowers the error, and where columns count, theirs`, () => {
    const counts = Float32Array.from({ length: columns }, (_, i) => (i % 5 === 0 ? 100 : 0.1))
    // A scale that is a power of two leaves little to choose.
    const much = type === 'mxfp4' ? 1 : 0.97
    assert.ok(errorIn(type, { search: true }) < much * errorIn(type, {}))
    assert.ok(errorIn(type, { search: true, importance: counts }, counts) < much * errorIn(type, { search: true }, counts))
  })
}

test('four over six: a block of fours and threes is stored without error', () => {
  // Scaled to 6, a 4 of 4 is 6 and a 3 becomes 4.5, which lies between two codes.
  const block = Float32Array.from({ length: 16 }, (_, i) => (i % 2 ? 3 : 4))
  const plain = quantizeFours('nvfp4', block, 16, 1)
  const searched = quantizeFours('nvfp4', block, 16, 1, { search: true })
  const values = (f: typeof plain): Float32Array => decodeAgain('nvfp4', 16, { ...f }, 1, 'planes')
  assert.equal([...values(searched)], [...block])
  assert.not.equal([...values(plain)], [...block])
})

test('rows at a time give what the whole matrix gives', () => {
  const { codes, scales, scale } = quantizeNvfp4(matrix, columns)
  const half = matrix.length / 2
  const parts = [matrix.subarray(0, half), matrix.subarray(half)].map(p => quantizeFours('nvfp4', p, columns, scale))
  assert.equal(Buffer.concat(parts.map(p => p.codes)), Buffer.from(codes))
  assert.equal(Buffer.concat(parts.map(p => p.scales)), Buffer.from(scales))
})

test('a model in NVFP4: the layout of compressed-tensors, one scale for merged products, an error for each tensor', async () => {
  const out = join(makeFolder(), 'q')
  const report = await quantizeModel(fixture('models/qwen3'), out, { type: 'nvfp4' })
  const names = new Set(readSafetensors(files, join(out, 'model.safetensors')).keys())
  const reference = [...readSafetensors(files, fixture('models/qwen3_nvfp4_compressed_tensors/model.safetensors')).keys()]
  assert.equal([...names].sort(), reference.sort())
  const { quantization_config: q } = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')) as { quantization_config: Record<string, unknown> }
  assert.is(q['format'], 'nvfp4-pack-quantized')
  const [before, after] = [await openModel(fixture('models/qwen3')), await openModel(out)]
  for (const { name, to, loss } of report.tensors) {
    const [want, got] = [dequantize(before, before.tensors.get(name)!), dequantize(after, after.tensors.get(name)!)]
    const norm = (v: Float32Array): number => Math.sqrt(v.reduce((n, x) => n + x * x, 0))
    const relative = norm(want.map((v, i) => v - got[i]!)) / norm(want)
    assert.ok(Math.abs(relative - (loss?.relative ?? 0)) < 1e-6, name)
    assert.is(to, loss === null ? before.tensors.get(name)!.type : 'nvfp4')
  }
  const scaleOf = (part: string): number => after.tensors.get(`model.layers.1.${part}_proj.weight`)!.scale
  assert.is(scaleOf('self_attn.q'), scaleOf('self_attn.v'))
  assert.is(scaleOf('mlp.gate'), scaleOf('mlp.up'))
  assert.is.not(scaleOf('mlp.down'), scaleOf('mlp.up'))
  assert.match(describeQuantization(report), /model\.layers\.0\.mlp\.down_proj\.weight +bf16 +nvfp4 +9\.\d\de-2 .*dB\n[^]*21 tensors quantized, 14 as they were; 382 kB, 6\.01 bits a weight\n/)
  before.close()
  after.close()
})

for (const [type, to] of [['q8_0', 'x.gguf'], ['q4_0', 'x.gguf'], ['q4_1', 'x.gguf'], ['nvfp4', 'x.gguf'], ['nvfp4', 'd/x.dat'], ['mxfp4', 'x']] as const) {
  test(`${type} to ${to}: opens, with errors of its size`, async () => {
    const out = join(makeFolder(), to)
    const report = await quantizeModel(fixture('models/llama3'), out, { type, search: true })
    const lossy = report.tensors.filter(t => t.loss !== null)
    assert.is(lossy.length, type.startsWith('q') ? 23 : to === 'd/x.dat' ? 22 : 21)
    for (const { name, loss } of lossy) assert.ok(loss!.relative < (type === 'q8_0' ? 0.01 : 0.13), `${name}: ${loss!.relative}`)
    if (type === 'mxfp4') return
    const model = await openModel(out)
    const shifted = dequantize(model, model.tensors.get('model.layers.1.self_attn.q_proj.weight')!)
    const source = await openModel(fixture('models/llama3'))
    const want = dequantize(source, source.tensors.get('model.layers.1.self_attn.q_proj.weight')!)
    const { errors, values } = addLoss({ errors: 0, values: 0, largest: 0 }, want, shifted)
    assert.ok(Math.sqrt(errors / values) < 0.13)
    model.close()
    source.close()
  })
}

test('types without a place are refused', async () => {
  const refused = async (to: string, type: 'q4_0' | 'mxfp4', says: RegExp): Promise<void> => {
    let message = ''
    await quantizeModel(fixture('models/qwen3'), join(makeFolder(), to), { type }).catch((e: unknown) => { message = String(e) })
    assert.match(message, says)
  }
  await refused('x', 'q4_0', /\[--type\] q4_0 has no place in safetensors: expected OUT\.gguf, or nvfp4 or mxfp4/)
  await refused('x.dat', 'mxfp4', /mxfp4 has no place in \.dat files: expected nvfp4/)
})

test('calibration: the mean square of what a product reads', async () => {
  const path = fileURLToPath(new URL('../../assets/lexicon', import.meta.url))
  const text = 'A lighthouse is a tower with a bright light at the top, to guide ships.'
  const found = await calibrate(path, text, 4096, { device: 'wasm', compute: 'f32' })
  const source = await openModel(path)
  const tokenizer = await loadTokenizer(source.tokenizer!)
  const ids = tokenizer.encode(text)
  const { hidden, eps } = source.config
  const norm = dequantize(source, source.tensors.get('model.layers.0.input_layernorm.weight')!)
  const want = new Float64Array(hidden)
  for (const id of ids) {
    const row = dequantize(source, source.tensors.get('model.embed_tokens.weight')!, id, 1)
    const factor = 1 / Math.sqrt(row.reduce((n, v) => n + v * v, 0) / hidden + eps)
    row.forEach((v, i) => { want[i]! += (v * factor * norm[i]!) ** 2 / ids.length })
  }
  const got = found.get('model.layers.0.self_attn.q_proj.weight')!
  assert.ok(got.every((v, i) => Math.abs(v - want[i]!) <= 1e-4 * Math.max(want[i]!, 1e-6)))
  for (const { name, shape } of requiredTensors(source.config)) {
    if (!/layers.*(q|k|v|o|gate|up|down)_proj\.weight$/.test(name)) continue
    assert.is(found.get(name)?.length, shape[1], name)
    assert.ok(found.get(name)!.every(v => v > 0 && Number.isFinite(v)), name)
  }
  source.close()
})

test('memory does not grow with the model: 390 MB of weights in a process of 250', async () => {
  const folder = makeFolder()
  const config = { architectures: ['LlamaForCausalLM'], model_type: 'llama', vocab_size: 65536, hidden_size: 2048, num_hidden_layers: 1, num_attention_heads: 16, num_key_value_heads: 4, intermediate_size: 9216, max_position_embeddings: 128, tie_word_embeddings: true }
  writeFiles(folder, { 'config.json': config })
  const source = requiredTensors({ architecture: 'llama', vocab: 65536, hidden: 2048, layers: 1, heads: 16, kvHeads: 4, headDim: 128, intermediate: 9216, eps: 1e-6, rope: { theta: 1e4, scaling: { type: 'default' } }, maxPositions: 128, tiedHead: true, qkNorm: false, qkvBias: false, outputBias: false, mlpBias: false, windows: [null] })
  const slots = source.map(t => safetensorsSlot(t.name, 'BF16', t.shape))
  const { fixed, bytes, offsets } = safetensorsLayout(slots)
  // Zeros that take no room on the disk, and one tensor of numbers.
  const file = openSync(join(folder, 'model.safetensors'), 'w')
  for (const { at, bytes: part } of fixed) writeSync(file, part, 0, part.length, at)
  ftruncateSync(file, bytes)
  const numbers = Uint16Array.from({ length: 512 * 2048 }, (_, i) => 0x3c00 + ((i * 2654435761) >>> 22))
  writeSync(file, new Uint8Array(numbers.buffer), 0, numbers.byteLength, offsets.get('model.layers.0.self_attn.k_proj.weight')!)
  closeSync(file)
  assert.ok(bf16ToF32(numbers[1]!) !== 0 && bytes > 350e6)
  const program = `
    const { quantizeModel } = await import(${JSON.stringify(new URL('../engine/quantize.js', import.meta.url).href)})
    const before = process.resourceUsage().maxRSS
    const report = await quantizeModel(${JSON.stringify(folder)}, ${JSON.stringify(join(folder, 'out'))}, { type: 'nvfp4' })
    console.log(JSON.stringify([before, process.resourceUsage().maxRSS, report.tensors.length]))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  const [before, most, tensors] = JSON.parse(stdout || `["${stderr}"]`) as [number, number, number]
  assert.is(tensors, source.length)
  assert.ok(most < 250_000, `${before} kB at first, ${most} kB at most`)
})

test.run()
