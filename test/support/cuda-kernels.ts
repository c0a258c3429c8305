/**
 * Kernels that between them use every kind of expression and statement and every intrinsic that CUDA spells, each with
 * the buffers it runs over. Where NVRTC is, they are compiled; where a device is, they run on it and on the
 * interpreter, and the results are compared. Kernels that only map an input are made from a table of formulas.
 */
import type { KernelBuilder, Shared } from '../../codegen/builder.js'
import type { Caps } from '../../codegen/caps.js'
import type { Element, Kernel, Role } from '../../codegen/kernel.js'
import { elementBytes } from '../../codegen/kernel.js'
import { f32, select, splat, u32, Value, vector } from '../../codegen/value.js'
import { boxes, clustered, halves, pipelined, pooled, ring, type CopyCase } from './copy-kernels.js'
import { make, matrixProduct, onlineSoftmax, subgroupReduction, tiledProduct, treeReduction } from './kernels.js'

export interface Case {
  readonly kernel: Kernel
  /** Initial bytes of each param. */
  readonly buffers: Readonly<Record<string, ArrayBuffer>>
  /** Params to compare, and how f32 results may differ: relative to the largest of the buffer, 0 for bit by bit. */
  readonly results: Readonly<Record<string, number>>
}

const range = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i)
/** Numbers in [-1, 1), the same in every run. */
export function noise(n: number, seed: number): Float32Array {
  let s = seed
  return Float32Array.from({ length: n }, () => ((s = (Math.imul(s, 1664525) + 1013904223) >>> 0) / 2 ** 31) - 1)
}
const bytesOf = (data: Float32Array | Uint32Array): ArrayBuffer => data.slice().buffer
const words = (values: readonly number[]): ArrayBuffer => bytesOf(Uint32Array.from(values, v => v >>> 0))
const floats = (values: readonly number[]): ArrayBuffer => bytesOf(Float32Array.from(values))
const tiles = (times: number) => [{ dim: null, per: 1, times }]

/** One result of a formula: a scalar is one word, a vector four. */
function store(out: (n: number, v: Value) => void, at: number, v: Value): number {
  const parts = v.type.endsWith('x4') ? [0, 1, 2, 3].map(n => v.at(n)) : [v]
  parts.forEach((p, n) => out(at + n, p.type === 'bool' ? select(p, u32(1), 0) : p.bitcast('u32')))
  return at + parts.length
}

/** Every formula over items of `per` input words; all results as words. */
function formulas(name: string, input: ArrayBuffer, per: number, tolerance: number, f: (at: (n: number, type: 'f32' | 'i32' | 'u32') => Value, k: KernelBuilder) => readonly Value[]): Case {
  const items = input.byteLength / 4 / per
  let results = 0
  const kernel = make({ schedule: `formulas.${name}`, threads: 256, tiles: tiles(Math.ceil(items / 256)) }, (k, tile) => {
    const x = k.param('x', 'u32', 'weight', 'read', 'stream')
    const out = k.param('out', tolerance === 0 ? 'u32' : 'f32', 'activation', 'write')
    const item = k.let('item', tile.mul(256).add(k.local))
    k.when(item.lt(items), () => {
      const values = f((n, type) => k.let('in', x.load(item.mul(per).add(n)).bitcast(type)), k)
      results = values.reduce((n, v) => n + (v.type.endsWith('x4') ? 4 : 1), 0)
      values.reduce((at, v) => store((n, w) => out.store(item.mul(results).add(n), tolerance === 0 ? w : w.bitcast('f32')), at, v), 0)
    })
  })
  return { kernel, buffers: { x: input, out: new ArrayBuffer(items * results * 4) }, results: { out: tolerance } }
}

const call = (k: KernelBuilder, name: Parameters<KernelBuilder['call']>[0], ...args: readonly Value[]): Value => k.call(name, ...args)
const quad = (a: Value, b: Value, c: Value, d: Value): Value => vector(a, b, c, d)

