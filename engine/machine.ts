/**
 * What a measurement was made on, in words that last: results, tuned kernels and roofs are kept by device and driver, and
 * are worth nothing on another.
 */
import { readFileSync } from 'node:fs'
import type { Backend } from '../runtime/backend.js'

/** What stands between kernels and the chip, with its version. */
export function driverOf(backend: Pick<Backend, 'name' | 'description'>): string {
  switch (backend.name) {
    case 'cuda': return nvidiaDriver() ?? backend.description
    // Dawn names the driver after the chip.
    case 'webgpu': return backend.description
    case 'wasm': return `V8 ${process.versions['v8']}, ${process.platform}-${process.arch}`
    default: return backend.name satisfies never
  }
}

function nvidiaDriver(): string | null {
  try {
    const version = /Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s/.exec(readFileSync('/proc/driver/nvidia/version', 'utf8'))?.[1]
    return version === undefined ? null : `NVIDIA ${version}`
  } catch {
    return null
  }
}

/** Names a device for keys and files: backend, chip, architecture and how much of it is used. */
export function deviceOf({ name, caps }: Pick<Backend, 'name' | 'caps'>): string {
  return [name, caps.chip, ...(caps.arch === null ? [] : [caps.arch]), `${caps.units} ${caps.simd ? 'threads' : 'units'}`].join(', ')
}
