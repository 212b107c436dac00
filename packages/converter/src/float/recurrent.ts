import type { FastGrnnNode, GruNode, LstmNode, MinimalGruNode, RnnNode } from "../graph/types.js";
import { activateFunction } from "./activate.js";
import { multiplyAdd, packWeights } from "./gemm.js";
import { emptyRows, type NodeRunner, type Rows, type RunContext, type Signal } from "./rows.js";

type RecurrentNode = RnnNode | LstmNode | GruNode | MinimalGruNode | FastGrnnNode;

interface State {
  readonly hidden: Float64Array; // [batch, hiddenSize]
  readonly cell: Float64Array; // [batch, hiddenSize], used by the LSTM
}

/** Working arrays of one step; all [batch, gates * hiddenSize] or [batch, hiddenSize]. */
interface Step {
  readonly batch: number;
  readonly state: State;
  /** In: x W + b. Out: gate values after their activations. */
  readonly gates: Float64Array;
  readonly trace: (signal: Signal, values: Float64Array) => void;
}

/** Makes `next` from `state` for one step; does not write `state`. */
type Cell = (step: Step, next: State) => void;

function rnnCell(node: RnnNode): Cell {
  const size = node.hiddenSize;
  const recurrent = packWeights(node.recurrentWeights.data, size, size);
  const activate = activateFunction(node.activation);
  return ({ batch, state, gates, trace }, next) => {
    multiplyAdd(gates, size, state.hidden, 0, size, batch, recurrent);
    trace("preActivation", gates);
    activate(gates, 0, gates.length);
    next.hidden.set(gates);
  };
}

function lstmCell(node: LstmNode): Cell {
  const size = node.hiddenSize;
  const width = 4 * size;
  const recurrent = packWeights(node.recurrentWeights.data, size, width);
  const activate = activateFunction(node.activation);
  const gate = activateFunction(node.recurrentActivation);
  return ({ batch, state, gates, trace }, next) => {
    multiplyAdd(gates, width, state.hidden, 0, size, batch, recurrent);
    trace("preActivation", gates);
    for (let row = 0; row < batch; row++) {
      const input = row * width;
      const forget = input + size;
      const candidate = forget + size;
      const output = candidate + size;
      gate(gates, input, candidate);
      activate(gates, candidate, output);
      gate(gates, output, output + size);
      const at = row * size;
      for (let unit = 0; unit < size; unit++) {
        const c = gates[forget + unit] * state.cell[at + unit] + gates[input + unit] * gates[candidate + unit];
        next.cell[at + unit] = c;
        next.hidden[at + unit] = c;
      }
      activate(next.hidden, at, at + size);
      for (let unit = 0; unit < size; unit++) next.hidden[at + unit] *= gates[output + unit];
    }
  };
}

function gruCell(node: GruNode): Cell {
  const size = node.hiddenSize;
  const width = 3 * size;
  const recurrent = packWeights(node.recurrentWeights.data, size, width);
  const candidateWeights = { outputs: size, inputs: size, data: recurrent.data.subarray(2 * size * size) };
  const candidateBias = node.recurrentBias.data.subarray(2 * size);
  const activate = activateFunction(node.activation);
  const gate = activateFunction(node.recurrentActivation);
  return ({ batch, state, gates, trace }, next) => {
    multiplyAdd(gates, width, state.hidden, 0, size, batch, recurrent, 0, 2 * size);
    // z and r carry their recurrent biases in the input part already (see inputBias).
    const part = new Float64Array(batch * size);
    const update = new Float64Array(gates);
    for (let row = 0; row < batch; row++) gate(update, row * width, row * width + 2 * size);
    if (node.resetAfter) {
      for (let row = 0; row < batch; row++) part.set(candidateBias, row * size);
      multiplyAdd(part, size, state.hidden, 0, size, batch, candidateWeights);
      trace("recurrentCandidate", part);
    } else {
      for (let row = 0; row < batch; row++) {
        for (let unit = 0; unit < size; unit++) {
          part[row * size + unit] = update[row * width + size + unit] * state.hidden[row * size + unit];
        }
      }
      trace("resetState", part);
    }
    const candidate = new Float64Array(batch * size);
    if (!node.resetAfter) multiplyAdd(candidate, size, part, 0, size, batch, candidateWeights);
    for (let row = 0; row < batch; row++) {
      const at = row * size;
      for (let unit = 0; unit < size; unit++) {
        const own = node.resetAfter ? update[row * width + size + unit] * part[at + unit] : candidate[at + unit];
        candidate[at + unit] = gates[row * width + 2 * size + unit] += own;
      }
    }
    trace("preActivation", gates);
    activate(candidate, 0, candidate.length);
    for (let row = 0; row < batch; row++) {
      const at = row * size;
      for (let unit = 0; unit < size; unit++) {
        const z = update[row * width + unit];
        next.hidden[at + unit] = z * state.hidden[at + unit] + (1 - z) * candidate[at + unit];
      }
    }
  };
}

function minimalGruCell(node: MinimalGruNode): Cell {
  const size = node.hiddenSize;
  const width = 2 * size;
  const recurrent = packWeights(node.recurrentWeights.data, size, width);
  const activate = activateFunction(node.activation);
  const gate = activateFunction(node.recurrentActivation);
  return ({ batch, state, gates, trace }, next) => {
    multiplyAdd(gates, width, state.hidden, 0, size, batch, recurrent, 0, size);
    const forget = new Float64Array(gates);
    const kept = new Float64Array(batch * size);
    for (let row = 0; row < batch; row++) {
      gate(forget, row * width, row * width + size);
      for (let unit = 0; unit < size; unit++) {
        kept[row * size + unit] = forget[row * width + unit] * state.hidden[row * size + unit];
      }
    }
    trace("resetState", kept);
    multiplyAdd(gates, width, kept, 0, size, batch, recurrent, size);
    trace("preActivation", gates);
    for (let row = 0; row < batch; row++) {
      const at = row * size;
      activate(gates, row * width + size, (row + 1) * width);
      for (let unit = 0; unit < size; unit++) {
        const hidden = state.hidden[at + unit];
        next.hidden[at + unit] = hidden + forget[row * width + unit] * (gates[row * width + size + unit] - hidden);
      }
    }
  };
}

