/**
 * Decoding for one thread with 128-bit vectors, never lane by lane: a run of 32 elements becomes eight f32x4 in one of two orders, or four
 * i16x8. In the order of elements bytes are widened step by step. In pairs, two neighbours share a word, of which a shift makes
 * the one and a mask the other: fewer instructions, but x has to be dealt the same way, once for all columns. Four-bit codes
 * in pairs become floats by two tables, of the two upper bytes that an f32 of few digits has. As words integer codes need fewest
 * of all, as one instruction multiplies and adds eight; x has to be words too. What can be done once a row instead of once a
 * group is left to the row's factor.
 */
import { WeftError } from '../../graph/error.js'
import type { KernelBuilder } from '../builder.js'
import { call, operand, splat, table, u32, vector, type Value } from '../value.js'
import type { BlockType, Plane } from './blocks.js'
import { e4m3Floats, groupsOfRun, minimum, scaleValue, type WeightView } from './decode.js'
import type { RunFields } from './fields.js'
import { runElements, type WeightLayout } from './layout.js'

/** Elements of a run that share scale and minimum, from `at`. */
export interface CpuGroup {
  readonly at: number
  readonly codes: readonly Value[]
  /** In all four lanes. */
  readonly scale: Value | null
  /** What is subtracted from every element: one number. */
  readonly min: Value | null
}

/** `pairs`: of every 8 elements first the even, then the odd ones. `words`: in their order, as i16x8. */
export type Order = 'elements' | 'pairs' | 'words'

/** Elements in a vector of codes. */
export const lanesOf = (order: Order): number => (order === 'words' ? 8 : 4)

/** Whether codes are integers, times a row's factor, so that they can be words. */
export const integerCodes = ({ type }: WeightLayout): boolean => type.codec === 'i8' || type.codec === 'u4' || type.codec === 'e2m1' || type.codec === 'blocks'

const e2m1Doubled = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]
const e2m1Values = e2m1Doubled.map((v, code) => (code === 8 ? -0 : v / 2))
/** How many times too large bytes are that stand at the top of a word. */
const top = 2 ** 24

/** What a row's sums of decoded products are to be multiplied by. */
export function rowFactor({ type }: WeightLayout, order: Order = 'elements'): number {
  if (order !== 'pairs') return type.codec === 'e2m1' ? 0.5 : 1
  const integers = type.codec === 'i8' || (type.blocks !== undefined && type.blocks.codes.kind !== 'table')
  return integers ? 1 / top : 1
}

/** Whether the scales of two runs make up a word, of which all are decoded at once. */
export function scalesInPairs({ type, cols }: WeightLayout): boolean {
  return type.scale?.coding === 'e4m3' && groupsOfRun(type.scale.group) === 2 && type.min === null && cols % (2 * runElements) === 0
}

/**
 * Groups of two runs whose scales make up a word, given the loads of `WeightView.readPair`; `at` counts from the first run.
 * @param by what the four groups' scales are multiplied by, if anything
 */
export function decodePair(k: KernelBuilder, weight: WeightView, read: readonly Value[], order: Order, by: Value | null = null): readonly CpuGroup[] {
  const { type } = weight.layout
  const codes = read.slice(0, -1).flatMap(v => codesOf(k, weight.layout, v, order))
  const { group } = type.scale!
  const bytes = call('swizzle', splat('u32x4', read.at(-1)!).bitcast('i8x16'), table([0, 1, 2, 3].flatMap(g => [g, g, g, g])))
  const own = e4m3AtTop(bytes.bitcast('u32x4'))
  const scales = k.let('scales', by === null ? own : own.mul(by))
  const each = group / lanesOf(order)
  return [0, 1, 2, 3].map(g => ({ at: g * group, codes: codes.slice(g * each, (g + 1) * each), scale: k.let('scale', splat('f32x4', scales.at(g))), min: null }))
}

