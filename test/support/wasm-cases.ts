/** Kernels for the `wasm` target, one for each intrinsic, storage format and form of statement, with what they must give. */
import * as assert from 'uvu/assert'
import type { Kernel } from '../../codegen/kernel.js'
import { e2m1Values, e4m3Values, f16Bits, f16Values } from '../../codegen/interpret-numbers.js'
import { call, constant, select, splat, table, u32, vector, type Value } from '../../codegen/value.js'
import { bitsEqual, floatsOf, narrowInputs, random, single, within, type Inputs } from './wasm-kernels.js'

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const next = random(7)
const noise = (n: number, scale: number): Float32Array => Float32Array.from({ length: n }, () => (next() * 2 - 1) * scale)
const words = (n: number): Uint32Array => Uint32Array.from({ length: n }, () => Math.floor(next() * 2 ** 32))

/** A kernel with its inputs, and what its result must be. */
export interface Case {
  readonly kernel: Kernel
  readonly inputs: Inputs
  readonly result: string
  /** What the result must be; the interpreter's answer, bit for bit, where absent. */
  readonly check?: (got: Uint8Array) => void
}

/** out[i] = f(x[i]) over floats. */
function scalar(name: string, xs: Float32Array, f: (x: Value) => Value, check: (got: Uint8Array) => void): Case {
  const kernel = single(name, 1, k => {
    const [x, out] = [k.param('x', 'f32', 'activation'), k.param('out', 'f32', 'activation', 'write')]
    k.for({ to: xs.length }, i => out.store(i, f(x.load(i))))
  })
  return { kernel, inputs: { x: xs, out: new Float32Array(xs.length) }, result: 'out', check }
}

/** f of `arity` words gives a vector or a scalar. */
function decoder(name: string, inputs: readonly Uint32Array[], width: 1 | 4, f: (...w: readonly Value[]) => Value, want: Float32Array): Case {
  const kernel = single(name, 1, k => {
    const params = inputs.map((_, p) => k.param(`in${p}`, 'u32', 'weight'))
    const out = k.param('out', width === 4 ? 'f32x4' : 'f32', 'activation', 'write')
    k.for({ to: inputs[0]!.length }, i => out.store(i, f(...params.map(p => p.load(i)))))
  })
  return { kernel, inputs: { ...Object.fromEntries(inputs.map((w, p) => [`in${p}`, w])), out: new Float32Array(want.length) }, result: 'out', check: bitsEqual(want) }
}

const expInputs = Float32Array.from([...range(4000).map(i => -105 + (i * 195) / 4000), ...noise(4000, 1), 0, -0, 88.7228, 88.73, -103.97, -104, -87.5, Infinity, -Infinity, NaN])
const logInputs = Float32Array.from([...range(4000).map(i => 2 ** (-149 + (i * 277) / 4000)), ...noise(4000, 3).map(Math.abs), 1, 0, -1, Infinity, NaN, 2 ** -149])
const plain = Float32Array.from([...noise(2000, 100), 0, -0, 1.5, -1.5, 2 ** 24, Infinity, -Infinity])
const halfCodes = Uint32Array.from({ length: 32768 }, (_, i) => (2 * i) | ((2 * i + 1) << 16))
const halfPairs = [Uint32Array.from({ length: 16384 }, (_, i) => halfCodes[2 * i]!), Uint32Array.from({ length: 16384 }, (_, i) => halfCodes[2 * i + 1]!)]
const bf16Floats = new Float32Array(Uint32Array.from({ length: 65536 }, (_, h) => h << 16).buffer)
const nibbles = Uint32Array.from({ length: 65536 }, (_, i) => (i | (0xabcd << 16)) >>> 0)
const e4m3Codes = Uint32Array.from(range(256).filter(b => (b & 127) !== 127))

