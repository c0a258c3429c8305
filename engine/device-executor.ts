/**
 * Runs compiled plans on a backend: owns the buffers, writes the state, replays recordings and reads results. Growing
 * the KV cache is the one thing made after loading: buffers are replaced, and plans recorded again.
 */
import { pageSize } from '../codegen/state.js'
import type { PlanName, Runnable } from '../codegen/compile.js'
import type { Place, RunnablePlan } from '../codegen/plan.js'
import { WeftError } from '../graph/error.js'
import type { Backend, BoundPlan, BufferView, DeviceBuffer, Program, Recording } from '../runtime/backend.js'
import { notFiniteWhere, type Batch, type Candidates, type Executor, type Outputs, type Want } from './executor.js'
import type { Pages } from './pages.js'

export interface DeviceParts {
  readonly backend: Backend
  readonly compiled: Runnable
  readonly program: Program
  readonly weights: ReadonlyMap<string, DeviceBuffer>
  readonly pages: Pages
  readonly layers: number
  readonly vocab: number
  /** Runs a plan in place of its recording: WEFT_DEBUG and WEFT_CHECK look at each launch. */
  readonly observe?: ((plan: PlanName, bound: BoundPlan) => Promise<void>) | undefined
}

/** Pages of a sequence allocated first, and by how much their number grows. */
const firstPages = 4
const growth = 2

/** Pages of the cache there are once a model is loaded. */
export function initialPages(pages: Pages): number {
  return Math.min(firstPages, pages.perSequence) * pages.sequences
}

export class DeviceExecutor implements Executor {
  readonly maxRows: number
  readonly maxOutputs: number
  readonly hasCandidates: boolean
  readonly weightBytesPerToken: number
  readonly cacheBytesPerPosition: number

  private readonly arena: DeviceBuffer
  private readonly state: DeviceBuffer
  private readonly constants = new Map<string, DeviceBuffer>()
  private caches: Readonly<Record<'k' | 'v', DeviceBuffer>>[] = []
  private readonly bound = new Map<PlanName, BoundPlan>()
  private readonly recordings = new Map<PlanName, Recording>()

  constructor(private readonly parts: DeviceParts) {
    const { backend, compiled } = parts
    this.maxRows = compiled.state.rows
    this.maxOutputs = compiled.plans.prefill.dims['outputs']!
    this.hasCandidates = 'candidates' in compiled.plans.choose.outputs
    this.weightBytesPerToken = compiled.weightBytesPerToken
    this.cacheBytesPerPosition = (2 * parts.layers * compiled.pageBytes) / pageSize
    this.arena = backend.alloc(compiled.arenaBytes, 'activations')
    this.state = backend.alloc(compiled.state.totalWords * 4, 'state')
    for (const c of compiled.constants) {
      const buffer = backend.alloc(c.data.byteLength, c.key.split(' ')[0]!)
      backend.write(buffer, new Uint8Array(c.data.buffer, c.data.byteOffset, c.data.byteLength))
      this.constants.set(c.key, buffer)
    }
    this.grow(initialPages(parts.pages))
  }

  get cacheBytes(): number {
    return this.parts.pages.count * this.parts.compiled.pageBytes * 2 * this.parts.layers
  }

  async run(batch: Batch, want: Want): Promise<Outputs> {
    const rows = batch.tokens.length
    const { compiled, vocab } = this.parts
    if (rows > this.maxRows) throw new WeftError({ where: 'engine', what: `${rows} rows in a batch`, expected: `at most ${this.maxRows}` })
    if (batch.outputRows.length > this.maxOutputs) throw new WeftError({ where: 'engine', what: `${batch.outputRows.length} output rows`, expected: `at most ${this.maxOutputs}` })
    const { small } = compiled.plans
    // One row goes the way of decoding; that the plan advances the state matters to none, as it is written before each run.
    const name: PlanName = rows === 1 && batch.outputRows.length === 1 ? (want === 'candidates' && this.hasCandidates ? 'choose' : 'decode')
      : rows <= small.dims['tokens']! && batch.outputRows.length <= small.dims['outputs']! ? 'small' : 'prefill'
    for (let r = 0; r < rows; r++) this.reserve(batch.sequences[r]!, batch.positions[r]! + 1)
    this.writeState(batch)
    await this.play(name, 1)
    if (want === 'nothing' || batch.outputRows.length === 0) return {}
    const plan = compiled.plans[name]
    const next = new Uint32Array((await this.output(plan, 'next', batch.outputRows.length * 4)).slice().buffer)
    if (next.some(id => id >= vocab)) throw notFinite(batch.positions[batch.outputRows[next.findIndex(id => id >= vocab)]!]!)
    if (want === 'next') return { next }
    if (plan.outputs['candidates']) {
      const count = plan.outputs['candidates'].bytes / 8 / plan.dims['outputs']!
      const data = new Float32Array((await this.output(plan, 'candidates', batch.outputRows.length * count * 8)).slice().buffer)
      const candidates = batch.outputRows.map((_, i): Candidates => {
        const own = data.subarray(i * 2 * count, (i + 1) * 2 * count)
        return { logits: own.slice(0, count), ids: Uint32Array.from(own.subarray(count)) }
      })
      return { next, candidates }
    }
    return { next, logits: new Float32Array((await this.output(plan, 'logits', batch.outputRows.length * vocab * 4)).slice().buffer) }
  }

