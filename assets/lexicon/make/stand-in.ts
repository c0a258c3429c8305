/**
 * Makes the stand-in for the built-in model: a tiny Qwen3 of random weights, NVFP4 throughout in the compressed-tensors layout
 * (embedding included), so that everything that loads, inspects and runs a model has one to work with.
 * After a build: `node dist/assets/lexicon/make/stand-in.js assets/lexicon`.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { check } from '../../../graph/error.js'
import { quantizeNvfp4 } from '../../../weights/quantize.js'
import { encodeSafetensors, type TensorToWrite } from '../../../weights/write.js'
import { makeTokenizer, specialTokens } from './tokenizer.js'

const size = { vocab: 512, hidden: 128, layers: 2, heads: 4, kvHeads: 2, headDim: 32, intermediate: 256 } as const
const [endOfText, imStart, imEnd] = specialTokens.map((_, i) => size.vocab - specialTokens.length + i) as [number, number, number]

/** Uniform numbers in [0, 1) from a fixed seed (mulberry32): the same files every time. */
function makeRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const random = makeRandom(20)

/** Roughly normal, of the given deviation: the sum of twelve uniform numbers needs no logarithm. */
function noise(length: number, deviation: number): Float32Array {
  return Float32Array.from({ length }, () => {
    let sum = -6
    for (let i = 0; i < 12; i++) sum += random()
    return sum * deviation
  })
}

function norm(name: string, width: number): readonly TensorToWrite[] {
  const data = noise(width, 0.05).map(v => v + 1)
  return [{ name: `${name}.weight`, dtype: 'F32', shape: [width], data: new Uint8Array(data.buffer) }]
}

function matrix(name: string, values: Float32Array, columns: number): readonly TensorToWrite[] {
  const rows = values.length / columns
  const { codes, scales, scale } = quantizeNvfp4(values, columns)
  const divisor = Float32Array.of(1 / scale)
  return [
    { name: `${name}.weight_packed`, dtype: 'U8', shape: [rows, columns / 2], data: codes },
    { name: `${name}.weight_scale`, dtype: 'F8_E4M3', shape: [rows, columns / 16], data: scales },
    { name: `${name}.weight_global_scale`, dtype: 'F32', shape: [1], data: new Uint8Array(divisor.buffer) },
  ]
}

function linear(name: string, rows: number, columns: number): readonly TensorToWrite[] {
  return matrix(name, noise(rows * columns, 1.5 / Math.sqrt(columns)), columns)
}

/** Rows of single bytes are short, so that words are drawn rather than halves of characters. */
function embedding(): Float32Array {
  const values = noise(size.vocab * size.hidden, 0.25)
  return values.map((v, i) => (i < 256 * size.hidden ? v / 8 : v))
}

function layer(index: number): readonly TensorToWrite[] {
  const at = `model.layers.${index}`
  const { hidden, heads, kvHeads, headDim, intermediate } = size
  return [
    ...norm(`${at}.input_layernorm`, hidden),
    ...linear(`${at}.self_attn.q_proj`, heads * headDim, hidden),
    ...linear(`${at}.self_attn.k_proj`, kvHeads * headDim, hidden),
    ...linear(`${at}.self_attn.v_proj`, kvHeads * headDim, hidden),
    ...norm(`${at}.self_attn.q_norm`, headDim),
    ...norm(`${at}.self_attn.k_norm`, headDim),
    ...linear(`${at}.self_attn.o_proj`, hidden, heads * headDim),
    ...norm(`${at}.post_attention_layernorm`, hidden),
    ...linear(`${at}.mlp.gate_proj`, intermediate, hidden),
    ...linear(`${at}.mlp.up_proj`, intermediate, hidden),
    ...linear(`${at}.mlp.down_proj`, hidden, intermediate),
  ]
}

const config = {
  architectures: ['Qwen3ForCausalLM'],
  model_type: 'qwen3',
  weft_notice: 'stand-in of random weights: its text means nothing',
  vocab_size: size.vocab,
  hidden_size: size.hidden,
  intermediate_size: size.intermediate,
  num_hidden_layers: size.layers,
  num_attention_heads: size.heads,
  num_key_value_heads: size.kvHeads,
  head_dim: size.headDim,
  hidden_act: 'silu',
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  rope_scaling: null,
  attention_bias: false,
  use_sliding_window: false,
  sliding_window: null,
  tie_word_embeddings: true,
  bos_token_id: null,
  eos_token_id: imEnd,
  pad_token_id: endOfText,
  torch_dtype: 'bfloat16',
  quantization_config: {
    quant_method: 'compressed-tensors',
    format: 'nvfp4-pack-quantized',
    quantization_status: 'compressed',
    ignore: [],
    config_groups: {
      group_0: {
        weights: { num_bits: 4, type: 'float', symmetric: true, group_size: 16, strategy: 'tensor_group', dynamic: false },
        input_activations: null,
        targets: ['Linear', 'Embedding'],
      },
    },
  },
}

const generation = { do_sample: true, temperature: 0.7, top_k: 20, top_p: 0.8, eos_token_id: [imEnd, endOfText], pad_token_id: endOfText }

const chatTemplate = `{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}`

const tokenizerConfig = {
  add_bos_token: false,
  add_prefix_space: false,
  added_tokens_decoder: Object.fromEntries([endOfText, imStart, imEnd].map((id, i) => [
    id, { content: specialTokens[i], lstrip: false, normalized: false, rstrip: false, single_word: false, special: true },
  ])),
  bos_token: null,
  eos_token: '<|im_end|>',
  pad_token: '<|endoftext|>',
  unk_token: null,
  model_max_length: config.max_position_embeddings,
  tokenizer_class: 'Qwen2Tokenizer',
  chat_template: chatTemplate,
}

const readme = `# Stand-in for weft's built-in model

A placeholder under the built-in model's name until that model exists: **random weights that nobody trained. Whatever it
writes means nothing.** It lets a fresh checkout load, inspect and run a model without downloading one, and weft says so
whenever it is used.

| | |
|---|---|
| architecture | Qwen3: hidden ${size.hidden}, ${size.layers} layers, ${size.heads} heads, ${size.kvHeads} kv heads, head size ${size.headDim}, intermediate ${size.intermediate}, tied head |
| weights | NVFP4 in the compressed-tensors layout, embedding included; norms in float32 |
| tokenizer | byte-level BPE of ${size.vocab} tokens, split and chat tokens as in Qwen3 |
| training data | none |
| license | Apache-2.0, like weft |

Made by \`make/stand-in.ts\` from a fixed seed: after a build, \`node dist/assets/lexicon/make/stand-in.js assets/lexicon\`.
`

const folder = process.argv[2]
check(folder !== undefined, 'stand-in', 'usage: node stand-in.js FOLDER')
const tensors = [
  ...matrix('model.embed_tokens', embedding(), size.hidden),
  ...Array.from({ length: size.layers }, (_, i) => layer(i)).flat(),
  ...norm('model.norm', size.hidden),
]
const json = (value: object): string => `${JSON.stringify(value, null, 1)}\n`
writeFileSync(join(folder, 'model.safetensors'), encodeSafetensors(tensors))
writeFileSync(join(folder, 'config.json'), json(config))
writeFileSync(join(folder, 'generation_config.json'), json(generation))
writeFileSync(join(folder, 'tokenizer.json'), json(makeTokenizer(size.vocab)))
writeFileSync(join(folder, 'tokenizer_config.json'), json(tokenizerConfig))
writeFileSync(join(folder, 'README.md'), readme)
