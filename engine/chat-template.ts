/**
 * Chat templates: the Jinja text that a model carries, rendered by `@huggingface/jinja` with the variables that transformers'
 * `apply_chat_template` gives. Nothing is added to or taken from what the template writes.
 */
import { Template } from '@huggingface/jinja'
import { WeftError } from '../graph/error.js'

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

/** The prompt that `template` makes of the messages. Throws WeftError for a template that cannot be parsed, fails, or refuses the messages. */
export function renderChat(template: string, messages: readonly ChatMessage[], options: ChatOptions = {}): string {
  const { addGenerationPrompt = true, bosToken, eosToken, tools = null, ...variables } = options
  let step = 'cannot be parsed'
  try {
    const parsed = new Template(template)
    step = 'cannot be rendered'
    return parsed.render({
      messages,
      tools,
      documents: null,
      add_generation_prompt: addGenerationPrompt,
      // a template that tests whether they are defined must not find them where the tokenizer has none
      ...(typeof bosToken === 'string' ? { bos_token: bosToken } : {}),
      ...(typeof eosToken === 'string' ? { eos_token: eosToken } : {}),
      ...variables,
    })
  } catch (cause) {
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split('\n')
    throw new WeftError({ where: 'chat template', what: `${step}: ${reason}`, cause })
  }
}
