/**
 * The text of the `wgsl` target, which needs no device: what a module holds, and what is refused with which words.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { WeftError } from '../graph/error.js'
import type { Caps } from '../codegen/caps.js'
import type { Expr, Kernel } from '../codegen/kernel.js'
import { wgsl } from '../codegen/targets/wgsl.js'
import { binary as op, builtin, call, f, kernelOf, let_, load, param, ref, store, u } from './support/webgpu-kernels.js'

const caps: Caps = {
  target: 'wgsl', chip: 'paper', arch: null, subgroup: { min: 32, max: 32 }, maxThreads: 256, sharedBytes: 32768,
  f16: true, matrix: true, tensorCopy: false, cluster: 1, simd: false, maxBuffers: 8, maxBinding: 2 ** 31 - 4, units: 8,
}
const textOf = (kernel: Kernel, of: Caps = caps): string => wgsl.render([kernel], of).kernels[0]!.text

test('a module, whole', () => {
  const scale = kernelOf('scale', {
    threads: 32, knobs: { rows: 2 },
    params: [param('weight', 'u32', 'read', 'weight'), param('state', 'u32', 'read', 'state'), param('x', 'f32'), param('out', 'f32', 'write')],
    body: [
      let_('row', op('+', op('*', builtin('tile'), u(32)), builtin('local'))),
      { kind: 'if', condition: op('<', ref('row'), load('state', u(0))), then: [store('out', ref('row'), op('*', load('x', ref('row'), 'f32'), call('bf16', 'f32', { kind: 'loadBits', type: 'u32', param: 'weight', index: ref('row'), bits: 16 })))], otherwise: [] },
    ],
  })
  assert.is(textOf(scale), `// test.scale: rows 2
@group(0) @binding(0) var<storage, read> weight: array<u32>;
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
override tiles: u32 = 4294967295u;

fn bf16x1(code: u32) -> f32 {
  return bitcast<f32>(code << 16u);
}

fn weight_bits16(index: u32) -> u32 {
  return (weight[index >> 1u] >> ((index & 1u) << 4u)) & 0xffffu;
}

@compute @workgroup_size(32)
fn scale(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  let row = (tile * 32u) + local;
  if (row < state[0u]) {
    out[row] = x[row] * bf16x1(weight_bits16(row));
  }
}
`)
})

const one = (value: Expr, more: Partial<Kernel> = {}): Kernel =>
  kernelOf('one', { threads: 32, params: [param('out', 'f32', 'write')], body: [store('out', u(0), value)], ...more })
const total = one(call('subgroupAdd', 'f32', f(1)))
const half = one(f(1), { params: [param('out', 'f16', 'write')] })
const decoded = one(call('f16', 'f32', u(15360)))
const zero: Kernel = one(f(1), { body: [{ kind: 'var', name: 'acc', type: 'matrixC', value: call('matrixZero', 'matrixC') }] })
const enables = (text: string): string[] => [...text.matchAll(/^enable (.+);$/gm)].map(m => m[1]!)

test('a module enables only what it uses', () => {
  assert.equal(enables(textOf(one(f(1)))), [])
  assert.equal(enables(textOf(half)), ['f16'])
  assert.equal(enables(textOf(decoded)), ['f16'])
  assert.equal(enables(textOf(decoded, { ...caps, f16: false })), [])
  assert.equal(enables(textOf(total)), ['subgroups'])
  assert.equal(enables(textOf(zero)), ['chromium_experimental_subgroup_matrix', 'f16', 'subgroups'])
})

test('matrix tiles', () => {
  const text = textOf(one(f(1), {
    shared: [{ name: 'halves', element: 'f16', length: 256 }, { name: 'sums', element: 'f32', length: 256 }],
    body: [
      { kind: 'var', name: 'acc', type: 'matrixC', value: call('matrixZero', 'matrixC') },
      { kind: 'matrixMultiply', name: 'acc', a: { kind: 'matrixLoad', type: 'matrixA', array: 'halves', index: u(0), stride: 16, columnMajor: false }, b: { kind: 'matrixLoad', type: 'matrixB', array: 'halves', index: u(8), stride: 24, columnMajor: true } },
      { kind: 'matrixStore', array: 'sums', index: u(0), stride: 16, value: ref('acc', 'matrixC') },
    ],
  }))
  assert.ok(text.includes(`  var acc: subgroup_matrix_result<f32, 16, 16> = subgroup_matrix_result<f32, 16, 16>();
  acc = subgroupMatrixMultiplyAccumulate(subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&halves, 0u, 16u), subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&halves, 8u, 24u), acc);
  subgroupMatrixStore<row_major>(&sums, 0u, acc, 16u);
`), text)
})

test('a subgroup size is asked for where a chip has several', () => {
  const sized = { ...total, subgroupSize: 32 }
  assert.not.match(textOf(sized), /subgroup_size/)
  const text = textOf(sized, { ...caps, subgroup: { min: 8, max: 32 } })
  assert.equal(enables(text), ['subgroup_size_control', 'subgroups'])
  assert.match(text, /@compute @workgroup_size\(32\) @subgroup_size\(32\)/)
})

test('activations and caches are bound read_write, weights and state as they are used', () => {
  const roles = kernelOf('roles', {
    params: [param('a', 'f32'), param('b', 'f32x4', 'read', 'cache'), param('c', 'u32x4', 'read', 'weight'), param('d', 'i32', 'read', 'state'), param('e', 'u32', 'readwrite', 'state')], body: [],
  })
  assert.equal([...textOf(roles).matchAll(/var<storage, (\w+)> (\w)/g)].map(m => `${m[2]} ${m[1]}`), ['a read_write', 'b read_write', 'c read', 'd read', 'e read_write'])
})

const refused: readonly (readonly [string, () => string, RegExp])[] = [
  ['subgroups where there are none', () => textOf(total, { ...caps, subgroup: null }), /^\[kernel one\] subgroupAdd: paper has no subgroup operations$/],
  ['a subgroup size out of range', () => textOf({ ...total, subgroupSize: 64 }), /subgroup size on paper: expected 32 to 32, got 64/],
  ['f16 where it is not stored', () => textOf(half, { ...caps, f16: false }), /buffers of f16: paper does not store f16/],
  ['matrix tiles where there are none', () => textOf(zero, { ...caps, matrix: false }), /matrix tiles: paper offers none of 16×16×16/],
  ['vectors of a CPU', () => textOf(one(call('swizzle', 'i8x16'))), /swizzle has no spelling: WGSL has no 128-bit integer vectors/],
  ['an infinite constant', () => textOf(one(f(-Infinity))), /WGSL has no constant for this f32: expected a finite number, got -Infinity/],
  ['too many threads', () => textOf(one(f(1), { threads: 512 })), /threads of a group: expected at most 256 on paper, got 512/],
  ['too much shared memory', () => textOf(one(f(1), { shared: [{ name: 's', element: 'f32', length: 8193 }] })), /bytes of shared memory: expected at most 32768 on paper, got 32784/],
  ['too many buffers', () => textOf(one(f(1), { params: Array.from({ length: 9 }, (_, k) => param(`p${k}`, 'f32', 'write')) })), /storage buffers: expected at most 8 on paper, got 9/],
  ['bits of a vector', () => textOf(one(f(1), { params: [param('w', 'u32x4')], body: [let_('b', { kind: 'loadBits', type: 'u32', param: 'w', index: u(0), bits: 8 })] })), /bits of w: expected a param of u32, got u32x4/],
  ['a name that is none', () => textOf(one(f(1), { body: [let_('a b', u(0))] })), /not a name that WGSL can take: .*«a b»/],
]
for (const [what, act, says] of refused) {
  test(`refuses ${what}`, () => {
    assert.throws(act, (e: unknown) => e instanceof WeftError && says.test(e.message))
  })
}
test.run()
