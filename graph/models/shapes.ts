/**
 * The sizes of models that people run, under the names they go by: enough to compile, time and tune for a model without
 * having its files. Sources: the `config.json` of each on the Hugging Face hub (Qwen, meta-llama, mistralai, HuggingFaceTB).
 */
import { WeftError } from '../error.js'
import type { Config, RopeScaling } from './config.js'

type Sizes = readonly [hidden: number, layers: number, heads: number, kvHeads: number, headDim: number, intermediate: number, vocab: number]

const common = { outputBias: false, mlpBias: false, qkvBias: false, qkNorm: false } as const

function config(own: Pick<Config, 'architecture' | 'eps' | 'maxPositions' | 'tiedHead'> & Partial<Config>, theta: number, sizes: Sizes, scaling: RopeScaling = { type: 'default' }): Config {
  const [hidden, layers, heads, kvHeads, headDim, intermediate, vocab] = sizes
  return Object.freeze({ ...common, rope: { theta, scaling }, hidden, layers, heads, kvHeads, headDim, intermediate, vocab, windows: Array.from({ length: layers }, () => null), ...own })
}

const qwen3 = (tiedHead: boolean, ...sizes: Sizes): Config => config({ architecture: 'qwen3', eps: 1e-6, maxPositions: 40960, tiedHead, qkNorm: true }, 1e6, sizes)
const qwen2 = (tiedHead: boolean, ...sizes: Sizes): Config => config({ architecture: 'qwen2', eps: 1e-6, maxPositions: 32768, tiedHead, qkvBias: true }, 1e6, sizes)
const llama3 = (tiedHead: boolean, factor: number, ...sizes: Sizes): Config =>
  config({ architecture: 'llama', eps: 1e-5, maxPositions: 131072, tiedHead }, 5e5, sizes, { type: 'llama3', factor, lowFreqFactor: 1, highFreqFactor: 4, originalPositions: 8192 })
const smollm2 = (theta: number, ...sizes: Sizes): Config => config({ architecture: 'llama', eps: 1e-5, maxPositions: 8192, tiedHead: true }, theta, sizes)

const shapes = {
  /** No model's: small enough for tests on a processor, with every kind of kernel the real ones have. */
  tiny: qwen3(true, 256, 3, 4, 2, 64, 512, 1024),
  'qwen3-0.6b': qwen3(true, 1024, 28, 16, 8, 128, 3072, 151936),
  'qwen3-1.7b': qwen3(true, 2048, 28, 16, 8, 128, 6144, 151936),
  'qwen3-4b': qwen3(true, 2560, 36, 32, 8, 128, 9728, 151936),
  'qwen3-8b': qwen3(false, 4096, 36, 32, 8, 128, 12288, 151936),
  'qwen3-14b': qwen3(false, 5120, 40, 40, 8, 128, 17408, 151936),
  'qwen3-32b': qwen3(false, 5120, 64, 64, 8, 128, 25600, 151936),
  'qwen2.5-0.5b': qwen2(true, 896, 24, 14, 2, 64, 4864, 151936),
  'qwen2.5-1.5b': qwen2(true, 1536, 28, 12, 2, 128, 8960, 151936),
  'qwen2.5-7b': qwen2(false, 3584, 28, 28, 4, 128, 18944, 152064),
  'llama-3.2-1b': llama3(true, 32, 2048, 16, 32, 8, 64, 8192, 128256),
  'llama-3.2-3b': llama3(true, 32, 3072, 28, 24, 8, 128, 8192, 128256),
  'llama-3.1-8b': llama3(false, 8, 4096, 32, 32, 8, 128, 14336, 128256),
  'smollm2-135m': smollm2(1e5, 576, 30, 9, 3, 64, 1536, 49152),
  'smollm2-360m': smollm2(1e5, 960, 32, 15, 5, 64, 2560, 49152),
  'smollm2-1.7b': smollm2(130000, 2048, 24, 32, 32, 64, 8192, 49152),
  'mistral-7b': config({ architecture: 'mistral', eps: 1e-5, maxPositions: 32768, tiedHead: false }, 1e6, [4096, 32, 32, 8, 128, 14336, 32768]),
} as const satisfies Readonly<Record<string, Config>>

export const shapeNames: readonly string[] = Object.keys(shapes)

/** The configuration called `name`. Throws a WeftError that lists the names. */
export function shapeNamed(name: string): Config {
  if (Object.hasOwn(shapes, name)) return shapes[name as keyof typeof shapes]
  throw new WeftError({ where: '--shape', what: 'unknown shape', expected: shapeNames.join(', '), got: name, exitCode: 2 })
}
