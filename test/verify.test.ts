/**
 * `verify`: a table of kernels, each with one broken rule and the message that names it; the correct kernels of
 * `support/kernels.ts` pass, and print as they did.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Expr, Kernel, Param, SharedArray, Stmt, ValueType } from '../codegen/kernel.js'
import { printExpr, printKernel } from '../codegen/print.js'
import { verify } from '../codegen/verify.js'
import { make, matrixProduct, onlineSoftmax, subgroupReduction, tiledProduct, treeReduction } from './support/kernels.js'

for (const kernel of [treeReduction(3, 100, 64), subgroupReduction(3, 100, 64), tiledProduct(20, 30, 50), onlineSoftmax(2, 100, 32), matrixProduct(32, 64)]) {
  test(`passes: ${kernel.schedule}`, () => verify(kernel))
}

const u = (value: number): Expr => ({ kind: 'const', type: 'u32', value })
const f = (value: number): Expr => ({ kind: 'const', type: 'f32', value })
const yes: Expr = { kind: 'const', type: 'bool', value: 1 }
const ref = (name: string, type: ValueType): Expr => ({ kind: 'ref', type, name })
const local: Expr = { kind: 'builtin', type: 'u32', name: 'local' }
const lane: Expr = { kind: 'builtin', type: 'u32', name: 'lane' }
const subgroup: Expr = { kind: 'builtin', type: 'u32', name: 'subgroup' }
const tile: Expr = { kind: 'builtin', type: 'u32', name: 'tile' }
const less = (a: Expr, b: Expr): Expr => ({ kind: 'binary', type: 'bool', op: '<', a, b })
const load = (param: string, index: Expr, type: ValueType = 'f32'): Expr => ({ kind: 'load', type, param, index })
const keep = (name: string, value: Expr): Stmt => ({ kind: 'let', name, value })
const loop = (name: string, from: Expr, to: Expr, body: readonly Stmt[], step = u(1)): Stmt => ({ kind: 'for', name, from, to, step, unroll: 1, body })
const when = (condition: Expr, ...then: readonly Stmt[]): Stmt => ({ kind: 'if', condition, then, otherwise: [] })
const put = (index: Expr, value: Expr, param = 'out'): Stmt => ({ kind: 'store', param, index, value })
const call = (intrinsic: string, type: ValueType, ...args: readonly Expr[]): Expr => ({ kind: 'call', type, intrinsic, args } as Expr)
const barrier: Stmt = { kind: 'barrier' }

const params: readonly Param[] = [
  { name: 'x', element: 'f32', role: 'activation', access: 'read', cache: 'keep' },
  { name: 'w', element: 'u32', role: 'weight', access: 'read', cache: 'stream' },
  { name: 'h', element: 'f16x4', role: 'weight', access: 'read', cache: 'keep' },
  { name: 'out', element: 'f32', role: 'activation', access: 'write', cache: 'keep' },
]
const shared: readonly SharedArray[] = [{ name: 's', element: 'f32', length: 256 }, { name: 't', element: 'f16', length: 512 }]

function kernelOf(body: readonly Stmt[], change: Partial<Kernel> = {}): Kernel {
  return { ...make({ schedule: 'test.bad', threads: 64, subgroupSize: 32 }, () => undefined), params, shared, body, ...change }
}

/** What is wrong, the statements, and the message. */
const bad: readonly [string, readonly Stmt[], RegExp, Partial<Kernel>?][] = [
  ['a name before its definition', [put(u(0), ref('y', 'f32'))], /kernel test_bad\] statement 1 `out\[0\] = y`: y is used where it is not defined/],
  ['a name outside its block', [when(yes, keep('y', f(1))), put(u(0), ref('y', 'f32'))], /statement 3 .*y is used where it is not defined/],
  ['a name twice', [keep('y', f(1)), keep('y', f(2))], /statement 2 .*y is already defined/],
  ['a name that hides an outer one', [keep('y', f(1)), when(yes, keep('y', f(2)))], /statement 3 .*y is already defined/],
  ['a name of a param', [keep('x', f(1))], /x is already defined/],
  ['a name that is no identifier', [keep('a__b', f(1))], /name: expected letters.*got "a__b"/],
  ['a let that is assigned', [keep('y', f(1)), { kind: 'assign', name: 'y', value: f(2) }], /y is assigned: expected a var, got a let/],
  ['a loop counter that is assigned', [loop('i', u(0), u(4), [{ kind: 'assign', name: 'i', value: u(2) }])], /got a loop counter/],
  ['a reference with another type', [keep('y', f(1)), put(u(0), ref('y', 'u32'))], /type of `y`: expected f32, got u32/],
  ['operands that differ', [keep('y', { kind: 'binary', type: 'u32', op: '+', a: u(1), b: f(2) })], /operands of \+ differ in type: expected u32 \+ u32, got u32 \+ f32/],
  ['a comparison that is no bool', [keep('y', { kind: 'binary', type: 'u32', op: '<', a: u(1), b: u(2) })], /type of `1 < 2`: expected bool, got u32/],
  ['bits of f32', [keep('y', { kind: 'binary', type: 'f32', op: '&', a: f(1), b: f(2) })], /& has no form for f32/],
  ['a constant out of range', [keep('y', u(-1))], /constant of u32 out of range: .*got -1/],
  ['a constant beyond f32', [keep('y', f(1e39))], /constant does not fit in f32/],
  ['an infinite constant', [keep('y', f(-Infinity))], /constant does not fit in f32/],
  ['a condition that is a number', [when(u(1))], /condition of if: expected bool, got u32/],
  ['select of two types', [keep('y', { kind: 'select', type: 'f32', condition: yes, yes: f(1), no: u(1) })], /two values of select differ in type/],
  ['an intrinsic with too few arguments', [keep('y', call('fma', 'f32', f(1), f(2)))], /fma takes 3 arguments: expected 3, got 2/],
  ['an intrinsic with a wrong argument', [keep('y', call('exp', 'f32', u(1)))], /argument 1 of exp: expected f32, got u32/],
  ['an intrinsic with mixed arguments', [keep('y', call('max', 'f32', f(1), u(1)))], /arguments of max differ in type: expected f32, got u32/],
  ['an intrinsic of integers that has none', [keep('y', call('fma', 'u32', u(1), u(1), u(1)))], /fma has no form for its operands: expected f32 or f32x4, got u32/],
  ['an intrinsic nobody knows', [keep('y', call('tan', 'f32', f(1)))], /unknown intrinsic: .*got tan/],
  ['a shuffle by a variable', [keep('y', call('subgroupShuffleXor', 'f32', f(1), lane))], /lanes of subgroupShuffleXor must be a constant/],
  ['a bitcast to another size', [keep('y', { kind: 'bitcast', type: 'u32x4', a: f(1) })], /bitcast between types of different size/],
  ['a conversion of bool', [keep('y', { kind: 'convert', type: 'f32', a: yes })], /no such conversion: .*got bool to f32/],
  ['a splat of another type', [keep('y', { kind: 'splat', type: 'f32x4', a: u(1) })], /splat to f32x4: expected f32, got u32/],
  ['a component of a scalar', [keep('y', { kind: 'component', type: 'f32', a: f(1), index: 0 })], /component of a value without four/],
  ['a table of fifteen', [keep('y', { kind: 'table', type: 'i8x16', values: Array.from({ length: 15 }, () => 0) })], /a table: expected sixteen integers/],
  ['a param nobody declared', [put(u(0), load('z', u(0)))], /no param named z/],
  ['an index of f32', [put(u(0), load('x', f(0)))], /index of x: expected u32, got f32/],
  ['an f16 load that stays f16x4', [keep('y', load('h', u(0), 'f32'))], /type of `h\[0\]`: expected f32x4, got f32/],
  ['a write to what is read', [put(u(0), f(1), 'x')], /param x is written: expected access write or readwrite, got read/],
  ['a read of what is written', [keep('y', load('out', u(0)))], /param out is read: expected access read or readwrite, got write/],
  ['a store of another type', [put(u(0), u(1))], /value stored to out of f32: expected f32, got u32/],
  ['bits of a buffer of f32', [keep('y', { kind: 'loadBits', type: 'u32', param: 'x', index: u(0), bits: 8 })], /bits of param x: expected elements of u32, got f32/],
  ['a shared array nobody declared', [{ kind: 'sharedStore', array: 'z', index: u(0), value: f(1) }], /no shared array named z/],
  ['a shared store of another type', [{ kind: 'sharedStore', array: 't', index: u(0), value: u(1) }], /value stored to t of f16: expected f32, got u32/],
  ['a matrix tile in f32', [keep('y', { kind: 'matrixLoad', type: 'matrixA', array: 's', index: u(0), stride: 16, columnMajor: false })], /matrix load from s: expected a shared array of f16/],
  ['a matrix tile with an odd stride', [keep('y', { kind: 'matrixLoad', type: 'matrixA', array: 't', index: u(0), stride: 17, columnMajor: false })], /stride of a matrix tile: .*got 17/],
  ['a loop that stands still', [loop('i', u(0), u(4), [], u(0))], /step of the loop: expected at least 1, got 0/],
  ['a loop over f32', [loop('i', u(0), f(4), [])], /end of the loop: expected u32, got f32/],
  ['a loop that moves its end', [{ kind: 'var', name: 'n', type: 'u32', value: u(4) }, loop('i', u(0), ref('n', 'u32'), [{ kind: 'assign', name: 'n', value: u(3) }])],
    /n is assigned inside a loop whose bounds read it/],
  ['a weight that is written', [], /param w is a weight: expected access read, got write/, { params: [{ ...params[1]!, access: 'write' }] }],
  ['threads that do not fill subgroups', [], /threads: expected a multiple of the subgroup size 32, got 48/, { threads: 48 }],
  ['two params of one name', [], /two things are named x/, { params: [params[0]!, params[0]!] }],
  ['a shared array of no length', [], /length of shared array s: expected a positive integer, got 0/, { shared: [{ ...shared[0]!, length: 0 }] }],

  ['a barrier that some threads reach', [when(less(local, u(8)), barrier)], /statement 2 `barrier`: a barrier in divergent flow: .*got flow that depends on @local/],
  ['a barrier that some subgroups reach', [when(less(subgroup, u(1)), barrier)], /expected conditions that are the same for every thread of the group, got flow that depends on @subgroup/],
  ['a barrier after a load of an activation', [when(less(load('x', u(0)), f(1)), barrier)], /depends on x\[0\], of a param that is not bound read-only/],
  ['a barrier after a load at the thread\'s place', [when(less(load('w', local, 'u32'), u(1)), barrier)], /depends on @local/],
  ['a barrier after shared memory', [when(less({ kind: 'shared', type: 'f32', array: 's', index: u(0) }, f(1)), barrier)], /depends on shared memory, s\[0\]/],
  ['a barrier in a loop of the thread\'s length', [loop('i', u(0), local, [barrier])], /a barrier in divergent flow/],
  ['a barrier after a variable that diverged', [
    { kind: 'var', name: 'n', type: 'u32', value: u(0) }, when(less(local, u(8)), { kind: 'assign', name: 'n', value: u(1) }), when(less(ref('n', 'u32'), u(1)), barrier),
  ], /statement 5 `barrier`.*depends on @local/],
  ['a barrier after a variable that diverges in the next turn', [
    { kind: 'var', name: 'n', type: 'u32', value: u(0) },
    loop('i', u(0), u(4), [when(less(ref('n', 'u32'), u(1)), barrier), { kind: 'assign', name: 'n', value: local }]),
  ], /statement 4 `barrier`.*depends on @local/],
  ['a subgroup sum that some lanes reach', [when(less(lane, u(8)), keep('y', call('subgroupAdd', 'f32', f(1))))], /subgroupAdd in divergent flow/],
  ['a subgroup sum behind &&', [keep('y', { kind: 'binary', type: 'bool', op: '&&', a: less(lane, u(8)), b: less(call('subgroupAdd', 'f32', f(1)), f(2)) })], /subgroupAdd in divergent flow/],
  ['a matrix tile at the lane\'s place', [keep('y', { kind: 'matrixLoad', type: 'matrixA', array: 't', index: lane, stride: 16, columnMajor: false })], /index that varies between lanes/],
]
for (const [what, body, says, change] of bad) {
  test(`refused: ${what}`, () => assert.throws(() => verify(kernelOf(body, change)), says))
}

