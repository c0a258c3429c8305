/**
 * Indices as sums of texts with factors: `(row + 2) * 8 + k` is {row: 8, k: 1} + 16. A load's constant part then becomes
 * the instruction's immediate offset, for nothing, and loads that differ only in it share one address computation.
 */
import type { Expr } from '../kernel.js'

export interface Linear {
  readonly constant: number
  /** Factor by text; every text is pure, so that it may be written again elsewhere. */
  readonly terms: ReadonlyMap<string, number>
}

/** What an expression is apart from sums and products by constants. */
export interface LinearScope {
  /** The linear form a name was bound to, if its parts can still be named here. */
  linearOf(name: string): Linear | undefined
  text(e: Expr): string
}

const sum = (a: Linear, b: Linear, sign: 1 | -1): Linear => {
  const terms = new Map(a.terms)
  for (const [text, factor] of b.terms) terms.set(text, (terms.get(text) ?? 0) + sign * factor)
  for (const [text, factor] of terms) if (factor === 0) terms.delete(text)
  return { constant: a.constant + sign * b.constant, terms }
}

const scaled = (a: Linear, by: number): Linear => ({
  constant: a.constant * by,
  terms: new Map(by === 0 ? [] : [...a.terms].map(([text, factor]) => [text, factor * by])),
})

/** The linear form of a u32 expression. Products are exact only below 2^53, far above any index. */
export function linearize(e: Expr, scope: LinearScope): Linear {
  const whole = (): Linear => ({ constant: 0, terms: new Map([[scope.text(e), 1]]) })
  switch (e.kind) {
    case 'const':
      return { constant: e.value, terms: new Map() }
    case 'ref':
      return scope.linearOf(e.name) ?? whole()
    case 'binary': {
      if (e.op === '+' || e.op === '-') return sum(linearize(e.a, scope), linearize(e.b, scope), e.op === '+' ? 1 : -1)
      const [a, b] = e.op === '*' || e.op === '<<' ? [linearize(e.a, scope), linearize(e.b, scope)] : [undefined, undefined]
      if (!a || !b) return whole()
      if (e.op === '*' && b.terms.size === 0) return scaled(a, b.constant)
      if (e.op === '*' && a.terms.size === 0) return scaled(b, a.constant)
      if (e.op === '<<' && b.terms.size === 0 && b.constant < 32) return scaled(a, 2 ** b.constant)
      return whole()
    }
    default:
      return whole()
  }
}

/** Byte address of element `index` of size `bytes`, `start` bytes above `base`: the address text and the immediate offset. */
export function address(base: string, start: number, index: Linear, bytes: number): { readonly at: string; readonly offset: number } {
  const byFactor = new Map<number, string[]>()
  for (const [text, factor] of index.terms) byFactor.set(factor * bytes, [...(byFactor.get(factor * bytes) ?? []), text])
  const parts = [...byFactor].map(([factor, texts]) => {
    const inner = texts.length === 1 ? texts[0]! : `(${texts.join(' + ')})`
    if (factor === 1) return inner
    const shift = Math.log2(factor)
    return Number.isInteger(shift) ? `(${inner} << ${shift})` : `${inner} * ${factor >>> 0}`
  })
  // An immediate is added without wrapping: it must not be used where the rest may be negative.
  const constant = start + index.constant * bytes
  const immediate = constant >= 0 && constant < 2 ** 31 && [...byFactor.keys()].every(f => f > 0)
  if (!immediate && constant !== 0) parts.push(String(constant >>> 0))
  return { at: [base, ...parts].join(' + '), offset: immediate ? constant : 0 }
}
