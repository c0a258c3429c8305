/**
 * Every kind of expression and statement of the kernel form through the `wgsl` target, on every adapter at hand: the
 * values are those JavaScript computes.
 */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Caps } from '../codegen/caps.js'
import type { Expr, Kernel, Stmt, ValueType } from '../codegen/kernel.js'
import { wgsl } from '../codegen/targets/wgsl.js'
import type { Program } from '../runtime/backend.js'
import type { WebGpuBackend } from '../runtime/webgpu/backend.js'
import { halves as halvesCopied, pipelined, ring, type CopyCase } from './support/copy-kernels.js'
import { testGpus } from './support/software-gpu.js'
import { binary as op, bitcast, builtin, call, constant, f, i, kernelOf, let_, load, loop, param, ref, runKernel, shared, store, thread, tiles, u, when } from './support/webgpu-kernels.js'

const range = (n: number): number[] => Array.from({ length: n }, (_, k) => k)
const bits = (x: number): number => new Uint32Array(Float32Array.of(x).buffer)[0]!
const as = (type: ValueType, a: Expr): Expr => ({ kind: 'convert', type, a })
const minus = (a: Expr): Expr => ({ kind: 'unary', type: a.type, op: '-', a })
const not = (a: Expr): Expr => ({ kind: 'unary', type: a.type, op: a.type === 'bool' ? '!' : '~', a })
const pick = (condition: Expr, yes: Expr, no: Expr): Expr => ({ kind: 'select', type: yes.type, condition, yes, no })
const lane = (a: Expr, index: 0 | 1 | 2 | 3): Expr => ({ kind: 'component', type: a.type === 'f32x4' ? 'f32' : a.type === 'i32x4' ? 'i32' : 'u32', a, index })
const assign = (name: string, value: Expr): Stmt => ({ kind: 'assign', name, value })
const variable = (name: string, type: ValueType, value: Expr): Stmt => ({ kind: 'var', name, type, value })
const barrier: Stmt = { kind: 'barrier' }
const eight = (a: Expr, index: Expr): Expr => ({ kind: 'loadBits', type: 'u32', param: a.kind === 'ref' ? a.name : '', index, bits: 8 })
const sixteen = (a: Expr, index: Expr): Expr => ({ kind: 'loadBits', type: 'u32', param: a.kind === 'ref' ? a.name : '', index, bits: 16 })

/** Operands come from a buffer, so that nothing is folded: 0 is 7, 1 is 3, 2 is 0xfffffff0. */
const [seven, three, high] = [0, 1, 2].map(n => load('x', u(n))) as [Expr, Expr, Expr]
const [seven_i, three_i, minus16] = [seven, three, high].map(e => bitcast('i32', e)) as [Expr, Expr, Expr]
const [seven_f, three_f] = [seven, three].map(e => as('f32', e)) as [Expr, Expr]
const vector: Expr = { kind: 'vector', type: 'u32x4', parts: [seven, three, high, u(1)] }
const splat = (type: 'f32x4' | 'u32x4' | 'i32x4', a: Expr): Expr => ({ kind: 'splat', type, a })

