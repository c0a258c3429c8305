/**
 * Streams weights to the device: rows are read from the file a few megabytes at a time, repacked into the layout that
 * code generation chose, and written; no second copy of the model is ever in memory. The repack is lossless: codes
 * change their order, scales and minima their place. Norms and biases become f32, which holds f16 and bf16 exactly.
 */
import type { WeightLayout } from '../codegen/types/layout.js'
import { rowBytes } from '../codegen/types/layout.js'
import { WeftError } from '../graph/error.js'
import { dequantize, fileRow } from '../weights/dequantize.js'
import type { ByteRange, ModelSource, WeightTensor } from '../weights/model.js'
import type { Backend, DeviceBuffer } from './backend.js'
import { respanInPlace, splitBlocks } from './repack.js'

/** Bytes of a file in memory at a time. */
const chunkBytes = 8 * 2 ** 20

/** A weight on the device: tensors of the file, their rows one below the other. */
export interface Resident {
  readonly key: string
  readonly tensors: readonly string[]
  readonly layout: WeightLayout
}

export function uploadWeight(backend: Backend, source: ModelSource, resident: Resident, onBytes: (n: number) => void): DeviceBuffer {
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
    const sink = new Sections(backend, buffer, layout)
    let row = 0
    for (const t of found) row += uploadRows(source, t, layout, row, sink)
    sink.finish()
  }
  onBytes(found.reduce((n, t) => n + Object.values(t.ranges).reduce((m, r) => m + r.bytes, 0), 0))
  return buffer
}

function uploadVector(backend: Backend, source: ModelSource, tensors: readonly WeightTensor[], buffer: DeviceBuffer): void {
  let at = 0
  for (const t of tensors) {
    const values = dequantize(source, t)
    backend.write(buffer, new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at)
    at += values.byteLength
  }
}

/** The sections of one weight: codes go to the device as they come, the small sections are gathered and written whole. */
class Sections {
  private readonly small: readonly { readonly at: number; readonly bytes: Uint8Array }[]
  readonly scales: Uint8Array
  readonly mins: Uint8Array
  readonly rowScales: Float32Array
  /** Codes of all rows, where a row is no whole number of words. */
  private readonly whole: Uint8Array | null

  constructor(private readonly backend: Backend, private readonly buffer: DeviceBuffer, readonly layout: WeightLayout) {
    const row = rowBytes(layout)
    const words = (n: number): number => Math.ceil(n / 4) * 4
    this.scales = new Uint8Array(words(row.scales * layout.rows))
    this.mins = new Uint8Array(words(row.mins * layout.rows))
    this.rowScales = new Float32Array(layout.type.rowScale ? layout.rows : 0)
    this.whole = row.codes % 4 === 0 ? null : new Uint8Array(words(row.codes * layout.rows))
    this.small = [
      { at: layout.scalesAt, bytes: this.scales }, { at: layout.minsAt, bytes: this.mins },
      { at: layout.rowScalesAt, bytes: new Uint8Array(this.rowScales.buffer) },
      ...(this.whole ? [{ at: layout.codesAt, bytes: this.whole }] : []),
    ]
  }

  codes(bytes: Uint8Array, row: number): void {
    const at = row * rowBytes(this.layout).codes
    if (this.whole) this.whole.set(bytes, at)
    else this.backend.write(this.buffer, bytes, this.layout.codesAt + at)
  }

  finish(): void {
    for (const { at, bytes } of this.small) if (bytes.length > 0) this.backend.write(this.buffer, bytes, at)
  }
}

/** Repacks the rows of one tensor from `row` on; returns how many there were. */
function uploadRows(source: ModelSource, t: WeightTensor, layout: WeightLayout, row: number, sink: Sections): number {
  const [rows, cols] = t.shape as [number, number]
  if (cols !== layout.cols || t.type !== layout.type.name) {
    throw new WeftError({ where: 'weights', what: `tensor ${t.name}`, expected: `${layout.type.name} of ${layout.cols} columns`, got: `${t.type} of ${cols}` })
  }
  const row0 = rowBytes(layout)
  const plane = (name: string): ByteRange => t.ranges[name]!
  const fileBytes = (range: ByteRange): number => range.bytes / rows
  const main = plane(t.packing === 'planes' ? 'codes' : 'data')
  const perRow = fileBytes(main)
  // Whole heads where the file's rows are permuted, so that a chunk can be put in order by itself.
  const unit = t.permutedHeads === undefined ? 1 : rows / t.permutedHeads
  const step = Math.max(unit, Math.floor(chunkBytes / perRow / unit) * unit)
  const { type } = layout
  const blocks = t.packing === 'gguf' && type.gguf !== null
  // What stands in the file as it will on the device, or changes order in place, is read to where it is written from.
  const read = blocks || t.permutedHeads !== undefined ? new Uint8Array(Math.min(step, rows) * perRow) : null
  const codes = new Uint8Array(Math.min(step, rows) * row0.codes)
  sink.rowScales.fill(t.scale, row, row + (type.rowScale ? rows : 0))
  if (t.packing === 'planes') {
    const scales = sink.scales.subarray(row * row0.scales, (row + rows) * row0.scales)
    source.read(plane('scales'), scales, 0)
    checkScales(t, scales)
  }
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first)
    const out = codes.subarray(0, count * row0.codes)
    const bytes = read === null ? out : read.subarray(0, count * perRow)
    source.read(main, bytes, first * perRow)
    const of = (section: Uint8Array, bytesEach: number, from: number, n: number): Uint8Array => section.subarray(from * bytesEach, (from + n) * bytesEach)
    const place = (from: Uint8Array, r: number, n: number): void => {
      const to = of(out, row0.codes, r, n)
      if (!blocks) return to.set(from)
      const at = row + first + r
      splitBlocks(from, type, { codes: to, scales: of(sink.scales, row0.scales, at, n), mins: of(sink.mins, row0.mins, at, n) })
    }
    if (t.permutedHeads !== undefined) for (let r = 0; r < count; r++) place(of(bytes, perRow, fileRow(first + r, unit) - first, 1), r, 1)
    else if (blocks) place(bytes, 0, count)
    if (type.bits === 4) respanInPlace(out, blocks ? type.gguf!.span : 2, layout.span)
    sink.codes(out, row + first)
  }
  return rows
}

/** A NaN scale would make every logit NaN, and token 0 for ever; GGUF's unsigned scales have no NaN. */
function checkScales(t: WeightTensor, scales: Uint8Array): void {
  for (let at = 0; at < scales.length; at++) {
    if ((scales[at]! & 0x7f) !== 0x7f) continue
    throw new WeftError({ where: 'weights', what: `tensor ${t.name}: block scale ${at} is NaN`, expected: 'finite e4m3 scales', got: `0x${scales[at]!.toString(16)}` })
  }
}
