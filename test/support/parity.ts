/**
 * The parity suite of one device: every tiny model against the logits and tokens of its reference, its prompt given in
 * one piece, in chunks and token by token, with and without fusion, in every arithmetic and cache the device has; then
 * generated freely. Tolerances are those of `check`: 1e-4 for each row with f32 all through, 1e-2 with f16 anywhere.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { check, readExpected, tolerances, type CheckReport } from '../../engine/check.js'
import { cacheElement } from '../../engine/planning.js'
import type { Model } from '../../engine/types.js'
import { computes, skip, type TestDevice } from './backends.js'
import { fixtureModels, ModelBench, type Fixture, type Prepared, type Setup } from './models.js'

/** Prompt ids handed over at a time: all, chunks that end within pages and tiles, and one by one. */
const pieces = [undefined, 7, 1] as const

/** Says what differs, in the words of the report. */
export function explain(what: string, { logits, tokens, tolerance, template, promptIds }: CheckReport): string {
  return `${what}: relative error ${logits.relativeError.toExponential(2)} at position ${logits.position} (at most ${tolerance}), δ ${logits.largestDifference.toExponential(2)}, `
    + `${tokens.equal} of ${tokens.count} tokens equal, ${tokens.wrong} wrong${tokens.firstWrong ? `, first ${JSON.stringify(tokens.firstWrong)}` : ''}`
    + (template?.equal === false || promptIds?.equal === false ? `, ${JSON.stringify({ template, promptIds })}` : '')
}

/**
 * The reference's tokens, generated freely: up to the first whose margin rounding may overturn, `delta` being the largest
 * difference of a logit, or to the first that ends a text.
 */
export async function generatesGreedily(model: Model, folder: string, delta: number, what: string): Promise<void> {
  const { prompt, greedy, margins } = readExpected(folder)
  const undecided = margins.findIndex(m => m <= 2 * delta)
  const stopped = greedy.findIndex(id => model.generation.stopIds.includes(id))
  const decided = Math.min(...[undecided, stopped].map(i => (i < 0 ? greedy.length : i)))
  assert.ok(decided > 0, `${what}: not even the first token is decided by its margin`)
  const ids: number[] = []
  for await (const piece of model.generate(prompt, { maxTokens: greedy.length, temperature: 0 })) ids.push(...piece.ids)
  assert.equal(ids.slice(0, decided), [...greedy.slice(0, decided)], what)
}

const titleOf = (s: Setup): string => `${s.compute}${s.kv === cacheElement(s.compute, undefined) ? '' : `, cache ${s.kv}`}${s.fuse ? '' : ', not fused'}`

/** Models of the engine's choice of schedules on SwiftShader, which alone compiles them in reasonable time. */
const engineChoice: ReadonlySet<string> = new Set(['qwen3_nvfp4_modelopt', 'mistral'])

/** Models that slow compilers are spared: another model has the same decoding, and this one differs in the repack alone. */
const spared: ReadonlySet<string> = new Set(['qwen3_gptq_g64'])
/** Types that one of two slow adapters is enough for: SwiftShader has them in f32; lavapipe does f16 with the types of the first models. */
const onceOnly: ReadonlySet<string> = new Set(['qwen3_awq_g128', 'qwen3_gptq_g32_act', 'qwen3_fp8', 'qwen3_fp8_blocks', 'gguf qwen3-k', 'gguf llama-codebooks'])

/** Whether a device is spared a model, whose kernels it would take long to compile. */
const isSpared = (device: TestDevice, name: string): boolean => device.slowCompiler && (spared.has(name) || (device.name !== 'swiftshader' && onceOnly.has(name)))

/** Whether another adapter beside it goes through a model token by token, with the same schedules. */
const isStepped = (device: TestDevice, name: string): boolean => device.beside === true && !onceOnly.has(name) && !engineChoice.has(name)

/** The models tried on a device. */
function modelsOn(device: TestDevice): readonly Fixture[] {
  return fixtureModels().filter(f => !isSpared(device, f.name))
}

/** What is tried of each model. Where kernels compile slowly, all in what people run, and two for the rest. */
function setups(device: TestDevice, bench: ModelBench, fixture: Fixture): readonly Setup[] {
  const { caps } = bench.backend
  const base = { context: 512, sequences: 1, chunk: device.slowCompiler ? 32 : 64 }
  const own = computes(caps).map((compute): Setup => ({ ...base, compute, kv: cacheElement(compute, undefined), fuse: true, engineChoice: device.name === 'swiftshader' && engineChoice.has(fixture.name) }))
  if (device.slowCompiler && !(caps.f16 && /llama3-q4|^qwen3$/.test(fixture.name))) return own
  const mixed: readonly Setup[] = caps.f16 ? [{ ...base, compute: 'f32', kv: 'f16', fuse: true }] : []
  return [...own, ...mixed, ...own.map(s => ({ ...s, fuse: false }))]
}

/** Registers the tests of one device. Kernels of all models are compiled together in the first of them. */
export async function paritySuite(device: TestDevice): Promise<void> {
  const bench = new ModelBench(await device.open(), device)
  const left = fixtureModels().filter(f => isSpared(device, f.name))
  if (left.length > 0) skip(`${device.name}: ${left.map(f => f.name).join(', ')}: kernels that SwiftShader runs, or another model has in all but the group`)
  if (device.beside) skip(`${device.name}: token by token where lavapipe does it: ${modelsOn(device).filter(f => isStepped(device, f.name)).map(f => f.name).join(', ')}`)
  const cases: { readonly fixture: Fixture; readonly prepared: Prepared }[] = []

  test(`${device.name}: kernels of every model compile`, async () => {
    for (const fixture of modelsOn(device)) {
      for (const setup of setups(device, bench, fixture)) cases.push({ fixture, prepared: await bench.prepare(fixture.path, setup) })
    }
    assert.ok((await bench.compile()) > 0)
  })

  for (const fixture of modelsOn(device)) {
    for (const setup of setups(device, bench, fixture)) {
      const what = `${device.name}: ${fixture.name}, ${titleOf(setup)}`
      test(what, async () => {
        const { prepared } = cases.find(c => c.fixture.path === fixture.path && titleOf(c.prepared.setup) === titleOf(setup))!
        const running = bench.run(prepared)
        try {
          const tolerance = tolerances[setup.kv === 'f16' ? 'f16' : setup.compute]
          let delta = 0
          for (const chunk of pieces) {
            if (chunk === 1 && isStepped(device, fixture.name)) continue
            // Where a step is slow tokens are judged one by one only in the run that goes token by token.
            const report = await check(running.model, fixture.folder, { tolerance, atOnce: device.slowCompiler && chunk !== 1, ...(chunk === undefined ? {} : { chunk }) })
            assert.ok(report.ok, explain(`${what}, ${chunk === undefined ? 'one piece' : `pieces of ${chunk}`}`, report))
            delta = Math.max(delta, report.logits.largestDifference)
          }
          await generatesGreedily(running.model, fixture.folder, delta, what)
        } finally {
          running.close()
        }
      })
    }
  }

  test.after(() => bench.close())
}
