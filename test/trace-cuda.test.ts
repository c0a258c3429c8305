/** CUDA op by op against the evaluator, with WEFT_TEST_CUDA=1. */
import { test } from 'uvu'
import { plainDevices, skip } from './support/backends.js'
import { traceSuite } from './support/trace-device.js'

const devices = plainDevices().filter(d => d.name === 'cuda')
if (devices.length === 0) skip('traces on CUDA: WEFT_TEST_CUDA=1 was not asked for')
devices.forEach(traceSuite)
test.run()
