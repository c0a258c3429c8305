/**
 * Whether a candidate's results are right: against the op's meaning, evaluated in float64 for a few rows (and of products for a few
 * hundred columns, the first and the last among them, as a head has more weights than float64 arithmetic gets through in a
 * minute), and all rows against those of the first kernels that passed.
 */
import type { Context } from '../codegen/schedule.js'
import { evaluateWith } from '../graph/evaluate.js'
import { input, weight } from '../graph/graph.js'
import { node as makeNode, type Node, type Tensor } from '../graph/op.js'

const tolerance = { f32: 1e-4, f16: 1e-2, i16: 1e-3 } as const

/** What is judged, in rows and elements of the whole output. */
export interface Judged {
  readonly node: Node
  readonly context: Context
  /** Rows whose results are evaluated, of so many. */
  readonly rows: readonly number[]
  readonly liveRows: number
  /** Elements of a row. */
  readonly width: number
  /** Columns of the output that are judged; null for all. */
  readonly columns: readonly number[] | null
}

export class TuneJudge {
  private readonly expected: Tensor
  private accepted: Uint8Array | null = null

  /** @param values of the node's inputs: of the judged rows, and of the judged columns' weights */
  constructor(private readonly judged: Judged, values: ReadonlyMap<Node, Tensor>, concrete: Parameters<typeof evaluateWith>[3]) {
    const { node, columns } = judged
    const [small, given] = columns === null ? [node, values] : reduced(node, columns, values)
    this.expected = evaluateWith([small], given, () => null, concrete)[0]!
  }

  /** What is wrong with the bytes of an output, or null. */
  judge(bytes: Uint8Array): string | null {
    const { node, context, rows, liveRows, width, columns } = this.judged
    const want = this.expected
    const isIds = node.type.dtype === 'u32'
    const valuesOf = (b: Uint8Array): Uint32Array | Float32Array => (isIds ? new Uint32Array(b.slice().buffer) : new Float32Array(b.slice().buffer))
    const values = valuesOf(bytes)
    const each = want.data.length / rows.length
    const most = tolerance[context.kv === 'f16' ? 'f16' : context.compute]
    for (const [i, row] of rows.entries()) {
      const whole = values.subarray(row * width, (row + 1) * width)
      const error = relative(columns === null ? whole : columns.map(c => whole[c]!), want.data.subarray(i * each, (i + 1) * each))
      if (!(error <= (isIds ? 0 : most))) return `row ${row} differs from the reference by ${error.toExponential(1)} of its norm`
    }
    if (this.accepted === null) {
      this.accepted = bytes
      return null
    }
    const other = valuesOf(this.accepted)
    for (let row = 0; row < liveRows; row++) {
      const error = relative(values.subarray(row * width, (row + 1) * width), other.subarray(row * width, (row + 1) * width))
      if (!(error <= (isIds ? 0 : 2 * most))) return `row ${row} differs from that of the untuned kernel by ${error.toExponential(1)} of its norm`
    }
    return null
  }
}

/** The same product with only the judged columns of the output: rows of the weight (gates and ups alike), of the bias, columns of the residual. */
function reduced(node: Node, columns: readonly number[], values: ReadonlyMap<Node, Tensor>): readonly [Node, ReadonlyMap<Node, Tensor>] {
  const { op, attributes, type } = node
  const out = type.shape[1] as number
  const given = new Map(values)
  const inputs = Object.entries(op.inputs).map(([name, _], at): Node | null => {
    const own = node.inputs[at] ?? null
    if (own === null) return null
    const { shape, data } = values.get(own)!
    switch (name.replace('?', '')) {
      case 'weight': {
        const parts = (own.type.shape[0] as number) / out
        const small = weight(['judged'], own.attributes['type'] as string, [columns.length * parts, shape[1]!])
        given.set(small, { shape: [columns.length * parts, shape[1]!], data })
        return small
      }
      case 'bias': {
        const rows = judgedWeightRows(columns, out, shape[0]! / out)
        const small = weight(['judged.bias'], 'f32', [rows.length])
        given.set(small, { shape: [rows.length], data: Float32Array.from(rows, r => data[r]!) })
        return small
      }
      case 'residual': {
        const small = input('judged.residual', { dtype: 'float', shape: [own.type.shape[0]!, columns.length] })
        given.set(small, { shape: [shape[0]!, columns.length], data: Float32Array.from({ length: shape[0]! * columns.length }, (_, i) => data[Math.floor(i / columns.length) * out + columns[i % columns.length]!]!) })
        return small
      }
      default: return own
    }
  })
  return [makeNode(op, inputs, attributes), given]
}

/** Up to 256 columns: the first, the last, and some in between. */
export function judgedColumns(out: number): readonly number[] {
  if (out <= 512) return Array.from({ length: out }, (_, c) => c)
  return [...new Set([...Array.from({ length: 96 }, (_, c) => c), ...Array.from({ length: 64 }, (_, i) => Math.floor(((i + 0.5) * out) / 64)), ...Array.from({ length: 96 }, (_, c) => out - 96 + c)])]
}

/** Rows of a weight, and elements of its bias, behind columns of an output: gates first, then ups. */
export const judgedWeightRows = (columns: readonly number[], out: number, parts: number): readonly number[] => Array.from({ length: parts }, (_, part) => columns.map(c => c + part * out)).flat()

/** ‖a − b‖ / ‖b‖; NaN where anything is. */
function relative(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [off, norm] = [0, 0]
  for (let i = 0; i < b.length; i++) {
    off += (a[i]! - b[i]!) ** 2
    norm += b[i]! ** 2
  }
  return off === 0 ? 0 : Math.sqrt(off / Math.max(norm, 1e-30))
}
