/** Shapes with symbolic dims, and the types of a graph's tensors. */

/** A size that is known only when a plan runs, within bounds. */
export interface Dim {
  readonly name: 'tokens' | 'outputs' | 'slots' | 'sequences' | 'pages'
  readonly max: number
}
export type Size = number | Dim

/** Activations are float until a plan chooses their storage; ids, positions and rows are u32. */
export type DType = 'float' | 'u32'

export interface TensorType {
  readonly dtype: DType
  readonly shape: readonly Size[]
}

export const floats = (...shape: readonly Size[]): TensorType => ({ dtype: 'float', shape })

export function sameSize(a: Size, b: Size): boolean {
  return typeof a === 'number' || typeof b === 'number' ? a === b : a.name === b.name
}

export const showSize = (s: Size): string => (typeof s === 'number' ? String(s) : s.name)
export const showShape = (shape: readonly Size[]): string => `[${shape.map(showSize).join(', ')}]`
export const showType = (t: TensorType): string => `${t.dtype}${showShape(t.shape)}`

/** The number of elements, with live dims filled in. */
export function elements(shape: readonly Size[], dims: Readonly<Record<string, number>>): number {
  return shape.reduce<number>((n, s) => n * (typeof s === 'number' ? s : dims[s.name]!), 1)
}

/**
 * Matches a type against a pattern such as `float[..., width]`, binding names to sizes; `...` binds the leading sizes.
 * Returns null where it fits, otherwise what differs.
 */
export function matchType(pattern: string, type: TensorType, bound: Map<string, Size | readonly Size[]>): string | null {
  const [, dtype, inner] = /^(float|u32)\[(.*)\]$/.exec(pattern)!
  if (dtype !== type.dtype) return `is ${type.dtype}, not ${dtype}`
  const names = inner === '' ? [] : inner!.split(',').map(s => s.trim())
  const rest = names[0] === '...'
  const wanted = rest ? names.slice(1) : names
  const leading = type.shape.length - wanted.length
  if (rest ? leading < 0 : leading !== 0) return `has ${type.shape.length} dimensions, ${pattern} was expected`
  if (rest) {
    const before = bound.get('...')
    const got = type.shape.slice(0, leading)
    if (before === undefined) bound.set('...', got)
    else if (showShape(before as readonly Size[]) !== showShape(got)) return `leading sizes differ from ${showShape(before as readonly Size[])}`
  }
  for (const [i, name] of wanted.entries()) {
    const size = type.shape[leading + i]!
    const fixed = bound.get(name)
    if (fixed === undefined) bound.set(name, size)
    else if (!sameSize(fixed as Size, size)) return `${name} differs: ${showSize(fixed as Size)} and ${showSize(size)}`
  }
  return null
}
