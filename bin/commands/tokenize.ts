/**
 * `weft tokenize`: text to ids, ids to text, and conversations to prompts. Only the tokenizer is loaded: no weight is
 * read and no device opened, and a folder that holds nothing but a tokenizer will do.
 */
import { basename, dirname, join } from 'node:path'
import { renderChat } from '../../engine/chat-template.js'
import { loadTokenizer } from '../../engine/tokenizer.js'
import { WeftError } from '../../graph/error.js'
import { kindOf } from '../../weights/files.js'
import { findTokenizer, readChatTemplate } from '../../weights/generation.js'
import type { TokenizerSource } from '../../weights/model.js'
import { openModel } from '../../weights/open.js'
import { defineCommand, wrongOption } from '../command.js'
import { readConversation } from '../conversation.js'
import { parseJson, readInput } from '../input.js'
import { modelOption } from '../options.js'
import { modelPath } from '../load.js'

export const tokenizeCommand = defineCommand({
  positionals: { text: { type: 'string', describe: 'The text, or with --decode the ids; else --file, else standard input' } },
  options: {
    ...modelOption,
    file: { type: 'string', requiresArg: true, describe: 'Read the text or the ids from this file' },
    decode: { type: 'boolean', default: false, describe: 'From ids to text' },
    json: { type: 'boolean', default: false, describe: 'Read a JSON array of strings, print an array of arrays of ids; with --decode the other way' },
    chat: { type: 'string', requiresArg: true, describe: 'Print the prompt of the conversation in this file: an array of messages, or an object with messages and the template\'s other variables' },
  },
  async run(argv) {
    if (argv.chat !== undefined && (argv.decode || argv.json || argv.file !== undefined || argv.text !== undefined)) {
      throw wrongOption('--chat', 'given together with a text, --file, --decode or --json', 'alone')
    }
    const found = await findTexts(await modelPath(argv.model))
    if (argv.chat !== undefined) {
      const { messages, options } = readConversation(argv.chat)
      if (found.chatTemplate === null) throw new WeftError({ where: 'chat-template', what: `${found.path}: the model has no chat template` })
      process.stdout.write(renderChat(found.chatTemplate, messages, { ...(await templateTokens(found.tokenizer)), ...options }))
      return 0
    }
    if (found.tokenizer === null) throw new WeftError({ where: 'tokenizer', what: `${found.path}: no tokenizer`, expected: 'tokenizer.json beside the weights, or in the GGUF file' })
    const tokenizer = await loadTokenizer(found.tokenizer)
    const input = await readInput(argv.text, argv.file, argv.decode ? 'ids' : 'text')
    if (argv.json) {
      const list = parseJson(input, 'input')
      const out = argv.decode
        ? arrayOf(list, isIds, 'a JSON array of arrays of ids').map(ids => tokenizer.decode(ids))
        : arrayOf(list, (v): v is string => typeof v === 'string', 'a JSON array of strings').map(text => [...tokenizer.encode(text)])
      process.stdout.write(`${JSON.stringify(out)}\n`)
    } else if (argv.decode) process.stdout.write(tokenizer.decode(parseIds(input)))
    else process.stdout.write(`${tokenizer.encode(input).join(' ')}\n`)
    return 0
  },
})

interface Texts {
  readonly path: string
  readonly tokenizer: TokenizerSource | null
  readonly chatTemplate: string | null
}

/** The tokenizer and the template at `path`: a model, a folder with tokenizer.json, or that file itself. */
async function findTexts(path: string): Promise<Texts> {
  const folder = kindOf(path) === 'directory' ? path : basename(path) === 'tokenizer.json' || path.endsWith('.safetensors') ? dirname(path) : null
  if (folder !== null && kindOf(join(folder, 'tokenizer.json')) === 'file') {
    return { path, tokenizer: findTokenizer(folder), chatTemplate: readChatTemplate(folder) }
  }
  const source = await openModel(path)
  source.close()
  return { path, tokenizer: source.tokenizer, chatTemplate: source.chatTemplate }
}

/** The texts of BOS and EOS, which some templates write. */
async function templateTokens(source: TokenizerSource | null): Promise<{ readonly bosToken: string | null; readonly eosToken: string | null }> {
  const tokenizer = source === null ? null : await loadTokenizer(source)
  const text = (id: number | null | undefined): string | null => (id == null ? null : tokenizer?.tokenOf(id) ?? null)
  return { bosToken: text(tokenizer?.bosId), eosToken: text(tokenizer?.eosId) }
}

function arrayOf<T>(value: unknown, is: (v: unknown) => v is T, expected: string): readonly T[] {
  const list: readonly unknown[] | null = Array.isArray(value) ? value : null
  if (list === null || !list.every(is)) throw new WeftError({ where: 'input', what: 'wrong JSON', expected, got: list === null ? typeof value : 'an array of something else' })
  return list
}

function isIds(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isId)
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32
}

/** Ids apart by spaces, commas or line breaks, with or without brackets. */
function parseIds(text: string): readonly number[] {
  return text.split(/[\s,[\]]+/).filter(part => part !== '').map(part => {
    const id = /^\d{1,10}$/.test(part) ? Number(part) : NaN
    if (!isId(id)) throw new WeftError({ where: 'input', what: 'not a token id', expected: 'integers from 0', got: JSON.stringify(part.slice(0, 40)) })
    return id
  })
}
