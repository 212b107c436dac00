import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createRandom } from "../data/random.js";
import { gru } from "../layers/gru.js";
import { loadTf } from "../tf/load-tf.js";
import { trainModel } from "./train-model.js";
import { oneHot, type TrainingSet } from "./training-set.js";

// Of fewer windows an epoch takes less than the files of a run.
const COUNT = 3000;
const STEPS = 50;
const CHANNELS = 6;

/** Processor time of this process, ms: other work on the machine hardly changes it, waiting for the disk does not count. */
const processorMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

it("costs at most 5 % over tfjs's own fit, run folder and progress included", async () => {
  const { tf } = await loadTf("wasm");
  const random = createRandom(1);
  const inputs = Float32Array.from({ length: COUNT * STEPS * CHANNELS }, () => random.normal());
  const labels = Array.from({ length: COUNT }, (_, i) => i % 5);
  const set: TrainingSet = {
    inputs,
    shape: [STEPS, CHANNELS],
    count: COUNT,
    targets: oneHot(labels, 5),
    outputs: 5,
    rows: 1,
  };
  const build = () =>
    tf.sequential({
      layers: [
        gru(tf, { units: 32, inputShape: [STEPS, CHANNELS], seed: 1 }),
        tf.layers.dense({ units: 5, activation: "softmax" }),
      ],
    });
  const folder = await mkdtemp(join(tmpdir(), "gatelet-speed-"));
  const fit = build();
  fit.compile({ optimizer: "adam", loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  const x = tf.tensor3d(inputs, [COUNT, STEPS, CHANNELS]);
  const y = tf.tensor2d(set.targets, [COUNT, 5]);
  const own = build();
  const times = { fit: Number.POSITIVE_INFINITY, own: Number.POSITIVE_INFINITY };
  // Alternating, best of each: other work on the machine hits both alike.
  for (let round = 0; round < 5; round++) {
    let begun = processorMs();
    await fit.fit(x, y, { epochs: 1, batchSize: 64, verbose: 0 });
    times.fit = Math.min(times.fit, processorMs() - begun);
    begun = processorMs();
    await trainModel(
      tf,
      own,
      { train: set },
      { epochs: 1, batchSize: 64, folder: join(folder, `${round}`), onProgress: () => {} },
    );
    times.own = Math.min(times.own, processorMs() - begun);
  }
  await rm(folder, { recursive: true, force: true });
  console.log(
    `processor time, one epoch of ${COUNT} windows: fit ${times.fit.toFixed(0)} ms, trainModel ${times.own.toFixed(0)} ms`,
  );
  expect(times.own).toBeLessThan(1.05 * times.fit);
});
