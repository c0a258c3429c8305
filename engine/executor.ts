/** What the engine asks of a model that is ready to run, whether on a device or on the evaluator. */

/** Rows to run, each a token of a sequence at a position. */
export interface Batch {
  readonly tokens: ArrayLike<number>
  readonly positions: ArrayLike<number>
  readonly sequences: ArrayLike<number>
  /** Rows whose logits are wanted. */
  readonly outputRows: readonly number[]
}

/** `next`: the best token of each output row; `logits`: [outputs, vocab]; `candidates`: the best 256 of one row, or logits where that is not offered. */
export type Want = 'nothing' | 'next' | 'logits' | 'candidates'

export interface Candidates {
  readonly ids: Uint32Array
  readonly logits: Float32Array
}

export interface Outputs {
  readonly next?: Uint32Array
  readonly logits?: Float32Array
  readonly candidates?: readonly Candidates[]
}

export interface Executor {
  /** Rows, and output rows, of one batch at most. */
  readonly maxRows: number
  readonly maxOutputs: number
  /** Whether candidates cost less than all logits. */
  readonly hasCandidates: boolean
  /** Bytes read for one decoded token, apart from the cache. */
  readonly weightBytesPerToken: number
  readonly cacheBytesPerPosition: number
  /** Bytes of the KV cache allocated now. */
  readonly cacheBytes: number
  run(batch: Batch, want: Want): Promise<Outputs>
  /**
   * Feeds `token` at `position` of `sequence`, then each chosen token in turn; returns the `count` tokens chosen.
   * Throws a WeftError if logits were not finite.
   */
  greedy(sequence: number, token: number, position: number, count: number): Promise<Uint32Array>
  /** Forgets a sequence's positions. */
  release(sequence: number): void
  close(): Promise<void>
}

/** Where errors about logits that are not finite arise. */
export const notFiniteWhere = 'logits'
