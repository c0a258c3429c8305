/**
 * One tensor by name, from whatever weft can read: a model in any of its formats, or a safetensors file without a
 * configuration beside it (a trace, an adapter, one shard) or a tensor of GGUF that is no model's weight, which stand for themselves.
 */
import { dirname, join } from 'node:path'
import { WeftError } from '../graph/error.js'
import { readable } from './fields.js'
import { kindOf, ModelFiles } from './files.js'
import { ggufWeight, huggingFaceName, readGguf } from './gguf.js'
import type { ByteRange, WeightTensor } from './model.js'
import { openModel } from './open.js'
import { safetensorsWeights } from './quantization.js'
import { readSafetensors } from './safetensors.js'

export interface OpenTensor {
  readonly tensor: WeightTensor
  read(range: ByteRange, into: Uint8Array, at?: number): void
  close(): void
}

/**
 * Opens the file or folder at `path` and finds a tensor: by its Hugging Face name, with or without `model.` and `.weight`, or
 * by its name in a GGUF file. Throws a WeftError that names what is there instead.
 */
export async function openTensor(path: string, name: string): Promise<OpenTensor> {
  if (path.endsWith('.safetensors') && kindOf(path) === 'file' && kindOf(join(dirname(path), 'config.json')) === null) return openAlone(path, name)
  const apart = path.endsWith('.gguf') && kindOf(path) === 'file' ? openApart(path, name) : null
  if (apart) return apart
  const source = await openModel(path)
  try {
    const tensor = named(name).map(n => source.tensors.get(n)).find(t => t !== undefined)
    if (!tensor) throw none(path, name, source.tensors.keys())
    return { tensor, read: (range, into, at) => source.read(range, into, at), close: () => source.close() }
  } catch (error) {
    source.close()
    throw error
  }
}

function openAlone(path: string, name: string): OpenTensor {
  const files = new ModelFiles()
  try {
    const tensors = readSafetensors(files, path)
    const find = safetensorsWeights(files, tensors, 'undeclared')
    const tensor = [name, `${name}.weight`].map(find).find(t => t !== null)
    if (!tensor) throw none(path, name, tensors.keys())
    return { tensor, read: (range, into, at) => files.read(range, into, at), close: () => files.close() }
  } catch (error) {
    files.close()
    throw error
  }
}

/** A tensor of a GGUF file that is no model's weight; null where there is none of that name. */
function openApart(path: string, name: string): OpenTensor | null {
  const files = new ModelFiles()
  try {
    const gguf = readGguf(files, path)
    const found = huggingFaceName(name) === null ? gguf.tensors.get(name) : undefined
    if (found) return { tensor: ggufWeight(files, gguf, found, name), read: (range, into, at) => files.read(range, into, at), close: () => files.close() }
  } catch (error) {
    files.close()
    throw error
  }
  files.close()
  return null
}

/** What a name may stand for. */
function named(name: string): readonly string[] {
  const plain = [name, `${name}.weight`, `model.${name}`, `model.${name}.weight`]
  const own = [name, `${name}.weight`].map(huggingFaceName).filter(n => n !== null)
  return [...plain, ...own]
}

function none(path: string, name: string, there: Iterable<string>): WeftError {
  const all = [...there]
  const last = (n: string): string => n.replace(/\.(weight|bias)$/, '').split('.').at(-1)!
  const near = all.filter(n => last(n) === last(name))
  const shown = (near.length > 0 ? near : all).slice(0, 4).map(readable)
  return new WeftError({ where: 'model', what: `${path}: no tensor ${readable(name)}`, expected: `one of its ${all.length}, such as ${shown.join(', ') || 'none'}` })
}
