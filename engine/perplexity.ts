/**
 * Perplexity of a text, as llama.cpp's `llama-perplexity` defines it, so that figures can be set beside each other: the text
 * is cut into chunks of the context, each begins anew (with BOS where the tokenizer adds one), and the tokens of its second
 * half are scored, each given all before it in the chunk. Against another model, whose probabilities are p: the Kullback-Leibler
 * divergence Σ p · ln(p / q) of each scored position, and how often both would choose the same token. Logits come a few rows
 * at a time and are reduced at once: no chunk's logits are ever held together.
 * Source: ggml-org/llama.cpp, `tools/perplexity/perplexity.cpp`.
 */
import { check, WeftError } from '../graph/error.js'
import type { Model, Session } from './types.js'

export interface PerplexityOptions {
  /** Tokens of a chunk; default 512, or the model's context where that is shorter. */
  readonly context?: number
  /** Chunks at most; default all. */
  readonly chunks?: number
  /** The model whose probabilities are the measure of the divergence. */
  readonly against?: Model
  /** Called after each chunk with the perplexity so far. */
  readonly onChunk?: (chunk: number, chunks: number, perplexity: number) => void
  readonly signal?: AbortSignal
}

/** A mean with its standard error. */
export interface Estimate {
  readonly value: number
  readonly error: number
}

export interface PerplexityReport {
  readonly context: number
  readonly chunks: number
  /** Tokens that were scored. */
  readonly tokens: number
  readonly perplexity: Estimate
  readonly divergence: Divergence | null
}

export interface Divergence {
  /** Perplexity of the other model. */
  readonly perplexity: Estimate
  /** Mean of ln(PPL / PPL of the other). */
  readonly logRatio: Estimate
  readonly mean: Estimate
  readonly median: number
  readonly p99: number
  readonly p999: number
  readonly largest: number
  /** Share of positions where both would choose the same token. */
  readonly sameTop: Estimate
  /** Root mean square of the difference of the true token's probabilities. */
  readonly rmsDeltaP: number
}

const where = 'perplexity'
const defaultContext = 512
/** Logits held at once. */
const logitsBytes = 32 * 2 ** 20

/** The ids that are scored, and what each chunk begins with in place of its first id. */
export interface ScoredText {
  readonly ids: Uint32Array
  readonly bos: number | null
}

/** A text as a model's tokenizer takes it: special tokens in it are text, BOS before it where the tokenizer adds one. */
export function scoredText({ tokenizer }: Model, text: string): ScoredText {
  const ids = tokenizer.encode(text, { special: false, addSpecial: true })
  const { bosId } = tokenizer
  const added = bosId !== null && ids[0] === bosId && tokenizer.encode(text, { special: false })[0] !== bosId
  return { ids, bos: added ? bosId : null }
}

/** Throws a WeftError where the text is shorter than two chunks, or the two models have other vocabularies. */
export async function perplexity(model: Model, { ids, bos }: ScoredText, options: PerplexityOptions = {}): Promise<PerplexityReport> {
  const { against } = options
  const context = options.context ?? Math.min(defaultContext, model.context, against?.context ?? Infinity)
  check(Number.isInteger(context) && context >= 4 && context <= model.context, where, 'tokens of a chunk', `4 to ${model.context}`, `${context}`)
  check(ids.length >= 2 * context, where, `the text is short: tokens`, `at least ${2 * context}, two chunks (--context)`, `${ids.length}`)
  const { vocab } = model.config
  check(against === undefined || against.config.vocab === vocab, where, 'vocabulary of the model it is compared with', `${vocab}`, `${against?.config.vocab}`)
  const chunks = Math.min(Math.floor(ids.length / context), options.chunks ?? Infinity)
  const scores = new Scores(vocab)
  const sessions = [model, ...(against ? [against] : [])].map(m => m.session())
  try {
    let done = 0
    for (; done < chunks && !options.signal?.aborted; done++) {
      const chunk = ids.slice(done * context, (done + 1) * context)
      if (bos !== null) chunk[0] = bos
      await scoreChunk(sessions, chunk, vocab, scores)
      options.onChunk?.(done + 1, chunks, scores.perplexity().value)
    }
    check(done > 0, where, 'stopped before the first chunk was scored')
    return { context, chunks: done, tokens: scores.count, perplexity: scores.perplexity(), divergence: against ? scores.divergence() : null }
  } finally {
    sessions.forEach(s => s.close())
  }
}

