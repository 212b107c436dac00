import { multiplyAdd, type PackedWeights } from "../../float/gemm.js";
import { emptyRows, type Rows } from "../../float/rows.js";
import type { Scalar } from "../activation-plan.js";

/** A quantized recurrent layer in real numbers: weights are multiples of their scales, functions round as the kernels do. */
export interface SimulatedCell {
  readonly kind: "rnn" | "lstm" | "gru" | "gruResetAfter" | "minimalGru" | "fastGrnn";
  readonly hiddenSize: number;
  /** [gates * H, inputSize], gates of Keras' order. */
  readonly input: PackedWeights;
  /** [gates * H, H] */
  readonly recurrent: PackedWeights;
  /** [gates * H]; of the input part where the candidate has two. */
  readonly bias: Float64Array;
  /** [H] bias of the recurrent candidate rows of gruResetAfter; of fastGrnn what the gate's argument has more. */
  readonly candidateBias: Float64Array;
  readonly gate: Scalar;
  readonly activation: Scalar;
  readonly roundCell: Scalar;
  /** Activation of the cell state, argument rounded as (20) does. */
  readonly cellActivation: Scalar;
  readonly roundHidden: Scalar;
  /** Parts of the candidate pre-activation of gruResetAfter; the pre-activation of fastGrnn. */
  readonly roundPart: Scalar;
  /** zeta and nu of fastGrnn. */
  readonly factors: readonly [zeta: number, nu: number];
}

interface Work {
  readonly cell: SimulatedCell;
  readonly batch: number;
  readonly hidden: Float64Array;
  readonly cells: Float64Array;
  readonly pre: Float64Array;
  readonly side: Float64Array;
  readonly next: Float64Array;
}

/**
 * Steps a simulated cell over rows from a zero state.
 * @param obey      masked rows leave the state alone
 * @param everyStep false: only the last row leaves
 */
export function simulateRecurrent(cell: SimulatedCell, x: Rows, obey: boolean, everyStep: boolean): Rows {
  const { batch, rows, cols } = x;
  const size = cell.hiddenSize;
  const width = cell.input.outputs;
  const output = emptyRows(batch, everyStep ? rows : 1, size);
  const zeros = () => new Float64Array(batch * size);
  const work = { cell, batch, hidden: zeros(), cells: zeros(), side: zeros(), next: zeros() };
  const pre = new Float64Array(batch * width);
  for (let t = 0; t < rows; t++) {
    for (let b = 0; b < batch; b++) pre.set(cell.bias, b * width);
    multiplyAdd(pre, width, x.data, t * cols, rows * cols, batch, cell.input);
    const oldCells = obey && x.masked !== null ? work.cells.slice() : undefined;
    STEPS[cell.kind]({ ...work, pre });
    for (let b = 0; b < batch; b++) {
      const at = b * size;
      if (oldCells !== undefined && x.masked?.[b * rows + t] === 1) {
        work.cells.set(oldCells.subarray(at, at + size), at);
      } else {
        work.hidden.set(work.next.subarray(at, at + size), at);
      }
      if (everyStep) output.data.set(work.hidden.subarray(at, at + size), (b * rows + t) * size);
    }
  }
  if (!everyStep) output.data.set(work.hidden);
  return { ...output, masked: everyStep ? x.masked : null };
}

const STEPS: Record<SimulatedCell["kind"], (work: Work) => void> = {
  rnn: stepRnn,
  lstm: stepLstm,
  gru: stepGru,
  gruResetAfter: stepGruResetAfter,
  minimalGru: stepMinimalGru,
  fastGrnn: stepFastGrnn,
};

function stepRnn({ cell, batch, hidden, pre, next }: Work): void {
  const size = cell.hiddenSize;
  multiplyAdd(pre, size, hidden, 0, size, batch, cell.recurrent);
  for (let i = 0; i < next.length; i++) next[i] = cell.activation(pre[i]);
}

