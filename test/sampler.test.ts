/**
 * The sampler against what transformers' logits processors made of random logits, and against a plain implementation written after their
 * definitions, on thousands of random cases with many ties; candidates against all logits; the generator against its published vectors; the
 * distribution of the draws.
 */
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createSampler, type History, type SamplerOptions } from '../engine/sampler.js'
import { WeftError } from '../graph/error.js'

/** Philox4x32-10 in 64-bit integers. */
function philox(counter: readonly number[], key: readonly number[]): readonly number[] {
  let [c0, c1, c2, c3] = counter, [k0, k1] = key
  for (let round = 0; round < 10; round++) {
    const a = BigInt(c0) * 0xd2511f53n, b = BigInt(c2) * 0xcd9e8d57n
    const high = (x: bigint): number => Number(x >> 32n), low = (x: bigint): number => Number(x & 0xffffffffn)
    ;[c0, c1, c2, c3] = [(high(b) ^ c1 ^ k0) >>> 0, low(b), (high(a) ^ c3 ^ k1) >>> 0, low(a)]
    k0 = (k0 + 0x9e3779b9) >>> 0
    k1 = (k1 + 0xbb67ae85) >>> 0
  }
  return [c0, c1, c2, c3]
}

/** The logits after bias, penalties, temperature and filters, in that order; removed tokens are -Infinity. */
function process(logits: ArrayLike<number>, options: SamplerOptions, { ids, promptLength }: History): number[] {
  const { temperature = 0, topK = 0, topP = 1, minP = 0, typicalP = 1, repeatPenalty = 1, presencePenalty = 0, frequencyPenalty = 0 } = options
  const seen = Array.from(ids), generated = seen.slice(promptLength)
  let scores = Array.from(logits, (logit, id) => {
    let score = logit + (options.logitBias?.[id] ?? 0)
    if (seen.includes(id)) score = score < 0 ? score * repeatPenalty : score / repeatPenalty
    const times = generated.filter(other => other === id).length
    return times > 0 ? score - (frequencyPenalty * times + presencePenalty) : score
  })
  if (temperature === 0) return scores
  const most = Math.max(...scores)
  scores = scores.map(score => (score - most) / temperature)
  const keep = (kept: (score: number, id: number) => boolean): void => {
    scores = scores.map((score, id) => score > -Infinity && kept(score, id) ? score : -Infinity)
  }
  const masses = (): number[] => {
    const all = scores.map(Math.exp), total = all.reduce((sum, mass) => sum + mass, 0)
    return all.map(mass => mass / total)
  }
  if (topK > 0) {
    const last = [...scores].sort((a, b) => b - a)[Math.min(topK, scores.length) - 1]
    keep(score => score >= last)
  }
  if (topP < 1) {
    const mass = masses()
    const order = scores.map((_, id) => id).sort((a, b) => scores[b] - scores[a] || a - b)
    const kept = new Set<number>()
    let before = 0
    for (const id of order) {
      if (kept.size > 0 && before >= topP) break
      kept.add(id)
      before += mass[id]
    }
    keep((_, id) => kept.has(id))
  }
  if (minP > 0) {
    const mass = masses(), bound = minP * Math.max(...mass)
    // equal values must not part through rounding of their masses
    keep((score, id) => score === 0 || mass[id] >= bound)
  }
  if (typicalP < 1) {
    const mass = masses()
    const entropy = mass.reduce((sum, p) => p > 0 ? sum - p * Math.log(p) : sum, 0)
    const shifted = mass.map(p => Math.abs(-Math.log(p) - entropy))
    const order = scores.map((_, id) => id).sort((a, b) => shifted[a] - shifted[b])
    let sum = 0
    const last = order.find(id => (sum += mass[id]) >= typicalP) ?? order[order.length - 1]
    keep((_, id) => shifted[id] <= shifted[last] + 1e-12)
  }
  return scores
}

