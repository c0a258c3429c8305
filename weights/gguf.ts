/**
 * GGUF files -> Config and weights under Hugging Face names. Dimensions turn from fastest-first to slowest-first; files of
 * architecture `llama` keep rows of q and k permuted for RoPE over adjacent pairs, which is passed on, not undone; llama3
 * scaling arrives as the tensor `rope_freqs.weight`; an NVFP4 matrix `X.weight` has its tensor scale in `X.scale`.
 * Sources: ggml-org/llama.cpp `gguf-py/gguf/constants.py`, `convert_hf_to_gguf.py`, `ggml/src/ggml-common.h`.
 */
import { check } from '../graph/error.js'
import type { Architecture, Config, RopeScaling } from '../graph/models/config.js'
import { bounds, checkConfig } from './config.js'
import { Fields, readable, show } from './fields.js'
import { checkApart, type FileTensor, type FindWeight } from './file-tensor.js'
import type { ModelFiles } from './files.js'
import { readGgufHeader, type GgufHeader } from './gguf-header.js'
import { ggufTypes, supportedTypes } from './gguf-types.js'
import type { GenerationDefaults, WeightTensor } from './model.js'

const where = 'gguf'

/** Hugging Face module names by GGUF's, inside a layer. */
const layerNames: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
}

/** And outside of layers. */
const modelNames: Readonly<Record<string, string>> = {
  token_embd: 'model.embed_tokens',
  output_norm: 'model.norm',
  output: 'lm_head',
}

const ggufArchitectures: readonly Architecture[] = ['llama', 'qwen2', 'qwen3']

