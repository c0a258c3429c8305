/**
 * CUDA's kernels over every type of weight compile for every architecture weft has a profile of, without a GPU, wherever NVRTC is found: what
 * `golden-cuda` does for the types of two models, for each row of the table.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { KernelNames } from '../codegen/plan.js'
import { attempt } from '../codegen/schedule.js'
import { schedules } from '../codegen/schedules/index.js'
import { cuda } from '../codegen/targets/cuda.js'
import { quantTypes } from '../codegen/types/table.js'
import { WeftError } from '../graph/error.js'
import { embeddingOp } from '../graph/ops/rows.js'
import { linearOp } from '../graph/ops/linear.js'
import { openNvrtc, type Nvrtc } from '../runtime/cuda/nvrtc.js'
import { skip } from './support/backends.js'
import { contextOf, problem } from './support/problems.js'
import { knobsOf } from './support/schedule-problems.js'
import { cudaProfiles } from './support/chips.js'

const elf = [0x7f, 0x45, 0x4c, 0x46]
const samples = [
  [linearOp, { sizes: { '...': [1], inner: 512, out: 256 }, attributes: {}, omit: ['bias'] }],
  [linearOp, { sizes: { '...': [64], inner: 256, out: 128 }, attributes: {}, omit: ['bias'] }],
  [embeddingOp, { sizes: { tokens: 3, vocab: 40, hidden: 256 }, attributes: {} }],
] as const

const nvrtc: Nvrtc | string = await openNvrtc().catch((e: unknown) => {
  if (e instanceof WeftError) return e.message
  throw e
})

if (typeof nvrtc === 'string') skip(`kernels of every type of weight for sm_80, sm_90a and sm_120a: ${nvrtc}`)
else {
  for (const [arch, caps] of Object.entries(cudaProfiles)) {
    test(`${arch}: every schedule of a product and an embedding, over every type`, async () => {
      const names = new KernelNames()
      const taken = new Set<string>()
      for (const type of Object.keys(quantTypes)) {
        for (const [op, sample] of samples) {
          const p = problem(op, sample, { type })
          for (const s of schedules.filter(s => s.op === op.name)) {
            const made = attempt(s, p.node, contextOf(p, { ...caps, units: 1 }, 'f16'), knobsOf(s)[0]!)
            if ('reject' in made) continue
            for (const { kernel } of made.steps) names.unique(kernel)
            taken.add(`${s.name} ${type}`)
          }
        }
      }
      for (const type of Object.keys(quantTypes)) for (const name of ['linear.matvec', 'linear.matrix', 'linear.plain', 'embedding.runs']) assert.ok(taken.has(`${name} ${type}`), `${name} of ${type}`)
      const { prelude, kernels } = cuda.render(names.kernels, caps)
      const { cubin, log } = await nvrtc.compile([prelude, ...kernels.map(k => k.text)].join('\n'), arch)
      assert.equal([...cubin.subarray(0, 4)], elf)
      assert.is(log, '')
    })
  }
}

test.run()
