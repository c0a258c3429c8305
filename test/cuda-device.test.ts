/**
 * The CUDA backend on a device. Skipped with a line that says why where there is none, unless WEFT_TEST_CUDA=1 asks
 * for it; and what `openCuda` says where it cannot open one.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { WeftError } from '../graph/error.js'
import { openCuda } from '../runtime/cuda/backend.js'
import type { CudaBackend } from '../runtime/cuda/backend.js'
import { cudaDevices } from '../runtime/cuda/devices.js'
import { checks, measure } from './device/cuda-kernels.js'

const folder = mkdtempSync(join(tmpdir(), 'weft-cuda-'))
process.env['WEFT_CACHE'] = folder
test.after(() => rmSync(folder, { recursive: true, force: true }))

const failure = async (opening: Promise<unknown>): Promise<WeftError> => {
  const error = await opening.then(() => null, (e: unknown) => e)
  assert.instance(error, WeftError)
  return error as WeftError
}

const { devices, reason } = await cudaDevices()
if (devices.length === 0) {
  console.log(`skipped: CUDA on a device: ${reason}`)
  if (process.env['WEFT_TEST_CUDA'] === '1') test('there is a device', () => assert.unreachable(String(reason)))
  test('opening says why there is none', async () => {
    const { message } = await failure(openCuda())
    assert.is(message, reason)
    assert.match(message, /^\[(cuda|WEFT_NVRTC)\] \S/)
    assert.not.match(message, /\n/)
  })
} else {
  let backend: CudaBackend
  test.before(async () => {
    backend = await openCuda()
    console.log(backend.description)
  })
  for (const { name, run } of checks) test(name, () => run(backend))
  test('an index beyond the devices is refused with their number', async () => {
    assert.match((await failure(openCuda(devices.length))).message, new RegExp(`there is no device ${devices.length}: expected 0.*, got ${devices.length}`))
    assert.match((await failure(openCuda(-1))).message, /there is no device -1/)
  })
  test('NVRTC that is not there is named', async () => {
    process.env['WEFT_NVRTC'] = '/nowhere'
    assert.match((await failure(openCuda())).message, /\[WEFT_NVRTC\] no such file or folder: \/nowhere/)
    delete process.env['WEFT_NVRTC']
  })
  test('two backends take turns, closing waits for what runs and may be done twice', async () => {
    const other = await openCuda()
    const buffer = other.alloc(1024, 'x')
    other.write(buffer, new Uint8Array(1024).fill(7))
    backend.free(backend.alloc(16, 'y'))
    const reading = other.read(buffer)
    await other.close()
    await other.close()
    assert.ok((await reading).every(v => v === 7))
    assert.throws(() => other.alloc(4, 'z'), /was closed/)
  })
  test('figures, for people', async () => {
    const { uploadGBs, ticketMicroseconds, perKernelMicroseconds } = await measure(backend)
    console.log(`upload ${uploadGBs.toFixed(1)} GB/s, run to resolved ticket ${ticketMicroseconds.toFixed(0)} µs, ${perKernelMicroseconds.toFixed(2)} µs a dependent kernel`)
  })
  test.after(() => backend.close())
}

test.run()
