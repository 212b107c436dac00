import { createHash } from "node:crypto";
import type { LayersModel } from "@tensorflow/tfjs";
import type { TrainingData, TrainOptions } from "./train-options.js";

/** Stands for everything that decides how a run goes on: options, shapes of the weights, data. */
export function runFingerprint(model: LayersModel, data: TrainingData, given: TrainOptions): string {
  const {
    folder: _,
    onProgress: __,
    onEpoch: ___,
    signal: ____,
    augment,
    constrain,
    project,
    forward,
    judge: _____,
    memory: ______,
    ...options
  } = given;
  const { epochs, schedule } = options;
  const parts = {
    ...options,
    // A constant learning rate lets a finished run be prolonged.
    epochs: schedule === "cosine" ? epochs : 0,
    hooks: [augment, constrain, project, forward].map((hook) => hook !== undefined),
    layers: model.weights.map((weight) => weight.shape),
  };
  const hash = createHash("sha256").update(JSON.stringify(parts));
  for (const set of [data.train, data.validation]) {
    for (const array of [set?.inputs, set?.targets, set?.weights, set?.previous]) {
      if (array !== undefined) hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    }
  }
  return hash.digest("hex");
}
