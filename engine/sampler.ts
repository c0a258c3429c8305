/**
 * Chooses the next token from logits; the arithmetic is `assembly/sampler.ts`. The choice depends only on logits, options, seed, position
 * and history. It can be made from the best candidates alone wherever the kept set surely lies among them, so that a device
 * need not hand over all logits; where it might not, `fromCandidates` returns null, and `fromLogits` gives the token.
 */
import { WeftError } from '../graph/error.js'
import { instantiateAssembly } from './assembly.js'

export interface SamplerOptions {
  /** 0 (default) is greedy: the token of the largest logit, the lowest id among equals. */
  readonly temperature?: number
  /** Keep the k best tokens and those equal to the last of them; 0 (default) keeps all. */
  readonly topK?: number
  /** Keep the best tokens up to this mass, with the one that crosses it; 1 (default) keeps all. */
  readonly topP?: number
  /** Keep tokens of at least this share of the best one's probability; 0 (default) keeps all. */
  readonly minP?: number
  /** Keep the tokens nearest to the expected surprise up to this mass (locally typical sampling); 1 (default) keeps all. */
  readonly typicalP?: number
  /** Divides positive and multiplies negative logits of tokens in the history, prompt and all; 1 (default) changes nothing. */
  readonly repeatPenalty?: number
  /** Subtracted once from tokens generated before; default 0. */
  readonly presencePenalty?: number
  /** Subtracted for each time a token was generated before; default 0. */
  readonly frequencyPenalty?: number
  /** Added to the logits of these ids, before the penalties. */
  readonly logitBias?: Readonly<Record<number, number>>
  /** Default 0. */
  readonly seed?: number
}

/** The tokens so far; the first `promptLength` were given, the others generated. */
export interface History {
  readonly ids: ArrayLike<number>
  readonly promptLength: number
}

export interface Sampler {
  /** Whether the history is looked at; where not, it may be empty. */
  readonly usesHistory: boolean
  /**
   * The token at `position` from the best candidates of the logits as the model gave them: `ids` and `logits` [candidates], in falling
   * order. Null where the kept set might reach beyond them. Throws WeftError naming the position for logits that are not finite.
   */
  fromCandidates(ids: Uint32Array, logits: Float32Array, position: number, history: History): number | null
  /** The token at `position` from all logits [vocab]. Throws WeftError naming the position for logits that are not finite. */
  fromLogits(logits: Float32Array, position: number, history: History): number
}

interface Module {
  readonly memory: { readonly buffer: ArrayBuffer }
  createSampler(vocab: number): void
  configure(
    temperature: number, topK: number, topP: number, minP: number, typicalP: number,
    repeat: number, presence: number, frequency: number, seedLow: number, seedHigh: number,
  ): void
  addBias(id: number, value: number): void
  logitsBuffer(): number
  candidatesBuffer(): number
  historyBuffer(length: number): number
  fromLogits(position: number, length: number, promptLength: number): number
  fromCandidates(candidates: number, position: number, length: number, promptLength: number): number
}

/** Results of the module that are not tokens. */
const NEEDS_ALL = -1, NOT_FINITE = -2, BAD_CANDIDATES = -3

/** Tokens of the largest vocabulary that is accepted. */
const MAX_VOCAB = 1 << 22

const everyNumber = (value: number): boolean => Number.isFinite(value)
const share = (value: number): boolean => value >= 0 && value <= 1
const within = (bound: number) => (value: number): boolean => Math.abs(value) <= bound

/** For each number among the options: what turns it off, what is allowed, and that in words. */
const rules = {
  temperature: [0, value => everyNumber(value) && value >= 0, 'a number of 0 or more'],
  topK: [0, value => Number.isSafeInteger(value) && value >= 0, 'an integer of 0 or more'],
  topP: [1, share, 'a number from 0 to 1'],
  minP: [0, share, 'a number from 0 to 1'],
  typicalP: [1, value => share(value) && value > 0, 'a number above 0, up to 1'],
  repeatPenalty: [1, value => value >= 0.01 && value <= 100, 'a number from 0.01 to 100'],
  presencePenalty: [0, within(1000), 'a number from -1000 to 1000'],
  frequencyPenalty: [0, within(1000), 'a number from -1000 to 1000'],
  seed: [0, value => Number.isSafeInteger(value) && value >= 0, 'an integer from 0 to 2^53 - 1'],
} satisfies Readonly<Record<string, readonly [number, (value: number) => boolean, string]>>

type NumberOption = keyof typeof rules

