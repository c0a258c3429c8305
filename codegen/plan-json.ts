/**
 * What a program of someone else's needs to run emitted kernels, as plain data: the kernels with their launch shapes and
 * costs, the plans with where every parameter lies, how each weight is laid out, and the words of the state buffer.
 * It stands beside the text that `weft emit` writes, as `plan.json`.
 */
import type { Caps } from './caps.js'
import type { Compiled, CompileOptions } from './compile.js'
import type { Kernel } from './kernel.js'
import type { Launch, Plan, Place } from './plan.js'
import type { KernelText } from './target.js'

/** Plain data for JSON: numbers, texts, lists and objects. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

export interface PlanJsonParts {
  /** Name of the model and version of weft: who made this of what. */
  readonly model: string
  readonly version: string
  readonly options: Pick<CompileOptions, 'compute' | 'kv' | 'context' | 'chunk'> & { readonly caps: Caps }
  readonly compiled: Compiled
  readonly plans: readonly Plan[]
  readonly texts: readonly KernelText[]
  /** The file a kernel's text stands in. */
  readonly fileOf: (kernel: string) => string
}

/** The document. Bytes everywhere; a tile count is the product of times · ⌈dim / per⌉ over its factors. */
export function planJson(parts: PlanJsonParts): Json {
  const { model, version, options, compiled, plans, texts, fileOf } = parts
  const { caps, ...how } = options
  const kernels = new Map(plans.flatMap(p => p.launches.map(l => [l.kernel.name, l.kernel])))
  const textOf = new Map(texts.map(t => [t.name, t]))
  return {
    weft: version, model, target: caps.target, ...how, caps: { ...caps },
    state: { bytes: compiled.state.totalWords * 4, rows: compiled.state.rows, sequences: compiled.state.sequences, pages: compiled.state.pages, words: { ...compiled.state.words }, arrays: { ...compiled.state.arrays } },
    arenaBytes: compiled.arenaBytes,
    cachePageBytes: compiled.pageBytes,
    kernels: Object.fromEntries([...kernels].map(([name, k]) => [name, kernelJson(k, textOf.get(name), fileOf(name))])),
    weights: compiled.weights.map(w => ({
      key: w.key, tensors: w.tensors, type: w.layout.type.name, rows: w.layout.rows, cols: w.layout.cols, span: w.layout.span, bytes: w.layout.bytes,
      codesAt: w.layout.codesAt, scalesAt: w.layout.scalesAt, minsAt: w.layout.minsAt, rowScalesAt: w.layout.rowScalesAt,
    })),
    constants: compiled.constants.map(c => ({ key: c.key, floats: c.data.length })),
    plans: Object.fromEntries(plans.map(p => [p.label, planData(p)])),
  }
}

function kernelJson(k: Kernel, text: KernelText | undefined, file: string): Json {
  return {
    file, schedule: k.schedule, knobs: { ...k.knobs }, threads: k.threads, subgroupSize: k.subgroupSize, sharedBytes: text?.sharedBytes ?? null, dynamicBytes: text?.dynamicBytes ?? null, cluster: k.cluster ?? 1,
    tiles: k.tiles.map(t => ({ ...t })), params: k.params.map(({ tensor, ...p }) => ({ ...p, ...(tensor ? { tensor: { ...tensor } } : {}) })),
    cost: { bytes: { base: k.cost.bytes.base, per: { ...k.cost.bytes.per } }, flops: { base: k.cost.flops.base, per: { ...k.cost.flops.per } } },
  }
}

function planData(p: Plan): Json {
  return {
    dims: { ...p.dims }, arenaBytes: p.arenaBytes,
    launches: p.launches.map(launchData),
    outputs: Object.fromEntries(Object.entries(p.outputs).map(([name, o]) => [name, { ...o }])),
  }
}

function launchData(l: Launch): Json {
  const args = Object.fromEntries(l.kernel.params.map((p, i) => [p.name, placeData(l.places[i]!)]))
  return { kernel: l.kernel.name, args, after: l.after, node: l.origin, op: l.node?.op.name ?? null, rejected: { ...l.rejected } }
}

const placeData = (place: Place): Json => ({ ...place })

/** JSON text in which what fits a line stands on one. */
export function printJson(value: Json, indent = ''): string {
  const line = JSON.stringify(value)
  if (line.length + indent.length <= 160 || typeof value !== 'object' || value === null) return line
  const inner = `${indent} `
  const parts = Array.isArray(value)
    ? (value as readonly Json[]).map(v => printJson(v, inner))
    : Object.entries(value).map(([name, v]) => `${JSON.stringify(name)}: ${printJson(v as Json, inner)}`)
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  return `${open}\n${parts.map(part => inner + part).join(',\n')}\n${indent}${close}`
}
