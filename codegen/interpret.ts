/**
 * The second judge: runs a kernel's statements without any GPU and finds what a GPU would let pass or answer with
 * nonsense: accesses out of bounds, races between barriers and between tiles, barriers and subgroup operations that
 * not all threads reach, shared memory read before it is written, conversions of NaN. The threads of a tile are
 * coroutines that run from one meeting place to the next; tiles run one after another. `checked` finds all of it,
 * `fast` leaves out the bookkeeping of who touched what (races, unwritten shared memory) and takes less time.
 */
import { check, WeftError } from '../graph/error.js'
import { compileThread } from './interpret-compile.js'
import type { Program } from './interpret-compile.js'
import { EnoughFindings, Findings } from './interpret-findings.js'
import type { Finding } from './interpret-findings.js'
import type { Site } from './interpret-expression.js'
import type { BoundBytes, Clock, Memory } from './interpret-memory.js'
import { f16Values } from './interpret-numbers.js'
import { tileCount } from './kernel.js'
import type { Dims, Kernel } from './kernel.js'
import { verifyTypes } from './verify.js'

export type { Finding, FindingKind } from './interpret-findings.js'
export type { BoundBytes } from './interpret-memory.js'

export interface InterpretOptions {
  /** Values of the dims in the kernel's tile count. */
  readonly dims: Dims
  /** Indices of the tiles to run, in this order; all of them unless told. */
  readonly tiles?: readonly number[]
  /** Lanes of a subgroup: the kernel's own, else 32. The last subgroup may be partly filled. */
  readonly subgroupSize?: number
  readonly mode?: 'checked' | 'fast'
}

/** A thread of the tile being run, and the site it waits at; `done` after its last statement. */
interface Running {
  readonly generator: Generator<number, void, void>
  waits: number
}
const done = -1

/**
 * Runs a kernel over `buffers`, one for each param, and returns what it found wrong; results stay in the buffers.
 * Throws a WeftError if the kernel's types do not agree, or a buffer is missing or misaligned.
 */
export function inspectKernel(kernel: Kernel, buffers: Readonly<Record<string, BoundBytes>>, options: InterpretOptions): readonly Finding[] {
  verifyTypes(kernel)
  const where = `kernel ${kernel.name}`
  const subgroupSize = options.subgroupSize ?? kernel.subgroupSize ?? 32
  check(Number.isInteger(subgroupSize) && subgroupSize > 0, where, 'subgroup size', 'a positive integer', String(subgroupSize))
  check((kernel.subgroupSize ?? subgroupSize) === subgroupSize, where, 'subgroup size', String(kernel.subgroupSize), String(subgroupSize))
  const missing = kernel.tiles.find(f => f.dim !== null && options.dims[f.dim] === undefined)
  check(missing === undefined, where, `dim ${missing?.dim} of the tile count has no value`)
  const count = tileCount(kernel.tiles, options.dims)

  const findings = new Findings(kernel)
  const clock: Clock = { epoch: 0, tile: 0, threads: kernel.threads, subgroupSize }
  const program = compileThread(kernel, buffers, clock, findings, (options.mode ?? 'checked') === 'checked')
  try {
    for (const tile of options.tiles ?? Array.from({ length: count }, (_, i) => i)) {
      check(tile >= 0 && tile < count, where, `tile ${tile}`, `less than ${count}`)
      clock.tile = tile
      clock.epoch += 1
      new Tile(kernel, program, clock, findings).run()
      program.copies.endTile()
    }
  } catch (error) {
    if (!(error instanceof EnoughFindings)) throw error
  }
  return findings.list
}

/** Runs a kernel as `inspectKernel` does. Throws a WeftError that tells the first finding, if there is any. */
export function interpret(kernel: Kernel, buffers: Readonly<Record<string, BoundBytes>>, options: InterpretOptions): void {
  const [first, ...more] = inspectKernel(kernel, buffers, options)
  if (first === undefined) return
  throw new WeftError({ where: 'interpreter', what: more.length === 0 ? first.message : `${first.message} (and ${more.length} more findings)` })
}

