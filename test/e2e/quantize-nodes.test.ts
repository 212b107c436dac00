import type { Activation } from "@gatelet/converter";
import { describe, expect, it } from "vitest";
import {
  compare,
  graphOf,
  type LooseNode,
  linear,
  Random,
  relu,
  sequence,
  sigmoid,
  tanh,
  vector,
} from "./quantize-support.js";

const STEPS = 20;
const SIZE = 5;
const input: LooseNode = { op: "input", kind: "frames", shape: sequence(STEPS, SIZE) };

function recurrent(
  op: "rnn" | "lstm" | "gru" | "minimalGru" | "fastGrnn",
  hidden: number,
  rest: {
    from?: number;
    activation?: Activation;
    gate?: Activation;
    sequences?: boolean;
    resetAfter?: boolean;
    rows?: number | null;
    maskObey?: boolean;
    size?: number;
  } = {},
): LooseNode {
  const random = new Random(hidden + op.length);
  const gates = { rnn: 1, lstm: 4, gru: 3, minimalGru: 2, fastGrnn: 1 }[op];
  const from = rest.from ?? SIZE;
  const returnSequences = rest.sequences ?? false;
  return {
    op,
    hiddenSize: hidden,
    inputWeights: random.tensor([from, gates * hidden], rest.size ?? 0.6),
    recurrentWeights: random.tensor([hidden, gates * hidden], (rest.size ?? 0.6) / Math.sqrt(hidden)),
    bias: random.tensor([gates * hidden], 0.3),
    activation: rest.activation ?? tanh,
    returnSequences,
    shape:
      returnSequences || rest.rows === null
        ? sequence(rest.rows === undefined ? STEPS : rest.rows, hidden)
        : vector(hidden),
    maskObey: rest.maskObey ?? false,
    ...(op === "rnn" ? {} : { recurrentActivation: rest.gate ?? sigmoid }),
    ...(op === "fastGrnn"
      ? { gateOffset: random.tensor([hidden], 0.5), factors: { shape: [2], data: Float32Array.of(0.73, 0.02) } }
      : {}),
    ...(op === "gru"
      ? { resetAfter: rest.resetAfter ?? false, recurrentBias: random.tensor([3 * hidden], rest.resetAfter ? 0.3 : 0) }
      : {}),
  } as LooseNode;
}

function dense(from: number, cols: number, activation: Activation = linear, rows?: number): LooseNode {
  const random = new Random(cols);
  return {
    op: "dense",
    weights: random.tensor([from, cols], 1 / Math.sqrt(from)),
    bias: random.tensor([cols], 0.3),
    activation,
    shape: rows === undefined ? vector(cols) : sequence(rows, cols),
  };
}

function conv1d(
  cols: number,
  rest: {
    taps?: number;
    stride?: number;
    dilation?: number;
    padding?: "valid" | "same" | "causal";
    activation?: Activation;
  },
  rows: number,
  from = SIZE,
): LooseNode {
  const random = new Random(cols);
  const { taps = 3, stride = 1, dilation = 1, padding = "valid", activation = relu } = rest;
  return {
    op: "conv1d",
    weights: random.tensor([taps, from, cols], 1 / Math.sqrt(taps * from)),
    bias: random.tensor([cols], 0.3),
    stride,
    dilation,
    padding,
    activation,
    shape: sequence(rows, cols),
  };
}

const globalAverage = (cols: number): LooseNode => ({ op: "globalPool", mode: "average", shape: vector(cols) });

