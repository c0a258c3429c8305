/**
 * Locally typical sampling (Meister et al., 2022): keeps the tokens whose surprise is nearest to the entropy, up to a given mass, and all that
 * are as near as the last. Surprise rises along a list, so that they are a window of it, which is widened on its nearer side.
 */
import { keyAt } from './ranking'

/** How far the surprise of entry `i` is from the entropy. */
@inline
function distance(list: usize, i: u32, logTotal: f64, entropy: f64): f64 {
  return Math.abs(logTotal - keyAt(list, i) - entropy)
}

/** Leaves of the `n` entries of a list those that are kept, in their order; returns how many. */
export function keepTypical(list: usize, n: u32, most: f64): u32 {
  let total: f64 = 0
  for (let i: u32 = 0; i < n; i++) total += Math.exp(keyAt(list, i))
  const logTotal = Math.log(total)
  let entropy: f64 = 0
  for (let i: u32 = 0; i < n; i++) {
    const mass = Math.exp(keyAt(list, i)) / total
    // a mass of zero has a surprise without bound, and adds nothing
    if (mass > 0) entropy += mass * (logTotal - keyAt(list, i))
  }
  let to: u32 = 0
  while (to < n && logTotal - keyAt(list, to) < entropy) to++
  let from = to
  let sum: f64 = 0
  let farthest: f64 = 0
  while (sum < most && (from > 0 || to < n)) {
    const below = from > 0 && (to == n || distance(list, from - 1, logTotal, entropy) <= distance(list, to, logTotal, entropy))
    const i = below ? --from : to++
    farthest = distance(list, i, logTotal, entropy)
    sum += Math.exp(keyAt(list, i)) / total
  }
  while (from > 0 && distance(list, from - 1, logTotal, entropy) <= farthest) from--
  while (to < n && distance(list, to, logTotal, entropy) <= farthest) to++
  memory.copy(list, list + (<usize>from << 4), <usize>(to - from) << 4)
  return to - from
}
