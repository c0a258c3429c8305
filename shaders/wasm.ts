/**
 * AssemblyScript text every kernel module shares: device functions that kernels call by name, and the driver that walks
 * launch records. The module has no static data and no globals, since all workers import one memory; constants live in
 * the code. Relaxed SIMD (fused multiply-add, a table lookup without a clamp) is used where the engine has it.
 *
 * The driver gives out tiles through one 64-bit cursor, (launch number, next tile), advanced by compare-exchange: a
 * worker that was descheduled holds nobody up, as whoever finishes a launch's last tile opens the next. Each tile is
 * computed by one worker, so results do not depend on who computes it.
 */

/** Functions that need no driver: arithmetic, storage formats. `w_` keeps their names apart from a kernel's. */
export function deviceFunctions(relaxed: boolean): string {
  return `
@inline function w_fma(a: v128, b: v128, c: v128): v128 { return ${relaxed ? 'f32x4.relaxed_madd(a, b, c)' : 'f32x4.add(f32x4.mul(a, b), c)'} }
@inline function w_swizzle(table: v128, index: v128): v128 { return ${relaxed ? 'i8x16.relaxed_swizzle(table, index)' : 'i8x16.swizzle(table, index)'} }

// The order is fixed: (0 + 2) + (1 + 3).
@inline function w_sum4(v: v128): f32 {
  const s = f32x4.add(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15))
  return f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1)
}

// e^x within 1 ulp: x = n ln 2 + r, a polynomial of degree 6 in r (Cephes expf), and 2^n in two factors so that
// subnormal results are exact.
function w_exp(x: f32): f32 {
  if (!(x <= <f32>88.72283)) return x != x ? x : reinterpret<f32>(0x7f800000)
  if (x < <f32>-103.98) return 0
  const n = nearest<f32>(x * <f32>1.44269504)
  const r = (x - n * <f32>0.693359375) + n * <f32>2.12194440e-4
  let p: f32 = 1.9875691500e-4
  p = p * r + <f32>1.3981999507e-3
  p = p * r + <f32>8.3334519073e-3
  p = p * r + <f32>4.1665795894e-2
  p = p * r + <f32>1.6666665459e-1
  p = p * r + <f32>5.0000001201e-1
  const y: f32 = p * (r * r) + r + <f32>1
  const whole = <i32>n
  const half = whole >> 1
  return y * reinterpret<f32>((half + 127) << 23) * reinterpret<f32>((whole - half + 127) << 23)
}

// ln x within 1 ulp (Cephes logf): the mantissa between √½ and √2, a polynomial of degree 8.
function w_log(x: f32): f32 {
  if (!(x > 0)) return x == 0 ? reinterpret<f32>(0xff800000) : reinterpret<f32>(0x7fc00000)
  if (x == reinterpret<f32>(0x7f800000)) return x
  let e: i32 = -126
  let bits = reinterpret<u32>(x)
  if (bits < 0x00800000) {
    bits = reinterpret<u32>(x * <f32>8388608)
    e -= 23
  }
  e += <i32>(bits >> 23)
  let m = reinterpret<f32>((bits & 0x007fffff) | 0x3f000000)
  if (m < <f32>0.707106781) {
    e -= 1
    m = m + m
  }
  m -= 1
  const z: f32 = m * m
  let p: f32 = 7.0376836292e-2
  p = p * m - <f32>1.1514610310e-1
  p = p * m + <f32>1.1676998740e-1
  p = p * m - <f32>1.2420140846e-1
  p = p * m + <f32>1.4249322787e-1
  p = p * m - <f32>1.6668057665e-1
  p = p * m + <f32>2.0000714765e-1
  p = p * m - <f32>2.4999993993e-1
  p = p * m + <f32>3.3333331174e-1
  let y: f32 = p * m * z
  y -= <f32>e * <f32>2.12194440e-4
  y -= <f32>0.5 * z
  return m + y + <f32>e * <f32>0.693359375
}

// f16 to f32: the exponent is corrected by a multiplication, which also normalizes subnormals; infinity and NaN need
// their exponent set.
function w_f16(h: u32): f32 {
  const magnitude: u32 = h & 0x7fff
  let bits = reinterpret<u32>(reinterpret<f32>(magnitude << 13) * reinterpret<f32>(0x77800000))
  if (magnitude > 0x7bff) bits |= 0x7f800000
  return reinterpret<f32>(bits | ((h & 0x8000) << 16))
}
// Four f16, zero-extended to 32 bits each.
@inline function w_f16x4(h: v128): v128 {
  const magnitude = v128.and(h, i32x4.splat(0x7fff))
  const scaled = f32x4.mul(i32x4.shl(magnitude, 13), i32x4.splat(0x77800000))
  const special = v128.and(i32x4.gt_s(magnitude, i32x4.splat(0x7bff)), i32x4.splat(0x7f800000))
  return v128.or(v128.or(scaled, special), i32x4.shl(v128.xor(h, magnitude), 16))
}

// f32 to f16, nearest even. Subnormal results come from adding 0.5, whose last mantissa bit is the smallest f16.
function w_toF16(x: f32): u32 {
  const all = reinterpret<u32>(x)
  let f = all & 0x7fffffff
  let out: u32
  if (f >= 0x47800000) out = f > 0x7f800000 ? 0x7e00 : 0x7c00
  else if (f < 0x38800000) out = reinterpret<u32>(reinterpret<f32>(f) + <f32>0.5) - 0x3f000000
  else out = (f - 0x38000000 + 0xfff + ((f >> 13) & 1)) >> 13
  return out | ((all & 0x80000000) >> 16)
}
// Four f32 to f16 in the low 16 bits of each lane.
function w_toF16x4(x: v128): v128 {
  const f = v128.and(x, i32x4.splat(0x7fffffff))
  const subnormal = i32x4.sub(f32x4.add(f, f32x4.splat(0.5)), i32x4.splat(0x3f000000))
  const odd = v128.and(i32x4.shr_u(f, 13), i32x4.splat(1))
  const normal = i32x4.shr_u(i32x4.add(i32x4.add(f, i32x4.splat(0xfff - 0x38000000)), odd), 13)
  const infinite = v128.bitselect(i32x4.splat(0x7e00), i32x4.splat(0x7c00), i32x4.gt_s(f, i32x4.splat(0x7f800000)))
  let out = v128.bitselect(subnormal, normal, i32x4.lt_s(f, i32x4.splat(0x38800000)))
  out = v128.bitselect(infinite, out, i32x4.gt_s(f, i32x4.splat(0x477fffff)))
  return v128.or(out, i32x4.shr_u(v128.xor(x, f), 16))
}
@inline function w_storeF16x4(at: usize, x: v128): void {
  const h = w_toF16x4(x)
  v128.store64_lane(at, i16x8.narrow_i32x4_u(h, h), 0)
}

// The code's nibble goes to a lane's top byte, the table holds twice the value, and the float is scaled back by 2^-25.
@inline function w_e2m1x4(codes: u32): v128 {
  const index = v128.and(i32x4.mul(i32x4.splat(codes), i32x4(0x1000000, 0x100000, 0x10000, 0x1000)), i32x4.splat(0x0f000000))
  const doubled = w_swizzle(i8x16(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12), index)
  const value = f32x4.mul(f32x4.convert_i32x4_s(doubled), f32x4.splat(reinterpret<f32>(0x33000000)))
  return v128.or(value, v128.and(i32x4.shl(index, 4), i32x4.splat(0x80000000)))
}
@inline function w_u4x4(codes: u32): v128 {
  const placed = v128.and(i32x4.splat(codes), i32x4(0xf, 0xf0, 0xf00, 0xf000))
  return f32x4.mul(f32x4.convert_i32x4_s(placed), f32x4(1, 0.0625, 0.00390625, 0.000244140625))
}
function w_lookup16(a: u32, b: u32, c: u32, d: u32, codes: u32): u32 {
  const table = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(a), 1, b), 2, c), 3, d)
  const pairs = (codes & 0xff) | ((codes & 0xff00) << 8)
  const index = (pairs | (pairs << 4)) & 0x0f0f0f0f
  return <u32>i32x4.extract_lane(w_swizzle(table, i32x4.splat(index)), 0)
}
@inline function w_i8x4(bytes: u32): v128 {
  return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(i32x4.splat(bytes))))
}
@inline function w_pair(low: u32, high: u32): v128 { return i32x4.replace_lane(i32x4.splat(low), 1, high) }
@inline function w_f16x4Of(low: u32, high: u32): v128 { return w_f16x4(i32x4.extend_low_i16x8_u(w_pair(low, high))) }
@inline function w_bf16x4(low: u32, high: u32): v128 { return i32x4.shl(i32x4.extend_low_i16x8_u(w_pair(low, high)), 16) }
@inline function w_e4m3(code: u32): f32 {
  return reinterpret<f32>(((code & 0x7f) << 20) | ((code & 0x80) << 24)) * reinterpret<f32>(0x7b800000)
}
`
}

