/**
 * Tuning: the model of a chip and what it chooses, tuned choices and where they are kept, and a search on the processor and on a
 * software adapter that rejects what is wrong. Which candidate wins is no test's business.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { rankCorrelation, timeOfRun } from '../bench/numbers.js'
import { tune } from '../bench/tune.js'
import { TuneProblem } from '../bench/tune-problem.js'
import type { Tuned } from '../bench/tune-search.js'
import { compile, targets, type CompileOptions } from '../codegen/compile.js'
import { assumedRoof, estimate } from '../codegen/estimate.js'
import { amountOf, type Kernel } from '../codegen/kernel.js'
import { attempt, choose, estimateSteps, knobChoices, type Context, type Schedule } from '../codegen/schedule.js'
import { schedules } from '../codegen/schedules/index.js'
import { sameKnobs, tuneKey } from '../codegen/tuned.js'
import { shareOf } from '../engine/roof.js'
import { readChoices } from '../engine/tuned.js'
import { shapeNamed } from '../graph/models/shapes.js'
import type { Node } from '../graph/op.js'
import type { Source } from '../codegen/target.js'
import type { Backend, BoundPlan, Program, Recording } from '../runtime/backend.js'
import { openWasm, wasmCaps } from '../runtime/wasm/backend.js'
import { weft } from './help-cli.js'
import { cudaProfiles } from './support/chips.js'

const shipped = fileURLToPath(new URL('../../codegen/tuned', import.meta.url))
const cache = mkdtempSync(join(tmpdir(), 'weft-tune-'))
process.env['WEFT_CACHE'] = cache
test.after(() => rmSync(cache, { recursive: true }))

const types = (name: string): string => (/norm/.test(name) ? 'f32' : 'nvfp4')
const optionsOf = (over: Partial<CompileOptions>): CompileOptions => {
  const caps = over.caps ?? wasmCaps(2, true, 'a processor')
  const compute = caps.simd ? 'f32' : 'f16'
  return { caps, compute, kv: compute, context: 1024, sequences: 1, chunk: 64, fuse: true, ...over }
}

/** Nodes with their contexts, as schedules meet them, by key. */
function problems(options: CompileOptions): ReadonlyMap<string, { readonly node: Node; readonly context: Context }> {
  const met = new Map<string, { readonly node: Node; readonly context: Context }>()
  compile(shapeNamed('tiny'), types, { ...options, schedules: schedules.map((s): Schedule => ({ ...s, make: (node, context, knobs) => {
    met.set(tuneKey(node, context), { node, context })
    return s.make(node, context, knobs)
  } })) })
  return met
}

const h200 = { gbps: 4500, gflops: 55_000, matrixGflops: 600_000 }

test('the model of a chip: more memory, less bandwidth and idle units take longer, and loops of unknown length are not guessed', () => {
  const caps = cudaProfiles.sm_90a
  const [found] = [...problems(optionsOf({ caps }))].filter(([key]) => key.startsWith('fusedLinear') && key.includes('x 1×')).map(([, p]) => p)
  const matvec = schedules.find(s => s.name === 'fusedLinear.matvec')!
  const made = attempt(matvec, found!.node, found!.context, { lanes: 32, columns: 4, threads: 64, stages: 2 })
  assert.ok('steps' in made)
  const kernel = (made as { readonly steps: readonly { readonly kernel: Kernel }[] }).steps[0]!.kernel
  const at = (k: Kernel, roof = h200): number => estimate(k, caps, roof, { tokens: 1, outputs: 1 })!.microseconds
  // Tiles enough to keep memory busy.
  const large: Kernel = { ...kernel, tiles: [{ dim: null, per: 1, times: 20_000 }], cost: { ...kernel.cost, bytes: { base: 1e9, per: {} } } }
  assert.ok(at(large) > at(kernel))
  assert.ok(at(large, { ...h200, gbps: 450 }) > 5 * at(large))
  assert.ok(Math.abs(at(large) - 1e9 / h200.gbps / 1e3) < 0.3 * at(large) || at(large) > 1e9 / h200.gbps / 1e3, 'never faster than memory')
  const attention = [...problems(optionsOf({ caps })).values()].find(p => p.node.op.name === 'attention' && p.node.type.shape.length > 0)!
  const chosen = choose(schedules, attention.node, attention.context)
  assert.ok('steps' in chosen)
  assert.is(estimate((chosen as { readonly steps: readonly { readonly kernel: Kernel }[] }).steps[0]!.kernel, caps, h200, { tokens: 1, outputs: 1 }), null)
})

