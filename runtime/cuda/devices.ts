/** What CUDA devices there are, and what each can do, as the driver says it. */
import { WeftError } from '../../graph/error.js'
import type { Caps } from '../../codegen/caps.js'
import { cudaCaps } from '../../codegen/targets/cuda-caps.js'
import { attribute, openDriver } from './driver.js'
import type { Driver } from './driver.js'
import { openNvrtc } from './nvrtc.js'

export interface CudaDevice {
  /** `cuda:INDEX` on the command line. */
  readonly index: number
  /** The driver's handle, which need not equal the index. */
  readonly handle: number
  readonly bytes: number
  readonly caps: Caps
}

export const deviceCount = (driver: Driver): number => driver.take<number>(out => driver.deviceCount(out), 'counting devices')

/** Throws a WeftError that says how many devices there are if the index is beyond them. */
export function describeDevice(driver: Driver, index: number): CudaDevice {
  const count = deviceCount(driver)
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new WeftError({ where: 'cuda', what: `there is no device ${index}`, expected: count === 0 ? 'no device: there is none' : count === 1 ? '0: there is one' : `0 to ${count - 1}`, got: String(index) })
  }
  const handle = driver.take<number>(out => driver.deviceGet(out, index), `device ${index}`)
  const value = (name: number): number => driver.take<number>(out => driver.deviceAttribute(out, name, handle), `attribute ${name} of device ${index}`)
  const name = new Uint8Array(256)
  driver.must(driver.deviceName(name, name.byteLength, handle), `name of device ${index}`)
  const chip = new TextDecoder().decode(name.subarray(0, Math.max(0, name.indexOf(0))))
  const caps = cudaCaps({
    chip, major: value(attribute.majorVersion), minor: value(attribute.minorVersion), units: value(attribute.multiprocessors),
    sharedBytes: value(attribute.sharedBytesPerBlockOptIn), maxThreads: value(attribute.maxThreadsPerBlock),
  })
  return Object.freeze({ index, handle, bytes: Number(driver.take<number | bigint>(out => driver.deviceBytes(out, handle), `memory of device ${index}`)), caps })
}

/** The devices kernels can be compiled for and run on; or none and the reason. */
export async function cudaDevices(): Promise<{ readonly devices: readonly CudaDevice[]; readonly reason: string | null }> {
  try {
    const driver = await openDriver()
    const devices = Array.from({ length: deviceCount(driver) }, (_, i) => describeDevice(driver, i))
    if (devices.length === 0) return { devices, reason: '[cuda] the driver sees no device' }
    await openNvrtc()
    return { devices, reason: null }
  } catch (error) {
    if (error instanceof WeftError) return { devices: [], reason: error.message }
    throw error
  }
}
