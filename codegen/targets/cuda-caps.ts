/** What a CUDA chip can do, from what its driver says of it; chips that need not be there are files of `assets/chips/cuda/`. */
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
