/** weft as a library, through its public entry: load, generate as an async iterator, tokenize, close. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { load, WeftError, type Model, type Piece } from '../engine/index.js'

let model: Model

test.before(async () => {
  model = await load(null, { device: 'wasm', context: 256 })
})
test.after(() => model.close())

async function all(pieces: AsyncIterable<Piece>): Promise<{ readonly text: string; readonly ids: readonly number[]; readonly done: Piece['done'] }> {
  let text = ''
  const ids: number[] = []
  let done: Piece['done']
  for await (const piece of pieces) {
    assert.is(done, undefined, 'nothing follows the last piece')
    text += piece.text
    ids.push(...piece.ids)
    done = piece.done
  }
  return { text, ids, done }
}

test('load says what was loaded, and where', () => {
  assert.is(model.backend, 'wasm')
  assert.is(model.compute, 'i16')
  assert.is(model.context, 256)
  assert.is(model.config.architecture, 'qwen3')
  assert.match(model.device, /WebAssembly/)
  assert.ok(model.stats.loadSeconds > 0 && model.stats.weightBytes > 0)
})

test('progress runs to the whole, and a notice is passed on', async () => {
  const seen: (readonly [number, number])[] = [], notices: string[] = []
  const other = await load(null, { device: 'wasm', context: 64, onProgress: (done, total) => seen.push([done, total]), onNotice: line => notices.push(line) })
  await other.close()
  assert.ok(seen.length > 0)
  assert.ok(seen.every(([done], i) => i === 0 || done >= seen[i - 1]![0]))
  assert.is(seen.at(-1)![0], seen.at(-1)![1])
  if (other.source.notice !== null) assert.ok(notices.some(line => line.includes(other.source.notice!)))
})

test('generate streams pieces, the last with the reason and the figures', async () => {
  const { text, ids, done } = await all(model.generate('What is a lighthouse?', { maxTokens: 12, temperature: 0 }))
  assert.ok(text.length > 0)
  assert.ok(ids.length > 0 && ids.length <= 12)
  assert.ok(['length', 'stop'].includes(done!.reason))
  assert.is(done!.stats.generatedTokens, ids.length)
  assert.is(model.detokenize(ids), text)
})

test('the same request gives the same text; a seed decides the draws', async () => {
  const run = (options: object): Promise<string> => all(model.generate('Hello', { maxTokens: 12, ...options })).then(a => a.text)
  assert.is(await run({ temperature: 0 }), await run({ temperature: 0 }))
  // hot, so that nothing is nearly certain
  assert.is(await run({ temperature: 50, seed: 7 }), await run({ temperature: 50, seed: 7 }))
  assert.is.not(await run({ temperature: 50, seed: 7 }), await run({ temperature: 50, seed: 8 }))
})

test('text, messages and ids are one prompt', async () => {
  const messages = [{ role: 'user', content: 'Hello' }]
  const options = { maxTokens: 6, temperature: 0 }
  const expected = (await all(model.generate('Hello', options))).ids
  assert.equal((await all(model.generate(messages, options))).ids, expected)
  assert.equal((await all(model.generate(model.tokenize(model.render(messages)), options))).ids, expected)
})

test('a signal ends a generation with what there is', async () => {
  const controller = new AbortController()
  let pieces = 0
  let reason: string | undefined
  for await (const piece of model.generate('Hello', { maxTokens: 200, temperature: 1, seed: 1, signal: controller.signal })) {
    if (++pieces === 2) controller.abort()
    reason = piece.done?.reason
  }
  assert.is(reason, 'aborted')
  assert.ok(pieces < 100)
})

test('leaving the loop early frees the sequence', async () => {
  for await (const piece of model.generate('Hello', { maxTokens: 50 })) if (piece.ids.length > 0) break
  assert.ok((await all(model.generate('Hello', { maxTokens: 2 }))).ids.length > 0)
})

test('a session keeps what it has read', async () => {
  const session = model.session()
  const first = await all(session.generate('Hello', { maxTokens: 4, temperature: 0 }))
  assert.is(first.done!.stats.cachedTokens, 0)
  const again = await all(session.generate([{ role: 'user', content: 'Hello' }, { role: 'assistant', content: first.text }, { role: 'user', content: 'More' }], { maxTokens: 4, temperature: 0 }))
  assert.ok(again.done!.stats.cachedTokens >= first.done!.stats.promptTokens - 1)
  // what was kept changes nothing: a fresh session answers the same
  session.close()
  const fresh = await all(model.generate([{ role: 'user', content: 'Hello' }, { role: 'assistant', content: first.text }, { role: 'user', content: 'More' }], { maxTokens: 4, temperature: 0 }))
  assert.equal(again.ids, fresh.ids)
})

test('stop texts do not appear, even when they come in pieces', async () => {
  const whole = (await all(model.generate('Hello', { maxTokens: 12, temperature: 0 }))).text
  const stop = whole.slice(3, 7)
  const { text, done } = await all(model.generate('Hello', { maxTokens: 12, temperature: 0, stop: [stop] }))
  assert.is(text, whole.slice(0, whole.indexOf(stop)))
  assert.is(done!.reason, 'stop')
})

test('tokenize and detokenize', () => {
  const ids = model.tokenize('a lighthouse<|im_end|>')
  assert.is(model.detokenize(ids), 'a lighthouse<|im_end|>')
  assert.is(ids.at(-1), model.tokenizer.idOf('<|im_end|>'))
})

test('the context limit ends a text and refuses a longer prompt', async () => {
  const { done, ids } = await all(model.generate('Hello', { maxTokens: 1000, temperature: 1, seed: 3 }))
  assert.is(done!.reason, done!.reason === 'stop' ? 'stop' : 'context')
  assert.ok(done!.stats.promptTokens + ids.length <= 256)
  try {
    await all(model.generate(new Uint32Array(257)))
    assert.unreachable('a prompt beyond the context')
  } catch (error) {
    assert.instance(error, WeftError)
    assert.match((error as WeftError).message, /does not fit the context: expected at most 256 tokens, got 257/)
  }
})

test('ids beyond the embedding are refused', async () => {
  const { vocab } = model.config
  const logits = async (ids: Uint32Array): Promise<unknown> => {
    const session = model.session()
    return session.logits(ids).finally(() => session.close())
  }
  for (const id of [vocab, 2 ** 31, 2 ** 32 - 1]) {
    const wanted = new RegExp(`\\[prompt\\] token id ${id} is none of the model's: expected ids below ${vocab}`)
    for (const run of [() => all(model.generate(Uint32Array.of(1, id))), () => logits(Uint32Array.of(1, id))]) {
      const error: unknown = await run().then(() => null, (e: unknown) => e)
      assert.instance(error, WeftError)
      assert.match((error as WeftError).message, wanted)
    }
  }
})

test('close may be called twice', async () => {
  const other = await load(null, { device: 'reference', context: 32 })
  await other.close()
  await other.close()
})

test.run()
