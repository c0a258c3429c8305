/**
 * Parity on real weights: SmolLM2-135M-Instruct in Q4_1 against transformers in float32 on the dequantized weights, with
 * its chat template and tokenizer. The file is too large for the repository: WEFT_TEST_SMOLLM2 says where it is. The
 * model is loaded as the engine loads it, with nothing of the tests between.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { check } from '../engine/check.js'
import { load } from '../engine/load.js'
import type { LoadOptions, Model } from '../engine/types.js'
import { skip } from './support/backends.js'
import { fixtures } from './support/models.js'
import { explain, generatesGreedily } from './support/parity.js'

const file = process.env['WEFT_TEST_SMOLLM2'] || fileURLToPath(new URL('../../../shared/models/smollm2-135m-instruct-q4_1.gguf', import.meta.url))
const gpu = process.env['WEFT_TEST_CUDA'] === '1' ? 'cuda' : process.env['WEFT_TEST_GPU'] === '1' ? 'webgpu' : null

/** The devices that were asked for; the processor unless any was. */
const options: readonly LoadOptions[] = gpu === null
  ? [{ device: 'wasm', compute: 'f32' }, { device: 'wasm', compute: 'i16' }]
  : [{ device: gpu, compute: 'f32' }, { device: gpu, compute: 'f16' }, { device: gpu, compute: 'f32', fuse: false }]

const prompts = ['ufo', 'capital', 'turns']

if (!existsSync(file)) skip(`real weights: ${file} is not there (WEFT_TEST_SMOLLM2 names SmolLM2-135M-Instruct in Q4_1)`)
else {
  for (const o of options) {
    const what = [o.device, o.compute, ...(o.fuse === false ? ['not fused'] : [])].join(' ')
    let model: Model
    test(`${what}: SmolLM2 loads`, async () => {
      model = await load(file, { context: 1024, ...o })
      assert.is(model.compute, o.compute)
    })
    for (const prompt of prompts) {
      test(`${what}: SmolLM2, ${prompt}`, async () => {
        const folder = join(fixtures, 'smollm2', prompt)
        let delta = 0
        for (const chunk of [undefined, 13]) {
          const report = await check(model, folder, chunk === undefined ? {} : { chunk })
          assert.ok(report.ok, explain(`${what}, ${prompt}`, report))
          assert.is(report.template?.equal, true, 'the template was compared')
          assert.is(report.promptIds?.equal, true, 'the ids were compared')
          delta = Math.max(delta, report.logits.largestDifference)
        }
        // The first margin of one prompt lies within the rounding of f16: there the teacher-forced tokens above are the judge.
        if (model.compute !== 'f16') await generatesGreedily(model, folder, delta, `${what}, ${prompt}`)
      })
    }
    test(`${what}: SmolLM2 closes`, () => model?.close())
  }
}

test.run()
