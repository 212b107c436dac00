import type { RecordFields } from "../format/index.js";
import { type ActivationPlan, isBounded, planActivation, powerScaleFor } from "../quantize/activation-plan.js";
import type { NodeStats } from "../quantize/calibrate.js";
import { QuantizeError } from "../quantize/errors.js";
import type { Lowering, NodeOf } from "./lowering.js";

/** What FASTGRNN has beside an RNN's matrix, KERNELS.md (49) to (51). */
export interface FastGrnnPlan {
  readonly fields: Pick<RecordFields, "multiplier" | "multiplierA" | "multiplierB">;
  /** [H] on the gate's scale, and the same in real numbers. */
  readonly difference: Int16Array;
  readonly offset: Float64Array;
  /** zeta and nu as the integers have them. */
  readonly factors: readonly [zeta: number, nu: number];
}

/** Gates whose scale is known without their argument's range. */
const GATES: ReadonlySet<string> = new Set(["sigmoid", "hardSigmoid", "hardSigmoidKeras3", "tanh"]);
const FACTORS_MOST = 32767;

/**
 * h is no mean of old h and candidate, so it may leave -1 .. 1: its scale is the power of two that holds what calibration
 * saw, and at which the factors fit their 16 bits.
 */
export function planFastGrnn(lowering: Lowering, node: NodeOf<"fastGrnn">, stats: NodeStats, gate: ActivationPlan) {
  if (!GATES.has(node.recurrentActivation.kind)) {
    throw new QuantizeError(
      `gate of ${node.name} is ${node.recurrentActivation.kind}; FastGRNN is run with sigmoid, hard sigmoid or tanh`,
    );
  }
  const pre = lowering.bound(stats.pre);
  const activation = planActivation(node.activation, { pre, out: isBounded(node.activation) ? 1 : pre });
  const [zeta, nu] = node.factors.data;
  // |A| + |B| <= 32767, also behind rounding.
  const leastScale = ((Math.abs(zeta) + Math.abs(nu)) * activation.outScale * 32768) / (FACTORS_MOST - 1);
  const hiddenScale = powerScaleFor(Math.max(lowering.bound(stats.hidden), leastScale * FACTORS_MOST));
  const unit = hiddenScale / (activation.outScale * 32768);
  const [multiplierA, multiplierB] = [Math.round(zeta / unit), Math.round(nu / unit)];
  const difference = Int16Array.from(node.gateOffset.data, (value) =>
    Math.max(-32768, Math.min(32767, Math.round(value / gate.inScale))),
  );
  const fastGrnn: FastGrnnPlan = {
    fields: { multiplier: Math.round((65536 * activation.inScale) / gate.inScale), multiplierA, multiplierB },
    difference,
    offset: Float64Array.from(difference, (q) => q * gate.inScale),
    factors: [multiplierA * unit, multiplierB * unit],
  };
  return { activation, gate, hiddenScale, fastGrnn };
}
