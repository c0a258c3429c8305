/**
 * The one memory that all workers share, as device memory: first fit over a list of free runs, growing at the end, up
 * to the 4 GiB that 32-bit addresses reach. The first 64 KiB stay unused, so that a null address never meets data. Growth is
 * refused before the machine runs out, since a process that touches memory that is not there is killed without a word.
 */
import { freemem } from 'node:os'
import { WeftError } from '../../graph/error.js'
import { api, type WasmMemory } from './api.js'

const pageBytes = 65536
export const maxPages = 65536
/** The last page stays unused: an end address must fit in 32 bits. */
const most = (maxPages - 1) * pageBytes
/** Granularity of addresses; offsets within buffers are multiples of it too. */
const unit = 256
/** Grown at least this much at a time. */
const growth = 16 * 2 ** 20

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to

export function describeBytes(n: number): string {
  return n >= 2 ** 30 ? `${(n / 2 ** 30).toFixed(2)} GiB` : n >= 2 ** 20 ? `${(n / 2 ** 20).toFixed(1)} MiB` : `${n} bytes`
}

/** Bytes this process may still take, by the machine's count and by the limit set on the process. */
function available(): number {
  const limit = process.constrainedMemory?.() ?? 0
  const own = limit > 0 && limit < 2 ** 50 ? limit - process.memoryUsage.rss() : Infinity
  return Math.max(0, Math.min(freemem(), own))
}

function createMemory(): WasmMemory {
  // Where addresses are rationed (ulimit -v), a smaller reservation may still be granted.
  for (let maximum = maxPages; ; maximum /= 2) {
    try {
      return new api.Memory({ initial: 1, maximum, shared: true })
    } catch (cause) {
      if (maximum <= 1024) throw new WeftError({ where: 'wasm', what: 'the system grants no shared memory', cause })
    }
  }
}

export class SharedMemory {
  readonly memory = createMemory()
  /** End of what has been given out at least once. */
  private end = pageBytes
  /** Free runs below `end`, by address. */
  private readonly holes: { at: number; bytes: number }[] = []
  private readonly sizes = new Map<number, number>()
  private inUse = 0
  private readonly residentAtStart = process.memoryUsage.rss()

  get used(): number {
    return this.inUse
  }
  /** Bytes that can still be allocated. */
  get free(): number {
    return Math.max(0, Math.min(most - this.end + this.holes.reduce((n, h) => n + h.bytes, 0), available() - this.untouched()))
  }
  get total(): number {
    return Math.min(most, this.inUse + this.free)
  }

  /** Address of zeroed bytes. Throws a WeftError that names `label`, what it needs and what there is. */
  alloc(bytes: number, label: string): number {
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new WeftError({ where: 'wasm', what: `size of ${label}`, expected: 'a number of bytes', got: String(bytes) })
    const size = Math.max(unit, roundUp(bytes, unit))
    const found = this.holes.findIndex(h => h.bytes >= size)
    const at = found >= 0 ? this.fill(found, size) : this.extend(size, label)
    this.sizes.set(at, size)
    this.inUse += size
    return at
  }

  release(at: number): void {
    const bytes = this.sizes.get(at)
    if (bytes === undefined) return
    this.sizes.delete(at)
    this.inUse -= bytes
    const i = this.holes.findIndex(h => h.at > at)
    this.holes.splice(i < 0 ? this.holes.length : i, 0, { at, bytes })
    for (let j = this.holes.length - 2; j >= 0; j--) {
      const [low, high] = [this.holes[j]!, this.holes[j + 1]!]
      if (low.at + low.bytes !== high.at) continue
      low.bytes += high.bytes
      this.holes.splice(j + 1, 1)
    }
  }

  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, length)
  }
  words(at: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, at, length)
  }

  private fill(index: number, size: number): number {
    const hole = this.holes[index]!
    const at = hole.at
    if (hole.bytes === size) this.holes.splice(index, 1)
    else {
      hole.at += size
      hole.bytes -= size
    }
    this.bytes(at, size).fill(0)
    return at
  }

  private extend(size: number, label: string): number {
    const at = this.end
    const fail = (limit: string): never => {
      throw new WeftError({ where: 'wasm', what: `no memory for ${label}: it needs ${describeBytes(size)}, with ${describeBytes(this.inUse)} in use, ${limit}` })
    }
    if (at + size > most) fail(`and WebAssembly has at most ${describeBytes(most)}`)
    const have = this.memory.buffer.byteLength
    if (at + size > have) {
      const left = available() - this.untouched()
      if (at + size - have > left) fail(`and the machine has ${describeBytes(Math.max(0, left))} left`)
      const wanted = Math.min(most, Math.max(at + size, have + Math.min(growth, left / 2)))
      try {
        this.memory.grow(Math.ceil((wanted - have) / pageBytes))
      } catch (cause) {
        throw new WeftError({ where: 'wasm', what: `no memory for ${label}: the system refused ${describeBytes(wanted - have)} more, with ${describeBytes(this.inUse)} in use`, cause })
      }
    }
    this.end += size
    return at
  }

  /** Bytes given out that no one has written yet: the system counts them as free still. */
  private untouched(): number {
    return Math.max(0, this.inUse - Math.max(0, process.memoryUsage.rss() - this.residentAtStart))
  }
}
