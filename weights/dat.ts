/**
 * State dictionaries of TorchSharp (`.dat`) as the F# program kept its models: a count, then name, dtype, sizes and raw
 * little-endian bytes of each entry, one after another, with config.json and tokenizer.json beside the file. No magic,
 * alignment or checksum: every number is compared with what is left of the file before it is used. A matrix `X.weight` is
 * NVFP4 as `X.weight.qdata` (pairs, the even element low) and `X.weight.scale` (e4m3 for 16 values), without a scale of the
 * tensor; embedding and norms are f16.
 * Sources: ingted/TorchSharp_In_DGX_Spark `NN/Module.cs`, ingted/Qwen3-4B-Instruct-2507-TorchSharp.fs `Nvfp4State.fs`.
 */
import { check } from '../graph/error.js'
import { readable, show } from './fields.js'
import type { FileTensor, FindWeight } from './file-tensor.js'
import type { ModelFiles } from './files.js'
import type { FileLayout, Slot } from './tensor-file.js'

const where = 'dat'
const rankLimit = 16
const nameLimit = 4096
const countLimit = 1 << 20
const windowBytes = 1 << 14
const block = 16

interface Dtype {
  readonly code: number
  readonly bytes: number
}

/** TorchSharp's numbers of scalar types, and the F# program's two. E2M1X2 is a pair in a byte. */
const dtypes: Readonly<Record<string, Dtype>> = {
  U8: { code: 0, bytes: 1 }, I8: { code: 1, bytes: 1 }, I16: { code: 2, bytes: 2 }, I32: { code: 3, bytes: 4 }, I64: { code: 4, bytes: 8 },
  F16: { code: 5, bytes: 2 }, F32: { code: 6, bytes: 4 }, F64: { code: 7, bytes: 8 }, BOOL: { code: 11, bytes: 1 }, BF16: { code: 15, bytes: 2 },
  E2M1X2: { code: 100, bytes: 1 }, F8_E4M3: { code: 101, bytes: 1 },
}
const byCode = new Map(Object.entries(dtypes).map(([name, { code, bytes }]) => [code, { name, bytes }]))
const plainTypes: Readonly<Record<string, string>> = { F16: 'f16', F32: 'f32', BF16: 'bf16' }

/** Every tensor of a `.dat` file by name. Throws naming the file, and the entry where there is one. */
export function readDat(files: ModelFiles, file: string): ReadonlyMap<string, FileTensor> {
  const size = files.open(file, where)
  const cursor = new Cursor(files, file, size)
  // The shortest entry: an empty name, a dtype, no dimensions, and one byte.
  const count = cursor.number('count of tensors', Math.min(countLimit, Math.floor(size / 4)))
  const tensors = new Map<string, FileTensor>()
  for (let i = 0; i < count; i++) {
    const name = cursor.text(`entry ${i}`)
    const at = `${file}: tensor ${readable(name)}`
    check(!tensors.has(name), where, `${at} is there twice`)
    const code = cursor.number(`dtype of ${readable(name)}`, 2 ** 31)
    const dtype = byCode.get(code)
    check(dtype !== undefined, where, `${at}: dtype`, [...byCode.keys()].join(', '), `${code}`)
    const rank = cursor.number(`number of dimensions of ${readable(name)}`, rankLimit)
    const shape = Array.from({ length: rank }, () => cursor.number(`a dimension of ${readable(name)}`, Number.MAX_SAFE_INTEGER))
    const bytes = shape.reduce((n, d) => n * BigInt(d), BigInt(dtype.bytes))
    check(bytes <= BigInt(cursor.left), where, `${at}: reaches beyond the end of the file (truncated?)`, `at most ${cursor.left} bytes`, `${bytes}`)
    tensors.set(name, { name, dtype: dtype.name, shape, range: { file, offset: cursor.at, bytes: Number(bytes) } })
    cursor.skip(Number(bytes))
  }
  check(cursor.left === 0, where, `${file}: bytes after the last tensor`, '0', `${cursor.left}`)
  return tensors
}

/** A place in the file, read through a small window: headers stand between data of megabytes. */
class Cursor {
  #window: Uint8Array = new Uint8Array(0)
  #windowAt = 0
  at = 0

  constructor(private readonly files: ModelFiles, private readonly file: string, private readonly size: number) {}

  get left(): number {
    return this.size - this.at
  }

  skip(bytes: number): void {
    this.at += bytes
  }

