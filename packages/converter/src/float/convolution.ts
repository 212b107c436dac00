import type { Conv1dNode, DepthwiseConv1dNode, Padding, PoolNode } from "../graph/types.js";
import { activateFunction } from "./activate.js";
import { multiplyAdd, packWeights } from "./gemm.js";
import { emptyRows, type NodeRunner, type Rows, type RunContext } from "./rows.js";

interface Geometry {
  readonly span: number;
  readonly stride: number;
  readonly padding: Padding;
}

/** `rows` with `before` and `after` rows of `fill` around each window. */
function pad(input: Rows, before: number, after: number, fill: number): Rows {
  if (before === 0 && after === 0) return input;
  const { batch, rows, cols } = input;
  const padded = emptyRows(batch, rows + before + after, cols);
  if (fill !== 0) padded.data.fill(fill);
  for (let row = 0; row < batch; row++) {
    const from = row * rows * cols;
    padded.data.set(input.data.subarray(from, from + rows * cols), (row * padded.rows + before) * cols);
  }
  return padded;
}

interface Kept {
  /** Rows of the past that windows to come still need. */
  readonly rows: Float64Array;
  /** Rows to drop before the next window begins (stride longer than the span). */
  readonly skip: number;
}

/**
 * The rows a sliding window walks over, padding included, so that the walk itself is always 'valid'. In a stream the
 * rows of the past stand in front, and what later windows need is kept.
 */
function slide(
  input: Rows,
  geometry: Geometry,
  index: number,
  context: RunContext,
  fill = 0,
): { all: Rows; count: number } {
  const { span, stride, padding } = geometry;
  if (context.kept === null) {
    const outputs = Math.ceil(input.rows / stride);
    const total = Math.max(0, (outputs - 1) * stride + span - input.rows);
    const before = padding === "causal" ? span - 1 : padding === "same" ? Math.floor(total / 2) : 0;
    const all = pad(input, before, padding === "same" ? total - before : 0, fill);
    return { all, count: Math.max(0, Math.ceil((all.rows - span + 1) / stride)) };
  }
  const { cols } = input;
  const causal = padding === "causal" ? new Float64Array((span - 1) * cols) : new Float64Array(0);
  const kept = (context.kept.get(index) as Kept | undefined) ?? { rows: causal, skip: 0 };
  const joined = new Float64Array(kept.rows.length + input.data.length);
  joined.set(kept.rows);
  joined.set(input.data, kept.rows.length);
  const rows = joined.length / cols - kept.skip;
  if (rows <= 0) {
    context.kept.set(index, { rows: new Float64Array(0), skip: -rows });
    return { all: emptyRows(1, 0, cols), count: 0 };
  }
  const all = { batch: 1, rows, cols, data: joined.subarray(kept.skip * cols), masked: null };
  const count = Math.max(0, Math.ceil((rows - span + 1) / stride));
  const used = count * stride;
  context.kept.set(index, { rows: all.data.slice(Math.min(used, rows) * cols), skip: Math.max(0, used - rows) });
  return { all, count };
}

/** Pre-activations to outputs, with a look for observers between. */
export function finish(
  node: Conv1dNode | DepthwiseConv1dNode,
  index: number,
  context: RunContext,
): (rows: Rows) => Rows {
  const activate = activateFunction(node.activation);
  return (rows) => {
    context.observe?.({ index, node, signal: "preActivation", ...rows });
    activate(rows.data, 0, rows.data.length);
    return rows;
  };
}

/** Conv1D as a matrix product over gathered taps. */
export function conv1dRunner(node: Conv1dNode, index: number): NodeRunner {
  const [taps, inputSize, cols] = node.weights.shape;
  const weights = packWeights(node.weights.data, taps * inputSize, cols);
  const bias = Float64Array.from(node.bias.data);
  const geometry = { span: (taps - 1) * node.dilation + 1, stride: node.stride, padding: node.padding };
  return ([input], context) => {
    const { all, count } = slide(input, geometry, index, context);
    const output = emptyRows(input.batch, count, cols);
    for (let row = 0; row < output.batch * count; row++) output.data.set(bias, row * cols);
    for (let window = 0; window < output.batch; window++) {
      const start = window * all.rows * inputSize;
      const target = output.data.subarray(window * count * cols, (window + 1) * count * cols);
      if (node.dilation === 1) {
        multiplyAdd(target, cols, all.data, start, node.stride * inputSize, count, weights);
        continue;
      }
      const gathered = new Float64Array(count * taps * inputSize);
      for (let row = 0; row < count; row++) {
        for (let tap = 0; tap < taps; tap++) {
          const from = start + (row * node.stride + tap * node.dilation) * inputSize;
          gathered.set(all.data.subarray(from, from + inputSize), (row * taps + tap) * inputSize);
        }
      }
      multiplyAdd(target, cols, gathered, 0, taps * inputSize, count, weights);
    }
    return finish(node, index, context)(output);
  };
}

export function depthwiseRunner(node: DepthwiseConv1dNode, index: number): NodeRunner {
  const [taps, inputSize, multiplier] = node.weights.shape;
  const cols = inputSize * multiplier;
  const weights = node.weights.data;
  const geometry = { span: (taps - 1) * node.dilation + 1, stride: node.stride, padding: node.padding };
  return ([input], context) => {
    const { all, count } = slide(input, geometry, index, context);
    const output = emptyRows(input.batch, count, cols);
    for (let window = 0; window < output.batch; window++) {
      for (let row = 0; row < count; row++) {
        const to = (window * count + row) * cols;
        for (let col = 0; col < cols; col++) {
          const channel = Math.floor(col / multiplier);
          let sum = node.bias.data[col];
          for (let tap = 0; tap < taps; tap++) {
            const from = (window * all.rows + row * node.stride + tap * node.dilation) * inputSize + channel;
            sum += all.data[from] * weights[tap * cols + col];
          }
          output.data[to + col] = sum;
        }
      }
    }
    return finish(node, index, context)(output);
  };
}

/** Pooling; 'same' leaves the padding out of maximum and average alike. */
export function poolRunner(node: PoolNode, index: number): NodeRunner {
  const geometry = { span: node.size, stride: node.stride, padding: node.padding };
  const isMax = node.mode === "max";
  return ([input], context) => {
    // NaN marks padding: it is no maximum and counts in no average.
    const { all, count } = slide(input, geometry, index, context, Number.NaN);
    const { cols } = input;
    const output = emptyRows(input.batch, count, cols);
    for (let window = 0; window < output.batch; window++) {
      for (let row = 0; row < count; row++) {
        for (let col = 0; col < cols; col++) {
          let best = Number.NEGATIVE_INFINITY;
          let sum = 0;
          let present = 0;
          for (let tap = 0; tap < node.size; tap++) {
            const value = all.data[(window * all.rows + row * node.stride + tap) * cols + col];
            if (Number.isNaN(value)) continue;
            if (value > best) best = value;
            sum += value;
            present++;
          }
          output.data[(window * count + row) * cols + col] = isMax ? best : sum / present;
        }
      }
    }
    return output;
  };
}
