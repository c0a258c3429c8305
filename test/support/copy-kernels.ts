/**
 * Kernels of the parts of the form that fast paths are built on: rings of asynchronous copies, boxes of a tensor map,
 * shared arrays over each other, clusters, pipelines of several stages. Each with its buffers and the answer in closed
 * form, so that the interpreter and every device are held to the same numbers.
 */
import { f16Bits } from '../../codegen/interpret-numbers.js'
import type { Kernel } from '../../codegen/kernel.js'
import { select, u32, type Value } from '../../codegen/value.js'
import { make } from './kernels.js'

export interface CopyCase {
  readonly kernel: Kernel
  readonly inputs: Readonly<Record<string, Float32Array | Uint32Array>>
  readonly want: Float32Array
}

const times = (n: number) => [{ dim: null, per: 1, times: n }]
const ramp = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i % 1021)

/**
 * out[tile, t] = Σ over steps of x[tile, step, partner of t] summed, through a ring of `stages` batches in flight; the
 * partner's element was copied by another thread.
 */
export function ring(threads: number, steps: number, stages: number, element: 'f32' | 'f32x4'): CopyCase {
  const width = element === 'f32' ? 1 : 4
  const tiles = 3
  const partner = (t: number): number => (threads === 1 ? t : t ^ 1)
  const kernel = make({ schedule: `test.ring${threads}_${stages}_${element}`, threads, tiles: times(tiles) }, (k, tile) => {
    const x = k.param('x', element, 'activation')
    const out = k.param('out', 'f32', 'activation', 'write')
    const slots = k.shared('slots', element, stages * threads)
    const begin = (step: Value): void => {
      k.when(step.lt(steps), () => slots.copy(step.mod(stages).mul(threads).add(k.local), x, tile.mul(steps).add(step).mul(threads).add(k.local)))
      k.copyCommit()
    }
    for (let s = 0; s < stages - 1; s++) begin(u32(s))
    const sum = k.var('sum', 'f32', 0)
    k.for({ name: 'step', to: steps }, step => {
      begin(k.let('ahead', step.add(stages - 1)))
      k.copyWait(stages - 1)
      k.barrier()
      const v = k.let('v', slots.load(step.mod(stages).mul(threads).add(threads === 1 ? k.local : k.local.xor(1))))
      sum.add(element === 'f32' ? v : k.call('sum4', v))
      k.barrier()
    })
    out.store(tile.mul(threads).add(k.local), sum.value)
  })
  const x = ramp(tiles * steps * threads * width)
  const want = Float32Array.from({ length: tiles * threads }, (_, i) => {
    const [tile, t] = [Math.floor(i / threads), partner(i % threads)]
    let sum = 0
    for (let s = 0; s < steps; s++) for (let c = 0; c < width; c++) sum += x[((tile * steps + s) * threads + t) * width + c]!
    return sum
  })
  return { kernel, inputs: { x, out: new Float32Array(want.length) }, want }
}

/** out[t] = the halves of x one after the other, through a shared array of f16 that other threads filled. */
export function halves(threads: number): CopyCase {
  const kernel = make({ schedule: 'test.halves', threads, tiles: times(1) }, k => {
    const x = k.param('x', 'u32x4', 'cache')
    const out = k.param('out', 'f32', 'activation', 'write')
    const held = k.shared('held', 'f16', 8 * threads)
    held.copy(k.local.mul(8), x, k.local)
    k.copyCommit()
    k.copyWait(0)
    k.barrier()
    k.for({ name: 'n', to: 8 }, n => out.store(n.mul(threads).add(k.local), held.load(n.mul(threads).add(k.local))))
  })
  const want = Float32Array.from({ length: 8 * threads }, (_, i) => (i % 509) / 4 - 60)
  const x = Uint32Array.from({ length: 4 * threads }, (_, i) => f16Bits(want[2 * i]!) + 0x10000 * f16Bits(want[2 * i + 1]!))
  return { kernel, inputs: { x, out: new Float32Array(want.length) }, want }
}

