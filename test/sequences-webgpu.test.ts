/** Two sequences in one batch, growing caches and full contexts, on WebGPU. */
import { test } from 'uvu'
import { skip, webGpuDevices } from './support/backends.js'
import { sequenceSuite } from './support/sequences.js'

const devices = webGpuDevices()
if (devices.length === 0) skip('sequences: no WebGPU adapter that was asked for')
for (const device of devices) {
  if (device.beside) skip(`sequences on ${device.name}: lavapipe runs them`)
  else sequenceSuite(device)
}
test.run()
