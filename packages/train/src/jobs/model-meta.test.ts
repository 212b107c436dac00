import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generatePump } from "../data/pump.js";
import { prepareSamples, samplesOf } from "./job-samples.js";
import { commonMeta, readModelMeta, readNormalization } from "./model-meta.js";
import { modelMeta } from "./train-job.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gatelet-meta-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function model(name: string, meta: object): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "meta.json"), JSON.stringify({ mean: [0.1, 2], std: [1, 0.5], ...meta }));
  return path;
}

describe("meta.json of trained models", () => {
  it("gives back the normalization that a training on scaled counts has written", async () => {
    const data = { path: "pump", window: 64, hop: 64, split: "random" as const };
    const samples = await samplesOf(generatePump({ seed: 5, machines: 2, recordings: 2, seconds: 20 }), {
      data,
      seed: 1,
    });
    expect(samples.recordings.rawScale[0]).not.toBe(1);
    const path = await model("pump", modelMeta({ data, seed: 1 }, samples));
    expect(await readNormalization(path)).toEqual(samples.normalization);
    expect((await readModelMeta(path)).inputScale).toEqual(samples.recordings.rawScale);
  });

  it("fills the scale of counts in where the data do not say it, and refuses data with other classes", async () => {
    const csv = join(folder, "counts.csv");
    const rows = Array.from({ length: 80 }, (_, i) => `${i},${-i},${i % 8 < 4 ? "low" : "high"},${i >> 2}`);
    await writeFile(csv, ["a,b,label,session", ...rows].join("\n"));
    const data = { path: csv, window: 4, split: "random" as const, classes: ["high", "low"], inputScale: [0.5, 2] };
    const { recordings } = await prepareSamples({ data, seed: 1 });
    expect(recordings.rawScale).toEqual([0.5, 2]);
    expect(recordings.classes).toEqual(["high", "low"]);
    const narrow = { ...data, inputScale: [0.5] };
    await expect(prepareSamples({ data: narrow, seed: 1 })).rejects.toThrow("have 2 values, scales are given for 1");
    const other = { ...data, classes: ["high", "low", "off"] };
    await expect(prepareSamples({ data: other, seed: 1 })).resolves.toBeDefined();
    const fewer = { ...data, classes: ["high"] };
    await expect(prepareSamples({ data: fewer, seed: 1 })).rejects.toThrow("low");
  });

  it("is one for several models, or the difference is named", async () => {
    const first = await model("first", { classes: ["walk", "run"], inputScale: [0.001, 0.002] });
    const same = await model("same", { classes: ["walk", "run"], inputScale: [0.001, 0.002] });
    const silent = await model("silent", {});
    const swapped = await model("swapped", { classes: ["run", "walk"] });
    const more = await model("more", { classes: ["walk", "run", "sit"] });
    const scaled = await model("scaled", { inputScale: [0.001, 0.004] });
    expect(await commonMeta([silent, first, same])).toEqual({ classes: ["walk", "run"], inputScale: [0.001, 0.002] });
    expect(await commonMeta([])).toEqual({});
    await expect(commonMeta([first, swapped])).rejects.toThrow(
      `classes of ${swapped} and ${first} differ: run against walk at place 1 of 2`,
    );
    await expect(commonMeta([silent, more, first])).rejects.toThrow(
      `classes of ${first} and ${more} differ: 2 against 3`,
    );
    await expect(commonMeta([first, scaled])).rejects.toThrow(
      `input scales of ${scaled} and ${first} differ: 0.004 against 0.002 at place 2 of 2`,
    );
  });

  it("names a file that lacks what is needed", async () => {
    const path = await model("bad", { std: "none" });
    await expect(readModelMeta(path)).rejects.toThrow(`${join(path, "meta.json")}: expected mean and std`);
    await expect(readModelMeta(join(folder, "absent"))).rejects.toThrow(/absent.meta.json: cannot be read/);
  });
});
