/**
 * Decoding in the kernel form: reads a run of 32 elements of a weight in 16-byte loads and yields groups of codes
 * with their scale and minimum. Reading and decoding stand apart, so that a schedule can read one step ahead. The
 * same rows serve GPUs, where device functions unpack words, and CPUs, where one swizzle of a 16-byte table decodes
 * sixteen codes.
 */
import { WeftError } from '../../graph/error.js'
import type { Buffer, KernelBuilder } from '../builder.js'
import { codesOfQuad, type BlockType } from './blocks.js'
import { RunFields, type Views } from './fields.js'
import type { Caps } from '../caps.js'
import { call, f32, select, splat, table, u32, vector, type Operand, type Value } from '../value.js'
import { runElements, type WeightLayout } from './layout.js'
import { e8m0 } from './scales.js'
import { scaleBytes, type ScaleCoding } from './table.js'

/** A group of a run: consecutive elements from `at`, four to a vector, that share scale and minimum. */
export interface DecodedGroup {
  readonly at: number
  /** q as f32x4, four consecutive elements each. */
  readonly codes: readonly Value[]
  readonly scale: Value | null
  readonly min: Value | null
}

/** e2m1's values doubled, so that they are whole; the half goes into the scale. */
const e2m1Doubled = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]

/** A weight as a kernel sees it: its buffer in 16-byte units and, where there are scales, in words. */
export class WeightView {
  private inVectors: Buffer | null = null
  private inWords: Buffer | null = null

  constructor(private readonly k: KernelBuilder, private readonly name: string, readonly layout: WeightLayout, private readonly caps: Caps) {}

  // Both views are the same buffer, declared where they are used; the plan binds `name` and `nameWords` to one weight.
  private get vectors(): Buffer {
    return (this.inVectors ??= this.k.param(this.name, 'u32x4', 'weight', 'read', 'stream'))
  }
  private get words(): Buffer {
    return (this.inWords ??= this.k.param(`${this.name}Words`, 'u32', 'weight', 'read', 'keep'))
  }

  private get views(): Views {
    const view = this
    return { get words() { return view.words }, get vectors() { return view.vectors } }
  }

  /** Runs of one row. */
  get runs(): number {
    return this.layout.cols / runElements
  }
  /** 16-byte loads of one run. */
  private get vectorsPerRun(): number {
    return this.layout.type.bits / 4
  }

  /** What decoding a run needs, as loads: its codes, then its scales and minima. */
  read(row: Value, run: Value): readonly Value[] {
    const { layout } = this
    const at = row.mul(this.runs).add(run)
    if (layout.type.blocks) return [...RunFields.loads(layout, this.views, at).values()]
    const codes = Array.from({ length: this.vectorsPerRun }, (_, i) => this.vectors.load(at.mul(this.vectorsPerRun).add(i)))
    const { scale, min } = layout.type
    if (!scale) return codes
    // Runs that share a group read it again, runs of two groups both at once.
    const unit = scale.group <= runElements ? at : at.div(scale.group / runElements)
    const section = (byteAt: number, bytes: number): Value =>
      bytes === 4 ? this.words.load(unit.add(byteAt / 4)) : this.words.loadBits(unit.add(byteAt / bytes), bytes === 2 ? 16 : 8)
    return [...codes, section(layout.scalesAt, scaleBytes[scale.coding] * groupsOfRun(scale.group)), ...(min ? [section(layout.minsAt, 2)] : [])]
  }

  /** What decoding runs 2 · pair and 2 · pair + 1 needs, where their scales make up a word: their codes, then that word. */
  readPair(row: Value, pair: Value): readonly Value[] {
    const at = row.mul(this.runs / 2).add(pair)
    const codes = Array.from({ length: 2 * this.vectorsPerRun }, (_, i) => this.vectors.load(at.mul(2 * this.vectorsPerRun).add(i)))
    return [...codes, this.words.load(at.add(this.layout.scalesAt / 4))]
  }

  /** Groups of the run whose loads were named. */
  decode(read: readonly Value[]): readonly DecodedGroup[] {
    const { type } = this.layout
    if (type.blocks) return this.decodeFields(type.blocks, read)
    const vectors = read.slice(0, this.vectorsPerRun)
    const codes = this.codes(vectors)
    if (!type.scale) return [{ at: 0, codes, scale: null, min: null }]
    const packed = read[this.vectorsPerRun]!
    const { group, coding } = type.scale
    const perGroup = group / 4
    return Array.from({ length: groupsOfRun(group) }, (_, g) => {
      const scale = this.k.let('scale', this.scale(packed, g, coding))
      return {
        at: g * group,
        codes: codes.slice(g * perGroup, (g + 1) * perGroup),
        scale,
        min: type.min && this.k.let('least', minimum(type.min.coding, read[this.vectorsPerRun + 1]!, scale)),
      }
    })
  }

