/** What the tests of the `wasm` target share: one-thread kernels, and runs of a kernel on the backend and on the interpreter. */
import * as assert from 'uvu/assert'
import type { KernelBuilder, KernelSpec } from '../../codegen/builder.js'
import { interpret } from '../../codegen/interpret.js'
import { f16Values } from '../../codegen/interpret-numbers.js'
import type { Dims, Kernel } from '../../codegen/kernel.js'
import type { Value } from '../../codegen/value.js'
import type { Backend, BufferView, Program, Recording } from '../../runtime/backend.js'
import { make } from './kernels.js'

/** A kernel of one thread named `name`, of `tiles` tiles. */
export function single(name: string, tiles: number, body: (k: KernelBuilder, tile: Value) => void, spec: Partial<KernelSpec> = {}): Kernel {
  return { ...make({ schedule: `test.${name}`, threads: 1, tiles: [{ dim: null, per: 1, times: tiles }], ...spec }, body), name }
}

/** Bytes of each param before a run, by name. */
export type Inputs = Readonly<Record<string, ArrayBufferView>>

export const bytesOf = (v: ArrayBufferView): Uint8Array => new Uint8Array(v.buffer, v.byteOffset, v.byteLength)

export interface Prepared {
  readonly recording: Recording
  /** The buffer's bytes as they are now. */
  read(param: string): Promise<Uint8Array>
}

/** Uploads inputs and records one launch; the live dims stand in a state buffer in the order of `dims`. */
export function prepare(backend: Backend, program: Program, kernel: Kernel, inputs: Inputs, dims: Dims = {}): Prepared {
  const views = Object.fromEntries(kernel.params.map((p): [string, BufferView] => {
    const data = bytesOf(inputs[p.name]!)
    const buffer = backend.alloc(data.byteLength, p.name)
    backend.write(buffer, data)
    return [p.name, { buffer, offset: 0, bytes: buffer.bytes }]
  }))
  const state = backend.alloc(256, 'state')
  backend.write(state, bytesOf(Uint32Array.from(Object.values(dims))))
  const recording = backend.record({
    label: kernel.name, dims,
    launches: [{ program, kernel: kernel.name, args: kernel.params.map(p => views[p.name]!), tiles: kernel.tiles }],
    state: { view: { buffer: state, offset: 0, bytes: 256 }, words: Object.fromEntries(Object.keys(dims).map((d, i) => [d, i])) },
  })
  return { recording, read: param => backend.read(views[param]!.buffer) }
}

/** One param's bytes after a run on the backend. */
export async function runOn(backend: Backend, program: Program, kernel: Kernel, inputs: Inputs, result: string, dims: Dims = {}): Promise<Uint8Array> {
  const prepared = prepare(backend, program, kernel, inputs, dims)
  await backend.run(prepared.recording).done
  return prepared.read(result)
}

/** The same on the interpreter. */
export function interpreted(kernel: Kernel, inputs: Inputs, result: string, dims: Dims = {}): Uint8Array {
  const buffers = Object.fromEntries(kernel.params.map(p => [p.name, { bytes: bytesOf(inputs[p.name]!).slice() }]))
  interpret(kernel, buffers, { dims, mode: 'fast' })
  return buffers[result]!.bytes
}

/** A repeatable stream of numbers in [0, 1). */
export function random(seed: number): () => number {
  let s = seed >>> 0
  return () => {
    s = (s + 0x6d2b79f5) >>> 0
    let t = Math.imul(s ^ (s >>> 15), s | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export const floatsOf = (b: Uint8Array): Float32Array => new Float32Array(b.slice().buffer)

/** Passes if the bytes are those of `want`, any NaN for a NaN. */
export const bitsEqual = (want: Float32Array) => (got: Uint8Array): void => {
  const g = floatsOf(got)
  const wrong = want.findIndex((w, i) => !(Object.is(w, g[i]) || (Number.isNaN(w) && Number.isNaN(g[i]))))
  if (wrong >= 0) assert.unreachable(`element ${wrong}: expected ${want[wrong]}, got ${g[wrong]}`)
}

/** Within `ulps` units in the last place of the float64 meaning, subnormals in units of the smallest. */
export const within = (ulps: number, meaning: (x: number) => number, xs: Float32Array) => (got: Uint8Array): void => {
  floatsOf(got).forEach((g, i) => {
    const want = meaning(xs[i]!)
    const rounded = Math.fround(want)
    if (Object.is(g, rounded) || (Number.isNaN(rounded) && Number.isNaN(g))) return
    const ulp = Math.max(2 ** -149, 2 ** (Math.floor(Math.log2(Math.abs(want))) - 23))
    if (!(Math.abs(g - want) <= ulps * ulp)) assert.unreachable(`f(${xs[i]}) is ${want}, got ${g}: ${Math.abs(g - want) / ulp} ulp`)
  })
}

/** Every f16 code, the midpoints between codes and their neighbours, and what lies beyond. */
export const narrowInputs = (): Float32Array => {
  const out: number[] = []
  for (let h = 0; h < 0x7c00; h++) {
    const [v, w] = [f16Values[h]!, h === 0x7bff ? 65536 : f16Values[h + 1]!]
    const middle = (v + w) / 2
    const bits = new Uint32Array(Float32Array.of(middle).buffer)[0]!
    for (const x of [v, middle, ...new Float32Array(Uint32Array.of(bits - 1, bits + 1).buffer)]) out.push(x, -x)
  }
  out.push(65519.996, 65520, 1e9, -1e9, Infinity, -Infinity, NaN, 2 ** -25, 2 ** -26, 1e-40, -1e-40, 0)
  while (out.length % 4 !== 0) out.push(0)
  return Float32Array.from(out)
}
