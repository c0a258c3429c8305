/**
 * Every schedule on the interpreter: its kernels run small problems without a finding and give what the op means, for
 * every type of weight, for fixed and live sizes, and for every value of its knobs; and every schedule and knob value is
 * taken by at least one of the chips below.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Caps } from '../codegen/caps.js'
import { inspectKernel } from '../codegen/interpret.js'
import { attempt, knobChoices, type Schedule } from '../codegen/schedule.js'
import { advance } from '../codegen/schedules/advance.js'
import { schedules } from '../codegen/schedules/index.js'
import { pageSize } from '../codegen/state.js'
import { quantTypes } from '../codegen/types/table.js'
import { addOp, mulOp, siluOp, sliceOp } from '../graph/ops/arithmetic.js'
import { attentionOp, kvAppendOp, qkvHeadsOp } from '../graph/ops/attention.js'
import { fusedLinearOp, linearOp, siluMulOp } from '../graph/ops/linear.js'
import { rmsNormOp } from '../graph/ops/norm.js'
import { ropeOp } from '../graph/ops/rope.js'
import { embeddingOp, rowsOp } from '../graph/ops/rows.js'
import { argmaxOp, topKOp } from '../graph/ops/select.js'
import type { Op } from '../graph/op.js'
import { bind, contextOf, difference, expected, problem, type Problem, type Sample } from './support/problems.js'

const gpu: Caps = {
  target: 'wgsl', chip: 'a GPU', arch: null, subgroup: { min: 32, max: 32 }, maxThreads: 1024, sharedBytes: 65536, f16: true, matrix: true, simd: false,
  maxBuffers: 10, maxBinding: 2 ** 30, units: 8,
}
/** Chips that differ in what schedules ask of them; one computes in f16. */
const chips: readonly { readonly caps: Caps; readonly compute: 'f32' | 'f16' }[] = [
  { caps: gpu, compute: 'f32' },
  { caps: { ...gpu, chip: 'a GPU in f16' }, compute: 'f16' },
  { caps: { ...gpu, chip: 'a GPU without subgroups', subgroup: null, maxThreads: 256, sharedBytes: 16384, f16: false, matrix: false, maxBuffers: 8 }, compute: 'f32' },
  { caps: { ...gpu, chip: 'a GPU of small subgroups', subgroup: { min: 8, max: 64 }, matrix: false }, compute: 'f32' },
  { caps: { ...gpu, target: 'wasm', chip: 'a CPU', subgroup: null, maxThreads: 1, f16: false, matrix: false, simd: true }, compute: 'f32' },
]

const ops: readonly Op[] = [
  addOp, mulOp, siluOp, sliceOp, attentionOp, kvAppendOp, qkvHeadsOp, fusedLinearOp, linearOp, siluMulOp, rmsNormOp, ropeOp, embeddingOp, rowsOp, argmaxOp, topKOp,
]

/** Shapes that the ops' own samples do not have: widths that are no whole runs, few rows of a fused linear, odd heads. */
const more: readonly [Op, Sample][] = [
  [linearOp, { sizes: { '...': [2], inner: 48, out: 20 }, attributes: {} }],
  [fusedLinearOp, { sizes: { '...': [8], inner: 96, rows: 40, out: 40 }, attributes: { eps: 1e-6, epilogue: 'none' } }],
  [fusedLinearOp, { sizes: { '...': [1], inner: 96, rows: 40, out: 40 }, attributes: { eps: 0, epilogue: 'none' }, omit: ['norm'] }],
  [fusedLinearOp, { sizes: { '...': [1], inner: 64, rows: 66, out: 33 }, attributes: { eps: 0, epilogue: 'siluMul' }, omit: ['norm', 'bias', 'residual'] }],
  // Large enough for the largest tiles to be worth their while.
  [linearOp, { sizes: { '...': [130], inner: 32, out: 400 }, attributes: {} }],
  [fusedLinearOp, { sizes: { '...': [130], inner: 32, rows: 800, out: 400 }, attributes: { eps: 0, epilogue: 'siluMul' }, omit: ['norm', 'bias'] }],
  [embeddingOp, { sizes: { tokens: 3, vocab: 7, hidden: 48 }, attributes: {} }],
  [rmsNormOp, { sizes: { '...': [3], width: 37 }, attributes: { eps: 1e-6 } }],
  [attentionOp, { sizes: { tokens: 3, heads: 2, headDim: 12, slots: 512, kvHeads: 1, sequences: 1, pages: 2 }, attributes: { window: 5, scale: 0.3 } }],
  [attentionOp, { sizes: { tokens: 20, heads: 2, headDim: 16, slots: 1024, kvHeads: 2, sequences: 3, pages: 2 }, attributes: { window: null, scale: 0.25 } }],
]

const hasMatrix = (op: Op): boolean => Object.entries(op.inputs).some(([name, pattern]) => name === 'weight' && pattern.includes(','))
const hasCache = (op: Op): boolean => Object.values(op.inputs).some(p => p.startsWith('float[slots'))
const columns = (s: Sample): number => (s.sizes['inner'] ?? s.sizes['hidden'] ?? 0) as number

function* problemsOf(op: Op): Generator<Problem> {
  const samples = [...op.samples, ...more.filter(([o]) => o === op).map(([, s]) => s)]
  for (const [i, sample] of samples.entries()) {
    // Every type with few rows and with many; one of each kind (no scale, minima, row scales) with other shapes.
    const rows = [sample.sizes['...'] ?? 1].flat()[0]!
    const wanted = i === 0 || (rows > 64 && rows < 100) ? Object.keys(quantTypes) : rows > 100 ? ['q4_1'] : ['f16', 'q4_1', 'nvfp4']
    const fits = (t: string): boolean => columns(sample) % (quantTypes[t]!.scale?.group ?? 1) === 0 && wanted.includes(t)
    const types = hasMatrix(op) ? Object.keys(quantTypes).filter(fits) : [undefined]
    for (const type of types) {
      for (const kv of hasCache(op) ? ['f32', 'f16'] as const : ['f32'] as const) {
        const options = { kv, ...(type === undefined ? {} : { type }) }
        yield problem(op, sample, options)
        if (type === undefined || type === 'q4_1') yield problem(op, sample, { ...options, spare: 5 })
      }
    }
  }
}

/** The untuned knobs, and each other value of each knob by itself. */
function knobsOf(s: Schedule): readonly Readonly<Record<string, number>>[] {
  const [untuned] = knobChoices(s)
  return [untuned!, ...Object.entries(s.knobs).flatMap(([name, values]) => values.slice(1).map(v => ({ ...untuned!, [name]: v })))]
}

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
    assert.is(difference(p, bound, outputs, compute === 'f16' ? 5e-3 : p.kv === 'f16' ? 1e-3 : 1e-5) ?? '', '', what)
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
        assert.is(difference(p, bound, [want], 0) ?? '', '', `${s.name} on ${caps.chip}, ${bad}`)
      }
    }
  }
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
