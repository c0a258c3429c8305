/**
 * Chips as files: the profiles that ship are valid, say where their figures are from and render every kernel; what is
 * printed is read back as the same; a wrong file is refused by its field.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { printCaps, readCaps } from '../bin/caps-file.js'
import { profile, profileNames } from '../bin/profiles.js'
import { compile, targets } from '../codegen/compile.js'
import { WeftError } from '../graph/error.js'
import { openModel } from '../weights/open.js'
import { fixtures, projectRoot } from './help-cli.js'

const chips = join(projectRoot, 'assets', 'chips')
const files = readdirSync(chips).flatMap(target => readdirSync(join(chips, target)).map(name => ({ target, name, file: join(chips, target, name) })))

for (const { target, name, file } of files) {
  test(`assets/chips/${target}/${name}`, async () => {
    const text = readFileSync(file, 'utf8')
    const chip = readCaps(text, file)
    assert.is(chip.caps.target, target)
    assert.is(printCaps(chip), text)
    const source = await openModel(join(fixtures, 'models/qwen3_nvfp4_compressed_tensors'))
    source.close()
    for (const compute of chip.caps.f16 && !chip.caps.simd ? (['f16', 'f32'] as const) : (['f32'] as const)) {
      const compiled = compile(source.config, tensor => source.tensors.get(tensor)?.type ?? 'f32', { caps: chip.caps, compute, kv: compute, context: 2048, sequences: 1, chunk: 512, fuse: true })
      assert.is(targets[chip.caps.target].render(compiled.kernels, chip.caps).kernels.length, compiled.kernels.length)
    }
  })
}

test('every target has a profile of each name it lists', () => {
  for (const target of Object.keys(targets) as (keyof typeof targets)[]) {
    assert.ok(profileNames(target).length > 0)
    for (const arch of profileNames(target)) {
      const caps = profile({ target, arch, caps: undefined })
      assert.is(caps.target, target)
      const file = printCaps({ caps, roof: null, source: ['a test'] })
      assert.equal(readCaps(file, 'printed').caps, caps)
    }
    assert.is(profile({ target, arch: undefined, caps: undefined }).target, target)
  }
})

const good = JSON.parse(readFileSync(join(chips, 'wgsl', 'apple-m3.json'), 'utf8')) as Record<string, unknown>
const wrong: readonly { readonly what: string; readonly change: Record<string, unknown>; readonly message: RegExp }[] = [
  { what: 'a field that is none', change: { subgroups: 32 }, message: /\[caps\] f\.json: no such field: expected target, .*, got "subgroups"/ },
  { what: 'a target that is none', change: { target: 'opengl' }, message: /f\.json: target: expected one of .*wgsl.*, got "opengl"/ },
  { what: 'an architecture of another target', change: { arch: 'sm_90a' }, message: /f\.json: arch: expected null, got "sm_90a"/ },
  { what: 'no architecture where one is needed', change: { target: 'cuda' }, message: /f\.json: arch: expected an architecture such as "sm_90a", got nothing/ },
  { what: 'a chip of two lines', change: { chip: 'a\n#include "x"' }, message: /f\.json: chip: expected one line/ },
  { what: 'a backslash, which joins lines of a comment', change: { chip: 'x\\' }, message: /f\.json: chip: expected one line/ },
  { what: 'a subgroup that is no power of two', change: { subgroup: { min: 24, max: 32 } }, message: /f\.json: subgroup: min: expected a power of two, got 24/ },
  { what: 'a subgroup upside down', change: { subgroup: { min: 64, max: 32 } }, message: /max: expected a power of two from 64 up, got 32/ },
  { what: 'no word on subgroups', change: { subgroup: undefined }, message: /f\.json: subgroup: expected an object of min and max, or null, got nothing/ },
  { what: 'a text for a number', change: { maxThreads: '1024' }, message: /f\.json: maxThreads: expected an integer from 1 to 65536, got "1024"/ },
  { what: 'a fraction', change: { units: 1.5 }, message: /f\.json: units: expected an integer/ },
  { what: 'a missing flag', change: { f16: undefined }, message: /f\.json: f16: expected true or false, got nothing/ },
  { what: 'matrix tiles without f16', change: { matrix: true, f16: false }, message: /f\.json: matrix: expected false without f16/ },
  { what: 'SIMD registers on a GPU', change: { simd: true }, message: /f\.json: simd: expected false for wgsl, got true/ },
  { what: 'clusters where there are none', change: { cluster: 2 }, message: /f\.json: cluster and tensorCopy: expected 1 and false for wgsl, got 2 and false/ },
  { what: 'a SIMD-group of 64 in Metal', change: { target: 'msl', arch: 'apple9', subgroup: { min: 64, max: 64 } }, message: /f\.json: subgroup: expected min and max of 32 for msl, got \{"min":64,"max":64\}/ },
  { what: 'wavefronts of any size', change: { target: 'hip', arch: 'gfx1100', subgroup: { min: 32, max: 64 } }, message: /f\.json: subgroup: expected min and max of 32, or both of 64 for hip/ },
  { what: 'a roof that is none', change: { roof: { gbps: 0, gflops: 1, matrixGflops: null } }, message: /f\.json: roof: gbps: expected a number above 0, got 0/ },
  { what: 'a roof of matrix tiles that are not there', change: { roof: { gbps: 1, gflops: 1, matrixGflops: 1 } }, message: /f\.json: roof: matrixGflops: expected null for a chip without matrix tiles/ },
  { what: 'a roof with more to it', change: { roof: { gbps: 1, gflops: 1, matrixGflops: null, gpbs: 2 } }, message: /f\.json: roof: expected an object of gbps, gflops, matrixGflops/ },
  { what: 'no source', change: { source: [] }, message: /f\.json: source: expected a list of texts/ },
]
for (const { what, change, message } of wrong) {
  test(`refused: ${what}`, () => {
    assert.throws(() => readCaps(JSON.stringify({ ...good, ...change }), 'f.json'), (e: unknown) => e instanceof WeftError && (message.test(e.message) || assert.match(e.message, message)))
  })
}

test('refused: no JSON, no object', () => {
  assert.throws(() => readCaps('{', 'f.json'), /f\.json: bad JSON/)
  assert.throws(() => readCaps('[]', 'f.json'), /f\.json: not a JSON object/)
})

test('options that contradict each other', () => {
  const message = (options: Parameters<typeof profile>[0]): string => {
    try {
      profile(options)
    } catch (e) {
      assert.instance(e, WeftError)
      assert.is((e as WeftError).exitCode, 2)
      return (e as WeftError).message
    }
    return assert.unreachable() as never
  }
  assert.match(message({ target: 'cuda', arch: 'sm_80', caps: 'gpu' }), /--caps\] given together with --arch/)
  assert.match(message({ target: 'cuda', arch: 'sm_1', caps: undefined }), /--arch\] unknown for cuda: expected .*sm_90a/)
  assert.match(message({ target: undefined, arch: undefined, caps: 'apple-m99' }), /--caps\] unknown for wgsl: expected .*apple-m3.*, got "apple-m99"/)
  assert.match(message({ target: 'cuda', arch: undefined, caps: join(chips, 'wgsl', 'gpu.json') }), /is of another target: expected cuda, got wgsl/)
  assert.is(profile({ target: undefined, arch: undefined, caps: join(chips, 'wgsl', 'gpu.json') }).target, 'wgsl')
})

test.run()
