/**
 * The device functions that WGSL kernels call by name: decoding of packed weights. Each is exact for every code
 * without relying on subnormal arithmetic, which WGSL lets a device flush to zero: a subnormal code is converted as
 * an integer and scaled. Where the device stores f16 (and was seen to keep f16 subnormals), a shorter form goes
 * through f16, whose conversion to f32 is one instruction. A kernel's module holds only the functions it calls.
 */
export interface WgslFunction {
  readonly name: string
  /** For devices without f16. */
  readonly plain: string
  /** For devices with f16; absent where f16 gains nothing. */
  readonly f16?: string
}

/** Bits of e2m1 moved into an exponent of f32 biased by one: right for all codes but 0 and 1, which need 2v − 1. */
const e2m1x4 = `fn e2m1x4(codes: u32) -> vec4<f32> {
  let code = vec4<u32>(codes, codes >> 4u, codes >> 8u, codes >> 12u);
  let value = bitcast<vec4<f32>>(((code & vec4<u32>(7u)) << vec4<u32>(22u)) + vec4<u32>(0x3f000000u));
  let magnitude = select(value, value * 2.0 - 1.0, (code & vec4<u32>(6u)) == vec4<u32>(0u));
  return bitcast<vec4<f32>>(bitcast<vec4<u32>>(magnitude) | ((code & vec4<u32>(8u)) << vec4<u32>(28u)));
}`

/** e2m1 is f16 with the low bits of the exponent and the high bit of the mantissa, 2^14 too small. */
const e2m1x4F16 = `fn e2m1x4(codes: u32) -> vec4<f32> {
  let spread = (codes & 0xffffu) | (codes << 12u);
  let low = ((spread & 0x00070007u) << 9u) | ((spread & 0x00080008u) << 12u);
  let high = ((spread & 0x07000700u) << 1u) | ((spread & 0x08000800u) << 4u);
  return vec4<f32>(bitcast<vec4<f16>>(vec2<u32>(low, high))) * 16384.0;
}`

const u4x4 = `fn u4x4(codes: u32) -> vec4<f32> {
  return vec4<f32>(vec4<u32>(codes, codes >> 4u, codes >> 8u, codes >> 12u) & vec4<u32>(15u));
}`

const lookup16 = `fn lookup16(a: u32, b: u32, c: u32, d: u32, codes: u32) -> u32 {
  let code = vec4<u32>(codes, codes >> 4u, codes >> 8u, codes >> 12u);
  let low = select(vec4<u32>(a), vec4<u32>(b), (code & vec4<u32>(4u)) != vec4<u32>(0u));
  let high = select(vec4<u32>(c), vec4<u32>(d), (code & vec4<u32>(4u)) != vec4<u32>(0u));
  let word = select(low, high, (code & vec4<u32>(8u)) != vec4<u32>(0u));
  let byte = ((word >> ((code & vec4<u32>(3u)) << vec4<u32>(3u))) & vec4<u32>(255u)) << vec4<u32>(0u, 8u, 16u, 24u);
  return (byte.x | byte.y) | (byte.z | byte.w);
}`

const i8x4 = `fn i8x4(codes: u32) -> vec4<f32> {
  return vec4<f32>((bitcast<vec4<i32>>(vec4<u32>(codes)) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
}`

const f16x4 = `fn f16x4(a: u32, b: u32) -> vec4<f32> {
  let code = vec4<u32>(a, a >> 16u, b, b >> 16u);
  let tiny = vec4<f32>(code & vec4<u32>(0x3ffu)) * 5.9604644775390625e-8;
  let signed = bitcast<vec4<f32>>(bitcast<vec4<u32>>(tiny) | ((code & vec4<u32>(0x8000u)) << vec4<u32>(16u)));
  return select(vec4<f32>(unpack2x16float(a), unpack2x16float(b)), signed, (code & vec4<u32>(0x7c00u)) == vec4<u32>(0u));
}`

const f16x4F16 = `fn f16x4(a: u32, b: u32) -> vec4<f32> {
  return vec4<f32>(bitcast<vec4<f16>>(vec2<u32>(a, b)));
}`

const f16x1 = `fn f16x1(code: u32) -> f32 {
  let tiny = f32(code & 0x3ffu) * 5.9604644775390625e-8;
  let signed = bitcast<f32>(bitcast<u32>(tiny) | ((code & 0x8000u) << 16u));
  return select(unpack2x16float(code).x, signed, (code & 0x7c00u) == 0u);
}`

const f16x1F16 = `fn f16x1(code: u32) -> f32 {
  return f32(bitcast<vec2<f16>>(code).x);
}`

const bf16x4 = `fn bf16x4(a: u32, b: u32) -> vec4<f32> {
  return bitcast<vec4<f32>>(vec4<u32>(a << 16u, a & 0xffff0000u, b << 16u, b & 0xffff0000u));
}`

const bf16x1 = `fn bf16x1(code: u32) -> f32 {
  return bitcast<f32>(code << 16u);
}`

/** Bits of e4m3 moved into f32 with the bias changed from 7 to 127; codes below 8 are multiples of 2^-9. */
const e4m3 = `fn e4m3(code: u32) -> f32 {
  let magnitude = code & 0x7fu;
  let value = select(bitcast<f32>((magnitude << 20u) + 0x3c000000u), f32(magnitude) * 0.001953125, magnitude < 8u);
  return bitcast<f32>(bitcast<u32>(value) | ((code & 0x80u) << 24u));
}`

const sum4 = `fn sum4(v: vec4<f32>) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}`

/** Dawn's compiler keeps one constant for 0 and -0, whichever comes first, so -0 is made from a variable. */
export const negativeZero: WgslFunction = {
  name: 'negative_zero',
  plain: `fn negative_zero() -> f32 {
  var bits = 0x80000000u;
  return bitcast<f32>(bits);
}`,
}

/** Device functions by the intrinsic they spell. */
export const wgslFunctions = {
  e2m1x4: { name: 'e2m1x4', plain: e2m1x4, f16: e2m1x4F16 },
  u4x4: { name: 'u4x4', plain: u4x4 },
  lookup16: { name: 'lookup16', plain: lookup16 },
  i8x4: { name: 'i8x4', plain: i8x4 },
  f16x4: { name: 'f16x4', plain: f16x4, f16: f16x4F16 },
  f16: { name: 'f16x1', plain: f16x1, f16: f16x1F16 },
  bf16x4: { name: 'bf16x4', plain: bf16x4 },
  bf16: { name: 'bf16x1', plain: bf16x1 },
  e4m3: { name: 'e4m3', plain: e4m3 },
  sum4: { name: 'sum4', plain: sum4 },
} as const satisfies Record<string, WgslFunction>
