/**
 * Uniformity: every thread of a group must reach the same barriers, and every lane of a subgroup the same subgroup
 * operations. A data-flow analysis gives each value how far it varies (not at all in the group, between subgroups
 * only, between lanes) and each statement the variation of the conditions around it; loops are iterated until nothing
 * rises. It accepts no more than WGSL does, whose compilers refuse what they cannot prove: loads count as uniform only
 * from params that are bound read-only (weights and state), because the arena of activations is bound read-write, and
 * results of subgroup operations count as varying.
 */
import { WeftError } from '../graph/error.js'
import type { Expr, Kernel, Param, Stmt } from './kernel.js'
import { nameStatement, printExpr } from './print.js'

/** 0: the same for the whole group; 1: the same within a subgroup; 2: any. `why` names the source of the variation. */
interface Spread {
  readonly level: 0 | 1 | 2
  readonly why: string
}

type Names = Map<string, Spread>

const uniform: Spread = { level: 0, why: '' }

const wider = (a: Spread, b: Spread): Spread => (b.level > a.level ? b : a)

function join(into: Names, from: Names): boolean {
  let rose = false
  for (const [name, spread] of from) {
    const before = into.get(name)
    if (before !== undefined && spread.level <= before.level) continue
    into.set(name, spread)
    rose = true
  }
  return rose
}

/** Throws a WeftError at the first barrier or subgroup operation that not all of its threads may reach. */
export function verifyUniformity(kernel: Kernel): void {
  if (kernel.threads === 1) return
  const params: ReadonlyMap<string, Param> = new Map(kernel.params.map(p => [p.name, p]))
  /** Off while a loop is still being iterated: a first pass may take too much for uniform, never too little. */
  let reporting = true
  let number = 0
  let current: Stmt | null = null

  const fail = (what: string, flow: Spread): void => {
    if (!reporting) return
    const of = flow.level === 1 ? 'every thread of the group' : 'all threads'
    throw new WeftError({
      where: `kernel ${kernel.name}`,
      what: `${nameStatement(number, current!)}: ${what} in divergent flow`,
      expected: `conditions that are the same for ${of}`,
      got: `flow that depends on ${flow.why}`,
    })
  }

  /** What one thread does for the group wants flow and operands that all of them share. */
  const ofGroup = (what: string, flow: Spread, operands: readonly Spread[]): void => {
    if (flow.level > 0) fail(what, flow)
    const varying = operands.find(o => o.level > 0)
    if (varying) fail(`${what} with an operand that varies, so`, varying)
  }

  const spreadOf = (e: Expr, names: Names, flow: Spread): Spread => {
    const all = (...parts: readonly Expr[]): Spread => parts.map(p => spreadOf(p, names, flow)).reduce(wider, uniform)
    switch (e.kind) {
      case 'const':
      case 'table':
        return uniform
      case 'ref': return names.get(e.name) ?? uniform
      case 'builtin':
        if (e.name === 'tile' || e.name === 'clusterRank') return uniform
        return { level: e.name === 'subgroup' ? 1 : 2, why: `@${e.name}` }
      case 'unary':
      case 'convert':
      case 'bitcast':
      case 'splat':
      case 'component':
        return all(e.a)
      case 'binary': {
        const a = all(e.a)
        const lazy = e.op === '&&' || e.op === '||'
        return wider(a, spreadOf(e.b, names, lazy ? wider(flow, a) : flow))
      }
      case 'select': return all(e.condition, e.yes, e.no)
      case 'vector': return all(...e.parts)
      case 'load':
      case 'loadBits': {
        const index = all(e.index)
        const param = params.get(e.param)
        const constant = param?.access === 'read' && (param.role === 'weight' || param.role === 'state')
        return constant ? index : { level: 2, why: `${printExpr(e)}, of a param that is not bound read-only` }
      }
      case 'shared':
        all(e.index)
        return { level: 2, why: `shared memory, ${printExpr(e)}` }
      case 'call': {
        const args = all(...e.args)
        if (!e.intrinsic.startsWith('subgroup')) return args
        if (flow.level === 2) fail(e.intrinsic, flow)
        return { level: 2, why: `the result of ${e.intrinsic}` }
      }
      case 'matrixLoad': {
        if (flow.level === 2) fail('a matrix load', flow)
        const index = all(e.index)
        if (index.level === 2) fail('a matrix load with an index that varies between lanes, so', index)
        return { level: 2, why: 'a matrix tile' }
      }
      default: return e satisfies never
    }
  }

  const block = (body: readonly Stmt[], names: Names, flow: Spread): void => {
    for (const s of body) statement(s, names, flow)
  }

  const loop = (s: Stmt & { kind: 'for' }, names: Names, flow: Spread): void => {
    const [from, to, step] = [s.from, s.to, s.step].map(e => spreadOf(e, names, flow))
    names.set(s.name, wider(from!, step!))
    const first = number
    const wasReporting = reporting
    reporting = false
    for (let rose = true; rose;) {
      number = first
      const turn: Names = new Map(names)
      block(s.body, turn, [spreadOf(s.to, turn, flow), to!, from!, step!].reduce(wider, flow))
      rose = join(names, turn)
    }
    reporting = wasReporting
    number = first
    current = s
    block(s.body, new Map(names), [spreadOf(s.to, names, flow), from!, step!].reduce(wider, flow))
  }

  const statement = (s: Stmt, names: Names, flow: Spread): void => {
    current = s
    number += 1
    const value = (e: Expr): Spread => spreadOf(e, names, flow)
    switch (s.kind) {
      case 'let':
      case 'var':
        names.set(s.name, value(s.value))
        return
      case 'assign':
        names.set(s.name, wider(value(s.value), flow))
        return
      case 'store':
      case 'sharedStore':
        value(s.index)
        value(s.value)
        return
      case 'for': return loop(s, names, flow)
      case 'if': {
        const inner = wider(flow, value(s.condition))
        const then: Names = new Map(names)
        const otherwise: Names = new Map(names)
        block(s.then, then, inner)
        block(s.otherwise, otherwise, inner)
        for (const name of names.keys()) names.set(name, wider(then.get(name)!, otherwise.get(name)!))
        return
      }
      case 'barrier':
        if (flow.level > 0) fail('a barrier', flow)
        return
      case 'copy':
        value(s.index)
        value(s.from)
        return
      case 'copyCommit':
      case 'copyWait': return
      case 'tensorCopy': return ofGroup('a bulk copy', flow, [s.arrival, s.index, s.row, s.col].map(value))
      case 'tensorCommit': return ofGroup('a commit of bulk copies', flow, [value(s.arrival)])
      case 'tensorWait': return ofGroup('a wait for bulk copies', flow, [s.arrival, s.parity].map(value))
      case 'matrixMultiply':
        value(s.a)
        value(s.b)
        if (flow.level === 2) fail('a matrix multiplication', flow)
        return
      case 'matrixStore': {
        value(s.value)
        if (flow.level === 2) fail('a matrix store', flow)
        const index = value(s.index)
        if (index.level === 2) fail('a matrix store with an index that varies between lanes, so', index)
        return
      }
      case 'comment': return
      default: return s satisfies never
    }
  }
  block(kernel.body, new Map(), uniform)
}
