/**
 * The writing side of GGUF, version 3: metadata with their types, tensor descriptions, then the data, each tensor
 * at a multiple of 32 bytes. Format: ggml-org/ggml, docs/gguf.md.
 */
import { check } from '../graph/error.js'
import { ggufBlock, supportedTypes, type GgufBlock } from './gguf-types.js'
import type { FileLayout, Slot } from './tensor-file.js'

/** A metadata value with ggml's value type. */
export type GgufValue =
  | { readonly type: 'u32' | 'i32' | 'f32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'i32s'; readonly value: ArrayLike<number> }

export type GgufMetadata = readonly (readonly [key: string, value: GgufValue])[]

const alignment = 32
const align = (n: number): number => Math.ceil(n / alignment) * alignment

/** A slot of a GGUF file; the width of `shape` is a whole number of blocks. */
export function ggufSlot(name: string, type: string, shape: readonly number[]): Slot {
  const { values, bytes } = writtenType(type)
  return { name, dtype: type, shape, bytes: (shape.reduce((n, d) => n * d, 1) / values) * bytes }
}

function writtenType(type: string): GgufBlock {
  const found = ggufBlock(type)
  check(found !== null, 'gguf', 'type that is not written', supportedTypes, type)
  return found
}

/** Where everything stands in a GGUF file of this metadata and these slots. */
export function ggufLayout(slots: readonly Slot[], metadata: GgufMetadata): FileLayout {
  const out = new Bytes()
  out.ascii('GGUF').u32(3).u64(slots.length).u64(metadata.length)
  for (const [key, value] of metadata) {
    out.string(key)
    writeValue(out, value)
  }
  const offsets = new Map<string, number>()
  let end = 0
  for (const { name, dtype, shape, bytes } of slots) {
    offsets.set(name, end)
    out.string(name).u32(shape.length)
    for (const size of [...shape].reverse()) out.u64(size)
    out.u32(writtenType(dtype).id).u64(end)
    end = align(end + bytes)
  }
  const head = out.done()
  const dataAt = align(head.length)
  const padding = new Uint8Array(dataAt - head.length)
  // Readers map the file to the end of the last tensor's padding.
  const last = slots.length === 0 ? [] : [{ at: dataAt + end - alignment, bytes: new Uint8Array(alignment) }]
  return {
    fixed: [{ at: 0, bytes: head }, { at: head.length, bytes: padding }, ...last],
    offsets: new Map([...offsets].map(([name, at]) => [name, dataAt + at])),
    bytes: dataAt + end,
  }
}

function writeValue(out: Bytes, value: GgufValue): void {
  switch (value.type) {
    case 'u32': out.u32(4).u32(value.value); break
    case 'i32': out.u32(5).i32(value.value); break
    case 'f32': out.u32(6).f32(value.value); break
    case 'bool': out.u32(7).u8(value.value ? 1 : 0); break
    case 'string': out.u32(8).string(value.value); break
    case 'strings':
      out.u32(9).u32(8).u64(value.value.length)
      for (const text of value.value) out.string(text)
      break
    case 'i32s':
      out.u32(9).u32(5).u64(value.value.length)
      for (let i = 0; i < value.value.length; i++) out.i32(value.value[i]!)
      break
    default: value satisfies never
  }
}

/** Bytes that grow. */
class Bytes {
  #buffer = Buffer.alloc(1 << 16)
  #length = 0

  u8(value: number): this {
    return this.#more(1, (b, at) => b.writeUInt8(value, at))
  }
  u32(value: number): this {
    return this.#more(4, (b, at) => b.writeUInt32LE(value, at))
  }
  i32(value: number): this {
    return this.#more(4, (b, at) => b.writeInt32LE(value, at))
  }
  f32(value: number): this {
    return this.#more(4, (b, at) => b.writeFloatLE(value, at))
  }
  u64(value: number): this {
    return this.#more(8, (b, at) => b.writeBigUInt64LE(BigInt(value), at))
  }
  ascii(text: string): this {
    return this.#more(text.length, (b, at) => b.write(text, at, 'latin1'))
  }
  string(text: string): this {
    const bytes = Buffer.byteLength(text)
    return this.u64(bytes).#more(bytes, (b, at) => b.write(text, at, 'utf8'))
  }
  done(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  #more(bytes: number, write: (buffer: Buffer, at: number) => void): this {
    if (this.#length + bytes > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length + bytes))
      this.#buffer.copy(larger)
      this.#buffer = larger
    }
    write(this.#buffer, this.#length)
    this.#length += bytes
    return this
  }
}
