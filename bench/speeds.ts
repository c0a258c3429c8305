/**
 * A model's speed from end to end: prefill and decode as the engine does them, greedy, on random ids, in tokens/s. Every test
 * runs unmeasured first, then several times. Decoding reads every weight for every token, so its limit is memory; a
 * prompt reads them once and computes two operations for each weight and token, so its limit is mostly arithmetic. Both
 * limits are the device's measured roof.
 */
import { WeftError } from '../graph/error.js'
import type { Roof } from '../codegen/roof.js'
import type { GenerateStats, Model, Session } from '../engine/types.js'
import { deviation, mean, median, randomIds } from './numbers.js'

export interface SpeedOptions {
  /** Lengths of prompts, numbers of tokens to decode, and positions that the cache holds before. */
  readonly prompts: readonly number[]
  readonly decodes: readonly number[]
  readonly depths: readonly number[]
  readonly runs: number
  /** Runs of each test before the measured ones; on a GPU as many more as fill half a second, unless there are none. */
  readonly warmup: number
}

export interface SpeedRow {
  readonly test: 'prefill' | 'decode'
  /** Tokens of the prompt, or decoded. */
  readonly tokens: number
  readonly depth: number
  readonly model: string
  readonly weights: string
  /** Tokens/s: mean, deviation and median of the measured runs, and each of them. */
  readonly mean: number
  readonly deviation: number
  readonly median: number
  readonly speeds: readonly number[]
  /** Bytes of weights and cache read for a decoded token, or for the whole prompt; operations for each token. */
  readonly bytes: number
  readonly flops: number
  readonly gbps: number
  readonly tflops: number
  /** Part of the device's limit, and which limit that is. */
  readonly share: number
  readonly roof: 'memory' | 'arithmetic'
  /** The same test by another program, in turn with this one. */
  readonly peer?: Peer
}

export interface Peer {
  readonly program: string
  readonly mean: number
  readonly deviation: number
  /** weft's mean over the peer's. */
  readonly ratio: number
}

/** How long a GPU works before it is timed. */
export const warmMilliseconds = 500

/** What one test of a model moves and computes. */
interface Sizes {
  /** Of all matrices but the embedding. */
  readonly weightBytes: number
  /** Of all matrices that every row is multiplied by, and of the head, which only rows that are asked for meet. */
  readonly parameters: number
  readonly headParameters: number
  readonly cacheBytesPerPosition: number
  readonly attentionFlopsPerPosition: number
}

/** The figures of one greedy generation of up to `count` tokens after `ids`. */
export async function generate(session: Session, ids: Uint32Array, count: number): Promise<GenerateStats> {
  for await (const { done } of session.generate(ids, { maxTokens: count, temperature: 0, repeatPenalty: 1 })) if (done) return done.stats
  throw new WeftError({ where: 'bench', what: 'the generation ended without its figures' })
}

function sizesOf({ source, config, compute }: Model): Sizes {
  let weightBytes = 0
  let parameters = 0
  const head = config.tiedHead ? 'model.embed_tokens.weight' : 'lm_head.weight'
  for (const t of source.tensors.values()) {
    if (t.shape.length < 2 || (t.name === 'model.embed_tokens.weight' && !config.tiedHead)) continue
    const elements = t.shape.reduce((n, d) => n * d, 1)
    if (t.name !== head) parameters += elements
    weightBytes += Object.values(t.ranges).reduce((n, r) => n + r.bytes, 0)
  }
  return {
    weightBytes, parameters, headParameters: config.vocab * config.hidden,
    cacheBytesPerPosition: 2 * config.layers * config.kvHeads * config.headDim * (compute === 'f16' ? 2 : 4),
    attentionFlopsPerPosition: 4 * config.layers * config.heads * config.headDim,
  }
}

/** The type that most of a model's weights have. */
export function weightsOf(model: Pick<Model, 'source'>): string {
  const bytes = new Map<string, number>()
  for (const t of model.source.tensors.values()) bytes.set(t.type, (bytes.get(t.type) ?? 0) + Object.values(t.ranges).reduce((n, r) => n + r.bytes, 0))
  return [...bytes].sort((a, b) => b[1] - a[1])[0]![0]
}

