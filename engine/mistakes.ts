/**
 * Mistakes that ports of these models are known to make, each as something that can be planted in the graph and computed
 * (`engine/hypothesis.ts`): in how RoPE turns, where norms stand and what they multiply by, which heads and positions attention
 * sees, how products read their weights. A row names the mistake; its variants are the forms it takes. A trace may
 * come from a program that is right while the model's file is not, so changes of weights are tried in both directions.
 */
import { rmsNorm } from '../graph/ops/norm.js'
import { rope, ropeFrequencies } from '../graph/ops/rope.js'
import type { Node, Tensor } from '../graph/op.js'
import { codeMistakes, productMistakes, scaleMistakes } from './mistakes-weights.js'
import { atOp, type Change, type Mistake, type Named, type Variant } from './hypothesis.js'

/** Values moved: element i of each row of `width` comes from element `from(i)`. */
export function moved({ shape, data }: Tensor, width: number, from: (i: number) => number): Tensor {
  const out = new Float64Array(data.length)
  for (let i = 0; i < out.length; i++) out[i] = data[i - (i % width) + from(i % width)]!
  return { shape, data: out }
}

/** Where RoPE over adjacent pairs has the elements that RoPE over halves has at i and i + width / 2, and the way back. */
export const toPairs = (width: number) => (i: number): number => (i % 2) * (width / 2) + Math.floor(i / 2)
export const toHalves = (width: number) => (i: number): number => (i < width / 2 ? 2 * i : 2 * (i - width / 2) + 1)

const withInput = (name: string, change: (t: Tensor) => Tensor): Change => ({ inputs: given => ({ ...given, [name]: change(given[name]!) }) })
const mapped = ({ shape, data }: Tensor, f: (v: number, i: number) => number): Tensor => ({ shape, data: Float64Array.from(data, f) })
const counted = (t: Tensor, f: (row: number) => number): Tensor => ({ shape: t.shape, data: Uint32Array.from(t.data, (_, i) => f(i)) })
const headDimOf = (n: Node): number => n.type.shape.at(-1) as number

const pairing: Mistake = {
  name: 'RoPE pairing',
  variants: () => [
    atOp('rope', 'RoPE turns adjacent elements (2i, 2i+1) together instead of i and i + headDim/2', n => ({
      ...withInput('x', x => moved(x, headDimOf(n), toHalves(headDimOf(n)))), output: out => moved(out, headDimOf(n), toPairs(headDimOf(n))),
    })),
    ...([
      ['in the order of adjacent pairs, as GGUF\'s llama files keep them', toPairs],
      ['moved from adjacent pairs to halves: this model\'s file holds them as GGUF\'s llama files do, or they are moved once too often', toHalves],
    ] as const).map(([order, move]) =>
      atOp('linear', `the rows of the weight are ${order}`, (n, at) => {
        const turn = at.turnedBy(n)
        return turn && { output: out => moved(out, headDimOf(turn), move(headDimOf(turn))) }
      })),
  ],
}

const normOrder: Mistake = {
  name: 'q/k norm and RoPE',
  variants: () => {
    const place = (says: string, put: (h: Node, turn: Node, weight: Node, eps: number) => Node): Variant => ({
      says,
      rewrite: (n, at) => {
        const turn = n.op.name === 'rope' ? n : n === at.target.node && n.op.name === 'rmsNorm' ? at.turnedBy(n.inputs[0]!.inputs[0]!) : null
        const norm = turn?.inputs[0]
        if (!turn || norm?.op.name !== 'rmsNorm') return null
        return put(at.copy(norm.inputs[0]!), turn, norm.inputs[1]!, norm.attributes['eps'] as number)
      },
    })
    const turned = (h: Node, turn: Node): Node => rope(h, turn.inputs[1]!, turn.attributes['frequencies'] as readonly number[])
    return [
      place('q and k are normed after RoPE instead of before it', (h, turn, weight, eps) => rmsNorm(turned(h, turn), weight, eps)),
      place('q and k are turned without their norm', turned),
      atOp('rmsNorm', 'the norm takes all heads of a token together instead of each', n => (n.type.shape.length !== 3 ? null : {
        inputs: ({ x, weight }): Named => {
          const [tokens, heads, headDim] = x!.shape as [number, number, number]
          return { x: { shape: [tokens, heads * headDim], data: x!.data }, weight: { shape: [heads * headDim], data: Float64Array.from({ length: heads * headDim }, (_, i) => weight!.data[i % headDim]!) } }
        },
      })),
    ]
  },
}

const normWeight: Mistake = {
  name: 'norm weight',
  variants: ({ config }) => [
    ...([['1 is added to the norm\'s weight', 1], ['the norm\'s weight is less by 1 than this model\'s file has it: the file holds weights with 1 added', -1]] as const).map(([says, by]) =>
      atOp('rmsNorm', says, () => withInput('weight', w => mapped(w, v => v + by)))),
    atOp('rmsNorm', 'the norm\'s weight is left out', () => withInput('weight', w => mapped(w, () => 1))),
    atOp('rmsNorm', 'the mean is subtracted, as LayerNorm does', () => withInput('x', x => centred(x))),
    ...[1e-5, 1e-6, 1e-8, 1e-12].filter(eps => eps !== config.eps).map(eps =>
      atOp('rmsNorm', `the norm's eps is ${eps} instead of ${config.eps}`, () => ({ attributes: { eps } }))),
  ],
}

function centred(x: Tensor): Tensor {
  const width = x.shape.at(-1)!
  const out = new Float64Array(x.data.length)
  for (let at = 0; at < out.length; at += width) {
    const row = x.data.subarray(at, at + width)
    const mean = (row as Float64Array).reduce((a, b) => a + b, 0) / width
    row.forEach((v, i) => { out[at + i] = v - mean })
  }
  return { shape: x.shape, data: out }
}

