import type { LayersModel, Tensor } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { GLOVE_CHANNELS, GLOVE_FRAMES, GRASPS, generateGlove } from "../data/glove.js";
import { classificationSet, fitNormalization } from "../data/prepare.js";
import { createRandom } from "../data/random.js";
import { cutWindows } from "../data/windows.js";
import { fastGrnn } from "../layers/fastgrnn.js";
import { gru } from "../layers/gru.js";
import { buildPreset } from "../networks/presets.js";
import { loadTf, type Tf } from "../tf/load-tf.js";
import { trainModel } from "../training/train-model.js";
import { buildNetwork, type Network, networkCost, readNetwork, shrinkNetwork, unitsOf } from "./network.js";
import { layerSensitivity } from "./sensitivity.js";
import { pruneUnits, unitScores } from "./structured.js";
import { MagnitudeMask, sparsity } from "./unstructured.js";

let tf: Tf;
beforeAll(async () => {
  ({ tf } = await loadTf("wasm"));
});

/** The network with the outgoing weights of some units set to zero, also what the units tell themselves. */
function silence(network: Network, index: number, units: readonly number[]): Network {
  const layers = network.layers.map((layer) => ({
    ...layer,
    weights: layer.weights.map((w) => ({ ...w, data: w.data.slice() })),
  }));
  const own = layers[index];
  const count = unitsOf(own);
  if (own.weights.length === 3) {
    const width = own.weights[1].shape[1];
    for (const unit of units) own.weights[1].data.fill(0, unit * width, (unit + 1) * width);
  }
  const next = layers
    .slice(index + 1)
    .find((layer) => layer.weights.length > 0 && layer.className !== "BatchNormalization");
  const kernel = next!.weights[0];
  const axis = next!.className === "Conv1D" ? 1 : 0;
  const inner = kernel.shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  kernel.data.forEach((_, at) => {
    if (units.includes((Math.floor(at / inner) % kernel.shape[axis]) % count)) kernel.data[at] = 0;
  });
  return { ...network, layers };
}

const answers = (model: LayersModel, x: Tensor) => Array.from((model.predict(x) as Tensor).dataSync());

