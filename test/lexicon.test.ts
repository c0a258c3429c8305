/** The built-in model on the evaluator and on the processor, or on CUDA with WEFT_TEST_CUDA=1; and that it is what its log says. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { onProcessor, plainDevices, skip } from './support/backends.js'
import { lexicon, lexiconOnReference, lexiconSuite } from './support/lexicon.js'

test('the files that ship are those that the run of its log left', () => {
  const log = readFileSync(join(lexicon, 'make', 'run.log'), 'utf8')
  const sums = [...log.matchAll(/^([0-9a-f]{64})  (\S+)$/gm)].map(([, sum, name]) => ({ name: name!, sum: sum! }))
  assert.equal(sums.map(s => s.name), ['model.safetensors', 'config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'eval.jsonl'])
  for (const { name, sum } of sums) assert.is(createHash('sha256').update(readFileSync(join(lexicon, name))).digest('hex'), sum, name)
})

if (onProcessor()) lexiconOnReference()
for (const device of plainDevices()) await lexiconSuite(device)
if (plainDevices().length === 0) skip('the processor: WEFT_TEST_GPU=1 asks for the GPU alone')

test.run()