/** The draw: the largest sum of score and Gumbel noise. */
function draw(scores: readonly number[], { temperature = 0, seed = 0 }: SamplerOptions, position: number): number {
  const noisy = scores.map((score, id) => {
    if (temperature === 0 || score === -Infinity) return score
    const word = philox([position, id >> 2, 0, 0], [seed % 2 ** 32, Math.floor(seed / 2 ** 32)])[id & 3]
    return score - Math.log(-Math.log((word + 0.5) / 2 ** 32))
  })
  return noisy.indexOf(Math.max(...noisy))
}

/** The `count` best, as a device would hand them over. */
function candidates(logits: Float32Array, count: number): { readonly ids: Uint32Array, readonly best: Float32Array } {
  const ids = Uint32Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a]).slice(0, count)
  return { ids, best: Float32Array.from(ids, id => logits[id]) }
}

/** Repeatable random numbers. */
function generator(seed: number): (below: number) => number {
  let at = 0
  return below => philox([at++, 0, 0, 0], [seed, 0])[0] / 2 ** 32 * below
}

const none: History = { ids: [], promptLength: 0 }
const hex = (words: readonly number[]): string => words.map(word => word.toString(16).padStart(8, '0')).join(' ')

test('Philox gives the vectors of its authors', () => {
  assert.is(hex(philox([0, 0, 0, 0], [0, 0])), '6627e8d5 e169c58d bc57ac4c 9b00dbd8')
  const ones = 0xffffffff
  assert.is(hex(philox([ones, ones, ones, ones], [ones, ones])), '408f276d 41c83b0e a20bc7c6 6d5451fd')
  assert.is(hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])), 'd16cfe09 94fdcceb 5001e420 24126ea1')
})

/** Each option alone and together with others, and the vocabulary and logits that bring out its edges. */
const settings: readonly (readonly [string, (random: (below: number) => number) => SamplerOptions])[] = [
  ['greedy', () => ({})],
  ['temperature', random => ({ temperature: 0.1 + random(2) })],
  ['top-k', random => ({ temperature: 1, topK: 1 + Math.floor(random(40)) })],
  ['top-p', random => ({ temperature: 0.5 + random(1), topP: random(1) })],
  ['min-p', random => ({ temperature: 0.5 + random(1), minP: random(0.5) })],
  ['typical', random => ({ temperature: 0.5 + random(1), typicalP: 0.05 + random(0.95) })],
  ['top-k and typical', random => ({ temperature: 0.5 + random(1), topK: 1 + Math.floor(random(30)), typicalP: 0.05 + random(0.95) })],
  ['min-p and typical', random => ({ temperature: 0.5 + random(1), minP: random(0.3), typicalP: 0.05 + random(0.95) })],
  ['repetition', random => ({ repeatPenalty: 0.5 + random(1.5) })],
  ['presence and frequency', random => ({ presencePenalty: random(4) - 2, frequencyPenalty: random(2) - 1 })],
  ['logit bias', random => ({ logitBias: { [Math.floor(random(20))]: random(20) - 10, [20 + Math.floor(random(20))]: random(4) } })],
  ['as chat models advise', random => ({ temperature: 0.7, topK: 20, topP: 0.8, repeatPenalty: 1 + random(0.2) })],
  ['everything', random => ({
    temperature: 0.3 + random(2), topK: 1 + Math.floor(random(30)), topP: 0.3 + random(0.7), minP: random(0.1), typicalP: 0.2 + random(0.8),
    repeatPenalty: 0.8 + random(0.6), presencePenalty: random(2) - 1, frequencyPenalty: random(1) - 0.5,
    logitBias: { [Math.floor(random(40))]: random(6) - 3 },
  })],
]

