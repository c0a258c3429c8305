/**
 * Plans on the disk: a start that finds them runs what the one that made them ran, their key holds everything they follow
 * from, and who looks at forms gets them made. And what now goes side by side in a start: the device, the model, the
 * compiler and the weights each fail with their own error, and leave nothing behind.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compile, targets, type CompileOptions, type PlanName } from '../codegen/compile.js'
import { findPlans, keepPlans, plansKey } from '../engine/kept-plans.js'
import { load, type LoadInternals } from '../engine/load.js'
import { planning } from '../engine/planning.js'
import type { LoadOptions, LoadStats } from '../engine/types.js'
import type { Backend } from '../runtime/backend.js'
import { openWasm, wasmCaps } from '../runtime/wasm/backend.js'
import type { ModelSource } from '../weights/model.js'
import { openModel } from '../weights/open.js'
import { cudaProfiles } from './support/chips.js'

const path = fileURLToPath(new URL('../../test/fixtures/models/qwen3', import.meta.url))
const options: LoadOptions = { device: 'wasm', threads: 2, context: 512, chunk: 16 }
const prompt = Uint32Array.from({ length: 11 }, (_, i) => (i * 37 + 5) % 400)
const before = process.env['WEFT_CACHE']
const cache = mkdtempSync(join(tmpdir(), 'weft-kept-'))
process.env['WEFT_CACHE'] = cache
test.after(() => {
  if (before === undefined) delete process.env['WEFT_CACHE']
  else process.env['WEFT_CACHE'] = before
  rmSync(cache, { recursive: true, force: true })
})

async function withSource(use: (source: ModelSource) => void): Promise<void> {
  const source = await openModel(path)
  try {
    use(source)
  } finally {
    source.close()
  }
}

test('what is found is what was kept, less the forms it was made from', () => withSource(source => {
  for (const caps of [wasmCaps(2, true, 'a processor'), cudaProfiles.sm_90a]) {
    const wanted = planning(caps, source.config.maxPositions, { context: 512 })
    const compiled = compile(source.config, name => source.tensors.get(name)?.type ?? 'f32', wanted)
    const text = targets[caps.target].render(compiled.kernels, caps)
    const key = plansKey(source, wanted)!
    assert.is(findPlans(key, caps), null)
    keepPlans(key, { runnable: compiled, text })
    const found = findPlans(key, caps)!
    assert.equal(found.text, text)
    const { plans, weights, constants, state, arenaBytes, pageBytes, weightBytesPerToken } = compiled
    assert.equal({ ...found.runnable, plans: {} }, { plans: {}, weights, constants, state, arenaBytes, pageBytes, weightBytesPerToken })
    for (const name of Object.keys(plans) as PlanName[]) {
      const [kept, made] = [found.runnable.plans[name], plans[name]]
      assert.equal([kept.label, kept.dims, kept.arenaBytes, kept.outputs], [made.label, made.dims, made.arenaBytes, made.outputs])
      assert.equal(kept.launches, made.launches.map(({ kernel: { name, tiles }, places }) => ({ kernel: { name, tiles }, places })))
    }
  }
}))

test('the key holds the model, the options, the chip and what tuning found', () => withSource(source => {
  const caps = wasmCaps(2, true, 'a processor')
  const wanted = planning(caps, source.config.maxPositions, { context: 512 })
  const [name, first] = [...source.tensors][0]!
  const others: readonly (readonly [Pick<ModelSource, 'config' | 'tensors'>, CompileOptions])[] = [
    [{ ...source, config: { ...source.config, eps: 1e-3 } }, wanted],
    [{ ...source, config: source.config, tensors: new Map([...source.tensors, [name, { ...first, type: 'f16' }]]) }, wanted],
    ...[{ context: 768 }, { sequences: 2 }, { chunk: 8 }, { fuse: false }, { kvType: 'f16' as const }].map(w => [source, planning(caps, source.config.maxPositions, { context: 512, ...w })] as const),
    [source, { ...wanted, caps: wasmCaps(3, true, 'a processor') }],
    [source, { ...wanted, roof: { ...wanted.roof!, gbps: 1 } }],
    [source, { ...wanted, tuned: { some: { schedule: 'linear.row', knobs: {}, us: 1, untunedUs: 2 } } }],
  ]
  const keys = [plansKey(source, wanted), ...others.map(([s, o]) => plansKey(s, o))]
  assert.is(new Set(keys).size, keys.length)
  assert.is(plansKey(source, wanted), keys[0])
}))

async function started(internals: LoadInternals = {}, more: LoadOptions = {}): Promise<{ readonly stats: LoadStats; readonly ids: readonly number[] }> {
  const model = await load(path, { ...options, ...more }, internals)
  try {
    const ids: number[] = []
    for await (const piece of model.generate(prompt, { maxTokens: 6, temperature: 0 })) ids.push(...piece.ids)
    return { stats: model.stats, ids }
  } finally {
    await model.close()
  }
}

test('a later start finds its plans, runs the same, and makes them again where someone looks or the entry is damaged', async () => {
  const first = await started()
  assert.is(first.stats.plansCached, false)
  assert.ok(first.stats.kernelsCompiled > 0)
  const second = await started()
  assert.is(second.stats.plansCached, true)
  assert.is(second.stats.kernelsCompiled, 0)
  assert.is(second.stats.generateTextSeconds, 0)
  assert.equal(second.ids, first.ids)
  const looked = await started({ switches: { check: true } })
  assert.is(looked.stats.plansCached, false)
  assert.is(looked.stats.kernelsCached, first.stats.kernelsCompiled)
  assert.equal(looked.ids, first.ids)
  for (const file of readdirSync(join(cache, 'plans'))) writeFileSync(join(cache, 'plans', file), readFileSync(join(cache, 'plans', file)).subarray(0, -7))
  const third = await started()
  assert.is(third.stats.plansCached, false)
  assert.equal(third.ids, first.ids)
  assert.is((await started()).stats.plansCached, true)
})

async function refusal(run: Promise<unknown>): Promise<string> {
  return run.then(() => 'nothing was refused', (e: unknown) => String(e instanceof Error ? e.message : e))
}

test('device, model, compiler and weights fail each with its own error, and the device is closed', async () => {
  const closed: string[] = []
  const opened = (change: (b: Backend) => Partial<Backend> = () => ({})): LoadInternals => ({
    openDevice: async () => {
      const backend = await openWasm({ threads: 1 })
      const close = async (): Promise<void> => {
        closed.push('closed')
        await backend.close()
      }
      return new Proxy(backend, { get: (b, name) => ({ close, ...change(b) } as Record<PropertyKey, unknown>)[name] ?? bind(b, name) })
    },
  })
  const bind = (b: Backend, name: PropertyKey): unknown => {
    const value = (b as unknown as Record<PropertyKey, unknown>)[name]
    return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(b) : value
  }
  assert.match(await refusal(load(join(cache, 'nowhere'), options, opened())), /nowhere/)
  assert.match(await refusal(load(path, options, { openDevice: async () => Promise.reject(new Error('no such device')) })), /no such device/)
  assert.match(await refusal(load(join(cache, 'nowhere'), options, { openDevice: async () => Promise.reject(new Error('no such device')) })), /nowhere/)
  assert.match(await refusal(load(path, options, opened(() => ({ compile: async () => Promise.reject(new Error('the compiler is ill')) })))), /the compiler is ill/)
  let compiled = false
  const slow = opened(b => ({
    compile: async source => {
      const program = await b.compile(source)
      compiled = true
      return program
    },
    write: () => { throw new Error('the weights do not fit') },
  }))
  assert.match(await refusal(load(path, options, slow)), /the weights do not fit/)
  // What was under way on the device had ended before it was closed.
  assert.ok(compiled)
  assert.is(closed.length, 3)
})

test('a compiler that was started and is not needed keeps no process', () => {
  const url = new URL('../runtime/wasm/backend.js', import.meta.url).href
  const script = (ending: string): string => `import { openWasm } from ${JSON.stringify(url)}
    const b = await openWasm({ threads: 1 }); b.expectCompile(); b.expectCompile(); ${ending}; console.log('left')`
  for (const ending of ['await b.close()', 'process.stdout.write("left\\n"); process.exit(0)']) {
    assert.is(execFileSync(process.execPath, ['--input-type=module', '-e', script(ending)], { encoding: 'utf8', timeout: 20000 }), 'left\n')
  }
})

test.run()
