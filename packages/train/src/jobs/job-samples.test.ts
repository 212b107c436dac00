import { describe, expect, it } from "vitest";
import type { RecordedSequence, Recordings } from "../data/recordings.js";
import { splitByGroups } from "../data/splits.js";
import { type JobData, samplesOf } from "./job-samples.js";

/** Twelve recordings of physical values by six people; those of the last two people are ten times as large. */
function recorded(): Recordings {
  const sequences = Array.from({ length: 12 }, (_, i): RecordedSequence => {
    const person = i >> 1;
    const gain = person < 4 ? 1 : 10;
    return {
      name: `${i}`,
      length: 30,
      samples: Float32Array.from({ length: 60 }, (_, at) => gain * Math.sin(at + i)),
      labels: i === 11 ? 2 : i % 2,
      group: `person ${person}`,
    };
  });
  const names = { featureNames: ["x", "y"], units: ["g", "g"], classes: ["still", "moving", "rare"] };
  return { name: "people", channels: 2, rawScale: [1, 1], ...names, sequences };
}

const data: JobData = { path: "", window: 10, hop: 10, split: "given" };
const testGroups = ["person 4", "person 5"];

describe("samples of a job", () => {
  it("are counts of a scale that only the training part decides, where they shall be", async () => {
    const people = splitByGroups(recorded(), testGroups);
    const { recordings, train, test, windows, normalization } = await samplesOf(people, {
      data: { ...data, counts: true },
      seed: 1,
    });
    expect(recordings.rawScale[0]).toBeCloseTo(2 / 32767, 6);
    expect(windows.recordings).toBe(recordings);
    expect(recordings.sequences.every(({ samples }) => samples instanceof Int16Array)).toBe(true);
    expect(normalization.std[0]).toBeGreaterThan(0.5);
    // The tested people's values are beyond what the counts hold.
    const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest(train.inputs)).toBeLessThan(2);
    expect(largest(test.inputs)).toBeCloseTo(2 / normalization.std[0], 1);
    expect(test.count).toBe(12);
  });

  it("are limited to a number that keeps every class's share, after all windows were cut", async () => {
    const { indices, windows } = await samplesOf(recorded(), {
      data: { ...data, split: "subject", test: 0.17 },
      seed: 3,
      limit: 9,
      testLimit: 4,
    });
    expect(indices.validation.length).toBeLessThanOrEqual(3);
    expect(indices.test).toHaveLength(4);
    expect(indices.train).toHaveLength(9);
    expect([...indices.train].sort((a, b) => a - b)).toEqual([...indices.train]);
    const labels = new Set(Array.from(indices.train, (index) => windows.windows[index].label));
    expect([...labels].sort()).toEqual([0, 1, 2]);
    const few = samplesOf(recorded(), { data: { ...data, split: "subject" }, seed: 1, limit: 2 });
    await expect(few).rejects.toThrow(
      "limit is 2 training windows, expected a whole number, a window for each of 3 classes at least",
    );
  });

  it("of streams keep whole recordings apart", async () => {
    const stream = { stateful: true };
    const folds = [0, 1, 2].map((index) =>
      samplesOf(recorded(), { data: { ...data, split: "subject", fold: { index, count: 3 } }, stream, seed: 1 }),
    );
    const tested = (await Promise.all(folds)).flatMap(
      ({ streams }) => streams?.test.sequences.map(({ name }) => name) ?? [],
    );
    expect(tested.map(Number).sort((a, b) => a - b)).toEqual([...Array(12).keys()]);
    for (const { validation, train } of await Promise.all(folds)) {
      expect(validation?.count).toBeGreaterThan(0);
      expect(train.previous).toBeDefined();
    }
    const mixed = samplesOf(recorded(), { data: { ...data, split: "random" }, stream, seed: 1 });
    await expect(mixed).rejects.toMatchObject({ code: "SPLIT_LEAK" });
    await expect(mixed).rejects.toThrow("recordings are in train and test: streams are divided by whole recordings");
  });

  it("know everybody who shall be tested", () => {
    expect(() => splitByGroups(recorded(), ["person 9"])).toThrow('people: nobody is called "person 9"');
  });
});
