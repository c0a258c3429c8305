/** What the tests of the `wasm` target share: one-thread kernels, and runs of a kernel on the backend and on the interpreter. */
import type { KernelBuilder, KernelSpec } from '../../codegen/builder.js'
import { interpret } from '../../codegen/interpret.js'
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
