/** Two sequences in one batch, growing caches and full contexts, on the processor or on CUDA. */
import { test } from 'uvu'
import { plainDevices, skip } from './support/backends.js'
import { sequenceSuite } from './support/sequences.js'

const devices = plainDevices()
if (devices.length === 0) skip('sequences: the GPU alone is asked for')
devices.forEach(sequenceSuite)
test.run()
