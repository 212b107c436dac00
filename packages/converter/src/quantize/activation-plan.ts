import { activationFunction } from "../float/index.js";
import { ACTIVATION } from "../format/schema.js";
import type { Activation } from "../graph/types.js";
import { QuantizeError } from "./errors.js";
import { fitTable } from "./table.js";

export type Scalar = (value: number) => number;

/** How an activation runs on integers: y = outScale * act(kind, sat16(p / inScale)). */
export interface ActivationPlan {
  readonly kind: number;
  readonly param: number;
  readonly table?: Int16Array;
  readonly inScale: number;
  readonly outScale: number;
  /** The same in real numbers: rounds the pre-activation and the result as the integer kernel does. */
  readonly simulate: Scalar;
}

/** What is known of the values: largest absolute pre-activation and result, with margin. */
export interface ActivationRange {
  readonly pre: number;
  readonly out: number;
}

export const Q15 = 2 ** -15;
const TANH_IN = 2 ** -12;
const SIGMOID_IN = 2 ** -11;

/** Scale at which `range` is the largest int16; never 0. */
export const scaleFor = (range: number): number => Math.max(range, 1e-6) / 32767;

/** Smallest power of two at which `range` fits into int16. */
export const powerScaleFor = (range: number): number => 2 ** Math.ceil(Math.log2(Math.max(range, 2 ** -14) / 32767));

/** Activations whose result stays within -1 .. 1, on the fixed scale 2^-15. */
export function isBounded(activation: Activation): boolean {
  return ["tanh", "sigmoid", "hardSigmoid", "hardSigmoidKeras3", "softsign", "hardTanh"].includes(activation.kind);
}

/** Rounds to a multiple of `scale` and saturates to int16. */
export function int16Rounder(scale: number): Scalar {
  return (value) => saturate(Math.floor(value / scale + 0.5)) * scale;
}

const saturate = (q: number): number => Math.max(-32768, Math.min(32767, q));

function makePlan(
  kind: number,
  inScale: number,
  outScale: number,
  integer: Scalar,
  rest: { param?: number; table?: Int16Array } = {},
): ActivationPlan {
  const simulate = (value: number) => integer(saturate(Math.floor(value / inScale + 0.5))) * outScale;
  return { kind, param: rest.param ?? 0, ...(rest.table ? { table: rest.table } : {}), inScale, outScale, simulate };
}

const rounded = (apply: Scalar, inScale: number, low: number): Scalar => {
  return (p) => Math.min(32767, Math.max(low, Math.round(apply(p * inScale) * 32768)));
};

/**
 * Chooses kernel kind, parameter, table and scales for an activation.
 * @param fixed a scale that both sides must have (recurrent cells whose state shares it); only for kinds that allow it
 */
export function planActivation(activation: Activation, range: ActivationRange, fixed?: number): ActivationPlan {
  const apply = activationFunction(activation);
  switch (activation.kind) {
    case "tanh":
      return makePlan(ACTIVATION.TANH, TANH_IN, Q15, rounded(apply, TANH_IN, -32768));
    case "sigmoid":
      return makePlan(ACTIVATION.SIGMOID, SIGMOID_IN, Q15, rounded(apply, SIGMOID_IN, 0));
    case "hardSigmoid":
    case "hardSigmoidKeras3": {
      const inScale = Q15 * (activation.kind === "hardSigmoid" ? 5 : 6);
      return makePlan(ACTIVATION.HARD_SIGMOID, inScale, Q15, (p) => Math.min(32767, Math.max(0, p + 16384)));
    }
    case "hardTanh":
      return makePlan(ACTIVATION.LINEAR, Q15, Q15, (p) => p);
    case "linear": {
      const scale = fixed ?? scaleFor(range.out);
      return makePlan(ACTIVATION.LINEAR, scale, scale, (p) => p);
    }
    case "relu":
      return planRelu(activation, range, fixed);
    case "leakyRelu":
      return planLeaky(activation.alpha, activation, range, fixed);
    default:
      return planTable(activation, range, fixed);
  }
}

function planRelu(
  activation: Extract<Activation, { kind: "relu" }>,
  range: ActivationRange,
  fixed: number | undefined,
): ActivationPlan {
  const { max = Infinity, threshold = 0, negativeSlope = 0 } = activation;
  if (threshold !== 0 || (negativeSlope !== 0 && max !== Infinity)) return planTable(activation, range, fixed);
  if (negativeSlope !== 0) return planLeaky(negativeSlope, activation, range, fixed);
  const scale = fixed ?? scaleFor(Math.min(range.out, max));
  const param = Math.min(32767, Math.round(max / scale));
  return makePlan(ACTIVATION.RELU, scale, scale, (p) => Math.min(param, Math.max(0, p)), { param });
}

function planLeaky(
  slope: number,
  activation: Activation,
  range: ActivationRange,
  fixed: number | undefined,
): ActivationPlan {
  const param = Math.round(slope * 32768);
  if (param > 32767 || param < 0) return planTable(activation, range, fixed);
  const scale = fixed ?? scaleFor(Math.max(range.out, range.pre));
  const integer = (p: number) => (p >= 0 ? p : Math.floor((p * param + 16384) / 32768));
  return makePlan(ACTIVATION.LEAKY, scale, scale, integer, { param });
}

function planTable(activation: Activation, range: ActivationRange, fixed: number | undefined): ActivationPlan {
  const apply = activationFunction(activation);
  const inScale = fixed ?? tableInScale(activation, range.pre);
  const outScale = fixed ?? (isBounded(activation) ? Q15 : scaleFor(range.out));
  const table = fitTable((p) => apply(p * inScale) / outScale);
  return makePlan(ACTIVATION.TABLE, inScale, outScale, (p) => lookUp(table, p), { table });
}

/** A threshold must fall on the end of an interval, so that just one interval smears the jump. */
function tableInScale(activation: Activation, pre: number): number {
  const scale = scaleFor(pre);
  if (activation.kind !== "relu" || !activation.threshold) return scale;
  const width = Math.abs(activation.threshold);
  return width / (256 * Math.max(1, Math.floor(width / (256 * scale))));
}

function lookUp(table: Int16Array, p: number): number {
  const u = p + 32768;
  const i = u >> 8;
  return table[i] + (((table[i + 1] - table[i]) * (u & 255) + 128) >> 8);
}

/**
 * A gate: results on 2^-15 within 0 .. 1 (or -1 .. 1).
 * @param range largest pre-activation, and largest result
 * @throws QuantizeError where the gate leaves -1 .. 1, which its Q0.15 cannot hold
 */
export function planGate(name: string, activation: Activation, range: ActivationRange): ActivationPlan {
  const { kind } = activation;
  if (kind === "tanh" || kind === "sigmoid" || kind === "hardSigmoid" || kind === "hardSigmoidKeras3") {
    return planActivation(activation, range);
  }
  if (range.out > 1.0001 && !isBounded(activation)) {
    throw new QuantizeError(
      `gates of ${name} (${kind}) reach ${range.out.toPrecision(3)}, gates must stay within -1 .. 1`,
    );
  }
  const apply = activationFunction(activation);
  const inScale = scaleFor(range.pre);
  const table = fitTable((p) => Math.min(1, Math.max(-1, apply(p * inScale))) / Q15);
  return makePlan(ACTIVATION.TABLE, inScale, Q15, (p) => lookUp(table, p), { table });
}
