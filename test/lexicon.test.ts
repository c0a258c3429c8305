/** The built-in model on the evaluator and on the processor, or on CUDA with WEFT_TEST_CUDA=1. */
import { test } from 'uvu'
import { onProcessor, plainDevices, skip } from './support/backends.js'
import { lexiconOnReference, lexiconSuite } from './support/lexicon.js'

if (onProcessor()) lexiconOnReference()
for (const device of plainDevices()) await lexiconSuite(device)
if (plainDevices().length === 0) skip('the processor: WEFT_TEST_GPU=1 asks for the GPU alone')

test.run()
