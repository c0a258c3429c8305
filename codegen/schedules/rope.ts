/**
 * RoPE, alone and within what stands between the merged q/k/v projection and attention. Angles are split as
 * position = 256 · page + offset, so that two small tables of cosines and sines made on the host in float64 reach any
 * position: cos(a + b) = cos a cos b − sin a sin b.
 */
import { inputsOf, type Node } from '../../graph/op.js'
import { kernel, tilesOf, type Buffer, type KernelBuilder } from '../builder.js'
import { nodeArg, schedule, step, type Constant, type Context, type Lowered } from '../schedule.js'
import { pageSize } from '../state.js'
import type { Value } from '../value.js'
import { cost, elementwise, groupReduce, vectorParam } from './common.js'
import { rmsFactor } from './linear-problem.js'

/** [256 offsets, then pages][headDim / 2][cos, sin] */
export function ropeTable(frequencies: readonly number[], pages: number): Constant {
  const half = frequencies.length
  const data = new Float32Array((pageSize + pages) * half * 2)
  for (let p = 0; p < pageSize + pages; p++) {
    const position = p < pageSize ? p : (p - pageSize) * pageSize
    frequencies.forEach((f, i) => {
      data[(p * half + i) * 2] = Math.cos(position * f)
      data[(p * half + i) * 2 + 1] = Math.sin(position * f)
    })
  }
  return { key: `rope ${pages} ${frequencies.join(' ')}`, data }
}

/** Cosine and sine of frequency i at a position. */
function turn(k: KernelBuilder, table: Buffer, half: number, position: Value, i: Value): readonly [Value, Value] {
  const low = k.let('low', position.mod(pageSize).mul(half).add(i).mul(2))
  const high = k.let('high', position.div(pageSize).add(pageSize).mul(half).add(i).mul(2))
  const [c0, s0] = [k.let('c0', table.load(low)), k.let('s0', table.load(low.add(1)))]
  const [c1, s1] = [k.let('c1', table.load(high)), k.let('s1', table.load(high.add(1)))]
  return [k.let('cos', c1.mul(c0).sub(s1.mul(s0))), k.let('sin', s1.mul(c0).add(c1.mul(s0)))]
}

export const ropePlain = schedule('rope', 'plain', { threads: [64, 128] }, (node, context, { threads }): Lowered => {
  const x = inputsOf(node)['x']!
  const [heads, headDim] = x.type.shape.slice(1) as [number, number]
  const half = headDim / 2
  const frequencies = node.attributes['frequencies'] as readonly number[]
  const made = elementwise(context, { schedule: 'rope.plain', rows: context.extent(x.type.shape[0]!), width: heads * half, bytesPerElement: 16, threads }, k => {
    const [input, table, out] = [k.param('x', 'f32', 'activation'), k.param('table', 'f32', 'weight'), k.param('out', 'f32', 'activation', 'write')]
    return (row, col) => {
      const i = k.let('pair', col.mod(half))
      const at = k.let('pairAt', row.mul(heads).add(col.div(half)).mul(headDim).add(i))
      const [cos, sin] = turn(k, table, half, k.let('position', k.input('positions', row)), i)
      const [a, b] = [k.let('a', input.load(at)), k.let('b', input.load(at.add(half)))]
      out.store(at, a.mul(cos).sub(b.mul(sin)))
      out.store(at.add(half), b.mul(cos).add(a.mul(sin)))
    }
  })
  const table = { kind: 'constant', constant: ropeTable(frequencies, context.state.pages) } as const
  return { steps: [step(made, { x: nodeArg(x), table, out: nodeArg(node) })], scratch: {} }
})

/** One group a row and head of q, k or v: normalizes, rotates and writes to q or to the cache. */
export const qkvHeads = schedule('qkvHeads', 'heads', { threads: [32, 64] }, (node: Node, context: Context, { threads: wanted }): Lowered => {
  const inputs = inputsOf(node)
  const { x, k: kCache, v: vCache, qNorm, kNorm } = inputs
  const heads = node.attributes['heads'] as number
  const [kvHeads, headDim] = kCache!.type.shape.slice(1) as [number, number]
  const [half, width, all] = [headDim / 2, (heads + 2 * kvHeads) * headDim, heads + 2 * kvHeads]
  const threads = context.caps.simd ? 1 : wanted
  const rows = context.extent(x!.type.shape[0]!)
  const eps = node.attributes['eps'] as number
  const made = kernel(
    { schedule: 'qkvHeads.heads', knobs: { threads }, threads, tiles: [tilesOf(rows), { dim: null, per: 1, times: all }], cost: cost(rows, width * 8, width * 6), state: context.state },
    (k, tile) => {
      const input = k.param('x', 'f32', 'activation')
      const table = k.param('table', 'f32', 'weight')
      const norms = [qNorm && vectorParam(k, 'qNorm'), kNorm && vectorParam(k, 'kNorm')]
      const out = k.param('out', 'f32', 'activation', 'write')
      const caches = [k.param('k', context.kv, 'cache', 'write'), k.param('v', context.kv, 'cache', 'write')]
      const row = k.let('row', tile.div(all))
      const head = k.let('head', tile.mod(all))
      const from = k.let('from', row.mul(width).add(head.mul(headDim)))
      const position = k.let('position', k.input('positions', row))
      const slot = k.let('slot', k.input('slots', row))

      const rotated = (norm: Buffer | undefined, put: (i: Value, v: Value) => void): void => {
        const factor = ((): Value | null => {
          if (!norm) return null
          const squares = k.var('squares', 'f32', 0)
          k.for({ name: 'i', from: k.local, to: headDim, step: threads }, i => {
            const v = k.let('v', input.load(from.add(i)))
            squares.accumulate(v, v)
          })
          return rmsFactor(k, groupReduce(k, context.caps, threads, squares.value, 'sum'), headDim, eps)
        })()
        k.for({ name: 'i', from: k.local, to: half, step: threads }, i => {
          const value = (at: Value): Value => {
            const raw = input.load(from.add(at))
            return k.let('value', factor ? raw.mul(factor).mul(norm!.load(at)) : raw)
          }
          const [a, b] = [value(i), value(i.add(half))]
          const [cos, sin] = turn(k, table, half, position, i)
          put(i, a.mul(cos).sub(b.mul(sin)))
          put(i.add(half), b.mul(cos).add(a.mul(sin)))
        })
      }
      const inCache = (first: number, i: Value): Value => slot.mul(kvHeads).add(head.sub(first)).mul(headDim).add(i)
      k.when(
        head.lt(heads),
        () => rotated(norms[0], (i, v) => out.store(row.mul(heads).add(head).mul(headDim).add(i), v)),
        () => k.when(
          head.lt(heads + kvHeads),
          () => rotated(norms[1], (i, v) => caches[0]!.store(inCache(heads, i), v)),
          () => k.for({ name: 'i', from: k.local, to: headDim, step: threads }, i => caches[1]!.store(inCache(heads + kvHeads, i), input.load(from.add(i)))),
        ),
      )
    },
  )
  const table = { kind: 'constant', constant: ropeTable(node.attributes['frequencies'] as readonly number[], context.state.pages) } as const
  const norms = { ...(qNorm ? { qNorm: nodeArg(qNorm) } : {}), ...(kNorm ? { kNorm: nodeArg(kNorm) } : {}) }
  return { steps: [step(made, { x: nodeArg(x!), k: nodeArg(kCache!), v: nodeArg(vCache!), table, out: nodeArg(node), ...norms })], scratch: {} }
})
