/**
 * AWQ and GPTQ by their definitions: four-bit codes and zeros in words of eight, with columns where a model has rows. The value of a
 * code is (code − zero) · scale of its group of inputs. GPTQ packs codes along the inputs and stores zeros less one (in its first
 * format, where 15 stands for nought); AWQ packs both along the outputs, in the order 0, 2, 4, 6, 1, 3, 5, 7. With activation order GPTQ's inputs belong to groups as
 * `g_idx` says; here they are sorted by group, so that groups are whole again, and the product reads its inputs in that order.
 * Sources: AutoGPTQ/AutoGPTQ `qlinear_cuda_old.py`, casper-hansen/AutoAWQ `packing_utils.py`.
 */
import { check } from '../graph/error.js'
import type { ModelSource, WeightTensor } from './model.js'
import { readFloats } from './scale-grid.js'

type Reader = Pick<ModelSource, 'read'>

/** Where column c of eight stands in AWQ's words. */
export const awqNibble: readonly number[] = [0, 4, 1, 5, 2, 6, 3, 7]

/** Inputs of a group, by the type's name. */
export function int4Group({ type, name }: WeightTensor): number {
  const [, digits] = /^int4_g(\d+)$/.exec(type) ?? []
  check(digits !== undefined, 'weights', `tensor ${name}: type`, 'int4_g32, int4_g64 or int4_g128', type)
  return Number(digits)
}

/** A plane of 32-bit words. */
export function readWords(source: Reader, tensor: WeightTensor, plane: string): Uint32Array {
  const range = tensor.ranges[plane]
  check(range !== undefined, 'weights', `tensor ${tensor.name} has no plane of ${plane}`)
  const words = new Uint32Array(range.bytes / 4)
  source.read(range, new Uint8Array(words.buffer))
  return words
}

/** The inputs of a weight sorted by their groups: place i is read from input order[i]. @param plane of the tensor's ranges */
export function inputOrder(source: Reader, tensor: WeightTensor, plane: string): Uint32Array {
  const groups = readWords(source, tensor, plane)
  return Uint32Array.from(groups.keys()).sort((a, b) => groups[a]! - groups[b]! || a - b)
}

/** Rows from `row` on, as many as `out` holds, columns in the order of inputs. */
export function int4Rows(source: Reader, tensor: WeightTensor, row: number, out: Float32Array): void {
  const [rows, columns] = tensor.shape as readonly [number, number]
  const { scales: scaleType, zeroOffset } = tensor.int4!
  const group = int4Group(tensor)
  const [words, zeroWords, scales] = [readWords(source, tensor, 'qweight'), readWords(source, tensor, 'qzeros'), readFloats(source, tensor, 'scales', scaleType)]
  const order = tensor.ranges['order'] ? inputOrder(source, tensor, 'order') : null
  const awq = tensor.packing === 'awq'
  const along = rows / 8
  for (let r = 0; r < out.length / columns; r++) {
    const o = row + r
    const shift = 4 * (awq ? awqNibble[o % 8]! : o % 8)
    for (let i = 0; i < columns; i++) {
      const k = order ? order[i]! : i
      const code = awq ? words[k * along + (o >> 3)]! >>> shift : words[(k >> 3) * rows + o]! >>> (4 * (k % 8))
      const g = Math.floor(i / group)
      const zero = ((zeroWords[g * along + (o >> 3)]! >>> shift) + zeroOffset) & 15
      out[r * columns + i] = ((code & 15) - zero) * scales[g * rows + o]!
    }
  }
}

/** Whether every zero is 8, scales are f16 and inputs are in their order: then a weight is Q4_0 of GGUF, whose codes stand for −8 to 7. */
export function isSymmetric(source: Reader, tensor: WeightTensor): boolean {
  const { int4 } = tensor
  if (!int4 || int4.scales !== 'f16' || tensor.ranges['order']) return false
  const eights = int4.zeroOffset === 1 ? 0x77777777 : 0x88888888
  return readWords(source, tensor, 'qzeros').every(w => w === eights)
}

/** Rows of a symmetric weight as blocks of Q4_0: an f16, then element j low and j + 16 high. Wider groups repeat their scale. */
export function symmetricBlocks(source: Reader, tensor: WeightTensor, row: number, count: number): Uint8Array {
  const [rows, columns] = tensor.shape as readonly [number, number]
  const group = int4Group(tensor)
  const words = readWords(source, tensor, 'qweight')
  const scales = new Uint16Array(tensor.ranges['scales']!.bytes / 2)
  source.read(tensor.ranges['scales']!, new Uint8Array(scales.buffer))
  const awq = tensor.packing === 'awq'
  const code = (o: number, k: number): number => (awq ? words[k * (rows / 8) + (o >> 3)]! >>> (4 * awqNibble[o % 8]!) : words[(k >> 3) * rows + o]! >>> (4 * (k % 8))) & 15
  const out = new Uint8Array((count * columns * 18) / 32)
  for (let r = 0, at = 0; r < count; r++) {
    for (let k = 0; k < columns; k += 32, at += 18) {
      const scale = scales[Math.floor(k / group) * rows + row + r]!
      out[at] = scale & 0xff
      out[at + 1] = scale >> 8
      for (let j = 0; j < 16; j++) out[at + 2 + j] = code(row + r, k + j) | (code(row + r, k + j + 16) << 4)
    }
  }
  return out
}
