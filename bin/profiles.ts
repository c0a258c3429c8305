/**
 * Chips that `weft emit` renders for without a device: CUDA's by architecture, for WebGPU a GPU of today and the least that the
 * standard promises, for WebAssembly with and without relaxed SIMD.
 */
import type { Caps } from '../codegen/caps.js'
import { cudaProfiles } from '../codegen/targets/cuda-profiles.js'
import { wasmCaps } from '../runtime/wasm/backend.js'
import { wrongOption } from './command.js'

const gpu: Caps = {
  target: 'wgsl', chip: 'a GPU with f16 and subgroups', arch: 'gpu', subgroup: { min: 32, max: 32 }, maxThreads: 1024, sharedBytes: 32_768,
  f16: true, matrix: false, tensorCopy: false, cluster: 1, simd: false, maxBuffers: 10, maxBinding: 2 ** 31 - 4, units: 80,
}

const profiles: Readonly<Record<Caps['target'], Readonly<Record<string, Caps>>>> = {
  wgsl: {
    gpu,
    least: { ...gpu, chip: 'the least WebGPU promises', arch: 'least', subgroup: null, maxThreads: 256, sharedBytes: 16_384, f16: false, maxBuffers: 8, maxBinding: 2 ** 27, units: 8 },
  },
  cuda: { sm_90a: cudaProfiles.sm_90a, sm_80: cudaProfiles.sm_80, sm_120a: cudaProfiles.sm_120a },
  wasm: { 'relaxed-simd': wasmCaps(8, true, 'a processor'), simd128: wasmCaps(8, false, 'a processor') },
}

export const archNames: readonly string[] = Object.values(profiles).flatMap(p => Object.keys(p))

/** The profile called `arch`, or the target's first. Throws a WeftError with exit code 2. */
export function profile(target: Caps['target'], arch: string | undefined): Caps {
  const own = profiles[target]
  const name = arch ?? Object.keys(own)[0]!
  const caps = Object.hasOwn(own, name) ? own[name] : undefined
  if (caps === undefined) throw wrongOption('--arch', `unknown for ${target}`, Object.keys(own).join(', '), JSON.stringify(name))
  return caps
}
