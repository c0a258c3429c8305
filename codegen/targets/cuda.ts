/**
 * CUDA C, one text for all kernels of a source and no header. A tile is a block: the tile's index is the block's, a
 * subgroup is a warp. Shared arrays are static as far as the driver grants them without being asked and lie in one
 * dynamic array beyond. Only weights are `const __restrict__`: activations of one plan lie in one arena, and a promise
 * that they do not overlap would be false.
 */
import { WeftError } from '../../graph/error.js'
import type { Caps } from '../caps.js'
import type { Intrinsic } from '../intrinsics.js'
import { elementBytes, sharedPlaces } from '../kernel.js'
import type { Expr, Kernel, Param, Stmt } from '../kernel.js'
import type { KernelText, Source, Spell, Target } from '../target.js'
import { cudaCopies } from '../../shaders/cuda-copies.js'
import { cudaPrelude } from '../../shaders/cuda.js'
import { elementTypes, expression, operand, stored, typeOf } from './cuda-expression.js'
import type { CudaContext } from './cuda-expression.js'
import { cudaName, isCudaKernelName } from './cuda-names.js'

/** Shared memory a kernel may declare; what needs more is launched with all of it dynamic. */
export const staticSharedBytes = 48 * 1024

const named = (name: string): Spell => args => `${name}(${args.join(', ')})`
const noPacked: Spell = { unsupported: '128-bit vectors of small integers are for CPU targets' }

const intrinsic: Readonly<Record<Intrinsic, Spell>> = {
  exp: named('expf'), log: named('logf'), sqrt: named('sqrtf'), rsqrt: named('rsqrtf'), floor: named('floorf'),
  abs: named('weft_abs'), min: named('weft_min'), max: named('weft_max'), fma: named('weft_fma'),
  dot4: named('weft_dot4'), sum4: named('weft_sum4'),
  e2m1x4: named('weft_e2m1x4'), u4x4: named('weft_u4x4'), i8x4: named('weft_i8x4'), f16x4: named('weft_f16x4'),
  bf16x4: named('weft_bf16x4'), f16: named('weft_f16_bits'), bf16: named('weft_bf16'), e4m3: named('weft_e4m3'),
  subgroupAdd: named('weft_subgroup_add'), subgroupMax: named('weft_subgroup_max'), subgroupShuffleXor: named('weft_shuffle_xor'),
  swizzle: noPacked, extendLow8: noPacked, extendHigh8: noPacked, extendLow16: noPacked, extendHigh16: noPacked,
  matrixZero: named('weft_matrix_zero'),
}

