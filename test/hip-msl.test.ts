/**
 * The `hip` and `msl` targets without a device: what their text looks like and what they refuse; kernels that use
 * everything the kernel form has, run on the processor and held to the interpreter; and AMD's machine code of every
 * golden kernel, where a clang is found.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { profile } from '../bin/profiles.js'
import type { Caps } from '../codegen/caps.js'
import { targets } from '../codegen/compile.js'
import { intrinsicNames } from '../codegen/intrinsics.js'
import type { Kernel } from '../codegen/kernel.js'
import { f32, splat, table } from '../codegen/value.js'
import { WeftError } from '../graph/error.js'
import { checkCase } from './device/cuda-kernels.js'
import { projectRoot } from './help-cli.js'
import { skip } from './support/backends.js'
import { boxes, clustered } from './support/copy-kernels.js'
import { casesFor, type Case } from './support/cuda-kernels.js'
import { clang, findClang, HostBackend } from './support/host-device.js'
import { make } from './support/kernels.js'

const chip = (target: Caps['target'], arch: string): Caps => profile({ target, arch, caps: undefined })
const [mi300, radeon, m3] = [chip('hip', 'gfx942'), chip('hip', 'gfx1100'), chip('msl', 'apple-m3')]
const textOf = (kernel: Kernel, caps: Caps): string => targets[caps.target].render([kernel], caps).kernels[0]!.text

/** Names that each language keeps, pieces of every statement. */
const everything = make({ schedule: 'every.thing', threads: 64, knobs: { rows: 2 } }, (k, tile) => {
  const [half, weight, cache] = [k.param('half', 'f16', 'activation'), k.param('weight', 'u32', 'weight', 'read', 'stream'), k.param('kv', 'f16x4', 'cache', 'readwrite')]
  const out = k.param('out', 'f32x4', 'activation', 'write')
  const s = k.shared('device', 'f32', 64)
  s.store(k.local, half.load(tile).add(weight.loadBits(k.local, 8).convert('f32')))
  k.barrier()
  k.for({ name: 'kernel', to: tile, unroll: 4 }, i => cache.store(i, splat('f32x4', s.load(i.mod(64)))))
  out.store(k.local, cache.load(0).add(splat('f32x4', f32(Infinity))))
})

test('a HIP kernel, whole', () => {
  assert.is(textOf(everything, mi300), `// every.thing { rows: 2 }
extern "C" __global__ void __launch_bounds__(64) every_thing(const _Float16* half, const unsigned* __restrict__ weight, weft_half4* kv, weft_float4* out) {
  __shared__ __attribute__((aligned(32))) float device[64];
  device[__builtin_amdgcn_workitem_id_x()] = float(half[__builtin_amdgcn_workgroup_id_x()]) + float(unsigned(((const unsigned char*)weight)[__builtin_amdgcn_workitem_id_x()]));
  weft_barrier();
#pragma unroll 4
  for (unsigned kernel = 0u; kernel < __builtin_amdgcn_workgroup_id_x(); kernel += 1u) {
    kv[kernel] = __builtin_convertvector(weft_float4(device[kernel & 63u]), weft_half4);
  }
  out[__builtin_amdgcn_workitem_id_x()] = __builtin_convertvector(kv[0u], weft_float4) + weft_float4(__builtin_bit_cast(float, 0x7f800000));
}
`)
})

test('a Metal kernel, whole: ids that it uses are parameters, names that Metal keeps get an underscore', () => {
  assert.is(textOf(everything, m3), `// every.thing { rows: 2 }
[[max_total_threads_per_threadgroup(64)]]
kernel void every_thing(
  device const half* half_ [[buffer(0)]],
  device const uint* weight [[buffer(1)]],
  device half4* kv [[buffer(2)]],
  device float4* out [[buffer(3)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  threadgroup float device_[64];
  device_[weft_local] = float(half_[weft_tile]) + float(uint(((device const uchar*)weight)[weft_local]));
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
#pragma unroll 4
  for (uint kernel_ = 0u; kernel_ < weft_tile; kernel_ += 1u) {
    kv[kernel_] = half4(float4(device_[kernel_ & 63u]));
  }
  out[weft_local] = float4(kv[0u]) + float4(as_type<float>(0x7f800000));
}
`)
})

test('lanes are those of the chip', () => {
  assert.match(targets.hip.render([], mi300).prelude, '#define WEFT_LANES 64u')
  assert.match(targets.hip.render([], radeon).prelude, '#define WEFT_LANES 32u')
  assert.match(targets.hip.render([], mi300).prelude, '__builtin_amdgcn_mfma_f32_16x16x16f16')
  assert.match(targets.hip.render([], radeon).prelude, '__builtin_amdgcn_wmma_f32_16x16x16_f16_w32')
  assert.not.match(targets.hip.render([], { ...radeon, arch: 'gfx1030', matrix: false }).prelude, 'weft_matrix_a')
})

