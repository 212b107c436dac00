// The SIMD build's hot loop: four quads at a time. The raw word and its i16x8.shr_s go into i32x4.dot_i16x8_s as they
// are; the rows are taken apart once, at the end (KERNELS.md 3).

/** Sum of `lanes` (a multiple of 4) int16. */
export function rowSumSimd(u: usize, lanes: i32): i32 {
  const one = i16x8.splat(1);
  let sum = i32x4.splat(0);
  for (; lanes >= 8; lanes -= 8) {
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load(u), one));
    u += 16;
  }
  if (lanes) sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load64_zero(u), one));
  sum = i32x4.add(sum, v128.shuffle<i32>(sum, sum, 2, 3, 0, 1));
  return i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1);
}

/** Row sums A, B, C, D from the sums of raw halfwords (s: a0 a1 c0 c1) and of upper bytes (t: b0 b1 d0 d1). */
// @ts-ignore: decorator
@inline
function unpack8(s: v128, t: v128, sum: v128): v128 {
  const pairs = i32x4.add(v128.shuffle<i32>(s, t, 0, 2, 4, 6), v128.shuffle<i32>(s, t, 1, 3, 5, 7));
  const rows = v128.shuffle<i32>(pairs, pairs, 0, 2, 1, 3);
  return i32x4.sub(i32x4.sub(rows, i32x4.shl(i64x2.shr_u(rows, 32), 8)), sum);
}

/** Row sums A, B, C, D from the sums of halfwords shifted right by 0, 4, 8, 12; (14). */
// @ts-ignore: decorator
@inline
function unpack4(s0: v128, s4: v128, s8: v128, s12: v128, sum: v128): v128 {
  const low = i32x4.add(v128.shuffle<i32>(s0, s4, 0, 2, 4, 6), v128.shuffle<i32>(s0, s4, 1, 3, 5, 7));
  const high = i32x4.add(v128.shuffle<i32>(s8, s12, 0, 2, 4, 6), v128.shuffle<i32>(s8, s12, 1, 3, 5, 7));
  const all = i32x4.add(v128.shuffle<i32>(low, high, 0, 2, 4, 6), v128.shuffle<i32>(low, high, 1, 3, 5, 7));
  const next = v128.shuffle<i32>(all, i32x4.splat(0), 1, 2, 3, 4);
  return i32x4.shr_s(i32x4.shl(i32x4.sub(i32x4.sub(all, i32x4.shl(next, 4)), sum), 4), 4);
}

/** (15) of four rows, unsaturated. */
// @ts-ignore: decorator
@inline
function requantize(acc: v128, params: usize): v128 {
  const sum = i32x4.add(acc, v128.load(params));
  const multiplier = v128.load(params, 16);
  const half = i64x2.splat(0x80000000);
  const low = i64x2.add(i64x2.extmul_low_i32x4_s(sum, multiplier), half);
  const high = i64x2.add(i64x2.extmul_high_i32x4_s(sum, multiplier), half);
  return v128.shuffle<i32>(low, high, 1, 3, 5, 7);
}

/** See `quadRows` in rows.ts. Missing quads of the last four repeat the last one. */
export function quadRowsSimd(
  bits: i32, w: usize, stride: usize, quads: i32, u0: usize, n0: i32, u1: usize, n1: i32,
  k: i32, sum: i32, params: usize, paramStride: usize, out: usize,
): void {
  const scale = i32x4.splat(1 << k);
  if (bits == 8) {
    const sums = v128.and(i32x4.splat(sum), i64x2.splat(0xffffffff));
    for (; quads > 0; quads -= 4) {
      const w1 = quads > 1 ? w + stride : w, p1 = quads > 1 ? params + paramStride : params;
      const w2 = quads > 2 ? w1 + stride : w1, p2 = quads > 2 ? p1 + paramStride : p1;
      const w3 = quads > 3 ? w2 + stride : w2, p3 = quads > 3 ? p2 + paramStride : p2;
      rows8(w, w1, w2, w3, u0, n0, u1, n1, scale, sums, params, p1, p2, p3, out);
      w = w3 + stride;
      params = p3 + paramStride;
      out += 64;
    }
  } else {
    const sums = v128.and(i32x4.splat(sum), i32x4(-1, -1, -1, 0));
    for (; quads > 0; quads -= 2) {
      const w1 = quads > 1 ? w + stride : w, p1 = quads > 1 ? params + paramStride : params;
      rows4(w, w1, u0, n0, u1, n1, scale, sums, params, p1, out);
      w = w1 + stride;
      params = p1 + paramStride;
      out += 32;
    }
  }
}

