/**
 * Statements as JavaScript: the body of a kernel becomes one function of a thread. Where threads wait for each other it
 * is a generator that yields the number of the place it waits at, and `interpret.ts` lets it go on when the others have
 * come; a kernel without such places is a plain function. Every access is bounded, and shadowed where memory can be
 * written.
 */
import type { BoundBytes, Clock, Memory } from './interpret-memory.js'
import { paramMemory, sharedMemory } from './interpret-memory.js'
import { Copies } from './interpret-copies.js'
import type { Findings } from './interpret-findings.js'
import { componentCount, expression } from './interpret-expression.js'
import type { Code, Site, Writer } from './interpret-expression.js'
import { bitsOf, e2m1Values, e4m3Values, f16Bits, f16Values, floatOf } from './interpret-numbers.js'
import { loadedType } from './kernel.js'
import type { Expr, Kernel, Stmt, ValueType } from './kernel.js'

/** One thread's run of a tile: finished when called, or a generator of the sites it waits at. */
export type Thread = (local: number, lane: number, subgroup: number, tile: number) => Generator<number, void, void> | undefined

/** What threads leave for each other at a site. */
export interface Exchange {
  /** Four components a thread. */
  readonly slots: Float64Array
  /** Index of a matrix tile, by thread. */
  readonly indices: Float64Array
  /** Operands of a multiplication, by thread; `c` takes its result too. Tiles are row-major and never changed in place. */
  readonly tiles: { readonly a: Float32Array[]; readonly b: Float32Array[]; readonly c: Float32Array[] }
}

export interface Program {
  readonly thread: Thread
  readonly sites: readonly Site[]
  readonly exchange: Exchange
  readonly copies: Copies
}

/**
 * Writes a kernel's text; the sites are numbered as it meets them. Variables are declared once and used again: `t`
 * within one statement, `r` within one block. A generator saves all of its variables whenever a thread waits.
 */
