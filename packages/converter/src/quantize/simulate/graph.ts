import { conv1dRunner, depthwiseRunner, poolRunner } from "../../float/convolution.js";
import * as pointwise from "../../float/pointwise.js";
import type { NodeRunner, Rows, RunContext } from "../../float/rows.js";
import type { Graph, GraphNode } from "../../graph/types.js";
import type { Scalar } from "../activation-plan.js";
import { isRecurrent } from "../calibrate.js";
import { type SimulatedCell, simulateRecurrent } from "./recurrent.js";

/**
 * What quantization did to a node, in real numbers:
 * `cell`: a recurrent layer; `node`: the node with rounded weights and no activation; `apply`: rounding (and activation)
 * of what leaves. A node without any of them is left as it is.
 */
export interface SimulatedNode {
  readonly cell?: SimulatedCell;
  readonly node?: GraphNode;
  readonly apply?: Scalar;
}

/**
 * Runs the graph with quantized weights and rounded activations in double arithmetic: the integer engines' results but
 * for rounding ties and the error of the sigmoid table. For estimates; engines define the truth.
 * @param visit sees the rows of every node
 */
export function simulateGraph(
  graph: Graph,
  simulated: readonly (SimulatedNode | undefined)[],
  input: Rows,
  visit: (index: number, rows: Rows) => void,
): void {
  const results: Rows[] = [];
  const everyStep = graph.window === null;
  const context: RunContext = { observe: undefined, kept: null, everyStep };
  graph.nodes.forEach((node, index) => {
    const plan = simulated[index] ?? {};
    const inputs = index === 0 ? [input] : node.inputs.map((from) => results[from]);
    let rows: Rows;
    if (plan.cell !== undefined && isRecurrent(node)) {
      rows = simulateRecurrent(plan.cell, inputs[0], node.maskObey === true, node.returnSequences || everyStep);
      rows = { ...rows, masked: node.maskOut === true ? rows.masked : null };
    } else {
      rows = runnerOf(plan.node ?? node, index)(inputs, context);
    }
    const { apply } = plan;
    results[index] = apply === undefined ? rows : { ...rows, data: rows.data.map(apply) };
    visit(index, results[index]);
  });
}

function runnerOf(node: GraphNode, index: number): NodeRunner {
  switch (node.op) {
    case "embedding":
      return pointwise.embeddingRunner(node);
    case "mask":
      return pointwise.maskRunner(node);
    case "reverse":
      return pointwise.reverseRunner();
    case "dense":
      return pointwise.denseRunner(node, index);
    case "conv1d":
      return conv1dRunner(node, index);
    case "depthwiseConv1d":
      return depthwiseRunner(node, index);
    case "pool":
      return poolRunner(node, index);
    case "globalPool":
      return pointwise.globalPoolRunner(node);
    case "affine":
      return pointwise.affineRunner(node);
    case "activation":
      return pointwise.activationRunner(node, index);
    case "prelu":
      return pointwise.preluRunner(node);
    case "layerNorm":
      return pointwise.layerNormRunner(node);
    case "softmax":
      return pointwise.softmaxRunner(node, index);
    case "merge":
      return pointwise.mergeRunner(node, index);
    case "reshape":
      return ([input]) => {
        const { cols } = node.shape;
        return { ...input, rows: (input.rows * input.cols) / cols, cols, masked: null };
      };
    case "repeat":
      return pointwise.repeatRunner(node);
    default:
      return ([input]) => input;
  }
}
