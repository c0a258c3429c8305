/**
 * Which files of a repository make the model, by their names alone: many carry the same weights several times, in formats and
 * precisions that are not wanted. Safetensors and their settings come first; one GGUF file has everything in itself.
 */
import { WeftError } from '../../graph/error.js'
import { readable } from '../../weights/fields.js'

/** Files beside safetensors that some reader of weft looks at. */
const settings: ReadonlySet<string> = new Set([
  'config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja', 'hf_quant_config.json', 'quantize_config.json',
])
export const indexName = 'model.safetensors.index.json'
const singleName = 'model.safetensors'
const splitName = /^(.*)-(\d{5})-of-(\d{5})(\.gguf)$/

export interface Selection {
  readonly files: readonly string[]
  /** `files` has an index, whose shards are wanted too. */
  readonly sharded: boolean
  /** What is opened, relative to the repository: a file, or null for its folder. */
  readonly opened: string | null
}

/** The files of `names` that make up the model, or the one that `file` names. Throws where there is none, or more than one. */
export function select(names: readonly string[], file: string | null, repo: string): Selection {
  const beside = names.filter(name => settings.has(name))
  if (file !== null) {
    if (!names.includes(file)) throw new WeftError({ where: 'hub', what: `${repo}: the repository has no file ${readable(file)}`, expected: listed(weightsOf(names)) })
    return file.endsWith('.gguf') ? gguf(file) : { files: [...beside, file], sharded: false, opened: file }
  }
  if (names.includes(singleName)) return { files: [...beside, singleName], sharded: false, opened: null }
  if (names.includes(indexName)) return { files: [...beside, indexName], sharded: true, opened: null }
  const models = weightsOf(names).filter(name => name.endsWith('.gguf'))
  if (models.length === 1) return gguf(models[0]!)
  if (models.length > 1) throw new WeftError({ where: 'hub', what: `${repo}: ${models.length} models in one repository; name one of them, as in ${repo}:${readable(models[0]!)}`, expected: listed(models) })
  throw new WeftError({ where: 'hub', what: `${repo}: no model that weft reads`, expected: `${singleName}, ${indexName} or a .gguf file`, got: listed(names) })
}

/** Files of weights; of one that comes in parts, the first stands for all. */
function weightsOf(names: readonly string[]): readonly string[] {
  return names.filter(name => /\.(gguf|safetensors|dat)$/.test(name) && Number(splitName.exec(name)?.[2] ?? 1) === 1)
}

function gguf(file: string): Selection {
  const [, stem, , last, end] = splitName.exec(file) ?? []
  const parts = last === undefined ? [file] : Array.from({ length: Number(last) }, (_, i) => `${stem}-${String(i + 1).padStart(5, '0')}-of-${last}${end}`)
  return { files: parts, sharded: false, opened: parts[0]! }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 12).map(readable).join(', ')
  return names.length === 0 ? 'no files' : `${shown}${names.length > 12 ? ` and ${names.length - 12} more` : ''}`
}
