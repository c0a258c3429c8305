/**
 * Promises for points of a stream. Each is an event on the device, asked after between turns of the event loop: a step
 * of decoding takes about a millisecond, as long as the shortest timer, so the first while is asked in every turn and
 * only long runs by a timer. Nothing blocks, no thread is held, and an idle backend keeps no process alive.
 */
import { WeftError } from '../../graph/error.js'
import { flags, notReady } from './driver.js'
import type { Driver, Handle } from './driver.js'

/** How long to ask in every turn; beyond, a timer's millisecond is a small part of the wait. */
const eagerMilliseconds = 20

interface Pending {
  readonly event: Handle
  readonly what: string
  readonly resolve: () => void
  readonly reject: (error: WeftError) => void
}

export class Completions {
  open = true
  private readonly idle: Handle[] = []
  /** In the order of the stream, so that only the first needs asking. */
  private readonly pending: Pending[] = []
  private asking = false
  /** When the first of the pending became the first. */
  private since = 0

  /** @param enter makes the device's context current */
  constructor(private readonly driver: Driver, private readonly stream: Handle, private readonly enter: () => void) {}

  /** Resolves when all work queued so far is done; rejects with a WeftError that starts with `what` if the device failed. */
  async reached(what: string): Promise<void> {
    const { driver } = this
    const event = this.idle.pop() ?? driver.take<Handle>(out => driver.eventCreate(out, flags.eventDisableTiming), what)
    driver.must(driver.eventRecord(event, this.stream, 0), what)
    await new Promise<void>((resolve, reject) => {
      if (this.pending.length === 0) this.since = performance.now()
      this.pending.push({ event, what, resolve, reject })
      this.askLater()
    })
  }

  private askLater(): void {
    if (this.asking) return
    this.asking = true
    const ask = (): void => {
      this.asking = false
      if (!this.open) return
      this.enter()
      this.settle(event => this.driver.eventQuery(event))
      if (this.pending.length > 0) this.askLater()
    }
    if (performance.now() - this.since < eagerMilliseconds) setImmediate(ask)
    else setTimeout(ask, 1)
  }

  /** Settles promises from the first on, until one whose event is not reached yet. */
  private settle(query: (event: Handle) => number): void {
    for (let first = this.pending[0]; first !== undefined; first = this.pending[0]) {
      const result = query(first.event)
      if (result === notReady) return
      this.pending.shift()
      this.since = performance.now()
      this.idle.push(first.event)
      if (result === 0) first.resolve()
      else first.reject(new WeftError({ where: 'cuda', what: `${first.what}: the device failed: ${this.driver.reason(result)}` }))
    }
  }

  /** Waits for all of them, settles their promises and frees the events. */
  close(): void {
    this.settle(event => this.driver.eventSynchronize(event))
    this.open = false
    for (const event of this.idle) this.driver.eventDestroy(event)
    this.idle.length = 0
  }
}
