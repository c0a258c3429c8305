/**
 * Every WGSL kernel passes Dawn's validation, without a GPU: the golden ones, and those of two models for each chip whose
 * profile ships, with no more features than the chip has. Dawn's null backend draws nothing but has every feature, matrix
 * tiles among them. What a chip's limits allow is checked where kernels are rendered.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { profile, profileNames } from '../bin/profiles.js'
import type { Caps } from '../codegen/caps.js'
import { compile } from '../codegen/compile.js'
import { wgsl } from '../codegen/targets/wgsl.js'
import { openModel } from '../weights/open.js'
import { skip } from './support/backends.js'

const root = fileURLToPath(new URL('../../test/', import.meta.url))
const golden = join(root, 'golden/wgsl')
const models = ['models/qwen3_nvfp4_compressed_tensors', 'gguf/llama3-q4/model.gguf'].map(m => join(root, 'fixtures', m))

const features = ['shader-f16', 'subgroups', 'subgroup-size-control', 'chromium-experimental-subgroup-matrix'] as GPUFeatureName[]

/** Dawn's object must outlive what is made of it. */
async function nullGpu(): Promise<GPU | string> {
  try {
    const { create } = await import('webgpu')
    const gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis'])
    return (await gpu.requestAdapter()) ? gpu : 'Dawn has no null backend here'
  } catch (e) {
    return `Dawn does not load: ${String(e)}`
  }
}

/** The first complaint about a module, or null. */
async function complaint(device: GPUDevice, text: string): Promise<string | null> {
  device.pushErrorScope('validation')
  const { messages } = await device.createShaderModule({ code: text }).getCompilationInfo()
  const invalid = await device.popErrorScope()
  const error = messages.find(m => m.type === 'error')
  return error ? `line ${error.lineNum}: ${error.message}` : invalid?.message ?? null
}

/** Features a chip has: text that enables another must not pass. */
const featuresOf = (caps: Caps): readonly GPUFeatureName[] => features.filter(f => {
  switch (f as string) {
    case 'shader-f16': return caps.f16
    case 'subgroups': return caps.subgroup !== null
    case 'subgroup-size-control': return caps.subgroup !== null && caps.subgroup.min !== caps.subgroup.max
    default: return caps.matrix
  }
})

async function kernelsFor(caps: Caps): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>()
  for (const path of models) {
    const source = await openModel(path)
    source.close()
    const compute = caps.f16 ? 'f16' : 'f32'
    const { kernels } = compile(source.config, name => source.tensors.get(name)?.type ?? 'f32', { caps, compute, kv: compute, context: 2048, sequences: 1, chunk: 512, fuse: true })
    for (const k of wgsl.render(kernels, caps).kernels) texts.set(k.text, `${k.name} of ${path}`)
  }
  return texts
}

const gpu = await nullGpu()
if (typeof gpu === 'string') skip(`validation of WGSL: ${gpu}`)
else {
  /** A device is made of an adapter that has made none. */
  const withDevice = async (descriptor: GPUDeviceDescriptor, use: (device: GPUDevice) => Promise<void>): Promise<void> => {
    const adapter = (await gpu.requestAdapter())!
    const device = await adapter.requestDevice(descriptor)
    try {
      await use(device)
    } finally {
      device.destroy()
    }
  }
  const check = async (device: GPUDevice, texts: ReadonlyMap<string, string>): Promise<void> => {
    for (const [text, name] of texts) assert.is(await complaint(device, text), null, name)
  }
  test('golden WGSL kernels are valid', () => withDevice({ requiredFeatures: features }, async device => {
    const names = readdirSync(golden).filter(n => n.endsWith('.wgsl'))
    await check(device, new Map(names.map(n => [readFileSync(join(golden, n), 'utf8'), n])))
  }))
  for (const name of profileNames('wgsl')) {
    const caps = profile({ target: 'wgsl', arch: undefined, caps: name })
    test(`every kernel for ${name} is valid there`, () => withDevice(
      { requiredFeatures: [...featuresOf(caps)] },
      async device => check(device, await kernelsFor(caps)),
    ))
  }
  test('what is invalid is seen', () => withDevice({}, async device => {
    assert.match((await complaint(device, 'enable f16; @compute @workgroup_size(1) fn main() {}')) ?? '', /f16/)
    assert.match((await complaint(device, '@compute @workgroup_size(1) fn main(@builtin(local_invocation_index) i: u32) { if (i == 0u) { workgroupBarrier(); } }')) ?? '', /uniform/)
  }))
}
test.run()
