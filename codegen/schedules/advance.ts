/**
 * The launch that closes a greedy decode step: the chosen ids become the next step's tokens, each row one position
 * on, so that steps follow each other without the host. The ids are kept in a ring for the host to read.
 */
import type { Node } from '../../graph/op.js'
import { kernel, type Extent } from '../builder.js'
import { nodeArg, step, type Context, type Step } from '../schedule.js'
import { pageSize } from '../state.js'

/** @param next ids chosen, one a row */
export function advance(next: Node, context: Context, rows: Extent): Step {
  const { arrays, words, pages, history } = context.state
  const made = kernel(
    { schedule: 'advance', threads: 1, tiles: [{ dim: null, per: 1, times: 1 }], cost: { bytes: { base: 64, per: {} }, flops: { base: 0, per: {} } }, state: context.state },
    k => {
      const state = k.advance()
      const chosen = k.param('next', 'u32', 'activation')
      const count = k.let('count', k.size(rows))
      const made = k.copy('step', state.load(words.step))
      k.for({ name: 'row', to: count }, row => {
        const id = k.let('id', chosen.load(row))
        const position = k.copy('position', state.load(row.add(arrays.positions)).add(1))
        const sequence = k.copy('sequence', state.load(row.add(arrays.sequences)))
        const page = k.let('page', position.div(pageSize).min(pages - 1))
        state.store(made.mul(count).add(row).mod(history).add(arrays.history), id)
        state.store(row.add(arrays.tokens), id)
        state.store(row.add(arrays.positions), position)
        state.store(row.add(arrays.slots), state.load(sequence.mul(pages).add(page).add(arrays.pageTable)).mul(pageSize).add(position.mod(pageSize)))
      })
      state.store(words.step, made.add(1))
    },
  )
  return step(made, { next: nodeArg(next) })
}
