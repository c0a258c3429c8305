/**
 * HIP, for AMD's GPUs: CUDA's frame around clang's own vectors and builtins, so that the text needs no header and compiles
 * with hipcc, hiprtc and a bare clang alike. A subgroup is a wavefront, of 32 or 64 lanes as the chip has it; matrix tiles
 * go to MFMA (CDNA) or WMMA (RDNA 3), whichever the architecture of `caps` has.
 */
import { WeftError } from '../../graph/error.js'
import { hasMatrixUnit, hipPrelude } from '../../shaders/hip.js'
import type { Caps } from '../caps.js'
import type { Kernel, Param } from '../kernel.js'
import { isVector, noPacked, weftFunctions, type Dialect } from './c-dialect.js'
import { words } from './c-names.js'
import { cTarget } from './c-text.js'

const values = {
  f32: 'float', i32: 'int', u32: 'unsigned', bool: 'bool', f32x4: 'weft_float4', i32x4: 'weft_int4', u32x4: 'weft_uint4',
  i8x16: noPacked, i16x8: noPacked, matrixA: 'weft_matrix_a', matrixB: 'weft_matrix_b', matrixC: 'weft_matrix_c',
} as const

const elements = { f32: 'float', f16: '_Float16', i32: 'int', u32: 'unsigned', f32x4: 'weft_float4', f16x4: 'weft_half4', u32x4: 'weft_uint4' } as const

/** Only weights are promised not to be written: activations of one plan lie in one arena. */
function parameter({ element, role, access }: Param, name: string): string {
  const type = elements[element]
  if (role === 'weight') return `const ${type}* __restrict__ ${name}`
  return `${access === 'read' ? 'const ' : ''}${type}* ${name}`
}

function prelude(_: readonly Kernel[], { arch, chip, matrix, subgroup }: Caps): string {
  if (matrix && !hasMatrixUnit(arch ?? '')) throw new WeftError({ where: 'hip', what: `matrix tiles on ${chip}`, expected: 'an architecture with MFMA (gfx9) or WMMA (gfx11)', got: arch ?? 'none' })
  return hipPrelude(subgroup?.max ?? 64, arch ?? '')
}

const dialect: Dialect = {
  name: 'hip',
  extension: 'hip',
  words: new Set(words(`NULL WEFT WEFT_LANES assert blockDim blockIdx gridDim linux threadIdx unix warpSize`)),
  values,
  elements,
  builtins: {
    tile: '__builtin_amdgcn_workgroup_id_x()', local: '__builtin_amdgcn_workitem_id_x()',
    lane: '(__builtin_amdgcn_workitem_id_x() & (WEFT_LANES - 1u))', subgroup: '(__builtin_amdgcn_workitem_id_x() / WEFT_LANES)', clusterRank: '0u',
  },
  intrinsic: weftFunctions,

  convert: (_, to, text) => (isVector(to) ? `__builtin_convertvector(${text}, ${values[to]})` : `${String(values[to])}(${text})`),
  bitcast: (_, to, text) => `__builtin_bit_cast(${String(values[to])}, ${text})`,
  splat: (type, text) => `${values[type]}(${text})`,
  vector: (type, parts) => `${values[type]}{${parts.join(', ')}}`,
  widen: (element, text) => (element === 'f16' ? `float(${text})` : `__builtin_convertvector(${text}, weft_float4)`),
  narrow: (element, text) => (element === 'f16' ? `_Float16(${text})` : `__builtin_convertvector(${text}, weft_half4)`),
  read: ({ role, cache }, place) => (role === 'weight' && cache === 'stream' ? `__builtin_nontemporal_load(&${place})` : place),
  bitsPointer: bits => `(const unsigned ${bits === 8 ? 'char' : 'short'}*)`,

  parameter,
  opening: ({ name, threads }, params) => `extern "C" __global__ void __launch_bounds__(${threads}) ${name}(${params.join(', ')}) {`,
  barrier: 'weft_barrier();',
  shared: (type, name, length, alignment) => `__shared__ __attribute__((aligned(${alignment}))) ${type} ${name}[${length}];`,
  pool: (bytes, alignment) => `__shared__ __attribute__((aligned(${alignment}))) unsigned char weft_shared[${bytes}];`,
  pooled: (type, name, at) => `${type}* const ${name} = (${type}*)(weft_shared + ${at});`,
  staticSharedBytes: 64 * 1024,
  poolIsDynamic: false,
  asynchronousCopies: false,
  copyHalves: (to, from) => `__builtin_memcpy(&${to}, &${from}, 16);`,
  prelude,
}

export const hip = cTarget(dialect)
