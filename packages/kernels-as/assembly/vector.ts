// Small helpers on eight lanes of int16, SIMD build only.

// Eight lanes that are set, then eight that are not.
// @ts-ignore: decorator
@lazy const LANES: usize = memory.data<i16>([-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0], 16);

/** A mask of the first 0 < n <= 8 lanes. */
// @ts-ignore: decorator
@inline
export function firstLanes(n: i32): v128 {
  return v128.load(LANES + 16 - (<usize>n << 1));
}

/** sat16(mulh(x << 16, multiplier)); a power of two from 2^16, as LSTM cells have it, is a shift. */
// @ts-ignore: decorator
@inline
export function scale8(x: v128, multiplier: i32): v128 {
  if (multiplier >= 65536 && (multiplier & (multiplier - 1)) == 0) {
    const shift = ctz(multiplier) - 16;
    return i16x8.narrow_i32x4_s(
      i32x4.shl(i32x4.extend_low_i16x8_s(x), shift),
      i32x4.shl(i32x4.extend_high_i16x8_s(x), shift),
    );
  }
  return scaleAny8(x, multiplier);
}

/** With m = m1 * 2^16 + m0: (x * m + 2^15) >> 16 = x * m1 + ((x * m0 + 2^15) >> 16), m0 unsigned. */
function scaleAny8(x: v128, multiplier: i32): v128 {
  return i16x8.narrow_i32x4_s(
    scaleAny4(i32x4.extend_low_i16x8_s(x), multiplier),
    scaleAny4(i32x4.extend_high_i16x8_s(x), multiplier),
  );
}

function scaleAny4(x: v128, multiplier: i32): v128 {
  const low = i32x4.mul(x, i32x4.splat(multiplier & 0xffff));
  const high = i32x4.mul(x, i32x4.splat(multiplier >> 16));
  return i32x4.add(high, i32x4.shr_s(i32x4.add(low, i32x4.splat(1 << 15)), 16));
}
