/**
 * Asynchronous copies in the interpreter. A copy changes nothing until a wait lets it land, the latest moment a device
 * may choose, and what it will write counts as in flight until then: whoever touches it races. Batches belong to the
 * thread that began them and land in order; bulk copies belong to the group and land phase by phase.
 */
import { EnoughFindings, type Findings } from './interpret-findings.js'
import type { Clock, Memory } from './interpret-memory.js'
import { copiedElements, type TensorMap } from './kernel.js'

/** Elements on their way: pairs of target and source index, the source null where a box leaves its matrix. */
interface Move {
  readonly into: Memory
  readonly from: Memory
  readonly elements: readonly (readonly [number, number | null])[]
  readonly statement: number
}

interface Phases {
  open: Move[]
  readonly closed: (readonly Move[])[]
  completed: number
}

/** Where bulk copies may begin, in bytes of shared memory. */
const tensorAlignment = 128

export class Copies {
  private readonly open = new Map<number, Move[]>()
  private readonly batches = new Map<number, (readonly Move[])[]>()
  private phases: Phases[] = []

  constructor(private readonly arrivals: number, private readonly clock: Clock, private readonly findings: Findings) {
    this.startTile()
  }

  startTile(): void {
    this.open.clear()
    this.batches.clear()
    this.phases = Array.from({ length: this.arrivals }, () => ({ open: [], closed: [], completed: 0 }))
  }

  begin(into: Memory, index: number, from: Memory, at: number, thread: number, statement: number): void {
    const count = copiedElements(from.element, into.element)
    if (!this.inside(into, index + count - 1, 'writes', thread, statement) || !this.inside(from, at, 'reads', thread, statement)) return
    if (index % count !== 0) {
      this.findings.report({ kind: 'out of bounds', name: into.name, index, tile: this.clock.tile, thread, statement },
        () => `a copy begins at ${into.name}[${index}], which is no multiple of ${count}, in ${this.findings.statement(statement)}`)
    }
    if (from.tracked) from.read(at, thread, statement)
    for (let i = 0; i < count; i++) into.beginCopy(index + i, thread, statement)
    this.open.set(thread, [...(this.open.get(thread) ?? []), { into, from, elements: [[index, at]], statement }])
  }

  commit(thread: number): void {
    this.batches.set(thread, [...(this.batches.get(thread) ?? []), this.open.get(thread) ?? []])
    this.open.delete(thread)
  }

  wait(thread: number, pending: number): void {
    const batches = this.batches.get(thread) ?? []
    const landing = batches.slice(0, Math.max(0, batches.length - pending))
    for (const move of landing.flat()) land(move, thread)
    this.batches.set(thread, batches.slice(landing.length))
  }

  tensorBegin(arrival: number, into: Memory, index: number, from: Memory, map: TensorMap, row: number, col: number, thread: number, statement: number): void {
    if (thread !== 0) return
    const phases = this.phasesOf(arrival, thread, statement)
    const bytes = index * into.elementBytes
    if (bytes % tensorAlignment !== 0) {
      this.findings.report({ kind: 'out of bounds', name: into.name, index, tile: this.clock.tile, thread, statement },
        () => `a bulk copy begins at ${into.name}[${index}], byte ${bytes}, which is no multiple of ${tensorAlignment}, in ${this.findings.statement(statement)}`)
    }
    const elements: (readonly [number, number | null])[] = []
    for (let r = 0; r < map.boxRows; r++) {
      for (let c = 0; c < map.boxCols; c++) {
        const to = index + r * map.boxCols + c
        const beyond = row + r >= map.rows || col + c >= map.cols
        const source = beyond ? null : (row + r) * map.cols + col + c
        if (!this.inside(into, to, 'writes', thread, statement) || (source !== null && !this.inside(from, source, 'reads', thread, statement))) return
        if (source !== null && from.tracked) from.read(source, thread, statement)
        into.beginCopy(to, thread, statement)
        elements.push([to, source])
      }
    }
    phases.open.push({ into, from, elements, statement })
  }

  tensorCommit(arrival: number, thread: number, statement: number): void {
    if (thread !== 0) return
    const phases = this.phasesOf(arrival, thread, statement)
    phases.closed.push(phases.open)
    phases.open = []
  }

  tensorWait(arrival: number, parity: number, thread: number, statement: number): void {
    const phases = this.phasesOf(arrival, thread, statement)
    // A wait for the other parity than that of the phase under way is a wait for one that is over.
    if ((phases.completed & 1) !== parity) return
    const landing = phases.closed.shift()
    if (landing === undefined) {
      this.findings.report({ kind: 'endless wait', name: null, index: arrival, tile: this.clock.tile, thread, statement },
        () => `thread ${thread} of tile ${this.clock.tile} waits for a phase of arrival ${arrival} that nobody has closed, in ${this.findings.statement(statement)}`)
      throw new EnoughFindings('a wait that never ends')
    }
    for (const move of landing) land(move, null)
    phases.completed += 1
  }

  /** A group that ends while copies write to its shared memory gives it to the next group too early. */
  endTile(): void {
    const left = [...this.open.values(), ...[...this.batches.values()].flat(), ...this.phases.flatMap(p => [p.open, ...p.closed])].flat()
    for (const { into, elements, statement } of left.slice(0, 1)) {
      this.findings.report({ kind: 'unfinished copy', name: into.name, index: elements[0]?.[0] ?? null, tile: this.clock.tile, thread: 0, statement },
        () => `tile ${this.clock.tile} ends while a copy to ${into.name} is under way, which ${this.findings.statement(statement)} began`)
    }
    this.startTile()
  }

  private phasesOf(arrival: number, thread: number, statement: number): Phases {
    const phases = this.phases[arrival]
    if (phases) return phases
    this.findings.report({ kind: 'out of bounds', name: null, index: arrival, tile: this.clock.tile, thread, statement },
      () => `thread ${thread} of tile ${this.clock.tile} uses arrival ${arrival} of ${this.arrivals}, in ${this.findings.statement(statement)}`)
    throw new EnoughFindings('an arrival that is not there')
  }

  private inside(memory: Memory, index: number, does: string, thread: number, statement: number): boolean {
    if (index < memory.length) return true
    this.findings.report({ kind: 'out of bounds', name: memory.name, index, tile: this.clock.tile, thread, statement },
      () => `thread ${thread} of tile ${this.clock.tile} ${does} ${memory.name}[${index}], past its ${memory.length} elements, in ${this.findings.statement(statement)}`)
    return false
  }
}

/** @param thread who may see it without a barrier; null: whoever waited */
function land({ into, from, elements, statement }: Move, thread: number | null): void {
  const { wordsPerElement: width } = into
  const count = copiedElements(from.element, into.element)
  for (const [to, at] of elements) {
    if (count > 1 && at !== null) {
      for (let i = 0; i < count; i++) {
        into.words[to + i] = from.words[at * from.wordsPerElement + (i >> 1)]! >>> (16 * (i & 1))
        into.landCopy(to + i, thread, statement)
      }
      continue
    }
    for (let i = 0; i < width; i++) into.words[to * width + i] = at === null ? 0 : from.words[at * width + i]!
    into.landCopy(to, thread, statement)
  }
}
