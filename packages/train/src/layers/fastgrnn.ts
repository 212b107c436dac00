import type * as tfjs from "@tensorflow/tfjs";
import { type CellDefinition, type CellOptions, recurrentLayer } from "./recurrent-layer.js";

type Config = tfjs.serialization.ConfigDict;

/** Options of {@link fastGrnn}. */
export interface FastGrnnOptions extends CellOptions {
  /** Trains the input matrix as a product [I, rank] [rank, H]; a conversion multiplies it out. */
  readonly rank?: number;
  /** The same for the recurrent matrix. */
  readonly recurrentRank?: number;
}

/**
 * FastGRNN (Kusupati et al.: FastGRNN: A Fast, Accurate, Stable and Tiny Kilobyte Sized Gated Recurrent Neural Network, 2018):
 * gate and candidate share one matrix, so that it costs what a SimpleRNN costs.
 *   p = x W + h U; z = sigmoid(p + bz); g = tanh(p + bg); h' = (zeta (1 - z) + nu) g + z h, 0 < zeta, nu < 1
 * Weights `kernel` [I, H], `recurrent_kernel` [H, H], `bias` [2, H]: bg, bz; `zeta` and `nu` [1] before their sigmoids; with a rank
 * the right factors `kernel_right`, `recurrent_kernel_right`. Saved models load again once this function has been called, and
 * the converter reads them.
 */
export function fastGrnn(tf: typeof tfjs, options: FastGrnnOptions): tfjs.layers.Layer {
  return recurrentLayer(tf, FASTGRNN, options);
}

/** A rank as given or as saved; null: none. */
function rankOf(options: Config, ...keys: string[]): number | null {
  const rank = keys.map((key) => options[key]).find((value) => value !== undefined && value !== null);
  if (rank === undefined) return null;
  if (!Number.isInteger(rank) || (rank as number) < 1) {
    throw new RangeError(`rank of fastgrnn is ${String(rank)}, at least 1 needed`);
  }
  return rank as number;
}

const RIGHT = { kernel: "kernel_right", recurrent: "recurrent_kernel_right" } as const;

function ranksOf(config: Config): { kernel?: number; recurrent?: number } {
  const { rank, recurrent_rank: recurrentRank } = config;
  return {
    ...(typeof rank === "number" ? { kernel: rank } : {}),
    ...(typeof recurrentRank === "number" ? { recurrent: recurrentRank } : {}),
  };
}

export const FASTGRNN: CellDefinition = {
  className: "FastGRNN",
  word: "fastgrnn",
  gates: 1,
  config: (options) => ({
    activation: "tanh",
    recurrent_activation: "sigmoid",
    rank: rankOf(options, "rank"),
    recurrent_rank: rankOf(options, "recurrentRank", "recurrent_rank"),
  }),
  // The starts of the paper's own code.
  extraWeights: (units, config) => {
    const ranks = ranksOf(config);
    return [
      { name: "bias", shape: [2, units], initial: [1, 1] },
      { name: "zeta", shape: [1], initial: [1] },
      { name: "nu", shape: [1], initial: [-4] },
      ...(["kernel", "recurrent"] as const).flatMap((part) => {
        const rank = ranks[part];
        return rank === undefined ? [] : [{ name: RIGHT[part], shape: [rank, units], initial: "glorot" as const }];
      }),
    ];
  },
  ranks: ranksOf,
  whole: (weights, config) => {
    const ranks = ranksOf(config);
    const [kernel, recurrent, ...rest] = weights;
    const right = rest.slice(3);
    const times = (left: tfjs.Tensor, rank: number | undefined) =>
      rank === undefined ? left : left.matMul(right.shift() as tfjs.Tensor);
    return [times(kernel, ranks.kernel), times(recurrent, ranks.recurrent), ...rest.slice(0, 3)];
  },
  fused: ([kernel, recurrent, bias, zeta, nu]) => [
    kernel,
    recurrent,
    bias.reshape([bias.size]).concat([zeta.sigmoid(), nu.sigmoid()]),
  ],
  inputBias: () => undefined,
  step: (tf, [, recurrent, bias, zeta, nu], config) => {
    const units = Number(config["units"]);
    const [candidateBias, gateBias] = [0, 1].map((row) => bias.slice([row, 0], [1, units]).reshape([units]));
    const open = zeta.sigmoid();
    const least = nu.sigmoid();
    const one = tf.scalar(1);
    return (row, hidden) => {
      const p = row.add(hidden.matMul(recurrent as tfjs.Tensor2D));
      const z = p.add<tfjs.Tensor2D>(gateBias).sigmoid();
      const g = p.add<tfjs.Tensor2D>(candidateBias).tanh();
      const share = open.mul(one.sub(z)).add(least);
      return z.mul(hidden).add(share.mul<tfjs.Tensor2D>(g));
    };
  },
};