const refused: readonly { readonly what: string; readonly kernel: Kernel; readonly caps: Caps; readonly message: RegExp }[] = [
  ...[mi300, m3].flatMap(caps => [
    { what: `boxes of a tensor map, ${caps.target}`, caps, kernel: boxes('f32').kernel, message: /bulk copies on .*: expected a chip of sm_90 or later/ },
    { what: `a cluster, ${caps.target}`, caps, kernel: clustered(2).kernel, message: /groups of a cluster on .*: expected at most 1, got 2/ },
    { what: `a swizzle, ${caps.target}`, caps, kernel: make({}, k => void k.let('x', k.call('swizzle', table(Array(16).fill(0)), table(Array(16).fill(0))))), message: /(hip|msl) has no i8x16: .*CPU targets/ },
    { what: `too much shared memory, ${caps.target}`, caps, kernel: make({}, k => k.shared('s', 'u32x4', 5000).store(0, splat('u32x4', 0))), message: /shared memory of a group .*got 80000/ },
    { what: `a kernel called as a word of C, ${caps.target}`, caps, kernel: make({ schedule: 'main' }, () => undefined), message: /name of a kernel/ },
  ]),
  { what: 'subgroups of 32 where a chip has 64', caps: mi300, kernel: make({ subgroupSize: 32, threads: 64 }, () => undefined), message: /subgroup size on AMD Instinct MI300X: expected 64, got 32/ },
  { what: 'half a wavefront with subgroup operations', caps: mi300, kernel: make({ threads: 32 }, k => void k.let('x', k.call('subgroupAdd', f32(1)))), message: /expected a multiple of 64, got 32/ },
  { what: 'matrix tiles on an architecture without the unit', caps: { ...radeon, arch: 'gfx1030' }, kernel: make({}, k => void k.let('x', k.call('matrixZero'))), message: /\[hip\] matrix tiles on .*expected .*MFMA.*got gfx1030/ },
]
for (const { what, kernel, caps, message } of refused) {
  test(`refused: ${what}`, () => {
    assert.throws(() => targets[caps.target].render([kernel], caps), (e: unknown) => e instanceof WeftError && (message.test(e.message) || assert.match(e.message, message)))
  })
}

test('every intrinsic has a spelling, but those of CPUs', () => {
  for (const target of [targets.hip, targets.msl]) {
    assert.equal(intrinsicNames.filter(n => typeof target.intrinsic[n] !== 'function'), ['swizzle', 'interleaveLow8', 'interleaveHigh8', 'extendLow8', 'extendHigh8', 'extendLow16', 'extendHigh16', 'narrow16', 'dot16'])
  }
})

const found = findClang()
if ('missing' in found) skip(`hip and msl on the processor, AMD's machine code: ${found.missing}`)
else {
  /** What a chip takes of the cases: its own lanes, its shared memory. */
  const accepted = (caps: Caps): readonly Case[] => casesFor(caps).filter(({ kernel }) => {
    try {
      textOf(kernel, caps)
      return true
    } catch (e) {
      assert.match((e as Error).message, /subgroup size on|shared memory of a group on|expected a multiple of 64/)
      return false
    }
  })
  for (const caps of [mi300, radeon, m3]) {
    test(`${caps.target} for ${caps.chip}: everything the kernel form has, on the processor`, async () => {
      const own = accepted(caps)
      const backend = new HostBackend(caps, found.path)
      try {
        const program = await backend.compile(targets[caps.target].render(own.map(c => c.kernel), caps))
        for (const c of own) await checkCase(backend, program, c)
        assert.ok(own.length >= casesFor(caps).length - 12, `${own.length} of ${casesFor(caps).length}`)
      } finally {
        await backend.close()
      }
    })
  }

  const folder = join(projectRoot, 'test/golden/hip')
  const golden = readdirSync(folder).filter(n => n.endsWith('.hip') && n !== 'prelude.hip').map(n => readFileSync(join(folder, n), 'utf8'))
  const assembly = (arch: string): readonly string[] => ['-x', 'hip', `--offload-arch=${arch}`, '--cuda-device-only', '-nogpuinc', '-nogpulib', '-std=c++17', '-O2', '-Werror', '-Wall', '-Wno-unused-function', '-Wno-unused-variable', '-S']
  for (const [caps, kernels] of [[mi300, golden], [mi300, accepted(mi300).map(c => textOf(c.kernel, mi300))], [radeon, accepted(radeon).map(c => textOf(c.kernel, radeon))]] as const) {
    test(`${kernels.length} kernels in machine code for ${caps.arch}, calling nothing`, async () => {
      const { text } = await clang(found.path, assembly(caps.arch!), [targets.hip.render([], caps).prelude, ...kernels].join('\n'))
      assert.is((text.match(/^\s*\.amdhsa_kernel /gm) ?? []).length, kernels.length)
      assert.not.match(text, /s_swappc_b64|@gotpcrel/)
    })
  }
}

test.run()
