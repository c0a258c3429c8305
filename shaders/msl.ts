/**
 * What stands before Metal kernels. Functions are the precise ones, whatever the compiler's mode; a matrix tile of 16×16
 * is four of Metal's 8×8, row after row, which the load puts into rows whatever order memory has.
 */
import { cFunctions } from './c-functions.js'

const quadrant = (order: 'row' | 'col'): string => (order === 'row'
  ? 'simdgroup_load(t.m[i], p + i / 2u * 8u * stride + i % 2u * 8u, stride)'
  : 'simdgroup_load(t.m[i], p + i % 2u * 8u * stride + i / 2u * 8u, stride, ulong2(0), true)')

const loads = (['a', 'b'] as const).flatMap(name => (['row', 'col'] as const).map(order => `WEFT weft_matrix_${name} weft_load_${name}_${order}(const threadgroup half* p, uint stride) {
  weft_matrix_${name} t;
#pragma unroll
  for (uint i = 0; i < 4u; i++) ${quadrant(order)};
  return t;
}`))

export const mslPrelude = `#include <metal_stdlib>
using namespace metal;
#define WEFT static inline __attribute__((always_inline))
#define WEFT_LANES 32u
typedef float4 weft_float4;
typedef int4 weft_int4;
typedef uint4 weft_uint4;
WEFT float weft_from_bits(uint bits) { return as_type<float>(bits); }
WEFT uint weft_to_bits(float f) { return as_type<uint>(f); }
WEFT float4 weft_make4(float x, float y, float z, float w) { return float4(x, y, z, w); }
WEFT void weft_copy_halves(threadgroup half* to, uint4 v) {
  const uint words[4] = {v.x, v.y, v.z, v.w};
  for (uint i = 0; i < 8u; i++) to[i] = as_type<half>(ushort(words[i / 2u] >> 16u * (i & 1u)));
}
WEFT float weft_shuffle_xor(float v, uint bits) { return simd_shuffle_xor(v, ushort(bits)); }
WEFT int weft_shuffle_xor(int v, uint bits) { return simd_shuffle_xor(v, ushort(bits)); }
WEFT uint weft_shuffle_xor(uint v, uint bits) { return simd_shuffle_xor(v, ushort(bits)); }
${cFunctions({
    min: 'metal::min', max: 'metal::max', abs: 'metal::abs', fma: 'metal::fma',
    exp: 'metal::precise::exp', log: 'metal::precise::log', sqrt: 'metal::precise::sqrt', floor: 'metal::floor',
  })}
struct weft_matrix_a { simdgroup_half8x8 m[4]; };
struct weft_matrix_b { simdgroup_half8x8 m[4]; };
struct weft_matrix_c { simdgroup_float8x8 m[4]; };
${loads.join('\n')}
WEFT weft_matrix_c weft_matrix_zero() {
  weft_matrix_c t;
#pragma unroll
  for (uint i = 0; i < 4u; i++) t.m[i] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  return t;
}
WEFT void weft_multiply(thread weft_matrix_c& c, weft_matrix_a a, weft_matrix_b b) {
#pragma unroll
  for (uint i = 0; i < 8u; i++) {
    const uint row = i / 4u, inner = i / 2u % 2u, col = i % 2u;
    simdgroup_multiply_accumulate(c.m[row * 2u + col], a.m[row * 2u + inner], b.m[inner * 2u + col], c.m[row * 2u + col]);
  }
}
WEFT void weft_store_c(threadgroup float* p, uint stride, weft_matrix_c t) {
#pragma unroll
  for (uint i = 0; i < 4u; i++) simdgroup_store(t.m[i], p + i / 2u * 8u * stride + i % 2u * 8u, stride);
}
`
