import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readModel } from "@gatelet/converter/format";
import { NRF52840, predictCycles } from "@gatelet/sim";
import {
  buildPreset,
  GLOVE_FRAMES,
  generateGlove,
  loadTf,
  parseTarget,
  type ShrinkRequest,
  samplesOf,
  shrink,
  trainModel,
} from "@gatelet/train";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { windowEngine as engine } from "./window-engine.js";

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
    const refused = await shrink(tight, { tf, engine });
    expect([refused.chosen, refused.stages, refused.plans.map(({ stage }) => stage)]).toEqual([
      undefined,
      [],
      ["student-int8", "student-int4"],
    ]);
    expect(refused.nearest?.stage).toBe("student-int4");
    expect(refused.nearest?.misses).toEqual([expect.stringMatching(/^flash bytes \d+, limit 100$/)]);
    const bytes = Object.fromEntries(report.plans.map(({ stage, gateBytes }) => [stage, gateBytes]));
    // What a file costs is known before its weights; META's figures may have a digit more or less.
    for (const { stage, gateBytes } of report.stages.filter((each) => each.gateBytes !== undefined))
      expect(Math.abs(bytes[stage] - (gateBytes as number)), stage).toBeLessThanOrEqual(32);
    // Half of the units at 4 bits is all that can meet this: nothing else is trained at 4 or converted at 8 bits.
    const part = { ...request, folder: join(folder, "part"), target: { flashBytes: bytes["pruned-50-int4"] + 32 } };
    const { stages, chosen: smallest } = await shrink(part, { tf, engine });
    expect(stages.map(({ stage }) => stage)).toEqual(["student", "pruned-50", "pruned-50-int4"]);
    expect(smallest).toBe("pruned-50-int4");
    const proud = { ...part, folder: join(folder, "proud"), minAccuracy: 1.5 };
    const { nearest } = await shrink(proud, { tf, engine });
    expect(nearest?.misses).toEqual([expect.stringMatching(/^accuracy [\d.]+, least 1.5$/)]);
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
    const { nearest, stages: trained } = await shrink(none, { tf, engine, predictStep });
    expect(trained).toEqual([]);
    expect(nearest?.stage).toBe("4 units");
    expect(nearest?.misses).toEqual([expect.stringMatching(/^ms a step [\d.]+, limit 0.001$/)]);
  });

  it("goes on where it was stopped, in trainings at 4 bits too, with the same result", async () => {
    const { tf } = await loadTf("wasm");
    const data = { path: "glove", window: GLOVE_FRAMES, split: "subject" as const };
    const samples = await samplesOf(generateGlove({ seed: 4, people: 6, repetitions: 2 }), { data, seed: 1 });
    const request: ShrinkRequest = {
      name: "stopped",
      folder: join(folder, "whole"),
      samples,
      teachers: [],
      student: () => buildPreset(tf, "rnn", { steps: 59, channels: 35, outputs: 8, units: [8], dense: [6], seed: 1 }),
      epochs: 3,
      tuneEpochs: 3,
      training: { batchSize: 16, learningRate: 0.01, seed: 1 },
      distill: 0,
      shares: [0],
      alone: false,
      target: {},
      minAccuracy: 0,
      // tfjs numbers its layers anew in every run of one process: their names stand in META.
      strip: true,
    };
    const whole = await shrink(request, { tf, engine });
    const again = { ...request, folder: join(folder, "stopped") };
    for (const [place, from] of [
      ["student", 2],
      ["student-int4", 1],
      ["student-int4", 3],
    ] as const) {
      const onProgress = (stage: string, at?: { readonly epoch: number }) => {
        if (stage === place && at?.epoch === from) throw new Error("pulled the plug");
      };
      await expect(shrink(again, { tf, engine, onProgress })).rejects.toThrow("pulled the plug");
    }
    expect(await shrink(again, { tf, engine })).toEqual(whole);
    const files = ["stopped", "whole"].map((run) => readFile(join(folder, run, "student-int4.gate")));
    const [resumed, straight] = await Promise.all(files);
    expect(resumed.equals(straight)).toBe(true);
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
