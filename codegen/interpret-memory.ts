/**
 * The memory a kernel sees, with shadows: beside each element that the kernel may write stands who touched it last, in
 * which tile and in which stretch between two barriers (an epoch). Two touches of an element in one epoch by different
 * threads, one of them a write, are a race; writes of one tile and any touch of another conflict, since tiles run in no
 * order. Buffers are shadowed by bytes and not by parameter, so that parameters over one region are seen as one.
 */
import { check } from '../graph/error.js'
import type { Findings } from './interpret-findings.js'
import { elementBytes, sharedOverlaps, sharedPlaces } from './kernel.js'
import type { Element, Kernel } from './kernel.js'

/** Memory bound to a parameter: `length` bytes from `offset`, everything unless told. */
export interface BoundBytes {
  readonly bytes: ArrayBuffer | Uint8Array
  readonly offset?: number
  readonly length?: number
}

/** Where the run stands; epochs rise with every barrier and tile. */
export interface Clock {
  epoch: number
  tile: number
  threads: number
  subgroupSize: number
}

const none = -1
const several = -2
/** Stands for the thread where a copy is under way. */
const inFlight = -3

/** Who touched each unit of a region last. Threads from `clock.threads` on stand for whole subgroups. */
class Shadow {
  private readonly writeEpoch: Int32Array
  private readonly writeThread: Int32Array
  private readonly writeTile: Int32Array
  private readonly writeStatement: Int32Array
  private readonly readEpoch: Int32Array
  private readonly readThread: Int32Array
  private readonly readTile: Int32Array
  private readonly readStatement: Int32Array

  constructor(units: number, private readonly ofGroup: boolean, private readonly clock: Clock, private readonly findings: Findings) {
    const make = (fill: number): Int32Array => new Int32Array(units).fill(fill)
    this.writeEpoch = make(0)
    this.writeThread = make(none)
    this.writeTile = make(none)
    this.writeStatement = make(0)
    this.readEpoch = make(0)
    this.readThread = make(none)
    this.readTile = make(none)
    this.readStatement = make(0)
  }

  read(unit: number, name: string, index: number, thread: number, statement: number): void {
    const { epoch, tile } = this.clock
    if (this.writeThread[unit] === inFlight) return this.early(unit, name, index, thread, statement, 'reads')
    const writeTile = this.writeTile[unit]!
    if (this.ofGroup && writeTile !== tile) {
      this.findings.report(
        { kind: 'unwritten shared memory', name, index, tile, thread, statement },
        () => `${this.who(thread)} of tile ${tile} reads ${name}[${index}] before anything is written there, in ${this.findings.statement(statement)}`)
    }
    if (this.writeEpoch[unit] === epoch && this.writeThread[unit] !== thread) {
      this.race(name, index, thread, statement, 'reads', this.writeThread[unit]!, this.writeStatement[unit]!, 'writes')
    } else if (!this.ofGroup && writeTile !== none && writeTile !== tile) {
      this.conflict(name, index, thread, statement, 'reads', writeTile, this.writeStatement[unit]!, 'writes')
    }
    if (this.readEpoch[unit] !== epoch) {
      this.readEpoch[unit] = epoch
      this.readThread[unit] = thread
    } else if (this.readThread[unit] !== thread) this.readThread[unit] = several
    const readTile = this.readTile[unit]!
    this.readTile[unit] = readTile === none || readTile === tile ? tile : several
    this.readStatement[unit] = statement
  }

  write(unit: number, name: string, index: number, thread: number, statement: number): void {
    const { epoch, tile } = this.clock
    if (this.writeThread[unit] === inFlight) return this.early(unit, name, index, thread, statement, 'writes')
    const [writeTile, readTile] = [this.writeTile[unit]!, this.readTile[unit]!]
    if (this.writeEpoch[unit] === epoch && this.writeThread[unit] !== thread) {
      this.race(name, index, thread, statement, 'writes', this.writeThread[unit]!, this.writeStatement[unit]!, 'writes')
    } else if (this.readEpoch[unit] === epoch && this.readThread[unit] !== thread) {
      this.race(name, index, thread, statement, 'writes', this.readThread[unit]!, this.readStatement[unit]!, 'reads')
    } else if (!this.ofGroup && writeTile !== none && writeTile !== tile) {
      this.conflict(name, index, thread, statement, 'writes', writeTile, this.writeStatement[unit]!, 'writes')
    } else if (!this.ofGroup && readTile !== none && readTile !== tile) {
      this.conflict(name, index, thread, statement, 'writes', readTile, this.readStatement[unit]!, 'reads')
    }
    this.writeEpoch[unit] = epoch
    this.writeThread[unit] = thread
    this.writeTile[unit] = tile
    this.writeStatement[unit] = statement
  }

