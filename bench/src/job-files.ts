import { Model } from "../../packages/kernels-as/dist/index.js";
import { encodeFrames } from "../../packages/kernels-as/dist/input.js";
import type { Work } from "../../test/conformance/job-files.js";
import { deployedModel } from "./converted.js";

/** All test windows of a shared model, as it would be deployed. */
export async function workOf(name: string): Promise<Work> {
  const { model, converted, window } = await deployedModel(name, 8);
  const { description } = await Model.load(converted.bytes, { engine: "scalar" });
  const windowValues = model.steps * model.channels;
  const frames = new Int16Array(model.testCount * windowValues);
  for (let i = 0; i < model.testCount; i++) frames.set(encodeFrames(description, window(i)), i * windowValues);
  const halfValues = Math.floor(model.steps / 2) * model.channels;
  return { name, file: converted.bytes, frames, windowValues, halfValues, windows: model.testCount };
}
