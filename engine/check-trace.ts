/**
 * Parity op by op: a model runs the prompt of a trace and is compared with it, op after op in the order of the computation,
 * up to the first that differs. Ops run without fusion first, so that all of them can be seen; then as they run for a
 * user, where those that fusion leaves visible are compared. What the trace says of its prompt is compared with what
 * the model's template and tokenizer make of it.
 */
import { check, WeftError } from '../graph/error.js'
import { show } from '../weights/fields.js'
import { diagnose, firstRowBeyond, worstRow, type Diagnosis } from './diagnose.js'
import { load, type LoadInternals } from './load.js'
import { comparePrompt, type PromptReport } from './prompt-parity.js'
import { firstRows, opNames, runTraced, TraceRecorder, type Traced } from './trace.js'
import type { Trace } from './trace-file.js'
import type { Compute, LoadOptions, Model } from './types.js'

export interface OpComparison {
  readonly op: string
  /** Largest ‖Δ‖ / ‖expected‖ of a token's row. */
  readonly relativeError: number
  /** The token whose row that is. */
  readonly token: number
  readonly largestDifference: number
  readonly ok: boolean
}

export interface TraceReport {
  readonly model: string
  readonly device: string
  readonly compute: Compute
  /** Who made the trace. */
  readonly maker: string
  readonly tolerance: number
  readonly tokens: number
  readonly prompt: PromptReport | null
  /** Up to the first that differs. */
  readonly ops: readonly OpComparison[]
  /** Ops that fusion leaves visible, as they run for a user; null where it was not asked for or not come to. */
  readonly fused: readonly OpComparison[] | null
  /** Names of the trace that the model does not have. */
  readonly unknown: readonly string[]
  /** Ops of the model that the trace does not have. */
  readonly missing: readonly string[]
  /** The first op beyond the tolerance. */
  readonly first: OpComparison | null
  readonly diagnosis: Diagnosis | null
  readonly ok: boolean
}

export interface CheckTraceOptions {
  /** Default 1e-4 with f32 arithmetic and cache, 2e-3 with i16, 2e-2 with f16 anywhere: errors add up from op to op. */
  readonly tolerance?: number
  /** Ids handed over at a time; default what the trace says, else all. */
  readonly chunk?: number
  /** Is given each report as it is made, where there are several. */
  readonly onReport?: (report: TraceReport) => void
}

const where = 'check'

/** Compares the model at `path` with a trace. Throws a WeftError where they cannot be compared at all. */
export async function checkTrace(path: string | null, trace: Trace, loading: LoadOptions, options: CheckTraceOptions = {}, internals: LoadInternals = {}): Promise<TraceReport> {
  const chunk = options.chunk ?? trace.chunk ?? trace.ids.length
  const run = <T>(fuse: boolean, use: (model: Model, got: ReadonlyMap<string, Traced>, tolerance: number) => T): Promise<T> =>
    traced(path, () => trace.ids, { ...loading, fuse }, chunk, internals, (model, got) => use(model, got, options.tolerance ?? opTolerance(model, loading)))
  const plain = await run(false, (model, got, tolerance) => {
    const known = opNames(model.config)
    const common = known.filter(name => trace.tensors.has(name))
    check(common.length > 0, where, 'the trace has none of the model\'s ops', `names such as ${known.slice(0, 3).join(', ')}`, show([...trace.tensors.keys()].slice(0, 3)))
    return {
      model: model.source.path, device: model.device, compute: model.compute, maker: trace.maker, tolerance, tokens: trace.ids.length,
      prompt: comparePrompt(model, trace),
      unknown: [...trace.tensors.keys()].filter(name => !known.includes(name)), missing: known.filter(name => !trace.tensors.has(name)),
      ...compared(common, trace, got, tolerance, model, chunk),
    }
  })
  const prompts = plain.prompt?.ok !== false
  if (plain.first !== null || loading.fuse === false || loading.device === 'reference') return { ...plain, fused: null, ok: prompts && plain.first === null }
  return run(true, (model, got, tolerance) => {
    const visible = opNames(model.config).filter(name => trace.tensors.has(name) && got.has(name))
    const { ops, first, diagnosis } = compared(visible, trace, got, tolerance, model, chunk)
    return { ...plain, fused: ops, first, diagnosis, ok: prompts && first === null }
  })
}

const opTolerances: Readonly<Record<Compute, number>> = { f32: 1e-4, f16: 2e-2, i16: 2e-3 }

