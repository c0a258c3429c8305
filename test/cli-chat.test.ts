/** `weft chat` as a user has it, through a pipe: turns, commands, failures, and Ctrl-C. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { promptAnew } from '../bin/terminal.js'
import { babble, ok, scratch, start, weft } from './help-cli.js'

const folder = scratch()
test.after(() => rmSync(folder, { recursive: true }))

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

test('chat: what a file says beside messages is named', async () => {
  const conversation = join(folder, 'tools.json')
  writeFileSync(conversation, JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], tools: [], options: { enable_thinking: false } }))
  const { stderr } = await ok(chat, { input: `/load ${conversation}\n` })
  assert.match(stderr, /^weft: 1 messages read from .*\nweft: not used in a chat: enable_thinking, tools$/m)
})

test('Ctrl-C at the prompt forgets what was typed', () => {
  const lines = createInterface({ input: new PassThrough(), output: new PassThrough(), terminal: true, prompt: '> ' })
  lines.write('half a line')
  lines.write('', { ctrl: true, name: 'b' })
  promptAnew(lines)
  assert.equal([lines.line, lines.cursor], ['', 0])
  lines.close()
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

test.run()
