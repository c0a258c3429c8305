/** The library's entry: opens a model, compiles its plans for a device, streams the weights there, and hands out sessions. */
import { fileURLToPath } from 'node:url'
import { existsSync } from 'node:fs'
import type { CompileOptions, Runnable } from '../codegen/compile.js'
import { pageSize } from '../codegen/state.js'
import { WeftError } from '../graph/error.js'
import type { Backend, DeviceBuffer } from '../runtime/backend.js'
import { cacheIsNew, cacheProblem } from '../runtime/cache.js'
import { switches, type Switches } from '../runtime/switches.js'
import { uploadWeight, UploadScratch } from '../runtime/upload.js'
import { collectGarbage } from '../runtime/wasm/machine.js'
import type { ModelSource } from '../weights/model.js'
import { openModel } from '../weights/open.js'
import { checkLoad } from './arguments.js'
import { renderChat } from './chat-template.js'
import { openDevice } from './device.js'
import { DeviceExecutor, initialPages } from './device-executor.js'
import type { Executor } from './executor.js'
import type { FormInternals } from './forms.js'
import { locateModel } from './hub/pull.js'
import { inTurn } from './in-turn.js'
import { findPlans, keepPlans, plansKey } from './kept-plans.js'
import { knownRoof } from './known-roof.js'
import { Pages } from './pages.js'
import { contextOf, planning } from './planning.js'
import { DeviceSession } from './session.js'
import { loadTokenizer, type Tokenizer } from './tokenizer.js'
import { tunedFor } from './tuned.js'
import type { Compute, GenerateOptions, LoadOptions, LoadStats, Message, Model, Piece, Session, TraceSink } from './types.js'

/**
 * Seconds of a burst of greedy steps. Handing one over and hearing of its end costs a GPU as much as part of a step; a processor hardly anything,
 * and there the steps beyond the end of a text weigh more.
 */
const burstSeconds = { gpu: 0.05, cpu: 0.025 } as const

/** Bytes of weights from which on, on a CPU, what stands beside them is kept small before speed of loading. */
const largeModel = 2 ** 30

/** The built-in model, wherever the package is built to. */
export function builtInModel(): string {
  const found = ['../../assets/lexicon', '../assets/lexicon'].map(p => fileURLToPath(new URL(p, import.meta.url))).find(existsSync)
  if (!found) throw new WeftError({ where: 'assets', what: 'the built-in model is not beside the program' })
  return found
}

/** What tests put in place of the environment and of parts that no user chooses. */
export interface LoadInternals extends FormInternals {
  readonly switches?: Partial<Pick<Switches, 'debug' | 'dump' | 'check'>>
  readonly openDevice?: (options: LoadOptions) => Promise<Backend>
}

/**
 * Loads a model onto a device. @param path a directory, a .gguf or a .safetensors file, or a name of the hub
 * (`organization/repository:file@revision`), downloaded where the cache lacks it; null for the built-in model; or a model
 * that is open already, which is closed with what is loaded.
 * Throws a WeftError that names the file, tensor or option at fault. @param internals for tests of weft itself
 */
export async function load(path: string | ModelSource | null, options: LoadOptions = {}, internals: LoadInternals = {}): Promise<Model> {
  checkLoad(path, options)
  const started = performance.now()
  const look = { ...switches(), ...internals.switches }
  const located = typeof path !== 'string' ? path ?? builtInModel() : await locateModel(path, {
    ...(options.onDownload ? { onProgress: options.onDownload } : {}), ...(options.onNotice ? { onNotice: options.onNotice } : {}),
  })
  // The device gets ready while the model's files are read.
  const opening = options.device === 'reference' ? null : (internals.openDevice ?? openDevice)(options)
  // An error is told below, unless the model's own comes first.
  opening?.then(backend => cacheIsNew() && backend.expectCompile?.()).catch(() => undefined)
  let source: ModelSource
  try {
    source = typeof located === 'string' ? await openModel(located) : located
  } catch (error) {
    await closed(opening)
    throw error
  }
  try {
    const opened = performance.now()
    if (source.notice) options.onNotice?.(`${source.path}: ${source.notice}`)
    const tokenizer = source.tokenizer ? await loadTokenizer(source.tokenizer) : noTokenizer(source)
    if (options.context !== undefined && options.context > source.config.maxPositions) {
      throw new WeftError({ where: '--context', what: 'longer than the model was made for', expected: `at most ${source.config.maxPositions}`, got: String(options.context) })
    }
    const context = contextOf(source.config.maxPositions, options.context)
    const pages = new Pages(options.sequences ?? 1, Math.ceil(context / pageSize))
    const ready = opening === null ? await reference(source, pages, options.trace) : await onDevice(await opening, source, pages, context, options, { ...internals, switches: look })
    const stats: LoadStats = { ...ready.stats, openSeconds: (opened - started) / 1000, loadSeconds: (performance.now() - started) / 1000, cacheBytes: ready.executor.cacheBytes }
    return new LoadedModel(source, tokenizer, ready, stats, context, options)
  } catch (error) {
    await closed(opening)
    source.close()
    throw error
  }
}