test('the model of a processor ranks blocks as they were measured: more from registers is faster, until they spill', () => {
  const [found] = [...problems(optionsOf({}))].filter(([key]) => key.startsWith('fusedLinear: x ≤64×')).map(([, p]) => p)
  const block = schedules.find(s => s.name === 'fusedLinear.block')!
  const us = (high: number, wide: number): number => {
    const made = attempt(block, found!.node, found!.context, { high, wide, columns: 12 })
    assert.ok('steps' in made)
    return estimateSteps(made as Extract<typeof made, { readonly steps: unknown }>, found!.context, { gbps: 30, gflops: 107, matrixGflops: null })!
  }
  // CPU time of one core: 13.3, 14.5, 15.8, 16.8 ms; 17.9 where 17 vectors do not fit, 18.0.
  const order = [us(3, 3), us(2, 3), us(4, 2), us(3, 2), us(2, 2)]
  assert.equal([...order].sort((a, b) => a - b), order)
  assert.ok(us(4, 3) > us(4, 2))
})

test('by cost: on a known chip the products of real models keep the choice that was measured best', () => {
  for (const shape of ['qwen3-0.6b', 'qwen3-4b']) {
    const options = optionsOf({ caps: cudaProfiles.sm_90a, chunk: 2048 })
    const [byOrder, byCost] = [compile(shapeNamed(shape), types, options), compile(shapeNamed(shape), types, { ...options, roof: h200 })]
    for (const plan of ['decode', 'prefill'] as const) {
      const products = (c: typeof byCost): readonly string[] => c.plans[plan].launches.filter(l => /inear/.test(l.kernel.schedule)).map(l => `${l.kernel.schedule} ${JSON.stringify(l.kernel.knobs)}`)
      assert.equal(products(byCost), products(byOrder), `${shape} ${plan}`)
    }
  }
})

test('by cost: a plain schedule is never taken for its estimate, and others are given a reason', () => {
  for (const caps of [wasmCaps(8, true, 'a processor'), cudaProfiles.sm_80]) {
    const roof = assumedRoof(caps)
    for (const { node, context } of problems(optionsOf({ caps })).values()) {
      const [plain, byCost] = [choose(schedules, node, context), choose(schedules, node, { ...context, roof })]
      assert.ok('steps' in plain && 'steps' in byCost)
      if ('schedule' in plain && 'schedule' in byCost) {
        assert.ok(!byCost.schedule.endsWith('.plain') || plain.schedule.endsWith('.plain'), byCost.schedule)
        assert.not.ok(byCost.schedule in byCost.rejected)
      }
    }
  }
})

test('tuned choices are taken where they are legal, and nothing else is', () => {
  const options = optionsOf({})
  const [key, { node, context }] = [...problems(options)].find(([k]) => k.startsWith('fusedLinear: x 1×'))!
  const knobs = { rows: 2, unroll: 4 }
  const take = (entry: { readonly schedule: string; readonly knobs: Readonly<Record<string, number>> }): ReturnType<typeof choose> => choose(schedules, node, { ...context, tuned: { [key]: { ...entry, us: 1, untunedUs: 2 } } })
  const knobsOf = (choice: ReturnType<typeof choose>): string => ('steps' in choice ? JSON.stringify(choice.steps[0]!.kernel.knobs) : 'none')
  const untuned = knobsOf(choose(schedules, node, context))
  assert.is.not(untuned, JSON.stringify(knobs))
  const tuned = take({ schedule: 'fusedLinear.row', knobs })
  assert.is(knobsOf(tuned), JSON.stringify(knobs))
  for (const wrong of [{ schedule: 'fusedLinear.row', knobs: { rows: 3, unroll: 4 } }, { schedule: 'fusedLinear.row', knobs: { rows: 2 } }, { schedule: 'fusedLinear.gone', knobs }, { schedule: 'fusedLinear.matvec', knobs: { lanes: 32, columns: 4, threads: 64, stages: 2 } }]) {
    assert.is(knobsOf(take(wrong)), untuned, JSON.stringify(wrong))
  }
  const compiled = compile(shapeNamed('tiny'), types, { ...options, tuned: { [key]: { schedule: 'fusedLinear.row', knobs, us: 1, untunedUs: 2 } } })
  assert.ok(compiled.plans.decode.launches.some(l => l.kernel.schedule === 'fusedLinear.row' && l.kernel.knobs['rows'] === 2))
})