const good: readonly [string, readonly Stmt[], Partial<Kernel>?][] = [
  ['a barrier under the tile\'s index and the state', [when(less(tile, load('w', u(0), 'u32')), barrier)]],
  ['a barrier after the threads met again', [when(less(local, u(8)), keep('y', f(1))), barrier]],
  ['a barrier in a loop of constant length', [loop('i', u(0), u(4), [barrier])]],
  ['a subgroup sum that whole subgroups reach', [when(less(subgroup, u(1)), keep('y', call('subgroupAdd', 'f32', f(1))))]],
  ['one name in blocks beside each other', [loop('i', u(0), u(4), []), loop('i', u(0), u(4), [])]],
  ['a barrier of one thread, anywhere', [when(less(local, u(8)), barrier)], { threads: 1, subgroupSize: null }],
  ['a variable that is uniform again', [
    { kind: 'var', name: 'n', type: 'u32', value: local }, { kind: 'assign', name: 'n', value: u(1) }, when(less(ref('n', 'u32'), u(1)), barrier),
  ]],
]
for (const [what, body, change] of good) {
  test(`allowed: ${what}`, () => verify(kernelOf(body, change)))
}

test('prints what precedence needs, and constants with their types', () => {
  const add = (a: Expr, b: Expr): Expr => ({ kind: 'binary', type: 'u32', op: '+', a, b })
  const times = (a: Expr, b: Expr): Expr => ({ kind: 'binary', type: 'u32', op: '*', a, b })
  for (const [e, text] of [
    [times(add(local, u(1)), u(2)), '(@local + 1) * 2'],
    [add(local, times(u(1), u(2))), '@local + 1 * 2'],
    [add(local, add(u(1), u(2))), '@local + (1 + 2)'],
    [f(0.1), '0.1'], [f(1), '1.0'], [f(1e-6), '0.000001'], [f(-Infinity), '-inf'], [f(-0), '-0.0'],
    [{ kind: 'const', type: 'i32', value: -3 }, '-3i'],
  ] as const) assert.is(printExpr(e), text)
})

test('prints a kernel', () => {
  const kernel = make({ schedule: 'test.print', knobs: { rows: 2 }, threads: 2, tiles: [{ dim: 'tokens', per: 8, times: 3 }] }, (k, tile) => {
    const out = k.param('out', 'f32', 'activation', 'write', 'stream')
    const s = k.shared('s', 'f32x4', 4)
    k.when(k.local.eq(0), () => out.store(tile, s.load(k.local).at(1)), () => k.comment('idle'))
    k.barrier()
  })
  assert.is(printKernel(kernel, { numbers: true }), `kernel test_print: test.print { rows 2 }
  threads 2, subgroup any, shared 64 bytes
  tiles 3·⌈tokens / 8⌉
  cost 0 bytes, 0 flops
  param out: f32, activation, write, stream
  param state: u32, state, read
  shared s: f32x4[4], 64 bytes

   1  if @tile < ((state[0] + 7) >> 3) * 3 {
   2    if @local == 0 {
   3      out[@tile] = s[@local].y
        } else {
   4      // idle
        }
   5    barrier
      }
`)
})

test.run()
