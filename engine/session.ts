/**
 * A session is one sequence: its tokens, and the loop that prefills, decodes and streams text. A step reads as
 * schedule, run, postprocess. Greedy steps follow each other on the device in bursts that grow as long as text still
 * arrives often enough to be read as a stream.
 */
import { WeftError } from '../graph/error.js'
import { checkGenerateOptions, checkPrompt } from './arguments.js'
import type { Candidates, Executor } from './executor.js'
import { createSampler, type Sampler } from './sampler.js'
import { stopFilter } from './stop-strings.js'
import type { GenerateOptions, GenerateStats, Message, Piece, Session, StopReason } from './types.js'
import type { Tokenizer } from './tokenizer.js'
import type { GenerationDefaults } from '../weights/model.js'

export interface SessionParts {
  readonly executor: Executor
  readonly tokenizer: Tokenizer
  readonly generation: GenerationDefaults
  readonly context: number
  readonly vocab: number
  /** Rows of a prefill chunk. */
  readonly chunk: number
  /** Seconds a burst of greedy steps may take before text is shown. */
  readonly burstSeconds: number
  readonly sequence: number
  readonly encode: (prompt: string | readonly Message[], options: GenerateOptions) => Uint32Array
  readonly onClose: () => void
}

const longestBurst = 32

export class DeviceSession implements Session {
  private tokens: number[] = []
  private closed = false
  private busy = false

  constructor(private readonly parts: SessionParts) {}

  get length(): number {
    return this.tokens.length
  }

  truncate(length: number): void {
    if (this.busy) throw inUse()
    this.keep(length)
  }

  private keep(length: number): void {
    this.tokens.length = Math.min(this.tokens.length, Math.max(0, length))
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.parts.executor.release(this.parts.sequence)
    this.parts.onClose()
  }

  async logits(ids: Uint32Array, rows: readonly number[] = Array.from(ids, (_, i) => i)): Promise<Float32Array> {
    const { vocab } = this.parts
    const outside = rows.find(row => !Number.isInteger(row) || row < 0 || row >= ids.length)
    if (outside !== undefined) throw new WeftError({ where: 'session', what: 'no such row of logits', expected: `0 to ${ids.length - 1}`, got: String(outside) })
    const out = new Float32Array(rows.length * vocab)
    this.begin()
    try {
      await this.fill(ids, rows, out)
    } finally {
      this.busy = false
    }
    return out
  }

  private async fill(ids: Uint32Array, rows: readonly number[], out: Float32Array): Promise<void> {
    const { vocab, chunk, executor } = this.parts
    this.check(this.length + ids.length)
    this.checkIds(ids)
    const wanted = new Map(rows.map((row, i) => [row, i]))
    for (let from = 0; from < ids.length; ) {
      // A chunk ends where it would have more output rows than the device makes at once.
      const own: number[] = []
      let to = from
      while (to < ids.length && to - from < Math.min(chunk, executor.maxRows)) {
        if (wanted.has(to)) {
          if (own.length === executor.maxOutputs) break
          own.push(to - from)
        }
        to++
      }
      const { logits } = await this.device.run(this.batch(ids.subarray(from, to), own), own.length > 0 ? 'logits' : 'nothing')
      own.forEach((row, i) => out.set(logits!.subarray(i * vocab, (i + 1) * vocab), wanted.get(from + row)! * vocab))
      this.tokens.push(...ids.subarray(from, to))
      from = to
    }
  }

  async *generate(prompt: string | readonly Message[] | Uint32Array, options: GenerateOptions = {}): AsyncGenerator<Piece, void, void> {
    this.begin()
    try {
      checkPrompt(prompt)
      checkGenerateOptions(options)
      yield* this.stream(prompt instanceof Uint32Array ? prompt : this.parts.encode(prompt, options), options)
    } finally {
      this.busy = false
    }
  }

  private begin(): void {
    if (this.busy) throw inUse()
    this.busy = true
  }

  /** The device, as long as the session is open: it may be closed while a text is under way, and its pages be another's. */
  private get device(): Executor {
    if (this.closed) throw new WeftError({ where: 'session', what: 'the session is closed' })
    return this.parts.executor
  }

