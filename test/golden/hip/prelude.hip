#ifndef __global__
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#endif
#ifndef __launch_bounds__
#define __launch_bounds__(threads) __attribute__((amdgpu_flat_work_group_size(1, threads)))
#endif
#define WEFT static __device__ inline __attribute__((always_inline))
#define WEFT_LANES 64u
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

WEFT float weft_exp(float a) { return __builtin_expf(a); }
WEFT float weft_log(float a) { return __builtin_logf(a); }
WEFT float weft_sqrt(float a) { return __builtin_sqrtf(a); }
WEFT float weft_rsqrt(float a) { return 1.0f / __builtin_sqrtf(a); }
WEFT float weft_floor(float a) { return __builtin_floorf(a); }
WEFT float weft_min(float a, float b) { return __builtin_elementwise_min(a, b); }
WEFT float weft_max(float a, float b) { return __builtin_elementwise_max(a, b); }
WEFT weft_float4 weft_min(weft_float4 a, weft_float4 b) { return __builtin_elementwise_min(a, b); }
WEFT weft_float4 weft_max(weft_float4 a, weft_float4 b) { return __builtin_elementwise_max(a, b); }
WEFT int weft_min(int a, int b) { return __builtin_elementwise_min(a, b); }
WEFT int weft_max(int a, int b) { return __builtin_elementwise_max(a, b); }
WEFT unsigned weft_min(unsigned a, unsigned b) { return __builtin_elementwise_min(a, b); }
WEFT unsigned weft_max(unsigned a, unsigned b) { return __builtin_elementwise_max(a, b); }
WEFT float weft_abs(float a) { return __builtin_elementwise_abs(a); }
WEFT weft_float4 weft_abs(weft_float4 a) { return __builtin_elementwise_abs(a); }
WEFT int weft_abs(int a) { return __builtin_elementwise_abs(a); }
WEFT unsigned weft_abs(unsigned a) { return a; }
WEFT float weft_fma(float a, float b, float c) { return __builtin_elementwise_fma(a, b, c); }
WEFT weft_float4 weft_fma(weft_float4 a, weft_float4 b, weft_float4 c) { return __builtin_elementwise_fma(a, b, c); }
WEFT float weft_dot4(weft_float4 a, weft_float4 b) { return weft_fma(a.w, b.w, weft_fma(a.z, b.z, weft_fma(a.y, b.y, a.x * b.x))); }
WEFT float weft_sum4(weft_float4 a) { return (a.x + a.y) + (a.z + a.w); }

// f16 and bf16; exponent 0 is a multiple of 2^-24.
WEFT float weft_f16_bits(unsigned w) {
  unsigned magnitude = w & 0x7fffu;
  float value = magnitude < 0x400u ? float(magnitude) * 5.9604644775390625e-8f
    : weft_from_bits((magnitude << 13) + (magnitude < 0x7c00u ? 0x38000000u : 0x70000000u));
  return weft_from_bits(weft_to_bits(value) | (w & 0x8000u) << 16);
}
WEFT weft_float4 weft_f16x4(unsigned a, unsigned b) {
  return weft_make4(weft_f16_bits(a), weft_f16_bits(a >> 16), weft_f16_bits(b), weft_f16_bits(b >> 16));
}
WEFT float weft_bf16(unsigned w) { return weft_from_bits(w << 16); }
WEFT weft_float4 weft_bf16x4(unsigned a, unsigned b) {
  return weft_make4(weft_from_bits(a << 16), weft_from_bits(a & 0xffff0000u), weft_from_bits(b << 16), weft_from_bits(b & 0xffff0000u));
}

