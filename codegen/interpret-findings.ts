/**
 * What the interpreter finds wrong, collected rather than thrown, because one mistake shows in many threads: findings of
 * one kind at the same statements are one finding, told with the first threads that showed it and counted after that.
 */
import type { Kernel, Stmt } from './kernel.js'
import { statements } from './kernel.js'
import { nameStatement } from './print.js'

export type FindingKind =
  | 'out of bounds'
  | 'race'
  | 'tile conflict'
  | 'unwritten shared memory'
  | 'divergent barrier'
  | 'divergent subgroup operation'
  | 'bad number'
  | 'bad loop'
  | 'unfinished copy'
  | 'endless wait'

export interface Finding {
  readonly kind: FindingKind
  /** One line that names the kernel, what was touched, the threads and the statements. */
  readonly message: string
  readonly kernel: string
  /** The param or shared array, and the element of it; null where none is concerned. */
  readonly name: string | null
  readonly index: number | null
  readonly tile: number
  /** Index of the thread in its group; for an operation of a whole subgroup, of its first lane. */
  readonly thread: number
  /** Number of the statement, depth first from 1. */
  readonly statement: number
  /** How many times it was seen. */
  readonly times: number
}

/** Ends a run early: what was found already suffices. */
export class EnoughFindings extends Error {}

const limit = 16

export class Findings {
  private readonly found = new Map<string, Finding>()
  private readonly lines: readonly Stmt[]

  constructor(private readonly kernel: Kernel) {
    this.lines = [...statements(kernel.body)]
  }

  get list(): readonly Finding[] {
    return [...this.found.values()]
  }

  /** How messages name a statement. */
  statement(number: number): string {
    return nameStatement(number, this.lines[number - 1]!)
  }

  /** Notes a finding; `other` is a second statement that takes part in it. Throws EnoughFindings at the limit. */
  report(finding: Omit<Finding, 'message' | 'kernel' | 'times'>, what: () => string, other = 0): void {
    const key = `${finding.kind} ${finding.name} ${finding.statement} ${other}`
    const before = this.found.get(key)
    if (before !== undefined) {
      this.found.set(key, { ...before, times: before.times + 1 })
      return
    }
    const message = `${finding.kind} in kernel ${this.kernel.name}: ${what()}`
    this.found.set(key, { ...finding, kernel: this.kernel.name, message, times: 1 })
    if (this.found.size >= limit) throw new EnoughFindings(`${limit} findings`)
  }
}
