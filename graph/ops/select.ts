/** Choosing tokens from logits: the best one, and the k best that a sampler draws from. Ties go to the lower id. */
import { defineOp, node, type Node } from '../op.js'
import { floats } from '../tensor.js'

function best(row: ArrayLike<number>, k: number): readonly number[] {
  const ids = Array.from({ length: row.length }, (_, i) => i)
  return ids.sort((a, b) => row[b]! - row[a]! || a - b).slice(0, k)
}

export const argmaxOp = defineOp({
  name: 'argmax',
  inputs: { logits: 'float[outputs, vocab]' },
  output: ({ size }) => ({ dtype: 'u32', shape: [size('outputs')] }),
  evaluate: ({ logits }) => {
    const [outputs, vocab] = logits!.shape as [number, number]
    const ids = Uint32Array.from({ length: outputs }, (_, r) => {
      let top = 0
      for (let i = 1; i < vocab; i++) if (logits!.data[r * vocab + i]! > logits!.data[r * vocab + top]!) top = i
      return top
    })
    return { shape: [outputs], data: ids }
  },
  samples: [{ sizes: { outputs: 1, vocab: 512 }, attributes: {} }, { sizes: { outputs: 3, vocab: 4099 }, attributes: {} }],
})
/** @param logits [outputs, vocab] → ids [outputs] */
export const argmax = (logits: Node): Node => node(argmaxOp, [logits])

/** How many candidates a device leaves for the sampler. */
export const candidateCount = 256

export const topKOp = defineOp({
  name: 'topK',
  inputs: { logits: 'float[outputs, vocab]' },
  output: ({ size }, { k }) => floats(size('outputs'), 2, k as number),
  evaluate: ({ logits }, { k }) => {
    const [outputs, vocab] = logits!.shape as [number, number]
    const count = k as number
    const out = new Float64Array(outputs * 2 * count)
    for (let r = 0; r < outputs; r++) {
      const row = logits!.data.subarray(r * vocab, (r + 1) * vocab)
      best(row, count).forEach((id, i) => {
        out[r * 2 * count + i] = row[id]!
        out[r * 2 * count + count + i] = id
      })
    }
    return { shape: [outputs, 2, count], data: out }
  },
  samples: [{ sizes: { outputs: 1, vocab: 512 }, attributes: { k: 256 } }, { sizes: { outputs: 2, vocab: 4099 }, attributes: { k: 256 } }],
})
/** The k largest logits of each row, descending, and their ids (exact as floats below 2^24): [outputs, 2, k]. */
export const topK = (logits: Node, k: number): Node => node(topKOp, [logits], { k })
