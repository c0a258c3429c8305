/**
 * Prompts of a trace beside what template and tokenizer make of them, with the known mistakes planted; and `weft trace`, `weft
 * check --trace` and `--against` as a user has them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { renderChat } from '../engine/chat-template.js'
import { comparePrompt } from '../engine/prompt-parity.js'
import { readTrace, writeTrace } from '../engine/trace-file.js'
import type { Message, Model } from '../engine/types.js'
import { weft } from './help-cli.js'
import { fixtures } from './support/models.js'

const folder = mkdtempSync(join(tmpdir(), 'weft-trace-cli-'))
test.after(() => rmSync(folder, { recursive: true }))

// prompts

const template = '{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}'
const specials = ['<s>', '<|im_start|>', '<|im_end|>']

/** Letters are ids from 10; special tokens 1 to 3. `addsBos` is what the tokenizer puts before a raw text. */
function encode(text: string): readonly number[] {
  return [...text.matchAll(/<s>|<\|im_start\|>|<\|im_end\|>|[^]/g)].map(([t]) => (specials.includes(t) ? specials.indexOf(t) + 1 : 10 + t.charCodeAt(0)))
}
const model = (addsBos = true): Pick<Model, 'render' | 'tokenizer' | 'source'> => ({
  render: (messages: readonly Message[], options: Readonly<Record<string, unknown>> = {}) => renderChat(template, messages, { bosToken: '<s>', ...options }),
  tokenizer: {
    bosId: 1, eosId: 3, tokenOf: (id: number) => specials[id - 1] ?? String.fromCharCode(id - 10),
    encode: (text: string, { addSpecial = false } = {}) => Uint32Array.from([...(addSpecial && addsBos ? [1] : []), ...encode(text)]),
  },
  source: { tokenizer: { kind: 'tokenizer.json', file: '', configFile: null } },
}) as unknown as Model

const messages: readonly Message[] = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Hi' }]
const right = model().render(messages)

const prompts: readonly (readonly [string, string, 'template' | 'BOS' | 'tokenizer' | null, RegExp])[] = [
  ['as it should be', right, null, /^$/],
  ['BOS left out', right.slice(3), 'BOS', /lacks the BOS that the template writes \("<s>"\)/],
  ['BOS twice', `<s>${right}`, 'BOS', /has one BOS more/],
  ['a line break before each end', right.replaceAll('<|im_end|>', '\n<|im_end|>'), 'template', /has a line break before each "<\|im_end\|>"/],
  ['nothing that opens the answer', right.replace(/<\|im_start\|>assistant\n$/, ''), 'template', /lacks what opens the answer/],
  ['no template at all', 'Hi', 'template', /the bare message, without a template/],
  ['no system message', model().render(messages.slice(1)), 'template', /the trace's prompt lacks .*Be brief/],
  ['another spacing', right.replace('user\n', 'user '), 'template', /differs in spaces and line breaks/],
]
for (const [what, text, mistake, says] of prompts) {
  test(`a prompt: ${what}`, () => {
    const report = comparePrompt(model() as Model, { ids: Uint32Array.from(encode(text)), text, messages })!
    assert.equal([report.ok, report.mistake, report.template], [mistake === null, mistake, mistake === null])
    assert.match(report.difference ?? '', says)
  })
}

test('ids of a prompt: BOS and others', () => {
  const of = (ids: readonly number[], text: string, raw: boolean, addsBos = true): ReturnType<typeof comparePrompt> =>
    comparePrompt(model(addsBos) as Model, { ids: Uint32Array.from(ids), text, messages: raw ? null : messages })
  assert.is(of([1, ...encode('abc')], 'abc', true)!.ok, true)
  const lacks = of(encode('abc'), 'abc', true)!
  assert.equal([lacks.ok, lacks.ids, lacks.template, lacks.mistake], [false, false, null, 'BOS'])
  assert.match(lacks.difference!, /lacks the BOS that this tokenizer adds \(1 "<s>"\)/)
  assert.match(of([1, ...encode('abc')], 'abc', true, false)!.difference!, /begins with a BOS that this tokenizer does not add/)
  assert.is(of([1, ...encode(right)], right, false)!.mistake, 'BOS', 'the template writes a BOS, and the tokenizer adds another')
  const other = of([1, 107, 99, 109], 'abc', true)!
  assert.equal([other.mistake, other.ok], ['tokenizer', false])
  assert.match(other.difference!, /from 2 on, the ids of the trace have 99 "Y" and lack 108 "b"/)
  assert.is(comparePrompt(model() as Model, { ids: Uint32Array.of(1), text: null, messages: null }), null)
})

// commands

test('weft trace: a table, a file, patterns and wrong options', async () => {
  const tiny = ['--model', join(fixtures, 'models/qwen3'), '--device', 'reference']
  const shown = await weft(['trace', ...tiny, '--ids', '5 42 79', '--ops', '*.q_rope,lm_head'])
  assert.is(shown.code, 0, shown.stderr)
  assert.equal(shown.stdout.trimEnd().split('\n').map(l => l.split(/ {2,}/)[0]), ['op', 'layers.0.self_attn.q_rope', 'layers.1.self_attn.q_rope', 'layers.2.self_attn.q_rope', 'lm_head'])
  assert.match(shown.stdout, /^lm_head +3 × 512 +-?[\d.]+ +[\d.]+ +-?[\d.]+ +[\d.]+ +0$/m)
  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [['--ids', '5 600'], /\[--ids\] no token of the model/], [[], /\[--prompt\] missing/], [['--raw', '--ids', '5'], /\[--raw\] given without --prompt/],
    [['--ids', '5', '--ops', 'layer'], /\[--ops\] no op of the model fits "layer": expected names such as embed_tokens, layers\.0/],
  ]
  for (const [args, message] of refused) {
    const { code, stderr } = await weft(['trace', ...tiny, ...args])
    assert.equal([code, message.test(stderr)], [2, true], stderr)
  }
})