/** What errors of single ops may add up to. */
export function opTolerance(model: Pick<Model, 'compute'>, { kvType }: LoadOptions): number {
  return kvType === 'f16' ? opTolerances.f16 : opTolerances[model.compute]
}

/** Loads a model, runs ids and hands all that was recorded on; closes it. */
async function traced<T>(path: string | null, idsOf: (model: Model) => Uint32Array, options: LoadOptions, chunk: number, internals: LoadInternals, use: (model: Model, got: ReadonlyMap<string, Traced>) => T): Promise<T> {
  const recorder = new TraceRecorder()
  const model = await load(path, { ...options, trace: recorder }, internals)
  try {
    const ids = idsOf(model)
    const beyond = ids.find(id => id >= model.config.vocab)
    if (beyond !== undefined) throw new WeftError({ where, what: 'a token id that the model does not have', expected: `less than ${model.config.vocab}`, got: String(beyond) })
    await runTraced(model, ids, chunk)
    return use(model, recorder.tensors())
  } finally {
    await model.close()
  }
}

/**
 * Compares backends with each other: the ops of `base` are the trace that each of `others` is compared with, on the ids that
 * `idsOf` says. Devices differ in what they compute in by default; the tolerance is that of the coarser one.
 */
export async function checkAgainst(path: string | null, base: LoadOptions, others: readonly LoadOptions[], idsOf: (model: Model) => Uint32Array, options: CheckTraceOptions = {}, internals: LoadInternals = {}): Promise<readonly TraceReport[]> {
  let ids = new Uint32Array()
  const noted = (model: Model): Uint32Array => (ids = Uint32Array.from(idsOf(model)))
  const chunk = options.chunk ?? 2 ** 30
  const { trace, tolerance } = await traced(path, noted, { ...base, fuse: false }, chunk, internals, (model, tensors) => ({
    trace: { ids, text: null, messages: null, chunk: options.chunk ?? null, maker: `${model.device}, ${model.compute}`, tensors } satisfies Trace,
    tolerance: opTolerance(model, base),
  }))
  const reports: TraceReport[] = []
  for (const other of others) {
    const own = options.tolerance ?? (tolerance > opTolerance({ compute: 'f32' }, {}) ? tolerance : undefined)
    const report = await checkTrace(path, trace, other, { ...options, ...(own === undefined ? {} : { tolerance: own }) }, internals)
    options.onReport?.(report)
    reports.push(report)
  }
  return reports
}

type Compared = Pick<TraceReport, 'ops' | 'first' | 'diagnosis'>

function compared(names: readonly string[], trace: Trace, got: ReadonlyMap<string, Traced>, tolerance: number, model: Model, chunk: number): Compared {
  // A run that came to logits that are not finite ended there: the rows it has are compared.
  const tokens = Math.min(trace.ids.length, ...[...got.values()].map(t => t.shape[0]!))
  const values = { weft: firstRows(got, tokens), trace: firstRows(trace.tensors, tokens) }
  const ops = compareOps(names, values.trace, values.weft, tokens, tolerance)
  const last = ops.at(-1)
  if (last === undefined || last.ok) return { ops, first: null, diagnosis: null }
  const firstRow = firstRowBeyond(values.trace.get(last.op)!.data, values.weft.get(last.op)!.data, tokens, tolerance)
  const diagnosis = diagnose({
    source: model.source, ids: trace.ids.subarray(0, tokens), op: last.op, values, firstRow, chunk: chunk < tokens ? chunk : null,
  }, last.relativeError, tolerance)
  return { ops, first: last, diagnosis }
}

/** Compares op after op up to the first beyond `tolerance`. Throws where a value has another size. */
export function compareOps(names: readonly string[], expected: ReadonlyMap<string, Traced>, got: ReadonlyMap<string, Traced>, tokens: number, tolerance: number): readonly OpComparison[] {
  const ops: OpComparison[] = []
  for (const op of names) {
    const [want, have] = [expected.get(op)!, got.get(op)]
    if (!have) throw new WeftError({ where, what: `${op} cannot be seen on this device` })
    check(want.data.length === have.data.length, where, `${op}: shape of the trace`, show(have.shape), show(want.shape))
    const { error, row, largest } = worstRow(want.data, have.data, tokens)
    ops.push({ op, relativeError: error, token: row, largestDifference: largest, ok: error <= tolerance })
    if (error > tolerance) break
  }
  return ops
}
