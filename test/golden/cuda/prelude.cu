#pragma nv_diag_suppress 177, 186 // what no kernel of this source uses; comparisons that constants decide
#define WEFT static __device__ __forceinline__
WEFT float4 weft_splat(float a) { return make_float4(a, a, a, a); }
WEFT float4 operator+(float4 a, float4 b) { return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }
WEFT float4 operator-(float4 a, float4 b) { return make_float4(a.x - b.x, a.y - b.y, a.z - b.z, a.w - b.w); }
WEFT float4 operator*(float4 a, float4 b) { return make_float4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w); }
WEFT float4 operator/(float4 a, float4 b) { return make_float4(a.x / b.x, a.y / b.y, a.z / b.z, a.w / b.w); }
WEFT float4 operator-(float4 a) { return make_float4(-a.x, -a.y, -a.z, -a.w); }
WEFT int4 weft_splat(int a) { return make_int4(a, a, a, a); }
WEFT int4 operator+(int4 a, int4 b) { return make_int4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }
WEFT int4 operator-(int4 a, int4 b) { return make_int4(a.x - b.x, a.y - b.y, a.z - b.z, a.w - b.w); }
WEFT int4 operator*(int4 a, int4 b) { return make_int4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w); }
WEFT int4 operator&(int4 a, int4 b) { return make_int4(a.x & b.x, a.y & b.y, a.z & b.z, a.w & b.w); }
WEFT int4 operator|(int4 a, int4 b) { return make_int4(a.x | b.x, a.y | b.y, a.z | b.z, a.w | b.w); }
WEFT int4 operator^(int4 a, int4 b) { return make_int4(a.x ^ b.x, a.y ^ b.y, a.z ^ b.z, a.w ^ b.w); }
WEFT int4 operator-(int4 a) { return make_int4(-a.x, -a.y, -a.z, -a.w); }
WEFT int4 operator~(int4 a) { return make_int4(~a.x, ~a.y, ~a.z, ~a.w); }
WEFT int4 operator<<(int4 a, unsigned n) { return make_int4(a.x << n, a.y << n, a.z << n, a.w << n); }
WEFT int4 operator>>(int4 a, unsigned n) { return make_int4(a.x >> n, a.y >> n, a.z >> n, a.w >> n); }
WEFT uint4 weft_splat(unsigned a) { return make_uint4(a, a, a, a); }
WEFT uint4 operator+(uint4 a, uint4 b) { return make_uint4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }
WEFT uint4 operator-(uint4 a, uint4 b) { return make_uint4(a.x - b.x, a.y - b.y, a.z - b.z, a.w - b.w); }
WEFT uint4 operator*(uint4 a, uint4 b) { return make_uint4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w); }
WEFT uint4 operator&(uint4 a, uint4 b) { return make_uint4(a.x & b.x, a.y & b.y, a.z & b.z, a.w & b.w); }
WEFT uint4 operator|(uint4 a, uint4 b) { return make_uint4(a.x | b.x, a.y | b.y, a.z | b.z, a.w | b.w); }
WEFT uint4 operator^(uint4 a, uint4 b) { return make_uint4(a.x ^ b.x, a.y ^ b.y, a.z ^ b.z, a.w ^ b.w); }
WEFT uint4 operator~(uint4 a) { return make_uint4(~a.x, ~a.y, ~a.z, ~a.w); }
WEFT uint4 operator<<(uint4 a, unsigned n) { return make_uint4(a.x << n, a.y << n, a.z << n, a.w << n); }
WEFT uint4 operator>>(uint4 a, unsigned n) { return make_uint4(a.x >> n, a.y >> n, a.z >> n, a.w >> n); }
WEFT float4 weft_to_f32x4(int4 a) { return make_float4(__int2float_rn(a.x), __int2float_rn(a.y), __int2float_rn(a.z), __int2float_rn(a.w)); }
WEFT float4 weft_to_f32x4(uint4 a) { return make_float4(__uint2float_rn(a.x), __uint2float_rn(a.y), __uint2float_rn(a.z), __uint2float_rn(a.w)); }
WEFT int4 weft_to_i32x4(float4 a) { return make_int4(__float2int_rz(a.x), __float2int_rz(a.y), __float2int_rz(a.z), __float2int_rz(a.w)); }
WEFT int4 weft_to_i32x4(uint4 a) { return make_int4(int(a.x), int(a.y), int(a.z), int(a.w)); }
WEFT uint4 weft_to_u32x4(float4 a) { return make_uint4(__float2uint_rz(a.x), __float2uint_rz(a.y), __float2uint_rz(a.z), __float2uint_rz(a.w)); }
WEFT uint4 weft_to_u32x4(int4 a) { return make_uint4(unsigned(a.x), unsigned(a.y), unsigned(a.z), unsigned(a.w)); }
WEFT float4 weft_as_f32x4(int4 a) { return make_float4(__int_as_float(a.x), __int_as_float(a.y), __int_as_float(a.z), __int_as_float(a.w)); }
WEFT float4 weft_as_f32x4(uint4 a) { return make_float4(__uint_as_float(a.x), __uint_as_float(a.y), __uint_as_float(a.z), __uint_as_float(a.w)); }
WEFT int4 weft_as_i32x4(float4 a) { return make_int4(__float_as_int(a.x), __float_as_int(a.y), __float_as_int(a.z), __float_as_int(a.w)); }
WEFT int4 weft_as_i32x4(uint4 a) { return make_int4(int(a.x), int(a.y), int(a.z), int(a.w)); }
WEFT uint4 weft_as_u32x4(float4 a) { return make_uint4(__float_as_uint(a.x), __float_as_uint(a.y), __float_as_uint(a.z), __float_as_uint(a.w)); }
WEFT uint4 weft_as_u32x4(int4 a) { return make_uint4(unsigned(a.x), unsigned(a.y), unsigned(a.z), unsigned(a.w)); }
WEFT void weft_await_launches() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
WEFT float weft_stream(const float* p) { float v; asm("ld.global.nc.L1::no_allocate.f32 %0, [%1];" : "=f"(v) : "l"(p)); return v; }
WEFT int weft_stream(const int* p) { int v; asm("ld.global.nc.L1::no_allocate.s32 %0, [%1];" : "=r"(v) : "l"(p)); return v; }
WEFT unsigned weft_stream(const unsigned* p) { unsigned v; asm("ld.global.nc.L1::no_allocate.u32 %0, [%1];" : "=r"(v) : "l"(p)); return v; }
WEFT unsigned short weft_stream(const unsigned short* p) { unsigned short v; asm("ld.global.nc.L1::no_allocate.u16 %0, [%1];" : "=h"(v) : "l"(p)); return v; }
WEFT uint2 weft_stream(const uint2* p) { uint2 v; asm("ld.global.nc.L1::no_allocate.v2.u32 {%0, %1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(p)); return v; }
WEFT uint4 weft_stream(const uint4* p) { uint4 v; asm("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(p)); return v; }
WEFT float4 weft_stream(const float4* p) { float4 v; asm("ld.global.nc.L1::no_allocate.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w) : "l"(p)); return v; }

// f16 and bf16
WEFT float weft_f16(unsigned short h) { float f; asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h)); return f; }
WEFT float weft_f16_bits(unsigned w) { return weft_f16((unsigned short)w); }
WEFT float4 weft_f16x4(unsigned a, unsigned b) {
  return make_float4(weft_f16_bits(a), weft_f16_bits(a >> 16), weft_f16_bits(b), weft_f16_bits(b >> 16));
}
WEFT float4 weft_f16x4(uint2 v) { return weft_f16x4(v.x, v.y); }
WEFT unsigned short weft_to_f16(float f) { unsigned short h; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(f)); return h; }
WEFT uint2 weft_to_f16x4(float4 v) {
  return make_uint2(weft_to_f16(v.x) | (unsigned)weft_to_f16(v.y) << 16, weft_to_f16(v.z) | (unsigned)weft_to_f16(v.w) << 16);
}
WEFT float weft_bf16(unsigned w) { return __uint_as_float(w << 16); }
WEFT float4 weft_bf16x4(unsigned a, unsigned b) {
  return make_float4(__uint_as_float(a << 16), __uint_as_float(a & 0xffff0000u), __uint_as_float(b << 16), __uint_as_float(b & 0xffff0000u));
}

// e4m3: sign, exponent and mantissa moved to those of an f32 (a subnormal stays one), then the exponents' difference.
WEFT float weft_e4m3(unsigned w) { return __int_as_float(((int)(w << 24) >> 4) & 0x87f00000) * __uint_as_float(0x7b800000u); }
// e2m1: byte_perm looks up the high byte of four f16 magnitudes at once; their low bytes are zero.
WEFT float4 weft_e2m1x4(unsigned w) {
  unsigned high = __byte_perm(0x3e3c3800u, 0x46444240u, w & 0x7777u) | (__byte_perm(w << 4, w, 0x5140) & 0x80808080u);
  return weft_f16x4(__byte_perm(high, 0u, 0x1404), __byte_perm(high, 0u, 0x3424));
}
// Small integers become the low bits of 2^23 + n, from which 2^23 is taken: exact, and no conversion instruction.
WEFT float4 weft_u4x4(unsigned w) {
  return make_float4(__uint_as_float((w & 15u) | 0x4b000000u), __uint_as_float((w >> 4 & 15u) | 0x4b000000u),
    __uint_as_float((w >> 8 & 15u) | 0x4b000000u), __uint_as_float((w >> 12 & 15u) | 0x4b000000u)) - weft_splat(8388608.0f);
}
// byte_perm looks up eight bytes at once by the low three bits of a nibble; the fourth chooses between two look-ups.
WEFT unsigned weft_lookup16(unsigned a, unsigned b, unsigned c, unsigned d, unsigned w) {
  unsigned low = w & 0x7777u;
  return __byte_perm(__byte_perm(a, b, low), __byte_perm(c, d, low), 0x3210u | (w & 0x8888u) >> 1);
}
WEFT float4 weft_i8x4(unsigned w) {
  unsigned biased = w ^ 0x80808080u;
  return make_float4(__uint_as_float(__byte_perm(biased, 0x4b000000u, 0x7440)), __uint_as_float(__byte_perm(biased, 0x4b000000u, 0x7441)),
    __uint_as_float(__byte_perm(biased, 0x4b000000u, 0x7442)), __uint_as_float(__byte_perm(biased, 0x4b000000u, 0x7443))) - weft_splat(8388736.0f);
}

WEFT float weft_abs(float a) { return fabsf(a); }
WEFT float4 weft_abs(float4 a) { return make_float4(fabsf(a.x), fabsf(a.y), fabsf(a.z), fabsf(a.w)); }
WEFT int weft_abs(int a) { return a < 0 ? -a : a; }
WEFT unsigned weft_abs(unsigned a) { return a; }
WEFT float weft_min(float a, float b) { return fminf(a, b); }
WEFT float weft_max(float a, float b) { return fmaxf(a, b); }
WEFT float4 weft_min(float4 a, float4 b) { return make_float4(fminf(a.x, b.x), fminf(a.y, b.y), fminf(a.z, b.z), fminf(a.w, b.w)); }
WEFT float4 weft_max(float4 a, float4 b) { return make_float4(fmaxf(a.x, b.x), fmaxf(a.y, b.y), fmaxf(a.z, b.z), fmaxf(a.w, b.w)); }
WEFT int weft_min(int a, int b) { return a < b ? a : b; }
WEFT int weft_max(int a, int b) { return a > b ? a : b; }
WEFT unsigned weft_min(unsigned a, unsigned b) { return a < b ? a : b; }
WEFT unsigned weft_max(unsigned a, unsigned b) { return a > b ? a : b; }
WEFT float weft_fma(float a, float b, float c) { return fmaf(a, b, c); }
WEFT float4 weft_fma(float4 a, float4 b, float4 c) { return make_float4(fmaf(a.x, b.x, c.x), fmaf(a.y, b.y, c.y), fmaf(a.z, b.z, c.z), fmaf(a.w, b.w, c.w)); }
WEFT float weft_dot4(float4 a, float4 b) { return fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, a.x * b.x))); }
WEFT float weft_sum4(float4 a) { return (a.x + a.y) + (a.z + a.w); }

