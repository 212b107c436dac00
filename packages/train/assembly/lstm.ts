// LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber and Cummins 2000), gates i, f, g, o as tfjs and Keras
// order them; s the gates' function, a the activation:
//   [i f g o] = [s s a s](x W + h U + b);  c' = f c + i g;  h' = o a(c')
// Backward, from the last step, dh' and dc' given (dG are slopes of the sums):
//   dc' += dh' o a'(c');  dG = [dc' g i'  dc' c f'  dc' i g'  dh' a(c') o'];  dc = dc' f;  dh = dG U^T
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

export function lstmForward(s: Sequence): void {
  projectInputs(s);
  pack(s.units, s.width, s.recurrent, s.width, 1, s.panels);
  for (let t = 0; t < s.steps; t++) {
    const gates = s.gates + t * s.gateBytes;
    addRecurrent(s, s.hidden + t * s.unitBytes, s.panels, s.width, gates, s.width);
    for (let row = 0; row < s.batch; row++) forwardRow(s, t, row, gates + ((row * s.width) << 2));
  }
}

function forwardRow(s: Sequence, t: i32, row: i32, gates: usize): void {
  const units = s.units << 2;
  const before = t * s.unitBytes + row * units;
  const cell = s.cell + before;
  const squashed = s.extra + before;
  activateRange(s.gateActivation, gates, 2 * units);
  activateRange(s.activation, gates + 2 * units, units);
  activateRange(s.gateActivation, gates + 3 * units, units);
  for (let u = 0; u < units; u += 16) {
    const at = gates + u;
    const kept = f32x4.mul(v128.load(at + units), v128.load(cell + u));
    const next = f32x4.add(kept, f32x4.mul(v128.load(at), v128.load(at + 2 * units)));
    v128.store(cell + s.unitBytes + u, next);
    v128.store(squashed + u, next);
  }
  activateRange(s.activation, squashed, units);
  const hidden = s.hidden + before + s.unitBytes;
  for (let u = 0; u < units; u += 16) {
    v128.store(hidden + u, f32x4.mul(v128.load(gates + 3 * units + u), v128.load(squashed + u)));
  }
}

export function lstmBackward(s: Sequence): void {
  pack(s.width, s.units, s.recurrent, 1, s.width, s.panels);
  for (let t = s.steps - 1; t >= 0; t--) {
    addStateSlopes(s, t);
    const gates = s.gates + t * s.gateBytes;
    for (let row = 0; row < s.batch; row++) backwardRow(s, t, row, gates + ((row * s.width) << 2));
    throughRecurrent(s, gates, s.width, s.width, s.panels, s.hiddenSlope, false);
  }
  recurrentGradient(s, s.hidden, s.gates, s.width, s.width, 0);
  inputGradients(s);
}

function backwardRow(s: Sequence, t: i32, row: i32, gates: usize): void {
  const units = s.units << 2;
  const before = t * s.unitBytes + row * units;
  const gate = s.gateActivation;
  const activation = s.activation;
  for (let u = 0; u < units; u += 16) {
    const at = gates + u;
    const input = v128.load(at);
    const forget = v128.load(at + units);
    const value = v128.load(at + 2 * units);
    const output = v128.load(at + 3 * units);
    const squashed = v128.load(s.extra + before + u);
    const hidden = v128.load(s.hiddenSlope + row * units + u);
    const cellSlope = s.cellSlope + row * units + u;
    const inner = f32x4.mul(f32x4.mul(hidden, output), slope(activation, squashed));
    const cell = f32x4.add(v128.load(cellSlope), inner);
    v128.store(at, f32x4.mul(f32x4.mul(cell, value), slope(gate, input)));
    v128.store(at + units, f32x4.mul(f32x4.mul(cell, v128.load(s.cell + before + u)), slope(gate, forget)));
    v128.store(at + 2 * units, f32x4.mul(f32x4.mul(cell, input), slope(activation, value)));
    v128.store(at + 3 * units, f32x4.mul(f32x4.mul(hidden, squashed), slope(gate, output)));
    v128.store(cellSlope, f32x4.mul(cell, forget));
  }
}
