/**
 * AWQ, GPTQ, FP8 and MXFP4 in safetensors: vectors that other projects' code packed and unpacked (`fixtures/make/quantized_models.py`),
 * their way to a device, their way into other formats, and files whose parts do not fit together.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { weightLayout } from '../codegen/types/layout.js'
import { convertModel } from '../engine/convert.js'
import type { Backend, DeviceBuffer } from '../runtime/backend.js'
import { uploadWeight } from '../runtime/upload.js'
import { dequantize } from '../weights/dequantize.js'
import type { FileTensor } from '../weights/file-tensor.js'
import { ModelFiles } from '../weights/files.js'
import { f16ToF32 } from '../weights/floats.js'
import { inspect } from '../weights/inspect.js'
import { inputOrder } from '../weights/int4.js'
import type { ModelSource, WeightTensor } from '../weights/model.js'
import { openModel } from '../weights/open.js'
import { int4Weight } from '../weights/quantization-int4.js'
import { readSafetensors } from '../weights/safetensors.js'
import { encodeSafetensors, type WritableDtype } from '../weights/write.js'
import { fixture, makeFolder, makeModel } from './weights-make.js'

type Json = Record<string, unknown>
const files = new ModelFiles()
const vectorFile = fixture('quantize/int4.safetensors')
const vectors = readSafetensors(files, vectorFile)
const header = readFileSync(vectorFile)
const hashes = (JSON.parse(header.toString('utf8', 8, 8 + Number(header.readBigUInt64LE()))) as { __metadata__: Record<string, string> }).__metadata__

/** Columns back where the model has them. */
function inModelOrder(source: Pick<ModelSource, 'read'>, weight: WeightTensor, values: Float32Array): Float32Array {
  if (!weight.ranges['order']) return values
  const order = inputOrder(source, weight, 'order')
  return values.map((_, i) => values[Math.floor(i / order.length) * order.length + order.indexOf(i % order.length)]!)
}

