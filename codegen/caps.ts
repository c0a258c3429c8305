/** What a chip can do, as plain data: measured on a device, or read from a profile for a chip that is not there. */
export interface Caps {
  /** The target whose text this chip runs. */
  readonly target: 'wgsl' | 'cuda' | 'wasm' | 'hip' | 'msl'
  /** The chip's own name. */
  readonly chip: string
  /** CUDA's or HIP's architecture (`sm_90a`, `gfx942`), Metal's family (`apple9`), WebAssembly's kind of SIMD (`simd128`, `relaxed-simd`); else null. */
  readonly arch: string | null
  /** Threads of a subgroup; null where there are no subgroup operations. */
  readonly subgroup: { readonly min: number; readonly max: number } | null
  /** Threads that may share memory and barriers; 1 on a CPU. */
  readonly maxThreads: number
  readonly sharedBytes: number
  /** Storage of f16 in buffers and shared memory. */
  readonly f16: boolean
  /** Matrix tiles of 16×16×16, f16 operands and f32 sums. */
  readonly matrix: boolean
  /** Bulk copies of boxes of a tensor map, in hardware. */
  readonly tensorCopy: boolean
  /** Groups that can be made to run together on neighbouring units; 1 where each stands alone. */
  readonly cluster: number
  /** 128-bit integer vectors (`i8x16`), and one thread a group. */
  readonly simd: boolean
  /** Storage buffers a kernel may bind. */
  readonly maxBuffers: number
  /** Largest binding in bytes. */
  readonly maxBinding: number
  /** Multiprocessors, compute units or CPU threads: how much runs at once. */
  readonly units: number
}
