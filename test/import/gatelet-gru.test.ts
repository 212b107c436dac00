import { fastGrnn, gru, minimalGru } from "@gatelet/train";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { compareWithTfjs } from "./tfjs-harness.js";

describe("a model with the GRU layer of @gatelet/train", () => {
  beforeAll(async () => {
    await tf.setBackend("cpu");
  });

  it.each([true, false])("is imported as GRU, reset after: %s", async (resetAfter) => {
    const model = tf.sequential({
      layers: [
        gru(tf, { units: 5, resetAfter, returnSequences: true, inputShape: [7, 3] }),
        gru(tf, { units: 4, resetAfter }),
        tf.layers.dense({ units: 3, activation: "softmax" }),
      ],
    });
    const windows = Array.from({ length: 3 }, (_, w) =>
      Float32Array.from({ length: 21 }, (__, i) => Math.sin(i * (w + 1))),
    );
    expect(await compareWithTfjs(model, windows, [7, 3])).toBeLessThan(1e-5);
  });

  it.each([
    ["whole", {}],
    ["of rank 2 and 3", { rank: 2, recurrentRank: 3 }],
  ])("and FastGRNN is imported with its own cell, matrices %s", async (_, ranks) => {
    const model = tf.sequential({
      layers: [
        fastGrnn(tf, { units: 5, returnSequences: true, inputShape: [7, 3], ...ranks }),
        fastGrnn(tf, { units: 4 }),
        tf.layers.dense({ units: 3, activation: "softmax" }),
      ],
    });
    const windows = Array.from({ length: 3 }, (_unused, w) =>
      Float32Array.from({ length: 21 }, (__, i) => Math.sin(i * (w + 1))),
    );
    expect(await compareWithTfjs(model, windows, [7, 3])).toBeLessThan(1e-5);
  });

  it("and minimal GRU is imported with its own cell", async () => {
    const model = tf.sequential({
      layers: [
        minimalGru(tf, { units: 5, returnSequences: true, inputShape: [7, 3] }),
        minimalGru(tf, { units: 4 }),
        tf.layers.dense({ units: 3, activation: "softmax" }),
      ],
    });
    const windows = Array.from({ length: 3 }, (_, w) =>
      Float32Array.from({ length: 21 }, (__, i) => Math.sin(i * (w + 1))),
    );
    expect(await compareWithTfjs(model, windows, [7, 3])).toBeLessThan(1e-5);
  });
});
