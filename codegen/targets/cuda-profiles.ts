/**
 * Chips that need not be there: what `weft emit` and tests render and compile for. On a device the numbers come from
 * its driver.
 */
import type { Caps } from '../caps.js'

/** The part of a CUDA chip's capabilities that differs between chips. */
export interface CudaChip {
  readonly chip: string
  readonly major: number
  readonly minor: number
  /** Multiprocessors. */
  readonly units: number
  /** Shared memory a block may ask for. */
  readonly sharedBytes: number
  readonly maxThreads: number
}

/** The architecture whose instructions a chip of this compute capability runs, its own additions among them. */
export function cudaArch(major: number, minor: number): string {
  return `sm_${major}${minor}${major >= 9 ? 'a' : ''}`
}

export function cudaCaps({ chip, major, minor, units, sharedBytes, maxThreads }: CudaChip): Caps {
  return Object.freeze({
    target: 'cuda', chip, arch: cudaArch(major, minor), subgroup: { min: 32, max: 32 }, maxThreads, sharedBytes,
    f16: true, matrix: major >= 7, tensorCopy: major >= 9, cluster: major >= 9 ? 8 : 1, simd: false, maxBuffers: 32, maxBinding: 2 ** 48, units,
  })
}

/** By architecture. */
export const cudaProfiles: Readonly<Record<'sm_80' | 'sm_90a' | 'sm_120a', Caps>> = {
  sm_80: cudaCaps({ chip: 'NVIDIA A100', major: 8, minor: 0, units: 108, sharedBytes: 166_912, maxThreads: 1024 }),
  sm_90a: cudaCaps({ chip: 'NVIDIA H100', major: 9, minor: 0, units: 132, sharedBytes: 232_448, maxThreads: 1024 }),
  sm_120a: cudaCaps({ chip: 'NVIDIA GeForce RTX 5090', major: 12, minor: 0, units: 170, sharedBytes: 101_376, maxThreads: 1024 }),
}