function statement(s: Stmt, cx: CudaContext, indent: string): string[] {
  const block = (body: readonly Stmt[]): string[] => body.flatMap(inner => statement(inner, cx, `${indent}  `))
  const text = (e: Expr): string => expression(e, cx)
  switch (s.kind) {
    case 'let': {
      const type = typeOf(s.value.type, cx)
      return [`${indent}const ${type} ${cudaName(s.name)} = ${text(s.value)};`]
    }
    case 'var': return [`${indent}${typeOf(s.type, cx)} ${cudaName(s.name)} = ${text(s.value)};`]
    case 'assign': return [`${indent}${cudaName(s.name)} = ${text(s.value)};`]
    case 'store': {
      const param = cx.params.get(s.param)!
      return [`${indent}${cudaName(param.name)}[${text(s.index)}] = ${stored(param.element, s.value, cx)};`]
    }
    case 'sharedStore': {
      const array = cx.shared.get(s.array)!
      return [`${indent}${cudaName(array.name)}[${text(s.index)}] = ${stored(array.element, s.value, cx)};`]
    }
    case 'for': {
      const i = cudaName(s.name)
      const head = `for (unsigned ${i} = ${text(s.from)}; ${i} < ${operand(s.to, '<', false, cx)}; ${i} += ${text(s.step)}) {`
      return [`#pragma unroll ${s.unroll}`, indent + head, ...block(s.body), `${indent}}`]
    }
    case 'if': {
      const otherwise = s.otherwise.length > 0 ? [`${indent}} else {`, ...block(s.otherwise)] : []
      return [`${indent}if (${text(s.condition)}) {`, ...block(s.then), ...otherwise, `${indent}}`]
    }
    case 'barrier': return [`${indent}__syncthreads();`]
    case 'copy': return [`${indent}weft_copy(&${cudaName(s.array)}[${text(s.index)}], &${cudaName(s.param)}[${text(s.from)}]);`]
    case 'copyCommit': return [`${indent}weft_copy_commit();`]
    case 'copyWait': return [`${indent}weft_copy_wait<${s.pending}>();`]
    case 'tensorCopy': {
      const { element, tensor } = cx.params.get(s.param)!
      // The hardware counts a box's columns in scalars.
      const scalars = element.endsWith('x4') ? ' * 4u' : ''
      const bytes = tensor!.boxRows * tensor!.boxCols * elementBytes[element]
      return [`${indent}weft_tensor_copy(&${cudaName(s.array)}[${text(s.index)}], &${cudaName(s.param)}, ${text(s.row)}, (${text(s.col)})${scalars}, &weft_arrival[${text(s.arrival)}], ${bytes}u);`]
    }
    case 'tensorCommit': return [`${indent}weft_tensor_commit(&weft_arrival[${text(s.arrival)}]);`]
    case 'tensorWait': return [`${indent}weft_tensor_wait(&weft_arrival[${text(s.arrival)}], ${text(s.parity)});`]
    case 'matrixMultiply': return [`${indent}weft_multiply(${cudaName(s.name)}, ${text(s.a)}, ${text(s.b)});`]
    case 'matrixStore': return [`${indent}weft_store_c(&${cudaName(s.array)}[${text(s.index)}], ${s.stride}u, ${text(s.value)});`]
    case 'comment': return s.text.split(/[\r\n]+/).map(line => `${indent}// ${line.replace(/\\+$/, '')}`)
    default: return s satisfies never
  }
}

function parameter(p: Param): string {
  const type = elementTypes[p.element]
  if (p.tensor) return `const __grid_constant__ weft_tensor_map ${cudaName(p.name)}`
  if (p.role === 'weight') return `const ${type}* __restrict__ ${cudaName(p.name)}`
  return `${p.access === 'read' ? 'const ' : ''}${type}* ${cudaName(p.name)}`
}

interface SharedMemory {
  readonly lines: readonly string[]
  readonly bytes: number
  readonly dynamicBytes: number
}

/** Shared arrays and how many bytes they take; tiles of the matrix unit want starts aligned to 32 bytes, bulk copies to 128. */
function sharedArrays(kernel: Kernel): SharedMemory {
  const alignment = kernel.arrivals ? 128 : 32
  const { places, bytes: arrays } = sharedPlaces(kernel, alignment)
  const counters = kernel.arrivals ?? 0
  const bytes = arrays + counters * 8
  const arrivals = counters === 0 ? [] : [`  __shared__ unsigned long long weft_arrival[${counters}];`, `  weft_arrivals(weft_arrival, ${counters}u);`]
  const typed = kernel.shared.map((s, i) => ({ at: places[i]!, type: elementTypes[s.element], name: cudaName(s.name), length: s.length }))
  if (arrays <= staticSharedBytes && kernel.shared.every(s => s.at === undefined)) {
    return { lines: [...typed.map(s => `  __shared__ __align__(${alignment}) ${s.type} ${s.name}[${s.length}];`), ...arrivals], bytes, dynamicBytes: 0 }
  }
  const lines = typed.map(s => `  ${s.type}* const ${s.name} = (${s.type}*)(weft_shared + ${s.at});`)
  return { lines: [`  extern __shared__ __align__(${alignment}) unsigned char weft_shared[];`, ...lines, ...arrivals], bytes, dynamicBytes: arrays }
}

