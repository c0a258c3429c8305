/**
 * A kernel over a resident grid: as many groups as run at once, each walking tiles in a loop, instead of a group for
 * every tile. Possible for any kernel, because bodies are written for a tile index and never for a hardware group; it
 * is what stages of a persistent kernel are made of.
 */
import { check } from '../graph/error.js'
import { liveTiles } from './builder.js'
import { statements, type Expr, type Kernel, type Param, type Stmt } from './kernel.js'
import type { StateLayout } from './state.js'
import { u32, Value } from './value.js'

const stateParam: Param = { name: 'state', element: 'u32', role: 'state', access: 'read', cache: 'keep' }

/**
 * `kernel` walked by `groups` groups. Throws a WeftError for kernels whose tiles must run at the same time or whose
 * copies in flight are counted from the start of a tile, neither of which a loop over tiles keeps.
 */
export function resident(kernel: Kernel, groups: number, state: StateLayout): Kernel {
  const where = `kernel ${kernel.name}`
  check(Number.isInteger(groups) && groups >= 1, where, 'groups of a resident grid', 'at least 1', String(groups))
  check((kernel.cluster ?? 1) === 1, where, 'a resident grid of clusters', 'groups that stand alone', `clusters of ${kernel.cluster}`)
  check(!kernel.arrivals, where, 'a resident grid of tiles that count bulk copies', 'no arrivals', String(kernel.arrivals))
  const live = kernel.tiles.some(f => f.dim !== null)
  const own = kernel.params.find(p => p.name === stateParam.name)
  const params = live && !own ? [...kernel.params, stateParam] : kernel.params
  const tile = unused(kernel, 'walked')
  const count = liveTiles(kernel.tiles, dim => new Value({ kind: 'load', type: 'u32', param: stateParam.name, index: u32(state.words[dim]).expr }))
  const body = kernel.body.map(s => replaceTile(s, tile))
  // Shared memory of a tile is written again by the next.
  const closing: readonly Stmt[] = kernel.shared.length > 0 ? [{ kind: 'barrier' }] : []
  const walk: Stmt = {
    kind: 'for', name: tile, from: { kind: 'builtin', type: 'u32', name: 'tile' }, to: count.expr, step: u32(groups).expr, unroll: 1,
    body: [...body, ...closing],
  }
  return Object.freeze({ ...kernel, params, tiles: [{ dim: null, per: 1, times: groups }], body: [walk] })
}

/** A name the kernel does not use. */
function unused(kernel: Kernel, hint: string): string {
  const taken = new Set([...kernel.params, ...kernel.shared, ...[...statements(kernel.body)].filter(s => 'name' in s)].map(x => (x as { readonly name: string }).name))
  return [hint, ...Array.from({ length: taken.size }, (_, i) => `${hint}_${i + 1}`)].find(name => !taken.has(name))!
}

/** A copy of plain data in which the builtin tile is the loop's counter. */
function replaceTile<T>(part: T, name: string): T {
  if (Array.isArray(part)) return part.map(p => replaceTile<unknown>(p, name)) as T
  if (typeof part !== 'object' || part === null) return part
  const e = part as unknown as Expr
  if (e.kind === 'builtin' && e.name === 'tile') return { kind: 'ref', type: 'u32', name } as T
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, replaceTile<unknown>(value, name)])) as T
}