  private async *stream(ids: Uint32Array, options: GenerateOptions): AsyncGenerator<Piece, void, void> {
    const { tokenizer, generation, context } = this.parts
    const started = performance.now()
    if (ids.length === 0) throw new WeftError({ where: 'prompt', what: 'the prompt is empty: there is nothing to continue' })
    this.check(ids.length)
    this.checkIds(ids)
    const { temperature = 0, topK, topP, minP, repeatPenalty } = { ...generation, ...defined(options) }
    const greedy = temperature === 0 && (repeatPenalty ?? 1) === 1
    const seed = greedy ? null : options.seed ?? Math.floor(Math.random() * 2 ** 32)
    const sampler = seed === null ? null : await createSampler(defined({ temperature, topK, topP, minP, repeatPenalty, seed }), this.parts.vocab)
    const most = Math.min(options.maxTokens ?? Infinity, context - ids.length)
    const stops = new Set(generation.stopIds)
    const filter = stopFilter(options.stop ?? [])
    const text = tokenizer.stream({ skipSpecial: true })

    const cached = this.reuse(ids)
    let next = await this.prefill(ids.subarray(cached), sampler, ids.length, options.signal)
    const prefilled = performance.now()
    const made: number[] = []
    let reason: StopReason | null = next === null ? 'aborted' : most <= 0 ? 'context' : null
    let burst = 1

    // `next` is chosen but not in the cache yet; every turn shows it and asks for what follows it.
    while (reason === null) {
      const pending = Uint32Array.of(next!)
      let shown = ''
      const fresh: number[] = []
      const take = (id: number): StopReason | null => {
        if (stops.has(id)) return 'stop'
        made.push(id)
        fresh.push(id)
        const { text: visible, stopped } = filter.push(text.push(id))
        shown += visible
        if (stopped) return 'stop'
        if (made.length >= most) return made.length >= (options.maxTokens ?? Infinity) ? 'length' : 'context'
        return options.signal?.aborted ? 'aborted' : null
      }
      reason = take(pending[0]!)
      if (shown || fresh.length > 0) yield { text: shown, ids: [...fresh] }
      if (reason !== null) break
      if (sampler === null) {
        const count = Math.max(1, Math.min(burst, most - made.length))
        const before = performance.now()
        const chosen = await this.device.greedy(this.parts.sequence, next!, this.length, count)
        const seconds = (performance.now() - before) / 1000
        this.tokens.push(next!)
        // All but the last chosen token are in the cache already: they are taken here, the last one by the next turn.
        shown = ''
        fresh.length = 0
        for (let i = 0; i + 1 < chosen.length && reason === null; i++) {
          reason = take(chosen[i]!)
          if (reason === null || made[made.length - 1] === chosen[i]) this.tokens.push(chosen[i]!)
        }
        if (shown || fresh.length > 0) yield { text: shown, ids: [...fresh] }
        next = chosen[chosen.length - 1]!
        burst = seconds < this.parts.burstSeconds / 2 ? Math.min(burst * 2, longestBurst) : seconds > this.parts.burstSeconds ? Math.max(1, burst >> 1) : burst
      } else {
        next = await this.sample(Uint32Array.of(next!), sampler, ids.length)
      }
    }
    // A character that never became whole is U+FFFD, as in decoded ids; after a stop text the filter swallows it.
    const tail = filter.push(text.end())
    const last = tail.stopped ? tail.text : tail.text + filter.end()
    const done = performance.now()
    yield { text: last, ids: [], done: { reason: reason, stats: this.figures({ seed, prompt: ids.length, cached, made: made.length, started, prefilled, done }) } }
  }

  /** Keeps what the cache already holds of these ids; at least the last id runs again, for its logits. */
  private reuse(ids: Uint32Array): number {
    let same = 0
    while (same < this.tokens.length && same < ids.length - 1 && this.tokens[same] === ids[same]) same++
    this.keep(same)
    return same
  }

