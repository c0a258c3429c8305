/**
 * The judge of parity is judged: a model that repeats the reference's logits passes, and one that departs from them in one
 * way at a time fails for that reason, however the prompt is cut.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { check } from '../engine/check.js'
import type { Model, Session } from '../engine/types.js'
import { WeftError } from '../graph/error.js'

const vocab = 8
const prompt = [1, 2, 3]
const greedy = [4, 5, 4, 6]
const margins = [2, 0.01, 2, 2]
const rendered = '<a>b'

/** Logits at a position: the greedy token stands out, the next best by its margin behind it. */
function reference(position: number): Float32Array {
  const row = Float32Array.from({ length: vocab }, (_, i) => Math.sin(position * vocab + i) - 3)
  const step = position - (prompt.length - 1)
  if (step >= 0) {
    row[greedy[step]!] = 3
    row[(greedy[step]! + 1) % vocab] = 3 - margins[step]!
  }
  return row
}

/** The expectations of the reference, in a folder that is removed at the end. */
function write(change: Readonly<Record<string, unknown>> = {}, positions = [0, 1, 2]): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-check-'))
  folders.push(folder)
  const expected = { prompt, greedy, greedy_margin: margins, logits_shape: [positions.length, vocab], ...change }
  writeFileSync(join(folder, 'expected.json'), JSON.stringify(expected))
  const logits = new Float32Array(positions.length * vocab)
  positions.forEach((p, row) => logits.set(reference(p), row * vocab))
  writeFileSync(join(folder, 'logits.f32'), new Uint8Array(logits.buffer))
  return folder
}
const folders: string[] = []

interface Fake {
  readonly logits?: (position: number, row: Float32Array) => void
  readonly compute?: 'f32' | 'f16'
  readonly template?: string
  readonly ids?: readonly number[]
  /** Sizes of the pieces the prompt came in. */
  readonly pieces?: number[]
}

/** A model that answers with the reference's logits, or with a change to them. */
function fake({ logits, compute = 'f32', template = rendered, ids = prompt, pieces = [] }: Fake = {}): Model {
  const all = [...prompt, ...greedy]
  const session = (): Session => {
    let length = 0
    return {
      get length() { return length },
      async logits(given, rows = [...given.keys()]) {
        pieces.push(given.length)
        assert.equal([...given], all.slice(length, length + given.length), 'the reference\'s own tokens are fed')
        const out = new Float32Array(rows.length * vocab)
        rows.forEach((row, i) => {
          const values = reference(length + row)
          logits?.(length + row, values)
          out.set(values, i * vocab)
        })
        length += given.length
        return out
      },
      generate: () => { throw new Error('not asked for') },
      truncate: n => { length = n },
      close: () => undefined,
    }
  }
  const parts = {
    source: { path: 'fake', tokenizer: { kind: 'tokenizer.json', file: '', configFile: null } }, config: { vocab }, device: 'fake', compute, context: 64,
    session, render: () => template, tokenize: () => Uint32Array.from(ids),
  }
  // the rest of a model is not looked at
  return parts as unknown as Model
}

test('a model that repeats the reference passes, whole, in chunks and token by token', async () => {
  for (const [chunk, expected] of [[undefined, [3, 1, 1, 1]], [2, [2, 1, 1, 1, 1]], [1, [1, 1, 1, 1, 1, 1]]] as const) {
    const pieces: number[] = []
    const report = await check(fake({ pieces }), write(), chunk === undefined ? {} : { chunk })
    assert.is(report.ok, true)
    assert.equal(pieces, expected)
    assert.equal([report.logits.relativeError, report.logits.rows, report.tokens.equal, report.tokens.firstDifference], [0, 3, 4, null])
    assert.equal([report.template, report.promptIds], [null, null])
  }
})

test('the reference\'s tokens may come at once with the prompt, and every one of them is judged', async () => {
  for (const positions of [[0, 1, 2], [1]]) {
    const folder = write({ logits_positions: positions }, positions)
    const pieces: number[] = []
    const right = await check(fake({ pieces }), folder, { atOnce: true })
    assert.equal([right.ok, right.logits.relativeError, right.logits.rows, right.tokens.equal], [true, 0, positions.length, 4])
    assert.equal(pieces, [6])
    const chunked: number[] = []
    const inPieces = await check(fake({ pieces: chunked }), folder, { atOnce: true, chunk: 4 })
    assert.equal([inPieces.ok, inPieces.logits.rows, inPieces.tokens.equal, chunked], [true, positions.length, 4, [4, 2]])
    for (const step of [0, 2, 3]) {
      const wrong = await check(fake({ logits: (position, row) => { if (position === prompt.length - 1 + step) row[0] = 9 } }), folder, { atOnce: true, tolerance: 1 })
      assert.equal([wrong.tokens.equal, wrong.tokens.firstDifference?.index], [3, step])
    }
    const prompts = await check(fake({ logits: (position, row) => { if (position === 1) row[0]! += 1 } }), folder, { atOnce: true })
    assert.equal([prompts.ok, prompts.logits.position], [false, 1])
  }
})

