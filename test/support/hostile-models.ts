/** Models with one thing wrong: fixtures with parts of their files replaced, cut or left out, and headers made to mislead. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { fixture, GgufBytes, makeFolder, makeModel, safetensorsBytes, writeFiles } from '../weights-make.js'

/** A tensor of the fixtures. */
export const q = 'model.layers.1.self_attn.q_proj.weight'

type Json = Readonly<Record<string, unknown>>
export interface Entry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly number[]
}

/** A fixture model with fields of its config.json replaced. */
export function withConfig(base: string, changes: Json): string {
  return makeModel(base, { 'config.json': { ...(JSON.parse(readFileSync(fixture(`models/${base}/config.json`), 'utf8')) as Json), ...changes } })
}

/** A fixture model with entries of its safetensors header replaced, or left out where null. */
export function withEntries(base: string, changes: Readonly<Record<string, Partial<Entry> | null>>, more: Json = {}): string {
  const bytes = readFileSync(fixture(`models/${base}/model.safetensors`))
  const length = Number(bytes.readBigUInt64LE())
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, Entry | undefined>
  for (const [name, change] of Object.entries(changes)) {
    if (change) header[name] = { ...header[name], ...change } as Entry
    else delete header[name]
  }
  return makeModel(base, { 'model.safetensors': Buffer.concat([safetensorsBytes({ ...header, ...more }), bytes.subarray(8 + length)]) })
}

export function withWeights(bytes: Uint8Array): string {
  return makeModel('qwen3', { 'model.safetensors': bytes })
}

export function withIndex(index: unknown): string {
  const folder = makeModel('qwen3', { 'model.safetensors.index.json': index })
  rmSync(join(folder, 'model.safetensors'))
  return folder
}

export function withGguf(bytes: Uint8Array): string {
  const folder = makeFolder()
  writeFiles(folder, { 'bad.gguf': bytes })
  return join(folder, 'bad.gguf')
}

/** The split fixture with each part changed, `without` some; its first part. */
export function split(change: (bytes: Buffer, part: number) => Uint8Array, without: readonly number[] = []): string {
  const folder = makeFolder()
  const names = [1, 2].map(part => `model-0000${part}-of-00002.gguf`)
  names.forEach((name, part) => {
    if (!without.includes(part)) writeFiles(folder, { [name]: change(readFileSync(fixture(`gguf/llama-codebooks/${name}`)), part) })
  })
  return join(folder, names[0]!)
}

/** With another value of an integer of the metadata. */
export function patched(bytes: Buffer, key: string, value: number): Uint8Array {
  const at = bytes.indexOf(key) + key.length + 4
  bytes.writeUInt16LE(value, at)
  return bytes
}

export function renamed(bytes: Buffer, from: string, to: string): Uint8Array {
  bytes.write(to, bytes.indexOf(from))
  return bytes
}

export function cut(base: string, file: string, bytes: number): string {
  const folder = makeFolder()
  writeFiles(folder, { [file]: readFileSync(fixture(`${base}/${file}`)).subarray(0, bytes), 'config.json': readFileSync(fixture('models/qwen3/config.json')) })
  return folder
}

/** The parts of a small GGUF of qwen3 with one wrong thing: metadata as given, then tensors. */
export function qwen3Gguf(changes: Readonly<Record<string, string | number>>, embedding = 0): Uint8Array {
  const entries: Record<string, string | number> = {
    'general.architecture': 'qwen3', 'qwen3.block_count': 1, 'qwen3.context_length': 64, 'qwen3.embedding_length': 32, 'qwen3.feed_forward_length': 32,
    'qwen3.attention.head_count': 2, 'qwen3.attention.head_count_kv': 1, 'qwen3.attention.layer_norm_rms_epsilon': 1e-6, ...changes,
  }
  const bytes = new GgufBytes(1, Object.keys(entries).length)
  for (const [key, value] of Object.entries(entries)) bytes.entry(key, value)
  return bytes.tensor('token_embd.weight', [32, 8], embedding, 0).data(1024).done()
}

export function pipe(name: string): string {
  const folder = makeModel('qwen3')
  rmSync(join(folder, name))
  execFileSync('mkfifo', [join(folder, name)])
  return folder
}

export function folderNamed(name: string): string {
  const folder = makeModel('qwen3')
  rmSync(join(folder, name))
  mkdirSync(join(folder, name))
  return folder
}

export function withoutConfig(): string {
  const folder = makeModel('qwen3')
  rmSync(join(folder, 'config.json'))
  return folder
}

/** A file of holes that claims a header as large as itself. */
export function sparse(bytes: number): string {
  const folder = withWeights(safetensorsBytes('{}', 0, BigInt(bytes) - 8n))
  truncateSync(join(folder, 'model.safetensors'), bytes)
  return folder
}

export function tooLarge(): string {
  const folder = makeModel('qwen3')
  truncateSync(join(folder, 'config.json'), 1 << 30)
  return folder
}

export function shardWithout(): string {
  const folder = withIndex({ weight_map: { [q]: 'x.safetensors' } })
  writeFiles(folder, { 'x.safetensors': safetensorsBytes({}) })
  return folder
}

export function nested(depth: number): Uint8Array {
  const bytes = new GgufBytes(0, 1).string('a.list').u32(9)
  for (let i = 0; i < depth; i++) bytes.u32(9).u64(1)
  return bytes.data(64).done()
}

/** Lists of bytes, each as long as a list may be. */
export function manyLists(count: number): Uint8Array {
  const bytes = new GgufBytes(0, count)
  const members = Buffer.alloc(1 << 22)
  for (let i = 0; i < count; i++) bytes.string(`list.${i}`).u32(9).u32(0).u64(members.length).bytes(members)
  return bytes.done()
}

export function indexThroughLink(): string {
  const folder = withIndex({ weight_map: { [q]: 'sub/x.safetensors' } })
  const outside = makeFolder()
  writeFiles(outside, { 'x.safetensors': readFileSync(fixture('models/qwen3/model.safetensors')) })
  symlinkSync(outside, join(folder, 'sub'))
  return folder
}

export function twoGgufs(): string {
  const folder = makeFolder()
  writeFiles(folder, { 'a.gguf': '', 'b.gguf': '' })
  return folder
}
