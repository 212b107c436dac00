import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Activation, FloatExecutor, type Graph, type GraphNode, openModel } from "@gatelet/converter";
import { FloatBaselineError, runFloatBaseline } from "@gatelet/sim";
import { describe, expect, it } from "vitest";
import { planArena } from "../../packages/sim/src/float-baseline/arena.js";
import { FLOAT } from "../../packages/sim/src/float-baseline/map.js";
import { missing } from "../../test/support/requirements.js";
import { sharedModel } from "../../test/support/shared-models.js";
import { firmwareFolder, run } from "../test/support/build.js";

const TOLERANCE = 1e-4;

let seed = 1;
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 31 - 1;
}
const tensor = (...shape: number[]) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => 0.6 * random()),
});

type Body = GraphNode extends infer Node ? (Node extends GraphNode ? Omit<Node, "name" | "layerClass"> : never) : never;

/** A graph of a chain, or of nodes that say their inputs. */
function graphOf(window: number | null, ...bodies: Body[]): Graph {
  const nodes = bodies.map((body, i) => ({ ...body, name: `${body.op}${i}`, layerClass: body.op }) as GraphNode);
  return { name: "test", nodes, output: nodes.length - 1, window, stateful: window === null, provenance: "test" };
}
const rowsOf = (rows: number | null, cols: number) => ({ sequence: true, rows, cols });
const vector = (cols: number) => ({ sequence: false, rows: 1, cols });
const input = (rows: number | null, cols: number): Body => ({
  op: "input",
  kind: "frames",
  inputs: [],
  shape: rowsOf(rows, cols),
});
const tanh: Activation = { kind: "tanh" };
const sigmoid: Activation = { kind: "sigmoid" };

interface Recurrent {
  readonly op: "rnn" | "lstm" | "gru" | "minimalGru" | "fastGrnn";
  readonly from: number;
  readonly inputSize: number;
  readonly units: number;
  readonly rows: number | null;
  readonly sequence: boolean;
  readonly resetAfter?: boolean;
  readonly gate?: Activation;
}

function recurrent({
  op,
  from,
  inputSize,
  units,
  rows,
  sequence,
  resetAfter = false,
  gate = sigmoid,
}: Recurrent): Body {
  const width = { rnn: 1, lstm: 4, gru: 3, minimalGru: 2, fastGrnn: 1 }[op] * units;
  return {
    op,
    inputs: [from],
    shape: sequence ? rowsOf(rows, units) : vector(units),
    hiddenSize: units,
    inputWeights: tensor(inputSize, width),
    recurrentWeights: tensor(units, width),
    bias: tensor(width),
    recurrentBias: resetAfter ? tensor(width) : { shape: [width], data: new Float32Array(width) },
    activation: tanh,
    recurrentActivation: gate,
    resetAfter,
    ...(op === "fastGrnn" ? { gateOffset: tensor(units), factors: tensor(2) } : {}),
    returnSequences: sequence,
  } as Body;
}

const dense = (from: number, inputSize: number, cols: number, rows: number | null, activation: Activation): Body => ({
  op: "dense",
  inputs: [from],
  shape: rows === null ? vector(cols) : rowsOf(rows, cols),
  weights: tensor(inputSize, cols),
  bias: tensor(cols),
  activation,
});

const windowsOf = (count: number, values: number): Float32Array[] =>
  Array.from({ length: count }, () => Float32Array.from({ length: values }, () => 1.5 * random()));

function compare(graph: Graph, windows: readonly Float32Array[]) {
  const report = runFloatBaseline({ graph, windows });
  const executor = new FloatExecutor(graph);
  windows.forEach((window, w) => {
    const expected = executor.run(window, { everyStep: graph.window === null });
    expect(report.outputs[w].length).toBe(expected.length);
    expected.forEach((value, i) => {
      expect(Math.abs(report.outputs[w][i] - value), `window ${w} value ${i}`).toBeLessThan(TOLERANCE);
    });
  });
  return report;
}

