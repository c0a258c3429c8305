/**
 * Device functions that CUDA kernels call by name. The text needs no header, so that it compiles with a bare NVRTC:
 * half precision is `unsigned short` in memory and converted by PTX, and the matrix unit is reached through PTX's
 * `wmma` with tiles as structs of registers. Small floats are decoded by moving their bits to where a wider float
 * has them, which keeps subnormals because weft never compiles with flush-to-zero.
 */
const vectors = [
  { type: 'float4', scalar: 'float', make: 'make_float4', binary: ['+', '-', '*', '/'], unary: ['-'] },
  { type: 'int4', scalar: 'int', make: 'make_int4', binary: ['+', '-', '*', '&', '|', '^'], unary: ['-', '~'] },
  { type: 'uint4', scalar: 'unsigned', make: 'make_uint4', binary: ['+', '-', '*', '&', '|', '^'], unary: ['~'] },
] as const
const components = ['x', 'y', 'z', 'w'] as const
const each = (of: (c: string) => string): string => components.map(of).join(', ')
const range = (from: number, count: number, of: (i: number) => string): string => Array.from({ length: count }, (_, i) => of(from + i)).join(', ')
const registers = (from: number): string => `{${range(from, 8, i => `%${i}`)}}`

function vectorOperators(): string {
  const lines: string[] = []
  for (const { type, scalar, make, binary, unary } of vectors) {
    lines.push(`WEFT ${type} weft_splat(${scalar} a) { return ${make}(a, a, a, a); }`)
    for (const op of binary) lines.push(`WEFT ${type} operator${op}(${type} a, ${type} b) { return ${make}(${each(c => `a.${c} ${op} b.${c}`)}); }`)
    for (const op of unary) lines.push(`WEFT ${type} operator${op}(${type} a) { return ${make}(${each(c => `${op}a.${c}`)}); }`)
    if (type === 'float4') continue
    for (const op of ['<<', '>>']) lines.push(`WEFT ${type} operator${op}(${type} a, unsigned n) { return ${make}(${each(c => `a.${c} ${op} n`)}); }`)
  }
  return lines.join('\n')
}

/** Numeric conversion and reinterpretation, scalar functions applied to each component. */
function vectorConversions(): string {
  const rows = [
    ['weft_to_f32x4', 'float4', 'int4', '__int2float_rn'], ['weft_to_f32x4', 'float4', 'uint4', '__uint2float_rn'],
    ['weft_to_i32x4', 'int4', 'float4', '__float2int_rz'], ['weft_to_i32x4', 'int4', 'uint4', 'int'],
    ['weft_to_u32x4', 'uint4', 'float4', '__float2uint_rz'], ['weft_to_u32x4', 'uint4', 'int4', 'unsigned'],
    ['weft_as_f32x4', 'float4', 'int4', '__int_as_float'], ['weft_as_f32x4', 'float4', 'uint4', '__uint_as_float'],
    ['weft_as_i32x4', 'int4', 'float4', '__float_as_int'], ['weft_as_i32x4', 'int4', 'uint4', 'int'],
    ['weft_as_u32x4', 'uint4', 'float4', '__float_as_uint'], ['weft_as_u32x4', 'uint4', 'int4', 'unsigned'],
  ] as const
  return rows.map(([name, to, from, f]) => `WEFT ${to} ${name}(${from} a) { return make_${to}(${each(c => `${f}(a.${c})`)}); }`).join('\n')
}

/**
 * Waits until the launches before this one have ended and their memory is seen (PTX ISA, `griddepcontrol`), where one may begin before that;
 * returns at once where it did not.
 */
const awaitLaunches = `WEFT void weft_await_launches() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}`

/** Loads that leave no copy in the first-level cache: weights are read once. */
function streamingLoads(): string {
  const scalars = [['float', 'f32', 'f'], ['int', 's32', 'r'], ['unsigned', 'u32', 'r'], ['unsigned short', 'u16', 'h']] as const
  const load = 'ld.global.nc.L1::no_allocate'
  return [
    ...scalars.map(([type, ptx, constraint]) =>
      `WEFT ${type} weft_stream(const ${type}* p) { ${type} v; asm("${load}.${ptx} %0, [%1];" : "=${constraint}"(v) : "l"(p)); return v; }`),
    `WEFT uint2 weft_stream(const uint2* p) { uint2 v; asm("${load}.v2.u32 {%0, %1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(p)); return v; }`,
    `WEFT uint4 weft_stream(const uint4* p) { uint4 v; asm("${load}.v4.u32 {%0, %1, %2, %3}, [%4];" : ${each(c => `"=r"(v.${c})`)} : "l"(p)); return v; }`,
    `WEFT float4 weft_stream(const float4* p) { float4 v; asm("${load}.v4.f32 {%0, %1, %2, %3}, [%4];" : ${each(c => `"=f"(v.${c})`)} : "l"(p)); return v; }`,
  ].join('\n')
}

