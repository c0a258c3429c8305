/** Rows of an embedding, decoded from the same resident copy that a tied head multiplies with. */
import { inputsOf, type Node } from '../../graph/op.js'
import { kernel, tilesOf } from '../builder.js'
import { nodeArg, reject, schedule, step, type Context, type Lowered, type Reject } from '../schedule.js'
import { WeightView } from '../types/decode.js'
import { runElements } from '../types/layout.js'
import { splat } from '../value.js'
import { cost, elementwise } from './common.js'

export const embeddingRuns = schedule('embedding', 'runs', { threads: [64, 128] }, (node: Node, context: Context, { threads: wanted }): Lowered | Reject => {
  const { weight, tokens } = inputsOf(node)
  const layout = context.layout(weight!)
  if (!layout.runs) return reject(`${layout.cols} columns are no whole number of runs of ${runElements}`)
  const threads = context.caps.simd ? 1 : wanted
  const rows = context.extent(tokens!.type.shape[0]!)
  const runs = layout.cols / runElements
  const made = kernel(
    { schedule: 'embedding.runs', knobs: { threads }, threads, tiles: [tilesOf(rows)], cost: cost(rows, layout.cols * (4 + layout.type.bits / 8), layout.cols), state: context.state },
    (k, row) => {
      const view = new WeightView(k, 'weight', layout, context.caps)
      const out = k.param('out', 'f32x4', 'activation', 'write')
      const token = k.let('token', k.input('tokens', row).min(layout.rows - 1))
      const scale = view.rowScale(token)
      const rowScale = scale && k.let('rowScale', scale)
      k.for({ name: 'run', from: k.local, to: runs, step: threads }, run => {
        const loaded = view.read(token, run).map(v => k.let('loaded', v))
        const at = k.let('at', row.mul(runs).add(run).mul(runElements / 4))
        view.dequantize(loaded).forEach((v, i) => out.store(at.add(i), rowScale ? v.mul(splat('f32x4', rowScale)) : v))
      })
    },
  )
  return { steps: [step(made, { weight: nodeArg(weight!), out: nodeArg(node) })], scratch: {} }
})

export const embeddingPlain = schedule('embedding', 'plain', { threads: [64] }, (node, context, { threads }): Lowered => {
  const { weight, tokens } = inputsOf(node)
  const layout = context.layout(weight!)
  const made = elementwise(context, { schedule: 'embedding.plain', rows: context.extent(tokens!.type.shape[0]!), width: layout.cols, bytesPerElement: 4 + layout.type.bits / 8, threads }, k => {
    const view = new WeightView(k, 'weight', layout, context.caps)
    const out = k.param('out', 'f32', 'activation', 'write')
    return (row, col, at) => {
      const token = k.let('token', k.input('tokens', row).min(layout.rows - 1))
      const scale = view.rowScale(token)
      const value = view.element(token, col)
      out.store(at, scale ? value.mul(scale) : value)
    }
  })
  return { steps: [step(made, { weight: nodeArg(weight!), out: nodeArg(node) })], scratch: {} }
})