test('every choice that ships is one that schedules accept, for a problem that a model has', () => {
  for (const name of readdirSync(shipped).filter(n => n.endsWith('.json'))) {
    const { device, entries } = readChoices(readFileSync(join(shipped, name), 'utf8'))!
    const arch = /sm_90a/.exec(device)?.[0] as 'sm_90a' | undefined
    assert.ok(arch, `${name}: a device that this test knows`)
    const left = new Set(Object.keys(entries))
    for (const shape of ['qwen3-0.6b', 'qwen3-4b']) {
      const options = optionsOf({ caps: cudaProfiles[arch!], chunk: 2048, context: 4096, tuned: entries })
      for (const { launches, dims } of Object.values(compile(shapeNamed(shape), types, options).plans)) {
        for (const { node, kernel } of launches) {
          if (node === null) continue
          const key = tuneKey(node, { extent: size => (typeof size === 'number' ? size : dims[size.name] ?? size.max), compute: 'f16', kv: 'f16' })
          const entry = entries[key]
          if (entry && kernel.schedule === entry.schedule && sameKnobs(kernel.knobs, entry.knobs)) left.delete(key)
        }
      }
    }
    assert.equal([...left], [], `${name}: never taken`)
  }
})

test('files of choices: entries of another form are left out, other texts are none', () => {
  const entry = { schedule: 'a.b', knobs: { n: 1 }, us: 1, untunedUs: 2 }
  const text = (entries: unknown): string => JSON.stringify({ device: 'd', entries })
  assert.equal(readChoices(text({ good: entry, bad: { ...entry, knobs: { n: 'x' } }, worse: 3 }))!.entries, { good: entry })
  for (const wrong of ['', '[]', '{}', text(null), JSON.stringify({ entries: {} })]) assert.is(readChoices(wrong), null, wrong)
})

test('knobs are the same in any order', () => {
  assert.ok(sameKnobs({ rowTile: 128, stages: 1 }, { stages: 1, rowTile: 128 }))
  for (const other of [{ rowTile: 128 }, { rowTile: 128, stages: 2 }, { rowTile: 128, colTile: 1 }, { rowTile: 128, stages: 1, colTile: 1 }]) assert.not.ok(sameKnobs({ rowTile: 128, stages: 1 }, other))
})

test('rank correlation', () => {
  assert.equal([rankCorrelation([1, 2], [1, 2]), rankCorrelation([1, 2, 3], [5, 5, 5])], [null, null])
  assert.equal([rankCorrelation([1, 2, 3, 4], [10, 20, 30, 40]), rankCorrelation([1, 2, 3], [3, 2, 1])], [1, -1])
})

test('candidates are judged by the op\'s meaning: sound kernels pass, and wrong ones are told', async () => {
  const backend = await openWasm({ threads: 1 })
  try {
    const options = optionsOf({ caps: backend.caps })
    const all = [...problems(options).values()].filter(p => TuneProblem.fits(p.node))
    const ops = [...new Map(all.map(p => [`${p.node.op.name} ${p.context.extent({ name: 'tokens', max: 1 }) === 1}`, p])).values()]
    assert.ok(ops.length >= 4)
    const prepared = ops.flatMap(p => schedules.filter(s => s.op === p.node.op.name).flatMap(s => {
      const made = attempt(s, p.node, p.context, [...knobChoices(s)].at(-1)!)
      return 'reject' in made ? [] : [{ p, s, made }]
    }))
    const kernels = prepared.flatMap(({ made }, n) => made.steps.map((s, i) => ({ ...s.kernel, name: `t${n}_${i}` })))
    // A kernel that does nothing leaves its output unwritten; one whose constants are off is wrong by little.
    const program = await backend.compile(targets.wasm.render([...kernels, ...prepared.flatMap(({ made }, n) => made.steps.map((s, i) => ({ ...s.kernel, name: `e${n}_${i}`, body: [] })))], backend.caps))
    for (const [n, { p, s, made }] of prepared.entries()) {
      const problem = new TuneProblem(backend, p.node, p.context)
      try {
        const named = (letter: string): { readonly lowered: typeof made; readonly names: readonly string[] } => ({ lowered: made, names: made.steps.map((_, i) => `${letter}${n}_${i}`) })
        assert.is(await problem.check(program, named('t')), null, `${s.name}: ${tuneKey(p.node, p.context)}`)
        assert.match(await problem.check(program, named('e')) ?? 'nothing', /differs from the reference/, s.name)
        assert.ok((await problem.time(program, named('t'), 0)).us > 0)
      } finally {
        problem.close()
      }
    }
  } finally {
    await backend.close()
  }
})