async function scoreChunk(sessions: readonly Session[], chunk: Uint32Array, vocab: number, scores: Scores): Promise<void> {
  const first = Math.floor(chunk.length / 2)
  for (const s of sessions) {
    s.truncate(0)
    await s.logits(chunk.subarray(0, first), [])
  }
  const step = Math.max(1, Math.floor(logitsBytes / (4 * vocab * sessions.length)))
  for (let at = first; at < chunk.length - 1; at += step) {
    const part = chunk.subarray(at, Math.min(at + step, chunk.length - 1))
    const logits: Float32Array[] = []
    for (const s of sessions) logits.push(await s.logits(part))
    for (let row = 0; row < part.length; row++) {
      const [own, other] = logits.map(l => l.subarray(row * vocab, (row + 1) * vocab))
      scores.add(own!, other, chunk[at + row + 1]!)
    }
  }
}

/** Everything that is kept of the logits: a few numbers for each scored token. */
class Scores {
  private readonly losses: number[] = []
  private readonly otherLosses: number[] = []
  private readonly divergences: number[] = []
  private sameTop = 0
  private squaredDeltaP = 0

  constructor(private readonly vocab: number) {}

  get count(): number {
    return this.losses.length
  }

  add(own: Float32Array, other: Float32Array | undefined, token: number): void {
    check(token < this.vocab, where, 'a token id', `less than ${this.vocab}`, `${token}`)
    const q = summed(own)
    const loss = q.log - own[token]!
    this.losses.push(loss)
    if (!other) return
    const p = summed(other)
    let divergence = 0
    for (let i = 0; i < other.length; i++) {
      const logP = other[i]! - p.log
      divergence += Math.exp(logP) * (logP - (own[i]! - q.log))
    }
    const otherLoss = p.log - other[token]!
    this.otherLosses.push(otherLoss)
    this.divergences.push(divergence)
    if (p.top === q.top) this.sameTop++
    this.squaredDeltaP += (Math.exp(-loss) - Math.exp(-otherLoss)) ** 2
  }

  perplexity(): Estimate {
    return exponential(estimate(this.losses))
  }

  divergence(): Divergence {
    const sorted = [...this.divergences].sort((a, b) => a - b)
    const same = this.sameTop / this.count
    return {
      perplexity: exponential(estimate(this.otherLosses)),
      logRatio: estimate(this.losses.map((l, i) => l - this.otherLosses[i]!)),
      mean: estimate(this.divergences),
      median: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), p999: percentile(sorted, 0.999), largest: sorted.at(-1)!,
      sameTop: { value: same, error: Math.sqrt((same * (1 - same)) / (this.count - 1)) },
      rmsDeltaP: Math.sqrt(this.squaredDeltaP / this.count),
    }
  }
}

/** ln Σ exp of a row, and its largest. */
function summed(row: Float32Array): { readonly log: number; readonly top: number } {
  let top = 0
  for (let i = 1; i < row.length; i++) if (row[i]! > row[top]!) top = i
  const most = row[top]!
  let sum = 0
  for (let i = 0; i < row.length; i++) sum += Math.exp(row[i]! - most)
  if (!Number.isFinite(sum)) throw new WeftError({ where, what: 'logits are not finite: the weights or the arithmetic are at fault', expected: 'numbers', got: 'NaN or infinity' })
  return { log: most + Math.log(sum), top }
}

/** Mean and its standard error, √(variance / (n − 1)). */
function estimate(values: readonly number[]): Estimate {
  const n = values.length
  const mean = values.reduce((a, b) => a + b, 0) / n
  const squares = values.reduce((a, b) => a + (b - mean) ** 2, 0) / n
  return { value: mean, error: n > 1 ? Math.sqrt(squares / (n - 1)) : NaN }
}

const exponential = ({ value, error }: Estimate): Estimate => ({ value: Math.exp(value), error: error * Math.exp(value) })

/** Between the two nearest of sorted values, as llama.cpp takes it. */
function percentile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1)
  const below = Math.min(sorted.length - 1, Math.floor(at))
  const above = Math.min(sorted.length - 1, below + 1)
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!)
}
