// Integer helpers of KERNELS.md 1, and moves of whole words. Nothing here reads outside what it is given.

/** (1) min(max(a, -32768), 32767). */
// @ts-ignore: decorator
@inline
export function sat16(a: i32): i32 {
  return max(min(a, 32767), -32768);
}

/** (2) Right shift by 0 <= s <= 30 that rounds halves up. */
// @ts-ignore: decorator
@inline
export function rshr(a: i32, s: i32): i32 {
  return (a + ((1 << s) >> 1)) >> s;
}

/** (3) Upper word of the 64-bit product, halves rounded up. */
// @ts-ignore: decorator
@inline
export function mulh(a: i32, m: i32): i32 {
  return <i32>((<i64>a * <i64>m + 0x80000000) >> 32);
}

/** sat16(mulh(a, m)), not inlined. */
export function scale16(a: i32, m: i32): i32 {
  return sat16(mulh(a, m));
}

/** sat16(rshr(a, s)), not inlined. */
export function shift16(a: i32, s: i32): i32 {
  return sat16(rshr(a, s));
}

// @ts-ignore: decorator
@inline
export function pad2(n: i32): i32 {
  return (n + 1) & ~1;
}

// @ts-ignore: decorator
@inline
export function pad4(n: i32): i32 {
  return (n + 3) & ~3;
}

// @ts-ignore: decorator
@inline
export function pad8(n: i32): i32 {
  return (n + 7) & ~7;
}

/** Bytes of a row of n int16. */
// @ts-ignore: decorator
@inline
export function rowBytes(n: i32): i32 {
  return pad8(n) << 1;
}

/**
 * Copies `bytes` (a multiple of 4) upwards in order, so that ranges may overlap where to <= from.
 */
export function copyWords(to: usize, from: usize, bytes: usize): void {
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 16 <= bytes; i += 16) v128.store(to + i, v128.load(from + i));
  }
  for (; i < bytes; i += 4) store<u32>(to + i, load<u32>(from + i));
}

/** Sets `bytes` (a multiple of 4) to zero. */
export function clearWords(to: usize, bytes: usize): void {
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 16 <= bytes; i += 16) v128.store(to + i, i32x4.splat(0));
  }
  for (; i < bytes; i += 4) store<u32>(to + i, 0);
}

/** Sets n int16 to `value` and the lanes behind them to zero, as every writer of a row must. */
export function fillRow(row: usize, n: i32, value: i32): void {
  for (let i = 0; i < n; i++) store<i16>(row + (i << 1), <i16>value);
  clearPad(row, n);
}

/** Sets the lanes n .. pad8(n) - 1 of a row to zero. */
export function clearPad(row: usize, n: i32): void {
  for (let i = n; i & 7; i++) store<i16>(row + (i << 1), 0);
}
