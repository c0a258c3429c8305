/** The interpreter's numbers: correct kernels give the right results without a finding, and arithmetic is that of the form. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { interpret } from '../codegen/interpret.js'
import { e4m3Values, f16Bits, f16Values, floatOf } from '../codegen/interpret-numbers.js'
import { call, constant, f32, splat, table, u32, vector } from '../codegen/value.js'
import type { Value } from '../codegen/value.js'
import { verify } from '../codegen/verify.js'
import { bound, make, matrixProduct, onlineSoftmax, subgroupReduction, tiledProduct, treeReduction } from './support/kernels.js'

/** Values in (-1, 1) that are the same in every run. */
function numbers(count: number, seed = 1): Float32Array {
  let s = seed
  return Float32Array.from({ length: count }, () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0
    return s / 2 ** 31 - 1
  })
}

function near(got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number, what: string): void {
  assert.is(got.length, want.length)
  for (let i = 0; i < want.length; i++) {
    assert.ok(Math.abs(got[i]! - want[i]!) <= tolerance, `${what}[${i}]: ${got[i]} instead of ${want[i]}`)
  }
}

const product = (a: ArrayLike<number>, b: ArrayLike<number>, m: number, n: number, depth: number): Float64Array =>
  Float64Array.from({ length: m * n }, (_, at) => {
    let sum = 0
    for (let k = 0; k < depth; k++) sum += a[Math.floor(at / n) * depth + k]! * b[(at % n) * depth + k]!
    return sum
  })

for (const mode of ['checked', 'fast'] as const) {
  for (const [what, kernel, subgroupSizes] of [
    ['a tree reduction', treeReduction(3, 1000, 128), [32]],
    ['a reduction by subgroups', subgroupReduction(3, 1000, 128), [4, 8, 32, 64, 128]],
  ] as const) {
    for (const subgroupSize of subgroupSizes) {
      test(`${what} sums rows: ${mode}, subgroups of ${subgroupSize}`, () => {
        verify(kernel)
        const x = numbers(3000)
        const out = new Float32Array(3)
        interpret(kernel, bound({ x, out }), { dims: {}, mode, subgroupSize })
        near(out, [0, 1, 2].map(r => x.slice(r * 1000, (r + 1) * 1000).reduce((s, v) => s + v, 0)), 1e-4, 'sum')
      })
    }
  }

  test(`a tiled product with ragged edges: ${mode}`, () => {
    const [m, n, depth] = [20, 37, 50]
    const kernel = tiledProduct(m, n, depth)
    verify(kernel)
    const [a, b, out] = [numbers(m * depth), numbers(n * depth, 2), new Float32Array(m * n)]
    interpret(kernel, bound({ a, b, out }), { dims: {}, mode })
    near(out, product(a, b, m, n, depth), 1e-5, 'out')
  })

  test(`an online softmax: ${mode}`, () => {
    const kernel = onlineSoftmax(4, 300, 64)
    verify(kernel)
    const [x, out] = [numbers(1200).map(v => v * 20), new Float32Array(1200)]
    interpret(kernel, bound({ x, out }), { dims: {}, mode })
    for (let r = 0; r < 4; r++) {
      const row = Array.from(x.slice(r * 300, (r + 1) * 300))
      const top = Math.max(...row)
      const sum = row.reduce((s, v) => s + Math.exp(v - top), 0)
      near(out.slice(r * 300, (r + 1) * 300), row.map(v => Math.exp(v - top) / sum), 1e-6, `row ${r}`)
    }
  })

  test(`a product by matrix tiles: ${mode}`, () => {
    const kernel = matrixProduct(32, 64)
    verify(kernel)
    const f16 = (v: number): number => f16Values[f16Bits(v)]!
    const [a, b, out] = [numbers(16 * 64), numbers(32 * 64, 2), new Float32Array(16 * 32)]
    interpret(kernel, bound({ a, b, out }), { dims: {}, mode })
    near(out, product(a.map(f16), b.map(f16), 16, 32, 64), 1e-5, 'out')
  })
}

