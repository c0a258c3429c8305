/**
 * Headers of GGUF files, version 2 and 3, little-endian: counts, metadata (key, type, value), tensor descriptions. Read
 * through a window that moves over the file, every count and length compared with the bytes that are left before anything
 * is allocated for it, so that a hostile header costs no more than its own size. The npm package `@huggingface/gguf` is not
 * used for this: it pads a short file with zeros and reads them as data, and cuts off strings that reach beyond the end.
 * Format: ggml-org/ggml, docs/gguf.md.
 */
import { check, WeftError } from '../graph/error.js'
import { readable } from './fields.js'
import type { ModelFiles } from './files.js'

const where = 'gguf'
const windowBytes = 1 << 20
/** Real headers, vocabularies of 260,000 tokens included, stay under 20 MB. */
const headerLimit = 100_000_000
const stringLimit = 16 << 20
const arrayLimit = 1 << 22
const rankLimit = 4
/** Far above any model's; what is made for each is larger than its bytes in the file. */
const tensorLimit = 1 << 17
const entryLimit = 1 << 16
/** Members of all lists together. */
const memberLimit = 1 << 24
const nestingLimit = 2

/** A tensor as the header describes it. */
export interface GgufTensor {
  readonly name: string
  /** Number of the type in ggml's enumeration. */
  readonly type: number
  /** As stored: fastest dimension first. */
  readonly dimensions: readonly number[]
  /** From the start of the tensor data. */
  readonly offset: number
}

export interface GgufHeader {
  readonly version: number
  /** Integers are numbers where they are safe and bigints beyond; arrays are plain arrays. */
  readonly metadata: Readonly<Record<string, unknown>>
  readonly tensors: readonly GgufTensor[]
  /** Where the tensor data begin in the file. */
  readonly dataAt: number
  readonly alignment: number
}

/** Reads the header of an open file. Throws naming the file, and the key or tensor where there is one. */
export function readGgufHeader(files: ModelFiles, file: string): GgufHeader {
  const size = files.open(file, where)
  const cursor = new Cursor(files, file, size)
  if (size < 24 || cursor.u32('magic') !== 0x46554747) throw new WeftError({ where, what: `${file}: not a GGUF file`, expected: 'the letters GGUF and a header' })
  const version = cursor.u32('version')
  check(version !== 0x03000000 && version !== 0x02000000, where, `${file}: big-endian GGUF is not supported`)
  check(version === 2 || version === 3, where, `${file}: version`, '2 or 3', `${version}`)
  // The shortest tensor description is an empty name, no dimensions, a type and an offset; the shortest entry a u8 under an empty key.
  const tensorCount = cursor.count('tensor count', 8 + 4 + 4 + 8, tensorLimit)
  const entryCount = cursor.count('metadata count', 8 + 4 + 1, entryLimit)
  const metadata = new Map<string, unknown>()
  for (let i = 0; i < entryCount; i++) {
    const key = cursor.string('metadata key')
    if (metadata.has(key)) throw new WeftError({ where, what: `${file}: metadata ${readable(key)} is there twice` })
    metadata.set(key, cursor.value(cursor.u32(key), key, 0))
  }
  const tensors: GgufTensor[] = []
  const names = new Set<string>()
  for (let i = 0; i < tensorCount; i++) {
    const tensor = readTensor(cursor, file)
    if (names.has(tensor.name)) throw new WeftError({ where, what: `${file}: tensor ${readable(tensor.name)} is there twice` })
    names.add(tensor.name)
    tensors.push(tensor)
  }
  const alignment = metadata.get('general.alignment') ?? 32
  const powerOfTwo = typeof alignment === 'number' && alignment >= 1 && alignment <= 1 << 20 && (alignment & (alignment - 1)) === 0
  check(powerOfTwo, where, `${file}: metadata general.alignment`, 'a power of two up to 2^20', readable(String(alignment)))
  const dataAt = Math.ceil(cursor.at / alignment) * alignment
  return { version, metadata: Object.fromEntries(metadata), tensors, dataAt, alignment }
}

function readTensor(cursor: Cursor, file: string): GgufTensor {
  const name = cursor.string('tensor name')
  const rank = cursor.u32(name)
  if (rank > rankLimit) throw new WeftError({ where, what: `${file}: tensor ${readable(name)}: dimensions`, expected: `at most ${rankLimit}`, got: `${rank}` })
  const dimensions: number[] = []
  for (let d = 0; d < rank; d++) dimensions.push(cursor.safe(name, 'dimension'))
  return { name, dimensions, type: cursor.u32(name), offset: cursor.safe(name, 'offset') }
}

