/** The options and results of the library's public entry. */
import type { Compute } from '../codegen/schedule.js'
import type { Config } from '../graph/models/config.js'
import type { GenerationDefaults, ModelSource } from '../weights/model.js'
import type { Tokenizer } from './tokenizer.js'

/** `auto` takes cuda, then webgpu on a real GPU, then wasm; `cuda:1` is the second GPU; `reference` is the evaluator. */
export type DeviceName = 'auto' | 'wasm' | 'webgpu' | 'cuda' | `cuda:${number}` | 'reference'
export type { Compute } from '../codegen/schedule.js'

export interface LoadOptions {
  readonly device?: DeviceName
  /** Default: f16 on a GPU that has it, i16 on a processor, else f32. */
  readonly compute?: Compute
  /** Storage of the KV cache; default f16 where `compute` is. */
  readonly kvType?: 'f32' | 'f16'
  /** CPU threads of the wasm backend. */
  readonly threads?: number
  /** Context limit in positions; default the model's own, at most 32768. */
  readonly context?: number
  /** Rows of a prefill chunk; default 2048, on a processor 256. */
  readonly chunk?: number
  /** Sequences the cache can hold, default 1: as many sessions may be open, and generate at the same time. */
  readonly sequences?: number
  /** Rewrite rules on (default) or off, to bisect. */
  readonly fuse?: boolean
  /** Take what `weft tune` found on this device (default), or not. */
  readonly tuned?: boolean
  /** WebGPU on a software adapter, for tests; default false. */
  readonly softwareGpu?: boolean
  /** Is given each op's output; ops then run one at a time, and without fusion where it would hide one (unless `fuse` is true). */
  readonly trace?: TraceSink
  /** Bytes of a model from the hub that are on disk, and of all. */
  readonly onDownload?: (done: number, total: number) => void
  /** Bytes of weights on the device so far, and of all. */
  readonly onProgress?: (done: number, total: number) => void
  /** Lines worth showing a person: which device was taken and why not the others, what a model's maker wants said. */
  readonly onNotice?: (line: string) => void
  /** Told which device `auto` took and why not the others, in place of a notice. */
  readonly onDevice?: (description: string, passedOver: readonly string[]) => void
}

/** Takes the outputs of ops by their names (`layers.3.self_attn.q_proj`). */
export interface TraceSink {
  /** Whether an op's output is wanted: others are not read. */
  readonly wants: (name: string) => boolean
  /** Rows of an op, one for each token of a batch: `row` is a row's shape. */
  take(name: string, row: readonly number[], values: Float32Array): void
}

export interface Message {
  readonly role: string
  readonly content: string
  readonly [key: string]: unknown
}

export interface GenerateOptions {
  readonly maxTokens?: number
  /** 0 is greedy. Defaults of this and the next four: the model's generation_config.json, else greedy. */
  readonly temperature?: number
  readonly topK?: number
  readonly topP?: number
  readonly minP?: number
  readonly repeatPenalty?: number
  readonly seed?: number
  readonly stop?: readonly string[]
  /** Prompt strings are sent as they are, without the chat template. */
  readonly raw?: boolean
  readonly system?: string
  readonly signal?: AbortSignal
}

export type StopReason = 'stop' | 'length' | 'context' | 'aborted'

/** A piece of text with the ids that made it; the last piece carries the reason and the figures. */
export interface Piece {
  readonly text: string
  readonly ids: readonly number[]
  readonly done?: { readonly reason: StopReason; readonly stats: GenerateStats }
}

export interface GenerateStats {
  /** What drew the tokens, given or chosen here: with it the text can be had again. Null where the choice was greedy. */
  readonly seed: number | null
  readonly promptTokens: number
  /** Prompt tokens already in the KV cache. */
  readonly cachedTokens: number
  readonly generatedTokens: number
  readonly prefillSeconds: number
  readonly decodeSeconds: number
  /** Seconds from the call to the first token. */
  readonly firstTokenSeconds: number
  readonly prefillTokensPerSecond: number
  readonly decodeTokensPerSecond: number
  /** GB/s of weights and cache read while decoding. */
  readonly decodeGBps: number
}

export interface LoadStats {
  readonly loadSeconds: number
  readonly openSeconds: number
  /** Graph, schedules and plans, made or found in the disk cache. */
  readonly planSeconds: number
  /** Device text of the kernels, rendered; 0 where it was found beside the plans. */
  readonly generateTextSeconds: number
  /** Whether plans and text were found in the disk cache. */
  readonly plansCached: boolean
  readonly uploadSeconds: number
  /** What compiling the kernels took longer than the weights needed to travel. */
  readonly compileSeconds: number
  readonly kernelsCompiled: number
  readonly kernelsCached: number
  readonly weightBytes: number
  readonly cacheBytes: number
}

/** A conversation or text whose KV cache is kept between calls. It does one thing at a time; a call in between throws a WeftError. */
export interface Session {
  /** Tokens in the cache. */
  readonly length: number
  /** Generates after `prompt`: text, messages (rendered by the model's template) or ids. Reuses the cache up to the first difference. */
  generate(prompt: string | readonly Message[] | Uint32Array, options?: GenerateOptions): AsyncGenerator<Piece, void, void>
  /** Logits [rows, vocab] of all given ids, appended to the cache; for checks. `rows`: indices into ids, default all. */
  logits(ids: Uint32Array, rows?: readonly number[]): Promise<Float32Array>
  /** Forgets everything after the first `length` tokens. */
  truncate(length: number): void
  close(): void
}

export interface Model {
  readonly source: ModelSource
  readonly config: Config
  readonly tokenizer: Tokenizer
  readonly generation: GenerationDefaults
  /** The device in one line: `wasm, 2 threads` or `cuda, NVIDIA H200 (sm_90a)`. */
  readonly device: string
  readonly backend: 'wasm' | 'webgpu' | 'cuda' | 'reference'
  readonly compute: Compute
  readonly stats: LoadStats
  /** Context limit in positions. */
  readonly context: number
  session(): Session
  generate(prompt: string | readonly Message[] | Uint32Array, options?: GenerateOptions): AsyncGenerator<Piece, void, void>
  /** The prompt as the model sees it, before tokenization. */
  render(messages: readonly Message[], options?: Readonly<Record<string, unknown>>): string
  tokenize(text: string): Uint32Array
  detokenize(ids: Iterable<number>): string
  close(): Promise<void>
}
