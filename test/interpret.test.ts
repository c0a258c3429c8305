/**
 * The interpreter: correct kernels give the right numbers without a finding, and each planted mistake (a race, a read
 * out of bounds, a divergent barrier, shared memory never written, ...) is named with its kernel, place, threads and
 * statement.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { KernelBuilder, KernelSpec } from '../codegen/builder.js'
import { inspectKernel, interpret } from '../codegen/interpret.js'
import type { Finding, FindingKind } from '../codegen/interpret.js'
import { e4m3Values, f16Bits, f16Values, floatOf } from '../codegen/interpret-numbers.js'
import type { Kernel } from '../codegen/kernel.js'
import { call, constant, f32, splat, table, u32, vector } from '../codegen/value.js'
import type { Value } from '../codegen/value.js'
import { verify } from '../codegen/verify.js'
import { make, matrixProduct, onlineSoftmax, subgroupReduction, tiledProduct, treeReduction } from './support/kernels.js'

/** Values in (-1, 1) that are the same in every run. */
function numbers(count: number, seed = 1): Float32Array {
  let s = seed
  return Float32Array.from({ length: count }, () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0
    return s / 2 ** 31 - 1
  })
}

const bound = (arrays: Readonly<Record<string, Float32Array | Uint32Array | Uint16Array>>) =>
  Object.fromEntries(Object.entries(arrays).map(([name, a]) => [name, { bytes: new Uint8Array(a.buffer, a.byteOffset, a.byteLength) }]))

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

/** A kernel with one mistake: what is found, and what its message must say. */
interface Planted {
  readonly what: string
  readonly kind: FindingKind
  readonly says: RegExp
  readonly spec?: Partial<KernelSpec>
  readonly buffers?: Readonly<Record<string, Float32Array | Uint32Array | Uint16Array>>
  readonly subgroupSize?: number
  readonly body: (k: KernelBuilder, tile: Value) => void
}

