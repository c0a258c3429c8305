/**
 * From a graph to steps: every node that computes gets the first schedule that accepts it; a fused op that none
 * accepts is expanded to its meaning. Layers repeat, so a node that equals an earlier one in op, attributes and types
 * takes its kernels and only its own arguments.
 */
import { WeftError } from '../graph/error.js'
import { isLeaf, weightOp, type Graph } from '../graph/graph.js'
import { inputsOf, type Node } from '../graph/op.js'
import { showType } from '../graph/tensor.js'
import { expand } from './fuse.js'
import { choose, type Arg, type Choice, type Context, type Schedule } from './schedule.js'

export interface LoweredNode {
  readonly node: Node
  readonly choice: Choice
}
export interface LoweredGraph {
  readonly graph: Graph
  readonly nodes: readonly LoweredNode[]
}

/** Whether a node only names memory that another node made: views, appended caches, further outputs. */
export function isView(n: Node): boolean {
  return n.op.name === 'output' || n.op.name === 'splitHeads' || n.op.name === 'mergeHeads'
}

/** What was chosen for nodes of one key, kept for graphs that are lowered in the same context. */
export type Made = Map<string, { readonly node: Node; readonly choice: ReturnType<typeof choose> }>

export function lower(g: Graph, schedules: readonly Schedule[], context: Context, made: Made = new Map()): LoweredGraph {
  const choiceOf = (n: Node): ReturnType<typeof choose> => {
    const key = keyOf(n)
    const known = made.get(key)
    if (!known) {
      const choice = choose(schedules, n, context)
      made.set(key, { node: n, choice })
      return choice
    }
    return 'steps' in known.choice ? rebind(known.choice, known.node, n) : known.choice
  }
  // Each round expands every fused node that nothing accepts; meanings are simpler, so rounds end.
  for (let current = g; ; ) {
    const refused = new Set<Node>()
    const nodes: LoweredNode[] = []
    for (const n of current.nodes) {
      if (isLeaf(n) || isView(n)) continue
      const choice = choiceOf(n)
      if ('steps' in choice) nodes.push({ node: n, choice })
      else if (n.op.meaning) refused.add(n)
      else {
        const reasons = Object.entries(choice.rejected).map(([name, why]) => `${name}: ${why}`).join('; ')
        throw new WeftError({ where: 'plan', what: `no schedule of ${n.op.name} accepts ${current.names.get(n)} on ${context.caps.chip}: ${reasons || 'there is none'}` })
      }
    }
    if (refused.size === 0) return { graph: current, nodes }
    current = expand(current, n => refused.has(n))
  }
}

/** Nodes of one key have the same kernels: alike in op, attributes and types, and in which inputs are one node. */
function keyOf(n: Node): string {
  const same = n.inputs.map(i => n.inputs.indexOf(i)).join('')
  const inputs = Object.entries(inputsOf(n)).map(([name, i]) => `${name}:${showType(i.type)}${i.op === weightOp ? `=${i.attributes['type']}` : ''}`)
  return `${n.op.name} ${same} ${JSON.stringify(n.attributes)} ${inputs.join(' ')} ${n.types.map(showType).join(' ')}`
}

/** The same steps with the arguments of another node of the same key. */
function rebind(choice: Choice, from: Node, to: Node): Choice {
  const swap = (arg: Arg): Arg => {
    if (arg.kind !== 'node') return arg
    if (arg.node === from) return { ...arg, node: to }
    return { ...arg, node: to.inputs[from.inputs.indexOf(arg.node)]! }
  }
  const steps = choice.steps.map(s => ({ kernel: s.kernel, args: Object.fromEntries(Object.entries(s.args).map(([name, arg]) => [name, swap(arg)])) }))
  return { ...choice, steps }
}