/** One tile's threads. */
class Tile {
  private readonly threads: Running[] = []

  constructor(private readonly kernel: Kernel, private readonly program: Program, private readonly clock: Clock, private readonly findings: Findings) {}

  run(): void {
    const { kernel: { threads }, program: { thread, sites }, clock } = this
    const size = clock.subgroupSize
    for (let local = 0; local < threads; local++) {
      const generator = thread(local, local % size, Math.floor(local / size), clock.tile)
      if (generator !== undefined) this.threads.push({ generator, waits: 0 })
    }
    if (sites.length === 0) return
    for (;;) {
      for (let first = 0; first < threads; first += size) {
        if (!this.runSubgroup(first, Math.min(first + size, threads))) return
      }
      const at = this.threads[0]!.waits
      const elsewhere = this.threads.findIndex(t => t.waits !== at)
      if (elsewhere >= 0) return this.diverged('divergent barrier', 0, elsewhere)
      if (at === done) return
      clock.epoch += 1
    }
  }

  /** Runs the threads from `first` to `end` until all wait at a barrier or are done; false if they part ways. */
  private runSubgroup(first: number, end: number): boolean {
    const { sites } = this.program
    for (;;) {
      for (let local = first; local < end; local++) {
        const t = this.threads[local]!
        if (t.waits === done) continue
        const step = t.generator.next()
        t.waits = step.done ? done : step.value
      }
      const at = this.threads[first]!.waits
      for (let local = first + 1; local < end; local++) {
        const waits = this.threads[local]!.waits
        if (waits === at) continue
        const [a, b] = [sites[at], sites[waits]]
        const ofSubgroup = (a !== undefined && a.kind !== 'barrier') || (b !== undefined && b.kind !== 'barrier')
        this.diverged(ofSubgroup ? 'divergent subgroup operation' : 'divergent barrier', first, local)
        return false
      }
      const site = sites[at]
      if (site === undefined || site.kind === 'barrier') return true
      this.meet(site, first, end)
    }
  }

  private diverged(kind: 'divergent barrier' | 'divergent subgroup operation', one: number, other: number): void {
    const waits = [one, other].map(local => this.program.sites[this.threads[local]!.waits])
    const wanted = kind === 'divergent barrier' ? waits : waits.map(s => (s?.kind === 'barrier' ? undefined : s))
    const which = wanted[0] === undefined ? 1 : 0
    const place = (s: Site | undefined): string => (s === undefined ? 'has finished' : `is at ${this.findings.statement(s.statement)}`)
    const [thread, away] = which === 0 ? [one, other] : [other, one]
    const site = waits[which]!
    this.findings.report(
      { kind, name: null, index: null, tile: this.clock.tile, thread, statement: site.statement },
      () => `thread ${thread} of tile ${this.clock.tile} waits at ${this.findings.statement(site.statement)}, thread ${away} ${place(waits[1 - which])}`,
      waits[1 - which]?.statement ?? 0)
  }

