/** RMSNorm as a pass of its own: one group a row. */
import { inputsOf, type Node } from '../../graph/op.js'
import { kernel, tilesOf } from '../builder.js'
import { lastSize, nodeArg, reject, rowsOf, schedule, step, type Context, type Lowered, type Reject } from '../schedule.js'
import { call, splat } from '../value.js'
import { cost, groupReduce, vectorParam } from './common.js'
import { rmsFactor } from './linear-problem.js'

function make(vector: boolean) {
  return (node: Node, context: Context, { threads: wanted }: { readonly threads: number }): Lowered | Reject => {
    const { x, weight } = inputsOf(node)
    const width = lastSize(x!.type.shape)
    if (vector && width % 4 !== 0) return reject(`${width} elements a row are no whole number of vectors of 4`)
    const threads = context.caps.simd ? 1 : wanted
    const { extent, per } = rowsOf(context, x!.type.shape)
    const [element, lanes] = vector ? (['f32x4', 4] as const) : (['f32', 1] as const)
    const made = kernel(
      {
        schedule: `rmsNorm.${vector ? 'rows' : 'plain'}`, knobs: { threads }, threads,
        tiles: [tilesOf(extent), { dim: null, per: 1, times: per }], cost: cost(extent, per * width * 8, per * width * 4, width * 4), state: context.state,
      },
      (k, row) => {
        const [input, gain, out] = [k.param('x', element, 'activation'), vectorParam(k, 'weight', element), k.param('out', element, 'activation', 'write')]
        const first = k.let('first', row.mul(width / lanes))
        const squares = k.var('squares', 'f32', 0)
        k.for({ name: 'i', from: k.local, to: width / lanes, step: threads }, i => {
          const v = k.let('v', input.load(first.add(i)))
          if (vector) squares.add(call('dot4', v, v))
          else squares.accumulate(v, v)
        })
        const factor = rmsFactor(k, groupReduce(k, context.caps, threads, squares.value, 'sum'), width, node.attributes['eps'] as number)
        k.for({ name: 'i', from: k.local, to: width / lanes, step: threads }, i => {
          const at = k.let('at', first.add(i))
          out.store(at, input.load(at).mul(vector ? splat('f32x4', factor) : factor).mul(gain.load(i)))
        })
      },
    )
    return { steps: [step(made, { x: nodeArg(x!), weight: nodeArg(weight!), out: nodeArg(node) })], scratch: {} }
  }
}

export const normRows = schedule('rmsNorm', 'rows', { threads: [128, 64, 256] }, make(true))
export const normPlain = schedule('rmsNorm', 'plain', { threads: [64] }, make(false))
