/**
 * From tensors of safetensors files to weights. F32, F16 and BF16 are taken as they are. Quantized ones come in layouts that differ
 * in names, and in whether a scale divides or multiplies:
 *   compressed-tensors  X.weight_packed  X.weight_scale  X.weight_global_scale   NVFP4: e2m1 · scale / global
 *                       X.weight_packed  X.weight_scale (U8)                     MXFP4: e2m1 · 2^(scale − 127)
 *                       X.weight (F8)    X.weight_scale                          FP8: e4m3 · scale, of the tensor or of each row
 *   ModelOpt            X.weight (U8)    X.weight_scale  X.weight_scale_2        NVFP4: e2m1 · scale · global
 *                       X.weight (F8)    X.weight_scale                          FP8: e4m3 · scale
 *   fp8                 X.weight (F8)    X.weight_scale_inv                      FP8: e4m3 · scale of a block of 128 × 128
 *   awq, gptq           X.qweight ...                                            quantization-int4.ts
 * The configuration says which layout a model has; the tensors' names must agree. Scales of activations (`input_scale`,
 * `k_scale`) belong to paths that quantize activations and are not read.
 * Sources: vllm-project/compressed-tensors `compressors`, NVIDIA/Model-Optimizer `qtensor/nvfp4_tensor.py`, huggingface/transformers
 * `integrations/finegrained_fp8.py`.
 */
import { check, WeftError } from '../graph/error.js'
import { readable, show, type Fields } from './fields.js'
import type { FileTensor, FindWeight } from './file-tensor.js'
import type { ModelFiles } from './files.js'
import type { WeightTensor } from './model.js'
import { int4Weight, scaleDtypes, type Int4Settings } from './quantization-int4.js'
import { gridBytes, type ScaleGrid } from './scale-grid.js'

const where = 'safetensors'
const plainTypes: Readonly<Record<string, string>> = { F32: 'f32', F16: 'f16', BF16: 'bf16' }
const supported = 'F32, F16, BF16, NVFP4, MXFP4, FP8 E4M3, or AWQ or GPTQ of four bits'
/** Tensors beside a weight that change what it means; leaving one out would compute something else in silence. */
const unsupportedSides = ['pre_quant_scale', 'weight_zero_point', 'weight_g_idx'] as const

/** Which layout the configuration declares; `undeclared` leaves it to the tensors' names. */
export type Quantization = 'none' | 'undeclared' | 'compressed-tensors' | 'modelopt' | 'fp8' | Int4Settings

const formats = ['nvfp4-pack-quantized', 'mxfp4-pack-quantized', 'float-quantized', 'naive-quantized', 'mixed-precision', 'dense'] as const

/**
 * Reads `quantization_config` of config.json, or ModelOpt's `hf_quant_config.json`. Throws for another method, format, number of bits
 * or group size than there is a decoding for.
 */
export function readQuantization(config: Fields, modelopt: Fields | null): Quantization {
  const declared = config.object('quantization_config')
  if (!declared) return modelopt ? readModelopt(modelopt.object('quantization') ?? modelopt) : 'undeclared'
  const method = declared.choice('quant_method', ['compressed-tensors', 'modelopt', 'awq', 'gptq', 'fp8'] as const)
  switch (method) {
    case 'compressed-tensors':
      check(!declared.object('transform_config')?.object('config_groups'), where, `${declared.file}: transform_config: rotated weights are not supported`)
      if (declared.choice('format', formats) === 'dense') return 'none'
      checkGroups(declared)
      return 'compressed-tensors'
    case 'modelopt':
      checkGroups(declared)
      return readModelopt(declared)
    case 'fp8': return readBlocks(declared)
    case 'awq':
    case 'gptq': return readInt4(declared, method)
    default: return method satisfies never
  }
}

function readModelopt(fields: Fields): Quantization {
  const algorithm = fields.choice('quant_algo', ['NVFP4', 'FP8', 'MIXED_PRECISION'] as const)
  if (algorithm !== 'FP8') fields.integer('group_size', 16, 16, 16)
  return 'modelopt'
}

function readBlocks(fields: Fields): Quantization {
  const block = fields.list('weight_block_size') ?? []
  if (show(block) !== '[128,128]') throw fields.wrong('weight_block_size', '[128, 128]')
  return 'fp8'
}

