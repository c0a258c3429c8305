/**
 * How far an op's outputs may be from its meaning, element by element: c · ε · Σ|a · b| for sums of products, with ε of the
 * dtype the products are made in and c = 4 for a sum in f32 in a fixed order, 8 with f16 products; with operands in words of
 * sixteen bits, half the last bit of the largest operand of their group for each. What an op does
 * before and after its sums carries that bound along by its derivative; what only copies may not differ at all. The
 * functions of a device are as exact as WGSL promises: exp to 3 + 2|x| units in the last place.
 */
import { inputsOf, type Node, type Tensor } from '../../graph/op.js'
import type { Compute } from '../../codegen/schedule.js'
import type { Problem } from './problems.js'

const f32 = 2 ** -23
const f16 = 2 ** -10
/** Of the largest value of sixteen bits. */
const halfBit = 0.5 / 32767
/** Roundings of an op without sums: products, a root, a quotient. */
const few = 8 * f32

/** One bound for each element of each output in `want`. */
export function bounds(p: Problem, want: readonly Tensor[], products: Compute): readonly Float64Array[] {
  const inputs = inputsOf(p.node)
  const value = (name: string): Tensor => p.values.get(inputs[name]!)!
  const relative = (by: number): Float64Array => Float64Array.from(want[0]!.data, v => Math.abs(v) * by)
  switch (p.node.op.name) {
    case 'linear':
    case 'fusedLinear': return [linear(p, products, want[0]!)]
    case 'attention': return [attention(p, products)]
    case 'qkvHeads': return qkvHeads(p, want)
    case 'kvAppend': return [stored(p, value('cache'), want[0]!, new Float64Array(want[0]!.data.length))]
    case 'embedding': {
      const { data } = value('tokens')
      const magnitudes = p.matrices.get(inputs['weight']!)!.magnitudes
      const width = want[0]!.shape[1]!
      return [Float64Array.from(want[0]!.data, (_, i) => few * magnitudes[data[Math.floor(i / width)]! * width + (i % width)]!)]
    }
    case 'rope': return [pairs(value('x'), 4 * f32)]
    case 'rmsNorm': return [relative(few)]
    case 'add':
    case 'mul': return [relative(f32)]
    case 'silu': return [Float64Array.from(value('x').data, (x, i) => Math.abs(want[0]!.data[i]!) * (few + 2 * f32 * Math.abs(x)))]
    case 'siluMul': return [Float64Array.from(value('gate').data, (x, i) => Math.abs(want[0]!.data[i]!) * (few + 2 * f32 * Math.abs(x)))]
    // Ids, copies and logits in their order.
    case 'slice':
    case 'rows':
    case 'columns':
    case 'argmax':
    case 'topK': return [new Float64Array(want[0]!.data.length)]
    default: throw new Error(`no bound is known for ${p.node.op.name}`)
  }
}

/** The values of a norm and their magnitudes: x, or x normalized. */
function normalized(x: Tensor, norm: Tensor | undefined, eps: number): Float64Array {
  const width = x.shape[x.shape.length - 1]!
  const out = Float64Array.from(x.data)
  for (let row = 0; norm && row < out.length; row += width) {
    let sum = 0
    for (let i = 0; i < width; i++) sum += out[row + i]! ** 2
    for (let i = 0; i < width; i++) out[row + i]! *= norm.data[i]! / Math.sqrt(sum / width + eps)
  }
  return out
}

function linear(p: Problem, products: Compute, want: Tensor): Float64Array {
  const inputs = inputsOf(p.node)
  const value = (n: Node | undefined): Tensor | undefined => n && p.values.get(n)
  const weight = inputs['weight']!
  const [rows, inner] = weight.type.shape as [number, number]
  const { values, magnitudes } = p.matrices.get(weight)!
  const [bias, residual] = [value(inputs['bias']), value(inputs['residual'])]
  const x = normalized(value(inputs['x'])!, value(inputs['norm']), (p.node.attributes['eps'] as number | undefined) ?? 0)
  const c = products === 'f16' ? 8 * f16 : products === 'i16' ? 8 * f32 : 4 * f32
  const tops = products === 'i16' ? topsOf(x, Math.min(p.matrices.get(weight)!.type.scale?.group ?? 32, 32)) : new Float64Array(x.length)
  const silu = p.node.attributes['epilogue'] === 'siluMul'
  const out = silu ? rows / 2 : rows
  /** The sum of one weight row with its bias, and the bound of both. */
  const sum = (from: number, row: number): readonly [number, number] => {
    let [total, most, rounded] = [bias?.data[row] ?? 0, 0, 0]
    for (let i = 0; i < inner; i++) {
      total += x[from + i]! * values[row * inner + i]!
      most += Math.abs(x[from + i]! * magnitudes[row * inner + i]!)
      rounded += halfBit * tops[from + i]! * magnitudes[row * inner + i]!
    }
    return [total, c * most + rounded + (inputs['norm'] ? few * most : 0) + f32 * Math.abs(total)]
  }
  return Float64Array.from(want.data, (v, i) => {
    const [row, col] = [Math.floor(i / out), i % out]
    const around = f32 * (Math.abs(v) + Math.abs(residual?.data[i] ?? 0))
    const [y, off] = sum(row * inner, col)
    if (!silu) return off + around
    const [up, upOff] = sum(row * inner, col + out)
    const gate = y / (1 + Math.exp(-y))
    // SiLU's slope is at most 1.1.
    return 1.1 * off * Math.abs(up) + Math.abs(gate) * upOff + Math.abs(gate * up) * (few + 2 * f32 * Math.abs(y)) + around
  })
}

