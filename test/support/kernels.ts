/**
 * Small kernels for the tests of `verify`, the interpreter and the targets, written with the builder: the correct ones
 * that every schedule is made of (tree reduction, tiled product, online softmax), and what they need around them.
 */
import type { BoundBytes } from '../../codegen/interpret.js'
import { kernel } from '../../codegen/builder.js'
import type { KernelBuilder, KernelSpec } from '../../codegen/builder.js'
import type { Kernel } from '../../codegen/kernel.js'
import { stateLayout } from '../../codegen/state.js'
import type { Value } from '../../codegen/value.js'
import { select, u32 } from '../../codegen/value.js'

/** A kernel of one tile unless told otherwise, without cost or live dims. */
export function make(spec: Partial<KernelSpec>, body: (k: KernelBuilder, tile: Value) => void): Kernel {
  return kernel({
    schedule: 'test.kernel', threads: 32, tiles: [], cost: { bytes: { base: 0, per: {} }, flops: { base: 0, per: {} } },
    state: stateLayout(8, 1, 256), ...spec,
  }, body)
}

/** Σ of each row of x [rows, width], a tile a row, halving in shared memory. */
export function treeReduction(rows: number, width: number, threads: number): Kernel {
  return make({ schedule: 'test.tree', threads, tiles: [{ dim: null, per: 1, times: rows }] }, (k, tile) => {
    const x = k.param('x', 'f32', 'activation')
    const out = k.param('out', 'f32', 'activation', 'write')
    const sums = k.shared('sums', 'f32', threads)
    const sum = k.var('sum', 'f32', 0)
    k.for({ from: k.local, to: width, step: threads }, i => sum.add(x.load(tile.mul(width).add(i))))
    sums.store(k.local, sum.value)
    for (let half = threads / 2; half >= 1; half /= 2) {
      k.barrier()
      k.when(k.local.lt(half), () => sums.store(k.local, sums.load(k.local).add(sums.load(k.local.add(half)))))
    }
    k.barrier()
    k.when(k.local.eq(0), () => out.store(tile, sums.load(0)))
  })
}

/** The same sum by subgroups: lanes first, then the subgroups' sums. */
export function subgroupReduction(rows: number, width: number, threads: number): Kernel {
  return make({ schedule: 'test.subgroups', threads, tiles: [{ dim: null, per: 1, times: rows }] }, (k, tile) => {
    const x = k.param('x', 'f32', 'activation')
    const out = k.param('out', 'f32', 'activation', 'write')
    const sums = k.shared('sums', 'f32', threads)
    const sum = k.var('sum', 'f32', 0)
    k.for({ from: k.local, to: width, step: threads }, i => sum.add(x.load(tile.mul(width).add(i))))
    const own = k.let('own', k.call('subgroupAdd', sum.value))
    k.when(k.lane.eq(0), () => sums.store(k.subgroup, own))
    k.barrier()
    k.when(k.local.eq(threads - 1), () => {
      const all = k.var('all', 'f32', 0)
      // The last thread knows how many subgroups there are.
      k.for({ to: k.subgroup.add(1) }, s => all.add(sums.load(s)))
      out.store(tile, all.value)
    })
  })
}

/** out [m, n] = a [m, k] · b [n, k]ᵀ through shared tiles of 16×16, 64 threads of four columns each. */
export function tiledProduct(m: number, n: number, depth: number): Kernel {
  const across = Math.ceil(n / 16)
  return make({ schedule: 'test.product', threads: 64, tiles: [{ dim: null, per: 1, times: Math.ceil(m / 16) * across }] }, (k, tile) => {
    const a = k.param('a', 'f32', 'activation')
    const b = k.param('b', 'f32', 'weight')
    const out = k.param('out', 'f32', 'activation', 'write')
    const [left, right] = [k.shared('left', 'f32', 256), k.shared('right', 'f32', 256)]
    const [row0, column0] = [k.let('row0', tile.div(across).mul(16)), k.let('column0', tile.mod(across).mul(16))]
    const [row, column] = [k.let('row', k.local.shr(2)), k.let('column', k.local.and(3).mul(4))]
    const sums = [0, 1, 2, 3].map(() => k.var('sum', 'f32', 0))
    k.for({ name: 'k0', to: depth, step: 16 }, k0 => {
      for (let i = 0; i < 4; i++) {
        const at = k.let('at', column.add(i))
        const inside = (r: Value, rows: number): Value => k.let('inside', r.lt(rows).both(k0.add(at).lt(depth)))
        const from = (r: Value, ok: Value): Value => select(ok, r.mul(depth).add(k0).add(at), u32(0))
        const [ra, rb] = [k.let('ra', row0.add(row)), k.let('rb', column0.add(row))]
        const [okA, okB] = [inside(ra, m), inside(rb, n)]
        left.store(row.mul(16).add(at), select(okA, a.load(from(ra, okA)), 0))
        right.store(row.mul(16).add(at), select(okB, b.load(from(rb, okB)), 0))
      }
      k.barrier()
      k.for({ name: 'kk', to: 16, unroll: 4 }, kk => {
        const x = k.let('x', left.load(row.mul(16).add(kk)))
        sums.forEach((s, i) => s.accumulate(x, right.load(column.add(i).mul(16).add(kk))))
      })
      k.barrier()
    })
    sums.forEach((s, i) => {
      const [r, c] = [k.let('r', row0.add(row)), k.let('c', column0.add(column).add(i))]
      k.when(r.lt(m).both(c.lt(n)), () => out.store(r.mul(n).add(c), s.value))
    })
  })
}

