/**
 * Llama, Qwen2, Qwen3, Mistral and SmolLM2: one residual stream, differing in biases, q/k norm, RoPE's frequencies and
 * attention windows, all of which are in `Config`.
 */
import { add, mergeHeads, splitHeads } from '../ops/arithmetic.js'
import { attention, kvAppend } from '../ops/attention.js'
import { argmax, candidateCount, topK } from '../ops/select.js'
import { columns } from '../ops/columns.js'
import { embedding, rows } from '../ops/rows.js'
import { linear, siluMul } from '../ops/linear.js'
import { rmsNorm } from '../ops/norm.js'
import { rope, ropeFrequencies } from '../ops/rope.js'
import { cache, graph, input, weight, type Graph } from '../graph.js'
import type { Config } from './config.js'
import type { Node } from '../op.js'
import { floats, type Dim } from '../tensor.js'

/** The bounds of a graph's live sizes. */
export interface GraphLimits {
  /** Rows of one prefill chunk. */
  readonly rows: number
  readonly sequences: number
  /** Positions all sequences together may hold, a multiple of the page size. */
  readonly slots: number
  readonly pages: number
}

/** The storage type of a tensor of the file, by its Hugging Face name. */
export type WeightType = (tensor: string) => string

/** Type of the tensor `X.input_order`, which says that `X.weight` reads its inputs in another order; `order:Y.input_order` says that it is Y's. */
export const orderType = 'order'

/** The tensor with the order in which the weight of module `name` reads its inputs, or null where they stay as they are. */
function inputOrder(name: string, typeOf: WeightType): string | null {
  const own = `${name}.input_order`
  const type = typeOf(own)
  return type === orderType ? own : type.startsWith(`${orderType}:`) ? type.slice(orderType.length + 1) : null
}

export function llama(c: Config, typeOf: WeightType, limits: GraphLimits): Graph {
  const dim = (name: Dim['name'], max: number): Dim => ({ name, max })
  const tokens = dim('tokens', limits.rows)
  const ids = (name: string, ...shape: readonly Dim[]): Node => input(name, { dtype: 'u32', shape })
  const [tokenIds, positions, sequences, slots] = ['tokens', 'positions', 'sequences', 'slots'].map(name => ids(name, tokens)) as [Node, Node, Node, Node]
  const outputRows = ids('outputRows', dim('outputs', limits.rows))
  const pageTable = ids('pageTable', dim('sequences', limits.sequences), dim('pages', limits.pages))
  const w = (name: string, ...shape: readonly number[]): Node => weight([name], typeOf(name), shape)
  const maybe = (present: boolean, name: string, width: number): Node | null => (present ? w(name, width) : null)
  const cacheType = floats(dim('slots', limits.slots), c.kvHeads, c.headDim)
  const frequencies = ropeFrequencies(c.rope, c.headDim)
  const [qWidth, kvWidth] = [c.heads * c.headDim, c.kvHeads * c.headDim]

  const embed = w('model.embed_tokens.weight', c.vocab, c.hidden)
  let x = embedding(tokenIds, embed)                                                                   // [tokens, hidden]
  for (let i = 0; i < c.layers; i++) {
    const at = `model.layers.${i}.`
    // Products that read one input in one order read one node, so that they can be merged.
    const inOrder = new Map<string, Node>()
    const ordered = (y: Node, name: string, width: number): Node => {
      const order = inputOrder(`${at}${name}`, typeOf)
      if (order === null) return y
      const made = inOrder.get(order) ?? columns(y, weight([order], orderType, [width]))
      inOrder.set(order, made)
      return made
    }
    const project = (y: Node, name: string, from: number, to: number, bias: boolean): Node =>
      linear(ordered(y, name, from), w(`${at}${name}.weight`, to, from), maybe(bias, `${at}${name}.bias`, to))
    const turned = (y: Node, heads: number, norm: string): Node => {
      const h = splitHeads(y, heads)                                                                   // [tokens, heads, headDim]
      return rope(c.qkNorm ? rmsNorm(h, w(`${at}self_attn.${norm}.weight`, c.headDim), c.eps) : h, positions, frequencies)
    }
    const a = rmsNorm(x, w(`${at}input_layernorm.weight`, c.hidden), c.eps)
    const q = turned(project(a, 'self_attn.q_proj', c.hidden, qWidth, c.qkvBias), c.heads, 'q_norm')
    const k = turned(project(a, 'self_attn.k_proj', c.hidden, kvWidth, c.qkvBias), c.kvHeads, 'k_norm')
    const v = splitHeads(project(a, 'self_attn.v_proj', c.hidden, kvWidth, c.qkvBias), c.kvHeads)
    const [keys, values] = [kvAppend(cache(i, 'k', cacheType), k, slots), kvAppend(cache(i, 'v', cacheType), v, slots)]
    const y = attention(q, keys, values, { positions, sequences, pageTable }, c.windows[i] ?? null, c.headDim ** -0.5)
    x = add(x, project(mergeHeads(y), 'self_attn.o_proj', qWidth, c.hidden, c.outputBias))

    const m = rmsNorm(x, w(`${at}post_attention_layernorm.weight`, c.hidden), c.eps)
    const gate = project(m, 'mlp.gate_proj', c.hidden, c.intermediate, c.mlpBias)
    const up = project(m, 'mlp.up_proj', c.hidden, c.intermediate, c.mlpBias)
    x = add(x, project(siluMul(gate, up), 'mlp.down_proj', c.intermediate, c.hidden, c.mlpBias))       // [tokens, hidden]
  }
  const last = rmsNorm(rows(x, outputRows), w('model.norm.weight', c.hidden), c.eps)                   // [outputs, hidden]
  const logits = linear(last, c.tiedHead ? embed : w('lm_head.weight', c.vocab, c.hidden))             // [outputs, vocab]
  return graph({ logits, next: argmax(logits), candidates: topK(logits, Math.min(candidateCount, c.vocab)) })
}
