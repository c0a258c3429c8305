/**
 * Streams weights to the device: rows are read from the file a few megabytes at a time, repacked into the layout that
 * code generation chose, and written; no second copy of the model is ever in memory. The repack is lossless: codes
 * change their order, scales and minima their place. Norms and biases become f32, which holds f16 and bf16 exactly.
 */
import type { WeightLayout } from '../codegen/types/layout.js'
import { rowBytes } from '../codegen/types/layout.js'
import type { QuantType } from '../codegen/types/table.js'
import { WeftError } from '../graph/error.js'
import { dequantize, fileRow } from '../weights/dequantize.js'
import type { ByteRange, ModelSource, WeightTensor } from '../weights/model.js'
import { readGrid } from '../weights/scale-grid.js'
import type { Backend, DeviceBuffer } from './backend.js'
import { Int4Rows } from './int4.js'
import { respanInPlace, splitBlocks } from './repack.js'
import { codebookBytes, splitFields } from './repack-fields.js'

/** Bytes of a file in memory at a time. */
const chunkBytes = 2 * 2 ** 20

/** What is read of a model: its tensors and their bytes. */
export type WeightSource = Pick<ModelSource, 'path' | 'tensors' | 'read'>

/** A weight on the device: tensors of the file, their rows one below the other. */
export interface Resident {
  readonly key: string
  readonly tensors: readonly string[]
  readonly layout: WeightLayout
}

/** Memory that chunks of a file pass through, kept from one weight to the next. */
export class UploadScratch {
  private readonly kept = new Map<string, Uint8Array>()

  /** `bytes` bytes for a role, with whatever was left in them. */
  take(role: string, bytes: number): Uint8Array {
    const known = this.kept.get(role)
    if (known && known.length >= bytes) return known.subarray(0, bytes)
    const made = new Uint8Array(bytes)
    this.kept.set(role, made)
    return made
  }
}

/** Uploads one weight. Throws a WeftError that names a tensor which is missing, of another type, or has NaN among its scales. */
export function uploadWeight(backend: Backend, source: WeightSource, resident: Resident, onBytes: (n: number) => void, scratch = new UploadScratch()): DeviceBuffer {
  const { layout, tensors, key } = resident
  const buffer = backend.alloc(layout.bytes, key)
  const found = tensors.map(name => {
    const t = source.tensors.get(name)
    if (!t) throw new WeftError({ where: 'weights', what: `${source.path} has no tensor ${name}` })
    return t
  })
  if (found[0]!.shape.length === 1) {
    uploadVector(backend, source, found, buffer)
  } else {
    const sink = new Sections(backend, buffer, layout, scratch)
    let row = 0
    for (const t of found) row += uploadRows(source, t, layout, row, sink, scratch)
    sink.finish()
  }
  onBytes(found.reduce((n, t) => n + Object.values(t.ranges).reduce((m, r) => m + r.bytes, 0), 0))
  return buffer
}

function uploadVector(backend: Backend, source: WeightSource, tensors: readonly WeightTensor[], buffer: DeviceBuffer): void {
  let at = 0
  for (const t of tensors) {
    const values = dequantize(source, t)
    backend.write(buffer, new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at)
    at += values.byteLength
  }
}

/** One section of a weight: rows go to the device chunk by chunk, or are gathered first where a row is no whole number of words. */
class Section {
  private readonly whole: Uint8Array | null

  constructor(private readonly write: (bytes: Uint8Array, at: number) => void, private readonly rowBytes: number, rows: number, private readonly chunk: (bytes: number) => Uint8Array) {
    this.whole = rowBytes % 4 === 0 ? null : new Uint8Array(Math.ceil((rowBytes * rows) / 4) * 4)
  }

  /** Where the bytes of `count` rows from `row` on are put, before `sent` is called for them. */
  rows(row: number, count: number): Uint8Array {
    return this.whole ? this.whole.subarray(row * this.rowBytes, (row + count) * this.rowBytes) : this.chunk(count * this.rowBytes)
  }
  sent(bytes: Uint8Array, row: number): void {
    if (!this.whole && bytes.length > 0) this.write(bytes, row * this.rowBytes)
  }
  finish(): void {
    if (this.whole && this.whole.length > 0) this.write(this.whole, 0)
  }
}

/** The sections of one weight. */
class Sections {
  readonly codes: Section
  readonly scales: Section
  readonly mins: Section
  readonly rowScales: Float32Array
  readonly fields: ReadonlyMap<string, Section>