function readInt4(fields: Fields, method: 'awq' | 'gptq'): Quantization {
  fields.integer(fields.has('w_bit') ? 'w_bit' : 'bits', 4, 4)
  const group = fields.integer(fields.has('q_group_size') ? 'q_group_size' : 'group_size', -1, 2 ** 20)
  if (group !== 32 && group !== 64 && group !== 128) throw fields.wrong(fields.has('q_group_size') ? 'q_group_size' : 'group_size', '32, 64 or 128')
  if (method === 'awq') {
    if (fields.string('version', 'gemm').toLowerCase() !== 'gemm') throw fields.wrong('version', 'gemm')
    return { method, group, zeroOffset: 0 }
  }
  return { method, group, zeroOffset: fields.choice('checkpoint_format', ['gptq', 'gptq_v2'] as const, 'gptq') === 'gptq' ? 1 : 0 }
}

/** Groups of a compressed-tensors or ModelOpt configuration: of weights in four bits, floats in blocks of 16 or 32; in eight, floats with no group. */
function checkGroups(fields: Fields): void {
  const groups = fields.object('config_groups')
  for (const name of Object.keys(groups?.values ?? {})) {
    const weights = groups?.object(name)?.object('weights')
    if (!weights || weights.integer('num_bits', 4, 8, 4) === 8) {
      weights?.choice('type', ['float'] as const)
      weights?.choice('strategy', ['tensor', 'channel', 'block'] as const, 'tensor')
      if (weights?.has('block_structure') && show(weights.list('block_structure')) !== '[128,128]') throw weights.wrong('block_structure', '[128, 128]')
      continue
    }
    const size = weights.integer('group_size', 16, 32, 16)
    if (size !== 16 && size !== 32) throw weights.wrong('group_size', '16 (NVFP4) or 32 (MXFP4)')
  }
}

