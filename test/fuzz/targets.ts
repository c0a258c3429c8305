/**
 * What is fuzzed: for every kind of file how a mutant is made and what is done with it. A mutant is either refused with a WeftError
 * of one line, or accepted, and then used as the engine would: every tensor decoded, texts encoded, a conversation rendered, so
 * that what a reader let through is seen to be harmless.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { profile } from '../../bin/profiles.js'
import { compile } from '../../codegen/compile.js'
import { verify } from '../../codegen/verify.js'
import { renderChat } from '../../engine/chat-template.js'
import { convertModel } from '../../engine/convert.js'
import { parseHubName } from '../../engine/hub/name.js'
import { select } from '../../engine/hub/select.js'
import { readTokenizerGguf } from '../../engine/tokenizer-gguf.js'
import { readTokenizerJson } from '../../engine/tokenizer-json.js'
import { loadTokenizer } from '../../engine/tokenizer.js'
import { dequantize } from '../../weights/dequantize.js'
import { inspect } from '../../weights/inspect.js'
import type { TokenizerSource } from '../../weights/model.js'
import { openModel } from '../../weights/open.js'
import { makeFolder, writeFiles } from '../weights-make.js'
import { mutateBytes, mutateJson, mutateTemplate, type Draw, type Json } from './mutate.js'
import { configs, datSeed, generationSeed, ggufSeed, layouts, packedConfig, safetensorsFile, safetensorsSeed, templates, tokenizerConfigSeed, tokenizerSeed } from './seeds.js'

export interface Target {
  readonly name: string
  /** Of every hundred mutants, how many are of this kind. */
  readonly share: number
  /** Makes and tries the mutant that `draw` decides; `index` is its number. Throws what the code under test throws. */
  readonly run: (draw: Draw, index: number) => Promise<void>
}

/** Opens what is at `path`, decodes every weight, for one in 16 converts it, and for one in 128 compiles the kernels, whose checks are part of that. */
async function useModel(path: string, index: number, room: string): Promise<void> {
  await decodeModel(path, index)
  if (index % 16 !== 5) return
  const out = join(room, (['m.gguf', 'm.dat', 'folder'] as const)[(index >> 4) % 3]!)
  try {
    await convertModel(path, out)
    await decodeModel(out, 1).catch(cause => { throw new Error(`what convert wrote cannot be read: ${String(cause)}`) })
  } finally {
    rmSync(room, { recursive: true })
    mkdirSync(room)
  }
}

async function decodeModel(path: string, index: number): Promise<void> {
  const model = await openModel(path)
  try {
    JSON.stringify(inspect(model))
    if (index % 128 === 0) {
      const context = Math.min(512, model.config.maxPositions)
      const caps = profile({ target: (['wasm', 'wgsl', 'cuda'] as const)[(index / 128) % 3]!, arch: undefined, caps: undefined })
      const made = compile(model.config, name => model.tensors.get(name)?.type ?? 'f32', { caps, compute: 'f32', kv: 'f32', context, sequences: 1, chunk: Math.min(64, context), fuse: true })
      for (const kernel of made.kernels) verify(kernel)
    }
    for (const tensor of model.tensors.values()) dequantize(model, tensor)
    if (model.tokenizer?.kind === 'gguf') readTokenizerGguf(model.tokenizer.file, model.tokenizer.metadata)
    if (model.chatTemplate !== null) render(model.chatTemplate)
  } finally {
    model.close()
  }
}

/** Limits like the engine's, but for templates that must not take a thousandth of the time. */
const limits = { source: 1 << 16, gap: 500, steps: 20_000, text: 1 << 18, list: 1 << 10, made: 1 << 21, milliseconds: 5000 }
const conversation = [{ role: 'system', content: 'Short.' }, { role: 'user', content: 'What is\n a <tool_call>?' }, { role: 'assistant', content: '<think>x</think>y', tool_calls: [{ function: { name: 'f', arguments: { a: [1] } } }] }]

