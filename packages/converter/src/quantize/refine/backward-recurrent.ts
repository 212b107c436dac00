import { multiplyAdd, type PackedWeights } from "../../float/gemm.js";
import { emptyRows, type Rows } from "../../float/rows.js";
import type { GraphNode } from "../../graph/types.js";
import type { RecurrentNode } from "../calibrate.js";
import { curveOf } from "./slopes.js";
import type { NodeTrace } from "./trace.js";

type NodeOf<Op extends GraphNode["op"]> = Extract<GraphNode, { op: Op }>;

/** Gradients by the pre-activations of some rows of a matrix, and the values that its columns met. */
export interface RowSlopes {
  /** [batch, steps, rows] */
  readonly slopes: Rows;
  /** [batch, steps, columns] of each part that the rows have. */
  readonly parts: readonly Rows[];
}

export interface NodeSlopes {
  /** Gradient by the node's input rows. */
  readonly input: Rows;
  /** One for each group of rows, as they are rounded (`rowGroups`). */
  readonly groups: readonly RowSlopes[];
}

/** What one step of a backward pass reads and writes; all [batch, ...]. */
interface Step {
  readonly batch: number;
  /** Pre-activations of all gates. */
  readonly pre: Float64Array;
  /** States before and behind the step. */
  readonly before: Float64Array;
  readonly cellBefore: Float64Array;
  readonly cell: Float64Array;
  /** Recurrent candidate of a GRU that resets after. */
  readonly part: Float64Array;
  /** In: gradient by the state behind the step; out: by the one before. */
  readonly state: Float64Array;
  readonly cellState: Float64Array;
  /** Out: gradient by the pre-activations, and (reset after) by the recurrent candidate. */
  readonly slopes: Float64Array;
  readonly partSlopes: Float64Array;
}

type BackwardCell = (step: Step) => void;

const packed = (data: Float32Array, outputs: number, inputs: number): PackedWeights => ({
  outputs,
  inputs,
  data: Float64Array.from(data),
});

/** Columns from .. to of a matrix [rows, width]. */
function columnsOf(data: Float32Array, width: number, from: number, to: number): PackedWeights {
  const rows = data.length / width;
  const part = new Float64Array(rows * (to - from));
  for (let r = 0; r < rows; r++) for (let c = from; c < to; c++) part[r * (to - from) + c - from] = data[r * width + c];
  return { outputs: rows, inputs: to - from, data: part };
}

function backwardRnn(node: NodeOf<"rnn">): BackwardCell {
  const size = node.hiddenSize;
  const { value, slope } = curveOf(node.activation);
  const back = packed(node.recurrentWeights.data, size, size);
  return ({ batch, pre, state, slopes }) => {
    for (let i = 0; i < pre.length; i++) slopes[i] = state[i] * slope(pre[i], value(pre[i]));
    state.fill(0);
    multiplyAdd(state, size, slopes, 0, size, batch, back);
  };
}

function backwardFastGrnn(node: NodeOf<"fastGrnn">): BackwardCell {
  const size = node.hiddenSize;
  const [gate, curve] = [curveOf(node.recurrentActivation), curveOf(node.activation)];
  const back = packed(node.recurrentWeights.data, size, size);
  const [zeta, nu] = node.factors.data;
  return ({ batch, pre, before, state, slopes }) => {
    for (let i = 0; i < pre.length; i++) {
      const argument = pre[i] + node.gateOffset.data[i % size];
      const z = gate.value(argument);
      const g = curve.value(pre[i]);
      const byGate = (before[i] - zeta * g) * gate.slope(argument, z);
      slopes[i] = state[i] * (byGate + (zeta * (1 - z) + nu) * curve.slope(pre[i], g));
      state[i] *= z;
    }
    multiplyAdd(state, size, slopes, 0, size, batch, back);
  };
}

