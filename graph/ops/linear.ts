/** Matrix products with a weight stored as [out, in], and the fused form that decoding runs on. */
import { defineOp, node, type Node, type Tensor } from '../op.js'
import { fixed } from '../op.js'
import { floats } from '../tensor.js'
import { add, silu, mul, slice } from './arithmetic.js'
import { rmsNorm } from './norm.js'

/** Σ over the inner axis of x[r, k] · w[n, k], in float64; w may be float32 to halve what is read. */
function product(x: Tensor, weight: Tensor, bias: Tensor | undefined, shape: readonly number[]): Tensor {
  const [n, k] = weight.shape as [number, number]
  const rows = x.data.length / k
  const out = new Float64Array(rows * n)
  const whole = rows - (rows % 4)
  for (let r = 0; r < whole; r += 4) fourRows(x.data, weight.data, r, n, k, out)
  for (let r = whole; r < rows; r++) oneRow(x.data, weight.data, r, n, k, out)
  if (bias) for (let i = 0; i < out.length; i++) out[i]! += bias.data[i % n]!
  return { shape, data: out }
}

/** Four sums, so that no addition waits for the one before it. */
function oneRow(x: Tensor['data'], w: Tensor['data'], r: number, n: number, k: number, out: Float64Array): void {
  const row = Float64Array.from(x.subarray(r * k, (r + 1) * k))
  for (let j = 0; j < n; j++) {
    let [a, b, c, d] = [0, 0, 0, 0]
    const at = j * k
    let i = 0
    for (; i + 3 < k; i += 4) {
      a += row[i]! * w[at + i]!
      b += row[i + 1]! * w[at + i + 1]!
      c += row[i + 2]! * w[at + i + 2]!
      d += row[i + 3]! * w[at + i + 3]!
    }
    for (; i < k; i++) a += row[i]! * w[at + i]!
    out[r * n + j] = a + b + (c + d)
  }
}

/** Every weight is read once for four rows, which stand beside each other. */
function fourRows(x: Tensor['data'], w: Tensor['data'], r: number, n: number, k: number, out: Float64Array): void {
  const beside = new Float64Array(4 * k)
  for (let row = 0; row < 4; row++) for (let i = 0; i < k; i++) beside[4 * i + row] = x[(r + row) * k + i]!
  for (let j = 0; j < n; j++) {
    let [a, b, c, d] = [0, 0, 0, 0]
    const at = j * k
    for (let i = 0, q = 0; i < k; i++, q += 4) {
      const v = w[at + i]!
      a += beside[q]! * v
      b += beside[q + 1]! * v
      c += beside[q + 2]! * v
      d += beside[q + 3]! * v
    }
    out[r * n + j] = a
    out[(r + 1) * n + j] = b
    out[(r + 2) * n + j] = c
    out[(r + 3) * n + j] = d
  }
}

export const linearOp = defineOp({
  name: 'linear',
  inputs: { x: 'float[..., inner]', weight: 'float[out, inner]', 'bias?': 'float[out]' },
  output: ({ leading, size }) => floats(...leading, size('out')),
  evaluate: ({ x, weight, bias }, _attributes, [shape]) => product(x!, weight!, bias, shape!),
  samples: [
    { sizes: { '...': [1], inner: 64, out: 48 }, attributes: {}, omit: ['bias'] },
    { sizes: { '...': [5], inner: 128, out: 33 }, attributes: {} },
    { sizes: { '...': [70], inner: 96, out: 130 }, attributes: {} },
  ],
})

/** x · weightᵀ + bias. @param x [..., in] @param weight [out, in] @param bias [out] */
export const linear = (x: Node, weight: Node, bias: Node | null = null): Node => node(linearOp, [x, weight, bias])

/** What follows the products of a fused linear. */
export type Epilogue = 'none' | 'siluMul'

/**
 * rmsNorm before, bias, SiLU·mul of the two halves of the output, and a residual after, each optional: one pass over
 * the weight for everything a decoder layer does with it.
 */
export const fusedLinearOp = defineOp({
  name: 'fusedLinear',
  inputs: { x: 'float[..., inner]', weight: 'float[rows, inner]', 'norm?': 'float[inner]', 'bias?': 'float[rows]', 'residual?': 'float[..., out]' },
  output: ({ leading, size }, { epilogue }) => floats(...leading, fixed('fusedLinear', 'rows', size('rows')) / (epilogue === 'siluMul' ? 2 : 1)),
  meaning: ({ x, weight, norm, bias, residual }, { eps, epilogue }) => {
    const y = linear(norm ? rmsNorm(x!, norm, eps as number) : x!, weight!, bias ?? null)
    const rows = weight!.type.shape[0] as number
    const z = epilogue === 'siluMul' ? mul(silu(slice(y, 0, rows / 2)), slice(y, rows / 2, rows)) : y
    return residual ? add(residual, z) : z
  },
  samples: [
    { sizes: { '...': [1], inner: 64, rows: 48, out: 48 }, attributes: { eps: 1e-6, epilogue: 'none' } },
    { sizes: { '...': [3], inner: 128, rows: 96, out: 48 }, attributes: { eps: 1e-6, epilogue: 'siluMul' }, omit: ['bias', 'residual'] },
    { sizes: { '...': [70], inner: 128, rows: 66, out: 66 }, attributes: { eps: 1e-6, epilogue: 'none' }, omit: ['norm', 'bias'] },
    { sizes: { '...': [33], inner: 64, rows: 96, out: 48 }, attributes: { eps: 1e-6, epilogue: 'siluMul' }, omit: ['norm', 'bias', 'residual'] },
  ],
})

export interface FusedParts {
  readonly x: Node
  readonly weight: Node
  readonly norm?: Node | null
  readonly bias?: Node | null
  readonly residual?: Node | null
  readonly eps?: number
  readonly epilogue?: Epilogue
}
export const fusedLinear = (p: FusedParts): Node =>
  node(fusedLinearOp, [p.x, p.weight, p.norm ?? null, p.bias ?? null, p.residual ?? null], { eps: p.eps ?? 0, epilogue: p.epilogue ?? 'none' })

/** SiLU(gate) · up. */
export const siluMulOp = defineOp({
  name: 'siluMul',
  inputs: { gate: 'float[...]', up: 'float[...]' },
  output: ({ leading }) => floats(...leading),
  meaning: ({ gate, up }) => mul(silu(gate!), up!),
  samples: [{ sizes: { '...': [3, 64] }, attributes: {} }],
})
export const siluMul = (gate: Node, up: Node): Node => node(siluMulOp, [gate, up])
