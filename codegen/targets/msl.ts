/**
 * The Metal Shading Language, for Apple's GPUs: C++ with address spaces, vectors and halves of its own. A tile is a
 * threadgroup, a subgroup a SIMD-group of 32; a matrix tile of 16×16 is four of Metal's 8×8. Ids are parameters of a
 * kernel, and buffers are bound in the order of the params.
 */
import { mslPrelude } from '../../shaders/msl.js'
import type { Builtin, Kernel, Param } from '../kernel.js'
import { noPacked, weftFunctions, type Dialect } from './c-dialect.js'
import { words } from './c-names.js'
import { cTarget } from './c-text.js'

const values = {
  f32: 'float', i32: 'int', u32: 'uint', bool: 'bool', f32x4: 'float4', i32x4: 'int4', u32x4: 'uint4',
  i8x16: noPacked, i16x8: noPacked, matrixA: 'weft_matrix_a', matrixB: 'weft_matrix_b', matrixC: 'weft_matrix_c',
} as const

const elements = { f32: 'float', f16: 'half', i32: 'int', u32: 'uint', f32x4: 'float4', f16x4: 'half4', u32x4: 'uint4' } as const

const builtins = { tile: 'weft_tile', local: 'weft_local', lane: 'weft_lane', subgroup: 'weft_subgroup', clusterRank: '0u' } as const

/** What an id is called by Metal; a cluster is always of one group. */
const attributes: Readonly<Partial<Record<Builtin, string>>> = {
  tile: 'threadgroup_position_in_grid', local: 'thread_index_in_threadgroup', lane: 'thread_index_in_simdgroup', subgroup: 'simdgroup_index_in_threadgroup',
}

function parameter({ element, access }: Param, name: string, index: number): string {
  return `device ${access === 'read' ? 'const ' : ''}${elements[element]}* ${name} [[buffer(${index})]]`
}

function opening({ name, threads }: Kernel, params: readonly string[], used: ReadonlySet<Builtin>): string {
  const ids = Object.entries(attributes).filter(([id]) => used.has(id as Builtin)).map(([id, attribute]) => `uint ${builtins[id as Builtin]} [[${attribute}]]`)
  return `[[max_total_threads_per_threadgroup(${threads})]]\nkernel void ${name}(\n${[...params, ...ids].map(p => `  ${p}`).join(',\n')}) {`
}

const dialect: Dialect = {
  name: 'msl',
  extension: 'metal',
  words: new Set(words(`NULL WEFT assert array atomic bfloat constant device discard_fragment fragment float2 float3 float4 half half2 half4
    int2 int3 int4 kernel metal object_data packed_float4 patch ray_data ptrdiff_t sampler simd size_t texture thread
    threadgroup threadgroup_barrier threadgroup_imageblock uchar uint uint2 uint3 uint4 ulong ushort vec vertex visible`)),
  values,
  elements,
  builtins,
  intrinsic: weftFunctions,

  convert: (_, to, text) => `${String(values[to])}(${text})`,
  bitcast: (_, to, text) => `as_type<${String(values[to])}>(${text})`,
  splat: (type, text) => `${values[type]}(${text})`,
  vector: (type, parts) => `${values[type]}(${parts.join(', ')})`,
  widen: (element, text) => `${element === 'f16' ? 'float' : 'float4'}(${text})`,
  narrow: (element, text) => `${element === 'f16' ? 'half' : 'half4'}(${text})`,
  read: (_, place) => place,
  bitsPointer: bits => `(device const ${bits === 8 ? 'uchar' : 'ushort'}*)`,

  parameter,
  opening,
  barrier: 'threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);',
  shared: (type, name, length) => `threadgroup ${type} ${name}[${length}];`,
  pool: bytes => `threadgroup float4 weft_shared[${Math.ceil(bytes / 16)}];`,
  pooled: (type, name, at) => `threadgroup ${type}* const ${name} = (threadgroup ${type}*)((threadgroup uchar*)weft_shared + ${at});`,
  staticSharedBytes: 32 * 1024,
  poolIsDynamic: false,
  asynchronousCopies: false,
  copyHalves: (to, from) => `weft_copy_halves(&${to}, ${from});`,
  prelude: () => mslPrelude,
}

export const msl = cTarget(dialect)
