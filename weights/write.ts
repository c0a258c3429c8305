/**
 * The writing side of safetensors. Tensors are laid out by falling size of their elements and the header is padded to 8
 * bytes, so that every tensor is aligned as other readers like it. A file is either laid out, to be filled piece by piece
 * (`tensor-file.ts`), or encoded whole where it is small.
 */
import { check } from '../graph/error.js'
import type { FileLayout, Slot } from './tensor-file.js'

const elementBytes = { F32: 4, I32: 4, F16: 2, BF16: 2, F8_E4M3: 1, U8: 1 } as const
export type WritableDtype = keyof typeof elementBytes

export interface TensorToWrite {
  readonly name: string
  readonly dtype: WritableDtype
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

/** A slot of a safetensors file. */
export function safetensorsSlot(name: string, dtype: WritableDtype, shape: readonly number[]): Slot {
  return { name, dtype, shape, bytes: shape.reduce((n, d) => n * d, elementBytes[dtype]) }
}

/** Where everything stands in a safetensors file of these slots. */
export function safetensorsLayout(slots: readonly Slot[], metadata: Readonly<Record<string, string>> = { format: 'pt' }): FileLayout {
  const size = ({ dtype }: Slot): number => elementBytes[dtype as WritableDtype]
  const sorted = [...slots].sort((a, b) => size(b) - size(a))
  let end = 0
  const entries = sorted.map(({ name, dtype, shape, bytes }) => {
    const from = end
    end += bytes
    return [name, { dtype, shape, data_offsets: [from, end] }] as const
  })
  const json = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) })
  const header = new TextEncoder().encode(json)
  const padded = Math.ceil(header.length / 8) * 8
  const head = new Uint8Array(8 + padded).fill(0x20, 8)
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true)
  head.set(header, 8)
  return {
    fixed: [{ at: 0, bytes: head }],
    offsets: new Map(entries.map(([name, { data_offsets: [from] }]) => [name, head.length + from!])),
    bytes: head.length + end,
  }
}

/** A whole safetensors file; throws when a tensor's bytes do not match its shape. */
export function encodeSafetensors(tensors: readonly TensorToWrite[], metadata: Readonly<Record<string, string>> = { format: 'pt' }): Uint8Array {
  const layout = safetensorsLayout(tensors.map(t => safetensorsSlot(t.name, t.dtype, t.shape)), metadata)
  const file = new Uint8Array(layout.bytes)
  for (const { at, bytes } of layout.fixed) file.set(bytes, at)
  for (const { name, dtype, shape, data } of tensors) {
    const { bytes } = safetensorsSlot(name, dtype, shape)
    check(bytes === data.byteLength, 'safetensors', `tensor ${name}: bytes`, `${bytes}`, `${data.byteLength}`)
    file.set(data, layout.offsets.get(name)!)
  }
  return file
}
