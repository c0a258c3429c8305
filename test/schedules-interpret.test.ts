/**
 * Every schedule on the interpreter: its kernels run small problems without a finding and give what the op means, for
 * every type of weight, for fixed and live sizes, and for every value of its knobs; and every schedule and knob value is
 * taken by at least one of the chips below.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Caps } from '../codegen/caps.js'
import { inspectKernel } from '../codegen/interpret.js'
import { attempt, type Compute, type Schedule } from '../codegen/schedule.js'
import { advance } from '../codegen/schedules/advance.js'
import { schedules } from '../codegen/schedules/index.js'
import { pageSize } from '../codegen/state.js'
import { embeddingOp } from '../graph/ops/rows.js'
import { argmaxOp } from '../graph/ops/select.js'
import { bind, contextOf, difference, expected, problem, type Problem } from './support/problems.js'
import { knobsOf, ops, problemsOf } from './support/schedule-problems.js'

const gpu: Caps = {
  target: 'wgsl', chip: 'a GPU', arch: null, subgroup: { min: 32, max: 32 }, maxThreads: 1024, sharedBytes: 65536, f16: true, matrix: true, tensorCopy: false, cluster: 1, simd: false,
  maxBuffers: 10, maxBinding: 2 ** 30, units: 8,
}
/** Chips that differ in what schedules ask of them, and in what they compute in. */
const cpu: Caps = { ...gpu, target: 'wasm', chip: 'a CPU', subgroup: null, maxThreads: 1, f16: false, matrix: false, tensorCopy: false, cluster: 1, simd: true }
const chips: readonly { readonly caps: Caps; readonly compute: Compute }[] = [
  { caps: gpu, compute: 'f32' },
  { caps: { ...gpu, chip: 'a GPU in f16', sharedBytes: 2 ** 17 }, compute: 'f16' },
  { caps: { ...gpu, chip: 'a GPU without subgroups', subgroup: null, maxThreads: 256, sharedBytes: 16384, f16: false, matrix: false, maxBuffers: 8 }, compute: 'f32' },
  { caps: { ...gpu, chip: 'a GPU of small subgroups', subgroup: { min: 8, max: 64 }, matrix: false }, compute: 'f32' },
  { caps: cpu, compute: 'f32' },
  { caps: { ...cpu, chip: 'a CPU in i16' }, compute: 'i16' },
]

/** What was taken somewhere, as `schedule` and `schedule knob=value`. */
const taken = new Set<string>()
/** Kernels that have run: the same kernel on a second chip has nothing new to show. */
const ran = new Map<Problem, Set<string>>()

function check(s: Schedule, p: Problem, { caps, compute }: (typeof chips)[number], knobs: Readonly<Record<string, number>>): void {
  const context = contextOf(p, caps, compute)
  const made = attempt(s, p.node, context, knobs)
  if ('reject' in made) return
  taken.add(s.name)
  for (const [name, value] of Object.entries(knobs)) taken.add(`${s.name} ${name}=${value}`)
  const text = JSON.stringify(made.steps.map(step => step.kernel))
  const seen = ran.get(p) ?? new Set()
  if (seen.has(text)) return
  ran.set(p, seen.add(text))
  const outputs = expected(p)
  // Only kernels that ask for subgroups can tell their sizes apart.
  const sizes = caps.subgroup && /"subgroup(Add|Max|ShuffleXor)"|"name":"(lane|subgroup)"/.test(text) ? [caps.subgroup.min, caps.subgroup.max] : [32]
  for (const subgroupSize of new Set(sizes)) {
    const what = `${s.name} ${JSON.stringify(knobs)} on ${caps.chip}, subgroups of ${subgroupSize}: ${p.title}`
    const bound = bind(p, context, made)
    for (const step of made.steps) {
      const buffers = Object.fromEntries(step.kernel.params.map(param => [param.name, { bytes: bound.buffers.get(bound.keyOf(step, param.name))! }]))
      const findings = inspectKernel(step.kernel, buffers, { dims: p.dims, subgroupSize })
      assert.is(findings.map(f => f.message).join('\n'), '', what)
    }
    assert.is(difference(p, bound, outputs, compute) ?? '', '', what)
  }
}

const problems = new Map(ops.map(op => [op.name, [...problemsOf(op)]]))

