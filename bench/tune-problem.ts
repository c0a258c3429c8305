/**
 * One class of problem on a device: random inputs, what the op's meaning gives for them, and a way to run, check and time any
 * schedule's kernels on them. Rows are independent in every op that is tuned. Weights lie in as many copies as no cache
 * holds, and inputs are no zeros, which run faster than data. Results are judged in `tune-judge.ts`.
 */
import { extentMax } from '../codegen/builder.js'
import type { Dims } from '../codegen/kernel.js'
import type { Arg, Context, Lowered, Step } from '../codegen/schedule.js'
import { pageSize } from '../codegen/state.js'
import { cacheOp, inputOp, weightOp } from '../graph/graph.js'
import type { Node, Tensor } from '../graph/op.js'
import { elements, type Size } from '../graph/tensor.js'
import type { Backend, BoundLaunch, BufferView, DeviceBuffer, Program, Recording } from '../runtime/backend.js'
import { uploadWeight } from '../runtime/upload.js'
import { dequantize } from '../weights/dequantize.js'
import { randomTensor } from '../weights/random.js'
import { timeOfRun } from './numbers.js'
import { judgedColumns, judgedWeightRows, TuneJudge } from './tune-judge.js'

/** Rows whose results are evaluated. */
const judgedRows = 4
/** Bytes of weights that take turns. */
const coldBytes = { gpu: 2 ** 28, cpu: 2 ** 26 } as const

/** A run that is over sooner is recorded so many times in a row. */
const shortMicroseconds = 200
const shortCopies = 16

/** Candidates of one compilation, with the names their kernels were given. */
export interface Candidate {
  readonly lowered: Lowered
  readonly names: readonly string[]
}

/** Microseconds of one run by the device's clock where it has one, and by the host's, handing over included. */
export interface Timed {
  readonly us: number
  readonly hostUs: number
}

export class TuneProblem {
  private readonly inputs = new Map<Node, readonly DeviceBuffer[]>()
  private readonly outputs: readonly DeviceBuffer[]
  private readonly owned: DeviceBuffer[] = []
  private readonly state: DeviceBuffer
  private readonly dims: Dims
  private readonly limits: Dims
  private readonly rows: readonly number[]
  /** Columns of the output that are judged; null for all. */
  private readonly columns: readonly number[] | null
  private readonly judge: TuneJudge

  constructor(private readonly backend: Backend, private readonly node: Node, private readonly context: Context) {
    const most = (name: 'tokens' | 'outputs'): number => extentMax(context.extent({ name, max: 1 }))
    // A chunk is asked for one row of logits, as after a prompt.
    this.limits = { tokens: most('tokens'), outputs: most('outputs') }
    this.dims = { tokens: this.limits['tokens']!, outputs: Math.min(1, this.limits['outputs']!) }
    const live = this.liveRows(node.type.shape)
    this.rows = [...new Set([0, 1, live >> 1, live - 1].filter(r => r < live))].slice(0, judgedRows)
    this.state = this.alloc(context.state.totalWords * 4)
    const product = node.op.name === 'linear' || node.op.name === 'fusedLinear'
    this.columns = product ? judgedColumns(node.type.shape[1] as number) : null
    const values = new Map<Node, Tensor>()
    this.writeState()
    for (const i of node.inputs) if (i !== null && !values.has(i)) values.set(i, this.makeInput(i))
    this.outputs = node.types.map(t => this.alloc(this.count(t.shape, this.limits) * 4))
    const width = elements(this.concrete(node.type.shape, this.dims).slice(1), {})
    this.judge = new TuneJudge({ node, context, rows: this.rows, liveRows: live, width, columns: this.columns }, values, shape => this.concrete(shape, { tokens: this.rows.length, outputs: this.rows.length }))
  }

  /** Ops whose rows are independent and whose outputs are memory of their own; not those that only look rows up. */
  static fits(node: Node): boolean {
    return node.types.length === 1 && node.op.aliases === undefined && !['rows', 'embedding', 'kvAppend'].includes(node.op.name)
  }

  /** What is wrong with a candidate's results, or null. */
  async check(program: Program, candidate: Candidate): Promise<string | null> {
    const bound = this.bind(program, candidate, 1)
    try {
      for (const b of this.outputs) this.backend.write(b, new Uint8Array(b.bytes).fill(0xff))
      await this.backend.run(bound.recording).done
      return this.judge.judge(await this.backend.read(this.outputs[0]!))
    } finally {
      bound.free()
    }
  }

  /** The time of one run: the least of several batches, ended early where it is above `enough`. */
  async time(program: Program, candidate: Candidate, enough: number): Promise<Timed> {
    // With many rows arithmetic takes longer than memory, and weights are read again for every tile of rows.
    const copies = this.dims['tokens']! > 8 ? 1 : Math.max(1, ...[...this.inputs.values()].map(v => v.length))
    const once = await this.timeCopies(program, candidate, copies, enough, true)
    // A recording of one short run costs more to start than to run: as many as a plan has in a row.
    return once.us < shortMicroseconds && copies < shortCopies ? this.timeCopies(program, candidate, shortCopies, enough, false) : once
  }

