/**
 * Device functions that HIP's and Metal's kernels call by name, in the C++ that both speak: decoders of small floats,
 * arithmetic by components, sums over a subgroup. Each decoder is exact for every code without relying on subnormal
 * arithmetic, which a device may flush to zero: a subnormal code is converted as an integer and scaled.
 *
 * What stands before defines `WEFT` (how a device function is declared), `WEFT_LANES`, the types `weft_float4`,
 * `weft_int4` and `weft_uint4`, and `weft_from_bits`, `weft_to_bits`, `weft_make4` and `weft_shuffle_xor` of a float.
 */
export interface CFunctions {
  /** Calls that take scalars and vectors alike. */
  readonly min: string
  readonly max: string
  readonly abs: string
  readonly fma: string
  /** Of one float, in the precision of f32. */
  readonly exp: string
  readonly log: string
  readonly sqrt: string
  readonly floor: string
}

const each = (of: (c: string) => string): string => ['x', 'y', 'z', 'w'].map(of).join(', ')

export function cFunctions(f: CFunctions): string {
  return `
WEFT float weft_exp(float a) { return ${f.exp}(a); }
WEFT float weft_log(float a) { return ${f.log}(a); }
WEFT float weft_sqrt(float a) { return ${f.sqrt}(a); }
WEFT float weft_rsqrt(float a) { return 1.0f / ${f.sqrt}(a); }
WEFT float weft_floor(float a) { return ${f.floor}(a); }
${['float', 'weft_float4', 'int', 'unsigned'].map(t => `WEFT ${t} weft_min(${t} a, ${t} b) { return ${f.min}(a, b); }
WEFT ${t} weft_max(${t} a, ${t} b) { return ${f.max}(a, b); }`).join('\n')}
${['float', 'weft_float4', 'int'].map(t => `WEFT ${t} weft_abs(${t} a) { return ${f.abs}(a); }`).join('\n')}
WEFT unsigned weft_abs(unsigned a) { return a; }
WEFT float weft_fma(float a, float b, float c) { return ${f.fma}(a, b, c); }
WEFT weft_float4 weft_fma(weft_float4 a, weft_float4 b, weft_float4 c) { return ${f.fma}(a, b, c); }
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

WEFT weft_float4 weft_shuffle_xor(weft_float4 v, unsigned bits) { return weft_make4(${each(c => `weft_shuffle_xor(v.${c}, bits)`)}); }
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
`
}
