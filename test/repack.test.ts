/** The word-wise repack of weights against the plain form of the same, for every order of codes and every type of GGUF. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { respan } from '../codegen/types/layout.js'
import { quantTypes, scaleBytes } from '../codegen/types/table.js'
import { respanInPlace, splitBlocks } from '../runtime/repack.js'

/** Bytes of a fixed sequence, with every value in it. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  })
}

for (const from of [2, 16, 32]) for (const to of [2, 16, 32]) {
  test(`codes in spans of ${from} become spans of ${to}`, () => {
    for (const bytes of [16, 64, 1600]) {
      const codes = noise(bytes, bytes + from)
      const expected = new Uint8Array(bytes)
      respan(codes, from, expected, to)
      respanInPlace(codes, from, to)
      assert.equal(codes, expected)
    }
  })
}

test('codes that are no whole words, or lie askew, take the plain way', () => {
  for (const [offset, length] of [[0, 24], [2, 32]] as const) {
    const codes = noise(offset + length, 5).subarray(offset)
    const expected = new Uint8Array(length)
    respan(codes, 16, expected, 2)
    respanInPlace(codes, 16, 2)
    assert.equal(codes, expected)
  }
})

for (const type of Object.values(quantTypes)) {
  const block = type.gguf
  if (!block) continue
  test(`blocks of ${type.name} are separated`, () => {
    const blocks = 300
    const file = noise(blocks * block.bytes, 9)
    const sizes = { codes: (block.elements * type.bits) / 8, scales: block.scales.count * scaleBytes[type.scale!.coding], mins: block.mins ? 2 : 0 }
    const into = { codes: new Uint8Array(blocks * sizes.codes), scales: new Uint8Array(blocks * sizes.scales), mins: new Uint8Array(blocks * sizes.mins) }
    splitBlocks(file, type, into)
    const field = (at: number, bytes: number): readonly number[] => Array.from({ length: blocks * bytes }, (_, i) => file[Math.floor(i / bytes) * block.bytes + at + (i % bytes)]!)
    const unsigned = (b: number): number => (type.scale!.coding !== 'e4m3' ? b : (b & 0x7f) === 0x7f ? 0 : b & 0x7f)
    assert.equal([...into.codes], field(block.codes.at, sizes.codes))
    assert.equal([...into.scales], field(block.scales.at, sizes.scales).map(unsigned))
    assert.equal([...into.mins], block.mins ? field(block.mins.at, 2) : [])
  })
}

test.run()
