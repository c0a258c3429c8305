/**
 * How one weight goes into a file of another format: which slots it takes there, whether its bits pass unchanged, and how its
 * rows are written, a few megabytes at a time. A type that the format shares is copied bit by bit; one that it lacks is
 * decoded and stored as a plain float (or, in a `.dat` file, as NVFP4), and what that loses is measured on the bytes that were written.
 */
import { WeftError } from '../graph/error.js'
import { datSlot } from './dat.js'
import { dequantize, dequantizeInOrder } from './dequantize.js'
import { e4m3ToF32, f32ToE4m3 } from './floats.js'
import { ggufBlock } from './gguf-types.js'
import { ggufSlot } from './gguf-write.js'
import { symmetricBlocks } from './int4.js'
import type { ModelSource, WeightTensor } from './model.js'
import { largestOf, quantizeFours, type QuantizeOptions } from './quantize.js'
import { encodeRows, type EncodedType } from './quantize-blocks.js'
import { blockOf, blocksOfFours, groupOf, readFours, readRows, sizeOf, type FourBitFloat, type Fours } from './rows.js'
import { safetensorsSlot } from './write.js'
import type { Slot } from './tensor-file.js'

/** Receives bytes of a slot, from byte `at` of it. */
export type Put = (slot: string, at: number, bytes: Uint8Array) => void

/** Squares of errors and of values, summed, and the largest error. */
export interface Loss {
  readonly errors: number
  readonly values: number
  readonly largest: number
}

export interface Placement {
  readonly slots: readonly Slot[]
  /** What it is stored as. */
  readonly to: string
  /** Writes all bytes of the slots. Null where every value stays what it was, else what was lost. */
  fill(source: ModelSource, put: Put): Loss | null
}

/** Bytes of float32 rows in memory at a time. */
const chunkBytes = 8 * 2 ** 20

/** Calls `each` with runs of rows that take some megabytes as float32. */
export function eachChunk(tensor: WeightTensor, each: (from: number, count: number) => void): void {
  const { rows, columns } = sizeOf(tensor)
  const step = Math.max(1, Math.floor(chunkBytes / 4 / columns))
  for (let from = 0; from < rows; from += step) each(from, Math.min(step, rows - from))
}

const none: Loss = { errors: 0, values: 0, largest: 0 }

/** Adds what differs between values and what was made of them. */
export function addLoss(sum: Loss, values: Float32Array, stored: Float32Array): Loss {
  let [errors, squares, largest] = [sum.errors, sum.values, sum.largest]
  for (let i = 0; i < values.length; i++) {
    const difference = values[i]! - stored[i]!
    errors += difference * difference
    squares += values[i]! * values[i]!
    if (Math.abs(difference) > largest) largest = Math.abs(difference)
  }
  return { errors, values: squares, largest }
}

const orNull = (loss: Loss): Loss | null => (loss.errors === 0 ? null : loss)

/** Rows encoded in memory, decoded again by the code that reads files. */
export function decodeAgain(type: string, columns: number, planes: Readonly<Record<string, Uint8Array>>, scale: number, packing: WeightTensor['packing']): Float32Array {
  const block = ggufBlock(type)!
  const values = packing === 'planes' ? planes['codes']!.length * 2 : (planes['data']!.length / block.bytes) * block.values
  const count = values / columns
  const ranges = Object.fromEntries(Object.entries(planes).map(([name, bytes]) => [name, { file: name, offset: 0, bytes: bytes.length }]))
  const read: ModelSource['read'] = (range, into, at = 0) => into.set(planes[range.file]!.subarray(at, at + into.length))
  return dequantize({ read }, { name: type, type, shape: [count, columns], packing, ranges, scale })
}

/** Bits as they are, in the model's order of rows or, with `permute`, in that of GGUF's llama. */
export function placeRaw(tensor: WeightTensor, slot: Slot, permute: readonly number[] | null = null): Placement {
  return {
    slots: [slot], to: tensor.type,
    fill(source, put) {
      const perRow = slot.bytes / sizeOf(tensor).rows
      eachChunk(tensor, (from, count) => writeRows(put, slot.name, perRow, from, permute, readRows(source, tensor, 'data', from, count)))
      return null
    },
  }
}

