/**
 * Products in words of sixteen bits at the edges of what a float can be, on the backend: maxima and whole numbers there lose what is
 * not finite, as the interpreter's do not. That ordinary rows are within their bound the suites of schedules show.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { attempt } from '../codegen/schedule.js'
import { KernelNames } from '../codegen/plan.js'
import type { Kernel } from '../codegen/kernel.js'
import { wasm } from '../codegen/targets/wasm.js'
import { schedules } from '../codegen/schedules/index.js'
import { linearOp } from '../graph/ops/linear.js'
import type { Program } from '../runtime/backend.js'
import { openWasm, type WasmBackend } from '../runtime/wasm/backend.js'
import { bind, contextOf, difference, expected, problem, type Problem } from './support/problems.js'
import { prepare, type Inputs } from './support/wasm-kernels.js'

const inner = 256
const out = 6

interface Case {
  readonly title: string
  readonly problem: Problem
  readonly kernel: Kernel
  readonly inputs: Inputs
  /** Whether an operand is not finite, and every output must not be either. */
  readonly bad: boolean
  /** Compares what was left in `inputs` with the meaning. */
  readonly differs: () => string | null
}

let backend: WasmBackend
let program: Program
const cases: Case[] = []

function add(title: string, type: string, change: (at: number, was: number) => number, bad: boolean, names: KernelNames): void {
  const made = problem(linearOp, { sizes: { '...': [1], inner, out }, attributes: {} }, { type })
  const [x] = made.node.inputs
  const { data } = made.values.get(x!)!
  const p: Problem = { ...made, values: new Map([...made.values, [x!, { shape: [1, inner], data: Float64Array.from(data, (was, at) => change(at, was)) }]]) }
  const context = contextOf(p, backend.caps, 'i16')
  const lowered = attempt(schedules.find(s => s.name === 'linear.row')!, p.node, context, { rows: 2, unroll: 2 })
  if ('reject' in lowered) throw new Error(lowered.reject)
  const [step] = lowered.steps
  const bound = bind(p, context, lowered)
  const bytes = (param: string): Uint8Array => bound.buffers.get(bound.keyOf(step!, param))!
  cases.push({
    title: `${type}, ${title}`, problem: p, kernel: names.unique(step!.kernel), bad, inputs: Object.fromEntries(step!.kernel.params.map(param => [param.name, bytes(param.name)])),
    differs: () => difference(p, bound, expected(p), 'i16'),
  })
}

test.before(async () => {
  backend = await openWasm({ threads: 2 })
  const names = new KernelNames()
  for (const type of ['nvfp4', 'q8_0', 'q4_1', 'q6_k']) {
    for (const value of [NaN, Infinity, -Infinity]) for (const place of [0, 17, 255]) add(`${value} at ${place}`, type, (at, was) => (at === place ? value : was), true, names)
    add('noughts', type, () => 0, false, names)
    add('a group of noughts', type, (at, was) => (at >= 64 && at < 96 ? 0 : was), false, names)
    add('a group of the least numbers', type, (at, was) => (at >= 64 && at < 96 ? 1e-42 * (at % 7) : was), false, names)
    add('large numbers beside small ones', type, (at, was) => (Math.floor(at / 16) % 2 === 0 ? was * 1e6 : was * 1e-6), false, names)
    add('one large number in each group', type, (at, was) => (at % 16 === 5 ? 1e4 : was), false, names)
  }
  program = await backend.compile(wasm.render(names.kernels, backend.caps))
})
test.after(() => backend.close())

for (const bad of [true, false]) {
  test(bad ? 'what is not finite reaches every output' : 'noughts, the least numbers and the largest of a group are within their bound', async () => {
    for (const c of cases.filter(c => c.bad === bad)) {
      const prepared = prepare(backend, program, c.kernel, c.inputs)
      await backend.run(prepared.recording).done
      const got = await prepared.read('out')
      if (bad) assert.ok(new Float32Array(got.slice().buffer, 0, out).every(v => !Number.isFinite(v)), c.title)
      else {
        (c.inputs['out'] as Uint8Array).set(got)
        assert.is(c.differs() ?? '', '', c.title)
      }
    }
  })
}
test.run()
