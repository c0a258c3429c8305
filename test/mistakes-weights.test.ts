/**
 * Mistakes in reading quantized weights, planted by plain code of the test's own: a product is computed here from the file's bytes,
 * decoded wrongly, and `check --trace` has to name what was done. And the parts that weights are taken into for this are
 * shown to be the weights: put together they are what the decoder of all devices gives.
 */
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { checkTrace } from '../engine/check-trace.js'
import { codedWeight } from '../engine/coded-weight.js'
import { load } from '../engine/load.js'
import { runTraced, TraceRecorder } from '../engine/trace.js'
import { dequantize } from '../weights/dequantize.js'
import type { ModelSource, WeightTensor } from '../weights/model.js'
import { openModel } from '../weights/open.js'
import { fixtures } from './support/models.js'

const bytesOf = (source: ModelSource) => (range: WeightTensor['ranges'][string]): Uint8Array => {
  const into = new Uint8Array(range.bytes)
  source.read(range, into)
  return into
}

const types: readonly (readonly [model: string, types: readonly string[]])[] = [
  ['models/qwen3_nvfp4_modelopt', ['nvfp4']], ['models/qwen3_mxfp4', ['mxfp4']], ['models/qwen3_fp8', ['fp8']], ['models/qwen3_fp8_blocks', ['fp8_blocks']],
  ['models/qwen3_awq_g128', ['int4_g128']], ['models/qwen3_gptq_g32_act', ['int4_g32']], ['models/qwen3_gptq_g64', ['int4_g64']],
  ['gguf/qwen3-nvfp4/model.gguf', ['nvfp4']], ['gguf/llama3-q4/model.gguf', ['q4_0', 'q4_1']], ['gguf/qwen3-q8_0/model.gguf', ['q8_0']], ['gguf/qwen3-k/model.gguf', ['q4_k', 'q6_k']],
]
for (const [name, wanted] of types) {
  test(`${name}: codes, scales and offsets put together are the weight`, async () => {
    const source = await openModel(join(fixtures, name))
    const seen = new Set<string>()
    for (const tensor of source.tensors.values()) {
      const w = codedWeight(tensor, { bytes: bytesOf(source) })
      if (w === null) continue
      seen.add(tensor.type)
      const expected = dequantize(source, tensor)
      const largest = expected.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
      expected.forEach((v, i) => {
        const [r, c] = [Math.floor(i / w.columns), i % w.columns]
        const g = Math.floor(c / w.group)
        const value = (w.meaning(w.code(r, c)) * w.scale(r, g) + w.offset(r, g)) * w.tensorScale
        if (!(Math.abs(value - v) <= 1e-6 * largest)) assert.unreachable(`${tensor.name} [${r}, ${c}]: ${value}, not ${v}`)
      })
    }
    source.close()
    for (const type of wanted) assert.ok(seen.has(type), type)
  })
}

// ports: value(row, column) of the weight, decoded wrongly

type Wrong = (planes: Readonly<Record<string, Uint8Array>>, shape: readonly [number, number]) => (row: number, column: number) => number

const e2m1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6]
const word = (plane: Uint8Array, i: number): number => new DataView(plane.buffer).getUint32(4 * i, true)
const f16 = (plane: Uint8Array, at: number): number => {
  const bits = plane[at]! | (plane[at + 1]! << 8)
  const [exponent, mantissa] = [(bits >> 10) & 31, bits & 1023]
  return (bits >> 15 ? -1 : 1) * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15))
}
const bf16 = (plane: Uint8Array, at: number): number => new Float32Array(Uint32Array.of((plane[at]! | (plane[at + 1]! << 8)) << 16).buffer)[0]!
const e4m3 = (byte: number): number => {
  const [exponent, mantissa] = [(byte >> 3) & 15, byte & 7]
  return (byte >> 7 ? -1 : 1) * (exponent === 0 ? mantissa * 2 ** -9 : (1 + mantissa / 8) * 2 ** (exponent - 7))
}
const low = (plane: Uint8Array, columns: number, r: number, c: number): number => (plane[(r * columns + c) >> 1]! >> (4 * (c % 2))) & 15

/** MXFP4 of safetensors with its scales read in some other way. */
const mxfp4 = (scale: (scales: Uint8Array, perRow: number, r: number, c: number) => number): Wrong => ({ codes, scales }, [, columns]) => (r, c) => e2m1[low(codes!, columns, r, c)]! * scale(scales!, columns / 32, r, c)
/** Q4_0 of GGUF: value of element i of a block at `at`. */
const q40 = (value: (data: Uint8Array, at: number, i: number) => number): Wrong => ({ data }, [, columns]) => (r, c) => {
  const at = ((r * columns + c) >> 5) * 18
  return value(data!, at, c % 32) * f16(data!, at)
}
/** GPTQ in groups of 32: code, zero and scale of an input k by the group it is said to be in. */
const gptq = (groupOf: (order: Uint8Array, k: number) => number, lacking: number): Wrong => ({ qweight, qzeros, scales, order }, [rows, columns]) => {
  // The product reads its inputs sorted by group, as the trace's weft side has them: column c is input inputs[c].
  const inputs = Array.from({ length: columns }, (_, k) => k).sort((a, b) => word(order!, a) - word(order!, b) || a - b)
  return (r, c) => {
    const k = inputs[c]!
    const g = groupOf(order!, k)
    const zero = ((word(qzeros!, g * (rows / 8) + (r >> 3)) >>> (4 * (r % 8))) + lacking) & 15
    return (((word(qweight!, (k >> 3) * rows + r) >>> (4 * (k % 8))) & 15) - zero) * f16(scales!, 2 * (g * rows + r))
  }
}

