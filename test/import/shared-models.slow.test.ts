import { readFileSync } from "node:fs";
import { FloatExecutor, foldGraph, openModel } from "@gatelet/converter";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { missing } from "../support/requirements.js";
import { type SharedModel, sharedModel, sharedModelNames } from "../support/shared-models.js";
import { worstDifference } from "./compare.js";
import { predict } from "./tfjs-harness.js";

const CHUNK = 256;

const BOUND = 1e-5;

interface Agreement {
  readonly worst: number;
  /** Windows beyond the bound. */
  readonly beyond: readonly { readonly index: number; readonly error: number }[];
}

/** Differences to the stored reference outputs over all test windows. */
function agreement(executor: FloatExecutor, model: SharedModel): Agreement {
  const beyond: { index: number; error: number }[] = [];
  let worst = 0;
  for (let first = 0; first < model.testCount; first += CHUNK) {
    const count = Math.min(CHUNK, model.testCount - first);
    const indices = Array.from({ length: count }, (_, index) => first + index);
    const outputs = executor.runBatch(indices.map((index) => model.testWindow(index)));
    indices.forEach((index, at) => {
      const error = worstDifference([outputs[at]], [model.reference(index)]);
      if (error > BOUND) beyond.push({ index, error });
      worst = Math.max(worst, error);
    });
  }
  return { worst, beyond };
}

/** What tfjs itself answers. */
async function tfjsAnswer(model: SharedModel, window: Float32Array): Promise<Float32Array> {
  await tf.setBackend("cpu");
  const json = JSON.parse(readFileSync(`${model.folder}/model.json`, "utf8")) as tf.io.ModelJSON;
  const [{ paths, weights }] = json.weightsManifest;
  const weightData = new Uint8Array(readFileSync(`${model.folder}/${paths[0]}`)).buffer;
  const { modelTopology } = json;
  const network = await tf.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs: weights, weightData }));
  return predict(network, [window], [model.steps, model.channels])[0];
}

/** Agreement within the bound, but for at most one window on which float32 tfjs does not agree with the reference either. */
async function expectAgreement(executor: FloatExecutor, model: SharedModel): Promise<void> {
  const { worst, beyond } = agreement(executor, model);
  console.info(`${model.name}: ${model.testCount} windows, worst error ${worst.toExponential(1)}`);
  for (const { index, error } of beyond) {
    const tfjs = worstDifference([await tfjsAnswer(model, model.testWindow(index))], [model.reference(index)]);
    console.info(`  window ${index}: error ${error.toExponential(1)}, that of tfjs ${tfjs.toExponential(1)}`);
    expect(tfjs).toBeGreaterThan(BOUND);
    expect(error).toBeLessThan(3 * BOUND);
  }
  expect(beyond.length).toBeLessThanOrEqual(1);
}

describe.skipIf(missing("shared"))("float executor against all stored reference outputs", () => {
  for (const name of sharedModelNames()) {
    it(`agrees on ${name} within 1e-5, folded too`, async () => {
      const model = sharedModel(name);
      const graph = await openModel(model.folder);
      await expectAgreement(new FloatExecutor(graph), model);
      const folded = foldGraph(graph);
      if (folded.graph.nodes.length < graph.nodes.length) await expectAgreement(new FloatExecutor(folded.graph), model);
    }, 120_000);
  }

  it("reads digits-gru from its .keras archive as well", async () => {
    const model = sharedModel("digits-gru");
    const graph = await openModel(`${model.folder}/model.keras`);
    await expectAgreement(new FloatExecutor(graph), model);
  });
});