/** Closes a device, once it is open, that will not be used. */
async function closed(opening: Promise<Backend> | null): Promise<void> {
  const backend = await opening?.catch(() => null)
  await backend?.close()
}

interface Ready {
  readonly executor: Executor
  readonly device: string
  readonly backend: Model['backend']
  readonly compute: Compute
  readonly stats: Omit<LoadStats, 'openSeconds' | 'loadSeconds' | 'cacheBytes'>
}

async function reference(source: ModelSource, pages: Pages, trace: TraceSink | undefined): Promise<Ready> {
  const { ReferenceExecutor } = await import('./reference.js')
  const stats = { planSeconds: 0, generateTextSeconds: 0, plansCached: false, compileSeconds: 0, uploadSeconds: 0, kernelsCompiled: 0, kernelsCached: 0, weightBytes: source.bytes }
  return { executor: new ReferenceExecutor(source, pages, trace), device: 'reference, float64 on the CPU', backend: 'reference', compute: 'f32', stats }
}

async function onDevice(backend: Backend, source: ModelSource, pages: Pages, context: number, options: LoadOptions, internals: LoadInternals & { readonly switches: Switches }): Promise<Ready> {
  const started = performance.now()
  const planned: CompileOptions = {
    ...planning(backend.caps, source.config.maxPositions, { ...options, context, sequences: pages.sequences, roof: knownRoof(backend) }),
    ...(options.tuned === false ? {} : { tuned: tunedFor(backend) }),
  }
  const key = looked(options, internals) ? null : plansKey(source, planned)
  const found = key === null ? null : findPlans(key, backend.caps)
  if (found === null && key !== null) backend.expectCompile?.()
  const forms = found === null ? (await import('./forms.js')).makeForms(backend, source, planned, options, internals, internals.switches) : null
  const { runnable, text } = found ?? forms!
  if (forms !== null && key !== null) keepPlans(key, forms)
  checkMemory(backend, runnable, source, pages)
  const planEnd = performance.now()
  // Kernels are compiled while the weights travel.
  const compiling = backend.compile(text)
  const weights = await beside(compiling, () => upload(backend, source, runnable, options))
  const uploadEnd = performance.now()
  const program = await compiling
  const cacheless = program.stats.compiled > 0 ? cacheProblem() : null
  if (cacheless !== null) options.onNotice?.(`compiled kernels are not kept, and will be compiled again at the next start: ${cacheless}; WEFT_CACHE names another folder`)
  const generateTextSeconds = forms?.generateTextSeconds ?? 0
  const stats = {
    planSeconds: (planEnd - started) / 1000 - generateTextSeconds, generateTextSeconds, plansCached: found !== null,
    uploadSeconds: (uploadEnd - planEnd) / 1000, compileSeconds: (performance.now() - uploadEnd) / 1000,
    kernelsCompiled: program.stats.compiled, kernelsCached: program.stats.cached,
    weightBytes: runnable.weights.reduce((n, w) => n + w.layout.bytes, 0),
  }
  const executor = new DeviceExecutor({ backend, compiled: runnable, program, weights, pages, layers: source.config.layers, vocab: source.config.vocab, observe: forms?.observe })
  forms?.loaded(stats, executor.cacheBytes)
  return { executor, device: backend.description, backend: backend.name, compute: planned.compute, stats }
}

/** Whether someone looks at the forms that plans are made from, so that plans from the disk, which have none, do not do. */
function looked({ trace }: LoadOptions, { observe, recompile, switches: { debug, check, dump } }: LoadInternals & { readonly switches: Switches }): boolean {
  return trace !== undefined || observe !== undefined || recompile !== undefined || debug > 0 || check || dump !== null
}

/** Does `work` while a promise is open. Where the work fails the promise is waited for, as it may still use the device, and its own end is not told. */
async function beside<T>(open: Promise<unknown>, work: () => T): Promise<T> {
  try {
    return work()
  } catch (error) {
    await Promise.allSettled([open])
    throw error
  }
}

function upload(backend: Backend, source: ModelSource, { weights }: Runnable, { onProgress }: LoadOptions): ReadonlyMap<string, DeviceBuffer> {
  if (backend.name === 'wasm' && source.bytes > largeModel) collectGarbage()
  const scratch = new UploadScratch()
  let done = 0
  return new Map(weights.map(w => [w.key, uploadWeight(backend, source, w, n => onProgress?.((done += n), source.bytes), scratch)]))
}

