/** The prompt of commands that look at a run instead of showing its text: a message, a raw text, or ids. */
import type { InferredOptionTypes, Options } from 'yargs'
import { promptOf, type TracedPrompt } from '../engine/trace-file.js'
import type { Model } from '../engine/types.js'
import { wrongOption } from './command.js'

export const promptOptions = {
  prompt: { type: 'string', requiresArg: true, describe: 'The prompt: a message, or with --raw a text to be continued' },
  ids: { type: 'string', requiresArg: true, describe: 'The prompt as token ids, separated by spaces or commas' },
  raw: { type: 'boolean', default: false, describe: 'Take the prompt as it is, without the chat template' },
  system: { type: 'string', requiresArg: true, describe: 'System prompt' },
} as const satisfies Readonly<Record<string, Options>>

/** Whether a prompt was given; throws where two were, or what belongs to none. */
export function hasPrompt(argv: InferredOptionTypes<typeof promptOptions>): boolean {
  if (argv.prompt !== undefined && argv.ids !== undefined) throw wrongOption('--ids', 'given together with --prompt', 'one of the two')
  if (argv.prompt === '') throw wrongOption('--prompt', 'empty')
  if (argv.raw && argv.system !== undefined) throw wrongOption('--system', 'given together with --raw, which sends no template', 'one of the two')
  for (const name of ['raw', 'system'] as const) {
    if (argv.prompt === undefined && argv[name] !== undefined && argv[name] !== false) throw wrongOption(`--${name}`, 'given without --prompt')
  }
  if (argv.ids !== undefined) idsOf(argv.ids)
  return argv.prompt !== undefined || argv.ids !== undefined
}

/** The prompt as the model gets it. Throws a WeftError for ids that the model does not have. */
export function tracedPrompt(model: Model, argv: InferredOptionTypes<typeof promptOptions>): TracedPrompt {
  if (argv.ids === undefined) return promptOf(model, argv.prompt!, { raw: argv.raw, system: argv.system })
  const ids = idsOf(argv.ids)
  const beyond = ids.find(id => id >= model.config.vocab)
  if (beyond !== undefined) throw wrongOption('--ids', 'no token of the model', `less than ${model.config.vocab}`, String(beyond))
  return { ids, text: null, messages: null }
}

/** Token ids from text. Throws a WeftError with exit code 2. */
export function idsOf(text: string, option = '--ids'): Uint32Array {
  const parts = text.split(/[\s,]+/).filter(p => p !== '')
  if (parts.length === 0 || !parts.every(p => /^\d{1,9}$/.test(p))) throw wrongOption(option, 'wrong value', 'token ids, separated by spaces or commas')
  return Uint32Array.from(parts.map(Number))
}
