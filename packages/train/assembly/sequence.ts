// What all cells have in common: the record that the host fills in, and products over all time steps at once.
import { multiply, multiplyPacked, pack, packedBytes } from "./gemm";

/**
 * A call, as src/fused/kernels.ts lays it out: sizes, kinds of activation, addresses. B rows, T steps, I inputs, H units rounded up to a
 * multiple of 4, W columns (H a gate). What the forward pass leaves in `gates`, `hidden`, `cell` and `extra` is the backward pass's.
 */
@unmanaged
export class Sequence {
  batch: i32;
  steps: i32;
  inputs: i32;
  units: i32;
  width: i32;
  activation: i32;
  gateActivation: i32;
  /** [T, B, I]. */
  x: usize;
  /** [I, W], [H, W], [W]; the second bias of a GRU with reset after [W], FastGRNN's biases and factors [2 H + 2]. */
  kernel: usize;
  recurrent: usize;
  bias: usize;
  recurrentBias: usize;
  /** [T, B, W]: sums, then what the gates let through; backward: slopes of the sums. */
  gates: usize;
  /** [T + 1, B, H], the first of which are given. */
  hidden: usize;
  /** LSTM: [T + 1, B, H], the first of which are given. */
  cell: usize;
  /** [T, B, H]: tanh of the LSTM's cell; the GRU's recurrent product of the candidate, or its reset state. */
  extra: usize;
  /** Recurrent weights in panels. */
  panels: usize;
  scratch: usize;
  /**
   * Slopes of all states [T, B, H], or 0; of the last ones [B, H], which end as those of the first. The minimal GRU keeps the slopes of its
   * update in the cell's place.
   */
  stateSlopes: usize;
  hiddenSlope: usize;
  cellSlope: usize;
  /** [B, H]: of the reset state. */
  resetSlope: usize;
  kernelSlope: usize;
  recurrentSlope: usize;
  biasSlope: usize;
  /** FastGRNN: of c and d, then four partial sums each of the factors'. */
  recurrentBiasSlope: usize;
  xSlope: usize;

  /** Bytes from step to step of what has H and W columns. */
  get unitBytes(): i32 {
    return (this.batch * this.units) << 2;
  }

  get gateBytes(): i32 {
    return (this.batch * this.width) << 2;
  }
}

/** Every row of `to` [rows, width] becomes `row`; width is a multiple of 4. */
export function fillRows(row: usize, rows: i32, width: i32, to: usize): void {
  for (let i = 0; i < rows; i++) {
    for (let at = 0; at < width << 2; at += 16) v128.store(to + at, v128.load(row + at));
    to += width << 2;
  }
}

/** Sums of the columns of `from` [rows, stride], of which the first `width`, a multiple of 4, count. */
export function columnSums(from: usize, rows: i32, width: i32, stride: i32, to: usize): void {
  for (let at = 0; at < width << 2; at += 16) v128.store(to + at, f32x4.splat(0));
  for (let i = 0; i < rows; i++) {
    addTo(to, from, width << 2);
    from += stride << 2;
  }
}

/** to [inner, outer, toWidth] from [outer, inner, width]: columns that are missing become zeros, others too many are left out. */
export function permute(from: usize, to: usize, outer: i32, inner: i32, width: i32, toWidth: i32): void {
  const common = min(width, toWidth);
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      const target = to + (((j * outer + i) * toWidth) << 2);
      let at = 0;
      for (; at + 4 <= common; at += 4) v128.store(target + (at << 2), v128.load(from + (at << 2)));
      for (; at < common; at++) store<f32>(target + (at << 2), load<f32>(from + (at << 2)));
      for (; at < toWidth; at++) store<f32>(target + (at << 2), 0);
      from += width << 2;
    }
  }
}

/** Sums of all gates but for the recurrent part: x W + b, one product. */
export function projectInputs(s: Sequence): void {
  const rows = s.batch * s.steps;
  fillRows(s.bias, rows, s.width, s.gates);
  multiply(rows, s.width, s.inputs, s.x, s.inputs, 1, s.kernel, s.width, 1, s.gates, s.width, true, s.scratch);
}

/** Both parts of the recurrent weights for the way forward, gates and the candidate behind them; returns the address of the second. */
export function packForward(s: Sequence): usize {
  const gated = s.width - s.units;
  const second = s.panels + packedBytes(s.units, gated);
  pack(s.units, gated, s.recurrent, s.width, 1, s.panels);
  pack(s.units, s.units, s.recurrent + (gated << 2), s.width, 1, second);
  return second;
}

/** The same transposed, for the way back. */
export function packBackward(s: Sequence): usize {
  const gated = s.width - s.units;
  const second = s.panels + packedBytes(gated, s.units);
  pack(gated, s.units, s.recurrent, 1, s.width, s.panels);
  pack(s.units, s.units, s.recurrent + (gated << 2), 1, s.width, second);
  return second;
}

/** to [B, width] += state [B, H] times recurrent weights in panels. */
export function addRecurrent(s: Sequence, state: usize, panels: usize, width: i32, to: usize, stride: i32): void {
  multiplyPacked(s.batch, width, s.units, state, s.units, 1, panels, to, stride, true, s.scratch);
}

/** to [B, H] = or += slopes [B, width] times transposed recurrent weights in panels. */
export function throughRecurrent(
  s: Sequence,
  slopes: usize,
  stride: i32,
  width: i32,
  panels: usize,
  to: usize,
  accumulate: bool,
): void {
  multiplyPacked(s.batch, s.units, width, slopes, stride, 1, panels, to, s.units, accumulate, s.scratch);
}

/** Slopes of recurrent weights: columns `first` and on get states^T times slopes, over all steps. */
export function recurrentGradient(s: Sequence, states: usize, slopes: usize, stride: i32, width: i32, first: i32): void {
  const to = s.recurrentSlope + (first << 2);
  const rows = s.batch * s.steps;
  multiply(s.units, width, rows, states, 1, s.units, slopes, stride, 1, to, s.width, false, s.scratch);
}

/** Slopes of kernel, bias and x from those of the gates' sums, a product each. */
export function inputGradients(s: Sequence): void {
  const rows = s.batch * s.steps;
  const width = s.width;
  const inputs = s.inputs;
  multiply(inputs, width, rows, s.x, 1, inputs, s.gates, width, 1, s.kernelSlope, width, false, s.scratch);
  columnSums(s.gates, rows, width, width, s.biasSlope);
  if (s.xSlope) multiply(rows, inputs, width, s.gates, width, 1, s.kernel, 1, width, s.xSlope, inputs, false, s.scratch);
}

/** The slope of a state at step t: what later steps gave, and what is asked of this one; left in `hiddenSlope`. */
export function addStateSlopes(s: Sequence, t: i32): void {
  if (!s.stateSlopes) return;
  addTo(s.hiddenSlope, s.stateSlopes + t * s.unitBytes, s.unitBytes);
}

/** to += from, so many bytes. */
export function addTo(to: usize, from: usize, bytes: i32): void {
  for (let at = 0; at < bytes; at += 16) {
    v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(from + at)));
  }
}
