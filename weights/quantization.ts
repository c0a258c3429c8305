/**
 * From tensors of safetensors files to weights. F32, F16 and BF16 are taken as they are; NVFP4 comes in two layouts that
 * differ in names and in whether the tensor scale divides or multiplies:
 *   compressed-tensors  X.weight_packed  X.weight_scale  X.weight_global_scale   e2m1 · scale / global
 *   ModelOpt            X.weight (U8)    X.weight_scale  X.weight_scale_2        e2m1 · scale · global
 * The configuration says which layout a model has; the tensors' names must agree. Scales of activations (`input_scale`,
 * `k_scale`) belong to paths that quantize activations and are not read.
 * Sources: vllm-project/compressed-tensors `compressors/nvfp4`, NVIDIA/Model-Optimizer `qtensor/nvfp4_tensor.py`.
 */
import { check, WeftError } from '../graph/error.js'
import { readable, show, type Fields } from './fields.js'
import type { FileTensor, FindWeight } from './file-tensor.js'
import type { ModelFiles } from './files.js'
import type { WeightTensor } from './model.js'

const where = 'safetensors'
const block = 16
const plainTypes: Readonly<Record<string, string>> = { F32: 'f32', F16: 'f16', BF16: 'bf16' }
const supported = 'F32, F16, BF16, or NVFP4 in the compressed-tensors or ModelOpt layout'
/** Tensors beside a weight that change what it means; leaving one out would compute something else in silence. */
const unsupportedSides = ['pre_quant_scale', 'weight_zero_point', 'weight_g_idx'] as const

/** Which layout the configuration declares; `undeclared` leaves it to the tensors' names. */
export type Quantization = 'none' | 'undeclared' | 'compressed-tensors' | 'modelopt'

/**
 * Reads `quantization_config` of config.json, or ModelOpt's `hf_quant_config.json`. Throws for another method, format or
 * group size than NVFP4's.
 */
export function readQuantization(config: Fields, modelopt: Fields | null): Quantization {
  const declared = config.object('quantization_config')
  if (!declared) return modelopt ? readModelopt(modelopt.object('quantization') ?? modelopt) : 'undeclared'
  switch (declared.choice('quant_method', ['compressed-tensors', 'modelopt'] as const)) {
    case 'compressed-tensors':
      declared.choice('format', ['nvfp4-pack-quantized', 'mixed-precision', 'dense'] as const)
      check(!declared.object('transform_config')?.object('config_groups'), where, `${declared.file}: transform_config: rotated weights are not supported`)
      checkGroups(declared)
      return declared.string('format') === 'dense' ? 'none' : 'compressed-tensors'
    case 'modelopt':
      checkGroups(declared)
      return readModelopt(declared)
  }
}

function readModelopt(fields: Fields): Quantization {
  fields.choice('quant_algo', ['NVFP4', 'MIXED_PRECISION'] as const)
  fields.integer('group_size', block, block, block)
  return 'modelopt'
}

function checkGroups(fields: Fields): void {
  const groups = fields.object('config_groups')
  for (const name of Object.keys(groups?.values ?? {})) groups?.object(name)?.object('weights')?.integer('group_size', block, block, block)
}

/** Looks weights up among a model's tensors; reads no more than the tensor scales, 4 bytes each. */
export function safetensorsWeights(files: ModelFiles, tensors: ReadonlyMap<string, FileTensor>, quantization: Quantization): FindWeight {
  return name => {
    const packed = tensors.get(`${name}_packed`)
    const direct = tensors.get(name)
    if (packed && direct) throw new WeftError({ where, what: `${packed.range.file}: tensor ${readable(name)} is there both plain and packed` })
    const found = packed ?? direct
    if (!found) return null
    for (const side of unsupportedSides) {
      const other = tensors.get(name.replace(/[^.]*$/, side))
      check(!other || !name.endsWith('.weight'), where, `${found.range.file}: tensor ${readable(other?.name ?? side)}: this kind of quantization is not supported`, supported)
    }
    const scales = tensors.get(`${name}_scale`)
    if (packed) return planes(name, packed, scales, tensors.get(`${name}_global_scale`), 'compressed-tensors')
    if (found.dtype === 'U8' && scales) return planes(name, found, scales, tensors.get(`${name}_scale_2`), 'modelopt')
    const type = Object.hasOwn(plainTypes, found.dtype) ? plainTypes[found.dtype] : undefined
    check(type !== undefined, where, `${found.range.file}: tensor ${readable(name)}: dtype`, supported, readable(found.dtype))
    return { name, type, shape: found.shape, packing: 'plain', ranges: { data: found.range }, scale: 1 }
  }

  function planes(name: string, codes: FileTensor, scales: FileTensor | undefined, global: FileTensor | undefined, layout: 'compressed-tensors' | 'modelopt'): WeightTensor {
    const at = `${codes.range.file}: tensor ${readable(codes.name)}`
    check(quantization === 'undeclared' || quantization === layout, where, `${at}: quantized otherwise than the configuration says`, quantization, layout)
    check(codes.dtype === 'U8' && codes.shape.length === 2, where, `${at}: packed codes`, 'U8 [rows, columns / 2]', `${readable(codes.dtype)} ${show(codes.shape)}`)
    const [rows, halves] = codes.shape as readonly [number, number]
    const columns = halves * 2
    check(columns % block === 0, where, `${at}: columns`, `a multiple of ${block}`, `${columns}`)
    const scaleName = `${name}_scale`
    const scaleShape = [rows, columns / block]
    check(scales !== undefined, where, `${at}: tensor ${readable(scaleName)} is missing`)
    const fits = scales.dtype === 'F8_E4M3' && show(scales.shape) === show(scaleShape)
    check(fits, where, `${scales.range.file}: tensor ${readable(scaleName)}`, `F8_E4M3 ${show(scaleShape)}`, `${readable(scales.dtype)} ${show(scales.shape)}`)
    const globalName = layout === 'modelopt' ? `${name}_scale_2` : `${name}_global_scale`
    check(global !== undefined, where, `${at}: tensor ${readable(globalName)} is missing`)
    const factor = readScalar(files, global)
    // A scale that divides must not be zero; one that multiplies may be, in a tensor of zeros.
    const scale = layout === 'modelopt' ? factor : Math.fround(1 / factor)
    const usable = (layout === 'modelopt' || factor > 0) && scale >= 0 && Number.isFinite(scale)
    check(usable, where, `${global.range.file}: tensor ${readable(globalName)}: value`, 'a positive finite number', `${factor}`)
    return { name, type: 'nvfp4', shape: [rows, columns], packing: 'planes', ranges: { codes: codes.range, scales: scales.range }, scale }
  }
}

function readScalar(files: ModelFiles, tensor: FileTensor): number {
  const one = tensor.dtype === 'F32' && tensor.range.bytes === 4
  check(one, where, `${tensor.range.file}: tensor ${readable(tensor.name)}`, 'one F32 value', `${readable(tensor.dtype)} ${show(tensor.shape)}`)
  const view = new DataView(new ArrayBuffer(4))
  files.read(tensor.range, new Uint8Array(view.buffer))
  return view.getFloat32(0, true)
}