const all16 = range(65536)
const pairs = range(8192).flatMap(n => [((8 * n + 1) << 16) | (8 * n), ((8 * n + 3) << 16) | (8 * n + 2), ((8 * n + 5) << 16) | (8 * n + 4), ((8 * n + 7) << 16) | (8 * n + 6)])
const finiteE4m3 = range(256).filter(code => (code & 127) !== 127)
const noisy = (codes: readonly number[], bits: number): ArrayBuffer => words(codes.map(c => c | (0xabcdef12 << bits)))

const decodes: readonly Case[] = [
  formulas('f16', noisy(all16, 16), 1, 0, (at, k) => [call(k, 'f16', at(0, 'u32'))]),
  formulas('bf16', noisy(all16, 16), 1, 0, (at, k) => [call(k, 'bf16', at(0, 'u32'))]),
  formulas('e4m3', noisy(finiteE4m3, 8), 1, 0, (at, k) => [call(k, 'e4m3', at(0, 'u32'))]),
  formulas('e2m1x4', noisy(all16, 16), 1, 0, (at, k) => [call(k, 'e2m1x4', at(0, 'u32'))]),
  formulas('u4x4', noisy(all16, 16), 1, 0, (at, k) => [call(k, 'u4x4', at(0, 'u32'))]),
  formulas('lookup16', noisy(all16, 16), 1, 0, (at, k) => [call(k, 'lookup16', u32(0x83fe0180), u32(0x7f10203a), u32(0xc4d5e6f7), u32(0x0817a6b5), at(0, 'u32'))]),
  formulas('i8x4', words(all16.map(w => w * 65537 ^ 0x00ff5a00)), 1, 0, (at, k) => [call(k, 'i8x4', at(0, 'u32'))]),
  formulas('f16x4', words(pairs), 2, 0, (at, k) => [call(k, 'f16x4', at(0, 'u32'), at(1, 'u32'))]),
  formulas('bf16x4', words(pairs), 2, 0, (at, k) => [call(k, 'bf16x4', at(0, 'u32'), at(1, 'u32'))]),
]

const reals = [...noise(3000, 1)].map((v, i) => v * [1, 40, 1e-3][i % 3]!)
const integers = [...noise(3000, 2)].map((v, i) => Math.trunc(v * [2 ** 31, 100, 7][i % 3]!))