/** A place in the header, and the window of the file around it. */
class Cursor {
  readonly #files: ModelFiles
  readonly #file: string
  /** The header may not reach further than this. */
  readonly #end: number
  #members = 0
  #window = Buffer.alloc(0)
  #windowAt = 0
  /** Where in the window the bytes last taken begin, and where the next do. */
  #from = 0
  #next = 0

  constructor(files: ModelFiles, file: string, size: number) {
    this.#files = files
    this.#file = file
    this.#end = Math.min(size, headerLimit)
  }

  /** Position in the file. */
  get at(): number {
    return this.#windowAt + this.#next
  }

  get #left(): number {
    return this.#end - this.at
  }

  u32(what: string): number {
    return this.#take(4, what).readUInt32LE(this.#from)
  }

  u64(what: string): bigint {
    return this.#take(8, what).readBigUInt64LE(this.#from)
  }

  /** A u64 that must be exact as a number. */
  safe(name: string, what: string): number {
    const value = this.u64(name)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new WeftError({ where, what: `${this.#file}: tensor ${readable(name)}: ${what}`, expected: 'less than 2^53', got: `${value}` })
    return Number(value)
  }

  /** A number of things of at least `bytesEach` bytes, which must fit in what is left. */
  count(what: string, bytesEach: number, limit = Infinity): number {
    const value = this.u64(what)
    const most = Math.min(Math.floor(this.#left / bytesEach), limit)
    if (value > BigInt(most)) throw new WeftError({ where, what: `${this.#file}: ${readable(what)}: more than the file can hold`, expected: `at most ${most}`, got: `${value}` })
    return Number(value)
  }

  string(what: string): string {
    const length = this.count(what, 1, stringLimit)
    return this.#take(length, what).toString('utf8', this.#from, this.#next)
  }

  /** A metadata value of ggml's value type `type`. */
  value(type: number, key: string, depth: number): unknown {
    switch (type) {
      case 0: return this.#take(1, key).readUInt8(this.#from)
      case 1: return this.#take(1, key).readInt8(this.#from)
      case 2: return this.#take(2, key).readUInt16LE(this.#from)
      case 3: return this.#take(2, key).readInt16LE(this.#from)
      case 4: return this.u32(key)
      case 5: return this.#take(4, key).readInt32LE(this.#from)
      case 6: return this.#take(4, key).readFloatLE(this.#from)
      case 7: return this.#take(1, key).readUInt8(this.#from) !== 0
      case 8: return this.string(key)
      case 9: return this.#array(key, depth)
      case 10: return exact(this.u64(key))
      case 11: return exact(this.#take(8, key).readBigInt64LE(this.#from))
      case 12: return this.#take(8, key).readDoubleLE(this.#from)
      default: throw new WeftError({ where, what: `${this.#file}: metadata ${readable(key)}: type`, expected: '0 to 12', got: `${type}` })
    }
  }

  #array(key: string, depth: number): readonly unknown[] {
    if (depth >= nestingLimit) throw new WeftError({ where, what: `${this.#file}: metadata ${readable(key)}: lists nested too deep`, expected: `at most ${nestingLimit}` })
    const type = this.u32(key)
    const length = this.count(key, valueBytes[type] ?? 1, Math.min(arrayLimit, memberLimit - this.#members))
    this.#members += length
    // as long as it will be: growing would take half as much again
    const values = new Array<unknown>(length)
    for (let i = 0; i < length; i++) values[i] = this.value(type, key, depth + 1)
    return values
  }

  /** Moves past `bytes` and returns the window that holds them from `#from`, filled anew where they were not all in it. */
  #take(bytes: number, what: string): Buffer {
    if (bytes > this.#left) throw new WeftError({ where, what: `${this.#file}: truncated header at ${readable(what)}`, expected: `${bytes} bytes at ${this.at}`, got: `${this.#left}` })
    if (this.#next + bytes > this.#window.length) {
      this.#windowAt = this.at
      this.#next = 0
      const wanted = Math.min(Math.max(bytes, windowBytes), this.#left)
      if (this.#window.length !== wanted) this.#window = Buffer.allocUnsafe(wanted)
      this.#files.fill(this.#file, this.#windowAt, this.#window, where)
    }
    this.#from = this.#next
    this.#next += bytes
    return this.#window
  }
}

/** The least bytes of a value of each type: strings and arrays have their lengths. */
const valueBytes: readonly number[] = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8]

function exact(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}
