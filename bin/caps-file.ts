/**
 * What a chip can do, as a file: the form of the profiles in `assets/chips/`, of `weft devices --caps` and of what
 * `weft emit --caps` reads. Every field of `Caps` stands in it, and `source` says where the figures are from. A file is
 * a stranger's: each field is checked, and a name that is none is an error, so that a slip of the pen is not a default.
 */
import type { Caps } from '../codegen/caps.js'
import type { Roof } from '../codegen/roof.js'
import { check, WeftError } from '../graph/error.js'
import { Fields, isInteger, parseObject, show } from '../weights/fields.js'

/** A chip with where its figures are from. */
export interface ChipFile {
  readonly caps: Caps
  /** What it reaches at most: measured, or what its maker promises; null where nobody says. */
  readonly roof: Roof | null
  readonly source: readonly string[]
}

const targets = ['wgsl', 'cuda', 'wasm', 'hip', 'msl'] as const satisfies readonly Caps['target'][]

/** What `arch` may be, by target. */
const archs: Readonly<Record<Caps['target'], { readonly pattern: RegExp; readonly expected: string }>> = {
  wgsl: { pattern: /^$/, expected: 'null' },
  cuda: { pattern: /^sm_\d{2,3}a?$/, expected: 'an architecture such as "sm_90a"' },
  wasm: { pattern: /^(relaxed-simd|simd128)$/, expected: '"relaxed-simd" or "simd128"' },
  hip: { pattern: /^gfx[0-9a-f]{3,4}$/, expected: 'an architecture such as "gfx942"' },
  msl: { pattern: /^apple\d{1,2}$/, expected: 'a GPU family such as "apple9"' },
}

/** Lanes of a subgroup, where a language has subgroups of certain sizes only. */
const lanes: Readonly<Partial<Record<Caps['target'], readonly number[]>>> = { cuda: [32], hip: [32, 64], msl: [32] }

const isPowerOf2 = (n: number): boolean => (n & (n - 1)) === 0

/** A text that may stand in a comment of a kernel. */
function line(f: Fields, name: string): string {
  const text = f.string(name)
  if (!/^[^\p{C}\p{Zl}\p{Zp}\\]{1,120}$/u.test(text)) throw f.wrong(name, 'one line of 1 to 120 characters, without control characters and \\')
  return text
}

function flag(f: Fields, name: string): boolean {
  if (!f.has(name)) throw f.wrong(name, 'true or false')
  return f.boolean(name, false)
}

function subgroup(f: Fields): Caps['subgroup'] {
  if (!Object.hasOwn(f.values, 'subgroup')) throw f.wrong('subgroup', 'an object of min and max, or null')
  const range = f.object('subgroup')
  if (range === null) return null
  const [min, max] = [range.integer('min', 1, 128), range.integer('max', 1, 128)]
  if (!isPowerOf2(min)) throw range.wrong('min', 'a power of two')
  if (!isPowerOf2(max) || max < min) throw range.wrong('max', `a power of two from ${min} up`)
  return { min, max }
}

function arch(f: Fields): string | null {
  const { pattern, expected } = archs[f.choice('target', targets)]
  const value = f.get('arch') ?? ''
  if (typeof value !== 'string' || !pattern.test(value)) throw f.wrong('arch', expected)
  return value === '' ? null : value
}

/** How each field is read. A new capability does not compile until it is here. */
const readers: { readonly [K in keyof Caps]: (f: Fields) => Caps[K] } = {
  target: f => f.choice('target', targets),
  chip: f => line(f, 'chip'),
  arch,
  subgroup,
  maxThreads: f => f.integer('maxThreads', 1, 2 ** 16),
  sharedBytes: f => f.integer('sharedBytes', 0, 2 ** 24),
  f16: f => flag(f, 'f16'),
  matrix: f => flag(f, 'matrix'),
  tensorCopy: f => flag(f, 'tensorCopy'),
  cluster: f => f.integer('cluster', 1, 16),
  simd: f => flag(f, 'simd'),
  maxBuffers: f => f.integer('maxBuffers', 1, 1024),
  maxBinding: f => f.integer('maxBinding', 2 ** 16, 2 ** 48),
  units: f => f.integer('units', 1, 2 ** 16),
}

