/**
 * The plan: launches in order, each with where its parameters lie, over an arena whose slots are reused as soon as
 * nothing reads them. Dependence edges say which earlier launches a launch must follow; backends that run in order
 * need none of them, a persistent kernel will.
 */
import { WeftError } from '../graph/error.js'
import { cacheOp, inputOp, weightOp, type Graph } from '../graph/graph.js'
import { inputsOf, type Node } from '../graph/op.js'
import { elements, showType } from '../graph/tensor.js'
import { extentMax, type Extent } from './builder.js'
import type { Dims, Kernel } from './kernel.js'
import { loopsOf, type LaunchLoop } from './loops.js'
import type { LoweredGraph } from './lower.js'
import type { Constant, Step } from './schedule.js'

/** Where a parameter's bytes are. */
export type Place =
  | { readonly kind: 'arena'; readonly offset: number; readonly bytes: number }
  | { readonly kind: 'weight'; readonly key: string }
  | { readonly kind: 'constant'; readonly key: string }
  | { readonly kind: 'cache'; readonly layer: number; readonly part: 'k' | 'v' }
  | { readonly kind: 'state' }

/** What a device needs to know of a launch. */
export interface RunnableLaunch {
  readonly kernel: Pick<Kernel, 'name' | 'tiles'>
  /** One for each param of the kernel. */
  readonly places: readonly Place[]
}

export interface Launch extends RunnableLaunch {
  readonly kernel: Kernel
  /** The node it computes, by name, and the schedule's reasons against the others. */
  readonly origin: string
  readonly node: Node | null
  readonly rejected: Readonly<Record<string, string>>
  /** Indices of launches whose results it reads or overwrites. */
  readonly after: readonly number[]
}

export interface PlanOutput {
  readonly offset: number
  readonly bytes: number
  readonly type: string
}

export interface RunnablePlan {
  readonly label: string
  /** Upper bounds of the live dims. */
  readonly dims: Dims
  readonly launches: readonly RunnableLaunch[]
  readonly arenaBytes: number
  readonly outputs: Readonly<Record<string, PlanOutput>>
}

export interface Plan extends RunnablePlan {
  readonly launches: readonly Launch[]
  readonly graph: Graph
}

/** Gives kernels of equal content one name, over all plans of an engine. */
export class KernelNames {
  private readonly byContent = new Map<string, Kernel>()
  private readonly counts = new Map<string, number>()
  /** Layers share kernels by identity; only a kernel not met before is compared by content. */
  private readonly met = new Map<Kernel, Kernel>()

  unique(k: Kernel): Kernel {
    const before = this.met.get(k)
    if (before) return before
    const named = this.named(k)
    this.met.set(k, named)
    return named
  }

  private named(k: Kernel): Kernel {
    const key = JSON.stringify(k)
    const known = this.byContent.get(key)
    if (known) return known
    const n = this.counts.get(k.name) ?? 0
    this.counts.set(k.name, n + 1)
    const named = n === 0 ? k : Object.freeze({ ...k, name: `${k.name}_${n + 1}` })
    this.byContent.set(key, named)
    return named
  }
  get kernels(): readonly Kernel[] {
    return [...this.byContent.values()]
  }
}

export const weightKey = (n: Node): string => (n.attributes['tensors'] as readonly string[]).join('+')
const align = (n: number): number => Math.ceil(n / 256) * 256

