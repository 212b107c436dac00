import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../graph/builder.js";
import type { FloatTensor, Graph, GraphNode, GruNode, RowShape } from "../graph/types.js";
import { FloatExecutor } from "./executor.js";
import type { Observation } from "./rows.js";

let state = 1;
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 31 - 1;
}

function tensor(...shape: number[]): FloatTensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return { shape, data: Float32Array.from({ length: size }, random) };
}

const sigmoid = { kind: "sigmoid" } as const;
const tanh = { kind: "tanh" } as const;
const sequence = (rows: number | null, cols: number): RowShape => ({ sequence: true, rows, cols });
type Body = GraphNode extends infer Node ? (Node extends GraphNode ? Omit<Node, "name" | "layerClass"> : never) : never;

/** A graph whose output is its last node. */
function graphOf(window: number | null, ...bodies: Body[]): Graph {
  const builder = new GraphBuilder();
  bodies.forEach((body, index) => {
    builder.add({ ...body, name: `${body.op}_${index}`, layerClass: "Test" } as GraphNode);
  });
  return builder.finish(bodies.length - 1, { name: "test", window, stateful: false, provenance: "test" });
}

function input(rows: number | null, cols: number): Body {
  return { op: "input", kind: "frames", inputs: [], shape: sequence(rows, cols) };
}

function gru(inputSize: number, hiddenSize: number, resetAfter: boolean, rows: number | null = null): Body {
  return {
    op: "gru",
    inputs: [0],
    shape: sequence(rows, hiddenSize),
    hiddenSize,
    inputWeights: tensor(inputSize, 3 * hiddenSize),
    recurrentWeights: tensor(hiddenSize, 3 * hiddenSize),
    bias: tensor(3 * hiddenSize),
    recurrentBias: resetAfter
      ? tensor(3 * hiddenSize)
      : { shape: [3 * hiddenSize], data: new Float32Array(3 * hiddenSize) },
    activation: tanh,
    recurrentActivation: sigmoid,
    resetAfter,
    returnSequences: true,
  };
}

function lstm(inputSize: number, hiddenSize: number, at: number, returnSequences: boolean): Body {
  return {
    op: "lstm",
    inputs: [at],
    shape: returnSequences ? sequence(null, hiddenSize) : { sequence: false, rows: 1, cols: hiddenSize },
    hiddenSize,
    inputWeights: tensor(inputSize, 4 * hiddenSize),
    recurrentWeights: tensor(hiddenSize, 4 * hiddenSize),
    bias: tensor(4 * hiddenSize),
    activation: tanh,
    recurrentActivation: sigmoid,
    returnSequences,
  };
}

function frames(count: number): Float32Array {
  return Float32Array.from({ length: count }, random);
}

/** GRU with reset after, straight from its definition, one number at a time. */
function slowGru(node: GruNode, sequenceOfFrames: Float32Array, inputSize: number): number[][] {
  const size = node.hiddenSize;
  const { data: w } = node.inputWeights;
  const { data: u } = node.recurrentWeights;
  const logistic = (x: number) => 1 / (1 + Math.exp(-x));
  let h: number[] = new Array(size).fill(0);
  const rows: number[][] = [];
  for (let t = 0; t < sequenceOfFrames.length / inputSize; t++) {
    const fromInput = (gate: number, unit: number) => {
      let sum = node.bias.data[gate * size + unit];
      for (let i = 0; i < inputSize; i++)
        sum += sequenceOfFrames[t * inputSize + i] * w[i * 3 * size + gate * size + unit];
      return sum;
    };
    const fromState = (gate: number, unit: number) => {
      let sum = node.recurrentBias.data[gate * size + unit];
      for (let i = 0; i < size; i++) sum += h[i] * u[i * 3 * size + gate * size + unit];
      return sum;
    };
    h = h.map((old, unit) => {
      const z = logistic(fromInput(0, unit) + fromState(0, unit));
      const r = logistic(fromInput(1, unit) + fromState(1, unit));
      const candidate = Math.tanh(fromInput(2, unit) + r * fromState(2, unit));
      return z * old + (1 - z) * candidate;
    });
    rows.push(h);
  }
  return rows;
}

