/**
 * Finding AWQ and GPTQ weights among the tensors of safetensors files: X.qweight, X.qzeros, X.scales and, with activation order,
 * X.g_idx stand for X.weight. Shapes must agree with each other, and g_idx must name every group as often as a group has inputs: then the
 * inputs can be sorted by group. Layout and sources are in `int4.ts`.
 */
import { check } from '../graph/error.js'
import { readable, show } from './fields.js'
import type { FileTensor } from './file-tensor.js'
import type { ModelFiles } from './files.js'
import type { WeightTensor } from './model.js'
import type { GridType } from './scale-grid.js'

const where = 'safetensors'

export interface Int4Settings {
  readonly method: 'awq' | 'gptq'
  /** Inputs that share a scale. */
  readonly group: 32 | 64 | 128
  /** What the file's zeros lack: 1 in GPTQ's first format. */
  readonly zeroOffset: 0 | 1
}

export const scaleDtypes: Readonly<Record<string, GridType>> = { F32: 'f32', F16: 'f16', BF16: 'bf16' }

/** The weight `X.weight` in this packing, or null where the files have no X.qweight. Throws where its parts do not fit together. */
export function int4Weight(files: ModelFiles, tensors: ReadonlyMap<string, FileTensor>, { method, group, zeroOffset }: Int4Settings, name: string): WeightTensor | null {
  const module = name.replace(/\.weight$/, '')
  const codes = tensors.get(`${module}.qweight`)
  if (!codes || module === name) return null
  const part = (suffix: string, shape: readonly number[], dtypes: readonly string[]): FileTensor => {
    const found = tensors.get(`${module}.${suffix}`)
    check(found !== undefined, where, `${codes.range.file}: tensor ${readable(codes.name)}: tensor ${readable(`${module}.${suffix}`)} is missing`)
    const fits = dtypes.includes(found.dtype) && show(found.shape) === show(shape)
    check(fits, where, `${found.range.file}: tensor ${readable(found.name)}`, `${dtypes.join(' or ')} ${show(shape)}`, `${readable(found.dtype)} ${show(found.shape)}`)
    return found
  }
  const [first, second] = codes.shape.length === 2 ? codes.shape as readonly [number, number] : [0, 0]
  const [columns, rows] = method === 'awq' ? [first, second * 8] : [first * 8, second]
  const at = `${codes.range.file}: tensor ${readable(codes.name)}`
  const whole = columns > 0 && columns % group === 0 && rows % 8 === 0 && columns < 2 ** 24
  check(whole, where, `${at}: shape`, `whole groups of ${group} inputs and outputs by eights`, show(codes.shape))
  const groups = columns / group
  part('qweight', codes.shape, ['I32', 'U32'])
  const zeros = part('qzeros', [groups, rows / 8], ['I32', 'U32'])
  const scales = part('scales', [groups, rows], Object.keys(scaleDtypes))
  const order = method === 'gptq' && tensors.has(`${module}.g_idx`) ? part('g_idx', [columns], ['I32', 'U32']) : null
  const ordered = order !== null && !inPlace(files, order, group, groups)
  return {
    name, type: `int4_g${group}`, shape: [rows, columns], packing: method, scale: 1,
    ranges: { qweight: codes.range, qzeros: zeros.range, scales: scales.range, ...(ordered ? { order: order.range } : {}) },
    int4: { scales: scaleDtypes[scales.dtype]!, zeroOffset },
  }
}

/** Whether inputs stand in the order of their groups. Throws unless each group has its number of inputs. */
function inPlace(files: ModelFiles, order: FileTensor, group: number, groups: number): boolean {
  const index = readIndex(files, order)
  const counts = new Uint32Array(groups)
  for (const g of index) if (g < groups) counts[g]!++
  const odd = counts.findIndex(n => n !== group)
  check(odd < 0, where, `${order.range.file}: tensor ${readable(order.name)}: inputs of group ${odd}`, `${group}`, `${counts[odd]}`)
  return index.every((g, i) => g === Math.floor(i / group))
}

function readIndex(files: ModelFiles, order: FileTensor): Uint32Array {
  const index = new Uint32Array(order.range.bytes / 4)
  files.read(order.range, new Uint8Array(index.buffer))
  return index
}

/**
 * The orders of inputs as tensors of their own, `X.input_order`: of type `order`, or where an earlier weight of the layer has the
 * same one, `order:` and that one's name, so that products which read one input can share it.
 */
export function inputOrders(files: ModelFiles, weights: ReadonlyMap<string, WeightTensor>): ReadonlyMap<string, WeightTensor> {
  const orders = new Map<string, WeightTensor>()
  const known: { readonly name: string; readonly layer: string; readonly bytes: Uint8Array }[] = []
  for (const weight of weights.values()) {
    const range = weight.ranges['order']
    if (!range) continue
    const bytes = new Uint8Array(range.bytes)
    files.read(range, bytes)
    const name = weight.name.replace(/weight$/, 'input_order')
    const layer = name.replace(/[^.]*\.input_order$/, '')
    const same = known.find(k => k.layer === layer && Buffer.compare(k.bytes, bytes) === 0)
    if (!same) known.push({ name, layer, bytes })
    orders.set(name, { name, type: same ? `order:${same.name}` : 'order', shape: [weight.shape[1]!], packing: 'order', ranges: { data: range }, scale: 1 })
  }
  return orders
}
