/**
 * The class of problem a node is, in words: op, sizes, types and what else decides which kernel is best. Live sizes count by
 * the power of two above their largest, as it is not the last row that decides. Nodes of one class have the same best
 * schedule and knobs on a chip; tuned choices are kept under these names, and measurements compared by them.
 */
import { cacheOp, weightOp } from '../graph/graph.js'
import { inputsOf, type Node } from '../graph/op.js'
import type { Size } from '../graph/tensor.js'

/** Sizes of what is only looked up, never walked: they decide nothing. */
const lookedUp: ReadonlySet<string> = new Set(['slots', 'pages', 'sequences'])

/** Attributes that say how much there is to do; others (scales, epsilons, tables of frequencies) change no kernel's speed. */
const telling: ReadonlySet<string> = new Set(['epilogue', 'window', 'heads', 'k'])

/** @param most the largest value of a live size */
export function problemOf(n: Node, most: (size: Size) => number): string {
  const size = (s: Size): string => {
    if (typeof s === 'number') return String(s)
    if (lookedUp.has(s.name)) return '·'
    const value = most(s)
    return value <= 1 ? '1' : `≤${2 ** Math.ceil(Math.log2(value))}`
  }
  const shape = (sizes: readonly Size[]): string => sizes.map(size).join('×')
  const inputs = Object.entries(inputsOf(n)).flatMap(([name, i]) => {
    if (i.type.dtype === 'u32') return []
    const type = i.op === weightOp && i.type.shape.length > 1 ? `${i.attributes['type']} ` : i.op === cacheOp ? 'cache ' : ''
    return [i.op === weightOp && i.type.shape.length === 1 ? name : `${name} ${type}${shape(i.type.shape)}`]
  })
  const attributes = Object.entries(n.attributes).flatMap(([name, v]) => (telling.has(name) && v !== null && v !== 'none' ? [`${name} ${v}`] : []))
  const out = inputs.length === 0 ? [shape(n.type.shape)] : []
  return [n.op.name, [...inputs, ...out, ...attributes].join(', ')].join(': ')
}
