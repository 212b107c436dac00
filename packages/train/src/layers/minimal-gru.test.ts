import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { minimalGru } from "./minimal-gru.js";
import { ownCell } from "./own-layers.js";
import { reloadingError } from "./reloading.test.support.js";

const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));

describe("minimal GRU layer", () => {
  beforeAll(async () => {
    await tf.setBackend("cpu");
  });

  it("has two thirds of a GRU's weights", () => {
    const model = tf.sequential({ layers: [minimalGru(tf, { units: 32, inputShape: [50, 6] })] });
    expect(model.countParams()).toBe(2 * 32 * (6 + 32 + 1));
    expect(ownCell("MinimalGRU")?.gates).toBe(2);
  });

  it("computes h' = (1 - f) h + f g, where g sees f h", () => {
    const model = tf.sequential({
      layers: [minimalGru(tf, { units: 1, returnSequences: true, inputShape: [3, 1] })],
    });
    const [wf, wh, uf, uh, bf, bh] = [0.7, -1.1, 0.9, 1.3, 0.2, -0.4];
    model.setWeights([tf.tensor([[wf, wh]]), tf.tensor([[uf, uh]]), tf.tensor([bf, bh])]);
    const inputs = [0.5, -1, 2];
    const actual = Array.from((model.predict(tf.tensor(inputs, [1, 3, 1])) as tf.Tensor).dataSync());
    let h = 0;
    inputs.forEach((x, t) => {
      const f = sigmoid(wf * x + uf * h + bf);
      const g = Math.tanh(wh * x + uh * f * h + bh);
      h = (1 - f) * h + f * g;
      expect(actual[t]).toBeCloseTo(h, 6);
    });
  });

  it("loads again from what it saved, with the same answers", async () => {
    const x = tf.randomNormal([2, 4, 3], 0, 1, "float32", 8);
    const model = tf.sequential({ layers: [minimalGru(tf, { units: 3, seed: 1, inputShape: [4, 3] })] });
    expect(await reloadingError(model, x)).toBe(0);
  });
});