  async greedy(sequence: number, token: number, position: number, count: number): Promise<Uint32Array> {
    const { state } = this.parts.compiled
    if (count > state.history) throw new WeftError({ where: 'engine', what: `${count} steps at once`, expected: `at most ${state.history}` })
    this.reserve(sequence, position + count)
    this.writeState({ tokens: [token], positions: [position], sequences: [sequence], outputRows: [0] })
    await this.play('decode', count)
    const ids = new Uint32Array((await this.parts.backend.read(this.state, state.arrays.history * 4, count * 4)).slice().buffer)
    const bad = ids.findIndex(id => id >= this.parts.vocab)
    if (bad >= 0) throw notFinite(position + bad)
    return ids
  }

  release(sequence: number): void {
    this.parts.pages.release(sequence)
  }

  async close(): Promise<void> {
    await this.parts.backend.close()
  }

  /** Where a plan's parameters are, for those who look at launches. */
  bind(name: PlanName): BoundPlan {
    const known = this.bound.get(name)
    if (known) return known
    const { compiled, program } = this.parts
    const plan = compiled.plans[name]
    const state: BufferView = { buffer: this.state, offset: 0, bytes: this.state.bytes }
    const made: BoundPlan = {
      label: name,
      launches: plan.launches.map(l => ({ program, kernel: l.kernel.name, tiles: l.kernel.tiles, args: l.places.map(p => this.view(p)) })),
      dims: plan.dims,
      state: { view: state, words: compiled.state.words },
    }
    this.bound.set(name, made)
    return made
  }

  private view(place: Place): BufferView {
    const whole = (buffer: DeviceBuffer): BufferView => ({ buffer, offset: 0, bytes: buffer.bytes })
    switch (place.kind) {
      case 'arena': return { buffer: this.arena, offset: place.offset, bytes: place.bytes }
      case 'weight': return whole(this.parts.weights.get(place.key)!)
      case 'constant': return whole(this.constants.get(place.key)!)
      case 'cache': return whole(this.caches[place.layer]![place.part])
      case 'state': return whole(this.state)
      default: return place satisfies never
    }
  }

  private async play(name: PlanName, times: number): Promise<void> {
    const { backend, observe } = this.parts
    if (observe) {
      for (let i = 0; i < times; i++) await observe(name, this.bind(name))
      return
    }
    await backend.run(this.recordings.get(name)!, times).done
  }

  private output(plan: RunnablePlan, name: string, bytes: number): Promise<Uint8Array> {
    return this.parts.backend.read(this.arena, plan.outputs[name]!.offset, bytes)
  }

  private reserve(sequence: number, positions: number): void {
    const { pages } = this.parts
    const missing = pages.missing(sequence, positions)
    if (missing > 0) this.grow(Math.min(Math.max(missing, pages.count * (growth - 1)), pages.perSequence * pages.sequences - pages.count))
    if (pages.take(sequence, positions)) this.writeWords(this.parts.compiled.state.arrays.pageTable, pages.table())
  }

  /** Adds pages to every cache: new buffers, the old contents copied, and everything recorded again. */
  private grow(more: number): void {
    const { backend, pages, layers, compiled } = this.parts
    const before = pages.count * compiled.pageBytes
    const bytes = before + more * compiled.pageBytes
    for (let layer = 0; layer < layers; layer++) {
      const replaced = (part: 'k' | 'v'): DeviceBuffer => {
        const buffer = backend.alloc(bytes, `KV cache of layer ${layer}`)
        const old = this.caches[layer]?.[part]
        if (old) {
          backend.copy(old, 0, buffer, 0, before)
          backend.free(old)
        }
        return buffer
      }
      this.caches[layer] = { k: replaced('k'), v: replaced('v') }
    }
    pages.add(more)
    this.bound.clear()
    if (this.parts.observe) return
    for (const name of Object.keys(compiled.plans) as PlanName[]) {
      const before = this.recordings.get(name)
      this.recordings.set(name, backend.record(this.bind(name)))
      if (before) backend.release(before)
    }
  }

  private writeState(batch: Batch): void {
    const { arrays, words } = this.parts.compiled.state
    const rows = batch.tokens.length
    const live = new Uint32Array(4)
    live[words.tokens] = rows
    live[words.outputs] = batch.outputRows.length
    live[words.step] = 0
    this.writeWords(0, live)
    this.writeWords(arrays.tokens, Uint32Array.from(batch.tokens))
    this.writeWords(arrays.positions, Uint32Array.from(batch.positions))
    this.writeWords(arrays.sequences, Uint32Array.from(batch.sequences))
    this.writeWords(arrays.slots, Uint32Array.from({ length: rows }, (_, r) => this.parts.pages.slot(batch.sequences[r]!, batch.positions[r]!)))
    if (batch.outputRows.length > 0) this.writeWords(arrays.outputRows, Uint32Array.from(batch.outputRows))
  }

  private writeWords(word: number, data: Uint32Array): void {
    this.parts.backend.write(this.state, new Uint8Array(data.buffer, data.byteOffset, data.byteLength), word * 4)
  }
}

export function notFinite(position: number): WeftError {
  return new WeftError({ where: notFiniteWhere, what: `the logits at position ${position} are not finite: the weights or the arithmetic are at fault`, expected: 'finite numbers', got: 'NaN or infinity' })
}
