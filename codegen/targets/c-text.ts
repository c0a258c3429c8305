/**
 * Statements and the frame of a kernel in languages of C's family: one text for all kernels of a source, no header. A
 * tile is a group of threads. Shared arrays are declared each for itself as far as the driver grants them without being
 * asked and as long as none says where it lies; beyond, they lie in one untyped array.
 */
import { WeftError } from '../../graph/error.js'
import type { Caps } from '../caps.js'
import { elementBytes, sharedPlaces, type Builtin, type Expr, type Kernel, type Stmt } from '../kernel.js'
import type { KernelText, Source, Target } from '../target.js'
import type { CContext, Dialect } from './c-dialect.js'
import { expression, nameOf, operand, stored, typeOf } from './c-expression.js'
import { isKernelName } from './c-names.js'

function statement(s: Stmt, cx: CContext, indent: string): string[] {
  const block = (body: readonly Stmt[]): string[] => body.flatMap(inner => statement(inner, cx, `${indent}  `))
  const text = (e: Expr): string => expression(e, cx)
  switch (s.kind) {
    case 'let': {
      const type = typeOf(s.value.type, cx)
      return [`${indent}const ${type} ${nameOf(s.name, cx)} = ${text(s.value)};`]
    }
    case 'var': return [`${indent}${typeOf(s.type, cx)} ${nameOf(s.name, cx)} = ${text(s.value)};`]
    case 'assign': return [`${indent}${nameOf(s.name, cx)} = ${text(s.value)};`]
    case 'store': {
      const param = cx.params.get(s.param)!
      return [`${indent}${nameOf(param.name, cx)}[${text(s.index)}] = ${stored(param.element, s.value, cx)};`]
    }
    case 'sharedStore': {
      const array = cx.shared.get(s.array)!
      return [`${indent}${nameOf(array.name, cx)}[${text(s.index)}] = ${stored(array.element, s.value, cx)};`]
    }
    case 'for': {
      const i = nameOf(s.name, cx)
      const head = `for (${typeOf('u32', cx)} ${i} = ${text(s.from)}; ${i} < ${operand(s.to, '<', false, cx)}; ${i} += ${text(s.step)}) {`
      return [`#pragma unroll ${s.unroll}`, indent + head, ...block(s.body), `${indent}}`]
    }
    case 'if': {
      const otherwise = s.otherwise.length > 0 ? [`${indent}} else {`, ...block(s.otherwise)] : []
      return [`${indent}if (${text(s.condition)}) {`, ...block(s.then), ...otherwise, `${indent}}`]
    }
    case 'barrier': return [`${indent}${cx.dialect.barrier}`]
    case 'copy': {
      const [to, from] = [`${nameOf(s.array, cx)}[${text(s.index)}]`, `${nameOf(s.param, cx)}[${text(s.from)}]`]
      if (cx.shared.get(s.array)!.element === 'f16') return [`${indent}${cx.dialect.copyHalves(to, from)}`]
      return [cx.dialect.asynchronousCopies ? `${indent}weft_copy(&${to}, &${from});` : `${indent}${to} = ${from};`]
    }
    case 'copyCommit': return cx.dialect.asynchronousCopies ? [`${indent}weft_copy_commit();`] : []
    case 'copyWait': return cx.dialect.asynchronousCopies ? [`${indent}weft_copy_wait<${s.pending}>();`] : []
    case 'tensorCopy': {
      const { element, tensor } = cx.params.get(s.param)!
      // The hardware counts a box's columns in scalars.
      const scalars = element.endsWith('x4') ? ' * 4u' : ''
      const bytes = tensor!.boxRows * tensor!.boxCols * elementBytes[element]
      return [`${indent}weft_tensor_copy(&${nameOf(s.array, cx)}[${text(s.index)}], &${nameOf(s.param, cx)}, ${text(s.row)}, (${text(s.col)})${scalars}, &weft_arrival[${text(s.arrival)}], ${bytes}u);`]
    }
    case 'tensorCommit': return [`${indent}weft_tensor_commit(&weft_arrival[${text(s.arrival)}]);`]
    case 'tensorWait': return [`${indent}weft_tensor_wait(&weft_arrival[${text(s.arrival)}], ${text(s.parity)});`]
    case 'matrixMultiply': return [`${indent}weft_multiply(${nameOf(s.name, cx)}, ${text(s.a)}, ${text(s.b)});`]
    case 'matrixStore': return [`${indent}weft_store_c(&${nameOf(s.array, cx)}[${text(s.index)}], ${s.stride}u, ${text(s.value)});`]
    case 'comment': return s.text.split(/[\r\n]+/).map(line => `${indent}// ${line.replace(/\\+$/, '')}`)
    default: return s satisfies never
  }
}

interface SharedMemory {
  readonly lines: readonly string[]
  readonly bytes: number
  readonly dynamicBytes: number
}

