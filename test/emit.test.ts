/**
 * `weft emit` as a user has it: a file for each kernel that compiles as it stands, under a header with what it costs, and
 * the plan beside it as data; one kernel by name; a chip by file, as `weft devices --caps` prints one.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Compiled } from '../codegen/compile.js'
import { load } from '../engine/load.js'
import { WeftError } from '../graph/error.js'
import { openNvrtc } from '../runtime/cuda/nvrtc.js'
import { compileSource } from '../runtime/wasm/compile.js'
import { profile } from '../bin/profiles.js'
import { fixtures, projectRoot, scratch, weft } from './help-cli.js'
import { skip } from './support/backends.js'
import { clang, findClang } from './support/host-device.js'

const folder = scratch()
process.env['WEFT_CACHE'] = join(folder, 'cache')
test.after(() => rmSync(folder, { recursive: true }))
const model = join(fixtures, 'models/qwen3_nvfp4_compressed_tensors')

async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await weft(['emit', '--model', model, ...args])
  assert.is(code, 0, stderr)
  return stdout
}

interface PlanFile {
  readonly target: string
  readonly kernels: Readonly<Record<string, { readonly file: string; readonly schedule: string; readonly knobs: object; readonly params: readonly { readonly name: string }[]; readonly cost: { readonly bytes: { readonly base: number } } }>>
  readonly plans: Readonly<Record<string, { readonly arenaBytes: number; readonly launches: readonly { readonly kernel: string; readonly args: Readonly<Record<string, { readonly kind: string; readonly key?: string }>>; readonly after: readonly number[] }[] }>>
  readonly weights: readonly { readonly key: string; readonly tensors: readonly string[]; readonly bytes: number }[]
  readonly constants: readonly { readonly key: string }[]
}

const nvrtc = await openNvrtc().catch((e: unknown) => {
  if (e instanceof WeftError) return e.message
  throw e
})
const compiler = findClang()

/** How a file is compiled by itself; null where nothing here can. */
const alone: Readonly<Record<string, { readonly extension: string; readonly args: readonly string[]; readonly compile: ((text: string, name: string) => Promise<unknown>) | string }>> = {
  cuda: { extension: 'cu', args: ['--arch', 'sm_80'], compile: typeof nvrtc === 'string' ? nvrtc : text => nvrtc.compile(text, 'sm_80') },
  wgsl: { extension: 'wgsl', args: ['--caps', 'adreno-750'], compile: async text => assert.match(text, /@compute @workgroup_size\(\d+\)/) },
  wasm: {
    extension: 'wasm.ts', args: [],
    compile: (text, name) => compileSource({ target: 'wasm', prelude: '', kernels: [{ name, text, params: [], threads: 1, sharedBytes: 0, dynamicBytes: 0, cluster: 1, tiles: [] }], caps: profile({ target: 'wasm', arch: undefined, caps: undefined }) }),
  },
  hip: {
    extension: 'hip', args: ['--arch', 'gfx942'],
    compile: 'missing' in compiler ? compiler.missing : text => clang(compiler.path, ['-x', 'hip', '--offload-arch=gfx942', '--cuda-device-only', '-nogpuinc', '-nogpulib', '-std=c++17', '-fsyntax-only', '-w'], text),
  },
  msl: { extension: 'metal', args: ['--caps', 'apple-m1'], compile: async text => assert.match(text, /^#include <metal_stdlib>$[\s\S]*^kernel void /m) },
}

for (const [target, { extension, args, compile }] of Object.entries(alone)) {
  test(`${target}: a file for each kernel, and the plan`, async () => {
    const out = join(folder, target)
    assert.is(await ok('--target', target, ...args, '--out', out), '')
    const plan = JSON.parse(readFileSync(join(out, 'plan.json'), 'utf8')) as PlanFile
    assert.is(plan.target, target)
    const names = Object.keys(plan.kernels)
    assert.equal(readdirSync(out).sort(), [...names.map(n => `${n}.${extension}`), 'plan.json'].sort())
    for (const name of names) {
      const text = readFileSync(join(out, plan.kernels[name]!.file), 'utf8')
      assert.match(text, new RegExp(`^// ${name}: weft \\d.*, qwen3_nvfp4_compressed_tensors, for .* \\(${target}[^)]*\\)\\n// schedule ${plan.kernels[name]!.schedule}`))
      assert.match(text, /^\/\/ cost of a launch: bytes .*; flops /m)
      assert.match(text, /^\/\/ launched by (decode|choose|small|prefill) /m)
    }
    // Every launch names kernels, weights and constants that the file has.
    const [weights, constants] = [new Set(plan.weights.map(w => w.key)), new Set(plan.constants.map(c => c.key))]
    for (const { launches } of Object.values(plan.plans)) {
      for (const [i, { kernel, args: bound, after }] of launches.entries()) {
        assert.equal(Object.keys(bound), plan.kernels[kernel]!.params.map(p => p.name))
        for (const { kind, key } of Object.values(bound)) assert.ok(kind === 'weight' ? weights.has(key!) : kind === 'constant' ? constants.has(key!) : ['arena', 'cache', 'state'].includes(kind))
        assert.ok(after.every(a => a < i))
      }
    }
    if (typeof compile === 'string') return skip(`compiling a file of ${target} by itself: ${compile}`)
    for (const name of [names[0]!, names.find(n => n.startsWith('attention'))!]) await compile(readFileSync(join(out, `${name}.${extension}`), 'utf8'), name)
  })
}

test('one kernel, or those of a schedule', async () => {
  const kernels = (text: string): number => (text.match(/__global__ void .*__launch_bounds__/g) ?? []).length
  assert.is(kernels(await ok('--target', 'cuda', '--kernel', 'advance')), 1)
  const some = kernels(await ok('--target', 'cuda', '--kernel', 'fusedLinear.matvec'))
  assert.ok(some > 1)
  assert.ok(kernels(await ok('--target', 'cuda')) > some)
  const { code, stderr } = await weft(['emit', '--model', model, '--kernel', 'nonesuch'])
  assert.is(code, 2)
  assert.match(stderr, /\[--kernel\] no plan launches it: expected .*advance.*, got "nonesuch"/)
})

test('what devices prints is a chip for emit', async () => {
  const printed = await weft(['devices', '--caps', '--device', 'wasm'])
  assert.is(printed.code, 0, printed.stderr)
  const file = join(folder, 'here.json')
  writeFileSync(file, printed.stdout)
  assert.match((JSON.parse(printed.stdout) as { readonly source: readonly string[] }).source[0]!, /^measured by weft \d.* on \d{4}-\d\d-\d\d: /)
  assert.match(await ok('--caps', file, '--kernel', 'advance'), /^export function kernel_advance/m)
  for (const [name, pattern] of [['reference', /reference has no kernels/], ['cuda:7', /no such device: expected auto, cuda, /]] as const) {
    const { code, stderr } = await weft(['devices', '--caps', '--device', name])
    assert.ok(code !== 0)
    assert.match(stderr, pattern)
  }
})

test('what is emitted for the chip that is here is what loading takes untuned', async () => {
  const file = join(folder, 'planned.json')
  const printed = await weft(['devices', '--caps', '--device', 'wasm'])
  writeFileSync(file, printed.stdout)
  const out = join(folder, 'planned')
  await ok('--caps', file, '--out', out)
  const plan = JSON.parse(readFileSync(join(out, 'plan.json'), 'utf8')) as PlanFile
  let compiled: Compiled | undefined
  await (await load(model, { device: 'wasm', tuned: false }, { recompile: made => (compiled = made) })).close()
  const loaded = Object.fromEntries(Object.entries(compiled!.plans).map(([name, p]) => [name, p.launches.map(l => `${l.kernel.name} ${l.kernel.schedule} ${JSON.stringify(l.kernel.knobs)}`)]))
  const emitted = Object.fromEntries(Object.entries(plan.plans).map(([name, p]) => [name, p.launches.map(l => `${l.kernel} ${plan.kernels[l.kernel]!.schedule} ${JSON.stringify(plan.kernels[l.kernel]!.knobs)}`)]))
  assert.equal(emitted, loaded)
})

test('emitting chooses by the roof that a chip\'s file gives', async () => {
  const chip = JSON.parse(readFileSync(join(projectRoot, 'assets/chips/wgsl/least.json'), 'utf8')) as object
  const knobs = async (roof: object): Promise<string> => {
    const file = join(folder, 'roof.json')
    writeFileSync(file, JSON.stringify({ ...chip, units: 64, roof }))
    return [...(await ok('--caps', file, '--plan', 'prefill')).matchAll(/^\/\/ schedule (.*)$/gm)].map(m => m[1]).join('\n')
  }
  // Where arithmetic costs nothing, and where it is all that costs.
  const [memory, arithmetic] = [await knobs({ gbps: 1, gflops: 1e8, matrixGflops: null }), await knobs({ gbps: 1e6, gflops: 1, matrixGflops: null })]
  assert.is.not(memory, arithmetic)
})

test.run()
