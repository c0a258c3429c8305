/**
 * Choosing tokens from logits. argmax: chunks of the vocabulary first, then the chunks' winners. topK: chunks sorted
 * in shared memory by a bitonic network, the best of each kept, and kept lists sorted together until one is left.
 * Ties go to the lower id everywhere. A logit that is not finite must not turn into a token: argmax then yields the
 * id `vocab`, which no token has, and topK leaves the logit itself at the top.
 */
import { inputsOf, type Node } from '../../graph/op.js'
import { kernel, tilesOf, type KernelBuilder, type Shared } from '../builder.js'
import { nodeArg, reject, schedule, scratchArg, step, type Arg, type Context, type Lowered, type Reject, type Step } from '../schedule.js'
import { extentMax } from '../builder.js'
import { select, type Value } from '../value.js'
import { lowest } from './attention-problem.js'
import { cost } from './common.js'

const highest = -lowest

/** Whether the bits are those of an infinity or a NaN; comparing a NaN with itself may be optimized away. */
const notFinite = (k: KernelBuilder, v: Value): Value => v.bitcast('u32').and(0x7fffffff).ge(k.const('u32', 0x7f800000))

/** Whether (v, id) stands before (w, other): larger, or equal and of lower id. */
const before = (v: Value, id: Value, w: Value, other: Value): Value => v.gt(w).either(v.eq(w).both(id.lt(other)))

/** Best pair of a group, seen by thread 0. */
function bestOfGroup(k: KernelBuilder, threads: number, value: Value, id: Value): readonly [Value, Value] {
  if (threads === 1) return [value, id]
  const [values, ids] = [k.shared('values', 'f32', threads), k.shared('ids', 'u32', threads)]
  values.store(k.local, value)
  ids.store(k.local, id)
  k.barrier()
  for (let half = threads / 2; half >= 1; half /= 2) {
    k.when(k.local.lt(half), () => {
      const [v, i] = [k.let('v', values.load(k.local.add(half))), k.let('i', ids.load(k.local.add(half)))]
      k.when(before(v, i, values.load(k.local), ids.load(k.local)), () => {
        values.store(k.local, v)
        ids.store(k.local, i)
      })
    })
    k.barrier()
  }
  return [values.load(0), ids.load(0)]
}

export const argmaxChunks = schedule('argmax', 'chunks', { threads: [256, 128, 64], perThread: [8, 4] }, (node: Node, context: Context, knobs): Lowered => {
  const logits = inputsOf(node)['logits']!
  const vocab = logits.type.shape[1] as number
  const rows = context.extent(logits.type.shape[0]!)
  const threads = context.caps.simd ? 1 : knobs.threads
  const chunk = context.caps.simd ? 8192 : threads * knobs.perThread
  const chunks = Math.ceil(vocab / chunk)
  const first = kernel(
    { schedule: 'argmax.chunks', knobs: { ...knobs, threads }, threads, tiles: [tilesOf(rows), { dim: null, per: 1, times: chunks }], cost: cost(rows, vocab * 4, vocab), state: context.state },
    (k, tile) => {
      const [input, best] = [k.param('logits', 'f32', 'activation'), k.param('best', 'f32', 'activation', 'write')]
      const [row, from] = [k.let('row', tile.div(chunks)), k.let('from', tile.mod(chunks).mul(chunk))]
      const [top, id] = [k.var('top', 'f32', lowest), k.var('id', 'u32', from)]
      k.for({ name: 'i', from: from.add(k.local), to: from.add(chunk).min(vocab), step: threads }, i => {
        const v = k.let('v', input.load(row.mul(vocab).add(i)))
        k.when(notFinite(k, v), () => { top.set(highest); id.set(vocab) }, () => k.when(v.gt(top.value).both(id.value.ne(vocab)), () => { top.set(v); id.set(i) }))
      })
      const [v, i] = bestOfGroup(k, threads, top.value, id.value)
      k.when(k.local.eq(0), () => {
        best.store(tile.mul(2), v)
        best.store(tile.mul(2).add(1), i.convert('f32'))
      })
    },
  )
  const joinThreads = context.caps.simd ? 1 : 64
  const join = kernel(
    { schedule: 'argmax.join', threads: joinThreads, tiles: [tilesOf(rows)], cost: cost(rows, chunks * 8, chunks), state: context.state },
    (k, row) => {
      const [best, out] = [k.param('best', 'f32', 'activation'), k.param('out', 'u32', 'activation', 'write')]
      const [top, id] = [k.var('top', 'f32', lowest), k.var('id', 'u32', vocab)]
      k.for({ name: 'c', from: k.local, to: chunks, step: joinThreads }, c => {
        const at = k.let('at', row.mul(chunks).add(c).mul(2))
        const [v, i] = [k.let('v', best.load(at)), k.let('i', best.load(at.add(1)).convert('u32'))]
        k.when(before(v, i, top.value, id.value), () => { top.set(v); id.set(i) })
      })
      const [, i] = bestOfGroup(k, joinThreads, top.value, id.value)
      k.when(k.local.eq(0), () => out.store(row, i))
    },
  )
  const best = scratchArg('best')
  return {
    steps: [step(first, { logits: nodeArg(logits), best }), step(join, { best, out: nodeArg(node) })],
    scratch: { best: extentMax(rows) * chunks * 8 },
  }
})

