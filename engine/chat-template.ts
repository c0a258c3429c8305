/**
 * Chat templates: the Jinja text that a model carries, rendered by `@huggingface/jinja` with the variables that transformers'
 * `apply_chat_template` gives. Nothing is added to or taken from what the template writes. Templates come with models from anywhere:
 * time, memory and output are bounded (`bounded-jinja.ts`).
 */
import { WeftError } from '../graph/error.js'
import { renderBounded, templateLimits, type TemplateLimits } from './bounded-jinja.js'

/** A message as templates read it; besides the role mostly `content`, and `tool_calls` and the like. */
export interface ChatMessage {
  readonly role: string
  readonly [key: string]: unknown
}

export interface ChatOptions {
  /** End with the opening of the assistant's answer. Default true. */
  readonly addGenerationPrompt?: boolean
  /** Text of the tokenizer's BOS and EOS tokens, for templates that write them. */
  readonly bosToken?: string | null
  readonly eosToken?: string | null
  /** Tools as JSON schemas, in the form the template documents. */
  readonly tools?: readonly unknown[] | null
  /** Any other variable of the template: `enable_thinking`, `documents`; `add_generation_prompt` too, in the template's own spelling. */
  readonly [variable: string]: unknown
}

/**
 * The prompt that `template` makes of the messages. Throws WeftError for a template that cannot be parsed, fails, refuses the
 * messages, or goes beyond `limits`.
 */
export function renderChat(template: string, messages: readonly ChatMessage[], options: ChatOptions = {}, limits: TemplateLimits = templateLimits): string {
  const { addGenerationPrompt = true, bosToken, eosToken, tools = null, ...variables } = options
  let step = 'cannot be parsed'
  try {
    return renderBounded(template, {
      messages,
      tools,
      documents: null,
      add_generation_prompt: addGenerationPrompt,
      // a template that tests whether they are defined must not find them where the tokenizer has none
      ...(typeof bosToken === 'string' ? { bos_token: bosToken } : {}),
      ...(typeof eosToken === 'string' ? { eos_token: eosToken } : {}),
      ...variables,
    }, limits, () => { step = 'cannot be rendered' })
  } catch (cause) {
    throw new WeftError({ where: 'chat template', what: `${step}: ${reasonOf(cause)}`, cause })
  }
}

/** One short line: the message may be the template's own. */
function reasonOf(cause: unknown): string {
  if (cause instanceof RangeError) return /call stack/.test(cause.message) ? 'it is nested or calls itself too deep' : `it makes too much (${cause.message})`
  const line = (cause instanceof Error ? cause.message : String(cause)).replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim()
  if (line === '') return 'break or continue outside of a loop'
  return line.length > 300 ? `${line.slice(0, 299)}…` : line
}
