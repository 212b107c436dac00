import type { GraphNode, MergeNode } from "../graph/types.js";
import { activateFunction, softmaxRows } from "./activate.js";
import { multiplyAdd, packWeights } from "./gemm.js";
import { emptyRows, type NodeRunner, type Rows } from "./rows.js";

type NodeOf<Op extends GraphNode["op"]> = Extract<GraphNode, { op: Op }>;

function copy(input: Rows): Rows {
  return { ...input, data: input.data.slice() };
}

export function denseRunner(node: NodeOf<"dense">, index: number): NodeRunner {
  const [inputSize, cols] = node.weights.shape;
  const weights = packWeights(node.weights.data, inputSize, cols);
  const bias = Float64Array.from(node.bias.data);
  const activate = activateFunction(node.activation);
  return ([input], context) => {
    const count = input.batch * input.rows;
    const output = { ...emptyRows(input.batch, input.rows, cols), masked: input.masked };
    for (let row = 0; row < count; row++) output.data.set(bias, row * cols);
    multiplyAdd(output.data, cols, input.data, 0, inputSize, count, weights);
    context.observe?.({ index, node, signal: "preActivation", ...output });
    activate(output.data, 0, output.data.length);
    return output;
  };
}

export function activationRunner(node: NodeOf<"activation">, index: number): NodeRunner {
  const activate = activateFunction(node.activation);
  return ([input], context) => {
    context.observe?.({ index, node, signal: "preActivation", ...input });
    const output = copy(input);
    activate(output.data, 0, output.data.length);
    return output;
  };
}

/** Applies `apply(value, col)` to every value. */
function perChannel(apply: (value: number, col: number) => number): NodeRunner {
  return ([input]) => {
    const output = copy(input);
    const { data } = output;
    for (let i = 0; i < data.length; i++) data[i] = apply(data[i], i % input.cols);
    return output;
  };
}

export function affineRunner(node: NodeOf<"affine">): NodeRunner {
  const { data: scale } = node.scale;
  const { data: offset } = node.offset;
  return perChannel((value, col) => value * scale[col] + offset[col]);
}

export function preluRunner(node: NodeOf<"prelu">): NodeRunner {
  const { data: alpha } = node.alpha;
  return perChannel((value, col) => (value < 0 ? alpha[col] * value : value));
}

export function layerNormRunner(node: NodeOf<"layerNorm">): NodeRunner {
  const { data: gamma } = node.gamma;
  const { data: beta } = node.beta;
  return ([input]) => {
    const output = copy(input);
    const { cols } = input;
    const { data } = output;
    for (let row = 0; row < data.length; row += cols) {
      let sum = 0;
      for (let i = 0; i < cols; i++) sum += data[row + i];
      const mean = sum / cols;
      let squares = 0;
      for (let i = 0; i < cols; i++) squares += (data[row + i] - mean) ** 2;
      const scale = 1 / Math.sqrt(squares / cols + node.epsilon);
      for (let i = 0; i < cols; i++) data[row + i] = (data[row + i] - mean) * scale * gamma[i] + beta[i];
    }
    return output;
  };
}

export function softmaxRunner(node: NodeOf<"softmax">, index: number): NodeRunner {
  return ([input], context) => {
    context.observe?.({ index, node, signal: "preActivation", ...input });
    const output = copy(input);
    softmaxRows(output.data, output.cols);
    return output;
  };
}

export function maskRunner(node: NodeOf<"mask">): NodeRunner {
  return ([input]) => {
    const { cols } = input;
    const masked = new Uint8Array(input.batch * input.rows);
    const output = node.zero ? copy(input) : input;
    const value = Math.fround(node.value);
    for (let row = 0; row < masked.length; row++) {
      let equal = 0;
      for (let i = 0; i < cols; i++) if (input.data[row * cols + i] === value) equal++;
      if (node.when === "all" ? equal < cols : equal === 0) continue;
      masked[row] = 1;
      if (node.zero) output.data.fill(0, row * cols, (row + 1) * cols);
    }
    return { ...output, masked: node.maskOut === true ? masked : null };
  };
}

export function embeddingRunner(node: NodeOf<"embedding">): NodeRunner {
  const [vocabulary, cols] = node.table.shape;
  return ([input]) => {
    const output = emptyRows(input.batch, input.rows, cols);
    const masked = node.maskZero && node.maskOut === true ? new Uint8Array(input.batch * input.rows) : null;
    input.data.forEach((token, row) => {
      if (!Number.isInteger(token) || token < 0 || token >= vocabulary) {
        throw new RangeError(`token ${token} at step ${row % input.rows} is outside 0..${vocabulary - 1}`);
      }
      output.data.set(node.table.data.subarray(token * cols, (token + 1) * cols), row * cols);
      if (masked !== null && token === 0) masked[row] = 1;
    });
    return { ...output, masked: masked ?? (node.maskOut === true ? input.masked : null) };
  };
}

