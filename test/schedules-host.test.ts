/** Every schedule and knob against the meaning of its op, in HIP and in Metal, as far as a processor can tell. */
import { test } from 'uvu'
import type { Caps } from '../codegen/caps.js'
import { profile } from '../bin/profiles.js'
import { onProcessor, skip } from './support/backends.js'
import { scheduleSuite } from './support/device-schedules.js'
import { findClang, HostBackend } from './support/host-device.js'

/** What the two AMD chips share is shown on the first: the second has another matrix unit and half the lanes. */
const chips: readonly { readonly caps: Caps; readonly few: boolean }[] = [
  { caps: profile({ target: 'hip', arch: 'gfx942', caps: undefined }), few: false },
  { caps: profile({ target: 'hip', arch: 'gfx1100', caps: undefined }), few: true },
  { caps: profile({ target: 'msl', arch: 'apple-m3', caps: undefined }), few: false },
]

const found = findClang()
if ('missing' in found) skip(`schedules in hip and msl: ${found.missing}`)
else if (!onProcessor()) skip('schedules in hip and msl: only on the processor')
else {
  for (const { caps, few } of chips) {
    await scheduleSuite({ name: caps.target as 'hip' | 'msl', slowCompiler: few, kindsOnly: true, open: async () => new HostBackend(caps, found.path) })
  }
}
test.run()
