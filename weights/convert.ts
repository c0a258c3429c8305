/**
 * The weights of a model as another format stores them: for each tensor a `Placement`, and for safetensors what config.json has
 * to say about quantization. Types that both formats have pass bit by bit: plain floats, NVFP4 and MXFP4 with their scales, and in
 * GGUF the blocks it is made of. What the target has no type for becomes a plain float of the caller's choice.
 */
import { check, WeftError } from '../graph/error.js'
import type { Config } from '../graph/models/config.js'
import { datLayout, datSlot } from './dat.js'
import { fileRow } from './dequantize.js'
import { ggufName } from './gguf.js'
import { ggufLayout, ggufSlot, type GgufMetadata } from './gguf-write.js'
import { isSymmetric } from './int4.js'
import type { ModelSource, WeightTensor } from './model.js'
import {
  blockSlots, datFours, fitsFours, fitsGguf, foldScale, isPlain, placeEncoded, placeFours, placeQuantized, placeRaw, placeSymmetric, plainSlot, planeSlots,
  type Placement, type PlainType, type FoursSlots,
} from './place.js'
import { readFours, sizeOf, type FourBitFloat } from './rows.js'
import type { QuantizeOptions } from './quantize.js'
import { requiredTensors } from './required.js'
import type { FileLayout } from './tensor-file.js'
import { safetensorsLayout, safetensorsSlot } from './write.js'

export type Format = 'safetensors' | 'gguf' | 'dat'

/** How NVFP4 is spelled in safetensors: by a tensor scale that divides, or one that multiplies. */
export type Nvfp4Layout = 'compressed-tensors' | 'modelopt'

export interface Placed {
  readonly tensor: WeightTensor
  readonly placement: Placement
}

export interface ConvertedWeights {
  readonly placed: readonly Placed[]
  /** For config.json, or null where nothing is quantized. */
  readonly quantization: Readonly<Record<string, unknown>> | null
}

const isFours = (type: string): type is FourBitFloat => type === 'nvfp4' || type === 'mxfp4'

/** The weights, without the orders that some are read in. */
const weightsIn = (source: ModelSource): readonly WeightTensor[] => [...source.tensors.values()].filter(t => t.packing !== 'order')

/** Where a row of q or k goes in GGUF's llama files; null where rows keep their order. */
export function permutation(config: Config, tensor: WeightTensor): readonly number[] | null {
  if (config.architecture !== 'llama' && config.architecture !== 'mistral') return null
  const heads = requiredTensors(config).find(t => t.name === tensor.name)?.rotatedHeads
  if (heads === undefined) return null
  const rows = tensor.shape[0]!
  return Array.from({ length: rows }, (_, row) => fileRow(row, rows / heads))
}

/** The weights for a GGUF file. @param float what becomes of types that GGUF lacks */
export function forGguf(source: ModelSource, float: PlainType): ConvertedWeights {
  const { config } = source
  const place = (tensor: WeightTensor): Placement => {
    const [name, permute, { columns }] = [ggufName(tensor.name), permutation(config, tensor), sizeOf(tensor)]
    // llama.cpp reads norms and biases as f32 alone.
    if (tensor.shape.length === 1) return placeEncoded(tensor, ggufSlot(name, 'f32', tensor.shape), 'f32', permute)
    if (isFours(tensor.type) && fitsFours(tensor.type, columns, true)) return placeFours(tensor, tensor.type, blockSlots(name, tensor.type, tensor.shape, tensor.scale, permute))
    const raw = (isPlain(tensor.type) || tensor.packing === 'gguf') && fitsGguf(tensor.type, columns) && tensor.scale === 1
    if (raw) return placeRaw(tensor, ggufSlot(name, tensor.type, tensor.shape), permute)
    if (isSymmetric(source, tensor)) return placeSymmetric(tensor, ggufSlot(name, 'q4_0', tensor.shape), permute)
    return placeEncoded(tensor, ggufSlot(name, float, tensor.shape), float, permute)
  }
  return { placed: weightsIn(source).map(tensor => ({ tensor, placement: place(tensor) })), quantization: null }
}

/** The float32 whose inverse in float32 is exactly `scale`, or null: what compressed-tensors would have to divide by. */
export function exactDivisor(scale: number): number | null {
  const guess = Math.fround(1 / scale)
  const bits = new Uint32Array(Float32Array.of(guess).buffer)[0]!
  for (const offset of [0, 1, -1]) {
    const candidate = new Float32Array(Uint32Array.of(bits + offset).buffer)[0]!
    if (Number.isFinite(candidate) && candidate > 0 && Math.fround(1 / candidate) === scale) return candidate
  }
  return null
}

/** The weights for a safetensors file: NVFP4 in the common layout, or in ModelOpt's where a tensor scale has no exact inverse. */
export function forSafetensors(source: ModelSource, float: PlainType): ConvertedWeights {
  const tensors = weightsIn(source)
  const types = new Set(tensors.map(t => t.type).filter(isFours))
  check(types.size < 2, 'convert', `${source.path}: NVFP4 and MXFP4 in one model`, 'one of the two')
  const layout: Nvfp4Layout = tensors.every(t => t.type !== 'nvfp4' || exactDivisor(t.scale) !== null) ? 'compressed-tensors' : 'modelopt'
  // Other engines read no packed embedding; a file that came with one keeps it.
  const kept = (t: WeightTensor): boolean => isFours(t.type) && (source.format === 'safetensors' || t.name !== 'model.embed_tokens.weight')
  const place = (t: WeightTensor): Placement => {
    if (isFours(t.type) && kept(t)) return placeFours(t, t.type, safetensorsFours(t, t.type, layout === 'modelopt' ? t.scale : exactDivisor(t.scale)!, layout))
    if (isPlain(t.type)) return placeRaw(t, plainSlot(t.name, t.type, t.shape))
    return placeEncoded(t, plainSlot(t.name, float, t.shape), float)
  }
  const placed = tensors.map(tensor => ({ tensor, placement: place(tensor) }))
  const [type] = types
  return { placed, quantization: type === undefined ? null : quantizationConfig(type, layout, tensors.filter(t => !kept(t) && t.shape.length === 2).map(t => t.name)) }
}

