// The SIMD build's hot loop: four quads at a time. The raw word and its i16x8.shr_s go into i32x4.dot_i16x8_s as they
// are; the rows are taken apart once, at the end (KERNELS.md 3). Loops take two blocks a turn with a test between them:
// without it engines load all that both blocks need first, and run out of vector registers.

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

/** Sums of neighbours in a, then in b. */
// @ts-ignore: decorator
@inline
function addPairs(a: v128, b: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7));
}

/**
 * Results of two quads from their sums of raw halfwords (s: a0 a1 c0 c1) and of upper bytes (t: b0 b1 d0 d1).
 * @param sums rowOffset in all lanes
 */
// @ts-ignore: decorator
@inline
function finish8(s0: v128, t0: v128, s1: v128, t1: v128, sums: v128, p0: usize, p1: usize, out: usize): void {
  const upper = addPairs(t0, t1);
  const lower = i32x4.sub(i32x4.sub(addPairs(s0, s1), i32x4.shl(upper, 8)), sums);
  v128.store(out, requantize(v128.shuffle<i32>(lower, upper, 0, 4, 1, 5), p0));
  v128.store(out, requantize(v128.shuffle<i32>(lower, upper, 2, 6, 3, 7), p1), 16);
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
    const sums = i32x4.splat(sum);
    // steps to the second, third and fourth quad of four
    let d1 = stride, d2 = stride, d3 = stride, e1 = paramStride, e2 = paramStride, e3 = paramStride;
    for (; quads > 0; quads -= 4) {
      if (quads < 4) {
        d3 = e3 = 0;
        if (quads < 3) d2 = e2 = 0;
        if (quads < 2) d1 = e1 = 0;
      }
      const w1 = w + d1, w2 = w1 + d2, w3 = w2 + d3, p1 = params + e1, p2 = p1 + e2, p3 = p2 + e3;
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
      const x0 = v128.load64_splat(u);
      const a0 = v128.load(w0);
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(a0, x0));
      t0 = i32x4.add(t0, i32x4.dot_i16x8_s(i16x8.shr_s(a0, 8), x0));
      const b0 = v128.load(w1);
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(b0, x0));
      t1 = i32x4.add(t1, i32x4.dot_i16x8_s(i16x8.shr_s(b0, 8), x0));
      const c0 = v128.load(w2);
      s2 = i32x4.add(s2, i32x4.dot_i16x8_s(c0, x0));
      t2 = i32x4.add(t2, i32x4.dot_i16x8_s(i16x8.shr_s(c0, 8), x0));
      const d0 = v128.load(w3);
      s3 = i32x4.add(s3, i32x4.dot_i16x8_s(d0, x0));
      t3 = i32x4.add(t3, i32x4.dot_i16x8_s(i16x8.shr_s(d0, 8), x0));
      if (u + 8 >= end) break;
      const x1 = v128.load64_splat(u, 8);
      const a1 = v128.load(w0, 16);
      s0 = i32x4.add(s0, i32x4.dot_i16x8_s(a1, x1));
      t0 = i32x4.add(t0, i32x4.dot_i16x8_s(i16x8.shr_s(a1, 8), x1));
      const b1 = v128.load(w1, 16);
      s1 = i32x4.add(s1, i32x4.dot_i16x8_s(b1, x1));
      t1 = i32x4.add(t1, i32x4.dot_i16x8_s(i16x8.shr_s(b1, 8), x1));
      const c1 = v128.load(w2, 16);
      s2 = i32x4.add(s2, i32x4.dot_i16x8_s(c1, x1));
      t2 = i32x4.add(t2, i32x4.dot_i16x8_s(i16x8.shr_s(c1, 8), x1));
      const d1 = v128.load(w3, 16);
      s3 = i32x4.add(s3, i32x4.dot_i16x8_s(d1, x1));
      t3 = i32x4.add(t3, i32x4.dot_i16x8_s(i16x8.shr_s(d1, 8), x1));
      u += 16;
      w0 += 32;
      w1 += 32;
      w2 += 32;
      w3 += 32;
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
    w0 = first0 + (<usize>n0 << 4);
    w1 = first1 + (<usize>n0 << 4);
    w2 = first2 + (<usize>n0 << 4);
    w3 = first3 + (<usize>n0 << 4);
  }
  finish8(s0, t0, s1, t1, sums, p0, p1, out);
  finish8(s2, t2, s3, t3, sums, p2, p3, out + 32);
}