  constructor(private readonly backend: Backend, private readonly buffer: DeviceBuffer, readonly layout: WeightLayout, scratch: UploadScratch) {
    const row = rowBytes(layout)
    const section = (role: string, at: number, bytes: number): Section =>
      new Section((data, from) => backend.write(buffer, data, at + from), bytes, layout.rows, n => scratch.take(role, n))
    this.codes = section('codes', layout.codesAt, row.codes)
    this.scales = section('scales', layout.scalesAt, row.scales)
    this.mins = section('mins', layout.minsAt, row.mins)
    this.rowScales = new Float32Array(layout.type.rowScale ? layout.rows : 0)
    this.fields = new Map(Object.entries(layout.fields).map(([name, f]) => [name, section(name, f.at, f.rowBytes)]))
  }

  finish(): void {
    for (const s of [this.codes, this.scales, this.mins, ...this.fields.values()]) s.finish()
    const { blocks } = this.layout.type
    if (blocks?.codebook) this.backend.write(this.buffer, codebookBytes(blocks.codebook), this.layout.codebookAt)
    if (this.rowScales.length > 0) this.backend.write(this.buffer, new Uint8Array(this.rowScales.buffer), this.layout.rowScalesAt)
  }
}

/** Repacks the rows of one tensor from `row` on; returns how many there were. */
function uploadRows(source: WeightSource, t: WeightTensor, layout: WeightLayout, row: number, sink: Sections, scratch: UploadScratch): number {
  const [rows, cols] = t.shape as [number, number]
  if (cols !== layout.cols || t.type !== layout.type.name) {
    throw new WeftError({ where: 'weights', what: `tensor ${t.name}`, expected: `${layout.type.name} of ${layout.cols} columns`, got: `${t.type} of ${cols}` })
  }
  if (t.packing === 'gptq' || t.packing === 'awq') return uploadInt4(source, t, layout, row, sink)
  const row0 = rowBytes(layout)
  const plane = (name: string): ByteRange => t.ranges[name]!
  const main = plane(t.packing === 'planes' ? 'codes' : 'data')
  const perRow = main.bytes / rows
  // Whole heads where the file's rows are permuted, so that a chunk can be put in order by itself.
  const unit = t.permutedHeads === undefined ? 1 : rows / t.permutedHeads
  const step = Math.max(unit, Math.floor(chunkBytes / perRow / unit) * unit)
  const { type } = layout
  if (type.blocks) return uploadFields(source, t, layout, row, sink, scratch, step)
  const blocks = t.packing === 'gguf' && type.gguf !== null
  // What stands in the file as it will on the device, or changes order in place, is read to where it is written from.
  const direct = !blocks && t.permutedHeads === undefined
  const grid = t.grid ? readGrid(source, t) : null
  for (let r = 0; r < (type.rowScale ? rows : 0); r++) sink.rowScales[row + r] = grid ? grid[Math.floor(r / t.grid!.block[0])]! : t.scale
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first)
    const at = row + first
    const [out, scales, mins] = [sink.codes, sink.scales, sink.mins].map(s => s.rows(at, count)) as [Uint8Array, Uint8Array, Uint8Array]
    const bytes = direct ? out : scratch.take('file', count * perRow)
    source.read(main, bytes, first * perRow)
    if (t.packing === 'planes') source.read(plane('scales'), scales, first * row0.scales)
    const of = (section: Uint8Array, bytesEach: number, from: number, n: number): Uint8Array => section.subarray(from * bytesEach, (from + n) * bytesEach)
    const place = (from: Uint8Array, r: number, n: number): void => {
      const to = of(out, row0.codes, r, n)
      if (!blocks) return to.set(from)
      splitBlocks(from, type, { codes: to, scales: of(scales, row0.scales, r, n), mins: of(mins, row0.mins, r, n) })
    }
    if (t.permutedHeads !== undefined) for (let r = 0; r < count; r++) place(of(bytes, perRow, fileRow(first + r, unit) - first, 1), r, 1)
    else if (blocks) place(bytes, 0, count)
    if (type.codec === 'e4m3') checkCodes(t, out, first * cols)
    if (grid && type.scale) spreadGrid(t, grid, first, count, scales)
    // GGUF's e4m3 is unsigned and has no NaN.
    if (type.scale?.coding === 'e8m0' || !blocks) checkScales(t, type, scales, first * row0.scales)
    if (type.bits === 4) respanInPlace(out, blocks ? type.gguf!.span : 2, layout.span)
    sink.codes.sent(out, at)
    sink.scales.sent(scales, at)
    sink.mins.sent(mins, at)
  }
  return rows
}

