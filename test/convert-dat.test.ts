/**
 * TorchSharp's `.dat`: files as an F# program wrote them are read, converted and written again as they were, what has to be rounded
 * is said, and what is broken is refused.
 */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { dequantize } from '../weights/dequantize.js'
import { openModel } from '../weights/open.js'
import { readRows } from '../weights/rows.js'
import { opened, sameValues, through } from './support/conversions.js'
import { fixture, makeFolder, writeFiles } from './weights-make.js'

/** A `.dat` file by its description alone: ULEB128 numbers, names, sizes, bytes. */
function datBytes(entries: readonly (readonly [name: string, dtype: number, shape: readonly number[], data: Uint8Array])[]): Uint8Array {
  const uleb = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...uleb(n >>> 7)])
  return Buffer.concat([Buffer.from(uleb(entries.length)), ...entries.flatMap(([name, dtype, shape, data]) => [
    Buffer.from([...uleb(Buffer.byteLength(name)), ...Buffer.from(name), ...uleb(dtype), ...uleb(shape.length), ...shape.flatMap(uleb)]), Buffer.from(data),
  ])])
}

/** The tiny NVFP4 model as the F# program keeps one: a head of its own, NVFP4 without tensor scales, the rest f16. */
async function datModel(codesType: number, scalesType: number): Promise<string> {
  const source = await openModel(fixture('models/qwen3_nvfp4_modelopt'))
  const entries = [...source.tensors.values(), { ...source.tensors.get('model.layers.0.mlp.up_proj.weight')!, name: 'lm_head.weight' }].flatMap((t): Parameters<typeof datBytes>[0] => {
    const [rows, columns] = [t.shape[0]!, t.shape[1] ?? 1]
    if (t.name === 'lm_head.weight') {
      const count = 512 * 128
      return [[`${t.name}.qdata`, codesType, [512, 64], Uint8Array.from({ length: count / 2 }, (_, i) => i * 7)], [`${t.name}.scale`, scalesType, [512, 8], Uint8Array.from({ length: count / 16 }, (_, i) => 0x20 + (i % 30))]]
    }
    if (t.type !== 'nvfp4') return [[t.name, 5, t.shape, Buffer.alloc(t.shape.reduce((n, d) => n * d, 2)).fill(Uint8Array.of(0x12, 0x34))]]
    return [[`${t.name}.qdata`, codesType, [rows, columns / 2], readRows(source, t, 'codes', 0, rows)], [`${t.name}.scale`, scalesType, [rows, columns / 16], readRows(source, t, 'scales', 0, rows)]]
  })
  source.close()
  const folder = makeFolder()
  cpSync(fixture('models/qwen3_nvfp4_modelopt/config.json'), join(folder, 'config.json'))
  writeFileSync(join(folder, 'model.dat'), datBytes(entries))
  return folder
}

for (const [codes, scales] of [[100, 101], [0, 0]] as const) {
  test(`.dat with dtypes ${codes} and ${scales}: read, converted and written as it was`, async () => {
    const folder = await datModel(codes, scales)
    const { at, lost } = await through(folder, ['a', 'b.gguf', 'd/model.dat'])
    assert.equal(lost, [])
    await opened([folder, join(at, '..', '..', 'a'), join(at, '..', '..', 'b.gguf'), at], (dat, ...others) => {
      assert.is(dat!.format, 'dat')
      // The configuration ties the head, the file has one of its own.
      assert.is(dat!.config.tiedHead, false)
      assert.equal(dat!.tensors.get('lm_head.weight')!.shape, [512, 128])
      assert.equal(dat!.ignored, [])
      for (const other of others) {
        sameValues(dat!, other)
        // GGUF keeps eps as a float32.
        assert.equal({ ...other.config, eps: Math.fround(other.config.eps) }, { ...dat!.config, eps: Math.fround(dat!.config.eps) })
      }
    })
    const order = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
    if (codes === 100) assert.is(order(readFileSync(at)), order(readFileSync(join(folder, 'model.dat'))))
    assert.ok(existsSync(join(at, '..', 'config.json')))
  })
}

test('.dat of a bf16 model: everything but embedding and norms becomes NVFP4 of one level, and is said', async () => {
  const { at, lost, said } = await through(fixture('models/qwen3'), ['d/model.dat'])
  assert.ok(lost.length === 22 && lost.includes('lm_head.weight') && !lost.includes('model.norm.weight'), String(lost))
  assert.match(said, /bf16 as nvfp4 +22 .*rounded: relative error up to 9\.\de-2/)
  await opened([fixture('models/qwen3'), at], (a, b) => {
    for (const [name, tensor] of a!.tensors) {
      const [want, got] = [dequantize(a!, tensor), dequantize(b!, b!.tensors.get(name)!)]
      const norm = (v: Float32Array): number => Math.sqrt(v.reduce((n, x) => n + x * x, 0))
      assert.ok(norm(want.map((v, i) => v - got[i]!)) < 0.11 * norm(want), name)
    }
  })
})

const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]
const entry = (name: string, ...rest: readonly number[]): readonly number[] => [name.length, ...Buffer.from(name), ...rest]
const hostile: readonly (readonly [string, readonly number[], RegExp])[] = [
  ['an empty file', [], /truncated at count of tensors: expected 1 bytes at 0, got 0/],
  ['more tensors than the file can hold', [9, 0, 0, 0, 0, 0], /count of tensors: expected at most 1, got 9/],
  ['a number without an end', [0x81, ...new Array<number>(12).fill(0xff)], /number without an end/],
  ['a name beyond the file', [1, 0xff, 0x0f, 0, 0, 0], /truncated at entry 0: expected 2047 bytes/],
  ['a name too long', [1, ...huge, 0], /length of the name of entry 0: expected at most 4096/],
  ['a name that is not UTF-8', [1, 1, 0xff, 5, 0, 0, 0], /name of entry 0: expected UTF-8/],
  ['an unknown dtype', [1, ...entry('x', 42, 0), 0, 0], /tensor x: dtype: expected 0, 1, .*got 42/],
  ['too many dimensions', [1, ...entry('x', 5, 17), 0, 0], /number of dimensions of x: expected at most 16, got 17/],
  ['sizes that multiply to more than there is', [1, ...entry('x', 5, 2, ...huge.slice(1), 2)], /tensor x: reaches beyond the end of the file/],
  ['one name twice', [2, ...entry('x', 0, 0), 0, ...entry('x', 0, 0), 0], /tensor x is there twice/],
  ['bytes after the last tensor', [1, ...entry('x', 0, 0), 0, 9], /bytes after the last tensor: expected 0, got 1/],
  ['a tensor missing', [1, ...entry('x', 0, 0), 0], /tensor model.embed_tokens.weight is missing/],
]
for (const [name, bytes, says] of hostile) {
  test(`.dat: ${name}`, async () => {
    const folder = makeFolder()
    cpSync(fixture('models/qwen3/config.json'), join(folder, 'config.json'))
    writeFiles(folder, { 'm.dat': Uint8Array.from(bytes) })
    let message = ''
    await openModel(folder).catch((e: unknown) => { message = String(e) })
    assert.match(message, says)
  })
}

test.run()
