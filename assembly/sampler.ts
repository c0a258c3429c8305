/**
 * One token from logits. First what changes logits, in transformers' order: logit bias, repetition penalty, then presence and frequency
 * penalties; temperature; then what keeps a set: top-k, top-p, min-p, typical (`typical.ts`). Last the draw (`draw.ts`), which depends on
 * the kept set only, and not on where the logits came from: so the best candidates can stand for all logits wherever the kept set surely
 * lies among them, and `fromCandidates` says when it might not.
 * Everything after the float32 logits is float64.
 */
import { drawFromList, drawFromValues, keyNoise } from './draw'
import { allocate, ensure, workspace } from './memory'
import { idAt, keyAt, largest, put, sort } from './ranking'
import { keepTypical } from './typical'

/** Results that are not a token. */
const NEEDS_ALL: i32 = -1
const NOT_FINITE: i32 = -2
const BAD_CANDIDATES: i32 = -3

/** Of a token's count: it is in the history; it is among the candidates; below that, how often it was generated. */
const SEEN: u32 = 0x80000000
const LISTED: u32 = 0x40000000
const TIMES: u32 = 0x3fffffff

let vocab: u32 = 0
let logits: usize = 0
let candidateIds: usize = 0
let counts: usize = 0
let bias: usize = 0
let biasedIds: usize = 0
let biased: u32 = 0
let values: usize = 0
let list: usize = 0
let spare: usize = 0
const BINS: u32 = 1024
let bins: usize = 0

let temperature: f64 = 0
let topK: u32 = 0
let topP: f64 = 1
let logMinP: f64 = 0
let typicalP: f64 = 1
let repeatPenalty: f64 = 1
let presencePenalty: f64 = 0
let frequencyPenalty: f64 = 0

export function createSampler(tokens: u32): void {
  vocab = tokens
  logits = allocate(<usize>tokens * 4)
  candidateIds = allocate(<usize>tokens * 4)
  counts = allocate(<usize>tokens * 4)
  bias = allocate(<usize>tokens * 8)
  biasedIds = allocate(<usize>tokens * 4)
  values = allocate(<usize>tokens * 8)
  list = allocate(<usize>tokens * 16)
  spare = allocate(<usize>tokens * 16)
  bins = allocate(<usize>BINS * 8)
}

/** `k` 0, `p` 1, `minimum` 0, `typical` 1, `repeat` 1, the others 0: off. */
export function configure(
  t: f64, k: u32, p: f64, minimum: f64, typical: f64, repeat: f64, presence: f64, frequency: f64, low: u32, high: u32,
): void {
  temperature = t
  topK = k < vocab ? k : 0
  topP = p
  logMinP = Math.log(minimum)
  typicalP = typical
  repeatPenalty = repeat
  presencePenalty = presence
  frequencyPenalty = frequency
  keyNoise(low, high)
}

/** Adds `value` to the token's logit; once for each token. */
export function addBias(id: u32, value: f64): void {
  store<f64>(bias + (<usize>id << 3), value)
  store<u32>(biasedIds + (<usize>biased << 2), id)
  biased++
}

export function logitsBuffer(): usize {
  return logits
}

export function candidatesBuffer(): usize {
  return candidateIds
}

/** Room for a history of `length` ids; 0 where memory is out. */
export function historyBuffer(length: u32): usize {
  return ensure(workspace() + (<usize>length << 2)) ? workspace() : 0
}

function countHistory(length: u32, promptLength: u32): void {
  const history = workspace()
  for (let i: u32 = 0; i < length; i++) {
    const id = load<u32>(history + (<usize>i << 2))
    if (id >= vocab) continue
    const at = counts + (<usize>id << 2)
    store<u32>(at, (load<u32>(at) | SEEN) + (i >= promptLength ? 1 : 0))
  }
}

function forgetHistory(length: u32): void {
  const history = workspace()
  for (let i: u32 = 0; i < length; i++) {
    const id = load<u32>(history + (<usize>i << 2))
    if (id < vocab) store<u32>(counts + (<usize>id << 2), 0)
  }
}

/** The token's logit after bias and penalties; rises with `logit`. */
function penalized(id: u32, logit: f64): f64 {
  const count = load<u32>(counts + (<usize>id << 2))
  let value = logit + load<f64>(bias + (<usize>id << 3))
  if (count & SEEN) {
    value = value < 0 ? value * repeatPenalty : value / repeatPenalty
    const times = count & TIMES
    if (times) value -= frequencyPenalty * <f64>times + presencePenalty
  }
  return value
}

@inline
function isFinite32(at: usize): bool {
  return (load<u32>(at) & 0x7f800000) != 0x7f800000
}

/** A token from all `vocab` logits in the buffer, and `length` ids of history of which the first `promptLength` were not generated. */
export function fromLogits(position: u32, length: u32, promptLength: u32): i32 {
  for (let i: u32 = 0; i < vocab; i++) if (!isFinite32(logits + (<usize>i << 2))) return NOT_FINITE
  countHistory(length, promptLength)
  let best: u32 = 0
  let most: f64 = -Infinity
  for (let i: u32 = 0; i < vocab; i++) {
    const value = penalized(i, <f64>load<f32>(logits + (<usize>i << 2)))
    store<f64>(values + (<usize>i << 3), value)
    if (value > most) {
      most = value
      best = i
    }
  }
  forgetHistory(length)
  if (temperature == 0) return best
  for (let i: u32 = 0; i < vocab; i++) {
    const at = values + (<usize>i << 3)
    store<f64>(at, (load<f64>(at) - most) / temperature)
  }
  if (topK) return finish(gather(largest(values, vocab, topK, spare)), position, 0)
  if (topP < 1) {
    const total = binMasses()
    return finish(gather(nucleusBound(total)), position, total)
  }
  if (logMinP > -Infinity) return finish(gather(logMinP), position, 0)
  if (typicalP < 1) return finish(gather(-Infinity), position, 0)
  return drawFromValues(values, vocab, position)
}