const narrow = narrowInputs()
const narrowWant = Uint16Array.from(narrow, f16Bits)
const halvesEqual = (got: Uint8Array): void => {
  const g = new Uint16Array(got.slice().buffer)
  const wrong = narrowWant.findIndex((w, i) => g[i] !== w && !(Number.isNaN(narrow[i]) && (g[i]! & 0x7fff) > 0x7c00))
  if (wrong >= 0) assert.unreachable(`f16 of ${narrow[wrong]}: expected 0x${narrowWant[wrong]!.toString(16)}, got 0x${g[wrong]!.toString(16)}`)
}
function narrowing(element: 'f16' | 'f16x4'): Case {
  const from = element === 'f16' ? 'f32' : 'f32x4'
  const kernel = single(`narrow_${element}`, 1, k => {
    const [x, out] = [k.param('x', from, 'activation'), k.param('out', element, 'cache', 'write')]
    k.for({ to: element === 'f16' ? narrow.length : narrow.length / 4 }, i => out.store(i, x.load(i)))
  })
  return { kernel, inputs: { x: narrow, out: new Uint16Array(narrow.length) }, result: 'out', check: halvesEqual }
}
function widening(element: 'f16' | 'f16x4'): Case {
  const to = element === 'f16' ? 'f32' : 'f32x4'
  const kernel = single(`widen_${element}`, 1, k => {
    const [x, out] = [k.param('x', element, 'cache'), k.param('out', to, 'activation', 'write')]
    k.for({ to: element === 'f16' ? 65536 : 16384 }, i => out.store(i, x.load(i)))
  })
  return { kernel, inputs: { x: halfCodes, out: new Float32Array(65536) }, result: 'out', check: bitsEqual(f16Values as Float32Array) }
}

/** Several results of one type from a few inputs, each stored in turn. */
function expressions<T extends 'f32' | 'u32' | 'i32'>(name: string, type: T, a: ArrayBufferView, b: ArrayBufferView, f: (a: Value, b: Value) => readonly Value[]): Case {
  const n = a.byteLength / 4
  let width = 0
  const kernel = single(name, n, (k, tile) => {
    const [x, y, out] = [k.param('x', type, 'activation'), k.param('y', type, 'activation'), k.param('out', type, 'activation', 'write')]
    const values = f(k.let('a', x.load(tile)), k.let('b', y.load(tile)))
    width = values.length
    values.forEach((v, i) => out.store(tile.mul(width).add(i), v.type === 'bool' ? select(v, constant(type, 1), constant(type, 0)) : v.type === type ? v : v.bitcast(type)))
  })
  return { kernel, inputs: { x: a, y: b, out: new Uint32Array(n * width) }, result: 'out' }
}

/** Results of any vector type, stored as u32x4. */
function vectors(name: string, f: (a: Value, b: Value) => readonly Value[]): Case {
  const n = 64
  let width = 0
  const kernel = single(name, n, (k, tile) => {
    const [x, y, out] = [k.param('x', 'u32x4', 'activation'), k.param('y', 'u32x4', 'activation'), k.param('out', 'u32x4', 'activation', 'write')]
    const values = f(k.let('a', x.load(tile)), k.let('b', y.load(tile)))
    width = values.length
    values.forEach((v, i) => out.store(tile.mul(width).add(i), v.bitcast('u32x4')))
  })
  return { kernel, inputs: { x: words(4 * n), y: words(4 * n), out: new Uint32Array(4 * n * width) }, result: 'out' }
}
const floatVectors = (name: string, f: (a: Value, b: Value) => readonly Value[]): Case => {
  const made = vectors(name, (a, b) => f(a.bitcast('f32x4'), b.bitcast('f32x4')))
  return { ...made, inputs: { ...made.inputs, x: noise(256, 50), y: noise(256, 50) } }
}

