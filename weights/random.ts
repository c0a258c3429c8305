/**
 * A model of random weights that is nowhere on disk: for measuring, where only sizes, types and ordinary numbers matter.
 * Each type has a pool of random blocks, and a tensor is a walk through it from a place of its own, so that a byte costs
 * a copy whatever the model's size. A pool holds a prime number of blocks: rows repeat only after as many rows as it has
 * blocks. Codes are uniform, scales vary by a factor of about two and give each matrix the deviation its place asks for,
 * so that logits are finite and their order is that of no tie. No text ends: there are no stop ids.
 */
import { WeftError } from '../graph/error.js'
import type { Config } from '../graph/models/config.js'
import { shapeNamed } from '../graph/models/shapes.js'
import { f32ToBf16 } from './floats.js'
import type { ByteRange, ModelSource, WeightTensor } from './model.js'
import { requiredTensors, type RequiredTensor } from './required.js'

interface Coding {
  readonly elements: number
  readonly bytes: number
  /** Deviation of a value whose block scale is 1, its codes being uniform. */
  readonly deviation: number
  /** Writes what is no code of the block at `at`, for values of this deviation and mean. */
  readonly finish: (view: DataView, at: number, draw: () => number, deviation: number, mean: number) => void
}

/** Within a factor of √2 around 1. */
const near = (draw: () => number): number => 2 ** (draw() - 0.5)
const uniform = (draw: () => number, deviation: number, mean: number): number => mean + deviation * Math.sqrt(12) * (draw() - 0.5)

/** The f16 toward zero, 0 below its normal range: a random number is as good one way as the other. */
function half(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!
  const exponent = ((bits >>> 23) & 0xff) - 112
  return exponent <= 0 ? 0 : ((bits >>> 16) & 0x8000) | (Math.min(exponent, 30) << 10) | ((bits >>> 13) & 0x3ff)
}

/** e4m3 from 32 to 448; the tensor's own scale brings them down. */
const blockScale = (draw: () => number): number => 0x60 + Math.floor(draw() * 31)
/** e4m3 from 1/64 to 1/32: of a tensor without a scale of its own, and of hidden sizes in use. */
const smallScale = (draw: () => number): number => 0x08 + Math.floor(draw() * 8)

const codings: Readonly<Record<string, Coding>> = {
  f32: { elements: 1, bytes: 4, deviation: 1, finish: (view, at, draw, d, mean) => view.setFloat32(at, uniform(draw, d, mean), true) },
  f16: { elements: 1, bytes: 2, deviation: 1, finish: (view, at, draw, d, mean) => view.setUint16(at, half(uniform(draw, d, mean)), true) },
  bf16: { elements: 1, bytes: 2, deviation: 1, finish: (view, at, draw, d, mean) => view.setUint16(at, f32ToBf16(uniform(draw, d, mean)), true) },
  q4_0: { elements: 32, bytes: 18, deviation: 4.64, finish: (view, at, draw, d) => view.setUint16(at, half(d * near(draw)), true) },
  q4_1: {
    elements: 32, bytes: 20, deviation: 4.61,
    finish(view, at, draw, d) {
      const scale = d * near(draw)
      view.setUint16(at, half(scale), true)
      view.setUint16(at + 2, half(-7.5 * scale), true)
    },
  },
  q8_0: { elements: 32, bytes: 34, deviation: 73.9, finish: (view, at, draw, d) => view.setUint16(at, half(d * near(draw)), true) },
  nvfp4: { elements: 64, bytes: 36, deviation: 2.926 * 220, finish: (view, at, draw) => { for (let s = 0; s < 4; s++) view.setUint8(at + s, smallScale(draw)) } },
}

/** NVFP4's codes and scales apart, as safetensors has them: they go to a device without being taken apart. */
const planes: Readonly<Record<'codes' | 'scales', Coding>> = {
  codes: { elements: 2, bytes: 1, deviation: 1, finish: () => undefined },
  scales: { elements: 16, bytes: 1, deviation: 1, finish: (view, at, draw) => view.setUint8(at, blockScale(draw)) },
}

/** Types of weight that random models are made of. */
export const randomTypes: readonly string[] = Object.keys(codings)

/** Blocks of a pool; prime, so that rows, whose lengths have small factors, come round as late as may be. */
const poolBlocks = 262139

/** Draws from [0, 1), the same on every machine: xorshift. */
function draws(seed: number): { readonly next: () => number; readonly word: () => number } {
  let state = (Math.imul(seed, 2654435761) + 1) >>> 0 || 1
  const word = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  return { word, next: () => word() / 2 ** 32 }
}

function hash(text: string): number {
  let h = 2166136261
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619)
  return h >>> 0
}

function makePool(coding: Coding, deviation: number, mean: number, seed: number): Uint8Array {
  const { word, next } = draws(seed)
  const words = new Uint32Array(Math.ceil((poolBlocks * coding.bytes) / 4))
  for (let i = 0; i < words.length; i++) words[i] = word()
  const pool = new Uint8Array(words.buffer, 0, poolBlocks * coding.bytes)
  const view = new DataView(pool.buffer)
  for (let at = 0; at < pool.length; at += coding.bytes) coding.finish(view, at, next, deviation / coding.deviation, mean)
  return pool
}