/** What the kernel asks of a warp or the matrix unit. Looks into every expression, which are plain data. */
function uses(part: unknown): { readonly subgroup: boolean; readonly matrix: boolean } {
  const text = JSON.stringify(part)
  return { subgroup: /"intrinsic":"subgroup/.test(text), matrix: /"kind":"matrix|"intrinsic":"matrix/.test(text) }
}

function checkFits(kernel: Kernel, caps: Caps, bytes: number): void {
  const fail = (what: string, expected: string, got: string): never => {
    throw new WeftError({ where: `kernel ${kernel.name}`, what: `${what} on ${caps.chip}`, expected, got })
  }
  if (!isCudaKernelName(kernel.name)) fail('name of a kernel', 'one that CUDA does not define itself', kernel.name)
  if (kernel.threads > caps.maxThreads) fail('threads of a group', `at most ${caps.maxThreads}`, String(kernel.threads))
  if (bytes > caps.sharedBytes) fail('shared memory of a group', `at most ${caps.sharedBytes} bytes`, String(bytes))
  if (kernel.params.length > caps.maxBuffers) fail('params', `at most ${caps.maxBuffers}`, String(kernel.params.length))
  if (kernel.subgroupSize !== null && kernel.subgroupSize !== 32) fail('subgroup size', '32', String(kernel.subgroupSize))
  const { cluster = 1, arrivals = 0 } = kernel
  if (cluster > caps.cluster) fail('groups of a cluster', `at most ${caps.cluster}`, String(cluster))
  if ((arrivals > 0 || kernel.params.some(p => p.tensor)) && !caps.tensorCopy) fail('bulk copies', 'a chip of sm_90 or later', caps.arch ?? 'none')
  const { subgroup, matrix } = uses(kernel.body)
  if (matrix && !caps.matrix) fail('matrix tiles', 'a chip with a matrix unit', caps.arch ?? 'none')
  if ((subgroup || matrix) && kernel.threads % 32 !== 0) fail('threads of a group with subgroup operations', 'a multiple of 32', String(kernel.threads))
}

function renderKernel(kernel: Kernel, caps: Caps): KernelText {
  const { lines, bytes, dynamicBytes } = sharedArrays(kernel)
  checkFits(kernel, caps, bytes)
  const cx: CudaContext = {
    kernel: kernel.name, intrinsic,
    params: new Map(kernel.params.map(p => [p.name, p])), shared: new Map(kernel.shared.map(s => [s.name, s])),
  }
  const { cluster = 1 } = kernel
  const knobs = Object.entries(kernel.knobs).map(([k, v]) => `${k}: ${v}`).join(', ')
  const text = [
    `// ${kernel.schedule}${knobs ? ` { ${knobs} }` : ''}`,
    `extern "C" __global__ void ${cluster > 1 ? `__cluster_dims__(${cluster}, 1, 1) ` : ''}__launch_bounds__(${kernel.threads}) ${kernel.name}(${kernel.params.map(parameter).join(', ')}) {`,
    ...lines,
    ...kernel.body.flatMap(s => statement(s, cx, '  ')),
    '}', '',
  ].join('\n')
  return { name: kernel.name, text, params: kernel.params, threads: kernel.threads, sharedBytes: bytes, dynamicBytes, cluster, tiles: kernel.tiles }
}

function render(kernels: readonly Kernel[], caps: Caps): Source {
  const names = new Set<string>()
  for (const k of kernels) {
    if (names.has(k.name)) throw new WeftError({ where: `kernel ${k.name}`, what: 'two kernels of one source have this name' })
    names.add(k.name)
  }
  // Kernels without asynchronous copies keep the text they have in every cache.
  const copies = kernels.some(k => (k.cluster ?? 1) > 1 || /"kind":"(copy|tensor)|"clusterRank"/.test(JSON.stringify(k.body)))
  return { target: 'cuda', prelude: copies ? cudaPrelude + cudaCopies : cudaPrelude, kernels: kernels.map(k => renderKernel(k, caps)), caps }
}

export const cuda: Target = { name: 'cuda', extension: 'cu', intrinsic, render }

/** The whole text of a source, as it is compiled. */
export const cudaText = (source: Source): string => [source.prelude, ...source.kernels.map(k => k.text)].join('\n')
