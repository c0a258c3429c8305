/** Mistakes planted into weft's own kernels: statements and expressions of the kernel form replaced before anything is compiled. */
import type { Compiled } from '../../codegen/compile.js'
import type { Kernel } from '../../codegen/kernel.js'

/** A kernel with every part that `change` replaces replaced; parts are statements and expressions. */
export function rewritten(kernel: Kernel, change: (part: Readonly<Record<string, unknown>>) => unknown): Kernel {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk)
    if (typeof value !== 'object' || value === null) return value
    const made = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, walk(v)]))
    return change(made) ?? made
  }
  return { ...kernel, body: walk(kernel.body) as Kernel['body'] }
}

export function withKernels(compiled: Compiled, change: (k: Kernel) => Kernel): Compiled {
  const made = new Map(compiled.kernels.map(k => [k, change(k)]))
  const plans = Object.fromEntries(Object.entries(compiled.plans).map(([name, p]) => [name, { ...p, launches: p.launches.map(l => ({ ...l, kernel: made.get(l.kernel)! })) }]))
  return { ...compiled, kernels: [...made.values()], plans: plans as unknown as Compiled['plans'] }
}

const u32 = (value: number): unknown => ({ kind: 'const', type: 'u32', value })
const isConst = (e: unknown, value: number): boolean => JSON.stringify(e) === JSON.stringify(u32(value))
const isRef = (e: unknown, name: string): boolean => (e as { readonly kind?: string; readonly name?: string } | null)?.kind === 'ref' && (e as { readonly name?: string }).name === name

/** RoPE's kernel over adjacent pairs of heads of 32. */
export const adjacentPairs = (kernel: Kernel): Kernel => rewritten(kernel, e => {
  if (e['op'] !== '+') return null
  if (isRef(e['a'], 'pairAt') && isConst(e['b'], 16)) return { ...e, b: u32(1) }
  const product = e['a'] as { readonly op?: string; readonly b?: unknown }
  return isRef(e['b'], 'pair') && product.op === '*' && isConst(product.b, 32) ? { ...e, b: { kind: 'binary', type: 'u32', op: '*', a: e['b'], b: u32(2) } } : null
})

/** Block scales of NVFP4 taken for integers. */
export const scaleBytes = (kernel: Kernel): Kernel => rewritten(kernel, e => {
  if (e['kind'] !== 'call' || e['intrinsic'] !== 'e4m3') return null
  const [packed] = e['args'] as readonly unknown[]
  return { kind: 'convert', type: 'f32', a: { kind: 'binary', type: 'u32', op: '&', a: packed, b: u32(255) } }
})
