// The SIMD build's hot loop: four quads at a time. The raw word and its i16x8.shr_s go into i32x4.dot_i16x8_s as they
// are; the rows are taken apart once, at the end (KERNELS.md 3). Loops take several blocks a turn with a test behind each:
// without it engines load all that the blocks need first, and run out of vector registers. The two parts have a loop each:
// one loop for both takes 4 % longer (README.md).

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

/** sum + the dot products of neighbours. */
// @ts-ignore: decorator
@inline
function addDot(sum: v128, a: v128, b: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(a, b));
}

/** See `quadRows` in rows.ts. Of fewer than four quads the last is repeated; the last four of more begin earlier. */
export function quadRows8(
  w: usize, stride: usize, quads: i32, u0: usize, n0: i32, u1: usize, n1: i32,
  k: i32, sum: i32, params: usize, paramStride: usize, out: usize,
): void {
  const scale = i32x4.splat(1 << k), sums = i32x4.splat(sum);
  // steps to the second, third and fourth quad of four
  const d1 = quads > 1 ? stride : 0, d2 = quads > 2 ? stride : 0, d3 = quads > 3 ? stride : 0;
  const e1 = quads > 1 ? paramStride : 0, e2 = quads > 2 ? paramStride : 0, e3 = quads > 3 ? paramStride : 0;
  while (true) {
    const w1 = w + d1, w2 = w1 + d2, w3 = w2 + d3, p1 = params + e1, p2 = p1 + e2, p3 = p2 + e3;
    fourQuads8(w, w1, w2, w3, u0, n0, u1, n1, scale, sums, params, p1, p2, p3, out);
    quads -= 4;
    if (quads <= 0) break;
    const by = min(quads, 4);
    w += stride * by;
    params += paramStride * by;
    out += <usize>by << 4;
  }
}

