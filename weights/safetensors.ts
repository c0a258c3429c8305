/**
 * Headers of safetensors files: 8 bytes of length, that many bytes of JSON (name -> dtype, shape, offsets), then the data.
 * A file is hostile until its header has been checked: length against the file, sizes against shapes, offsets against the
 * data and each other. Offsets need no alignment: tensors are read into buffers of their own. Nothing is said here about
 * which tensors a model needs; a dtype nobody asks for is no error.
 * Format: huggingface/safetensors, README "Format".
 */
import { realpathSync } from 'node:fs'
import { dirname, isAbsolute, join, normalize, sep } from 'node:path'
import { check, WeftError } from '../graph/error.js'
import { isInteger, isObject, parseObject, readable, show, type Values } from './fields.js'
import { checkApart, type FileTensor } from './file-tensor.js'
import { kindOf, readText, type ModelFiles } from './files.js'

const where = 'safetensors'
/** The bound of the format's reference implementation. */
const headerLimit = 100_000_000
const rankLimit = 16

/** Bits of an element; the dtypes of the format as of its version 0.8. */
const dtypeBits: Readonly<Record<string, number>> = {
  F4: 4, F6_E2M3: 6, F6_E3M2: 6,
  BOOL: 8, U8: 8, I8: 8, F8_E4M3: 8, F8_E5M2: 8, F8_E8M0: 8,
  U16: 16, I16: 16, F16: 16, BF16: 16,
  U32: 32, I32: 32, F32: 32,
  U64: 64, I64: 64, F64: 64, C64: 64,
}

/** Every tensor of one safetensors file by name. Throws naming the file, and the tensor where there is one. */
export function readSafetensors(files: ModelFiles, file: string): ReadonlyMap<string, FileTensor> {
  const { text, dataAt, size } = readHeader(files, file)
  const entries = parseObject(text, where, `${file}: header`)
  const tensors = new Map<string, FileTensor>()
  for (const [name, entry] of Object.entries(entries)) {
    if (name === '__metadata__') check(isObject(entry), where, `${file}: __metadata__`, 'an object', show(entry))
    else tensors.set(name, tensorOf(name, entry, file, dataAt, size - dataAt))
  }
  checkUnique(text, file)
  checkApart(tensors.values(), file, where)
  return tensors
}

/** What stands in a file's `__metadata__`, text by name; empty where there is none. */
export function readSafetensorsMetadata(files: ModelFiles, file: string): ReadonlyMap<string, string> {
  const metadata = parseObject(readHeader(files, file).text, where, `${file}: header`)['__metadata__'] ?? {}
  check(isObject(metadata) && Object.values(metadata).every(v => typeof v === 'string'), where, `${file}: __metadata__`, 'an object of strings', show(metadata))
  return new Map(Object.entries(metadata) as (readonly [string, string])[])
}

function readHeader(files: ModelFiles, file: string): { readonly text: string; readonly dataAt: number; readonly size: number } {
  const size = files.open(file, where)
  check(size >= 8, where, `${file}: truncated file`, 'at least the 8 bytes of the header length', `${size} bytes`)
  const prefix = new DataView(new ArrayBuffer(8))
  files.fill(file, 0, new Uint8Array(prefix.buffer), where)
  const declared = prefix.getBigUint64(0, true)
  const most = Math.min(headerLimit, size - 8)
  check(declared >= 2n && declared <= BigInt(most), where, `${file}: header length does not fit the file`, `2 to ${most} bytes`, String(declared))
  const bytes = new Uint8Array(Number(declared))
  files.fill(file, 8, bytes, where)
  return { text: decode(bytes, file), dataAt: 8 + bytes.length, size }
}

/**
 * Every tensor of a model folder: `model.safetensors`, else the shards that `model.safetensors.index.json` lists. Null when
 * the folder has neither. Throws when a shard lies outside the folder or lacks a tensor the index promises.
 */
export function readSafetensorsFolder(files: ModelFiles, folder: string): ReadonlyMap<string, FileTensor> | null {
  const single = join(folder, 'model.safetensors')
  if (kindOf(single) !== null) return readSafetensors(files, single)
  const indexFile = join(folder, 'model.safetensors.index.json')
  const text = readText(indexFile, where, headerLimit)
  if (text === null) return null
  const tensors = new Map<string, FileTensor>()
  for (const [shard, names] of readIndex(text, indexFile)) {
    checkInside(folder, shard, indexFile)
    const held = readSafetensors(files, join(folder, shard))
    for (const name of names) {
      const tensor = held.get(name)
      check(tensor !== undefined, where, `${indexFile}: tensor ${readable(name)} is not in the file the index names`, `it in ${shard}`)
      tensors.set(name, tensor)
    }
  }
  return tensors
}