describe("float executor", () => {
  it("runs a GRU that resets after as it is defined", () => {
    const graph = graphOf(null, input(null, 3), gru(3, 5, true));
    const sequenceOfFrames = frames(3 * 12);
    const output = new FloatExecutor(graph).run(sequenceOfFrames);
    const expected = slowGru(graph.nodes[1] as GruNode, sequenceOfFrames, 3).flat();
    expected.forEach((value, i) => {
      expect(Math.abs(output[i] - value)).toBeLessThan(1e-7);
    });
  });

  const conv = (padding: "valid" | "causal", stride: number, dilation: number): Body => ({
    op: "conv1d",
    inputs: [0],
    shape: sequence(null, 4),
    weights: tensor(3, 3, 4),
    bias: tensor(4),
    stride,
    dilation,
    padding,
    activation: tanh,
  });
  const pool = (size: number, stride: number): Body => ({
    op: "pool",
    inputs: [0],
    shape: sequence(null, 3),
    mode: "average",
    size,
    stride,
    padding: "valid",
  });
  const streams: Record<string, () => Graph> = {
    GRU: () => graphOf(null, input(null, 3), gru(3, 5, false)),
    "two LSTMs": () => graphOf(null, input(null, 3), lstm(3, 4, 0, true), lstm(4, 3, 1, true)),
    "valid convolution": () => graphOf(null, input(null, 3), conv("valid", 1, 2)),
    "causal convolution with stride 2": () => graphOf(null, input(null, 3), conv("causal", 2, 1)),
    "convolution with a stride longer than its taps": () => graphOf(null, input(null, 3), conv("valid", 5, 1)),
    "overlapping pooling": () => graphOf(null, input(null, 3), pool(4, 2)),
    "pooling that leaves frames out": () => graphOf(null, input(null, 3), pool(2, 3)),
    "a convolution beside pooling of the same rate": () => {
      const merge: Body = { op: "merge", mode: "concat", inputs: [1, 2], shape: sequence(null, 7) };
      return graphOf(null, input(null, 3), conv("valid", 2, 1), pool(3, 2), merge);
    },
  };
  it.each(Object.entries(streams))("gives in a stream what it gives at once: %s", (_, build) => {
    const executor = new FloatExecutor(build());
    const all = frames(3 * 23);
    const expected = executor.run(all);
    for (const piece of [1, 2, 5, 23]) {
      const stream = executor.createStream();
      const rows: number[] = [];
      for (let at = 0; at < all.length; at += 3 * piece) rows.push(...stream.push(all.subarray(at, at + 3 * piece)));
      expect(rows).toEqual(Array.from(expected));
    }
  });

  it("gives a row at every step of a stream where a layer returns its last row only", () => {
    const executor = new FloatExecutor(graphOf(null, input(null, 3), lstm(3, 4, 0, false)));
    const all = frames(3 * 6);
    const stream = executor.createStream();
    for (let steps = 1; steps <= 6; steps++) {
      const row = stream.push(all.subarray(3 * (steps - 1), 3 * steps));
      expect(row).toEqual(executor.run(all.subarray(0, 3 * steps)));
    }
    expect(executor.run(all, { everyStep: true }).length).toBe(24);
    stream.reset();
    expect(stream.push(all.subarray(0, 3))).toEqual(executor.run(all.subarray(0, 3)));
  });

  it("runs window models window by window in a stream", () => {
    const executor = new FloatExecutor(graphOf(5, input(5, 3), lstm(3, 4, 0, false)));
    const all = frames(3 * 12);
    const stream = executor.createStream();
    expect(stream.push(all.subarray(0, 12)).length).toBe(0);
    const rows = stream.push(all.subarray(12));
    const expected = [...executor.run(all.subarray(0, 15)), ...executor.run(all.subarray(15, 30))];
    expect(Array.from(rows)).toEqual(expected);
  });

  it("gives a batch what it gives one window", () => {
    const executor = new FloatExecutor(graphOf(5, input(5, 3), lstm(3, 5, 0, true), gru(3, 4, true, 5)));
    const windows = Array.from({ length: 70 }, () => frames(15));
    const batch = executor.runBatch(windows);
    windows.forEach((window, index) => {
      const single = executor.run(window);
      single.forEach((value, i) => {
        expect(Math.abs(value - batch[index][i])).toBeLessThan(1e-7);
      });
    });
  });

  it("shows observers states, pre-activations and outputs of every step", () => {
    const executor = new FloatExecutor(graphOf(6, input(6, 3), lstm(3, 2, 0, false)));
    const seen = new Map<string, Observation>();
    executor.runBatch([frames(18), frames(18)], {
      observe: (observation) => {
        seen.set(`${observation.node.op}.${observation.signal}`, { ...observation, data: observation.data.slice() });
      },
    });
    const shapes = [...seen].map(([key, { batch, rows, cols }]) => [key, batch, rows, cols]);
    expect(shapes).toEqual([
      ["input.output", 2, 6, 3],
      ["lstm.preActivation", 2, 6, 8],
      ["lstm.hiddenState", 2, 6, 2],
      ["lstm.cellState", 2, 6, 2],
      ["lstm.output", 2, 1, 2],
    ]);
    // h = o * tanh(c) at every step, o from the fourth quarter of the pre-activations.
    const argument = seen.get("lstm.preActivation")!.data;
    const cell = seen.get("lstm.cellState")!.data;
    const hidden = seen.get("lstm.hiddenState")!.data;
    for (let row = 0; row < 12; row++) {
      for (let unit = 0; unit < 2; unit++) {
        const output = 1 / (1 + Math.exp(-argument[row * 8 + 6 + unit]));
        expect(hidden[row * 2 + unit]).toBeCloseTo(output * Math.tanh(cell[row * 2 + unit]), 14);
      }
    }
    expect(seen.get("lstm.output")!.data[3]).toBe(hidden[23]);
  });

  it("gives the logits before a final softmax, sigmoid or none", () => {
    const vector = { sequence: false, rows: 1, cols: 2 };
    const dense = (kind: "linear" | "sigmoid"): Body => ({
      op: "dense",
      inputs: [0],
      shape: vector,
      weights: { shape: [2, 2], data: Float32Array.of(1, 0, 0, 2) },
      bias: { shape: [2], data: Float32Array.of(0, 1) },
      activation: { kind },
    });
    const start: Body = { op: "input", kind: "frames", inputs: [], shape: vector };
    const softmax: Body = { op: "softmax", inputs: [1], shape: vector };
    for (const graph of [
      graphOf(1, start, dense("linear"), softmax),
      graphOf(1, start, dense("sigmoid")),
      graphOf(1, start, dense("linear")),
    ]) {
      expect(Array.from(new FloatExecutor(graph).run(Float32Array.of(3, -4), { logits: true }))).toEqual([3, -7]);
    }
  });

  it("refuses windows of the wrong length and tokens outside the vocabulary", () => {
    const executor = new FloatExecutor(graphOf(6, input(6, 3), lstm(3, 2, 0, false)));
    expect(() => executor.run(frames(17))).toThrow("window 0 has 17 values, expected 6 steps of 3");
    const tokens = new FloatExecutor(
      graphOf(
        2,
        { op: "input", kind: "tokens", inputs: [], shape: sequence(2, 1) },
        { op: "embedding", inputs: [0], shape: sequence(2, 2), table: tensor(4, 2), maskZero: false },
      ),
    );
    expect(() => tokens.run(Float32Array.of(3, 4))).toThrow("token 4 at step 1 is outside 0..3");
    expect(() => tokens.run(Float32Array.of(0.5, 1))).toThrow(RangeError);
  });
});