describe("recurrent layers agree with the float network", () => {
  const cases: [string, LooseNode, number][] = [
    ["rnn tanh", recurrent("rnn", 7), 40],
    ["rnn relu", recurrent("rnn", 6, { activation: relu, size: 0.4 }), 40],
    ["rnn elu", recurrent("rnn", 6, { activation: { kind: "elu", alpha: 1 }, size: 0.4 }), 36],
    ["rnn linear", recurrent("rnn", 6, { activation: linear, size: 0.3 }), 40],
    ["lstm", recurrent("lstm", 9), 40],
    ["lstm hard sigmoid", recurrent("lstm", 8, { gate: { kind: "hardSigmoid" } }), 38],
    ["lstm keras 3 hard sigmoid", recurrent("lstm", 8, { gate: { kind: "hardSigmoidKeras3" } }), 38],
    ["lstm relu", recurrent("lstm", 6, { activation: relu, size: 0.4 }), 38],
    ["lstm softsign", recurrent("lstm", 6, { activation: { kind: "softsign" } }), 36],
    ["lstm sigmoid", recurrent("lstm", 6, { activation: sigmoid }), 36],
    ["lstm hard tanh", recurrent("lstm", 6, { activation: { kind: "hardTanh" } }), 36],
    ["lstm relu 6", recurrent("lstm", 6, { activation: { kind: "relu", max: 6 }, size: 0.5 }), 34],
    ["gru", recurrent("gru", 9), 40],
    ["gru relu", recurrent("gru", 7, { activation: relu, size: 0.4 }), 36],
    ["gru reset after", recurrent("gru", 9, { resetAfter: true }), 40],
    ["fastgrnn", recurrent("fastGrnn", 9), 40],
    ["fastgrnn hard sigmoid", recurrent("fastGrnn", 7, { gate: { kind: "hardSigmoid" } }), 38],
    ["fastgrnn relu", recurrent("fastGrnn", 7, { activation: relu, size: 0.3 }), 36],
    ["minimal gru", recurrent("minimalGru", 9), 40],
    ["minimal gru hard sigmoid", recurrent("minimalGru", 7, { gate: { kind: "hardSigmoid" } }), 38],
    ["minimal gru relu", recurrent("minimalGru", 7, { activation: relu, size: 0.4 }), 36],
    [
      "gru reset after, hard sigmoid, relu",
      recurrent("gru", 6, { resetAfter: true, gate: { kind: "hardSigmoid" }, activation: relu, size: 0.4 }),
      34,
    ],
    ["lstm with softsign gates", recurrent("lstm", 6, { gate: { kind: "softsign" } }), 34],
  ];
  it.each(cases)("%s", async (_, node, decibels) => {
    const { sqnrDb } = await compare(graphOf([input, node], STEPS));
    expect(sqnrDb).toBeGreaterThan(decibels);
  });

  it("keeps sequences, stacked, with a softmax on the host", async () => {
    const nodes = [
      input,
      recurrent("gru", 8, { sequences: true }),
      recurrent("lstm", 6, { from: 8 }),
      dense(6, 4),
      { op: "softmax", shape: vector(4) } as LooseNode,
    ];
    const { sqnrDb, result } = await compare(graphOf(nodes, STEPS));
    expect(sqnrDb).toBeGreaterThan(45);
    expect(result.spec.outputTransform).toBe("softmax");
  });

  it("streams give a row at every step", async () => {
    const open: LooseNode = { op: "input", kind: "frames", shape: sequence(null, SIZE) };
    const { sqnrDb } = await compare(
      graphOf(
        [open, recurrent("lstm", 8, { sequences: true, rows: null }), recurrent("rnn", 5, { from: 8, rows: null })],
        null,
      ),
      { steps: 60 },
    );
    expect(sqnrDb).toBeGreaterThan(38);
  });

  it("bidirectional layers meet again behind their reversal", async () => {
    const nodes: LooseNode[] = [
      input,
      recurrent("lstm", 6, { sequences: true }),
      { op: "reverse", shape: sequence(STEPS, SIZE), inputs: [0] },
      { ...recurrent("gru", 6, { sequences: true }), inputs: [2] },
      { op: "reverse", shape: sequence(STEPS, 6), inputs: [3] },
      { op: "merge", mode: "concat", shape: sequence(STEPS, 12), inputs: [1, 4] },
    ];
    const { sqnrDb, result } = await compare(graphOf(nodes, STEPS));
    expect(sqnrDb).toBeGreaterThan(38);
    expect(result.spec.records.some(({ kernel }) => kernel === "FIFO")).toBe(true);
  });
});

