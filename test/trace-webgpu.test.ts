/** WebGPU op by op against the evaluator: on every software adapter of this machine, or on the real one with WEFT_TEST_GPU=1. */
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Compiled } from '../codegen/compile.js'
import { checkAgainst } from '../engine/check-trace.js'
import { skip, webGpuDevices } from './support/backends.js'
import { fixtures } from './support/models.js'

const devices = webGpuDevices()
if (devices.length === 0) skip('traces: no WebGPU adapter that was asked for')
for (const device of devices) {
  test(`${device.name}: every op of a prompt`, async () => {
    const ids = Uint32Array.from({ length: 12 }, (_, i) => (i * 37 + 5) % 400)
    // The prompt is one chunk without fusion: kernels of other plans, which software adapters take long to compile, are left out.
    const recompile = (c: Compiled): Compiled => ({ ...c, kernels: [...new Set(c.plans.prefill.launches.map(l => l.kernel))] })
    const [report] = await checkAgainst(join(fixtures, 'models/qwen3'), { device: 'reference' }, [{ device: 'webgpu', context: 256, chunk: 16, fuse: false }], () => ids, {}, { openDevice: () => device.open(), recompile })
    assert.ok(report!.ok, JSON.stringify({ first: report!.first, diagnosis: report!.diagnosis }))
    assert.is(report!.ops.length, 60)
    assert.is(report!.missing.length, 0)
  })
}
test.run()
