import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { gru } from "./gru.js";
import { reloadingError } from "./reloading.test.support.js";

const largest = (tensor: tf.Tensor): number => tensor.abs().max().dataSync()[0];

describe("gru layer", () => {
  beforeAll(async () => {
    await tf.setBackend("cpu");
  });

  it("has the parameters of the published study's network with reset after", () => {
    const model = tf.sequential();
    model.add(gru(tf, { units: 128, returnSequences: true, inputShape: [50, 6] }));
    model.add(gru(tf, { units: 64, returnSequences: true }));
    model.add(gru(tf, { units: 32 }));
    model.add(tf.layers.dense({ units: 64 }));
    model.add(tf.layers.dense({ units: 13 }));
    expect(model.countParams()).toBe(101_837);
  });

  it("equals tfjs's own GRU with reset before, from the same weights", () => {
    const x = tf.randomNormal([4, 7, 3], 0, 1, "float32", 5);
    const own = tf.sequential({
      layers: [gru(tf, { units: 5, resetAfter: false, returnSequences: true, inputShape: [7, 3] })],
    });
    const theirs = tf.sequential({
      layers: [tf.layers.gru({ units: 5, recurrentActivation: "sigmoid", returnSequences: true, inputShape: [7, 3] })],
    });
    own.setWeights(theirs.getWeights());
    expect(largest((own.predict(x) as tf.Tensor).sub(theirs.predict(x) as tf.Tensor))).toBeLessThan(1e-6);
  });

  it("computes reset after as Keras defines it", () => {
    const units = 2;
    const model = tf.sequential({ layers: [gru(tf, { units, seed: 3, inputShape: [1, 1] })] });
    const [kernel, recurrent] = model.getWeights().map((weight) => Array.from(weight.dataSync()));
    const bias = Array.from({ length: 12 }, (_, i) => 0.1 * (i + 1));
    model.setWeights([tf.tensor(kernel, [1, 6]), tf.tensor(recurrent, [2, 6]), tf.tensor(bias, [2, 6])]);
    // From a zero state the recurrent part is its bias alone.
    const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));
    const expected = [0, 1].map((unit) => {
      const z = sigmoid(kernel[unit] + bias[unit] + bias[6 + unit]);
      const r = sigmoid(kernel[2 + unit] + bias[2 + unit] + bias[8 + unit]);
      return (1 - z) * Math.tanh(kernel[4 + unit] + bias[4 + unit] + r * bias[10 + unit]);
    });
    const actual = Array.from((model.predict(tf.ones([1, 1, 1])) as tf.Tensor).dataSync());
    actual.forEach((value, unit) => {
      expect(value).toBeCloseTo(expected[unit], 6);
    });
  });

  it("loads again from what it saved, with the same answers", async () => {
    const x = tf.randomNormal([2, 4, 3], 0, 1, "float32", 8);
    const model = tf.sequential({ layers: [gru(tf, { units: 3, seed: 1, inputShape: [4, 3] })] });
    expect(await reloadingError(model, x)).toBe(0);
  });

  it("refuses a layer without units", () => {
    expect(() => gru(tf, { units: 0 })).toThrow("gru has 0 units, at least 1 needed");
  });
});