/** Tiles carry the order they were loaded in: the multiply instruction has to name it. */
function matrixTiles(): string {
  const orders = [{ columnMajor: false, ptx: 'row' }, { columnMajor: true, ptx: 'col' }] as const
  const lines = ['struct weft_matrix_c { float r[8]; };']
  for (const operand of ['a', 'b']) {
    lines.push(`template <bool columnMajor> struct weft_matrix_${operand} { unsigned r[8]; };`)
    for (const { columnMajor, ptx } of orders) {
      const type = `weft_matrix_${operand}<${columnMajor}>`
      lines.push(`WEFT ${type} weft_load_${operand}_${ptx}(const unsigned short* p, unsigned stride) {`,
        `  ${type} t;`,
        `  asm volatile("wmma.load.${operand}.sync.aligned.${ptx}.m16n16k16.shared.f16 ${registers(0)}, [%8], %9;"`,
        `    : ${range(0, 8, i => `"=r"(t.r[${i}])`)} : "r"((unsigned)__cvta_generic_to_shared(p)), "r"(stride) : "memory");`,
        '  return t;', '}')
    }
  }
  for (const a of orders) {
    for (const b of orders) {
      lines.push(`WEFT void weft_multiply(weft_matrix_c& c, weft_matrix_a<${a.columnMajor}> a, weft_matrix_b<${b.columnMajor}> b) {`,
        `  asm volatile("wmma.mma.sync.aligned.${a.ptx}.${b.ptx}.m16n16k16.f32.f32 ${registers(0)}, ${registers(8)}, ${registers(16)}, ${registers(0)};"`,
        `    : ${range(0, 8, i => `"+f"(c.r[${i}])`)}`,
        `    : ${range(0, 8, i => `"r"(a.r[${i}])`)}, ${range(0, 8, i => `"r"(b.r[${i}])`)});`, '}')
    }
  }
  lines.push('WEFT weft_matrix_c weft_matrix_zero() { return weft_matrix_c{}; }',
    'WEFT void weft_store_c(float* p, unsigned stride, weft_matrix_c t) {',
    `  asm volatile("wmma.store.d.sync.aligned.row.m16n16k16.shared.f32 [%0], {${range(1, 8, i => `%${i}`)}}, %9;"`,
    `    :: "r"((unsigned)__cvta_generic_to_shared(p)), ${range(0, 8, i => `"f"(t.r[${i}])`)}, "r"(stride) : "memory");`, '}')
  return lines.join('\n')
}

/** The text that stands before all kernels of a CUDA source. */
export const cudaPrelude = `#pragma nv_diag_suppress 177, 186 // what no kernel of this source uses; comparisons that constants decide
#define WEFT static __device__ __forceinline__
${vectorOperators()}
${vectorConversions()}
${awaitLaunches}
${streamingLoads()}

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
WEFT float4 weft_abs(float4 a) { return make_float4(${each(c => `fabsf(a.${c})`)}); }
WEFT int weft_abs(int a) { return a < 0 ? -a : a; }
WEFT unsigned weft_abs(unsigned a) { return a; }
WEFT float weft_min(float a, float b) { return fminf(a, b); }
WEFT float weft_max(float a, float b) { return fmaxf(a, b); }
WEFT float4 weft_min(float4 a, float4 b) { return make_float4(${each(c => `fminf(a.${c}, b.${c})`)}); }
WEFT float4 weft_max(float4 a, float4 b) { return make_float4(${each(c => `fmaxf(a.${c}, b.${c})`)}); }
WEFT int weft_min(int a, int b) { return a < b ? a : b; }
WEFT int weft_max(int a, int b) { return a > b ? a : b; }
WEFT unsigned weft_min(unsigned a, unsigned b) { return a < b ? a : b; }
WEFT unsigned weft_max(unsigned a, unsigned b) { return a > b ? a : b; }
WEFT float weft_fma(float a, float b, float c) { return fmaf(a, b, c); }
WEFT float4 weft_fma(float4 a, float4 b, float4 c) { return make_float4(${each(c => `fmaf(a.${c}, b.${c}, c.${c})`)}); }
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
WEFT float4 weft_shuffle_xor(float4 v, unsigned bits) { return make_float4(${each(c => `__shfl_xor_sync(0xffffffffu, v.${c}, bits)`)}); }

${matrixTiles()}
`
