import { TrainError } from "./errors.js";

/** Samples as networks take them, with what they shall answer. */
export interface TrainingSet {
  /** [count, ...shape], row-major, normalized. */
  readonly inputs: Float32Array;
  /** Shape of one sample, e.g. [steps, channels]. */
  readonly shape: readonly number[];
  readonly count: number;
  /** [count * rows, outputs]: class probabilities (one-hot, or soft from a teacher) or regression values. */
  readonly targets: Float32Array;
  readonly outputs: number;
  /** Answers of one sample: 1, or one a time step. */
  readonly rows: number;
  /** [count * rows] weight of each answer in the loss; absent: 1. */
  readonly weights?: Float32Array;
  /**
   * [count] pieces of recordings: the sample that stands in front of each, in whose final state a recurrent network begins;
   * -1: from zero. Always a smaller number than the sample's own. Absent: every sample begins from zero.
   */
  readonly previous?: Int32Array;
}

/** Targets that are 1 at the label's place. Throws `TRAIN_DATA` for a label outside 0 .. classes - 1. */
export function oneHot(labels: ArrayLike<number>, classes: number): Float32Array {
  const targets = new Float32Array(labels.length * classes);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (!(Number.isInteger(label) && label >= 0 && label < classes)) {
      throw new TrainError("TRAIN_DATA", `sample ${i} has the label ${label}, there are ${classes} classes`);
    }
    targets[i * classes + label] = 1;
  }
  return targets;
}

/** Checks sizes and finiteness; throws `TRAIN_DATA` naming the sample and the value. */
export function checkTrainingSet(set: TrainingSet, name: string): void {
  const size = set.shape.reduce((product, length) => product * length, 1);
  const check = (what: string, actual: number, expected: number) => {
    if (actual === expected) return;
    throw new TrainError("TRAIN_DATA", `${name}: ${actual} ${what}, expected ${expected} for ${set.count} samples`);
  };
  if (set.count < 1) throw new TrainError("TRAIN_DATA", `${name}: no samples`);
  check("input values", set.inputs.length, set.count * size);
  check("target values", set.targets.length, set.count * set.rows * set.outputs);
  if (set.weights !== undefined) check("weights", set.weights.length, set.count * set.rows);
  if (set.previous !== undefined) {
    check("predecessors", set.previous.length, set.count);
    const at = set.previous.findIndex((before, i) => !(before >= -1 && before < i));
    if (at >= 0) throw new TrainError("TRAIN_DATA", `${name}: sample ${at} follows sample ${set.previous[at]}`);
  }
  for (const [what, values, width] of [
    ["input", set.inputs, size],
    ["target", set.targets, set.rows * set.outputs],
  ] as const) {
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    throw new TrainError("TRAIN_DATA", `${name}: ${what} of sample ${Math.floor(at / width)} is ${values[at]}`);
  }
}

/** The samples at `indices`, in that order; an index may come several times. */
export function pickSamples(set: TrainingSet, indices: ArrayLike<number>): TrainingSet {
  if (set.previous !== undefined) {
    throw new TrainError("TRAIN_OPTION", "pieces of recordings cannot be picked one by one: balance them with weights");
  }
  const size = set.inputs.length / set.count;
  return {
    ...set,
    count: indices.length,
    inputs: pickRows(set.inputs, indices, size),
    targets: pickRows(set.targets, indices, set.rows * set.outputs),
    ...(set.weights === undefined ? {} : { weights: pickRows(set.weights, indices, set.rows) }),
  };
}

/** Rows of `width` values at `indices`, one behind the other. */
export function pickRows(source: Float32Array, indices: ArrayLike<number>, width: number): Float32Array {
  const picked = new Float32Array(indices.length * width);
  for (let i = 0; i < indices.length; i++) {
    picked.set(source.subarray(indices[i] * width, (indices[i] + 1) * width), i * width);
  }
  return picked;
}

/** Class of every answer: the place of the largest target. */
export function labelsOf(set: TrainingSet): Uint16Array {
  const labels = new Uint16Array(set.count * set.rows);
  for (let i = 0; i < labels.length; i++) {
    let best = 0;
    for (let c = 1; c < set.outputs; c++) {
      if (set.targets[i * set.outputs + c] > set.targets[i * set.outputs + best]) best = c;
    }
    labels[i] = best;
  }
  return labels;
}
