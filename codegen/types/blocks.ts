/**
 * Types whose blocks have more to them than codes, a scale and a minimum: fields of several widths, scales with scales of their
 * own, codebooks. A row of this kind says which bits of a block of GGUF make up each field, and how four elements (a quad)
 * become four signed bytes, and a run's fields the scales of its groups. Every field has a section of its own in the
 * layout, bit for bit what the file holds.
 *
 * A plane holds some bits of every code. In a file, of each `span` elements, element e has its bits in byte e mod stride,
 * shifted by bits · ⌊e / stride⌋, with stride = span · bits / 8. On the device quads lie side by side in a word, a byte for each
 * element, so that a shift and a mask take out a quad:
 *
 *     1 bit:  quad v is bit v of each byte of a run's word          2 bits: quads 0 to 3 in the first word, 4 to 7 in the second
 *     4 bits: quads 2v and 2v + 1 in word v (`quads`), element by element (`nibbles`: what a table looks up),
 *             or quads v and v + 4 (CPU targets: a register's low nibbles are elements 0 to 15)
 */
import { call, f32, select, u32, type Value } from '../value.js'
import { runElements } from './run.js'

/** Bits of a block from bit `at` on, the lowest first. */
export type Piece = readonly [at: number, bits: number]

/** `bits` of each element. */
export interface Plane {
  readonly kind: 'plane'
  readonly bits: 1 | 2 | 4
  /** First byte in the block. */
  readonly at: number
  readonly span: number
}

/** One item for every `per` elements. */
export interface Items {
  readonly kind: 'items'
  /** 2, 4, 8, 16, or a multiple of 32. */
  readonly bits: number
  readonly per: number
  /** What item `i` of a block is made of, lowest bits first. */
  readonly pieces: (i: number) => readonly Piece[]
}

export type Field = Plane | Items

export const plane = (bits: Plane['bits'], at: number, span: number): Plane => ({ kind: 'plane', bits, at, span })
export const items = (bits: number, per: number, pieces: Items['pieces']): Items => ({ kind: 'items', bits, per, pieces })
/** Items of `bits` that simply follow each other from byte `at` on. */
export const following = (bits: number, per: number, at: number): Items => items(bits, per, i => [[8 * at + bits * i, bits]])

/** What a row's functions see of a run. */
export interface Fields {
  /** The item of the run, of at most 32 bits, in the low bits; what stands above them is not said where the item has 32 or more. */
  item(field: string): Value
  /** Word `i` of the run's items. `key` names the load where `i` is no constant. */
  word(field: string, i: Value | number, key?: string): Value
  /** The bits of quad `v` in a plane, one byte for each element. */
  quad(plane: string, v: Value): Value
  /** Quad `v` of a plane of four bits as four nibbles of the low 16 bits. */
  nibbles(plane: string, v: Value): Value
  /** A word of the type's codebook. */
  entry(index: Value): Value
  /** Which run of its block this is. */
  readonly run: Value
}

export interface Group {
  readonly scale: Value
  /** What is subtracted. */
  readonly min: Value | null
}

/** Codes that are integers: planes, the lowest bits first, less `zero`. */
export interface Integers {
  readonly kind: 'integers'
  readonly planes: readonly string[]
  readonly zero: number
}
/** Codes of four bits that stand for sixteen signed bytes. */
export interface Looked {
  readonly kind: 'table'
  readonly plane: string
  readonly values: readonly number[]
}
/** Anything else: four elements of the run from 4v on, as signed bytes. */
export interface Quads {
  readonly kind: 'quads'
  readonly quad: (f: Fields, v: Value) => Value
}

/** A codebook of weights/codebooks.ts as it lies on the device, a byte for each value: times · value + plus. */
export interface Codebook {
  readonly name: string
  readonly entries: number
  readonly width: number
  readonly times: number
  readonly plus: number
}

export interface BlockType {
  /** Elements and bytes of a block of the file. */
  readonly elements: number
  readonly bytes: number
  readonly fields: Readonly<Record<string, Field>>
  readonly codes: Integers | Looked | Quads
  readonly codebook: Codebook | null
  /** Scale and minimum of each group of a run. */
  readonly groups: (f: Fields) => readonly Group[]
}

/** Order of four-bit planes on a target. */
export type NibbleOrder = 'quads' | 'nibbles' | 'halves'

export function nibbleOrder(type: BlockType, simd: boolean): NibbleOrder {
  return simd ? 'halves' : type.codes.kind === 'table' ? 'nibbles' : 'quads'
}

/** Elements one item of a field is for; a plane is kept by runs. */
export const elementsOf = (field: Field): number => (field.kind === 'plane' ? runElements : field.per)
/** Bits that a field takes for that many elements. */
export const bitsOf = (field: Field): number => (field.kind === 'plane' ? field.bits * runElements : field.bits)

const inBytes = 0x01010101
const signs = 0x80808080

/** Quad `v` of a row's codes as four signed bytes. */
export function codesOfQuad(type: BlockType, f: Fields, v: Value): Value {
  const { codes } = type
  switch (codes.kind) {
    case 'quads': return codes.quad(f, v)
    case 'table': {
      const words = [0, 4, 8, 12].map(i => u32(codes.values.slice(i, i + 4).reduce((w, byte, b) => w | ((byte & 255) << (8 * b)), 0)))
      return call('lookup16', ...words, f.nibbles(codes.plane, v))
    }
    case 'integers': {
      let shift = 0
      const parts = codes.planes.map(name => {
        const part = f.quad(name, v).shl(shift)
        shift += (type.fields[name] as Plane).bits
        return part
      })
      return less(parts.reduce((a, b) => a.or(b)), codes.zero)
    }
    default: return codes satisfies never
  }
}

/** Four bytes below 128, each less `zero`. */
export function less(bytes: Value, zero: number): Value {
  return zero === 0 ? bytes : bytes.or(signs).sub(zero * inBytes).xor(signs)
}

/** Four positive bytes, negated where the bits of a nibble are set. */
export function signed(bytes: Value, nibble: Value): Value {
  // The nibble's bits go to the lowest of each byte; −b is ~b + 1, and nothing is carried, as no byte is zero.
  const ones = nibble.mul(0x00204081).and(inBytes)
  return bytes.xor(ones.mul(255)).add(ones)
}

/** One f16 in the low 16 bits. */
export const half = (bits: Value): Value => call('f16', bits)
/** An unsigned integer as a float. */
export const whole = (n: Value): Value => n.convert('f32')
/** A run's only group. */
export const one = (scale: Value, min: Value | null = null): readonly Group[] => [{ scale, min }]

export { f32, select, u32 }
