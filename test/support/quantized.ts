/**
 * Matrices of every row of the quantized-type table, made from random codes and scales and dequantized here by the
 * formats' definitions, apart from the code that repacks and decodes weights.
 */
import { bitsOf, e2m1Values, e4m3Values, f16Bits, f16Values, floatOf } from '../../codegen/interpret-numbers.js'
import type { WeightLayout } from '../../codegen/types/layout.js'
import type { BlockType } from '../../codegen/types/blocks.js'
import { quantType, scaleBytes, type QuantType, type ScaleCoding } from '../../codegen/types/table.js'
import { codebookBytes, splitFields } from '../../runtime/repack-fields.js'
import { dequantize } from '../../weights/dequantize.js'

/** Numbers that are the same in every run. */
export class Numbers {
  constructor(private state: number) {}

  /** Uniform in [0, 1). */
  next(): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0
    return (this.state >>> 8) / 2 ** 24
  }
  integers(count: number, below: number): Uint32Array {
    return Uint32Array.from({ length: count }, () => Math.floor(this.next() * below))
  }
  /** f32 values in (-1, 1), away from zero where sums would cancel them. */
  floats(count: number): Float64Array {
    return Float64Array.from({ length: count }, () => Math.fround(this.next() * 2 - 1))
  }
  permutation(count: number): number[] {
    const all = Array.from({ length: count }, (_, i) => i)
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(this.next() * (i + 1))
      ;[all[i], all[j]] = [all[j]!, all[i]!]
    }
    return all
  }
}

export interface QuantizedMatrix {
  readonly type: QuantType
  /** Dequantized, [rows, cols]. */
  readonly values: Float64Array
  /** |code · scale| + |minimum|: what each element contributes to a sum at most, whatever the order. */
  readonly magnitudes: Float64Array
  /** Its bytes in a layout. */
  encode(layout: WeightLayout): Uint8Array
}

/** Value of a code, before scale and minimum. */
function codeValue(type: QuantType, code: number): number {
  switch (type.codec) {
    case 'f32': return floatOf(code)
    case 'f16': return f16Values[code]!
    case 'bf16': return floatOf((code << 16) >>> 0)
    case 'e2m1': return e2m1Values[code]!
    case 'u4': return code - type.zero
    case 'i8': return (code << 24) >> 24
    case 'e4m3': return e4m3Values[code]!
    case 'blocks': throw new Error(`${type.name} has no codes by itself`)
    default: return type.codec satisfies never
  }
}

function randomCode(type: QuantType, numbers: Numbers): number {
  switch (type.codec) {
    case 'f32': return bitsOf(numbers.next() * 2 - 1)
    case 'f16': return f16Bits(Math.fround(numbers.next() * 2 - 1))
    case 'bf16': return bitsOf(numbers.next() * 2 - 1) >>> 16
    case 'e4m3': return Math.floor(numbers.next() * 0x60) | (numbers.next() < 0.5 ? 0x80 : 0)
    default: return Math.floor(numbers.next() * 2 ** type.bits)
  }
}

function randomScale(coding: ScaleCoding | undefined, i: number, numbers: Numbers): number {
  switch (coding) {
    case 'e4m3': return i % 13 === 0 ? 3 : 0x28 + Math.floor(numbers.next() * 24)
    case 'e8m0': return i % 13 === 0 ? 0 : 120 + Math.floor(numbers.next() * 5)
    case 'f32': return bitsOf(Math.fround(0.01 + numbers.next() / 10))
    case 'fields':
    case 'f16':
    case undefined: return f16Bits(Math.fround(0.01 + numbers.next() / 10))
    default: return coding satisfies never
  }
}

function scaleValue(coding: ScaleCoding, code: number): number {
  switch (coding) {
    case 'e4m3': return e4m3Values[code]!
    case 'e8m0': return 2 ** (code - 127)
    case 'f32': return floatOf(code)
    case 'f16': return f16Values[code]!
    case 'fields': throw new Error('made with their blocks')
    default: return coding satisfies never
  }
}

