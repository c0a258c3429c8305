/** Columns in another order: what a product whose weight was quantized in the order of activations reads. */
import { defineOp, node, type Node } from '../op.js'
import { floats } from '../tensor.js'

/** Indices are whole numbers kept as floats, which hold them exactly; one that leaves the row counts as its nearest end. */
const indexOf = (value: number, width: number): number => Math.min(Math.max(Math.trunc(value), 0), width - 1)

export const columnsOp = defineOp({
  name: 'columns',
  inputs: { x: 'float[..., inner]', order: 'float[inner]' },
  output: ({ leading, size }) => floats(...leading, size('inner')),
  evaluate: ({ x, order }, _attributes, [shape]) => {
    const width = order!.data.length
    const from = Array.from(order!.data, v => indexOf(v, width))
    const data = new Float64Array(x!.data.length)
    for (let at = 0; at < data.length; at += width) for (let i = 0; i < width; i++) data[at + i] = x!.data[at + from[i]!]!
    return { shape: shape!, data }
  },
  samples: [{ sizes: { '...': [3], inner: 64 }, attributes: {} }, { sizes: { '...': [1], inner: 37 }, attributes: {} }],
})

/** Column i of the result is column order[i] of x. @param x [..., inner] @param order [inner] */
export const columns = (x: Node, order: Node): Node => node(columnsOp, [x, order])