const statements = (): Case => {
  const kernel = single('statements', 5, (k, tile) => {
    const [x, out] = [k.param('x', 'f32', 'activation'), k.param('load', 'f32', 'activation', 'write')]
    const [floats, halves, wide] = [k.shared('select', 'f32', 8), k.shared('halves', 'f16x4', 3), k.shared('wide', 'u32x4', 2)]
    k.comment('names that AssemblyScript or its text use\nmust not be misread')
    const acc = k.var('max', 'f32', 0)
    k.for({ name: 'i', to: 8 }, i => floats.store(i, x.load(tile.mul(8).add(i))))
    k.barrier()
    // Unrolled in full, in part with a rest, and not at all; bounds that are no constants.
    k.for({ name: 'i', to: 3, unroll: 4 }, i => halves.store(i, vector(...([0, 1, 2, 3].map(j => floats.load(i.add(j)).mul(i.add(1).convert('f32'))) as [Value, Value, Value, Value]))))
    k.for({ name: 'this', from: 1, to: tile.add(3), unroll: 4 }, i => {
      const at = k.let('at', i.mul(2).add(1).mod(8))
      acc.add(floats.load(at).add(floats.load(i.mod(4).mul(2).add(1))))
    })
    k.for({ name: 'i', from: tile, to: 40, step: tile.add(2) }, i => k.when(i.mod(3).eq(0), () => acc.accumulate(i.convert('f32'), constant('f32', 0.25)), () => {
      const half = k.let('half', halves.load(i.mod(3)))
      k.when(half.at(1).gt(0), () => acc.set(acc.value.sub(half.at(2))))
    }))
    k.for({ name: 'i', from: 5, to: 5 }, () => acc.set(NaN))
    wide.store(tile.mod(2), splat('u32x4', acc.value.bitcast('u32')))
    out.store(tile.mul(4), acc.value)
    out.store(tile.mul(4).add(1), wide.load(tile.mod(2)).at(3).bitcast('f32'))
    k.for({ name: 'i', to: 20, step: 7, unroll: 2 }, i => {
      const [before, after] = [k.let('before', i.add(7)), k.let('after', i.sub(7))]
      k.when(i.eq(7), () => out.store(tile.mul(4).add(before).sub(12), floats.load(after.add(3))))
    })
    out.store(tile.mul(4).add(3), select(tile.lt(2).both(acc.value.lt(0).not()).either(tile.eq(4)), floats.load(tile), acc.value))
  })
  return { kernel, inputs: { x: noise(40, 4), load: new Float32Array(20) }, result: 'load' }
}

const signed = Int32Array.from({ length: 64 }, (_, i) => [0, 1, -1, 2 ** 31 - 1, -(2 ** 31) + 1, 7, -13][i] ?? Math.floor((next() - 0.5) * 1000))
const divisors = Int32Array.from({ length: 64 }, (_, i) => [1, 2, 3, -7, 5][i % 5]!)
const bytesTable = [3, -1, 127, -128, 0, 5, 6, 7, 8, -9, 10, 11, -12, 13, 14, 15]