  /** The operation of a subgroup whose lanes have all come. */
  private meet(site: Site, first: number, end: number): void {
    const { slots, tiles } = this.program.exchange
    switch (site.kind) {
      case 'add':
      case 'max': {
        const values = Array.from({ length: end - first }, (_, i) => slots[(first + i) * 4]!)
        const result = site.kind === 'max' ? Math.max(...values) : treeSum(values)
        for (let local = first; local < end; local++) slots[local * 4] = result
        return
      }
      case 'shuffle': {
        const before = slots.slice(first * 4, end * 4)
        for (let lane = 0; lane < end - first; lane++) {
          const from = lane ^ site.mask
          if (from >= end - first) {
            this.findings.report(
              { kind: 'divergent subgroup operation', name: null, index: null, tile: this.clock.tile, thread: first + lane, statement: site.statement },
              () => `lane ${lane} takes the value of lane ${from} of ${end - first}, in ${this.findings.statement(site.statement)}`)
            continue
          }
          for (let c = 0; c < site.width; c++) slots[(first + lane) * 4 + c] = before[from * 4 + c]!
        }
        return
      }
      case 'matrixLoad': {
        const tile = new Float32Array(256)
        this.eachOfTile(site, first, end, (memory, at, row, column) => {
          tile[row * 16 + column] = f16Values[memory.words[at]!]!
        })
        tiles.c.fill(tile, first, end)
        return
      }
      case 'matrixMultiply':
        tiles.c.fill(multiply(tiles.a[first]!, tiles.b[first]!, tiles.c[first]!), first, end)
        return
      case 'matrixStore': {
        const tile = tiles.c[first]!
        this.eachOfTile(site, first, end, (memory, at, row, column) => {
          memory.words[at] = tile[row * 16 + column]!
        })
        return
      }
      case 'barrier': return
      default: return site satisfies never
    }
  }

  /** Visits the elements of a matrix tile in shared memory, checked. */
  private eachOfTile(
    site: Site & { kind: 'matrixLoad' | 'matrixStore' }, first: number, end: number,
    visit: (memory: Memory, at: number, row: number, column: number) => void,
  ): void {
    const { memory, stride, statement } = site
    const { tile, threads, subgroupSize } = this.clock
    const { indices } = this.program.exchange
    const columnMajor = site.kind === 'matrixLoad' && site.columnMajor
    const writes = site.kind === 'matrixStore'
    const index = indices[first]!
    const about = { name: memory.name, tile, thread: first, statement }
    for (let local = first + 1; local < end; local++) {
      if (indices[local] === index) continue
      this.findings.report({ ...about, kind: 'divergent subgroup operation', index: indices[local]!, thread: local },
        () => `lanes give different places of ${memory.name}, ${index} and ${indices[local]}, in ${this.findings.statement(statement)}`)
      break
    }
    const aligned = writes ? 8 : 16
    if (index % aligned !== 0) {
      this.findings.report({ ...about, kind: 'out of bounds', index },
        () => `a matrix tile begins at ${memory.name}[${index}], which is not a multiple of ${aligned} (32 bytes), in ${this.findings.statement(statement)}`)
    }
    // A subgroup's tile belongs to no lane of it: reads by its own lanes race with it until a barrier.
    const who = threads + Math.floor(first / subgroupSize)
    for (let row = 0; row < 16; row++) {
      for (let column = 0; column < 16; column++) {
        const at = index + (columnMajor ? column * stride + row : row * stride + column)
        if (at >= memory.length) {
          this.findings.report({ ...about, kind: 'out of bounds', index: at },
            () => `a matrix tile reaches ${memory.name}[${at}], past its ${memory.length} elements, in ${this.findings.statement(statement)}`)
          continue
        }
        if (memory.tracked) {
          if (writes) memory.write(at, who, statement)
          else memory.read(at, who, statement)
        }
        visit(memory, at, row, column)
      }
    }
  }
}

/** A fixed order: halves against halves, as a butterfly of shuffles sums. */
function treeSum(values: readonly number[]): number {
  let sums = values
  while (sums.length > 1) {
    const half = Math.ceil(sums.length / 2)
    const upper = sums.slice(half)
    sums = sums.slice(0, half).map((v, i) => (i < upper.length ? Math.fround(v + upper[i]!) : v))
  }
  return sums[0]!
}

/** a · b + c of 16×16 tiles; products are exact, sums rounded to f32 in the order of k. */
function multiply(a: Float32Array, b: Float32Array, c: Float32Array): Float32Array {
  const out = Float32Array.from(c)
  for (let row = 0; row < 16; row++) {
    for (let k = 0; k < 16; k++) {
      const left = a[row * 16 + k]!
      for (let column = 0; column < 16; column++) {
        const at = row * 16 + column
        out[at] = out[at]! + left * b[k * 16 + column]!
      }
    }
  }
  return out
}