/** out [rows, width] = softmax of each row of x, in one pass of running maximum and sum a thread, joined in shared memory. */
export function onlineSoftmax(rows: number, width: number, threads: number): Kernel {
  return make({ schedule: 'test.softmax', threads, tiles: [{ dim: null, per: 1, times: rows }] }, (k, tile) => {
    const x = k.param('x', 'f32', 'activation')
    const out = k.param('out', 'f32', 'activation', 'write')
    const [tops, sums] = [k.shared('tops', 'f32', threads), k.shared('sums', 'f32', threads)]
    const at = (i: Value): Value => tile.mul(width).add(i)
    const exp = (v: Value): Value => k.call('exp', v)
    const top = k.var('top', 'f32', -3.4028234663852886e38)
    const sum = k.var('sum', 'f32', 0)
    k.for({ from: k.local, to: width, step: threads }, i => {
      const v = k.let('v', x.load(at(i)))
      const higher = k.let('higher', top.value.max(v))
      sum.set(sum.value.mul(exp(top.value.sub(higher))).add(exp(v.sub(higher))))
      top.set(higher)
    })
    tops.store(k.local, top.value)
    sums.store(k.local, sum.value)
    for (let half = threads / 2; half >= 1; half /= 2) {
      k.barrier()
      k.when(k.local.lt(half), () => {
        const [a, b] = [k.let('a', tops.load(k.local)), k.let('b', tops.load(k.local.add(half)))]
        const higher = k.let('both', a.max(b))
        tops.store(k.local, higher)
        sums.store(k.local, sums.load(k.local).mul(exp(a.sub(higher))).add(sums.load(k.local.add(half)).mul(exp(b.sub(higher)))))
      })
    }
    k.barrier()
    k.for({ name: 'j', from: k.local, to: width, step: threads }, i => out.store(at(i), exp(x.load(at(i)).sub(tops.load(0))).div(sums.load(0))))
  })
}

/** c [16, n] = a [16, k] · b [n, k]ᵀ by matrix tiles: 32 lanes a tile of 16 columns, operands rounded to f16. */
export function matrixProduct(n: number, depth: number): Kernel {
  return make({ schedule: 'test.matrix', threads: 32, subgroupSize: 32, tiles: [{ dim: null, per: 1, times: n / 16 }] }, (k, tile) => {
    const a = k.param('a', 'f32', 'activation')
    const b = k.param('b', 'f32', 'weight')
    const out = k.param('out', 'f32', 'activation', 'write')
    const [left, right] = [k.shared('left', 'f16', 16 * 24), k.shared('right', 'f16', 16 * 24)]
    const result = k.shared('result', 'f32', 256)
    const acc = k.var('acc', 'matrixC', k.call('matrixZero'))
    k.for({ name: 'k0', to: depth, step: 16 }, k0 => {
      k.for({ from: k.local, to: 256, step: 32 }, i => {
        const [row, at] = [k.let('row', i.shr(4)), k.let('at', i.and(15))]
        left.store(row.mul(24).add(at), a.load(row.mul(depth).add(k0).add(at)))
        right.store(row.mul(24).add(at), b.load(tile.mul(16).add(row).mul(depth).add(k0).add(at)))
      })
      k.barrier()
      k.matrixMultiply(acc, k.matrixLoad('matrixA', left, 0, 24), k.matrixLoad('matrixB', right, 0, 24, true))
      k.barrier()
    })
    k.matrixStore(result, 0, 16, acc.value)
    k.barrier()
    k.for({ name: 'j', from: k.local, to: 256, step: 32 }, i => out.store(i.shr(4).mul(n).add(tile.mul(16)).add(i.and(15)), result.load(i)))
  })
}

/** Typed arrays as what the interpreter binds to params. */
export const bound = (arrays: Readonly<Record<string, Float32Array | Uint32Array | Uint16Array>>): Readonly<Record<string, BoundBytes>> =>
  Object.fromEntries(Object.entries(arrays).map(([name, a]) => [name, { bytes: new Uint8Array(a.buffer, a.byteOffset, a.byteLength) }]))