/** Byte offsets in the block of shared memory through which workers agree; each line of 64 bytes has one writer's purpose. */
export const sync = {
  /** u64: next tile in the low word, launch number in the high word. */
  cursor: 0,
  /** Tile count of the current launch, at 4 × (launch number & 1). */
  tiles: 64,
  /** Where to write a time after each launch (f64, microseconds), or 0. */
  times: 72,
  workers: 76,
  /** Finished tiles of the current launch. */
  done: 128,
  /** Workers asleep. */
  sleepers: 192,
  /** Workers that have left the run. */
  left: 256,
  /** 1 once a worker has trapped; then the launch number, the message's length and its bytes. */
  failed: 320,
  failedAt: 324,
  messageBytes: 328,
  message: 332,
  bytes: 1024,
} as const

/** The launch number that ends every worker's loop at once. */
export const failedLaunch = 0xffffffff

/** Bytes of a launch record: kernel, args, factor count, then up to three tile factors of {state word or -1, per, times, most}. */
export const launchRecord = { kernel: 0, args: 4, factors: 8, first: 16, factorBytes: 16, maxFactors: 3, bytes: 64 } as const

/** Bytes at the start of a worker's scratch memory that hold the launch it works on. */
export const scratchHeader = 64

/**
 * The driver, with a switch over the module's kernels, numbered in the order of `functions`.
 * `run` works on the launches of `launches` until launch number `to`; number n stands for launch (n - 1) mod count, and
 * number 0, of one empty tile, opens the run.
 */
