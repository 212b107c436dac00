import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom, type LoadInteger, runStudy, type StudyRequest, studyTable, type TrainJob } from "@gatelet/train";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeSeriesFolder } from "../support/data-folders.js";
import { windowEngine as engine } from "./window-engine.js";

/** Ten recordings of two waves. */
function csv(): string {
  const random = createRandom(5);
  const lines = ["session,x,y,label"];
  for (let session = 0; session < 10; session++) {
    for (let t = 0; t < 40; t++) {
      const fast = session % 2 === 1;
      const value = (shift: number) =>
        Math.round(1000 * Math.sin(t * (fast ? 1.3 : 0.4) + shift) + 300 * random.normal());
      lines.push(`s${session},${value(0)},${value(1)},${fast ? "fast" : "slow"}`);
    }
  }
  return lines.join("\n");
}

describe("a study", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatelet-study-"));
    await writeFile(join(folder, "waves.csv"), csv());
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const request = (output: string): StudyRequest => {
    const path = join(folder, "waves.csv");
    const job = (preset: "gru" | "cnn", seed: number): TrainJob => ({
      data: { path, sessionColumn: "session", window: 8, hop: 4, split: "subject" },
      model: { preset, units: [6] },
      training: { epochs: 3, batchSize: 16, learningRate: 0.02 },
      seed,
    });
    const architectures = (["gru", "cnn"] as const).map((preset) => ({
      name: preset,
      source: { kind: "train" as const, jobs: [job(preset, 1), job(preset, 2)] },
    }));
    return { name: "waves", folder: join(folder, output), architectures, bits: [8, 4] };
  };

  it("scores networks of scaled counts as their own trainings did", async () => {
    const random = createRandom(6);
    const series = Array.from({ length: 24 }, (_, i) => ({
      values: Array.from({ length: 40 }, (_, t) => Math.sin(t * (i % 2 ? 1.3 : 0.4)) + 3 + 0.3 * random.normal()),
      label: i % 2,
    }));
    const path = join(folder, "scaled");
    await writeSeriesFolder(path, { channels: 1, classes: ["slow", "fast"], series, scale: 0.002 });
    const job: TrainJob = {
      data: { path, window: 8, hop: 8, split: "subject" },
      model: { preset: "gru", units: [6] },
      training: { epochs: 6, batchSize: 16, learningRate: 0.03 },
      seed: 1,
    };
    const architectures = [{ name: "gru", source: { kind: "train" as const, jobs: [job] } }];
    const study = {
      name: "scaled",
      folder: join(folder, "out"),
      data: path,
      window: 8,
      architectures,
      bits: [8] as const,
    };
    const { rows } = await runStudy(study, { tools: { engine }, pool: { workers: 1 } });
    const { outcome } = JSON.parse(await readFile(join(folder, "out/gru-seed1/result.json"), "utf8"));
    expect(outcome.test.accuracy).toBeGreaterThan(0.9);
    expect(rows[0].runs[0].floatAccuracy).toBeCloseTo(outcome.test.accuracy, 6);
    expect(rows[0].runs[0].quantized[0].agreement).toBeGreaterThan(0.95);
  });

  it("tells recorded windows from those that SMOTE on frames made up", async () => {
    const path = join(folder, "uneven.csv");
    const waves = csv().split("\n");
    // Two of five fast recordings: the others are made up.
    await writeFile(path, waves.filter((line) => !/^s[579],/.test(line)).join("\n"));
    const job: TrainJob = {
      data: { path, sessionColumn: "session", window: 8, hop: 4, split: "random", smoteFrames: true, allowLeaks: true },
      model: { preset: "gru", units: [6] },
      training: { epochs: 2, batchSize: 16, learningRate: 0.02 },
      seed: 1,
    };
    const architectures = [
      { name: "gru", protocol: "published" as const, source: { kind: "train" as const, jobs: [job] } },
    ];
    const study = { name: "uneven", folder: join(folder, "smote"), architectures, bits: [8] as const };
    const { rows } = await runStudy(study, { tools: { engine }, pool: { workers: 1 } });
    const { testWindows, recorded } = rows[0].runs[0];
    // 45 slow, 18 fast and 29 made-up windows, a quarter of each class for the test.
    expect(testWindows).toBe(23);
    expect(recorded?.windows).toBeGreaterThan(11);
    expect(recorded?.windows).toBeLessThan(23);
  });

  it("compares architectures over seeds and bits, and gives the same table after it was stopped", async () => {
    const whole = await runStudy(request("whole"), { tools: { engine }, pool: { workers: 1 } });
    expect(whole.rows.map(({ name, runs }) => [name, runs.length, runs[0].quantized.map(({ bits }) => bits)])).toEqual([
      ["gru", 2, [8, 4]],
      ["cnn", 2, [8, 4]],
    ]);
    for (const run of whole.rows.flatMap(({ runs }) => runs)) {
      expect(run.quantized[0].agreement).toBeGreaterThan(0.95);
      expect(run.quantized[1].gateBytes).toBeLessThan(run.quantized[0].gateBytes);
    }
    expect(whole.recommendation).toMatch(/^split subject: (gru|cnn) at int[48], /);
    expect(studyTable(whole).lines).toHaveLength(4);

    const trainStop = new AbortController();
    const inTraining = runStudy(request("parts"), {
      tools: { engine },
      pool: {
        workers: 1,
        signal: trainStop.signal,
        onDone: (index) => index === 1 && trainStop.abort(new Error("killed")),
      },
    });
    await expect(inTraining).rejects.toThrow("killed");
    let loads = 0;
    const failing: LoadInteger = (gate) => (++loads > 3 ? Promise.reject(new Error("killed again")) : engine(gate));
    const inRows = runStudy(request("parts"), { tools: { engine: failing }, pool: { workers: 1 } });
    await expect(inRows).rejects.toThrow("killed again");
    let left = 0;
    const counting: LoadInteger = (gate) => {
      left++;
      return engine(gate);
    };
    const resumed = await runStudy(request("parts"), { tools: { engine: counting }, pool: { workers: 1 } });
    expect(resumed).toEqual(whole);
    // One row, of two files, was finished before.
    expect(left).toBe(6);
    const files = await Promise.all(["whole", "parts"].map((name) => readFile(join(folder, name, "study.md"), "utf8")));
    expect(files[0]).toBe(files[1]);
    expect(files[0]).toContain("Mean change of accuracy by quantization: int8");
  });
});