// @ts-ignore: decorator
@inline
function rows8(
  first0: usize, first1: usize, first2: usize, first3: usize, u0: usize, n0: i32, u1: usize, n1: i32,
  scale: v128, sums: v128, p0: usize, p1: usize, p2: usize, p3: usize, out: usize,
): void {
  let w0 = first0, w1 = first1, w2 = first2, w3 = first3, u = u0;
  let s0 = i32x4.splat(0), t0 = s0, s1 = s0, t1 = s0, s2 = s0, t2 = s0, s3 = s0, t3 = s0;
  let end = u + (<usize>n0 << 3);
  let part = 0;
  while (true) {
    while (u < end) {
      const x = v128.load64_splat(u);
      const a = v128.load(w0);
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(a, x));
      t0 = i32x4.add(t0, i32x4.dot_i16x8_s(i16x8.shr_s(a, 8), x));
      const b = v128.load(w1);
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(b, x));
      t1 = i32x4.add(t1, i32x4.dot_i16x8_s(i16x8.shr_s(b, 8), x));
      const c = v128.load(w2);
      s2 = i32x4.add(s2, i32x4.dot_i16x8_s(c, x));
      t2 = i32x4.add(t2, i32x4.dot_i16x8_s(i16x8.shr_s(c, 8), x));
      const d = v128.load(w3);
      s3 = i32x4.add(s3, i32x4.dot_i16x8_s(d, x));
      t3 = i32x4.add(t3, i32x4.dot_i16x8_s(i16x8.shr_s(d, 8), x));
      u += 8;
      w0 += 16;
      w1 += 16;
      w2 += 16;
      w3 += 16;
    }
    if (part) break;
    part = 1;
    s0 = i32x4.mul(s0, scale);
    t0 = i32x4.mul(t0, scale);
    s1 = i32x4.mul(s1, scale);
    t1 = i32x4.mul(t1, scale);
    s2 = i32x4.mul(s2, scale);
    t2 = i32x4.mul(t2, scale);
    s3 = i32x4.mul(s3, scale);
    t3 = i32x4.mul(t3, scale);
    u = u1;
    end = u1 + (<usize>n1 << 3);
  }
  v128.store(out, requantize(unpack8(s0, t0, sums), p0));
  v128.store(out, requantize(unpack8(s1, t1, sums), p1), 16);
  v128.store(out, requantize(unpack8(s2, t2, sums), p2), 32);
  v128.store(out, requantize(unpack8(s3, t3, sums), p3), 48);
}

// @ts-ignore: decorator
@inline
function rows4(
  first0: usize, first1: usize, u0: usize, n0: i32, u1: usize, n1: i32,
  scale: v128, sums: v128, p0: usize, p1: usize, out: usize,
): void {
  let w0 = first0, w1 = first1, u = u0;
  let a0 = i32x4.splat(0), a4 = a0, a8 = a0, a12 = a0, b0 = a0, b4 = a0, b8 = a0, b12 = a0;
  let end = u + (<usize>n0 << 4);
  let part = 0;
  while (true) {
    while (u < end) {
      const x = v128.load(u);
      const a = v128.load(w0);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(a, x));
      a4 = i32x4.add(a4, i32x4.dot_i16x8_s(i16x8.shr_s(a, 4), x));
      a8 = i32x4.add(a8, i32x4.dot_i16x8_s(i16x8.shr_s(a, 8), x));
      a12 = i32x4.add(a12, i32x4.dot_i16x8_s(i16x8.shr_s(a, 12), x));
      const b = v128.load(w1);
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(b, x));
      b4 = i32x4.add(b4, i32x4.dot_i16x8_s(i16x8.shr_s(b, 4), x));
      b8 = i32x4.add(b8, i32x4.dot_i16x8_s(i16x8.shr_s(b, 8), x));
      b12 = i32x4.add(b12, i32x4.dot_i16x8_s(i16x8.shr_s(b, 12), x));
      u += 16;
      w0 += 16;
      w1 += 16;
    }
    if (part) break;
    part = 1;
    a0 = i32x4.mul(a0, scale);
    a4 = i32x4.mul(a4, scale);
    a8 = i32x4.mul(a8, scale);
    a12 = i32x4.mul(a12, scale);
    b0 = i32x4.mul(b0, scale);
    b4 = i32x4.mul(b4, scale);
    b8 = i32x4.mul(b8, scale);
    b12 = i32x4.mul(b12, scale);
    u = u1;
    end = u1 + (<usize>n1 << 4);
  }
  v128.store(out, requantize(unpack4(a0, a4, a8, a12, sums), p0));
  v128.store(out, requantize(unpack4(b0, b4, b8, b12, sums), p1), 16);
}
