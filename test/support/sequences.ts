/**
 * Two sequences in one batch: their rows interleaved, over pages handed out in mixed order, give the logits that each
 * gives alone; the cache grows past its first pages on the way, and a context that is full says so.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Executor } from '../../engine/executor.js'
import type { PageChoice } from '../../engine/pages.js'
import type { TestDevice } from './backends.js'
import { fixtureModels, ModelBench, type Prepared, type Setup } from './models.js'

const vocab = 512
/** Ids without a pattern that attention could hide behind. */
const ids = (seed: number, length: number): readonly number[] => Array.from({ length }, (_, i) => (Math.imul(i + seed, 2654435761) >>> 9) % vocab)
/** Long enough for two pages, and of different lengths, so that one ends before the other. */
const texts = [ids(1, 300), ids(77, 280)] as const
/** Rows of each text whose logits are compared: around the page's end, and the last. */
const compared = [3, 254, 255, 256, 279] as const

interface Row {
  readonly sequence: number
  readonly position: number
}

/** Runs rows in batches of `size` and keeps the logits of those compared, by sequence and position. */
async function run(executor: Executor, rows: readonly Row[], size: number): Promise<ReadonlyMap<string, Float32Array>> {
  const kept = new Map<string, Float32Array>()
  for (let from = 0; from < rows.length; from += size) {
    const own = rows.slice(from, from + size)
    const outputRows = own.flatMap((r, i) => (compared.includes(r.position as 3) ? [i] : []))
    const { logits } = await executor.run({
      tokens: own.map(r => texts[r.sequence]![r.position]!), positions: own.map(r => r.position), sequences: own.map(r => r.sequence), outputRows,
    }, outputRows.length > 0 ? 'logits' : 'nothing')
    outputRows.forEach((row, i) => kept.set(`${own[row]!.sequence} ${own[row]!.position}`, logits!.slice(i * vocab, (i + 1) * vocab)))
  }
  return kept
}

function relativeError(got: Float32Array, want: Float32Array): number {
  const norm = (v: Float32Array): number => Math.sqrt(v.reduce((n, x) => n + x * x, 0))
  return norm(got.map((x, i) => x - want[i]!)) / norm(want)
}

const alone = (sequence: number): readonly Row[] => texts[sequence]!.map((_, position) => ({ sequence, position }))
const together: readonly Row[] = texts[0].flatMap((_, position) => [0, 1].filter(s => position < texts[s]!.length).map(sequence => ({ sequence, position })))

/** From the last free page and from the middle in turn, so that no page of a sequence lies behind its neighbour. */
const mixed: PageChoice = free => (free.length % 2 === 0 ? free.length - 1 : Math.floor(free.length / 2))

export function sequenceSuite(device: TestDevice): void {
  const chunk = device.slowCompiler ? 32 : 64
  const setup: Setup = { compute: 'f32', kv: 'f32', fuse: true, chunk, context: 2048, sequences: 2 }
  const names = device.slowCompiler ? ['qwen3'] : ['qwen3', 'mistral']
  let bench: ModelBench
  const prepared = new Map<string, Prepared>()

  test(`${device.name}: kernels compile`, async () => {
    bench = new ModelBench(await device.open(), device)
    for (const f of fixtureModels().filter(f => names.includes(f.name))) prepared.set(f.name, await bench.prepare(f.path, setup))
    assert.ok((await bench.compile()) > 0)
  })

  for (const name of names) {
    test(`${device.name}: ${name}: two sequences interleaved over mixed pages give what each gives alone`, async () => {
      const want = new Map<string, Float32Array>()
      for (const s of [0, 1]) {
        const own = bench.run(prepared.get(name)!)
        for (const [key, row] of await run(own.executor, alone(s), chunk)) want.set(key, row)
        own.close()
      }
      assert.is(want.size, 2 * compared.length)
      // In prefill tiles, in small batches, and in batches that neither tile size nor sequences divide.
      for (const size of [chunk, 8, 5]) {
        const both = bench.run(prepared.get(name)!, mixed)
        const table = both.pages.table()
        const got = await run(both.executor, together, size)
        assert.not.equal(both.pages.table(), table, 'pages were handed out')
        assert.not.equal([...both.pages.table().subarray(0, 2)], [0, 1], 'pages are mixed')
        for (const [key, row] of want) {
          const error = relativeError(got.get(key)!, row)
          assert.ok(error <= 1e-5, `${name} in batches of ${size}: sequence and position ${key} differ by ${error}`)
        }
        both.close()
      }
    })
  }

  test(`${device.name}: the cache grows past its first pages and keeps what it holds`, async () => {
    const own = bench.run({ ...prepared.get('qwen3')!, setup: { ...setup, sequences: 1 } }, undefined, 1)
    const session = own.model.session()
    const before = own.pages.count
    const prompt = Uint32Array.from(ids(5, 1100))
    const [last] = [await session.logits(prompt, [1099])]
    assert.ok(own.pages.count > before, `${own.pages.count} pages after ${before}`)
    session.truncate(1000)
    const again = await session.logits(prompt.subarray(1000), [99])
    assert.ok(relativeError(again, last) <= 1e-5, `after growing, the same rows differ by ${relativeError(again, last)}`)
    own.close()
  })

  test(`${device.name}: a context that is full says so`, async () => {
    const own = bench.run({ ...prepared.get('qwen3')!, setup: { ...setup, sequences: 1 } }, undefined, 1)
    const session = own.model.sessionOf(64)
    const made: number[] = []
    let reason = ''
    for await (const piece of session.generate(Uint32Array.from(ids(9, 50)), { maxTokens: 1000, temperature: 0 })) {
      made.push(...piece.ids)
      reason = piece.done?.reason ?? reason
    }
    assert.is(reason, 'context')
    assert.is(made.length, 14)
    await session.logits(Uint32Array.from(ids(9, 80))).then(() => assert.unreachable(), (error: Error) => assert.match(error.message, /\[context\].*64/))
    own.close()
  })

  test.after(async () => bench?.close())
}
