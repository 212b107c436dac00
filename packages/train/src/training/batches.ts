import { type Random, shuffledIndices } from "../data/random.js";
import { argMax } from "../metrics/classification.js";
import { streamBatches } from "./stateful-network.js";
import type { TrainingSet } from "./training-set.js";

/** Samples of each step of an epoch, in random order; pieces of recordings in theirs. */
export function planBatches({ count, previous }: TrainingSet, batchSize: number, random: Random): Uint32Array[] {
  if (previous !== undefined) return streamBatches(previous, batchSize, random);
  const order = shuffledIndices(count, random);
  return Array.from({ length: Math.ceil(count / batchSize) }, (_, batch) =>
    order.subarray(batch * batchSize, Math.min(count, (batch + 1) * batchSize)),
  );
}

/** Weighted number of rows whose largest answer stands where the largest target does. */
export function countRight(
  answers: ArrayLike<number>,
  targets: ArrayLike<number>,
  outputs: number,
  weights?: Float32Array,
) {
  let right = 0;
  const rows = targets.length / outputs;
  for (let row = 0; row < rows; row++) {
    const equal =
      outputs === 1
        ? answers[row] > 0.5 === targets[row] > 0.5
        : argMax(answers, row * outputs, outputs) === argMax(targets, row * outputs, outputs);
    if (equal) right += weights?.[row] ?? 1;
  }
  return right;
}

/** Whether the targets of a set are probabilities: not negative, and each row sums to 1. */
export function isDistribution({ targets, outputs }: TrainingSet): boolean {
  for (let at = 0; at < targets.length; at += outputs) {
    let sum = 0;
    for (let c = 0; c < outputs; c++) {
      if (targets[at + c] < 0) return false;
      sum += targets[at + c];
    }
    if (Math.abs(sum - 1) > 1e-3) return false;
  }
  return true;
}
