/**
 * A plan's launches as loops. A launch is a kernel and a record of where its arguments lie, and layers launch the same
 * kernels with other records: so a layer is a turn of a loop over data, which one kernel can walk instead of unrolling
 * it, and a plan of thirty-six layers prints as one.
 */
import type { Launch } from './plan.js'

/** `times` turns of `length` launches from index `first`; once, where nothing repeats. */
export interface LaunchLoop {
  readonly first: number
  readonly length: number
  readonly times: number
}

/** Covers all launches, in order; of the loops that begin at a launch the one that covers most is taken. */
export function loopsOf(launches: readonly Launch[]): readonly LaunchLoop[] {
  const loops: LaunchLoop[] = []
  for (let first = 0; first < launches.length;) {
    let best: LaunchLoop = { first, length: 1, times: 1 }
    for (let length = 1; first + 2 * length <= launches.length; length++) {
      const times = turns(launches, first, length)
      if (times > 1 && times * length > best.times * best.length) best = { first, length, times }
    }
    const before = loops.at(-1)
    if (best.times === 1 && before?.times === 1) loops[loops.length - 1] = { ...before, length: before.length + 1 }
    else loops.push(best)
    first += best.length * best.times
  }
  return loops
}

/** How often the `length` kernels from `first` follow each other. */
function turns(launches: readonly Launch[], first: number, length: number): number {
  let same = 0
  while (first + length + same < launches.length && launches[first + same]!.kernel === launches[first + length + same]!.kernel) same += 1
  return 1 + Math.floor(same / length)
}