const planted: readonly Planted[] = [
  {
    what: 'a neighbour read without a barrier', kind: 'race',
    says: /race in kernel test_kernel: thread 1 of tile 0 reads s\[0\] in statement 2 .*thread 0 writes it in statement 1 .*no barrier/,
    body: k => {
      const s = k.shared('s', 'f32', 32)
      s.store(k.local, 1)
      k.param('out', 'f32', 'activation', 'write').store(k.local, s.load(k.local.shr(1)))
    },
  },
  {
    what: 'two threads that write one element', kind: 'race', says: /thread 16 of tile 0 writes out\[0\] .*thread 0 writes it/,
    body: k => k.param('out', 'f32', 'activation', 'write').store(k.local.mod(16), 1),
  },
  {
    what: 'a second turn of a loop that lacks the barrier at its end', kind: 'race', says: /writes s\[\d+\] .*reads it/,
    body: k => {
      const s = k.shared('s', 'f32', 32)
      const out = k.param('out', 'f32', 'activation', 'write')
      const sum = k.var('sum', 'f32', 0)
      k.for({ to: 2 }, i => {
        s.store(k.local, i.convert('f32'))
        k.barrier()
        sum.add(s.load(k.local.xor(1)))
      })
      out.store(k.local, sum.value)
    },
  },
  {
    what: 'tiles that write one element', kind: 'tile conflict', says: /tile 1 writes out\[31\] .*tile 0 writes it .*tiles run in no order/,
    spec: { tiles: [{ dim: null, per: 1, times: 2 }] }, buffers: { out: new Float32Array(64) },
    body: (k, tile) => k.param('out', 'f32', 'activation', 'write').store(tile.mul(31).add(k.local), 1),
  },
  {
    what: 'a tile that reads what another wrote', kind: 'tile conflict', says: /tile 1 reads out\[0\] .*tile 0 writes it/,
    spec: { threads: 1, tiles: [{ dim: null, per: 1, times: 2 }] },
    body: (k, tile) => {
      const out = k.param('out', 'f32', 'activation', 'readwrite')
      out.store(tile, tile.convert('f32').add(out.load(0)))
    },
  },
  {
    what: 'a param past its end', kind: 'out of bounds', says: /thread 31 of tile 0 reads x\[32\], past its 32 elements, in statement 1 `out\[@local\] = x\[@local \+ 1\]`/,
    buffers: { x: new Float32Array(32) },
    body: k => {
      const x = k.param('x', 'f32', 'weight')
      k.param('out', 'f32', 'activation', 'write').store(k.local, x.load(k.local.add(1)))
    },
  },
  {
    what: 'an index below zero', kind: 'out of bounds', says: /thread 0 of tile 0 writes out\[4294967295\]/,
    body: k => k.param('out', 'f32', 'activation', 'write').store(k.local.sub(1), 1),
  },
  {
    what: 'a shared array past its end', kind: 'out of bounds', says: /writes s\[8\], past its 8 elements/,
    body: k => k.shared('s', 'f32x4', 8).store(k.local, splat('f32x4', f32(0))),
  },
  {
    what: 'bytes past the end', kind: 'out of bounds', says: /reads x\[8\], past its 8 elements/, buffers: { x: new Uint32Array(8) },
    body: k => {
      const x = k.param('x', 'u32', 'weight')
      k.param('out', 'u32', 'activation', 'write').store(k.local, x.loadBits(k.local.add(1), 8))
    },
  },
  {
    what: 'a value chosen by select from outside', kind: 'out of bounds', says: /reads x\[16\]/, buffers: { x: new Float32Array(16) },
    body: k => {
      const x = k.param('x', 'f32', 'weight')
      const out = k.param('out', 'f32', 'activation', 'write')
      k.when(k.local.lt(17), () => out.store(k.local, x.load(k.local)))
    },
  },
  {
    what: 'a barrier in divergent flow', kind: 'divergent barrier', says: /thread 0 of tile 0 waits at statement 2 `barrier`, thread 16 has finished/,
    body: k => k.when(k.local.lt(16), () => k.barrier()),
  },
  {
    what: 'a barrier reached in loops of different lengths', kind: 'divergent barrier', says: /thread 1 of tile 0 waits at .*thread 0 has finished/,
    body: k => k.for({ to: k.local }, () => k.barrier()),
  },
  {
    what: 'two barriers for one', kind: 'divergent barrier', says: /thread 0 of tile 0 waits at statement 2 .*thread 16 is at statement 3/,
    body: k => k.when(k.local.lt(16), () => k.barrier(), () => k.barrier()),
  },
  {
    what: 'a subgroup sum in divergent flow', kind: 'divergent subgroup operation', says: /thread 0 of tile 0 waits at statement 2 .*thread 3 has finished/,
    body: k => {
      const out = k.param('out', 'f32', 'activation', 'write')
      k.when(k.lane.lt(3), () => out.store(k.lane, k.call('subgroupAdd', f32(1))))
    },
  },
  {
    what: 'a shuffle beyond the subgroup', kind: 'divergent subgroup operation', says: /lane 0 takes the value of lane 8 of 8/, subgroupSize: 8,
    body: k => {
      const out = k.param('out', 'f32', 'activation', 'write')
      out.store(k.local, k.call('subgroupShuffleXor', k.local.convert('f32'), u32(8)))
    },
  },
  {
    what: 'shared memory that one thread did not write', kind: 'unwritten shared memory',
    says: /thread 31 of tile 0 reads s\[31\] before anything is written there, in statement 4/,
    body: k => {
      const s = k.shared('s', 'f32', 32)
      k.when(k.local.lt(31), () => s.store(k.local, 1))
      k.barrier()
      k.param('out', 'f32', 'activation', 'write').store(k.local, s.load(k.local))
    },
  },
  {
    what: 'shared memory left by the tile before', kind: 'unwritten shared memory', says: /thread 0 of tile 1 reads s\[0\]/,
    spec: { threads: 1, tiles: [{ dim: null, per: 1, times: 2 }] },
    body: (k, tile) => {
      const s = k.shared('s', 'f32', 1)
      k.when(tile.eq(0), () => s.store(0, 1))
      k.param('out', 'f32', 'activation', 'write').store(tile, s.load(0))
    },
  },
  {
    what: 'an index that is not a number', kind: 'bad number', says: /thread 0 of tile 0 converts NaN to an integer in statement 1/,
    buffers: { x: Float32Array.of(NaN) }, spec: { threads: 1 },
    body: k => {
      const x = k.param('x', 'f32', 'weight')
      k.param('out', 'f32', 'activation', 'write').store(x.load(0).convert('u32'), 1)
    },
  },
  {
    what: 'a division by zero', kind: 'bad number', says: /divides by 0/, buffers: { x: new Uint32Array(1) }, spec: { threads: 1 },
    body: k => k.param('out', 'u32', 'activation', 'write').store(0, u32(7).div(k.param('x', 'u32', 'weight').load(0))),
  },
  {
    what: 'a loop that does not advance', kind: 'bad loop', says: /runs a loop that has a step of 0, in statement 1/, buffers: { x: new Uint32Array(1) }, spec: { threads: 1 },
    body: k => {
      const out = k.param('out', 'u32', 'activation', 'write')
      k.for({ to: 4, step: k.param('x', 'u32', 'weight').load(0) }, i => out.store(i, i))
    },
  },
  {
    what: 'a loop past the largest u32', kind: 'bad loop', says: /steps past the largest u32/, buffers: { x: Uint32Array.of(0xffffffff) }, spec: { threads: 1 },
    body: k => {
      const x = k.param('x', 'u32', 'weight')
      const out = k.param('out', 'u32', 'activation', 'write')
      k.for({ from: x.load(0).sub(3), to: x.load(0), step: 2 }, () => out.store(0, 1))
    },
  },
  {
    what: 'lanes that read a matrix tile they stored before a barrier', kind: 'race', says: /thread 0 of tile 0 reads s\[0\] .*subgroup 0 writes it/,
    spec: { subgroupSize: 32 },
    body: k => {
      const s = k.shared('s', 'f32', 256)
      k.matrixStore(s, 0, 16, k.call('matrixZero'))
      k.param('out', 'f32', 'activation', 'write').store(k.local, s.load(k.local))
    },
  },
  {
    what: 'a matrix tile past the end of its array', kind: 'out of bounds', says: /a matrix tile reaches s\[256\], past its 256 elements/,
    spec: { subgroupSize: 32 }, body: k => k.matrixStore(k.shared('s', 'f32', 256), 16, 16, k.call('matrixZero')),
  },
]

