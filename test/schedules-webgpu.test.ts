/** Every schedule and knob against the meaning of its op, on WebGPU. */
import { test } from 'uvu'
import { skip, webGpuDevices } from './support/backends.js'
import { scheduleSuite } from './support/device-schedules.js'

const devices = webGpuDevices()
if (devices.length === 0) skip('schedules: no device that was asked for')
for (const device of devices) await scheduleSuite(device)
test.run()
