/**
 * Python's `strip`, `lstrip` and `rstrip`, as chat templates mean them: `content.lstrip('\n')` takes line breaks and leaves spaces. The template
 * library takes all white space whatever it is told, and JavaScript's differs from Python's: it has U+FEFF, and lacks U+0085 and U+001C to U+001F.
 */
export type Strip = 'strip' | 'lstrip' | 'rstrip'

const whiteSpace = /[\t-\r\u001c- \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/

/** `text` without the characters of `characters`, or without white space, at the ends that `which` names. */
export function strip(text: string, which: Strip, characters: string | null): string {
  const set = characters === null ? null : new Set(characters)
  const goes = (c: string): boolean => (set === null ? whiteSpace.test(c) : set.has(c))
  let from = 0, to = text.length
  if (which !== 'rstrip') for (let c = characterFrom(text, from); from < to && goes(c); c = characterFrom(text, from)) from += c.length
  if (which !== 'lstrip') for (let c = characterTo(text, to); from < to && goes(c); c = characterTo(text, to)) to -= c.length
  return text.slice(from, to)
}

const characterFrom = (text: string, at: number): string => (at < text.length ? String.fromCodePoint(text.codePointAt(at)!) : '')

/** The character that ends before `at`. */
function characterTo(text: string, at: number): string {
  const pair = text.slice(Math.max(0, at - 2), at)
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(pair) ? pair : pair.slice(-1)
}