/** A random matrix; scales span a few powers of two, subnormal ones among them. */
export function quantized(typeName: string, rows: number, cols: number, numbers: Numbers): QuantizedMatrix {
  const type = quantType(typeName)
  if (type.blocks) return ofBlocks(type, type.blocks, rows, cols, numbers)
  const group = type.scale?.group ?? cols
  const groups = Math.ceil(cols / group)
  const codes = Uint32Array.from({ length: rows * cols }, () => randomCode(type, numbers))
  const coding = type.scale?.coding
  const scales = Uint32Array.from({ length: rows * groups }, (_, i) => randomScale(coding, i, numbers))
  const zeros = type.min?.coding === 'zero'
  const mins = Uint16Array.from({ length: rows * groups }, () => f16Bits(zeros ? Math.floor(numbers.next() * 16) : Math.fround(numbers.next() - 0.5)))
  const rowScales = Float32Array.from({ length: rows }, (_, r) => (r < rows / 2 ? 0.75 : 0.3))
  const magnitudes = new Float64Array(codes.length)
  const values = Float64Array.from(codes, (code, i) => {
    const row = Math.floor(i / cols)
    const g = row * groups + Math.floor((i % cols) / group)
    const scale = type.scale === null ? 1 : scaleValue(type.scale.coding, scales[g]!)
    const added = type.min === null ? 0 : zeros ? -f16Values[mins[g]!]! * scale : f16Values[mins[g]!]!
    const all = type.rowScale ? rowScales[row]! : 1
    magnitudes[i] = (Math.abs(codeValue(type, code) * scale) + Math.abs(added)) * all
    return (codeValue(type, code) * scale + added) * all
  })
  return {
    type, values, magnitudes,
    encode(layout) {
      const bytes = new Uint8Array(layout.bytes)
      const view = new DataView(bytes.buffer)
      codes.forEach((code, i) => {
        const [row, col] = [Math.floor(i / cols), i % cols]
        if (type.bits === 4) {
          // Of each span the first half lies in the low nibbles, the second in the high ones.
          const [half, inSpan] = [layout.span / 2, col % layout.span]
          const at = layout.codesAt + (row * cols) / 2 + Math.floor(col / layout.span) * half + (inSpan % half)
          bytes[at]! |= inSpan < half ? code : code << 4
        } else if (type.bits === 8) view.setUint8(layout.codesAt + i, code)
        else if (type.bits === 16) view.setUint16(layout.codesAt + i * 2, code, true)
        else view.setUint32(layout.codesAt + i * 4, code, true)
      })
      if (type.scale) {
        const size = scaleBytes[type.scale.coding]
        scales.forEach((s, i) => (size === 1 ? view.setUint8(layout.scalesAt + i, s) : size === 2 ? view.setUint16(layout.scalesAt + i * 2, s, true) : view.setUint32(layout.scalesAt + i * 4, s, true)))
      }
      if (type.min) mins.forEach((m, i) => view.setUint16(layout.minsAt + i * 2, m, true))
      if (type.rowScale) rowScales.forEach((s, i) => view.setFloat32(layout.rowScalesAt + i * 4, s, true))
      return bytes
    },
  }
}

/** Byte offsets of the f16 scales in blocks of GGUF; of IQ1_M they are the top nibbles of four halfwords. */
const halves: Readonly<Record<string, readonly number[]>> = {
  q5_0: [0], q5_1: [0, 2], q2_k: [80, 82], q3_k: [108], q4_k: [0, 2], q5_k: [0, 2], q6_k: [208], iq4_nl: [0], iq4_xs: [0],
  iq2_xxs: [0], iq2_xs: [0], iq2_s: [0], iq3_xxs: [0], iq3_s: [0], iq1_s: [0], iq1_m: [48, 50, 52, 54], tq1_0: [52], tq2_0: [64],
}

/** Blocks of random bits with sane scales, as a file has them: their values by the plain decoding of `weights/`, their bytes by the repack. */
function ofBlocks(type: QuantType, blocks: BlockType, rows: number, cols: number, numbers: Numbers): QuantizedMatrix {
  const count = (rows * cols) / blocks.elements
  const file = Uint8Array.from({ length: count * blocks.bytes }, () => Math.floor(numbers.next() * 256))
  const view = new DataView(file.buffer)
  const at = halves[type.name]!
  for (let b = 0; b < count; b++) {
    // About as large as weights are after the scales and codes that multiply it.
    const scale = f16Bits(Math.fround((0.5 + numbers.next() / 2) / 256))
    at.forEach((offset, i) => {
      const place = b * blocks.bytes + offset
      view.setUint16(place, type.name === 'iq1_m' ? (view.getUint16(place, true) & 0x0fff) | (((scale >> (4 * i)) & 15) << 12) : scale, true)
    })
  }
  const tensor = { name: 'test', type: type.name, shape: [rows, cols], packing: 'gguf', ranges: { data: { file: '', offset: 0, bytes: file.length } }, scale: 1 } as const
  const values = Float64Array.from(dequantize({ read: (_, into, from = 0) => into.set(file.subarray(from, from + into.length)) }, tensor))
  // A minimum is at most 63 block scales, and what is left without it at most the value and the minimum.
  const most = type.min ? 2 * 63 / 256 : 0
  return {
    type, values, magnitudes: values.map(v => Math.abs(v) + most),
    encode(layout) {
      const bytes = new Uint8Array(layout.bytes)
      splitFields(file, blocks, layout.nibbles, Object.fromEntries(Object.entries(layout.fields).map(([name, f]) => [name, bytes.subarray(f.at, f.at + f.rowBytes * rows)])))
      if (blocks.codebook) bytes.set(codebookBytes(blocks.codebook), layout.codebookAt)
      return bytes
    },
  }
}
