/**
 * Scales that the kernel form itself decodes, without a device function.
 */
import { select, u32, type Value } from '../value.js'

/** 2^(code − 127) of a code below 255, which is NaN and refused when weights are loaded. The least is subnormal, and zero where a device flushes. */
export function e8m0(code: Value): Value {
  return select(code.eq(0), u32(0x00400000), code.shl(23)).bitcast('f32')
}