test('an untuned kernel that spills registers is measured all the same, a candidate that does is not', async () => {
  const backend = await openWasm({ threads: 2 })
  // As a GPU's compiler would report it of every kernel.
  const spilling: Backend = Object.create(backend, {
    compile: { value: async (source: Source): Promise<Program> => {
      const program = await backend.compile(source)
      program.resources = () => ({ registers: 255, spilledBytes: 8, sharedBytes: 0 })
      return program
    } },
  }) as Backend
  try {
    const options = { ...optionsOf({ caps: backend.caps }), roof: assumedRoof(backend.caps) }
    const found: Tuned[] = []
    for await (const t of tune(spilling, shapeNamed('tiny'), types, options, { roof: options.roof, seconds: 1, plans: ['decode'], op: 'fusedLinear', anew: true, signal: null })) found.push(t)
    assert.ok(found.length > 0)
    for (const t of found) {
      assert.is(t.best.name, t.untuned.name, t.key)
      assert.ok(t.untuned.us > 0 && t.rejected === t.candidates - 1, `${t.rejected} of ${t.candidates} rejected`)
    }
  } finally {
    await backend.close()
  }
})

test('where a winner loses in turn with the untuned choice, the share of the roof is that of the untuned one', async () => {
  const backend = await openWasm({ threads: 2 })
  const [kernelOf, recorded] = [new Map<unknown, string>(), new Map<string, number>()]
  // A clock by which every candidate is faster than the first that is compiled, until it is timed a second time.
  const clocked: Backend = Object.create(backend, {
    record: { value: (plan: BoundPlan): Recording => {
      const [made, name] = [backend.record.call(clocked, plan), plan.launches[0]!.kernel]
      recorded.set(name, (recorded.get(name) ?? 0) + 1)
      kernelOf.set(made, name)
      return made
    } },
    timeRuns: { value: async (recording: Recording, times: number): Promise<number> => {
      const name = kernelOf.get(recording)!
      return times * (name === 't0_0' ? 5e5 : recorded.get(name)! <= 2 ? 4e5 : 6e5)
    } },
  }) as Backend
  try {
    const options = { ...optionsOf({ caps: backend.caps }), roof: assumedRoof(backend.caps) }
    const found: Tuned[] = []
    for await (const t of tune(clocked, shapeNamed('tiny'), types, options, { roof: options.roof, seconds: 1, plans: ['decode'], op: 'fusedLinear', anew: true, signal: null })) found.push(t)
    assert.ok(found.length > 0)
    for (const t of found) {
      const { node, context } = problems(options).get(t.key)!
      const chosen = choose(schedules, node, context)
      assert.ok('steps' in chosen && t.best.name === t.untuned.name && t.best.us > 0, t.key)
      const cost = (what: 'bytes' | 'flops'): number => (chosen as Extract<typeof chosen, { readonly steps: unknown }>).steps.reduce((n, s) => n + amountOf(s.kernel.cost[what], { tokens: 1, outputs: 1 }), 0)
      const { share } = shareOf(options.roof, { bytes: cost('bytes'), flops: cost('flops'), microseconds: t.best.us, matrix: false })
      assert.ok(Math.abs(t.share / share - 1) < 1e-9, `${t.share}, not ${share}`)
    }
  } finally {
    await backend.close()
  }
})

