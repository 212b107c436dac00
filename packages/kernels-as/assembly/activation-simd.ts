// Activation functions on eight lanes of int16: the same integers as activation.ts.
import {
  ACTIVATION_HARD_SIGMOID,
  ACTIVATION_LEAKY,
  ACTIVATION_LINEAR,
  ACTIVATION_RELU,
  ACTIVATION_SIGMOID,
  ACTIVATION_TANH,
} from "./format.gen";
import { TANH_HALF } from "./tables.gen";

// Indices of a table look-up leave in two words of 64 bits: cheaper than lane by lane, or than a store and narrow loads.

/** Words of TANH_HALF at the four byte indices in q. */
// @ts-ignore: decorator
@inline
function gatherTanh(q: u64): v128 {
  const low = <u32>q;
  const high = <u32>(q >> 32);
  let w = v128.load32_zero(low & 0xffff, TANH_HALF);
  w = v128.load32_lane(low >> 16, w, 1, TANH_HALF);
  w = v128.load32_lane(high & 0xffff, w, 2, TANH_HALF);
  return v128.load32_lane(high >> 16, w, 3, TANH_HALF);
}

/** Words of `table` at the four byte indices in q. */
// @ts-ignore: decorator
@inline
function gather(table: usize, q: u64): v128 {
  const low = <u32>q;
  const high = <u32>(q >> 32);
  let w = v128.load32_zero(table + (low & 0xffff));
  w = v128.load32_lane(table + (low >> 16), w, 1);
  w = v128.load32_lane(table + (high & 0xffff), w, 2);
  return v128.load32_lane(table + (high >> 16), w, 3);
}

// @ts-ignore: decorator
@inline
function interleaveLow(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function interleaveHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** (4): value * 128 + delta * fraction is one dot product of a table word. */
// @ts-ignore: decorator
@inline
export function tanhHalf8(p: v128): v128 {
  const s = i16x8.shr_s(p, 15);
  const a = i16x8.abs(p);
  const index = v128.and(i16x8.shr_u(a, 5), i16x8.splat(0x7fc));
  const fraction = v128.and(a, i16x8.splat(127));
  const one = i16x8.splat(128);
  const low = i32x4.shr_s(i32x4.dot_i16x8_s(gatherTanh(i64x2.extract_lane(index, 0)), interleaveLow(fraction, one)), 7);
  const high = i32x4.shr_s(i32x4.dot_i16x8_s(gatherTanh(i64x2.extract_lane(index, 1)), interleaveHigh(fraction, one)), 7);
  return i16x8.sub(v128.xor(i16x8.narrow_i32x4_s(low, high), s), s);
}

/** (7) */
// @ts-ignore: decorator
@inline
export function sigmoid8(p: v128): v128 {
  return i16x8.shr_u(v128.xor(tanhHalf8(p), i16x8.splat(-32768)), 1);
}

/** (10): T[i] * (256 - f) + T[i + 1] * f is one dot product of two neighbours. */
function table8(p: v128, table: usize): v128 {
  const u = v128.xor(p, i16x8.splat(-32768));
  const index = i16x8.shl(i16x8.shr_u(u, 8), 1);
  const right = v128.and(u, i16x8.splat(255));
  const left = i16x8.sub(i16x8.splat(256), right);
  const half = i32x4.splat(128);
  const low = i32x4.dot_i16x8_s(gather(table, i64x2.extract_lane(index, 0)), interleaveLow(left, right));
  const high = i32x4.dot_i16x8_s(gather(table, i64x2.extract_lane(index, 1)), interleaveHigh(left, right));
  return i16x8.narrow_i32x4_s(i32x4.shr_s(i32x4.add(low, half), 8), i32x4.shr_s(i32x4.add(high, half), 8));
}

/** (5) to (11) for eight saturated pre-activations. */
export function act8(kind: i32, p: v128, param: i32, table: usize): v128 {
  if (kind == ACTIVATION_SIGMOID) return sigmoid8(p);
  if (kind == ACTIVATION_TANH) return tanhHalf8(p);
  if (kind == ACTIVATION_LINEAR) return p;
  const zero = i16x8.splat(0);
  if (kind == ACTIVATION_RELU) return i16x8.min_s(i16x8.max_s(p, zero), i16x8.splat(<i16>param));
  if (kind == ACTIVATION_HARD_SIGMOID) return i16x8.max_s(i16x8.add_sat_s(p, i16x8.splat(16384)), zero);
  if (kind == ACTIVATION_LEAKY) {
    return v128.bitselect(i16x8.q15mulr_sat_s(p, i16x8.splat(<i16>param)), p, i16x8.shr_s(p, 15));
  }
  return table8(p, table);
}