/** Shared arrays and how many bytes they take; tiles of the matrix unit want starts aligned to 32 bytes, bulk copies to 128. */
function sharedArrays(kernel: Kernel, cx: CContext): SharedMemory {
  const { dialect } = cx
  const alignment = kernel.arrivals ? 128 : 32
  const { places, bytes: arrays } = sharedPlaces(kernel, alignment)
  const counters = kernel.arrivals ?? 0
  const bytes = arrays + counters * 8
  const arrivals = counters === 0 ? [] : (dialect.arrivals?.(counters) ?? []).map(line => `  ${line}`)
  const typed = kernel.shared.map((s, i) => ({ at: places[i]!, type: dialect.elements[s.element], name: nameOf(s.name, cx), length: s.length }))
  if (arrays <= dialect.staticSharedBytes && kernel.shared.every(s => s.at === undefined)) {
    return { lines: [...typed.map(s => `  ${dialect.shared(s.type, s.name, s.length, alignment)}`), ...arrivals], bytes, dynamicBytes: 0 }
  }
  const lines = typed.map(s => `  ${dialect.pooled(s.type, s.name, s.at)}`)
  return { lines: [`  ${dialect.pool(arrays, alignment)}`, ...lines, ...arrivals], bytes, dynamicBytes: dialect.poolIsDynamic ? arrays : 0 }
}

/** What the kernel asks of a subgroup or the matrix unit. Looks into every expression, which are plain data. */
function uses(part: unknown): { readonly subgroup: boolean; readonly matrix: boolean; readonly builtins: ReadonlySet<Builtin> } {
  const text = JSON.stringify(part)
  const builtins = new Set([...text.matchAll(/"kind":"builtin","type":"u32","name":"(\w+)"/g)].map(m => m[1] as Builtin))
  return { subgroup: /"intrinsic":"subgroup/.test(text), matrix: /"kind":"matrix|"intrinsic":"matrix/.test(text), builtins }
}

function checkFits(kernel: Kernel, caps: Caps, bytes: number, dialect: Dialect): void {
  const fail = (what: string, expected: string, got: string): never => {
    throw new WeftError({ where: `kernel ${kernel.name}`, what: `${what} on ${caps.chip}`, expected, got })
  }
  const lanes = caps.subgroup?.min === caps.subgroup?.max ? caps.subgroup?.min ?? null : null
  if (lanes === null) fail('subgroups', `one size, as every chip of ${dialect.name} has`, JSON.stringify(caps.subgroup))
  if (!isKernelName(kernel.name, dialect.words)) fail('name of a kernel', `one that ${dialect.name} does not define itself`, kernel.name)
  if (kernel.threads > caps.maxThreads) fail('threads of a group', `at most ${caps.maxThreads}`, String(kernel.threads))
  if (bytes > caps.sharedBytes) fail('shared memory of a group', `at most ${caps.sharedBytes} bytes`, String(bytes))
  if (kernel.params.length > caps.maxBuffers) fail('params', `at most ${caps.maxBuffers}`, String(kernel.params.length))
  if (kernel.subgroupSize !== null && kernel.subgroupSize !== lanes) fail('subgroup size', String(lanes), String(kernel.subgroupSize))
  const { cluster = 1, arrivals = 0 } = kernel
  if (cluster > caps.cluster) fail('groups of a cluster', `at most ${caps.cluster}`, String(cluster))
  if ((arrivals > 0 || kernel.params.some(p => p.tensor)) && !caps.tensorCopy) fail('bulk copies', 'a chip of sm_90 or later', caps.arch ?? 'none')
  const { subgroup, matrix } = uses(kernel.body)
  if (matrix && !caps.matrix) fail('matrix tiles', 'a chip with a matrix unit', caps.arch ?? 'none')
  if ((subgroup || matrix) && kernel.threads % lanes! !== 0) fail('threads of a group with subgroup operations', `a multiple of ${lanes}`, String(kernel.threads))
}

function renderKernel(kernel: Kernel, caps: Caps, dialect: Dialect): KernelText {
  const cx: CContext = {
    dialect, kernel: kernel.name, params: new Map(kernel.params.map(p => [p.name, p])), shared: new Map(kernel.shared.map(s => [s.name, s])),
  }
  const { lines, bytes, dynamicBytes } = sharedArrays(kernel, cx)
  checkFits(kernel, caps, bytes, dialect)
  const { cluster = 1 } = kernel
  const overlaps = dialect.overlap?.on(caps) === true
  const knobs = Object.entries(kernel.knobs).map(([k, v]) => `${k}: ${v}`).join(', ')
  const text = [
    `// ${kernel.schedule}${knobs ? ` { ${knobs} }` : ''}`,
    dialect.opening(kernel, kernel.params.map((p, i) => dialect.parameter(p, nameOf(p.name, cx), i)), uses(kernel.body).builtins),
    ...lines,
    ...(dialect.overlap ? [`  ${dialect.overlap.wait}`] : []),
    ...kernel.body.flatMap(s => statement(s, cx, '  ')),
    '}', '',
  ].join('\n')
  return { name: kernel.name, text, params: kernel.params, threads: kernel.threads, sharedBytes: bytes, dynamicBytes, cluster, tiles: kernel.tiles, ...(overlaps ? { overlaps } : {}) }
}

/** A target whose language has C's syntax. */
export function cTarget(dialect: Dialect): Target {
  return {
    name: dialect.name, extension: dialect.extension, intrinsic: dialect.intrinsic,
    render(kernels, caps): Source {
      const names = new Set<string>()
      for (const k of kernels) {
        if (names.has(k.name)) throw new WeftError({ where: `kernel ${k.name}`, what: 'two kernels of one source have this name' })
        names.add(k.name)
      }
      return { target: dialect.name, prelude: dialect.prelude(kernels, caps), kernels: kernels.map(k => renderKernel(k, caps, dialect)), caps }
    },
  }
}