const arithmetic: readonly Case[] = [
  formulas('f32', floats(reals), 3, 0, (at, k) => {
    const [a, b, c] = [at(0, 'f32'), at(1, 'f32'), at(2, 'f32')]
    return [
      a.add(b), a.sub(b), a.mul(b), a.div(b), a.negate(), a.min(b), a.max(c), call(k, 'abs', a), call(k, 'floor', a), call(k, 'sqrt', call(k, 'abs', a)),
      a.lt(b), a.le(b), a.gt(b), a.ge(b), a.eq(a), a.ne(b), a.lt(b).both(b.lt(c)), a.lt(b).either(b.lt(c)), a.lt(b).not(), select(a.lt(b), a, c),
      a.convert('i32'), call(k, 'abs', a).convert('u32'), f32(-0), f32(1e-45), f32(3.4028234663852886e38), f32(0.1),
    ]
  }),
  formulas('f32x4', floats(reals), 6, 0, (at, k) => {
    const [a, b] = [quad(at(0, 'f32'), at(1, 'f32'), at(2, 'f32'), at(3, 'f32')), quad(at(4, 'f32'), at(5, 'f32'), at(0, 'f32'), at(2, 'f32'))]
    return [
      a.add(b), a.sub(b), a.mul(b), a.div(b), a.negate(), a.min(b), a.max(b), call(k, 'abs', a), a.convert('i32x4'), call(k, 'abs', a).convert('u32x4'),
      a.bitcast('u32x4'), a.bitcast('i32x4').bitcast('f32x4'), select(at(0, 'f32').lt(0), a, b), splat('f32x4', at(5, 'f32')),
    ]
  }),
  // Rounded once on the device and twice by the interpreter, or by another library's polynomial.
  formulas('rounded', floats(reals), 3, 4e-7, (at, k) => {
    const [a, b, c] = [at(0, 'f32'), at(1, 'f32'), at(2, 'f32')]
    const [v, w] = [quad(a, b, c, a), quad(b, c, a, a)]
    const positive = k.let('positive', call(k, 'abs', a).add(0.5))
    return [
      a.fma(b, c), call(k, 'log', positive), call(k, 'rsqrt', positive), call(k, 'exp', a.min(0)), call(k, 'dot4', v, w), call(k, 'sum4', v), v.fma(w, splat('f32x4', c)),
    ]
  }),
  formulas('u32', words(integers), 2, 0, at => {
    const [a, b] = [at(0, 'u32'), at(1, 'u32').or(1)]
    const count = at(1, 'u32').and(31)
    return [
      a.add(b), a.sub(b), a.mul(b), a.div(b), a.mod(b), a.and(b), a.or(b), a.xor(b), a.shl(count), a.shr(count), a.min(b), a.max(b),
      a.lt(b), a.le(b), a.gt(b), a.ge(b), a.eq(b), a.ne(b), a.convert('f32'), a.convert('i32'), a.bitcast('f32').bitcast('u32'), a.add(b).mul(a.sub(b)).shr(3).and(a.or(b).xor(a)),
      new Value({ kind: 'unary', type: 'u32', op: '~', a: a.expr }), a.mul(3).sub(b.sub(a)).div(b.mul(2).or(1)),
    ]
  }),
  formulas('i32', words(integers.map(v => v % 40000)), 2, 0, (at, k) => {
    const [a, b] = [at(0, 'i32'), at(1, 'i32').or(1)]
    const count = at(1, 'u32').and(31)
    return [
      a.add(b), a.sub(b), a.mul(b), a.div(b), a.mod(b), a.and(b), a.or(b), a.xor(b), a.shr(count), a.negate(), a.min(b), a.max(b), call(k, 'abs', a),
      a.lt(b), a.ge(b), a.eq(b), a.convert('f32'), a.convert('u32'), a.bitcast('u32'), k.const('i32', -(2 ** 31)), a.add(-5), a.sub(b.negate()),
    ]
  }),
  formulas('vectors', words(integers), 4, 0, at => {
    const u = quad(at(0, 'u32'), at(1, 'u32'), at(2, 'u32'), at(3, 'u32'))
    const s = quad(at(0, 'i32').shr(17), at(1, 'i32').shr(17), at(2, 'i32').shr(17), at(3, 'i32').shr(17))
    const not = (v: Value): Value => new Value({ kind: 'unary', type: v.type, op: '~', a: v.expr })
    return [
      u.add(u), u.sub(splat('u32x4', 7)), u.mul(u), u.and(u), u.or(splat('u32x4', 9)), u.xor(u.shr(3)), u.shl(5), u.shr(at(0, 'u32').and(31)), not(u),
      s.add(s), s.sub(splat('i32x4', 7)), s.mul(s), s.and(s), s.or(splat('i32x4', 9)), s.xor(s.shr(3)), s.shl(5), s.shr(3), not(s), s.negate(),
      u.convert('f32x4'), s.convert('f32x4'), u.convert('i32x4'), s.convert('u32x4'), u.bitcast('i32x4'), s.bitcast('u32x4'), s.bitcast('f32x4').bitcast('u32x4'),
    ]
  }),
]

const elements: readonly Element[] = ['f32', 'f16', 'i32', 'u32', 'f32x4', 'f16x4', 'u32x4']

