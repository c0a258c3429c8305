/**
 * The command line as a user has it, in a process of its own: help, and `weft run` on the built-in model; what goes to standard
 * output and what to standard error, exit codes, and Ctrl-C.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { commands } from '../bin/commands/index.js'
import { babble, ok, projectRoot, scratch, start, weft } from './help-cli.js'

const folder = scratch()
test.after(() => rmSync(folder, { recursive: true }))

const run = ['run', '--device', 'wasm', '--temperature', '0']
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
  assert.match(lines[0]!, /^weft: the built-in model lexicon \(qwen3, 30\.4M parameters\) on .+, (f32|f16|i16)/)
  if (lines[0]!.includes('WebAssembly')) assert.match(lines[0]!, / \(no cuda: .+; no webgpu: .+\)$/)
})

test('run: the line is the only one on standard error, on a machine without a Vulkan loader too', async () => {
  file('libvulkan.so.1', '')
  const { stdout, stderr } = await ok(['run', 'What is the opposite of hot?'], { env: { LD_LIBRARY_PATH: folder } })
  assert.is(stdout, 'The opposite of hot is cold.\n')
  assert.match(stderr, /^weft: the built-in model lexicon .+\n$/)
  assert.not.match(stderr, /\n./)
  if (process.platform === 'linux' && stderr.includes('WebAssembly')) assert.match(stderr, /no webgpu: no Vulkan loader \(.+\): /)
})

test('run: the text alone is on standard output, the rest on standard error', async () => {
  const drawn = await ok(['run', '--device', 'wasm', '--max-tokens', '8', '--temperature', '1.5', '--stats', 'What is a lighthouse?'])
  const [, seed] = /drawn with --seed (\d+)/.exec(drawn.stderr) ?? []
  assert.ok(seed !== undefined, drawn.stderr)
  assert.is((await ok(['run', '--device', 'wasm', '--max-tokens', '8', '--temperature', '1.5', '--seed', seed, 'What is a lighthouse?'])).stdout, drawn.stdout, 'the seed named draws the same text')
  const { stdout, stderr } = await ok([...run, '--stats', 'What is a lighthouse?'])
  assert.is(stdout, 'A lighthouse is a tower with a light that gives warning of shoals to passing ships.\n')
  assert.not.match(stderr, /--seed/)
  assert.match(stderr, /^weft: the built-in model lexicon .* on .*WebAssembly.*, i16$/m)
  assert.match(stderr, /^weft: load .*: open .*, plan .*, upload .*, compile .* more \(\d+ kernels compiled, \d+ cached\); /m)
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

test('run: where compiled kernels cannot be kept, a line says so', async () => {
  const { stdout, stderr } = await ok([...run, '--max-tokens', '2', 'x'], { env: { WEFT_CACHE: file('in-the-way', '') } })
  assert.is(stdout, 'X is\n')
  assert.match(stderr, /^weft: compiled kernels are not kept, .*in-the-way cannot be written \(ENOTDIR\); WEFT_CACHE names another folder$/m)
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

test.run()
