// h' = f(x W + h U + b). Backward, from the last step: dG = dh' f'(h'); dh = dG U^T.
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

export function simpleRnnForward(s: Sequence): void {
  projectInputs(s);
  pack(s.units, s.width, s.recurrent, s.width, 1, s.panels);
  const bytes = s.unitBytes;
  for (let t = 0; t < s.steps; t++) {
    const hidden = s.hidden + t * bytes;
    const sums = s.gates + t * bytes;
    addRecurrent(s, hidden, s.panels, s.width, sums, s.width);
    memory.copy(hidden + bytes, sums, bytes);
    activateRange(s.activation, hidden + bytes, bytes);
  }
}

export function simpleRnnBackward(s: Sequence): void {
  pack(s.width, s.units, s.recurrent, 1, s.width, s.panels);
  const bytes = s.unitBytes;
  for (let t = s.steps - 1; t >= 0; t--) {
    addStateSlopes(s, t);
    const slopes = s.gates + t * bytes;
    const next = s.hidden + (t + 1) * bytes;
    for (let at = 0; at < bytes; at += 16) {
      v128.store(slopes + at, f32x4.mul(v128.load(s.hiddenSlope + at), slope(s.activation, v128.load(next + at))));
    }
    throughRecurrent(s, slopes, s.width, s.width, s.panels, s.hiddenSlope, false);
  }
  recurrentGradient(s, s.hidden, s.gates, s.width, s.width, 0);
  inputGradients(s);
}
