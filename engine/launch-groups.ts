/**
 * A plan taken apart for those who look between its ops: the launches of one node belong together, and each such group is
 * a recording of its own, made before the first of them runs.
 */
import type { Plan } from '../codegen/plan.js'
import type { Node } from '../graph/op.js'
import type { Backend, BoundPlan, Recording } from '../runtime/backend.js'

/** A run of launches that belong to one node, recorded by themselves; no node for the launch that closes a decode step. */
export interface LaunchGroup {
  readonly node: Node | null
  /** Index of its first launch in the plan. */
  readonly first: number
  readonly recording: Recording
}

export function launchGroups(backend: Pick<Backend, 'record'>, plan: Plan, bound: BoundPlan): readonly LaunchGroup[] {
  const starts = plan.launches.flatMap((l, i) => (i === 0 || l.node === null || l.node !== plan.launches[i - 1]!.node ? [i] : []))
  return starts.map((first, n): LaunchGroup => ({
    node: plan.launches[first]!.node, first,
    recording: backend.record({ ...bound, label: `${bound.label}, launch ${first}`, launches: bound.launches.slice(first, starts[n + 1]) }),
  }))
}