/** Pairs sorted by one group at a time. */
const sorted = 1024

/** Sorts `sorted` pairs in shared memory, best first. */
function bitonic(k: KernelBuilder, threads: number, values: Shared, ids: Shared): void {
  k.for({ name: 'level', from: 1, to: Math.log2(sorted) + 1 }, level => {
    k.for({ name: 'pass', to: level }, pass => {
      const shift = k.let('shift', level.sub(1).sub(pass))
      const gap = k.let('gap', k.const('u32', 1).shl(shift))
      k.barrier()
      k.for({ name: 'n', from: k.local, to: sorted / 2, step: threads }, n => {
        const a = k.let('a', n.shr(shift).shl(shift.add(1)).add(n.and(gap.sub(1))))
        const b = k.let('b', a.add(gap))
        const [va, vb, ia, ib] = [k.let('va', values.load(a)), k.let('vb', values.load(b)), k.let('ia', ids.load(a)), k.let('ib', ids.load(b))]
        // Runs of 2^level alternate in direction, so that two of them form the next bitonic sequence.
        const descending = a.shr(level).and(1).eq(0)
        const swap = descending.both(before(vb, ib, va, ia)).either(descending.not().both(before(va, ia, vb, ib)))
        k.when(swap, () => {
          values.store(a, vb)
          values.store(b, va)
          ids.store(a, ib)
          ids.store(b, ia)
        })
      })
    })
  })
  k.barrier()
}

