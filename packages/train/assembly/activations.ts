// Activation functions on four lanes, and their slopes from their results alone.

/** As src/fused/kernels.ts numbers them. */
export const TANH = 0;
export const SIGMOID = 1;
export const HARD_SIGMOID = 2;
export const RELU = 3;

// tanh x = x P(x x) / Q(x x): rational function fitted to the least relative error on |x| <= 8 (Lawson's iteration on linear least
// squares), 6.5e-9 in exact arithmetic; with roundings at most 4e-7. tanh 8 = 1 - 2.3e-7 stands for what lies beyond.
// In memory, since engines make each constant vector anew at every use, which takes longer than loading one.
const TABLE = memory.data<f32>([
  8, -8, 1, -1, 0.5, 1.52306338e-8, 2.18948144e-5, 3.5716072e-3, 1.34445057e-1, 8.52253391e-7, 3.41130708e-4, 2.61644778e-2,
  4.6777833e-1,
]);
const END = 0;
const MINUS_END = 4;
const ONE = 8;
const MINUS_ONE = 12;
const HALF = 16;
const P4 = 20;
const P3 = 24;
const P2 = 28;
const P1 = 32;
const Q4 = 36;
const Q3 = 40;
const Q2 = 44;
const Q1 = 48;

// @ts-ignore: decorator
@inline
function constant(place: usize): v128 {
  return v128.load_splat<f32>(TABLE + place);
}

// @ts-ignore: decorator
@inline
function timesPlus(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}

/** 1 + t (a1 + a2 t). */
// @ts-ignore: decorator
@inline
function parabola(t: v128, a2: usize, a1: usize): v128 {
  return timesPlus(timesPlus(constant(a2), t, constant(a1)), t, constant(ONE));
}

// @ts-ignore: decorator
@inline
function tanh4(value: v128): v128 {
  const one = constant(ONE);
  const x = f32x4.max(constant(MINUS_END), f32x4.min(constant(END), value));
  const t = f32x4.mul(x, x);
  // Terms of degree 3 and 4, and the others, side by side: a shorter chain than one term behind the other.
  const cube = f32x4.mul(t, f32x4.mul(t, t));
  const p = timesPlus(timesPlus(constant(P4), t, constant(P3)), cube, parabola(t, P2, P1));
  const q = timesPlus(timesPlus(constant(Q4), t, constant(Q3)), cube, parabola(t, Q2, Q1));
  const y = f32x4.div(f32x4.mul(x, p), q);
  return f32x4.max(constant(MINUS_ONE), f32x4.min(one, y));
}

/** The function `kind` of four values; any other kind leaves them as they are. */
// @ts-ignore: decorator
@inline
export function activate(kind: i32, x: v128): v128 {
  if (kind == TANH) return tanh4(x);
  // 1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2
  const half = constant(HALF);
  if (kind == SIGMOID) return f32x4.add(half, f32x4.mul(half, tanh4(f32x4.mul(half, x))));
  const zero = f32x4.splat(0);
  if (kind == HARD_SIGMOID) {
    return f32x4.max(zero, f32x4.min(f32x4.splat(1), timesPlus(x, f32x4.splat(0.2), half)));
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

/** The function `kind` of `bytes` bytes of values, in place. */
export function activateRange(kind: i32, at: usize, bytes: i32): void {
  const end = at + bytes;
  if (kind == TANH) for (; at < end; at += 16) v128.store(at, tanh4(v128.load(at)));
  else if (kind == SIGMOID) for (; at < end; at += 16) v128.store(at, activate(SIGMOID, v128.load(at)));
  else for (; at < end; at += 16) v128.store(at, activate(kind, v128.load(at)));
}
