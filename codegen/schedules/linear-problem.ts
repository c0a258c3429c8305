/**
 * What `linear` and `fusedLinear` come to for a schedule: one weight read once, an optional norm before, and what is
 * done with the sums after. The norm needs no pass of its own where a schedule sees whole rows of x: the factor of
 * RMSNorm is one number a row and comes after the sum, so Σ x² is gathered beside the products.
 */
import type { Node } from '../../graph/op.js'
import { inputsOf } from '../../graph/op.js'
import type { Buffer, Extent, KernelBuilder } from '../builder.js'
import type { Cost } from '../kernel.js'
import { amount } from '../builder.js'
import type { Arg, Context } from '../schedule.js'
import { nodeArg, rowsOf } from '../schedule.js'
import { call, type Value } from '../value.js'
import type { WeightView } from '../types/decode.js'
import type { WeightLayout } from '../types/layout.js'
import { silu, vectorParam } from './common.js'

export interface LinearProblem {
  readonly op: string
  readonly rows: Extent
  readonly inner: number
  /** Columns of the output. */
  readonly out: number
  /** Weight rows behind one output column: gate and up lie `out` rows apart. */
  readonly parts: 1 | 2
  readonly layout: WeightLayout
  readonly eps: number
  readonly has: { readonly norm: boolean; readonly bias: boolean; readonly residual: boolean }
  readonly args: Readonly<Record<string, Arg>>
  readonly cost: Cost
}

export function linearProblem(node: Node, context: Context): LinearProblem {
  const { x, weight, norm, bias, residual } = inputsOf(node)
  const layout = context.layout(weight!)
  const { extent } = rowsOf(context, x!.type.shape)
  const parts = node.attributes['epilogue'] === 'siluMul' ? 2 : 1
  const [inner, out] = [layout.cols, layout.rows / parts]
  const args: Record<string, Arg> = { x: nodeArg(x!), weight: nodeArg(weight!), out: nodeArg(node) }
  for (const [name, n] of Object.entries({ norm, bias, residual })) if (n) args[name] = nodeArg(n)
  return {
    op: node.op.name, rows: extent, inner, out, parts, layout,
    eps: (node.attributes['eps'] as number | undefined) ?? 0,
    has: { norm: !!norm, bias: !!bias, residual: !!residual },
    args,
    cost: {
      bytes: amount(extent, 4 * (inner + out * (residual ? 2 : 1)), layout.bytes),
      flops: amount(extent, 2 * inner * layout.rows),
    },
  }
}

/** Declares what follows the sums, and stores one output given the sums of its weight rows. */
export class LinearOutput {
  private readonly bias: Buffer | null
  private readonly residual: Buffer | null
  private readonly out: Buffer

  constructor(private readonly k: KernelBuilder, private readonly p: LinearProblem, private readonly weight: WeightView) {
    this.bias = p.has.bias ? vectorParam(k, 'bias') : null
    this.residual = p.has.residual ? k.param('residual', 'f32', 'activation') : null
    this.out = k.param('out', 'f32', 'activation', 'write')
  }

  /** @param factor RMSNorm's factor of the row, where the sums are over x before it */
  store(row: Value, col: Value, sums: readonly Value[], factor: Value | null = null): void {
    const { k, p } = this
    const finished = sums.map((sum, part) => {
      const weightRow = col.add(part * p.out)
      const scale = this.weight.rowScale(weightRow)
      let v = scale ? sum.mul(scale) : sum
      if (factor) v = v.mul(factor)
      return this.bias ? v.add(this.bias.load(weightRow)) : v
    })
    const value = p.parts === 2 ? silu(k, k.let('gate', finished[0]!)).mul(finished[1]!) : finished[0]!
    const at = k.let('to', row.mul(p.out).add(col))
    this.out.store(at, this.residual ? this.residual.load(at).add(value) : value)
  }
}

/** 1/√(mean + eps) from a sum of squares over `width` elements. */
export function rmsFactor(k: KernelBuilder, squares: Value, width: number, eps: number): Value {
  return k.let('factor', call('rsqrt', squares.mul(1 / width).add(eps)))
}
