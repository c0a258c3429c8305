/**
 * The repack of blocks with many fields loses nothing and invents nothing: every bit of a block that means something stands in exactly one
 * place of the sections, which together are no larger than the file. What the bits mean is tested where kernels decode them.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { NibbleOrder } from '../codegen/types/blocks.js'
import { weightLayout } from '../codegen/types/layout.js'
import { quantTypes } from '../codegen/types/table.js'
import type { Backend, DeviceBuffer } from '../runtime/backend.js'
import { codebookBytes, splitFields } from '../runtime/repack-fields.js'
import { firstWith, uploadWeight } from '../runtime/upload.js'
import type { ModelSource } from '../weights/model.js'
import { Numbers } from './support/quantized.js'

const orders: readonly NibbleOrder[] = ['quads', 'nibbles', 'halves']
const ones = (bytes: Uint8Array): number => bytes.reduce((n, b) => n + b.toString(2).replaceAll('0', '').length, 0)

for (const type of Object.values(quantTypes).filter(t => t.blocks)) {
  const blocks = type.blocks!
  const layout = weightLayout(type.name, 2, blocks.elements, false)
  const split = (file: Uint8Array, order: NibbleOrder): Uint8Array => {
    const into = Object.fromEntries(Object.entries(layout.fields).map(([name, f]) => [name, new Uint8Array(2 * f.rowBytes)]))
    splitFields(file, blocks, order, into)
    return Uint8Array.from(Object.values(into).flatMap(b => [...b]))
  }

  test(`${type.name}: each bit of a block goes to one place of its own`, () => {
    assert.is(Object.values(layout.fields).reduce((n, f) => n + f.rowBytes, 0), blocks.bytes)
    for (const order of orders) {
      const places = new Set<number>()
      for (let bit = 0; bit < 8 * blocks.bytes; bit++) {
        const file = new Uint8Array(2 * blocks.bytes)
        file[bit >> 3] = 1 << (bit & 7)
        const out = split(file, order)
        assert.is(ones(out), 1, `${order}: bit ${bit}`)
        const at = out.findIndex(b => b !== 0)
        places.add(8 * at + Math.log2(out[at]!))
      }
      assert.is(places.size, 8 * blocks.bytes, order)
    }
  })

  test(`${type.name}: blocks follow each other`, () => {
    const numbers = new Numbers(3)
    const file = Uint8Array.from(numbers.integers(2 * blocks.bytes, 256))
    const [first, second] = [file.slice(), file.slice()]
    first.fill(0, blocks.bytes)
    second.fill(0, 0, blocks.bytes)
    const [a, b] = [split(first, 'quads'), split(second, 'quads')]
    assert.equal([...split(file, 'quads')], [...a].map((byte, i) => byte | b[i]!))
    assert.is(ones(a) + ones(b), ones(file))
  })
}

test('codebooks have as many entries as codes can name', () => {
  for (const { blocks } of Object.values(quantTypes)) {
    if (blocks?.codebook) assert.is(codebookBytes(blocks.codebook).length, blocks.codebook.entries * blocks.codebook.width, blocks.codebook.name)
  }
})

/** Uploads one row of `file`, for what is said against it. */
function upload(type: string, columns: number, file: Uint8Array): void {
  const tensor = { name: 'w', type, shape: [1, columns], packing: 'gguf', ranges: { data: { file: '', offset: 0, bytes: file.length } }, scale: 1 } as const
  const source = { path: 'here', tensors: new Map([['w', tensor]]), read: (_: unknown, into: Uint8Array, at = 0): void => into.set(file.subarray(at, at + into.length)) } as unknown as ModelSource
  const backend = { alloc: (bytes: number): DeviceBuffer => ({ bytes, label: 'w' }) as unknown as DeviceBuffer, write: () => {} } as unknown as Backend
  uploadWeight(backend, source, { key: 'w', tensors: ['w'], layout: weightLayout(type, 1, columns, false) }, () => {})
}

test('a scale of MXFP4 that is no number is refused, naming the tensor', () => {
  const file = new Uint8Array(2 * 17).fill(120)
  upload('mxfp4', 64, file)
  file[17] = 255
  assert.throws(() => upload('mxfp4', 64, file), /tensor w: block scale 1 is NaN: expected finite e8m0 scales, got 0xff/)
})

test('the first byte with all bits of a mask is found at any place, and no other is taken for one', () => {
  for (const mask of [0x7f, 0xff] as const) {
    for (const [offset, length] of [[0, 64], [4, 61], [1, 23], [8, 3], [0, 0]] as const) {
      const bytes = new Uint8Array(80).fill(mask).subarray(offset, offset + length)
      for (let other = 0; other < 256; other++) {
        if ((other & mask) === mask) continue
        for (let i = 0; i < length; i++) bytes[i] = i % 3 === 0 ? other : (other * 7 + i) % 127
        assert.is(firstWith(mask, bytes), -1, `${mask} ${offset} ${other}`)
      }
      for (const code of mask === 0x7f ? [0x7f, 0xff] : [0xff]) {
        for (let i = 0; i < length; i++) {
          const was = bytes[i]!
          bytes[i] = code
          assert.is(firstWith(mask, bytes), i)
          bytes[i] = was
        }
      }
    }
  }
})

test.run()
