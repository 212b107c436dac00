import { softmaxRows } from "../float/activate.js";
import { FloatExecutor } from "../float/index.js";
import type { Rows } from "../float/rows.js";
import type { Graph } from "../graph/types.js";
import type { Lowering } from "../lower/lowering.js";
import { batchesOf } from "./calibrate.js";
import { simulateGraph } from "./simulate/graph.js";

/** Float rows of every node over some windows, to compare simulations with. */
export interface FloatRows {
  readonly batches: readonly {
    readonly input: readonly Float32Array[];
    readonly nodes: readonly (Float64Array | undefined)[];
  }[];
}

/** Windows spread evenly over the data. */
export function spread<Item>(items: readonly Item[], count: number): Item[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / count)]);
}

/** Runs the float graph and keeps the rows of all nodes; of a head whose sigmoid is left to the host, its argument. */
export function keepFloatRows(graph: Graph, windows: readonly Float32Array[], head: Lowering["head"]): FloatRows {
  const executor = new FloatExecutor(graph);
  const batches = batchesOf(windows).map((input) => {
    const nodes: (Float64Array | undefined)[] = [];
    executor.runBatch(input, {
      everyStep: graph.window === null,
      observe: ({ index, signal, data, node }) => {
        const isLogits = index === head.node && head.transform === "sigmoid" && node.op === "dense";
        if (signal === (isLogits ? "preActivation" : "output")) nodes[index] = data.slice();
      },
    });
    return { input, nodes };
  });
  return { batches };
}

type Visit = (index: number, wanted: Float64Array, got: Rows) => void;

/** Simulates a lowered graph over the windows and shows every node's rows beside those of the float run. */
function simulateBatches(graph: Graph, lowering: Lowering, float: FloatRows, visit: Visit): void {
  const { cols } = graph.nodes[0].shape;
  for (const { input, nodes } of float.batches) {
    const rows = input[0].length / cols;
    const data = new Float64Array(input.length * rows * cols);
    input.forEach((window, w) => {
      data.set(window, w * rows * cols);
    });
    simulateGraph(graph, lowering.simulated, { batch: input.length, rows, cols, data, masked: null }, (index, got) => {
      const wanted = nodes[index];
      if (wanted !== undefined) visit(index, wanted, got);
    });
  }
}

/** Signal to noise ratio in dB of every node's rows in the simulation of a lowered graph; Infinity where exact. */
export function measureSqnr(graph: Graph, lowering: Lowering, float: FloatRows): number[] {
  const signal = new Float64Array(graph.nodes.length);
  const noise = new Float64Array(graph.nodes.length);
  simulateBatches(graph, lowering, float, (index, wanted, got) => {
    for (let i = 0; i < wanted.length; i++) {
      signal[index] += wanted[i] ** 2;
      noise[index] += (wanted[i] - got.data[i]) ** 2;
    }
  });
  return Array.from(signal, (power, index) => (noise[index] === 0 ? Infinity : 10 * Math.log10(power / noise[index])));
}

/** Mean absolute error of what the host gets: probabilities where it takes a softmax or sigmoid, else the rows. */
export function measureOutputError(graph: Graph, lowering: Lowering, float: FloatRows): number {
  const { node, transform } = lowering.head;
  let sum = 0;
  let count = 0;
  simulateBatches(graph, lowering, float, (index, wanted, got) => {
    if (index !== node) return;
    const [a, b] = [transformRows(wanted, got.cols, transform), transformRows(got.data, got.cols, transform)];
    for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
    count += a.length;
  });
  return sum / count;
}

function transformRows(values: Float64Array, cols: number, transform: Lowering["head"]["transform"]): Float64Array {
  if (transform === "none") return values;
  if (transform === "sigmoid") return values.map((x) => 1 / (1 + Math.exp(-x)));
  const copy = values.slice();
  softmaxRows(copy, cols);
  return copy;
}
