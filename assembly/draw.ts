/**
 * The draw. Every token gets Gumbel noise from Philox keyed by the seed, with position and token as counter, and the largest sum of value
 * and noise wins. That is a draw from the softmax of the values, and it depends on them only: not on their order, and not on sums.
 */
import { philox, philoxWord } from './philox'
import { idAt, keyAt } from './ranking'

/** Gumbel noise of 32 random bits lies between these. */
const LEAST_NOISE: f64 = -3.2
const MOST_NOISE: f64 = 22.9

let keyLow: u32 = 0
let keyHigh: u32 = 0

/** Sets the seed of all noise from here on. */
export function keyNoise(low: u32, high: u32): void {
  keyLow = low
  keyHigh = high
}

let noiseGroup: u32 = 0xffffffff

/** The Gumbel noise of a token; `noiseGroup` is the group of four whose words are at hand. */
function noise(position: u32, id: u32): f64 {
  if (id >> 2 != noiseGroup) {
    noiseGroup = id >> 2
    philox(position, noiseGroup, keyLow, keyHigh)
  }
  const uniform = (<f64>philoxWord(id & 3) + 0.5) / 4294967296.0
  return -Math.log(-Math.log(uniform))
}

/** The draw from the `n` entries of a list; the lowest id among equals. */
export function drawFromList(list: usize, n: u32, position: u32): i32 {
  noiseGroup = 0xffffffff
  let best: u32 = idAt(list, 0)
  let most: f64 = -Infinity
  for (let i: u32 = 0; i < n; i++) {
    const id = idAt(list, i)
    const score = keyAt(list, i) + noise(position, id)
    if (score > most || (score == most && id < best)) {
      most = score
      best = id
    }
  }
  return best
}

/** The draw from `tokens` values (f64). A token too far below the best so far for any noise to lift it gets none. */
export function drawFromValues(values: usize, tokens: u32, position: u32): i32 {
  noiseGroup = 0xffffffff
  let best: u32 = 0
  let most: f64 = LEAST_NOISE
  for (let i: u32 = 0; i < tokens; i++) {
    const value = load<f64>(values + (<usize>i << 3))
    if (value + MOST_NOISE < most) continue
    const score = value + noise(position, i)
    if (score > most) {
      most = score
      best = i
    }
  }
  return best
}