  /** @param unlessShort ends after the first batch of a run that is short */
  private async timeCopies(program: Program, candidate: Candidate, copies: number, enough: number, unlessShort: boolean): Promise<Timed> {
    const bound = this.bind(program, candidate, copies)
    let [least, host, cold] = [Infinity, Infinity, true]
    const batch = async (times: number): Promise<number> => {
      const from = performance.now()
      const device = await this.backend.timeRuns?.(bound.recording, times) ?? null
      if (device === null) await this.backend.run(bound.recording, times).done
      const all = (performance.now() - from) * 1000
      // Of the fastest run that is not cold, as the device's.
      if (!cold && (device ?? all) / times < least) [least, host] = [(device ?? all) / times, all / times / copies]
      cold = false
      return device ?? all
    }
    try {
      if (unlessShort && copies < shortCopies) {
        await batch(1)
        const us = Math.min(await batch(1), await batch(1)) / copies
        if (us < shortMicroseconds) return { us, hostUs: host }
      }
      return { us: (await timeOfRun(batch, enough * copies)) / copies, hostUs: host }
    } finally {
      bound.free()
    }
  }

  close(): void {
    for (const b of this.owned) this.backend.free(b)
  }

  private alloc(bytes: number): DeviceBuffer {
    const buffer = this.backend.alloc(Math.max(16, Math.ceil(bytes / 16) * 16), `tuning ${this.node.op.name}`)
    this.owned.push(buffer)
    return buffer
  }

  private concrete(shape: readonly Size[], dims: Dims): readonly number[] {
    return shape.map(s => (typeof s === 'number' ? s : dims[s.name] ?? this.fixedDim(s)))
  }
  private fixedDim(s: Exclude<Size, number>): number {
    const { state } = this.context
    return s.name === 'slots' ? state.sequences * state.pages * pageSize : s.name === 'pages' ? state.pages : s.name === 'sequences' ? state.sequences : s.max
  }
  private count(shape: readonly Size[], dims: Dims): number {
    return this.concrete(shape, dims).reduce((a, b) => a * b, 1)
  }
  /** Live rows of a tensor: of its first size. */
  private liveRows(shape: readonly Size[]): number {
    return this.concrete(shape.slice(0, 1), this.dims)[0]!
  }

  /** Position of row r: one row stands deep in its context, as when decoding; many stand in order. */
  private position(r: number): number {
    const { tokens } = this.dims
    return tokens! > 1 ? r : Math.min(1000, this.context.state.pages * pageSize - 1)
  }

  private writeState(): void {
    const { state } = this.context
    const words = new Uint32Array(state.totalWords)
    const tokens = this.dims['tokens']!
    words[state.words.tokens] = tokens
    words[state.words.outputs] = this.dims['outputs']!
    for (let r = 0; r < Math.min(tokens, state.rows); r++) {
      words[state.arrays.tokens + r] = this.token(r)
      words[state.arrays.positions + r] = this.position(r)
      words[state.arrays.slots + r] = this.position(r)
    }
    words[state.arrays.outputRows] = tokens - 1
    for (let p = 0; p < state.sequences * state.pages; p++) words[state.arrays.pageTable + p] = p
    this.backend.write(this.state, new Uint8Array(words.buffer))
  }

  private token(r: number): number {
    const table = this.node.inputs.find(i => i?.op === weightOp && i.type.shape.length === 2)
    return (r * 7919 + 11) % ((table?.type.shape[0] as number | undefined) ?? 1000)
  }

  /** Puts random values on the device; returns those of the judged rows. */
  private makeInput(n: Node): Tensor {
    const shape = this.concrete(n.type.shape, this.dims)
    const first = n.type.shape[0]
    const live = typeof first === 'object' && (first.name === 'tokens' || first.name === 'outputs')
    if (n.op === inputOp || n.type.dtype === 'u32') {
      const name = n.attributes['name'] as string
      const own: Readonly<Record<string, (r: number) => number>> = { positions: r => this.position(r), slots: r => this.position(r), tokens: r => this.token(r), pageTable: r => r, sequences: () => 0, outputRows: () => this.dims['tokens']! - 1 }
      const rows = live ? this.rows : Array.from({ length: this.count(n.type.shape, this.dims) }, (_, i) => i)
      return { shape: live ? [rows.length] : shape, data: Uint32Array.from(rows, r => (own[name] ?? (() => 0))(r)) }
    }
    if (n.op === weightOp) return this.makeWeight(n, shape)
    if (n.op === cacheOp || (typeof first === 'object' && first.name === 'slots')) return this.makeCache(n, shape)
    const buffer = this.alloc(this.count(n.type.shape, this.limits) * 4)
    const width = elements(shape.slice(1), {})
    const values = noise(shape[0]! * width, 1)
    this.backend.write(buffer, new Uint8Array(values.buffer))
    this.inputs.set(n, [buffer])
    const rows = live ? this.rows : Array.from({ length: shape[0]! }, (_, r) => r)
    const data = new Float32Array(rows.length * width)
    rows.forEach((r, i) => data.set(values.subarray(r * width, (r + 1) * width), i * width))
    return { shape: [rows.length, ...shape.slice(1)], data }
  }