function fastGrnnCell(node: FastGrnnNode): Cell {
  const size = node.hiddenSize;
  const recurrent = packWeights(node.recurrentWeights.data, size, size);
  const activate = activateFunction(node.activation);
  const gate = activateFunction(node.recurrentActivation);
  const offset = node.gateOffset.data;
  const [zeta, nu] = node.factors.data;
  return ({ batch, state, gates, trace }, next) => {
    multiplyAdd(gates, size, state.hidden, 0, size, batch, recurrent);
    trace("preActivation", gates);
    const update = gates.map((value, i) => value + offset[i % size]);
    gate(update, 0, update.length);
    activate(gates, 0, gates.length);
    for (let i = 0; i < gates.length; i++) {
      next.hidden[i] = (zeta * (1 - update[i]) + nu) * gates[i] + update[i] * state.hidden[i];
    }
  };
}

/** Bias of the input part: for a GRU that resets after, the recurrent biases of z and r are added to it. */
function inputBias(node: RecurrentNode): Float64Array {
  const bias = Float64Array.from(node.bias.data);
  if (node.op !== "gru" || !node.resetAfter) return bias;
  for (let i = 0; i < 2 * node.hiddenSize; i++) bias[i] += node.recurrentBias.data[i];
  return bias;
}

function cellOf(node: RecurrentNode): { cell: Cell; gates: number } {
  if (node.op === "lstm") return { cell: lstmCell(node), gates: 4 };
  if (node.op === "gru") return { cell: gruCell(node), gates: 3 };
  if (node.op === "minimalGru") return { cell: minimalGruCell(node), gates: 2 };
  if (node.op === "fastGrnn") return { cell: fastGrnnCell(node), gates: 1 };
  return { cell: rnnCell(node), gates: 1 };
}

/** Gathers one signal of every step as rows, if somebody observes. */
class Trace {
  readonly #signals = new Map<Signal, Rows>();

  constructor(
    readonly index: number,
    readonly node: RecurrentNode,
    readonly input: Rows,
    readonly context: RunContext,
  ) {}

  record(signal: Signal, values: Float64Array, step: number): void {
    if (this.context.observe === undefined) return;
    const { batch, rows, masked } = this.input;
    const cols = values.length / batch;
    let all = this.#signals.get(signal);
    if (all === undefined) this.#signals.set(signal, (all = { ...emptyRows(batch, rows, cols), masked }));
    for (let row = 0; row < batch; row++) {
      all.data.set(values.subarray(row * cols, (row + 1) * cols), (row * rows + step) * cols);
    }
  }

  report(): void {
    const { index, node } = this;
    for (const [signal, rows] of this.#signals) this.context.observe?.({ index, node, signal, ...rows });
  }
}

/** Steps a cell over rows. Masked steps leave the states as they are and repeat the output. */
export function recurrentRunner(node: RecurrentNode, index: number): NodeRunner {
  const size = node.hiddenSize;
  const { cell, gates: gateCount } = cellOf(node);
  const width = gateCount * size;
  const inputSize = node.inputWeights.shape[0];
  const weights = packWeights(node.inputWeights.data, inputSize, width);
  const bias = inputBias(node);
  return ([input], context) => {
    const { batch, rows } = input;
    const fresh = (): State => ({ hidden: new Float64Array(batch * size), cell: new Float64Array(batch * size) });
    let state = (context.kept?.get(index) as State | undefined) ?? fresh();
    let next = fresh();
    const masked = node.maskObey === true ? input.masked : null;
    const trace = new Trace(index, node, { ...input, masked }, context);
    const sequence = node.returnSequences || context.everyStep;
    const output = emptyRows(batch, sequence ? rows : 1, size);
    const gates = new Float64Array(batch * width);
    for (let t = 0; t < rows; t++) {
      for (let row = 0; row < batch; row++) gates.set(bias, row * width);
      multiplyAdd(gates, width, input.data, t * inputSize, rows * inputSize, batch, weights);
      cell({ batch, state, gates, trace: (signal, values) => trace.record(signal, values, t) }, next);
      if (masked !== null) keepMasked(masked, t, rows, size, state, next);
      [state, next] = [next, state];
      trace.record("hiddenState", state.hidden, t);
      if (node.op === "lstm") trace.record("cellState", state.cell, t);
      if (sequence) scatter(output, state.hidden, t);
    }
    if (!sequence) output.data.set(state.hidden);
    context.kept?.set(index, state);
    trace.report();
    return { ...output, masked: sequence && node.maskOut === true ? input.masked : null };
  };
}

function keepMasked(masked: Uint8Array, t: number, rows: number, size: number, state: State, next: State): void {
  for (let row = 0; row * rows < masked.length; row++) {
    if (masked[row * rows + t] === 0) continue;
    const from = row * size;
    next.hidden.set(state.hidden.subarray(from, from + size), from);
    next.cell.set(state.cell.subarray(from, from + size), from);
  }
}

function scatter(output: Rows, values: Float64Array, t: number): void {
  const { batch, rows, cols, data } = output;
  for (let row = 0; row < batch; row++)
    data.set(values.subarray(row * cols, (row + 1) * cols), (row * rows + t) * cols);
}
