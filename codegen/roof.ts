/**
 * Kernels that do one thing as fast as a chip can, for measuring the roofs others stand under: one reads memory, one copies
 * it, one multiplies and adds in registers, and where there are matrix units one multiplies tiles that are there already. They
 * are built like all kernels, so that what they reach is what generated kernels can reach. Results depend on every
 * operation and on what was in memory, so that no compiler leaves any out.
 */
import { kernel } from './builder.js'
import type { Caps } from './caps.js'
import type { Kernel } from './kernel.js'
import { stateLayout } from './state.js'
import { call, splat, type Value } from './value.js'

/** What a chip reaches at most, measured: GB/s of memory, GFLOP/s in f32, and of matrix tiles in f16 with f32 sums. */
export interface Roof {
  readonly gbps: number
  readonly gflops: number
  readonly matrixGflops: number | null
}

export interface RoofKernels {
  readonly read: Kernel
  readonly copy: Kernel
  readonly arithmetic: Kernel
  readonly matrix: Kernel | null
}

/** No live sizes: the state is bound and never read. */
export const roofState = stateLayout(8, 1, 256)
const fixed = (bytes: number, flops: number): Kernel['cost'] => ({ bytes: { base: bytes, per: {} }, flops: { base: flops, per: {} } })
const times = (n: number): Kernel['tiles'] => [{ dim: null, per: 1, times: n }]

/** Independent sums of a thread: enough to hide the latency of an addition. */
const chains = 12
const gpuThreads = 256
/** Vectors a thread reads one after the other. */
const vectorsEach = 8

/**
 * @param bytes of one buffer that is read or copied: far more than any cache holds, a multiple of 1 MiB
 * Params: `source` and `target` of f32x4, `target` of as many bytes.
 */
export function roofKernels(caps: Caps, bytes: number): RoofKernels {
  const vectors = bytes / 16
  const threads = caps.simd ? 1 : Math.min(gpuThreads, caps.maxThreads)
  // On a CPU a tile is one thread's walk through 64 KiB; on a GPU neighbours read neighbouring vectors.
  const each = caps.simd ? 4096 : vectorsEach
  const tiles = Math.ceil(vectors / (threads * each))
  const spec = (name: string, count: number, cost: Kernel['cost']) => ({ schedule: `roof.${name}`, threads, tiles: times(count), cost, state: roofState })

  const read = kernel(spec('read', tiles, fixed(bytes, vectors * 4)), (k, tile) => {
    const source = k.param('source', 'f32x4', 'weight', 'read', 'stream')
    const target = k.param('target', 'f32x4', 'activation', 'write')
    const first = k.let('first', tile.mul(threads * each).add(k.local))
    // Several sums: additions that wait for each other are slower than memory on a CPU.
    const sums = Array.from({ length: 4 }, () => k.var('sum', 'f32x4', 0))
    k.for({ name: 'i', to: each, step: 8, unroll: 1 }, i => {
      const loaded = Array.from({ length: 8 }, (_, n) => k.let('v', source.load(first.add(i.add(n).mul(threads)))))
      loaded.forEach((v, n) => sums[n % sums.length]!.add(v))
    })
    const all = k.let('all', sums.map(s => s.value).reduce((a, b) => a.add(b)))
    // True of no data that the buffer is filled with, which the compiler cannot know.
    k.when(all.at(0).eq(k.const('f32', 1.25e30)), () => target.store(first, all))
  })

  const copy = kernel(spec('copy', tiles, fixed(2 * bytes, 0)), (k, tile) => {
    const source = k.param('source', 'f32x4', 'weight', 'read', 'stream')
    const target = k.param('target', 'f32x4', 'activation', 'write')
    const first = k.let('first', tile.mul(threads * each).add(k.local))
    k.for({ name: 'i', to: each, step: 8, unroll: 1 }, i => {
      const at = Array.from({ length: 8 }, (_, n) => k.let('at', first.add(i.add(n).mul(threads))))
      at.map(a => k.let('v', source.load(a))).forEach((v, n) => target.store(at[n]!, v))
    })
  })

  const steps = caps.simd ? 262144 : 512
  const workers = caps.units * 16
  const arithmetic = kernel(spec('arithmetic', workers, fixed(0, workers * threads * steps * chains * 8)), (k, tile) => {
    const source = k.param('source', 'f32x4', 'weight')
    const target = k.param('target', 'f32x4', 'activation', 'write')
    const at = k.let('at', tile.mul(threads).add(k.local))
    const seed = k.let('seed', source.load(at))
    // Tends to a fixed point: nothing overflows, and nothing becomes subnormal.
    const [factor, addend] = [k.let('factor', seed.mul(splat('f32x4', 1e-6)).add(splat('f32x4', 0.5))), k.let('addend', seed.add(splat('f32x4', 1)))]
    const sums = Array.from({ length: chains }, (_, n) => k.var('acc', 'f32x4', seed.add(splat('f32x4', n))))
    k.for({ name: 'step', to: steps, unroll: 4 }, () => sums.forEach(s => s.set(call('fma', s.value, factor, addend))))
    target.store(at, sums.map(s => s.value).reduce((a, b) => a.add(b)))
  })
  return { read, copy, arithmetic, matrix: caps.matrix && !caps.simd && caps.subgroup !== null ? matrixKernel(caps, caps.subgroup.max) : null }
}

/** Subgroups of 2 × 4 tiles of sums, as the matrix schedule has them, over operands loaded once. */
function matrixKernel(caps: Caps, lanes: number): Kernel {
  const side = 16
  const [high, wide] = [2, 4]
  const stride = side + 8
  const subgroups = Math.max(1, Math.min(8, Math.floor(caps.maxThreads / lanes)))
  const threads = lanes * subgroups
  const workers = caps.units * 8
  const steps = 1024
  return kernel(
    {
      schedule: 'roof.matrix', threads, subgroupSize: lanes, tiles: times(workers), state: roofState,
      cost: fixed(0, workers * subgroups * steps * high * wide * 2 * side ** 3),
    },
    (k, tile) => {
      const source = k.param('source', 'f32x4', 'weight')
      const target = k.param('target', 'f32x4', 'activation', 'write')
      const operands = k.shared('operands', 'f16', (high + wide) * side * stride)
      const out = k.shared('out', 'f32', subgroups * side * (side + 4))
      k.for({ name: 'i', from: k.local, to: (high + wide) * side * stride, step: threads }, i => operands.store(i, source.load(i).at(0).mul(1 / 64)))
      k.barrier()
      const a = Array.from({ length: high }, (_, i) => k.let('a', k.matrixLoad('matrixA', operands, i * side * stride, stride)))
      const b = Array.from({ length: wide }, (_, i) => k.let('b', k.matrixLoad('matrixB', operands, (high + i) * side * stride, stride, true)))
      const zero = call('matrixZero')
      const sums = a.map(() => b.map(() => k.var('acc', 'matrixC', zero)))
      k.for({ name: 'step', to: steps, unroll: 2 }, () => a.forEach((av, i) => b.forEach((bv, j) => k.matrixMultiply(sums[i]![j]!, av, bv))))
      const patch = k.let('patch', k.subgroup.mul(side * (side + 4)))
      const total: Value[] = []
      for (const sum of sums.flat()) {
        k.matrixStore(out, patch, side + 4, sum.value)
        k.barrier()
        total.push(k.let('part', out.load(patch.add(k.local.mod(lanes)))))
        k.barrier()
      }
      target.store(tile.mul(threads).add(k.local), splat('f32x4', total.reduce((x, y) => x.add(y))))
    },
  )
}
