/**
 * Opening a model: finds out what the path is, reads headers and settings, and checks that every tensor the architecture
 * needs is there with the right shape, so that everything behind this call can rely on it. No weight is read.
 */
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { check, WeftError } from '../graph/error.js'
import type { Config } from '../graph/models/config.js'
import { readConfig } from './config.js'
import { datWeights, hasOwnHead, readDat } from './dat.js'
import { Fields, readable, show } from './fields.js'
import type { FileTensor, FindWeight } from './file-tensor.js'
import { kindOf, ModelFiles } from './files.js'
import { findTokenizer, readChatTemplate, readFields, readGeneration } from './generation.js'
import { ggufWeights, readGgufConfig, readGgufGeneration, readGgufTemplate } from './gguf.js'
import { ggufOfFolder, readGgufModel } from './gguf-split.js'
import type { ModelSource, WeightTensor } from './model.js'
import { readQuantization, safetensorsWeights } from './quantization.js'
import { inputOrders } from './quantization-int4.js'
import { requiredTensors } from './required.js'
import { readSafetensors, readSafetensorsFolder } from './safetensors.js'

const where = 'model'

/**
 * Opens the model at `path`: a folder in the layout of the Hugging Face hub, a folder that holds one GGUF or `.dat` file, a `.gguf`
 * file, or a `.safetensors` or `.dat` file with its settings beside it. The caller closes what it gets.
 * Throws a WeftError of one line that names the file, and the tensor or field where there is one.
 */
export async function openModel(path: string): Promise<ModelSource> {
  const files = new ModelFiles()
  try {
    return openAt(path, files)
  } catch (error) {
    files.close()
    throw error
  }
}

function openAt(path: string, files: ModelFiles): ModelSource {
  const kind = path.includes('\0') ? null : kindOf(path)
  check(kind !== null, where, `${readable(path)}: no such file or folder`)
  if (kind === 'directory') {
    const tensors = readSafetensorsFolder(files, path)
    if (tensors) return openSafetensors(path, path, tensors, files)
    const expected = 'model.safetensors, model.safetensors.index.json, one .gguf or one .dat file'
    const gguf = ggufOfFolder(path, expected)
    const dats = readdirSync(path).filter(name => name.endsWith('.dat'))
    const found = dats.length + (gguf === null ? 0 : 1)
    check(found === 1, where, `${path}: no model in this folder`, expected, found === 0 ? 'none' : `${dats.length} .dat files${gguf === null ? '' : ' and a .gguf model'}`)
    return gguf === null ? openDat(path, join(path, dats[0]!), files) : openGguf(path, gguf, files)
  }
  if (path.endsWith('.gguf')) return openGguf(path, path, files)
  if (path.endsWith('.dat')) return openDat(path, path, files)
  check(path.endsWith('.safetensors'), where, `${path}: unknown kind of model`, 'a folder, a .gguf, a .safetensors or a .dat file')
  return openSafetensors(path, dirname(path), readSafetensors(files, path), files)
}

function openSafetensors(path: string, folder: string, tensors: ReadonlyMap<string, FileTensor>, files: ModelFiles): ModelSource {
  const settings = settingsBeside(folder)
  const config = readConfig(settings)
  const quantization = readQuantization(settings, readFields(join(folder, 'hf_quant_config.json')))
  const weights = collect(config, safetensorsWeights(files, tensors, quantization), path)
  const all = new Map([...weights, ...inputOrders(files, weights)])
  return { path, format: 'safetensors', config, ...besides(folder, settings), ...held(all, tensors, files) }
}

function openDat(path: string, file: string, files: ModelFiles): ModelSource {
  const folder = dirname(file)
  const settings = settingsBeside(folder)
  const tensors = readDat(files, file)
  const declared = readConfig(settings)
  const config = { ...declared, tiedHead: declared.tiedHead && !hasOwnHead(tensors) }
  const weights = collect(config, datWeights(tensors), path)
  return { path, format: 'dat', config, ...besides(folder, settings), ...held(weights, tensors, files) }
}

function settingsBeside(folder: string): Fields {
  const settings = readFields(join(folder, 'config.json'))
  check(settings !== null, where, `${join(folder, 'config.json')}: no such file`, 'the configuration beside the weights')
  return settings
}

/** What a folder says beside its weights. */
function besides(folder: string, settings: Fields): Pick<ModelSource, 'tokenizer' | 'chatTemplate' | 'generation' | 'notice'> {
  return {
    tokenizer: findTokenizer(folder),
    chatTemplate: readChatTemplate(folder),
    generation: readGeneration(folder, settings),
    notice: settings.has('weft_notice') ? settings.string('weft_notice') : null,
  }
}

function openGguf(path: string, file: string, files: ModelFiles): ModelSource {
  const gguf = readGgufModel(files, file)
  const config = readGgufConfig(files, gguf)
  const rotated = new Map(requiredTensors(config).flatMap(t => (t.rotatedHeads === undefined || config.architecture !== 'llama' ? [] : [[t.name, t.rotatedHeads]])))
  const weights = collect(config, ggufWeights(files, gguf, rotated), file)
  const metadata = new Fields('gguf', `${file}: metadata`, gguf.metadata)
  return {
    path,
    format: 'gguf',
    config,
    tokenizer: metadata.has('tokenizer.ggml.tokens') ? { kind: 'gguf', file, metadata: gguf.metadata } : null,
    chatTemplate: readGgufTemplate(gguf),
    generation: readGgufGeneration(gguf),
    notice: null,
    ...held(weights, gguf.tensors, files),
  }
}

/** The required weights, each found and of the right shape. */
function collect(config: Config, find: FindWeight, path: string): ReadonlyMap<string, WeightTensor> {
  const weights = new Map<string, WeightTensor>()
  for (const { name, shape } of requiredTensors(config)) {
    const weight = find(name)
    if (!weight) throw new WeftError({ where, what: `${path}: tensor ${name} is missing`, expected: `${show(shape)} for ${config.architecture}` })
    if (show(weight.shape) !== show(shape)) throw new WeftError({ where, what: `${path}: tensor ${name}: shape`, expected: show(shape), got: show(weight.shape) })
    // Norms and biases are read as plain vectors everywhere.
    if (shape.length === 1 && weight.packing !== 'plain') throw new WeftError({ where, what: `${path}: tensor ${name}: type of a vector`, expected: 'f32, f16 or bf16', got: weight.type })
    weights.set(name, weight)
  }
  return weights
}

type Held = Pick<ModelSource, 'tensors' | 'bytes' | 'ignored' | 'read' | 'close'>

function held(weights: ReadonlyMap<string, WeightTensor>, tensors: ReadonlyMap<string, FileTensor>, files: ModelFiles): Held {
  const ranges = [...weights.values()].flatMap(w => Object.values(w.ranges))
  const used = new Set(ranges.map(r => `${r.offset} ${r.file}`))
  const ignored = [...tensors.values()].filter(t => !used.has(`${t.range.offset} ${t.range.file}`) && !isScale(t)).map(t => t.name)
  return {
    tensors: weights,
    bytes: ranges.reduce((sum, r) => sum + r.bytes, 0),
    ignored,
    read: (range, into, at) => files.read(range, into, at),
    close: () => files.close(),
  }
}

/** Tensor scales and RoPE factors are used though no weight's range points at them. */
function isScale({ name }: FileTensor): boolean {
  return /\.(weight_global_scale|weight_scale_2|scale|g_idx)$|^rope_freqs\.weight$/.test(name)
}
