/** What a program may do to sessions and options: several at once, closing in the middle, and values that mean nothing. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Executor } from '../engine/executor.js'
import { load, WeftError, type GenerateOptions, type LoadOptions, type Model, type Piece } from '../engine/index.js'
import { DeviceSession } from '../engine/session.js'

let model: Model

test.before(async () => {
  model = await load(null, { device: 'wasm', context: 256, sequences: 2 })
})
test.after(() => model.close())

async function textOf(pieces: AsyncIterable<Piece>): Promise<string> {
  let text = ''
  for await (const piece of pieces) text += piece.text
  return text
}

/** The message of the WeftError that is thrown, with its exit code. */
async function refusal(run: () => unknown): Promise<string> {
  const error: unknown = await Promise.resolve().then(run).then(() => null, (e: unknown) => e)
  assert.instance(error, WeftError, String(error))
  return `${(error as WeftError).exitCode} ${(error as WeftError).message}`
}

const questions = ['What is a lighthouse?', 'What is a dog?'] as const

for (const [name, options] of [['greedy', { temperature: 0 }], ['drawn', { temperature: 3, topK: 40, seed: 4 }], ['drawn from all logits', { temperature: 3, seed: 4 }]] as const) {
  test(`sessions that generate at the same time give what each gives alone: ${name}`, async () => {
    const alone = []
    for (const question of questions) alone.push(await textOf(model.generate(question, { maxTokens: 24, ...options })))
    assert.is.not(alone[0], alone[1])
    assert.equal(await Promise.all(questions.map(question => textOf(model.generate(question, { maxTokens: 24, ...options })))), alone)
  })
}

test('a session does one thing at a time', async () => {
  const session = model.session()
  const pieces = session.generate(questions[0], { maxTokens: 8 })
  await pieces.next()
  for (const second of [() => session.generate(questions[1]).next(), () => session.logits(Uint32Array.of(1)), () => session.truncate(0)]) {
    assert.match(await refusal(second), /^1 \[session\] a session does one thing at a time/)
  }
  await textOf(pieces)
  session.truncate(0)
  assert.is(session.length, 0)
  session.close()
})

test('a session that is closed in the middle of a text ends it, and its place is another\'s', async () => {
  const session = model.session()
  const pieces = session.generate(questions[0], { temperature: 50, seed: 3, maxTokens: 100 })
  await pieces.next()
  session.close()
  assert.match(await refusal(() => textOf(pieces)), /^1 \[session\] the session is closed$/)
  assert.match(await refusal(() => session.logits(Uint32Array.of(1))), /^1 \[session\] the session is closed$/)
  assert.match(await textOf(model.generate(questions[0])), /^A lighthouse is a tower/)
})

test('the text is that of its ids, where a stop token leaves a character in the middle too', async () => {
  const { tokenizer, config } = model
  const [half, stop] = [tokenizer.idOf('ð')!, tokenizer.idOf('<|im_end|>')!]
  assert.is(model.detokenize([half]), '\ufffd')
  const script: Executor = {
    maxRows: 8, maxOutputs: 8, hasCandidates: false, weightBytesPerToken: 0, cacheBytesPerPosition: 0, cacheBytes: 0,
    run: async () => ({ next: Uint32Array.of(half) }),
    greedy: async () => Uint32Array.of(stop),
    release: () => undefined,
    close: async () => undefined,
  }
  const session = new DeviceSession({
    executor: script, tokenizer, generation: { stopIds: [stop] }, context: 32, vocab: config.vocab, chunk: 8, burstSeconds: 0.05, sequence: 0,
    encode: text => model.tokenize(text as string), onClose: () => undefined,
  })
  assert.is(await textOf(session.generate('x', { temperature: 0 })), '\ufffd')
  assert.is(await textOf(session.generate('x', { temperature: 0, stop: ['\ufffd'] })), '')
})

const anything = (value: unknown): never => value as never

test('options of generate that mean nothing are refused by name', async () => {
  const wrong: readonly (readonly [GenerateOptions, RegExp])[] = [
    ...[0, -1, NaN, 1.5, Infinity].map(maxTokens => [{ maxTokens }, /^2 \[generate\] maxTokens: expected an integer from 1 /] as const),
    [{ temperature: -1 }, /^2 \[sampler\] temperature: /],
    // greedy, so that the draw would not look at them
    [{ temperature: 0, topK: -1 }, /^2 \[sampler\] topK: /],
    [{ temperature: 0, topP: 3 }, /^2 \[sampler\] topP: expected a number from 0 to 1, got 3$/],
    [{ temperature: 0, seed: 1.5 }, /^2 \[sampler\] seed: /],
    [{ stop: anything('x') }, /^2 \[generate\] stop: expected an array of texts, got "x"$/],
    [{ system: anything(5) }, /^2 \[generate\] system: expected a text, got 5$/],
  ]
  for (const [options, message] of wrong) assert.match(await refusal(() => textOf(model.generate(questions[0], options))), message)
})

test('a prompt that is none, and a row of logits that is not there, are refused', async () => {
  for (const prompt of [undefined, 7, [1, 2, 3], [null], { role: 'user' }]) {
    assert.match(await refusal(() => textOf(model.generate(anything(prompt)))), /^2 \[prompt\] neither text nor messages nor ids: expected a string, /)
  }
  const session = model.session()
  for (const row of [2, -1, 0.5]) assert.match(await refusal(() => session.logits(Uint32Array.of(1, 2), [row])), /^1 \[session\] no such row of logits: expected 0 to 1, got /)
  session.close()
})

test('options of load that mean nothing are refused by name', async () => {
  const wrong: readonly (readonly [LoadOptions, RegExp])[] = [
    [{ compute: anything('f64') }, /^2 \[--compute\] wrong value: expected f32, f16, i16, got "f64"$/],
    [{ kvType: anything('q8') }, /^2 \[--kv-type\] wrong value: expected f32, f16, got "q8"$/],
    ...[0, -3, 1.5, NaN].map(chunk => [{ chunk }, /^2 \[load\] chunk: expected an integer from 1 /] as const),
    ...[0, -1, 0.5].map(sequences => [{ sequences }, /^2 \[load\] sequences: expected an integer from 1 /] as const),
    [{ context: 0 }, /^2 \[--context\] wrong value: expected an integer from 1 /],
  ]
  for (const [options, message] of wrong) assert.match(await refusal(() => load(null, { device: 'wasm', ...options })), message)
  for (const path of [undefined, 7, '', {}]) assert.match(await refusal(() => load(anything(path))), /^2 \[model\] no path: expected a path, a name on the hub, or null for the built-in model, got /)
})

test('a model that is closed gives no session', async () => {
  const other = await load(null, { device: 'reference', context: 32 })
  await other.close()
  assert.match(await refusal(() => other.session()), /^1 \[model\] the model is closed$/)
})

test.run()