function stepFastGrnn({ cell, batch, hidden, pre, next }: Work): void {
  const { hiddenSize: size, gate, activation, candidateBias, factors, roundPart, roundHidden } = cell;
  multiplyAdd(pre, size, hidden, 0, size, batch, cell.recurrent);
  for (let i = 0; i < next.length; i++) {
    const z = gate(roundPart(pre[i]) + candidateBias[i % size]);
    const share = factors[0] * (1 - z) + factors[1];
    next[i] = roundHidden(share * activation(pre[i]) + z * hidden[i]);
  }
}

function stepLstm({ cell, batch, hidden, pre, next, cells }: Work): void {
  const { hiddenSize: size, gate, activation } = cell;
  multiplyAdd(pre, 4 * size, hidden, 0, size, batch, cell.recurrent);
  for (let b = 0; b < batch; b++) {
    const row = b * 4 * size;
    for (let u = 0; u < size; u++) {
      const at = b * size + u;
      const input = gate(pre[row + u]) * activation(pre[row + 2 * size + u]);
      cells[at] = cell.roundCell(gate(pre[row + size + u]) * cells[at] + input);
      next[at] = cell.roundHidden(gate(pre[row + 3 * size + u]) * cell.cellActivation(cells[at]));
    }
  }
}

/** h' = g + z (h - g) for every unit, g from the candidate pre-activations in `side`. */
function updateGru({ cell, batch, hidden, pre, side, next }: Work): void {
  const { hiddenSize: size, gate, activation } = cell;
  for (let b = 0; b < batch; b++) {
    for (let u = 0; u < size; u++) {
      const at = b * size + u;
      const g = activation(side[at]);
      next[at] = cell.roundHidden(g + gate(pre[b * 3 * size + u]) * (hidden[at] - g));
    }
  }
}

function stepGru(work: Work): void {
  const { cell, batch, hidden, pre, side } = work;
  const { hiddenSize: size, gate } = cell;
  multiplyAdd(pre, 3 * size, hidden, 0, size, batch, cell.recurrent, 0, 2 * size);
  for (let b = 0; b < batch; b++) {
    for (let u = 0; u < size; u++) {
      const at = b * size + u;
      side[at] = cell.roundHidden(gate(pre[b * 3 * size + size + u]) * hidden[at]);
    }
  }
  multiplyAdd(pre, 3 * size, side, 0, size, batch, cell.recurrent, 2 * size);
  for (let b = 0; b < batch; b++) {
    side.set(pre.subarray(b * 3 * size + 2 * size, (b + 1) * 3 * size), b * size);
  }
  updateGru(work);
}

/** The update gate is the forget gate of the negated argument. */
function stepMinimalGru({ cell, batch, hidden, pre, side, next }: Work): void {
  const { hiddenSize: size, gate, activation, roundHidden } = cell;
  multiplyAdd(pre, 2 * size, hidden, 0, size, batch, cell.recurrent, 0, size);
  for (let b = 0; b < batch; b++) {
    for (let u = 0; u < size; u++) side[b * size + u] = roundHidden(gate(pre[b * 2 * size + u]) * hidden[b * size + u]);
  }
  multiplyAdd(pre, 2 * size, side, 0, size, batch, cell.recurrent, size);
  for (let b = 0; b < batch; b++) {
    for (let u = 0; u < size; u++) {
      const at = b * size + u;
      const g = activation(pre[b * 2 * size + size + u]);
      next[at] = roundHidden(g + gate(-pre[b * 2 * size + u]) * (hidden[at] - g));
    }
  }
}

function stepGruResetAfter(work: Work): void {
  const { cell, batch, hidden, pre, side } = work;
  const { hiddenSize: size, gate, roundPart } = cell;
  const recurrent = new Float64Array(pre.length);
  multiplyAdd(recurrent, 3 * size, hidden, 0, size, batch, cell.recurrent);
  for (let b = 0; b < batch; b++) {
    const row = b * 3 * size;
    for (let u = 0; u < size; u++) {
      pre[row + u] += recurrent[row + u];
      const r = gate(pre[row + size + u] + recurrent[row + size + u]);
      const part = roundPart(recurrent[row + 2 * size + u] + cell.candidateBias[u]);
      side[b * size + u] = roundPart(pre[row + 2 * size + u]) + r * part;
    }
  }
  updateGru(work);
}
