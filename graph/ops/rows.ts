/** Ops that gather rows: the embedding, and the rows logits are asked for. */
import { defineOp, node, type Node, type Tensor } from '../op.js'
import { floats } from '../tensor.js'
import { WeftError } from '../error.js'

function gather(x: Tensor, rows: Tensor, what: string): Tensor {
  const [count, width] = x.shape as [number, number]
  const out = new Float64Array(rows.data.length * width)
  rows.data.forEach((row, i) => {
    if (row >= count) throw new WeftError({ where: what, what: `row ${row} of ${count}` })
    out.set(x.data.subarray(row * width, (row + 1) * width), i * width)
  })
  return { shape: [rows.data.length, width], data: out }
}

export const embeddingOp = defineOp({
  name: 'embedding',
  inputs: { tokens: 'u32[tokens]', weight: 'float[vocab, hidden]' },
  output: ({ size }) => floats(size('tokens'), size('hidden')),
  evaluate: ({ tokens, weight }) => gather(weight!, tokens!, 'embedding'),
  samples: [{ sizes: { tokens: 5, vocab: 40, hidden: 64 }, attributes: {} }],
})
/** @param tokens ids [tokens] @param weight [vocab, hidden] */
export const embedding = (tokens: Node, weight: Node): Node => node(embeddingOp, [tokens, weight])

export const rowsOp = defineOp({
  name: 'rows',
  inputs: { x: 'float[tokens, width]', rows: 'u32[outputs]' },
  output: ({ size }) => floats(size('outputs'), size('width')),
  evaluate: ({ x, rows }) => gather(x!, rows!, 'rows'),
  samples: [{ sizes: { tokens: 5, outputs: 2, width: 64 }, attributes: {} }],
})
/** @param x [tokens, width] @param rows indices [outputs] */
export const rows = (x: Node, indices: Node): Node => node(rowsOp, [x, indices])