function write(kernel: Kernel, memory: ReadonlyMap<string, Memory>): { readonly text: string; readonly sites: readonly Site[] } {
  const lines: string[] = []
  const sites: Site[] = []
  const names = new Map<string, Code>()
  let [temps, mostTemps] = [0, 0]
  let [slots, mostSlots] = [0, 0]
  let statement = 0

  const w: Writer = {
    memory,
    get statement() {
      return statement
    },
    line: text => void lines.push(text),
    fresh() {
      mostTemps = Math.max(mostTemps, temps + 1)
      return `t${temps++}`
    },
    name: name => names.get(name)!,
    site: site => sites.push(site) - 1,
  }
  const slot = (): string => {
    mostSlots = Math.max(mostSlots, slots + 1)
    return `r${slots++}`
  }
  const declare = (name: string, type: ValueType, value: Code): void => {
    const own = Array.from({ length: componentCount(type) }, slot)
    own.forEach((id, i) => w.line(`${id} = ${value[i]}`))
    names.set(name, own)
  }
  const one = (e: Expr): string => {
    const t = w.fresh()
    w.line(`${t} = ${expression(e, w)[0]}`)
    return t
  }
  const store = (name: string, index: Expr, value: Expr): void => {
    const target = memory.get(name)!
    const width = componentCount(loadedType[target.element])
    const i = one(index)
    const parts = expression(value, w)
    const track = target.tracked ? `memory$${name}.write(${i}, local, ${statement}); ` : ''
    const writes = parts.map((p, c) => {
      const at = width === 1 ? i : `${i} * ${width} + ${c}`
      return `words$${name}[${at}] = ${target.element.startsWith('f16') ? `f16Bits(${p})` : p}`
    }).join('; ')
    w.line(`if (${i} < ${target.length}) { ${track}${writes} } else outside('writes', memory$${name}, ${i}, local, ${statement})`)
  }

  const block = (body: readonly Stmt[]): void => {
    const outer = slots
    for (const s of body) {
      statement += 1
      temps = 0
      write(s)
    }
    slots = outer
  }
  const write = (s: Stmt): void => {
    switch (s.kind) {
      case 'let': return declare(s.name, s.value.type, expression(s.value, w))
      case 'var': return declare(s.name, s.type, expression(s.value, w))
      case 'assign': {
        // All components are computed before the first is replaced: a value may permute its own.
        const value = expression(s.value, w)
        const temps = value.length === 1 ? value : value.map(v => {
          const t = w.fresh()
          w.line(`${t} = ${v}`)
          return t
        })
        names.get(s.name)!.forEach((id, i) => w.line(`${id} = ${temps[i]}`))
        return
      }
      case 'store': return store(s.param, s.index, s.value)
      case 'sharedStore': return store(s.array, s.index, s.value)
      case 'for': {
        const [own, outer] = [statement, slots]
        const [i, to, step] = [slot(), slot(), slot()]
        const [from, end, by] = [one(s.from), one(s.to), one(s.step)]
        names.set(s.name, [i])
        w.line(`${to} = ${end}; ${step} = ${by} === 0 ? badLoop('has a step of 0', local, ${own}) : ${by}`)
        w.line(`for (${i} = ${from}; ${i} < ${to}; ${i} += ${step}) {`)
        block(s.body)
        w.line('}')
        w.line(`if (${i} > 4294967295 && ${step} < 4294967296) badLoop('steps past the largest u32 and never ends', local, ${own})`)
        slots = outer
        return
      }
      case 'if': {
        const condition = one(s.condition)
        w.line(`if (${condition}) {`)
        block(s.then)
        w.line('} else {')
        block(s.otherwise)
        w.line('}')
        return
      }
      case 'barrier':
        w.line(`yield ${w.site({ kind: 'barrier', statement })}`)
        return
      case 'copy': {
        const [index, from] = [one(s.index), one(s.from)]
        w.line(`copies.begin(memory$${s.array}, ${index}, memory$${s.param}, ${from}, local, ${statement})`)
        return
      }
      case 'copyCommit':
        w.line('copies.commit(local)')
        return
      case 'copyWait':
        w.line(`copies.wait(local, ${s.pending})`)
        return
      case 'tensorCopy': {
        const [arrival, index, row, col] = [s.arrival, s.index, s.row, s.col].map(one)
        const map = JSON.stringify(kernel.params.find(p => p.name === s.param)!.tensor)
        w.line(`copies.tensorBegin(${arrival}, memory$${s.array}, ${index}, memory$${s.param}, ${map}, ${row}, ${col}, local, ${statement})`)
        return
      }
      case 'tensorCommit':
        w.line(`copies.tensorCommit(${one(s.arrival)}, local, ${statement})`)
        return
      case 'tensorWait': {
        const [arrival, parity] = [s.arrival, s.parity].map(one)
        w.line(`copies.tensorWait(${arrival}, ${parity}, local, ${statement})`)
        return
      }
      case 'matrixMultiply': {
        const [acc] = names.get(s.name)!
        const [a, b] = [one(s.a), one(s.b)]
        w.line(`tiles.a[local] = ${a}; tiles.b[local] = ${b}; tiles.c[local] = ${acc}`)
        w.line(`yield ${w.site({ kind: 'matrixMultiply', statement })}`)
        w.line(`${acc} = tiles.c[local]`)
        return
      }
      case 'matrixStore': {
        const [index, value] = [one(s.index), one(s.value)]
        w.line(`indices[local] = ${index}; tiles.c[local] = ${value}`)
        w.line(`yield ${w.site({ kind: 'matrixStore', memory: memory.get(s.array)!, stride: s.stride, statement })}`)
        return
      }
      case 'comment': return
      default: return s satisfies never
    }
  }
  block(kernel.body)
  const variables = [...Array.from({ length: mostTemps }, (_, i) => `t${i}`), ...Array.from({ length: mostSlots }, (_, i) => `r${i}`)]
  const declared = variables.length === 0 ? '' : `let ${variables.join(', ')}\n`
  const text = `return function${sites.length > 0 ? '*' : ''} (local, lane, subgroup, tile) {\nconst clusterRank = tile % ${kernel.cluster ?? 1}\n${declared}${lines.join('\n')}\n}`
  return { text, sites }
}

