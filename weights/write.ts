/**
 * The writing side of safetensors, for models made here (the built-in one, tests). Tensors are laid out by falling size of
 * their elements and the header is padded to 8 bytes, so that every tensor is aligned as other readers like it.
 */
import { check } from '../graph/error.js'

export interface TensorToWrite {
  readonly name: string
  readonly dtype: 'F32' | 'F16' | 'BF16' | 'F8_E4M3' | 'U8'
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

const elementBytes = { F32: 4, F16: 2, BF16: 2, F8_E4M3: 1, U8: 1 } as const

/** A whole safetensors file; throws when a tensor's bytes do not match its shape. */
export function encodeSafetensors(tensors: readonly TensorToWrite[], metadata: Readonly<Record<string, string>> = { format: 'pt' }): Uint8Array {
  const sorted = [...tensors].sort((a, b) => elementBytes[b.dtype] - elementBytes[a.dtype])
  let end = 0
  const entries = sorted.map(({ name, dtype, shape, data }) => {
    const bytes = shape.reduce((n, d) => n * d, elementBytes[dtype])
    check(bytes === data.byteLength, 'safetensors', `tensor ${name}: bytes`, `${bytes}`, `${data.byteLength}`)
    const from = end
    end += bytes
    return [name, { dtype, shape, data_offsets: [from, end] }] as const
  })
  const json = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) })
  const header = new TextEncoder().encode(json)
  const padded = Math.ceil(header.length / 8) * 8
  const file = new Uint8Array(8 + padded + end).fill(0x20, 8, 8 + padded)
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true)
  file.set(header, 8)
  let at = 8 + padded
  for (const { data } of sorted) {
    file.set(data, at)
    at += data.byteLength
  }
  return file
}
