/** The built-in model on WebGPU: on every software adapter of this machine, or on the real one with WEFT_TEST_GPU=1. */
import { test } from 'uvu'
import { skip, webGpuDevices } from './support/backends.js'
import { lexiconSuite } from './support/lexicon.js'

const devices = webGpuDevices()
for (const device of devices) await lexiconSuite(device)
if (devices.length === 0) skip('WebGPU: no adapter that was asked for')

test.run()