/** Loads and stores of every element, from weights (kept and streamed), state, cache and activations, through shared memory. */
function copies(element: Element, role: Role, stream: boolean): Case {
  const count = 1024
  const kernel = make({ schedule: `copies.${element}.${role}.${stream ? 'stream' : 'keep'}`, threads: 128, tiles: tiles(count / 128) }, (k, tile) => {
    const x = k.param('x', element, role, 'read', stream ? 'stream' : 'keep')
    const out = k.param('out', element, 'activation', 'write')
    const inPlace = k.param('inPlace', element, 'cache', 'readwrite')
    const mid = k.shared('mid', element, 128)
    const i = k.let('i', tile.mul(128).add(k.local))
    mid.store(k.local, x.load(i))
    k.barrier()
    out.store(i, mid.load(k.local.xor(1)))
    inPlace.store(i, inPlace.load(i).add(x.load(i)))
  })
  const size = count * elementBytes[element]
  // f16 of ordinary size whichever way the bits are read: two halves make an f32 of ordinary size too.
  const halves = new Uint16Array(size / 2).map((_, i) => 0x3c00 + (i * 37) % 0x400)
  return { kernel, buffers: { x: halves.buffer, out: new ArrayBuffer(size), inPlace: halves.slice().reverse().buffer }, results: { out: 0, inPlace: 0 } }
}

/** Stores to f16: everything between two halves, ties, subnormals and what overflows. */
function roundings(): Case {
  const between = range(31743).flatMap(h => {
    const value = (code: number): number => (code >> 10 ? (1 + (code & 1023) / 1024) * 2 ** ((code >> 10) - 15) : code * 2 ** -24)
    return [value(h), (value(h) + value(h + 1)) / 2, -(value(h) * 0.25 + value(h + 1) * 0.75)]
  })
  const values = [...between, 65504, 65519.996, 65520, -65536, 1e30, Infinity, -Infinity, -0, 1e-45, 2 ** -25]
  const count = Math.ceil(values.length / 4) * 4
  const padded = Float32Array.from({ length: count }, (_, i) => values[i] ?? 0)
  const kernel = make({ schedule: 'roundings', threads: 64, tiles: tiles(Math.ceil(count / 256)) }, (k, tile) => {
    const x = k.param('x', 'f32x4', 'weight')
    const [one, quadruple] = [k.param('one', 'f16', 'activation', 'write'), k.param('four', 'f16x4', 'activation', 'write')]
    const i = k.let('i', tile.mul(64).add(k.local))
    k.when(i.lt(count / 4), () => {
      const v = k.let('v', x.load(i))
      quadruple.store(i, v)
      for (const n of [0, 1, 2, 3]) one.store(i.mul(4).add(n), v.at(n))
    })
  })
  return { kernel, buffers: { x: bytesOf(padded), one: new ArrayBuffer(2 * count), four: new ArrayBuffer(2 * count) }, results: { one: 0, four: 0 } }
}

function partialLoads(role: Role): Case {
  const kernel = make({ schedule: `partial.${role}`, threads: 64, tiles: tiles(4) }, (k, tile) => {
    const x = k.param('x', 'u32', role, 'read', 'stream')
    const out = k.param('out', 'u32', 'activation', 'write')
    const i = k.let('i', tile.mul(64).add(k.local))
    out.store(i, x.loadBits(i, 8).or(x.loadBits(i.xor(3), 16).shl(8)))
  })
  return { kernel, buffers: { x: words(range(256).map(n => n * 0x9e3779b1)), out: new ArrayBuffer(1024) }, results: { out: 0 } }
}

