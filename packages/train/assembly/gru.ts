// GRU (Cho et al. 2014), gates z, r, g as tfjs and Keras order them; s the gates' function, a the activation, h' = z h + (1 - z) g:
//   reset before: [z r] = s(x W + h U + b);  g = a(x W + (r h) U + b)
//   reset after:  [z r] = s(x W + b + h U + d);  q = h U + d of the candidate;  g = a(x W + b + r q)
// Backward, from the last step, dh' given (dZ, dR, dG are slopes of the sums):
//   dZ = dh' (h - g) z';  dG = dh' (1 - z) g';  dh = dh' z + [dZ dR] U^T + what the candidate gives:
//   reset before: e = dG U^T, dR = e h r', e r;   reset after: dR = dG q r', (dG r) U^T
import { activateRange, slope } from "./activations";
import {
  addRecurrent,
  addStateSlopes,
  addTo,
  columnSums,
  fillRows,
  inputGradients,
  packBackward,
  packForward,
  projectInputs,
  recurrentGradient,
  Sequence,
  throughRecurrent,
} from "./sequence";

export function gruAfterForward(s: Sequence): void {
  const gated = 2 * s.units;
  const candidate = packForward(s);
  // Both biases of z and r only ever occur as their sum.
  addTo(s.bias, s.recurrentBias, gated << 2);
  projectInputs(s);
  fillRows(s.recurrentBias + (gated << 2), s.batch * s.steps, s.units, s.extra);
  for (let t = 0; t < s.steps; t++) {
    const hidden = s.hidden + t * s.unitBytes;
    const gates = s.gates + t * s.gateBytes;
    addRecurrent(s, hidden, s.panels, gated, gates, s.width);
    addRecurrent(s, hidden, candidate, s.units, s.extra + t * s.unitBytes, s.units);
    for (let row = 0; row < s.batch; row++) afterRow(s, t, row, gates + ((row * s.width) << 2));
  }
}

function afterRow(s: Sequence, t: i32, row: i32, gates: usize): void {
  const units = s.units << 2;
  const before = t * s.unitBytes + row * units;
  activateRange(s.gateActivation, gates, 2 * units);
  for (let u = 0; u < units; u += 16) {
    const at = gates + u;
    const product = f32x4.mul(v128.load(at + units), v128.load(s.extra + before + u));
    v128.store(at + 2 * units, f32x4.add(v128.load(at + 2 * units), product));
  }
  activateRange(s.activation, gates + 2 * units, units);
  mixRow(s, t, row, gates);
}

/** h' = g + z (h - g). */
function mixRow(s: Sequence, t: i32, row: i32, gates: usize): void {
  const units = s.units << 2;
  const hidden = s.hidden + t * s.unitBytes + row * units;
  for (let u = 0; u < units; u += 16) {
    const candidate = v128.load(gates + 2 * units + u);
    const change = f32x4.mul(v128.load(gates + u), f32x4.sub(v128.load(hidden + u), candidate));
    v128.store(hidden + s.unitBytes + u, f32x4.add(candidate, change));
  }
}

export function gruBeforeForward(s: Sequence): void {
  const gated = 2 * s.units;
  const candidate = packForward(s);
  projectInputs(s);
  for (let t = 0; t < s.steps; t++) {
    const gates = s.gates + t * s.gateBytes;
    addRecurrent(s, s.hidden + t * s.unitBytes, s.panels, gated, gates, s.width);
    for (let row = 0; row < s.batch; row++) gateRow(s, t, row, gates + ((row * s.width) << 2));
    addRecurrent(s, s.extra + t * s.unitBytes, candidate, s.units, gates + (gated << 2), s.width);
    for (let row = 0; row < s.batch; row++) candidateRow(s, t, row, gates + ((row * s.width) << 2));
  }
}

/** z, r and r h. */
function gateRow(s: Sequence, t: i32, row: i32, gates: usize): void {
  const units = s.units << 2;
  const before = t * s.unitBytes + row * units;
  activateRange(s.gateActivation, gates, 2 * units);
  for (let u = 0; u < units; u += 16) {
    v128.store(s.extra + before + u, f32x4.mul(v128.load(gates + units + u), v128.load(s.hidden + before + u)));
  }
}

function candidateRow(s: Sequence, t: i32, row: i32, gates: usize): void {
  const units = s.units << 2;
  activateRange(s.activation, gates + 2 * units, units);
  mixRow(s, t, row, gates);
}