// @ts-ignore: decorator
@inline
function fourQuads8(
  first0: usize, first1: usize, first2: usize, first3: usize, u0: usize, n0: i32, u1: usize, n1: i32,
  scale: v128, sums: v128, p0: usize, p1: usize, p2: usize, p3: usize, out: usize,
): void {
  let w0 = first0, w1 = first1, w2 = first2, w3 = first3, u = u0, end = u0 + (<usize>n0 << 3), a: v128, x: v128;
  let s0 = i32x4.splat(0), t0 = s0, s1 = s0, t1 = s0, s2 = s0, t2 = s0, s3 = s0, t3 = s0;
  while (true) {
    x = v128.load64_splat(u);
    a = v128.load(w0); s0 = addDot(s0, a, x); t0 = addDot(t0, i16x8.shr_s(a, 8), x);
    a = v128.load(w1); s1 = addDot(s1, a, x); t1 = addDot(t1, i16x8.shr_s(a, 8), x);
    a = v128.load(w2); s2 = addDot(s2, a, x); t2 = addDot(t2, i16x8.shr_s(a, 8), x);
    a = v128.load(w3); s3 = addDot(s3, a, x); t3 = addDot(t3, i16x8.shr_s(a, 8), x);
    if ((u += 8) >= end) break;
    x = v128.load64_splat(u);
    a = v128.load(w0, 16); s0 = addDot(s0, a, x); t0 = addDot(t0, i16x8.shr_s(a, 8), x);
    a = v128.load(w1, 16); s1 = addDot(s1, a, x); t1 = addDot(t1, i16x8.shr_s(a, 8), x);
    a = v128.load(w2, 16); s2 = addDot(s2, a, x); t2 = addDot(t2, i16x8.shr_s(a, 8), x);
    a = v128.load(w3, 16); s3 = addDot(s3, a, x); t3 = addDot(t3, i16x8.shr_s(a, 8), x);
    if ((u += 8) >= end) break;
    x = v128.load64_splat(u);
    a = v128.load(w0, 32); s0 = addDot(s0, a, x); t0 = addDot(t0, i16x8.shr_s(a, 8), x);
    a = v128.load(w1, 32); s1 = addDot(s1, a, x); t1 = addDot(t1, i16x8.shr_s(a, 8), x);
    a = v128.load(w2, 32); s2 = addDot(s2, a, x); t2 = addDot(t2, i16x8.shr_s(a, 8), x);
    a = v128.load(w3, 32); s3 = addDot(s3, a, x); t3 = addDot(t3, i16x8.shr_s(a, 8), x);
    if ((u += 8) >= end) break;
    x = v128.load64_splat(u);
    a = v128.load(w0, 48); s0 = addDot(s0, a, x); t0 = addDot(t0, i16x8.shr_s(a, 8), x);
    a = v128.load(w1, 48); s1 = addDot(s1, a, x); t1 = addDot(t1, i16x8.shr_s(a, 8), x);
    a = v128.load(w2, 48); s2 = addDot(s2, a, x); t2 = addDot(t2, i16x8.shr_s(a, 8), x);
    a = v128.load(w3, 48); s3 = addDot(s3, a, x); t3 = addDot(t3, i16x8.shr_s(a, 8), x);
    if ((u += 8) >= end) break;
    w0 += 64;
    w1 += 64;
    w2 += 64;
    w3 += 64;
  }
  if (n1) {
    s0 = i32x4.mul(s0, scale);
    t0 = i32x4.mul(t0, scale);
    s1 = i32x4.mul(s1, scale);
    t1 = i32x4.mul(t1, scale);
    s2 = i32x4.mul(s2, scale);
    t2 = i32x4.mul(t2, scale);
    s3 = i32x4.mul(s3, scale);
    t3 = i32x4.mul(t3, scale);
    w0 = first0 + (<usize>n0 << 4);
    w1 = first1 + (<usize>n0 << 4);
    w2 = first2 + (<usize>n0 << 4);
    w3 = first3 + (<usize>n0 << 4);
    u = u1;
    end = u1 + (<usize>n1 << 3);
    while (true) {
      x = v128.load64_splat(u);
      a = v128.load(w0); s0 = addDot(s0, a, x); t0 = addDot(t0, i16x8.shr_s(a, 8), x);
      a = v128.load(w1); s1 = addDot(s1, a, x); t1 = addDot(t1, i16x8.shr_s(a, 8), x);
      a = v128.load(w2); s2 = addDot(s2, a, x); t2 = addDot(t2, i16x8.shr_s(a, 8), x);
      a = v128.load(w3); s3 = addDot(s3, a, x); t3 = addDot(t3, i16x8.shr_s(a, 8), x);
      if ((u += 8) >= end) break;
      x = v128.load64_splat(u);
      a = v128.load(w0, 16); s0 = addDot(s0, a, x); t0 = addDot(t0, i16x8.shr_s(a, 8), x);
      a = v128.load(w1, 16); s1 = addDot(s1, a, x); t1 = addDot(t1, i16x8.shr_s(a, 8), x);
      a = v128.load(w2, 16); s2 = addDot(s2, a, x); t2 = addDot(t2, i16x8.shr_s(a, 8), x);
      a = v128.load(w3, 16); s3 = addDot(s3, a, x); t3 = addDot(t3, i16x8.shr_s(a, 8), x);
      if ((u += 8) >= end) break;
      x = v128.load64_splat(u);
      a = v128.load(w0, 32); s0 = addDot(s0, a, x); t0 = addDot(t0, i16x8.shr_s(a, 8), x);
      a = v128.load(w1, 32); s1 = addDot(s1, a, x); t1 = addDot(t1, i16x8.shr_s(a, 8), x);
      a = v128.load(w2, 32); s2 = addDot(s2, a, x); t2 = addDot(t2, i16x8.shr_s(a, 8), x);
      a = v128.load(w3, 32); s3 = addDot(s3, a, x); t3 = addDot(t3, i16x8.shr_s(a, 8), x);
      if ((u += 8) >= end) break;
      x = v128.load64_splat(u);
      a = v128.load(w0, 48); s0 = addDot(s0, a, x); t0 = addDot(t0, i16x8.shr_s(a, 8), x);
      a = v128.load(w1, 48); s1 = addDot(s1, a, x); t1 = addDot(t1, i16x8.shr_s(a, 8), x);
      a = v128.load(w2, 48); s2 = addDot(s2, a, x); t2 = addDot(t2, i16x8.shr_s(a, 8), x);
      a = v128.load(w3, 48); s3 = addDot(s3, a, x); t3 = addDot(t3, i16x8.shr_s(a, 8), x);
      if ((u += 8) >= end) break;
      w0 += 64;
      w1 += 64;
      w2 += 64;
      w3 += 64;
    }
  }
  finish8(s0, t0, s1, t1, sums, p0, p1, out);
  finish8(s2, t2, s3, t3, sums, p2, p3, out + 32);
}

