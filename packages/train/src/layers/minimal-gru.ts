import type * as tfjs from "@tensorflow/tfjs";
import { type CellDefinition, type CellOptions, recurrentLayer } from "./recurrent-layer.js";

/**
 * The minimal gated unit (Zhou, Wu, Zhang, Zhou: Minimal Gated Unit for Recurrent Neural Networks, 2016): a GRU whose forget
 * gate f resets and updates, with two thirds of a GRU's weights.
 *   f = sigmoid(x Wf + h Uf + bf); g = tanh(x Wh + (f h) Uh + bh); h' = (1 - f) h + f g
 * Gates f, h; weights `kernel` [I, 2H], `recurrent_kernel` [H, 2H], `bias` [2H]. Saved models load again once this function has
 * been called, and the converter reads them.
 */
export function minimalGru(tf: typeof tfjs, options: CellOptions): tfjs.layers.Layer {
  return recurrentLayer(tf, MINIMAL_GRU, options);
}

export const MINIMAL_GRU: CellDefinition = {
  className: "MinimalGRU",
  word: "minimal gru",
  gates: 2,
  config: () => ({ activation: "tanh", recurrent_activation: "sigmoid" }),
  extraWeights: (units) => [{ name: "bias", shape: [2 * units], initial: [0] }],
  inputBias: ([, , bias]) => bias as tfjs.Tensor1D,
  step: (_tf, [, recurrent], config) => {
    const units = Number(config["units"]);
    const gateWeights = recurrent.slice([0, 0], [units, units]);
    const candidateWeights = recurrent.slice([0, units], [units, units]);
    return (row, hidden) => {
      const batch = row.shape[0];
      const f = row.slice([0, 0], [batch, units]).add<tfjs.Tensor2D>(hidden.matMul(gateWeights)).sigmoid();
      const candidate = row
        .slice([0, units], [batch, units])
        .add<tfjs.Tensor2D>(f.mul<tfjs.Tensor2D>(hidden).matMul(candidateWeights))
        .tanh();
      return hidden.add(f.mul(candidate.sub(hidden)));
    };
  },
};
