import { QuantizeError } from "../quantize/errors.js";
import type { WeightBits } from "../quantize/rows.js";
import type { Lowering } from "./lowering.js";

/** Quantizes at the bits asked for; what 4 bits cannot hold is done in 8, with a warning. */
export function withFallback<Result>(
  lowering: Lowering,
  index: number,
  quantize: (bits: WeightBits) => Result,
): readonly [WeightBits, Result] {
  const bits = lowering.options.bitsOf(index);
  try {
    return [bits, quantize(bits)];
  } catch (error) {
    if (bits === 8 || !(error instanceof QuantizeError)) throw error;
    lowering.warnings.push(`${lowering.graph.nodes[index].name} stays at 8 bits: ${error.message}`);
    return [8, quantize(8)];
  }
}