  /** The fields of the run whose loads were named. */
  fields(read: readonly Value[]): RunFields {
    const names = [...RunFields.loads(this.layout, this.views, u32(0)).keys()]
    return RunFields.loaded(this.layout, this.views, names, read)
  }

  private decodeFields(block: BlockType, read: readonly Value[]): readonly DecodedGroup[] {
    const f = this.fields(read)
    const perGroup = this.layout.type.scale!.group / 4
    return block.groups(f).map(({ scale, min }, g) => ({
      at: g * perGroup * 4,
      codes: Array.from({ length: perGroup }, (_, q) => call('i8x4', codesOfQuad(block, f, u32(g * perGroup + q)))),
      scale: this.k.let('scale', scale),
      min: min && this.k.let('least', min),
    }))
  }

  /** All 32 elements of a run as eight f32x4, scales and minima applied; without the row's scale. */
  dequantize(read: readonly Value[]): readonly Value[] {
    return this.decode(read).flatMap(({ codes, scale, min }) =>
      codes.map(c => {
        const scaled = scale ? c.mul(splat('f32x4', scale)) : c
        return min ? scaled.sub(splat('f32x4', min)) : scaled
      }),
    )
  }

  /** One element, for schedules that take any shape; without the row's scale. */
  element(row: Value, col: Value): Value {
    const { layout, words } = this
    const { type, cols, span } = layout
    if (type.blocks) return this.fieldElement(type.blocks, row, col)
    const at = row.mul(cols).add(col)
    const q = ((): Value => {
      switch (type.codec) {
        case 'f32': return this.word(at).bitcast('f32')
        case 'f16': return call('f16', this.half(at))
        case 'bf16': return call('bf16', this.half(at))
        case 'e4m3': return call('e4m3', words.loadBits(at, 8))
        case 'i8': return call('i8x4', words.loadBits(at, 8)).at(0)
        case 'e2m1':
        case 'u4': {
          const inSpan = col.mod(span)
          const byte = row.mul(cols / 2).add(col.div(span).mul(span / 2)).add(inSpan.mod(span / 2))
          const code = words.loadBits(byte, 8).shr(inSpan.div(span / 2).mul(4)).and(15)
          return call(type.codec === 'e2m1' ? 'e2m1x4' : 'u4x4', code).at(0).sub(type.zero)
        }
        case 'blocks': throw new WeftError({ where: 'decode', what: `${type.name} has no fields` })
        default: return type.codec satisfies never
      }
    })()
    if (!type.scale) return q
    const g = row.mul(cols / type.scale.group).add(col.div(type.scale.group))
    const bytes = scaleBytes[type.scale.coding]
    const scale = scaleValue(type.scale.coding, bytes === 4 ? this.word(g.add(layout.scalesAt / 4)) : words.loadBits(g.add(layout.scalesAt / bytes), bytes === 2 ? 16 : 8))
    const least = type.min && minimum(type.min.coding, words.loadBits(g.add(layout.minsAt / 2), 16), scale)
    return least ? q.mul(scale).sub(least) : q.mul(scale)
  }

  private fieldElement(block: BlockType, row: Value, col: Value): Value {
    const f = new RunFields(this.layout, this.views, row.mul(this.runs).add(col.div(runElements)), (_, make) => make())
    const bytes = codesOfQuad(block, f, col.mod(runElements).div(4))
    const q = call('i8x4', bytes.shr(col.mod(4).mul(8)).and(255)).at(0)
    const later = col.mod(runElements).ge(this.layout.type.scale!.group)
    const [first, second = first] = block.groups(f)
    const of = (a: Value, b: Value): Value => (first === second ? a : select(later, b, a))
    const scaled = q.mul(of(first!.scale, second!.scale))
    return first!.min ? scaled.sub(of(first!.min, second!.min!)) : scaled
  }

  /** The row's own scale, or null where the type has none. */
  rowScale(row: Value): Value | null {
    return this.layout.type.rowScale ? this.words.load(row.add(this.layout.rowScalesAt / 4)).bitcast('f32') : null
  }

  private word(index: Operand): Value {
    return this.words.load(index)
  }
  private half(index: Value): Value {
    return this.words.loadBits(index, 16)
  }

  private scale(packed: Value, group: number, coding: ScaleCoding): Value {
    const doubled = this.caps.simd && this.layout.type.codec === 'e2m1'
    const scale = scaleValue(coding, packed, group)
    return doubled ? scale.mul(f32(0.5)) : scale
  }

