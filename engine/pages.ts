/**
 * Pages of the KV cache: 256 positions each, handed to sequences as they grow and taken back when they end. The table
 * says which physical page holds which page of a sequence; nothing but the table knows the order.
 */
import { pageSize } from '../codegen/state.js'
import { WeftError } from '../graph/error.js'

/** Which of the free pages to hand out next, as an index into them; tests permute. */
export type PageChoice = (free: readonly number[]) => number

export class Pages {
  private readonly owned: number[][]
  private free: number[] = []
  private total = 0

  /** @param perSequence pages of the context limit */
  constructor(readonly sequences: number, readonly perSequence: number, private readonly choice: PageChoice = () => 0) {
    this.owned = Array.from({ length: sequences }, () => [])
  }

  /** Physical pages there are. */
  get count(): number {
    return this.total
  }
  /** Pages that must be added before `sequence` can hold `positions`. */
  missing(sequence: number, positions: number): number {
    const wanted = Math.ceil(positions / pageSize)
    if (wanted > this.perSequence) {
      throw new WeftError({ where: 'context', what: `${positions} positions do not fit the context`, expected: `at most ${this.perSequence * pageSize}`, got: String(positions) })
    }
    return Math.max(0, wanted - this.owned[sequence]!.length - this.free.length)
  }
  /** Makes pages [count, count + more) known as free. */
  add(more: number): void {
    for (let i = 0; i < more; i++) this.free.push(this.total + i)
    this.total += more
  }
  /** Hands out pages until `sequence` can hold `positions`; true if the table changed. */
  take(sequence: number, positions: number): boolean {
    const own = this.owned[sequence]!
    const before = own.length
    while (own.length * pageSize < positions) own.push(this.free.splice(this.choice(this.free), 1)[0]!)
    return own.length !== before
  }
  release(sequence: number): void {
    this.free.push(...this.owned[sequence]!)
    this.owned[sequence] = []
  }
  slot(sequence: number, position: number): number {
    return this.owned[sequence]![Math.floor(position / pageSize)]! * pageSize + (position % pageSize)
  }
  /** [sequences, perSequence], row-major; pages not owned are 0. */
  table(): Uint32Array {
    const out = new Uint32Array(this.sequences * this.perSequence)
    this.owned.forEach((own, s) => out.set(own, s * this.perSequence))
    return out
  }
}