  private makeWeight(n: Node, shape: readonly number[]): Tensor {
    const layout = this.context.layout(n)
    const { source, tensor } = randomTensor(shape.length === 1 ? 'f32' : (n.attributes['type'] as string), shape, shape.length === 1 ? 0.1 : 1 / Math.sqrt(shape[1]!), shape.length === 1 ? 1 : 0)
    const limit = this.backend.caps.simd ? coldBytes.cpu : coldBytes.gpu
    const copies = shape.length === 1 || this.dims['tokens']! > 8 ? 1 : Math.max(2, Math.min(16, Math.ceil(limit / layout.bytes)))
    const made = Array.from({ length: copies }, () => uploadWeight(this.backend, source, { key: `tuning ${this.node.op.name}`, tensors: [tensor.name], layout }, () => undefined))
    this.owned.push(...made)
    this.inputs.set(n, made)
    if (this.columns === null || shape.length === 1) return { shape, data: dequantize(source, tensor) }
    const rows = judgedWeightRows(this.columns, this.node.type.shape[1] as number, shape[0]! / (this.node.type.shape[1] as number))
    const data = new Float32Array(rows.length * shape[1]!)
    rows.forEach((r, i) => data.set(dequantize(source, tensor, r, 1), i * shape[1]!))
    return { shape: [rows.length, shape[1]!], data }
  }

  private makeCache(n: Node, shape: readonly number[]): Tensor {
    const values = noise(elements(shape, {}), 2)
    // Multiples of 1/64 below 4: exact in f16 too.
    for (let i = 0; i < values.length; i++) values[i] = Math.round(values[i]! * 64) / 64
    const half = this.context.kv === 'f16'
    const buffer = this.alloc(values.length * (half ? 2 : 4))
    const bytes = half ? new Uint8Array(Uint16Array.from(values, halfBits).buffer) : new Uint8Array(values.buffer)
    this.backend.write(buffer, bytes.length % 4 === 0 ? bytes : bytes.subarray(0, bytes.length - (bytes.length % 4)))
    this.inputs.set(n, [buffer])
    return { shape, data: Float64Array.from(values) }
  }

  private bind(program: Program, { lowered, names }: Candidate, copies: number): { readonly recording: Recording; free(): void } {
    const own: DeviceBuffer[] = []
    const scratch = new Map<string, DeviceBuffer>()
    const make = (bytes: number): DeviceBuffer => {
      const b = this.backend.alloc(Math.max(16, Math.ceil(bytes / 16) * 16), `tuning ${this.node.op.name}`)
      own.push(b)
      return b
    }
    const view = (buffer: DeviceBuffer): BufferView => ({ buffer, offset: 0, bytes: buffer.bytes })
    const bufferOf = (arg: Arg, copy: number): DeviceBuffer => {
      switch (arg.kind) {
        case 'state': return this.state
        case 'scratch': return scratch.get(arg.name)!
        case 'constant': {
          const b = make(arg.constant.data.byteLength)
          this.backend.write(b, new Uint8Array(arg.constant.data.buffer, arg.constant.data.byteOffset, arg.constant.data.byteLength))
          return b
        }
        case 'node': {
          if (arg.node === this.node) return this.outputs[arg.output]!
          const copiesOf = this.inputs.get(arg.node)!
          return copiesOf[copy % copiesOf.length]!
        }
        default: return arg satisfies never
      }
    }
    for (const [name, bytes] of Object.entries(lowered.scratch)) scratch.set(name, make(bytes))
    const launches = Array.from({ length: copies }, (_, copy) => lowered.steps.map((s: Step, i): BoundLaunch => ({
      program, kernel: names[i]!, tiles: s.kernel.tiles, args: s.kernel.params.map(p => view(bufferOf(s.args[p.name]!, copy))),
    }))).flat()
    const recording = this.backend.record({ label: `tuning ${this.node.op.name}`, launches, dims: this.limits, state: { view: view(this.state), words: this.context.state.words } })
    return {
      recording,
      free: () => {
        this.backend.release(recording)
        own.forEach(b => this.backend.free(b))
      },
    }
  }
}

/** Values within ±1, the same every time. */
function noise(count: number, seed: number): Float32Array {
  let state = seed
  return Float32Array.from({ length: count }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1)
}

/** f16 of a number it holds exactly, of magnitude below 4. */
function halfBits(value: number): number {
  if (value === 0) return 0
  const magnitude = Math.abs(value)
  const exponent = Math.floor(Math.log2(magnitude))
  return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | Math.round((magnitude / 2 ** exponent - 1) * 1024)
}
