import { averageBytes, FLAG, int32Bytes, LIMITS, POOL_MODE } from "../format/index.js";
import { int16Rounder, scaleFor } from "../quantize/activation-plan.js";
import { QuantizeError } from "../quantize/errors.js";
import { planWindowing } from "../quantize/windowing.js";
import type { Lowering, NodeOf } from "./lowering.js";

/** POOL keeps the scale of its rows. */
export function lowerPool(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as NodeOf<"pool">;
  const { scale } = lowering.signal(node.inputs[0]);
  const isAverage = node.mode === "average";
  const window = { taps: node.size, stride: node.stride, dilation: 1, padding: node.padding };
  const rowsIn = lowering.isStream ? undefined : lowering.rowsOf(node.inputs[0]);
  const { padLeft } = planWindowing(node.name, window, rowsIn);
  const record = lowering.emit(
    index,
    "POOL",
    { taps: node.size, stride: node.stride, padLeft, mode: isAverage ? POOL_MODE.AVERAGE : POOL_MODE.MAX },
    isAverage ? { aux: averageBytes(node.size) } : {},
  );
  lowering.signals[index] = { record, scale };
  if (isAverage) lowering.simulated[index] = { apply: int16Rounder(scale) };
}

/** GLOBAL_POOL; averages are smaller than what they average, so they get a scale of their own, by the multiplier. */
export function lowerGlobalPool(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as NodeOf<"globalPool">;
  const source = lowering.signal(node.inputs[0]);
  if (lowering.isStream) {
    throw new QuantizeError(`${node.name} pools over all rows, which a stream model never ends: give a window`);
  }
  if (node.mode === "max") {
    const record = lowering.emit(index, "GLOBAL_POOL", { mode: POOL_MODE.MAX });
    lowering.signals[index] = { record, scale: source.scale };
    return;
  }
  const rows = lowering.rowsOf(node.inputs[0]);
  if (rows > LIMITS.averageRows) {
    throw new QuantizeError(`${node.name} averages ${rows} rows, the limit is ${LIMITS.averageRows}`);
  }
  const obeys = node.maskObey === true;
  // Behind the multiplier a factor of up to 2: with one row only, its multiplier must stay below 2^31.
  const own = scaleFor(lowering.bound(lowering.stats[index].output));
  const scale = Math.max(own, source.scale / (obeys ? 1.9 : Math.min(64, 1.9 * rows)));
  const factor = source.scale / scale;
  const reciprocal = (count: number) => (count === 0 ? 0 : Math.round((2 ** 30 / count) * factor));
  const record = lowering.emit(
    index,
    "GLOBAL_POOL",
    {
      mode: POOL_MODE.AVERAGE,
      flags: obeys ? FLAG.MASK_OBEY : 0,
      multiplier: obeys ? 0 : reciprocal(rows),
    },
    obeys ? { aux: int32Bytes(Int32Array.from({ length: rows + 1 }, (_, count) => reciprocal(count))) } : {},
  );
  lowering.signals[index] = { record, scale };
  lowering.simulated[index] = { apply: int16Rounder(scale) };
}
