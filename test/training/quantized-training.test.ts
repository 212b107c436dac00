import { type ConvertedModel, convert } from "@gatelet/converter";
import {
  argMax,
  buildPreset,
  classificationSet,
  conversionData,
  convertRounded,
  cutWindows,
  distilledSet,
  fileWeights,
  fitNormalization,
  GLOVE_FRAMES,
  generateGlove,
  graphOf,
  gru,
  IntegerSimulation,
  loadTf,
  networkGrids,
  type PresetName,
  readNetwork,
  type Tf,
  type TrainingSet,
  trainModel,
  trainQuantized,
  weightGrids,
} from "@gatelet/train";
import type { LayersModel, Tensor } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { simulationAgreement } from "../support/simulation-agreement.js";

const windows = cutWindows(generateGlove({ seed: 3, people: 5, repetitions: 4 }), { length: GLOVE_FRAMES });
const all = Uint32Array.from(windows.windows, (_, i) => i);
const normalization = fitNormalization(windows, all);
const train = classificationSet(windows, all, normalization, 8);
const conversion = conversionData({ windows, train: all, normalization, calibrationWindows: 60 });

let tf: Tf;
beforeAll(async () => {
  ({ tf } = await loadTf("wasm"));
});

/** On 96 windows. */
const agreement = (model: LayersModel, converted: ConvertedModel) =>
  simulationAgreement(tf, model, converted, { windows, normalization, indices: all.subarray(0, 96) });

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (p: Float32Array, q: Float32Array) => p.reduce((sum, value, i) => sum + value * q[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

describe("quantization-aware training", () => {
  const kinds: [string, () => LayersModel][] = [
    ["GRU with reset after", () => buildPreset(tf, "gru", { steps: 59, channels: 35, outputs: 8, units: [8] })],
    [
      "GRU with reset before",
      () =>
        tf.sequential({
          layers: [
            gru(tf, { units: 8, resetAfter: false, seed: 2, inputShape: [59, 35] }),
            tf.layers.dense({ units: 8, activation: "softmax" }),
          ],
        }),
    ],
    ["minimal GRU", () => buildPreset(tf, "mgu", { steps: 59, channels: 35, outputs: 8, units: [8] })],
    ["FastGRNN", () => buildPreset(tf, "fastgrnn", { steps: 59, channels: 35, outputs: 8, units: [8] })],
    ["LSTM", () => buildPreset(tf, "lstm", { steps: 59, channels: 35, outputs: 8, units: [8] })],
    ["SimpleRNN", () => buildPreset(tf, "rnn", { steps: 59, channels: 35, outputs: 8, units: [8], dense: [6] })],
    ["Conv1D", () => buildPreset(tf, "cnn", { steps: 59, channels: 35, outputs: 8, units: [6] })],
  ];

  it.each(kinds)("of %s at 4 bits ends with the weights that the file holds", async (_, build) => {
    const model = build();
    await trainModel(tf, model, { train }, { epochs: 3, batchSize: 32, learningRate: 0.01 });
    const { converted } = await trainQuantized(
      tf,
      model,
      { train },
      { bits: 4, headBits: 4, conversion, training: { epochs: 2, batchSize: 32, learningRate: 0.003 } },
    );
    expect(converted.report.layers.filter(({ bits }) => bits !== undefined).every(({ bits }) => bits === 4)).toBe(true);
    const { outputs, decisions } = await agreement(model, converted);
    expect(outputs).toBeGreaterThanOrEqual(0.99);
    expect(decisions).toBeGreaterThanOrEqual(0.999);
    // What lies on the grid is converted to itself.
    const again = await convertRounded(tf, model, { bits: 4, headBits: 4, conversion }, converted.report);
    expect(again.bytes).toEqual(converted.bytes);
    expect(weightGrids(readNetwork(model), again.report)).toHaveLength(readNetwork(model).layers.length);
  });
});

describe("the weights of a converted file", () => {
  const kinds: [string, () => LayersModel][] = [
    ["GRU with reset after", () => trained("gru", [6])],
    [
      "GRU with reset before, stacked",
      () =>
        tf.sequential({
          layers: [
            gru(tf, { units: 6, resetAfter: false, seed: 2, returnSequences: true, inputShape: [59, 35] }),
            gru(tf, { units: 5, resetAfter: false, seed: 3 }),
            tf.layers.dense({
              units: 8,
              activation: "softmax",
              kernelInitializer: tf.initializers.glorotUniform({ seed: 4 }),
            }),
          ],
        }),
    ],
    ["LSTM", () => trained("lstm", [5])],
    ["SimpleRNN", () => trained("rnn", [7], [6])],
    ["minimal GRU", () => trained("mgu", [6])],
    ["FastGRNN", () => trained("fastgrnn", [6])],
    ["Conv1D on an odd number of channels", () => trained("cnn", [6])],
  ];
  const trained = (preset: PresetName, units: number[], dense: number[] = []) =>
    buildPreset(tf, preset, { steps: 59, channels: 35, outputs: 8, units, dense, seed: 7 });

  it.each(kinds)("of %s are rounded to themselves, however they were rounded before", async (_, build) => {
    for (const bits of [4, 8] as const) {
      const model = build();
      const network = readNetwork(model);
      const file = await convert(await graphOf(tf, model), { ...conversion, bits, headBits: bits });
      const weights = fileWeights(network, weightGrids(network, file.report), file);
      const change = weights.map((values, i) => cosine(values, network.layers.flatMap((l) => l.weights)[i].data));
      expect(Math.min(...change.filter((value) => Number.isFinite(value)))).toBeGreaterThan(bits === 8 ? 0.99 : 0.8);
      model.trainableWeights.forEach((weight, i) => {
        weight.write(tf.tensor(weights[i], weight.shape as number[]));
      });
      const again = await convertRounded(tf, model, { bits, headBits: bits, conversion }, file.report);
      // A row whose largest integer is below the limit gets a finer step: at 8 bits by less than one part in 127.
      for (const [i, { weights = new Uint8Array() }] of file.spec.records.entries()) {
        const moved = weights.reduce(
          (count, byte, at) => count + Number(byte !== again.spec.records[i].weights?.[at]),
          0,
        );
        expect(moved / Math.max(1, weights.length), `record ${i} at ${bits} bits`).toBeLessThanOrEqual(
          bits === 4 ? 0 : 0.25,
        );
      }
      const { outputs, decisions } = await agreement(model, again);
      expect(outputs).toBeGreaterThanOrEqual(0.99);
      expect(decisions).toBeGreaterThanOrEqual(0.999);
    }
  });
});

describe("simulation in integers", () => {
  const kinds: [string, () => LayersModel][] = [
    ["GRU with reset after", () => small("gru", [5])],
    [
      "GRU with reset before",
      () =>
        tf.sequential({
          layers: [
            gru(tf, { units: 5, resetAfter: false, seed: 2, returnSequences: true, inputShape: [59, 35] }),
            gru(tf, { units: 4, resetAfter: false, seed: 3 }),
            tf.layers.dense({ units: 8, activation: "softmax" }),
          ],
        }),
    ],
    ["minimal GRU", () => small("mgu", [5, 4])],
    ["FastGRNN", () => small("fastgrnn", [5, 4])],
    ["LSTM", () => small("lstm", [5, 4])],
    ["SimpleRNN", () => small("rnn", [6])],
    [
      "Conv1D",
      () =>
        tf.sequential({
          layers: [
            tf.layers.conv1d({
              filters: 6,
              kernelSize: 5,
              strides: 2,
              padding: "same",
              activation: "relu",
              inputShape: [59, 35],
              kernelInitializer: tf.initializers.glorotUniform({ seed: 11 }),
            }),
            tf.layers.globalMaxPooling1d({}),
            tf.layers.dense({
              units: 7,
              activation: "tanh",
              kernelInitializer: tf.initializers.glorotUniform({ seed: 12 }),
            }),
            tf.layers.dense({
              units: 8,
              activation: "softmax",
              kernelInitializer: tf.initializers.glorotUniform({ seed: 13 }),
            }),
          ],
        }),
    ],
  ];

  it.each(kinds)("has the float gradients of %s, but for rounding", async (_, build) => {
    const model = build();
    const { report } = await convertRounded(tf, model, { bits: 8, conversion });
    const network = readNetwork(model);
    const grids = networkGrids(network, report);
    const simulation = new IntegerSimulation(tf, network, grids);
    const float = gradients((x) => model.apply(x) as Tensor, train);
    const integer = gradients(simulation.forward(model), train);
    expect(Object.keys(integer)).toEqual(Object.keys(float));
    for (const [name, values] of Object.entries(float))
      expect(cosine(values, integer[name]), name).toBeGreaterThan(0.995);
  });

  const small = (preset: "gru" | "mgu" | "fastgrnn" | "lstm" | "rnn", units: number[]) =>
    buildPreset(tf, preset, { steps: 59, channels: 35, outputs: 8, units, seed: 5 });

  function gradients(forward: (x: Tensor) => Tensor, set: TrainingSet): Record<string, Float32Array> {
    const count = 16;
    const x = tf.tensor(set.inputs.slice(0, count * 59 * 35), [count, 59, 35]);
    const y = tf.tensor2d(set.targets.slice(0, count * 8), [count, 8]);
    const { grads } = tf.variableGrads(() => y.mul(forward(x).log()).mean().neg().asScalar());
    const entries = Object.entries(grads).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([name, grad]) => [name, Float32Array.from(grad.dataSync())]));
  }
});

describe("distillation", () => {
  it("mixes labels with the softened answers of teachers", async () => {
    const teacher = buildPreset(tf, "cnn", { steps: 59, channels: 35, outputs: 8, units: [4] });
    const hard = await distilledSet(tf, [teacher], train, { weight: 0 });
    expect(hard.targets).toEqual(train.targets);
    const soft = await distilledSet(tf, [teacher, teacher], train, { weight: 0.5, temperature: 4 });
    for (let row = 0; row < 8; row++) {
      const target = soft.targets.subarray(row * 8, row * 8 + 8);
      expect(target.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
      expect(argMax(target)).toBe(argMax(train.targets.subarray(row * 8, row * 8 + 8)));
    }
    const other = buildPreset(tf, "cnn", { steps: 59, channels: 35, outputs: 3 });
    await expect(distilledSet(tf, [other], train, { weight: 0.5 })).rejects.toThrow("knows 3 classes, the data 8");
  });
});