describe("feed-forward layers agree with the float network", () => {
  const kinds: Activation[] = [
    { kind: "tanh" },
    { kind: "sigmoid" },
    { kind: "hardSigmoid" },
    { kind: "softplus" },
    { kind: "softsign" },
    { kind: "swish" },
    { kind: "gelu" },
    { kind: "geluTanh" },
    { kind: "mish" },
    { kind: "selu" },
    { kind: "hardTanh" },
    { kind: "hardSwish" },
    { kind: "exponential" },
    { kind: "elu", alpha: 0.7 },
    { kind: "leakyRelu", alpha: 0.2 },
    { kind: "relu", max: 1 },
    { kind: "relu", negativeSlope: 0.1, max: 2 },
    { kind: "leakyRelu", alpha: 1.5 },
  ];
  it.each(kinds.map((kind) => [kind.kind, kind] as const))("dense with %s", async (_, kind) => {
    const nodes = [input, dense(SIZE, 7, kind, STEPS), dense(7, 3, linear, STEPS)];
    const { sqnrDb } = await compare(graphOf(nodes, STEPS));
    expect(sqnrDb).toBeGreaterThan(38);
  });
  it.each(kinds.map((kind) => [kind.kind, kind] as const))("activation node %s", async (_, kind) => {
    const nodes: LooseNode[] = [
      input,
      { op: "activation", activation: kind, shape: sequence(STEPS, SIZE) },
      globalAverage(SIZE),
    ];
    const { sqnrDb } = await compare(graphOf(nodes, STEPS));
    expect(sqnrDb).toBeGreaterThan(50);
  });

  const convolutions: [string, Parameters<typeof conv1d>[1], number][] = [
    ["valid", {}, 18],
    ["same", { padding: "same", taps: 4 }, 20],
    ["same with stride", { padding: "same", taps: 5, stride: 2 }, 10],
    ["same with stride 3", { padding: "same", taps: 2, stride: 3 }, 7],
    ["causal", { padding: "causal", taps: 4 }, 20],
    ["causal dilated", { padding: "causal", taps: 3, dilation: 3 }, 20],
    ["valid dilated with stride", { taps: 3, dilation: 2, stride: 2 }, 8],
    ["same, table", { padding: "same", activation: { kind: "swish" } }, 20],
  ];
  it.each(convolutions)("conv1d %s", async (_, rest, rows) => {
    const { sqnrDb } = await compare(graphOf([input, conv1d(6, rest, rows)], STEPS));
    expect(sqnrDb).toBeGreaterThan(40);
  });
  it.each(["valid", "same", "causal"] as const)("depthwise conv1d %s", async (padding) => {
    const random = new Random(3);
    const rows = padding === "valid" ? 18 : 20;
    const node: LooseNode = {
      op: "depthwiseConv1d",
      weights: random.tensor([3, SIZE, 2], 0.6),
      bias: random.tensor([10], 0.3),
      depthMultiplier: 2,
      stride: 1,
      dilation: 1,
      padding,
      activation: relu,
      shape: sequence(rows, 10),
    };
    const { sqnrDb } = await compare(graphOf([input, node], STEPS));
    expect(sqnrDb).toBeGreaterThan(40);
  });
  it.each([
    ["max", "valid", 9],
    ["average", "valid", 9],
    ["max", "same", 10],
    ["average", "same", 10],
  ] as const)("%s pool %s", async (mode, padding, rows) => {
    const node: LooseNode = { op: "pool", mode, size: 3, stride: 2, padding, shape: sequence(rows, SIZE) };
    const { sqnrDb } = await compare(graphOf([input, node], STEPS));
    expect(sqnrDb).toBeGreaterThan(70);
  });
  it.each(["max", "average"] as const)("global %s pool", async (mode) => {
    const { sqnrDb } = await compare(graphOf([input, { op: "globalPool", mode, shape: vector(SIZE) }], STEPS));
    expect(sqnrDb).toBeGreaterThan(70);
  });
  it("affine, prelu, layer normalization and inner softmax", async () => {
    const random = new Random(5);
    const alpha = random.tensor([SIZE], 0.4);
    const per = (node: LooseNode) =>
      compare(graphOf([input, dense(SIZE, SIZE, relu, STEPS), node, globalAverage(SIZE)], STEPS));
    const shape = sequence(STEPS, SIZE);
    const branch: LooseNode[] = [
      input,
      { op: "activation", activation: tanh, shape },
      { op: "affine", scale: random.tensor([SIZE], 1), offset: random.tensor([SIZE], 1), shape },
      globalAverage(SIZE),
    ];
    expect((await compare(graphOf(branch, STEPS))).sqnrDb).toBeGreaterThan(60);
    const prelu: LooseNode[] = [input, { op: "prelu", alpha, shape }, globalAverage(SIZE)];
    expect((await compare(graphOf(prelu, STEPS))).sqnrDb).toBeGreaterThan(60);
    const norm: LooseNode = {
      op: "layerNorm",
      gamma: random.tensor([SIZE], 0.3, 1),
      beta: random.tensor([SIZE], 0.3),
      epsilon: 1e-3,
      shape,
    };
    expect((await per(norm)).sqnrDb).toBeGreaterThan(40);
    expect((await per({ op: "softmax", shape })).sqnrDb).toBeGreaterThan(45);
  });
  it("flattens, reshapes and repeats", async () => {
    const nodes: LooseNode[] = [
      input,
      { op: "reshape", shape: vector(STEPS * SIZE) },
      dense(STEPS * SIZE, 6, tanh),
      { op: "repeat", shape: sequence(4, 6) },
      recurrent("gru", 5, { from: 6, sequences: true, rows: 4 }),
      { op: "reshape", shape: sequence(10, 2) },
    ];
    expect((await compare(graphOf(nodes, STEPS))).sqnrDb).toBeGreaterThan(36);
  });
  it.each(["concat", "add", "subtract", "multiply", "average", "maximum", "minimum"] as const)(
    "merge %s",
    async (mode) => {
      const cols = mode === "concat" ? 12 : 6;
      const nodes: LooseNode[] = [
        input,
        { ...dense(SIZE, 6, tanh, STEPS), inputs: [0] },
        { ...conv1d(6, { padding: "same", activation: linear }, STEPS), inputs: [0] },
        { op: "merge", mode, shape: sequence(STEPS, cols), inputs: [1, 2] },
      ];
      expect((await compare(graphOf(nodes, STEPS))).sqnrDb).toBeGreaterThan(38);
    },
  );
  it("averages three branches that arrive at different times", async () => {
    const nodes: LooseNode[] = [
      input,
      { ...conv1d(6, { padding: "same", taps: 5 }, STEPS), inputs: [0] },
      { ...recurrent("rnn", 6, { sequences: true }), inputs: [0] },
      { ...dense(SIZE, 6, relu, STEPS), inputs: [0] },
      { op: "merge", mode: "average", shape: sequence(STEPS, 6), inputs: [1, 2, 3] },
    ];
    expect((await compare(graphOf(nodes, STEPS))).sqnrDb).toBeGreaterThan(38);
  });
});

