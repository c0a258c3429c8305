/** Ops that touch each element once: add, mul, SiLU, SiLU·mul, slices of columns, and gathered rows and columns. */
import type { Node } from '../../graph/op.js'
import { inputsOf } from '../../graph/op.js'
import type { KernelBuilder } from '../builder.js'
import { lastSize, nodeArg, rowsOf, schedule, step, type Context, type Lowered, type Schedule } from '../schedule.js'
import { elements } from '../../graph/tensor.js'
import type { Value } from '../value.js'
import { elementwise, silu } from './common.js'

const knobs = { threads: [128, 64, 256] } as const

/** [..., width] as rows of a live extent times fixed sizes, flattened to one row an entry of the extent. */
function flat(node: Node, context: Context): { readonly rows: ReturnType<typeof rowsOf>['extent']; readonly width: number } {
  const { shape } = node.type
  const { extent, per } = rowsOf(context, shape)
  return { rows: extent, width: per * lastSize(shape) }
}

function pointwise(op: string, inputs: readonly string[], apply: (k: KernelBuilder, ...v: readonly Value[]) => Value): Schedule {
  return schedule(op, 'plain', knobs, (node, context, { threads }): Lowered => {
    const { rows, width } = flat(node, context)
    const made = elementwise(context, { schedule: `${op}.plain`, rows, width, bytesPerElement: 4 * (inputs.length + 1), threads }, k => {
      const buffers = inputs.map(name => k.param(name, 'f32', 'activation'))
      const out = k.param('out', 'f32', 'activation', 'write')
      return (_row, _col, at) => out.store(at, apply(k, ...buffers.map(b => k.let('v', b.load(at)))))
    })
    return { steps: [step(made, { ...named(node), out: nodeArg(node) })], scratch: {} }
  })
}

const named = (node: Node): Record<string, ReturnType<typeof nodeArg>> =>
  Object.fromEntries(Object.entries(inputsOf(node)).map(([name, n]) => [name, nodeArg(n)]))

export const slice = schedule('slice', 'plain', knobs, (node, context, { threads }): Lowered => {
  const x = inputsOf(node)['x']!
  const [from, width, whole] = [node.attributes['from'] as number, lastSize(node.type.shape), lastSize(x.type.shape)]
  const { extent, per } = rowsOf(context, node.type.shape)
  const made = elementwise(context, { schedule: 'slice.plain', rows: extent, width: per * width, bytesPerElement: 8, threads }, k => {
    const [source, out] = [k.param('x', 'f32', 'activation'), k.param('out', 'f32', 'activation', 'write')]
    return (row, col, at) => {
      const inner = row.mul(per).add(col.div(width))
      out.store(at, source.load(inner.mul(whole).add(col.mod(width)).add(from)))
    }
  })
  return { steps: [step(made, { x: nodeArg(x), out: nodeArg(node) })], scratch: {} }
})

/** Columns of x in another order; an index outside the row, which no loader lets pass, would still stay inside it. */
export const columns = schedule('columns', 'plain', knobs, (node, context, { threads }): Lowered => {
  const { x, order } = inputsOf(node)
  const width = lastSize(node.type.shape)
  const { extent, per } = rowsOf(context, node.type.shape)
  const made = elementwise(context, { schedule: 'columns.plain', rows: extent, width: per * width, bytesPerElement: 12, threads }, k => {
    const [source, indices, out] = [k.param('x', 'f32', 'activation'), k.param('order', 'f32', 'weight'), k.param('out', 'f32', 'activation', 'write')]
    return (row, col, at) => {
      const index = k.let('index', indices.load(col.mod(width)).max(0).min(width - 1).convert('u32'))
      out.store(at, source.load(row.mul(per).add(col.div(width)).mul(width).add(index)))
    }
  })
  return { steps: [step(made, { x: nodeArg(x!), order: nodeArg(order!), out: nodeArg(node) })], scratch: {} }
})

/** Rows of x at the indices asked for: what logits are made of. */
export const rows = schedule('rows', 'plain', knobs, (node, context, { threads }): Lowered => {
  const { x } = inputsOf(node)
  const width = lastSize(x!.type.shape)
  const made = elementwise(context, { schedule: 'rows.plain', rows: context.extent(node.type.shape[0]!), width, bytesPerElement: 8, threads }, k => {
    const [source, out] = [k.param('x', 'f32', 'activation'), k.param('out', 'f32', 'activation', 'write')]
    return (row, col, at) => out.store(at, source.load(k.input('outputRows', row).mul(width).add(col)))
  })
  return { steps: [step(made, { x: nodeArg(x!), out: nodeArg(node) })], scratch: {} }
})

export const kvAppend = schedule('kvAppend', 'plain', knobs, (node, context, { threads }): Lowered => {
  const { cache, x } = inputsOf(node)
  const width = elements(x!.type.shape.slice(1), {})
  const made = elementwise(context, { schedule: 'kvAppend.plain', rows: context.extent(x!.type.shape[0]!), width, bytesPerElement: 8, threads }, k => {
    const source = k.param('x', 'f32', 'activation')
    const out = k.param('cache', context.kv, 'cache', 'write')
    return (row, col, at) => out.store(k.input('slots', row).mul(width).add(col), source.load(at))
  })
  return { steps: [step(made, { cache: nodeArg(cache!), x: nodeArg(x!) })], scratch: {} }
})

export const pointwiseSchedules: readonly Schedule[] = [
  pointwise('add', ['a', 'b'], (_k, a, b) => a!.add(b!)),
  pointwise('mul', ['a', 'b'], (_k, a, b) => a!.mul(b!)),
  pointwise('silu', ['x'], (k, x) => silu(k, x!)),
  pointwise('siluMul', ['gate', 'up'], (k, gate, up) => silu(k, gate!).mul(up!)),
]