/** For each element the largest of its group. */
function topsOf(x: Float64Array, group: number): Float64Array {
  const out = new Float64Array(x.length)
  for (let at = 0; at < x.length; at += group) out.fill(x.subarray(at, at + group).reduce((a, b) => Math.max(a, Math.abs(b)), 0), at, at + group)
  return out
}

function attention(p: Problem, products: Compute): Float64Array {
  const inputs = inputsOf(p.node)
  const [q, k, v, table] = ['q', 'k', 'v', 'pageTable'].map(n => p.values.get(inputs[n]!)!) as [Tensor, Tensor, Tensor, Tensor]
  const [positions, sequences] = ['positions', 'sequences'].map(n => p.values.get(inputs[n]!)!.data) as [Uint32Array, Uint32Array]
  const [tokens, heads, headDim] = q.shape as [number, number, number]
  const kvHeads = k.shape[1]!
  const { window, scale } = p.node.attributes as { readonly window: number | null; readonly scale: number }
  const out = new Float64Array(q.data.length)
  // In f16 a score is off by the rounding of q, a weighted value by that of its weight.
  const [ofScores, ofWeights] = products === 'f16' ? [f16, f16] : [4 * f32, 4 * f32]
  for (let t = 0; t < tokens; t++) {
    const start = window === null ? 0 : Math.max(0, positions[t]! - window + 1)
    for (let h = 0; h < heads; h++) {
      const at = (t * heads + h) * headDim
      const seen = Array.from({ length: positions[t]! + 1 - start }, (_, j) => {
        const slot = table.data[sequences[t]! * p.pages + Math.floor((start + j) / 256)]! * 256 + ((start + j) % 256)
        const from = (slot * kvHeads + Math.floor((h * kvHeads) / heads)) * headDim
        let [score, most] = [0, 0]
        for (let d = 0; d < headDim; d++) {
          const product = q.data[at + d]! * k.data[from + d]! * scale
          score += product
          most += Math.abs(product)
        }
        return { from, score, off: ofScores * most }
      })
      const top = Math.max(...seen.map(s => s.score))
      const topOff = Math.max(...seen.map(s => s.off))
      const weights = seen.map(s => Math.exp(s.score - top))
      const total = weights.reduce((a, b) => a + b, 0)
      // Each weight is off by its score, by exp and by fading when a larger maximum was met; their sum by the mean of that.
      const off = seen.map(s => s.off + topOff + (few + 2 * f32 * (top - s.score)))
      const mean = off.reduce((sum, o, j) => sum + (o * weights[j]!) / total, 0)
      for (let d = 0; d < headDim; d++) {
        out[at + d] = seen.reduce((sum, s, j) => sum + (weights[j]! / total) * Math.abs(v.data[s.from + d]!) * (off[j]! + mean + ofWeights), 0)
      }
    }
  }
  return out
}

/** Of pairs (i, i + half) of each row's last axis, both may be off by `by` of their sum. */
function pairs(x: { readonly shape: readonly number[]; readonly data: ArrayLike<number> }, by: number): Float64Array {
  const width = x.shape[x.shape.length - 1]!
  return Float64Array.from(x.data, (_, i) => {
    const other = i % width < width / 2 ? i + width / 2 : i - width / 2
    return by * (Math.abs(x.data[i]!) + Math.abs(x.data[other]!))
  })
}

/** Bounds of a cache: what no token was written to may not change; what was written is rounded to the cache's element. */
function stored(p: Problem, before: Tensor, want: Tensor, written: Float64Array): Float64Array {
  const width = want.data.length / want.shape[0]!
  const slots = new Set(Array.from(p.values.get(inputsOf(p.node)['slots']!)!.data))
  return Float64Array.from(want.data, (v, i) => {
    if (!slots.has(Math.floor(i / width))) return Math.abs(v - before.data[i]!)
    return written[i]! + (p.kv === 'f16' ? Math.abs(v) * 2 ** -11 + 2 ** -25 : 0)
  })
}

function qkvHeads(p: Problem, want: readonly Tensor[]): readonly Float64Array[] {
  const inputs = inputsOf(p.node)
  const x = p.values.get(inputs['x']!)!
  const norm = (name: string): Tensor | undefined => inputs[name] && p.values.get(inputs[name]!)
  const heads = p.node.attributes['heads'] as number
  const [, kvHeads, headDim] = want[1]!.shape as [number, number, number]
  const width = (heads + 2 * kvHeads) * headDim
  const tokens = x.data.length / width
  /** Heads `from` to `from + count` of every token, normalized as they are before they are rotated. */
  const part = (from: number, count: number, by: Tensor | undefined): { readonly shape: readonly number[]; readonly data: Float64Array } => {
    const shape = [tokens, count, headDim]
    const data = Float64Array.from({ length: tokens * count * headDim }, (_, i) => x.data[Math.floor(i / (count * headDim)) * width + from * headDim + (i % (count * headDim))]!)
    return { shape, data: normalized({ shape, data }, by, p.node.attributes['eps'] as number) }
  }
  const by = (n: Tensor | undefined): number => 4 * f32 + (n ? few : 0)
  const atSlots = (rows: Float64Array): Float64Array => {
    const out = new Float64Array(want[1]!.data.length)
    p.values.get(inputs['slots']!)!.data.forEach((slot, t) => out.set(rows.subarray(t * kvHeads * headDim, (t + 1) * kvHeads * headDim), slot * kvHeads * headDim))
    return out
  }
  const [q, k] = [norm('qNorm'), norm('kNorm')]
  const rotatedK = pairs(part(heads, kvHeads, k), by(k))
  return [
    pairs(part(0, heads, q), by(q)),
    stored(p, p.values.get(inputs['k']!)!, want[1]!, atSlots(rotatedK)),
    stored(p, p.values.get(inputs['v']!)!, want[2]!, new Float64Array(want[2]!.data.length)),
  ]
}