/** See `quadRows` in rows.ts. An odd quad at the end is computed twice. */
export function quadRows4(
  w: usize, stride: usize, quads: i32, u0: usize, n0: i32, u1: usize, n1: i32,
  k: i32, sum: i32, params: usize, paramStride: usize, out: usize,
): void {
  const scale = i32x4.splat(1 << k), sums = v128.and(i32x4.splat(sum), i32x4(-1, -1, -1, 0));
  for (; quads > 0; quads -= 2) {
    const w1 = quads > 1 ? w + stride : w, p1 = quads > 1 ? params + paramStride : params;
    twoQuads4(w, w1, u0, n0, u1, n1, scale, sums, params, p1, out);
    w = w1 + stride;
    params = p1 + paramStride;
    out += 32;
  }
}

// @ts-ignore: decorator
@inline
function twoQuads4(
  first0: usize, first1: usize, u0: usize, n0: i32, u1: usize, n1: i32,
  scale: v128, sums: v128, p0: usize, p1: usize, out: usize,
): void {
  let w0 = first0, w1 = first1, u = u0, end = u0 + (<usize>n0 << 4), w: v128, x: v128;
  let a0 = i32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  while (true) {
    x = v128.load(u);
    w = v128.load(w0); a0 = addDot(a0, w, x); a1 = addDot(a1, i16x8.shr_s(w, 4), x);
    a2 = addDot(a2, i16x8.shr_s(w, 8), x); a3 = addDot(a3, i16x8.shr_s(w, 12), x);
    w = v128.load(w1); b0 = addDot(b0, w, x); b1 = addDot(b1, i16x8.shr_s(w, 4), x);
    b2 = addDot(b2, i16x8.shr_s(w, 8), x); b3 = addDot(b3, i16x8.shr_s(w, 12), x);
    if ((u += 16) >= end) break;
    x = v128.load(u);
    w = v128.load(w0, 16); a0 = addDot(a0, w, x); a1 = addDot(a1, i16x8.shr_s(w, 4), x);
    a2 = addDot(a2, i16x8.shr_s(w, 8), x); a3 = addDot(a3, i16x8.shr_s(w, 12), x);
    w = v128.load(w1, 16); b0 = addDot(b0, w, x); b1 = addDot(b1, i16x8.shr_s(w, 4), x);
    b2 = addDot(b2, i16x8.shr_s(w, 8), x); b3 = addDot(b3, i16x8.shr_s(w, 12), x);
    if ((u += 16) >= end) break;
    w0 += 32;
    w1 += 32;
  }
  if (n1) {
    a0 = i32x4.mul(a0, scale);
    a1 = i32x4.mul(a1, scale);
    a2 = i32x4.mul(a2, scale);
    a3 = i32x4.mul(a3, scale);
    b0 = i32x4.mul(b0, scale);
    b1 = i32x4.mul(b1, scale);
    b2 = i32x4.mul(b2, scale);
    b3 = i32x4.mul(b3, scale);
    w0 = first0 + (<usize>n0 << 4);
    w1 = first1 + (<usize>n0 << 4);
    u = u1;
    end = u1 + (<usize>n1 << 4);
    while (true) {
      x = v128.load(u);
      w = v128.load(w0); a0 = addDot(a0, w, x); a1 = addDot(a1, i16x8.shr_s(w, 4), x);
      a2 = addDot(a2, i16x8.shr_s(w, 8), x); a3 = addDot(a3, i16x8.shr_s(w, 12), x);
      w = v128.load(w1); b0 = addDot(b0, w, x); b1 = addDot(b1, i16x8.shr_s(w, 4), x);
      b2 = addDot(b2, i16x8.shr_s(w, 8), x); b3 = addDot(b3, i16x8.shr_s(w, 12), x);
      if ((u += 16) >= end) break;
      x = v128.load(u);
      w = v128.load(w0, 16); a0 = addDot(a0, w, x); a1 = addDot(a1, i16x8.shr_s(w, 4), x);
      a2 = addDot(a2, i16x8.shr_s(w, 8), x); a3 = addDot(a3, i16x8.shr_s(w, 12), x);
      w = v128.load(w1, 16); b0 = addDot(b0, w, x); b1 = addDot(b1, i16x8.shr_s(w, 4), x);
      b2 = addDot(b2, i16x8.shr_s(w, 8), x); b3 = addDot(b3, i16x8.shr_s(w, 12), x);
      if ((u += 16) >= end) break;
      w0 += 32;
      w1 += 32;
    }
  }
  v128.store(out, requantize(unpack4(a0, a1, a2, a3, sums), p0));
  v128.store(out, requantize(unpack4(b0, b1, b2, b3, sums), p1), 16);
}
