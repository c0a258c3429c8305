/**
 * Model files made in a test: bytes of safetensors and GGUF files whose every field can be wrong, and folders that vanish
 * with the process.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The path of something under test/fixtures. */
export function fixture(path: string): string {
  return fileURLToPath(new URL(`../../test/fixtures/${path}`, import.meta.url))
}

const root = mkdtempSync(join(tmpdir(), 'weft-weights-'))
process.on('exit', () => rmSync(root, { recursive: true, force: true }))

/** An empty folder, removed when the process ends. */
export function makeFolder(): string {
  return mkdtempSync(join(root, 'model-'))
}

/** A folder with a copy of a fixture model, and `files` written over it: text, bytes or JSON. */
export function makeModel(base: string, files: Readonly<Record<string, unknown>> = {}): string {
  const folder = makeFolder()
  cpSync(fixture(`models/${base}`), folder, { recursive: true })
  writeFiles(folder, files)
  return folder
}

export function writeFiles(folder: string, files: Readonly<Record<string, unknown>>): void {
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content))
  }
}

/** A safetensors file of this header (text or JSON) and so many bytes of data; `length` overrides the header's length. */
export function safetensorsBytes(header: unknown, dataBytes = 0, length?: bigint): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = Buffer.alloc(8 + text.length + dataBytes)
  bytes.writeBigUInt64LE(length ?? BigInt(text.length))
  text.copy(bytes, 8)
  return bytes
}

/** Parts of a GGUF header, written one after another. */
export class GgufBytes {
  readonly #parts: Buffer[] = []

  constructor(tensors: bigint | number, entries: bigint | number, version = 3, magic = 'GGUF') {
    this.#parts.push(Buffer.from(magic))
    this.u32(version).u64(tensors).u64(entries)
  }

  u32(value: number): this {
    const part = Buffer.alloc(4)
    part.writeUInt32LE(value)
    return this.bytes(part)
  }

  u64(value: bigint | number): this {
    const part = Buffer.alloc(8)
    part.writeBigUInt64LE(BigInt(value))
    return this.bytes(part)
  }

  string(text: string): this {
    const part = Buffer.from(text)
    return this.u64(part.length).bytes(part)
  }

  /** A metadata entry: a string, a float (as f32 unless whole), or an unsigned integer. */
  entry(key: string, value: string | number): this {
    this.string(key)
    if (typeof value === 'string') return this.u32(8).string(value)
    if (Number.isInteger(value)) return this.u32(4).u32(value)
    const part = Buffer.alloc(4)
    part.writeFloatLE(value)
    return this.u32(6).bytes(part)
  }

  tensor(name: string, dimensions: readonly (bigint | number)[], type: number, offset: bigint | number): this {
    this.string(name).u32(dimensions.length)
    for (const d of dimensions) this.u64(d)
    return this.u32(type).u64(offset)
  }

  bytes(part: Uint8Array): this {
    this.#parts.push(Buffer.from(part))
    return this
  }

  /** Pads to the alignment, as before the tensor data, and adds so many bytes of it. */
  data(bytes: number, alignment = 32): this {
    const at = this.#parts.reduce((n, p) => n + p.length, 0)
    return this.bytes(Buffer.alloc(Math.ceil(at / alignment) * alignment - at + bytes))
  }

  done(): Uint8Array {
    return Buffer.concat(this.#parts)
  }
}
