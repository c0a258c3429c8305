/**
 * Every schedule on a device: for every type of weight and of cache, fixed and live sizes, and every value of its knobs that is
 * legal there, its kernels give what the op means. Outputs begin as NaN, so that one left unwritten shows. All kernels
 * are compiled together.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { targets } from '../../codegen/compile.js'
import { KernelNames } from '../../codegen/plan.js'
import { attempt, knobChoices, type Compute, type Lowered } from '../../codegen/schedule.js'
import { schedules } from '../../codegen/schedules/index.js'
import type { Backend, BufferView, DeviceBuffer, Program } from '../../runtime/backend.js'
import { computes, type TestDevice } from './backends.js'
import { bind, contextOf, difference, expected, type Bound, type Problem } from './problems.js'
import { knobsOf, ops, problemsOf } from './schedule-problems.js'

interface Case {
  readonly schedule: string
  readonly title: string
  readonly problem: Problem
  readonly lowered: Lowered
  readonly bound: Bound
  readonly words: Readonly<Record<string, number>>
  readonly products: Compute
}

/** Where kernels take seconds to compile: problems of a schedule with its untuned knobs; every other value of them has one. */
const fewProblems = 2

/** Schedules that decode every type of weight even there, with their smallest knobs: runs of an embedding, a matvec, a tile. */
const everyType: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'embedding.runs': { threads: 64 },
  'linear.matvec': { lanes: 8, columns: 1, threads: 64, stages: 1 },
}

const byRows = (problems: readonly Problem[]): readonly Problem[] => [...problems].sort((a, b) => a.max['tokens']! - b.max['tokens']!)

/** Problems of one kind read weights and caches of one type, and have live rows or fixed ones. */
function kindOf(p: Problem): string {
  const live = p.max['tokens']! > p.dims['tokens']! || p.max['outputs']! > p.dims['outputs']!
  return [...[...p.matrices.values()].map(m => m.type.name), p.kv, live].join(' ')
}

function casesOf(device: TestDevice, backend: Backend): readonly Case[] {
  const problems = new Map(ops.map(op => [op.name, [...problemsOf(op)]]))
  const found: Case[] = []
  for (const s of schedules) {
    for (const compute of computes(backend.caps)) {
      const [untuned, ...tuned] = knobsOf(s)
      const add = (p: Problem, knobs: Readonly<Record<string, number>>): boolean => {
        // Of one unit, so that no schedule turns a small problem down for leaving others idle.
        const context = contextOf(p, { ...backend.caps, units: 1 }, compute)
        if (context.kv === 'f16' && !backend.caps.f16) return false
        const asked = attempt(s, p.node, context, knobs)
        // Where the untuned tile is too large for the chip, the engine goes on to the next.
        const smaller = 'reject' in asked && knobs === untuned && /shared memory/.test(asked.reject)
        const lowered = smaller ? [...knobChoices(s)].map(k => attempt(s, p.node, context, k)).find(l => !('reject' in l)) ?? asked : asked
        if ('reject' in lowered) return false
        found.push({ schedule: s.name, title: `${s.name} ${JSON.stringify(knobs)} ${compute}: ${p.title}`, problem: p, lowered, bound: bind(p, context, lowered), words: context.state.words, products: compute })
        return true
      }
      // A second precision has something to show only where kernels differ: in products.
      if (compute === 'f16' && !/inear/.test(s.op) && s.name !== 'attention.matrix') continue
      if (compute === 'i16' && !/inear\.row$/.test(s.name)) continue
      const own = problems.get(s.op)!
      let taken = 0
      const seen = new Set<string>()
      for (const p of own) {
        if (device.slowCompiler && taken >= fewProblems) break
        if (device.kindsOnly && seen.has(kindOf(p))) continue
        if (!add(p, untuned!)) continue
        seen.add(kindOf(p))
        taken++
      }
      const light = device.slowCompiler && compute === 'f32' ? everyType[s.name] : undefined
      if (light) {
        const types = new Set<string>()
        for (const p of byRows(own)) for (const m of p.matrices.values()) if (!types.has(m.type.name) && add(p, light)) types.add(m.type.name)
      }
      for (const knobs of tuned) {
        if (device.slowCompiler || device.kindsOnly) {
          byRows(own).some(p => add(p, knobs))
          continue
        }
        const kinds = new Set<string>()
        for (const p of own) if (!kinds.has(kindOf(p)) && add(p, knobs)) kinds.add(kindOf(p))
      }
    }
  }
  return found
}

async function run(backend: Backend, program: Program, names: KernelNames, c: Case): Promise<void> {
  const buffers = new Map<string, DeviceBuffer>()
  for (const [key, bytes] of c.bound.buffers) {
    const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4)
    padded.set(bytes)
    const buffer = backend.alloc(padded.length, key)
    backend.write(buffer, padded)
    buffers.set(key, buffer)
  }
  const view = (key: string): BufferView => ({ buffer: buffers.get(key)!, offset: 0, bytes: buffers.get(key)!.bytes })
  const recording = backend.record({
    label: c.title, dims: c.problem.max, state: { view: view('state'), words: c.words },
    launches: c.lowered.steps.map(s => {
      const kernel = names.unique(s.kernel)
      return { program, kernel: kernel.name, tiles: kernel.tiles, args: kernel.params.map(p => view(c.bound.keyOf(s, p.name))) }
    }),
  })
  await backend.run(recording).done
  for (const [key, bytes] of c.bound.buffers) bytes.set((await backend.read(buffers.get(key)!)).subarray(0, bytes.length))
  for (const b of buffers.values()) backend.free(b)
}

export async function scheduleSuite(device: TestDevice): Promise<void> {
  const backend = await device.open()
  const names = new KernelNames()
  const cases = casesOf(device, backend)
  let program: Program
  test(`${device.name}: kernels of ${cases.length} cases compile`, async () => {
    for (const c of cases) for (const s of c.lowered.steps) names.unique(s.kernel)
    program = await backend.compile(targets[backend.caps.target].render(names.kernels, backend.caps))
    assert.ok(names.kernels.length > 0)
  })
  for (const schedule of new Set(cases.map(c => c.schedule))) {
    test(`${device.name}: ${schedule}`, async () => {
      for (const c of cases.filter(c => c.schedule === schedule)) {
        const outputs = expected(c.problem)
        await run(backend, program, names, c)
        assert.is(difference(c.problem, c.bound, outputs, c.products) ?? '', '', c.title)
      }
    })
  }
  test.after(() => backend.close())
}
