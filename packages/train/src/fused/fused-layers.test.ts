import type { LayersModel, layers, Tensor } from "@tensorflow/tfjs";
import { beforeEach, describe, expect, it } from "vitest";
import { createRandom } from "../data/random.js";
import { gru } from "../layers/gru.js";
import { loadTf, type Tf } from "../tf/load-tf.js";
import { modelFiles } from "../tf/model-files.js";
import { predictAll } from "../training/predict.js";
import { trainModel } from "../training/train-model.js";
import type { TrainingSet } from "../training/training-set.js";
import type { RecurrentPath } from "./fused-cell.js";
import { withFusedLayers } from "./fused-layers.js";

const STEPS = 12;
const CHANNELS = 3;
const COUNT = 150;

/** Whether the first channel rises over the window. */
function slopes(): TrainingSet {
  const random = createRandom(5);
  const inputs = Float32Array.from({ length: COUNT * STEPS * CHANNELS }, () => random.normal());
  const targets = new Float32Array(2 * COUNT);
  for (let i = 0; i < COUNT; i++) {
    const sign = random.integer(2);
    targets[2 * i + sign] = 1;
    for (let t = 0; t < STEPS; t++) inputs[(i * STEPS + t) * CHANNELS] += (sign === 1 ? 0.3 : -0.3) * t;
  }
  return { inputs, shape: [STEPS, CHANNELS], count: COUNT, targets, outputs: 2, rows: 1 };
}

describe("layers of tfjs in the kernels", () => {
  let tf: Tf;
  const path = async (recurrent: RecurrentPath) => {
    ({ tf } = await loadTf("wasm", { recurrent }));
  };
  beforeEach(() => path("fused"));

  const common = { units: 7, inputShape: [STEPS, CHANNELS] };
  const initializers = () => ({
    kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
    recurrentInitializer: tf.initializers.glorotUniform({ seed: 2 }),
  });
  const cells: Record<string, () => layers.Layer> = {
    "SimpleRNN with relu": () => tf.layers.simpleRNN({ ...common, ...initializers(), activation: "relu" }),
    LSTM: () => tf.layers.lstm({ ...common, ...initializers(), recurrentActivation: "sigmoid" }),
    "LSTM as tfjs makes it": () => tf.layers.lstm({ ...common, ...initializers() }),
    "GRU, backwards": () => tf.layers.gru({ ...common, ...initializers(), goBackwards: true }),
    "our GRU": () => gru(tf, { ...common, seed: 3 }),
    "LSTM both ways": () => {
      const layer = tf.layers.lstm({ ...common, ...initializers(), returnSequences: true }) as layers.RNN;
      return tf.layers.bidirectional({ layer, mergeMode: "concat", inputShape: [STEPS, CHANNELS] });
    },
  };

  function network(make: () => layers.Layer): LayersModel {
    const model = tf.sequential({ layers: [make()] });
    if (model.outputs[0].shape.length === 3) model.add(tf.layers.globalAveragePooling1d({}));
    const kernelInitializer = tf.initializers.glorotUniform({ seed: 9 });
    model.add(tf.layers.dense({ units: 2, activation: "softmax", kernelInitializer }));
    return model;
  }

  it.each(Object.keys(cells))("learn as they do step by step in tfjs: %s", async (name) => {
    const set = slopes();
    const results = [];
    for (const recurrent of ["fused", "tfjs"] as const) {
      await path(recurrent);
      const model = network(cells[name]);
      const { history } = await trainModel(tf, model, { train: set }, { epochs: 6, batchSize: 32, learningRate: 0.01 });
      results.push({ losses: history.map(({ loss }) => loss), answers: await predictAll(tf, model, set) });
    }
    const [ours, theirs] = results;
    const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));
    expect(furthest(ours.losses, theirs.losses)).toBeLessThan(1e-3);
    expect(ours.losses[5]).toBeLessThan(ours.losses[0]);
    expect(furthest(ours.answers, theirs.answers)).toBeLessThan(1e-2);
  });

  it("give the same bytes from the same seed", async () => {
    const weights = [];
    for (let run = 0; run < 2; run++) {
      const model = network(cells["our GRU"]);
      await trainModel(tf, model, { train: slopes() }, { epochs: 2, batchSize: 32, seed: 4 });
      weights.push(Buffer.from((await modelFiles(tf, model)).bytes).toString("hex"));
    }
    expect(weights[0]).toBe(weights[1]);
  });

  it("leave nothing on a model, whether work succeeds or fails, and whoever else holds it", async () => {
    const model = network(cells["LSTM both ways"]);
    const before = JSON.stringify((await modelFiles(tf, model)).topology);
    const [wrapper] = model.layers as unknown as { forwardLayer: layers.Layer }[];
    const held = () => Object.hasOwn(wrapper.forwardLayer, "call");
    let end = () => {};
    const long = withFusedLayers(tf, model, () => new Promise<void>((resolve) => void (end = resolve)));
    await expect(withFusedLayers(tf, model, () => Promise.reject(new Error("stopped")))).rejects.toThrow("stopped");
    expect(held()).toBe(true);
    end();
    await long;
    expect(held()).toBe(false);
    expect(JSON.stringify((await modelFiles(tf, model)).topology)).toBe(before);
  });

  it("stay tfjs's where kernels lack something", async () => {
    const others = [
      tf.layers.lstm({ ...common, activation: "elu" }),
      tf.layers.lstm({ ...common, stateful: true, batchInputShape: [2, STEPS, CHANNELS] }),
      tf.layers.simpleRNN({ ...common, returnState: true }),
    ];
    for (const layer of others) {
      const model = { layers: [layer] } as unknown as LayersModel;
      await withFusedLayers(tf, model, async () => expect(Object.hasOwn(layer, "call")).toBe(false));
    }
  });

  it("drop units in training only, and skip masked steps", async () => {
    const x = tf.ones([2, STEPS, CHANNELS]);
    const dropping = tf.sequential({ layers: [tf.layers.lstm({ ...common, ...initializers(), dropout: 0.5 })] });
    const masked = tf.sequential({
      layers: [
        tf.layers.masking({ maskValue: 1, inputShape: [STEPS, CHANNELS] }),
        tf.layers.simpleRNN({ ...common, ...initializers(), biasInitializer: "ones" }),
      ],
    });
    const values = (model: LayersModel, training: boolean) =>
      (model.apply(x, { training }) as Tensor).dataSync() as Float32Array;
    const plain = values(dropping, false);
    await withFusedLayers(tf, dropping, async () => {
      expect(Math.hypot(...values(dropping, false).map((value, i) => value - plain[i]))).toBeLessThan(1e-5);
      expect(Math.hypot(...values(dropping, true).map((value, i) => value - plain[i]))).toBeGreaterThan(1e-3);
    });
    await withFusedLayers(tf, masked, async () =>
      expect(Math.hypot(...(masked.predict(x) as Tensor).dataSync())).toBe(0),
    );
  });

  it("can be turned off, and refuses another word", async () => {
    const { recurrent, choice } = await loadTf("wasm", { recurrent: "tfjs" });
    expect([recurrent, choice]).toEqual(["tfjs", expect.stringMatching(/recurrent layers step by step in tfjs$/)]);
    expect((await loadTf("cpu")).choice).toMatch(/on cpu .*recurrent layers in kernels for whole sequences$/);
    await expect(loadTf("wasm", { recurrent: "cuda" as "tfjs" })).rejects.toThrow(
      "recurrent path cuda is not known, choose fused, tfjs",
    );
  });
});
