/**
 * A random model as a GGUF file, so that a peer's program can be timed on the same shapes and types. The bytes are those that
 * weft runs on, streamed a few megabytes at a time. The vocabulary is numbered words: such a model takes and makes ids.
 * Format: ggml-org/ggml, docs/gguf.md, version 3; names as in llama.cpp's `gguf-py/gguf/constants.py`.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { WeftError } from '../graph/error.js'
import type { Config } from '../graph/models/config.js'
import type { ModelSource, WeightTensor } from '../weights/model.js'

const alignment = 32
const align = (n: number): number => Math.ceil(n / alignment) * alignment
const pieceBytes = 8 * 2 ** 20

/** Numbers of ggml's types. */
const typeNumbers: Readonly<Record<string, number>> = { f32: 0, f16: 1, q4_0: 2, q4_1: 3, q8_0: 8, bf16: 30, nvfp4: 40 }

const modules: readonly (readonly [RegExp, string])[] = [
  [/^model\.embed_tokens/, 'token_embd'], [/^model\.norm/, 'output_norm'], [/^lm_head/, 'output'], [/^model\.layers\.(\d+)\./, 'blk.$1.'],
  [/input_layernorm/, 'attn_norm'], [/post_attention_layernorm/, 'ffn_norm'], [/self_attn\.([qk])_norm/, 'attn_$1_norm'], [/self_attn\.([qkv])_proj/, 'attn_$1'],
  [/self_attn\.o_proj/, 'attn_output'], [/mlp\.(gate|up|down)_proj/, 'ffn_$1'],
]
const ggufName = (name: string): string => modules.reduce((text, [from, to]) => text.replace(from, to), name)

type Value = { readonly type: 4 | 6 | 8; readonly value: number | string } | { readonly type: 'strings'; readonly value: readonly string[] } | { readonly type: 'i32s'; readonly value: readonly number[] }
const u32 = (value: number): Value => ({ type: 4, value })
const f32 = (value: number): Value => ({ type: 6, value })
const text = (value: string): Value => ({ type: 8, value })

function metadata(c: Config, name: string): readonly (readonly [string, Value])[] {
  // What llama.cpp calls llama is Mistral too.
  const arch = c.architecture === 'mistral' ? 'llama' : c.architecture
  const own = (key: string, value: Value): readonly [string, Value] => [`${arch}.${key}`, value]
  return [
    ['general.architecture', text(arch)], ['general.name', text(name)], ['general.alignment', u32(alignment)],
    own('block_count', u32(c.layers)), own('context_length', u32(c.maxPositions)), own('embedding_length', u32(c.hidden)), own('feed_forward_length', u32(c.intermediate)),
    own('attention.head_count', u32(c.heads)), own('attention.head_count_kv', u32(c.kvHeads)), own('attention.key_length', u32(c.headDim)), own('attention.value_length', u32(c.headDim)),
    own('attention.layer_norm_rms_epsilon', f32(c.eps)), own('rope.freq_base', f32(c.rope.theta)), own('rope.dimension_count', u32(c.headDim)), own('vocab_size', u32(c.vocab)),
    ['tokenizer.ggml.model', text('gpt2')], ['tokenizer.ggml.pre', text('qwen2')],
    ['tokenizer.ggml.tokens', { type: 'strings', value: Array.from({ length: c.vocab }, (_, i) => `t${i}`) }],
    ['tokenizer.ggml.token_type', { type: 'i32s', value: Array.from({ length: c.vocab }, () => 1) }],
    ['tokenizer.ggml.merges', { type: 'strings', value: ['t 0'] }], ['tokenizer.ggml.eos_token_id', u32(c.vocab - 1)],
  ]
}

class Header {
  private readonly parts: Buffer[] = []

  number(value: number, kind: 'u32' | 'i32' | 'f32' | 'u64'): this {
    const b = Buffer.alloc(kind === 'u64' ? 8 : 4)
    if (kind === 'u64') b.writeBigUInt64LE(BigInt(value))
    else if (kind === 'u32') b.writeUInt32LE(value)
    else if (kind === 'i32') b.writeInt32LE(value)
    else b.writeFloatLE(value)
    this.parts.push(b)
    return this
  }
  string(value: string): this {
    const b = Buffer.from(value)
    this.number(b.length, 'u64').parts.push(b)
    return this
  }
  value(v: Value): this {
    switch (v.type) {
      case 4: return this.number(4, 'u32').number(v.value as number, 'u32')
      case 6: return this.number(6, 'u32').number(v.value as number, 'f32')
      case 8: return this.number(8, 'u32').string(v.value as string)
      case 'strings':
        this.number(9, 'u32').number(8, 'u32').number(v.value.length, 'u64')
        for (const s of v.value) this.string(s)
        return this
      case 'i32s':
        this.number(9, 'u32').number(5, 'u32').number(v.value.length, 'u64')
        for (const n of v.value) this.number(n, 'i32')
        return this
      default: return v satisfies never
    }
  }
  done(): Buffer {
    return Buffer.concat([Buffer.from('GGUF'), ...this.parts])
  }
}

/** Writes a random model, made with blocks packed as in GGUF. Throws a WeftError where the file cannot be written. */
export function writeGguf(model: ModelSource, file: string): number {
  const tensors = [...model.tensors.values()]
  const fields = metadata(model.config, model.path)
  const header = new Header().number(3, 'u32').number(tensors.length, 'u64').number(fields.length, 'u64')
  for (const [key, v] of fields) header.string(key).value(v)
  const bytesOf = (t: WeightTensor): number => t.ranges['data']!.bytes
  let end = 0
  for (const t of tensors) {
    const number = typeNumbers[t.type]
    if (number === undefined || t.ranges['data'] === undefined) throw new WeftError({ where: 'gguf', what: `${t.name}: ${t.type} in ${t.packing}`, expected: Object.keys(typeNumbers).join(', ') })
    header.string(ggufName(t.name)).number(t.shape.length, 'u32')
    for (const size of [...t.shape].reverse()) header.number(size, 'u64')
    header.number(number, 'u32').number(end, 'u64')
    end = align(end + bytesOf(t))
  }
  const head = header.done()
  const dataAt = align(head.length)
  let descriptor: number
  try {
    descriptor = openSync(file, 'w')
  } catch (cause) {
    throw new WeftError({ where: 'gguf', what: `${file}: cannot be written`, cause })
  }
  try {
    const put = (bytes: Uint8Array, at: number): void => {
      for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done, bytes.length - done, at + done)
    }
    put(head, 0)
    const piece = new Uint8Array(pieceBytes)
    let at = dataAt
    for (const t of tensors) {
      for (let done = 0; done < bytesOf(t); done += piece.length) {
        const part = piece.subarray(0, Math.min(piece.length, bytesOf(t) - done))
        model.read(t.ranges['data']!, part, done)
        put(part, at + done)
      }
      at = align(at + bytesOf(t))
    }
    // Readers map the file to the end of the last tensor's padding.
    ftruncateSync(descriptor, at)
    return at
  } catch (cause) {
    throw new WeftError({ where: 'gguf', what: `${file}: cannot be written (${cause instanceof Error ? cause.message : String(cause)})`, cause })
  } finally {
    closeSync(descriptor)
  }
}
