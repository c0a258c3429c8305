/** Elementwise arithmetic and the few reductions that the other ops' meanings are composed of. */
import { defineOp, node, type Attributes, type Node, type Op, type Tensor } from '../op.js'
import { floats } from '../tensor.js'

function elementwise(name: string, apply: (a: number, b: number) => number): Op {
  return defineOp({
    name,
    inputs: { a: 'float[...]', b: 'float[...]' },
    output: ({ leading }) => floats(...leading),
    evaluate: ({ a, b }) => {
      const out = new Float64Array(a!.data.length)
      for (let i = 0; i < out.length; i++) out[i] = apply(a!.data[i]!, b!.data[i]!)
      return { shape: a!.shape, data: out }
    },
    samples: [{ sizes: { '...': [3, 64] }, attributes: {} }, { sizes: { '...': [1, 2560] }, attributes: {} }],
  })
}

/** a + b, one element at a time. */
export const addOp = elementwise('add', (a, b) => a + b)
export const add = (a: Node, b: Node): Node => node(addOp, [a, b])

export const mulOp = elementwise('mul', (a, b) => a * b)
export const mul = (a: Node, b: Node): Node => node(mulOp, [a, b])

function unary(name: string, apply: (a: number, attributes: Attributes) => number, samples: Op['samples']): Op {
  return defineOp({
    name,
    inputs: { x: 'float[...]' },
    output: ({ leading }) => floats(...leading),
    evaluate: ({ x }, attributes) => {
      const out = new Float64Array(x!.data.length)
      for (let i = 0; i < out.length; i++) out[i] = apply(x!.data[i]!, attributes)
      return { shape: x!.shape, data: out }
    },
    samples,
  })
}

/** x · sigmoid(x) */
export const siluOp = unary('silu', a => a / (1 + Math.exp(-a)), [{ sizes: { '...': [3, 64] }, attributes: {} }])
export const silu = (x: Node): Node => node(siluOp, [x])

/** x ↦ 1/√(mean(x²) + eps) over the last axis, one number a row: the factor of RMSNorm. */
export const rmsFactorOp = defineOp({
  name: 'rmsFactor',
  inputs: { x: 'float[..., width]' },
  output: ({ leading }) => floats(...leading),
  evaluate: ({ x }, { eps }) => {
    const width = x!.shape[x!.shape.length - 1]!
    const out = new Float64Array(x!.data.length / width)
    for (let r = 0; r < out.length; r++) {
      let sum = 0
      for (let i = 0; i < width; i++) sum += x!.data[r * width + i]! ** 2
      out[r] = 1 / Math.sqrt(sum / width + (eps as number))
    }
    return { shape: x!.shape.slice(0, -1), data: out }
  },
  samples: [{ sizes: { '...': [3], width: 64 }, attributes: { eps: 1e-6 } }],
})
export const rmsFactor = (x: Node, eps: number): Node => node(rmsFactorOp, [x], { eps })

/** Each row of x times its factor, element by element times weight. */
export const scaleRowsOp = defineOp({
  name: 'scaleRows',
  inputs: { x: 'float[..., width]', factor: 'float[...]', weight: 'float[width]' },
  output: ({ leading, size }) => floats(...leading, size('width')),
  evaluate: ({ x, factor, weight }) => {
    const width = weight!.data.length
    const out = new Float64Array(x!.data.length)
    for (let i = 0; i < out.length; i++) out[i] = x!.data[i]! * factor!.data[Math.floor(i / width)]! * weight!.data[i % width]!
    return { shape: x!.shape, data: out }
  },
  samples: [{ sizes: { '...': [3], width: 64 }, attributes: {} }],
})
export const scaleRows = (x: Node, factor: Node, weight: Node): Node => node(scaleRowsOp, [x, factor, weight])

/** Columns `from` to `to` of the last axis. */
export const sliceOp = defineOp({
  name: 'slice',
  inputs: { x: 'float[..., width]' },
  output: ({ leading }, { from, to }) => floats(...leading, (to as number) - (from as number)),
  evaluate: ({ x }, { from, to }, [shape]) => {
    const width = x!.shape[x!.shape.length - 1]!
    const take = (to as number) - (from as number)
    const rows = x!.data.length / width
    const out = new Float64Array(rows * take)
    for (let r = 0; r < rows; r++) for (let i = 0; i < take; i++) out[r * take + i] = x!.data[r * width + (from as number) + i]!
    return { shape: shape!, data: out }
  },
  samples: [{ sizes: { '...': [3], width: 64 }, attributes: { from: 16, to: 48 } }],
})
export const slice = (x: Node, from: number, to: number): Node => node(sliceOp, [x], { from, to })

/** [..., heads · headDim] seen as [..., heads, headDim]; no element moves. */
export const splitHeadsOp = defineOp({
  name: 'splitHeads',
  inputs: { x: 'float[..., width]' },
  output: ({ leading, size }, { heads }) => floats(...leading, heads as number, (size('width') as number) / (heads as number)),
  evaluate: ({ x }, _attributes, [shape]) => ({ shape: shape!, data: x!.data }) satisfies Tensor,
  aliases: { 0: 'x' },
  samples: [{ sizes: { '...': [3], width: 64 }, attributes: { heads: 4 } }],
})
export const splitHeads = (x: Node, heads: number): Node => node(splitHeadsOp, [x], { heads })

/** The inverse of splitHeads. */
export const mergeHeadsOp = defineOp({
  name: 'mergeHeads',
  inputs: { x: 'float[..., heads, headDim]' },
  output: ({ leading, size }) => floats(...leading, (size('heads') as number) * (size('headDim') as number)),
  evaluate: ({ x }, _attributes, [shape]) => ({ shape: shape!, data: x!.data }) satisfies Tensor,
  aliases: { 0: 'x' },
  samples: [{ sizes: { '...': [3], heads: 4, headDim: 16 }, attributes: {} }],
})
export const mergeHeads = (x: Node): Node => node(mergeHeadsOp, [x])
