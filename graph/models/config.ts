/**
 * What differs between models of one family, read from `config.json` or from GGUF metadata by `weights/`.
 * Everything a model builder needs is here, with defaults already applied: a builder never guesses.
 */
export const architectures = ['qwen3', 'qwen2', 'llama', 'mistral'] as const
export type Architecture = (typeof architectures)[number]

/** How RoPE's frequencies are changed for long contexts. */
export type RopeScaling =
  | { readonly type: 'default' }
  /** Llama 3.1: low frequencies divided by `factor`, high ones kept, a smooth ramp between. */
  | {
      readonly type: 'llama3'
      readonly factor: number
      readonly lowFreqFactor: number
      readonly highFreqFactor: number
      readonly originalPositions: number
    }
  /** One divisor per frequency (GGUF's `rope_freqs.weight`), headDim / 2 of them. */
  | { readonly type: 'factors'; readonly factors: readonly number[] }

export interface RopeConfig {
  readonly theta: number
  readonly scaling: RopeScaling
}

export interface Config {
  readonly architecture: Architecture
  readonly vocab: number
  readonly hidden: number
  readonly layers: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly intermediate: number
  readonly eps: number
  readonly rope: RopeConfig
  /** The longest context the model was made for, in positions. */
  readonly maxPositions: number
  readonly tiedHead: boolean
  /** RMSNorm on each head of q and k, before RoPE (Qwen3). */
  readonly qkNorm: boolean
  readonly qkvBias: boolean
  readonly outputBias: boolean
  readonly mlpBias: boolean
  /** Sliding window of each layer, in positions the query itself counted in; null where attention is full. */
  readonly windows: readonly (number | null)[]
}