/** What the values of a tensor are to be: matrices keep the size of what passes through them, and the residual stream grows little. */
function wanted(c: Config, { name, shape }: RequiredTensor): { readonly deviation: number; readonly mean: number } {
  if (name.endsWith('.bias')) return { deviation: 0.1, mean: 0 }
  if (shape.length === 1) return { deviation: 0.1, mean: /[qk]_norm/.test(name) ? 1.25 : 1 }
  const stream = c.tiedHead ? 3 / Math.sqrt(c.hidden) : 1
  const inner = 1 / Math.sqrt(shape[1]!)
  const added = stream * Math.sqrt((0.05 * 36) / c.layers)
  if (name === 'model.embed_tokens.weight') return { deviation: stream, mean: 0 }
  if (name === 'lm_head.weight') return { deviation: 3 * inner, mean: 0 }
  if (/o_proj|down_proj/.test(name)) return { deviation: 2 * added * inner, mean: 0 }
  return { deviation: inner, mean: 0 }
}

/**
 * A model of random weights, every matrix of `type`, norms and biases in f32. @param shape a name of `shapeNames`
 * @param packing how NVFP4 lies: in planes unless told, in GGUF's blocks and without a scale of the tensor for a file of that format
 * Throws a WeftError with exit code 2 for an unknown name or type, or a type whose blocks do not divide a matrix's columns.
 */
export function randomModel(shape: string, type: string, packing: 'planes' | 'gguf' = 'planes'): ModelSource {
  const config = shapeNamed(shape)
  if (!Object.hasOwn(codings, type)) throw new WeftError({ where: '--weights', what: 'unknown type of weights', expected: randomTypes.join(', '), got: type, exitCode: 2 })
  // Made when they are first read: sizes and types can be asked for without them.
  const recipes = new Map<string, () => Uint8Array>()
  const pools = new Map<string, Uint8Array>()
  const tensors = new Map<string, WeightTensor>()
  const walk = (tensor: string, key: string, coding: Coding, elements: number, deviation: number, mean: number): ByteRange => {
    recipes.set(key, () => makePool(coding, deviation, mean, hash(key)))
    return { file: key, offset: (hash(`${tensor} ${key}`) % poolBlocks) * coding.bytes, bytes: (elements / coding.elements) * coding.bytes }
  }
  for (const required of requiredTensors(config)) {
    const { name, shape: sizes } = required
    const own = sizes.length === 1 ? 'f32' : type
    const coding = codings[own]!
    const columns = sizes.at(-1)!
    if (columns % coding.elements !== 0) throw new WeftError({ where: '--weights', what: `${type} for ${name} of ${shape}`, expected: `columns in multiples of ${coding.elements}`, got: String(columns), exitCode: 2 })
    const { deviation, mean } = wanted(config, required)
    const elements = sizes.reduce((n, d) => n * d, 1)
    // NVFP4's blocks are the same for all matrices; the tensor's scale is what differs.
    const scale = own === 'nvfp4' && packing === 'planes' ? deviation / coding.deviation : 1
    const common = { name, type: own, shape: sizes, scale }
    if (own === 'nvfp4' && packing === 'planes') {
      const plane = (part: 'codes' | 'scales'): ByteRange => walk(name, `nvfp4 ${part}`, planes[part], elements, 1, 0)
      tensors.set(name, { ...common, packing: 'planes', ranges: { codes: plane('codes'), scales: plane('scales') } })
    } else {
      const key = own === 'nvfp4' ? own : `${own} ${deviation.toPrecision(3)} ${mean}`
      tensors.set(name, { ...common, packing: coding.elements === 1 ? 'plain' : 'gguf', ranges: { data: walk(name, key, coding, elements, deviation, mean) } })
    }
  }
  const bytes = [...tensors.values()].reduce((n, t) => n + Object.values(t.ranges).reduce((m, r) => m + r.bytes, 0), 0)
  return {
    path: `${shape}, random ${type}`, format: 'random', config, tensors, bytes, ignored: [],
    tokenizer: null, chatTemplate: null, generation: { stopIds: [] }, notice: null,
    read(range, into, at = 0) {
      const recipe = recipes.get(range.file)
      if (!recipe || at < 0 || at + into.length > range.bytes) throw new WeftError({ where: 'weights', what: `read outside a random tensor (${range.file})`, expected: `within ${range.bytes} bytes`, got: `${into.length} bytes at ${at}` })
      const pool = pools.get(range.file) ?? recipe()
      pools.set(range.file, pool)
      walkPool(pool, range, into, at)
    },
    close: () => undefined,
  }
}

/** One random tensor by itself, with values of this deviation and mean, as a model that holds nothing else. */
export function randomTensor(type: string, shape: readonly number[], deviation: number, mean = 0): { readonly source: Pick<ModelSource, 'path' | 'tensors' | 'read'>; readonly tensor: WeightTensor } {
  const coding = Object.hasOwn(codings, type) ? codings[type] : undefined
  if (coding === undefined || shape.at(-1)! % coding.elements !== 0) throw new WeftError({ where: 'weights', what: `random ${type} of [${shape.join(', ')}]`, expected: `one of ${randomTypes.join(', ')} in whole blocks` })
  const pool = makePool(coding, deviation, mean, hash(`${type} ${shape.join()}`))
  const bytes = (shape.reduce((n, d) => n * d, 1) / coding.elements) * coding.bytes
  const tensor: WeightTensor = { name: 'random', type, shape, packing: coding.elements === 1 ? 'plain' : 'gguf', ranges: { data: { file: 'random', offset: 0, bytes } }, scale: 1 }
  return { tensor, source: { path: 'random', tensors: new Map([[tensor.name, tensor]]), read: (range, into, at = 0) => walkPool(pool, range, into, at) } }
}

function walkPool(pool: Uint8Array, range: ByteRange, into: Uint8Array, at: number): void {
  for (let done = 0; done < into.length;) {
    const from = (range.offset + at + done) % pool.length
    const piece = pool.subarray(from, from + into.length - done)
    into.set(piece, done)
    done += piece.length
  }
}
