/**
 * The comment over an emitted kernel: what it is of, for which chip, made by which schedule with which knobs, how it is
 * launched and what a launch costs. Every target's language has `//` comments.
 */
import type { Caps } from './caps.js'
import { amountOf, type Kernel } from './kernel.js'
import type { Plan } from './plan.js'
import { printAmount, printTiles } from './print.js'
import type { KernelText } from './target.js'

const count = (n: number): string => Math.round(n).toLocaleString('en-US')

const times = (n: number): string => (n === 1 ? 'once' : `${n} times`)

/** Text that may stand in a comment: one line, and no backslash that would join the next line to it. */
const plain = (text: string): string => text.replace(/[\s\p{C}\p{Zl}\p{Zp}]+/gu, ' ').replaceAll('\\', '/').trim()

/** The lines of a kernel's header. @param plans those that launch it or others */
export function kernelHeader(kernel: Kernel, text: KernelText, caps: Caps, plans: readonly Plan[], made: string): readonly string[] {
  const knobs = Object.entries(kernel.knobs).map(([name, value]) => `${name}: ${value}`).join(', ')
  const launches = plans.map(p => ({ plan: p, n: p.launches.filter(l => l.kernel === kernel).length })).filter(l => l.n > 0)
  // Plans of the same dims have one line together.
  const costs = new Map<string, string[]>()
  for (const { plan } of launches) {
    const [bytes, flops] = [amountOf(kernel.cost.bytes, plan.dims), amountOf(kernel.cost.flops, plan.dims)]
    const dims = Object.entries(plan.dims).map(([dim, n]) => `${dim} ${n}`).join(', ')
    const cost = `(${dims}): ${count(bytes)} bytes, ${count(flops)} flops, ${(flops / Math.max(bytes, 1)).toPrecision(3)} flops a byte`
    costs.set(cost, [...(costs.get(cost) ?? []), plan.label])
  }
  return [
    `${kernel.name}: ${made}, for ${caps.chip} (${[caps.target, caps.arch].filter(Boolean).join(' ')})`,
    `schedule ${kernel.schedule}${knobs ? ` { ${knobs} }` : ''}`,
    `tiles ${printTiles(kernel.tiles)}, ${kernel.threads} threads each, ${count(text.sharedBytes)} bytes of shared memory${kernel.subgroupSize === null ? '' : `, subgroups of ${kernel.subgroupSize}`}`,
    `cost of a launch: bytes ${printAmount(kernel.cost.bytes)}; flops ${printAmount(kernel.cost.flops)}`,
    ...[...costs].map(([cost, labels]) => `cost in ${labels.join(', ')} ${cost}`),
    `launched by ${launches.map(({ plan, n }) => `${plan.label} ${times(n)}`).join(', ') || 'no plan'}`,
  ].map(line => `// ${plain(line)}`)
}
