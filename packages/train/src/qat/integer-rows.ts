import { gatesOf, type NetworkLayer, unitsOf } from "../prune/network.js";
import type { LayerGrid } from "./weight-grid.js";

/** Rows of a layer as a file holds them: real = scale * (2^shift first + second + bias). */
export interface IntegerRows {
  /** Weights of the layer's input, [inputs, rows], and of its hidden state, [units, rows]; integers. */
  readonly input: Float32Array;
  readonly recurrent?: Float32Array;
  /** Left shifts of the two parts (KERNELS.md 13). */
  readonly inputFactor: number;
  readonly recurrentFactor: number;
  readonly bias: Float64Array;
  readonly multiplier: Float64Array;
  /** Those of the recurrent row of a candidate with reset after; 0 elsewhere. */
  readonly ownBias: Float64Array;
  readonly ownMultiplier: Float64Array;
}

const TWO_32 = 2 ** 32;
const LARGEST_MULTIPLIER = 2 ** 31 - 1;

/** Whether a GRU's candidate has rows of its own for the hidden state (KERNELS.md 25). */
export const resetsAfter = (layer: NetworkLayer): boolean =>
  layer.className === "GateletGRU" && layer.config["reset_after"] !== false;

/** One part of the rows: real weights [columns, rows], what one unit of the accumulator is worth there. */
interface Part {
  readonly weights: Float32Array;
  readonly target: Float32Array;
  readonly unit: number;
  readonly factor: number;
}

/**
 * The integers of weights that lie on their grid already, as `projectWeights` leaves them: the same steps as the
 * converter's plain rounding, in the same order, so that multipliers and biases come out equal.
 * @param preScales real value of one LSB of each row's pre-activation
 */
export function integerRows(
  layer: NetworkLayer,
  grid: LayerGrid,
  weights: readonly Float32Array[],
  preScales: Float64Array,
): IntegerRows {
  const units = unitsOf(layer);
  const rows = units * (gatesOf(layer) ?? 1);
  const isRecurrent = gatesOf(layer) !== undefined;
  const factor = 2 ** grid.shift;
  const input = new Float32Array(weights[0].length);
  const recurrent = isRecurrent ? new Float32Array(weights[1].length) : undefined;
  const biases = weights[isRecurrent ? 2 : 1] ?? new Float32Array(rows);
  const result = {
    input,
    ...(recurrent === undefined ? {} : { recurrent }),
    inputFactor: isRecurrent && !grid.recurrentFirst ? factor : 1,
    recurrentFactor: isRecurrent && grid.recurrentFirst ? factor : 1,
    bias: new Float64Array(rows),
    multiplier: new Float64Array(rows),
    ownBias: new Float64Array(rows),
    ownMultiplier: new Float64Array(rows),
  };
  const limit = grid.bits === 8 ? 127 : 7;
  const apart = resetsAfter(layer);
  for (let row = 0; row < rows; row++) {
    const place = { row, rows, limit, preScale: preScales[row] };
    const own = apart && row >= 2 * units;
    const first = { weights: weights[0], target: input, unit: grid.inputScale, factor: own ? 1 : result.inputFactor };
    const bias = biases[row] + (apart && !own ? biases[rows + row] : 0);
    if (recurrent === undefined || own) {
      [result.multiplier[row], result.bias[row]] = snapRow([first], bias, place);
    }
    if (recurrent === undefined) continue;
    const second = { weights: weights[1], target: recurrent, unit: grid.hiddenScale };
    if (own) {
      const parts = [{ ...second, factor: 1 }];
      [result.ownMultiplier[row], result.ownBias[row]] = snapRow(parts, biases[rows + row], place);
    } else {
      const parts = [first, { ...second, factor: result.recurrentFactor }];
      [result.multiplier[row], result.bias[row]] = snapRow(parts, bias, place);
    }
  }
  return result;
}

/** Rounds one row to its snapped scale; returns multiplier and bias. */
function snapRow(
  parts: readonly Part[],
  bias: number,
  { row, rows, limit, preScale }: { row: number; rows: number; limit: number; preScale: number },
): [number, number] {
  let largest = 0;
  for (const { weights, unit, factor } of parts) {
    for (let at = row; at < weights.length; at += rows) {
      largest = Math.max(largest, Math.abs((weights[at] * unit) / factor));
    }
  }
  const least = Math.abs(bias) / 2 ** 29;
  const full = Math.max(largest / limit, least, largest === 0 ? preScale / 2 ** 12 : 0);
  const multiplier = Math.min(LARGEST_MULTIPLIER, Math.max(1, Math.round((full * TWO_32) / preScale)));
  const scale = (multiplier * preScale) / TWO_32;
  for (const { weights, target, unit, factor } of parts) {
    for (let at = row; at < weights.length; at += rows) {
      const rounded = Math.round((weights[at] * unit) / factor / scale);
      target[at] = Math.max(-limit, Math.min(limit, rounded));
    }
  }
  return [multiplier, Math.round(bias / scale)];
}