  /** A copy that `thread` begins: it may write from now on, and until it lands nobody may touch the unit. */
  begin(unit: number, name: string, index: number, thread: number, statement: number): void {
    this.write(unit, name, index, thread, statement)
    this.writeThread[unit] = inFlight
  }

  /** @param thread whose write it counts as until the next barrier; null where all who could come here have waited for it */
  land(unit: number, thread: number | null, statement: number): void {
    this.writeThread[unit] = thread ?? none
    this.writeEpoch[unit] = thread === null ? 0 : this.clock.epoch
    this.writeStatement[unit] = statement
  }

  private early(unit: number, name: string, index: number, thread: number, statement: number, does: string): void {
    const began = this.writeStatement[unit]!
    this.findings.report(
      { kind: 'race', name, index, tile: this.clock.tile, thread, statement },
      () => `${this.who(thread)} of tile ${this.clock.tile} ${does} ${name}[${index}] in ${this.findings.statement(statement)}, ` +
        `where a copy is under way that ${this.findings.statement(began)} began`, began)
  }

  private who(thread: number): string {
    if (thread === several) return 'another thread'
    return thread < this.clock.threads ? `thread ${thread}` : `subgroup ${thread - this.clock.threads}`
  }

  private race(name: string, index: number, thread: number, statement: number, does: string, other: number, otherStatement: number, did: string): void {
    const { tile, threads, subgroupSize } = this.clock
    this.findings.report(
      { kind: 'race', name, index, tile, thread: thread < threads ? thread : (thread - threads) * subgroupSize, statement },
      () => `${this.who(thread)} of tile ${tile} ${does} ${name}[${index}] in ${this.findings.statement(statement)}, ` +
        `${this.who(other)} ${did} it in ${this.findings.statement(otherStatement)}, with no barrier between`, otherStatement)
  }

  private conflict(name: string, index: number, thread: number, statement: number, does: string, other: number, otherStatement: number, did: string): void {
    const { tile } = this.clock
    this.findings.report(
      { kind: 'tile conflict', name, index, tile, thread, statement },
      () => `tile ${tile} ${does} ${name}[${index}] (${this.who(thread)}) in ${this.findings.statement(statement)}, ` +
        `${other === several ? 'another tile' : `tile ${other}`} ${did} it in ${this.findings.statement(otherStatement)}; tiles run in no order`, otherStatement)
  }
}

type Words = Float32Array | Uint16Array | Int32Array | Uint32Array

function wordsOf(element: Element, buffer: ArrayBufferLike, offset: number, bytes: number): Words {
  switch (element) {
    case 'f32':
    case 'f32x4':
      return new Float32Array(buffer, offset, bytes / 4)
    case 'f16':
    case 'f16x4':
      return new Uint16Array(buffer, offset, bytes / 2)
    case 'i32': return new Int32Array(buffer, offset, bytes / 4)
    case 'u32':
    case 'u32x4':
      return new Uint32Array(buffer, offset, bytes / 4)
    default: return element satisfies never
  }
}

/** A param or shared array: its words, and its shadow where it can be written. */
export class Memory {
  /** Units of the shadow that one element covers. */
  private readonly unitsPerElement: number

  constructor(
    readonly name: string,
    readonly element: Element,
    /** In elements. */
    readonly length: number,
    readonly words: Words,
    private readonly shadow: Shadow | null,
    unitBytes: number,
    /** Unit of the shadow at which element 0 begins. */
    private readonly firstUnit: number,
  ) {
    this.unitsPerElement = elementBytes[element] / unitBytes
  }

  get elementBytes(): number {
    return elementBytes[this.element]
  }
  /** Entries of `words` that one element takes. */
  get wordsPerElement(): number {
    return elementBytes[this.element] / this.words.BYTES_PER_ELEMENT
  }

  get tracked(): boolean {
    return this.shadow !== null
  }

  read(index: number, thread: number, statement: number): void {
    for (let i = 0, unit = this.firstUnit + index * this.unitsPerElement; i < this.unitsPerElement; i++) {
      this.shadow!.read(unit + i, this.name, index, thread, statement)
    }
  }

  write(index: number, thread: number, statement: number): void {
    for (let i = 0, unit = this.firstUnit + index * this.unitsPerElement; i < this.unitsPerElement; i++) {
      this.shadow!.write(unit + i, this.name, index, thread, statement)
    }
  }

  beginCopy(index: number, thread: number, statement: number): void {
    for (let i = 0, unit = this.firstUnit + index * this.unitsPerElement; this.tracked && i < this.unitsPerElement; i++) {
      this.shadow!.begin(unit + i, this.name, index, thread, statement)
    }
  }
  landCopy(index: number, thread: number | null, statement: number): void {
    for (let i = 0, unit = this.firstUnit + index * this.unitsPerElement; this.tracked && i < this.unitsPerElement; i++) {
      this.shadow!.land(unit + i, thread, statement)
    }
  }