// e4m3: exponent and mantissa moved to those of an f32 with the bias changed from 7 to 127; codes below 8 are multiples of 2^-9.
WEFT float weft_e4m3(unsigned w) {
  unsigned magnitude = w & 0x7fu;
  float value = magnitude < 8u ? float(magnitude) * 0.001953125f : weft_from_bits((magnitude << 20) + 0x3c000000u);
  return weft_from_bits(weft_to_bits(value) | (w & 0x80u) << 24);
}
// e2m1: bits moved into an exponent biased by one, right for all codes but 0 and 1, which need 2v - 1.
WEFT float weft_e2m1(unsigned w) {
  float value = weft_from_bits(((w & 7u) << 22) + 0x3f000000u);
  float magnitude = (w & 6u) == 0u ? value * 2.0f - 1.0f : value;
  return weft_from_bits(weft_to_bits(magnitude) | (w & 8u) << 28);
}
WEFT weft_float4 weft_e2m1x4(unsigned w) { return weft_make4(weft_e2m1(w), weft_e2m1(w >> 4), weft_e2m1(w >> 8), weft_e2m1(w >> 12)); }
WEFT weft_float4 weft_u4x4(unsigned w) { return weft_make4(float(w & 15u), float(w >> 4 & 15u), float(w >> 8 & 15u), float(w >> 12 & 15u)); }
// A byte of sixteen, by the nibble that begins at a bit.
WEFT unsigned weft_lookup1(unsigned a, unsigned b, unsigned c, unsigned d, unsigned w, unsigned bit) {
  unsigned code = w >> bit;
  unsigned word = (code & 8u) != 0u ? ((code & 4u) != 0u ? d : c) : ((code & 4u) != 0u ? b : a);
  return (word >> (8u * (code & 3u)) & 255u) << (2u * bit);
}
WEFT unsigned weft_lookup16(unsigned a, unsigned b, unsigned c, unsigned d, unsigned w) {
  return weft_lookup1(a, b, c, d, w, 0u) | weft_lookup1(a, b, c, d, w, 4u) | weft_lookup1(a, b, c, d, w, 8u) | weft_lookup1(a, b, c, d, w, 12u);
}
WEFT weft_float4 weft_i8x4(unsigned w) { return weft_make4(float(int(w << 24) >> 24), float(int(w << 16) >> 24), float(int(w << 8) >> 24), float(int(w) >> 24)); }

WEFT weft_float4 weft_shuffle_xor(weft_float4 v, unsigned bits) { return weft_make4(weft_shuffle_xor(v.x, bits), weft_shuffle_xor(v.y, bits), weft_shuffle_xor(v.z, bits), weft_shuffle_xor(v.w, bits)); }
// Butterflies: every lane adds the same pairs in the same order, so that all end with the same bits.
WEFT float weft_subgroup_add(float v) {
#pragma unroll
  for (unsigned bit = WEFT_LANES / 2u; bit > 0u; bit >>= 1) v += weft_shuffle_xor(v, bit);
  return v;
}
WEFT float weft_subgroup_max(float v) {
#pragma unroll
  for (unsigned bit = WEFT_LANES / 2u; bit > 0u; bit >>= 1) v = weft_max(v, weft_shuffle_xor(v, bit));
  return v;
}

typedef _Float16 weft_operand __attribute__((ext_vector_type(4)));
typedef weft_operand weft_operand_at __attribute__((aligned(8)));
typedef float weft_sums __attribute__((ext_vector_type(4)));
struct weft_matrix_a { weft_operand h; };
struct weft_matrix_b { weft_operand h; };
struct weft_matrix_c { weft_sums r; };
WEFT weft_matrix_a weft_load_a_row(const _Float16* p, unsigned stride) {
  const unsigned l = weft_lane(), own = l % 16u, first = l / 16u * 4u;
  return weft_matrix_a{*(const weft_operand_at*)(p + own * stride + first)};
}
WEFT weft_matrix_a weft_load_a_col(const _Float16* p, unsigned stride) {
  const unsigned l = weft_lane(), own = l % 16u, first = l / 16u * 4u;
  return weft_matrix_a{weft_operand{p[(first + 0u) * stride + own], p[(first + 1u) * stride + own], p[(first + 2u) * stride + own], p[(first + 3u) * stride + own]}};
}
WEFT weft_matrix_b weft_load_b_row(const _Float16* p, unsigned stride) {
  const unsigned l = weft_lane(), own = l % 16u, first = l / 16u * 4u;
  return weft_matrix_b{weft_operand{p[(first + 0u) * stride + own], p[(first + 1u) * stride + own], p[(first + 2u) * stride + own], p[(first + 3u) * stride + own]}};
}
WEFT weft_matrix_b weft_load_b_col(const _Float16* p, unsigned stride) {
  const unsigned l = weft_lane(), own = l % 16u, first = l / 16u * 4u;
  return weft_matrix_b{*(const weft_operand_at*)(p + own * stride + first)};
}
WEFT weft_matrix_c weft_matrix_zero() { return weft_matrix_c{}; }
WEFT void weft_multiply(weft_matrix_c& c, weft_matrix_a a, weft_matrix_b b) { c.r = __builtin_amdgcn_mfma_f32_16x16x16f16(a.h, b.h, c.r, 0, 0, 0); }
WEFT void weft_store_c(float* p, unsigned stride, weft_matrix_c t) {
  unsigned l = weft_lane();
  for (unsigned j = 0; j < 4u; j++) p[(l / 16u * 4u + j) * stride + l % 16u] = t.r[j];
}
