/**
 * Rotary position embedding over pairs (i, i + headDim / 2) (Su et al. 2021, in the pairing of GPT-NeoX and Hugging
 * Face). Frequencies are computed here, once, in float64 and rounded to float32 as the reference does; kernels read
 * cosines and sines from a table, since a device's own sine is good only near zero.
 */
import type { RopeConfig } from '../models/config.js'
import { defineOp, node, type Node } from '../op.js'
import { floats } from '../tensor.js'

/** The headDim / 2 angles per position, in radians, with the model's scaling for long contexts applied. */
export function ropeFrequencies(rope: RopeConfig, headDim: number): readonly number[] {
  const { scaling } = rope
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = Math.fround(1 / rope.theta ** ((2 * i) / headDim))
    switch (scaling.type) {
      case 'default':
        return frequency
      case 'factors':
        return Math.fround(frequency / scaling.factors[i]!)
      case 'llama3': {
        const wavelength = (2 * Math.PI) / frequency
        const [low, high] = [scaling.originalPositions / scaling.lowFreqFactor, scaling.originalPositions / scaling.highFreqFactor]
        if (wavelength > low) return Math.fround(frequency / scaling.factor)
        if (wavelength < high) return frequency
        const smooth = (scaling.originalPositions / wavelength - scaling.lowFreqFactor) / (scaling.highFreqFactor - scaling.lowFreqFactor)
        return Math.fround(((1 - smooth) * frequency) / scaling.factor + smooth * frequency)
      }
      default:
        return scaling satisfies never
    }
  })
}

export const ropeOp = defineOp({
  name: 'rope',
  inputs: { x: 'float[tokens, heads, headDim]', positions: 'u32[tokens]' },
  output: ({ size }) => floats(size('tokens'), size('heads'), size('headDim')),
  evaluate: ({ x, positions }, { frequencies }, [shape]) => {
    const [tokens, heads, headDim] = x!.shape as [number, number, number]
    const half = headDim / 2
    const out = new Float64Array(x!.data.length)
    for (let t = 0; t < tokens; t++) {
      for (let i = 0; i < half; i++) {
        const angle = positions!.data[t]! * (frequencies as readonly number[])[i]!
        const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
        for (let h = 0; h < heads; h++) {
          const at = (t * heads + h) * headDim + i
          const [a, b] = [x!.data[at]!, x!.data[at + half]!]
          out[at] = a * cos - b * sin
          out[at + half] = b * cos + a * sin
        }
      }
    }
    return { shape: shape!, data: out }
  },
  samples: [
    { sizes: { tokens: 5, heads: 4, headDim: 32 }, attributes: { frequencies: ropeFrequencies({ theta: 1e4, scaling: { type: 'default' } }, 32) } },
    { sizes: { tokens: 1, heads: 3, headDim: 64 }, attributes: { frequencies: ropeFrequencies({ theta: 1e6, scaling: { type: 'default' } }, 64) } },
  ],
})

/** @param x [tokens, heads, headDim] @param positions [tokens] @param frequencies radians per position, headDim / 2 of them */
export const rope = (x: Node, positions: Node, frequencies: readonly number[]): Node => node(ropeOp, [x, positions], { frequencies })