/** Slots of a quantized matrix in safetensors. @param global the tensor scale as the layout has it */
export function safetensorsFours({ name, shape }: WeightTensor, type: FourBitFloat, global: number, layout: Nvfp4Layout): FoursSlots {
  const [rows, columns] = shape as readonly [number, number]
  const ct = layout === 'compressed-tensors'
  const codes = safetensorsSlot(ct ? `${name}_packed` : name, 'U8', [rows, columns / 2])
  if (type === 'mxfp4') return planeSlots(codes, safetensorsSlot(`${name}_scale`, 'U8', [rows, columns / 32]))
  const scales = safetensorsSlot(`${name}_scale`, 'F8_E4M3', [rows, columns / 16])
  const slot = safetensorsSlot(ct ? `${name}_global_scale` : `${name}_scale_2`, 'F32', [1])
  return planeSlots(codes, scales, { slot, value: global })
}

/** `quantization_config` of config.json. @param plain names of the matrices that are not quantized */
export function quantizationConfig(type: FourBitFloat, layout: Nvfp4Layout, plain: readonly string[]): Readonly<Record<string, unknown>> {
  const ignore = plain.map(name => name.replace(/\.weight$/, '')).filter(name => name !== 'model.embed_tokens')
  if (layout === 'modelopt') {
    const weights = { dynamic: false, num_bits: 4, type: 'float', group_size: 16 }
    return { quant_method: 'modelopt', quant_algo: 'NVFP4', ignore, config_groups: { group_0: { weights, targets: ['Linear'] } }, producer: { name: 'weft' } }
  }
  const nvfp4 = type === 'nvfp4'
  const weights = {
    num_bits: 4, type: 'float', symmetric: true, strategy: nvfp4 ? 'tensor_group' : 'group', group_size: nvfp4 ? 16 : 32, dynamic: false, observer: 'minmax',
    scale_dtype: nvfp4 ? 'torch.float8_e4m3fn' : 'torch.uint8', zp_dtype: null, actorder: null, block_structure: null, observer_kwargs: {},
  }
  const format = nvfp4 ? 'nvfp4-pack-quantized' : 'mxfp4-pack-quantized'
  return {
    quant_method: 'compressed-tensors', format, quantization_status: 'compressed', global_compression_ratio: null, kv_cache_scheme: null, ignore,
    config_groups: { group_0: { targets: ['Linear'], format, weights, input_activations: null, output_activations: null } },
  }
}

/**
 * The weights for a `.dat` file as the F# program reads it: f16 for the embedding and norms, NVFP4 without a tensor scale for
 * every other matrix, a tied head being written as one of its own.
 */
export function forDat(source: ModelSource, optionsOf: (tensor: WeightTensor) => QuantizeOptions = () => ({})): ConvertedWeights {
  const place = (t: WeightTensor): Placement => {
    if (t.shape.length === 1 || t.name === 'model.embed_tokens.weight') return placeEncoded(t, datSlot(t.name, 'F16', t.shape), 'f16')
    const { columns } = sizeOf(t)
    if (!fitsFours('nvfp4', columns, false)) throw new WeftError({ where: 'dat', what: `tensor ${t.name}: columns`, expected: 'a multiple of 16', got: `${columns}` })
    const into = datFours(t.name, t.shape as readonly [number, number])
    const options = optionsOf(t)
    if (t.type !== 'nvfp4') return placeQuantized(t, 'nvfp4', 1, into, options)
    return {
      slots: into.slots, to: 'nvfp4',
      fill(from, put) {
        const { rows } = sizeOf(t)
        const folded = foldScale(readFours(from, t, 'nvfp4', 0, rows).scales, t.scale)
        if (folded === null) return placeQuantized(t, 'nvfp4', 1, into, options).fill(from, put)
        return placeFours(t, 'nvfp4', { ...into, rows: (p, at, f) => into.rows(p, at, { codes: f.codes, scales: folded.subarray((at * columns) / 16, (at * columns) / 16 + f.scales.length) }) }).fill(from, put)
      },
    }
  }
  const tensors = weightsIn(source)
  const embedding = source.tensors.get('model.embed_tokens.weight')!
  const head = source.config.tiedHead ? [{ ...embedding, name: 'lm_head.weight' }] : []
  return { placed: [...tensors, ...head].map(tensor => ({ tensor, placement: place(tensor) })), quantization: null }
}

/** Where everything stands in a file of these weights. `metadata` and `extra` are GGUF's. */
export function layoutOf(format: Format, placed: readonly Placed[], metadata: GgufMetadata, extra: readonly ReturnType<typeof ggufSlot>[]): FileLayout {
  const slots = [...placed.flatMap(p => p.placement.slots), ...extra]
  switch (format) {
    case 'gguf': return ggufLayout(slots, metadata)
    case 'safetensors': return safetensorsLayout(slots)
    case 'dat': return datLayout(slots)
    default: return format satisfies never
  }
}