/** Groups of a run, given the loads of `WeightView.read`. @param by what each group's scale is multiplied by, if anything */
export function decodeRun(k: KernelBuilder, weight: WeightView, read: readonly Value[], order: Order = 'elements', by: ((group: number) => Value) | null = null): readonly CpuGroup[] {
  const { layout } = weight
  const { type } = layout
  const scaled = (scale: Value, g: number): Value => k.let('scale', splat('f32x4', by === null ? scale : scale.mul(by(g))))
  if (type.blocks) return decodeBlocks(k, type.blocks, weight.fields(read), order, scaled)
  const vectors = read.slice(0, type.bits / 4)
  const codes = vectors.flatMap(v => codesOf(k, layout, v, order))
  if (!type.scale) return [{ at: 0, codes, scale: null, min: null }]
  const [packed, packedMin] = read.slice(vectors.length)
  const { group, coding } = type.scale
  return Array.from({ length: groupsOfRun(group) }, (_, g) => {
    // A minimum that is a code times the scale needs the scale by itself.
    const value = scaleValue(coding, packed!, g)
    const scale = type.min?.coding === 'zero' ? k.let('one', value) : value
    return {
      at: g * group,
      codes: codes.slice((g * group) / lanesOf(order), ((g + 1) * group) / lanesOf(order)),
      scale: scaled(scale, g),
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
function decodeBlocks(k: KernelBuilder, block: BlockType, f: RunFields, order: Order, scaled: (scale: Value, g: number) => Value): readonly CpuGroup[] {
  const codes = [0, 1].flatMap(half => halfOf(k, block, f, half as 0 | 1, order))
  const groups = block.groups(f)
  const perGroup = codes.length / groups.length
  return groups.map(({ scale, min }, g) => ({
    at: g * perGroup * lanesOf(order),
    codes: codes.slice(g * perGroup, (g + 1) * perGroup),
    scale: scaled(scale, g),
    min: min && k.let('least', min),
  }))
}

/** Elements 16·half to 16·half + 15 as four f32x4 or two i16x8. */
function halfOf(k: KernelBuilder, block: BlockType, f: RunFields, half: 0 | 1, order: Order): readonly Value[] {
  const { codes, fields } = block
  switch (codes.kind) {
    case 'quads': {
      const quads = [0, 1, 2, 3].map(v => k.let('quad', codes.quad(f, u32(4 * half + v)))) as [Value, Value, Value, Value]
      return order === 'elements' ? quads.map(q => call('i8x4', q)) : integers(k, vector(...quads).bitcast('i8x16'), order)
    }
    case 'table': return ofTable(k, codes.values, bitsOfHalf(f, codes.plane, 4, half, 0).bitcast('i8x16'), order)
    case 'integers': {
      let shift = 0
      const parts = codes.planes.map(name => {
        const { bits } = fields[name] as Plane
        shift += bits
        return bitsOfHalf(f, name, bits, half, shift - bits)
      })
      const bytes = parts.reduce((a, b) => a.or(b)).bitcast('i8x16')
      return integers(k, codes.zero === 0 ? bytes : bytes.sub(new8(codes.zero)), order)
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

function codesOf(k: KernelBuilder, layout: WeightLayout, v: Value, order: Order): readonly Value[] {
  const { codec, zero } = layout.type
  // Half words are in pairs as they lie.
  const halves = (): readonly Value[] => (order === 'elements' ? widen16(v.bitcast('i16x8')).map(h => h.shl(16).bitcast('u32x4')) : pair(k.let('words', v)))
  switch (codec) {
    case 'f32': return [v.bitcast('f32x4')]
    case 'bf16': return halves().map(h => h.bitcast('f32x4'))
    // The sign stays at the top, the rest goes where f32 has it, and the exponent's bias is made up for by a product,
    // which also normalizes subnormals.
    case 'f16': return halves().map(h => h.bitcast('i32x4').shr(3).bitcast('u32x4').and(0x8fffe000).bitcast('f32x4').mul(splat('f32x4', 2 ** 112)))
    case 'e4m3': return order === 'elements' ? e4m3Floats(k, v) : atTop(k, v.bitcast('i8x16')).map(e4m3AtTop)
    case 'i8': return integers(k, v.bitcast('i8x16'), order)
    case 'e2m1':
    case 'u4': {
      // Span 32: the low nibbles are elements 0 to 15, the high ones 16 to 31.
      const nibbles = [v.and(0x0f0f0f0f), v.shr(4).and(0x0f0f0f0f)].map(n => n.bitcast('i8x16'))
      return nibbles.flatMap(n => {
        if (order === 'pairs') return ofTable(k, codec === 'e2m1' ? e2m1Values : Array.from({ length: 16 }, (_, code) => code - zero), n, order)
        return codec === 'e2m1' ? ofTable(k, e2m1Doubled, n, order) : integers(k, zero === 0 ? n : n.sub(new8(zero)), order)
      })
    }
    case 'blocks': throw new WeftError({ where: 'decode', what: 'a row with fields decodes its own codes' })
    default: throw new WeftError({ where: 'decode', what: `no decoding of ${codec satisfies never}` })
  }
}

/** Sixteen signed bytes of one value. */
const new8 = (n: number): Value => operand(n, 'i8x16')

/** The values of a table of sixteen by sixteen codes. In pairs two bytes must hold each as an f32, else one as an integer. */
function ofTable(k: KernelBuilder, values: readonly number[], codes: Value, order: Order): readonly Value[] {
  if (order !== 'pairs') return integers(k, call('swizzle', table(values), codes), order)
  const bits = Array.from(new Int32Array(Float32Array.from(values).buffer))
  if (bits.some(b => (b & 0xffff) !== 0)) throw new WeftError({ where: 'decode', what: 'a table with values of more than 8 digits', got: values.join(', ') })
  const index = k.let('index', codes)
  const [low, high] = [16, 24].map(shift => k.let('bytes', call('swizzle', table(bits.map(b => ((b >> shift) << 24) >> 24)), index))) as [Value, Value]
  return interleaved(k, low, high).map(w => w.bitcast('f32x4'))
}

/** Sixteen signed bytes as four f32x4, in pairs 2²⁴ times as large, or as two i16x8. */
function integers(k: KernelBuilder, bytes: Value, order: Order): readonly Value[] {
  switch (order) {
    case 'elements': return words(k, bytes).flatMap(w => widen16(k.let('words', w)).map(v => v.convert('f32x4')))
    case 'pairs': return atTop(k, bytes).map(w => w.bitcast('i32x4').convert('f32x4'))
    case 'words': return words(k, bytes)
    default: return order satisfies never
  }
}

/** Sixteen signed bytes as two i16x8, in their order. */
function words(k: KernelBuilder, bytes: Value): readonly Value[] {
  const b = k.let('bytes', bytes)
  return (['extendLow8', 'extendHigh8'] as const).map(half => call(half, b))
}

/** Eight signed words as two i32x4. */
const widen16 = (words: Value): readonly Value[] => [call('extendLow16', words), call('extendHigh16', words)]

/** The even and the odd half words of a vector, each at the top of a word with nothing below. */
const pair = (words: Value): readonly Value[] => [words.shl(16), words.and(0xffff0000)]

/** Half words of two vectors of bytes, at the top of words in pairs. */
const interleaved = (k: KernelBuilder, low: Value, high: Value): readonly Value[] =>
  (['interleaveLow8', 'interleaveHigh8'] as const).flatMap(half => pair(k.let('words', call(half, low, high).bitcast('u32x4'))))

/** Bytes at the top of words, in pairs. */
const atTop = (k: KernelBuilder, bytes: Value): readonly Value[] => interleaved(k, new8(0), k.let('bytes', bytes))

/** An e4m3 from the top byte of each word, whatever stands below: as `e4m3Floats` has it. */
const e4m3AtTop = (words: Value): Value => words.bitcast('i32x4').shr(4).bitcast('u32x4').and(0x87f00000).bitcast('f32x4').mul(splat('f32x4', 2 ** 120))