/** The files that the text of an index lists, each with its tensors. Throws for a name that would leave the folder. */
export function readIndex(text: string, indexFile: string): ReadonlyMap<string, readonly string[]> {
  const map = parseObject(text, where, indexFile)['weight_map']
  check(isObject(map), where, `${indexFile}: weight_map`, 'an object of tensor name -> file', show(map))
  return byShard(map, indexFile)
}

/**
 * A file may be a link, as in the hub's cache; that is its owner's doing. The folders on the way to it may not lead elsewhere: an
 * index is a stranger's text, and what it names has to lie in the folder even when links do.
 */
function checkInside(folder: string, shard: string, indexFile: string): void {
  const parent = dirname(join(folder, shard))
  if (kindOf(parent) === null) return
  const [inner, outer] = [realpathSync(parent), realpathSync(folder)]
  check(inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : `${outer}${sep}`), where, `${indexFile}: file name`, 'a file inside the folder', `${show(shard)}, which a link leads out of it`)
}

function byShard(map: Values, indexFile: string): ReadonlyMap<string, readonly string[]> {
  const shards = new Map<string, string[]>()
  for (const [name, shard] of Object.entries(map)) {
    const inside = typeof shard === 'string' && shard !== '' && !/[\\\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(shard) && !isAbsolute(shard)
    if (!inside || normalize(shard).split(sep).includes('..')) {
      throw new WeftError({ where, what: `${indexFile}: tensor ${readable(name)}: file name`, expected: 'a file inside the folder', got: show(shard) })
    }
    const names = shards.get(shard)
    if (names) names.push(name)
    else shards.set(shard, [name])
  }
  return shards
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new WeftError({ where, what: `${file}: header is not UTF-8 text`, cause })
  }
}

function tensorOf(name: string, entry: unknown, file: string, dataAt: number, dataBytes: number): FileTensor {
  const at = `${file}: tensor ${readable(name)}`
  check(isObject(entry), where, `${at}: entry`, 'an object', show(entry))
  const { dtype, shape, data_offsets: offsets } = entry
  check(typeof dtype === 'string', where, `${at}: dtype`, 'a string', show(dtype))
  const isShape = Array.isArray(shape) && shape.length <= rankLimit && shape.every(d => isInteger(d, 0, Number.MAX_SAFE_INTEGER))
  check(isShape, where, `${at}: shape`, `a list of at most ${rankLimit} sizes`, show(shape))
  const areOffsets = Array.isArray(offsets) && offsets.length === 2 && offsets.every(o => isInteger(o, 0, Number.MAX_SAFE_INTEGER))
  check(areOffsets, where, `${at}: data_offsets`, 'two offsets', show(offsets))
  const [from, to] = [offsets[0] as number, offsets[1] as number]
  check(from <= to && to <= dataBytes, where, `${at}: data_offsets leave the file (truncated?)`, `within ${dataBytes} bytes of data`, show(offsets))
  const bits = Object.hasOwn(dtypeBits, dtype) ? dtypeBits[dtype] : undefined
  if (bits !== undefined) {
    const wanted = bytesOf(shape as readonly number[], bits)
    check(wanted === BigInt(to - from), where, `${at}: bytes do not match ${show(dtype)} ${show(shape)}`, `${wanted}`, `${to - from}`)
  }
  return { name, dtype, shape: shape as readonly number[], range: { file, offset: dataAt + from, bytes: to - from } }
}

/** BigInt: a product of hostile sizes must not be rounded into a plausible one. */
function bytesOf(shape: readonly number[], bits: number): bigint {
  return (shape.reduce((n, d) => n * BigInt(d), 1n) * BigInt(bits) + 7n) / 8n
}

/**
 * JSON.parse keeps the last of two equal keys in silence. The text is valid JSON by now and its top-level values are objects,
 * so the strings at depth 1 are the names.
 */
function checkUnique(text: string, file: string): void {
  const seen = new Set<string>()
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x7b || c === 0x5b) depth++
    else if (c === 0x7d || c === 0x5d) depth--
    else if (c === 0x22) {
      const from = i++
      while (text.charCodeAt(i) !== 0x22) i += text.charCodeAt(i) === 0x5c ? 2 : 1
      if (depth !== 1) continue
      const name = JSON.parse(text.slice(from, i + 1)) as string
      if (seen.has(name)) throw new WeftError({ where, what: `${file}: tensor ${readable(name)} is there twice` })
      seen.add(name)
    }
  }
}
