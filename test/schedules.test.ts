/** Every schedule and knob against the meaning of its op, on the processor or on CUDA. */
import { test } from 'uvu'
import { plainDevices, skip } from './support/backends.js'
import { scheduleSuite } from './support/device-schedules.js'

const devices = plainDevices()
if (devices.length === 0) skip('schedules: no device that was asked for')
for (const device of devices) await scheduleSuite(device)
test.run()
