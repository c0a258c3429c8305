/** The small float formats, code by code, and NVFP4 quantization against a fixture of the common exporters. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { dequantize } from '../weights/dequantize.js'
import { ModelFiles } from '../weights/files.js'
import { bf16ToF32, e2m1ToF32, e4m3ToF32, f16ToF32, f32ToBf16, f32ToE2m1, f32ToE4m3, ue4m3ToF32 } from '../weights/floats.js'
import type { WeightTensor } from '../weights/model.js'
import { quantizeNvfp4 } from '../weights/quantize.js'
import { readSafetensors } from '../weights/safetensors.js'
import { fixture } from './weights-make.js'

const known = [
  ['e4m3 zero', e4m3ToF32(0x00), 0], ['e4m3 least subnormal', e4m3ToF32(0x01), 2 ** -9], ['e4m3 largest subnormal', e4m3ToF32(0x07), 7 * 2 ** -9],
  ['e4m3 least normal', e4m3ToF32(0x08), 2 ** -6], ['e4m3 one', e4m3ToF32(0x38), 1], ['e4m3 256', e4m3ToF32(0x78), 256], ['e4m3 max', e4m3ToF32(0x7e), 448],
  ['e4m3 negative', e4m3ToF32(0xfe), -448], ['e4m3 negative subnormal', e4m3ToF32(0x81), -(2 ** -9)], ['e4m3 minus zero', e4m3ToF32(0x80), -0],
  ['e4m3 NaN', e4m3ToF32(0x7f), NaN], ['e4m3 other NaN', e4m3ToF32(0xff), NaN],
  ['ue4m3 0x7F is zero', ue4m3ToF32(0x7f), 0], ['ue4m3 448', ue4m3ToF32(0x7e), 448], ['ue4m3 subnormal', ue4m3ToF32(0x03), 3 * 2 ** -9],
  ['f16 one', f16ToF32(0x3c00), 1], ['f16 least', f16ToF32(0x0001), 2 ** -24], ['f16 max', f16ToF32(0x7bff), 65504], ['f16 minus two', f16ToF32(0xc000), -2],
  ['f16 infinity', f16ToF32(0x7c00), Infinity], ['f16 NaN', f16ToF32(0x7e00), NaN], ['f16 minus zero', f16ToF32(0x8000), -0],
  ['bf16 one', bf16ToF32(0x3f80), 1], ['bf16 negative', bf16ToF32(0xc040), -3], ['bf16 least', bf16ToF32(0x0001), 2 ** -133], ['bf16 infinity', bf16ToF32(0xff80), -Infinity],
  ['e2m1 six', e2m1ToF32(7), 6], ['e2m1 half', e2m1ToF32(1), 0.5], ['e2m1 minus six', e2m1ToF32(15), -6], ['e2m1 minus zero', e2m1ToF32(8), -0],
  ['to e4m3: tie to even, down', f32ToE4m3(17), 0x58], ['to e4m3: tie to even, up', f32ToE4m3(19), 0x5a], ['to e4m3: saturates', f32ToE4m3(1e9), 0x7e],
  ['to e4m3: subnormal tie', f32ToE4m3(2 ** -10), 0], ['to e4m3: above the tie', f32ToE4m3(1.01 * 2 ** -10), 1], ['to e4m3: NaN', f32ToE4m3(NaN), 0x7f],
  ['to e2m1: ties', [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5].map(f32ToE2m1).join(), '0,2,2,4,4,6,6'], ['to e2m1: saturates', f32ToE2m1(-100), 15],
  ['to bf16: tie to even', f32ToBf16(1 + 2 ** -8), 0x3f80], ['to bf16: tie to even, up', f32ToBf16(1 + 3 * 2 ** -8), 0x3f82], ['to bf16: NaN stays one', f32ToBf16(NaN) & 0x7fff, 0x7fc0],
] as const

test('known values', () => {
  for (const [name, got, want] of known) assert.ok(Object.is(got, want), `${name}: ${got}, not ${want}`)
})

test('decoding and encoding are inverse on every code', () => {
  for (let code = 0; code < 256; code++) if ((code & 0x7f) !== 0x7f) assert.is(f32ToE4m3(e4m3ToF32(code)), code)
  for (let code = 0; code < 16; code++) assert.is(f32ToE2m1(e2m1ToF32(code)), code)
  for (let bits = 0; bits < 1 << 16; bits++) if (!Number.isNaN(bf16ToF32(bits))) assert.is(f32ToBf16(bf16ToF32(bits)), bits)
})

test('quantizing gives the fixture\'s codes, scales and tensor scale, and its values come back', () => {
  const files = new ModelFiles()
  const tensors = readSafetensors(files, fixture('nvfp4/quantize.safetensors'))
  const bytes = (name: string): Uint8Array => {
    const into = new Uint8Array(tensors.get(name)!.range.bytes)
    files.read(tensors.get(name)!.range, into)
    return into
  }
  const weight = tensors.get('weight')!
  const plain: WeightTensor = { name: 'weight', type: 'bf16', shape: weight.shape, packing: 'plain', ranges: { data: weight.range }, scale: 1 }
  const scale = new Float32Array(bytes('global').buffer)[0]!
  const got = quantizeNvfp4(dequantize(files, plain), 256)
  assert.equal(got.codes, bytes('packed'))
  assert.equal(got.scales, bytes('scale'))
  assert.is(got.scale, scale)
  const packed: WeightTensor = {
    name: 'packed', type: 'nvfp4', shape: [64, 256], packing: 'planes', scale,
    ranges: { codes: tensors.get('packed')!.range, scales: tensors.get('scale')!.range },
  }
  assert.equal(Array.from(dequantize(files, packed), v => v + 0), Array.from(new Float32Array(bytes('dequantized').buffer), v => v + 0))
  files.close()
})

test('zeros, tiny values and bad input quantize to something definite', () => {
  const zeros = quantizeNvfp4(new Float32Array(32), 16)
  assert.equal(zeros.codes, new Uint8Array(16))
  assert.is(zeros.scale, 1)
  const tiny = quantizeNvfp4(Float32Array.from({ length: 32 }, (_, i) => (i === 3 ? 1e-42 : 0)), 16)
  assert.ok([...tiny.scales].every(s => (s & 0x7f) !== 0x7f) && Number.isFinite(tiny.scale))
  assert.throws(() => quantizeNvfp4(new Float32Array(24), 24), /\[nvfp4\] columns: expected a multiple of 16, got 24/)
  assert.throws(() => quantizeNvfp4(Float32Array.of(...new Array<number>(15).fill(0), NaN), 16), /finite/)
})

test.run()