/** Each an expression and the bits it has. */
const expressions: readonly (readonly [Expr, number])[] = [
  [u(4294967295), 0xffffffff], [i(-2147483648), 0x80000000], [i(-5), 0xfffffffb], [as('u32', constant('u32', 0)), 0],
  ...[0, 1, -0, 0.1, 1e-7, -1.5, 3.4028234663852886e38, 2 ** -126, 2 ** -149, -(2 ** -130), 16777217, 1e21, Math.PI].map(x => [f(x), bits(x)] as const),
  [op('+', seven, three), 10], [op('-', three, seven), 0xfffffffc], [op('*', high, seven), Math.imul(-16, 7) >>> 0],
  [op('/', seven, three), 2], [op('%', seven, three), 1], [op('&', seven, three), 3], [op('|', seven, u(8)), 15], [op('^', seven, three), 4],
  [op('<<', seven, three), 56], [op('>>', high, three), 0x1ffffffe], [op('>>', minus16, three), 0xfffffffe], [op('>>', minus16, three_i), 0xfffffffe],
  [op('/', minus16, three_i), -5 >>> 0], [op('%', minus16, three_i), -1 >>> 0], [op('-', three_i, i(-5)), 8], [minus(seven_i), -7 >>> 0], [minus(minus(minus16)), 0xfffffff0], [not(seven), ~7 >>> 0],
  [op('/', seven_f, f(2)), bits(3.5)], [op('-', minus(seven_f), f(-2)), bits(-5)], [op('*', op('+', seven_f, three_f), op('-', seven_f, three_f)), bits(40)],
  ...(['<', '<=', '>', '>=', '==', '!='] as const).map((o, n) => [pick(op(o, seven, three), u(1), u(0)), [0, 0, 1, 1, 0, 1][n]!] as const),
  [pick(op('<', minus16, three_i), f(2), f(3)), bits(2)],
  [pick(op('&&', op('<', three, seven), not(op('==', seven, three))), u(5), u(6)), 5], [pick(op('||', op('>', three, seven), constant('bool', 0)), u(5), u(6)), 6],
  [op('&', op('<<', op('+', seven, u(1)), u(2)), op('|', u(32), op('>>', high, u(31)))), 32],
  [as('i32', f(-2.9)), -2 >>> 0], [as('u32', op('*', seven_f, f(0.4))), 2], [as('f32', minus16), bits(-16)], [as('f32', high), bits(4294967280)], [bitcast('u32', f(1)), 0x3f800000],
  [lane(vector, 0), 7], [lane(vector, 2), 0xfffffff0], [lane(op('<<', vector, three), 1), 24], [lane(op('&', op('>>', vector, u(1)), splat('u32x4', u(3))), 0), 3],
  [lane(as('f32x4', vector), 1), bits(3)], [lane(bitcast('i32x4', vector), 2), 0xfffffff0], [lane(op('>>', bitcast('i32x4', vector), u(2)), 2), -4 >>> 0],
  [lane(op('*', splat('f32x4', three_f), as('f32x4', vector)), 0), bits(21)], [lane(minus(splat('f32x4', three_f)), 3), bits(-3)],
  [lane(pick(op('<', seven, three), vector, splat('u32x4', u(9))), 3), 9], [lane(load('v', u(1), 'f32x4'), 2), bits(6)],
  [eight(ref('x'), u(8)), 0xf0], [eight(ref('x'), op('+', seven, u(4))), 0xff], [sixteen(ref('x'), u(4)), 0xfff0], [sixteen(ref('x'), u(5)), 0xffff],
]

interface Case {
  readonly kernel: Kernel
  /** Why this adapter cannot run it, or null. */
  readonly skip?: (caps: Caps) => string | null
  readonly args: readonly (ArrayBufferView | number)[]
  /** Which argument to look at, and its words: f32 as bits. */
  readonly out: number
  readonly expected: (caps: Caps) => ArrayLike<number>
  readonly read?: (bytes: ArrayBuffer) => ArrayLike<number>
}

const floatsOf = (bytes: ArrayBuffer): ArrayLike<number> => new Float32Array(bytes)
const sum = (n: number): number => (n * (n - 1)) / 2
const noF16 = (caps: Caps): string | null => (caps.f16 ? null : 'no f16')
const noSubgroups = (caps: Caps): string | null => (caps.subgroup ? null : 'no subgroups')

/** Sums the values a group's threads have into shared[0], by halves. */
const reduce = (threads: number): Stmt[] => {
  const steps: Stmt[] = [barrier]
  for (let half = threads / 2; half >= 1; half /= 2) {
    steps.push(when(op('<', builtin('local'), u(half)), { kind: 'sharedStore', array: 'sums', index: builtin('local'), value: op('+', shared('sums', builtin('local')), shared('sums', op('+', builtin('local'), u(half)))) }), barrier)
  }
  return steps
}

/** Adds 1 to out[tile] in each tile that should run. */
const count = (name: string, n: number): Case => ({
  kernel: kernelOf(name, { threads: 1, tiles: tiles(n), params: [param('out', 'u32', 'readwrite')], body: [barrier, store('out', builtin('tile'), op('+', load('out', builtin('tile')), u(1)))] }),
  args: [4 * n], out: 0, expected: () => new Uint32Array(n).fill(1),
})

const halves = [0.1, -2.5, 65504, 6e-8, 0, 1 / 3, 1000.4, -7]
const toF16 = [0.0999755859375, -2.5, 65504, 5.960464477539063e-8, 0, 0.333251953125, 1000.5, -7]

