import type { ConvertedModel } from "@gatelet/converter";
import { pad2, type QuadOrder, type RecordSpec, unpackQuads, unpackRowParams } from "@gatelet/converter/format";
import { gatesOf, type Network, type NetworkLayer, unitsOf } from "../prune/network.js";
import { TrainError } from "../training/errors.js";
import { resetsAfter } from "./integer-rows.js";
import { preScalesOf } from "./pre-scales.js";
import type { LayerGrid } from "./weight-grid.js";

/**
 * The real weights that a converted file holds, in the network's order; those of layers that are not simulated as they are.
 * Rounding them plainly on the file's grids gives the file's integers again, so error-compensated rounding can be where a
 * training begins.
 */
export function fileWeights(
  network: Network,
  grids: readonly (LayerGrid | undefined)[],
  { spec, report }: Pick<ConvertedModel, "spec" | "report">,
): Float32Array[] {
  return network.layers.flatMap((layer, index) => {
    const grid = grids[index];
    if (grid === undefined || !READ.has(layer.className)) return layer.weights.map(({ data }) => data.slice());
    const name = layer.config["name"];
    const place = report.layers.find((each) => each.name === name && each.bits !== undefined);
    if (place === undefined) throw new TrainError("PRUNE_UNSUPPORTED", `layer ${name} is not found in the file`);
    const preScales = preScalesOf(layer, grid, index === network.layers.length - 1);
    return layerWeights(layer, grid, spec.records[place.record], preScales);
  });
}

/** Layers whose weights are read back. */
const READ = new Set(["Dense", "Conv1D", "SimpleRNN", "LSTM", "GRU", "GateletGRU", "MinimalGRU", "FastGRNN"]);
const TWO_32 = 2 ** 32;

function layerWeights(
  layer: NetworkLayer,
  grid: LayerGrid,
  record: RecordSpec,
  preScales: Float64Array,
): Float32Array[] {
  const isRecurrent = gatesOf(layer) !== undefined;
  const units = unitsOf(layer);
  const rows = units * (gatesOf(layer) ?? 1);
  const [kernel, second] = layer.weights;
  const columns = kernel.data.length / rows;
  const order = orderOf(layer);
  const channels = layer.className === "Conv1D" ? kernel.shape[1] : columns;
  const inputColumns = (columns / channels) * (layer.className === "Conv1D" ? pad2(channels) : channels);
  const shape = { order, bits: grid.bits, hiddenSize: units, recurrentFirst: grid.recurrentFirst };
  const recurrentColumns = isRecurrent ? units : undefined;
  const integers = unpackQuads(record.weights as Uint8Array, { ...shape, inputColumns, recurrentColumns });
  const { bias, multiplier } = unpackRowParams(order, units, record.rowParams as Int32Array);
  const own = (row: number) => order === "gruResetAfter" && row >= 2 * units;
  // Rows of parameters: those of a recurrent candidate with reset after stand behind all others.
  const stepOf = (row: number, part: 0 | 1) =>
    (multiplier[own(row) && part === 1 ? row + units : row] * preScales[row]) / TWO_32;
  const factorOf = (row: number, part: 0 | 1) =>
    isRecurrent && !own(row) && (part === 1) === grid.recurrentFirst ? 2 ** grid.shift : 1;

  const input = new Float32Array(kernel.data.length);
  for (let column = 0; column < columns; column++) {
    const from = Math.floor(column / channels) * (inputColumns / (columns / channels)) + (column % channels);
    for (let row = 0; row < rows; row++) {
      const value = integers.input[row * inputColumns + from];
      input[column * rows + row] = (value * stepOf(row, 0) * factorOf(row, 0)) / grid.inputScale;
    }
  }
  const results: Float32Array[] = [input];
  if (integers.recurrent !== undefined) {
    const recurrent = new Float32Array(second.data.length);
    for (let column = 0; column < units; column++) {
      for (let row = 0; row < rows; row++) {
        const value = integers.recurrent[row * units + column];
        recurrent[column * rows + row] = (value * stepOf(row, 1) * factorOf(row, 1)) / grid.hiddenScale;
      }
    }
    results.push(recurrent);
  }
  const given = layer.weights[results.length];
  if (given !== undefined) results.push(realBias(given.data.length, rows, units, bias, stepOf, own));
  if (layer.className !== "FastGRNN") return results;
  // The file keeps what the gate's bias is beside the candidate's, and the factors.
  for (let row = 0; row < rows; row++)
    results[2][rows + row] = results[2][row] + given.data[rows + row] - given.data[row];
  return [...results, ...layer.weights.slice(3).map(({ data }) => data.slice())];
}

/** Biases of gates stand in the input's part; a candidate with reset after has two. */
function realBias(
  length: number,
  rows: number,
  units: number,
  bias: Int32Array,
  stepOf: (row: number, part: 0 | 1) => number,
  own: (row: number) => boolean,
): Float32Array {
  const result = new Float32Array(length);
  for (let row = 0; row < rows; row++) {
    result[row] = bias[row] * stepOf(row, 0);
    if (length > rows && own(row)) result[rows + row] = bias[row + units] * stepOf(row, 1);
  }
  return result;
}

function orderOf(layer: NetworkLayer): QuadOrder {
  if (layer.className === "LSTM") return "lstm";
  if (layer.className === "MinimalGRU") return "minimalGru";
  if (gatesOf(layer) !== 3) return "plain";
  return resetsAfter(layer) ? "gruResetAfter" : "gru";
}
