import type { LayersModel, Tensor } from "@tensorflow/tfjs";
import { withFusedLayers } from "../fused/fused-layers.js";
import { argMax, ConfusionMatrix } from "../metrics/classification.js";
import type { Tf } from "../tf/load-tf.js";
import { TrainError } from "./errors.js";
import type { LossName } from "./losses.js";
import { StatefulNetwork, streamBatches } from "./stateful-network.js";
import { labelsOf, pickRows, type TrainingSet } from "./training-set.js";

/** How well a set is answered; accuracy and F1 only where the answers are classes. */
export interface Scores {
  readonly loss: number;
  readonly accuracy?: number;
  readonly macroF1?: number;
}

const BATCH = 256;

/** A network's forward pass on one batch: [batch, ...shape] to answers. */
export type Forward = (inputs: Tensor) => Tensor;

/**
 * Answers for every sample, [count * rows, outputs]. Yields to the event loop between batches. Pieces of recordings are
 * answered in their order with the state kept, by a network only.
 */
export async function predictAll(tf: Tf, forward: LayersModel | Forward, set: TrainingSet): Promise<Float32Array> {
  if (set.previous !== undefined) {
    if (typeof forward === "function") throw new TrainError("TRAIN_OPTION", "a forward pass of its own keeps no state");
    return predictStream(tf, forward, set, set.previous);
  }
  if (typeof forward === "function") return predictBatches(tf, forward, set);
  return withFusedLayers(tf, forward, () => predictBatches(tf, (inputs) => forward.predict(inputs) as Tensor, set));
}

async function predictBatches(tf: Tf, run: Forward, set: TrainingSet): Promise<Float32Array> {
  const size = set.inputs.length / set.count;
  const width = set.rows * set.outputs;
  const answers = new Float32Array(set.count * width);
  for (let first = 0; first < set.count; first += BATCH) {
    const count = Math.min(BATCH, set.count - first);
    const output = tf.tidy(() =>
      run(tf.tensor(set.inputs.subarray(first * size, (first + count) * size), [count, ...set.shape])),
    );
    answers.set((await output.data()) as Float32Array, first * width);
    output.dispose();
  }
  return answers;
}

async function predictStream(
  tf: Tf,
  model: LayersModel,
  set: TrainingSet,
  previous: Int32Array,
): Promise<Float32Array> {
  const size = set.inputs.length / set.count;
  const width = set.rows * set.outputs;
  const answers = new Float32Array(set.count * width);
  const network = new StatefulNetwork(tf, model);
  for (const indices of streamBatches(previous, BATCH)) {
    const output = tf.tidy(() =>
      network.forward(
        indices,
        previous,
        false,
      )(tf.tensor(pickRows(set.inputs, indices, size), [indices.length, ...set.shape])),
    );
    const values = (await output.data()) as Float32Array;
    indices.forEach((index, i) => {
      answers.set(values.subarray(i * width, (i + 1) * width), index * width);
    });
    output.dispose();
    network.finish(previous);
  }
  return answers;
}

/** Scores of answers that were computed elsewhere, [count * rows, outputs] as `set.targets`. */
export function scoreAnswers(answers: ArrayLike<number>, set: TrainingSet, loss: Exclude<LossName, "auto">): Scores {
  const { outputs, targets, weights } = set;
  const rows = set.count * set.rows;
  let total = 0;
  let weight = 0;
  for (let row = 0; row < rows; row++) {
    const factor = weights?.[row] ?? 1;
    if (factor === 0) continue;
    total += factor * lossOfRow(answers, targets, row * outputs, outputs, loss);
    weight += factor;
  }
  const mean = total / weight;
  if (loss === "squaredError") return { loss: mean };
  const binary = outputs === 1;
  const labels = binary ? targets : labelsOf(set);
  const matrix = new ConfusionMatrix(Array.from({ length: Math.max(2, outputs) }, (_, id) => `${id}`));
  for (let row = 0; row < rows; row++) {
    if (weights !== undefined && weights[row] === 0) continue;
    const decided = binary ? Number(answers[row] > 0.5) : argMax(answers, row * outputs, outputs);
    matrix.add(binary ? Number(labels[row] > 0.5) : labels[row], decided);
  }
  return { loss: mean, accuracy: matrix.accuracy, macroF1: matrix.macroF1 };
}

function lossOfRow(
  answers: ArrayLike<number>,
  targets: ArrayLike<number>,
  start: number,
  outputs: number,
  loss: Exclude<LossName, "auto">,
): number {
  let sum = 0;
  let powers = 0;
  let top = Number.NEGATIVE_INFINITY;
  if (loss === "logits") {
    for (let c = 0; c < outputs; c++) top = Math.max(top, answers[start + c]);
    for (let c = 0; c < outputs; c++) powers += Math.exp(answers[start + c] - top);
  }
  for (let c = 0; c < outputs; c++) {
    const answer = answers[start + c];
    const target = targets[start + c];
    if (loss === "squaredError") sum += (answer - target) ** 2 / outputs;
    else if (loss === "logits") sum -= target * (answer - top - Math.log(powers));
    else if (loss === "crossEntropy") sum -= target === 0 ? 0 : target * Math.log(Math.max(answer, 1e-7));
    else {
      const inside = Math.min(1 - 1e-7, Math.max(1e-7, answer));
      sum -= (target * Math.log(inside) + (1 - target) * Math.log(1 - inside)) / outputs;
    }
  }
  return sum;
}