export const cases: readonly Case[] = [
  scalar('exp', expInputs, x => call('exp', x), within(1.01, Math.exp, expInputs)),
  scalar('log', logInputs, x => call('log', x), within(1.01, Math.log, logInputs)),
  scalar('sqrt', plain, x => call('sqrt', x), within(0, Math.sqrt, plain)),
  scalar('rsqrt', plain, x => call('rsqrt', x), within(2, x => 1 / Math.sqrt(x), plain)),
  scalar('floor', plain, x => call('floor', x), within(0, Math.floor, plain)),
  scalar('abs', plain, x => call('abs', x), within(0, Math.abs, plain)),
  scalar('constants', plain.slice(0, 4), x => select(x.lt(1e38), constant('f32', Infinity), constant('f32', -0.1)), within(0, x => (x < 1e38 ? Infinity : -0.1), plain)),
  decoder('e2m1x4', [nibbles], 4, w => call('e2m1x4', w!), Float32Array.from({ length: 4 * 65536 }, (_, i) => e2m1Values[((i >> 2) >> (4 * (i & 3))) & 15]!)),
  decoder('u4x4', [nibbles], 4, w => call('u4x4', w!), Float32Array.from({ length: 4 * 65536 }, (_, i) => ((i >> 2) >> (4 * (i & 3))) & 15)),
  decoder('lookup16', [nibbles], 4, w => call('i8x4', call('lookup16', u32(0xff0302fd), u32(0x7f108040), u32(0xc4d5e6f7), u32(0x0817a6b5), w!)), Float32Array.from({ length: 4 * 65536 }, (_, i) => ([0xff0302fd, 0x7f108040, 0xc4d5e6f7, 0x0817a6b5][((i >> 2) >> (4 * (i & 3) + 2)) & 3]! << (24 - 8 * (((i >> 2) >> (4 * (i & 3))) & 3))) >> 24)),
  decoder('i8x4', [Uint32Array.from({ length: 64 }, (_, i) => 4 * i | (4 * i + 1) << 8 | (4 * i + 2) << 16 | (4 * i + 3) << 24)], 4, w => call('i8x4', w!), Float32Array.from({ length: 256 }, (_, b) => (b << 24) >> 24)),
  decoder('f16_intrinsic', [Uint32Array.from(range(65536))], 1, w => call('f16', w!), f16Values as Float32Array),
  decoder('f16x4_intrinsic', halfPairs, 4, (a, b) => call('f16x4', a!, b!), f16Values as Float32Array),
  decoder('bf16', [Uint32Array.from(range(65536))], 1, w => call('bf16', w!), bf16Floats),
  decoder('bf16x4', halfPairs, 4, (a, b) => call('bf16x4', a!, b!), bf16Floats),
  decoder('e4m3', [e4m3Codes], 1, w => call('e4m3', w!), Float32Array.from(e4m3Codes, b => e4m3Values[b]!)),
  narrowing('f16'), narrowing('f16x4'), widening('f16'), widening('f16x4'),
  expressions('float_ops', 'f32', noise(64, 9), noise(64, 9), (a, b) => [
    a.add(b), a.sub(b), a.mul(b), a.div(b), a.negate(), a.lt(b), a.le(b), a.gt(b), a.ge(b), a.eq(a), a.ne(b), a.min(b), a.max(b),
    a.convert('i32').convert('f32'), b.mul(b).convert('u32').convert('f32'), select(a.lt(b).both(b.gt(0)), a, b),
  ]),
  expressions('signed_ops', 'i32', signed, divisors, (a, b) => [
    a.add(b), a.sub(b), a.mul(b), a.div(b), a.mod(b), a.and(b), a.or(b), a.xor(b), a.shl(constant('u32', 3)), a.shr(constant('u32', 3)), a.negate(), a.lt(b), a.ge(b), a.min(b), a.max(b),
    call('abs', a), a.convert('u32').convert('i32'), a.convert('f32').bitcast('i32'),
  ]),
  expressions('unsigned_ops', 'u32', words(64), Uint32Array.from(divisors, d => Math.abs(d)), (a, b) => [
    a.add(b), a.sub(b), a.mul(b), a.div(b), a.mod(b), a.and(b), a.or(b), a.xor(b), a.shl(b), a.shr(b), a.lt(b), a.le(b), a.gt(b), a.ge(b), a.eq(b), a.ne(b), a.min(b), a.max(b),
    a.convert('f32').bitcast('u32'), a.convert('i32').convert('u32'), a.div(3).mul(constant('u32', 2 ** 31)), constant('u32', 5).sub(a),
  ]),
  floatVectors('f32x4_ops', (a, b) => [
    a.add(b), a.sub(b), a.mul(b), a.div(b), a.negate(), a.min(b), a.max(b), call('abs', a), a.convert('i32x4'), call('abs', b).convert('u32x4'), select(a.at(0).lt(b.at(1)), a, b),
    vector(a.at(3), b.at(2), a.at(1), constant('f32', 0.5)), vector(...([1, -2, 0.25, 1e-7].map(x => constant('f32', x)) as [Value, Value, Value, Value])), splat('f32x4', a.at(2)),
  ]),
  vectors('u32x4_ops', (a, b) => [
    a.add(b), a.sub(b), a.mul(b), a.and(b), a.or(b), a.xor(b), a.shl(5), a.shr(5), a.convert('f32x4'), a.convert('i32x4'), a.shr(b.at(0).and(31)),
    splat('u32x4', a.at(1)), vector(a.at(0), a.at(2), b.at(0), b.at(2)), vector(b.at(3), a.at(1), a.at(1), b.at(0)), vector(...([1, 0xffffffff, 0, 7].map(x => constant('u32', x)) as [Value, Value, Value, Value])),
  ]),
  vectors('i32x4_ops', (a, b) => {
    const [x, y] = [a.bitcast('i32x4'), b.bitcast('i32x4')]
    return [x.add(y), x.sub(y), x.mul(y), x.shr(3), x.shl(3), x.negate(), x.convert('f32x4'), splat('i32x4', x.at(2))]
  }),
  vectors('packed_ops', (a, b) => {
    const [x, y] = [a.bitcast('i8x16'), b.bitcast('i8x16')]
    const [w, z] = [a.bitcast('i16x8'), b.bitcast('i16x8')]
    const index = b.and(0x0f0f0f0f).bitcast('i8x16')
    return [
      x.add(y), x.sub(y), x.and(y), x.or(y), x.xor(y), x.negate(), x.shr(2), x.shl(2), w.add(z), w.sub(z), w.mul(z), w.shr(3), w.shl(3), w.negate(),
      call('swizzle', table(bytesTable), index), call('interleaveLow8', x, y), call('interleaveHigh8', x, y), call('extendLow8', x), call('extendHigh8', x), call('extendLow16', w), call('extendHigh16', w), x.add(3), w.sub(300),
      call('narrow16', call('extendLow16', w), call('extendHigh16', z).mul(3)), call('narrow16', a.bitcast('i32x4'), b.bitcast('i32x4')), call('dot16', w, z), call('dot16', call('extendLow8', x), w),
    ]
  }),
  statements(),
]

