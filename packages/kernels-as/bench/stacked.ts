import { ACTIVATION, FLAG, type ModelSpec, type RecordSpec } from "@gatelet/converter/format";
import { Random } from "../../../test/support/random.js";
import { SpecBuilder } from "../../../test/support/spec-builder.js";

const WINDOW = 50;
/** Channels of a frame. */
export const INPUTS = 6;
const GATES = { RNN: 1, LSTM: 4, GRU: 3, GRU_RESET_AFTER: 3 } as const;
export type StackedKernel = keyof typeof GATES;

/** The usual activations instead of random ones; no tables. */
function usual({ kernel, fields, weights, rowParams, aux }: RecordSpec, isLast: boolean): RecordSpec {
  const parts = { kernel, weights, rowParams, aux };
  const { TANH, SIGMOID, RELU, LINEAR } = ACTIVATION;
  if (kernel === "DENSE") {
    const activation = isLast ? LINEAR : RELU;
    const flags = isLast ? FLAG.OUT32 : 0;
    return { ...parts, fields: { ...fields, flags, activation, activationParam: isLast ? 0 : 32767 } };
  }
  if (kernel === "INPUT") return { ...parts, fields };
  const flags = (fields.flags ?? 0) & FLAG.LAST;
  const shared = { ...fields, flags, activation: TANH, activationParam: 0 };
  if (kernel === "RNN") return { ...parts, fields: shared };
  const gated = { ...shared, gateActivation: SIGMOID };
  return { ...parts, fields: kernel === "LSTM" ? { ...gated, shift: 2, multiplier: 1 << 18 } : gated };
}

/** A window of 50 frames through stacked recurrent layers and two dense ones, of random weights; multiplications a window. */
export function stackedModel(
  kernel: StackedKernel,
  units: readonly number[],
  bits: 8 | 4,
): { spec: ModelSpec; macs: number } {
  const builder = new SpecBuilder(new Random(7), WINDOW, 0);
  const gates = GATES[kernel];
  let macs = 0;
  let at = builder.input(INPUTS);
  units.forEach((size, i) => {
    macs += WINDOW * gates * size * (builder.size(at) + size);
    at = builder.recurrent(kernel, at, size, bits, i === units.length - 1);
  });
  for (const size of [64, 13]) {
    macs += size * builder.size(at);
    at = builder.dense(at, size, size === 13 ? 8 : bits);
  }
  const spec = builder.build();
  const records = spec.records.map((record, i) => usual(record, i === spec.records.length - 1));
  return { spec: { ...spec, records }, macs };
}
