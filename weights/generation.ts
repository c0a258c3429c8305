/**
 * What a model folder says beside its weights: sampling defaults and stop ids (`generation_config.json`, with config.json's
 * eos as the fallback), the tokenizer's files, and the chat template, which newer folders keep in `chat_template.jinja` and
 * older ones in `tokenizer_config.json`, alone or in a list of named ones.
 */
import { join } from 'node:path'
import { check } from '../graph/error.js'
import { Fields, isInteger, isObject, parseObject, show } from './fields.js'
import { kindOf, readText } from './files.js'
import type { GenerationDefaults, TokenizerSource } from './model.js'

const where = 'config'

/** The fields of a JSON file of settings, or null where the file is absent. Throws naming the file for bad JSON. */
export function readFields(file: string): Fields | null {
  const text = readText(file, where)
  return text === null ? null : new Fields(where, file, parseObject(text, where, file))
}

/** Defaults of `generation_config.json` in `folder`; `config` supplies the stop ids where it gives none. */
export function readGeneration(folder: string, config: Fields): GenerationDefaults {
  const fields = readFields(join(folder, 'generation_config.json'))
  const stopIds = fields && fields.has('eos_token_id') ? readIds(fields) : readIds(config)
  if (!fields) return { stopIds }
  const number = (name: string, least: number, most: number): number | undefined => (fields.has(name) ? fields.number(name, least, most) : undefined)
  const penalty = number('repetition_penalty', Number.MIN_VALUE, 1e6)
  if (!fields.boolean('do_sample', true)) return { temperature: 0, stopIds, ...given({ repeatPenalty: penalty }) }
  return {
    stopIds,
    ...given({
      // who says that tokens are drawn, and not how hot, means transformers' default
      temperature: number('temperature', 0, 1e6) ?? (fields.boolean('do_sample', false) ? 1 : undefined),
      topK: fields.has('top_k') ? fields.integer('top_k', 0, 2 ** 31 - 1) : undefined,
      topP: number('top_p', 0, 1),
      minP: number('min_p', 0, 1),
      repeatPenalty: penalty,
    }),
  }
}

/** The ids of `eos_token_id`, one or a list; none where it is absent. */
function readIds(fields: Fields): readonly number[] {
  const value = fields.get('eos_token_id')
  if (value === undefined) return []
  const ids: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (!ids.every((id): id is number => isInteger(id, 0, 2 ** 31 - 1))) throw fields.wrong('eos_token_id', 'a token id or a list of them')
  return [...new Set(ids)]
}

/** `tokenizer.json` and `tokenizer_config.json` of a folder, or null where it has no tokenizer. */
export function findTokenizer(folder: string): TokenizerSource | null {
  const file = join(folder, 'tokenizer.json')
  if (kindOf(file) !== 'file') return null
  const configFile = join(folder, 'tokenizer_config.json')
  return { kind: 'tokenizer.json', file, configFile: kindOf(configFile) === 'file' ? configFile : null }
}

/** The folder's chat template: the file of its own, else tokenizer_config.json's, of named ones `default` or the first. */
export function readChatTemplate(folder: string): string | null {
  const own = readText(join(folder, 'chat_template.jinja'), where)
  if (own !== null) return own
  const file = join(folder, 'tokenizer_config.json')
  const value = readFields(file)?.get('chat_template')
  if (value === undefined) return null
  if (typeof value === 'string') return value
  const named: readonly unknown[] = Array.isArray(value) ? value : []
  const usable = named.filter(isObject)
  const template = (usable.find(t => t['name'] === 'default') ?? usable[0])?.['template']
  check(typeof template === 'string', where, `${file}: chat_template`, 'a string, or a list of {name, template}', show(value))
  return template
}

/** Only the entries that are there: an absent default is an absent property. */
function given<T extends Readonly<Record<string, number | undefined>>>(values: T): { readonly [K in keyof T]?: number } {
  return Object.fromEntries(Object.entries(values).filter(([, v]) => v !== undefined)) as { readonly [K in keyof T]?: number }
}