/** dZ, dG, and dh' z in the place of dh'. */
// @ts-ignore: decorator
@inline
function updateSlopes(s: Sequence, hidden: usize, at: usize, units: i32, hiddenSlope: usize): void {
  const update = v128.load(at);
  const candidate = v128.load(at + 2 * units);
  const given = v128.load(hiddenSlope);
  const difference = f32x4.sub(v128.load(hidden), candidate);
  const rest = f32x4.sub(f32x4.splat(1), update);
  v128.store(at, f32x4.mul(f32x4.mul(given, difference), slope(s.gateActivation, update)));
  v128.store(at + 2 * units, f32x4.mul(f32x4.mul(given, rest), slope(s.activation, candidate)));
  v128.store(hiddenSlope, f32x4.mul(given, update));
}

export function gruAfterBackward(s: Sequence): void {
  const gated = 2 * s.units;
  const candidate = packBackward(s);
  for (let t = s.steps - 1; t >= 0; t--) {
    addStateSlopes(s, t);
    const gates = s.gates + t * s.gateBytes;
    for (let row = 0; row < s.batch; row++) afterBackwardRow(s, t, row, gates + ((row * s.width) << 2));
    throughRecurrent(s, gates, s.width, gated, s.panels, s.hiddenSlope, true);
    throughRecurrent(s, s.extra + t * s.unitBytes, s.units, s.units, candidate, s.hiddenSlope, true);
  }
  recurrentGradient(s, s.hidden, s.gates, s.width, gated, 0);
  recurrentGradient(s, s.hidden, s.extra, s.units, s.units, gated);
  const rows = s.batch * s.steps;
  columnSums(s.gates, rows, gated, s.width, s.recurrentBiasSlope);
  columnSums(s.extra, rows, s.units, s.units, s.recurrentBiasSlope + (gated << 2));
  inputGradients(s);
}

/** Leaves dG r in the place of q. */
function afterBackwardRow(s: Sequence, t: i32, row: i32, gates: usize): void {
  const units = s.units << 2;
  const before = t * s.unitBytes + row * units;
  for (let u = 0; u < units; u += 16) {
    const at = gates + u;
    updateSlopes(s, s.hidden + before + u, at, units, s.hiddenSlope + row * units + u);
    const reset = v128.load(at + units);
    const candidate = v128.load(at + 2 * units);
    const own = s.extra + before + u;
    v128.store(at + units, f32x4.mul(f32x4.mul(candidate, v128.load(own)), slope(s.gateActivation, reset)));
    v128.store(own, f32x4.mul(candidate, reset));
  }
}

export function gruBeforeBackward(s: Sequence): void {
  const gated = 2 * s.units;
  const candidate = packBackward(s);
  for (let t = s.steps - 1; t >= 0; t--) {
    addStateSlopes(s, t);
    const gates = s.gates + t * s.gateBytes;
    for (let row = 0; row < s.batch; row++) beforeBackwardRow(s, t, row, gates + ((row * s.width) << 2));
    throughRecurrent(s, gates + (gated << 2), s.width, s.units, candidate, s.resetSlope, false);
    for (let row = 0; row < s.batch; row++) resetRow(s, t, row, gates + ((row * s.width) << 2));
    throughRecurrent(s, gates, s.width, gated, s.panels, s.hiddenSlope, true);
  }
  recurrentGradient(s, s.hidden, s.gates, s.width, gated, 0);
  recurrentGradient(s, s.extra, s.gates + (gated << 2), s.width, s.units, gated);
  inputGradients(s);
}

function beforeBackwardRow(s: Sequence, t: i32, row: i32, gates: usize): void {
  const units = s.units << 2;
  const hidden = s.hidden + t * s.unitBytes + row * units;
  const slopes = s.hiddenSlope + row * units;
  for (let u = 0; u < units; u += 16) updateSlopes(s, hidden + u, gates + u, units, slopes + u);
}

/** dR from e, and e r into dh. */
function resetRow(s: Sequence, t: i32, row: i32, gates: usize): void {
  const units = s.units << 2;
  const before = t * s.unitBytes + row * units;
  for (let u = 0; u < units; u += 16) {
    const at = gates + units + u;
    const reset = v128.load(at);
    const through = v128.load(s.resetSlope + row * units + u);
    const hiddenSlope = s.hiddenSlope + row * units + u;
    const own = f32x4.mul(through, v128.load(s.hidden + before + u));
    v128.store(at, f32x4.mul(own, slope(s.gateActivation, reset)));
    v128.store(hiddenSlope, f32x4.add(v128.load(hiddenSlope), f32x4.mul(through, reset)));
  }
}