test('a search taken up again measures the untuned choice even where compiling takes all its time', async () => {
  const backend = await openWasm({ threads: 2 })
  const slow: Backend = Object.create(backend, {
    compile: { value: async (source: Source): Promise<Program> => {
      await new Promise(resolve => setTimeout(resolve, 4500))
      return backend.compile(source)
    } },
  }) as Backend
  try {
    const options = { ...optionsOf({ caps: backend.caps }), roof: assumedRoof(backend.caps) }
    const search = async (on: Backend, seconds: number): Promise<readonly Tuned[]> => {
      const found: Tuned[] = []
      for await (const t of tune(on, shapeNamed('tiny'), types, options, { roof: options.roof, seconds, plans: ['decode'], op: 'fusedLinear', anew: false, signal: null })) found.push(t)
      return found
    }
    const before = await search(backend, 4)
    assert.ok(before[0]!.candidates >= 4, `${before[0]!.candidates} tried at first`)
    const again = await search(slow, 0.2)
    assert.ok(again[0]!.candidates >= before[0]!.candidates && again[0]!.untuned.us > 0)
  } finally {
    await backend.close()
  }
})

test('a search that is interrupted before anything was timed finds nothing, and is no error', async () => {
  const backend = await openWasm({ threads: 2 })
  const interrupt = new AbortController()
  const interrupted: Backend = Object.create(backend, {
    compile: { value: async (source: Source): Promise<Program> => {
      interrupt.abort()
      return backend.compile(source)
    } },
  }) as Backend
  try {
    const options = { ...optionsOf({ caps: backend.caps }), roof: assumedRoof(backend.caps) }
    const search = tune(interrupted, shapeNamed('tiny'), types, options, { roof: options.roof, seconds: 9, plans: ['decode'], op: 'fusedLinear', anew: true, signal: interrupt.signal })
    assert.is((await search.next()).done, true)
  } finally {
    await backend.close()
  }
})

test('the time of a run is neither its cold start nor what a batch costs to hand over', async () => {
  // A device that takes 40 ms to wake, 0.5 ms to be heard of, and `us` for each run.
  const device = (us: number): { readonly batch: (times: number) => Promise<number>; runs(): number } => {
    let runs = 0
    return { batch: async times => (runs++ === 0 ? 40_000 : 0) + 500 + times * us, runs: () => runs }
  }
  for (const us of [25, 150, 3000, 60_000]) {
    const measured = await timeOfRun(device(us).batch)
    assert.ok(measured >= us && measured <= us * 1.05, `${us} µs: ${measured}`)
  }
  const [slow, hopeless] = [device(3000), device(3000)]
  await timeOfRun(slow.batch)
  await timeOfRun(hopeless.batch, 1000)
  assert.ok(hopeless.runs() < slow.runs(), 'ended early')
})

test('weft tune: searches, keeps, resumes, exports, and what it found is taken by the next run', async () => {
  const env = { WEFT_CACHE: cache }
  const args = ['tune', '--shape', 'tiny', '--device', 'wasm', '--threads', '1', '--plan', 'decode', '--op', 'fusedLinear']
  const first = await weft([...args, '--budget', '1s', '--json'], { env })
  assert.is(first.code, 0, first.stderr)
  const found = JSON.parse(first.stdout) as readonly { readonly key: string; readonly candidates: number; readonly untuned: { readonly us: number }; readonly best: { readonly us: number } }[]
  assert.ok(found.length >= 1 && found.every(t => t.candidates >= 2 && t.best.us <= t.untuned.us))
  const again = JSON.parse((await weft([...args, '--budget', '1s', '--json'], { env })).stdout) as typeof found
  assert.ok(again[0]!.candidates >= found[0]!.candidates, 'what was tried stays tried')
  const file = join(cache, 'exported.json')
  assert.is((await weft(['tune', '--device', 'wasm', '--threads', '1', '--budget', '0s', '--export', file], { env })).code, 0)
  const exported = readChoices(readFileSync(file, 'utf8'))!
  assert.match(exported.device, /^wasm, .*1 threads$/)
  assert.is((await weft(['tune', '--device', 'wasm', '--threads', '1', '--forget'], { env })).code, 0)
  assert.match((await weft([...args, '--budget', 'long'], { env })).stderr, /\[--budget\] wrong value/)
  writeFileSync(file, '')
})

test.run()
