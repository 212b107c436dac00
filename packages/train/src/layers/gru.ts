import type * as tfjs from "@tensorflow/tfjs";
import { type CellDefinition, type CellOptions, recurrentLayer } from "./recurrent-layer.js";

type Tf = typeof tfjs;

/** Options of {@link gru}; the names are those of tfjs and Keras. */
export interface GruOptions extends CellOptions {
  /** True (Keras default): the reset gate acts behind the recurrent product, which then has a bias of its own. */
  readonly resetAfter?: boolean;
}

/**
 * A GRU layer for tfjs that also knows reset after, which tfjs refuses, and that trains as fast as tfjs's LSTM
 * (tfjs's own takes seconds a batch on the cpu back end).
 *
 * Gates z, r, h as Keras orders them; tanh and sigmoid; weights `kernel` [I, 3H], `recurrent_kernel` [H, 3H], `bias` [3H], or [2, 3H] with
 * `resetAfter`. Saved models load again once this function has been called, and the converter reads them as GRU.
 */
export function gru(tf: Tf, options: GruOptions): tfjs.layers.Layer {
  return recurrentLayer(tf, GRU, options);
}

type Config = tfjs.serialization.ConfigDict;
const resetsAfter = (config: Config): boolean => config["reset_after"] !== false;
const unitsOf = (config: Config): number => Number(config["units"]);

export const GRU: CellDefinition = {
  className: "GateletGRU",
  word: "gru",
  gates: 3,
  config: (options) => ({
    reset_after: options["resetAfter"] ?? options["reset_after"] ?? true,
    activation: "tanh",
    recurrent_activation: "sigmoid",
  }),
  extraWeights: (units, config) => [
    { name: "bias", shape: resetsAfter(config) ? [2, 3 * units] : [3 * units], initial: [0] },
  ],
  inputBias: ([, , bias], config) => {
    const width = 3 * unitsOf(config);
    return (resetsAfter(config) ? bias.slice([0, 0], [1, width]).reshape([width]) : bias) as tfjs.Tensor1D;
  },
  step: (tf, weights, config) => (resetsAfter(config) ? resetAfter : resetBefore)(tf, weights, unitsOf(config)),
};

// tf.split instead of slices: its gradient is one concatenation where each slice's is a padding to full width.

function resetAfter(tf: Tf, [, recurrentKernel, both]: readonly tfjs.Tensor[], units: number) {
  const weights = recurrentKernel as tfjs.Tensor2D;
  const bias = both.slice([1, 0], [1, 3 * units]).reshape([3 * units]);
  const parts = [2 * units, units];
  return (row: tfjs.Tensor2D, hidden: tfjs.Tensor2D): tfjs.Tensor2D => {
    const [gateRow, candidateRow] = tf.split(row, parts, 1) as tfjs.Tensor2D[];
    const recurrent = hidden.matMul<tfjs.Tensor2D>(weights).add<tfjs.Tensor2D>(bias);
    const [gateSum, candidateSum] = tf.split(recurrent, parts, 1) as tfjs.Tensor2D[];
    const [z, r] = tf.split(gateRow.add(gateSum).sigmoid(), 2, 1) as tfjs.Tensor2D[];
    const candidate = candidateRow.add<tfjs.Tensor2D>(r.mul(candidateSum)).tanh();
    return candidate.add(z.mul(hidden.sub(candidate)));
  };
}

function resetBefore(tf: Tf, [, recurrentKernel]: readonly tfjs.Tensor[], units: number) {
  const weights = recurrentKernel as tfjs.Tensor2D;
  const gateWeights = weights.slice([0, 0], [units, 2 * units]);
  const candidateWeights = weights.slice([0, 2 * units], [units, units]);
  return (row: tfjs.Tensor2D, hidden: tfjs.Tensor2D): tfjs.Tensor2D => {
    const [gateRow, candidateRow] = tf.split(row, [2 * units, units], 1) as tfjs.Tensor2D[];
    const [z, r] = tf.split(gateRow.add(hidden.matMul(gateWeights)).sigmoid(), 2, 1) as tfjs.Tensor2D[];
    const candidate = candidateRow.add<tfjs.Tensor2D>(r.mul<tfjs.Tensor2D>(hidden).matMul(candidateWeights)).tanh();
    return candidate.add(z.mul(hidden.sub(candidate)));
  };
}