export function plan(label: string, lowered: LoweredGraph, dims: Readonly<Record<string, Extent>>, names: KernelNames, closing: readonly Step[] = []): Plan {
  const { graph: g } = lowered
  const max: Dims = Object.fromEntries(Object.entries(dims).map(([n, e]) => [n, extentMax(e)]))
  const steps: { readonly step: Step; readonly node: Node | null; readonly rejected: Readonly<Record<string, string>> }[] = [
    ...lowered.nodes.flatMap(({ node, choice }) => choice.steps.map(step => ({ step, node, rejected: choice.rejected }))),
    ...closing.map(step => ({ step, node: null, rejected: {} })),
  ]
  const arena = new Arena()
  const constants = new Map<string, Constant>()

  // Memory that a node's output or a scratch name stands for.
  const scratch = new Map(lowered.nodes.flatMap(({ node, choice }) => Object.entries(choice.scratch).map(([name, bytes]) => [`${g.names.get(node)} ${name}`, bytes])))
  const slotOf = (n: Node, output: number): { readonly key: string; readonly bytes: number } | Place => {
    if (n.op === weightOp) return { kind: 'weight', key: weightKey(n) }
    if (n.op === cacheOp) return { kind: 'cache', layer: n.attributes['layer'] as number, part: n.attributes['part'] as 'k' | 'v' }
    if (n.op === inputOp) return { kind: 'state' }
    if (n.op.name === 'output') return slotOf(n.inputs[0]!, n.attributes['index'] as number)
    const alias = n.op.aliases?.[output]
    if (alias) return slotOf(inputsOf(n)[alias]!, 0)
    return { key: `${g.names.get(n)} ${output}`, bytes: elements(n.types[output]!.shape, max) * 4 }
  }
  const slots = steps.map(({ step, node }) =>
    step.kernel.params.map(p => {
      const arg = step.args[p.name]!
      switch (arg.kind) {
        case 'state': return { kind: 'state' } as const
        case 'constant':
          constants.set(arg.constant.key, arg.constant)
          return { kind: 'constant', key: arg.constant.key } as const
        case 'scratch': {
          const key = `${g.names.get(node!)} ${arg.name}`
          return { key, bytes: scratch.get(key)! }
        }
        case 'node': return slotOf(arg.node, arg.output)
        default: return arg satisfies never
      }
    }),
  )
  // A slot lives from the first launch that names it to the last; outputs of the graph to the end.
  const lives = new Map<string, { bytes: number; from: number; to: number }>()
  slots.forEach((own, i) => own.forEach(s => {
    if (!('bytes' in s) || 'kind' in s) return
    const life = lives.get(s.key)
    if (life) life.to = i
    else lives.set(s.key, { bytes: s.bytes, from: i, to: i })
  }))
  const outputs: Record<string, string> = {}
  for (const [name, n] of Object.entries(g.outputs)) {
    const s = slotOf(n, 0)
    if ('kind' in s) throw new WeftError({ where: 'plan', what: `output ${name} is no activation` })
    outputs[name] = s.key
    lives.get(s.key)!.to = steps.length
  }
  const offsets = arena.place([...lives].map(([key, life]) => ({ key, ...life })))
  const placed = slots.map(own => own.map((s): Place => ('kind' in s ? s : { kind: 'arena', offset: offsets.get(s.key)!, bytes: align(s.bytes) })))
  const after = dependences(placed, steps.map(s => s.step.kernel))
  const launches = steps.map(({ step, node, rejected }, i): Launch => ({
    kernel: names.unique(step.kernel), places: placed[i]!, node, rejected,
    origin: node ? g.names.get(node)! : step.kernel.schedule,
    after: after[i]!,
  }))
  return Object.freeze({
    label, dims: max, launches: Object.freeze(launches), arenaBytes: arena.bytes, graph: g,
    outputs: Object.fromEntries(Object.entries(g.outputs).map(([name, n]) => {
      const life = lives.get(outputs[name]!)!
      return [name, { offset: offsets.get(outputs[name]!)!, bytes: life.bytes, type: showType(n.type) }]
    })),
  })
}

/** Constants that the plan's steps carry, by key. */
export function constantsOf(lowered: LoweredGraph): ReadonlyMap<string, Constant> {
  const found = new Map<string, Constant>()
  for (const { choice } of lowered.nodes) for (const s of choice.steps) for (const a of Object.values(s.args)) if (a.kind === 'constant') found.set(a.constant.key, a.constant)
  return found
}

function overlaps(a: Place, b: Place): boolean {
  if (a.kind === 'arena' && b.kind === 'arena') return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes
  if (a.kind === 'cache' && b.kind === 'cache') return a.layer === b.layer && a.part === b.part
  return a.kind === 'state' && b.kind === 'state'
}

/**
 * The earlier launches that each launch must follow: what wrote its inputs, and what touched memory it writes. Those
 * that follow from the others are left out.
 */
