/**
 * Trace files: safetensors with one tensor [tokens, …] for each op, and in the header's metadata what was run. Ids are what
 * counts; text and messages are there where the prompt began as such, so that tokenizer and template can be compared too.
 * `docs/parity/reference.py` writes the same with transformers. A trace is hostile input like any model file.
 */
import { writeFileSync } from 'node:fs'
import { check, WeftError } from '../graph/error.js'
import { dequantize } from '../weights/dequantize.js'
import { isInteger, isObject, readable, show } from '../weights/fields.js'
import { ModelFiles } from '../weights/files.js'
import { safetensorsWeights } from '../weights/quantization.js'
import { readSafetensors, readSafetensorsMetadata } from '../weights/safetensors.js'
import { encodeSafetensors } from '../weights/write.js'
import type { Traced } from './trace.js'
import type { Message, Model } from './types.js'

const where = 'trace'
const format = 'weft trace 1'
/** The most that is written or read: a trace is compared in memory. */
const most = 2 ** 32

/** What was run. */
export interface TracedPrompt {
  readonly ids: Uint32Array
  /** The text that was tokenized: a conversation as rendered, or a raw prompt; null where ids were given. */
  readonly text: string | null
  /** The conversation; null for a raw prompt. */
  readonly messages: readonly Message[] | null
}

export interface Trace extends TracedPrompt {
  /** Rows handed over at a time, where whoever made the trace says so. */
  readonly chunk: number | null
  /** Who made it, in a few words. */
  readonly maker: string
  readonly tensors: ReadonlyMap<string, Traced>
}

/** What `prompt` is to a model: a conversation of one message, or with `raw` a text to be continued. */
export function promptOf(model: Model, prompt: string, { raw = false, system }: { readonly raw?: boolean | undefined; readonly system?: string | undefined } = {}): TracedPrompt {
  if (raw) return { ids: model.tokenizer.encode(prompt, { addSpecial: true }), text: prompt, messages: null }
  const messages: readonly Message[] = [...(system === undefined ? [] : [{ role: 'system', content: system }]), { role: 'user', content: prompt }]
  const text = model.render(messages)
  return { ids: model.tokenizer.encode(text), text, messages }
}

/** Writes a trace. Throws a WeftError that names the file. */
export function writeTrace(file: string, { ids, text, messages, chunk, maker, tensors }: Trace): void {
  const bytes = [...tensors.values()].reduce((n, t) => n + t.data.byteLength, 0)
  check(bytes < most, where, `${file}: bytes`, `less than ${most}: fewer ops (--ops) or a shorter prompt`, `${bytes}`)
  const metadata = {
    format, ids: ids.join(' '), maker,
    ...(text === null ? {} : { text }), ...(messages === null ? {} : { messages: JSON.stringify(messages) }), ...(chunk === null ? {} : { chunk: String(chunk) }),
  }
  const data = encodeSafetensors([...tensors.values()].map(t => ({ name: t.name, dtype: 'F32', shape: t.shape, data: bytesOf(t.data) })), metadata)
  try {
    writeFileSync(file, data)
  } catch (cause) {
    throw new WeftError({ where: 'output', what: `${file}: cannot be written (${cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)})`, cause })
  }
}

const bytesOf = (data: Float32Array): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

/** Reads a trace of weft or of a reference. Throws a WeftError naming the file and what is wrong with it. */
export function readTrace(file: string): Trace {
  const files = new ModelFiles()
  try {
    const metadata = readSafetensorsMetadata(files, file)
    check(metadata.get('format') === format, where, `${file}: no trace`, `"format": ${show(format)} in the header's metadata`, show(metadata.get('format') ?? null))
    const ids = numbersOf(metadata.get('ids') ?? '', file)
    const tensors = readSafetensors(files, file)
    const bytes = [...tensors.values()].reduce((n, t) => n + t.range.bytes, 0)
    check(bytes < most, where, `${file}: bytes of all tensors`, `less than ${most}`, `${bytes}`)
    const find = safetensorsWeights(files, tensors, 'none')
    const read = new Map([...tensors.values()].map(({ name, shape }): readonly [string, Traced] => {
      check(shape[0] === ids.length && !shape.includes(0), where, `${file}: tensor ${readable(name)}: shape`, `[${ids.length}, …], a row for each of ids`, show(shape))
      const weight = find(name)!
      check(weight.packing === 'plain', where, `${file}: tensor ${readable(name)}: type`, 'F32, F16 or BF16', weight.type)
      return [name, { name, shape, data: dequantize(files, weight) }]
    }))
    const chunk = metadata.get('chunk')
    return {
      ids, tensors: read, text: metadata.get('text') ?? null, messages: messagesOf(metadata.get('messages'), file),
      chunk: chunk === undefined ? null : numbersOf(chunk, file)[0]!, maker: metadata.get('maker') ?? 'unknown',
    }
  } finally {
    files.close()
  }
}

function numbersOf(text: string, file: string): Uint32Array {
  const ids = text.split(' ').map(Number)
  check(text !== '' && ids.length <= 2 ** 20 && ids.every(id => isInteger(id, 0, 2 ** 31 - 1)), where, `${file}: ids`, 'numbers with a space between', show(text))
  return Uint32Array.from(ids)
}

function messagesOf(text: string | undefined, file: string): readonly Message[] | null {
  if (text === undefined) return null
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new WeftError({ where, what: `${file}: messages are no JSON`, cause })
  }
  const are = Array.isArray(value) && value.every(m => isObject(m) && typeof m['role'] === 'string' && typeof m['content'] === 'string')
  check(are, where, `${file}: messages`, 'a list of {role, content}', show(value))
  return value as readonly Message[]
}
