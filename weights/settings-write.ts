/**
 * A configuration as other programs read it: `config.json` of the Hugging Face libraries, and GGUF metadata with the tensor of
 * RoPE factors. What a format has no words for is an error that names it, never left out.
 */
import { check, WeftError } from '../graph/error.js'
import type { Architecture, Config, RopeScaling } from '../graph/models/config.js'
import { ropeFrequencies } from '../graph/ops/rope.js'
import type { GgufMetadata } from './gguf-write.js'
import type { GenerationDefaults } from './model.js'

const classNames: Readonly<Record<Architecture, string>> = {
  qwen3: 'Qwen3ForCausalLM', qwen2: 'Qwen2ForCausalLM', llama: 'LlamaForCausalLM', mistral: 'MistralForCausalLM',
}

/** `config.json` of a configuration, for models that come without one. Windows make a Mistral of a Llama. */
export function configJson(given: Config, dtype: string, generation: GenerationDefaults, bosId: number | null): Record<string, unknown> {
  const windowed = given.windows.some(w => w !== null)
  const c: Config = given.architecture === 'llama' && windowed ? { ...given, architecture: 'mistral' } : given
  const [window] = c.windows.filter(w => w !== null)
  check(c.windows.every(w => w === null || w === window), 'config', 'layers with windows of different lengths', 'one length')
  check(c.architecture !== 'mistral' || c.windows.every(w => w === window), 'config', 'a Mistral with windows in some layers only', 'all layers')
  const qwen = c.architecture === 'qwen2' || c.architecture === 'qwen3'
  const rope = ropeScaling(c)
  return {
    architectures: [classNames[c.architecture]],
    model_type: c.architecture,
    vocab_size: c.vocab, hidden_size: c.hidden, num_hidden_layers: c.layers, num_attention_heads: c.heads, num_key_value_heads: c.kvHeads,
    head_dim: c.headDim, intermediate_size: c.intermediate, hidden_act: 'silu', rms_norm_eps: tidy(c.eps), max_position_embeddings: c.maxPositions,
    tie_word_embeddings: c.tiedHead, rope_theta: c.rope.theta, rope_scaling: rope,
    ...(c.architecture === 'qwen2' || c.architecture === 'mistral' ? {} : { attention_bias: c.qkvBias }),
    ...(c.architecture === 'llama' ? { mlp_bias: c.mlpBias } : {}),
    ...(qwen ? { use_sliding_window: windowed, sliding_window: window ?? null, ...(windowed ? { layer_types: c.windows.map(w => (w === null ? 'full_attention' : 'sliding_attention')) } : {}) } : {}),
    ...(c.architecture === 'mistral' ? { sliding_window: window ?? null } : {}),
    ...(bosId === null ? {} : { bos_token_id: bosId }),
    ...(generation.stopIds.length === 0 ? {} : { eos_token_id: generation.stopIds.length === 1 ? generation.stopIds[0] : generation.stopIds }),
    torch_dtype: dtype,
  }
}

/** GGUF keeps eps as a float32: 1e-6, not 9.99999997e-7. */
const tidy = (value: number): number => Number(value.toPrecision(7))

function ropeScaling(c: Config): Record<string, unknown> | null {
  const { scaling } = c.rope
  switch (scaling.type) {
    case 'default': return null
    case 'llama3': return llama3Fields(scaling)
    case 'factors': {
      // A list of factors is what GGUF keeps of Llama 3's scaling; config.json has only the numbers it was made from.
      const found = knownLlama3(scaling.factors, c)
      check(found !== null, 'config', 'RoPE factors that are not those of a known Llama 3 scaling cannot be said in config.json')
      return llama3Fields(found)
    }
    default: return scaling satisfies never
  }
}

type Llama3 = Extract<RopeScaling, { readonly type: 'llama3' }>

const llama3Fields = ({ factor, lowFreqFactor, highFreqFactor, originalPositions }: Llama3): Record<string, unknown> => ({
  rope_type: 'llama3', factor, low_freq_factor: lowFreqFactor, high_freq_factor: highFreqFactor, original_max_position_embeddings: originalPositions,
})

/** The llama3 scaling of these factors, among those that models were published with; exact to float32. */
function knownLlama3(factors: readonly number[], c: Config): Llama3 | null {
  const factor = tidy(Math.max(...factors))
  for (const [lowFreqFactor, highFreqFactor] of [[1, 4], [1, 2], [1, 8]] as const) {
    for (let originalPositions = 16; originalPositions <= 131072; originalPositions *= 2) {
      const scaling: Llama3 = { type: 'llama3', factor, lowFreqFactor, highFreqFactor, originalPositions }
      const wanted = ropeFactors(scaling, c)
      if (wanted.every((f, i) => Math.abs(f - factors[i]!) <= 1e-6 * f)) return scaling
    }
  }
  return null
}

/** The factors that a scaling divides each frequency by, as GGUF's `rope_freqs.weight`. */
function ropeFactors(scaling: RopeScaling, c: Config): readonly number[] {
  const plain = ropeFrequencies({ theta: c.rope.theta, scaling: { type: 'default' } }, c.headDim)
  const scaled = ropeFrequencies({ theta: c.rope.theta, scaling }, c.headDim)
  return plain.map((f, i) => f / scaled[i]!)
}

/** GGUF's metadata of the architecture, and the tensor of RoPE factors where the model has one. */
export function ggufSettings(c: Config, name: string): { readonly metadata: GgufMetadata; readonly factors: Float32Array | null } {
  // llama.cpp runs Mistral as Llama.
  const architecture = c.architecture === 'mistral' ? 'llama' : c.architecture
  const window = c.windows[0] ?? null
  if (c.windows.some(w => w !== window)) throw new WeftError({ where: 'gguf', what: 'layers with different windows have no word in GGUF metadata', expected: 'one window in all layers, or none' })
  const u32 = (key: string, value: number): GgufMetadata[number] => [`${architecture}.${key}`, { type: 'u32', value }]
  const f32 = (key: string, value: number): GgufMetadata[number] => [`${architecture}.${key}`, { type: 'f32', value }]
  const metadata: GgufMetadata = [
    ['general.architecture', { type: 'string', value: architecture }],
    ['general.name', { type: 'string', value: name }],
    u32('context_length', c.maxPositions), u32('embedding_length', c.hidden), u32('block_count', c.layers), u32('feed_forward_length', c.intermediate),
    u32('attention.head_count', c.heads), u32('attention.head_count_kv', c.kvHeads), u32('attention.key_length', c.headDim), u32('attention.value_length', c.headDim),
    u32('rope.dimension_count', c.headDim), f32('rope.freq_base', c.rope.theta), f32('attention.layer_norm_rms_epsilon', c.eps), u32('vocab_size', c.vocab),
    ...(window === null ? [] : [u32('attention.sliding_window', window)]),
  ]
  return { metadata, factors: c.rope.scaling.type === 'default' ? null : Float32Array.from(ropeFactors(c.rope.scaling, c)) }
}