/** Loops with every hint, branches with two sides, variables, comments, and names that C++ keeps for itself. */
function flow(): Case {
  const kernel = make({ schedule: 'flow', knobs: { rows: 2 }, threads: 96, tiles: [...tiles(5), { dim: 'tokens', per: 4, times: 3 }] }, (k, tile) => {
    const x = k.param('float', 'u32', 'state')
    const out = k.param('int', 'u32', 'activation', 'write')
    k.comment('two lines\nof a comment that ends in a backslash \\')
    const sum = k.var('unsigned', 'u32', 0)
    const flag = k.var('bool', 'bool', 0)
    for (const unroll of [1, 2, 4]) {
      k.for({ name: 'for', from: k.local.and(3), to: tile.add(5), step: 2, unroll }, i => {
        k.when(i.and(1).eq(0), () => sum.add(x.load(i)), () => {
          sum.set(sum.value.mul(3).xor(i))
          flag.set(i.gt(4))
        })
      })
    }
    k.when(flag.value.both(k.local.lt(90)), () => sum.add(1000))
    out.store(tile.mul(96).add(k.local), sum.value)
  })
  return { kernel, buffers: { state: words([7, 1, 0]), float: words(range(64).map(n => n * n + 1)), int: new ArrayBuffer(4 * 96 * 30) }, results: { int: 0 } }
}

function subgroups(): Case {
  const kernel = make({ schedule: 'subgroups', threads: 128, subgroupSize: 32, tiles: tiles(2) }, (k, tile) => {
    const x = k.param('x', 'f32', 'activation')
    const out = k.param('out', 'f32', 'activation', 'write')
    const i = k.let('i', tile.mul(128).add(k.local))
    const v = k.let('v', x.load(i))
    const four = k.let('four', quad(v, v.add(1), v.add(2), v.add(3)))
    const results = [
      k.call('subgroupAdd', v), k.call('subgroupMax', v.mul(-1)), k.call('subgroupShuffleXor', v, u32(5)),
      k.call('subgroupShuffleXor', v.convert('u32'), u32(16)).convert('f32'), k.call('subgroupShuffleXor', v.negate().convert('i32'), u32(1)).convert('f32'),
      k.call('sum4', k.call('subgroupShuffleXor', four, u32(8))), k.lane.convert('f32'), k.subgroup.convert('f32'),
    ].map(r => k.let('r', r))
    results.forEach((r, n) => out.store(i.mul(8).add(n), r))
  })
  return { kernel, buffers: { x: floats(range(256).map(n => (n * 29) % 251)), out: new ArrayBuffer(256 * 32) }, results: { out: 0 } }
}

/** More shared memory than a kernel may declare, in arrays of several elements. */
function muchShared(): Case {
  const [n, half] = [8192, 4096]
  const kernel = make({ schedule: 'much', threads: 256, tiles: tiles(2) }, (k, tile) => {
    const x = k.param('x', 'f32', 'activation')
    const out = k.param('out', 'f32', 'activation', 'write')
    const [odd, a, b] = [k.shared('odd', 'f16', 9), k.shared('a', 'f32', n), k.shared('b', 'f16x4', half)]
    k.when(k.local.lt(9), () => odd.store(k.local, k.local.convert('f32')))
    k.for({ from: k.local, to: n, step: 256, unroll: 4 }, i => a.store(i, x.load(i)))
    k.for({ from: k.local, to: half, step: 256 }, i => b.store(i, splat('f32x4', i.and(1023).convert('f32'))))
    k.barrier()
    k.for({ from: k.local, to: n, step: 256 }, i => {
      out.store(tile.mul(n).add(i), a.load(u32(n - 1).sub(i)).add(b.load(i.shr(1)).at(2)).add(odd.load(i.mod(9))))
    })
  })
  return { kernel, buffers: { x: floats(range(n)), out: new ArrayBuffer(8 * n) }, results: { out: 0 } }
}