for (const group of [32, 64, 128] as const) {
  for (const [kind, method] of [['awq', 'awq'], ['gptq', 'gptq'], ['act', 'gptq']] as const) {
    const weight = (): WeightTensor => int4Weight(files, vectors, { method, group, zeroOffset: method === 'gptq' ? 1 : 0 }, `${kind}${group}.weight`)!

    test(`${kind}, groups of ${group}: every value as AutoAWQ and AutoGPTQ unpack it`, () => {
      const w = weight()
      assert.equal(w.shape, [32, 256])
      assert.is(w.ranges['order'] !== undefined, kind === 'act')
      const values = inModelOrder(files, w, dequantize(files, w)).map(v => v + 0)
      assert.is(createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex'), hashes[`${kind}${group}`])
      assert.equal(dequantize(files, w, 5, 3), dequantize(files, w).slice(5 * 256, 8 * 256))
    })

    test(`${kind}, groups of ${group}: what goes to a device is the same weight`, () => {
      const w = weight()
      const source = { path: '', tensors: new Map([[w.name, w]]), read: files.read.bind(files) } as unknown as ModelSource
      for (const simd of [false, true]) {
        const layout = weightLayout(w.type, 32, 256, simd)
        const bytes = new Uint8Array(layout.bytes)
        const backend = { alloc: () => ({}) as DeviceBuffer, write: (_: DeviceBuffer, data: Uint8Array, at = 0) => bytes.set(data, at) } as unknown as Backend
        uploadWeight(backend, source, { key: w.name, tensors: [w.name], layout }, () => undefined)
        const view = new DataView(bytes.buffer)
        const half = layout.span / 2
        const got = Float32Array.from({ length: 32 * 256 }, (_, i) => {
          const inSpan = i % layout.span
          const byte = bytes[layout.codesAt + Math.floor(i / layout.span) * half + (inSpan % half)]!
          const g = Math.floor(i / group)
          return ((inSpan < half ? byte & 15 : byte >> 4) - f16ToF32(view.getUint16(layout.minsAt + 2 * g, true))) * view.getFloat32(layout.scalesAt + 4 * g, true)
        })
        assert.equal(got, dequantize(files, w), `span ${layout.span}`)
      }
    })
  }
}

test('AWQ and GPTQ models: types, orders that products share, nothing left over', async () => {
  const model = await openModel(fixture('models/qwen3_gptq_g32_act'))
  const typeOf = (name: string): string => model.tensors.get(`model.layers.0.${name}`)!.type
  assert.is(typeOf('mlp.down_proj.weight'), 'int4_g32')
  assert.is(typeOf('self_attn.q_proj.input_order'), 'order')
  assert.is(typeOf('self_attn.k_proj.input_order'), 'order:model.layers.0.self_attn.q_proj.input_order')
  assert.is(typeOf('self_attn.v_proj.input_order'), 'order')
  assert.is(typeOf('mlp.up_proj.input_order'), 'order:model.layers.0.mlp.gate_proj.input_order')
  assert.equal(model.ignored, [])
  assert.ok(inspect(model).tensors.every(t => !t.type.startsWith('order')))
  model.close()
  const plain = await openModel(fixture('models/qwen3_gptq_g64'))
  assert.ok(![...plain.tensors.keys()].some(name => name.endsWith('input_order')))
  plain.close()
})

for (const name of ['awq_g128', 'gptq_g32_act', 'fp8', 'fp8_blocks', 'mxfp4']) {
  test(`${name} converted: f32 keeps every value, in the model's order`, async () => {
    const folder = makeFolder()
    const from = fixture(`models/qwen3_${name}`)
    const lost: string[] = []
    for (const to of ['a.gguf', 'b']) lost.push(...(await convertModel(from, join(folder, to), { float: 'f32' })).tensors.filter(t => t.loss !== null).map(t => t.name))
    assert.equal(lost, [])
    const models = await Promise.all([from, join(folder, 'a.gguf'), join(folder, 'b')].map(openModel))
    for (const [key, tensor] of models[0]!.tensors) {
      if (tensor.packing === 'order') continue
      const want = Array.from(inModelOrder(models[0]!, tensor, dequantize(models[0]!, tensor)), v => v + 0)
      for (const other of models.slice(1)) assert.equal(Array.from(dequantize(other, other.tensors.get(key)!), v => v + 0), want, key)
      if (tensor.type === 'mxfp4') assert.ok(models.slice(1).every(m => m.tensors.get(key)!.type === 'mxfp4'))
    }
    for (const m of models) m.close()
  })
}

for (const [base, eights] of [['qwen3_awq_g128', 0x88], ['qwen3_gptq_g64', 0x77]] as const) {
  test(`${base} with zeros of 8 is Q4_0 in GGUF, exactly`, async () => {
    const from = changed(base, (t, data) => (t.name.endsWith('.qzeros') ? { data: data.fill(eights) } : {}))
    const to = join(makeFolder(), 'a.gguf')
    assert.ok((await convertModel(from, to)).tensors.every(t => t.loss === null))
    const [a, b] = [await openModel(from), await openModel(to)]
    for (const [key, tensor] of a.tensors) {
      const other = b.tensors.get(key)!
      if (tensor.type.startsWith('int4')) assert.is(other.type, 'q4_0')
      assert.equal(Array.from(dequantize(b, other), v => v + 0), Array.from(dequantize(a, tensor), v => v + 0), key)
    }
    a.close()
    b.close()
  })
}

// Parts that do not fit together.

const at = 'model.layers.0.self_attn.q_proj'

/** A fixture model with tensors and settings changed; `null` takes a tensor away. */
function changed(base: string, change: (t: FileTensor, data: Uint8Array) => { readonly name?: string; readonly dtype?: string; readonly shape?: readonly number[]; readonly data?: Uint8Array } | null, config: Json = {}): string {
  const path = fixture(`models/${base}`)
  const tensors = [...readSafetensors(files, join(path, 'model.safetensors')).values()].flatMap(t => {
    const data = new Uint8Array(t.range.bytes)
    files.read(t.range, data)
    const made = change(t, data)
    return made === null ? [] : [{ name: t.name, dtype: t.dtype as WritableDtype, shape: t.shape, data, ...made } as Parameters<typeof encodeSafetensors>[0][number]]
  })
  const settings = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8')) as Json
  return makeModel(base, { 'model.safetensors': encodeSafetensors(tensors), 'config.json': { ...settings, quantization_config: { ...(settings['quantization_config'] as Json), ...config } } })
}

const only = (name: string, made: ReturnType<Parameters<typeof changed>[1]>) => (t: FileTensor): ReturnType<Parameters<typeof changed>[1]> => (t.name === name ? made : {})
const same = (): Record<string, never> => ({})
const groups = (edit: (g: Uint32Array) => void) => (t: FileTensor, data: Uint8Array): { readonly data: Uint8Array } => {
  if (t.name === `${at}.g_idx`) edit(new Uint32Array(data.buffer))
  return { data }
}

const hostile: readonly (readonly [string, () => string, RegExp])[] = [
  ['eight bits', () => changed('qwen3_gptq_g64', same, { bits: 8 }), /bits: expected an integer from 4 to 4, got 8/],
  ['a group of no width', () => changed('qwen3_gptq_g64', same, { group_size: -1 }), /group_size: expected 32, 64 or 128, got -1/],
  ['another group than the tensors', () => changed('qwen3_gptq_g64', same, { group_size: 32 }), /qzeros: expected I32 or U32 \[4,16\], got I32 \[2,16\]/],
  ['zeros missing', () => changed('qwen3_gptq_g64', only(`${at}.qzeros`, null)), /tensor .*q_proj\.qzeros is missing/],
  ['scales of integers', () => changed('qwen3_gptq_g64', t => (t.name === `${at}.scales` ? { dtype: 'U8', shape: [2, 256] } : {})), /scales: expected F32 or F16 or BF16 \[2,128\], got U8 \[2,256\]/],
  ['both packed and plain', () => changed('qwen3_gptq_g64', t => (t.name === 'model.norm.weight' ? { name: `${at}.weight` } : {})), /q_proj\.weight is there both plain and packed/],
  ['AWQ of another version', () => changed('qwen3_awq_g128', same, { version: 'gemv' }), /version: expected gemm, got "gemv"/],
  ['a group outside the matrix', () => changed('qwen3_gptq_g32_act', groups(g => { g[3] = 4 })), /g_idx: inputs of group \d: expected 32, got 31/],
  ['a group of 2^31', () => changed('qwen3_gptq_g32_act', groups(g => { g[0] = 2 ** 31 })), /g_idx: inputs of group \d: expected 32, got 31/],
  ['FP8 without scales', () => changed('qwen3_fp8', only(`${at}.weight_scale`, null)), /weight_scale is missing/],
  ['FP8 scales of another size', () => changed('qwen3_fp8', only(`${at}.weight_scale`, { shape: [64, 1], data: new Uint8Array(128) })), /weight_scale: expected F32, F16 or BF16 \[1\], \[128, 1\] or \[1,1\], got BF16 \[64,1\]/],
  ['blocks of another size', () => changed('qwen3_fp8_blocks', same, { weight_block_size: [64, 128] }), /weight_block_size: expected \[128, 128\], got \[64,128\]/],
  ['FP8 that the configuration does not say', () => changed('qwen3_fp8_blocks', same, { quant_method: 'awq', bits: 4, group_size: 128 }), /quantized otherwise than the configuration says: expected awq, got fp8/],
  ['integers of eight bits', () => changed('qwen3_fp8', same, { config_groups: { group_0: { weights: { num_bits: 8, type: 'int', strategy: 'channel' } } } }), /type: expected one of float, got "int"/],
]
for (const [name, make, says] of hostile) {
  test(`refused: ${name}`, async () => {
    let message = ''
    await openModel(make()).then(m => m.close(), (e: unknown) => { message = String(e) })
    assert.match(message, says)
    assert.not.match(message, /\n/)
  })
}

const broken: readonly (readonly [string, string, string, (data: Uint8Array) => void, RegExp])[] = [
  ['an FP8 value that is NaN', 'qwen3_fp8', `${at}.weight`, data => { data[777] = 0xff }, /q_proj\.weight: value 777 is NaN/],
  ['an FP8 scale that is NaN', 'qwen3_fp8', `${at}.weight_scale`, data => { data.set([0xc0, 0x7f], 6) }, /q_proj\.weight: scale 3: expected a finite number, got NaN/],
  ['a scale of AWQ that is infinite', 'qwen3_awq_g128', `${at}.scales`, data => { data.set([0, 0x7c], 4) }, /q_proj\.weight: scale 2: expected a finite number, got Infinity/],
  ['an MXFP4 scale that is NaN', 'qwen3_mxfp4', `${at}.weight_scale`, data => { data[9] = 0xff }, /q_proj\.weight: block scale 9 is NaN/],
]
for (const [name, base, tensor, edit, says] of broken) {
  test(`not uploaded: ${name}`, async () => {
    const source = await openModel(changed(base, (t, data) => {
      if (t.name === tensor) edit(data)
      return { data }
    }))
    const w = source.tensors.get(`${at}.weight`)!
    const backend = { alloc: () => ({}) as DeviceBuffer, write: () => undefined } as unknown as Backend
    const layout = weightLayout(w.type, w.shape[0]!, w.shape[1]!, false)
    assert.throws(() => uploadWeight(backend, source, { key: w.name, tensors: [w.name], layout }, () => undefined), says)
    source.close()
  })
}

test('ModelOpt\'s FP8 has one scale for a tensor, and needs no groups', async () => {
  const model = await openModel(changed('qwen3_fp8', same, { quant_method: 'modelopt', quant_algo: 'FP8', config_groups: {} }))
  assert.is(model.tensors.get('model.layers.0.mlp.up_proj.weight')!.type, 'fp8')
  model.close()
})

test.run()