interface Port {
  readonly model: string
  readonly weight: string
  readonly input: string
  readonly wrong: Wrong
  readonly mistake: string
  readonly says: RegExp
}

const attention = { weight: 'self_attn.q_proj', input: 'input_layernorm' } as const
const ports: readonly Port[] = [
  { model: 'models/qwen3_mxfp4', ...attention, wrong: mxfp4((s, n, r, c) => s[r * n + (c >> 5)]!), mistake: 'block scales', says: /read as integers/ },
  { model: 'models/qwen3_mxfp4', ...attention, wrong: mxfp4((s, n, r, c) => e4m3(s[r * n + (c >> 5)]!)), mistake: 'block scales', says: /e4m3 instead of powers of two/ },
  { model: 'models/qwen3_mxfp4', ...attention, wrong: mxfp4((s, n, r, c) => 2 ** (s[r * n + (c % n)]! - 127)), mistake: 'block scales', says: /tiled over a row/ },
  { model: 'gguf/llama3-q4/model.gguf', weight: 'self_attn.v_proj', input: 'input_layernorm', wrong: q40((d, at, i) => ((d[at + 2 + (i >> 1)]! >> (4 * (i % 2))) & 15) - 8), mistake: 'codes of a weight', says: /columns 2j and 2j \+ 1/ },
  { model: 'gguf/llama3-q4/model.gguf', weight: 'self_attn.v_proj', input: 'input_layernorm', wrong: q40((d, at, i) => (d[at + 2 + (i % 16)]! >> (i < 16 ? 0 : 4)) & 15), mistake: 'codes of a weight', says: /middle of their range/ },
  {
    model: 'gguf/llama3-q4/model.gguf', weight: 'self_attn.o_proj', input: 'self_attn.attention', mistake: 'codes of a weight', says: /minima or zeros are left out/,
    wrong: ({ data }, [, columns]) => (r, c) => {
      const at = ((r * columns + c) >> 5) * 20
      return ((data![at + 4 + (c % 16)]! >> (c % 32 < 16 ? 0 : 4)) & 15) * f16(data!, at)
    },
  },
  { model: 'gguf/qwen3-q8_0/model.gguf', ...attention, wrong: ({ data }, [, columns]) => (r, c) => data![((r * columns + c) >> 5) * 34 + 2 + (c % 32)]! * f16(data!, ((r * columns + c) >> 5) * 34), mistake: 'codes of a weight', says: /without a sign/ },
  { model: 'models/qwen3_fp8', ...attention, wrong: ({ data, scales }, [, columns]) => (r, c) => e4m3(data![r * columns + c]!) / bf16(scales!, 2 * r), mistake: 'block scales', says: /divide/ },
  { model: 'models/qwen3_gptq_g32_act', ...attention, wrong: gptq((_, k) => k >> 5, 1), mistake: 'codes of a weight', says: /g_idx is ignored/ },
  { model: 'models/qwen3_gptq_g32_act', ...attention, wrong: gptq((order, k) => word(order, k), 0), mistake: 'codes of a weight', says: /zeros are taken as they are stored/ },
]

const ids = Uint32Array.from({ length: 8 }, (_, i) => (i * 37 + 5) % 79)

for (const { model, weight, input, wrong, mistake, says } of ports) {
  test(`a port of ${model}: ${says.source}`, async () => {
    const path = join(fixtures, model)
    const source = await openModel(path)
    const tensor = source.tensors.get(`model.layers.0.${weight}.weight`)!
    const shape = tensor.shape as readonly [number, number]
    const value = wrong(Object.fromEntries(Object.entries(tensor.ranges).map(([name, range]) => [name, bytesOf(source)(range)])), shape)
    const order = tensor.ranges['order'] ? bytesOf(source)(tensor.ranges['order']) : null
    source.close()
    const recorder = new TraceRecorder()
    const right = await load(path, { device: 'reference', context: 256, trace: recorder })
    await runTraced(right, ids)
    await right.close()
    const x = recorder.tensors().get(`layers.0.${input}`)!
    const [rows, columns] = shape
    const sorted = Array.from({ length: columns }, (_, k) => k)
    if (order) sorted.sort((a, b) => word(order, a) - word(order, b) || a - b)
    const data = new Float32Array(ids.length * rows)
    for (let t = 0; t < ids.length; t++) {
      for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) data[t * rows + r]! += x.data[t * columns + sorted[c]!]! * value(r, c)
    }
    const op = `layers.0.${weight}`
    const trace = { ids, text: null, messages: null, chunk: null, maker: 'the test', tensors: new Map([[x.name, x], [op, { name: op, shape: [ids.length, rows], data }]]) }
    const report = await checkTrace(path, trace, { device: 'reference', context: 256 })
    assert.is(report.first?.op, op)
    const { guess } = report.diagnosis!
    assert.is(guess?.mistake, mistake, JSON.stringify(report.diagnosis))
    assert.match(guess!.says, says)
    assert.is(guess!.side, 'trace')
    assert.ok(guess!.error < 1e-5, `${guess!.error}`)
  })
}

test.run()