/** A product of two tiles, each in either order, through names, variables and a padded stride. */
function matrices(columnA: boolean, columnB: boolean): Case {
  const kernel = make({ schedule: `matrices.${columnA ? 'c' : 'r'}${columnB ? 'c' : 'r'}`, threads: 64, subgroupSize: 32, tiles: tiles(1) }, (k: KernelBuilder) => {
    const [a, b] = [k.param('a', 'f16', 'activation'), k.param('b', 'f16', 'weight')]
    const out = k.param('out', 'f32', 'activation', 'write')
    const [left, right, sums] = [k.shared('left', 'f16', 16 * 24), k.shared('right', 'f16', 16 * 40), k.shared('sums', 'f32', 2 * 16 * 20)]
    const fill = (to: Shared, from: typeof a, stride: number): void =>
      k.for({ from: k.local, to: 256, step: 64 }, i => to.store(i.shr(4).mul(stride).add(i.and(15)), from.load(i)))
    fill(left, a, 24)
    fill(right, b, 40)
    k.barrier()
    const acc = k.var('acc', 'matrixC', k.call('matrixZero'))
    const x = k.let('x', k.matrixLoad('matrixA', left, 0, 24, columnA))
    const y = k.var('y', 'matrixB', k.matrixLoad('matrixB', right, 0, 40, columnB))
    k.matrixMultiply(acc, x, y.value)
    k.matrixMultiply(acc, x, y.value)
    k.matrixStore(sums, k.subgroup.mul(320), 20, acc.value)
    k.barrier()
    k.for({ from: k.local, to: 512, step: 64 }, i => out.store(i, sums.load(i.shr(8).mul(320).add(i.shr(4).and(15).mul(20)).add(i.and(15)))))
  })
  const halves = (seed: number): ArrayBuffer => new Uint16Array(256).map((_, i) => 0x3000 + ((i * seed) % 0x1000) + (i % 3 ? 0 : 0x8000)).buffer
  return { kernel, buffers: { a: halves(97), b: halves(211), out: new ArrayBuffer(2048) }, results: { out: 2e-6 } }
}

const shapes = (kernel: Kernel, buffers: Case['buffers'], tolerance: number): Case => ({ kernel, buffers, results: { out: tolerance } })

const copyCase = ({ kernel, inputs }: CopyCase): Case =>
  ({ kernel, buffers: Object.fromEntries(Object.entries(inputs).map(([name, a]) => [name, bytesOf(a)])), results: { out: 0 } })

/** The cases a chip can run. */
export const casesFor = (caps: Caps): readonly Case[] => [
  ...cases,
  ...(caps.tensorCopy ? [boxes('f32'), boxes('f32x4')] : []).map(copyCase),
  ...[2, 4].filter(n => n <= caps.cluster).map(n => copyCase(clustered(n))),
]

const cases: readonly Case[] = [
  ...[ring(64, 9, 3, 'f32x4'), ring(96, 5, 4, 'f32'), halves(64), pooled(64), ...[2, 3, 4].map(stages => pipelined(64, stages))].map(copyCase),
  ...decodes, ...arithmetic, roundings(), partialLoads('weight'), partialLoads('activation'), flow(), subgroups(), muchShared(),
  ...elements.flatMap(e => [copies(e, 'weight', true), copies(e, 'weight', false), copies(e, 'activation', true), copies(e, 'state', false)]),
  shapes(treeReduction(5, 300, 64), { x: bytesOf(noise(1500, 3)), out: new ArrayBuffer(20) }, 1e-6),
  shapes(subgroupReduction(5, 300, 96), { x: bytesOf(noise(1500, 4)), out: new ArrayBuffer(20) }, 1e-6),
  shapes(tiledProduct(20, 35, 50), { a: bytesOf(noise(1000, 5)), b: bytesOf(noise(1750, 6)), out: new ArrayBuffer(2800) }, 1e-6),
  shapes(onlineSoftmax(3, 200, 64), { x: bytesOf(noise(600, 7)), out: new ArrayBuffer(2400) }, 1e-6),
  shapes(matrixProduct(48, 64), { a: bytesOf(noise(1024, 8)), b: bytesOf(noise(3072, 9)), out: new ArrayBuffer(3072) }, 1e-5), // matrix units sum without rounding to even: c·ε·Σ|a·b|, not of the sum
  ...[false, true].flatMap(a => [false, true].map(b => matrices(a, b))),
]
