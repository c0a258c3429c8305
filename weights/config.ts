/**
 * `config.json` of the Hugging Face libraries -> Config. Files come in two styles, `rope_theta` + `rope_scaling` (up to
 * transformers 4) and `rope_parameters` (5); defaults are those of the families' own configuration classes. Whatever would
 * change the arithmetic and is not known here (another activation, RoPE variant, partial rotation) is an error, never ignored.
 * Source: huggingface/transformers, `models/{qwen3,qwen2,llama,mistral}/configuration_*.py`.
 */
import { check } from '../graph/error.js'
import { architectures, type Architecture, type Config, type RopeConfig, type RopeScaling } from '../graph/models/config.js'
import { show, type Fields } from './fields.js'

/** Bounds no model comes near; they keep hostile sizes from becoming allocations. */
export const bounds = {
  vocab: 1 << 24,
  width: 1 << 20,
  layers: 1 << 10,
  heads: 1 << 12,
  headDim: 1 << 12,
  positions: 2 ** 31 - 1,
} as const

const classNames: Readonly<Record<Architecture, string>> = {
  qwen3: 'Qwen3ForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  llama: 'LlamaForCausalLM',
  mistral: 'MistralForCausalLM',
}

/** Reads the fields of a config.json; throws naming the file and the field. */
export function readConfig(fields: Fields): Config {
  const architecture = readArchitecture(fields)
  const activation = fields.string('hidden_act', 'silu')
  if (activation !== 'silu' && activation !== 'swish') throw fields.wrong('hidden_act', 'silu')
  const heads = fields.integer('num_attention_heads', 1, bounds.heads)
  const layers = fields.integer('num_hidden_layers', 1, bounds.layers)
  const hidden = fields.integer('hidden_size', 1, bounds.width)
  const attentionBias = hasAttentionBias(architecture) && fields.boolean('attention_bias', false)
  const config: Config = {
    architecture,
    vocab: fields.integer('vocab_size', 1, bounds.vocab),
    hidden,
    layers,
    heads,
    kvHeads: fields.integer('num_key_value_heads', 1, heads, heads),
    headDim: fields.has('head_dim') ? fields.integer('head_dim', 2, bounds.headDim) : defaultHeadDim(fields, hidden, heads),
    intermediate: fields.integer('intermediate_size', 1, bounds.width),
    eps: fields.number('rms_norm_eps', Number.MIN_VALUE, 1, 1e-6),
    rope: readRope(fields),
    maxPositions: fields.integer('max_position_embeddings', 1, bounds.positions),
    tiedHead: fields.boolean('tie_word_embeddings', false),
    qkNorm: architecture === 'qwen3',
    qkvBias: architecture === 'qwen2' || attentionBias,
    outputBias: attentionBias,
    mlpBias: architecture === 'llama' && fields.boolean('mlp_bias', false),
    windows: readWindows(fields, architecture, layers),
  }
  checkConfig(config, fields)
  return config
}

/** What must hold between sizes, whichever file they come from. */
export function checkConfig(config: Config, fields: Fields): void {
  const { heads, kvHeads, headDim } = config
  check(heads % kvHeads === 0, fields.where, `${fields.file}: attention heads do not divide among kv heads`, `a multiple of ${kvHeads}`, `${heads}`)
  check(headDim % 2 === 0, fields.where, `${fields.file}: head size`, 'an even number', `${headDim}`)
}

function readArchitecture(fields: Fields): Architecture {
  const names = fields.list('architectures')
  if (names && names.length > 0) {
    const found = architectures.find(a => names.includes(classNames[a]))
    check(found !== undefined, fields.where, `${fields.file}: unknown architecture`, `one of ${Object.values(classNames).join(', ')}`, show(names[0]))
    return found
  }
  const type = fields.string('model_type')
  const found = architectures.find(a => a === type)
  check(found !== undefined, fields.where, `${fields.file}: unknown architecture`, `one of ${architectures.join(', ')}`, show(type))
  return found
}

/** Qwen2 has its biases always and Mistral never, whatever the file says. */
function hasAttentionBias(architecture: Architecture): boolean {
  return architecture === 'qwen3' || architecture === 'llama'
}

function defaultHeadDim(fields: Fields, hidden: number, heads: number): number {
  check(hidden % heads === 0, fields.where, `${fields.file}: head_dim is absent and hidden_size does not divide by the heads`, `a multiple of ${heads}`, `${hidden}`)
  return hidden / heads
}

function readRope(fields: Fields): RopeConfig {
  const parameters = fields.object('rope_parameters')
  const scaling = parameters ?? fields.object('rope_scaling')
  const theta = (parameters?.has('rope_theta') ? parameters : fields).number('rope_theta', 1, 1e12, 1e4)
  for (const at of [fields, parameters]) {
    const part = at?.number('partial_rotary_factor', 0, 1, 1)
    if (part !== undefined && part !== 1) throw (at ?? fields).wrong('partial_rotary_factor', '1 (rotation of part of a head is not supported)')
  }
  return { theta, scaling: scaling ? readScaling(scaling) : { type: 'default' } }
}

function readScaling(fields: Fields): RopeScaling {
  const name = fields.has('rope_type') ? 'rope_type' : 'type'
  const type = fields.choice(name, ['default', 'llama3'] as const)
  switch (type) {
    case 'default':
      return { type }
    case 'llama3': {
      const lowFreqFactor = fields.number('low_freq_factor', Number.MIN_VALUE, 1e6)
      const highFreqFactor = fields.number('high_freq_factor', Number.MIN_VALUE, 1e6)
      if (highFreqFactor <= lowFreqFactor) throw fields.wrong('high_freq_factor', `more than low_freq_factor (${lowFreqFactor})`)
      const factor = fields.number('factor', 1, 1e6)
      const originalPositions = fields.integer('original_max_position_embeddings', 1, bounds.positions)
      return { type, factor, lowFreqFactor, highFreqFactor, originalPositions }
    }
    default:
      return type satisfies never
  }
}

function readWindows(fields: Fields, architecture: Architecture, layers: number): readonly (number | null)[] {
  const none = Array.from({ length: layers }, () => null)
  if (architecture === 'llama' || !fields.has('sliding_window')) return none
  // Qwen's files carry a window that is switched off; Mistral's window is simply there or null.
  const qwen = architecture === 'qwen2' || architecture === 'qwen3'
  if (qwen && !fields.boolean('use_sliding_window', false)) return none
  const window = fields.integer('sliding_window', 1, bounds.positions)
  const types = fields.list('layer_types')
  if (types) {
    if (types.length !== layers) throw fields.wrong('layer_types', `${layers} entries`)
    return types.map(type => {
      if (type !== 'full_attention' && type !== 'sliding_attention') throw fields.wrong('layer_types', 'full_attention or sliding_attention')
      return type === 'sliding_attention' ? window : null
    })
  }
  const first = qwen ? fields.integer('max_window_layers', 0, Number.MAX_SAFE_INTEGER, 28) : 0
  return none.map((_, layer) => (layer >= first ? window : null))
}