// Butterflies: every lane adds the same pairs in the same order, so that all end with the same bits.
WEFT float weft_subgroup_add(float v) {
#pragma unroll
  for (int bit = 16; bit > 0; bit >>= 1) v += __shfl_xor_sync(0xffffffffu, v, bit);
  return v;
}
WEFT float weft_subgroup_max(float v) {
#pragma unroll
  for (int bit = 16; bit > 0; bit >>= 1) v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, bit));
  return v;
}
WEFT float weft_shuffle_xor(float v, unsigned bits) { return __shfl_xor_sync(0xffffffffu, v, bits); }
WEFT int weft_shuffle_xor(int v, unsigned bits) { return __shfl_xor_sync(0xffffffffu, v, bits); }
WEFT unsigned weft_shuffle_xor(unsigned v, unsigned bits) { return __shfl_xor_sync(0xffffffffu, v, bits); }
WEFT float4 weft_shuffle_xor(float4 v, unsigned bits) { return make_float4(__shfl_xor_sync(0xffffffffu, v.x, bits), __shfl_xor_sync(0xffffffffu, v.y, bits), __shfl_xor_sync(0xffffffffu, v.z, bits), __shfl_xor_sync(0xffffffffu, v.w, bits)); }

struct weft_matrix_c { float r[8]; };
template <bool columnMajor> struct weft_matrix_a { unsigned r[8]; };
WEFT weft_matrix_a<false> weft_load_a_row(const unsigned short* p, unsigned stride) {
  weft_matrix_a<false> t;
  asm volatile("wmma.load.a.sync.aligned.row.m16n16k16.shared.f16 {%0, %1, %2, %3, %4, %5, %6, %7}, [%8], %9;"
    : "=r"(t.r[0]), "=r"(t.r[1]), "=r"(t.r[2]), "=r"(t.r[3]), "=r"(t.r[4]), "=r"(t.r[5]), "=r"(t.r[6]), "=r"(t.r[7]) : "r"((unsigned)__cvta_generic_to_shared(p)), "r"(stride) : "memory");
  return t;
}
WEFT weft_matrix_a<true> weft_load_a_col(const unsigned short* p, unsigned stride) {
  weft_matrix_a<true> t;
  asm volatile("wmma.load.a.sync.aligned.col.m16n16k16.shared.f16 {%0, %1, %2, %3, %4, %5, %6, %7}, [%8], %9;"
    : "=r"(t.r[0]), "=r"(t.r[1]), "=r"(t.r[2]), "=r"(t.r[3]), "=r"(t.r[4]), "=r"(t.r[5]), "=r"(t.r[6]), "=r"(t.r[7]) : "r"((unsigned)__cvta_generic_to_shared(p)), "r"(stride) : "memory");
  return t;
}
template <bool columnMajor> struct weft_matrix_b { unsigned r[8]; };
WEFT weft_matrix_b<false> weft_load_b_row(const unsigned short* p, unsigned stride) {
  weft_matrix_b<false> t;
  asm volatile("wmma.load.b.sync.aligned.row.m16n16k16.shared.f16 {%0, %1, %2, %3, %4, %5, %6, %7}, [%8], %9;"
    : "=r"(t.r[0]), "=r"(t.r[1]), "=r"(t.r[2]), "=r"(t.r[3]), "=r"(t.r[4]), "=r"(t.r[5]), "=r"(t.r[6]), "=r"(t.r[7]) : "r"((unsigned)__cvta_generic_to_shared(p)), "r"(stride) : "memory");
  return t;
}
WEFT weft_matrix_b<true> weft_load_b_col(const unsigned short* p, unsigned stride) {
  weft_matrix_b<true> t;
  asm volatile("wmma.load.b.sync.aligned.col.m16n16k16.shared.f16 {%0, %1, %2, %3, %4, %5, %6, %7}, [%8], %9;"
    : "=r"(t.r[0]), "=r"(t.r[1]), "=r"(t.r[2]), "=r"(t.r[3]), "=r"(t.r[4]), "=r"(t.r[5]), "=r"(t.r[6]), "=r"(t.r[7]) : "r"((unsigned)__cvta_generic_to_shared(p)), "r"(stride) : "memory");
  return t;
}
WEFT void weft_multiply(weft_matrix_c& c, weft_matrix_a<false> a, weft_matrix_b<false> b) {
  asm volatile("wmma.mma.sync.aligned.row.row.m16n16k16.f32.f32 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9, %10, %11, %12, %13, %14, %15}, {%16, %17, %18, %19, %20, %21, %22, %23}, {%0, %1, %2, %3, %4, %5, %6, %7};"
    : "+f"(c.r[0]), "+f"(c.r[1]), "+f"(c.r[2]), "+f"(c.r[3]), "+f"(c.r[4]), "+f"(c.r[5]), "+f"(c.r[6]), "+f"(c.r[7])
    : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(a.r[4]), "r"(a.r[5]), "r"(a.r[6]), "r"(a.r[7]), "r"(b.r[0]), "r"(b.r[1]), "r"(b.r[2]), "r"(b.r[3]), "r"(b.r[4]), "r"(b.r[5]), "r"(b.r[6]), "r"(b.r[7]));
}
WEFT void weft_multiply(weft_matrix_c& c, weft_matrix_a<false> a, weft_matrix_b<true> b) {
  asm volatile("wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9, %10, %11, %12, %13, %14, %15}, {%16, %17, %18, %19, %20, %21, %22, %23}, {%0, %1, %2, %3, %4, %5, %6, %7};"
    : "+f"(c.r[0]), "+f"(c.r[1]), "+f"(c.r[2]), "+f"(c.r[3]), "+f"(c.r[4]), "+f"(c.r[5]), "+f"(c.r[6]), "+f"(c.r[7])
    : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(a.r[4]), "r"(a.r[5]), "r"(a.r[6]), "r"(a.r[7]), "r"(b.r[0]), "r"(b.r[1]), "r"(b.r[2]), "r"(b.r[3]), "r"(b.r[4]), "r"(b.r[5]), "r"(b.r[6]), "r"(b.r[7]));
}
WEFT void weft_multiply(weft_matrix_c& c, weft_matrix_a<true> a, weft_matrix_b<false> b) {
  asm volatile("wmma.mma.sync.aligned.col.row.m16n16k16.f32.f32 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9, %10, %11, %12, %13, %14, %15}, {%16, %17, %18, %19, %20, %21, %22, %23}, {%0, %1, %2, %3, %4, %5, %6, %7};"
    : "+f"(c.r[0]), "+f"(c.r[1]), "+f"(c.r[2]), "+f"(c.r[3]), "+f"(c.r[4]), "+f"(c.r[5]), "+f"(c.r[6]), "+f"(c.r[7])
    : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(a.r[4]), "r"(a.r[5]), "r"(a.r[6]), "r"(a.r[7]), "r"(b.r[0]), "r"(b.r[1]), "r"(b.r[2]), "r"(b.r[3]), "r"(b.r[4]), "r"(b.r[5]), "r"(b.r[6]), "r"(b.r[7]));
}
WEFT void weft_multiply(weft_matrix_c& c, weft_matrix_a<true> a, weft_matrix_b<true> b) {
  asm volatile("wmma.mma.sync.aligned.col.col.m16n16k16.f32.f32 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9, %10, %11, %12, %13, %14, %15}, {%16, %17, %18, %19, %20, %21, %22, %23}, {%0, %1, %2, %3, %4, %5, %6, %7};"
    : "+f"(c.r[0]), "+f"(c.r[1]), "+f"(c.r[2]), "+f"(c.r[3]), "+f"(c.r[4]), "+f"(c.r[5]), "+f"(c.r[6]), "+f"(c.r[7])
    : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(a.r[4]), "r"(a.r[5]), "r"(a.r[6]), "r"(a.r[7]), "r"(b.r[0]), "r"(b.r[1]), "r"(b.r[2]), "r"(b.r[3]), "r"(b.r[4]), "r"(b.r[5]), "r"(b.r[6]), "r"(b.r[7]));
}
WEFT weft_matrix_c weft_matrix_zero() { return weft_matrix_c{}; }
WEFT void weft_store_c(float* p, unsigned stride, weft_matrix_c t) {
  asm volatile("wmma.store.d.sync.aligned.row.m16n16k16.shared.f32 [%0], {%1, %2, %3, %4, %5, %6, %7, %8}, %9;"
    :: "r"((unsigned)__cvta_generic_to_shared(p)), "f"(t.r[0]), "f"(t.r[1]), "f"(t.r[2]), "f"(t.r[3]), "f"(t.r[4]), "f"(t.r[5]), "f"(t.r[6]), "f"(t.r[7]), "r"(stride) : "memory");
}

