/** What several schedules share: loops over elements, sums over a group of threads, float activations as buffers. */
import { amount, kernel, tilesOf, type Buffer, type Extent, type KernelBuilder } from '../builder.js'
import type { Caps } from '../caps.js'
import type { Cost, Kernel } from '../kernel.js'
import type { Context } from '../schedule.js'
import { call, type Value } from '../value.js'

/** Bytes and flops of a kernel over `rows` rows, `each` counted for a row and `base` once. */
export function cost(rows: Extent, bytesEach: number, flopsEach: number, baseBytes = 0): Cost {
  return { bytes: amount(rows, bytesEach, baseBytes), flops: amount(rows, flopsEach) }
}

/** Elements one tile of an elementwise kernel covers on a CPU, where a tile is one thread. */
const cpuElements = 512

export interface Elementwise {
  readonly schedule: string
  readonly rows: Extent
  /** Elements of one row. */
  readonly width: number
  readonly bytesPerElement: number
  readonly threads: number
}

/** A kernel that does `body` for every element of [rows, width], given its row, column and index. */
export function elementwise(context: Context, e: Elementwise, params: (k: KernelBuilder) => (row: Value, col: Value, index: Value) => void): Kernel {
  const { simd } = context.caps
  const threads = simd ? 1 : e.threads
  const perTile = simd ? Math.min(cpuElements, e.width) : threads
  const tilesPerRow = Math.ceil(e.width / perTile)
  return kernel(
    {
      schedule: e.schedule, knobs: { threads }, threads, state: context.state,
      tiles: [tilesOf(e.rows), { dim: null, per: 1, times: tilesPerRow }],
      cost: cost(e.rows, e.width * e.bytesPerElement, e.width),
    },
    (k, tile) => {
      const each = params(k)
      const row = k.let('row', tile.div(tilesPerRow))
      const first = k.let('first', tile.mod(tilesPerRow).mul(perTile))
      const guarded = (col: Value, then: () => void): void => (e.width % perTile === 0 ? then() : k.when(col.lt(e.width), then))
      const at = (col: Value): void => guarded(col, () => each(row, col, k.let('at', row.mul(e.width).add(col))))
      if (simd) k.for({ name: 'element', to: perTile }, i => at(k.let('col', first.add(i))))
      else at(k.let('col', first.add(k.local)))
    },
  )
}

/** What a reduction does with two values, and the operation subgroups have for it. */
const reductions = {
  sum: { combine: (a: Value, b: Value): Value => a.add(b), subgroup: 'subgroupAdd' },
  max: { combine: (a: Value, b: Value): Value => a.max(b), subgroup: 'subgroupMax' },
} as const

/**
 * A reduction over all threads of a group, seen by all of them, in a fixed order: first within subgroups where their
 * size is certain, else by a tree in shared memory.
 */
export function groupReduce(k: KernelBuilder, caps: Caps, threads: number, value: Value, how: keyof typeof reductions): Value {
  if (threads === 1) return value
  const { combine, subgroup } = reductions[how]
  const lanes = caps.subgroup && caps.subgroup.min === caps.subgroup.max ? caps.subgroup.min : 1
  if (lanes > 1 && threads % lanes === 0) {
    const own = k.let('own', call(subgroup, value))
    if (threads === lanes) return own
    const parts = k.shared('parts', 'f32', threads / lanes)
    k.when(k.local.mod(lanes).eq(0), () => parts.store(k.local.div(lanes), own))
    k.barrier()
    const all = Array.from({ length: threads / lanes }, (_, i) => parts.load(i))
    return k.let('total', all.reduce(combine))
  }
  const parts = k.shared('parts', 'f32', threads)
  parts.store(k.local, value)
  k.barrier()
  k.for({ name: 'level', to: Math.log2(threads) }, level => {
    const half = k.let('half', k.const('u32', threads / 2).shr(level))
    k.when(k.local.lt(half), () => parts.store(k.local, combine(parts.load(k.local), parts.load(k.local.add(half)))))
    k.barrier()
  })
  return k.let('total', parts.load(0))
}

/** Floats of shared memory that a tree of sums takes at most, where one a thread is less. */
const treeFloats = 2048

/**
 * Sums over teams of `lanes` neighbouring threads, seen by all of a team: by shuffles where a subgroup holds a team,
 * else by a tree in shared memory. Teams are runs of the local index, which is how every known driver fills
 * one-dimensional groups into subgroups.
 */
export function teamSums(k: KernelBuilder, caps: Caps, threads: number, lanes: number, values: readonly Value[]): readonly Value[] {
  if (lanes === 1) return values
  if (caps.subgroup && caps.subgroup.min >= lanes) {
    return values.map(v => {
      let sum = v
      for (let bit = lanes / 2; bit >= 1; bit /= 2) sum = k.let('sum', sum.add(call('subgroupShuffleXor', sum, k.const('u32', bit))))
      return sum
    })
  }
  // As many sums together as a little shared memory takes: barriers cost more than what stands between them, on
  // software adapters also to compile.
  const together = Math.min(values.length, Math.max(1, Math.floor(treeFloats / threads)))
  const parts = k.shared('parts', 'f32', threads * together)
  const inTeam = k.let('inTeam', k.local.mod(lanes))
  const sums: Value[] = []
  for (let first = 0; first < values.length; first += together) {
    const own = values.slice(first, first + together)
    const at = own.map((_, n) => (n === 0 ? k.local : k.let('part', k.local.add(n * threads))))
    if (first > 0) k.barrier()
    own.forEach((v, n) => parts.store(at[n]!, v))
    k.barrier()
    for (let half = lanes / 2; half >= 1; half /= 2) {
      k.when(inTeam.lt(half), () => at.forEach(a => parts.store(a, parts.load(a).add(parts.load(a.add(half))))))
      k.barrier()
    }
    sums.push(...at.map(a => k.let('sum', parts.load(a.sub(inTeam)))))
  }
  return sums
}

/** A float vector or matrix of weights kept as f32: norms and biases. */
export const vectorParam = (k: KernelBuilder, name: string, element: 'f32' | 'f32x4' = 'f32'): Buffer => k.param(name, element, 'weight')

/** x · sigmoid(x) */
export function silu(k: KernelBuilder, x: Value): Value {
  return x.div(k.const('f32', 1).add(call('exp', x.negate())))
}
