/**
 * A whole model from one format to another: weights tensor by tensor, a few megabytes in memory at a time, and configuration,
 * tokenizer, template and sampling defaults with them. The target is told by its name: `X.gguf` and `X.dat` are files, anything else a
 * folder as the Hugging Face hub has it. What cannot be kept as it was is measured and said, tensor by tensor.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { check, WeftError } from '../graph/error.js'
import { forDat, forGguf, forSafetensors, layoutOf, type ConvertedWeights, type Format } from '../weights/convert.js'
import { readFields } from '../weights/generation.js'
import { ggufSlot, type GgufMetadata } from '../weights/gguf-write.js'
import { kindOf } from '../weights/files.js'
import type { ModelSource } from '../weights/model.js'
import { openModel } from '../weights/open.js'
import type { Loss, PlainType } from '../weights/place.js'
import { configJson, ggufSettings } from '../weights/settings-write.js'
import { TensorFileWriter } from '../weights/tensor-file.js'
import { readTokenizerGguf } from './tokenizer-gguf.js'
import { readTokenizerJson } from './tokenizer-json.js'
import type { TokenizerSpec } from './tokenizer-spec.js'
import { ggufTokenizer, tokenizerConfigJson, tokenizerJson } from './tokenizer-write.js'

const where = 'convert'

export interface ConvertOptions {
  /** What becomes of a type that the target lacks; default f16. */
  readonly float?: PlainType
  /** Bytes of weights done, of all. */
  readonly onProgress?: (done: number, total: number) => void
}

export interface ConvertedTensor {
  readonly name: string
  readonly from: string
  readonly to: string
  readonly values: number
  readonly bytes: number
  /** ‖Δ‖ / ‖w‖ and the largest |Δ|; null where every value is kept exactly. */
  readonly loss: { readonly relative: number; readonly largest: number } | null
}

export interface ConvertReport {
  readonly from: string
  readonly to: string
  readonly format: Format
  readonly tensors: readonly ConvertedTensor[]
  /** What was not kept beside weights: of the tokenizer, say. */
  readonly notes: readonly string[]
}

/** The format that a path asks for. A folder that looks like a file would surprise whoever wanted that file. */
export function formatOf(path: string): Format {
  const [, kind = null] = /\.(safetensors|gguf|dat)$/i.exec(path) ?? []
  check(kind === null || kind === 'gguf' || kind === 'dat', where, `${path}: no name of a file that is written`, 'NAME.gguf, NAME.dat, or a new folder for safetensors')
  return kind ?? 'safetensors'
}

/** Converts the model at `from` into `to`. Throws a WeftError that names the file, tensor or setting at fault; nothing is overwritten. */
export async function convertModel(from: string, to: string, options: ConvertOptions = {}): Promise<ConvertReport> {
  const format = formatOf(to)
  const float = options.float ?? 'f16'
  const source = await openModel(from)
  try {
    const weights = format === 'gguf' ? forGguf(source, float) : format === 'dat' ? forDat(source) : forSafetensors(source, float)
    return await writeModel(source, to, weights, options.onProgress)
  } finally {
    source.close()
  }
}

/** Writes converted weights with everything a model has beside them. */
export async function writeModel(source: ModelSource, to: string, weights: ConvertedWeights, onProgress?: ConvertOptions['onProgress']): Promise<ConvertReport> {
  const format = formatOf(to)
  const spec = await tokenizerOf(source)
  const { metadata, factors, notes } = format === 'gguf' ? ggufHead(source, spec, to) : { metadata: [], factors: null, notes: [] }
  const extra = factors ? [ggufSlot('rope_freqs.weight', 'f32', [factors.length])] : []
  const folder = format === 'safetensors' ? to : dirname(to)
  checkFree(to, format)
  mkdirSync(folder, { recursive: true })
  const slots = [...weights.placed.flatMap(p => p.placement.slots), ...extra]
  const writer = new TensorFileWriter(format === 'safetensors' ? join(to, 'model.safetensors') : to, slots, layoutOf(format, weights.placed, metadata, extra))
  try {
    const tensors: ConvertedTensor[] = []
    let done = 0
    for (const { tensor, placement } of weights.placed) {
      const loss = placement.fill(source, (slot, at, bytes) => writer.put(slot, at, bytes))
      const bytes = placement.slots.reduce((n, s) => n + s.bytes, 0)
      tensors.push({ name: tensor.name, from: tensor.type, to: placement.to, values: tensor.shape.reduce((n, d) => n * d, 1), bytes, loss: loss && rates(loss) })
      onProgress?.(done += Object.values(tensor.ranges).reduce((n, r) => n + r.bytes, 0), source.bytes)
    }
    if (factors) writer.put(extra[0]!.name, 0, new Uint8Array(factors.buffer))
    writer.finish()
    if (format !== 'gguf') writeBeside(source, spec, folder, weights, format)
    return { from: source.path, to, format, tensors, notes }
  } finally {
    writer.abandon()
  }
}

