// Minimal gated unit (Zhou, Wu, Zhang and Zhou 2016), gates f, g; s the gate's function, a the activation:
//   f = s(x W + h U + b);  g = a(x W + (f h) U + b);  h' = h + f (g - h)
// Backward, from the last step, dh' given (dF, dG are slopes of the sums):
//   dG = dh' f g';  e = dG U^T;  dF = (dh' (g - h) + e h) f';  dh = dh' (1 - f) + e f + dF U^T
import { activateRange, slope } from "./activations";
import {
  addRecurrent,
  addStateSlopes,
  inputGradients,
  packBackward,
  packForward,
  projectInputs,
  recurrentGradient,
  Sequence,
  throughRecurrent,
} from "./sequence";

export function minimalGruForward(s: Sequence): void {
  const candidate = packForward(s);
  projectInputs(s);
  for (let t = 0; t < s.steps; t++) {
    const gates = s.gates + t * s.gateBytes;
    addRecurrent(s, s.hidden + t * s.unitBytes, s.panels, s.units, gates, s.width);
    for (let row = 0; row < s.batch; row++) forgetRow(s, t, row, gates + ((row * s.width) << 2));
    addRecurrent(s, s.extra + t * s.unitBytes, candidate, s.units, gates + (s.units << 2), s.width);
    for (let row = 0; row < s.batch; row++) stateRow(s, t, row, gates + ((row * s.width) << 2));
  }
}

/** f and f h. */
function forgetRow(s: Sequence, t: i32, row: i32, gates: usize): void {
  const units = s.units << 2;
  const before = t * s.unitBytes + row * units;
  activateRange(s.gateActivation, gates, units);
  for (let u = 0; u < units; u += 16) {
    v128.store(s.extra + before + u, f32x4.mul(v128.load(gates + u), v128.load(s.hidden + before + u)));
  }
}

function stateRow(s: Sequence, t: i32, row: i32, gates: usize): void {
  const units = s.units << 2;
  const hidden = s.hidden + t * s.unitBytes + row * units;
  activateRange(s.activation, gates + units, units);
  for (let u = 0; u < units; u += 16) {
    const old = v128.load(hidden + u);
    const change = f32x4.mul(v128.load(gates + u), f32x4.sub(v128.load(gates + units + u), old));
    v128.store(hidden + s.unitBytes + u, f32x4.add(old, change));
  }
}

export function minimalGruBackward(s: Sequence): void {
  const candidate = packBackward(s);
  const behind = s.units << 2;
  for (let t = s.steps - 1; t >= 0; t--) {
    addStateSlopes(s, t);
    const gates = s.gates + t * s.gateBytes;
    for (let row = 0; row < s.batch; row++) candidateRow(s, t, row, gates + ((row * s.width) << 2));
    throughRecurrent(s, gates + behind, s.width, s.units, candidate, s.resetSlope, false);
    for (let row = 0; row < s.batch; row++) forgetSlopes(s, t, row, gates + ((row * s.width) << 2));
    throughRecurrent(s, gates, s.width, s.units, s.panels, s.hiddenSlope, true);
  }
  recurrentGradient(s, s.hidden, s.gates, s.width, s.units, 0);
  recurrentGradient(s, s.extra, s.gates + behind, s.width, s.units, s.units);
  inputGradients(s);
}

/** dG; what the update gives f; dh' (1 - f) in the place of dh'. */
function candidateRow(s: Sequence, t: i32, row: i32, gates: usize): void {
  const units = s.units << 2;
  const hidden = s.hidden + t * s.unitBytes + row * units;
  for (let u = 0; u < units; u += 16) {
    const at = row * units + u;
    const forget = v128.load(gates + u);
    const value = v128.load(gates + units + u);
    const given = v128.load(s.hiddenSlope + at);
    const through = f32x4.mul(given, forget);
    v128.store(gates + units + u, f32x4.mul(through, slope(s.activation, value)));
    v128.store(s.cellSlope + at, f32x4.mul(given, f32x4.sub(value, v128.load(hidden + u))));
    v128.store(s.hiddenSlope + at, f32x4.sub(given, through));
  }
}

/** dF from e, and e f into dh. */
function forgetSlopes(s: Sequence, t: i32, row: i32, gates: usize): void {
  const units = s.units << 2;
  const hidden = s.hidden + t * s.unitBytes + row * units;
  for (let u = 0; u < units; u += 16) {
    const at = row * units + u;
    const forget = v128.load(gates + u);
    const through = v128.load(s.resetSlope + at);
    const own = f32x4.add(v128.load(s.cellSlope + at), f32x4.mul(through, v128.load(hidden + u)));
    v128.store(gates + u, f32x4.mul(own, slope(s.gateActivation, forget)));
    const state = s.hiddenSlope + at;
    v128.store(state, f32x4.add(v128.load(state), f32x4.mul(through, forget)));
  }
}