test('weft trace and weft check --trace: what one wrote the other passes, and a changed prompt and op are named', async () => {
  const file = join(folder, 'own.safetensors')
  const written = await weft(['trace', '--prompt', 'Hello there', '--device', 'wasm', '--out', file])
  assert.is(written.code, 0, written.stderr)
  assert.match(written.stderr, /^weft: fusion would hide \d+ of the ops asked for/m)
  assert.match(written.stderr, /ops of \d+ tokens written to /m)
  assert.is(written.stdout, '')
  const built = ['check', '--model', join(fixtures, '../../assets/lexicon'), '--device', 'wasm']
  const passed = await weft([...built, '--trace', file])
  assert.is(passed.code, 0, passed.stderr)
  assert.match(passed.stdout, /^prompt: template and ids as in the trace$/m)
  assert.match(passed.stdout, /^fused: \d+ ops visible, the largest relative error .*$/m)
  assert.match(passed.stdout, /^passed: .* against weft on WebAssembly/m)

  const own = readTrace(file)
  const act = own.tensors.get('layers.0.mlp.act')!
  const wrong = { ...own, text: own.text!.replaceAll('<|im_end|>', '\n<|im_end|>'), tensors: new Map([...own.tensors, [act.name, { ...act, data: act.data.map(v => -v) }]]) }
  writeTrace(file, wrong)
  const failed = await weft([...built, '--trace', file])
  assert.is(failed.code, 1)
  assert.match(failed.stdout, /^prompt: WRONG: .*line break before each/m)
  assert.match(failed.stdout, /^guess: template$/m)
  assert.match(failed.stdout, /^layers\.0\.mlp\.act +2 +[\d.]+ +\d+ +WRONG$/m)
  assert.match(failed.stdout, /^weft's values are the trace's times -1$/m)
  assert.match(failed.stdout, /^guess: none: no known mistake explains it \(\d+ tried\)$/m)
  const json = JSON.parse((await weft([...built, '--trace', file, '--json'])).stdout) as { readonly ok: boolean; readonly first: { readonly op: string }; readonly prompt: { readonly mistake: string } }
  assert.equal([json.ok, json.first.op, json.prompt.mistake], [false, 'layers.0.mlp.act', 'template'])
})

test('weft check --trace names a port\'s mistake; --against compares devices; wrong options', async () => {
  const tiny = ['check', '--model', join(fixtures, 'models/qwen3')]
  const port = await weft([...tiny, '--device', 'wasm', '--trace', join(fixtures, 'traces/rope-pairing.safetensors')])
  assert.is(port.code, 1, port.stderr)
  assert.match(port.stdout, /^layers\.0\.self_attn\.q_rope +0\.99\d +[\d.]+ +\d+ +WRONG$/m)
  assert.match(port.stdout, /^on its own inputs weft does what the graph says of this model's weights, the trace does not/m)
  assert.match(port.stdout, /^guess: RoPE pairing: in the trace \(a port: rope-pairing\) RoPE turns adjacent elements .* that explains its numbers to \d\.\de-8$/m)
  assert.match(port.stdout, /^FAILED: /m)
  const against = await weft([...tiny, '--against', 'wasm', '--ids', '5 42 79 116', '--chunk', '3'])
  assert.is(against.code, 0, against.stderr)
  assert.match(against.stdout, /^lm_head +[\d.e-]+ +[\d.e-]+ +\d ok$|^lm_head .* ok$/m)
  assert.match(against.stdout, /^passed: .* on WebAssembly.*, i16, against reference, float64 on the CPU, f32; 4 tokens/m)
  for (const [args, message] of [
    [['--against', 'wasm', '--trace', 'x'], /one of the two/], [['--against', 'auto'], /no single device/], [['--against', 'wasm,gpu'], /\[--against\] unknown device: .* got "gpu"/],
    [['--ids', '1 2'], /given without --against/], [['--tolerance', '0'], /\[--tolerance\]/],
  ] as const) {
    const { code, stderr } = await weft([...tiny, ...args])
    assert.equal([code, message.test(stderr)], [2, true], stderr)
  }
  const absent = await weft([...tiny, '--trace', join(folder, 'none.safetensors')])
  assert.equal([absent.code, /none\.safetensors: no such file/.test(absent.stderr)], [1, true], absent.stderr)
})

test.run()
