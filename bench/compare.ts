/**
 * Two results beside each other: the same tests, or the same problems of kernels, before and after a change. Rows are matched
 * by what was asked, never by a kernel's name, and what one of the two lacks is said.
 */
import { readFileSync } from 'node:fs'
import { WeftError } from '../graph/error.js'
import { figure } from './numbers.js'

interface Measured {
  readonly key: string
  /** Seconds of the same work, up to a factor common to both files. */
  readonly cost: number
  readonly shown: string
}

export interface Compared {
  readonly key: string
  readonly before: string
  readonly after: string
  /** Time after over time before: above 1 is slower. */
  readonly ratio: number
}

export interface Comparison {
  readonly rows: readonly Compared[]
  readonly onlyBefore: readonly string[]
  readonly onlyAfter: readonly string[]
}

const isRecord = (v: unknown): v is Readonly<Record<string, unknown>> => typeof v === 'object' && v !== null && !Array.isArray(v)

/** Rows of a file that `--format json` wrote, of a model or of its kernels. Throws a WeftError that names the file. */
function readResults(file: string): readonly Measured[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new WeftError({ where: '--compare', what: `${file}: cannot be read as JSON`, cause, exitCode: 2 })
  }
  const rows: unknown = isRecord(parsed) ? parsed['rows'] : parsed
  const wrong = (what: string): WeftError => new WeftError({ where: '--compare', what: `${file}: ${what}`, expected: 'what weft bench --format json writes', exitCode: 2 })
  if (!Array.isArray(rows) || rows.length === 0) throw wrong('no rows')
  const found = new Map<string, Measured>()
  for (const row of rows as readonly unknown[]) {
    if (!isRecord(row)) throw wrong('a row is no object')
    const { plan, problem, us, launches, test, tokens, depth, model, weights, median } = row
    if (typeof problem === 'string' && typeof us === 'number' && typeof launches === 'number') {
      // Several kernels of one problem (a first pass and a joining one) count together.
      const key = `${String(plan)} ${problem}`
      const cost = us * launches + (found.get(key)?.cost ?? 0)
      found.set(key, { key, cost, shown: `${figure(cost)} µs` })
    } else if (typeof test === 'string' && typeof median === 'number' && median > 0) {
      const key = [model, weights, test, tokens, 'at', depth].join(' ')
      found.set(key, { key, cost: 1 / median, shown: `${figure(median)} tokens/s` })
    } else throw wrong('a row is of no test and no kernel')
  }
  return [...found.values()]
}

export function compareFiles(before: string, after: string): Comparison {
  const [a, b] = [readResults(before), readResults(after)]
  const later = new Map(b.map(m => [m.key, m]))
  const rows = a.flatMap(m => {
    const other = later.get(m.key)
    return other === undefined ? [] : [{ key: m.key, before: m.shown, after: other.shown, ratio: other.cost / m.cost }]
  })
  if (rows.length === 0) throw new WeftError({ where: '--compare', what: `${before} and ${after} have no row in common`, expected: 'results of the same model', exitCode: 2 })
  const known = new Set(a.map(m => m.key))
  return { rows: rows.sort((x, y) => y.ratio - x.ratio), onlyBefore: a.filter(m => !later.has(m.key)).map(m => m.key), onlyAfter: b.filter(m => !known.has(m.key)).map(m => m.key) }
}

/** Rows that became slower by more than `most`, a share of the time before. */
export const slower = ({ rows }: Comparison, most: number): readonly Compared[] => rows.filter(r => r.ratio > 1 + most)

export function showComparison(c: Comparison): string {
  const change = (r: Compared): string => `${r.ratio > 1 ? '+' : ''}${(100 * (r.ratio - 1)).toFixed(1)}%`
  const rows = [['before', 'after', 'time', ''], ...c.rows.map(r => [r.before, r.after, change(r), r.key])]
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map(r => r[i]!.length)))
  const lines = rows.map(r => `${r.map((cell, i) => (i < 3 ? cell.padStart(widths[i]!) : cell)).join('  ').trimEnd()}\n`)
  return [...lines, ...c.onlyBefore.map(k => `only before: ${k}\n`), ...c.onlyAfter.map(k => `only after: ${k}\n`)].join('')
}
