import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { averagesTable, runStudy, studyTable, UEA5_SETS, uea5Study } from "@gatelet/train";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeGeneratedSets } from "./generated-sets.js";
import { windowEngine as engine } from "./window-engine.js";

describe("the study of five sets", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatelet-uea5-"));
    await writeGeneratedSets(join(folder, "sets"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const request = (seeds: number) =>
    uea5Study({ folder: join(folder, "out"), data: join(folder, "sets"), seeds, epochs: 8, bits: [8] });

  it("has six networks on each of five sets", () => {
    const { architectures } = request(2);
    expect(architectures).toHaveLength(30);
    expect(new Set(architectures.map(({ set }) => set))).toEqual(new Set(UEA5_SETS));
    expect(architectures.every(({ source }) => source.kind === "train" && source.jobs.length === 2)).toBe(true);
  });

  it("averages a network's scores over the sets, and keeps what is finished when more seeds are asked for", async () => {
    const some = (seeds: number) => {
      const { architectures, ...rest } = request(seeds);
      return { ...rest, architectures: architectures.filter(({ name }) => name === "mlp48" || name === "cnn16-32") };
    };
    const report = await runStudy(some(1), { tools: { engine }, pool: { workers: 1 } });
    expect(report.rows).toHaveLength(10);
    for (const { runs, set, name } of report.rows) {
      expect(runs[0].quantized[0].agreement, `${set} ${name}`).toBeGreaterThan(0.85);
    }
    const averages = report.averages ?? [];
    expect(averages.map(({ name, bits }) => `${name} ${bits}`)).toEqual([
      "mlp48 32",
      "mlp48 8",
      "cnn16-32 32",
      "cnn16-32 8",
    ]);
    const [mlp] = averages;
    const accuracies = report.rows.filter(({ name }) => name === "mlp48").map(({ runs }) => runs[0].floatAccuracy);
    expect(mlp.accuracy[0]).toBeCloseTo(accuracies.reduce((sum, value) => sum + value, 0) / 5, 9);
    // Waves of different lengths are easy: chance is 27 %.
    expect(mlp.accuracy[0]).toBeGreaterThan(0.6);
    expect(report.recommendation).toMatch(/^mean over sets: (mlp48|cnn16-32) at int8, /);
    expect(studyTable(report).head.slice(0, 2)).toEqual(["data set", "network"]);
    expect(averagesTable(report).head).toEqual([
      "network",
      "weights",
      ...UEA5_SETS,
      "mean accuracy %",
      "mean F1",
      "mean bytes",
    ]);
    expect(await readFile(join(folder, "out/study.md"), "utf8")).toContain("## Mean over data sets");
    const { outcome } = JSON.parse(
      await readFile(join(folder, "out/asphalt_obstacles-mlp48-seed1/result.json"), "utf8"),
    );
    // Shorter series are padded alike in training, in the float reference and in counts.
    expect(report.rows[0].runs[0].floatAccuracy).toBeCloseTo(outcome.test.accuracy, 6);

    let trained = 0;
    const pool = { workers: 1, onProgress: () => void trained++ };
    const again = await runStudy(some(1), {
      tools: { engine: () => Promise.reject(new Error("computed anew")) },
      pool,
    });
    expect(again).toEqual(report);
    expect(trained).toBe(0);
  });
});
