import type { Tensor } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { continuousSet } from "../data/frame-labels.js";
import { createRandom } from "../data/random.js";
import type { Recordings } from "../data/recordings.js";
import { fastGrnn } from "../layers/fastgrnn.js";
import { gru } from "../layers/gru.js";
import { minimalGru } from "../layers/minimal-gru.js";
import { buildPreset } from "../networks/presets.js";
import { loadTf, type Tf } from "../tf/load-tf.js";
import { predictAll, scoreAnswers } from "./predict.js";
import { streamBatches } from "./stateful-network.js";
import { trainModel } from "./train-model.js";

const NORMAL = { mean: [0], std: [1000] };

/** One channel: noise, and now and then a knock up or down that says what holds until the next: class 0 or 1. */
function knocks(sequences: number, frames: number, seed: number): Recordings {
  const random = createRandom(seed);
  return {
    name: "knocks",
    channels: 1,
    featureNames: ["x"],
    units: [""],
    rawScale: [1],
    classes: ["down", "up"],
    sequences: Array.from({ length: sequences }, (_, i) => {
      const samples = new Int16Array(frames);
      const labels = new Uint16Array(frames);
      let state = random.integer(2);
      for (let t = 0; t < frames; t++) {
        const knock = t === 0 || random.uniform() < 0.04;
        if (knock) state = random.integer(2);
        samples[t] = 100 * random.normal() + (knock ? (state === 1 ? 2000 : -2000) : 0);
        labels[t] = state;
      }
      return { name: `${i}`, length: frames, samples, labels, group: `${i}` };
    }),
  };
}

describe("training on streams", () => {
  let tf: Tf;
  beforeAll(async () => {
    ({ tf } = await loadTf("wasm"));
  });

  it("deals pieces to lanes so that each comes behind the one in front of it", () => {
    const previous = Int32Array.of(-1, 0, 1, -1, 3, -1);
    const batches = streamBatches(previous, 2);
    expect(batches.map((batch) => [...batch])).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
    const random = streamBatches(previous, 2, createRandom(4)).flatMap((batch) => [...batch]);
    expect([...random].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    for (const [piece, before] of previous.entries()) {
      if (before >= 0) expect(random.indexOf(before)).toBeLessThan(random.indexOf(piece));
    }
  });

  it("answers pieces as the network answers whole recordings, for every cell", async () => {
    const recordings = knocks(3, 37, 1);
    const set = continuousSet(recordings, { length: 8, classes: 2, normalization: NORMAL });
    const layersOf = {
      rnn: () => tf.layers.simpleRNN({ units: 5, returnSequences: true, inputShape: [null, 1] }),
      lstm: () => tf.layers.lstm({ units: 5, returnSequences: true, inputShape: [null, 1] }),
      gru: () => tf.layers.gru({ units: 5, returnSequences: true, inputShape: [null, 1] }),
      fastgrnn: () => fastGrnn(tf, { units: 5, rank: 1, returnSequences: true, inputShape: [null, 1], seed: 1 }),
      "minimal gru": () => minimalGru(tf, { units: 5, returnSequences: true, inputShape: [null, 1], seed: 1 }),
      "gru, reset after": () => gru(tf, { units: 5, returnSequences: true, inputShape: [null, 1], seed: 1 }),
    };
    for (const [name, first] of Object.entries(layersOf)) {
      const model = tf.sequential();
      model.add(first());
      model.add(tf.layers.lstm({ units: 4, returnSequences: true, recurrentActivation: "sigmoid" }));
      model.add(tf.layers.dense({ units: 2, activation: "softmax" }));
      const pieces = await predictAll(tf, model, set);
      recordings.sequences.forEach(({ samples }, i) => {
        const x = tf.tensor3d(
          Float32Array.from(samples, (count) => count / 1000),
          [1, 37, 1],
        );
        const whole = Array.from((model.predict(x) as Tensor).dataSync());
        const furthest = whole.reduce((most, value, j) => Math.max(most, Math.abs(value - pieces[i * 80 + j])), 0);
        expect(furthest, name).toBeLessThan(1e-5);
      });
    }
  });

  it("learns what lies further back than a piece, which pieces that begin cold cannot know", async () => {
    const all = { length: 8, classes: 2, normalization: NORMAL };
    const train = continuousSet(knocks(16, 200, 2), { ...all, lanes: 16 });
    const test = continuousSet(knocks(6, 200, 3), all);
    const accuracy = async (set: typeof train) => {
      const model = buildPreset(tf, "gru", { steps: 8, channels: 1, outputs: 2, units: [8], stream: true, seed: 1 });
      const options = { epochs: 10, batchSize: 16, learningRate: 0.02, seed: 1 };
      await trainModel(tf, model, { train: set }, options);
      return scoreAnswers(
        await predictAll(tf, model, set === train ? test : { ...test, previous: undefined }),
        test,
        "crossEntropy",
      ).accuracy;
    };
    expect(await accuracy(train)).toBeGreaterThan(0.97);
    expect(await accuracy({ ...train, previous: undefined })).toBeLessThan(0.85);
  });

  it("cuts long recordings into lanes whose first frames do not count, and fills up the last piece", () => {
    const set = continuousSet(knocks(1, 100, 4), {
      length: 10,
      classes: 2,
      normalization: NORMAL,
      lanes: 2,
      warmUp: 3,
    });
    expect([...(set.previous ?? [])]).toEqual([-1, 0, 1, 2, 3, -1, 5, 6, 7, 8]);
    const weights = set.weights as Float32Array;
    expect([...weights.subarray(48, 55)]).toEqual([1, 1, 0, 0, 0, 1, 1]);
    const filled = continuousSet(knocks(1, 12, 4), { length: 10, classes: 2, normalization: NORMAL });
    expect([...(filled.weights as Float32Array).subarray(8)]).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("refuses networks whose state it cannot keep", async () => {
    const set = continuousSet(knocks(2, 20, 5), { length: 10, classes: 2, normalization: NORMAL });
    const model = tf.sequential({
      layers: [
        tf.layers.bidirectional({
          layer: tf.layers.lstm({ units: 2, returnSequences: true }) as never,
          mergeMode: "concat",
          inputShape: [10, 1],
        }),
        tf.layers.dense({ units: 2, activation: "softmax" }),
      ],
    });
    const training = trainModel(tf, model, { train: set }, { epochs: 1 });
    await expect(training).rejects.toThrow(/cannot be trained on streams: not with Bidirectional/);
  });
});
