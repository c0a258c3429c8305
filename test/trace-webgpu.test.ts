/** WebGPU op by op against the evaluator: on every software adapter of this machine, or on the real one with WEFT_TEST_GPU=1. */
import { test } from 'uvu'
import { skip, webGpuDevices } from './support/backends.js'
import { traceSuite } from './support/trace-device.js'

const devices = webGpuDevices()
if (devices.length === 0) skip('traces: no WebGPU adapter that was asked for')
devices.forEach(traceSuite)
test.run()
