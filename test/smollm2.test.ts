/**
 * Real weights: SmolLM2-135M-Instruct in Q4_1, with its permuted q and k, tied head, tokenizer and template, against
 * transformers in float32 on the dequantized weights. The file is 98 MB and not in the repository: WEFT_TEST_SMOLLM2
 * names it, else it is looked for beside the checkout.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { check, load, type Model } from '../engine/index.js'
import { explain } from './support/parity.js'
import { skip } from './support/backends.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const path = process.env['WEFT_TEST_SMOLLM2'] ?? join(root, '../shared/models/smollm2-135m-instruct-q4_1.gguf')
const device = process.env['WEFT_TEST_CUDA'] === '1' ? 'cuda' : process.env['WEFT_TEST_GPU'] === '1' ? 'webgpu' : 'wasm'

if (!existsSync(path)) skip(`SmolLM2: ${path} is not there (WEFT_TEST_SMOLLM2 names it)`)
else {
  for (const compute of device === 'wasm' ? (['f32'] as const) : (['f32', 'f16'] as const)) {
    let model: Model
    test(`${device}, ${compute}: loads`, async () => {
      model = await load(path, { device, compute, context: 1024 })
    })
    for (const name of ['ufo', 'capital', 'turns']) {
      test(`${device}, ${compute}: ${name}`, async () => {
        const report = await check(model, join(root, 'test/fixtures/smollm2', name))
        assert.ok(report.ok, explain(name, report))
        assert.is(report.template?.equal, true)
        assert.is(report.promptIds?.equal, true)
      })
    }
    test(`${device}, ${compute}: answers the prompt of the origin story in English`, async () => {
      let text = ''
      for await (const piece of model.generate('Write one short sentence about UFO and you.', { temperature: 0, maxTokens: 48 })) text += piece.text
      assert.match(text, /^A UFO is a fictional extraterrestrial being/)
      await model.close()
    })
  }
}
test.run()