const a16 = range(256).map(k => ((k * 7) % 23) - 11)
const b16 = range(256).map(k => ((k * 5) % 19) - 9)
const product = range(256).map(n => range(16).reduce((s, k) => s + a16[(n >> 4) * 16 + k]! * b16[k * 16 + (n & 15)]!, 0))
const matrixKernel = (columnMajor: boolean, threads: number): Kernel => {
  const at = (array: string, value: Expr): Stmt => ({ kind: 'sharedStore', array, index: ref('k'), value })
  return kernelOf(columnMajor ? 'matrix_columns' : 'matrix_rows', {
    threads,
    params: [param('a', 'f32', 'read', 'weight'), param('b', 'f32', 'read', 'weight'), param('out', 'f32', 'write')],
    shared: [{ name: 'left', element: 'f16', length: 256 }, { name: 'right', element: 'f16', length: 256 }, { name: 'result', element: 'f32', length: 256 }],
    body: [
      { kind: 'for', name: 'k', from: builtin('local'), to: u(256), step: u(threads), unroll: 1, body: [at('left', load('a', ref('k'), 'f32')), at('right', load('b', columnMajor ? op('+', op('*', op('&', ref('k'), u(15)), u(16)), op('>>', ref('k'), u(4))) : ref('k'), 'f32'))] },
      barrier,
      variable('acc', 'matrixC', call('matrixZero', 'matrixC')),
      when(op('==', builtin('subgroup'), u(0)),
        let_('tileA', { kind: 'matrixLoad', type: 'matrixA', array: 'left', index: u(0), stride: 16, columnMajor: false }),
        { kind: 'matrixMultiply', name: 'acc', a: ref('tileA', 'matrixA'), b: { kind: 'matrixLoad', type: 'matrixB', array: 'right', index: u(0), stride: 16, columnMajor } },
        { kind: 'matrixStore', array: 'result', index: u(0), stride: 16, value: ref('acc', 'matrixC') }),
      barrier,
      { kind: 'for', name: 'k', from: builtin('local'), to: u(256), step: u(threads), unroll: 1, body: [store('out', ref('k'), shared('result', ref('k')))] },
    ],
  })
}
const matrixCase = (columnMajor: boolean): Case => ({
  kernel: matrixKernel(columnMajor, 64), skip: caps => (caps.matrix ? null : 'no matrix tiles'),
  args: [Float32Array.from(a16), Float32Array.from(b16), 1024], out: 2, expected: () => product, read: floatsOf,
})

/** The kernels of `copy-kernels.ts`: copies are done at once here. */
const copied = ({ kernel, inputs, want }: CopyCase): Case => ({
  kernel, args: kernel.params.map(p => inputs[p.name]!), out: kernel.params.findIndex(p => p.name === 'out'), expected: () => want, read: floatsOf,
})

