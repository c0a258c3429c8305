/**
 * The KV cache and causal attention over it. A cache is slots of [kvHeads, headDim]; a token's slot is where its page
 * lies, so a query finds position j of its sequence through the page table. Causality is by position: a prefill onto
 * a cache that already holds tokens needs no offset of its own. Query head h reads kv head ⌊h / group⌋.
 */
import { defineOp, node, type Node, type Tensor } from '../op.js'
import { floats } from '../tensor.js'
import { slice, splitHeads } from './arithmetic.js'
import { rmsNorm } from './norm.js'
import { rope } from './rope.js'
import { WeftError } from '../error.js'

/** Positions of one page of the cache. */
export const pagePositions = 256

export const kvAppendOp = defineOp({
  name: 'kvAppend',
  inputs: { cache: 'float[slots, kvHeads, headDim]', x: 'float[tokens, kvHeads, headDim]', slots: 'u32[tokens]' },
  output: ({ size }) => floats(size('slots'), size('kvHeads'), size('headDim')),
  evaluate: ({ cache, x, slots }) => {
    const width = x!.data.length / slots!.data.length
    slots!.data.forEach((slot, t) => {
      if ((slot + 1) * width > cache!.data.length) throw new WeftError({ where: 'kvAppend', what: `slot ${slot} lies beyond the cache` })
      cache!.data.set(x!.data.subarray(t * width, (t + 1) * width), slot * width)
    })
    return cache!
  },
  aliases: { 0: 'cache' },
  samples: [{ sizes: { slots: 512, tokens: 3, kvHeads: 2, headDim: 32 }, attributes: {} }],
})
/** Writes x [tokens, kvHeads, headDim] into the cache's slots [tokens] and yields the cache. */
export const kvAppend = (cache: Node, x: Node, slots: Node): Node => node(kvAppendOp, [cache, x, slots])

function attend(q: Tensor, k: Tensor, v: Tensor, positions: Tensor, sequences: Tensor, pages: Tensor, window: number | null, scale: number): Tensor {
  const [tokens, heads, headDim] = q.shape as [number, number, number]
  const kvHeads = k.shape[1]!
  const group = heads / kvHeads
  const tableWidth = pages.shape[1]!
  const out = new Float64Array(q.data.length)
  for (let t = 0; t < tokens; t++) {
    const position = positions.data[t]!
    const from = window === null ? 0 : Math.max(0, position - window + 1)
    const slots = Array.from({ length: position + 1 - from }, (_, j) => {
      const p = from + j
      return pages.data[sequences.data[t]! * tableWidth + Math.floor(p / pagePositions)]! * pagePositions + (p % pagePositions)
    })
    for (let h = 0; h < heads; h++) {
      const kv = Math.floor(h / group)
      const at = (t * heads + h) * headDim
      const scores = slots.map(slot => {
        let sum = 0
        for (let d = 0; d < headDim; d++) sum += q.data[at + d]! * k.data[(slot * kvHeads + kv) * headDim + d]!
        return sum * scale
      })
      const top = scores.reduce((a, b) => Math.max(a, b), -Infinity)
      const weights = scores.map(s => Math.exp(s - top))
      const total = weights.reduce((a, b) => a + b, 0)
      slots.forEach((slot, j) => {
        for (let d = 0; d < headDim; d++) out[at + d]! += (weights[j]! / total) * v.data[(slot * kvHeads + kv) * headDim + d]!
      })
    }
  }
  return { shape: q.shape, data: out }
}

