// FastGRNN (Kusupati et al. 2018): both gates share one product p; s the gate's function, a the activation, c and d the two biases:
//   p = x W + h U;  z = s(p + d);  g = a(p + c);  h' = z h + (open (1 - z) + least) g
// Backward, from the last step, dh' given (dZ, dG, dP are slopes of the sums):
//   dZ = dh' (h - open g) z';  dG = dh' (open (1 - z) + least) g';  dP = dZ + dG;  dh = dh' z + dP U^T
//   d open = sum dh' (1 - z) g;  d least = sum dh' g;  slopes of d and c: sums of dZ and dG
import { activateRange, slope } from "./activations";
import { pack } from "./gemm";
import {
  addRecurrent,
  addStateSlopes,
  inputGradients,
  projectInputs,
  recurrentGradient,
  Sequence,
  throughRecurrent,
} from "./sequence";

export function fastGrnnForward(s: Sequence): void {
  projectInputs(s);
  pack(s.units, s.width, s.recurrent, s.width, 1, s.panels);
  for (let t = 0; t < s.steps; t++) {
    const sums = s.gates + t * s.unitBytes;
    addRecurrent(s, s.hidden + t * s.unitBytes, s.panels, s.width, sums, s.width);
    for (let row = 0; row < s.batch; row++) forwardRow(s, t * s.unitBytes + ((row * s.units) << 2));
  }
}

/** One row, `at` bytes into everything that has H columns: z replaces p, g goes to `extra`. */
function forwardRow(s: Sequence, at: i32): void {
  const units = s.units << 2;
  const gates = s.gates + at;
  const candidates = s.extra + at;
  const hidden = s.hidden + at;
  for (let u = 0; u < units; u += 16) {
    const sum = v128.load(gates + u);
    v128.store(candidates + u, f32x4.add(sum, v128.load(s.recurrentBias + u)));
    v128.store(gates + u, f32x4.add(sum, v128.load(s.recurrentBias + units + u)));
  }
  activateRange(s.gateActivation, gates, units);
  activateRange(s.activation, candidates, units);
  for (let u = 0; u < units; u += 16) {
    const update = v128.load(gates + u);
    const value = f32x4.mul(share(s, update), v128.load(candidates + u));
    v128.store(hidden + s.unitBytes + u, f32x4.add(f32x4.mul(update, v128.load(hidden + u)), value));
  }
}

/** open (1 - z) + least; both lie behind the two biases. */
// @ts-ignore: decorator
@inline
function share(s: Sequence, update: v128): v128 {
  const factors = s.recurrentBias + (s.units << 3);
  const rest = f32x4.sub(f32x4.splat(1), update);
  return f32x4.add(f32x4.mul(v128.load_splat<f32>(factors), rest), v128.load_splat<f32>(factors, 4));
}

export function fastGrnnBackward(s: Sequence): void {
  pack(s.width, s.units, s.recurrent, 1, s.width, s.panels);
  for (let t = s.steps - 1; t >= 0; t--) {
    addStateSlopes(s, t);
    const sums = s.gates + t * s.unitBytes;
    for (let row = 0; row < s.batch; row++) {
      const at = (row * s.units) << 2;
      backwardRow(s, t * s.unitBytes + at, s.hiddenSlope + at);
    }
    throughRecurrent(s, sums, s.width, s.width, s.panels, s.hiddenSlope, true);
  }
  recurrentGradient(s, s.hidden, s.gates, s.width, s.width, 0);
  inputGradients(s);
}

/** dP replaces z, dh' z replaces dh'; the slopes of biases and factors (four partial sums each) grow. */
function backwardRow(s: Sequence, at: i32, hiddenSlope: usize): void {
  const units = s.units << 2;
  const gates = s.gates + at;
  const sums = s.recurrentBiasSlope;
  const open = v128.load_splat<f32>(s.recurrentBias + 2 * units);
  for (let u = 0; u < units; u += 16) {
    const update = v128.load(gates + u);
    const candidate = v128.load(s.extra + at + u);
    const given = v128.load(hiddenSlope + u);
    const value = f32x4.mul(given, candidate);
    const difference = f32x4.sub(v128.load(s.hidden + at + u), f32x4.mul(open, candidate));
    const ofGate = f32x4.mul(f32x4.mul(given, difference), slope(s.gateActivation, update));
    const ofCandidate = f32x4.mul(f32x4.mul(given, share(s, update)), slope(s.activation, candidate));
    v128.store(gates + u, f32x4.add(ofGate, ofCandidate));
    v128.store(hiddenSlope + u, f32x4.mul(given, update));
    grow(sums + u, ofCandidate);
    grow(sums + units + u, ofGate);
    grow(sums + 2 * units, f32x4.mul(value, f32x4.sub(f32x4.splat(1), update)));
    grow(sums + 2 * units + 16, value);
  }
}

// @ts-ignore: decorator
@inline
function grow(at: usize, value: v128): void {
  v128.store(at, f32x4.add(v128.load(at), value));
}
