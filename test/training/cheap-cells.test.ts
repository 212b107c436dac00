import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Model } from "@gatelet/kernels";
import {
  buildPreset,
  classificationSet,
  cutWindows,
  evaluateEntry,
  fitNormalization,
  GLOVE_CHANNELS,
  GLOVE_FRAMES,
  GRASPS,
  generateGlove,
  type LoadInteger,
  loadTf,
  modelFiles,
  saveModelFiles,
  type Tf,
  trainModel,
} from "@gatelet/train";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const LENGTH = GLOVE_FRAMES;
const CLASSES = GRASPS.length;
const windows = cutWindows(generateGlove({ seed: 3, people: 6, repetitions: 4 }), {
  length: LENGTH,
});
// People are tested that were not learnt from.
const groups = [...new Set(windows.recordings.sequences.map(({ group }) => group))];
const indices = Uint32Array.from(windows.windows, (_, i) => i);
const isTested = (index: number) =>
  groups.indexOf(windows.recordings.sequences[windows.windows[index].sequence].group) >= 4;
const [train, test] = [indices.filter((index) => !isTested(index)), indices.filter(isTested)];
const normalization = fitNormalization(windows, train);

/** The integer engine, window by window. */
const engine: LoadInteger = async (bytes) => {
  const model = await Model.load(bytes);
  const out = new Int32Array(CLASSES * model.maxRows(LENGTH));
  return {
    window: (counts: Int16Array) => {
      model.reset();
      model.runRaw(counts, out);
      return out.subarray(0, CLASSES);
    },
  };
};

describe("cheap cells on a generated data glove", () => {
  let tf: Tf;
  const folder = mkdtempSync(join(tmpdir(), "gatelet-cells-"));
  beforeAll(async () => {
    ({ tf } = await loadTf("wasm"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(["mgu", "fastgrnn"] as const)("%s learns, is saved, converted and decides the same", async (preset) => {
    const model = buildPreset(tf, preset, {
      steps: LENGTH,
      channels: GLOVE_CHANNELS,
      outputs: CLASSES,
      units: [16],
      seed: 1,
    });
    const set = classificationSet(windows, train, normalization, CLASSES);
    await trainModel(
      tf,
      model,
      { train: set },
      { epochs: preset === "mgu" ? 6 : 16, batchSize: 32, learningRate: 0.015, seed: 1 },
    );
    await saveModelFiles(await modelFiles(tf, model), join(folder, preset), "1");
    const input = { name: preset, model: join(folder, preset), windows, train, test, normalization };
    const figures = await evaluateEntry({ ...input, bits: [8, 4] }, { engine });
    const [int8, int4] = figures.quantized;
    expect(figures.floatAccuracy).toBeGreaterThan(preset === "mgu" ? 0.9 : 0.75);
    expect(int8.accuracy).toBeGreaterThanOrEqual(figures.floatAccuracy - 0.01);
    expect(int8.agreement).toBeGreaterThan(0.98);
    expect(int4.agreement).toBeGreaterThan(0.9);
  });
});