const grouping: Mistake = {
  name: 'head grouping',
  variants: ({ config: { heads, kvHeads } }) => {
    const spread = (of: (h: number) => number) => (given: Named): Named => ({ ...given, k: headsOf(given['k']!, heads, of), v: headsOf(given['v']!, heads, of) })
    return [
      atOp('attention', `query head h reads kv head h mod ${kvHeads} instead of ⌊h / ${heads / kvHeads}⌋`, () => ({ inputs: spread(h => h % kvHeads) })),
      atOp('attention', 'all query heads read kv head 0', () => ({ inputs: spread(() => 0) })),
    ]
  },
}

/** A cache with one head for each query head, head h holding kv head of(h). */
function headsOf({ shape, data }: Tensor, heads: number, of: (h: number) => number): Tensor {
  const [slots, kvHeads, headDim] = shape as [number, number, number]
  const out = new Float64Array(slots * heads * headDim)
  for (let s = 0; s < slots; s++) {
    for (let h = 0; h < heads; h++) out.set(data.subarray((s * kvHeads + of(h)) * headDim, (s * kvHeads + of(h) + 1) * headDim), (s * heads + h) * headDim)
  }
  return { shape: [slots, heads, headDim], data: out }
}

const visible: Mistake = {
  name: 'causal mask',
  variants: ({ tokens, firstRow, chunk, config: { headDim, hidden } }) => {
    const seen = (says: string, last: (row: number) => number): Variant => atOp('attention', says, () => withInput('positions', p => counted(p, last)))
    const sizes = [...new Set([...(chunk === null ? [] : [chunk]), firstRow])].filter(c => c > 0 && c < tokens)
    return [
      ...sizes.flatMap(c => [
        seen(`the mask of a chunk of ${c} has no offset: a row sees as many positions as if the cache before it were empty`, row => row % c),
        // from row 1 on that would be the same as not to see oneself
        ...(c === 1 ? [] : [seen(`the mask has no offset from row ${c} on: a row sees as many positions as if the cache before it were empty`, row => (row < c ? row : row - c))]),
      ]),
      seen('there is no causal mask: every row sees all positions', () => tokens - 1),
      seen('a row does not see itself', row => Math.max(0, row - 1)),
      atOp('attention', 'the sliding window is left out', n => (n.attributes['window'] === null ? null : { attributes: { ...n.attributes, window: null } })),
      ...([['1', 1], ['1/√hidden', hidden ** -0.5], ['1/headDim', 1 / headDim]] as const).map(([name, scale]) =>
        atOp('attention', `scores are multiplied by ${name} instead of 1/√headDim`, n => ({ attributes: { ...n.attributes, scale } }))),
    ]
  },
}

const angles: Mistake = {
  name: 'RoPE angles',
  variants: ({ config, firstRow, chunk }) => {
    const turnedBy = (says: string, frequencies: readonly number[]): Variant => atOp('rope', says, () => ({ attributes: { frequencies } }))
    const at = (says: string, position: (row: number) => number): Variant => atOp('rope', says, () => withInput('positions', p => counted(p, position)))
    const own = ropeFrequencies(config.rope, config.headDim)
    const sizes = [...new Set([...(chunk === null ? [] : [chunk]), firstRow])].filter(c => c > 0)
    return [
      turnedBy('q and k are not turned', own.map(() => 0)),
      turnedBy('RoPE turns the other way', own.map(f => -f)),
      ...(config.rope.scaling.type === 'default' ? [] : [turnedBy(`RoPE's scaling (${config.rope.scaling.type}) is left out`, ropeFrequencies({ ...config.rope, scaling: { type: 'default' } }, config.headDim))]),
      ...[1e4, 1e5, 5e5, 1e6, 5e6, 1e7].filter(t => t !== config.rope.theta).map(theta =>
        turnedBy(`RoPE's theta is ${theta} instead of ${config.rope.theta}`, ropeFrequencies({ ...config.rope, theta }, config.headDim))),
      at('positions begin at 1', row => row + 1),
      ...sizes.map(c => at(`positions begin again at each chunk of ${c}`, row => row % c)),
    ]
  },
}

const wiring: Mistake = {
  name: 'wiring',
  variants: () => [
    atOp('siluMul', 'gate and up are exchanged', () => ({ inputs: ({ gate, up }) => ({ gate: up!, up: gate! }) })),
    atOp('siluMul', 'GELU is taken instead of SiLU', () => ({ instead: ({ gate, up }) => mapped(gate!, (g, i) => gelu(g) * up!.data[i]!) })),
    atOp('add', 'the residual is left out', () => ({ instead: ({ b }) => b! })),
    {
      says: 'the final norm is left out',
      rewrite: (n, at) => {
        const norm = n.inputs[0]
        if (n !== at.target.node || n.op.name !== 'linear' || norm?.op.name !== 'rmsNorm' || at.target.name !== 'lm_head') return null
        return Object.freeze({ ...n, inputs: [at.copy(norm.inputs[0]!), ...n.inputs.slice(1)] })
      },
    },
    atOp('embedding', 'embeddings are multiplied by √hidden', (_, at) => ({ output: out => mapped(out, v => v * Math.sqrt(at.config.hidden)) })),
  ],
}

/** √(2/π) form of GELU, as most programs compute it. */
const gelu = (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))

export const mistakes: readonly Mistake[] = [pairing, normOrder, normWeight, grouping, visible, angles, scaleMistakes, codeMistakes, productMistakes, wiring]
