/**
 * The repack of AWQ and GPTQ: files have columns where the device has rows, so a matrix is turned as it is uploaded. GPTQ's words
 * hold eight inputs of one output, which is how codes stand on the device too: whole words move. AWQ's hold eight outputs, and
 * with activation order the inputs change places: there each code moves by itself. `weights/int4.ts` has the layouts in plain form.
 */
import type { WeightLayout } from '../codegen/types/layout.js'
import { WeftError } from '../graph/error.js'
import { awqNibble, inputOrder, readWords } from '../weights/int4.js'
import type { ModelSource, WeightTensor } from '../weights/model.js'
import { readFloats } from '../weights/scale-grid.js'

/** The whole numbers from 0 to 15 as f16. */
const halves = Uint16Array.of(0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600, 0x4700, 0x4800, 0x4880, 0x4900, 0x4980, 0x4a00, 0x4a80, 0x4b00, 0x4b80)

/** Rows of a tensor as the device has them, a few at a time. */
export class Int4Rows {
  private readonly words: Uint32Array
  private readonly zeros: Uint32Array
  private readonly scales: Float32Array
  private readonly order: Uint32Array | null

  constructor(source: Pick<ModelSource, 'read'>, private readonly tensor: WeightTensor, private readonly layout: WeightLayout) {
    const { int4 } = tensor
    if (!int4) throw new WeftError({ where: 'weights', what: `tensor ${tensor.name} has no codes of four bits` })
    this.words = readWords(source, tensor, 'qweight')
    this.zeros = readWords(source, tensor, 'qzeros')
    this.scales = readFloats(source, tensor, 'scales', int4.scales)
    this.order = tensor.ranges['order'] ? inputOrder(source, tensor, 'order') : null
  }

  /** Codes in plain order of `count` rows from `row` of the tensor, their scales as f32 and zeros as f16. */
  fill(row: number, count: number, codes: Uint8Array, scales: Uint8Array, mins: Uint8Array): void {
    const { tensor, layout } = this
    const [rows, columns] = tensor.shape as readonly [number, number]
    if (tensor.packing === 'gptq' && this.order === null) this.turnWords(row, count, rows, columns, codes)
    else this.turnCodes(row, count, rows, columns, codes)
    const group = layout.type.scale!.group
    const groups = columns / group
    const [scaleView, zeroView] = [new DataView(scales.buffer, scales.byteOffset, scales.length), new DataView(mins.buffer, mins.byteOffset, mins.length)]
    for (let r = 0; r < count; r++) {
      const o = row + r
      const shift = this.shift(o)
      for (let g = 0; g < groups; g++) {
        const at = r * groups + g
        scaleView.setFloat32(at * 4, this.scales[g * rows + o]!, true)
        const zero = ((this.zeros[g * (rows / 8) + (o >> 3)]! >>> shift) + tensor.int4!.zeroOffset) & 15
        zeroView.setUint16(at * 2, halves[zero]!, true)
      }
    }
  }

  /** Where output `o` stands in a word along the outputs. */
  private shift(o: number): number {
    return 4 * (this.tensor.packing === 'awq' ? awqNibble[o % 8]! : o % 8)
  }

  private turnWords(row: number, count: number, rows: number, columns: number, codes: Uint8Array): void {
    const view = new DataView(codes.buffer, codes.byteOffset, codes.length)
    const perRow = columns / 8
    for (let w = 0; w < perRow; w++) {
      for (let r = 0; r < count; r++) view.setUint32((r * perRow + w) * 4, this.words[w * rows + row + r]!, true)
    }
  }

  private turnCodes(row: number, count: number, rows: number, columns: number, codes: Uint8Array): void {
    const awq = this.tensor.packing === 'awq'
    for (let r = 0; r < count; r++) {
      const o = row + r
      const shift = this.shift(o)
      const code = (i: number): number => {
        const k = this.order === null ? i : this.order[i]!
        return (awq ? this.words[k * (rows / 8) + (o >> 3)]! >>> shift : this.words[(k >> 3) * rows + o]! >>> (4 * (k % 8))) & 15
      }
      for (let i = 0; i < columns; i += 2) codes[(r * columns + i) / 2] = code(i) | (code(i + 1) << 4)
    }
  }
}
