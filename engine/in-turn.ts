/**
 * An executor whose work is done in the order in which it was asked for. A device has one arena and one state, which a run fills
 * before it is launched and reads when it has ended: sessions that generate at the same time would else read each other's results.
 */
import type { Batch, Executor, Outputs, Want } from './executor.js'

/** `executor` for any number of sessions at once. */
export function inTurn(executor: Executor): Executor {
  return new InTurn(executor)
}

class InTurn implements Executor {
  readonly maxRows: number
  readonly maxOutputs: number
  readonly hasCandidates: boolean
  readonly weightBytesPerToken: number
  readonly cacheBytesPerPosition: number
  /** Settles when all that was asked for is done; never rejects. */
  private last: Promise<unknown> = Promise.resolve()

  constructor(private readonly own: Executor) {
    this.maxRows = own.maxRows
    this.maxOutputs = own.maxOutputs
    this.hasCandidates = own.hasCandidates
    this.weightBytesPerToken = own.weightBytesPerToken
    this.cacheBytesPerPosition = own.cacheBytesPerPosition
  }

  get cacheBytes(): number {
    return this.own.cacheBytes
  }

  run(batch: Batch, want: Want): Promise<Outputs> {
    return this.after(() => this.own.run(batch, want))
  }

  greedy(sequence: number, token: number, position: number, count: number): Promise<Uint32Array> {
    return this.after(() => this.own.greedy(sequence, token, position, count))
  }

  /** In turn too: what runs now may be this very sequence's. */
  release(sequence: number): void {
    void this.after(async () => this.own.release(sequence))
  }

  /** At once: whoever waits for the device learns that it is gone. */
  close(): Promise<void> {
    return this.own.close()
  }

  private after<T>(job: () => Promise<T>): Promise<T> {
    const result = this.last.then(job)
    this.last = result.catch(() => undefined)
    return result
  }
}
