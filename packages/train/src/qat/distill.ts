import type { LayersModel } from "@tensorflow/tfjs";
import type { Tf } from "../tf/load-tf.js";
import { TrainError } from "../training/errors.js";
import { predictAll } from "../training/predict.js";
import type { TrainingSet } from "../training/training-set.js";

/** How a student learns from teachers. */
export interface DistillOptions {
  /** Weight of the teachers' answers; the rest is the labels'. */
  readonly weight: number;
  /** Above 1: the teachers' answers are softened; default 1, since the student's own answers are not. */
  readonly temperature?: number;
}

/**
 * Targets for a student (Hinton et al. 2015): labels mixed with the mean answer of one or more teachers, which answer
 * probabilities. Throws `TRAIN_OPTION` for a weight outside 0 .. 1 or teachers with other classes.
 */
export async function distilledSet(
  tf: Tf,
  teachers: readonly LayersModel[],
  set: TrainingSet,
  { weight, temperature = 1 }: DistillOptions,
): Promise<TrainingSet> {
  if (!(weight >= 0 && weight <= 1)) throw new TrainError("TRAIN_OPTION", `weight is ${weight}, expected 0 .. 1`);
  const soft = new Float64Array(set.targets.length);
  for (const teacher of teachers) {
    const outputs = teacher.outputs[0].shape[teacher.outputs[0].shape.length - 1];
    if (outputs !== set.outputs) {
      throw new TrainError("TRAIN_OPTION", `teacher ${teacher.name} knows ${outputs} classes, the data ${set.outputs}`);
    }
    const answers = await predictAll(tf, teacher, set);
    addSoftened(soft, answers, set.outputs, temperature, 1 / teachers.length);
  }
  return { ...set, targets: set.targets.map((target, i) => (1 - weight) * target + weight * soft[i]) };
}

/** Adds share * softmax(log(p) / temperature) of every row. */
function addSoftened(sums: Float64Array, answers: Float32Array, outputs: number, temperature: number, share: number) {
  const powers = new Float64Array(outputs);
  for (let row = 0; row < answers.length; row += outputs) {
    let total = 0;
    for (let c = 0; c < outputs; c++) total += powers[c] = Math.max(answers[row + c], 1e-9) ** (1 / temperature);
    for (let c = 0; c < outputs; c++) sums[row + c] += (share * powers[c]) / total;
  }
}
