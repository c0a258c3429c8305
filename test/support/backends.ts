/**
 * The devices that suites of models and schedules run on: here the processor (wasm) and every software adapter of
 * WebGPU; with WEFT_TEST_CUDA=1 the CUDA device and with WEFT_TEST_GPU=1 WebGPU on the real adapter, each alone. What
 * is not there is said in a line that begins with SKIP, which the test runner shows and counts.
 */
import { extentMax } from '../../codegen/builder.js'
import type { Caps } from '../../codegen/caps.js'
import { reject, type Compute, type Schedule } from '../../codegen/schedule.js'
import { schedules } from '../../codegen/schedules/index.js'
import { inputsOf } from '../../graph/op.js'
import type { Backend } from '../../runtime/backend.js'
import { softwareGpuEnv, testGpus } from './software-gpu.js'

export interface TestDevice {
  readonly name: 'wasm' | 'cuda' | 'swiftshader' | 'lavapipe' | 'gpu' | 'hip' | 'msl'
  /** Takes seconds for a kernel: suites that have many take fewer there. */
  readonly slowCompiler: boolean
  /** Another software adapter of this machine runs the same suites: what both would show alike is left to that one. */
  readonly beside?: boolean
  /** Of the problems of a schedule, one of each kind is enough there: type of weight and cache, live rows or fixed ones. */
  readonly kindsOnly?: boolean
  /** What most models are made of there, where the engine's choice takes long. */
  readonly lightSchedules?: readonly Schedule[]
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
  return testGpus().map((g): TestDevice => {
    const open = (): Promise<Backend> => g.open()
    if (g.name === 'gpu') return { name: 'gpu', slowCompiler: false, open }
    return { name: g.name, slowCompiler: true, beside: g.name === 'swiftshader' && softwareGpuEnv('lavapipe') !== null, lightSchedules, open: g.name === 'swiftshader' ? open : () => lavapipe(open) }
  })
}

/** lavapipe optimizes a kernel for up to half a minute: it is told not to, and to compute four lanes at a time. */
async function lavapipe(open: () => Promise<Backend>): Promise<Backend> {
  process.env['GALLIVM_PERF'] ??= 'nopt'
  process.env['LP_NATIVE_VECTOR_WIDTH'] ??= '128'
  return open()
}

/** The smallest knobs, and few rows multiplied by tiles: what software adapters compile and run in little time. */
const lightKnobs: Readonly<Record<string, Schedule['knobs']>> = {
  matvec: { lanes: [8], columns: [1], threads: [64], stages: [1] },
  tile: { rowTile: [32], colTile: [64], stages: [1], queryTile: [16], threads: [64, 128] },
  split: { threads: [64], splits: [8] },
  chunks: { threads: [64], perThread: [4] },
}

const lightSchedules: readonly Schedule[] = schedules.map(s => {
  const [, kind] = s.name.split('.') as [string, string]
  const few = lightKnobs[kind]
  const knobs = Object.fromEntries(Object.entries(s.knobs).map(([name, values]) => [name, few?.[name] ?? values]))
  if (kind !== 'matvec') return { ...s, knobs }
  const rows = (node: Parameters<Schedule['make']>[0], context: Parameters<Schedule['make']>[1]): number => extentMax(context.extent(inputsOf(node)['x']!.type.shape[0]!))
  return { ...s, knobs, make: (node, context, chosen) => (rows(node, context) > 1 ? reject('several rows take long to compile here') : s.make(node, context, chosen)) }
})

/** What a device can be asked to compute in; the processor has f16 only as storage. */
export function computes(caps: Caps): readonly Compute[] {
  return caps.simd ? ['f32', 'i16'] : caps.f16 ? ['f32', 'f16'] : ['f32']
}