  private codes(vectors: readonly Value[]): readonly Value[] {
    const { codec, zero } = this.layout.type
    const shifted = (v: Value): Value => (zero === 0 ? v : v.sub(zero))
    switch (codec) {
      case 'f32': return vectors.map(v => v.bitcast('f32x4'))
      case 'f16':
      case 'bf16': return vectors.flatMap(v => [call(`${codec}x4`, v.at(0), v.at(1)), call(`${codec}x4`, v.at(2), v.at(3))])
      case 'e4m3': return this.caps.simd ? vectors.flatMap(v => e4m3Floats(this.k, v)) : vectors.flatMap(v => [0, 1, 2, 3].map(i => e4m3x4(v.at(i))))
      case 'i8': return this.caps.simd ? vectors.flatMap(v => widen(this.k, v.bitcast('i8x16'))) : vectors.flatMap(v => [0, 1, 2, 3].map(i => call('i8x4', v.at(i))))
      case 'e2m1':
      case 'u4': {
        const v = vectors[0]!
        if (this.caps.simd) {
          // Span 32: the low nibbles are elements 0 to 15, the high ones 16 to 31.
          const halves = [v.and(0x0f0f0f0f), v.shr(4).and(0x0f0f0f0f)].map(n => n.bitcast('i8x16'))
          const bytes = codec === 'e2m1' ? halves.map(n => call('swizzle', table(e2m1Doubled), n)) : halves
          return bytes.flatMap(b => widen(this.k, b)).map(shifted)
        }
        const unpack = codec === 'e2m1' ? 'e2m1x4' : 'u4x4'
        return [0, 1, 2, 3].flatMap(i => [call(unpack, v.at(i).and(0xffff)), call(unpack, v.at(i).shr(16))]).map(shifted)
      }
      case 'blocks': throw new WeftError({ where: 'decode', what: 'a row with fields decodes its own codes' })
      default: throw new WeftError({ where: 'decode', what: `no decoding of ${codec satisfies never}` })
    }
  }
}

/** Groups that one run takes part in. */
export const groupsOfRun = (group: number): number => Math.max(1, runElements / group)

/** The scale of group `group` of what a run reads of its section. */
export function scaleValue(coding: ScaleCoding, packed: Value, group = 0): Value {
  switch (coding) {
    case 'f32': return packed.bitcast('f32')
    case 'f16': return call('f16', packed)
    case 'e4m3': return call('e4m3', group === 0 ? packed.and(255) : packed.shr(8 * group))
    case 'e8m0': return e8m0(packed)
    case 'fields': throw new WeftError({ where: 'decode', what: 'scales of several fields are their row\'s' })
    default: return coding satisfies never
  }
}

/** What a group subtracts, from its half word. */
export function minimum(coding: 'f16' | 'zero' | 'fields', packed: Value, scale: Value): Value {
  switch (coding) {
    case 'f16': return call('f16', packed).negate()
    case 'zero': return call('f16', packed).mul(scale)
    case 'fields': throw new WeftError({ where: 'decode', what: 'minima of several fields are their row\'s' })
    default: return coding satisfies never
  }
}

/** Four e4m3 of a word. */
const e4m3x4 = (word: Value): Value => vector(call('e4m3', word.and(255)), call('e4m3', word.shr(8).and(255)), call('e4m3', word.shr(16).and(255)), call('e4m3', word.shr(24)))

/**
 * Sixteen e4m3 as four f32x4: widened with their signs, the seven bits of exponent and mantissa moved to where f32 has them, and
 * the difference of the biases made up for by a product, which also normalizes subnormals.
 */
export function e4m3Floats(k: KernelBuilder, vector: Value): readonly Value[] {
  const bytes = k.let('bytes', vector.bitcast('i8x16'))
  return (['extendLow8', 'extendHigh8'] as const).flatMap(half => {
    const words = k.let('words', call(half, bytes))
    return [call('extendLow16', words), call('extendHigh16', words)].map(w => w.shl(20).bitcast('u32x4').and(0x87f00000).bitcast('f32x4').mul(splat('f32x4', 2 ** 120)))
  })
}

/** Sixteen signed bytes as four f32x4. */
function widen(k: KernelBuilder, bytes: Value): readonly Value[] {
  const b = k.let('bytes', bytes)
  return (['extendLow8', 'extendHigh8'] as const).flatMap(half => {
    const words = k.let('words', call(half, b))
    return [call('extendLow16', words).convert('f32x4'), call('extendHigh16', words).convert('f32x4')]
  })
}

