// Activation functions on four lanes, and their slopes from their results alone.

/** As src/fused/kernels.ts numbers them. */
export const TANH = 0;
export const SIGMOID = 1;
export const HARD_SIGMOID = 2;
export const RELU = 3;

// tanh x = x P(x x) / Q(x x): rational function fitted to the least relative error on |x| <= 8 (Lawson's iteration on linear least
// squares), 6.5e-9 in exact arithmetic; with roundings at most 4e-7. tanh 8 = 1 - 2.3e-7 stands for what lies beyond.
const TANH_END: f32 = 8;
const P1: f32 = 1.34445057e-1;
const P2: f32 = 3.5716072e-3;
const P3: f32 = 2.18948144e-5;
const P4: f32 = 1.52306338e-8;
const Q1: f32 = 4.6777833e-1;
const Q2: f32 = 2.61644778e-2;
const Q3: f32 = 3.41130708e-4;
const Q4: f32 = 8.52253391e-7;

// @ts-ignore: decorator
@inline
function timesPlus(a: v128, b: v128, c: f32): v128 {
  return f32x4.add(f32x4.mul(a, b), f32x4.splat(c));
}

// @ts-ignore: decorator
@inline
function tanh4(value: v128): v128 {
  const x = f32x4.max(f32x4.splat(-TANH_END), f32x4.min(f32x4.splat(TANH_END), value));
  const t = f32x4.mul(x, x);
  const p = timesPlus(timesPlus(timesPlus(timesPlus(f32x4.splat(P4), t, P3), t, P2), t, P1), t, 1);
  const q = timesPlus(timesPlus(timesPlus(timesPlus(f32x4.splat(Q4), t, Q3), t, Q2), t, Q1), t, 1);
  const y = f32x4.div(f32x4.mul(x, p), q);
  return f32x4.max(f32x4.splat(-1), f32x4.min(f32x4.splat(1), y));
}

/** The function `kind` of four values; any other kind leaves them as they are. */
// @ts-ignore: decorator
@inline
export function activate(kind: i32, x: v128): v128 {
  if (kind == TANH) return tanh4(x);
  // 1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2
  const half = f32x4.splat(0.5);
  if (kind == SIGMOID) return f32x4.add(half, f32x4.mul(half, tanh4(f32x4.mul(half, x))));
  const zero = f32x4.splat(0);
  if (kind == HARD_SIGMOID) {
    return f32x4.max(zero, f32x4.min(f32x4.splat(1), timesPlus(x, f32x4.splat(0.2), 0.5)));
  }
  return kind == RELU ? f32x4.max(zero, x) : x;
}

/** Slopes of `kind` where its results are y. */
// @ts-ignore: decorator
@inline
export function slope(kind: i32, y: v128): v128 {
  const one = f32x4.splat(1);
  if (kind == TANH) return f32x4.sub(one, f32x4.mul(y, y));
  if (kind == SIGMOID) return f32x4.mul(y, f32x4.sub(one, y));
  const positive = f32x4.gt(y, f32x4.splat(0));
  if (kind == HARD_SIGMOID) return v128.and(v128.and(positive, f32x4.lt(y, one)), f32x4.splat(0.2));
  return kind == RELU ? v128.and(positive, one) : one;
}
