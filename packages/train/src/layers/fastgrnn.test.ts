import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { fastGrnn } from "./fastgrnn.js";
import { reloadingError } from "./reloading.test.support.js";

const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));

describe("FastGRNN layer", () => {
  beforeAll(async () => {
    await tf.setBackend("cpu");
  });

  it("has a SimpleRNN's matrices, two biases and two factors", () => {
    const model = tf.sequential({ layers: [fastGrnn(tf, { units: 32, inputShape: [50, 6] })] });
    expect(model.countParams()).toBe(32 * (6 + 32 + 2) + 2);
    const low = tf.sequential({
      layers: [fastGrnn(tf, { units: 32, rank: 4, recurrentRank: 8, inputShape: [50, 6] })],
    });
    expect(low.countParams()).toBe(4 * (6 + 32) + 8 * (32 + 32) + 2 * 32 + 2);
  });

  it("computes h' = (zeta (1 - z) + nu) g + z h", () => {
    const model = tf.sequential({ layers: [fastGrnn(tf, { units: 1, returnSequences: true, inputShape: [3, 1] })] });
    const [w, u, bg, bz, zeta, nu] = [0.7, -1.1, 0.2, 0.9, 1.5, -2];
    const values = [[[w]], [[u]], [[bg], [bz]], [zeta], [nu]];
    model.setWeights(values.map((value) => tf.tensor(value)));
    const inputs = [0.5, -1, 2];
    const actual = Array.from((model.predict(tf.tensor(inputs, [1, 3, 1])) as tf.Tensor).dataSync());
    let h = 0;
    inputs.forEach((x, t) => {
      const p = w * x + u * h;
      const z = sigmoid(p + bz);
      h = (sigmoid(zeta) * (1 - z) + sigmoid(nu)) * Math.tanh(p + bg) + z * h;
      expect(actual[t]).toBeCloseTo(h, 6);
    });
  });

  it.each([{}, { rank: 2, recurrentRank: 2 }])("loads again from what it saved: %o", async (ranks) => {
    const x = tf.randomNormal([2, 4, 3], 0, 1, "float32", 8);
    const model = tf.sequential({ layers: [fastGrnn(tf, { units: 3, seed: 1, inputShape: [4, 3], ...ranks })] });
    expect(await reloadingError(model, x)).toBe(0);
  });

  it("refuses a rank below 1", () => {
    expect(() => fastGrnn(tf, { units: 2, rank: 0 })).toThrow("rank of fastgrnn is 0, at least 1 needed");
  });
});
