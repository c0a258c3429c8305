/**
 * Whether conversions from f16 keep subnormals. WGSL lets a device flush them, which would turn the smallest codes of
 * 4-bit weights into zeros without a word, so it is asked once: a device that flushes is treated as one without f16.
 */
import { mapRead, usage } from './device.js'

const text = `enable f16;
@group(0) @binding(0) var<storage, read_write> codes: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> halves: array<f16>;
@group(0) @binding(2) var<storage, read_write> values: array<vec4<f32>>;
@compute @workgroup_size(1)
fn keeps_f16_subnormals() {
  values[0] = vec4<f32>(bitcast<vec4<f16>>(codes[0])) * 16384.0;
  values[1] = vec4<f32>(f32(halves[0]), f32(halves[1]), f32(halves[2]), f32(halves[3])) * 16384.0;
}`

/** f16 codes of a half and of the least subnormal, scaled, and one of each sign. */
const codes = Uint16Array.of(0x0200, 0x8200, 0x0001, 0x8001)
const values = [0.5, -0.5, 2 ** -10, -(2 ** -10)]

/** The device must have `shader-f16`. */
export async function keepsF16Subnormals(device: GPUDevice): Promise<boolean> {
  const module = device.createShaderModule({ label: 'keeps_f16_subnormals', code: text })
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } })
  const [input, halves, output, staging] = [
    [8, usage.storage | usage.copyDst], [8, usage.storage | usage.copyDst], [32, usage.storage | usage.copySrc], [32, usage.mapRead | usage.copyDst],
  ].map(([size, flags]) => device.createBuffer({ size: size!, usage: flags! })) as [GPUBuffer, GPUBuffer, GPUBuffer, GPUBuffer]
  device.queue.writeBuffer(input, 0, codes)
  device.queue.writeBuffer(halves, 0, codes)
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [input, halves, output].map((buffer, binding) => ({ binding, resource: { buffer } })) })
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(0, group)
  pass.dispatchWorkgroups(1)
  pass.end()
  encoder.copyBufferToBuffer(output, 0, staging, 0, 32)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(mapRead)
  const got = new Float32Array(staging.getMappedRange().slice(0))
  for (const b of [input, halves, output, staging]) b.destroy()
  return values.every((v, i) => got[i] === v && got[i + 4] === v)
}
