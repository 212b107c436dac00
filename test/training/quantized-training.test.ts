import { FloatExecutor } from "@gatelet/converter";
import { Model } from "@gatelet/kernels";
import {
  argMax,
  buildPreset,
  classificationSet,
  conversionData,
  convertRounded,
  countsOf,
  cutWindows,
  distilledSet,
  fitNormalization,
  GLOVE_FRAMES,
  generateGlove,
  graphOf,
  gru,
  loadTf,
  networkInputs,
  readNetwork,
  type Tf,
  trainModel,
  trainQuantized,
  weightGrids,
} from "@gatelet/train";
import type { LayersModel } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";

const windows = cutWindows(generateGlove({ seed: 3, people: 5, repetitions: 4 }), { length: GLOVE_FRAMES });
const all = Uint32Array.from(windows.windows, (_, i) => i);
const normalization = fitNormalization(windows, all);
const train = classificationSet(windows, all, normalization, 8);
const conversion = conversionData({ windows, train: all, normalization, calibrationWindows: 60 });

let tf: Tf;
beforeAll(async () => {
  ({ tf } = await loadTf("wasm"));
});

/** Share of windows that the network, as it computes in training, and the integer engine decide alike. */
async function agreement(model: LayersModel, gate: Uint8Array): Promise<number> {
  const executor = new FloatExecutor(await graphOf(tf, model));
  const inputs = networkInputs(windows, all, normalization);
  const size = inputs.length / all.length;
  const engine = await Model.load(gate);
  let equal = 0;
  for (const index of all) {
    const float = argMax(executor.run(inputs.subarray(index * size, (index + 1) * size)));
    engine.reset();
    if (argMax(engine.run(countsOf(windows, index)).outputs) === float) equal++;
  }
  return equal / all.length;
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
    // Only the 16-bit activations are left to differ.
    expect(await agreement(model, converted.bytes)).toBeGreaterThanOrEqual(0.99);
    // What lies on the grid is converted to itself.
    const again = await convertRounded(tf, model, { bits: 4, headBits: 4, conversion, training: { epochs: 1 } });
    expect(again.bytes).toEqual(converted.bytes);
    expect(weightGrids(readNetwork(model), again.report)).toHaveLength(readNetwork(model).layers.length);
  });
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
