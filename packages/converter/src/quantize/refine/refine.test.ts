import { describe, expect, it } from "vitest";
import { FloatExecutor } from "../../float/index.js";
import type { Rows } from "../../float/rows.js";
import { GraphBuilder } from "../../graph/builder.js";
import type { FloatTensor, Graph } from "../../graph/types.js";
import { lowerGraph } from "../../lower/lower-graph.js";
import type { Lowering, LoweringOptions } from "../../lower/lowering.js";
import { calibrate } from "../calibrate.js";
import { randomNumbers } from "../random.js";
import { proofHolds, sumBound } from "../rows.js";
import { networkWindows } from "../windows.js";
import { divergenceOf, randomDirections } from "./divergence.js";
import { moreWindows } from "./more-windows.js";
import { refine } from "./refine.js";
import { roundedGraph } from "./rounded-graph.js";
import { traceBatch } from "./trace.js";

const next = randomNumbers(11);
const [CHANNELS, SIZE, STEPS, CLASSES] = [3, 10, 20, 4];
const uniform = () => 2 * next() - 1;
const tensor = (reach: number, ...shape: number[]): FloatTensor => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => reach * uniform()),
});

/** A SimpleRNN and four classes. */
function classifier(): Graph {
  const builder = new GraphBuilder();
  const rest = { layerClass: "Test", inputs: [0] };
  builder.add({
    ...rest,
    op: "input",
    kind: "frames",
    name: "in",
    inputs: [],
    shape: { sequence: true, rows: STEPS, cols: CHANNELS },
  });
  builder.add({
    ...rest,
    op: "rnn",
    name: "rnn",
    shape: { sequence: false, rows: 1, cols: SIZE },
    hiddenSize: SIZE,
    inputWeights: tensor(0.6, CHANNELS, SIZE),
    recurrentWeights: tensor(0.55, SIZE, SIZE),
    bias: tensor(0.2, SIZE),
    activation: { kind: "tanh" },
    returnSequences: false,
  });
  const shape = { sequence: false, rows: 1, cols: CLASSES };
  const dense = {
    weights: tensor(2, SIZE, CLASSES),
    bias: tensor(0.5, CLASSES),
    activation: { kind: "linear" },
  } as const;
  builder.add({ ...rest, ...dense, op: "dense", name: "dense", inputs: [1], shape });
  const output = builder.add({ ...rest, op: "softmax", name: "softmax", inputs: [2], shape });
  return builder.finish(output, { name: "test", window: STEPS, stateful: false, provenance: "test" });
}

/** Slow movements. */
function windowsOf(count: number): Float32Array[] {
  return Array.from({ length: count }, () => {
    const values = Array.from({ length: CHANNELS }, uniform);
    return Float32Array.from({ length: STEPS * CHANNELS }, (_, i) => {
      values[i % CHANNELS] = 0.9 * values[i % CHANNELS] + 0.6 * uniform();
      return values[i % CHANNELS];
    });
  });
}

function lower(graph: Graph, windows: readonly Float32Array[]): Lowering {
  const run = calibrate(graph, windows, true);
  let step = run.next();
  while (!step.done) step = run.next();
  const options: LoweringOptions = {
    bitsOf: () => 4,
    rangeMethod: "max",
    margin: 1.25,
    compensate: true,
    encoding: networkWindows(graph, { calibration: windows }).encoding,
    like: new Map(),
    cache: new Map(),
  };
  return lowerGraph(graph, step.value.nodes, options);
}

/** Of a lowered graph's weights from the float graph, a window. */
function divergence(graph: Graph, lowering: Lowering, windows: readonly Float32Array[]): number {
  const rows = (of: Graph): Rows[] => {
    const executor = new FloatExecutor(of);
    return windows.map((window) => traceBatch(executor, [window])[lowering.head.node].output as Rows);
  };
  const got = rows(roundedGraph(lowering));
  return rows(graph).reduce((sum, wanted, i) => sum + divergenceOf(wanted, got[i], "softmax"), 0) / windows.length;
}

const pause = () => Promise.resolve();

describe("rounding for the outputs", () => {
  it("brings outputs closer to the float network's on windows it has not seen, and keeps the proof of every row", async () => {
    const graph = classifier();
    const windows = windowsOf(300);
    const unseen = windowsOf(300);
    const start = lower(graph, windows);
    const refined = await refine(graph, start, windows, 3_000, pause);
    expect(refined).not.toBe(start);
    expect(divergence(graph, refined, unseen)).toBeLessThan(0.7 * divergence(graph, start, unseen));
    for (const key of refined.cacheKeys.values()) {
      for (const { integers, layout } of refined.options.cache.get(key)!.groups) {
        expect(Math.max(...integers.weights.map(Math.abs))).toBeLessThanOrEqual(7);
        for (let row = 0; row < integers.rows; row++) {
          const bound = sumBound(integers.weights, row * layout.columns, layout.columnShift);
          expect(proofHolds(bound, integers.bias[row], 4)).toBe(true);
        }
      }
    }
    // The start is left as it was.
    expect(divergence(graph, lower(graph, windows), unseen)).toBeCloseTo(divergence(graph, start, unseen), 12);
  });
  it("leaves a file alone where the windows say too little about its weights, or runs cost too much", async () => {
    const graph = classifier();
    const windows = windowsOf(40);
    const start = lower(graph, windows);
    expect(await refine(graph, start, windows, 3_000, pause)).toBe(start);
    expect(await refine(graph, start, windowsOf(200), 1e9, pause)).toBe(start);
  });
});

describe("directions of the outputs", () => {
  const rows = (data: number[], cols = data.length): Rows => ({
    batch: data.length / cols,
    rows: 1,
    cols,
    data: Float64Array.from(data),
    masked: null,
  });
  it.each(["softmax", "sigmoid", "none"] as const)("square to the divergence of a small error: %s", (transform) => {
    const wanted = rows([0.3, -0.8, 1.1]);
    const error = [0.02, -0.01, 0.03];
    const got = rows(error.map((value, i) => wanted.data[i] + value));
    const random = randomNumbers(3);
    let mean = 0;
    for (let i = 0; i < 20_000; i++) {
      const { data } = randomDirections(wanted, transform, random);
      mean += (data[0] * error[0] + data[1] * error[1] + data[2] * error[2]) ** 2 / 40_000;
    }
    expect(mean / divergenceOf(wanted, got, transform)).toBeCloseTo(1, 1);
  });
  it("cost nothing where nothing differs", () => {
    expect(divergenceOf(rows([1, 2]), rows([1, 2]), "softmax")).toBeCloseTo(0, 12);
  });
});

describe("made-up windows", () => {
  it("follow those given, differ from them, and stay near", () => {
    const windows = windowsOf(30);
    const more = moreWindows(windows, 70, CHANNELS);
    expect(more).toHaveLength(70);
    expect(more.slice(0, 30)).toEqual(windows);
    for (const [i, made] of more.slice(30).entries()) {
      const given = windows[(30 + i) % 30];
      expect(made).not.toEqual(given);
      expect(Math.max(...made.map((value, at) => Math.abs(value - given[at])))).toBeLessThan(3);
    }
    expect(moreWindows(windows, 70, CHANNELS)).toEqual(more);
  });
});
