import type { LayersModel } from "@tensorflow/tfjs";
import { TrainError } from "../training/errors.js";
import type { TrainingSet } from "../training/training-set.js";

/**
 * Checks that a network takes the windows of a training set and gives as many values as it has answers.
 * @param name of the network, for the message
 * Throws `TOPOLOGY_INVALID` naming both shapes.
 */
export function checkModelShape({ inputs, outputs }: LayersModel, name: string, set: TrainingSet): void {
  const [steps, channels] = set.shape;
  const [, ...input] = inputs[0].shape;
  const output = outputs[0].shape[outputs[0].shape.length - 1];
  const takes = input.length === 2 && input[1] === channels && output === set.outputs;
  if (takes && (input[0] === null || input[0] === steps)) return;
  const message = `${name} takes [${input.join(", ")}] and gives ${output} values, the data are [${steps}, ${channels}] with ${set.outputs}`;
  throw new TrainError("TOPOLOGY_INVALID", takes ? `${message}: cut windows of ${input[0]} frames` : message);
}
