/**
 * The roof of a device, measured: what memory moves and what arithmetic does at most, by the kernels of `codegen/roof.ts`.
 * The best of several runs counts, as other work on a machine only ever slows one. Kept on disk, so that it is measured once.
 */
import { targets } from '../codegen/compile.js'
import { amountOf, type Kernel } from '../codegen/kernel.js'
import { roofKernels, roofState, type Roof } from '../codegen/roof.js'
import type { Backend, BufferView } from '../runtime/backend.js'
import { keepRoof, knownRoof } from './known-roof.js'

const mebi = 2 ** 20
/** Far more than caches hold. */
const bytesOf = (backend: Backend): number => Math.min(backend.caps.simd ? 96 * mebi : 256 * mebi, Math.floor(backend.caps.maxBinding / mebi) * mebi, roomOf(backend))
const roomOf = (backend: Backend): number => Math.max(mebi, Math.floor((backend.memory().free ?? Infinity) / 8 / mebi) * mebi)
const runs = 7

/**
 * The roof of a device, from the disk or measured now, which takes a second. @param anew measures in any case; the higher
 * of what was known and what is measured counts, for a busy machine shows too low a roof and never too high a one
 */
export async function roofOf(backend: Backend, anew = false): Promise<Roof> {
  const known = knownRoof(backend)
  if (known !== null && !anew) return known
  const now = await measureRoof(backend)
  const roof = known === null ? now : {
    gbps: Math.max(known.gbps, now.gbps), gflops: Math.max(known.gflops, now.gflops),
    matrixGflops: now.matrixGflops === null ? null : Math.max(known.matrixGflops ?? 0, now.matrixGflops),
  }
  keepRoof(backend, roof)
  return roof
}

/** Measures; takes some hundred megabytes of the device while it does. */
export async function measureRoof(backend: Backend, bytes = bytesOf(backend)): Promise<Roof> {
  const { read, copy, arithmetic, matrix } = roofKernels(backend.caps, bytes)
  const kernels = [read, copy, arithmetic, ...(matrix === null ? [] : [matrix])]
  const program = await backend.compile(targets[backend.caps.target].render(kernels, backend.caps))
  // The arithmetic kernels write a vector for each thread.
  const room = Math.max(bytes, ...[arithmetic, ...(matrix === null ? [] : [matrix])].map(k => k.tiles[0]!.times * k.threads * 16))
  const buffers = { source: backend.alloc(room, 'roof source'), target: backend.alloc(room, 'roof target'), state: backend.alloc(roofState.totalWords * 4, 'state') }
  const view = (name: keyof typeof buffers): BufferView => ({ buffer: buffers[name], offset: 0, bytes: buffers[name].bytes })
  try {
    const noise = noiseOf(mebi)
    for (let at = 0; at < room; at += noise.length) backend.write(buffers.source, noise.subarray(0, Math.min(noise.length, room - at)), at)
    const rate = async (kernel: Kernel, what: 'bytes' | 'flops'): Promise<number> => {
      const recording = backend.record({
        label: kernel.schedule, dims: { tokens: 1, outputs: 1 }, state: { view: view('state'), words: roofState.words },
        launches: [{ program, kernel: kernel.name, tiles: kernel.tiles, args: kernel.params.map(p => view(p.name as keyof typeof buffers)) }],
      })
      // Clocks rise in the first run, and memory is touched for the first time.
      await backend.time(recording)
      let best = Infinity
      for (let i = 0; i < runs; i++) best = Math.min(best, (await backend.time(recording))[0]!.microseconds)
      return amountOf(kernel.cost[what], {}) / Math.max(best, 0.001) / 1e3
    }
    return {
      gbps: Math.max(await rate(read, 'bytes'), await rate(copy, 'bytes')),
      gflops: await rate(arithmetic, 'flops'),
      matrixGflops: matrix === null ? null : await rate(matrix, 'flops'),
    }
  } finally {
    for (const buffer of Object.values(buffers)) backend.free(buffer)
  }
}

/** Floats between -1 and 1, none of them zero for long: zeros run faster than data. */
function noiseOf(bytes: number): Uint8Array {
  let state = 1
  const values = Float32Array.from({ length: bytes / 4 }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1)
  return new Uint8Array(values.buffer)
}

/** Which roof a kernel stands under, and what share of the time it took that roof explains. */
export interface Share {
  readonly roof: 'memory' | 'arithmetic'
  /** Microseconds that the roof alone would take. */
  readonly limit: number
  /** `limit` as a part of the time taken; 0 where no time was measured. */
  readonly share: number
}

export function shareOf(roof: Roof, work: { readonly bytes: number; readonly flops: number; readonly microseconds: number; readonly matrix: boolean }): Share {
  const memory = work.bytes / roof.gbps / 1e3
  const arithmetic = work.flops / ((work.matrix ? roof.matrixGflops : null) ?? roof.gflops) / 1e3
  const limit = Math.max(memory, arithmetic)
  return { roof: memory >= arithmetic ? 'memory' : 'arithmetic', limit, share: work.microseconds > 0 ? limit / work.microseconds : 0 }
}
