/**
 * Choosing a device. `auto` takes cuda, then webgpu on a real GPU, then wasm, and says which it took and why not the
 * others; a device that was named is taken or the reason given, never replaced.
 */
import { WeftError } from '../graph/error.js'
import type { Backend } from '../runtime/backend.js'
import type { DeviceName, LoadOptions } from './types.js'

/** Backends load when they are asked for: their libraries take time, and need not be there. */
async function open(name: Exclude<DeviceName, 'auto' | 'reference'>, options: LoadOptions): Promise<Backend> {
  if (name === 'wasm') {
    const { openWasm } = await import('../runtime/wasm/backend.js')
    return openWasm(options.threads === undefined ? {} : { threads: options.threads })
  }
  if (name === 'webgpu') {
    const { openWebGpu } = await import('../runtime/webgpu/open.js')
    return openWebGpu({ software: options.softwareGpu ?? false })
  }
  const { openCuda } = await import('../runtime/cuda/backend.js')
  return openCuda(name === 'cuda' ? 0 : Number(name.slice('cuda:'.length)))
}

/** What went wrong, without where and without the details that `weft devices` has. */
const reasonOf = (error: WeftError): string => error.message.replace(/^\[[^\]]*\] /, '').replace(/: expected .*$/, '')

export async function openDevice(options: LoadOptions): Promise<Backend> {
  const name = options.device ?? 'auto'
  if (name === 'reference') throw new WeftError({ where: '--device', what: 'the reference is no backend', exitCode: 2 })
  if (name !== 'auto') {
    if (!/^(wasm|webgpu|cuda(:\d+)?)$/.test(name)) {
      throw new WeftError({ where: '--device', what: 'unknown device', expected: 'auto, wasm, webgpu, cuda, cuda:N or reference', got: name, exitCode: 2 })
    }
    return open(name, options)
  }
  const reasons: string[] = []
  for (const candidate of ['cuda', 'webgpu', 'wasm'] as const) {
    try {
      const backend = await open(candidate, options)
      if (options.onDevice) options.onDevice(backend.description, reasons)
      else options.onNotice?.(`device: ${backend.description}${reasons.length ? ` (${reasons.join('; ')})` : ''}`)
      return backend
    } catch (error) {
      if (!(error instanceof WeftError)) throw error
      reasons.push(`no ${candidate}: ${reasonOf(error)}`)
    }
  }
  throw new WeftError({ where: '--device', what: `no device: ${reasons.join('; ')}` })
}
