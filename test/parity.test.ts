/**
 * Parity, the first rule: the logits and tokens of a reference for every tiny model, on the evaluator and on the
 * processor, or on CUDA with WEFT_TEST_CUDA=1. WebGPU has `parity-webgpu.test.ts`.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { check } from '../engine/check.js'
import { load } from '../engine/load.js'
import { onProcessor, plainDevices, skip } from './support/backends.js'
import { fixtureModels } from './support/models.js'
import { explain, generatesGreedily, paritySuite } from './support/parity.js'

if (onProcessor()) {
  for (const fixture of fixtureModels()) {
    test(`reference: ${fixture.name}`, async () => {
      const model = await load(fixture.path, { device: 'reference', context: 256 })
      try {
        const report = await check(model, fixture.folder)
        assert.ok(report.ok, explain(fixture.name, report))
        const inChunks = await check(model, fixture.folder, { chunk: 7 })
        assert.ok(inChunks.ok, explain(`${fixture.name} in chunks`, inChunks))
        await generatesGreedily(model, fixture.folder, report.logits.largestDifference, fixture.name)
      } finally {
        await model.close()
      }
    })
  }
}

for (const device of plainDevices()) await paritySuite(device)
if (plainDevices().length === 0) skip('the processor: WEFT_TEST_GPU=1 asks for the GPU alone')

test.run()
