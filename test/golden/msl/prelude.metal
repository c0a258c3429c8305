#include <metal_stdlib>
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

WEFT float weft_exp(float a) { return metal::precise::exp(a); }
WEFT float weft_log(float a) { return metal::precise::log(a); }
WEFT float weft_sqrt(float a) { return metal::precise::sqrt(a); }
WEFT float weft_rsqrt(float a) { return 1.0f / metal::precise::sqrt(a); }
WEFT float weft_floor(float a) { return metal::floor(a); }
WEFT float weft_min(float a, float b) { return metal::min(a, b); }
WEFT float weft_max(float a, float b) { return metal::max(a, b); }
WEFT weft_float4 weft_min(weft_float4 a, weft_float4 b) { return metal::min(a, b); }
WEFT weft_float4 weft_max(weft_float4 a, weft_float4 b) { return metal::max(a, b); }
WEFT int weft_min(int a, int b) { return metal::min(a, b); }
WEFT int weft_max(int a, int b) { return metal::max(a, b); }
WEFT unsigned weft_min(unsigned a, unsigned b) { return metal::min(a, b); }
WEFT unsigned weft_max(unsigned a, unsigned b) { return metal::max(a, b); }
WEFT float weft_abs(float a) { return metal::abs(a); }
WEFT weft_float4 weft_abs(weft_float4 a) { return metal::abs(a); }
WEFT int weft_abs(int a) { return metal::abs(a); }
WEFT unsigned weft_abs(unsigned a) { return a; }
WEFT float weft_fma(float a, float b, float c) { return metal::fma(a, b, c); }
WEFT weft_float4 weft_fma(weft_float4 a, weft_float4 b, weft_float4 c) { return metal::fma(a, b, c); }
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

struct weft_matrix_a { simdgroup_half8x8 m[4]; };
struct weft_matrix_b { simdgroup_half8x8 m[4]; };
struct weft_matrix_c { simdgroup_float8x8 m[4]; };
WEFT weft_matrix_a weft_load_a_row(const threadgroup half* p, uint stride) {
  weft_matrix_a t;
#pragma unroll
  for (uint i = 0; i < 4u; i++) simdgroup_load(t.m[i], p + i / 2u * 8u * stride + i % 2u * 8u, stride);
  return t;
}
WEFT weft_matrix_a weft_load_a_col(const threadgroup half* p, uint stride) {
  weft_matrix_a t;
#pragma unroll
  for (uint i = 0; i < 4u; i++) simdgroup_load(t.m[i], p + i % 2u * 8u * stride + i / 2u * 8u, stride, ulong2(0), true);
  return t;
}
WEFT weft_matrix_b weft_load_b_row(const threadgroup half* p, uint stride) {
  weft_matrix_b t;
#pragma unroll
  for (uint i = 0; i < 4u; i++) simdgroup_load(t.m[i], p + i / 2u * 8u * stride + i % 2u * 8u, stride);
  return t;
}
WEFT weft_matrix_b weft_load_b_col(const threadgroup half* p, uint stride) {
  weft_matrix_b t;
#pragma unroll
  for (uint i = 0; i < 4u; i++) simdgroup_load(t.m[i], p + i % 2u * 8u * stride + i / 2u * 8u, stride, ulong2(0), true);
  return t;
}
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