/** What the text calls besides Math: operations whose operands can be wrong while a kernel runs. */
function helpers(clock: Clock, findings: Findings): Readonly<Record<string, unknown>> {
  const bad = (what: string, thread: number, statement: number): void => findings.report(
    { kind: 'bad number', name: null, index: null, tile: clock.tile, thread, statement },
    () => `thread ${thread} of tile ${clock.tile} ${what} in ${findings.statement(statement)}`)
  const truncate = (low: number, high: number) => (value: number, thread: number, statement: number): number => {
    const whole = Math.trunc(value)
    if (whole >= low && whole <= high) return whole + 0
    bad(`converts ${value} to an integer`, thread, statement)
    return whole > high ? high : whole < low ? low : 0
  }
  return {
    fround: Math.fround, imul: Math.imul, f16Values, e4m3Values, e2m1Values, f16Bits, bitsOf, floatOf,
    zeroTile: new Float32Array(256),
    truncateU32: truncate(0, 2 ** 32 - 1),
    truncateI32: truncate(-(2 ** 31), 2 ** 31 - 1),
    divisor(b: number, thread: number, statement: number): number {
      if (b !== 0) return b
      bad('divides by 0', thread, statement)
      return 1
    },
    shift(count: number, width: number, thread: number, statement: number): number {
      if (count >= width) bad(`shifts ${width} bits by ${count}`, thread, statement)
      return count % width
    },
    lookUp(table: readonly number[], index: number, thread: number, statement: number): number {
      if (index >= 0 && index < 16) return table[index]!
      bad(`looks up entry ${index} of a table of 16`, thread, statement)
      return 0
    },
    outside(does: 'reads' | 'writes', memory: Memory, index: number, thread: number, statement: number): void {
      findings.report(
        { kind: 'out of bounds', name: memory.name, index, tile: clock.tile, thread, statement },
        () => `thread ${thread} of tile ${clock.tile} ${does} ${memory.name}[${index}], past its ${memory.length} elements, in ${findings.statement(statement)}`)
    },
    /** Returns a step that ends the loop. */
    badLoop(what: string, thread: number, statement: number): number {
      findings.report(
        { kind: 'bad loop', name: null, index: null, tile: clock.tile, thread, statement },
        () => `thread ${thread} of tile ${clock.tile} runs a loop that ${what}, in ${findings.statement(statement)}`)
      return 2 ** 32
    },
  }
}

/** Makes a kernel's thread function over its memory. `checked` shadows what can be written. */
export function compileThread(
  kernel: Kernel, bound: Readonly<Record<string, BoundBytes>>, clock: Clock, findings: Findings, checked: boolean,
): Program {
  const memory = new Map([...paramMemory(kernel, bound, clock, findings, checked), ...sharedMemory(kernel, clock, findings, checked)])
  const { text, sites } = write(kernel, memory)
  const empty = (): Float32Array[] => Array.from({ length: kernel.threads }, () => new Float32Array(0))
  const exchange: Exchange = {
    slots: new Float64Array(kernel.threads * 4),
    indices: new Float64Array(kernel.threads),
    tiles: { a: empty(), b: empty(), c: empty() },
  }
  const copies = new Copies(kernel.arrivals ?? 0, clock, findings)
  const scope: Record<string, unknown> = { ...helpers(clock, findings), ...exchange, copies }
  for (const [name, m] of memory) {
    scope[`memory$${name}`] = m
    scope[`words$${name}`] = m.words
  }
  const make = new Function('scope', `'use strict'\nconst { ${Object.keys(scope).join(', ')} } = scope\n${text}`) as (scope: Record<string, unknown>) => Thread
  return { thread: make(scope), sites, exchange, copies }
}
