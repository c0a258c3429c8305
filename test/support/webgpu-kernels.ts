/**
 * Kernels written by hand for the tests of the `wgsl` target and the WebGPU backend, and one call that uploads,
 * runs and reads back.
 */
import type { Intrinsic } from '../../codegen/intrinsics.js'
import type { Access, BinaryOp, Builtin, Dims, Element, Expr, Kernel, Param, Role, Scalar, Stmt, TileFactor, ValueType } from '../../codegen/kernel.js'
import type { Backend, BoundPlan, BufferView, DeviceBuffer, Program } from '../../runtime/backend.js'

export const constant = (type: Scalar, value: number): Expr => ({ kind: 'const', type, value })
export const u = (value: number): Expr => constant('u32', value)
export const i = (value: number): Expr => constant('i32', value)
export const f = (value: number): Expr => constant('f32', value)
export const ref = (name: string, type: ValueType = 'u32'): Expr => ({ kind: 'ref', type, name })
export const builtin = (name: Builtin): Expr => ({ kind: 'builtin', type: 'u32', name })
export const binary = (op: BinaryOp, a: Expr, b: Expr): Expr =>
  ({ kind: 'binary', type: ['<', '<=', '>', '>=', '==', '!=', '&&', '||'].includes(op) ? 'bool' : a.type, op, a, b })
export const load = (name: string, index: Expr, type: ValueType = 'u32'): Expr => ({ kind: 'load', type, param: name, index })
export const shared = (array: string, index: Expr, type: ValueType = 'f32'): Expr => ({ kind: 'shared', type, array, index })
export const call = (intrinsic: Intrinsic, type: ValueType, ...args: readonly Expr[]): Expr => ({ kind: 'call', type, intrinsic, args })
export const bitcast = (type: ValueType, a: Expr): Expr => ({ kind: 'bitcast', type, a })
export const store = (name: string, index: Expr, value: Expr): Stmt => ({ kind: 'store', param: name, index, value })
export const let_ = (name: string, value: Expr): Stmt => ({ kind: 'let', name, value })
export const when = (condition: Expr, ...then: readonly Stmt[]): Stmt => ({ kind: 'if', condition, then, otherwise: [] })
export const loop = (name: string, to: Expr, ...body: readonly Stmt[]): Stmt =>
  ({ kind: 'for', name, from: u(0), to, step: u(1), unroll: 1, body })

export const param = (name: string, element: Element, access: Access = 'read', role: Role = 'activation'): Param =>
  ({ name, element, role, access, cache: 'keep' })

/** Index of this thread among all threads of a launch. */
export const thread = (threads: number): Expr => binary('+', binary('*', builtin('tile'), u(threads)), builtin('local'))

export const tiles = (times: number): readonly TileFactor[] => [{ dim: null, per: 1, times }]

export function kernelOf(name: string, parts: Partial<Kernel> & Pick<Kernel, 'params' | 'body'>): Kernel {
  const none = { base: 0, per: {} }
  return { name, schedule: `test.${name}`, knobs: {}, shared: [], threads: 64, subgroupSize: null, tiles: tiles(1), cost: { bytes: none, flops: none }, ...parts }
}

export const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
export const viewOf = (buffer: DeviceBuffer, offset = 0, bytes = buffer.bytes - offset): BufferView => ({ buffer, offset, bytes })

/** A plan of launches of one program. */
export function planOf(backend: Backend, program: Program, launches: readonly { readonly kernel: Kernel; readonly args: readonly BufferView[] }[], dims: Dims = {}): BoundPlan {
  const view = launches[0]?.args[0] ?? viewOf(backend.alloc(256, 'state'))
  return { label: 'test', launches: launches.map(l => ({ program, kernel: l.kernel.name, args: l.args, tiles: l.kernel.tiles })), dims, state: { view, words: {} } }
}

/** Runs one launch over fresh buffers and returns their bytes afterwards. A number is the size of a zeroed buffer. */
export async function runKernel(backend: Backend, program: Program, kernel: Kernel, args: readonly (ArrayBufferView | number)[], dims: Dims = {}): Promise<readonly ArrayBuffer[]> {
  const buffers = args.map((a, n) => {
    const buffer = backend.alloc(typeof a === 'number' ? a : a.byteLength, `${kernel.name}.${kernel.params[n]!.name}`)
    if (typeof a !== 'number') backend.write(buffer, bytesOf(a))
    return buffer
  })
  await backend.run(backend.record(planOf(backend, program, [{ kernel, args: buffers.map(b => viewOf(b)) }], dims))).done
  const out: ArrayBuffer[] = []
  for (const b of buffers) out.push((await backend.read(b)).slice().buffer)
  for (const b of buffers) backend.free(b)
  return out
}