/** Looks weights up among a model's tensors; reads no more than the scales of whole tensors, and the groups of GPTQ's inputs. */
export function safetensorsWeights(files: ModelFiles, tensors: ReadonlyMap<string, FileTensor>, quantization: Quantization): FindWeight {
  return name => {
    const packed = tensors.get(`${name}_packed`)
    const direct = tensors.get(name)
    if (packed && direct) throw new WeftError({ where, what: `${packed.range.file}: tensor ${readable(name)} is there both plain and packed` })
    const int4 = typeof quantization === 'object' ? int4Weight(files, tensors, quantization, name) : null
    const found = packed ?? direct
    if (int4 && found) throw new WeftError({ where, what: `${found.range.file}: tensor ${readable(name)} is there both plain and packed` })
    if (int4) return int4
    if (!found) return null
    for (const side of unsupportedSides) {
      const other = tensors.get(name.replace(/[^.]*$/, side))
      check(!other || !name.endsWith('.weight'), where, `${found.range.file}: tensor ${readable(other?.name ?? side)}: this kind of quantization is not supported`, supported)
    }
    const scales = tensors.get(`${name}_scale`)
    if (packed) return planes(name, packed, scales, tensors.get(`${name}_global_scale`), 'compressed-tensors')
    if (found.dtype === 'U8' && scales) return planes(name, found, scales, tensors.get(`${name}_scale_2`), 'modelopt')
    if (found.dtype === 'F8_E4M3') return fp8(name, found)
    const type = Object.hasOwn(plainTypes, found.dtype) ? plainTypes[found.dtype] : undefined
    check(type !== undefined, where, `${found.range.file}: tensor ${readable(name)}: dtype`, supported, readable(found.dtype))
    return { name, type, shape: found.shape, packing: 'plain', ranges: { data: found.range }, scale: 1 }
  }

  /** The configuration must allow `layout`. */
  function agree(at: string, layouts: readonly Quantization[]): void {
    const declared = typeof quantization === 'object' ? quantization.method : quantization
    check(quantization === 'undeclared' || layouts.includes(quantization), where, `${at}: quantized otherwise than the configuration says`, declared, layouts.join(' or '))
  }

  function planes(name: string, codes: FileTensor, scales: FileTensor | undefined, global: FileTensor | undefined, layout: 'compressed-tensors' | 'modelopt'): WeightTensor {
    const at = `${codes.range.file}: tensor ${readable(codes.name)}`
    agree(at, [layout])
    check(codes.dtype === 'U8' && codes.shape.length === 2, where, `${at}: packed codes`, 'U8 [rows, columns / 2]', `${readable(codes.dtype)} ${show(codes.shape)}`)
    const [rows, halves] = codes.shape as readonly [number, number]
    const columns = halves * 2
    const scaleName = `${name}_scale`
    check(scales !== undefined, where, `${at}: tensor ${readable(scaleName)} is missing`)
    const mxfp4 = layout === 'compressed-tensors' && scales.dtype === 'U8'
    const block = mxfp4 ? 32 : 16
    check(columns % block === 0, where, `${at}: columns`, `a multiple of ${block}`, `${columns}`)
    const scaleShape = [rows, columns / block]
    const fits = (mxfp4 || scales.dtype === 'F8_E4M3') && show(scales.shape) === show(scaleShape)
    check(fits, where, `${scales.range.file}: tensor ${readable(scaleName)}`, `${mxfp4 ? 'U8' : 'F8_E4M3'} ${show(scaleShape)}`, `${readable(scales.dtype)} ${show(scales.shape)}`)
    const ranges = { codes: codes.range, scales: scales.range }
    if (mxfp4) return { name, type: 'mxfp4', shape: [rows, columns], packing: 'planes', ranges, scale: 1 }
    const globalName = layout === 'modelopt' ? `${name}_scale_2` : `${name}_global_scale`
    check(global !== undefined, where, `${at}: tensor ${readable(globalName)} is missing`)
    const factor = readScalar(files, global)
    // A scale that divides must not be zero; one that multiplies may be, in a tensor of zeros.
    const scale = layout === 'modelopt' ? factor : Math.fround(1 / factor)
    const usable = (layout === 'modelopt' || factor > 0) && scale >= 0 && Number.isFinite(scale)
    check(usable, where, `${global.range.file}: tensor ${readable(globalName)}: value`, 'a positive finite number', `${factor}`)
    return { name, type: 'nvfp4', shape: [rows, columns], packing: 'planes', ranges, scale }
  }

  /** One scale for the tensor or for each row, or, where they are called `scale_inv` or are as many, for each block of 128 × 128. */
  function fp8(name: string, codes: FileTensor): WeightTensor {
    const at = `${codes.range.file}: tensor ${readable(codes.name)}`
    check(codes.shape.length === 2, where, `${at}: shape`, '[rows, columns]', show(codes.shape))
    const [rows, columns] = codes.shape as readonly [number, number]
    const inverse = tensors.get(`${name}_scale_inv`)
    const scales = inverse ?? tensors.get(`${name}_scale`)
    agree(at, inverse ? ['fp8'] : ['compressed-tensors', 'modelopt'])
    check(scales !== undefined, where, `${at}: tensor ${readable(`${name}_scale`)} is missing`)
    const type = Object.hasOwn(scaleDtypes, scales.dtype) ? scaleDtypes[scales.dtype] : undefined
    const grid = [Math.ceil(rows / 128), Math.ceil(columns / 128)] as const
    const of = (...shapes: readonly (readonly number[])[]): boolean => shapes.some(s => show(s) === show(scales.shape))
    const [one, each, blocks] = [!inverse && of([], [1], [1, 1]), !inverse && of([rows], [rows, 1]), of(grid)]
    check(type !== undefined && (one || each || blocks), where, `${scales.range.file}: tensor ${readable(scales.name)}`,
      `F32, F16 or BF16 ${inverse ? show(grid) : `[1], [${rows}, 1] or ${show(grid)}`}`, `${readable(scales.dtype)} ${show(scales.shape)}`)
    const gridOf = (r: number, c: number, block: ScaleGrid['block']): ScaleGrid => ({ type, rows: r, columns: c, block })
    const shared = { name, shape: codes.shape, packing: 'plain', ranges: { data: codes.range, scales: scales.range }, scale: 1 } as const
    // A matrix of one row has one scale either way, and one of a single block too.
    const made: WeightTensor = one ? { ...shared, type: 'fp8', grid: gridOf(1, 1, [rows, columns]) }
      : each ? { ...shared, type: 'fp8', grid: gridOf(rows, 1, [1, columns]) }
        : { ...shared, type: 'fp8_blocks', grid: gridOf(grid[0], grid[1], [128, 128]) }
    check(made.type === 'fp8' || columns % 128 === 0, where, `${at}: columns in blocks of 128`, 'a multiple of 128', `${columns}`)
    check(gridBytes(made.grid!) === scales.range.bytes, where, `${scales.range.file}: tensor ${readable(scales.name)}: bytes`, `${gridBytes(made.grid!)}`, `${scales.range.bytes}`)
    return made
  }
}

function readScalar(files: ModelFiles, tensor: FileTensor): number {
  const one = tensor.dtype === 'F32' && tensor.range.bytes === 4
  check(one, where, `${tensor.range.file}: tensor ${readable(tensor.name)}`, 'one F32 value', `${readable(tensor.dtype)} ${show(tensor.shape)}`)
  const view = new DataView(new ArrayBuffer(4))
  files.read(tensor.range, new Uint8Array(view.buffer))
  return view.getFloat32(0, true)
}
