import type { LayersModel, Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs";
import type { Tf } from "../tf/load-tf.js";
import { TrainError } from "./errors.js";

/**
 * What is made small. `auto`: cross-entropy of softmax outputs, of their logits where the last layer is linear and the
 * targets are probabilities, binary cross-entropy for sigmoid outputs, the squared error otherwise.
 */
export type LossName = "auto" | "crossEntropy" | "logits" | "binaryCrossEntropy" | "squaredError";

/** Loss of each row of answers: [rows, outputs] twice to [rows]. */
export type RowLoss = (predicted: Tensor2D, target: Tensor2D) => Tensor1D;

const LEAST = 1e-7;

/** The loss function of a name; see {@link LossName}. */
export function rowLoss(tf: Tf, name: Exclude<LossName, "auto">): RowLoss {
  switch (name) {
    case "crossEntropy":
      return (predicted, target) => target.mul(predicted.clipByValue(LEAST, 1).log()).sum<Tensor1D>(1).neg();
    case "logits":
      return (predicted, target) => target.mul(tf.logSoftmax(predicted)).sum<Tensor1D>(1).neg();
    case "binaryCrossEntropy":
      return (predicted, target) => {
        const inside = predicted.clipByValue(LEAST, 1 - LEAST);
        const one = tf.scalar(1);
        const sum = target.mul(inside.log()).add(one.sub(target).mul(one.sub(inside).log()));
        return sum.mean<Tensor1D>(1).neg();
      };
    case "squaredError":
      return (predicted, target) => predicted.sub(target).square().mean<Tensor1D>(1);
  }
}

/** Resolves `auto` by the activation of the last layer. Throws `TRAIN_OPTION` for a name that is not known. */
export function chooseLoss(name: LossName, model: LayersModel, classes: boolean): Exclude<LossName, "auto"> {
  const names: readonly LossName[] = ["auto", "crossEntropy", "logits", "binaryCrossEntropy", "squaredError"];
  if (!names.includes(name)) {
    throw new TrainError("TRAIN_OPTION", `loss ${name} is not known, choose ${names.join(", ")}`);
  }
  if (name !== "auto") return name;
  const activation = lastActivation(model);
  if (activation === "softmax") return "crossEntropy";
  if (activation === "sigmoid") return "binaryCrossEntropy";
  return classes ? "logits" : "squaredError";
}

/** Name of the activation that gives the outputs, `linear` where the last layer has none. */
export function lastActivation(model: LayersModel): string {
  const config = model.layers[model.layers.length - 1].getConfig();
  const inner = config["layer"] as { config?: { activation?: unknown } } | undefined;
  const className = model.layers[model.layers.length - 1].getClassName();
  if (className === "Softmax") return "softmax";
  const activation = config["activation"] ?? inner?.config?.activation ?? "linear";
  return String(activation);
}

/** Rows of answers, whether a sample has one or one a time step. */
export function asRows(tensor: Tensor, outputs: number): Tensor2D {
  return tensor.reshape<Tensor2D>([-1, outputs]);
}
