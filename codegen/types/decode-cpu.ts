/**
 * Decoding for one thread with 128-bit vectors: a run of 32 elements becomes eight f32x4 in the order of the elements,
 * by swizzles and sign extensions of whole registers, never lane by lane. What can be done once a row instead of once a group (e2m1's
 * table holds twice the values) is left to the row's factor.
 */
import { WeftError } from '../../graph/error.js'
import type { KernelBuilder } from '../builder.js'
import { call, operand, splat, table, u32, vector, type Value } from '../value.js'
import type { BlockType, Plane } from './blocks.js'
import { e4m3Floats, groupsOfRun, minimum, scaleValue, type WeightView } from './decode.js'
import type { RunFields } from './fields.js'
import type { WeightLayout } from './layout.js'

/** Elements of a run that share scale and minimum, from `at`. */
export interface CpuGroup {
  readonly at: number
  readonly codes: readonly Value[]
  /** In all four lanes. */
  readonly scale: Value | null
  /** What is subtracted from every element: one number. */
  readonly min: Value | null
}

const e2m1Doubled = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]

/** What a row's sums of decoded products are to be multiplied by. */
export const rowFactor = (layout: WeightLayout): number => (layout.type.codec === 'e2m1' ? 0.5 : 1)

/** Groups of a run, given the loads of `WeightView.read`. */
export function decodeRun(k: KernelBuilder, weight: WeightView, read: readonly Value[]): readonly CpuGroup[] {
  const { layout } = weight
  const { type } = layout
  if (type.blocks) return decodeBlocks(k, type.blocks, weight.fields(read))
  const vectors = read.slice(0, type.bits / 4)
  const codes = vectors.flatMap(v => codesOf(k, layout, v))
  if (!type.scale) return [{ at: 0, codes, scale: null, min: null }]
  const [packed, packedMin] = read.slice(vectors.length)
  const { group, coding } = type.scale
  return Array.from({ length: groupsOfRun(group) }, (_, g) => {
    // A minimum that is a code times the scale needs the scale by itself.
    const value = scaleValue(coding, packed!, g)
    const scale = type.min?.coding === 'zero' ? k.let('one', value) : value
    return {
      at: g * group,
      codes: codes.slice((g * group) / 4, ((g + 1) * group) / 4),
      scale: k.let('scale', splat('f32x4', scale)),
      min: type.min && k.let('least', minimum(type.min.coding, packedMin!, scale)),
    }
  })
}

/** The elements of a run as they are, but for the row's factor and the row's scale. */
export function dequantizeRun(k: KernelBuilder, weight: WeightView, read: readonly Value[]): readonly Value[] {
  return decodeRun(k, weight, read).flatMap(({ codes, scale, min }) => {
    const least = min && k.let('leastInAll', splat('f32x4', min))
    return codes.map(q => {
      const scaled = scale ? q.mul(scale) : q
      return least ? scaled.sub(least) : scaled
    })
  })
}

/** Groups of a run whose type has fields. */
function decodeBlocks(k: KernelBuilder, block: BlockType, f: RunFields): readonly CpuGroup[] {
  const codes = [0, 1].flatMap(half => halfOf(k, block, f, half as 0 | 1))
  const groups = block.groups(f)
  const perGroup = codes.length / groups.length
  return groups.map(({ scale, min }, g) => ({
    at: g * perGroup * 4,
    codes: codes.slice(g * perGroup, (g + 1) * perGroup),
    scale: k.let('scale', splat('f32x4', scale)),
    min: min && k.let('least', min),
  }))
}

/** Elements 16·half to 16·half + 15 as four f32x4. */
function halfOf(k: KernelBuilder, block: BlockType, f: RunFields, half: 0 | 1): readonly Value[] {
  const { codes, fields } = block
  switch (codes.kind) {
    case 'quads': return [0, 1, 2, 3].map(v => call('i8x4', k.let('quad', codes.quad(f, u32(4 * half + v)))))
    case 'table': return widen8(k, call('swizzle', table(codes.values), bitsOfHalf(f, codes.plane, 4, half, 0).bitcast('i8x16')))
    case 'integers': {
      let shift = 0
      const parts = codes.planes.map(name => {
        const { bits } = fields[name] as Plane
        shift += bits
        return bitsOfHalf(f, name, bits, half, shift - bits)
      })
      const bytes = parts.reduce((a, b) => a.or(b)).bitcast('i8x16')
      return widen8(k, codes.zero === 0 ? bytes : bytes.sub(new8(codes.zero)))
    }
    default: return codes satisfies never
  }
}

/** Sixteen elements' bits of a plane, a byte each, shifted up by `shift`. Quads that lie side by side in a word come apart by a product with powers of two. */
function bitsOfHalf(f: RunFields, plane: string, bits: Plane['bits'], half: 0 | 1, shift: number): Value {
  const apart = (word: Value, top: number, mask: number): Value =>
    splat('u32x4', word).mul(vector(...([0, 1, 2, 3].map(v => u32(2 ** (top - bits * v))) as [Value, Value, Value, Value]))).and(mask).shr(top - shift)
  switch (bits) {
    case 1: return apart(f.word(plane, 0).shr(4 * half), 7, 0x80808080)
    case 2: return apart(f.word(plane, half), 6, 0xc0c0c0c0)
    case 4: return f.wholeOf(plane).shr(4 * half).and(0x0f0f0f0f)
    default: return bits satisfies never
  }
}

function codesOf(k: KernelBuilder, layout: WeightLayout, v: Value): readonly Value[] {
  const { codec, zero } = layout.type
  switch (codec) {
    case 'f32': return [v.bitcast('f32x4')]
    case 'bf16': return widen16(v.bitcast('i16x8')).map(h => h.shl(16).bitcast('f32x4'))
    // The sign stays at the top, the rest goes where f32 has it, and the exponent's bias is made up for by a product,
    // which also normalizes subnormals.
    case 'f16': return widen16(v.bitcast('i16x8')).map(h => h.shl(13).bitcast('u32x4').and(0x8fffe000).bitcast('f32x4').mul(splat('f32x4', 2 ** 112)))
    case 'e4m3': return e4m3Floats(k, v)
    case 'i8': return widen8(k, v.bitcast('i8x16'))
    case 'e2m1':
    case 'u4': {
      // Span 32: the low nibbles are elements 0 to 15, the high ones 16 to 31.
      const nibbles = [v.and(0x0f0f0f0f), v.shr(4).and(0x0f0f0f0f)].map(n => n.bitcast('i8x16'))
      const bytes = nibbles.map(n => (codec === 'e2m1' ? call('swizzle', table(e2m1Doubled), n) : zero === 0 ? n : n.sub(new8(zero))))
      return bytes.flatMap(b => widen8(k, b))
    }
    case 'blocks': throw new WeftError({ where: 'decode', what: 'a row with fields decodes its own codes' })
    default: throw new WeftError({ where: 'decode', what: `no decoding of ${codec satisfies never}` })
  }
}

/** Sixteen signed bytes of one value. */
const new8 = (n: number): Value => operand(n, 'i8x16')

/** Sixteen signed bytes as four f32x4. */
function widen8(k: KernelBuilder, bytes: Value): readonly Value[] {
  const b = k.let('bytes', bytes)
  return (['extendLow8', 'extendHigh8'] as const).flatMap(half => widen16(k.let('words', call(half, b))).map(w => w.convert('f32x4')))
}

/** Eight signed words as two i32x4. */
const widen16 = (words: Value): readonly Value[] => [call('extendLow16', words), call('extendHigh16', words)]
