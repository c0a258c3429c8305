/**
 * Ctrl-C. The first one asks whatever runs to end: a generation stops with the text so far; where nothing can be stopped in
 * between, the process ends with code 130. The listener is gone after the first, so that a second Ctrl-C has the system's own
 * effect and ends the process even when it is busy.
 */
export const interruptedCode = 130

export class Interrupt {
  #controller: AbortController | null = null
  #pressed = false

  constructor() {
    process.once('SIGINT', this.#press)
  }

  /** Whether Ctrl-C was pressed. */
  get pressed(): boolean {
    return this.#pressed
  }

  /** From here on Ctrl-C aborts this signal instead of ending the process. */
  stoppable(): AbortSignal {
    this.#controller = new AbortController()
    return this.#controller.signal
  }

  /** Leaves Ctrl-C to another. */
  release(): void {
    process.off('SIGINT', this.#press)
  }

  readonly #press = (): void => {
    this.#pressed = true
    if (this.#controller === null) process.exit(interruptedCode)
    this.#controller.abort()
  }
}
