/**
 * What stands before HIP kernels: types and device functions over clang's vectors and AMD's builtins, without a header.
 * Tiles of the matrix units are what one lane holds of them (AMD's matrix instruction calculator; the RDNA 3 guide to
 * WMMA): the order they were loaded in is settled by the load.
 */
import { cFunctions } from './c-functions.js'

/** What a lane holds of a tile of 16×16: `each` elements of an operand and of the sums, and where element j of lane l lies. */
interface MatrixUnit {
  readonly operand: { readonly each: number; readonly first: string }
  readonly sums: { readonly each: number; readonly row: string }
  readonly multiply: string
}

/** By the beginning of an architecture's name. */
const matrixUnits: Readonly<Record<string, MatrixUnit>> = {
  gfx9: {
    operand: { each: 4, first: 'l / 16u * 4u' }, sums: { each: 4, row: 'l / 16u * 4u + j' },
    multiply: 'c.r = __builtin_amdgcn_mfma_f32_16x16x16f16(a.h, b.h, c.r, 0, 0, 0);',
  },
  gfx11: {
    operand: { each: 16, first: '0u' }, sums: { each: 8, row: 'j * 2u + l / 16u' },
    multiply: 'c.r = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(a.h, b.h, c.r);',
  },
}

const matrixUnit = (arch: string): MatrixUnit | undefined => Object.entries(matrixUnits).find(([prefix]) => arch.startsWith(prefix) && arch.length === prefix.length + 2)?.[1]

/** Whether matrix tiles have a spelling on an architecture. */
export const hasMatrixUnit = (arch: string): boolean => matrixUnit(arch) !== undefined

function matrixTiles(arch: string): string {
  const unit = matrixUnit(arch)
  if (unit === undefined) return ''
  const { operand, sums, multiply } = unit
  const loads = (['a', 'b'] as const).flatMap(name => (['row', 'col'] as const).map(order => {
    // A lane's own index runs along a's rows and b's columns. Where memory runs along the other axis its elements are one load.
    const together = (name === 'a') === (order === 'row')
    const take = together ? '*(const weft_operand_at*)(p + own * stride + first)' : `weft_operand{${Array.from({ length: operand.each }, (_, j) => `p[(first + ${j}u) * stride + own]`).join(', ')}}`
    return `WEFT weft_matrix_${name} weft_load_${name}_${order}(const _Float16* p, unsigned stride) {
  const unsigned l = weft_lane(), own = l % 16u, first = ${operand.first};
  return weft_matrix_${name}{${take}};
}`
  }))
  return `
typedef _Float16 weft_operand __attribute__((ext_vector_type(${operand.each})));
typedef weft_operand weft_operand_at __attribute__((aligned(${Math.min(16, operand.each * 2)})));
typedef float weft_sums __attribute__((ext_vector_type(${sums.each})));
struct weft_matrix_a { weft_operand h; };
struct weft_matrix_b { weft_operand h; };
struct weft_matrix_c { weft_sums r; };
${loads.join('\n')}
WEFT weft_matrix_c weft_matrix_zero() { return weft_matrix_c{}; }
WEFT void weft_multiply(weft_matrix_c& c, weft_matrix_a a, weft_matrix_b b) { ${multiply} }
WEFT void weft_store_c(float* p, unsigned stride, weft_matrix_c t) {
  unsigned l = weft_lane();
  for (unsigned j = 0; j < ${sums.each}u; j++) p[(${sums.row}) * stride + l % 16u] = t.r[j];
}
`
}

/** @param lanes of a wavefront; @param arch `gfx942` and the like, which decides on the matrix unit */
export function hipPrelude(lanes: number, arch: string): string {
  return `#ifndef __global__
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#endif
#ifndef __launch_bounds__
#define __launch_bounds__(threads) __attribute__((amdgpu_flat_work_group_size(1, threads)))
#endif
#define WEFT static __device__ inline __attribute__((always_inline))
#define WEFT_LANES ${lanes}u
typedef float weft_float4 __attribute__((ext_vector_type(4)));
typedef int weft_int4 __attribute__((ext_vector_type(4)));
typedef unsigned weft_uint4 __attribute__((ext_vector_type(4)));
typedef _Float16 weft_half4 __attribute__((ext_vector_type(4)));
WEFT float weft_from_bits(unsigned bits) { return __builtin_bit_cast(float, bits); }
WEFT unsigned weft_to_bits(float f) { return __builtin_bit_cast(unsigned, f); }
WEFT weft_float4 weft_make4(float x, float y, float z, float w) { return weft_float4{x, y, z, w}; }
WEFT void weft_barrier() {
  __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
  __builtin_amdgcn_s_barrier();
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}
WEFT unsigned weft_lane() { return __builtin_amdgcn_workitem_id_x() & (WEFT_LANES - 1u); }
WEFT int weft_shuffle_xor(int v, unsigned bits) { return __builtin_amdgcn_ds_bpermute(int((weft_lane() ^ bits) << 2), v); }
WEFT unsigned weft_shuffle_xor(unsigned v, unsigned bits) { return unsigned(weft_shuffle_xor(int(v), bits)); }
WEFT float weft_shuffle_xor(float v, unsigned bits) { return weft_from_bits(weft_shuffle_xor(weft_to_bits(v), bits)); }
${cFunctions({
    min: '__builtin_elementwise_min', max: '__builtin_elementwise_max', abs: '__builtin_elementwise_abs', fma: '__builtin_elementwise_fma',
    exp: '__builtin_expf', log: '__builtin_logf', sqrt: '__builtin_sqrtf', floor: '__builtin_floorf',
  })}${matrixTiles(arch)}`
}