/** Lists the tokens whose value is at least `bound`; returns how many. */
function gather(bound: f64): u32 {
  let n: u32 = 0
  for (let i: u32 = 0; i < vocab; i++) {
    const value = load<f64>(values + (<usize>i << 3))
    if (value >= bound) put(list, n++, value, i)
  }
  return n
}

@inline
function binOf(value: f64): u32 {
  return <u32>Math.min(-value * 32, <f64>(BINS - 1))
}

/** Sorts the mass of all tokens into bins by value; returns the whole mass. */
function binMasses(): f64 {
  memory.fill(bins, 0, <usize>BINS * 8)
  let total: f64 = 0
  for (let i: u32 = 0; i < vocab; i++) {
    const value = load<f64>(values + (<usize>i << 3))
    const mass = Math.exp(value)
    const at = bins + (<usize>binOf(value) << 3)
    store<f64>(at, load<f64>(at) + mass)
    total += mass
  }
  return total
}

/** A value above which the tokens surely hold the nucleus, so that only those need sorting. */
function nucleusBound(total: f64): f64 {
  const wanted = topP * total * (1 + 1e-9)
  let sum: f64 = 0
  for (let bin: u32 = 0; bin < BINS - 1; bin++) {
    sum += load<f64>(bins + (<usize>bin << 3))
    if (sum >= wanted) return -<f64>(bin + 1) / 32
  }
  return -Infinity
}

/** A token from `n` candidates: ids, and logits in falling order. NEEDS_ALL where the kept set might reach beyond them. */
export function fromCandidates(n: u32, position: u32, length: u32, promptLength: u32): i32 {
  for (let i: u32 = 0; i < n; i++) {
    const at = logits + (<usize>i << 2)
    if (!isFinite32(at)) return NOT_FINITE
    if (load<u32>(candidateIds + (<usize>i << 2)) >= vocab || (i && load<f32>(at) > load<f32>(at - 4))) return BAD_CANDIDATES
  }
  countHistory(length, promptLength)
  let valid = true
  for (let i: u32 = 0; i < n; i++) {
    const id = load<u32>(candidateIds + (<usize>i << 2))
    const at = counts + (<usize>id << 2)
    if (load<u32>(at) & LISTED) valid = false
    put(list, i, penalized(id, <f64>load<f32>(logits + (<usize>i << 2))), id)
    store<u32>(at, load<u32>(at) | LISTED)
  }
  const bound = n < vocab ? unlistedBound(length, <f64>load<f32>(logits + (<usize>(n - 1) << 2))) : -Infinity
  for (let i: u32 = 0; i < n; i++) store<u32>(counts + (<usize>load<u32>(candidateIds + (<usize>i << 2)) << 2), 0)
  forgetHistory(length)
  if (!valid) return BAD_CANDIDATES

  sort(list, n, spare)
  const most = keyAt(list, 0)
  if (most <= bound) return NEEDS_ALL
  if (temperature == 0) return idAt(list, 0)
  for (let i: u32 = 0; i < n; i++) put(list, i, (keyAt(list, i) - most) / temperature, idAt(list, i))
  const beyond = (bound - most) / temperature

  let least: f64 = logMinP
  if (topK) {
    if (topK > n) return NEEDS_ALL
    least = keyAt(list, topK - 1)
  } else if (topP < 1 || logMinP == -Infinity) return NEEDS_ALL
  if (least <= beyond) return NEEDS_ALL
  let kept: u32 = 0
  while (kept < n && keyAt(list, kept) >= least) kept++
  return finish(kept, position, 0)
}

/** No token that is not listed can have a penalized logit above this; `last` is the least logit listed. */
function unlistedBound(length: u32, last: f64): f64 {
  const history = workspace()
  let bound = last
  for (let i: u32 = 0; i < length; i++) {
    const id = load<u32>(history + (<usize>i << 2))
    if (id < vocab && !(load<u32>(counts + (<usize>id << 2)) & LISTED)) bound = Math.max(bound, penalized(id, last))
  }
  for (let i: u32 = 0; i < biased; i++) {
    const id = load<u32>(biasedIds + (<usize>i << 2))
    if (!(load<u32>(counts + (<usize>id << 2)) & LISTED)) bound = Math.max(bound, penalized(id, last))
  }
  return bound
}

/** Top-p, min-p and typical over the `n` listed tokens, and the draw. `total` is the mass top-p is a share of, 0 for that of the list. */
function finish(n: u32, position: u32, total: f64): i32 {
  sort(list, n, spare)
  if (topP < 1) {
    if (total == 0) for (let i: u32 = 0; i < n; i++) total += Math.exp(keyAt(list, i))
    let before = Math.exp(keyAt(list, 0))
    let kept: u32 = 1
    // the token that crosses the threshold stays
    while (kept < n && before / total < topP) before += Math.exp(keyAt(list, kept++))
    n = kept
  }
  while (n > 1 && keyAt(list, n - 1) < logMinP) n--
  if (typicalP < 1) n = keepTypical(list, n, typicalP)
  return drawFromList(list, n, position)
}