function inspect(kernel: Kernel, p: Pick<Planted, 'buffers' | 'subgroupSize'>): readonly Finding[] {
  const given: Record<string, Float32Array | Uint32Array | Uint16Array> = { ...p.buffers }
  for (const param of kernel.params) given[param.name] ??= new Float32Array(64)
  return inspectKernel(kernel, bound(given), { dims: {}, ...(p.subgroupSize === undefined ? {} : { subgroupSize: p.subgroupSize }) })
}

for (const p of planted) {
  test(`found: ${p.what}`, () => {
    const kernel = make(p.spec ?? {}, p.body)
    const findings = inspect(kernel, p)
    assert.ok(findings.length > 0, 'nothing was found')
    assert.equal([...new Set(findings.map(f => f.kind))], [p.kind], findings.map(f => f.message).join('\n'))
    assert.match(findings.map(f => f.message).join('\n'), p.says)
  })
}

test('params over one buffer are seen as one', () => {
  const kernel = make({}, k => {
    const x = k.param('x', 'f32', 'activation')
    const y = k.param('y', 'f32', 'activation')
    k.param('out', 'f32', 'activation', 'write').store(k.local, x.load(k.local).add(y.load(k.local.xor(1))))
  })
  const arena = new ArrayBuffer(512)
  const at = (offset: number) => ({ bytes: arena, offset, length: 128 })
  assert.equal(inspectKernel(kernel, { x: at(0), y: at(256), out: at(0) }, { dims: {} }), [], 'in place is no race')
  const [finding] = inspectKernel(kernel, { x: at(256), y: at(0), out: at(0) }, { dims: {} })
  assert.is(finding?.kind, 'race')
  assert.match(finding!.message, /out\[0\].*reads it|y\[1\].*writes it|y\[0\].*writes it/)
})

test('the right side of && is read only where the left holds', () => {
  const kernel = make({}, k => {
    const x = k.param('x', 'f32', 'weight')
    const out = k.param('out', 'f32', 'activation', 'write')
    k.when(k.local.lt(4).both(x.load(k.local).gt(0)), () => out.store(k.local, 1))
  })
  assert.equal(inspect(kernel, { buffers: { x: new Float32Array(4) } }), [])
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
