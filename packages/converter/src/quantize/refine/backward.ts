import { multiplyAdd } from "../../float/gemm.js";
import { emptyRows, type Rows } from "../../float/rows.js";
import type { Activation, Graph, GraphNode } from "../../graph/types.js";
import { isRecurrent } from "../calibrate.js";
import { planWindowing } from "../windowing.js";
import { backwardRecurrent, type NodeSlopes } from "./backward-recurrent.js";
import { curveOf } from "./slopes.js";
import type { NodeTrace } from "./trace.js";

type NodeOf<Op extends GraphNode["op"]> = Extract<GraphNode, { op: Op }>;

const SUPPORTED: ReadonlySet<GraphNode["op"]> = new Set([
  "input",
  "rnn",
  "lstm",
  "gru",
  "minimalGru",
  "fastGrnn",
  "dense",
  "conv1d",
  "globalPool",
  "activation",
  "affine",
  "reshape",
]);

/** Whether gradients can be taken through a graph up to its head: whole windows, no masks, layers one behind another. */
export function hasBackward(graph: Graph, head: number): boolean {
  if (graph.window === null) return false;
  return graph.nodes
    .slice(0, head + 1)
    .every((node) => SUPPORTED.has(node.op) && node.inputs.length < 2 && node.maskObey !== true);
}

/**
 * Back-propagation from the rows of `head` (before its activation, where it is dense and its activation is left to the host).
 * @param seed gradient by those rows
 * @returns by node, for nodes with matrices
 */
export function backward(
  graph: Graph,
  traces: readonly NodeTrace[],
  head: number,
  seed: Rows,
): Map<number, NodeSlopes> {
  const found = new Map<number, NodeSlopes>();
  const pending = new Map<number, Rows>([[head, seed]]);
  for (let index = head; index > 0; index--) {
    const output = pending.get(index);
    if (output === undefined) continue;
    const node = graph.nodes[index];
    const [source] = node.inputs;
    const input = traces[source].output as Rows;
    const result = backwardNode(node, traces[index], input, output);
    if (result.groups.length > 0) found.set(index, result);
    const before = pending.get(source);
    if (before === undefined) pending.set(source, result.input);
    else for (let i = 0; i < before.data.length; i++) before.data[i] += result.input.data[i];
  }
  return found;
}

function backwardNode(node: GraphNode, trace: NodeTrace, input: Rows, output: Rows): NodeSlopes {
  if (isRecurrent(node)) return backwardRecurrent(node, trace, input, output);
  switch (node.op) {
    case "dense":
      return backwardDense(node, trace, input, output);
    case "conv1d":
      return backwardConv1d(node, trace, input, output);
    case "activation":
      return { input: behind(node.activation, trace, output), groups: [] };
    case "affine":
      return { input: mapRows(output, (slope, i) => slope * node.scale.data[i % output.cols]), groups: [] };
    case "globalPool":
      return { input: backwardGlobalPool(node, input, output), groups: [] };
    default:
      return { input: { ...input, data: output.data }, groups: [] };
  }
}

const mapRows = (rows: Rows, each: (value: number, i: number) => number): Rows => ({
  ...rows,
  data: rows.data.map(each),
});

/** Gradient by the argument of an activation. */
function behind(activation: Activation, trace: NodeTrace, output: Rows): Rows {
  if (activation.kind === "linear") return output;
  const { value, slope } = curveOf(activation);
  const pre = trace.preActivation as Rows;
  return mapRows(output, (given, i) => given * slope(pre.data[i], value(pre.data[i])));
}

function backwardDense(node: NodeOf<"dense">, trace: NodeTrace, input: Rows, output: Rows): NodeSlopes {
  const slopes = behind(node.activation, trace, output);
  const [inputSize, cols] = node.weights.shape;
  const back = emptyRows(input.batch, input.rows, inputSize);
  const weights = { outputs: inputSize, inputs: cols, data: Float64Array.from(node.weights.data) };
  multiplyAdd(back.data, inputSize, slopes.data, 0, cols, input.batch * input.rows, weights);
  return { input: back, groups: [{ slopes, parts: [input] }] };
}

function backwardConv1d(node: NodeOf<"conv1d">, trace: NodeTrace, input: Rows, output: Rows): NodeSlopes {
  const slopes = behind(node.activation, trace, output);
  const [taps, channels, cols] = node.weights.shape;
  const width = taps * channels;
  const { padLeft } = planWindowing(node.name, { ...node, taps }, input.rows);
  const taken = emptyRows(input.batch, output.rows, width);
  const back = emptyRows(input.batch, input.rows, channels);
  const rolled = emptyRows(input.batch, output.rows, width);
  const weights = { outputs: width, inputs: cols, data: Float64Array.from(node.weights.data) };
  multiplyAdd(rolled.data, width, slopes.data, 0, cols, input.batch * output.rows, weights);
  for (let i = 0; i < input.batch * output.rows * taps; i++) {
    const tap = i % taps;
    const b = Math.floor(i / (taps * output.rows));
    const row = (Math.floor(i / taps) % output.rows) * node.stride - padLeft + tap * node.dilation;
    if (row < 0 || row >= input.rows) continue;
    const at = (b * input.rows + row) * channels;
    for (let c = 0; c < channels; c++) {
      taken.data[i * channels + c] = input.data[at + c];
      back.data[at + c] += rolled.data[i * channels + c];
    }
  }
  return { input: back, groups: [{ slopes, parts: [taken] }] };
}

function backwardGlobalPool(node: NodeOf<"globalPool">, input: Rows, output: Rows): Rows {
  const back = emptyRows(input.batch, input.rows, input.cols);
  const { rows, cols } = input;
  for (let b = 0; b < input.batch; b++) {
    for (let c = 0; c < cols; c++) {
      let largest = 0;
      for (let t = 0; t < rows; t++) {
        const at = (b * rows + t) * cols + c;
        if (node.mode === "average") back.data[at] = output.data[b * cols + c] / rows;
        else if (input.data[at] > input.data[(b * rows + largest) * cols + c]) largest = t;
      }
      if (node.mode === "max") back.data[(b * rows + largest) * cols + c] = output.data[b * cols + c];
    }
  }
  return back;
}