function backwardLstm(node: NodeOf<"lstm">): BackwardCell {
  const size = node.hiddenSize;
  const width = 4 * size;
  const [gate, curve] = [curveOf(node.recurrentActivation), curveOf(node.activation)];
  const back = packed(node.recurrentWeights.data, size, width);
  return ({ batch, pre, cellBefore, cell, state, cellState, slopes }) => {
    for (let b = 0; b < batch; b++) {
      for (let u = 0; u < size; u++) {
        const at = b * size + u;
        const i = b * width + u;
        const [f, g, o] = [i + size, i + 2 * size, i + 3 * size];
        const [input, forget, output] = [gate.value(pre[i]), gate.value(pre[f]), gate.value(pre[o])];
        const [candidate, result] = [curve.value(pre[g]), curve.value(cell[at])];
        slopes[o] = state[at] * result * gate.slope(pre[o], output);
        const c = cellState[at] + state[at] * output * curve.slope(cell[at], result);
        slopes[i] = c * candidate * gate.slope(pre[i], input);
        slopes[f] = c * cellBefore[at] * gate.slope(pre[f], forget);
        slopes[g] = c * input * curve.slope(pre[g], candidate);
        cellState[at] = c * forget;
      }
    }
    state.fill(0);
    multiplyAdd(state, size, slopes, 0, width, batch, back);
  };
}

function backwardGru(node: NodeOf<"gru">): BackwardCell {
  const size = node.hiddenSize;
  const width = 3 * size;
  const [gate, curve] = [curveOf(node.recurrentActivation), curveOf(node.activation)];
  const gates = columnsOf(node.recurrentWeights.data, width, 0, 2 * size);
  const candidate = columnsOf(node.recurrentWeights.data, width, 2 * size, width);
  return ({ batch, pre, before, part, state, slopes, partSlopes }) => {
    const kept = new Float64Array(batch * size); // gradient by r * h
    const reset = new Float64Array(batch * size);
    for (let i = 0; i < state.length; i++) {
      const z = Math.floor(i / size) * width + (i % size);
      const [r, g] = [z + size, z + 2 * size];
      const [update, result] = [gate.value(pre[z]), curve.value(pre[g])];
      reset[i] = gate.value(pre[r]);
      slopes[g] = state[i] * (1 - update) * curve.slope(pre[g], result);
      slopes[z] = state[i] * (before[i] - result) * gate.slope(pre[z], update);
      state[i] *= update;
      partSlopes[i] = slopes[g] * (node.resetAfter ? reset[i] : 1);
    }
    multiplyAdd(node.resetAfter ? state : kept, size, partSlopes, 0, size, batch, candidate);
    for (let i = 0; i < state.length; i++) {
      const r = Math.floor(i / size) * width + size + (i % size);
      const byReset = node.resetAfter ? slopes[r + size] * part[i] : kept[i] * before[i];
      slopes[r] = byReset * gate.slope(pre[r], reset[i]);
      state[i] += kept[i] * reset[i];
    }
    multiplyAdd(state, size, slopes, 0, width, batch, gates);
  };
}

function backwardMinimalGru(node: NodeOf<"minimalGru">): BackwardCell {
  const size = node.hiddenSize;
  const width = 2 * size;
  const [gate, curve] = [curveOf(node.recurrentActivation), curveOf(node.activation)];
  const gates = columnsOf(node.recurrentWeights.data, width, 0, size);
  const candidate = columnsOf(node.recurrentWeights.data, width, size, width);
  return ({ batch, pre, before, state, slopes }) => {
    const kept = new Float64Array(batch * size); // gradient by f * h
    const forget = new Float64Array(batch * size);
    const result = new Float64Array(batch * size);
    for (let i = 0; i < state.length; i++) {
      const f = Math.floor(i / size) * width + (i % size);
      forget[i] = gate.value(pre[f]);
      result[i] = curve.value(pre[f + size]);
      slopes[f + size] = state[i] * forget[i] * curve.slope(pre[f + size], result[i]);
    }
    multiplyAdd(kept, size, slopes, size, width, batch, candidate);
    for (let i = 0; i < state.length; i++) {
      const f = Math.floor(i / size) * width + (i % size);
      const byForget = state[i] * (result[i] - before[i]) + kept[i] * before[i];
      slopes[f] = byForget * gate.slope(pre[f], forget[i]);
      state[i] = state[i] * (1 - forget[i]) + kept[i] * forget[i];
    }
    multiplyAdd(state, size, slopes, 0, width, batch, gates);
  };
}