// @ts-ignore: decorator
@inline
function rows4(
  first0: usize, first1: usize, u0: usize, n0: i32, u1: usize, n1: i32,
  scale: v128, sums: v128, p0: usize, p1: usize, out: usize,
): void {
  let w0 = first0, w1 = first1, u = u0;
  let as0 = i32x4.splat(0), as4 = as0, as8 = as0, as12 = as0, bs0 = as0, bs4 = as0, bs8 = as0, bs12 = as0;
  let end = u + (<usize>n0 << 4);
  let part = 0;
  while (true) {
    while (u < end) {
      const x0 = v128.load(u);
      const a0 = v128.load(w0);
      as0 = i32x4.add(as0, i32x4.dot_i16x8_s(a0, x0));
      as4 = i32x4.add(as4, i32x4.dot_i16x8_s(i16x8.shr_s(a0, 4), x0));
      as8 = i32x4.add(as8, i32x4.dot_i16x8_s(i16x8.shr_s(a0, 8), x0));
      as12 = i32x4.add(as12, i32x4.dot_i16x8_s(i16x8.shr_s(a0, 12), x0));
      const b0 = v128.load(w1);
      bs0 = i32x4.add(bs0, i32x4.dot_i16x8_s(b0, x0));
      bs4 = i32x4.add(bs4, i32x4.dot_i16x8_s(i16x8.shr_s(b0, 4), x0));
      bs8 = i32x4.add(bs8, i32x4.dot_i16x8_s(i16x8.shr_s(b0, 8), x0));
      bs12 = i32x4.add(bs12, i32x4.dot_i16x8_s(i16x8.shr_s(b0, 12), x0));
      if (u + 16 >= end) break;
      const x1 = v128.load(u, 16);
      const a1 = v128.load(w0, 16);
      as0 = i32x4.add(as0, i32x4.dot_i16x8_s(a1, x1));
      as4 = i32x4.add(as4, i32x4.dot_i16x8_s(i16x8.shr_s(a1, 4), x1));
      as8 = i32x4.add(as8, i32x4.dot_i16x8_s(i16x8.shr_s(a1, 8), x1));
      as12 = i32x4.add(as12, i32x4.dot_i16x8_s(i16x8.shr_s(a1, 12), x1));
      const b1 = v128.load(w1, 16);
      bs0 = i32x4.add(bs0, i32x4.dot_i16x8_s(b1, x1));
      bs4 = i32x4.add(bs4, i32x4.dot_i16x8_s(i16x8.shr_s(b1, 4), x1));
      bs8 = i32x4.add(bs8, i32x4.dot_i16x8_s(i16x8.shr_s(b1, 8), x1));
      bs12 = i32x4.add(bs12, i32x4.dot_i16x8_s(i16x8.shr_s(b1, 12), x1));
      u += 32;
      w0 += 32;
      w1 += 32;
    }
    if (part) break;
    part = 1;
    as0 = i32x4.mul(as0, scale);
    as4 = i32x4.mul(as4, scale);
    as8 = i32x4.mul(as8, scale);
    as12 = i32x4.mul(as12, scale);
    bs0 = i32x4.mul(bs0, scale);
    bs4 = i32x4.mul(bs4, scale);
    bs8 = i32x4.mul(bs8, scale);
    bs12 = i32x4.mul(bs12, scale);
    u = u1;
    end = u1 + (<usize>n1 << 4);
    w0 = first0 + (<usize>n0 << 4);
    w1 = first1 + (<usize>n0 << 4);
  }
  v128.store(out, requantize(unpack4(as0, as4, as8, as12, sums), p0));
  v128.store(out, requantize(unpack4(bs0, bs4, bs8, bs12, sums), p1), 16);
}