/** GGUF's name of a Hugging Face weight; throws for one that no model here has. */
export function ggufName(name: string): string {
  const match = /^(?:model\.layers\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(name)
  const [, layer, module, part] = match ?? []
  const found = Object.entries(layer === undefined ? modelNames : layerNames).find(([, hf]) => hf === module)
  check(found !== undefined, where, `tensor ${readable(name)} has no name in GGUF`)
  return `${layer === undefined ? '' : `blk.${layer}.`}${found[0]}.${part}`
}

export interface GgufFile {
  readonly file: string
  readonly metadata: Readonly<Record<string, unknown>>
  /** Under the file's own names. */
  readonly tensors: ReadonlyMap<string, FileTensor>
}

/** The Hugging Face name of a GGUF tensor, or null for one that no model here reads as a weight. */
export function huggingFaceName(name: string): string | null {
  const match = /^(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)$/.exec(name)
  if (!match) return null
  const [, layer, module, part] = match
  const names = layer === undefined ? modelNames : layerNames
  if (module === undefined || !Object.hasOwn(names, module)) return null
  return `${layer === undefined ? '' : `model.layers.${layer}.`}${names[module]}.${part}`
}

/** Opens a GGUF file: header and metadata, tensors checked to lie inside it, aligned and apart. */
export function readGguf(files: ModelFiles, file: string): GgufFile {
  const size = files.open(file, where)
  const header = readGgufHeader(files, file)
  const tensors = new Map<string, FileTensor>()
  for (const tensor of header.tensors) tensors.set(tensor.name, placed(tensor, header, file, size))
  checkApart(tensors.values(), file, where)
  return { file, metadata: header.metadata, tensors }
}

function placed({ name, type, dimensions, offset }: GgufHeader['tensors'][number], header: GgufHeader, file: string, size: number): FileTensor {
  const at = `${file}: tensor ${readable(name)}`
  check(offset % header.alignment === 0, where, `${at}: offset`, `a multiple of ${header.alignment}`, `${offset}`)
  check(header.dataAt + offset <= size, where, `${at}: begins beyond the end of the file (truncated?)`, `less than ${size - header.dataAt}`, `${offset}`)
  const known = ggufTypes.get(type)
  const shape = [...dimensions].reverse()
  const dtype = known?.name ?? `type ${type}`
  const range = { file, offset: header.dataAt + offset, bytes: 0 }
  // Of other types no more is known than where they begin; they are an error only when needed.
  if (known?.values === undefined || known.bytes === undefined) return { name, dtype, shape, range }
  const width = dimensions[0] ?? 1
  check(width % known.values === 0, where, `${at}: columns of ${dtype}`, `a multiple of ${known.values}`, `${width}`)
  const bytes = (dimensions.reduce((n, d) => n * BigInt(d), 1n) / BigInt(known.values)) * BigInt(known.bytes)
  const left = size - range.offset
  check(bytes <= BigInt(left), where, `${at}: reaches beyond the end of the file (truncated?)`, `at most ${left} bytes`, `${bytes}`)
  return { name, dtype, shape, range: { ...range, bytes: Number(bytes) } }
}

/** Looks weights up by Hugging Face name. `rotated` says how many heads the permuted rows of a tensor hold. */
export function ggufWeights(files: ModelFiles, gguf: GgufFile, rotated: ReadonlyMap<string, number>): FindWeight {
  const byName = new Map([...gguf.tensors.values()].map(t => [huggingFaceName(t.name), t]))
  return name => {
    const found = byName.get(name)
    return found ? ggufWeight(files, gguf, found, name, rotated.get(name)) : null
  }
}

/** A tensor of the file as the weight `name`; throws, naming the supported types, when its own is not among them. */
export function ggufWeight(files: ModelFiles, gguf: GgufFile, tensor: FileTensor, name: string, permutedHeads?: number): WeightTensor {
  const type = [...ggufTypes.values()].find(t => t.name === tensor.dtype)
  check(type?.values !== undefined, where, `${tensor.range.file}: tensor ${readable(tensor.name)}: type`, supportedTypes, tensor.dtype)
  const side = tensor.dtype === 'nvfp4' ? gguf.tensors.get(tensor.name.replace(/weight$/, 'scale')) : undefined
  return {
    name,
    type: tensor.dtype,
    shape: tensor.shape,
    packing: type.values === 1 ? 'plain' : 'gguf',
    ranges: { data: tensor.range },
    scale: side && side !== tensor ? readScale(files, gguf, side) : 1,
    ...(permutedHeads === undefined ? {} : { permutedHeads }),
  }
}

function readScale(files: ModelFiles, gguf: GgufFile, tensor: FileTensor): number {
  const [value, ...more] = readFloats(files, gguf, tensor, 1)
  const usable = value !== undefined && more.length === 0 && value >= 0 && Number.isFinite(value)
  check(usable, where, `${gguf.file}: tensor ${readable(tensor.name)}: value`, 'one finite number, not negative', show([value, ...more]))
  return value
}

/** The values of an f32 tensor of exactly `count`. */
function readFloats(files: ModelFiles, gguf: GgufFile, tensor: FileTensor, count: number): readonly number[] {
  const fits = tensor.dtype === 'f32' && tensor.range.bytes === 4 * count
  check(fits, where, `${gguf.file}: tensor ${readable(tensor.name)}`, `${count} values of f32`, `${tensor.dtype} ${show(tensor.shape)}`)
  const view = new DataView(new ArrayBuffer(4 * count))
  files.read(tensor.range, new Uint8Array(view.buffer))
  return Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true))
}

