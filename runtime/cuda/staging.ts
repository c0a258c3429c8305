/**
 * The way between JavaScript's memory and the device's. Both directions pass through pinned memory, which the copy
 * engine reads by itself while the host goes on. Uploads go round a ring in pieces, so that filling one overlaps with
 * sending the one before, and a caller gets its array back at once; downloads take a pinned buffer each, because what
 * they copy must be what the device held when they were asked for, whatever is queued after them.
 */
import type { Completions } from './completions.js'
import { flags } from './driver.js'
import type { Driver, Handle } from './driver.js'
import type { Pointer } from '../library.js'

const ringBytes = 32 * 2 ** 20
const pieceBytes = 4 * 2 ** 20
/** Download buffers up to this size are kept for the next. */
const keptBytes = 16 * 2 ** 20
const keptBuffers = 4

interface Pinned {
  readonly at: Pointer
  readonly bytes: Uint8Array
}

function pinned(driver: Driver, bytes: number): Pinned {
  const at = driver.take<Pointer>(out => driver.hostAlloc(out, bytes, 0), `${bytes} bytes of pinned memory`)
  return { at, bytes: new Uint8Array(driver.library.view(at, bytes)) }
}

export class Uploads {
  private ring: Pinned | null = null
  private head = 0
  /** Pieces on their way, oldest first. */
  private readonly sending: { readonly from: number; readonly to: number; readonly event: Handle }[] = []
  private readonly idle: Handle[] = []

  constructor(private readonly driver: Driver, private readonly stream: Handle) {}

  /** Queues a copy of `data` to a device address; `data` may change when this returns. */
  send(to: bigint, data: Uint8Array): void {
    for (let at = 0; at < data.byteLength; at += pieceBytes) {
      this.sendPiece(to + BigInt(at), data.subarray(at, Math.min(at + pieceBytes, data.byteLength)))
    }
  }

  private sendPiece(to: bigint, piece: Uint8Array): void {
    const { driver, stream } = this
    const ring = (this.ring ??= pinned(driver, ringBytes))
    const length = Math.ceil(piece.byteLength / 64) * 64
    const from = this.head + length > ringBytes ? 0 : this.head
    while (this.sending.length > 0 && this.overlaps(from, from + length)) {
      const { event } = this.sending[0]!
      driver.must(driver.eventSynchronize(event), 'waiting for an upload')
      this.sending.shift()
      this.idle.push(event)
    }
    ring.bytes.set(piece, from)
    driver.must(driver.copyToDevice(to, ring.at + BigInt(from), piece.byteLength, stream), 'copy to the device')
    const event = this.idle.pop() ?? driver.take<Handle>(out => driver.eventCreate(out, flags.eventDisableTiming), 'an event')
    driver.must(driver.eventRecord(event, stream, 0), 'marking an upload')
    this.sending.push({ from, to: from + length, event })
    this.head = from + length
  }

  /** Pieces are freed in the order they were sent, so that one overlapping anywhere has all before it freed too. */
  private overlaps(from: number, to: number): boolean {
    return this.sending.some(s => s.from < to && from < s.to)
  }

  close(): void {
    for (const { event } of this.sending) this.driver.eventDestroy(event)
    for (const event of this.idle) this.driver.eventDestroy(event)
    if (this.ring !== null) this.driver.hostFree(this.ring.at)
    this.sending.length = this.idle.length = 0
    this.ring = null
  }
}

export class Downloads {
  private readonly kept: Pinned[] = []

  constructor(private readonly driver: Driver, private readonly stream: Handle, private readonly completions: Completions) {}

  /** What `bytes` from a device address hold after all work queued so far. */
  async fetch(from: bigint, bytes: number, what: string): Promise<Uint8Array> {
    if (bytes === 0) return new Uint8Array(0)
    const buffer = this.take(bytes)
    try {
      this.driver.must(this.driver.copyToHost(buffer.at, from, bytes, this.stream), what)
      await this.completions.reached(what)
      return buffer.bytes.slice(0, bytes)
    } finally {
      this.giveBack(buffer)
    }
  }

  private take(bytes: number): Pinned {
    const i = this.kept.findIndex(b => b.bytes.byteLength >= bytes)
    if (i >= 0) return this.kept.splice(i, 1)[0]!
    return pinned(this.driver, Math.max(4096, bytes <= keptBytes ? 2 ** Math.ceil(Math.log2(bytes)) : bytes))
  }

  private giveBack(buffer: Pinned): void {
    if (buffer.bytes.byteLength <= keptBytes && this.kept.length < keptBuffers && this.completions.open) this.kept.push(buffer)
    else this.driver.hostFree(buffer.at)
  }

  close(): void {
    for (const buffer of this.kept) this.driver.hostFree(buffer.at)
    this.kept.length = 0
  }
}