/** AWQ's and GPTQ's codes with zeros of 8, as the blocks of Q4_0 that they are. */
export function placeSymmetric(tensor: WeightTensor, slot: Slot, permute: readonly number[] | null): Placement {
  return {
    slots: [slot], to: 'q4_0',
    fill(source, put) {
      eachChunk(tensor, (from, count) => writeRows(put, slot.name, slot.bytes / sizeOf(tensor).rows, from, permute, symmetricBlocks(source, tensor, from, count)))
      return null
    },
  }
}

/** Rows to their places: all together, or each to where `permute` says. */
function writeRows(put: Put, slot: string, perRow: number, from: number, permute: readonly number[] | null, bytes: Uint8Array): void {
  if (permute === null) put(slot, from * perRow, bytes)
  else for (let r = 0; r * perRow < bytes.length; r++) put(slot, permute[from + r]! * perRow, bytes.subarray(r * perRow, (r + 1) * perRow))
}

/** Decoded, and encoded as `to`: floats or GGUF's blocks. */
export function placeEncoded(tensor: WeightTensor, slot: Slot, to: EncodedType, permute: readonly number[] | null = null, options: QuantizeOptions = {}): Placement {
  return {
    slots: [slot], to,
    fill(source, put) {
      const { rows, columns } = sizeOf(tensor)
      let loss = none
      eachChunk(tensor, (from, count) => {
        const values = dequantizeInOrder(source, tensor, from, count)
        const bytes = named(tensor, () => encodeRows(to, values, columns, options))
        loss = addLoss(loss, values, decodeAgain(to, columns, { data: bytes }, 1, ggufBlock(to)!.values === 1 ? 'plain' : 'gguf'))
        if (rows === 1 && permute !== null && permute.length === columns) permuteVector(put, slot.name, permute, bytes)
        else writeRows(put, slot.name, slot.bytes / rows, from, permute, bytes)
      })
      return orNull(loss)
    },
  }
}

/** A bias whose elements go with rows. */
function permuteVector(put: Put, slot: string, permute: readonly number[], bytes: Uint8Array): void {
  const each = bytes.length / permute.length
  const out = new Uint8Array(bytes.length)
  permute.forEach((to, i) => out.set(bytes.subarray(i * each, (i + 1) * each), to * each))
  put(slot, 0, out)
}

/** An error of encoding with the tensor it is about. */
function named<T>(tensor: WeightTensor, action: () => T): T {
  try {
    return action()
  } catch (cause) {
    if (!(cause instanceof WeftError)) throw cause
    throw new WeftError({ where: cause.where, what: `tensor ${tensor.name}: ${cause.message.replace(/^\[.*?\] /, '')}`, cause })
  }
}

/** What holds codes and scales in the file: planes of their own, or blocks. */
export interface FoursSlots {
  readonly slots: readonly Slot[]
  /** Writes `count` rows from `from`. */
  rows(put: Put, from: number, fours: Fours): void
  /** The tensor scale, written once. */
  scale(put: Put): void
}

/** Codes and scales of a file of safetensors or `.dat`, each a plane. */
export function planeSlots(codes: Slot, scales: Slot, global: { readonly slot: Slot; readonly value: number } | null = null): FoursSlots {
  return {
    slots: global ? [codes, scales, global.slot] : [codes, scales],
    rows(put, from, fours) {
      const rows = codes.shape[0]!
      put(codes.name, (from * codes.bytes) / rows, fours.codes)
      put(scales.name, (from * scales.bytes) / rows, fours.scales)
    },
    scale: put => global && put(global.slot.name, 0, f32Bytes(global.value)),
  }
}

/** GGUF's blocks, and the tensor scale beside them. */
export function blockSlots(name: string, type: FourBitFloat, shape: readonly number[], scale: number, permute: readonly number[] | null): FoursSlots {
  const slot = ggufSlot(name, type, shape)
  const side = ggufSlot(name.replace(/weight$/, 'scale'), 'f32', [1])
  const perRow = slot.bytes / shape[0]!
  return {
    slots: type === 'nvfp4' ? [slot, side] : [slot],
    rows: (put, from, fours) => writeRows(put, slot.name, perRow, from, permute, blocksOfFours(type === 'nvfp4' ? withoutSigns(fours) : fours, type)),
    scale: put => type === 'nvfp4' && put(side.name, 0, f32Bytes(scale)),
  }
}

const f32Bytes = (value: number): Uint8Array => new Uint8Array(Float32Array.of(value).buffer)