  /** A read of 8 or 16 bits; `index` counts those. */
  readBits(index: number, bits: number, thread: number, statement: number): void {
    const element = Math.floor((index * bits) / 32)
    this.read(element, thread, statement)
  }
}

/**
 * Shared arrays, filled with NaN (or the largest u32) so that values nobody wrote are seen in results. Arrays that lie
 * over each other share memory and shadow, so that one's writes are seen as the other's.
 */
export function sharedMemory(kernel: Kernel, clock: Clock, findings: Findings, checked: boolean): ReadonlyMap<string, Memory> {
  if (sharedOverlaps(kernel)) return pooledMemory(kernel, clock, findings, checked)
  return new Map(kernel.shared.map(({ name, element, length }) => {
    const bytes = length * elementBytes[element]
    const words = wordsOf(element, new Uint8Array(Math.ceil(bytes / 16) * 16).fill(0xff).buffer, 0, bytes)
    const shadow = checked ? new Shadow(length, true, clock, findings) : null
    return [name, new Memory(name, element, length, words, shadow, elementBytes[element], 0)]
  }))
}

function pooledMemory(kernel: Kernel, clock: Clock, findings: Findings, checked: boolean): ReadonlyMap<string, Memory> {
  const unitBytes = 2
  const { places, bytes } = sharedPlaces(kernel)
  const pool = new Uint8Array(bytes).fill(0xff).buffer
  const shadow = checked ? new Shadow(bytes / unitBytes, true, clock, findings) : null
  return new Map(kernel.shared.map(({ name, element, length }, i) => {
    const words = wordsOf(element, pool, places[i]!, length * elementBytes[element])
    return [name, new Memory(name, element, length, words, shadow, unitBytes, places[i]! / unitBytes)]
  }))
}

/** Memory of the parameters. Throws a WeftError if one is missing, misaligned or not whole. */
export function paramMemory(
  kernel: Kernel, bound: Readonly<Record<string, BoundBytes>>, clock: Clock, findings: Findings, checked: boolean,
): ReadonlyMap<string, Memory> {
  const where = `kernel ${kernel.name}`
  for (const name of Object.keys(bound)) check(kernel.params.some(p => p.name === name), where, `no param named ${name}`)
  const regions = kernel.params.map(param => {
    const given = bound[param.name]
    check(given !== undefined, where, `nothing is bound to param ${param.name}`)
    const [buffer, start, size] = given.bytes instanceof Uint8Array
      ? [given.bytes.buffer, given.bytes.byteOffset, given.bytes.byteLength]
      : [given.bytes, 0, given.bytes.byteLength]
    const offset = given.offset ?? 0
    const length = given.length ?? size - offset
    check(offset >= 0 && length >= 0 && offset + length <= size, where, `bytes bound to param ${param.name}`, `within ${size}`, `${length} from ${offset}`)
    const unit = elementBytes[param.element]
    check(length % unit === 0, where, `bytes bound to param ${param.name}`, `a multiple of ${unit}`, String(length))
    const wordBytes = param.element.startsWith('f16') ? 2 : 4
    check((start + offset) % wordBytes === 0, where, `offset of param ${param.name}`, `a multiple of ${wordBytes}`, String(start + offset))
    return { param, buffer, at: start + offset, length }
  })

  const shadows = new Map<ArrayBufferLike, { readonly shadow: Shadow; readonly from: number; readonly unitBytes: number }>()
  for (const buffer of new Set(regions.map(r => r.buffer))) {
    const here = regions.filter(r => r.buffer === buffer)
    if (!checked || here.every(r => r.param.access === 'read')) continue
    const unitBytes = here.some(r => r.param.element.startsWith('f16')) ? 2 : 4
    const from = Math.min(...here.map(r => r.at))
    const to = Math.max(...here.map(r => r.at + r.length))
    shadows.set(buffer, { shadow: new Shadow(Math.ceil((to - from) / unitBytes), false, clock, findings), from, unitBytes })
  }
  return new Map(regions.map(({ param, buffer, at, length }) => {
    const known = shadows.get(buffer)
    const words = wordsOf(param.element, buffer, at, length)
    const count = length / elementBytes[param.element]
    const firstUnit = known === undefined ? 0 : (at - known.from) / known.unitBytes
    return [param.name, new Memory(param.name, param.element, count, words, known?.shadow ?? null, known?.unitBytes ?? elementBytes[param.element], firstUnit)]
  }))
}