const rates = ({ errors, values, largest }: Loss): NonNullable<ConvertedTensor['loss']> => ({ relative: Math.sqrt(errors / (values || 1)), largest })

/** Nothing that is there is written over. */
function checkFree(to: string, format: Format): void {
  if (format === 'safetensors') {
    const kind = kindOf(to)
    const free = kind === null || (kind === 'directory' && readdirSync(to).length === 0)
    check(free, where, `${to}: is there already`, 'the name of a new or an empty folder (or of a new .gguf or .dat file)')
    return
  }
  check(kindOf(to) === null, where, `${to}: is there already`, 'the name of a new file')
  const config = join(dirname(to), 'config.json')
  check(format === 'gguf' || kindOf(config) === null, where, `${config}: is there already`, 'a folder without another model\'s settings')
}

/** The tokenizer as such, whichever file it is in; null where the model has none. */
async function tokenizerOf({ tokenizer }: ModelSource): Promise<TokenizerSpec | null> {
  if (tokenizer === null) return null
  switch (tokenizer.kind) {
    case 'tokenizer.json': return readTokenizerJson(tokenizer.file, tokenizer.configFile)
    case 'gguf': return readTokenizerGguf(tokenizer.file, tokenizer.metadata)
    default: return tokenizer satisfies never
  }
}

function ggufHead(source: ModelSource, spec: TokenizerSpec | null, to: string): { readonly metadata: GgufMetadata; readonly factors: Float32Array | null; readonly notes: readonly string[] } {
  const { metadata, factors } = ggufSettings(source.config, basename(to, '.gguf'))
  const template = source.chatTemplate ?? spec?.chatTemplate ?? null
  const tokenizer = spec ? ggufTokenizer(spec, source.config.vocab, source.generation, template) : noTokenizer(source)
  const sampling = Object.keys(source.generation).filter(key => key !== 'stopIds')
  const notes = sampling.length === 0 ? tokenizer.notes : [...tokenizer.notes, `sampling defaults (${sampling.join(', ')}) have no words in GGUF`]
  return { metadata: [...metadata, ['general.quantization_version', { type: 'u32', value: 2 }], ...tokenizer.metadata], factors, notes }
}

/** What a GGUF of a model without a tokenizer says: that there is none, and which ids end a text. */
function noTokenizer({ generation }: ModelSource): { readonly metadata: GgufMetadata; readonly notes: readonly string[] } {
  const stops = (['eos', 'eot', 'eom'] as const).flatMap((name, i): GgufMetadata => (i < generation.stopIds.length ? [[`tokenizer.ggml.${name}_token_id`, { type: 'u32', value: generation.stopIds[i]! }]] : []))
  return { metadata: [['tokenizer.ggml.model', { type: 'string', value: 'no_vocab' }], ...stops], notes: [] }
}

/** Files of a model's folder that are copied as they are. */
const copied = ['tokenizer.json', 'tokenizer_config.json', 'generation_config.json', 'chat_template.jinja', 'special_tokens_map.json', 'added_tokens.json', 'vocab.json', 'merges.txt', 'LICENSE'] as const

function writeBeside(source: ModelSource, spec: TokenizerSpec | null, folder: string, weights: ConvertedWeights, format: Format): void {
  const json = (name: string, value: unknown): void => writeText(join(folder, name), `${JSON.stringify(value, null, 2)}\n`)
  const own = source.format === 'gguf' ? null : kindOf(source.path) === 'directory' ? source.path : dirname(source.path)
  const { quantization_config: _, ...settings } = own === null ? configJson(source.config, 'float16', source.generation, spec?.bosId ?? null) : { ...readFields(join(own, 'config.json'))?.values }
  // The F# program's folders keep the original's settings, and their files a head of their own.
  const tied = format === 'dat' ? {} : { tie_word_embeddings: source.config.tiedHead }
  json('config.json', { ...settings, ...tied, ...(weights.quantization === null ? {} : { quantization_config: weights.quantization }) })
  if (own !== null) {
    for (const name of copied) if (existsSync(join(own, name))) copyFileSync(join(own, name), join(folder, name))
    return
  }
  if (source.generation.stopIds.length > 0) json('generation_config.json', { eos_token_id: source.generation.stopIds })
  if (spec === null) return
  json('tokenizer.json', tokenizerJson(spec))
  json('tokenizer_config.json', tokenizerConfigJson(spec, source.chatTemplate ?? spec.chatTemplate))
}

function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (cause) {
    throw new WeftError({ where: 'output', what: `${resolve(file)}: cannot be written (${cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)})`, cause })
  }
}
