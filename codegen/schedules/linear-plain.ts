/** One thread an output, one element at a time: takes any shape and type, and is what the others are tested against. */
import { elementwise } from './common.js'
import { LinearOutput, linearProblem, rmsFactor } from './linear-problem.js'
import { schedule, step, type Context, type Lowered } from '../schedule.js'
import type { Node } from '../../graph/op.js'
import { WeightView } from '../types/decode.js'
import { vectorParam } from './common.js'

function make(node: Node, context: Context, { threads }: { threads: number }): Lowered {
  const p = linearProblem(node, context)
  const made = elementwise(context, { schedule: `${p.op}.plain`, rows: p.rows, width: p.out, bytesPerElement: 4, threads }, k => {
    const x = k.param('x', 'f32', 'activation')
    const weight = new WeightView(k, 'weight', p.layout, context.caps)
    const norm = p.has.norm ? vectorParam(k, 'norm') : null
    const output = new LinearOutput(k, p, weight)
    return (row, col) => {
      const sums = Array.from({ length: p.parts }, () => k.var('acc', 'f32', 0))
      const squares = norm ? k.var('squares', 'f32', 0) : null
      k.for({ name: 'i', to: p.inner }, i => {
        const raw = k.let('xi', x.load(row.mul(p.inner).add(i)))
        squares?.accumulate(raw, raw)
        const xi = norm ? k.let('xn', raw.mul(norm.load(i))) : raw
        sums.forEach((sum, part) => sum.accumulate(xi, weight.element(col.add(part * p.out), i)))
      })
      output.store(row, col, sums.map(s => s.value), squares ? rmsFactor(k, squares.value, p.inner, p.eps) : null)
    }
  })
  return { steps: [step({ ...made, cost: p.cost }, p.args)], scratch: {} }
}

export const plain = ['linear', 'fusedLinear'].map(op => schedule(op, 'plain', { threads: [64] }, make))