/** Sums of rows of boxes, two boxes in flight; the last boxes leave the matrix on both sides, where it is 0. */
export function boxes(element: 'f32' | 'f32x4'): CopyCase {
  const width = element === 'f32' ? 1 : 4
  const [rows, cols, boxRows, boxCols, threads] = [37, 40 / width, 16, 16 / width, 64]
  const [down, across] = [Math.ceil(rows / boxRows), Math.ceil(cols / boxCols)]
  const kernel = make({ schedule: `test.boxes_${element}`, threads, tiles: times(down) }, (k, tile) => {
    const x = k.tensor('x', element, 'weight', { rows, cols, boxRows, boxCols })
    const out = k.param('out', 'f32', 'activation', 'write')
    const held = k.shared('held', element, 2 * boxRows * boxCols)
    const arrivals = k.arrivals(2)
    const begin = (n: Value): void => {
      x.copy(n.mod(2), held, n.mod(2).mul(boxRows * boxCols), tile.mul(boxRows), n.mul(boxCols))
      arrivals.commit(n.mod(2))
    }
    begin(u32(0))
    const sum = k.var('sum', 'f32', 0)
    k.for({ name: 'n', to: across }, n => {
      k.when(n.add(1).lt(across), () => begin(k.let('next', n.add(1))))
      arrivals.wait(n.mod(2), n.div(2).mod(2))
      k.when(k.local.lt(boxRows), () => k.for({ name: 'c', to: boxCols }, c => {
        const v = k.let('v', held.load(n.mod(2).mul(boxRows * boxCols).add(k.local.mul(boxCols)).add(c)))
        sum.add(element === 'f32' ? v : k.call('sum4', v))
      }))
      k.barrier()
    })
    k.when(k.local.lt(boxRows), () => out.store(tile.mul(boxRows).add(k.local), sum.value))
  })
  const x = ramp(rows * cols * width)
  const want = Float32Array.from({ length: down * boxRows }, (_, r) => x.slice(r * cols * width, (r + 1) * cols * width).reduce((a, b) => a + b, 0))
  return { kernel, inputs: { x, out: new Float32Array(want.length) }, want }
}

/** Two stages whose arrays, of different types, take the same shared memory. */
export function pooled(threads: number): CopyCase {
  const n = 256
  const kernel = make({ schedule: 'test.pooled', threads, tiles: times(2) }, (k, tile) => {
    const out = k.param('out', 'f32', 'activation', 'write')
    const [first, second, apart] = [k.shared('first', 'u32', n, 0), k.shared('second', 'f32', n, 0), k.shared('apart', 'u32', n)]
    k.for({ from: k.local, to: n, step: threads }, i => first.store(i, i.mul(3).add(tile)))
    k.barrier()
    k.for({ from: k.local, to: n, step: threads }, i => apart.store(i, first.load(u32(n - 1).sub(i))))
    k.barrier()
    k.for({ from: k.local, to: n, step: threads }, i => second.store(i, apart.load(i).convert('f32').mul(0.5)))
    k.barrier()
    k.for({ from: k.local, to: n, step: threads }, i => out.store(tile.mul(n).add(i), second.load(u32(n - 1).sub(i))))
  })
  const want = Float32Array.from({ length: 2 * n }, (_, i) => ((i % n) * 3 + Math.floor(i / n)) / 2)
  return { kernel, inputs: { out: new Float32Array(2 * n) }, want }
}

/** Tiles that do not fill the last cluster say their place in it. */
export function clustered(cluster: number): CopyCase {
  const tiles = 2 * cluster - 1
  const kernel = make({ schedule: `test.clustered${cluster}`, threads: 32, cluster, tiles: times(tiles) }, (k, tile) => {
    const out = k.param('out', 'f32', 'activation', 'write')
    k.when(k.local.eq(0), () => out.store(tile, tile.mul(10).add(k.clusterRank).convert('f32')))
  })
  return { kernel, inputs: { out: new Float32Array(tiles) }, want: Float32Array.from({ length: tiles }, (_, t) => t * 10 + (t % cluster)) }
}

/** Σ x[step] over a length that is live, read through a pipeline of `stages` sets of registers. */
export function pipelined(threads: number, stages: number): CopyCase {
  const lengths = [0, 1, 2, 3, 4, 7, 12]
  const kernel = make({ schedule: `test.pipelined${stages}`, threads, tiles: times(lengths.length) }, (k, tile) => {
    const [x, length, out] = [k.param('x', 'f32', 'activation'), k.param('length', 'u32', 'weight'), k.param('out', 'f32', 'activation', 'write')]
    const sum = k.var('sum', 'f32', 0)
    k.pipeline({
      to: length.load(tile), step: 1, stages,
      load: i => [x.load(i), x.load(i.add(12))],
      compute: (i, [a, b]) => sum.set(sum.value.mul(2).add(a!).add(select(i.eq(0), b!, 0))),
    })
    k.when(k.local.eq(0), () => out.store(tile, sum.value))
  })
  const x = ramp(24)
  const want = Float32Array.from(lengths, n => Array.from({ length: n }, (_, i) => i).reduce((s, i) => 2 * s + x[i]! + (i === 0 ? x[12]! : 0), 0))
  return { kernel, inputs: { x, length: Uint32Array.from(lengths), out: new Float32Array(lengths.length) }, want }
}