test('a subset of tiles runs, and dims give the count', () => {
  const kernel = make({ threads: 1, tiles: [{ dim: 'tokens', per: 4, times: 2 }] }, (k, tile) => {
    k.param('out', 'u32', 'activation', 'write').store(tile, tile.add(1))
  })
  const out = new Uint32Array(8)
  const state = new Uint32Array(1024)
  state[0] = 9
  interpret(kernel, bound({ out, state }), { dims: { tokens: 9 }, tiles: [1, 4] })
  assert.equal([...out], [0, 2, 0, 0, 5, 0, 0, 0])
  assert.throws(() => interpret(kernel, bound({ out, state }), { dims: { tokens: 9 }, tiles: [6] }), /tile 6.*less than 6/)
  assert.throws(() => interpret(kernel, bound({ out, state }), { dims: {} }), /dim tokens of the tile count has no value/)
})

/** One thread computes values from `x` and stores them: `[name, value, expected words]`. */
const x = Uint32Array.of(0x3f800000, 0xbf000000, 0x40490fdb, 0x7f61c3f1, 0x3c008001, 12, 0xfffffff9, 0x80000000)
const floats = new Float32Array(x.buffer)
const arithmetic: readonly [string, (word: (i: number) => Value, real: (i: number) => Value) => Value, readonly number[]][] = [
  ['u32 wraps', w => w(6).add(w(5)), [5]],
  ['u32 difference wraps', w => w(5).sub(w(6)), [19]],
  ['u32 product wraps', w => w(6).mul(w(6)), [49]],
  ['u32 division', w => w(6).div(w(5)), [Math.floor(0xfffffff9 / 12)]],
  ['u32 remainder', w => w(6).mod(w(5)), [0xfffffff9 % 12]],
  ['u32 shift right is logical', w => w(7).shr(31), [1]],
  ['i32 shift right is arithmetic', w => w(7).bitcast('i32').shr(31).bitcast('u32'), [0xffffffff]],
  ['i32 division truncates', w => w(6).bitcast('i32').div(constant('i32', 2)).bitcast('u32'), [0xfffffffd]],
  ['i32 min', w => w(6).bitcast('i32').min(w(5).bitcast('i32')).bitcast('u32'), [0xfffffff9]],
  ['f32 sum rounds', (_, r) => f32(16777216).add(r(0)).bitcast('u32'), [0x4b800000]],
  ['f32 to i32 truncates', (_, r) => r(2).negate().convert('i32').bitcast('u32'), [0xfffffffd]],
  ['u32 to f32 rounds', w => w(6).convert('f32').bitcast('u32'), [0x4f800000]],
  ['e2m1', w => call('e2m1x4', w(4)).bitcast('u32x4'), [0x3f000000, 0, 0, 0x80000000]],
  ['u4', w => call('u4x4', w(3)).convert('u32x4'), [1, 15, 3, 12]],
  ['i8', w => call('i8x4', w(3)).convert('i32x4').bitcast('u32x4'), [0xfffffff1, 0xffffffc3, 97, 127]],
  ['f16 pairs', () => call('f16x4', u32(0x3c000001), u32(0xc0007bff)).bitcast('u32x4'), [0x33800000, 0x3f800000, 0x477fe000, 0xc0000000]],
  ['bf16 pairs', w => call('bf16x4', w(0), w(1)).bitcast('u32x4'), [0, 0x3f800000, 0, 0xbf000000]],
  ['f16 of the low half', w => call('f16', w(0).add(0x4200)).bitcast('u32'), [0x40400000]],
  ['e4m3', () => call('e4m3', u32(0x7e)).bitcast('u32'), [0x43e00000]],
  ['e4m3 subnormal', () => call('e4m3', u32(1)).bitcast('u32'), [0x3b000000]],
  ['dot4', (_, r) => call('dot4', splat('f32x4', r(1)), vector(f32(1), f32(2), f32(3), f32(4))).bitcast('u32'), [0xc0a00000]],
  ['a swizzle of bytes', () => call('swizzle', table([0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]),
    table([15, 7, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2])).bitcast('u32x4'), [0xff010cf4, 0, 0, 0x02000000]],
  ['bytes widen with their sign', () => call('extendLow16', call('extendHigh8', table([0, 0, 0, 0, 0, 0, 0, 0, -1, 2, -128, 127, 0, 0, 0, 0]))).bitcast('u32x4'),
    [0xffffffff, 2, 0xffffff80, 127]],
  ['words are narrowed to the nearest', () => call('narrow16', splat('i32x4', constant('i32', 40000)), splat('i32x4', constant('i32', -40000))).bitcast('u32x4'), [0x7fff7fff, 0x7fff7fff, 0x80008000, 0x80008000]],
  ['pairs of words are multiplied and added', () => call('dot16', call('extendLow8', table([1, 2, -3, 4, 100, -100, 127, -128, 0, 0, 0, 0, 0, 0, 0, 0])),
    call('narrow16', splat('i32x4', constant('i32', 30000)), splat('i32x4', constant('i32', -7)))).bitcast('u32x4'), [90000, 30000, 0, 7]],
  ['packed bytes wrap', () => table([127, -128, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).add(table([1, -1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])).bitcast('u32x4'),
    [0x04027f80, 0, 0, 0]],
]
for (const [what, value, want] of arithmetic) {
  test(`numbers: ${what}`, () => {
    const kernel = make({ threads: 1 }, k => {
      const words = k.param('words', 'u32', 'state')
      const reals = k.param('reals', 'f32', 'state')
      const result = value(i => words.load(i), i => reals.load(i))
      k.param('out', result.type === 'u32x4' ? 'u32x4' : 'u32', 'activation', 'write').store(0, result)
    })
    verify(kernel)
    const out = new Uint32Array(4)
    interpret(kernel, bound({ words: x, reals: floats, out }), { dims: {} })
    assert.equal([...out.slice(0, want.length)], want.map(v => v >>> 0))
  })
}

test('f16 rounds to nearest, ties to even, through subnormals to infinity', () => {
  for (const [value, bits] of [
    [0, 0], [-0, 0x8000], [1, 0x3c00], [65504, 0x7bff], [65519, 0x7bff], [65520, 0x7c00], [-1e10, 0xfc00], [2 ** -24, 1], [2 ** -25, 0],
    [2 ** -25 * 1.001, 1], [3 * 2 ** -25, 2], [2 ** -14, 0x400], [1 + 2 ** -11, 0x3c00], [1 + 3 * 2 ** -11, 0x3c02], [2 ** -14 - 2 ** -25, 0x400],
  ] as const) assert.is(f16Bits(Math.fround(value)), bits, `f16 of ${value}`)
  for (let h = 0; h < 0x7c00; h++) assert.is(f16Bits(f16Values[h]!), h)
  assert.ok(Number.isNaN(f16Values[f16Bits(NaN)]!))
  assert.ok(Number.isNaN(e4m3Values[0x7f]!))
  assert.is(floatOf(0x3f800000), 1)
})

test('interpret throws the first finding, and buffers are checked', () => {
  const kernel = make({ threads: 1 }, k => k.param('out', 'f32', 'activation', 'write').store(2, 1))
  const out = new Float32Array(2)
  assert.throws(() => interpret(kernel, bound({ out }), { dims: {} }), /\[interpreter\] out of bounds in kernel test_kernel/)
  assert.throws(() => interpret(kernel, {}, { dims: {} }), /nothing is bound to param out/)
  assert.throws(() => interpret(kernel, bound({ out, y: out }), { dims: {} }), /no param named y/)
  assert.throws(() => interpret(kernel, { out: { bytes: out.buffer, offset: 8, length: 4 } }, { dims: {} }), /within 8/)
})

test.run()
