/**
 * Several models on one backend, their kernels compiled together: tiny models of one family share most of them, and one
 * compilation for a suite takes less than one for a model. Below the engine's `load`, so that pages can be handed out
 * in any order and sequences driven row by row; `load` itself is tested beside it.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile, targets, type Compiled } from '../../codegen/compile.js'
import { KernelNames } from '../../codegen/plan.js'
import { pageSize } from '../../codegen/state.js'
import { DeviceExecutor } from '../../engine/device-executor.js'
import type { Executor } from '../../engine/executor.js'
import { Pages, type PageChoice } from '../../engine/pages.js'
import { DeviceSession } from '../../engine/session.js'
import type { Tokenizer } from '../../engine/tokenizer.js'
import type { Compute, LoadStats, Model, Session } from '../../engine/types.js'
import { WeftError } from '../../graph/error.js'
import type { Backend, DeviceBuffer, Program, Recording } from '../../runtime/backend.js'
import { uploadWeight } from '../../runtime/upload.js'
import type { ModelSource } from '../../weights/model.js'
import { openModel } from '../../weights/open.js'
import type { TestDevice } from './backends.js'

export const fixtures = fileURLToPath(new URL('../../../test/fixtures/', import.meta.url))

export interface Fixture {
  readonly name: string
  /** What `openModel` takes. */
  readonly path: string
  /** Folder of expected.json. */
  readonly folder: string
}

/** Every tiny model with expectations. */
export function fixtureModels(): readonly Fixture[] {
  const safetensors = readdirSync(join(fixtures, 'models')).map((name): Fixture => ({ name, path: join(fixtures, 'models', name), folder: join(fixtures, 'models', name) }))
  const gguf = readdirSync(join(fixtures, 'gguf')).filter(name => name !== 'blocks').map((name): Fixture => {
    const folder = join(fixtures, 'gguf', name)
    // Of a split model, the first part.
    return { name: `gguf ${name}`, path: join(folder, readdirSync(folder).filter(file => file.endsWith('.gguf')).sort()[0]!), folder }
  })
  return [...safetensors, ...gguf]
}

export interface Setup {
  readonly compute: Compute
  readonly kv: 'f32' | 'f16'
  readonly fuse: boolean
  /** Rows of a prefill chunk. */
  readonly chunk: number
  readonly context: number
  readonly sequences: number
  /** The engine's choice of schedules also where the device has lighter ones. */
  readonly engineChoice?: boolean
}

/** A model whose kernels are known but need not be compiled yet. */
export interface Prepared {
  readonly source: ModelSource
  readonly setup: Setup
  readonly compiled: Compiled
}

export interface Running {
  readonly executor: Executor
  readonly pages: Pages
  readonly model: BenchModel
  close(): void
}

export class ModelBench {
  private readonly names = new KernelNames()
  private readonly sources = new Map<string, ModelSource>()
  private program: Program | null = null

  /** @param device says which schedules models are made of, unless they ask for the engine's choice */
  constructor(readonly backend: Backend, private readonly device: Pick<TestDevice, 'lightSchedules'> = {}) {}

  /** Everything up to device text; before `compile`. */
  async prepare(path: string, setup: Setup): Promise<Prepared> {
    if (this.program) throw new WeftError({ where: 'test', what: `${path} is prepared after kernels were compiled` })
    const source = this.sources.get(path) ?? (await openModel(path))
    this.sources.set(path, source)
    const light = setup.engineChoice ? undefined : this.device.lightSchedules
    const options = { caps: this.backend.caps, names: this.names, ...setup, ...(light ? { schedules: light } : {}) }
    return { source, setup, compiled: compile(source.config, name => source.tensors.get(name)?.type ?? 'f32', options) }
  }

  /** Compiles the kernels of all that was prepared; returns how many there are. */
  async compile(): Promise<number> {
    const { kernels } = this.names
    this.program = await this.backend.compile(targets[this.backend.caps.target].render(kernels, this.backend.caps))
    return kernels.length
  }