describe("vectors of a window", () => {
  it("meet at its end, whatever rows led to them", async () => {
    const strided = Math.ceil((STEPS - 2) / 2);
    const nodes: LooseNode[] = [
      input,
      recurrent("lstm", 6),
      { ...conv1d(6, { stride: 2 }, strided), inputs: [0] },
      { op: "globalPool", mode: "average", shape: vector(6), inputs: [2] },
      { ...recurrent("gru", 6, { from: 6 }), inputs: [2] },
      { ...conv1d(6, { padding: "same", activation: tanh }, STEPS), inputs: [0] },
      { op: "globalPool", mode: "max", shape: vector(6), inputs: [5] },
      { op: "merge", mode: "add", shape: vector(6), inputs: [1, 3, 6] },
      { op: "merge", mode: "concat", shape: vector(12), inputs: [7, 4] },
      dense(12, 4),
    ];
    expect((await compare(graphOf(nodes, STEPS))).sqnrDb).toBeGreaterThan(36);
  });
});

describe("inputs", () => {
  it("embeds tokens, and masks token 0", async () => {
    const random = new Random(9);
    const nodes: LooseNode[] = [
      { op: "input", kind: "tokens", shape: sequence(STEPS, 1) },
      { op: "embedding", table: random.tensor([12, 6], 0.5), maskZero: true, maskOut: true, shape: sequence(STEPS, 6) },
      recurrent("lstm", 6, { from: 6, maskObey: true }),
    ];
    expect((await compare(graphOf(nodes, STEPS))).sqnrDb).toBeGreaterThan(36);
  });
  it("masks rows of a value that is a raw count", async () => {
    const random = new Random(11);
    const windows = Array.from({ length: 24 }, () =>
      Float32Array.from({ length: STEPS * SIZE }, (_, i) => (i < 6 * SIZE ? 0 : Math.round(200 * random.normal()))),
    );
    const shape = sequence(STEPS, SIZE);
    const nodes: LooseNode[] = [
      input,
      { op: "mask", value: 0, zero: true, when: "all", maskOut: true, shape },
      recurrent("gru", 6, { maskObey: true, size: 0.02 }),
    ];
    const { result } = await compare(graphOf(nodes, STEPS), { calibration: windows, windows: 0 });
    expect(result.spec.meta?.inputScale).toEqual([1, 1, 1, 1, 1]);
    expect(result.report.warnings).toEqual([]);
  });
  it("keeps the value of a mask that only flags out of the range", async () => {
    const random = new Random(12);
    const windows = Array.from({ length: 24 }, () =>
      Float32Array.from({ length: STEPS * SIZE }, (_, i) => (i < 6 * SIZE ? -999 : random.normal())),
    );
    const nodes: LooseNode[] = [
      input,
      { op: "mask", value: -999, zero: false, when: "all", maskOut: true, shape: sequence(STEPS, SIZE) },
      recurrent("gru", 6, { maskObey: true }),
    ];
    const { result, sqnrDb } = await compare(graphOf(nodes, STEPS), { calibration: windows });
    expect(result.report.layers[0]?.scale).toBeLessThan(1e-3);
    expect(result.spec.meta?.["mask"]).toEqual({ code: -32768, value: -999 });
    expect(sqnrDb).toBeGreaterThan(38);
  });
  it("rounds very wide layers plainly and says so", async () => {
    const wide = 400;
    const nodes: LooseNode[] = [
      input,
      dense(SIZE, wide, tanh, STEPS),
      { op: "reshape", shape: vector(STEPS * wide) },
      dense(STEPS * wide, 3),
    ];
    const { result, sqnrDb } = await compare(graphOf(nodes, STEPS), { windows: 2 });
    expect(sqnrDb).toBeGreaterThan(25);
    expect(result.report.warnings[0]).toBe("dense_3 has 8000 columns and is rounded plainly");
  });
  it("folds a normalization of features of very different size into the input", async () => {
    const random = new Random(4);
    const sizes = [0.01, 1, 30, 1000, 5000];
    const centres = [0, 5, -40, 1013, 0];
    const affine: LooseNode = {
      op: "affine",
      scale: { shape: [SIZE], data: Float32Array.from(sizes, (s) => 1 / s) },
      offset: { shape: [SIZE], data: Float32Array.from(centres, (c, j) => -c / sizes[j]!) },
      shape: sequence(STEPS, SIZE),
    };
    const calibration = Array.from({ length: 40 }, () =>
      Float32Array.from({ length: STEPS * SIZE }, (_, i) => centres[i % SIZE]! + sizes[i % SIZE]! * random.normal()),
    );
    const plain = Array.from(calibration, (window) =>
      window.map((x, i) => (x - centres[i % SIZE]!) / sizes[i % SIZE]!),
    );
    const node = recurrent("lstm", 8);
    const raw = await compare(graphOf([input, affine, node], STEPS), { calibration, windows: 0 });
    const standardized = await compare(graphOf([input, node], STEPS), { calibration: plain, windows: 0 });
    const of = (report: typeof raw) => report.result.report.layers.find(({ kernel }) => kernel === "LSTM")?.sqnrDb ?? 0;
    expect(Math.abs(of(raw) - of(standardized))).toBeLessThan(1);
    expect(raw.result.spec.records).toHaveLength(2);
  });
});