/** GGUF's scales have no sign: it goes to the codes, whose sign is the top bit. */
function withoutSigns({ codes, scales }: Fours): Fours {
  if (!scales.some(s => s >= 0x80)) return { codes, scales }
  const turned = codes.slice()
  scales.forEach((s, g) => {
    if (s >= 0x80) for (let i = g * 8; i < (g + 1) * 8; i++) turned[i]! ^= 0x88
  })
  return { codes: turned, scales: scales.map(s => s & 0x7f) }
}

/** Codes and scales as they are. Throws for a scale that is NaN. */
export function placeFours(tensor: WeightTensor, type: FourBitFloat, into: FoursSlots): Placement {
  return {
    slots: into.slots, to: type,
    fill(source, put) {
      into.scale(put)
      eachChunk(tensor, (from, count) => {
        const fours = readFours(source, tensor, type, from, count)
        const bad = fours.scales.findIndex(s => (type === 'nvfp4' ? (s & 0x7f) === 0x7f : s === 0xff))
        if (bad >= 0) throw new WeftError({ where: 'weights', what: `tensor ${tensor.name}: a block scale of rows ${from} to ${from + count - 1} is NaN`, expected: 'finite scales' })
        into.rows(put, from, fours)
      })
      return null
    },
  }
}

/** Quantized to codes and scales; `scale` is the tensor's. */
export function placeQuantized(tensor: WeightTensor, type: FourBitFloat, scale: number, into: FoursSlots, options: QuantizeOptions): Placement {
  return {
    slots: into.slots, to: type,
    fill(source, put) {
      const { columns } = sizeOf(tensor)
      into.scale(put)
      let loss = none
      eachChunk(tensor, (from, count) => {
        const values = dequantizeInOrder(source, tensor, from, count)
        const fours = named(tensor, () => quantizeFours(type, values, columns, scale, options))
        loss = addLoss(loss, values, decodeAgain(type, columns, { ...fours }, scale, 'planes'))
        into.rows(put, from, fours)
      })
      return orNull(loss)
    },
  }
}

/** The largest magnitude of a tensor: one pass over it. */
export function largestIn(source: ModelSource, tensor: WeightTensor): number {
  let most = 0
  eachChunk(tensor, (from, count) => {
    const own = largestOf(dequantizeInOrder(source, tensor, from, count))
    if (!Number.isFinite(own)) throw new WeftError({ where: 'quantize', what: `tensor ${tensor.name}: values`, expected: 'finite numbers', got: `${own}` })
    most = Math.max(most, own)
  })
  return most
}

/** Block scales times the tensor's, where every product is an e4m3 number: NVFP4 of one level. Null where one is not. */
export function foldScale(scales: Uint8Array, scale: number): Uint8Array | null {
  const folded = Uint8Array.from({ length: 256 }, (_, c) => f32ToE4m3(e4m3ToF32(c) * scale))
  const exact = Array.from({ length: 256 }, (_, c) => (c & 0x7f) !== 0x7f && e4m3ToF32(folded[c]!) === e4m3ToF32(c) * scale)
  return scales.every(c => exact[c]) ? scales.map(c => folded[c]!) : null
}

/** Slots of a `.dat` matrix of NVFP4. */
export function datFours(name: string, [rows, columns]: readonly [number, number]): FoursSlots {
  return planeSlots(datSlot(`${name}.qdata`, 'E2M1X2', [rows, columns / 2]), datSlot(`${name}.scale`, 'F8_E4M3', [rows, columns / 16]))
}

const plainNames = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const
export type PlainType = keyof typeof plainNames
export const isPlain = (type: string): type is PlainType => Object.hasOwn(plainNames, type)

/** A plain tensor of safetensors. */
export const plainSlot = (name: string, type: PlainType, shape: readonly number[]): Slot => safetensorsSlot(name, plainNames[type], shape)

/** Whether a row of so many columns is whole blocks of a GGUF type. */
export function fitsGguf(type: string, columns: number): boolean {
  const block = ggufBlock(type)
  return block !== null && columns % block.values === 0
}

/** Whether a row of so many columns is whole groups, or in GGUF whole blocks, of a type of e2m1. */
export const fitsFours = (type: FourBitFloat, columns: number, gguf: boolean): boolean => columns % (gguf ? blockOf(type) : groupOf(type)) === 0