describe("the float32 baseline on the built-in board", () => {
  it.each(["rnn", "lstm", "gru", "gru reset after", "minimalGru", "fastGrnn"])(
    "runs %s of odd sizes, rows and last row",
    (name) => {
      const op = name.split(" ")[0] as Recurrent["op"];
      const resetAfter = name.endsWith("after");
      for (const [inputSize, first, second] of [
        [1, 1, 2],
        [3, 5, 4],
        [6, 9, 7],
      ]) {
        const graph = graphOf(
          7,
          input(7, inputSize),
          recurrent({ op, from: 0, inputSize, units: first, rows: 7, sequence: true, resetAfter }),
          recurrent({ op, from: 1, inputSize: first, units: second, rows: 7, sequence: false, resetAfter }),
          dense(2, second, 3, null, { kind: "linear" }),
          { op: "softmax", inputs: [3], shape: vector(3) },
        );
        compare(graph, windowsOf(2, 7 * inputSize));
      }
    },
  );

  it.each([
    ["valid", 1, 1],
    ["same", 1, 1],
    ["causal", 1, 1],
    ["same", 2, 1],
    ["causal", 3, 1],
    ["same", 1, 2],
    ["causal", 1, 3],
  ] as const)("runs convolutions and pools, padding %s, stride %i, dilation %i", (padding, stride, dilation) => {
    const count = (rows: number, span: number) => Math.ceil((padding === "valid" ? rows - span + 1 : rows) / stride);
    const rows = count(20, 4 * dilation + 1);
    const second = count(rows, 2 * dilation + 1);
    const pool = padding === "causal" ? "valid" : padding;
    const pooled = Math.ceil((pool === "valid" ? second - 2 : second) / 2);
    const graph = graphOf(
      20,
      input(20, 3),
      {
        op: "conv1d",
        inputs: [0],
        shape: rowsOf(rows, 6),
        weights: tensor(5, 3, 6),
        bias: tensor(6),
        activation: { kind: "relu", max: 1 },
        padding,
        stride,
        dilation,
      },
      {
        op: "depthwiseConv1d",
        inputs: [1],
        shape: rowsOf(second, 12),
        weights: tensor(3, 6, 2),
        bias: tensor(12),
        depthMultiplier: 2,
        activation: { kind: "leakyRelu", alpha: 0.2 },
        padding,
        stride,
        dilation,
      },
      { op: "pool", inputs: [2], shape: rowsOf(pooled, 12), mode: "average", size: 3, stride: 2, padding: pool },
      { op: "globalPool", inputs: [3], shape: vector(12), mode: "max" },
      dense(4, 12, 2, null, { kind: "elu", alpha: 1 }),
    );
    compare(graph, windowsOf(2, 60));
  });

  it("runs both directions, merges, scales and reshapes", () => {
    for (const mode of ["concat", "add", "subtract", "multiply", "average", "maximum", "minimum"] as const) {
      const cols = mode === "concat" ? 8 : 4;
      const graph = graphOf(
        6,
        input(6, 3),
        { op: "affine", inputs: [0], shape: rowsOf(6, 3), scale: tensor(3), offset: tensor(3) },
        recurrent({ op: "gru", from: 1, inputSize: 3, units: 4, rows: 6, sequence: true }),
        { op: "reverse", inputs: [1], shape: rowsOf(6, 3) },
        recurrent({ op: "lstm", from: 3, inputSize: 3, units: 4, rows: 6, sequence: true }),
        { op: "reverse", inputs: [4], shape: rowsOf(6, 4) },
        { op: "merge", inputs: [2, 5], shape: rowsOf(6, cols), mode },
        { op: "activation", inputs: [6], shape: rowsOf(6, cols), activation: { kind: "softsign" } },
        { op: "reshape", inputs: [7], shape: vector(6 * cols) },
        dense(8, 6 * cols, 3, null, sigmoid),
        { op: "repeat", inputs: [9], shape: rowsOf(2, 3) },
      );
      compare(graph, windowsOf(3, 18));
    }
  });

  it.each([
    { kind: "hardSigmoid" },
    { kind: "hardSigmoidKeras3" },
    { kind: "exponential" },
    { kind: "swish" },
    { kind: "selu" },
    { kind: "hardTanh" },
    { kind: "hardSwish" },
    { kind: "tanh" },
  ] as Activation[])("has the activation %o", (activation) => {
    compare(graphOf(9, input(9, 4), { op: "activation", inputs: [0], shape: rowsOf(9, 4), activation }), [
      Float32Array.from({ length: 36 }, (_, i) => (i - 18) / 3),
    ]);
  });

  it("gives a row at every step of a stream", () => {
    const graph = graphOf(
      null,
      input(null, 2),
      recurrent({
        op: "gru",
        from: 0,
        inputSize: 2,
        units: 5,
        rows: null,
        sequence: false,
        gate: { kind: "hardSigmoid" },
      }),
      dense(1, 5, 1, null, { kind: "linear" }),
    );
    expect(compare(graph, windowsOf(1, 22)).outputs[0].length).toBe(11);
  });

  it("counts cycles that do not depend on data, and books them on the layers", () => {
    const graph = graphOf(
      5,
      input(5, 6),
      recurrent({
        op: "lstm",
        from: 0,
        inputSize: 6,
        units: 16,
        rows: 5,
        sequence: false,
        gate: { kind: "hardSigmoid" },
      }),
      dense(1, 16, 3, null, { kind: "linear" }),
    );
    const one = runFloatBaseline({ graph, windows: windowsOf(1, 30) });
    const four = runFloatBaseline({ graph, windows: windowsOf(4, 30) });
    expect(Math.abs(four.cycles - 4 * one.cycles) / four.cycles).toBeLessThan(0.05);
    const booked = one.layers.reduce((sum, { cycles }) => sum + cycles, 0);
    expect(booked).toBeLessThan(one.cycles);
    expect(booked).toBeGreaterThan(0.95 * one.cycles);
    const macs = 5 * 4 * 16 * 22 + 48;
    expect(one.instructions / macs).toBeGreaterThan(2);
    expect(one.cycles / macs).toBeLessThan(12);
    expect(one.codeBytes).toBeGreaterThan(1000);
    expect(one.codeBytes).toBeLessThan(6000);
    expect(one.modelBytes).toBeGreaterThan(4 * (4 * 16 * 23 + 51));
    const [off, cached] = ([2, 3] as const).map((waitStates) =>
      runFloatBaseline({ graph, windows: windowsOf(1, 30), waitStates }),
    );
    expect(cached.cycles).toBeGreaterThan(one.cycles);
    expect(off.cycles).toBeGreaterThan(1.1 * cached.cycles);
  });

  it("says what it does not cover", () => {
    const bad =
      (...bodies: Body[]) =>
      () =>
        runFloatBaseline({ graph: graphOf(4, ...bodies), windows: windowsOf(1, 8) });
    expect(bad(input(4, 2), dense(0, 2, 2, 4, { kind: "mish" }))).toThrow(
      "layer dense1: the float baseline has no activation mish",
    );
    const mask: Body = { op: "mask", inputs: [0], shape: rowsOf(4, 2), value: 0, zero: true, when: "all" };
    expect(bad(input(4, 2), mask)).toThrow(FloatBaselineError);
    expect(bad(input(4, 2), dense(0, 2, 20000, 4, tanh))).toThrow("needs 320032 bytes of arena");
    const graph = graphOf(4, input(4, 2), dense(0, 2, 2, 4, tanh));
    const odd = [new Float32Array(8), new Float32Array(7)];
    expect(() => runFloatBaseline({ graph, windows: odd })).toThrow("a window has 7 values, the graph takes 8");
  });
});