for (const s of schedules) {
  for (const chip of chips) {
    test(`${s.name} on ${chip.caps.chip}`, () => {
      const own = problems.get(s.op)
      assert.ok(own, `no problem is made for ${s.op}`)
      // All knobs on the first problem that is taken, and on one of live sizes; the rest untuned.
      const [untuned, ...tuned] = knobsOf(s)
      for (const p of own) check(s, p, chip, untuned!)
      for (const knobs of tuned) {
        const accepts = (p: Problem): boolean => !('reject' in attempt(s, p.node, contextOf(p, chip.caps, chip.compute), knobs))
        for (const live of [false, true]) {
          const p = own.find(q => (q.max['tokens']! > q.dims['tokens']! || q.max['outputs']! > q.dims['outputs']!) === live && accepts(q))
          if (p) check(s, p, chip, knobs)
        }
      }
    })
  }
}

test('a logit that is not a number becomes no token', () => {
  const made = problem(argmaxOp, { sizes: { outputs: 2, vocab: 600 }, attributes: {} })
  const logits = made.node.inputs[0]!
  const values = made.values.get(logits)!
  for (const bad of [NaN, Infinity, -Infinity]) {
    const data = Float64Array.from(values.data)
    data[300] = bad
    const p: Problem = { ...made, values: new Map([[logits, { ...values, data }]]) }
    const [clean] = expected(made)
    for (const { caps } of chips) {
      for (const s of schedules.filter(s => s.op === 'argmax')) {
        const context = contextOf(p, caps)
        const lowered = attempt(s, p.node, context, knobsOf(s)[0]!)
        if ('reject' in lowered) continue
        const bound = bind(p, context, lowered)
        for (const step of lowered.steps) {
          const buffers = Object.fromEntries(step.kernel.params.map(param => [param.name, { bytes: bound.buffers.get(bound.keyOf(step, param.name))! }]))
          assert.equal(inspectKernel(step.kernel, buffers, { dims: p.dims }), [])
        }
        const want = { shape: [2], data: Uint32Array.of(600, clean!.data[1]!) }
        assert.is(difference(p, bound, [want]) ?? '', '', `${s.name} on ${caps.chip}, ${bad}`)
      }
    }
  }
})

test('token ids beyond the vocabulary read no row that is not there', () => {
  const made = problem(embeddingOp, { sizes: { tokens: 4, vocab: 40, hidden: 64 }, attributes: {} }, { type: 'q4_1' })
  const arrays = { ...made.arrays, tokens: Uint32Array.of(40, 2 ** 31, 2 ** 32 - 1, 39) }
  let ran = 0
  for (const { caps, compute } of chips) {
    for (const s of schedules.filter(s => s.op === 'embedding')) {
      const p: Problem = { ...made, arrays }
      const context = contextOf(p, caps, compute)
      const lowered = attempt(s, p.node, context, knobsOf(s)[0]!)
      if ('reject' in lowered) continue
      const bound = bind(p, context, lowered)
      for (const step of lowered.steps) {
        const buffers = Object.fromEntries(step.kernel.params.map(param => [param.name, { bytes: bound.buffers.get(bound.keyOf(step, param.name))! }]))
        assert.equal(inspectKernel(step.kernel, buffers, { dims: p.dims }), [], `${s.name} on ${caps.chip}`)
        ran++
      }
    }
  }
  assert.ok(ran >= chips.length)
})

test('the closing launch of a decode step feeds the chosen ids', () => {
  const p = problem(argmaxOp, { sizes: { outputs: 2, vocab: 600 }, attributes: {} })
  const context = contextOf(p, gpu)
  const { kernel } = advance(p.node, context, 2)
  const { words, arrays, history, pages, totalWords } = context.state
  const state = new Uint32Array(totalWords)
  state[words.step] = history / 2
  state.set([pageSize - 1, 7], arrays.positions)
  state.set([0, 0], arrays.sequences)
  state.set(Array.from({ length: pages }, (_, i) => pages - i), arrays.pageTable)
  const findings = inspectKernel(kernel, { state: { bytes: state.buffer }, next: { bytes: Uint32Array.of(41, 42).buffer } }, { dims: p.dims })
  assert.equal(findings, [])
  const at = (from: number): readonly number[] => [...state.slice(from, from + 2)]
  assert.equal([at(arrays.tokens), at(arrays.positions), at(arrays.history), state[words.step]], [[41, 42], [pageSize, 8], [41, 42], history / 2 + 1])
  assert.equal(at(arrays.slots), [(pages - 1) * pageSize, pages * pageSize + 8])
})

test('every schedule and every value of its knobs is taken somewhere', () => {
  const all = schedules.flatMap(s => [s.name, ...Object.entries(s.knobs).flatMap(([name, values]) => values.map(v => `${s.name} ${name}=${v}`))])
  assert.equal(all.filter(name => !taken.has(name)), [])
})

test.run()
