/**
 * CUDA C. A tile is a block: the tile's index is the block's, a subgroup is a warp. What decides how a buffer is read is
 * its role: weights never change while a plan runs and come through the read-only path, everything else through ordinary
 * loads. Only weights are `const __restrict__`: activations of one plan lie in one arena, and a promise that they do not
 * overlap would be false.
 */
import type { Kernel, Param, ValueType } from '../kernel.js'
import type { Source } from '../target.js'
import { cudaCopies } from '../../shaders/cuda-copies.js'
import { cudaPrelude } from '../../shaders/cuda.js'
import { isVector, named, noPacked, weftFunctions, type Dialect } from './c-dialect.js'
import { words } from './c-names.js'
import { cTarget } from './c-text.js'

/** C++ types of values; tiles are declared `auto`, because their type also holds the order they were loaded in. */
const values = {
  f32: 'float', i32: 'int', u32: 'unsigned', bool: 'bool', f32x4: 'float4', i32x4: 'int4', u32x4: 'uint4',
  i8x16: noPacked, i16x8: noPacked, matrixA: 'auto', matrixB: 'auto', matrixC: 'auto',
} as const

const elements = { f32: 'float', f16: 'unsigned short', i32: 'int', u32: 'unsigned', f32x4: 'float4', f16x4: 'uint2', u32x4: 'uint4' } as const

/** CUDA's own functions for what a cast would leave undefined. */
const conversions: Readonly<Partial<Record<ValueType, Readonly<Partial<Record<ValueType, string>>>>>> = {
  f32: { i32: '__float2int_rz', u32: '__float2uint_rz' },
}
const reinterpretations: Readonly<Partial<Record<ValueType, Readonly<Partial<Record<ValueType, string>>>>>> = {
  f32: { i32: '__float_as_int', u32: '__float_as_uint' }, i32: { f32: '__int_as_float' }, u32: { f32: '__uint_as_float' },
}

function parameter(p: Param, name: string): string {
  const type = elements[p.element]
  if (p.tensor) return `const __grid_constant__ weft_tensor_map ${name}`
  if (p.role === 'weight') return `const ${type}* __restrict__ ${name}`
  return `${p.access === 'read' ? 'const ' : ''}${type}* ${name}`
}

/** Kernels without asynchronous copies keep the text they have in every cache. */
function prelude(kernels: readonly Kernel[]): string {
  const copies = kernels.some(k => (k.cluster ?? 1) > 1 || /"kind":"(copy|tensor)|"clusterRank"/.test(JSON.stringify(k.body)))
  return copies ? cudaPrelude + cudaCopies : cudaPrelude
}

const dialect: Dialect = {
  name: 'cuda',
  extension: 'cu',
  // types, variables, functions and macros that the text uses or the compiler predefines
  words: new Set(words(`NULL WEFT assert blockDim blockIdx expf fabsf float4 floorf fmaf fmaxf fminf gridDim int4
    linux logf make_float4 make_int4 make_uint2 make_uint4 rsqrtf sqrtf threadIdx uint2 uint4 unix warpSize`)),
  values,
  elements,
  builtins: { tile: 'blockIdx.x', local: 'threadIdx.x', lane: '(threadIdx.x & 31u)', subgroup: '(threadIdx.x >> 5)', clusterRank: 'weft_cluster_rank()' },
  intrinsic: { ...weftFunctions, exp: named('expf'), log: named('logf'), sqrt: named('sqrtf'), rsqrt: named('rsqrtf'), floor: named('floorf') },

  convert: (from, to, text) => (isVector(to) ? `weft_to_${to}(${text})` : `${conversions[from]?.[to] ?? String(values[to])}(${text})`),
  bitcast: (from, to, text) => (isVector(to) ? `weft_as_${to}(${text})` : `${reinterpretations[from]?.[to] ?? String(values[to])}(${text})`),
  splat: (_, text) => `weft_splat(${text})`,
  vector: (type, parts) => `make_${values[type]}(${parts.join(', ')})`,
  widen: (element, text) => `weft_${element}(${text})`,
  narrow: (element, text) => `weft_to_${element}(${text})`,
  read: ({ role, cache }, place) => (role !== 'weight' ? place : cache === 'stream' ? `weft_stream(&${place})` : `__ldg(&${place})`),
  bitsPointer: bits => `(const unsigned ${bits === 8 ? 'char' : 'short'}*)`,

  parameter,
  opening({ name, threads, cluster = 1 }, params) {
    return `extern "C" __global__ void ${cluster > 1 ? `__cluster_dims__(${cluster}, 1, 1) ` : ''}__launch_bounds__(${threads}) ${name}(${params.join(', ')}) {`
  },
  barrier: '__syncthreads();',
  shared: (type, name, length, alignment) => `__shared__ __align__(${alignment}) ${type} ${name}[${length}];`,
  pool: (_, alignment) => `extern __shared__ __align__(${alignment}) unsigned char weft_shared[];`,
  pooled: (type, name, at) => `${type}* const ${name} = (${type}*)(weft_shared + ${at});`,
  arrivals: count => [`__shared__ unsigned long long weft_arrival[${count}];`, `weft_arrivals(weft_arrival, ${count}u);`],
  staticSharedBytes: 48 * 1024,
  poolIsDynamic: true,
  asynchronousCopies: true,
  // Programmatic dependent launch: from compute capability 9.0 on.
  overlap: { on: ({ arch }) => Number(/^sm_(\d+)/.exec(arch ?? '')?.[1] ?? 0) >= 90, wait: 'weft_await_launches();' },
  copyHalves: (to, from) => `weft_copy((uint4*)&${to}, &${from});`,
  prelude,
}

export const cuda = cTarget(dialect)

/** The whole text of a source, as it is compiled. */
export const cudaText = (source: Source): string => [source.prelude, ...source.kernels.map(k => k.text)].join('\n')
