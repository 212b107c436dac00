import { describe, expect, it } from "vitest";
import { FloatExecutor } from "../float/executor.js";
import { GraphBuilder } from "./builder.js";
import { foldGraph } from "./fold.js";
import type { Activation, FloatTensor, Graph, GraphNode, Padding } from "./types.js";

let state = 7;
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 31 - 1;
}

function tensor(...shape: number[]): FloatTensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return { shape, data: Float32Array.from({ length: size }, random) };
}

const ROWS = 8;
const COLS = 3;
const linear = { kind: "linear" } as const;
const relu = { kind: "relu" } as const;
type Body = GraphNode extends infer Node
  ? Node extends GraphNode
    ? Omit<Node, "name" | "layerClass" | "inputs" | "shape">
    : never
  : never;

/** Nodes that keep or change the shape as told; each reads the one before it unless `from` says otherwise. */
interface Step {
  readonly body: Body;
  readonly rows?: number;
  readonly cols?: number;
  readonly from?: readonly number[];
}

function graphOf(...steps: Step[]): Graph {
  const builder = new GraphBuilder();
  const shape = { sequence: true, rows: ROWS, cols: COLS };
  builder.add({ op: "input", kind: "frames", name: "input", layerClass: "Test", inputs: [], shape });
  steps.forEach(({ body, rows, cols, from }, index) => {
    const inputs = from ?? [index];
    const before = builder.nodes[inputs[0]].shape;
    const own = { sequence: rows !== 1 && before.sequence, rows: rows ?? before.rows, cols: cols ?? before.cols };
    builder.add({ ...body, name: `n${index + 1}`, layerClass: "Test", inputs, shape: own } as GraphNode);
  });
  return builder.finish(steps.length, { name: "test", window: ROWS, stateful: false, provenance: "test" });
}

const affine = (cols = COLS, offset = true): Step => ({
  body: {
    op: "affine",
    scale: tensor(cols),
    offset: offset ? tensor(cols) : { shape: [cols], data: new Float32Array(cols) },
  },
});
const dense = (cols: number, activation: Activation = linear, inputs = COLS): Step => ({
  body: { op: "dense", weights: tensor(inputs, cols), bias: tensor(cols), activation },
  cols,
});
const conv = (padding: Padding, activation: Activation = linear): Step => ({
  body: {
    op: "conv1d",
    weights: tensor(3, COLS, COLS),
    bias: tensor(COLS),
    stride: 1,
    dilation: 1,
    padding,
    activation,
  },
  rows: padding === "valid" ? ROWS - 2 : ROWS,
});
const depthwise = (padding: Padding, activation: Activation = linear): Step => ({
  body: {
    op: "depthwiseConv1d",
    weights: tensor(3, COLS, 2),
    bias: tensor(2 * COLS),
    depthMultiplier: 2,
    stride: 1,
    dilation: 1,
    padding,
    activation,
  },
  rows: padding === "valid" ? ROWS - 2 : ROWS,
  cols: 2 * COLS,
});
const gru = (returnSequences = true): Step => ({
  body: {
    op: "gru",
    hiddenSize: 4,
    inputWeights: tensor(COLS, 12),
    recurrentWeights: tensor(4, 12),
    bias: tensor(12),
    recurrentBias: tensor(12),
    activation: { kind: "tanh" },
    recurrentActivation: { kind: "sigmoid" },
    resetAfter: true,
    returnSequences,
  },
  cols: 4,
  ...(returnSequences ? {} : { rows: 1 }),
});
const lstm = (): Step => ({
  body: {
    op: "lstm",
    hiddenSize: 4,
    inputWeights: tensor(COLS, 16),
    recurrentWeights: tensor(4, 16),
    bias: tensor(16),
    activation: { kind: "tanh" },
    recurrentActivation: { kind: "sigmoid" },
    returnSequences: true,
  },
  cols: 4,
});
const activation = (kind: Activation): Step => ({ body: { op: "activation", activation: kind } });
const softmax: Step = { body: { op: "softmax" } };
const reverse: Step = { body: { op: "reverse" } };
const flatten: Step = { body: { op: "reshape" }, rows: 1, cols: ROWS * COLS };
const mean: Step = { body: { op: "globalPool", mode: "average" }, rows: 1 };
const maxPool: Step = { body: { op: "pool", mode: "max", size: 2, stride: 2, padding: "valid" }, rows: ROWS / 2 };

/** Folds, checks that the answer stays, and tells what is left. */
function foldAndCompare(graph: Graph): { readonly ops: string[]; readonly normalized: boolean } {
  const { graph: folded, inputNormalization } = foldGraph(graph);
  const windows = Array.from({ length: 3 }, () => tensor(ROWS, COLS).data);
  const before = new FloatExecutor(graph).runBatch(windows);
  const prepared = windows.map((window) => {
    if (inputNormalization === null) return window;
    const { scale, offset } = inputNormalization;
    return window.map((value, i) => value * scale[i % COLS] + offset[i % COLS]);
  });
  const after = new FloatExecutor(folded).runBatch(prepared);
  before.forEach((row, index) => {
    expect(after[index].length).toBe(row.length);
    row.forEach((value, i) => {
      expect(Math.abs(value - after[index][i])).toBeLessThan(1e-6);
    });
  });
  return { ops: folded.nodes.slice(1).map((node) => node.op), normalized: inputNormalization !== null };
}