test('only the positions of logits_positions are compared', async () => {
  const folder = write({ logits_positions: [1] }, [1])
  const wrongElsewhere = fake({ logits: (position, row) => { if (position === 0) row[0] = 50 } })
  assert.is((await check(wrongElsewhere, folder)).ok, true)
  const report = await check(fake({ logits: (position, row) => { if (position === 1) row[0]! += 1 } }), folder)
  assert.equal([report.ok, report.logits.position, report.logits.rows], [false, 1, 1])
})

test('one wrong row fails, however right the others are', async () => {
  const model = (compute: 'f32' | 'f16'): Model => fake({ compute, logits: (position, row) => { if (position === 1) row.forEach((v, i) => { row[i] = v * 1.001 }) } })
  const f32 = await check(model('f32'), write())
  assert.equal([f32.ok, f32.logits.ok, f32.logits.position, f32.tolerance], [false, false, 1, 1e-4])
  assert.ok(Math.abs(f32.logits.relativeError - 1e-3) < 1e-5)
  const f16 = await check(model('f16'), write())
  assert.equal([f16.ok, f16.tolerance], [true, 1e-2])
  assert.is((await check(model('f32'), write(), { tolerance: 2e-3 })).ok, true)
})

test('a token may differ where its margin is within 2δ, and nowhere else', async () => {
  const other = (step: number) => (position: number, row: Float32Array): void => {
    if (position === 0) row[0]! += 0.05 // δ
    if (position === prompt.length - 1 + step) row[(greedy[step]! + 1) % vocab] = 4
  }
  const allowed = await check(fake({ compute: 'f16', logits: other(1) }), write({}, [0, 1]))
  assert.equal([allowed.tokens.equal, allowed.tokens.decided, allowed.tokens.wrong, allowed.tokens.ok], [3, 3, 0, true])
  assert.equal(allowed.tokens.firstDifference, { index: 1, expected: 5, got: 6, margin: 0.01, wrong: false })
  const wrong = await check(fake({ compute: 'f16', logits: other(3) }), write({}, [0, 1]))
  assert.equal([wrong.ok, wrong.tokens.wrong, wrong.tokens.firstWrong?.index], [false, 1, 3])
})

test('template and prompt ids are compared where they are given', async () => {
  const folder = write({ messages: [{ role: 'user', content: 'b' }], rendered })
  const right = await check(fake(), folder)
  assert.equal([right.ok, right.template, right.promptIds], [true, { equal: true }, { equal: true }])
  const template = await check(fake({ template: '<a>c' }), folder)
  assert.equal([template.ok, template.template], [false, { equal: false, difference: { index: 3, expected: '"b"', got: '"c"' } }])
  const ids = await check(fake({ ids: [1, 2, 3, 4] }), folder)
  assert.equal([ids.ok, ids.promptIds], [false, { equal: false, difference: { index: 3, expected: '[]', got: '[4]' } }])
})

test('what is not finite is an error, in the reference and in the model', async () => {
  const throws = async (model: Model, folder: string, message: RegExp): Promise<void> => {
    try {
      await check(model, folder)
    } catch (error) {
      assert.instance(error, WeftError)
      assert.match((error as WeftError).message, message)
      return
    }
    assert.unreachable('no error')
  }
  await throws(fake({ logits: (position, row) => { if (position === 1) row[2] = NaN } }), write(), /position 1 are not finite.*NaN for token 2/)
  await throws(fake({ logits: (position, row) => { if (position === 4) row[0] = Infinity } }), write(), /position 4 are not finite/)
  const folder = write()
  writeFileSync(join(folder, 'logits.f32'), new Uint8Array(new Float32Array(3 * vocab).fill(NaN).buffer))
  await throws(fake(), folder, /logits\.f32: logits/)
  await throws(fake(), write({ greedy: [4, 5, 4, vocab] }), /token id/)
  await throws(fake(), write({ logits_positions: [0, 2, 1] }), /logits_positions/)
})

test.after(() => folders.forEach(folder => rmSync(folder, { recursive: true })))

test.run()
