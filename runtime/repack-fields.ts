/**
 * The repacking of blocks of many fields on their way to a device: each field's bits go to a section of their own, by lists of moves
 * that are worked out once a type from its description. Planes move by quads of elements, a word of the file at a time;
 * the smaller fields byte by byte.
 */
import { elementsOf, type BlockType, type Codebook, type Items, type NibbleOrder, type Plane } from '../codegen/types/blocks.js'
import { runElements } from '../codegen/types/run.js'
import { codebook } from '../weights/codebooks.js'

/** Where the sections of some blocks go: exactly as many bytes as those blocks have of each, cleared. */
export type FieldBytes = Readonly<Record<string, Uint8Array>>

/** Separates the fields of blocks of GGUF, bit for bit, in the order of four-bit codes that a layout asks for. */
export function splitFields(from: Uint8Array, type: BlockType, order: NibbleOrder, into: FieldBytes): void {
  for (const [name, field] of Object.entries(type.fields)) {
    if (field.kind === 'plane') movePlane(from, type, field, order, into[name]!)
    else moveItems(from, type, field, into[name]!)
  }
}

/** The bytes of a codebook as a type keeps them. */
export function codebookBytes({ name, times, plus }: Codebook): Uint8Array {
  return Uint8Array.from(codebook(name).values, v => times * v + plus)
}

/** A quad of a plane: where its bits are in a block of the file, and where they go, in words from the block's first. */
interface QuadMove {
  readonly at: number
  readonly shift: number
  readonly to: number
  readonly up: number
}

function placeOf(bits: Plane['bits'], order: NibbleOrder, v: number): readonly [word: number, shift: number] {
  switch (bits) {
    case 1: return [0, v]
    case 2: return [v >> 2, 2 * (v & 3)]
    case 4: return order === 'halves' ? [v & 3, 4 * (v >> 2)] : order === 'quads' ? [v >> 1, 4 * (v & 1)] : [v >> 1, 16 * (v & 1)]
    default: return bits satisfies never
  }
}

function quadMoves({ elements }: BlockType, { bits, at, span }: Plane, order: NibbleOrder): readonly QuadMove[] {
  const stride = (span * bits) / 8
  return Array.from({ length: elements / 4 }, (_, quad) => {
    const inSpan = (4 * quad) % span
    const [word, up] = placeOf(bits, order, quad % (runElements / 4))
    const to = Math.floor(quad / (runElements / 4)) * bits + word
    return { at: at + Math.floor((4 * quad) / span) * stride + (inSpan % stride), shift: bits * Math.floor(inSpan / stride), to, up }
  })
}

/** Four bytes with a nibble each, as sixteen bits. */
const pack = (w: number): number => {
  const pairs = (w | (w >>> 4)) & 0x00ff00ff
  return (pairs | (pairs >>> 8)) & 0xffff
}

function movePlane(from: Uint8Array, type: BlockType, plane: Plane, order: NibbleOrder, into: Uint8Array): void {
  const source = new DataView(from.buffer, from.byteOffset, from.length)
  const words = new Uint32Array(into.buffer, into.byteOffset, into.length / 4)
  const moves = quadMoves(type, plane, order)
  const wordsOfBlock = (type.elements * plane.bits) / 32
  const mask = (2 ** plane.bits - 1) * 0x01010101
  // A plane of one bit whose bits simply follow each other: a quad is a nibble, its bits to be parted.
  const following = plane.bits === 1 && plane.span === 8
  const packed = plane.bits === 4 && order === 'nibbles'
  for (let block = 0, at = 0; at < from.length; block++, at += type.bytes) {
    const first = block * wordsOfBlock
    for (const { at: byte, shift, to, up } of moves) {
      const quad = following ? Math.imul((from[at + byte]! >> shift) & 15, 0x00204081) & mask : (source.getUint32(at + byte, true) >>> shift) & mask
      words[first + to]! |= (packed ? pack(quad) : quad) << up
    }
  }
}

/** Bits within a byte of the file, and where they go within a byte of a block's section. */
interface BitMove {
  readonly at: number
  readonly shift: number
  readonly mask: number
  readonly to: number
  readonly up: number
}

function bitMoves(type: BlockType, items: Items): readonly BitMove[] {
  const moves: BitMove[] = []
  for (let i = 0, to = 0; i < type.elements / elementsOf(items); i++) {
    for (const [first, count] of items.pieces(i)) {
      for (let done = 0; done < count;) {
        const at = first + done
        const bits = Math.min(count - done, 8 - (at % 8), 8 - (to % 8))
        moves.push({ at: at >> 3, shift: at % 8, mask: 2 ** bits - 1, to: to >> 3, up: to % 8 })
        done += bits
        to += bits
      }
    }
  }
  return moves
}

function moveItems(from: Uint8Array, type: BlockType, items: Items, into: Uint8Array): void {
  const moves = bitMoves(type, items)
  const bytesOfBlock = ((type.elements / elementsOf(items)) * items.bits) / 8
  for (let block = 0, at = 0; at < from.length; block++, at += type.bytes) {
    const first = block * bytesOfBlock
    for (const { at: byte, shift, mask, to, up } of moves) into[first + to]! |= ((from[at + byte]! >> shift) & mask) << up
  }
}
