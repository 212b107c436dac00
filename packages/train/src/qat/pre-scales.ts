import { gatesOf, type NetworkLayer, unitsOf } from "../prune/network.js";
import { TrainError } from "../training/errors.js";
import { type IntegerActivation, integerActivation, Q15 } from "./integer-math.js";
import { resetsAfter } from "./integer-rows.js";
import type { LayerGrid } from "./weight-grid.js";

/** What a recurrent layer's rows go through; undefined: not simulated. */
export interface CellActivations {
  readonly activation: IntegerActivation;
  readonly gate: IntegerActivation;
}

/** The activations of a recurrent layer in integers; undefined where one of them is not simulated. */
export function cellActivations(layer: NetworkLayer, grid: LayerGrid): CellActivations | undefined {
  const activation = integerActivation(String(layer.config["activation"]), grid.hiddenScale);
  const gate = integerActivation(String(layer.config["recurrent_activation"] ?? "sigmoid"), Q15);
  return activation === undefined || gate === undefined ? undefined : { activation, gate };
}

/**
 * Real value of one LSB of each row's pre-activation, rows gate-major in the network's order.
 * @param isHead a last Dense layer: its activation is the host's
 */
export function preScalesOf(layer: NetworkLayer, grid: LayerGrid, isHead = false): Float64Array {
  const units = unitsOf(layer);
  const gates = gatesOf(layer);
  if (gates === undefined) {
    const name = isHead ? "linear" : String(layer.config["activation"] ?? "linear");
    const activation = integerActivation(name, grid.hiddenScale);
    if (activation === undefined) throw new TrainError("PRUNE_UNSUPPORTED", `${name} is not simulated in integers`);
    return new Float64Array(units).fill(activation.inScale);
  }
  const cell = cellActivations(layer, grid);
  if (cell === undefined) throw new TrainError("PRUNE_UNSUPPORTED", `${layer.className} is not simulated in integers`);
  // SimpleRNN; f, h of a minimal GRU; third of LSTM's and GRU's.
  const place = Math.min(gates - 1, 2);
  return Float64Array.from({ length: units * gates }, (_, row) => {
    const candidate = Math.floor(row / units) === place;
    const scale = (candidate ? cell.activation : cell.gate).inScale;
    return candidate && resetsAfter(layer) ? 2 * scale : scale;
  });
}
