/** From graph to steps: what may share kernels, what may be fused, and which launches a launch follows. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Extent } from '../codegen/builder.js'
import { fuse } from '../codegen/fuse.js'
import { lower } from '../codegen/lower.js'
import { KernelNames, plan, type Plan } from '../codegen/plan.js'
import type { Context } from '../codegen/schedule.js'
import { schedules } from '../codegen/schedules/index.js'
import { stateLayout } from '../codegen/state.js'
import { weightLayout } from '../codegen/types/layout.js'
import { cache, graph, input, weight, type Graph } from '../graph/graph.js'
import type { Node } from '../graph/op.js'
import { add, mul, splitHeads } from '../graph/ops/arithmetic.js'
import { attention, kvAppend } from '../graph/ops/attention.js'
import { linear } from '../graph/ops/linear.js'
import { rmsNorm } from '../graph/ops/norm.js'
import { rope } from '../graph/ops/rope.js'
import { floats } from '../graph/tensor.js'
import { cudaProfiles } from './support/chips.js'

const tokens = { name: 'tokens', max: 4 } as const
const extents: Readonly<Record<string, Extent>> = { tokens: { dim: 'tokens', min: 1, max: 4 } }
const context: Context = {
  caps: cudaProfiles.sm_90a, state: stateLayout(8, 1, 256), compute: 'f32', kv: 'f32',
  extent: size => (typeof size === 'number' ? size : extents[size.name] ?? size.max),
  layout: n => weightLayout('f32', ...(n.type.shape.length === 1 ? [1, n.type.shape[0] as number] as const : n.type.shape as unknown as readonly [number, number]), false),
}
const planOf = (g: Graph): Plan => plan('test', lower(g, schedules, context), extents, new KernelNames())
const hidden = (x: Node, name: string): Node => linear(x, weight([`${name}.weight`], 'f32', [64, 64]))
const start = linear(input('x', floats(tokens, 64)), weight(['start.weight'], 'f32', [64, 64]))

test('nodes that read one input twice share no kernel arguments with nodes that read two', () => {
  const [a, b] = [hidden(start, 'a'), hidden(start, 'b')]
  const p = planOf(graph({ out: add(mul(a, a), mul(a, b)) }))
  const muls = p.launches.filter(l => l.node?.op.name === 'mul')
  const inputs = muls.map(l => l.places.slice(0, 2).map(place => (place.kind === 'arena' ? place.offset : -1)))
  assert.is(inputs[0]![0], inputs[0]![1], 'a · a reads one place')
  assert.is.not(inputs[1]![0], inputs[1]![1], 'a · b reads two')
})

test('a launch follows what wrote its inputs and what touched memory it writes, without what follows from that', () => {
  const [a, b] = [hidden(start, 'a'), hidden(start, 'b')]
  const p = planOf(graph({ out: add(a, b), start }))
  const after = Object.fromEntries(p.launches.map((l, i) => [l.origin, { i, after: l.after }]))
  assert.equal(after['start']!.after, [])
  assert.equal(after['a']!.after, [after['start']!.i])
  assert.equal(after['b']!.after, [after['start']!.i])
  assert.equal(after['add(a)']!.after, [after['a']!.i, after['b']!.i])
})

test('q, k and v are merged only where q and k are treated alike', () => {
  const frequencies = Array.from({ length: 16 }, (_, i) => 1e4 ** (-i / 16))
  const u32 = (name: string): Node => input(name, { dtype: 'u32', shape: [tokens] })
  const [positions, others, slots, sequences] = ['positions', 'others', 'slots', 'sequences'].map(u32) as [Node, Node, Node, Node]
  const pageTable = input('pageTable', { dtype: 'u32', shape: [{ name: 'sequences', max: 1 }, { name: 'pages', max: 1 }] })
  const caches = (['k', 'v'] as const).map(part => cache(0, part, floats({ name: 'slots', max: 256 }, 2, 32))) as [Node, Node]
  const norm = (name: string): Node => weight([name], 'f32', [32])
  const merged = (change: { readonly eps?: number; readonly frequencies?: readonly number[]; readonly positions?: Node; readonly slots?: Node }): boolean => {
    const turned = (name: string, eps: number, at: Node, f: readonly number[]): Node => rope(rmsNorm(splitHeads(hidden(start, name), 2), norm(`${name}.norm`), eps), at, f)
    const q = turned('q', 1e-6, positions, frequencies)
    const k = kvAppend(caches[0], turned('k', change.eps ?? 1e-6, change.positions ?? positions, change.frequencies ?? [...frequencies]), slots)
    const v = kvAppend(caches[1], splitHeads(hidden(start, 'v'), 2), change.slots ?? slots)
    const g = fuse(graph({ out: attention(q, k, v, { positions, sequences, pageTable }, null, 1) }), { normInLinear: false })
    return g.nodes.some(n => n.op.name === 'qkvHeads')
  }
  assert.ok(merged({}))
  assert.not(merged({ eps: 1e-5 }), 'another eps')
  assert.not(merged({ frequencies: frequencies.map(f => f / 2) }), 'other frequencies')
  assert.not(merged({ positions: others }), 'other positions')
  assert.not(merged({ slots: others }), 'other slots')
})

test.run()