export function driver(functions: readonly string[]): string {
  const cases = functions.map((name, i) => `    case ${i}: ${name}(tile, args, scratch); break`).join('\n')
  const { first, factorBytes, factors, bytes } = launchRecord
  return `
@external("env", "now")
declare function now(): f64

function dispatch(kernel: u32, tile: u32, args: usize, scratch: usize): void {
  switch (kernel) {
${cases}
    default: unreachable()
  }
}

function tilesOf(launch: usize, state: usize): u32 {
  let tiles: u32 = 1
  const end: usize = launch + ${first} + load<u32>(launch, ${factors}) * ${factorBytes}
  for (let at: usize = launch + ${first}; at < end; at += ${factorBytes}) {
    const word = load<i32>(at)
    tiles *= load<u32>(at, 8)
    if (word >= 0) {
      const per = load<u32>(at, 4)
      tiles *= (min<u32>(load<u32>(state + (<usize>word << 2)), load<u32>(at, 12)) + per - 1) / per
    }
  }
  return tiles
}

// Opens the launch after \`at\`, skipping those without tiles. A cursor that has changed means the run has failed.
function advance(at: u32, tiles: u32, launches: usize, count: u32, last: u32, state: usize, sync: usize): void {
  const times = load<u32>(sync, ${sync.times})
  let next = at
  let most: u32 = 0
  do {
    if (times != 0) store<f64>(times + (<usize>next << 3), now())
    next++
    if (next > last) break
    most = tilesOf(launches + <usize>((next - 1) % count) * ${bytes}, state)
  } while (most == 0)
  atomic.store<u32>(sync, 0, ${sync.done})
  atomic.store<u32>(sync + ((next & 1) << 2), most, ${sync.tiles})
  atomic.cmpxchg<u64>(sync, (<u64>at << 32) | <u64>tiles, <u64>next << 32)
  if (atomic.load<u32>(sync, ${sync.sleepers}) != 0) atomic.notify(sync + 4, -1)
}

// A short wait is spent spinning; a long one asleep, so that a machine with other work is not slowed.
function rest(sync: usize, at: u32): void {
  for (let spin = 0; spin < 4000; spin++) if (atomic.load<u32>(sync, 4) != at) return
  atomic.add<u32>(sync, 1, ${sync.sleepers})
  atomic.wait<i32>(sync + 4, <i32>at, -1)
  atomic.sub<u32>(sync, 1, ${sync.sleepers})
}

export function run(launches: usize, count: u32, to: u32, last: u32, state: usize, sync: usize, scratch: usize): void {
  const workers = load<u32>(sync, ${sync.workers})
  while (true) {
    const cursor = atomic.load<u64>(sync)
    const at = <u32>(cursor >> 32)
    if (at >= to) return
    const tile = <u32>cursor
    const tiles = atomic.load<u32>(sync + ((at & 1) << 2), ${sync.tiles})
    if (tile >= tiles) {
      rest(sync, at)
      continue
    }
    // Large pieces first, single tiles at the end.
    const taken = max<u32>(1, (tiles - tile) / (workers << 2))
    if (atomic.cmpxchg<u64>(sync, cursor, cursor + <u64>taken) != cursor) continue
    store<u32>(scratch, at)
    if (at != 0) {
      const launch = launches + <usize>((at - 1) % count) * ${bytes}
      const kernel = load<u32>(launch)
      const args = load<u32>(launch, 4)
      for (let t = tile; t < tile + taken; t++) dispatch(kernel, t, args, scratch + ${scratchHeader})
    }
    if (atomic.add<u32>(sync, taken, ${sync.done}) + taken == tiles) advance(at, tiles, launches, count, last, state, sync)
  }
}
`
}