interface Test {
  readonly test: SpeedRow['test']
  readonly tokens: number
  readonly depth: number
  /** Does it once; tokens/s. */
  readonly measure: () => Promise<number>
}

/** The tests that options ask for, each on a session that others leave as it must be. */
export async function* speedsOf(model: Model, name: string, roof: Roof, options: SpeedOptions): AsyncGenerator<SpeedRow> {
  const session = model.session()
  try {
    for (const depth of options.depths) {
      for (const tokens of options.prompts) yield await row(model, name, roof, options, prefill(session, model.config.vocab, tokens, depth))
      for (const tokens of options.decodes) yield await row(model, name, roof, options, await decode(session, model.config.vocab, tokens, depth))
      session.truncate(0)
    }
  } finally {
    session.close()
  }
}

function prefill(session: Session, vocab: number, tokens: number, depth: number): Test {
  const ids = randomIds(depth + tokens, vocab, 1)
  return {
    test: 'prefill', tokens, depth,
    async measure() {
      // The positions before are there already from the second time on; of all a prompt's ids at least the last runs again.
      session.truncate(depth)
      if (session.length < depth) await session.logits(ids.subarray(session.length, depth), [])
      return (await generate(session, ids, 1)).prefillTokensPerSecond
    },
  }
}

/** A text that ends by itself before half of the tokens is replaced by another. */
async function decode(session: Session, vocab: number, tokens: number, depth: number): Promise<Test> {
  for (let seed = 1; seed <= 8; seed++) {
    const ids = randomIds(Math.max(1, depth), vocab, seed)
    session.truncate(0)
    if ((await generate(session, ids, Math.min(tokens + 1, 16))).generatedTokens < Math.min(tokens + 1, 16)) continue
    return {
      test: 'decode', tokens, depth,
      async measure() {
        session.truncate(ids.length)
        return (await generate(session, ids, tokens + 1)).decodeTokensPerSecond
      },
    }
  }
  throw new WeftError({ where: 'bench', what: 'the model ends every text within 16 tokens', expected: 'another -d, or --shape for a model whose texts do not end' })
}

async function row(model: Model, name: string, roof: Roof, { runs, warmup }: SpeedOptions, t: Test): Promise<SpeedRow> {
  // An idle GPU runs at a fifth of its speed: it is kept at work until its clocks are up.
  const until = performance.now() + (model.backend === 'wasm' || warmup === 0 ? 0 : warmMilliseconds)
  for (let i = 0; i < warmup || performance.now() < until; i++) await t.measure()
  const speeds: number[] = []
  for (let i = 0; i < runs; i++) speeds.push(await t.measure())
  const sizes = sizesOf(model)
  // On average a position attends to those before it: half of a prompt, or of what is decoded.
  const attended = t.depth + t.tokens / 2
  const decoding = t.test === 'decode'
  const bytes = sizes.weightBytes + sizes.cacheBytesPerPosition * (decoding ? attended : t.depth + t.tokens)
  const flops = 2 * (sizes.parameters + sizes.headParameters / (decoding ? 1 : t.tokens)) + sizes.attentionFlopsPerPosition * attended
  const middle = median(speeds)
  const seconds = (decoding ? 1 : t.tokens) / middle
  const memory = bytes / roof.gbps / 1e9
  // In f16 products may go to the matrix units, in f32 they do not.
  const arithmetic = (flops * (decoding ? 1 : t.tokens)) / ((model.compute === 'f16' ? roof.matrixGflops : null) ?? roof.gflops) / 1e9
  return {
    test: t.test, tokens: t.tokens, depth: t.depth, model: name, weights: weightsOf(model),
    mean: mean(speeds), deviation: deviation(speeds), median: middle, speeds,
    bytes, flops, gbps: bytes / seconds / 1e9, tflops: (flops * middle) / 1e12,
    share: Math.max(memory, arithmetic) / seconds, roof: memory >= arithmetic ? 'memory' : 'arithmetic',
  }
}
