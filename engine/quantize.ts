/**
 * A model's matrices in fewer bits: NVFP4 or MXFP4 as compressed-tensors writes them, or GGUF's types, streamed a few megabytes at a
 * time. Embedding and head stay as they are, as in the files of the common exporters, except with q8_0, q4_0 and q4_1. Products that
 * other engines merge (q, k, v; gate, up) get one tensor scale, as those engines want it.
 */
import { check, WeftError } from '../graph/error.js'
import { forDat, forGguf, forSafetensors, permutation, quantizationConfig, safetensorsFours, type ConvertedWeights, type Placed } from '../weights/convert.js'
import { ggufName } from '../weights/gguf.js'
import { ggufSlot } from '../weights/gguf-write.js'
import type { ModelSource, WeightTensor } from '../weights/model.js'
import { openModel } from '../weights/open.js'
import { blockSlots, fitsFours, fitsGguf, largestIn, placeEncoded, placeQuantized, type FoursSlots, type Placement } from '../weights/place.js'
import { nvfp4Divisor, type QuantizeOptions } from '../weights/quantize.js'
import { sizeOf } from '../weights/rows.js'
import { formatOf, writeModel, type ConvertReport } from './convert.js'

export const quantizeTypes = ['nvfp4', 'mxfp4', 'q8_0', 'q4_0', 'q4_1'] as const
export type QuantizeType = (typeof quantizeTypes)[number]

export interface QuantizeModelOptions {
  readonly type: QuantizeType
  /** Choose scales by squared error. */
  readonly search?: boolean
  /** What an error counts, by weight and column: the mean squares that `calibrate` finds. */
  readonly importance?: ReadonlyMap<string, Float32Array>
  readonly onProgress?: (done: number, total: number) => void
}

/** Quantizes the model at `from` into `to`. Throws a WeftError for a type that the target's format does not have. */
export async function quantizeModel(from: string, to: string, options: QuantizeModelOptions): Promise<ConvertReport> {
  const { type } = options
  const format = formatOf(to)
  const block = type === 'nvfp4' || type === 'mxfp4'
  check(format === 'gguf' || block, '--type', `${type} has no place in ${format === 'dat' ? '.dat files' : 'safetensors'}`, 'OUT.gguf, or nvfp4 or mxfp4')
  check(format !== 'dat' || type === 'nvfp4', '--type', `${type} has no place in .dat files`, 'nvfp4')
  const source = await openModel(from)
  try {
    return await writeModel(source, to, weightsOf(source, format, options), options.onProgress)
  } finally {
    source.close()
  }
}

function weightsOf(source: ModelSource, format: ReturnType<typeof formatOf>, options: QuantizeModelOptions): ConvertedWeights {
  const { type } = options
  const own = (t: WeightTensor): QuantizeOptions => {
    const importance = options.importance?.get(t.name)
    return { search: options.search ?? false, ...(importance ? { importance } : {}) }
  }
  if (format === 'dat') return forDat(source, own)
  const wanted = (t: WeightTensor): boolean => t.shape.length === 2 && (type.startsWith('q') || (t.name !== 'model.embed_tokens.weight' && t.name !== 'lm_head.weight'))
  const fits = (t: WeightTensor): boolean => {
    const { columns } = sizeOf(t)
    return type === 'nvfp4' || type === 'mxfp4' ? fitsFours(type, columns, format === 'gguf') : fitsGguf(type, columns)
  }
  const divisors = new Divisors(source, options.search ?? false)
  const place = (t: WeightTensor): Placement => {
    const permute = permutation(source.config, t)
    if (type !== 'nvfp4' && type !== 'mxfp4') return placeEncoded(t, ggufSlot(ggufName(t.name), type, t.shape), type, permute, own(t))
    const into = (divisor: number): FoursSlots =>
      format === 'gguf' ? blockSlots(ggufName(t.name), type, t.shape, Math.fround(1 / divisor), permute) : safetensorsFours(t, type, divisor, 'compressed-tensors')
    return {
      slots: into(1).slots, to: type,
      fill(from, put) {
        const divisor = type === 'nvfp4' ? divisors.of(t) : 1
        return placeQuantized(t, type, Math.fround(1 / divisor), into(divisor), own(t)).fill(from, put)
      },
    }
  }
  const base = format === 'gguf' ? forGguf(source, 'f16') : forSafetensors(source, 'f16')
  const placed = base.placed.map(({ tensor, placement }): Placed => ({ tensor, placement: wanted(tensor) && fits(tensor) ? place(tensor) : placement }))
  const quantized = placed.filter(p => p.placement.to === type)
  if (quantized.length === 0) throw new WeftError({ where: 'quantize', what: `${source.path}: no matrix has a width that ${type} can take` })
  const plain = placed.filter(p => p.tensor.shape.length === 2 && p.placement.to !== type).map(p => p.tensor.name)
  const quantization = format === 'safetensors' && (type === 'nvfp4' || type === 'mxfp4') ? quantizationConfig(type, 'compressed-tensors', plain) : null
  return { placed, quantization }
}

/** Products that engines merge. */
const merged = [['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'], ['mlp.gate_proj', 'mlp.up_proj']] as const

/** The tensor scales of NVFP4, found when first asked for: one for all that are merged. */
class Divisors {
  private readonly found = new Map<string, number>()

  constructor(private readonly source: ModelSource, private readonly search: boolean) {}

  of(tensor: WeightTensor): number {
    const known = this.found.get(tensor.name)
    if (known !== undefined) return known
    const group = merged.find(names => names.some(n => tensor.name.includes(n)))
    const own = group?.find(n => tensor.name.includes(n)) ?? ''
    const names = group ? group.map(n => tensor.name.replace(own, n)) : [tensor.name]
    const largest = Math.max(...names.map(n => largestIn(this.source, this.source.tensors.get(n)!)))
    const divisor = nvfp4Divisor(largest, this.search)
    for (const name of names) this.found.set(name, divisor)
    return divisor
  }
}