for (const [number, [name, make]] of settings.entries()) {
  test(`as the plain implementation, and the same from candidates: ${name}`, async () => {
    const random = generator(number)
    let fromCandidates = 0
    for (let set = 0; set < 20; set++) {
      const vocab = 40 + Math.floor(random(200))
      const options = { ...make(random), seed: Math.floor(random(2 ** 50)) }
      const sampler = await createSampler(options, vocab)
      for (let i = 0; i < 15; i++) {
        // steps of 1/4 make ties; a wide spread makes the best stand out
        const spread = 2 + random(20), fine = random(1) < 0.5
        const logits = Float32Array.from({ length: vocab }, () => fine ? (random(1) - 0.5) * spread : Math.round((random(1) - 0.5) * spread * 4) / 4)
        const ids = Array.from({ length: Math.floor(random(30)) }, () => Math.floor(random(random(1) < 0.5 ? 20 : vocab)))
        const history = { ids, promptLength: Math.floor(random(ids.length)) }
        const position = Math.floor(random(2 ** 20))
        const where = JSON.stringify({ options, vocab, position })
        const token = sampler.fromLogits(logits, position, history)
        assert.is(token, draw(process(logits, options, history), options, position), where)
        const { ids: listed, best } = candidates(logits, random(1) < 0.2 ? vocab : 8 + Math.floor(random(32)))
        const short = sampler.fromCandidates(listed, best, position, history)
        if (short === null) continue
        fromCandidates++
        assert.is(short, token, where)
      }
    }
    // typical and top-p without top-k need all logits; everything else must often do without
    const never = ['temperature', 'top-p', 'typical'].includes(name)
    assert.ok(never ? fromCandidates === 0 : fromCandidates > 60, `${fromCandidates} of 300 from candidates`)
  })
}

interface ProcessedCase { readonly options: SamplerOptions, readonly logits: readonly number[], readonly ids: readonly number[], readonly kept: readonly (readonly [number, number])[] }

test('as transformers: the tokens kept, their scores and the order of the processors', async () => {
  const file = new URL('../../test/fixtures/sampler/transformers.json', import.meta.url)
  const cases = JSON.parse(readFileSync(file, 'utf8')) as readonly ProcessedCase[]
  for (const { options, logits, ids, kept } of cases) {
    const vocab = logits.length, history = { ids, promptLength: ids.length }, all = Float32Array.from(logits)
    const sampler = await createSampler({ ...options, seed: 9 }, vocab)
    const scores = new Array<number>(vocab).fill(-Infinity)
    for (const [id, score] of kept) scores[id] = score
    const { ids: listed, best } = candidates(all, 32)
    // enough draws that a token of small mass is met, and one that should be gone
    for (let position = 0; position < 600; position++) {
      const where = JSON.stringify({ options, position })
      const token = draw(scores, { temperature: 1, seed: 9 }, position)
      assert.is(sampler.fromLogits(all, position, history), token, where)
      const short = sampler.fromCandidates(listed, best, position, history)
      if (short !== null) assert.is(short, token, where)
    }
    assert.ok(process(all, options, history).every((score, id) => (score > -Infinity) === (scores[id]! > -Infinity)), JSON.stringify(options))
  }
})

test('draws follow the softmax', async () => {
  const logits = Float32Array.of(2, 1, 0, -1, -3, 0.5)
  const draws = 40000
  for (const temperature of [0.7, 1, 1.5]) {
    const sampler = await createSampler({ temperature, seed: 42 }, logits.length)
    const counts = new Array<number>(logits.length).fill(0)
    for (let position = 0; position < draws; position++) counts[sampler.fromLogits(logits, position, none)]++
    const masses = Array.from(logits, logit => Math.exp(logit / temperature)), total = masses.reduce((a, b) => a + b)
    for (const [id, mass] of masses.entries()) {
      const share = mass / total
      assert.ok(Math.abs(counts[id] - share * draws) < 4.5 * Math.sqrt(share * (1 - share) * draws), `token ${id} at ${temperature}: ${counts[id]}`)
    }
  }
})

test('the draw depends on seed and position, and is repeatable', async () => {
  const logits = new Float32Array(1000)
  const tokens = async (seed: number): Promise<number[]> => {
    const sampler = await createSampler({ temperature: 1, seed }, logits.length)
    return Array.from({ length: 20 }, (_, position) => sampler.fromLogits(logits, position, none))
  }
  const first = await tokens(1)
  assert.equal(await tokens(1), first)
  assert.not.equal(await tokens(2), first)
  assert.not.equal(await tokens(1 + 2 ** 32), first)
  assert.ok(new Set(first).size > 15)
})