/** GB/s of memory, GFLOP/s in f32 and of matrix tiles: what untuned choices are weighed by. A file may be without. */
function roof(f: Fields, matrix: boolean): Roof | null {
  const own = f.object('roof')
  if (own === null) return null
  const matrixGflops = own.get('matrixGflops')
  const rate = (name: 'gbps' | 'gflops' | 'matrixGflops'): number => {
    const value = own.get(name)
    if (typeof value !== 'number' || !(value > 0 && value < 1e9)) throw own.wrong(name, 'a number above 0')
    return value
  }
  const known = ['gbps', 'gflops', 'matrixGflops']
  const unknown = Object.keys(own.values).filter(name => !known.includes(name))
  if (unknown.length > 0) throw f.wrong('roof', `an object of ${known.join(', ')}`)
  if (matrixGflops !== null && matrixGflops !== undefined && !matrix) throw own.wrong('matrixGflops', 'null for a chip without matrix tiles')
  return { gbps: rate('gbps'), gflops: rate('gflops'), matrixGflops: matrixGflops === null || matrixGflops === undefined ? null : rate('matrixGflops') }
}

/** Where the figures are from: what a file that is measured or looked up says of itself. */
function sources(f: Fields): readonly string[] {
  const list = f.list('source')
  if (list === null || list.length === 0 || !list.every((s): s is string => typeof s === 'string' && s.length > 0)) {
    throw f.wrong('source', 'a list of texts that say where the figures are from')
  }
  return list
}

/** Reads a chip's file. Throws a WeftError that names the file and the field. */
export function readCaps(text: string, file: string): ChipFile {
  const where = 'caps'
  const f = new Fields(where, file, parseObject(text, where, file))
  const known: ReadonlySet<string> = new Set([...Object.keys(readers), 'roof', 'source'])
  const unknown = Object.keys(f.values).filter(name => !known.has(name))
  if (unknown.length > 0) throw new WeftError({ where, what: `${file}: no such field`, expected: [...known].join(', '), got: unknown.map(show).join(', ') })
  const caps = Object.fromEntries(Object.entries(readers).map(([name, read]) => [name, read(f)])) as unknown as Caps
  check(caps.simd === (caps.target === 'wasm'), where, `${file}: simd`, `${caps.target === 'wasm'} for ${caps.target}`, String(caps.simd))
  if (caps.simd) check(isInteger(caps.maxThreads, 1, 1), where, `${file}: maxThreads`, '1 for wasm: a group is one thread', String(caps.maxThreads))
  const sizes = lanes[caps.target]
  if (sizes) check(sizes.some(n => caps.subgroup?.min === n && caps.subgroup.max === n), where, `${file}: subgroup`, `min and max of ${sizes.join(', or both of ')} for ${caps.target}`, show(caps.subgroup))
  if (caps.target !== 'cuda') check(caps.cluster === 1 && !caps.tensorCopy, where, `${file}: cluster and tensorCopy`, `1 and false for ${caps.target}`, `${caps.cluster} and ${caps.tensorCopy}`)
  if (caps.matrix) check(caps.f16 && caps.subgroup !== null, where, `${file}: matrix`, 'false without f16 and subgroups', 'true')
  return { caps: Object.freeze(caps), roof: roof(f, caps.matrix), source: sources(f) }
}

/** A chip's file, one field a line. */
export function printCaps({ caps, roof, source }: ChipFile): string {
  const value = (v: unknown): string => (typeof v === 'object' && v !== null ? JSON.stringify(v).replace(/([{,:])/g, '$1 ').replace('}', ' }') : JSON.stringify(v))
  const fields = (Object.keys(readers) as (keyof Caps)[]).map(name => `  ${JSON.stringify(name)}: ${value(caps[name])},`)
  return ['{', ...fields, ...(roof === null ? [] : [`  "roof": ${value(roof)},`]), '  "source": [', source.map(s => `    ${JSON.stringify(s)}`).join(',\n'), '  ]', '}', ''].join('\n')
}