/** fma of vectors rounds once or twice; sums of four have the target's order. */
export const sums: Case = (() => {
  const [x, y] = [noise(256, 1), noise(256, 1)]
  const kernel = single('sums', 64, (k, tile) => {
    const [a, b] = [k.param('x', 'f32x4', 'activation'), k.param('y', 'f32x4', 'activation')]
    const out = k.param('out', 'f32', 'activation', 'write')
    const [v, w] = [k.let('v', a.load(tile)), k.let('w', b.load(tile))]
    out.store(tile.mul(4), call('dot4', v, w))
    out.store(tile.mul(4).add(1), call('sum4', v))
    out.store(tile.mul(4).add(2), v.fma(w, w).at(3))
    out.store(tile.mul(4).add(3), v.at(1).fma(w.at(1), w.at(2)))
  })
  return {
    kernel, inputs: { x, y, out: new Float32Array(256) }, result: 'out',
    check: got => floatsOf(got).forEach((g, i) => {
      const at = 4 * Math.floor(i / 4)
      const [v, w] = [x.subarray(at, at + 4), y.subarray(at, at + 4)]
      const want = [v.reduce((n, e, j) => n + e * w[j]!, 0), v.reduce((n, e) => n + e, 0), v[3]! * w[3]! + w[3]!, v[1]! * w[1]! + w[2]!][i % 4]!
      assert.ok(Math.abs(g - want) < 4 * 2 ** -23, `${i}: ${g}, ${want}`)
    }),
  }
})()
