/**
 * A GPUDevice with what went wrong on it. WebGPU reports allocation failures, validation errors and the loss of the
 * device later and elsewhere than where they arose; they are kept here, and the next call that could be misled by
 * them throws. Numbers of the API's flags stand here because only browsers have them as globals.
 */
import { WeftError } from '../../graph/error.js'

export const usage = { mapRead: 0x1, copySrc: 0x4, copyDst: 0x8, storage: 0x80, queryResolve: 0x200 } as const
export const computeStage = 0x4
export const mapRead = 0x1

export class DeviceHealth {
  private failure: WeftError | null = null
  private closed = false

  constructor(readonly device: GPUDevice, private readonly chip: string) {
    device.lost.then(
      info => this.fail(`the device was lost: ${oneLine(info.message) || info.reason}`),
      (cause: unknown) => this.fail('the device was lost', cause),
    )
    device.addEventListener('uncapturederror', event => {
      event.preventDefault()
      this.fail(oneLine(event.error.message))
    })
  }

  get isClosed(): boolean {
    return this.closed
  }

  /** From here on the device's loss is no failure, but every call is one. */
  close(): void {
    this.closed = true
    this.failure ??= new WeftError({ where: 'webgpu', what: `the device ${this.chip} was closed` })
  }

  fail(what: string, cause?: unknown): void {
    if (this.closed) return
    this.failure ??= new WeftError({ where: 'webgpu', what: `${this.chip}: ${what}`, ...(cause === undefined ? {} : { cause }) })
  }

  failWith(error: WeftError): void {
    if (!this.closed) this.failure ??= error
  }

  /** Throws what went wrong since the last call, if anything did; a device that failed stays failed. */
  check(): void {
    if (this.failure !== null) throw this.failure
  }

  /** Runs `act` and hands what Dawn holds against it to `report`, whenever that is known. */
  watch<T>(filter: GPUErrorFilter, act: () => T, report: (message: string) => void): T {
    this.device.pushErrorScope(filter)
    try {
      return act()
    } finally {
      this.device.popErrorScope().then(
        error => { if (error !== null) report(oneLine(error.message)) },
        () => undefined, // the device is gone, which `lost` tells
      )
    }
  }

  /** When all work submitted so far is done. Rejects with a WeftError if the device failed before. */
  async settled(): Promise<void> {
    this.check()
    try {
      await this.device.queue.onSubmittedWorkDone()
    } catch (cause) {
      this.fail('waiting for the queue failed', cause)
    }
    this.check()
  }
}

/** The first line of a message of Dawn's, whose others are the call stack of the validation. */
export function oneLine(message: string): string {
  return message.split('\n')[0]!.trim()
}