export const topKSort = schedule('topK', 'sort', { threads: [256, 128] }, (node: Node, context: Context, { threads }): Lowered | Reject => {
  const logits = inputsOf(node)['logits']!
  const [vocab, keep] = [logits.type.shape[1] as number, node.attributes['k'] as number]
  if (context.caps.simd) return reject('threads sort together; a CPU target has one')
  if (keep > sorted / 4) return reject(`${keep} candidates; up to ${sorted / 4} are kept`)
  const rows = context.extent(logits.type.shape[0]!)
  const steps: Step[] = []
  const scratch: Record<string, number> = {}
  // A pass sorts chunks of `count` pairs a row and leaves the best `keep` of each: values, then ids, a list at a time.
  const pass = (count: number, source: Arg, level: number): void => {
    const raw = level === 0
    const lists = Math.ceil(count / sorted)
    const made = kernel(
      { schedule: `topK.${raw ? 'sort' : 'merge'}`, knobs: { threads }, threads, tiles: [tilesOf(rows), { dim: null, per: 1, times: lists }], cost: cost(rows, count * 8, count * 10), state: context.state },
      (k, tile) => {
        const [input, out] = [k.param('from', 'f32', 'activation'), k.param('to', 'f32', 'activation', 'write')]
        const [values, ids] = [k.shared('values', 'f32', sorted), k.shared('ids', 'u32', sorted)]
        const [row, first] = [k.let('row', tile.div(lists)), k.let('first', tile.mod(lists).mul(sorted))]
        k.for({ name: 'i', from: k.local, to: sorted, step: threads }, i => {
          const at = k.let('at', first.add(i))
          const [v, id] = [k.var('v', 'f32', lowest), k.var('id', 'u32', 0xffffff)]
          k.when(at.lt(count), () => {
            if (raw) {
              const logit = k.let('logit', input.load(row.mul(vocab).add(at)))
              v.set(select(notFinite(k, logit), k.const('f32', highest), logit))
              id.set(at)
            } else {
              const from = k.let('from', row.mul(count / keep).add(at.div(keep)).mul(2 * keep).add(at.mod(keep)))
              v.set(input.load(from))
              id.set(input.load(from.add(keep)).convert('u32'))
            }
          })
          values.store(i, v.value)
          ids.store(i, id.value)
        })
        bitonic(k, threads, values, ids)
        k.for({ name: 'i', from: k.local, to: keep, step: threads }, i => {
          const at = k.let('to', tile.mul(2 * keep).add(i))
          out.store(at, values.load(i))
          out.store(at.add(keep), ids.load(i).convert('f32'))
        })
      },
    )
    const last = lists === 1
    const target = last ? nodeArg(node) : scratchArg(`level${level}`)
    if (!last) scratch[`level${level}`] = extentMax(rows) * lists * 2 * keep * 4
    steps.push(step(made, { from: source, to: target }))
    if (!last) pass(lists * keep, target, level + 1)
  }
  pass(vocab, nodeArg(logits), 0)
  return { steps, scratch }
})

/** One thread a row, a scan for each candidate. */
export const topKPlain = schedule('topK', 'plain', { threads: [1] }, (node: Node, context: Context): Lowered => {
  const logits = inputsOf(node)['logits']!
  const [vocab, keep] = [logits.type.shape[1] as number, node.attributes['k'] as number]
  const rows = context.extent(logits.type.shape[0]!)
  const made = kernel(
    { schedule: 'topK.plain', threads: 1, tiles: [tilesOf(rows)], cost: cost(rows, vocab * 4 * keep, vocab * keep), state: context.state },
    (k, row) => {
      const [input, out] = [k.param('logits', 'f32', 'activation'), k.param('out', 'f32', 'activation', 'write')]
      const [limit, limitId] = [k.var('limit', 'f32', highest), k.var('limitId', 'u32', 0)]
      k.for({ name: 'n', to: keep }, n => {
        const [top, id] = [k.var('top', 'f32', lowest), k.var('id', 'u32', 0xffffff)]
        k.for({ name: 'i', to: vocab }, i => {
          const logit = k.let('logit', input.load(row.mul(vocab).add(i)))
          const v = k.let('v', select(notFinite(k, logit), k.const('f32', highest), logit))
          // Next in order after the last one taken.
          const after = n.eq(0).either(before(limit.value, limitId.value, v, i))
          k.when(after.both(before(v, i, top.value, id.value)), () => { top.set(v); id.set(i) })
        })
        out.store(row.mul(2 * keep).add(n), top.value)
        out.store(row.mul(2 * keep).add(keep).add(n), id.value.convert('f32'))
        limit.set(top.value)
        limitId.set(id.value)
      })
    },
  )
  return { steps: [step(made, { logits: nodeArg(logits), out: nodeArg(node) })], scratch: {} }
})
