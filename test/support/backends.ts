/**
 * The devices that suites of models and schedules run on: here the processor (wasm) and every software adapter of
 * WebGPU; with WEFT_TEST_CUDA=1 the CUDA device and with WEFT_TEST_GPU=1 WebGPU on the real adapter, each alone. What
 * is not there is said in a line that begins with SKIP, which the test runner shows and counts.
 */
import type { Caps } from '../../codegen/caps.js'
import type { Backend } from '../../runtime/backend.js'
import { testGpus } from './software-gpu.js'

export interface TestDevice {
  readonly name: 'wasm' | 'cuda' | 'swiftshader' | 'lavapipe' | 'gpu'
  /** Takes seconds for a kernel: suites that have many take fewer there. */
  readonly slowCompiler: boolean
  /** Opens a backend of its own; the test closes it. */
  open(): Promise<Backend>
}

const real = (): 'cuda' | 'gpu' | null => (process.env['WEFT_TEST_CUDA'] === '1' ? 'cuda' : process.env['WEFT_TEST_GPU'] === '1' ? 'gpu' : null)

/** Says what a suite leaves out. */
export function skip(what: string): void {
  console.log(`SKIP ${what}`)
}

/** A backend, or the reason it could not be had on standard error: uvu ends without a word where set-up fails. */
async function opened(backend: Promise<Backend>): Promise<Backend> {
  return backend.catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    throw error
  })
}

/** Whether suites run on the processor, and compare with the evaluator, or on a real device alone. */
export const onProcessor = (): boolean => real() === null

/** Devices of suites that are not named for WebGPU. */
export function plainDevices(): readonly TestDevice[] {
  switch (real()) {
    case null: return [{ name: 'wasm', slowCompiler: false, open: () => opened(import('../../runtime/wasm/backend.js').then(m => m.openWasm())) }]
    case 'cuda': return [{ name: 'cuda', slowCompiler: false, open: () => opened(import('../../runtime/cuda/backend.js').then(m => m.openCuda())) }]
    case 'gpu': return []
    default: return real() as never
  }
}

/** Adapters of suites that are named for WebGPU. */
export function webGpuDevices(): readonly TestDevice[] {
  if (real() === 'cuda') return []
  return testGpus().map(g => ({ name: g.name, slowCompiler: g.name === 'swiftshader', open: () => g.open() }))
}

/** What a device can be asked to compute in; the processor has f16 only as storage. */
export function computes(caps: Caps): readonly ('f32' | 'f16')[] {
  return caps.f16 && !caps.simd ? ['f32', 'f16'] : ['f32']
}
