/**
 * How a weight lies on the device: sections of one buffer, chosen once per weight by what the target reads well, and
 * a lossless repack of the file's bits. Codes come first, row after row, so that 32 elements (a run) of any type are
 * a whole number of 16-byte loads; scales, minima and row scales follow, each in a section of its own. One resident
 * copy serves decoding and prefill.
 */
import { WeftError } from '../../graph/error.js'
import { bitsOf, elementsOf, nibbleOrder, type BlockType, type NibbleOrder } from './blocks.js'
import { runElements } from './run.js'
import { quantType, scaleBytes, type QuantType } from './table.js'

export { runElements } from './run.js'

export interface WeightLayout {
  readonly type: QuantType
  readonly rows: number
  readonly cols: number
  /** Order of four-bit codes; see the table of types. */
  readonly span: number
  /** Byte offsets of the sections; -1 where the type has none. */
  readonly codesAt: number
  readonly scalesAt: number
  readonly minsAt: number
  readonly rowScalesAt: number
  readonly bytes: number
  /** Whether rows are whole runs, as vector schedules need. */
  readonly runs: boolean
  /** Of a type with `blocks`: byte offsets and bytes of a row of each field's section. */
  readonly fields: Readonly<Record<string, FieldSection>>
  /** Byte offset of the codebook, or -1. */
  readonly codebookAt: number
  readonly nibbles: NibbleOrder
}

export interface FieldSection {
  readonly at: number
  readonly rowBytes: number
}

const align = (n: number): number => Math.ceil(n / 256) * 256

/** @param simd a CPU target, whose 16-byte registers take codes in halves */
export function weightLayout(typeName: string, rows: number, cols: number, simd: boolean): WeightLayout {
  const type = quantType(typeName)
  const group = type.scale?.group ?? 1
  if (cols % group !== 0 || (type.bits === 4 && cols % 2 !== 0)) {
    throw new WeftError({ where: 'layout', what: `${typeName} with ${cols} columns`, expected: `a multiple of ${Math.max(group, 2)}` })
  }
  if (type.blocks) return blockLayout(type, type.blocks, rows, cols, simd)
  const runs = cols % runElements === 0
  const section = (bytes: number, present: boolean): number => (present ? align(bytes) : 0)
  const codes = section((rows * cols * type.bits) / 8, true)
  const scales = section((rows * cols * (type.scale ? scaleBytes[type.scale.coding] : 0)) / group, type.scale !== null)
  const mins = section(((rows * cols) / group) * 2, type.min !== null)
  const rowScales = section(rows * 4, type.rowScale)
  return Object.freeze({
    type, rows, cols, span: simd && runs ? runElements : 2, codesAt: 0,
    scalesAt: type.scale ? codes : -1,
    minsAt: type.min ? codes + scales : -1,
    rowScalesAt: type.rowScale ? codes + scales + mins : -1,
    bytes: codes + scales + mins + rowScales,
    runs, fields: {}, codebookAt: -1, nibbles: 'nibbles',
  })
}

/** A section for each field, in the row's order, and the codebook last. */
function blockLayout(type: QuantType, block: BlockType, rows: number, cols: number, simd: boolean): WeightLayout {
  if (cols % block.elements !== 0) throw new WeftError({ where: 'layout', what: `${type.name} with ${cols} columns`, expected: `a multiple of ${block.elements}` })
  const fields: Record<string, FieldSection> = {}
  let at = 0
  for (const [name, field] of Object.entries(block.fields)) {
    const rowBytes = ((cols / elementsOf(field)) * bitsOf(field)) / 8
    fields[name] = { at, rowBytes }
    at += align(rows * rowBytes)
  }
  const codebookAt = block.codebook ? at : -1
  return Object.freeze({
    type, rows, cols, span: simd ? runElements : 2, codesAt: 0, scalesAt: -1, minsAt: -1, rowScalesAt: -1,
    bytes: at + (block.codebook ? align(block.codebook.entries * block.codebook.width) : 0),
    runs: true, fields, codebookAt, nibbles: nibbleOrder(block, simd),
  })
}

/** Bytes of one row in each section; none where a type has sections of its fields. */
export function rowBytes(layout: WeightLayout): { readonly codes: number; readonly scales: number; readonly mins: number } {
  const { type, cols } = layout
  if (type.blocks) return { codes: 0, scales: 0, mins: 0 }
  const groups = type.scale ? cols / type.scale.group : 0
  return { codes: (cols * type.bits) / 8, scales: type.scale ? groups * scaleBytes[type.scale.coding] : 0, mins: type.min ? groups * 2 : 0 }
}

/** Reorders four-bit codes between spans, `bytes` of them; both spans divide the run's elements or 64. */
export function respan(from: Uint8Array, fromSpan: number, into: Uint8Array, toSpan: number): void {
  if (fromSpan === toSpan) {
    into.set(from)
    return
  }
  const unit = Math.max(fromSpan, toSpan)
  const [fromHalf, toHalf] = [fromSpan / 2, toSpan / 2]
  // Position of every element of a unit, worked out once.
  const source = Uint8Array.from({ length: unit }, (_, i) => Math.floor(i / fromSpan) * fromHalf + (i % fromHalf))
  const sourceShift = Uint8Array.from({ length: unit }, (_, i) => (i % fromSpan >= fromHalf ? 4 : 0))
  const low = new Uint8Array(unit / 2)
  const high = new Uint8Array(unit / 2)
  for (let i = 0; i < unit; i++) {
    const byte = Math.floor(i / toSpan) * toHalf + (i % toHalf)
    if (i % toSpan >= toHalf) high[byte] = i
    else low[byte] = i
  }
  const half = unit / 2
  for (let at = 0; at < from.length; at += half) {
    for (let b = 0; b < half; b++) {
      const [l, h] = [low[b]!, high[b]!]
      into[at + b] = ((from[at + source[l]!]! >> sourceShift[l]!) & 15) | (((from[at + source[h]!]! >> sourceShift[h]!) & 15) << 4)
    }
  }
}
