/**
 * What every reader of model files yields: a configuration, tensors under their Hugging Face names, and where the
 * tokenizer is. No weight is read until asked for; a tensor is byte ranges of files, checked against the files' sizes.
 */
import type { Config } from '../graph/models/config.js'
import type { GridType, ScaleGrid } from './scale-grid.js'

/** A contiguous run of bytes of a file, already checked to lie inside it. */
export interface ByteRange {
  readonly file: string
  readonly offset: number
  readonly bytes: number
}

/**
 * How the bits of a type lie in the file. `plain`: elements one after another (f32, f16, bf16). `gguf`: GGUF's own
 * interleaved blocks. `planes`: NVFP4 and MXFP4 of safetensors, a plane of packed codes (even element in the low nibble) and a
 * plane of block scales, a byte each. `gptq` and `awq`: `qweight`, `qzeros` and `scales` with columns where the model has rows, in words of
 * eight codes along the inputs (gptq) or the outputs (awq). `order`: no weight but the order of inputs that one was quantized in.
 */
export type Packing = 'plain' | 'gguf' | 'planes' | 'gptq' | 'awq' | 'order'

export interface WeightTensor {
  /** Hugging Face name, whatever the file's own: `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string
  /** Name of a row of the quantized-type table: f32, q4_0, q6_k, nvfp4, fp8, int4_g32, … */
  readonly type: string
  /** Logical shape, slowest dimension first: [out, in] for a matrix, [width] for a vector. */
  readonly shape: readonly number[]
  readonly packing: Packing
  /** `data` for plain, gguf and order; `codes` and `scales` for planes; also `scales` where there is a grid of them; `order` (GPTQ's g_idx) of a weight in groups out of order. */
  readonly ranges: Readonly<Record<string, ByteRange>>
  /** Multiplies every element (NVFP4's tensor scale, already inverted where the file divides); 1 where there is none. */
  readonly scale: number
  /** FP8's scales, where one for the tensor is not all. */
  readonly grid?: ScaleGrid
  /** AWQ's and GPTQ's numbers: dtype of the scales, and what GPTQ's first format takes from the zeros it stores. */
  readonly int4?: { readonly scales: GridType; readonly zeroOffset: 0 | 1 }
  /**
   * Set where the file's rows (of a bias: elements) are permuted for RoPE over adjacent pairs (GGUF's llama q and k): how many
   * heads they hold. Row h·headDim + 2·i + j of the file is row h·headDim + j·headDim/2 + i of the model.
   */
  readonly permutedHeads?: number
}

/** Where the tokenizer comes from; `engine/tokenizer.ts` builds it. */
export type TokenizerSource =
  | { readonly kind: 'tokenizer.json'; readonly file: string; readonly configFile: string | null }
  | { readonly kind: 'gguf'; readonly file: string; readonly metadata: Readonly<Record<string, unknown>> }

/** Sampling defaults and stop ids, from generation_config.json, config.json or GGUF metadata. */
export interface GenerationDefaults {
  readonly temperature?: number
  readonly topK?: number
  readonly topP?: number
  readonly minP?: number
  readonly repeatPenalty?: number
  readonly stopIds: readonly number[]
}

export interface ModelSource {
  /** The path as the user gave it. */
  readonly path: string
  readonly format: 'safetensors' | 'gguf' | 'dat' | 'random'
  readonly config: Config
  readonly tensors: ReadonlyMap<string, WeightTensor>
  readonly tokenizer: TokenizerSource | null
  /** Jinja source, or null where the model has none. */
  readonly chatTemplate: string | null
  readonly generation: GenerationDefaults
  /** Sum of the bytes of all tensors. */
  readonly bytes: number
  /** Names, as in the files, of tensors that the model does not use: scales of activations, a tied head's copy. */
  readonly ignored: readonly string[]
  /** What its maker wants said whenever the model is used (`weft_notice` of config.json), or null. */
  readonly notice: string | null
  /** Reads `range` (or `bytes` of it from `at`) into `into`. */
  read(range: ByteRange, into: Uint8Array, at?: number): void
  close(): void
}
