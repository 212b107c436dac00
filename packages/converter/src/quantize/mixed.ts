import type { Graph } from "../graph/types.js";
import type { Lowering } from "../lower/lowering.js";
import { hasMatrix } from "./calibrate.js";
import { BudgetError } from "./errors.js";
import { type FloatRows, measureSqnr } from "./measure.js";
import type { WeightBits } from "./rows.js";

/**
 * Chooses 4 or 8 bits per layer so that the file fits into `flashBytes`: every layer alone is tried at 4 bits, then those
 * go first that add least output noise per byte saved. The layer `keep` stays at 8.
 * @param sizeOf bytes of the file that a lowering gives
 * @throws BudgetError where even 4 bits everywhere do not fit
 */
export function chooseMixed(
  graph: Graph,
  lower: (bitsOf: (index: number) => WeightBits) => Lowering,
  float: FloatRows,
  flashBytes: number,
  keep: number,
  sizeOf: (lowering: Lowering) => number,
): Map<number, WeightBits> {
  const noiseOf = (lowering: Lowering) => 10 ** (-measureSqnr(graph, lowering, float)[lowering.head.node] / 10);
  const chosen = new Map<number, WeightBits>(graph.nodes.map((_, index) => [index, 8]));
  const whole = lower(() => 8);
  let bytes = sizeOf(whole);
  if (bytes <= flashBytes) return chosen;
  const baseNoise = noiseOf(whole);
  const candidates = graph.nodes
    .flatMap((node, index) => (hasMatrix(node) && index !== keep ? [index] : []))
    .map((index) => {
      const alone = lower((other) => (other === index ? 4 : 8));
      const saved = bytes - sizeOf(alone);
      return { index, saved, cost: Math.max(0, noiseOf(alone) - baseNoise) / Math.max(1, saved) };
    })
    .sort((a, b) => a.cost - b.cost);
  for (const { index, saved } of candidates) {
    chosen.set(index, 4);
    bytes -= saved;
    if (bytes <= flashBytes) return chosen;
  }
  throw new BudgetError(
    `file needs ${bytes} bytes with all inner layers at 4 bits, budget is ${flashBytes}: use fewer units`,
    "flash",
    bytes,
    flashBytes,
  );
}
