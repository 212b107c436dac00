import type { QuantizeReport, WeightBits } from "@gatelet/converter";
import { gatesOf, type Network, type NetworkLayer, unitsOf } from "../prune/network.js";
import { TrainError } from "../training/errors.js";

/** What rounds the weights of one layer: bits, and how its two parts share an accumulator (KERNELS.md 3). */
export interface LayerGrid {
  readonly bits: WeightBits;
  /** Real value of one LSB of the layer's inputs and of its hidden state. */
  readonly inputScale: number;
  readonly hiddenScale: number;
  /** Left shift of the part that is summed first. */
  readonly shift: number;
  readonly recurrentFirst: boolean;
  /** LSTM: fraction bits of the cell state. */
  readonly cellBits?: number;
}

/** Scales and bits of a converted network. */
export interface NetworkGrids {
  readonly layers: readonly (LayerGrid | undefined)[];
  /** Real value of one LSB of each layer's rows; undefined where no record of its own gives them. */
  readonly scales: readonly (number | undefined)[];
  /** The same of the input rows. */
  readonly inputScale: number;
}

/**
 * Grids of a network's layers with matrices, as a conversion has chosen them; undefined for layers without.
 * Throws `PRUNE_UNSUPPORTED` for layers that the converter folds into others.
 */
export function weightGrids(network: Network, report: QuantizeReport): (LayerGrid | undefined)[] {
  return network.layers.map((layer) => {
    const name = String(layer.config["name"]);
    if (layer.className === "BatchNormalization") {
      throw new TrainError("PRUNE_UNSUPPORTED", `${name} is folded when it is converted: train without it first`);
    }
    if (layer.weights.length === 0) return undefined;
    const place = report.layers.findIndex((record) => record.name === name && record.bits !== undefined);
    if (place < 1) throw new TrainError("PRUNE_UNSUPPORTED", `layer ${name} is not found in the converted file`);
    const { bits = 8, scale, alignShift = 0, recurrentFirst = false, cellBits } = report.layers[place];
    const inputScale = report.layers[place - 1].scale;
    const grid = { bits, inputScale, hiddenScale: scale, shift: alignShift, recurrentFirst };
    return cellBits === undefined ? grid : { ...grid, cellBits };
  });
}

/** The same with the scale of the input rows. */
export function networkGrids(network: Network, report: QuantizeReport): NetworkGrids {
  const scales = network.layers.map(
    ({ config }) => report.layers.find(({ record, name }) => record > 0 && name === config["name"])?.scale,
  );
  return { layers: weightGrids(network, report), scales, inputScale: report.layers[0].scale };
}

/** Steps of rows, kept from one rounding to the next: rows that change theirs at every batch do not settle. */
export type RowSteps = Map<string, number>;

/**
 * Rounds all trainable weights of a network as the converter's plain rounding does: each row of a matrix to a multiple of
 * its own step, biases left alone (they have 32 bits).
 * @param known steps chosen before, kept while they fit; those chosen now are added
 */
export function projectWeights(
  network: Network,
  grids: readonly (LayerGrid | undefined)[],
  weights: readonly Float32Array[],
  known?: RowSteps,
): Float32Array[] {
  const rounded: Float32Array[] = [];
  network.layers.forEach((layer, index) => {
    const own = weights.slice(rounded.length, rounded.length + layer.weights.length);
    const grid = grids[index];
    rounded.push(...(grid === undefined ? own : projectLayer(layer, grid, own, (row) => `${index}:${row}`, known)));
  });
  return rounded;
}

/** Part of a row: which weights, and what one unit of each is worth in the row's accumulator. */
interface Part {
  readonly from: Float32Array;
  readonly to: Float32Array;
  readonly unit: number;
}

function projectLayer(
  layer: NetworkLayer,
  grid: LayerGrid,
  weights: readonly Float32Array[],
  keyOf: (row: string) => string,
  known: RowSteps = new Map(),
): Float32Array[] {
  const gates = gatesOf(layer);
  const width = unitsOf(layer) * (gates ?? 1);
  const limit = grid.bits === 8 ? 127 : 7;
  const results = weights.map((weight) => weight.slice());
  const input = { from: weights[0], to: results[0], unit: grid.inputScale };
  if (gates === undefined) {
    for (let row = 0; row < width; row++) projectRow([input], row, { width, limit, key: keyOf(`${row}`), known });
    return results;
  }
  const factor = 2 ** grid.shift;
  const recurrent = { from: weights[1], to: results[1], unit: grid.hiddenScale };
  const both: Part[] = [
    { ...input, unit: input.unit / (grid.recurrentFirst ? 1 : factor) },
    { ...recurrent, unit: recurrent.unit / (grid.recurrentFirst ? factor : 1) },
  ];
  const apart = layer.className === "GateletGRU" && layer.config["reset_after"] !== false;
  for (let row = 0; row < width; row++) {
    // The candidate of a GRU with reset after has two rows with steps of their own.
    if (apart && row >= 2 * unitsOf(layer)) {
      projectRow([input], row, { width, limit, key: keyOf(`x${row}`), known });
      projectRow([recurrent], row, { width, limit, key: keyOf(`h${row}`), known });
    } else projectRow(both, row, { width, limit, key: keyOf(`${row}`), known });
  }
  return results;
}

/** Steps that are tried at 4 bits, as parts of the one that fits the largest weight. */
const PARTS = Array.from({ length: 15 }, (_, i) => 1 - 0.04 * i);

interface RowPlace {
  readonly width: number;
  readonly limit: number;
  readonly key: string;
  readonly known: RowSteps;
}

function projectRow(parts: readonly Part[], row: number, { width, limit, key, known }: RowPlace): void {
  let largest = 0;
  for (const { from, unit } of parts) {
    for (let at = row; at < from.length; at += width) largest = Math.max(largest, Math.abs(from[at]) * unit);
  }
  if (largest === 0) return;
  const before = known.get(key);
  const kept =
    before === undefined ? bestStep(parts, row, width, largest, limit) : fittedStep(parts, row, width, before, limit);
  known.set(key, kept);
  // The largest weight never falls below the limit: the converter reads the step off it.
  const step = Math.min(kept, largest / limit);
  for (const { from, to, unit } of parts) {
    for (let at = row; at < from.length; at += width) {
      to[at] = (clip(Math.round((from[at] * unit) / step), limit) * step) / unit;
    }
  }
}

/** The step with which the integers of a row lie closest to its weights: so a row's scale is learnt with its weights. */
function fittedStep(parts: readonly Part[], row: number, width: number, step: number, limit: number): number {
  let product = 0;
  let square = 0;
  for (const { from, unit } of parts) {
    for (let at = row; at < from.length; at += width) {
      const value = from[at] * unit;
      const q = clip(Math.round(value / step), limit);
      product += value * q;
      square += q * q;
    }
  }
  return product > 0 ? product / square : step;
}

/** The step with the least squared error of rounding. */
function bestStep(parts: readonly Part[], row: number, width: number, largest: number, limit: number): number {
  let best = Number.POSITIVE_INFINITY;
  let step = largest / limit;
  for (const part of limit === 127 ? PARTS.slice(0, 1) : PARTS) {
    const trial = (part * largest) / limit;
    let loss = 0;
    for (const { from, unit } of parts) {
      for (let at = row; at < from.length; at += width) {
        const value = from[at] * unit;
        loss += (clip(Math.round(value / trial), limit) * trial - value) ** 2;
      }
    }
    if (loss >= best) continue;
    best = loss;
    step = trial;
  }
  return step;
}

const clip = (value: number, limit: number) => Math.max(-limit, Math.min(limit, value));
