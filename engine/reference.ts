/**
 * The evaluator as a device, for `weft check`: the graph as declared, in float64, on dequantized weights. It keeps the
 * cache of every layer for the whole context and is slow; nothing else in the engine knows the difference.
 */
import { evaluate } from '../graph/evaluate.js'
import { llama } from '../graph/models/llama.js'
import { weightOp } from '../graph/graph.js'
import { pageSize } from '../codegen/state.js'
import { dequantize } from '../weights/dequantize.js'
import type { ModelSource } from '../weights/model.js'
import type { Batch, Executor, Outputs, Want } from './executor.js'
import { notFinite } from './device-executor.js'
import type { Pages } from './pages.js'
import { pointRows, wantedPoints } from './trace.js'
import type { TraceSink } from './types.js'

/** Largest float32 copy of the weights that is kept; above it they are decoded again for each batch. */
const keptBytes = 4 * 2 ** 30

export class ReferenceExecutor implements Executor {
  readonly maxRows = 4096
  readonly maxOutputs = 4096
  readonly hasCandidates = false
  readonly weightBytesPerToken: number
  readonly cacheBytesPerPosition: number
  readonly cacheBytes: number
  private readonly caches = new Map<string, Float64Array>()
  private readonly weights = new Map<string, Float32Array>()

  constructor(private readonly source: ModelSource, private readonly pages: Pages, private readonly trace?: TraceSink) {
    const { config } = source
    this.weightBytesPerToken = source.bytes
    this.cacheBytesPerPosition = config.layers * 2 * config.kvHeads * config.headDim * 8
    this.cacheBytes = this.cacheBytesPerPosition * pages.sequences * pages.perSequence * pageSize
    pages.add(pages.sequences * pages.perSequence)
  }

  async run(batch: Batch, want: Want): Promise<Outputs> {
    const { config } = this.source
    const { pages } = this
    const rows = batch.tokens.length
    for (let r = 0; r < rows; r++) {
      pages.missing(batch.sequences[r]!, batch.positions[r]! + 1)
      pages.take(batch.sequences[r]!, batch.positions[r]! + 1)
    }
    const slots = pages.count * pageSize
    const typeOf = (name: string): string => this.source.tensors.get(name)?.type ?? 'f32'
    const whole = llama(config, typeOf, { rows, sequences: pages.sequences, slots, pages: pages.perSequence })
    const inputs: Readonly<Record<string, Uint32Array>> = {
      tokens: Uint32Array.from(batch.tokens), positions: Uint32Array.from(batch.positions), sequences: Uint32Array.from(batch.sequences),
      slots: Uint32Array.from({ length: rows }, (_, r) => pages.slot(batch.sequences[r]!, batch.positions[r]!)),
      outputRows: Uint32Array.from(batch.outputRows), pageTable: pages.table(),
    }
    const traced = this.trace ? wantedPoints(whole, whole, this.trace) : []
    const [logits, ...values] = evaluate([whole.outputs['logits']!, ...traced.map(p => p.node)], {
      dims: { tokens: rows, outputs: batch.outputRows.length, slots, sequences: pages.sequences, pages: pages.perSequence },
      input: name => inputs[name]!,
      weight: n => (n.op === weightOp ? this.weight((n.attributes['tensors'] as readonly string[])[0]!) : new Float32Array()),
      cache: (layer, part) => this.cache(layer, part, slots),
    })
    traced.forEach((p, i) => {
      const { row, values: rowValues } = pointRows(p, values[i]!, inputs['slots']!)
      this.trace!.take(p.name, row, rowValues)
    })
    if (want === 'nothing') return {}
    const data = logits!.data as Float64Array
    const next = Uint32Array.from(batch.outputRows, (_, i) => {
      const row = data.subarray(i * config.vocab, (i + 1) * config.vocab)
      if (!row.every(Number.isFinite)) throw notFinite(batch.positions[batch.outputRows[i]!]!)
      return row.reduce((best, v, id) => (v > row[best]! ? id : best), 0)
    })
    return { next, logits: Float32Array.from(data) }
  }

  async greedy(sequence: number, token: number, position: number, count: number): Promise<Uint32Array> {
    const ids = new Uint32Array(count)
    let current = token
    for (let i = 0; i < count; i++) {
      const { next } = await this.run({ tokens: [current], positions: [position + i], sequences: [sequence], outputRows: [0] }, 'next')
      current = ids[i] = next![0]!
    }
    return ids
  }

  release(sequence: number): void {
    this.pages.release(sequence)
  }
  async close(): Promise<void> {
    this.weights.clear()
    this.caches.clear()
  }

  private weight(name: string): Float32Array {
    const known = this.weights.get(name)
    if (known) return known
    const values = dequantize(this.source, this.source.tensors.get(name)!)
    if ([...this.weights.values()].reduce((n, w) => n + w.byteLength, values.byteLength) <= keptBytes) this.weights.set(name, values)
    return values
  }

  private cache(layer: number, part: 'k' | 'v', slots: number): Float64Array {
    const key = `${layer}.${part}`
    const known = this.caches.get(key)
    if (known) return known
    const made = new Float64Array(slots * this.source.config.kvHeads * this.source.config.headDim)
    this.caches.set(key, made)
    return made
  }
}
