/**
 * CUDA C, one text for all kernels of a source and no header. A tile is a block: the tile's index is the block's, a
 * subgroup is a warp. Shared arrays are static as far as the driver grants them without being asked and lie in one
 * dynamic array beyond. Only weights are `const __restrict__`: activations of one plan lie in one arena, and a promise
 * that they do not overlap would be false.
 */
import { WeftError } from '../../graph/error.js'
import type { Caps } from '../caps.js'
import type { Intrinsic } from '../intrinsics.js'
import { elementBytes } from '../kernel.js'
import type { Expr, Kernel, Param, Stmt } from '../kernel.js'
import type { KernelText, Source, Spell, Target } from '../target.js'
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
    case 'matrixMultiply': return [`${indent}weft_multiply(${cudaName(s.name)}, ${text(s.a)}, ${text(s.b)});`]
    case 'matrixStore': return [`${indent}weft_store_c(&${cudaName(s.array)}[${text(s.index)}], ${s.stride}u, ${text(s.value)});`]
    case 'comment': return s.text.split(/[\r\n]+/).map(line => `${indent}// ${line.replace(/\\+$/, '')}`)
    default: return s satisfies never
  }
}

function parameter(p: Param): string {
  const type = elementTypes[p.element]
  if (p.role === 'weight') return `const ${type}* __restrict__ ${cudaName(p.name)}`
  return `${p.access === 'read' ? 'const ' : ''}${type}* ${cudaName(p.name)}`
}

/** Shared arrays and how many bytes they take; tiles of the matrix unit want starts aligned to 32 bytes. */
function sharedArrays(kernel: Kernel): { readonly lines: readonly string[]; readonly bytes: number } {
  const alignment = 32
  let bytes = 0
  const places = kernel.shared.map(s => {
    const at = bytes
    bytes += Math.ceil((s.length * elementBytes[s.element]) / alignment) * alignment
    return { at, type: elementTypes[s.element], name: cudaName(s.name), length: s.length }
  })
  if (bytes <= staticSharedBytes) {
    return { lines: places.map(s => `  __shared__ __align__(${alignment}) ${s.type} ${s.name}[${s.length}];`), bytes }
  }
  const lines = places.map(s => `  ${s.type}* const ${s.name} = (${s.type}*)(weft_shared + ${s.at});`)
  return { lines: [`  extern __shared__ __align__(${alignment}) unsigned char weft_shared[];`, ...lines], bytes }
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
  const { subgroup, matrix } = uses(kernel.body)
  if (matrix && !caps.matrix) fail('matrix tiles', 'a chip with a matrix unit', caps.arch ?? 'none')
  if ((subgroup || matrix) && kernel.threads % 32 !== 0) fail('threads of a group with subgroup operations', 'a multiple of 32', String(kernel.threads))
}

function renderKernel(kernel: Kernel, caps: Caps): KernelText {
  const { lines, bytes } = sharedArrays(kernel)
  checkFits(kernel, caps, bytes)
  const cx: CudaContext = {
    kernel: kernel.name, intrinsic,
    params: new Map(kernel.params.map(p => [p.name, p])), shared: new Map(kernel.shared.map(s => [s.name, s])),
  }
  const knobs = Object.entries(kernel.knobs).map(([k, v]) => `${k}: ${v}`).join(', ')
  const text = [
    `// ${kernel.schedule}${knobs ? ` { ${knobs} }` : ''}`,
    `extern "C" __global__ void __launch_bounds__(${kernel.threads}) ${kernel.name}(${kernel.params.map(parameter).join(', ')}) {`,
    ...lines,
    ...kernel.body.flatMap(s => statement(s, cx, '  ')),
    '}', '',
  ].join('\n')
  return { name: kernel.name, text, params: kernel.params, threads: kernel.threads, sharedBytes: bytes, tiles: kernel.tiles }
}

function render(kernels: readonly Kernel[], caps: Caps): Source {
  const names = new Set<string>()
  for (const k of kernels) {
    if (names.has(k.name)) throw new WeftError({ where: `kernel ${k.name}`, what: 'two kernels of one source have this name' })
    names.add(k.name)
  }
  return { target: 'cuda', prelude: cudaPrelude, kernels: kernels.map(k => renderKernel(k, caps)), caps }
}

export const cuda: Target = { name: 'cuda', extension: 'cu', intrinsic, render }

/** The whole text of a source, as it is compiled. */
export const cudaText = (source: Source): string => [source.prelude, ...source.kernels.map(k => k.text)].join('\n')