function render(template: string): void {
  renderChat(template, conversation, { tools: [{ type: 'function', function: { name: 'f' } }], bosToken: '<s>' }, limits)
}

/** Every eighth that a reader accepts is built and used: that takes a hundred times as long as reading. */
async function useTokenizer(source: TokenizerSource, index: number): Promise<void> {
  if (source.kind === 'gguf') readTokenizerGguf(source.file, source.metadata)
  else await readTokenizerJson(source.file, source.configFile)
  if (index % 8 !== 0) return
  const tokenizer = await loadTokenizer(source)
  const ids = tokenizer.encode('abc abcab é! <|im_end|> 123\n\ufeff' + 'ab'.repeat(40), { addSpecial: true })
  if (ids.some(id => id >= tokenizer.vocabSize)) throw new Error(`a token id beyond the vocabulary: ${ids.find(id => id >= tokenizer.vocabSize)}`)
  tokenizer.decode([...ids, tokenizer.vocabSize, 2 ** 32 - 1])
}

const json = (draw: Draw, document: Json): string => {
  const text = JSON.stringify(mutateJson(draw, document))
  return draw.below(6) === 0 ? Buffer.from(mutateBytes(draw, Buffer.from(text), [Buffer.from(text)])).toString('latin1') : text
}

/** The targets, with folders of their own for the files they write. */
export function fuzzTargets(): readonly Target[] {
  const [folder, room] = [makeFolder(), makeFolder()]
  const models = [
    { config: configs.qwen3, ...safetensorsSeed(configs.qwen3) }, { config: configs.qwen2, ...safetensorsSeed(configs.qwen2) }, { config: configs.llama, ...safetensorsSeed(configs.llama) },
    ...Object.values(layouts).map(layout => ({ config: packedConfig(layout), ...safetensorsSeed(packedConfig(layout), layout) })),
  ].map((model, i) => {
    const at = join(folder, `model-${i}`)
    return { ...model, at, file: safetensorsFile(model.header, model.data) }
  })
  const files = models.map(m => m.file)
  const sharded = { weight_map: Object.fromEntries(Object.keys(models[0]!.header).map(name => [name, 'shard.safetensors'])) }
  const ggufs = [ggufSeed(1, 1, 2, 'qwen3'), ggufSeed(2, 32, 18, 'qwen3'), ggufSeed(3, 32, 20, 'llama'), ggufSeed(8, 32, 34, 'qwen3'), ggufSeed(40, 64, 36, 'qwen3')]
  // The other block types, most of them of 256: by number, values and bytes of a block.
  const wide = ([
    [6, 32, 22], [7, 32, 24], [20, 32, 18], [39, 32, 17], [10, 256, 84], [11, 256, 110], [12, 256, 144], [13, 256, 176], [14, 256, 210], [23, 256, 136],
    [16, 256, 66], [17, 256, 74], [18, 256, 98], [19, 256, 50], [21, 256, 110], [22, 256, 82], [29, 256, 56], [34, 256, 54], [35, 256, 66],
  ] as const).map(([type, values, bytes], i) => ggufSeed(type, values, bytes, i % 2 === 0 ? 'qwen3' : 'llama'))
  const parts = [0, 1].map(no => ggufSeed(8, 32, 34, 'qwen3', { no, count: 2 }))
  const dats = [datSeed()]
  const place = (name: string, contents: Readonly<Record<string, unknown>>): string => {
    const at = makeFolder()
    writeFiles(at, contents)
    return join(at, name)
  }
  const inModel = (name: string, more: Readonly<Record<string, unknown>> = {}): string => place(name, { 'config.json': configs.qwen3, 'model.safetensors': files[0]!, ...more })
  const folders = models.map(m => place('', { 'config.json': m.config, 'model.safetensors': m.file }))
  const indexed = place('', { 'config.json': configs.qwen3, 'shard.safetensors': files[0]! })
  const ggufFile = place('model.gguf', {})
  const partFiles = [1, 2].map(n => `model-0000${n}-of-00002.gguf`)
  const split = place('', Object.fromEntries(partFiles.map((name, i) => [name, parts[i]!])))
  const datFile = place('model.dat', { 'config.json': configs.qwen3 })
  const [configFile, tokenizerFile] = [inModel('config.json'), place('tokenizer.json', {})]
  const [generationFile, tokenizerConfigFile] = [inModel('generation_config.json'), inModel('tokenizer_config.json')]
  const parent = (file: string): string => join(file, '..')
  const listing = ['config.json', 'model.safetensors', 'model.safetensors.index.json', 'a.gguf', 'b-00001-of-00002.gguf', 'b-00002-of-00002.gguf', 'tokenizer.json']

  return [
    { name: 'safetensors', share: 22, run: async (draw, index) => {
      const i = draw.below(models.length)
      const model = models[i]!
      const file = draw.below(2) === 0 ? mutateBytes(draw, model.file, files, model.file.length - model.data.length) : safetensorsFile(json(draw, model.header as unknown as Json), model.data)
      writeFileSync(join(folders[i]!, 'model.safetensors'), file)
      await useModel(folders[i]!, index, room)
    } },
    { name: 'gguf', share: 18, run: async (draw, index) => {
      const file = draw.pick(draw.below(8) === 0 ? wide : ggufs)
      writeFileSync(ggufFile, mutateBytes(draw, file, ggufs, draw.pick([400, 900, 12_000])))
      await useModel(ggufFile, index, room)
    } },
    { name: 'gguf in parts', share: 4, run: async (draw, index) => {
      // One part is a mutant, the other as it should be; the model is given by either, or by the folder.
      const which = draw.below(2)
      partFiles.forEach((name, i) => writeFileSync(join(split, name), i === which ? mutateBytes(draw, parts[i]!, parts, draw.pick([400, 900, 12_000])) : parts[i]!))
      await useModel(join(split, draw.pick(['', ...partFiles])), index, room)
    } },
    { name: 'dat', share: 4, run: async (draw, index) => {
      writeFileSync(datFile, mutateBytes(draw, dats[0]!, dats))
      await useModel(datFile, index, room)
    } },
    { name: 'index', share: 4, run: async (draw, index) => {
      writeFileSync(join(indexed, 'model.safetensors.index.json'), json(draw, sharded))
      await useModel(indexed, index, room)
    } },
    { name: 'config.json', share: 12, run: async (draw, index) => {
      writeFileSync(configFile, json(draw, draw.pick(models).config))
      await useModel(parent(configFile), index, room)
    } },
    { name: 'generation_config.json', share: 3, run: async (draw, index) => {
      writeFileSync(generationFile, json(draw, generationSeed))
      await useModel(parent(generationFile), index, room)
    } },
    { name: 'tokenizer_config.json', share: 3, run: async (draw, index) => {
      writeFileSync(tokenizerConfigFile, json(draw, tokenizerConfigSeed))
      await useModel(parent(tokenizerConfigFile), index, room)
    } },
    { name: 'tokenizer.json', share: 12, run: async (draw, index) => {
      writeFileSync(tokenizerFile, json(draw, tokenizerSeed))
      await useTokenizer({ kind: 'tokenizer.json', file: tokenizerFile, configFile: null }, index)
    } },
    { name: 'chat template', share: 16, run: async draw => render(mutateTemplate(draw, draw.pick(templates))) },
    { name: 'hub names', share: 2, run: async draw => {
      const name = parseHubName(Buffer.from(mutateBytes(draw, Buffer.from('org/repository:folder/file.gguf@refs/pr/1'), [Buffer.from('org/repo@v1:b-00001-of-00002.gguf')])).toString('latin1'))
      select(draw.below(2) === 0 ? listing : listing.map(file => mutateTemplate(draw, file)), name?.file ?? null, 'org/repo')
    } },
  ]
}