/** Masks of several inputs: a row that any of them masks is masked. */
function meetMasks(inputs: readonly Rows[]): Uint8Array | null {
  const masks = inputs.flatMap((input) => (input.masked === null ? [] : [input.masked]));
  if (masks.length < 2) return masks[0] ?? null;
  return masks[0].map((_, row) => (masks.some((mask) => mask[row] === 1) ? 1 : 0));
}

const COMBINE: Readonly<Record<Exclude<MergeNode["mode"], "concat">, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  average: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  maximum: Math.max,
  minimum: Math.min,
};

/** Joins rows that have the same count. */
export function mergeRows(node: MergeNode, inputs: readonly Rows[]): Rows {
  const { batch, rows } = inputs[0];
  const output = {
    ...emptyRows(batch, rows, node.shape.cols),
    masked: node.maskOut === true ? meetMasks(inputs) : null,
  };
  if (node.mode === "concat") {
    let at = 0;
    for (const { cols, data } of inputs) {
      for (let row = 0; row < batch * rows; row++) {
        output.data.set(data.subarray(row * cols, (row + 1) * cols), row * node.shape.cols + at);
      }
      at += cols;
    }
    return output;
  }
  const combine = COMBINE[node.mode];
  output.data.set(inputs[0].data);
  const { data: sum } = output;
  for (const { data } of inputs.slice(1)) for (let i = 0; i < sum.length; i++) sum[i] = combine(sum[i], data[i]);
  if (node.mode === "average") for (let i = 0; i < sum.length; i++) sum[i] /= inputs.length;
  return output;
}

/** Rows of `first`, then those of `second`, of one window. */
function joinInTime(first: Rows, second: Rows): Rows {
  const rows = first.rows + second.rows;
  const joined = emptyRows(1, rows, second.cols);
  joined.data.set(first.data);
  joined.data.set(second.data, first.data.length);
  if (first.masked === null && second.masked === null) return joined;
  const masked = new Uint8Array(rows);
  if (first.masked !== null) masked.set(first.masked);
  if (second.masked !== null) masked.set(second.masked, first.rows);
  return { ...joined, masked };
}

function sliceRows({ cols, data, masked }: Rows, from: number, to: number): Rows {
  return {
    batch: 1,
    rows: to - from,
    cols,
    data: data.slice(from * cols, to * cols),
    masked: masked === null ? null : masked.slice(from, to),
  };
}

/** Merge; in a stream the faster side waits for the slower one. */
export function mergeRunner(node: MergeNode, index: number): NodeRunner {
  return (inputs, context) => {
    if (context.kept === null) return mergeRows(node, inputs);
    const waiting = context.kept.get(index) as readonly Rows[] | undefined;
    const queues = inputs.map((input, side) => (waiting === undefined ? input : joinInTime(waiting[side], input)));
    const rows = Math.min(...queues.map((queue) => queue.rows));
    context.kept.set(
      index,
      queues.map((queue) => sliceRows(queue, rows, queue.rows)),
    );
    return mergeRows(
      node,
      queues.map((queue) => sliceRows(queue, 0, rows)),
    );
  };
}

export function globalPoolRunner(node: NodeOf<"globalPool">): NodeRunner {
  return ([input]) => {
    const { batch, rows, cols } = input;
    const output = emptyRows(batch, 1, cols);
    const masked = node.maskObey === true ? input.masked : null;
    for (let window = 0; window < batch; window++) {
      for (let col = 0; col < cols; col++) {
        let best = Number.NEGATIVE_INFINITY;
        let sum = 0;
        let count = 0;
        for (let row = 0; row < rows; row++) {
          if (masked !== null && masked[window * rows + row] === 1) continue;
          const value = input.data[(window * rows + row) * cols + col];
          if (value > best) best = value;
          sum += value;
          count++;
        }
        output.data[window * cols + col] = node.mode === "max" ? best : sum / count;
      }
    }
    return output;
  };
}

export function reverseRunner(): NodeRunner {
  return ([input]) => {
    const { batch, rows, cols } = input;
    const output = emptyRows(batch, rows, cols);
    const masked = input.masked === null ? null : new Uint8Array(batch * rows);
    for (let window = 0; window < batch; window++) {
      for (let row = 0; row < rows; row++) {
        const from = window * rows + row;
        const to = window * rows + rows - 1 - row;
        output.data.set(input.data.subarray(from * cols, (from + 1) * cols), to * cols);
        if (masked !== null && input.masked !== null) masked[to] = input.masked[from];
      }
    }
    return { ...output, masked };
  };
}

export function repeatRunner(node: NodeOf<"repeat">): NodeRunner {
  return ([input]) => {
    const rows = node.shape.rows ?? 1;
    const output = emptyRows(input.batch, rows, input.cols);
    for (let row = 0; row < input.batch * rows; row++) {
      const from = Math.floor(row / rows) * input.cols;
      output.data.set(input.data.subarray(from, from + input.cols), row * input.cols);
    }
    return output;
  };
}