  private async prefill(ids: Uint32Array, sampler: Sampler | null, promptLength: number, signal: AbortSignal | undefined): Promise<number | null> {
    const { executor, chunk } = this.parts
    const step = Math.min(chunk, executor.maxRows)
    for (let from = 0; from < ids.length; from += step) {
      if (signal?.aborted) return null
      const part = ids.subarray(from, from + step)
      if (from + step >= ids.length) return this.sample(part, sampler, promptLength)
      await this.device.run(this.batch(part, []), 'nothing')
      this.tokens.push(...part)
    }
    return null
  }

  /** Runs rows and chooses what follows the last of them. */
  private async sample(part: Uint32Array, sampler: Sampler | null, promptLength: number): Promise<number> {
    const { executor } = this.parts
    const batch = this.batch(part, [part.length - 1])
    this.tokens.push(...part)
    if (sampler === null) return (await this.device.run(batch, 'next')).next![0]!
    const position = this.length - 1
    const history = { ids: sampler.usesHistory ? this.tokens : [], promptLength }
    const out = await this.device.run(batch, executor.hasCandidates ? 'candidates' : 'logits')
    const few: Candidates | undefined = out.candidates?.[0]
    const fromFew = few ? sampler.fromCandidates(few.ids, few.logits, position, history) : null
    if (fromFew !== null) return fromFew
    // The kept set may reach beyond the candidates: all logits are read, and the same row gives the same draw.
    const logits = out.logits ?? (await this.device.run({ ...batch, tokens: part.subarray(-1), positions: [position], sequences: [this.parts.sequence], outputRows: [0] }, 'logits')).logits!
    return sampler.fromLogits(logits, position, history)
  }

  private batch(ids: Uint32Array, outputRows: readonly number[]): { tokens: Uint32Array; positions: Uint32Array; sequences: Uint32Array; outputRows: readonly number[] } {
    const first = this.length
    return { tokens: ids, positions: Uint32Array.from(ids, (_, i) => first + i), sequences: new Uint32Array(ids.length).fill(this.parts.sequence), outputRows }
  }

  private check(positions: number): void {
    const { context } = this.parts
    if (this.closed) throw new WeftError({ where: 'session', what: 'the session is closed' })
    if (positions > context) throw new WeftError({ where: 'context', what: 'the prompt does not fit the context', expected: `at most ${context} tokens`, got: String(positions) })
  }

  /** A tokenizer may have more tokens than the embedding has rows: kernels would take another's row. */
  private checkIds(ids: Uint32Array): void {
    const { vocab } = this.parts
    const bad = ids.find(id => id >= vocab)
    if (bad !== undefined) throw new WeftError({ where: 'prompt', what: `token id ${bad} is none of the model's`, expected: `ids below ${vocab}, the rows of its embedding` })
  }

  private figures(run: { readonly seed: number | null; readonly prompt: number; readonly cached: number; readonly made: number; readonly started: number; readonly prefilled: number; readonly done: number }): GenerateStats {
    const { executor } = this.parts
    const { seed, prompt, cached, made, started, prefilled, done } = run
    const [prefillSeconds, decodeSeconds] = [(prefilled - started) / 1000, (done - prefilled) / 1000]
    const steps = Math.max(0, made - 1)
    const bytes = steps * (executor.weightBytesPerToken + executor.cacheBytesPerPosition * (prompt + made / 2))
    return {
      seed, promptTokens: prompt, cachedTokens: cached, generatedTokens: made, prefillSeconds, decodeSeconds, firstTokenSeconds: prefillSeconds,
      prefillTokensPerSecond: (prompt - cached) / prefillSeconds,
      decodeTokensPerSecond: steps > 0 ? steps / decodeSeconds : 0,
      decodeGBps: steps > 0 ? bytes / decodeSeconds / 1e9 : 0,
    }
  }
}

const inUse = (): WeftError => new WeftError({ where: 'session', what: 'a session does one thing at a time', expected: 'the text before to have ended, or another session' })

/** An object without its undefined fields, so that they do not hide defaults. */
function defined<T extends object>(o: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> }
}