describe("the arena", () => {
  it("gives stretches of different lifes the same place, never those of one time", () => {
    const buffers = [
      { floats: 10, from: 0, to: 1 },
      { floats: 20, from: 1, to: 2 },
      { floats: 8, from: 2, to: 3 },
      { floats: 3, from: 0, to: 3 },
    ];
    const { offsets, floats } = planArena(buffers);
    expect(floats).toBe(33);
    buffers.forEach((a, i) => {
      buffers.slice(i + 1).forEach((b, k) => {
        if (a.from > b.to || b.from > a.to) return;
        const [p, q] = [offsets[i], offsets[i + 1 + k]];
        expect(p + a.floats <= q || q + b.floats <= p).toBe(true);
      });
    });
  });
});

describe("constants", () => {
  it("are those of float_map.h", () => {
    const text = readFileSync(join(firmwareFolder, "float/float_map.h"), "utf8");
    const defines = [...text.matchAll(/^#define FLOAT_(\w+) (\S+)$/gm)].map(([, name, value]) => [name, Number(value)]);
    expect(Object.fromEntries(defines)).toEqual(FLOAT);
  });
});

describe.skipIf(missing("arm-gcc"))("the committed baseline firmware", () => {
  it("equals a fresh build", () => {
    const folder = mkdtempSync(join(tmpdir(), "gatelet-float-"));
    try {
      run("make", ["float", `OUT=${folder}`]);
      const name = "float-nrf52840.gen.elf";
      expect(readFileSync(join(folder, name)).equals(readFileSync(join(firmwareFolder, "generated", name)))).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe.skipIf(missing("shared"))("shared models as float32 C", () => {
  it.each(["hapt-gru32", "hapt-cnn16"])("%s gives the reference outputs", async (name) => {
    const model = sharedModel(name);
    const graph = await openModel(model.folder);
    const windows = [0, 1, 2].map((index) => model.testWindow(index));
    const { outputs } = runFloatBaseline({ graph, windows });
    outputs.forEach((output, index) => {
      output.forEach((value, i) => {
        expect(Math.abs(value - model.reference(index)[i])).toBeLessThan(TOLERANCE);
      });
    });
  });
});