/** Rows of AWQ and GPTQ, turned. */
function uploadInt4(source: WeightSource, t: WeightTensor, layout: WeightLayout, row: number, sink: Sections): number {
  const [rows] = t.shape as [number, number]
  const turned = new Int4Rows(source, t, layout)
  const step = Math.max(1, Math.floor(chunkBytes / rowBytes(layout).codes))
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first)
    const at = row + first
    const [codes, scales, mins] = [sink.codes, sink.scales, sink.mins].map(s => s.rows(at, count)) as [Uint8Array, Uint8Array, Uint8Array]
    turned.fill(first, count, codes, scales, mins)
    respanInPlace(codes, 2, layout.span)
    sink.codes.sent(codes, at)
    sink.scales.sent(scales, at)
    sink.mins.sent(mins, at)
  }
  return rows
}

/** The same for a type of many fields, `step` rows at a time. */
function uploadFields(source: WeightSource, t: WeightTensor, layout: WeightLayout, row: number, sink: Sections, scratch: UploadScratch, step: number): number {
  const rows = t.shape[0]!
  const data = t.ranges['data']!
  const perRow = data.bytes / rows
  const unit = t.permutedHeads === undefined ? 1 : rows / t.permutedHeads
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first)
    const read = scratch.take('file', count * perRow)
    source.read(data, read, first * perRow)
    const inOrder = t.permutedHeads === undefined ? read : scratch.take('in order', count * perRow)
    if (inOrder !== read) {
      for (let r = 0; r < count; r++) {
        const from = (fileRow(first + r, unit) - first) * perRow
        inOrder.set(read.subarray(from, from + perRow), r * perRow)
      }
    }
    const into = Object.fromEntries([...sink.fields].map(([name, section]) => [name, section.rows(row + first, count).fill(0)]))
    splitFields(inOrder, layout.type.blocks!, layout.nibbles, into)
    for (const [name, section] of sink.fields) section.sent(into[name]!, row + first)
  }
  return rows
}

/** Each row's copy of the scales of its blocks. */
function spreadGrid({ grid: shape }: WeightTensor, grid: Float32Array, first: number, count: number, scales: Uint8Array): void {
  const { columns, block } = shape!
  for (let r = 0; r < count; r++) {
    const own = grid.subarray(Math.floor((first + r) / block[0]) * columns).subarray(0, columns)
    scales.set(new Uint8Array(own.buffer, own.byteOffset, own.byteLength), r * columns * 4)
  }
}

/**
 * The first byte with all bits of a mask set, or -1. A word has such a byte where adding one to each carries out of the masked bits
 * or, with every bit masked, where its complement has a byte of zero.
 */
export function firstWith(mask: 0x7f | 0xff, bytes: Uint8Array): number {
  const whole = bytes.byteOffset % 4 === 0 ? bytes.length >>> 2 : 0
  const words = new Uint32Array(bytes.buffer, whole === 0 ? 0 : bytes.byteOffset, whole)
  let from = 0
  if (mask === 0x7f) while (from < whole && (((words[from]! & 0x7f7f7f7f) + 0x01010101) & 0x80808080) === 0) from++
  else while (from < whole && ((~words[from]! - 0x01010101) & words[from]! & 0x80808080) === 0) from++
  for (let at = from * 4; at < bytes.length; at++) if ((bytes[at]! & mask) === mask) return at
  return -1
}

/** A NaN among e4m3 codes, which kernels decode as a number. */
function checkCodes(t: WeightTensor, codes: Uint8Array, first: number): void {
  const at = firstWith(0x7f, codes)
  if (at >= 0) {
    throw new WeftError({ where: 'weights', what: `tensor ${t.name}: value ${first + at} is NaN`, expected: 'finite e4m3 values', got: `0x${codes[at]!.toString(16)}` })
  }
}

/** A NaN scale would make every logit NaN, and token 0 for ever. */
function checkScales(t: WeightTensor, { scale }: QuantType, scales: Uint8Array, first: number): void {
  const nan = scale?.coding === 'e4m3' ? 0x7f as const : scale?.coding === 'e8m0' ? 0xff as const : null
  if (nan === null) return
  const at = firstWith(nan, scales)
  if (at >= 0) {
    throw new WeftError({ where: 'weights', what: `tensor ${t.name}: block scale ${first + at} is NaN`, expected: `finite ${scale!.coding} scales`, got: `0x${scales[at]!.toString(16)}` })
  }
}
