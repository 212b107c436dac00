import { describe, expect, it } from "vitest";
import { FloatExecutor } from "../../float/index.js";
import type { Rows } from "../../float/rows.js";
import { GraphBuilder } from "../../graph/builder.js";
import type { FloatTensor, Graph, GraphNode, RowShape } from "../../graph/types.js";
import { randomNumbers } from "../random.js";
import { backward, hasBackward } from "./backward.js";
import { Sensitivity } from "./sensitivity.js";
import { traceBatch } from "./trace.js";

const next = randomNumbers(5);
const CHANNELS = 3;
const SIZE = 4;
const STEPS = 6;

function tensor(...shape: number[]): FloatTensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return { shape, data: Float32Array.from({ length: size }, () => 2 * next() - 1) };
}

const tanh = { kind: "tanh" } as const;
const sigmoid = { kind: "sigmoid" } as const;
const sequence = (rows: number, cols: number): RowShape => ({ sequence: true, rows, cols });
const vector = (cols: number): RowShape => ({ sequence: false, rows: 1, cols });

function recurrent(gates: number) {
  return {
    inputs: [0],
    shape: sequence(STEPS, SIZE),
    hiddenSize: SIZE,
    inputWeights: tensor(CHANNELS, gates * SIZE),
    recurrentWeights: tensor(SIZE, gates * SIZE),
    bias: tensor(gates * SIZE),
    activation: tanh,
    recurrentActivation: sigmoid,
    returnSequences: true,
  };
}

const noBias = { shape: [3 * SIZE], data: new Float32Array(3 * SIZE) };
type Body = GraphNode extends infer Node ? (Node extends GraphNode ? Omit<Node, "name" | "layerClass"> : never) : never;
const FIRST: Record<string, () => Body> = {
  rnn: () => ({ op: "rnn", ...recurrent(1) }),
  lstm: () => ({ op: "lstm", ...recurrent(4) }),
  "gru, reset before": () => ({ op: "gru", ...recurrent(3), resetAfter: false, recurrentBias: noBias }),
  "gru, reset after": () => ({ op: "gru", ...recurrent(3), resetAfter: true, recurrentBias: tensor(3 * SIZE) }),
  "minimal gru": () => ({ op: "minimalGru", ...recurrent(2) }),
  fastgrnn: () => ({ op: "fastGrnn", ...recurrent(1), gateOffset: tensor(SIZE), factors: tensor(2) }),
  "conv1d, same": () => ({
    op: "conv1d",
    inputs: [0],
    shape: sequence(STEPS, SIZE),
    weights: tensor(3, CHANNELS, SIZE),
    bias: tensor(SIZE),
    stride: 1,
    dilation: 1,
    padding: "same",
    activation: { kind: "softplus" },
  }),
};

/** The layer, then an activation, an affine node, an LSTM that gives its last row, and a dense layer of two. */
function graphOf(first: Body): Graph {
  const builder = new GraphBuilder();
  const add = (body: Body) => builder.add({ ...body, name: body.op, layerClass: "Test" } as GraphNode);
  add({ op: "input", kind: "frames", inputs: [], shape: sequence(STEPS, CHANNELS) });
  add(first);
  add({ op: "activation", activation: { kind: "softsign" }, inputs: [1], shape: sequence(STEPS, SIZE) });
  add({ op: "affine", scale: tensor(SIZE), offset: tensor(SIZE), inputs: [2], shape: sequence(STEPS, SIZE) });
  const last = { ...recurrent(4), inputWeights: tensor(SIZE, 4 * SIZE), inputs: [3], shape: vector(SIZE) };
  add({ op: "lstm", ...last, returnSequences: false });
  const head = { weights: tensor(SIZE, 2), bias: tensor(2), activation: tanh, inputs: [4], shape: vector(2) };
  const output = add({ op: "dense", ...head });
  return builder.finish(output, { name: "test", window: STEPS, stateful: false, provenance: "test" });
}

/** Weights of a node as a group's rows see them: place in the node's tensors of [group, row, column]. */
function placeOf(node: GraphNode, group: number, row: number, column: number): [FloatTensor, number] {
  if (!("inputWeights" in node)) {
    const { weights } = node as Extract<GraphNode, { op: "dense" }>;
    return [weights, column * SIZE + row];
  }
  const gates = node.bias.data.length / SIZE;
  const firstGate = group === 0 ? 0 : node.op === "minimalGru" ? 1 : 2;
  const output = firstGate * SIZE + row;
  const isRecurrent = group === 2 || column >= CHANNELS;
  const at = group === 2 ? column : isRecurrent ? column - CHANNELS : column;
  return [isRecurrent ? node.recurrentWeights : node.inputWeights, at * gates * SIZE + output];
}

describe("gradients through a graph", () => {
  it.each(Object.keys(FIRST))("are those of differences: %s", (name) => {
    const graph = graphOf(FIRST[name]());
    const head = graph.output;
    expect(hasBackward(graph, head)).toBe(true);
    const windows = [0, 1].map(() => Float32Array.from({ length: STEPS * CHANNELS }, () => 2 * next() - 1));
    const seed: Rows = { batch: 2, rows: 1, cols: 2, data: Float64Array.of(0.7, -1.2, 0.4, 0.9), masked: null };
    const project = () =>
      new FloatExecutor(graph)
        .runBatch(windows)
        .map((row, w) => row[0] * seed.data[2 * w] + row[1] * seed.data[2 * w + 1]);
    const slopes = backward(graph, traceBatch(new FloatExecutor(graph), windows), head, seed).get(1)!;
    slopes.groups.forEach((group, g) => {
      const columns = group.parts.reduce((sum, { cols }) => sum + cols, 0);
      const answers = new Sensitivity(group.slopes.cols, columns, 2);
      answers.add(group);
      for (let row = 0; row < group.slopes.cols; row++) {
        for (let column = 0; column < columns; column++) {
          const [{ data }, at] = placeOf(graph.nodes[1], g, row, column);
          const before = data[at];
          const [low, high] = [before - 0.01, before + 0.01].map((value) => {
            data[at] = value;
            return project();
          });
          data[at] = before;
          for (let w = 0; w < 2; w++) {
            expect(answers.row(row)[column * 2 + w]).toBeCloseTo((high[w] - low[w]) / 0.02, 3);
          }
        }
      }
    });
  });

  it("are refused for streams and for layers that have none", () => {
    const graph = graphOf(FIRST["rnn"]());
    expect(hasBackward({ ...graph, window: null }, graph.output)).toBe(false);
    const masked = graph.nodes.map((node) => (node.op === "rnn" ? { ...node, maskObey: true } : node));
    expect(hasBackward({ ...graph, nodes: masked }, graph.output)).toBe(false);
    const other = graph.nodes.map((node) =>
      node.op === "activation" ? { ...node, op: "prelu" as const, alpha: tensor(SIZE) } : node,
    );
    expect(hasBackward({ ...graph, nodes: other }, graph.output)).toBe(false);
  });
});