/** Config from metadata, and from the tensors where metadata does not say: vocabulary, tied head, biases, RoPE factors. */
export function readGgufConfig(files: ModelFiles, gguf: GgufFile): Config {
  const general = new Fields(where, `${gguf.file}: metadata`, gguf.metadata)
  const architecture = general.choice('general.architecture', ggufArchitectures)
  const key = (name: string): string => `${architecture}.${name}`
  const integer = (name: string, least: number, most: number, fallback?: number): number => general.integer(key(name), least, most, fallback)
  check(integer('expert_count', 0, 1 << 20, 0) === 0, where, `${gguf.file}: mixtures of experts are not supported`)
  const hidden = integer('embedding_length', 1, bounds.width)
  const heads = integer('attention.head_count', 1, bounds.heads)
  const layers = integer('block_count', 1, bounds.layers)
  const headDim = general.has(key('attention.key_length')) ? integer('attention.key_length', 2, bounds.headDim) : hidden / heads
  check(Number.isInteger(headDim), where, `${gguf.file}: metadata ${key('attention.key_length')} is absent and the width does not divide by the heads`)
  for (const same of ['attention.value_length', 'rope.dimension_count']) {
    if (integer(same, 1, bounds.headDim, headDim) !== headDim) throw general.wrong(key(same), `${headDim}, the size of a head`)
  }
  const embedding = gguf.tensors.get('token_embd.weight')
  check(embedding !== undefined, where, `${gguf.file}: tensor token_embd.weight is missing`)
  const vocab = embedding.shape.length === 2 ? embedding.shape[0]! : 0
  check(vocab >= 1 && vocab <= bounds.vocab, where, `${gguf.file}: tensor token_embd.weight: shape`, `[vocabulary, ${hidden}]`, show(embedding.shape))
  const names = [...gguf.tensors.keys()]
  const hasBias = (module: string): boolean => names.some(name => name.endsWith(`.${module}.bias`))
  const window = integer('attention.sliding_window', 0, bounds.positions, 0)
  const config: Config = {
    architecture,
    vocab,
    hidden,
    layers,
    heads,
    kvHeads: integer('attention.head_count_kv', 1, heads, heads),
    headDim,
    intermediate: integer('feed_forward_length', 1, bounds.width),
    eps: general.number(key('attention.layer_norm_rms_epsilon'), Number.MIN_VALUE, 1),
    rope: { theta: general.number(key('rope.freq_base'), 1, 1e12, 1e4), scaling: readScaling(files, gguf, general, key('rope.scal'), headDim) },
    maxPositions: integer('context_length', 1, bounds.positions),
    tiedHead: !gguf.tensors.has('output.weight'),
    qkNorm: architecture === 'qwen3',
    qkvBias: hasBias('attn_q'),
    outputBias: hasBias('attn_output'),
    mlpBias: hasBias('ffn_gate'),
    windows: Array.from({ length: layers }, () => (window === 0 ? null : window)),
  }
  checkConfig(config, general)
  return config
}

function readScaling(files: ModelFiles, gguf: GgufFile, general: Fields, prefix: string, headDim: number): RopeScaling {
  // A factor without a type means linear scaling (llama.cpp); one of 1 changes nothing.
  if (general.choice(`${prefix}ing.type`, ['none', 'linear'] as const, 'linear') === 'linear') {
    for (const name of [`${prefix}ing.factor`, `${prefix}e_linear`]) {
      const factor = general.number(name, 0, 1e6, 1)
      if (factor !== 0 && factor !== 1) throw general.wrong(name, '1 (linear RoPE scaling is not supported)')
    }
  }
  const tensor = gguf.tensors.get('rope_freqs.weight')
  if (!tensor) return { type: 'default' }
  const factors = readFloats(files, gguf, tensor, headDim / 2)
  check(factors.every(f => f > 0 && Number.isFinite(f)), where, `${gguf.file}: tensor rope_freqs.weight: values`, 'positive finite numbers', show(factors))
  return { type: 'factors', factors }
}

/** Tokens that end an answer in the chat formats of these families, beside the file's own eos. */
const endTokens: ReadonlySet<unknown> = new Set(['<|endoftext|>', '<|im_end|>', '<|eot_id|>', '<|eom_id|>', '<|end_of_text|>'])
const controlToken = 3

/** Stop ids: eos, end of turn and of message, and the control tokens known to end an answer. GGUF has no sampling defaults. */
export function readGgufGeneration(gguf: GgufFile): GenerationDefaults {
  const fields = new Fields(where, `${gguf.file}: metadata`, gguf.metadata)
  const ids = ['eos', 'eot', 'eom'].map(name => `tokenizer.ggml.${name}_token_id`).filter(name => fields.has(name))
  const named = ids.map(name => fields.integer(name, 0, 2 ** 32 - 1))
  const kinds = fields.list('tokenizer.ggml.token_type') ?? []
  const known = (fields.list('tokenizer.ggml.tokens') ?? []).flatMap((token, id) => (kinds[id] === controlToken && endTokens.has(token) ? [id] : []))
  return { stopIds: [...new Set([...named, ...known])] }
}

/** The Jinja source of the chat template, or null. */
export function readGgufTemplate(gguf: GgufFile): string | null {
  const fields = new Fields(where, `${gguf.file}: metadata`, gguf.metadata)
  return fields.has('tokenizer.chat_template') ? fields.string('tokenizer.chat_template') : null
}
