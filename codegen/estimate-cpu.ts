/**
 * What the model of a processor looks at beside operations: which accesses share an address, and how many vectors a loop holds at once.
 */
import type { Expr, Stmt } from './kernel.js'

/** An index without the constants that are added to it; null for a constant. */
export function withoutConstants(e: Expr): Expr | null {
  if (e.kind === 'const') return null
  if (e.kind !== 'binary' || (e.op !== '+' && e.op !== '-')) return e
  const [a, b] = [withoutConstants(e.a), withoutConstants(e.b)]
  return b === null ? a : a === null && e.op === '+' ? b : a === null ? e : { ...e, a, b }
}

const isVector = (type: string): boolean => type.endsWith('x4')

/** Vectors that a loop's body holds at once at most: those from around it, and its own from where they are made to their last use. */
export function liveVectors(body: readonly Stmt[]): number {
  const [made, used] = [new Map<string, number>(), new Map<string, number>()]
  const refs = (value: unknown, at: number): void => {
    if (typeof value !== 'object' || value === null) return
    const { kind, name, type } = value as { readonly kind?: unknown; readonly name?: unknown; readonly type?: unknown }
    if (kind === 'ref' && typeof name === 'string' && isVector(String(type))) used.set(name, at)
    for (const part of Object.values(value)) refs(part, at)
  }
  body.forEach((s, at) => {
    if ((s.kind === 'let' || s.kind === 'var') && isVector(s.value.type)) made.set(s.name, at)
    if (s.kind === 'assign' && isVector(s.value.type)) used.set(s.name, at)
    refs(s, at)
  })
  const around = [...used.keys()].filter(name => !made.has(name)).length
  const own = body.map((_, at) => [...made].filter(([name, from]) => from <= at && at <= (used.get(name) ?? from)).length)
  return around + Math.max(0, ...own)
}