  /** A model on the device with pages of its own, handed out as `choice` says. */
  run({ source, setup, compiled }: Prepared, choice?: PageChoice, sequences = setup.sequences): Running {
    const lease = new Lease(this.backend)
    const pages = new Pages(sequences, Math.ceil(setup.context / pageSize), choice)
    const weights = new Map(compiled.weights.map(w => [w.key, uploadWeight(lease.backend, source, w, () => undefined)]))
    const executor = new DeviceExecutor({ backend: lease.backend, compiled, program: this.program!, weights, pages, layers: source.config.layers, vocab: source.config.vocab })
    return { executor, pages, model: new BenchModel(source, executor, setup, this.backend), close: () => lease.end() }
  }

  async close(): Promise<void> {
    for (const source of this.sources.values()) source.close()
    await this.backend.close()
  }
}

/** A backend that remembers what was allocated through it and frees that, in place of closing. */
class Lease {
  private readonly buffers = new Set<DeviceBuffer>()
  private readonly recordings = new Set<Recording>()
  readonly backend: Backend

  constructor(private readonly whole: Backend) {
    this.backend = {
      name: whole.name, target: whole.target, caps: whole.caps, description: whole.description,
      memory: () => whole.memory(),
      alloc: (bytes, label) => {
        const made = whole.alloc(bytes, label)
        this.buffers.add(made)
        return made
      },
      free: buffer => {
        this.buffers.delete(buffer)
        whole.free(buffer)
      },
      write: (buffer, data, at) => whole.write(buffer, data, at),
      read: (buffer, at, bytes) => whole.read(buffer, at, bytes),
      copy: (from, fromAt, to, toAt, bytes) => whole.copy(from, fromAt, to, toAt, bytes),
      compile: source => whole.compile(source),
      record: plan => {
        const made = whole.record(plan)
        this.recordings.add(made)
        return made
      },
      release: recording => {
        this.recordings.delete(recording)
        whole.release(recording)
      },
      run: (recording, times) => whole.run(recording, times),
      time: recording => whole.time(recording),
      close: async () => this.end(),
    }
  }

  end(): void {
    for (const recording of this.recordings) this.whole.release(recording)
    this.recordings.clear()
    for (const buffer of this.buffers) this.whole.free(buffer)
    this.buffers.clear()
  }
}

/** What `check` and generation by ids need of a model. */
export class BenchModel implements Model {
  readonly config: Model['config']
  /** No stop ids: the expectations go on for all their tokens. */
  readonly generation: Model['generation'] = { stopIds: [] }
  readonly device: string
  readonly backend: Model['backend']
  readonly compute: Model['compute']
  readonly context: number
  readonly tokenizer: Tokenizer

  constructor(readonly source: ModelSource, private readonly executor: Executor, private readonly setup: Setup, backend: Backend) {
    this.config = source.config
    this.device = backend.description
    this.backend = backend.name
    this.compute = setup.compute
    this.context = setup.context
    this.tokenizer = {
      vocabSize: source.config.vocab, bosId: null, eosId: null, chatTemplate: null,
      encode: noText, decode: () => '', stream: () => ({ push: () => '', end: () => '' }), idOf: () => undefined, tokenOf: () => undefined, isSpecial: () => false,
    }
  }

  get stats(): LoadStats {
    throw new WeftError({ where: 'test', what: 'models of a bench were not loaded one by one' })
  }

  session(): Session {
    return this.sessionOf(this.setup.context)
  }
  /** A session whose context ends before the model's. */
  sessionOf(context: number): Session {
    return new DeviceSession({
      executor: this.executor, tokenizer: this.tokenizer, generation: this.generation, context, vocab: this.config.vocab,
      chunk: this.setup.chunk, burstSeconds: 0.05, sequence: 0, encode: noText, onClose: () => undefined,
    })
  }
  async *generate(...[prompt, options]: Parameters<Model['generate']>): ReturnType<Model['generate']> {
    const session = this.session()
    try {
      yield* session.generate(prompt, options)
    } finally {
      session.close()
    }
  }
  render(): string {
    return noText()
  }
  tokenize(): Uint32Array {
    return noText()
  }
  detokenize(): string {
    return noText()
  }
  async close(): Promise<void> {
    await this.executor.close()
  }
}

function noText(): never {
  throw new WeftError({ where: 'test', what: 'the tiny models have no text' })
}