describe("options", () => {
  const net = () =>
    graphOf(
      [
        input,
        recurrent("lstm", 16, { sequences: true }),
        recurrent("gru", 12, { from: 16 }),
        dense(12, 8, relu),
        dense(8, 3),
      ],
      STEPS,
    );
  it("4 bits cost signal but keep the last layer at 8", async () => {
    const eight = await compare(net());
    const four = await compare(net(), { bits: 4 });
    expect(four.sqnrDb).toBeGreaterThan(15);
    expect(four.sqnrDb).toBeLessThan(eight.sqnrDb - 10);
    expect(four.result.report.layers.map(({ bits }) => bits)).toEqual([undefined, 4, 4, 4, 8]);
    expect(four.result.bytes.length).toBeLessThan(eight.result.bytes.length);
  });
  it("error compensation beats plain rounding", async () => {
    const plain = await compare(net(), { bits: 4, compensate: false });
    const compensated = await compare(net(), { bits: 4 });
    expect(compensated.sqnrDb).toBeGreaterThan(plain.sqnrDb + 2);
  });
  it("mixed bits meet a budget that 8 bits miss", async () => {
    const eight = await compare(net(), { windows: 0 });
    const flashBytes = eight.result.bytes.length - 300;
    const mixed = await compare(net(), { windows: 0, mixed: { flashBytes } });
    expect(mixed.result.bytes.length).toBeLessThanOrEqual(flashBytes);
    expect(new Set(mixed.result.report.layers.map(({ bits }) => bits))).toContain(8);
  });
  it("says what a budget lacks", async () => {
    const budget = { arenaBytes: 128 };
    await expect(compare(net(), { windows: 0, budget })).rejects.toThrow(
      /^arena needs \d+ bytes, budget is 128: the widest/,
    );
    await expect(compare(net(), { windows: 0, budget: { flashBytes: 3000 } })).rejects.toThrow(
      /^file needs \d+ bytes, budget is 3000/,
    );
  });
  it("refuses a gate that a minimal GRU cannot turn round", async () => {
    const graph = graphOf([input, recurrent("minimalGru", 4, { gate: { kind: "softsign" } })], STEPS);
    await expect(compare(graph, { windows: 4 })).rejects.toThrow("gate of minimalGru_1 is softsign");
  });
  it("refuses bad calibration by name", async () => {
    const bad = new Float32Array(STEPS * SIZE);
    bad[SIZE + 2] = Number.NaN;
    await expect(compare(net(), { calibration: [bad] })).rejects.toThrow(
      "calibration window 0, step 1, feature 2 is NaN",
    );
    await expect(compare(net(), { calibration: [bad.subarray(1)] })).rejects.toThrow("expected 20 steps of 5 features");
    await expect(compare(net(), { inputTransform: { scale: 1, std: [1, 1, 0, 1, 1] } })).rejects.toThrow(
      "std of feature 2 is 0",
    );
  });
  it("works without calibration and says so", async () => {
    const { result } = await compare(net(), { calibration: [], windows: 0 });
    expect(result.report.rounding).toBe("plain");
    expect(result.report.warnings[0]).toContain("no calibration data");
  });
  it("stops when told", async () => {
    const controller = new AbortController();
    const onProgress = ({ done }: { done: number }) => done > 0.1 && controller.abort(new Error("enough"));
    await expect(compare(net(), { signal: controller.signal, onProgress })).rejects.toThrow("enough");
  });
  it("gives the same bytes twice", async () => {
    const [a, b] = [await compare(net(), { windows: 0 }), await compare(net(), { windows: 0 })];
    expect(a.result.bytes).toEqual(b.result.bytes);
  });
});
