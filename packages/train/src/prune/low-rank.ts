import { TrainError } from "../training/errors.js";
import { gatesOf, type Network, type NetworkLayer } from "./network.js";
import { singularValues } from "./svd.js";

export interface LowRankOptions {
  /** Largest part of a matrix's products, as their root mean square, that may be lost. Fine-tuning wins most of it back. Default 0.1. */
  readonly error?: number;
  /** Rows that come into each layer, [count, I], by place: their products are kept rather than the weights. */
  readonly inputs?: ReadonlyMap<number, Float32Array>;
  /** Names of the layers that are looked at; default: all. */
  readonly layers?: readonly string[];
}

/** A matrix that has become two. */
export interface LowRankMatrix {
  readonly layer: string;
  readonly rows: number;
  readonly cols: number;
  readonly rank: number;
  /** Part of its products (without inputs: of its Frobenius norm) that is lost. */
  readonly error: number;
  /** Multiplications of a step. */
  readonly macs: number;
  readonly macsBefore: number;
  /** Bytes in a `.gate` file at 8 bits: blocks of weights, and record and row parameters of the new layer. */
  readonly bytes: number;
  readonly bytesBefore: number;
}

export interface LowRankResult {
  readonly network: Network;
  readonly matrices: readonly LowRankMatrix[];
}

/**
 * Splits the kernels of Dense layers and the input kernels of recurrent layers, [I, O], into [I, rank] and [rank, O] by the
 * singular values of what they make of their inputs: a Dense layer without bias and activation is put in front. Only where the file loses bytes and every
 * step loses multiplications; the rank is the least multiple of 4 (rows of a quad) that keeps the error, or the full one.
 * Throws `TRAIN_OPTION` for an error outside 0 .. 1.
 */
export function lowRankNetwork(network: Network, options: LowRankOptions = {}): LowRankResult {
  const { error = 0.1, layers: chosen, inputs } = options;
  if (!(error >= 0 && error < 1)) {
    throw new TrainError("TRAIN_OPTION", `error of low-rank matrices is ${error}, expected 0 or more and below 1`);
  }
  const matrices: LowRankMatrix[] = [];
  const layers = network.layers.flatMap((layer, index) => {
    const name = String(layer.config["name"]);
    const isMatrix = layer.className === "Dense" || gatesOf(layer) !== undefined;
    if (!isMatrix || (chosen !== undefined && !chosen.includes(name))) return [layer];
    const shape = network.layers[index - 1]?.outputShape ?? network.inputShape;
    const split = splitLayer(layer, name, shape, error, inputs?.get(index));
    if (split === undefined) return [layer];
    matrices.push(split.matrix);
    return split.layers;
  });
  return { network: { ...network, layers }, matrices };
}

function splitLayer(
  layer: NetworkLayer,
  name: string,
  inputShape: readonly number[],
  error: number,
  inputs: Float32Array | undefined,
) {
  const [kernel, ...rest] = layer.weights;
  const [rows, cols] = kernel.shape;
  // No rank pays: the decomposition is not needed.
  if (!pays(rows, cols, 4)) return undefined;
  const found =
    inputs === undefined
      ? singularValues(kernel.data, rows, cols)
      : singularValues(products(inputs, kernel.data, rows, cols), inputs.length / rows, cols);
  const rank = Math.min(rankFor(found.values, error), found.right.length);
  if (!pays(rows, cols, rank) || rank === 0) return undefined;
  const factors = factorsOf(kernel.data, rows, cols, found.right.slice(0, rank));
  const { batch_input_shape: _shape, batchInputShape: _same, ...config } = layer.config;
  const first: NetworkLayer = {
    className: "Dense",
    config: { name: `${name}_low_rank`, units: rank, activation: "linear", use_bias: false, trainable: true },
    weights: [{ shape: [rows, rank], data: factors.first }],
    outputShape: [...inputShape.slice(0, -1), rank],
  };
  const second = {
    ...layer,
    config,
    weights: [{ shape: [rank, cols], data: factors.second }, ...rest],
  };
  const matrix: LowRankMatrix = {
    layer: name,
    rows,
    cols,
    rank,
    error: lostPart(found.values, rank),
    macs: rank * (rows + cols),
    macsBefore: rows * cols,
    bytes: splitBytes(rows, cols, rank),
    bytesBefore: blockBytes(rows, cols),
  };
  return { layers: [first, second], matrix };
}

const pad4 = (n: number) => (n + 3) & ~3;
const blockBytes = (inputs: number, outputs: number) => pad4(inputs) * pad4(outputs);
const RECORD_BYTES = 96;
const ROW_BYTES = 8;
const splitBytes = (rows: number, cols: number, rank: number) =>
  blockBytes(rows, rank) + blockBytes(rank, cols) + ROW_BYTES * pad4(rank) + RECORD_BYTES;
const pays = (rows: number, cols: number, rank: number) =>
  rank * (rows + cols) < rows * cols && splitBytes(rows, cols, rank) < blockBytes(rows, cols);

const energy = (values: Float64Array) => values.reduce((sum, value) => sum + value * value, 0);

function lostPart(values: Float64Array, rank: number): number {
  const whole = energy(values);
  return whole === 0 ? 0 : Math.sqrt(energy(values.subarray(rank)) / whole);
}

function rankFor(values: Float64Array, error: number): number {
  let rank = 4;
  while (rank < values.length && lostPart(values, rank) > error) rank += 4;
  return rank;
}

/** X W, row-major. */
function products(inputs: Float32Array, kernel: Float32Array, rows: number, cols: number): Float64Array {
  const count = inputs.length / rows;
  const result = new Float64Array(count * cols);
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < rows; i++) {
      const x = inputs[n * rows + i];
      for (let c = 0; c < cols; c++) result[n * cols + c] += x * kernel[i * cols + c];
    }
  }
  return result;
}

/**
 * W V [rows, rank] and V^T [rank, cols] for the chosen right vectors V, each column scaled so that both factors weigh the same
 * and train at one rate.
 */
function factorsOf(kernel: Float32Array, rows: number, cols: number, right: readonly Float64Array[]) {
  const rank = right.length;
  const first = new Float32Array(rows * rank);
  const second = new Float32Array(rank * cols);
  right.forEach((vector, k) => {
    const column = Float64Array.from({ length: rows }, (_, i) =>
      vector.reduce((sum, value, c) => sum + kernel[i * cols + c] * value, 0),
    );
    const root = Math.sqrt(Math.hypot(...column)) || 1;
    column.forEach((value, i) => {
      first[i * rank + k] = value / root;
    });
    vector.forEach((value, c) => {
      second[k * cols + c] = value * root;
    });
  });
  return { first, second };
}
