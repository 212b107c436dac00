import { FloatExecutor } from "../float/index.js";
import type { DenseNode, Graph } from "../graph/types.js";
import type { Lowering } from "../lower/lowering.js";
import { batchesOf } from "./calibrate.js";
import { choleskyInPlace, invertLower } from "./cholesky.js";
import { MomentCollector, type Moments, subMoments } from "./moments.js";
import { simulateGraph } from "./simulate/graph.js";

/** Pull towards the given weights, as a part of the mean variance of the inputs: 0.03 fits noise, 0.3 does not. */
const RIDGE = 0.3;

export interface CorrectedDense {
  readonly node: DenseNode;
  /** Of the inputs as the quantized layers before give them. */
  readonly moments: Moments;
}

/**
 * Refits a dense layer to the inputs that the quantized layers before it really give, so that its pre-activations come
 * closest to those of the float network in the least squares sense. Needs no labels.
 * @param graph    with the dense layers before `index` refitted; `original`: as it was
 * @param lowering of `graph`, with all layers before `index` quantized
 * Cost: two runs of the graph over the windows, 4 * inputs^2 MACs a row.
 */
export function correctDense(
  graph: Graph,
  lowering: Lowering,
  windows: readonly Float32Array[],
  index: number,
  original: Graph,
): CorrectedDense {
  const node = graph.nodes[index] as DenseNode;
  const source = node.inputs[0];
  const [inputs, outputs] = node.weights.shape;
  const pairs = new MomentCollector(2 * inputs);
  const executor = new FloatExecutor(original);
  const { cols } = graph.nodes[0].shape;
  for (const batch of batchesOf(windows)) {
    let wanted: Float64Array | undefined;
    executor.runBatch(batch, {
      everyStep: graph.window === null,
      observe: ({ index: at, signal, data }) => {
        if (at === source && signal === "output") wanted = data.slice();
      },
    });
    const rows = batch[0].length / cols;
    const data = new Float64Array(batch.length * rows * cols);
    batch.forEach((window, w) => {
      data.set(window, w * rows * cols);
    });
    simulateGraph(graph, lowering.simulated, { batch: batch.length, rows, cols, data, masked: null }, (at, got) => {
      if (at !== source || wanted === undefined) return;
      for (let i = 0; i < got.data.length; i += inputs) {
        pairs.add(wanted, i, inputs, got.data, i);
      }
    });
  }
  const both = pairs.finish() as Moments;
  return { node: refit(node, both, inputs, outputs), moments: subMoments(both, inputs, 2 * inputs) };
}

/** W' = (W C(u, u') + r W) (C(u', u') + r I)^-1; the bias takes up the means. */
function refit(node: DenseNode, both: Moments, inputs: number, outputs: number): DenseNode {
  const size = 2 * inputs;
  const covariance = (i: number, j: number) => both.second[i * size + j] - both.mean[i] * both.mean[j];
  const normal = new Float64Array(inputs * inputs);
  let trace = 0;
  for (let i = 0; i < inputs; i++) trace += covariance(inputs + i, inputs + i);
  const ridge = Math.max(1e-12, (RIDGE * trace) / inputs);
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < inputs; j++)
      normal[i * inputs + j] = covariance(inputs + i, inputs + j) + (i === j ? ridge : 0);
  }
  if (!choleskyInPlace(normal, inputs)) return node;
  const inverse = invertLower(normal, inputs);
  const weights = new Float32Array(node.weights.data.length);
  const bias = Float32Array.from(node.bias.data);
  const given = node.weights.data;
  for (let o = 0; o < outputs; o++) {
    const right = new Float64Array(inputs);
    for (let j = 0; j < inputs; j++) {
      right[j] = ridge * given[j * outputs + o];
      for (let i = 0; i < inputs; i++) right[j] += given[i * outputs + o] * covariance(i, inputs + j);
    }
    // Solution by the inverse factor: (L L^T)^-1 = L^-T L^-1.
    const middle = new Float64Array(inputs);
    for (let i = 0; i < inputs; i++) for (let j = 0; j <= i; j++) middle[i] += inverse[i * inputs + j] * right[j];
    for (let j = 0; j < inputs; j++) {
      let value = 0;
      for (let i = j; i < inputs; i++) value += inverse[i * inputs + j] * middle[i];
      weights[j * outputs + o] = value;
      bias[o] += given[j * outputs + o] * both.mean[j] - value * both.mean[inputs + j];
    }
  }
  return {
    ...node,
    weights: { shape: node.weights.shape, data: weights },
    bias: { shape: node.bias.shape, data: bias },
  };
}
