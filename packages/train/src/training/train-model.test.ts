import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LayersModel } from "@tensorflow/tfjs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createRandom } from "../data/random.js";
import { gru } from "../layers/gru.js";
import { loadTf, type Tf } from "../tf/load-tf.js";
import { loadModelFiles } from "../tf/model-files.js";
import { predictAll } from "./predict.js";
import { trainModel } from "./train-model.js";
import type { TrainOptions } from "./train-options.js";
import { oneHot, type TrainingSet } from "./training-set.js";

const STEPS = 6;

/** Two classes: rising and falling ramps in noise. */
function ramps(count: number, seed: number): TrainingSet {
  const random = createRandom(seed);
  const inputs = new Float32Array(count * STEPS * 2);
  const labels = Array.from({ length: count }, (_, i) => i % 2);
  for (let i = 0; i < inputs.length; i++) {
    const step = Math.floor(i / 2) % STEPS;
    const sign = labels[Math.floor(i / (2 * STEPS))] === 1 ? 1 : -1;
    inputs[i] = sign * (step - 2.5) * 0.3 + random.normal();
  }
  return { inputs, shape: [STEPS, 2], count, targets: oneHot(labels, 2), outputs: 2, rows: 1 };
}

describe("training", () => {
  let tf: Tf;
  let folder: string;
  const train = ramps(64, 1);
  const validation = ramps(32, 2);
  const options: TrainOptions = { epochs: 4, batchSize: 16, learningRate: 0.02, seed: 3 };

  const build = (dropout = 0): LayersModel =>
    tf.sequential({
      layers: [
        gru(tf, { units: 4, inputShape: [STEPS, 2], seed: 5 }),
        tf.layers.dropout({ rate: dropout }),
        tf.layers.dense({
          units: 2,
          activation: "softmax",
          kernelInitializer: tf.initializers.glorotUniform({ seed: 6 }),
        }),
      ],
    });
  const weightsOf = (model: LayersModel) => model.getWeights().map((weight) => Array.from(weight.dataSync()));

  beforeAll(async () => {
    ({ tf } = await loadTf("wasm"));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatelet-run-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("learns, tells its progress and leaves the best model as tfjs files", async () => {
    const model = build();
    const epochs: number[] = [];
    let told = 0;
    const result = await trainModel(
      tf,
      model,
      { train, validation },
      {
        ...options,
        epochs: 12,
        folder: join(folder, "run"),
        onProgress: ({ secondsLeft }) => {
          told++;
          expect(secondsLeft).toBeGreaterThanOrEqual(0);
        },
        onEpoch: ({ epoch }) => {
          epochs.push(epoch);
        },
      },
    );
    expect(result.best.accuracy).toBeGreaterThan(0.85);
    expect(epochs).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(told).toBeGreaterThanOrEqual(12);
    const again = await loadModelFiles(tf, join(folder, "run/best"));
    expect(await predictAll(tf, again, validation)).toEqual(await predictAll(tf, model, validation));
    const lines = (await readFile(join(folder, "run/metrics.jsonl"), "utf8")).trim().split("\n");
    expect(lines).toHaveLength(12);
    expect(JSON.parse(lines[result.bestEpoch - 1])).toMatchObject({ validationAccuracy: result.best.accuracy });
    expect(await readFile(join(folder, "run/curves.svg"), "utf8")).toContain("<polyline");
  });

  it("gives the same weights for the same seed, with dropout too, and others for another seed", async () => {
    const run = async (seed: number) => {
      const model = build(0.3);
      await trainModel(tf, model, { train }, { ...options, epochs: 2, seed });
      return weightsOf(model);
    };
    const first = await run(3);
    expect(await run(3)).toEqual(first);
    expect(await run(4)).not.toEqual(first);
  });

  it("goes on behind its last epoch after it was stopped, and ends with the same weights", async () => {
    const whole = build(0.3);
    await trainModel(tf, whole, { train, validation }, { ...options, folder: join(folder, "whole") });
    const stop = new AbortController();
    const data = { train, validation };
    const stopped = trainModel(tf, build(0.3), data, {
      ...options,
      folder: join(folder, "parts"),
      signal: stop.signal,
      onEpoch: ({ epoch }) => {
        if (epoch === 2) stop.abort(new Error("interrupted"));
      },
    });
    await expect(stopped).rejects.toThrow("interrupted");
    // What a crash between metrics and checkpoint leaves behind.
    await writeFile(join(folder, "parts/metrics.jsonl"), '{"epoch":3,"los', { flag: "a" });
    const model = build(0.3);
    const resumed = await trainModel(tf, model, data, { ...options, folder: join(folder, "parts") });
    expect(resumed.resumedAt).toBe(2);
    expect(weightsOf(model)).toEqual(weightsOf(whole));
    expect(resumed.history.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
  });

  it("refuses to go on with other data or options, and a damaged checkpoint", async () => {
    await trainModel(tf, build(), { train }, { ...options, epochs: 1, folder });
    const other = trainModel(tf, build(), { train: validation }, { ...options, epochs: 1, folder });
    await expect(other).rejects.toMatchObject({ code: "RUN_MISMATCH" });
    const rate = trainModel(tf, build(), { train }, { ...options, learningRate: 0.5, folder });
    await expect(rate).rejects.toMatchObject({ code: "RUN_MISMATCH" });
    await writeFile(join(folder, "checkpoint.bin"), "gatelet-checkpoint-1\n{}\n");
    const damaged = trainModel(tf, build(), { train }, { ...options, folder });
    await expect(damaged).rejects.toMatchObject({ code: "RUN_UNREADABLE" });
  });

  it("stops early and keeps the best epoch's weights", async () => {
    const result = await trainModel(tf, build(), { train, validation }, { ...options, epochs: 60, patience: 3 });
    expect(result.history.length).toBe(result.bestEpoch + 3);
    const best = Math.max(...result.history.map((epoch) => epoch.validationAccuracy as number));
    expect(result.best.accuracy).toBe(best);
  });

  it("trains Conv1D on wasm with the gradient of the cpu back end", async () => {
    const convolution = () =>
      tf.sequential({
        layers: [
          tf.layers.conv1d({
            filters: 3,
            kernelSize: 3,
            strides: 2,
            padding: "same",
            inputShape: [STEPS, 2],
            kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
          }),
          tf.layers.conv1d({
            filters: 2,
            kernelSize: 2,
            dilationRate: 1,
            padding: "valid",
            activation: "relu",
            kernelInitializer: tf.initializers.glorotUniform({ seed: 2 }),
          }),
          tf.layers.globalAveragePooling1d({}),
          tf.layers.dense({
            units: 2,
            activation: "softmax",
            kernelInitializer: tf.initializers.glorotUniform({ seed: 3 }),
          }),
        ],
      });
    const onWasm = convolution();
    await trainModel(tf, onWasm, { train }, { ...options, epochs: 1 });
    const wasm = weightsOf(onWasm).flat();
    await tf.setBackend("cpu");
    const onCpu = convolution();
    await trainModel(tf, onCpu, { train }, { ...options, epochs: 1 });
    const cpu = weightsOf(onCpu).flat();
    await tf.setBackend("wasm");
    wasm.forEach((value, i) => {
      expect(value).toBeCloseTo(cpu[i], 5);
    });
  });

  it("names what it cannot use", async () => {
    await expect(trainModel(tf, build(), { train }, { ...options, epochs: 0 })).rejects.toThrow("epochs is 0");
    const broken = { ...train, inputs: train.inputs.map((value, i) => (i === 30 ? Number.NaN : value)) };
    await expect(trainModel(tf, build(), { train: broken }, options)).rejects.toThrow("input of sample 2 is NaN");
    await expect(
      trainModel(
        tf,
        build(),
        { train },
        {
          ...options,
          learningRate: 9.9,
          clipNorm: 1e30,
          epochs: 50,
          loss: "squaredError",
          constrain: ([kernel]) => kernel.fill(Number.NaN),
        },
      ),
    ).rejects.toMatchObject({ code: "TRAIN_DIVERGED" });
  });
});

describe("loadTf", () => {
  const absent = (name: string) => {
    throw Object.assign(new Error(`no ${name}`), { code: "ERR_MODULE_NOT_FOUND" });
  };

  it("tells how to install what is missing", async () => {
    await expect(loadTf("auto", { load: absent })).rejects.toThrow(
      "tfjs is not installed: npm install @tensorflow/tfjs @tensorflow/tfjs-backend-wasm",
    );
    await expect(loadTf("node", { load: absent })).rejects.toThrow("npm install @tensorflow/tfjs-node");
    await expect(loadTf("cuda" as "wasm")).rejects.toMatchObject({ code: "BACKEND_UNKNOWN" });
  });

  it("takes wasm where it can train the layers, cpu otherwise", async () => {
    expect((await loadTf("auto", { layers: ["GRU", "Conv1D"] })).choice).toMatch(/on wasm/);
    expect((await loadTf("auto", { layers: ["Embedding"] })).choice).toMatch(/on cpu \(wasm cannot train Embedding\)/);
    await expect(loadTf("wasm", { layers: ["Embedding"] })).rejects.toThrow("tfjs cannot train Embedding on wasm");
    const withoutWasm = (name: string) => (name.endsWith("-wasm") ? absent(name) : (import(name) as Promise<unknown>));
    expect((await loadTf("auto", { load: withoutWasm })).backend).toBe("cpu");
  });
});