function backwardCell(node: RecurrentNode): BackwardCell {
  switch (node.op) {
    case "rnn":
      return backwardRnn(node);
    case "lstm":
      return backwardLstm(node);
    case "gru":
      return backwardGru(node);
    case "minimalGru":
      return backwardMinimalGru(node);
    case "fastGrnn":
      return backwardFastGrnn(node);
  }
}

/** Rows of step t of every window. */
function stepOf(rows: Rows | undefined, t: number): Float64Array {
  if (rows === undefined) return new Float64Array(0);
  const { batch, rows: steps, cols, data } = rows;
  const part = new Float64Array(batch * cols);
  if (t < 0) return part;
  for (let b = 0; b < batch; b++) part.set(data.subarray((b * steps + t) * cols, (b * steps + t + 1) * cols), b * cols);
  return part;
}

function putStep(rows: Rows, t: number, values: Float64Array): void {
  const { batch, rows: steps, cols, data } = rows;
  for (let b = 0; b < batch; b++) data.set(values.subarray(b * cols, (b + 1) * cols), (b * steps + t) * cols);
}

/** The states before each step: zeros, then all but the last. */
function delayed(states: Rows): Rows {
  const result = emptyRows(states.batch, states.rows, states.cols);
  for (let t = 1; t < states.rows; t++) putStep(result, t, stepOf(states, t - 1));
  return result;
}

/** Columns from .. to of rows. */
function cut(rows: Rows, from: number, to: number): Rows {
  const result = emptyRows(rows.batch, rows.rows, to - from);
  for (let i = 0; i < rows.batch * rows.rows; i++) {
    result.data.set(rows.data.subarray(i * rows.cols + from, i * rows.cols + to), i * (to - from));
  }
  return result;
}

/**
 * Back-propagation through time of a recurrent node over whole windows that begin with a zero state.
 * @param trace  its signals in the forward run
 * @param input  its input rows there
 * @param output gradient by the rows that leave it
 */
export function backwardRecurrent(node: RecurrentNode, trace: NodeTrace, input: Rows, output: Rows): NodeSlopes {
  const { hiddenState, preActivation, cellState, recurrentCandidate, resetState } = trace;
  if (hiddenState === undefined || preActivation === undefined) throw new Error(`${node.name} was not traced`);
  const { batch, rows: steps } = input;
  const size = node.hiddenSize;
  const width = preActivation.cols;
  const cell = backwardCell(node);
  const slopes = emptyRows(batch, steps, width);
  const partSlopes = emptyRows(batch, steps, size);
  const state = new Float64Array(batch * size);
  const cellSlopes = new Float64Array(batch * size);
  for (let t = steps - 1; t >= 0; t--) {
    if (node.returnSequences || t === steps - 1) {
      const given = stepOf(output, node.returnSequences ? t : 0);
      for (let i = 0; i < state.length; i++) state[i] += given[i];
    }
    const step = {
      batch,
      pre: stepOf(preActivation, t),
      before: stepOf(hiddenState, t - 1),
      cellBefore: stepOf(cellState, t - 1),
      cell: stepOf(cellState, t),
      part: stepOf(recurrentCandidate, t),
      state,
      cellState: cellSlopes,
      slopes: new Float64Array(batch * width),
      partSlopes: new Float64Array(batch * size),
    };
    cell(step);
    putStep(slopes, t, step.slopes);
    putStep(partSlopes, t, step.partSlopes);
  }
  const back = emptyRows(batch, steps, input.cols);
  const weights = packed(node.inputWeights.data, input.cols, width);
  multiplyAdd(back.data, input.cols, slopes.data, 0, width, batch * steps, weights);
  const before = delayed(hiddenState);
  const group = (from: number, to: number, parts: readonly Rows[]): RowSlopes => ({
    slopes: cut(slopes, from * size, to * size),
    parts,
  });
  const groups: RowSlopes[] =
    node.op === "gru" && node.resetAfter
      ? [group(0, 2, [input, before]), group(2, 3, [input]), { slopes: partSlopes, parts: [before] }]
      : resetState !== undefined
        ? [group(0, width / size - 1, [input, before]), group(width / size - 1, width / size, [input, resetState])]
        : [{ slopes, parts: [input, before] }];
  return { input: back, groups };
}
