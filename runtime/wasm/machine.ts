/** What this machine's processor is, and what its WebAssembly engine can do. */
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { api, type WasmModule } from './api.js'

export const chipName = (): string => cpus()[0]?.model.trim() ?? 'unknown processor'

/** Cores this process may use, hyperthreads counted once: two on a core share its vector units. */
export function defaultThreads(): number {
  const logical = availableParallelism()
  return Math.max(1, Math.min(logical, physicalCores() ?? logical))
}

function physicalCores(): number | null {
  try {
    const pairs = readFileSync('/proc/cpuinfo', 'utf8').split('\n\n').flatMap(block => {
      const field = (name: string): string | undefined => new RegExp(`^${name}\\s*:\\s*(\\d+)`, 'm').exec(block)?.[1]
      return field('core id') === undefined ? [] : [`${field('physical id')}/${field('core id')}`]
    })
    return pairs.length > 0 ? new Set(pairs).size : null
  } catch {
    return null
  }
}

/** A module of one function that does i8x16.relaxed_swizzle. */
const probe = Uint8Array.from([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 10, 43, 1, 41, 0,
  0xfd, 12, ...new Array<number>(16).fill(0), 0xfd, 12, ...new Array<number>(16).fill(0), 0xfd, 0x80, 2, 0x0b,
])

/**
 * Whether the engine takes relaxed SIMD. V8 before 11.4 (Node 20) has it behind a flag, which is set here: it only
 * admits more modules, and must be set before the first of them is compiled.
 */
export function relaxedSimd(): boolean {
  if (api.validate(probe)) return true
  setFlagsFromString('--experimental-wasm-relaxed-simd')
  return api.validate(probe)
}

/**
 * Compiles a module whole, by the optimizing compiler. V8 would otherwise begin each function when it is first called, with a quick
 * compiler, and replace it by and by while the threads that compute are at work: a short answer is over before that is done. Its
 * flags concern the whole process, so that they are as they were once the module is compiled; other modules that are compiled
 * meanwhile only start slower and run faster.
 */
export async function compileWhole(bytes: Uint8Array): Promise<WasmModule> {
  const flags = ['liftoff', 'wasm-lazy-compilation']
  for (const flag of flags) setFlagsFromString(`--no-${flag}`)
  try {
    return await api.compile(bytes)
  } finally {
    for (const flag of flags) setFlagsFromString(`--${flag}`)
  }
}

/**
 * Collects garbage now. Reading a vocabulary of 150,000 tokens leaves some 60 MB of it, which V8 sees no reason to
 * collect while a large model's weights arrive in memory that it does not count. Does nothing where V8 does not offer it.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('typeof gc === "function" ? gc : null')
  if (typeof gc === 'function') gc()
}