  /** A ULEB128 of at most `most`. */
  number(what: string, most: number): number {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      check(shift < 64n, where, `${this.file}: ${what}: number without an end`, 'at most ten bytes')
      const byte = this.#take(1, what)[0]!
      value |= BigInt(byte & 0x7f) << shift
      if ((byte & 0x80) === 0) break
    }
    check(value <= BigInt(most), where, `${this.file}: ${what}`, `at most ${most}`, `${value}`)
    return Number(value)
  }

  /** A length and so many bytes of UTF-8. */
  text(what: string): string {
    const length = this.number(`length of the name of ${what}`, nameLimit)
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.#take(length, what))
    } catch (cause) {
      if (cause instanceof TypeError) check(false, where, `${this.file}: name of ${what}`, 'UTF-8 text')
      throw cause
    }
  }

  #take(bytes: number, what: string): Uint8Array {
    check(bytes <= this.left, where, `${this.file}: truncated at ${what}`, `${bytes} bytes at ${this.at}`, `${this.left}`)
    if (this.at < this.#windowAt || this.at + bytes > this.#windowAt + this.#window.length) {
      this.#windowAt = this.at
      this.#window = new Uint8Array(Math.min(windowBytes, this.left))
      this.files.fill(this.file, this.at, this.#window, where)
    }
    const from = this.at - this.#windowAt
    this.at += bytes
    return this.#window.subarray(from, from + bytes)
  }
}

/** Whether the file has a head of its own, whatever the configuration says: the F# program quantizes it beside a tied embedding. */
export function hasOwnHead(tensors: ReadonlyMap<string, FileTensor>): boolean {
  return tensors.has('lm_head.weight.qdata') || tensors.has('lm_head.weight')
}

/** Looks weights up among the tensors of a `.dat` file. */
export function datWeights(tensors: ReadonlyMap<string, FileTensor>): FindWeight {
  return name => {
    const [plain, codes, scales] = [tensors.get(name), tensors.get(`${name}.qdata`), tensors.get(`${name}.scale`)]
    check(!plain || !codes, where, `${plain?.range.file}: tensor ${readable(name)} is there both plain and packed`)
    if (plain) {
      const type = Object.hasOwn(plainTypes, plain.dtype) ? plainTypes[plain.dtype] : undefined
      check(type !== undefined, where, `${plain.range.file}: tensor ${readable(name)}: dtype`, 'F16, F32, BF16, or NVFP4 as qdata and scale', plain.dtype)
      return { name, type, shape: plain.shape, packing: 'plain', ranges: { data: plain.range }, scale: 1 }
    }
    if (!codes) return null
    const at = `${codes.range.file}: tensor ${readable(codes.name)}`
    const isPacked = (codes.dtype === 'U8' || codes.dtype === 'E2M1X2') && codes.shape.length === 2
    check(isPacked, where, at, 'pairs of e2m1 (dtype 100, or u8) [rows, columns / 2]', `${codes.dtype} ${show(codes.shape)}`)
    const [rows, halves] = codes.shape as readonly [number, number]
    const columns = halves * 2
    check(columns % block === 0, where, `${at}: columns`, `a multiple of ${block}`, `${columns}`)
    check(scales !== undefined, where, `${at}: tensor ${readable(`${name}.scale`)} is missing`)
    const wanted = [rows, columns / block]
    const fits = (scales.dtype === 'F8_E4M3' || scales.dtype === 'U8') && show(scales.shape) === show(wanted)
    check(fits, where, `${scales.range.file}: tensor ${readable(scales.name)}`, `e4m3 (dtype 101, or u8) ${show(wanted)}`, `${scales.dtype} ${show(scales.shape)}`)
    return { name, type: 'nvfp4', shape: [rows, columns], packing: 'planes', ranges: { codes: codes.range, scales: scales.range }, scale: 1 }
  }
}

/** A slot of a `.dat` file. */
export function datSlot(name: string, dtype: 'F16' | 'F32' | 'BF16' | 'E2M1X2' | 'F8_E4M3', shape: readonly number[]): Slot {
  return { name, dtype, shape, bytes: shape.reduce((n, d) => n * d, dtypes[dtype]!.bytes) }
}

/** Where everything stands in a `.dat` file of these slots: each entry's header before its bytes. */
export function datLayout(slots: readonly Slot[]): FileLayout {
  const fixed = [{ at: 0, bytes: Uint8Array.from(uleb(slots.length)) }]
  const offsets = new Map<string, number>()
  let end = fixed[0]!.bytes.length
  for (const { name, dtype, shape, bytes } of slots) {
    const key = new TextEncoder().encode(name)
    const head = Uint8Array.from([...uleb(key.length), ...key, ...uleb(dtypes[dtype]!.code), ...uleb(shape.length), ...shape.flatMap(uleb)])
    fixed.push({ at: end, bytes: head })
    offsets.set(name, end + head.length)
    end += head.length + bytes
  }
  return { fixed, offsets, bytes: end }
}

function uleb(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest >= 128 ? (rest % 128) | 0x80 : rest)
    if (rest < 128) return bytes
  }
}
