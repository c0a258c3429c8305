/**
 * Which tensors a model of this configuration consists of, with their shapes: the one list that opening a model checks
 * files against, for every format.
 */
import type { Config } from '../graph/models/config.js'

export interface RequiredTensor {
  readonly name: string
  /** Slowest dimension first. */
  readonly shape: readonly number[]
  /** Rows are q's or k's of that many heads: the ones GGUF's llama files permute. */
  readonly rotatedHeads?: number
}

/** Every tensor that a model of `config` needs, in the order of the computation. */
export function requiredTensors(config: Config): readonly RequiredTensor[] {
  const { vocab, hidden, heads, kvHeads, headDim, intermediate } = config
  const query = heads * headDim
  const key = kvHeads * headDim
  const list: RequiredTensor[] = [{ name: 'model.embed_tokens.weight', shape: [vocab, hidden] }]
  const linear = (name: string, rows: number, columns: number, bias: boolean, rotatedHeads?: number): void => {
    const rotated = rotatedHeads === undefined ? {} : { rotatedHeads }
    list.push({ name: `${name}.weight`, shape: [rows, columns], ...rotated })
    if (bias) list.push({ name: `${name}.bias`, shape: [rows], ...rotated })
  }
  for (let i = 0; i < config.layers; i++) {
    const layer = `model.layers.${i}`
    const attention = `${layer}.self_attn`
    list.push({ name: `${layer}.input_layernorm.weight`, shape: [hidden] })
    linear(`${attention}.q_proj`, query, hidden, config.qkvBias, heads)
    linear(`${attention}.k_proj`, key, hidden, config.qkvBias, kvHeads)
    linear(`${attention}.v_proj`, key, hidden, config.qkvBias)
    if (config.qkNorm) {
      list.push({ name: `${attention}.q_norm.weight`, shape: [headDim] }, { name: `${attention}.k_norm.weight`, shape: [headDim] })
    }
    linear(`${attention}.o_proj`, hidden, query, config.outputBias)
    list.push({ name: `${layer}.post_attention_layernorm.weight`, shape: [hidden] })
    linear(`${layer}.mlp.gate_proj`, intermediate, hidden, config.mlpBias)
    linear(`${layer}.mlp.up_proj`, intermediate, hidden, config.mlpBias)
    linear(`${layer}.mlp.down_proj`, hidden, intermediate, config.mlpBias)
  }
  list.push({ name: 'model.norm.weight', shape: [hidden] })
  if (!config.tiedHead) list.push({ name: 'lm_head.weight', shape: [vocab, hidden] })
  return list
}
