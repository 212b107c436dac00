import { MERGE_MODE } from "../format/index.js";
import type { MergeNode } from "../graph/types.js";
import { int16Rounder, scaleFor } from "../quantize/activation-plan.js";
import { QuantizeError } from "../quantize/errors.js";
import type { Lowering, NodeOf, Signal } from "./lowering.js";

type Mode = MergeNode["mode"];

const MODES: Record<Mode, number> = {
  concat: MERGE_MODE.CONCAT,
  add: MERGE_MODE.ADD,
  subtract: MERGE_MODE.ADD,
  average: MERGE_MODE.ADD,
  multiply: MERGE_MODE.MULTIPLY,
  maximum: MERGE_MODE.MAXIMUM,
  minimum: MERGE_MODE.MINIMUM,
};

/** |a A + b B| + 2^(s-1) must stay below 2^31 for all int16 a and b. */
const LARGEST_FACTOR_SUM = 49_152;

/**
 * Factors and shift of (36), (37), (39): A / 2^shift = a and B / 2^shift = b as closely as the int32 sum allows; exact
 * where a and b are powers of two or 0.
 */
export function mergeFactors(a: number, b: number): { multiplierA: number; multiplierB: number; shift: number } {
  for (let shift = 0; shift <= 30; shift++) {
    const scaled = [a * 2 ** shift, b * 2 ** shift];
    if (Math.abs(scaled[0]) + Math.abs(scaled[1]) > LARGEST_FACTOR_SUM) break;
    if (scaled.every((value) => Number.isInteger(value) && Math.abs(value) <= 32767)) {
      return { multiplierA: scaled[0], multiplierB: scaled[1], shift };
    }
  }
  let shift = 30;
  const fits = () => {
    const [x, y] = [Math.abs(Math.round(a * 2 ** shift)), Math.abs(Math.round(b * 2 ** shift))];
    return (
      x <= 32767 && y <= 32767 && x + y <= LARGEST_FACTOR_SUM && 32768 * (x + y) + 2 ** Math.max(0, shift - 1) < 2 ** 31
    );
  };
  while (shift > 0 && !fits()) shift--;
  if (!fits()) throw new QuantizeError(`merge factors ${a} and ${b} are beyond 16 bits`);
  return { multiplierA: Math.round(a * 2 ** shift), multiplierB: Math.round(b * 2 ** shift), shift };
}

/** MERGE records, two inputs at a time, with FIFOs where rows arrive at different times. */
export function lowerMerge(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as NodeOf<"merge">;
  const signals = node.inputs.map((input) => lowering.signal(input));
  if (signals.length === 1) {
    lowering.signals[index] = signals[0];
    return;
  }
  let merged = signals[0];
  signals.slice(1).forEach((signal, position) => {
    const isLast = position === signals.length - 2;
    merged = mergeTwo(lowering, index, node.mode, merged, signal, signals.length, isLast);
  });
  lowering.signals[index] = merged;
  lowering.simulated[index] = { apply: int16Rounder(merged.scale) };
}

function mergeTwo(
  lowering: Lowering,
  index: number,
  mode: Mode,
  first: Signal,
  second: Signal,
  count: number,
  isLast: boolean,
): Signal {
  const node = lowering.graph.nodes[index];
  const records = lowering.synchronise(index, first.record, second.record);
  if (records === undefined) throw new QuantizeError(`${node.name} merges rows that do not come at the same rate`);
  const [input0, input1] = records;
  const a = lowering.records[input0].fields;
  const b = lowering.records[input1].fields;
  const sizeA = a.outputSize ?? 0;
  const sizeB = b.outputSize ?? 0;
  const scale = mergeScale(lowering, index, mode, first, second, isLast);
  const rows = a.rowsOut ?? 0;
  const divisor = mode === "average" && isLast ? count : 1;
  const sign = mode === "subtract" ? -1 : 1;
  const parameters =
    mode === "multiply"
      ? { multiplier: productMultiplier(node.name, (first.scale * second.scale) / scale) }
      : mergeFactors(first.scale / scale / divisor, (sign * second.scale) / scale / divisor);
  const record = lowering.emit(
    index,
    "MERGE",
    {
      input1,
      inputSize: sizeA,
      outputSize: mode === "concat" ? sizeA + sizeB : sizeA,
      rowsIn: rows,
      rowsOut: rows,
      depthMultiplier: sizeB,
      mode: MODES[mode],
      ...parameters,
    },
    {},
    input0,
  );
  return { record, scale };
}

function productMultiplier(name: string, ratio: number): number {
  const multiplier = Math.round(ratio * 2 ** 32);
  if (multiplier >= 2 ** 31) throw new QuantizeError(`${name} multiplies to steps of ${ratio} LSB, the limit is 0.5`);
  return Math.max(1, multiplier);
}

/** Scale of a merge: what the last one measured; in between what surely holds. Equal scales stay, where values fit. */
function mergeScale(
  lowering: Lowering,
  index: number,
  mode: Mode,
  first: Signal,
  second: Signal,
  isLast: boolean,
): number {
  const largest = Math.max(first.scale, second.scale);
  if (mode === "concat" || mode === "maximum" || mode === "minimum") return largest;
  const measured = scaleFor(lowering.bound(lowering.stats[index].output));
  if (mode === "multiply") {
    const least = first.scale * second.scale * 2.1;
    return isLast ? Math.max(measured, least) : Math.max(first.scale * second.scale * 32768, least);
  }
  // A sum may be smaller than its terms: the factors must stay within 16 bits.
  return isLast ? Math.max(measured, largest / 16384) : first.scale + second.scale;
}