WEFT unsigned weft_shared_address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }
#if __CUDA_ARCH__ >= 800
WEFT void weft_copy(float4* to, const float4* from) { asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" :: "r"(weft_shared_address(to)), "l"(from) : "memory"); }
WEFT void weft_copy(uint4* to, const uint4* from) { asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" :: "r"(weft_shared_address(to)), "l"(from) : "memory"); }
WEFT void weft_copy(uint2* to, const uint2* from) { asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" :: "r"(weft_shared_address(to)), "l"(from) : "memory"); }
WEFT void weft_copy(float* to, const float* from) { asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" :: "r"(weft_shared_address(to)), "l"(from) : "memory"); }
WEFT void weft_copy(unsigned* to, const unsigned* from) { asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" :: "r"(weft_shared_address(to)), "l"(from) : "memory"); }
WEFT void weft_copy(int* to, const int* from) { asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" :: "r"(weft_shared_address(to)), "l"(from) : "memory"); }
WEFT void weft_copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int pending> WEFT void weft_copy_wait() { asm volatile("cp.async.wait_group %0;" :: "n"(pending) : "memory"); }
#else
WEFT void weft_copy(float4* to, const float4* from) { *to = *from; }
WEFT void weft_copy(uint4* to, const uint4* from) { *to = *from; }
WEFT void weft_copy(uint2* to, const uint2* from) { *to = *from; }
WEFT void weft_copy(float* to, const float* from) { *to = *from; }
WEFT void weft_copy(unsigned* to, const unsigned* from) { *to = *from; }
WEFT void weft_copy(int* to, const int* from) { *to = *from; }
WEFT void weft_copy_commit() {}
template <int pending> WEFT void weft_copy_wait() {}
#endif

#if __CUDA_ARCH__ >= 900
WEFT unsigned weft_cluster_rank() { unsigned rank; asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank)); return rank; }
struct __align__(64) weft_tensor_map { unsigned long long words[16]; };
// One arrival a phase: that of the thread that commits.
WEFT void weft_arrivals(unsigned long long* arrivals, unsigned count) {
  if (threadIdx.x == 0) {
    for (unsigned i = 0; i < count; i++) asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" :: "r"(weft_shared_address(&arrivals[i])) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
}
WEFT void weft_tensor_copy(void* to, const weft_tensor_map* map, unsigned row, unsigned col, unsigned long long* arrival, unsigned bytes) {
  if (threadIdx.x != 0) return;
  asm volatile("mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%0], %1;" :: "r"(weft_shared_address(arrival)), "r"(bytes) : "memory");
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];"
    :: "r"(weft_shared_address(to)), "l"(map), "r"(col), "r"(row), "r"(weft_shared_address(arrival)) : "memory");
}
WEFT void weft_tensor_commit(unsigned long long* arrival) {
  if (threadIdx.x == 0) asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(weft_shared_address(arrival)) : "memory");
}
WEFT void weft_tensor_wait(unsigned long long* arrival, unsigned parity) {
  unsigned done;
  do asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
    : "=r"(done) : "r"(weft_shared_address(arrival)), "r"(parity) : "memory");
  while (!done);
}
#endif