test('a vocabulary of the usual size, and the 256 best', async () => {
  const random = generator(99), vocab = 151936
  const logits = Float32Array.from({ length: vocab }, () => (random(1) + random(1) + random(1) - 1.5) * 8)
  const { ids, best } = candidates(logits, 256)
  for (const options of [{ topK: 20, topP: 0.8 }, { topP: 0.9 }, { topP: 0.999 }, { minP: 0.2 }, { typicalP: 0.9 }, {}] satisfies SamplerOptions[]) {
    const all = { temperature: 0.8, seed: 5, ...options }
    const sampler = await createSampler(all, vocab)
    const token = sampler.fromLogits(logits, 3, none)
    const short = sampler.fromCandidates(ids, best, 3, none)
    if (short !== null) assert.is(short, token)
    assert.ok(token >= 0 && token < vocab)
  }
})

test('a tie with the last candidate needs all logits', async () => {
  const sampler = await createSampler({ temperature: 1, topK: 2 }, 10)
  assert.is(sampler.fromCandidates(Uint32Array.of(4, 5), Float32Array.of(2, 1), 0, none), null)
  assert.is.not(sampler.fromCandidates(Uint32Array.of(4, 5, 6), Float32Array.of(2, 1, 0.5), 0, none), null)
})

const throwing = async (run: () => unknown): Promise<WeftError> => {
  try {
    await run()
  } catch (cause) {
    if (cause instanceof WeftError) return cause
    throw cause
  }
  throw new Error('no error was thrown')
}

const wrong: readonly (readonly [SamplerOptions, RegExp])[] = [
  [{ temperature: -1 }, /temperature: expected a number of 0 or more, got -1/],
  [{ temperature: NaN }, /temperature/], [{ topK: 1.5 }, /topK: expected an integer/], [{ topP: 1.1 }, /topP/], [{ minP: -0.1 }, /minP/],
  [{ typicalP: 0 }, /typicalP/], [{ repeatPenalty: 0 }, /repeatPenalty/], [{ frequencyPenalty: Infinity }, /frequencyPenalty/],
  [{ seed: -1 }, /seed/], [{ logitBias: { 10: 1 } }, /logitBias of token 10/], [{ logitBias: { 1: NaN } }, /logitBias of token 1/],
]
for (const [options, expected] of wrong) {
  test(`wrong option: ${JSON.stringify(options)}`, async () => {
    const { message, exitCode } = await throwing(() => createSampler(options, 10))
    assert.match(message, expected)
    assert.is(exitCode, 2)
  })
}

test('logits that are not finite name the position', async () => {
  const sampler = await createSampler({}, 4)
  for (const bad of [NaN, Infinity, -Infinity]) {
    assert.match((await throwing(() => sampler.fromLogits(Float32Array.of(1, 2, bad, 0), 17, none))).message, /position 17 are not finite: token 2/)
    assert.match((await throwing(() => sampler.fromCandidates(Uint32Array.of(3, 1), Float32Array.of(1, bad), 17, none))).message, /position 17/)
  }
  assert.is(sampler.fromLogits(Float32Array.of(1, 2, 2, 0), 18, none), 1)
})

test('malformed candidates', async () => {
  const sampler = await createSampler({}, 4)
  for (const [ids, logits] of [[[1, 1], [2, 1]], [[1, 4], [2, 1]], [[1, 2], [1, 2]], [[], []], [[1], [2, 1]]]) {
    assert.match((await throwing(() => sampler.fromCandidates(Uint32Array.from(ids), Float32Array.from(logits), 5, none))).message, /candidates at position 5/)
  }
  assert.match((await throwing(() => sampler.fromLogits(new Float32Array(3), 5, none))).message, /logits at position 5: expected 4, got 3/)
})

test.run()
