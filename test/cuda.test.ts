/**
 * The `cuda` target without a device: kernels that use everything the target spells are rendered, compiled by NVRTC
 * for three architectures wherever it is found, and refused with a reason where CUDA has no form for them.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Caps } from '../codegen/caps.js'
import { inspectKernel } from '../codegen/interpret.js'
import { intrinsicNames } from '../codegen/intrinsics.js'
import type { Expr, Kernel, Stmt } from '../codegen/kernel.js'
import { cudaPrelude } from '../shaders/cuda.js'
import { cuda, cudaText } from '../codegen/targets/cuda.js'
import { cudaArch } from '../codegen/targets/cuda-caps.js'
import { f32, splat, table, u32 } from '../codegen/value.js'
import { verify } from '../codegen/verify.js'
import { WeftError } from '../graph/error.js'
import { openNvrtc } from '../runtime/cuda/nvrtc.js'
import type { Nvrtc } from '../runtime/cuda/nvrtc.js'
import { casesFor } from './support/cuda-kernels.js'
import { make } from './support/kernels.js'
import { cudaProfiles } from './support/chips.js'

const hopper = cudaProfiles.sm_90a
const allCases = casesFor(hopper)
const textOf = (kernel: Kernel, caps: Caps = hopper): string => cuda.render([kernel], caps).kernels[0]!.text

test('the kernels of this suite are sound', () => {
  for (const { kernel, buffers } of allCases) {
    verify(kernel)
    const copied = Object.fromEntries(Object.entries(buffers).map(([name, bytes]) => [name, { bytes: bytes.slice(0) }]))
    assert.equal(inspectKernel(kernel, copied, { dims: { tokens: 9 }, tiles: [0], mode: 'checked' }), [], kernel.name)
  }
})

test('the kernels of this suite use everything that CUDA spells', () => {
  const used = new Set<string>()
  const look = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return
    const { kind, intrinsic, name } = part as { kind?: unknown; intrinsic?: unknown; name?: unknown }
    if (typeof kind === 'string') used.add(kind === 'builtin' ? `builtin ${String(name)}` : kind)
    if (typeof intrinsic === 'string') used.add(intrinsic)
    Object.values(part).forEach(look)
  }
  allCases.forEach(c => look(c.kernel.body))
  const expressions: Record<Exclude<Expr['kind'], 'builtin' | 'table'>, true> = {
    const: true, ref: true, unary: true, binary: true, select: true, convert: true, bitcast: true, splat: true, vector: true,
    component: true, load: true, loadBits: true, shared: true, call: true, matrixLoad: true,
  }
  const stmts: Record<Stmt['kind'], true> = {
    let: true, var: true, assign: true, store: true, sharedStore: true, for: true, if: true, barrier: true,
    copy: true, copyCommit: true, copyWait: true, tensorCopy: true, tensorCommit: true, tensorWait: true, matrixMultiply: true, matrixStore: true, comment: true,
  }
  const spelled = intrinsicNames.filter(n => typeof cuda.intrinsic[n] === 'function')
  const wanted = [...Object.keys(expressions), ...Object.keys(stmts), ...spelled, ...['tile', 'local', 'lane', 'subgroup', 'clusterRank'].map(b => `builtin ${b}`)]
  assert.equal(wanted.filter(w => !used.has(w)), [])
})

test('where launches may overlap a kernel begins by waiting for those before it', () => {
  const k = make({ threads: 64 }, k => k.param('out', 'f32', 'activation', 'write').store(k.local, 1))
  for (const [arch, overlaps] of [['sm_80', undefined], ['sm_90a', true], ['sm_120a', true]] as const) {
    const { text, overlaps: says } = cuda.render([k], cudaProfiles[arch]).kernels[0]!
    assert.is(says, overlaps, arch)
    assert.match(text, /\{\n  weft_await_launches\(\);\n/)
  }
})

const one = (body: Parameters<typeof make>[1]): string => textOf(make({ threads: 64 }, body))

const snippets: readonly { readonly what: string; readonly text: () => string; readonly has: readonly (string | RegExp)[]; readonly lacks?: readonly string[] }[] = [
  {
    what: 'weights come through the read-only path, and nothing else does',
    text: () => one(k => {
      const [kept, streamed] = [k.param('kept', 'f16', 'weight'), k.param('streamed', 'u32x4', 'weight', 'read', 'stream')]
      const [activation, cache, out] = [k.param('x', 'f32', 'activation'), k.param('kv', 'f16x4', 'cache', 'readwrite'), k.param('out', 'f32', 'activation', 'write')]
      k.let('v', streamed.load(k.local))
      out.store(k.local, kept.load(3).add(activation.load(k.tile)).add(cache.load(0).at(1)).add(k.input('tokens', 0).convert('f32')))
    }),
    has: [
      'const unsigned short* __restrict__ kept', 'const uint4* __restrict__ streamed', 'const float* x,', 'uint2* kv,', 'float* out,', 'const unsigned* state)',
      'weft_f16(__ldg(&kept[3u]))', 'weft_stream(&streamed[threadIdx.x])', 'x[blockIdx.x]', 'weft_f16x4(kv[0u]).y', /float\(state\[\d+u\]\)/,
    ],
    lacks: ['__restrict__ x', '__restrict__ kv', '__ldg(&x', '__ldg(&kv', '__ldg(&state'],
  },
  {
    what: 'constants read back as the same bits',
    text: () => one(k => {
      const out = k.param('out', 'f32', 'activation', 'write')
      for (const v of [0.1, -0, 1e-45, 1, -2.5, Infinity, -Infinity, 16777216]) out.store(0, f32(v))
      const ints = k.param('ints', 'i32', 'activation', 'write')
      for (const v of [-(2 ** 31), -7, 5]) ints.store(0, k.const('i32', v))
    }),
    has: [
      '= 0.10000000149011612f;', '= -0.0f;', '= 1.401298464324817e-45f;', '= 1.0f;', '= -2.5f;', '= __int_as_float(0x7f800000);',
      '= __int_as_float(0xff800000);', '= 16777216.0f;', '= (-2147483647 - 1);', '= -7;', '= 5;',
    ],
  },
  {
    what: 'operators keep their order',
    text: () => one(k => {
      const out = k.param('out', 'u32', 'activation', 'write')
      const [a, b] = [k.let('a', k.local.add(1)), k.let('b', k.tile.add(2))]
      out.store(0, a.add(b).mul(a))
      out.store(1, a.sub(b.sub(a)))
      out.store(2, a.and(b.shl(3)))
      out.store(3, a.mul(b).add(a).sub(b))
      out.store(4, a.div(b.mul(a)))
      k.when(a.lt(b.add(1)).both(b.eq(3)), () => out.store(5, a))
    }),
    has: ['= (a + b) * a;', '= a - (b - a);', '= a & (b << 3u);', '= a * b + a - b;', '= a / (b * a);', 'if (a < b + 1u && b == 3u) {'],
  },
  {
    what: 'loops carry their hint, names that C++ keeps get an underscore',
    text: () => one(k => {
      const out = k.param('float', 'f32', 'activation', 'write')
      k.for({ name: 'int', to: k.tile, unroll: 4 }, i => out.store(i, 0))
      k.for({ name: 'i', to: 8 }, i => out.store(i, 0))
    }),
    has: ['#pragma unroll 4\n  for (unsigned int_ = 0u; int_ < blockIdx.x; int_ += 1u) {', '#pragma unroll 1\n  for (unsigned i = 0u; i < 8u; i += 1u) {', 'float* float_)', 'float_[int_] = 0.0f;'],
  },
]

for (const { what, text, has, lacks } of snippets) {
  test(what, () => {
    const rendered = text()
    for (const part of has) assert.ok(typeof part === 'string' ? rendered.includes(part) : part.test(rendered), `${part} in\n${rendered}`)
    for (const part of lacks ?? []) assert.not(rendered.includes(part), `no ${part} in\n${rendered}`)
  })
}

test('shared memory is dynamic only beyond what may be declared', () => {
  const withShared = (bytes: number): Kernel => make({}, k => {
    const s = k.shared('s', 'f32', bytes / 4)
    s.store(k.local, 0)
  })
  const rendered = (bytes: number) => cuda.render([withShared(bytes)], hopper).kernels[0]!
  assert.match(rendered(49152).text, '__shared__ __align__(32) float s[12288];')
  assert.not.match(rendered(49152).text, 'extern __shared__')
  assert.match(rendered(49156).text, 'extern __shared__')
  assert.is(rendered(49156).sharedBytes, 49184)
})

const refused: readonly { readonly what: string; readonly kernel: Kernel; readonly caps?: Caps; readonly message: RegExp }[] = [
  { what: 'a swizzle', kernel: make({ schedule: 'bad.swizzle' }, k => void k.let('x', k.call('swizzle', table(Array(16).fill(0)), table(Array(16).fill(0))))), message: /kernel bad_swizzle\].* i8x16: .*CPU targets/ },
  {
    what: 'an intrinsic without a spelling', message: /kernel bad_extend\] cuda has no extendLow16: .*CPU targets/,
    kernel: make({ schedule: 'bad.extend' }, k => void k.param('out', 'f32', 'activation', 'write').store(0, k.call('extendLow16', splat('f32x4', 0)).convert('f32'))),
  },
  { what: 'too much shared memory', kernel: make({ schedule: 'bad.shared' }, k => k.shared('s', 'u32x4', 20000).store(0, splat('u32x4', 0))), message: /kernel bad_shared\] shared memory .* expected at most 232448 bytes, got 320000/ },
  { what: 'too many threads', kernel: make({ schedule: 'bad.threads', threads: 2048 }, () => undefined), message: /threads of a group .* at most 1024, got 2048/ },
  { what: 'another subgroup size', kernel: make({ schedule: 'bad.size', subgroupSize: 16 }, () => undefined), message: /subgroup size .* expected 32, got 16/ },
  {
    what: 'subgroup operations in part of a warp', message: /subgroup operations .* expected a multiple of 32, got 48/,
    kernel: make({ schedule: 'bad.part', threads: 48 }, k => void k.let('x', k.call('subgroupAdd', f32(1)))),
  },
  {
    what: 'matrix tiles without a matrix unit', caps: { ...hopper, matrix: false }, message: /kernel bad_matrix\] matrix tiles/,
    kernel: make({ schedule: 'bad.matrix' }, k => void k.let('x', k.call('matrixZero'))),
  },
  { what: 'a name of the C library', kernel: make({ schedule: 'exp' }, () => undefined), message: /kernel exp\] name of a kernel/ },
]

for (const { what, kernel, caps, message } of refused) {
  test(`refused: ${what}`, () => {
    assert.throws(() => cuda.render([kernel], caps ?? hopper), (e: unknown) => e instanceof WeftError && (message.test(e.message) || assert.match(e.message, message)))
  })
}

test('two kernels of one name are refused', () => {
  const k = make({}, b => b.param('out', 'u32', 'activation', 'write').store(0, u32(1)))
  assert.throws(() => cuda.render([k, k], hopper), /two kernels of one source have this name/)
})

test('architectures', () => {
  const named = [[8, 0, 'sm_80'], [8, 9, 'sm_89'], [9, 0, 'sm_90a'], [10, 0, 'sm_100a'], [12, 1, 'sm_121a']] as const
  for (const [major, minor, arch] of named) assert.is(cudaArch(major, minor), arch)
})

const nvrtc: Nvrtc | string = await openNvrtc().catch((e: unknown) => {
  if (e instanceof WeftError) return e.message
  throw e
})
if (typeof nvrtc === 'string') console.log(`skipped: compiling for sm_80, sm_90a and sm_120a: ${nvrtc}`)
else {
  for (const [arch, caps] of Object.entries(cudaProfiles)) {
    test(`NVRTC ${nvrtc.version} compiles every kernel for ${arch}`, async () => {
      const { cubin, log } = await nvrtc.compile(cudaText(cuda.render(casesFor(caps).map(c => c.kernel), caps)), arch)
      assert.equal([...cubin.subarray(0, 4)], [0x7f, 0x45, 0x4c, 0x46])
      assert.is(log, '')
      const text = Buffer.from(cubin).toString('latin1')
      for (const { kernel } of casesFor(caps)) assert.ok(text.includes(`.text.${kernel.name}\0`), kernel.name)
    })
  }
  test('an error of the compiler names the kernel', async () => {
    const good = textOf(make({ schedule: 'good' }, () => undefined))
    const bad = textOf(make({ schedule: 'bad' }, () => undefined)).replace('}', '  nonsense;\n}')
    await nvrtc.compile([cudaPrelude, good, bad].join('\n'), 'sm_80').then(() => assert.unreachable(), (e: unknown) => {
      assert.instance(e, WeftError)
      assert.match((e as WeftError).message, /^\[kernel bad\] does not compile for sm_80 with NVRTC \d+\.\d+ \(NVRTC_ERROR_COMPILATION\): .*"nonsense" is undefined/)
      assert.not.match((e as WeftError).message, /\n/)
    })
  })
}

test.run()
