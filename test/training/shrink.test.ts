import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readModel } from "@gatelet/converter/format";
import { Model } from "@gatelet/kernels";
import { NRF52840, predictCycles } from "@gatelet/sim";
import {
  buildPreset,
  GLOVE_FRAMES,
  generateGlove,
  type LoadInteger,
  loadTf,
  parseTarget,
  type ShrinkRequest,
  samplesOf,
  shrink,
  trainModel,
} from "@gatelet/train";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const engine: LoadInteger = async (gate) => {
  const model = await Model.load(gate);
  return {
    window: (counts) => {
      model.reset();
      return model.run(counts).outputs;
    },
  };
};

describe("shrink", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatelet-shrink-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("takes the smallest file that keeps the target, and tells what is missed where none does", async () => {
    const { tf } = await loadTf("wasm");
    const data = { path: "glove", window: GLOVE_FRAMES, split: "subject" as const };
    const samples = await samplesOf(generateGlove({ seed: 4, people: 6, repetitions: 3 }), { data, seed: 1 });
    const build = (units: number) => buildPreset(tf, "cnn", { steps: 59, channels: 35, outputs: 8, units: [units] });
    const teacher = build(12);
    await trainModel(tf, teacher, { train: samples.train }, { epochs: 6, batchSize: 16, learningRate: 0.01 });
    const trained = build(8);
    await trainModel(tf, trained, { train: samples.train }, { epochs: 6, batchSize: 16, learningRate: 0.01 });
    const request: ShrinkRequest = {
      name: "glove",
      folder: join(folder, "run"),
      samples,
      teachers: [{ model: teacher, normalization: samples.normalization }],
      student: () => trained,
      epochs: 0,
      tuneEpochs: 2,
      training: { batchSize: 16, learningRate: 0.01, seed: 1 },
      distill: 0.5,
      shares: [0, 0.5],
      alone: false,
      target: parseTarget("flash<=16K"),
      minAccuracy: 0.2,
    };
    const report = await shrink(request, { tf, engine });
    expect(report.stages.map(({ stage }) => stage)).toEqual([
      "student",
      "student-int8",
      "student-int4",
      "pruned-50",
      "pruned-50-int8",
      "pruned-50-int4",
    ]);
    const sizes = report.stages.flatMap(({ gateBytes, misses }) => (misses?.length === 0 ? [gateBytes as number] : []));
    const chosen = await readFile(join(folder, "run/glove.gate"));
    expect(chosen.length).toBe(Math.min(...sizes));
    const tight = { ...request, folder: join(folder, "tight"), target: parseTarget("flash<=100"), shares: [0] };
    await expect(shrink(tight, { tf, engine })).rejects.toThrow(
      /no stage meets the target; .* misses flash bytes \d+, limit 100/,
    );
  });

  it("chooses the largest width whose predicted step meets the target", async () => {
    const { tf } = await loadTf("wasm");
    const data = { path: "glove", window: GLOVE_FRAMES, split: "subject" as const };
    const samples = await samplesOf(generateGlove({ seed: 4, people: 6, repetitions: 2 }), { data, seed: 1 });
    const predictStep = (gate: Uint8Array) => {
      const { total, steps } = predictCycles(readModel(gate));
      return (1000 * (total.cycles ?? 0)) / steps / NRF52840.clockHz;
    };
    const request: ShrinkRequest = {
      name: "narrow",
      folder: join(folder, "widths"),
      samples,
      teachers: [],
      student: (units = 16) => buildPreset(tf, "gru", { steps: 59, channels: 35, outputs: 8, units: [units], seed: 1 }),
      widths: [4, 16, 8, 12],
      epochs: 1,
      tuneEpochs: 1,
      training: { batchSize: 32, learningRate: 0.01, seed: 1 },
      distill: 0,
      shares: [0],
      alone: false,
      target: parseTarget("step<=0.07@nrf52840"),
      minAccuracy: 0,
    };
    const { widths, stages } = await shrink(request, { tf, engine, predictStep });
    const taken = widths[widths.length - 1];
    expect(widths.map(({ units }) => units)).toEqual([16, 12, 8, 4].slice(0, widths.length));
    expect(taken.misses).toEqual([]);
    expect(widths.length).toBeGreaterThan(1);
    expect(widths.slice(0, -1).every(({ stepMilliseconds = 0 }) => stepMilliseconds > 0.07)).toBe(true);
    const int8 = stages.find(({ stage }) => stage === "student-int8");
    expect(int8?.stepMilliseconds).toBe(taken.stepMilliseconds);
    const none = { ...request, target: parseTarget("step<=0.001"), folder: join(folder, "none") };
    await expect(shrink(none, { tf, engine, predictStep })).rejects.toThrow(
      /4 units, the least width, misses ms a step/,
    );
  });

  it("understands targets", () => {
    expect(parseTarget("flash<=16K,ram<=2K,ms<=5@nrf52840")).toEqual({
      flashBytes: 16384,
      ramBytes: 2048,
      milliseconds: 5,
    });
    expect(parseTarget("step<=0.15@nrf52840")).toEqual({ stepMilliseconds: 0.15 });
    expect(parseTarget("")).toEqual({});
    expect(() => parseTarget("flash<16K")).toThrow('target "flash<16K" is not understood');
    expect(() => parseTarget("ms<=5@uno")).toThrow("board uno is not known");
  });
});
