/**
 * A run of a type with fields as its row's functions see it. What they ask for is found by name among values that a schedule
 * loaded a step ahead, or loaded on the spot. Which loads a run needs is found by asking once: the functions decide
 * nothing by what they get.
 */
import type { Buffer } from '../builder.js'
import { u32, type Value } from '../value.js'
import { bitsOf, codesOfQuad, elementsOf, type BlockType, type Field, type Fields, type Plane } from './blocks.js'
import type { WeightLayout } from './layout.js'
import { runElements } from './run.js'

/** Words, and where a field of four bits is read in one load, 16-byte vectors of a weight. */
export interface Views {
  readonly words: Buffer
  readonly vectors: Buffer
}

/** The value of a load, by name; made where it is not known. */
type Source = (name: string, make: () => Value) => Value

const quadsOfRun = runElements / 4

export class RunFields implements Fields {
  private readonly block: BlockType

  /** @param at index of the run among all of the weight */
  constructor(private readonly layout: WeightLayout, private readonly views: Views, private readonly at: Value, private readonly source: Source) {
    this.block = layout.type.blocks!
  }

  /** All that the quads and groups of a run ask for, by name. */
  static loads(layout: WeightLayout, views: Views, at: Value): ReadonlyMap<string, Value> {
    const found = new Map<string, Value>()
    const f = new RunFields(layout, views, at, (name, make) => {
      const known = found.get(name) ?? make()
      found.set(name, known)
      return known
    })
    f.all()
    return found
  }

  /** The quads and groups of a run whose loads are `values`, in the order of their names. */
  static loaded(layout: WeightLayout, views: Views, names: readonly string[], values: readonly Value[]): RunFields {
    const byName = new Map(names.map((n, i) => [n, values[i]!]))
    return new RunFields(layout, views, u32(0), name => byName.get(name)!)
  }

  private all(): void {
    for (let v = 0; v < quadsOfRun; v++) codesOfQuad(this.block, this, u32(v))
    this.block.groups(this)
  }

  get run(): Value {
    return this.source('run', () => this.at.mod(this.block.elements / runElements))
  }

  item(name: string): Value {
    const field = this.field(name)
    const bits = bitsOf(field)
    if (bits >= 32) return this.word(name, 0)
    const { at } = this.layout.fields[name]!
    if (bits >= 8) return this.source(name, () => this.views.words.loadBits(this.index(field).add((at * 8) / bits), bits as 8 | 16))
    const perByte = 8 / bits
    const byte = this.source(name, () => this.views.words.loadBits(this.index(field).div(perByte).add(at), 8))
    return byte.shr(this.run.mod(perByte).mul(bits)).and(2 ** bits - 1)
  }

  word(name: string, i: Value | number, key?: string): Value {
    const field = this.field(name)
    const index = typeof i === 'number' ? u32(i) : i
    const words = bitsOf(field) / 32
    return this.source(`${name} ${key ?? index.constant}`, () => this.views.words.load(this.index(field).mul(words).add(index).add(this.layout.fields[name]!.at / 4)))
  }

  quad(name: string, v: Value): Value {
    const { bits } = this.field(name) as Plane
    switch (bits) {
      case 1: return this.word(name, 0).shr(v).and(0x01010101)
      case 2: return this.word(name, v.shr(2)).shr(v.and(3).mul(2)).and(0x03030303)
      case 4: return (this.layout.nibbles === 'halves' ? this.vector(name, v.and(3)).shr(v.shr(2).mul(4)) : this.vector(name, v.shr(1)).shr(v.and(1).mul(4))).and(0x0f0f0f0f)
      default: return bits satisfies never
    }
  }

  nibbles(name: string, v: Value): Value {
    if (this.layout.nibbles === 'nibbles') return this.vector(name, v.shr(1)).shr(v.and(1).mul(16)).and(0xffff)
    const bytes = this.quad(name, v)
    const pairs = bytes.or(bytes.shr(4)).and(0x00ff00ff)
    return pairs.or(pairs.shr(8)).and(0xffff)
  }

  entry(index: Value): Value {
    return this.views.words.load(index.add(this.layout.codebookAt / 4))
  }

  /** The four words of a run of a plane of four bits, in one load. */
  wholeOf(name: string): Value {
    return this.source(name, () => this.views.vectors.load(this.at.add(this.layout.fields[name]!.at / 16)))
  }

  /** Word `i` of a plane of four bits: of the load of the whole, where the word is known. */
  private vector(name: string, i: Value): Value {
    return i.constant === undefined ? this.word(name, i) : this.wholeOf(name).at(i.constant)
  }

  private field(name: string): Field {
    return this.block.fields[name]!
  }
  private index(field: Field): Value {
    return this.at.div(elementsOf(field) / runElements)
  }
}