const CASES: readonly (readonly [string, () => Graph, readonly string[]])[] = [
  ["affine into the dense before it", () => graphOf(dense(4), affine(4)), ["dense"]],
  ["affine into the padded convolution before it", () => graphOf(conv("same"), affine()), ["conv1d"]],
  [
    "affine into the depthwise convolution before it",
    () => graphOf(depthwise("causal"), affine(6)),
    ["depthwiseConv1d"],
  ],
  [
    "activation into what is before it, affine between",
    () => graphOf(conv("valid"), affine(), activation(relu)),
    ["conv1d"],
  ],
  [
    "several affine nodes into one, then into the dense behind",
    () => graphOf(gru(), affine(4), affine(4), dense(2, relu, 4)),
    ["gru", "dense"],
  ],
  [
    "affine behind an activation into the dense behind",
    () => graphOf(dense(COLS, relu), affine(), dense(2)),
    ["dense", "dense"],
  ],
  [
    "affine into the valid convolution behind",
    () => graphOf(dense(COLS, relu), affine(), conv("valid")),
    ["dense", "conv1d"],
  ],
  [
    "affine without offset into the padded convolution behind",
    () => graphOf(dense(COLS, relu), affine(COLS, false), conv("same")),
    ["dense", "conv1d"],
  ],
  [
    "affine into the valid depthwise convolution behind",
    () => graphOf(dense(COLS, relu), affine(), depthwise("valid")),
    ["dense", "depthwiseConv1d"],
  ],
  ["affine into a GRU that resets after", () => graphOf(dense(COLS, relu), affine(), gru()), ["dense", "gru"]],
  [
    "affine into both directions of a Bidirectional",
    () => {
      const merge: Step = { body: { op: "merge", mode: "add" }, from: [3, 6] };
      const steps = [dense(COLS, relu), affine(), lstm(), { ...reverse, from: [2] }, lstm(), reverse, merge];
      return graphOf(...steps);
    },
    ["dense", "lstm", "reverse", "lstm", "reverse", "merge"],
  ],
  [
    "affine through flatten",
    () => graphOf(dense(COLS, relu), affine(), flatten, dense(2, linear, ROWS * COLS)),
    ["dense", "reshape", "dense"],
  ],
  [
    "affine through the average",
    () => graphOf(dense(COLS, relu), affine(), mean, dense(2)),
    ["dense", "globalPool", "dense"],
  ],
  [
    "nothing: linear activation, reshape to the same shape",
    () => graphOf(dense(4), activation(linear), { body: { op: "reshape" } }),
    ["dense"],
  ],
];

const KEPT: readonly (readonly [string, () => Graph, readonly string[]])[] = [
  [
    "affine with offset before padding",
    () => graphOf(dense(COLS, relu), affine(), conv("same")),
    ["dense", "affine", "conv1d"],
  ],
  ["affine before max pooling", () => graphOf(dense(COLS, relu), affine(), maxPool), ["dense", "affine", "pool"]],
  ["affine that is the output", () => graphOf(gru(), affine(4)), ["gru", "affine"]],
  [
    "affine beside a branch",
    () => graphOf(dense(COLS), affine(), { body: { op: "merge", mode: "add" }, from: [1, 2] }),
    ["dense", "affine", "merge"],
  ],
  [
    "activation behind a dense that has one",
    () => graphOf(dense(4, relu), activation({ kind: "tanh" })),
    ["dense", "activation"],
  ],
  [
    "activation of a dense that others read",
    () => graphOf(dense(3), activation(relu), { body: { op: "merge", mode: "concat" }, from: [1, 2], cols: 6 }),
    ["dense", "activation", "merge"],
  ],
  [
    "affine that something besides weights reads",
    () =>
      graphOf(
        dense(COLS, relu),
        affine(),
        conv("valid"),
        { ...softmax, from: [2] },
        { ...mean, from: [3] },
        { ...mean, from: [4] },
        { body: { op: "merge", mode: "concat" }, from: [5, 6], cols: 6 },
      ),
    ["dense", "affine", "conv1d", "softmax", "globalPool", "globalPool", "merge"],
  ],
];

describe("foldGraph", () => {
  it.each(CASES)("folds %s", (_, build, left) => {
    expect(foldAndCompare(build()).ops).toEqual(left);
  });

  it.each(KEPT)("keeps %s", (_, build, left) => {
    expect(foldAndCompare(build()).ops).toEqual(left);
  });

  it("reports the affine node behind the input, joined with its like", () => {
    const result = foldAndCompare(graphOf(affine(), affine(), gru(false)));
    expect(result).toEqual({ ops: ["gru"], normalized: true });
  });

  it("does not take the input's affine node out where a mask or a branch reads the raw input", () => {
    const mask: Step = { body: { op: "mask", value: -9, zero: true, when: "all" } };
    expect(foldAndCompare(graphOf(mask, affine(), gru()))).toEqual({
      ops: ["mask", "affine", "gru"],
      normalized: false,
    });
    const branch = graphOf(affine(), { body: { op: "merge", mode: "add" }, from: [0, 1] });
    expect(foldAndCompare(branch)).toEqual({ ops: ["affine", "merge"], normalized: false });
  });

  it("leaves the graph it gets as it is", () => {
    const graph = graphOf(dense(4), affine(4), activation(relu));
    const copy = structuredClone(graph);
    foldGraph(graph);
    expect(graph).toEqual(copy);
  });
});