/** Compares what will be needed with what is free, before anything is loaded. */
function checkMemory(backend: Backend, compiled: Runnable, source: ModelSource, pages: Pages): void {
  const { free } = backend.memory()
  const cache = initialPages(pages) * compiled.pageBytes * 2 * source.config.layers
  const needs = compiled.weights.reduce((n, w) => n + w.layout.bytes, 0) + compiled.arenaBytes + cache
  if (free !== null && needs > free) {
    throw new WeftError({ where: 'memory', what: `${source.path} needs ${gigabytes(needs)}, ${gigabytes(free)} are free on ${backend.description}` })
  }
}

const gigabytes = (n: number): string => (n >= 1e9 ? `${(n / 1e9).toFixed(1)} GB` : `${(n / 1e6).toFixed(1)} MB`)

/** Models without a tokenizer run on ids: `weft check` needs no text, and generation from ids yields ids. */
function noTokenizer(source: ModelSource): Tokenizer {
  const fail = (): never => {
    throw new WeftError({ where: 'tokenizer', what: `${source.path} has no tokenizer`, expected: 'tokenizer.json beside the weights' })
  }
  return {
    vocabSize: source.config.vocab, bosId: null, eosId: null, chatTemplate: null,
    encode: fail, decode: fail, stream: () => ({ push: () => '', end: () => '' }), idOf: () => undefined, tokenOf: () => undefined, isSpecial: () => false,
  }
}

class LoadedModel implements Model {
  readonly config: Model['config']
  readonly generation: Model['generation']
  readonly device: string
  readonly backend: Model['backend']
  readonly compute: Compute
  private readonly executor: Executor
  private readonly free: number[]
  private closed = false

  constructor(
    readonly source: ModelSource, readonly tokenizer: Tokenizer, ready: Ready,
    readonly stats: LoadStats, readonly context: number, private readonly options: LoadOptions,
  ) {
    this.config = source.config
    this.generation = source.generation
    this.device = ready.device
    this.backend = ready.backend
    this.compute = ready.compute
    this.executor = inTurn(ready.executor)
    this.free = Array.from({ length: options.sequences ?? 1 }, (_, i) => i)
  }

  session(): Session {
    if (this.closed) throw new WeftError({ where: 'model', what: 'the model is closed' })
    const sequence = this.free.shift()
    if (sequence === undefined) throw new WeftError({ where: 'session', what: `all ${this.options.sequences ?? 1} sequences are in use`, expected: 'a session closed first, or more `sequences`' })
    return new DeviceSession({
      executor: this.executor, tokenizer: this.tokenizer, generation: this.generation, context: this.context, vocab: this.config.vocab,
      chunk: this.options.chunk ?? this.executor.maxRows, burstSeconds: burstSeconds[this.backend === 'cuda' || this.backend === 'webgpu' ? 'gpu' : 'cpu'], sequence, onClose: () => this.free.push(sequence),
      encode: (prompt, options) => this.encode(prompt, options),
    })
  }

  async *generate(prompt: string | readonly Message[] | Uint32Array, options: GenerateOptions = {}): AsyncGenerator<Piece, void, void> {
    const session = this.session()
    try {
      yield* session.generate(prompt, options)
    } finally {
      session.close()
    }
  }

  render(messages: readonly Message[], options: Readonly<Record<string, unknown>> = {}): string {
    const template = this.source.chatTemplate ?? this.tokenizer.chatTemplate
    if (template === null) throw new WeftError({ where: 'chat template', what: `${this.source.path} has no chat template`, expected: 'a raw prompt (--raw)' })
    const { bosId, eosId } = this.tokenizer
    const token = (id: number | null): string | null => (id === null ? null : this.tokenizer.tokenOf(id) ?? null)
    return renderChat(template, messages, { bosToken: token(bosId), eosToken: token(eosId), ...options })
  }

  tokenize(text: string): Uint32Array {
    return this.tokenizer.encode(text)
  }
  detokenize(ids: Iterable<number>): string {
    return this.tokenizer.decode(ids)
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    await this.executor.close()
    this.source.close()
  }

  private encode(prompt: string | readonly Message[], options: GenerateOptions): Uint32Array {
    if (typeof prompt === 'string' && options.raw) return this.tokenizer.encode(prompt, { addSpecial: true })
    const system: readonly Message[] = options.system === undefined ? [] : [{ role: 'system', content: options.system }]
    const messages = typeof prompt === 'string' ? [...system, { role: 'user', content: prompt }] : [...system, ...prompt]
    return this.tokenizer.encode(this.render(messages))
  }
}
