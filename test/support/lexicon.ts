/**
 * The built-in model on one device: ten questions, each with the logits of transformers at the prompt's end and its greedy
 * tokens to the end of the answer, fed back to the model (teacher forcing): one by one, or, where a processor plays a GPU and
 * a step takes a fifth of a second, with the prompt in one pass. Expectations are made by `fixtures/make/lexicon.py`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { check, readExpected, tolerances } from '../../engine/check.js'
import { cacheElement } from '../../engine/planning.js'
import { load } from '../../engine/load.js'
import { computes, skip, type TestDevice } from './backends.js'
import { fixtures, ModelBench, type Prepared, type Setup } from './models.js'
import { explain } from './parity.js'

export const lexicon = fileURLToPath(new URL('../../../assets/lexicon', import.meta.url))

/** Folders of expectations, one for a question. */
export const questions: readonly string[] = readdirSync(join(fixtures, 'lexicon')).sort().map(name => join(fixtures, 'lexicon', name))

/** Registers the tests of one device; kernels of every arithmetic are compiled together. */
export async function lexiconSuite(device: TestDevice): Promise<void> {
  const bench = new ModelBench(await device.open(), device)
  // Where a processor plays a GPU, one arithmetic.
  const arithmetics = device.slowCompiler ? computes(bench.backend.caps).slice(-1) : computes(bench.backend.caps)
  const setups = arithmetics.map((compute): Setup => ({ compute, kv: cacheElement(compute, undefined), fuse: true, chunk: 64, context: 256, sequences: 1 }))
  const prepared: Prepared[] = []
  const asked = device.beside ? questions.slice(0, 3) : questions
  if (device.beside) skip(`lexicon on ${device.name}: ${questions.length - asked.length} of ${questions.length} questions, which lavapipe is asked`)

  test(`${device.name}: lexicon's kernels compile`, async () => {
    for (const setup of setups) prepared.push(await bench.prepare(lexicon, setup))
    assert.ok((await bench.compile()) > 0)
  })
  for (const [i, { compute }] of setups.entries()) {
    test(`${device.name}: lexicon answers ${asked.length} questions as the reference does, ${compute}`, async () => {
      const running = bench.run(prepared[i]!)
      try {
        assert.is(questions.length, 10)
        for (const folder of asked) {
          const report = await check(running.model, folder, { tolerance: tolerances[compute], atOnce: device.slowCompiler })
          assert.is(report.tokens.count, readExpected(folder).greedy.length, 'whole answers')
          assert.ok(report.ok, explain(`${device.name}, ${compute}, ${folder}`, report))
        }
      } finally {
        running.close()
      }
    })
  }
  test.after(() => bench.close())
}

/** On the evaluator, slow with so many weights: each question in one pass. Template and tokenizer are compared here. */
export function lexiconOnReference(): void {
  test('reference: lexicon answers ten questions as the reference does', async () => {
    const model = await load(lexicon, { device: 'reference', context: 256 })
    try {
      for (const folder of questions) {
        const { question, prompt } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as { readonly question: string, readonly prompt: readonly number[] }
        assert.equal([...model.tokenize(model.render([{ role: 'user', content: question }]))], prompt, 'template and tokenizer')
        const report = await check(model, folder, { tolerance: 1e-4, atOnce: true })
        assert.ok(report.ok, explain(`reference, ${folder}`, report))
        assert.is(report.tokens.count, readExpected(folder).greedy.length, 'whole answers')
      }
    } finally {
      await model.close()
    }
  })
}
