import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRandom } from "../data/random.js";
import { PRESETS } from "../networks/presets.js";
import { runTrainJob, type TrainJob } from "./train-job.js";
import { runTrainJobs } from "./worker-pool.js";

/** Eight recordings of counts with a label a frame: a slow and a fast wave. */
function csv(): string {
  const random = createRandom(3);
  const lines = ["session,x,y,label"];
  for (let session = 0; session < 8; session++) {
    for (let t = 0; t < 48; t++) {
      const fast = t >= 24;
      const angle = t * (fast ? 1.4 : 0.3);
      const value = (wave: number) => Math.round(1000 * wave + 100 * random.normal());
      lines.push(`s${session},${value(Math.sin(angle))},${value(Math.cos(angle))},${fast ? "fast" : "slow"}`);
    }
  }
  return lines.join("\n");
}

describe("a training job", () => {
  let folder: string;
  let job: TrainJob;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatelet-job-"));
    await writeFile(join(folder, "waves.csv"), csv());
    job = {
      data: { path: join(folder, "waves.csv"), sessionColumn: "session", window: 8, hop: 4, split: "subject" },
      model: { preset: "gru", units: [6] },
      training: { epochs: 8, batchSize: 8, learningRate: 0.03 },
      seed: 1,
    };
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("goes from a csv file to test scores and files that can be converted", async () => {
    const notes: string[] = [];
    const result = await runTrainJob(job, join(folder, "run"), { onNote: (text) => notes.push(text) });
    expect(result.test.accuracy).toBeGreaterThan(0.9);
    expect(result.windows).toEqual({ train: 55, validation: 11, test: 22 });
    expect(notes[0]).toMatch(/^tfjs 4\.\d+\.\d+ on /);
    const meta = JSON.parse(await readFile(join(folder, "run/best/meta.json"), "utf8"));
    expect(meta).toMatchObject({ classes: ["fast", "slow"], features: ["x", "y"], inputScale: [1, 1] });
    expect(meta.std[0]).toBeGreaterThan(500);
    const again = await runTrainJob(job, join(folder, "run"), { onNote: (text) => notes.push(text) });
    expect(again).toEqual(result);
    expect(notes).toHaveLength(1);
    await expect(runTrainJob({ ...job, seed: 2 }, join(folder, "run"))).rejects.toMatchObject({ code: "RUN_MISMATCH" });
  });

  it("builds every preset, and any topology file that fits the data", async () => {
    const training = { epochs: 1, batchSize: 16 };
    const jobs = PRESETS.map((preset) => ({
      job: { ...job, model: { preset }, training },
      folder: join(folder, preset),
    }));
    const results = await runTrainJobs(jobs, { workers: 2 });
    const parameters = Object.fromEntries(PRESETS.map((preset, i) => [preset, results[i]!.parameters]));
    const gated = { lstm: 4546, gru: 3522, mgu: 2306, fastgrnn: 1220 };
    expect(parameters).toEqual({ mlp: 610, cnn: 146, rnn: 1186, convgru: 3914, ...gated });
    const model = { topology: join(folder, "lstm/best/model.json") };
    expect((await runTrainJob({ ...job, model, training }, join(folder, "own"))).parameters).toBe(4546);
    const wide = { ...job, data: { ...job.data, window: 9 }, model, training };
    await expect(runTrainJob(wide, join(folder, "wide"))).rejects.toThrow(
      /takes \[8, 2\] and gives 2 values, the data are \[9, 2\]/,
    );
  });

  it("learns one answer a frame for streams", async () => {
    const stream = {
      ...job,
      stream: { change: "ignore" as const, margin: 1, warmUp: 2 },
      data: { ...job.data, window: 16 },
    };
    const result = await runTrainJob(stream, join(folder, "stream"));
    expect(result.test.accuracy).toBeGreaterThan(0.7);
  });

  it("predicts a value for regression, in the target's own spread", async () => {
    const data = { ...job.data, target: "y" };
    const result = await runTrainJob({ ...job, data }, join(folder, "value"));
    expect(result.test).toEqual({ loss: expect.any(Number) });
    expect(result.test.loss).toBeLessThan(0.5);
  });

  it("cross-validates: every window is tested once, by people, and the folds differ", async () => {
    const counts: number[] = [];
    for (const index of [0, 1, 2]) {
      const fold = { ...job, data: { ...job.data, fold: { index, count: 3 } }, training: { epochs: 1 } };
      const { windows } = await runTrainJob({ ...fold, augment: { mixup: 0.2 } }, join(folder, `fold${index}`));
      expect(windows.validation).toBe(11);
      expect(windows.train + windows.validation + windows.test).toBe(88);
      counts.push(windows.test);
    }
    expect(counts).toEqual([33, 33, 22]);
    const outside = { ...job, data: { ...job.data, fold: { index: 3, count: 3 } } };
    await expect(runTrainJob(outside, join(folder, "outside"))).rejects.toThrow("fold is 3, expected 0 .. 2");
  });

  it("refuses a split whose parts share frames unless that is wanted", async () => {
    const random = { ...job, data: { ...job.data, split: "random" as const } };
    await expect(runTrainJob(random, join(folder, "leak"))).rejects.toMatchObject({ code: "SPLIT_LEAK" });
    const wanted = { ...random, data: { ...random.data, allowLeaks: true }, training: { epochs: 1 } };
    expect((await runTrainJob(wanted, join(folder, "leak"))).epochs).toBe(1);
  });
});