describe("removing units", () => {
  const shapes: [string, () => LayersModel][] = [
    [
      "GRU with reset after",
      () =>
        tf.sequential({
          layers: [
            gru(tf, { units: 5, returnSequences: true, inputShape: [6, 3] }),
            gru(tf, { units: 4 }),
            tf.layers.dense({ units: 2 }),
          ],
        }),
    ],
    ["LSTM", () => buildPreset(tf, "lstm", { steps: 6, channels: 3, outputs: 2, units: [5] })],
    [
      "SimpleRNN and dense layers",
      () => buildPreset(tf, "rnn", { steps: 6, channels: 3, outputs: 2, units: [5], dense: [4] }),
    ],
    [
      "GRU with reset before",
      () =>
        tf.sequential({
          layers: [
            tf.layers.gru({ units: 5, inputShape: [6, 3], recurrentInitializer: "glorotUniform" }),
            tf.layers.dense({ units: 2 }),
          ],
        }),
    ],
    [
      "Conv1D with batch normalization, pooling and flatten",
      () =>
        tf.sequential({
          layers: [
            tf.layers.conv1d({ filters: 5, kernelSize: 2, inputShape: [6, 3] }),
            tf.layers.batchNormalization(),
            tf.layers.reLU(),
            tf.layers.flatten(),
            tf.layers.dense({ units: 2 }),
          ],
        }),
    ],
    ["stacked Conv1D", () => buildPreset(tf, "cnn", { steps: 8, channels: 3, outputs: 2, units: [5, 4] })],
  ];

  it.each(shapes)("of %s equals silencing them", async (_, build) => {
    const model = build();
    const random = createRandom(2);
    model.setWeights(
      model.getWeights().map((w) =>
        tf.tensor(
          Float32Array.from({ length: w.size }, () => 0.3 + 0.5 * random.uniform()),
          w.shape,
        ),
      ),
    );
    const network = readNetwork(model);
    const x = tf.randomNormal([3, ...network.inputShape], 0, 1, "float32", 4);
    const shrunk = await buildNetwork(tf, shrinkNetwork(network, new Map([[0, [0, 2, 4]]])));
    const silenced = await buildNetwork(tf, silence(network, 0, [1, 3]));
    const expected = answers(silenced, x);
    answers(shrunk, x).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 4);
    });
    expect(shrunk.countParams()).toBeLessThan(model.countParams());
    expect(networkCost(network).parameters).toBe(model.countParams());
  });

  it("takes the least important ones, by share or until a limit holds", () => {
    const network = readNetwork(buildPreset(tf, "gru", { steps: 6, channels: 3, outputs: 2, units: [8] }));
    const scores = [...unitScores(network, 0)];
    const half = pruneUnits(network, { share: 0.5 });
    expect(unitsOf(half.layers[0])).toBe(4);
    const kept = [...scores.keys()]
      .sort((a, b) => scores[b] - scores[a])
      .slice(0, 4)
      .sort((a, b) => a - b);
    expect(half).toEqual(shrinkNetwork(network, new Map([[0, kept]])));
    const { macs } = networkCost(network);
    const limited = pruneUnits(network, { limit: { macs: macs / 2 } });
    expect(networkCost(limited).macs).toBeLessThanOrEqual(macs / 2);
    expect(unitsOf(limited.layers[0])).toBeGreaterThan(4);
    expect(() => pruneUnits(network, { limit: { parameters: 10 } })).toThrow(/still takes parameters 22, limit 10/);
    expect(() => pruneUnits(network, { share: 1 })).toThrow("share of units to remove is 1");
  });

  it("removes units of a minimal GRU and a FastGRNN with all that belongs to them", () => {
    for (const [preset, parameters] of [
      ["mgu", 2 * 3 * (3 + 3 + 1)],
      ["fastgrnn", 3 * (3 + 3 + 2) + 2],
    ] as const) {
      const network = readNetwork(buildPreset(tf, preset, { steps: 6, channels: 3, outputs: 2, units: [5] }));
      const { layers } = shrinkNetwork(network, new Map([[0, [0, 2, 4]]]));
      expect(layers[0].weights.reduce((sum, { data }) => sum + data.length, 0)).toBe(parameters);
    }
  });

  it("refuses factors of low rank by name", () => {
    const model = tf.sequential({ layers: [fastGrnn(tf, { units: 4, rank: 2, name: "fast", inputShape: [6, 3] })] });
    expect(() => readNetwork(model)).toThrow("layer fast has a matrix of low rank: train FastGRNN without");
  });

  it("counts the work of the published grasp pipeline as its authors do", () => {
    const grasp = readNetwork(buildPreset(tf, "cnn", { steps: GLOVE_FRAMES, channels: GLOVE_CHANNELS, outputs: 8 }));
    expect(networkCost(grasp).flops).toBe(193_648);
    expect(networkCost(pruneUnits(grasp, { share: 0.5 })).flops).toBe(96_848);
  });
});

describe("data-glove windows", () => {
  const set = cutWindows(generateGlove({ seed: 2, people: 3, repetitions: 4 }), { length: GLOVE_FRAMES });
  const all = set.windows.map((_, i) => i);
  const samples = classificationSet(set, all, fitNormalization(set, all), GRASPS.length);

  it("are learned, and pruned weights stay zero while the rest trains on", async () => {
    expect(samples).toMatchObject({ count: 96, shape: [59, 35], outputs: 8 });
    const model = buildPreset(tf, "cnn", { steps: 59, channels: 35, outputs: 8 });
    const steps = 6 * 6;
    const mask = new MagnitudeMask(
      0.5,
      model.trainableWeights.map(({ shape }) => shape.length > 1),
      steps / 2,
    );
    const options = { epochs: 6, batchSize: 16, learningRate: 0.01, constrain: mask.constrain };
    const result = await trainModel(tf, model, { train: samples }, { ...options, monitor: "loss" });
    expect(result.best.accuracy).toBeGreaterThan(0.5);
    const matrices = model.getWeights().filter(({ shape }) => shape.length > 1);
    expect(sparsity(matrices.map((weight) => weight.dataSync() as Float32Array))).toBeCloseTo(0.5, 2);
    const found = await layerSensitivity(tf, readNetwork(model), samples, [0.5]);
    expect(found).toMatchObject([{ share: 0.5, accuracy: expect.any(Number) }]);
  });
});
