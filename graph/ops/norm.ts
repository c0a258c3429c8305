/** RMSNorm: x / √(mean(x²) + eps) · weight over the last axis, statistics in f32 (Zhang and Sennrich 2019). No +1 on the weight. */
import { defineOp, node, type Node } from '../op.js'
import { floats } from '../tensor.js'
import { rmsFactor, scaleRows } from './arithmetic.js'

export const rmsNormOp = defineOp({
  name: 'rmsNorm',
  inputs: { x: 'float[..., width]', weight: 'float[width]' },
  output: ({ leading, size }) => floats(...leading, size('width')),
  meaning: ({ x, weight }, { eps }) => scaleRows(x!, rmsFactor(x!, eps as number), weight!),
  samples: [
    { sizes: { '...': [3], width: 64 }, attributes: { eps: 1e-6 } },
    { sizes: { '...': [1], width: 2560 }, attributes: { eps: 1e-6 } },
    { sizes: { '...': [3, 4], width: 32 }, attributes: { eps: 1e-5 } },
  ],
})

/** @param x [..., width] @param weight [width]; on heads, x is [tokens, heads, headDim] and weight [headDim] */
export const rmsNorm = (x: Node, weight: Node, eps: number): Node => node(rmsNormOp, [x, weight], { eps })
