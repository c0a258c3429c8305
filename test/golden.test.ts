/**
 * Golden kernels: the device text of two tiny models, on chips that need not be there, kept as files. A refactor leaves
 * them unchanged, and a change of kernels shows its difference. To take the present text as the new one:
 *
 *     WEFT_UPDATE_GOLDEN=1 node dist/test/run.js golden
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Caps } from '../codegen/caps.js'
import type { Compute } from '../codegen/schedule.js'
import { cacheElement } from '../engine/planning.js'
import { compile, targets, type Compiled } from '../codegen/compile.js'
import { printPlan } from '../codegen/plan.js'
import { printGraph } from '../graph/graph.js'
import { openModel } from '../weights/open.js'
import { profile } from '../bin/profiles.js'
import { cudaProfiles } from './support/chips.js'

const folder = fileURLToPath(new URL('../../test/golden/', import.meta.url))
const fixtures = fileURLToPath(new URL('../../test/fixtures/', import.meta.url))
const update = process.env['WEFT_UPDATE_GOLDEN'] === '1'

const wgsl: Caps = {
  target: 'wgsl', chip: 'a GPU of 32 lanes', arch: null, subgroup: { min: 32, max: 32 }, maxThreads: 256, sharedBytes: 32768,
  f16: true, matrix: false, tensorCopy: false, cluster: 1, simd: false, maxBuffers: 10, maxBinding: 2 ** 31 - 4, units: 16,
}
const wasm: Caps = {
  target: 'wasm', chip: 'a processor of 2 threads', arch: 'relaxed-simd', subgroup: null, maxThreads: 1, sharedBytes: 2 ** 20,
  f16: true, matrix: false, tensorCopy: false, cluster: 1, simd: true, maxBuffers: 64, maxBinding: 2 ** 32 - 2 ** 16, units: 2,
}
interface Chip {
  readonly caps: Caps
  readonly compute: Compute
  /** One kernel of each schedule and neither graph nor plans: what other languages' files show already. */
  readonly few?: boolean
  /** Kernels of these schedules alone, in a folder of their own: all others are those of another arithmetic. */
  readonly own?: { readonly folder: string; readonly schedules: RegExp }
}
const chips: readonly Chip[] = [
  { caps: wgsl, compute: 'f32' }, { caps: cudaProfiles.sm_90a, compute: 'f16' }, { caps: wasm, compute: 'f32' },
  { caps: wasm, compute: 'i16', own: { folder: 'wasm-i16', schedules: /inear\.row$/ } },
  { caps: profile({ target: 'hip', arch: 'gfx942', caps: undefined }), compute: 'f16', few: true },
  { caps: profile({ target: 'msl', arch: 'apple-m3', caps: undefined }), compute: 'f16', few: true },
]
const models = [
  { name: 'qwen3-nvfp4', path: join(fixtures, 'models', 'qwen3_nvfp4_compressed_tensors'), only: null },
  { name: 'llama3-q4', path: join(fixtures, 'gguf', 'llama3-q4', 'model.gguf'), only: null },
  // Of blocks with many fields: kernels with little else in them.
  { name: 'qwen3-k', path: join(fixtures, 'gguf', 'qwen3-k', 'model.gguf'), only: /^(embedding_runs|linear_row|fusedLinear_(matvec|row)(_[23])?)$/ },
] as const

async function compiled(path: string, caps: Caps, compute: Compute): Promise<Compiled> {
  const source = await openModel(path)
  try {
    return compile(source.config, name => source.tensors.get(name)?.type ?? 'f32', { caps, compute, kv: cacheElement(compute, undefined), context: 4096, sequences: 1, chunk: 256, fuse: true })
  } finally {
    source.close()
  }
}

/** The files of one target: the graph and plans of each model, and every kernel once, under the first model that has it. */
async function files({ caps, compute, few = false, own }: Chip): Promise<ReadonlyMap<string, string>> {
  const made = new Map<string, string>()
  const shown = new Set<string>()
  const texts = new Set<string>()
  const { extension } = targets[caps.target]
  for (const { name, path, only } of models) {
    const c = await compiled(path, caps, compute)
    if (!few && !own) {
      made.set(`${name}.graph.txt`, printGraph(c.graph))
      made.set(`${name}.plans.txt`, Object.values(c.plans).map(printPlan).join('\n'))
    }
    const kernels = own ? c.kernels.filter(k => own.schedules.test(k.schedule)) : few ? c.kernels.filter(k => !shown.has(k.schedule) && shown.add(k.schedule)) : c.kernels
    const source = targets[caps.target].render(kernels, caps)
    if (source.prelude && !own) made.set(`prelude.${extension}`, source.prelude)
    for (const k of source.kernels) {
      const text = k.text.trimEnd() + '\n'
      if (texts.has(text) || only?.test(k.name) === false) continue
      texts.add(text)
      made.set(`${name}.${k.name}.${extension}`, text)
    }
  }
  return made
}

for (const chip of chips) {
  const target = chip.own?.folder ?? chip.caps.target
  test(`${target}: kernels, plans and graph are as kept`, async () => {
    const made = await files(chip)
    const at = join(folder, target)
    if (update) {
      rmSync(at, { recursive: true, force: true })
      mkdirSync(at, { recursive: true })
      for (const [name, text] of made) writeFileSync(join(at, name), text)
      console.log(`${made.size} files of ${target} written`)
    }
    const kept = existsSync(at) ? readdirSync(at).sort() : []
    assert.equal([...made.keys()].sort(), kept, `the files of test/golden/${target}`)
    for (const [name, text] of made) assert.fixture(text, readFileSync(join(at, name), 'utf8'), `test/golden/${target}/${name}`)
  })
}
test.run()
