/**
 * Where a kernel first meets what the launches before it made: everything but weights, which never change while a plan runs. A
 * chip that lets a launch begin before the one before it has ended waits there, on every way through the kernel, and reads
 * weights ahead meanwhile. Placed when text is made, not by schedules: a kernel means the same with and without.
 */
import type { Kernel, Stmt } from '../kernel.js'

/** The kernel's body with a wait for the launches before it. */
export function afterPredecessors({ params, body }: Pick<Kernel, 'params' | 'body'>): readonly Stmt[] {
  const constant = new Set(params.filter(p => p.role === 'weight' && p.access === 'read').map(p => p.name))
  /** Whether a statement or expression, looked into, reads or writes memory that is no weight. */
  const touches = (part: unknown): boolean => {
    if (typeof part !== 'object' || part === null) return false
    if ('param' in part && !constant.has(String(part.param))) return true
    return Object.values(part).some(touches)
  }
  return placed(body, touches).body
}

const wait: Stmt = { kind: 'predecessors' }

/** `done`: whether every way through the body has waited. Waiting again costs nothing. */
function placed(body: readonly Stmt[], touches: (part: unknown) => boolean): { readonly body: readonly Stmt[]; readonly done: boolean } {
  const out: Stmt[] = []
  let done = false
  for (const s of body) {
    if (done) {
      out.push(s)
    } else if (s.kind === 'if' && !touches(s.condition)) {
      const [then, otherwise] = [placed(s.then, touches), placed(s.otherwise, touches)]
      out.push({ ...s, then: then.body, otherwise: otherwise.body })
      done = then.done && otherwise.done
    } else {
      // A loop waits before its first turn.
      if (touches(s)) {
        out.push(wait)
        done = true
      }
      out.push(s)
    }
  }
  return { body: out, done }
}