const cases: readonly Case[] = [
  ...[ring(64, 9, 3, 'f32x4'), ring(32, 5, 4, 'f32'), pipelined(64, 3)].map(copied),
  { ...copied(halvesCopied(64)), skip: noF16 },
  {
    kernel: kernelOf('expressions', {
      threads: 1,
      params: [param('x', 'u32', 'read', 'weight'), param('v', 'f32x4'), param('out', 'u32', 'readwrite'), param('floats', 'f32', 'readwrite')],
      // Numbers are stored as such first, so that no compiler folds their bits.
      body: [
        ...expressions.flatMap(([e], n) => (e.type === 'f32' ? [store('floats', u(n), e)] : [])), barrier,
        ...expressions.map(([e], n) => store('out', u(n), e.type === 'u32' ? e : bitcast('u32', e.type === 'f32' ? load('floats', u(n), 'f32') : e))),
      ],
    }),
    args: [Uint32Array.of(7, 3, 0xfffffff0, 0), Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7), 4 * expressions.length, 4 * expressions.length], out: 2, expected: () => expressions.map(([, want]) => want),
  },
  {
    kernel: kernelOf('loops', {
      threads: 4, tiles: tiles(2),
      params: [param('state', 'u32', 'read', 'state'), param('out', 'i32', 'write')],
      body: [
        { kind: 'comment', text: 'a comment\nof two lines' },
        variable('total', 'i32', i(0)),
        let_('limit', op('+', load('state', u(0)), thread(4))),
        { kind: 'for', name: 'n', from: u(1), to: ref('limit'), step: u(2), unroll: 4, body: [
          loop('m', ref('n'), assign('total', op('+', ref('total', 'i32'), as('i32', ref('m'))))),
          { kind: 'if', condition: op('==', ref('n'), u(3)), then: [assign('total', op('+', ref('total', 'i32'), i(1000)))], otherwise: [assign('total', op('-', ref('total', 'i32'), i(1)))] },
        ] },
        store('out', thread(4), ref('total', 'i32')),
      ],
    }),
    args: [Uint32Array.of(3), 32], out: 1,
    expected: () => range(8).map(t => { let total = 0; for (let n = 1; n < 3 + t; n += 2) total += sum(n) + (n === 3 ? 1000 : -1); return total >>> 0 }),
  },
  {
    // A barrier within a loop whose length is read from state.
    kernel: kernelOf('shared_sum', {
      tiles: tiles(3), params: [param('state', 'u32', 'read', 'state'), param('x', 'f32'), param('out', 'f32', 'write')],
      shared: [{ name: 'sums', element: 'f32', length: 64 }],
      body: [
        variable('total', 'f32', f(0)),
        loop('n', load('state', u(1)),
          { kind: 'sharedStore', array: 'sums', index: builtin('local'), value: load('x', op('+', op('*', op('+', op('*', builtin('tile'), load('state', u(1))), ref('n')), u(64)), builtin('local')), 'f32') },
          ...reduce(64),
          assign('total', op('+', ref('total', 'f32'), shared('sums', u(0)))),
          barrier),
        when(op('==', builtin('local'), u(0)), store('out', builtin('tile'), ref('total', 'f32'))),
      ],
    }),
    args: [Uint32Array.of(9, 2), Float32Array.from(range(384)), 12], out: 2, expected: () => [0, 1, 2].map(t => sum(128 * (t + 1)) - sum(128 * t)), read: floatsOf,
  },
  {
    // What a thread wrote to a buffer is seen by the others after a barrier.
    kernel: kernelOf('exchange', {
      threads: 64, params: [param('x', 'u32', 'readwrite')],
      body: [store('x', builtin('local'), op('*', builtin('local'), u(3))), barrier, let_('other', load('x', op('^', builtin('local'), u(63)))), barrier, store('x', builtin('local'), ref('other'))],
    }),
    args: [256], out: 0, expected: () => range(64).map(k => 3 * (63 - k)),
  },
  {
    kernel: kernelOf('vectors', {
      threads: 4, params: [param('x', 'f32x4'), param('y', 'u32x4', 'readwrite'), param('z', 'f32x4', 'write')],
      shared: [{ name: 'quads', element: 'f32x4', length: 4 }],
      body: [
        { kind: 'sharedStore', array: 'quads', index: builtin('local'), value: load('x', builtin('local'), 'f32x4') }, barrier,
        let_('quad', shared('quads', op('^', builtin('local'), u(3)), 'f32x4')),
        store('z', builtin('local'), op('+', ref('quad', 'f32x4'), as('f32x4', load('y', builtin('local'), 'u32x4')))),
      ],
    }),
    args: [Float32Array.from(range(16)), Uint32Array.from(range(16).map(k => 100 * k)), 64], out: 2, expected: () => range(16).map(k => (k ^ 12) + 100 * k), read: floatsOf,
  },
  {
    // Names WGSL keeps for itself, or that would hide something.
    kernel: kernelOf('target', {
      threads: 1, params: [param('ref', 'u32'), param('f16', 'u32', 'readwrite'), param('tile', 'u32', 'write')], shared: [{ name: 'group', element: 'u32', length: 4 }],
      body: [
        let_('max', load('ref', u(0))), let_('local', load('ref', u(1))), let_('x_', u(1)), let_('x', u(2)), let_('ref_1', call('max', 'u32', ref('max'), ref('local'))), let_('target', ref('x_')),
        let_('e4m3', as('u32', call('e4m3', 'f32', u(0x48)))), let_('ref_bits8', eight(ref('ref'), u(0))),
        { kind: 'sharedStore', array: 'group', index: u(0), value: ref('x') },
        store('tile', builtin('tile'), op('+', op('+', ref('ref_1'), ref('target')), op('+', op('*', ref('e4m3'), u(100)), op('+', ref('ref_bits8'), shared('group', builtin('local'), 'u32'))))),
      ],
    }),
    args: [Uint32Array.of(50, 40), 4, 4], out: 2, expected: () => [50 + 1 + 400 + 50 + 2],
  },
  count('tiles_square', 2 * 65536), count('tiles_prime', 65537), count('tiles_long', 196613),
  {
    kernel: kernelOf('halves', {
      threads: 8, params: [param('x', 'f32'), param('h', 'f16', 'readwrite'), param('out', 'f32', 'write')], shared: [{ name: 'kept', element: 'f16', length: 8 }],
      body: [
        store('h', builtin('local'), load('x', builtin('local'), 'f32')), barrier,
        { kind: 'sharedStore', array: 'kept', index: op('^', builtin('local'), u(7)), value: load('h', builtin('local'), 'f32') }, barrier,
        store('out', builtin('local'), shared('kept', builtin('local'), 'f32')),
      ],
    }),
    skip: noF16, args: [Float32Array.from(halves), 16, 32], out: 2, expected: () => [...toF16].reverse(), read: floatsOf,
  },
  {
    kernel: kernelOf('half_vectors', {
      threads: 2, params: [param('x', 'f32x4'), param('h', 'f16x4', 'readwrite'), param('out', 'f32x4', 'write')],
      body: [store('h', builtin('local'), load('x', builtin('local'), 'f32x4')), barrier, store('out', builtin('local'), load('h', op('^', builtin('local'), u(1)), 'f32x4'))],
    }),
    skip: noF16, args: [Float32Array.from(halves), 16, 32], out: 2, expected: () => [...toF16.slice(4), ...toF16.slice(0, 4)], read: floatsOf,
  },
  {
    kernel: kernelOf('subgroups', {
      threads: 64, params: [param('out', 'f32x4', 'write')],
      body: [
        let_('value', as('f32', builtin('local'))),
        let_('total', call('subgroupAdd', 'f32', ref('value', 'f32'))),
        let_('most', call('subgroupMax', 'f32', ref('value', 'f32'))),
        let_('other', call('subgroupShuffleXor', 'f32', ref('value', 'f32'), u(1))),
        store('out', builtin('local'), { kind: 'vector', type: 'f32x4', parts: [ref('total', 'f32'), ref('most', 'f32'), ref('other', 'f32'), as('f32', op('+', op('*', builtin('subgroup'), u(1000)), builtin('lane')))] }),
      ],
    }),
    skip: caps => noSubgroups(caps) ?? (caps.subgroup!.min === caps.subgroup!.max ? null : 'subgroups of several sizes'),
    args: [1024], out: 0, read: floatsOf,
    expected: caps => range(64).flatMap(t => { const size = caps.subgroup!.max; const first = Math.floor(t / size) * size; return [sum(first + size) - sum(first), first + size - 1, t ^ 1, Math.floor(t / size) * 1000 + (t % size)] }),
  },
  {
    // A subgroup operation under a condition that is one for each subgroup.
    kernel: kernelOf('subgroup_rows', {
      threads: 64, params: [param('x', 'f32x4'), param('out', 'f32', 'write')],
      body: [
        when(op('<', builtin('subgroup'), u(2)),
          let_('shuffled', call('subgroupShuffleXor', 'f32x4', load('x', builtin('lane'), 'f32x4'), u(2))),
          let_('total', call('subgroupAdd', 'f32', lane(ref('shuffled', 'f32x4'), 1))),
          when(op('==', builtin('lane'), u(0)), store('out', builtin('subgroup'), ref('total', 'f32')))),
      ],
    }),
    skip: noSubgroups, args: [Float32Array.from(range(512)), 8], out: 1, expected: caps => [0, 1].map(() => 4 * sum(caps.subgroup!.max) + caps.subgroup!.max), read: floatsOf,
  },
  matrixCase(false), matrixCase(true),
]

for (const gpu of testGpus()) {
  const test = suite<{ backend: WebGpuBackend; program: Program }>(`kernels on ${gpu.name}`)
  test.before(async context => {
    context.backend = await gpu.open()
    const { caps } = context.backend
    context.program = await context.backend.compile(wgsl.render(cases.filter(c => !c.skip?.(caps)).map(c => c.kernel), caps))
  })
  test.after(context => context.backend?.close())
  for (const one of cases) {
    test(one.kernel.name, async ({ backend, program }) => {
      const why = one.skip?.(backend.caps)
      if (why) return console.log(`skipped: ${one.kernel.name} on ${gpu.name}: ${why}`)
      const out = (await runKernel(backend, program, one.kernel, one.args))[one.out]!
      const want = Array.from(one.expected(backend.caps))
      const got = Array.from((one.read ?? (b => new Uint32Array(b)))(out)).slice(0, want.length)
      const differs = want.findIndex((w, k) => w !== got[k])
      assert.is(differs, -1, `element ${differs}: expected ${want[differs]}, got ${got[differs]}`)
    })
  }
  test.run()
}