function option(options: SamplerOptions, name: NumberOption): number {
  const [otherwise, allowed, expected] = rules[name]
  const value = options[name] ?? otherwise
  if (typeof value === 'number' && allowed(value)) return value
  throw new WeftError({ where: 'sampler', what: name, expected, got: String(value), exitCode: 2 })
}

/** Throws a WeftError (exit code 2) that names the number out of its range. */
export function checkSamplerOptions(options: SamplerOptions): void {
  for (const name of Object.keys(rules) as NumberOption[]) option(options, name)
}

/** A sampler for logits of `vocab` tokens. Throws WeftError (exit code 2) for an option out of its range. */
export async function createSampler(options: SamplerOptions, vocab: number): Promise<Sampler> {
  if (!Number.isInteger(vocab) || vocab < 1 || vocab > MAX_VOCAB) {
    throw new WeftError({ where: 'sampler', what: 'vocabulary size', expected: `an integer from 1 to ${MAX_VOCAB}`, got: String(vocab) })
  }
  const value = (name: NumberOption): number => option(options, name)
  const repeat = value('repeatPenalty'), presence = value('presencePenalty'), frequency = value('frequencyPenalty'), seed = value('seed')
  const module = await instantiateAssembly({ flush: () => undefined, normalize: () => 0 }) as Module
  module.createSampler(vocab)
  module.configure(
    value('temperature'), Math.min(value('topK'), vocab), value('topP'), value('minP'), value('typicalP'),
    repeat, presence, frequency, seed >>> 0, Math.floor(seed / 2 ** 32),
  )
  for (const [id, bias] of Object.entries(options.logitBias ?? {})) {
    const token = Number(id)
    if (!Number.isInteger(token) || token < 0 || token >= vocab || !within(1e6)(bias)) {
      throw new WeftError({ where: 'sampler', what: `logitBias of token ${id}`, expected: `an id below ${vocab} and a number from -1000000 to 1000000`, got: String(bias), exitCode: 2 })
    }
    module.addBias(token, bias)
  }
  return new CompiledSampler(module, vocab, repeat !== 1 || presence !== 0 || frequency !== 0)
}

class CompiledSampler implements Sampler {
  constructor(private readonly module: Module, private readonly vocab: number, readonly usesHistory: boolean) {}

  fromCandidates(ids: Uint32Array, logits: Float32Array, position: number, history: History): number | null {
    const { module, vocab } = this
    if (ids.length !== logits.length || ids.length < 1 || ids.length > vocab) {
      throw new WeftError({ where: 'sampler', what: `candidates at position ${position}`, expected: `1 to ${vocab} ids with as many logits`, got: `${ids.length} ids, ${logits.length} logits` })
    }
    const length = this.writeHistory(history)
    new Uint32Array(module.memory.buffer, module.candidatesBuffer(), ids.length).set(ids)
    new Float32Array(module.memory.buffer, module.logitsBuffer(), logits.length).set(logits)
    const result = module.fromCandidates(ids.length, position, length, history.promptLength)
    return result === NEEDS_ALL ? null : this.token(result, logits, position, ids)
  }

  fromLogits(logits: Float32Array, position: number, history: History): number {
    const { module, vocab } = this
    if (logits.length !== vocab) {
      throw new WeftError({ where: 'sampler', what: `logits at position ${position}`, expected: `${vocab}`, got: `${logits.length}` })
    }
    const length = this.writeHistory(history)
    new Float32Array(module.memory.buffer, module.logitsBuffer(), vocab).set(logits)
    return this.token(module.fromLogits(position, length, history.promptLength), logits, position, null)
  }

  private token(result: number, logits: Float32Array, position: number, ids: Uint32Array | null): number {
    if (result === NOT_FINITE) {
      const at = logits.findIndex(logit => !Number.isFinite(logit))
      throw new WeftError({ where: 'sampler', what: `logits at position ${position} are not finite: token ${ids === null ? at : ids[at]}`, expected: 'a finite number', got: String(logits[at]) })
    }
    if (result === BAD_CANDIDATES) {
      throw new WeftError({ where: 'sampler', what: `candidates at position ${position}`, expected: `distinct ids below ${this.vocab}, logits in falling order` })
    }
    return result
  }

  /** Hands the history over; returns its length, 0 where nothing looks at it. */
  private writeHistory({ ids }: History): number {
    if (!this.usesHistory) return 0
    const at = this.module.historyBuffer(ids.length) >>> 0
    if (at === 0) throw new WeftError({ where: 'sampler', what: `a history of ${ids.length} tokens does not fit memory` })
    new Uint32Array(this.module.memory.buffer, at, ids.length).set(ids)
    return ids.length
  }
}
