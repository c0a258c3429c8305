/**
 * A model described as plain data, for `weft inspect` and its JSON: configuration, every tensor with its type, shape and
 * bytes, and totals. Nothing but headers has been read for it.
 */
import type { Config } from '../graph/models/config.js'
import type { GenerationDefaults, ModelSource, WeightTensor } from './model.js'

export interface InspectedTensor {
  readonly name: string
  readonly type: string
  /** Slowest dimension first. */
  readonly shape: readonly number[]
  readonly parameters: number
  /** In the file, block scales included. */
  readonly bytes: number
}

export interface TypeTotal {
  readonly type: string
  readonly tensors: number
  readonly parameters: number
  readonly bytes: number
}

export interface InspectReport {
  readonly path: string
  readonly format: ModelSource['format']
  readonly config: Config
  readonly parameters: number
  readonly bytes: number
  readonly tensors: readonly InspectedTensor[]
  /** By bytes, largest first. */
  readonly types: readonly TypeTotal[]
  /** Tensors of the files that the model does not use. */
  readonly ignored: readonly string[]
  readonly tokenizer: 'tokenizer.json' | 'gguf' | null
  readonly chatTemplate: boolean
  readonly generation: GenerationDefaults
  readonly notice: string | null
}

/** Describes an open model. A tied head is counted once, as the embedding. */
export function inspect(source: ModelSource): InspectReport {
  const tensors = [...source.tensors.values()].filter(t => t.packing !== 'order').map(inspectTensor)
  const types = [...new Set(tensors.map(t => t.type))].map(type => {
    const own = tensors.filter(t => t.type === type)
    return { type, tensors: own.length, parameters: sum(own.map(t => t.parameters)), bytes: sum(own.map(t => t.bytes)) }
  })
  return {
    path: source.path,
    format: source.format,
    config: source.config,
    parameters: sum(tensors.map(t => t.parameters)),
    bytes: source.bytes,
    tensors,
    types: types.sort((a, b) => b.bytes - a.bytes),
    ignored: source.ignored,
    tokenizer: source.tokenizer?.kind ?? null,
    chatTemplate: source.chatTemplate !== null,
    generation: source.generation,
    notice: source.notice,
  }
}

function inspectTensor({ name, type, shape, ranges }: WeightTensor): InspectedTensor {
  return { name, type, shape, parameters: shape.reduce((n, d) => n * d, 1), bytes: sum(Object.values(ranges).map(r => r.bytes)) }
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}
