/** A device op by op against the evaluator: the suite of `weft check --against` on real and software devices. */
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Compiled } from '../../codegen/compile.js'
import { checkAgainst } from '../../engine/check-trace.js'
import type { LoadOptions } from '../../engine/types.js'
import type { TestDevice } from './backends.js'
import { fixtures } from './models.js'

export function traceSuite(device: TestDevice): void {
  test(`${device.name}: every op of a prompt`, async () => {
    const ids = Uint32Array.from({ length: 12 }, (_, i) => (i * 37 + 5) % 400)
    const name = device.name === 'cuda' ? 'cuda' : 'webgpu'
    const options: LoadOptions = { device: name, context: 256, chunk: 16, ...(device.slowCompiler ? { fuse: false } : {}) }
    // The prompt is one chunk: where kernels compile slowly, those of other plans are left out.
    const recompile = (c: Compiled): Compiled => (device.slowCompiler ? { ...c, kernels: [...new Set(c.plans.prefill.launches.map(l => l.kernel))] } : c)
    const [report] = await checkAgainst(join(fixtures, 'models/qwen3'), { device: 'reference' }, [options], () => ids, {}, { openDevice: () => device.open(), recompile, switches: { check: false } })
    assert.ok(report!.ok, JSON.stringify({ first: report!.first, diagnosis: report!.diagnosis }))
    assert.equal([report!.ops.length, report!.missing.length], [60, 0])
    if (!device.slowCompiler) assert.ok(report!.fused!.length >= 30)
  })
}