export const attentionOp = defineOp({
  name: 'attention',
  inputs: {
    q: 'float[tokens, heads, headDim]', k: 'float[slots, kvHeads, headDim]', v: 'float[slots, kvHeads, headDim]',
    positions: 'u32[tokens]', sequences: 'u32[tokens]', pageTable: 'u32[sequences, pages]',
  },
  output: ({ size }) => floats(size('tokens'), size('heads'), size('headDim')),
  evaluate: ({ q, k, v, positions, sequences, pageTable }, { window, scale }) =>
    attend(q!, k!, v!, positions!, sequences!, pageTable!, window as number | null, scale as number),
  samples: [
    { sizes: { tokens: 1, heads: 4, headDim: 32, slots: 512, kvHeads: 2, sequences: 1, pages: 2 }, attributes: { window: null, scale: 32 ** -0.5 } },
    { sizes: { tokens: 37, heads: 4, headDim: 32, slots: 512, kvHeads: 2, sequences: 1, pages: 2 }, attributes: { window: 16, scale: 32 ** -0.5 } },
    { sizes: { tokens: 5, heads: 3, headDim: 64, slots: 768, kvHeads: 1, sequences: 2, pages: 2 }, attributes: { window: null, scale: 0.125 } },
  ],
})

export interface AttentionInputs {
  readonly positions: Node
  readonly sequences: Node
  readonly pageTable: Node
}
/** softmax(q · kᵀ · scale) · v over the positions of each row's sequence up to its own, within `window` of it. */
export const attention = (q: Node, k: Node, v: Node, at: AttentionInputs, window: number | null, scale: number): Node =>
  node(attentionOp, [q, k, v, at.positions, at.sequences, at.pageTable], { window, scale })

/**
 * What stands between the merged q/k/v projection and attention: q and k normalized per head and rotated, k and v
 * written to the cache. Outputs: q, the k cache, the v cache.
 */
export const qkvHeadsOp = defineOp({
  name: 'qkvHeads',
  inputs: {
    x: 'float[tokens, width]', k: 'float[slots, kvHeads, headDim]', v: 'float[slots, kvHeads, headDim]',
    positions: 'u32[tokens]', slots: 'u32[tokens]', 'qNorm?': 'float[headDim]', 'kNorm?': 'float[headDim]',
  },
  output: ({ size }, { heads }, { k, v }) => [floats(size('tokens'), heads as number, size('headDim')), k!, v!],
  meaning: ({ x, k, v, positions, slots, qNorm, kNorm }, { heads, eps, frequencies }) => {
    const [, kvHeads, headDim] = k!.type.shape as [unknown, number, number]
    const [q, kv] = [(heads as number) * headDim, kvHeads * headDim]
    const part = (from: number, width: number, n: number): Node => splitHeads(slice(x!, from, from + width), n)
    const turn = (y: Node, norm: Node | undefined): Node => rope(norm ? rmsNorm(y, norm, eps as number) : y, positions!, frequencies as readonly number[])
    return [
      turn(part(0, q, heads as number), qNorm),
      kvAppend(k!, turn(part(q, kv, kvHeads), kNorm), slots!),
      kvAppend(v!, part(q + kv, kv, kvHeads), slots!),
    ]
  },
  aliases: { 1: 'k', 2: 'v' },
  samples: [
    {
      sizes: { tokens: 3, width: 256, slots: 512, kvHeads: 2, headDim: 32 },
      attributes: { heads: 4, eps: 1e-6, frequencies: Array.from({ length: 16 }, (_, i) => 1e4 ** (-i / 16)) },
    },
    {
      sizes: { tokens: 1, width: 320, slots: 256, kvHeads: 1, headDim: 64 },
      attributes: { heads: 3, eps: 1e-5, frequencies: Array.from({ length: 32 }, (_, i) => 1e4 ** (-i / 32)) },
      omit: ['qNorm', 'kNorm'],
    },
  ],
})

/** One of the outputs of an op that has several. */
export const outputOp = defineOp({
  name: 'output',
  inputs: { x: 'float[...]' },
  output: (_bound, { shape }) => { throw new WeftError({ where: 'output', what: 'made by takeOutput only', got: String(shape) }) },
  samples: [],
})
export function takeOutput(n: Node, index: number): Node {
  return index === 0 ? n : Object.freeze({ op: outputOp, inputs: [n], attributes: { index }, types: [n.types[index]!], type: n.types[index]! })
}

