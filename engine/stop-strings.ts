/**
 * Stop strings in streamed text. Text comes in pieces of any size; what might still become a stop string is held back, so
 * that nothing of it is ever shown. The stop string that ends first counts, the longest of those that end together: so the
 * result does not depend on how the text is cut.
 */
import { check } from '../graph/error.js'

export interface StopFilter {
  /** Text that may be shown. After a stop string was met, `stopped` is true and what follows is swallowed. */
  push(text: string): { readonly text: string, readonly stopped: boolean }
  /** What was held back and did not become a stop string. */
  end(): string
}

/** A filter for any of `stops`; with none, text passes through. Throws WeftError for an empty stop string. */
export function stopFilter(stops: readonly string[]): StopFilter {
  check(stops.every(stop => stop.length > 0), 'stop', 'a stop string is empty', 'one character or more')
  let held = ''
  let stopped = false
  return {
    push(text) {
      if (stopped) return { text: '', stopped }
      const before = held.length
      held += text
      const match = firstEnd(held, stops, before)
      stopped = match !== null
      const shown = held.slice(0, match ?? held.length - unfinished(held, stops))
      held = stopped ? '' : held.slice(shown.length)
      return { text: shown, stopped }
    },
    end() {
      const rest = held
      held = ''
      return rest
    },
  }
}

/** Where the stop string begins that ends first (after `from`, before which none does), or null. */
function firstEnd(text: string, stops: readonly string[], from: number): number | null {
  let end = Infinity, start: number | null = null
  for (const stop of stops) {
    const at = text.indexOf(stop, Math.max(0, from + 1 - stop.length))
    if (at < 0) continue
    const until = at + stop.length
    if (until < end || (until === end && start !== null && at < start)) {
      end = until
      start = at
    }
  }
  return start
}

/** Length of the longest end of `text` that begins a stop string. */
function unfinished(text: string, stops: readonly string[]): number {
  let longest = 0
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(stop.slice(0, length))) longest = length
    }
  }
  return longest
}
