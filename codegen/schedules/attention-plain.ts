/** One thread an output element: scores are recomputed by each, in two passes. Any shape; what the others are tested against. */
import { schedule, step, type Context, type Lowered } from '../schedule.js'
import type { Node } from '../../graph/op.js'
import { pageSize } from '../state.js'
import { call, type Value } from '../value.js'
import { attentionProblem, lowest, pageSlot, windowStart } from './attention-problem.js'
import { elementwise } from './common.js'

function make(node: Node, context: Context, { threads }: { readonly threads: number }): Lowered {
  const p = attentionProblem(node, context)
  const made = elementwise(context, { schedule: 'attention.plain', rows: p.rows, width: p.heads * p.headDim, bytesPerElement: 8, threads }, k => {
    const q = k.param('q', 'f32', 'activation')
    const [keys, values] = [k.param('k', context.kv, 'cache'), k.param('v', context.kv, 'cache')]
    const out = k.param('out', 'f32', 'activation', 'write')
    return (row, col, at) => {
      const position = k.let('position', k.input('positions', row))
      const sequence = k.let('sequence', k.input('sequences', row))
      const kvHead = k.let('kvHead', col.div(p.headDim * p.group))
      const from = k.let('from', at.sub(col.mod(p.headDim)))
      const start = windowStart(k, p, position)
      const rowAt = (j: Value): Value => pageSlot(k, context, sequence, j.div(pageSize)).add(j.mod(pageSize)).mul(p.kvHeads).add(kvHead).mul(p.headDim)
      const score = (j: Value): Value => {
        const base = k.let('base', rowAt(j))
        const sum = k.var('dot', 'f32', 0)
        k.for({ name: 'd', to: p.headDim }, d => sum.accumulate(q.load(from.add(d)), keys.load(base.add(d))))
        return k.let('score', sum.value.mul(p.scale))
      }
      const top = k.var('top', 'f32', lowest)
      k.for({ name: 'j', from: start, to: position.add(1) }, j => top.set(top.value.max(score(j))))
      const [sum, acc] = [k.var('sum', 'f32', 0), k.var('acc', 'f32', 0)]
      k.for({ name: 'j', from: start, to: position.add(1) }, j => {
        const weight = k.let('weight', call('exp', score(j).sub(top.value)))
        sum.add(weight)
        acc.accumulate(weight, values.load(rowAt(j).add(col.mod(p.headDim))))
      })
      out.store(at, acc.value.div(sum.value))
    }
  })
  return { steps: [step({ ...made, cost: p.cost }, p.args)], scratch: {} }
}

export const attentionPlain = schedule('attention', 'plain', { threads: [64] }, make)
