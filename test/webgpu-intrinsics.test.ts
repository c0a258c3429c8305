/**
 * Every intrinsic of the `wgsl` target on every adapter at hand, against its meaning in JavaScript: all codes of the
 * decoders, bit for bit; transcendental functions within the bounds WGSL states.
 */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Intrinsic } from '../codegen/intrinsics.js'
import { intrinsicNames } from '../codegen/intrinsics.js'
import type { Expr, Kernel, ValueType } from '../codegen/kernel.js'
import { wgsl } from '../codegen/targets/wgsl.js'
import type { Program } from '../runtime/backend.js'
import type { WebGpuBackend } from '../runtime/webgpu/backend.js'
import { testGpus } from './support/software-gpu.js'
import { binary, bitcast, call, kernelOf, let_, load, param, runKernel, store, thread, tiles, u, when } from './support/webgpu-kernels.js'

const { fround } = Math
const f32 = (bits: number): number => new Float32Array(Uint32Array.of(bits).buffer)[0]!
const sign = (negative: number): number => (negative ? -1 : 1)

const e2m1 = (code: number): number => sign(code & 8) * [0, 0.5, 1, 1.5, 2, 3, 4, 6][code & 7]!
const f16 = (code: number): number => {
  const [exponent, mantissa] = [(code >> 10) & 31, code & 1023]
  if (exponent === 31) return mantissa ? NaN : sign(code & 0x8000) * Infinity
  return sign(code & 0x8000) * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15))
}
const e4m3 = (code: number): number => {
  const [exponent, mantissa] = [(code >> 3) & 15, code & 7]
  return sign(code & 0x80) * (exponent === 0 ? mantissa * 2 ** -9 : (1 + mantissa / 8) * 2 ** (exponent - 7))
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
/** Numbers in [-1, 1], the same in every run. */
const noise = (n: number, seed: number): number[] => {
  let s = seed
  return range(n).map(() => fround((((s = (Math.imul(s, 1664525) + 1013904223) >>> 0) / 2 ** 32) * 2 - 1)))
}

interface Case {
  readonly intrinsic: Intrinsic
  readonly type: ValueType
  /** For each argument, the words of all calls one after another: 1 word, or 4 for vectors. */
  readonly args: readonly { readonly type: ValueType; readonly words: Uint32Array | Float32Array }[]
  /** What call n yields: one number, or four. */
  readonly expected: (n: number) => readonly number[]
  /** Relative error allowed, in units of the last place; 0 is bit for bit. */
  readonly ulp: number
  readonly absolute?: number
}

const words = (values: readonly number[]): { readonly type: 'u32'; readonly words: Uint32Array } => ({ type: 'u32', words: Uint32Array.from(values) })
const floats = (type: 'f32' | 'f32x4', values: readonly number[]): { readonly type: ValueType; readonly words: Float32Array } => ({ type, words: Float32Array.from(values) })
const unary = (intrinsic: Intrinsic, values: readonly number[], meaning: (x: number) => number, ulp: number, absolute = 0): Case =>
  ({ intrinsic, type: 'f32', args: [floats('f32', values)], expected: n => [meaning(fround(values[n]!))], ulp, absolute })

const halves = range(32768).map(n => ((2 * n + 1) << 16 | (2 * n)) >>> 0)
const halfPairs = range(16384).map(n => halves[2 * n]!)
const halfPairsHigh = range(16384).map(n => halves[2 * n + 1]!)
const spread = [...noise(200, 1).map(x => x * 80), 0, 1, -1, 0.5, 88, -87]
const positive = [...noise(200, 2).map(x => Math.abs(x) * 1000 + 1e-6), 1, 2, 4, 1e-30, 1e30]
const [a, b, c] = [noise(256, 3), noise(256, 4), noise(256, 5)]
const quad = (v: readonly number[], n: number): readonly number[] => v.slice(4 * n, 4 * n + 4)
const bf16Codes = range(65536).filter(code => (code & 0x7f80) !== 0x7f80)

/** Sixteen bytes that all differ. */
const tableWords = [0x83fe0180, 0x7f10203a, 0xc4d5e6f7, 0x0817a6b5]

const cases: readonly Case[] = [
  // WGSL: 3 + 2|x| units.
  unary('exp', spread, Math.exp, 3 + 2 * 88),
  unary('log', positive, Math.log, 3, 2 ** -21),
  unary('sqrt', positive, Math.sqrt, 5),
  unary('rsqrt', positive, x => 1 / Math.sqrt(x), 2),
  unary('floor', [...a.map(x => x * 10), 0, -1, 2.5], Math.floor, 0),
  unary('abs', [...a, -0, 0], Math.abs, 0),
  { intrinsic: 'abs', type: 'f32x4', args: [floats('f32x4', a)], expected: n => quad(a, n).map(Math.abs), ulp: 0 },
  { intrinsic: 'min', type: 'f32', args: [floats('f32', a), floats('f32', b)], expected: n => [Math.min(a[n]!, b[n]!)], ulp: 0 },
  { intrinsic: 'max', type: 'f32x4', args: [floats('f32x4', a), floats('f32x4', b)], expected: n => quad(a, n).map((x, i) => Math.max(x, quad(b, n)[i]!)), ulp: 0 },
  { intrinsic: 'max', type: 'u32', args: [words([1, 0xffffffff]), words([2, 7])], expected: n => [[2, 0xffffffff][n]!], ulp: 0 },
  { intrinsic: 'fma', type: 'f32', args: [floats('f32', a), floats('f32', b), floats('f32', c)], expected: n => [a[n]! * b[n]! + c[n]!], ulp: 1, absolute: 2 ** -24 },
  { intrinsic: 'fma', type: 'f32x4', args: [floats('f32x4', a), floats('f32x4', b), floats('f32x4', c)], expected: n => quad(a, n).map((x, i) => x * quad(b, n)[i]! + quad(c, n)[i]!), ulp: 1, absolute: 2 ** -24 },
  { intrinsic: 'dot4', type: 'f32', args: [floats('f32x4', a), floats('f32x4', b)], expected: n => [quad(a, n).reduce((s, x, i) => s + x * quad(b, n)[i]!, 0)], ulp: 4, absolute: 2 ** -21 },
  { intrinsic: 'sum4', type: 'f32', args: [floats('f32x4', a)], expected: n => [quad(a, n).reduce((s, x) => s + x, 0)], ulp: 4, absolute: 2 ** -22 },
  // Every code in every place, with rubbish above the low 16 bits.
  { intrinsic: 'e2m1x4', type: 'f32x4', args: [words(range(65536).map(n => (n | (n * 40503 << 16)) >>> 0))], expected: n => [0, 4, 8, 12].map(s => e2m1((n >> s) & 15)), ulp: 0 },
  { intrinsic: 'u4x4', type: 'f32x4', args: [words(range(4096).map(n => n * 16 + n % 16))], expected: n => [0, 4, 8, 12].map(s => ((n * 16 + n % 16) >> s) & 15), ulp: 0 },
  {
    intrinsic: 'lookup16', type: 'u32',
    args: [...tableWords.map(w => words(range(65536).map(() => w))), words(range(65536).map(n => (n | (n * 40503 << 16)) >>> 0))],
    expected: n => [[0, 4, 8, 12].reduce((w, s) => (w | ((tableWords[(n >> s >> 2) & 3]! >>> (8 * ((n >> s) & 3))) & 255) << (2 * s)) >>> 0, 0)], ulp: 0,
  },
  { intrinsic: 'i8x4', type: 'f32x4', args: [words(range(256).map(n => (n | ((n * 7) & 255) << 8 | ((n * 31) & 255) << 16 | (255 - n) << 24) >>> 0))], expected: n => [n, n * 7, n * 31, 255 - n].map(x => x << 24 >> 24), ulp: 0 },
  { intrinsic: 'f16x4', type: 'f32x4', args: [words(halfPairs), words(halfPairsHigh)], expected: n => range(4).map(i => f16(4 * n + i)), ulp: 0 },
  { intrinsic: 'f16', type: 'f32', args: [words(range(65536))], expected: n => [f16(n)], ulp: 0 },
  { intrinsic: 'bf16x4', type: 'f32x4', args: [words(halfPairs), words(halfPairsHigh)], expected: n => range(4).map(i => f32((4 * n + i) << 16)), ulp: 0 },
  { intrinsic: 'bf16', type: 'f32', args: [words(bf16Codes)], expected: n => [f32(bf16Codes[n]! << 16)], ulp: 0 },
  { intrinsic: 'e4m3', type: 'f32', args: [words(range(256).map(n => n | n << 16))], expected: n => [(n & 127) === 127 ? sign(n & 128) * 480 : e4m3(n)], ulp: 0 },
]

const wordsOf = (type: ValueType): number => (type === 'f32x4' ? 4 : 1)
const threads = 64

/** One thread a call: reads the arguments, calls, stores the result's bits. */
function kernelFor(test: Case, index: number): Kernel {
  const count = test.args[0]!.words.length / wordsOf(test.args[0]!.type)
  const arg = (n: number): Expr => {
    const { type } = test.args[n]!
    return type === 'f32x4' ? bitcast('f32x4', load(`arg${n}`, i(), 'u32x4')) : type === 'f32' ? bitcast('f32', load(`arg${n}`, i())) : load(`arg${n}`, i())
  }
  const i = (): Expr => ({ kind: 'ref', type: 'u32', name: 'i' })
  const result = call(test.intrinsic, test.type, ...test.args.map((_, n) => arg(n)))
  const wide = wordsOf(test.type) === 4
  return kernelOf(`${test.intrinsic}_${index}`, {
    threads,
    tiles: tiles(Math.ceil(count / threads)),
    params: [...test.args.map((a, n) => param(`arg${n}`, wordsOf(a.type) === 4 ? 'u32x4' : 'u32', 'read', 'weight')), param('out', wide ? 'u32x4' : 'u32', 'write')],
    body: [
      let_('i', thread(threads)),
      when(binary('<', i(), u(count)), store('out', i(), test.type === 'u32' ? result : bitcast(wide ? 'u32x4' : 'u32', result))),
    ],
  })
}

const nearlyEqual = (got: number, want: number, { ulp, absolute = 0 }: Case): boolean => {
  if (Number.isNaN(want)) return Number.isNaN(got)
  if (ulp === 0) return got === fround(want)
  // A result below the smallest normal number may be flushed.
  return Math.abs(got - want) <= ulp * 2 ** -23 * Math.abs(want) + absolute + 2 ** -126
}

for (const gpu of testGpus()) {
  const test = suite<{ backend: WebGpuBackend; programs: readonly Program[] }>(`intrinsics on ${gpu.name}`)
  const kernels = cases.map(kernelFor)
  test.before(async context => {
    context.backend = await gpu.open()
    const { backend } = context
    context.programs = await Promise.all(
      // Where the chip has f16, the functions for chips without it are tested too.
      (backend.caps.f16 ? [true, false] : [false]).map(f16 => backend.compile(wgsl.render(kernels, { ...backend.caps, f16 }))))
  })
  test.after(context => context.backend?.close())

  cases.forEach((one, index) => {
    test(`${one.intrinsic} of ${one.args.map(x => x.type).join(', ')}`, async ({ backend, programs }) => {
      const width = wordsOf(one.type)
      const count = one.args[0]!.words.length / wordsOf(one.args[0]!.type)
      for (const program of programs) {
        const out = (await runKernel(backend, program, kernels[index]!, [...one.args.map(x => x.words), 4 * width * count])).at(-1)!
        const got = one.type === 'u32' ? new Uint32Array(out) : new Float32Array(out)
        for (let n = 0; n < count; n++) {
          one.expected(n).forEach((want, k) => {
            const value = got[n * width + k]!
            const same = one.type === 'u32' ? value === want : nearlyEqual(value, want, one)
            if (!same) assert.unreachable(`call ${n}, component ${k}: expected ${want}, got ${value}`)
          })
        }
      }
    })
  })
  test.run()
}

const render = suite('intrinsics')
render('each is spelled, or says why not', () => {
  const tested = new Set<string>(cases.map(c => c.intrinsic))
  for (const name of intrinsicNames) {
    const spell = wgsl.intrinsic[name]
    if (typeof spell !== 'function') assert.ok(spell.unsupported.length > 0, name)
    else assert.ok(tested.has(name) || /^(subgroup|matrix)/.test(name), `${name} is spelled but not tested here`)
  }
})
render.run()