function dependences(places: readonly (readonly Place[])[], kernels: readonly Kernel[]): readonly (readonly number[])[] {
  const writes = (l: number, p: number): boolean => kernels[l]!.params[p]!.access !== 'read'
  /** Everything a launch comes after, as bits. */
  const before: bigint[] = []
  return places.map((own, i) => {
    const direct: number[] = []
    let all = 0n
    for (let l = i - 1; l >= 0; l--) {
      if ((all >> BigInt(l)) & 1n) continue
      const conflict = own.some((a, p) => places[l]!.some((b, q) => (writes(i, p) || writes(l, q)) && overlaps(a, b)))
      if (!conflict) continue
      direct.push(l)
      all |= before[l]! | (1n << BigInt(l))
    }
    before.push(all)
    return direct.reverse()
  })
}

/** First fit by size over lifetimes: the largest slots are placed first, each at the lowest offset free while it lives. */
class Arena {
  bytes = 0

  place(slots: readonly { readonly key: string; readonly bytes: number; readonly from: number; readonly to: number }[]): ReadonlyMap<string, number> {
    const offsets = new Map<string, number>()
    const done: { readonly at: number; readonly bytes: number; readonly from: number; readonly to: number }[] = []
    for (const s of [...slots].sort((a, b) => b.bytes - a.bytes || a.from - b.from)) {
      const bytes = align(s.bytes)
      const taken = done.filter(d => d.from <= s.to && s.from <= d.to).sort((a, b) => a.at - b.at)
      let at = 0
      for (const d of taken) {
        if (at + bytes <= d.at) break
        at = Math.max(at, d.at + d.bytes)
      }
      done.push({ at, bytes, from: s.from, to: s.to })
      offsets.set(s.key, at)
      this.bytes = Math.max(this.bytes, at + bytes)
    }
    return offsets
  }
}

/** A plan as text: launches with tiles, places and what they follow; layers as loops. */
export function printPlan(p: Plan): string {
  const place = (at: Place): string => {
    switch (at.kind) {
      case 'arena': return `arena[${at.offset}, ${at.bytes}]`
      case 'weight': return at.key
      case 'constant': return at.key.split(' ')[0]!
      case 'cache': return `cache.${at.layer}.${at.part}`
      case 'state': return 'state'
      default: return at satisfies never
    }
  }
  const line = (i: number, loop: LaunchLoop): string => {
    const l = p.launches[i]!
    const tiles = l.kernel.tiles.map(f => (f.dim === null ? String(f.times) : `${f.times === 1 ? '' : `${f.times}·`}⌈${f.dim}/${f.per}⌉`)).join(' × ')
    // In a loop, arguments are shown as they change from the first turn to the last, and edges as those of the second turn.
    const last = p.launches[i + (loop.times - 1) * loop.length]!
    const args = l.kernel.params.map((param, n) => {
      const [from, to] = [place(l.places[n]!), place(last.places[n]!)]
      return `${param.name}=${from === to ? from : `${from} … ${to}`}`
    }).join(' ')
    const shown = loop.times === 1 ? l.after : p.launches[i + loop.length]!.after.map(a => a - loop.length)
    return `${String(i).padStart(4)} ${l.kernel.name} [${tiles}] ${args}${shown.length ? ` after ${shown.join(',')}` : ''}  # ${l.origin}`
  }
  const lines = loopsOf(p.launches).flatMap(loop => {
    const body = Array.from({ length: loop.length }, (_, i) => line(loop.first + i, loop))
    return loop.times === 1 ? body : [`${loop.times} times, ${loop.length} launches each:`, ...body.map(l => `  ${l}`)]
  })
  const outputs = Object.entries(p.outputs).map(([name, o]) => `output ${name} ${o.type} = arena[${o.offset}, ${o.bytes}]`)
  return [`plan ${p.label}: ${Object.entries(p.dims).map(([d, n]) => `${d} ≤ ${n}`).join(', ')}, ${p.launches.length} launches, arena ${p.arenaBytes} bytes`, ...lines, ...outputs].join('\n') + '\n'
}

