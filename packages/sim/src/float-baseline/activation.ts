import { type FloatBaselineActivation, FloatBaselineError } from "./graph.js";
import { FLOAT } from "./map.js";
import type { RecordWords } from "./program.js";

const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

const PLAIN: Readonly<Record<string, number>> = {
  linear: FLOAT.LINEAR,
  tanh: FLOAT.TANH,
  sigmoid: FLOAT.SIGMOID,
  hardSigmoid: FLOAT.HARD_SIGMOID,
  hardSigmoidKeras3: FLOAT.HARD_SIGMOID_KERAS3,
  softsign: FLOAT.SOFTSIGN,
  exponential: FLOAT.EXPONENTIAL,
  swish: FLOAT.SWISH,
  hardTanh: FLOAT.HARD_TANH,
  hardSwish: FLOAT.HARD_SWISH,
};

/** The three words of an activation at `at` of a record. Throws FloatBaselineError for one that is not covered. */
export function activationWords(activation: FloatBaselineActivation, at: number, layer: string): RecordWords {
  const words = (kind: number, first = 0, second = 0): RecordWords => ({
    [at]: kind,
    [at + 1]: first,
    [at + 2]: second,
  });
  const { kind, alpha = 0, max = Number.POSITIVE_INFINITY, negativeSlope = 0, threshold = 0 } = activation;
  const plain = PLAIN[kind];
  if (plain !== undefined) return words(plain);
  if (kind === "relu" && threshold === 0) return words(FLOAT.RELU, max, negativeSlope);
  if (kind === "leakyRelu") return words(FLOAT.RELU, Number.POSITIVE_INFINITY, alpha);
  if (kind === "elu") return words(FLOAT.ELU, 1, alpha);
  if (kind === "selu") return words(FLOAT.ELU, SELU_SCALE, SELU_ALPHA);
  const what = kind === "relu" ? `relu with threshold ${threshold}` : kind;
  throw new FloatBaselineError(`layer ${layer}: the float baseline has no activation ${what}`);
}
