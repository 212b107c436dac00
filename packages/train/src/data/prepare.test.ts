import { describe, expect, it } from "vitest";
import { oneHot, pickSamples, type TrainingSet } from "../training/training-set.js";
import { createAugment, mixUp } from "./augment.js";
import { balanceSet, classWeights } from "./balance.js";
import { frameTargets, streamSet } from "./frame-labels.js";
import { classificationSet, fitNormalization, labelByMajority, networkInputs } from "./prepare.js";
import { createRandom } from "./random.js";
import type { Recordings } from "./recordings.js";
import { smoteFrames } from "./smote-frames.js";
import { findLeaks, refuseLeaks, splitWindows, stratifiedFolds } from "./splits.js";
import { cutWindows } from "./windows.js";

/** Six people, two recordings each, of random counts; label changes half-way. */
function recorded(length = 40): Recordings {
  const random = createRandom(1);
  return {
    name: "people",
    channels: 2,
    featureNames: ["a", "b"],
    units: ["g", ""],
    rawScale: [0.5, 2],
    classes: ["none", "still", "moving"],
    unlabelled: 0,
    sequences: Array.from({ length: 12 }, (_, i) => ({
      name: `r${i}`,
      length,
      group: `person ${i >> 1}`,
      samples: Int16Array.from({ length: 2 * length }, (_, at) => 100 * (at % 2) + 20 * random.normal()),
      labels: Uint16Array.from({ length }, (_, frame) => (frame < length / 2 ? 1 : 2)),
    })),
  };
}

const set = cutWindows(recorded(), { length: 10, hop: 5 });
const all = set.windows.map((_, i) => i);

describe("normalization", () => {
  it("makes the training windows mean 0 and deviation 1, in physical units", () => {
    const normalization = fitNormalization(set, all);
    expect(normalization.mean[1]).toBeGreaterThan(190);
    const inputs = networkInputs(set, all, normalization);
    const second = inputs.filter((_, i) => i % 2 === 1);
    const mean = second.reduce((sum, value) => sum + value, 0) / second.length;
    const square = second.reduce((sum, value) => sum + value * value, 0) / second.length;
    expect(mean).toBeCloseTo(0, 3);
    expect(square).toBeCloseTo(1, 3);
  });

  it("does not look at windows outside the training part, and gives a flat channel 1", () => {
    const train = all.slice(0, 7);
    const spoiled = recorded();
    for (const sequence of spoiled.sequences.slice(2)) sequence.samples.fill(30000);
    const other = cutWindows(spoiled, { length: 10, hop: 5 });
    expect(fitNormalization(other, train)).toEqual(fitNormalization(set, train));
    for (const sequence of spoiled.sequences) sequence.samples.fill(7);
    expect(fitNormalization(other, train).std).toEqual([1, 1]);
  });

  it("labels by the last frame, or by the majority", () => {
    const labels = set.windows.slice(0, 7).map(({ label }) => label);
    expect(labels).toEqual([1, 1, 1, 2, 2, 2, 2]);
    const wide = cutWindows(recorded(), { length: 30, hop: 2 });
    expect(wide.windows[0].label).toBe(2);
    expect(labelByMajority(wide).windows[0].label).toBe(1);
    expect(labelByMajority(wide).windows[5].label).toBe(2);
  });
});

describe("splits", () => {
  it("by subject keep people apart and reproduce", () => {
    const split = splitWindows(set, { by: "subject", test: 0.34, validation: 0.17 });
    expect(findLeaks(set, split)).toEqual([]);
    expect(() => refuseLeaks(set, split, "subject")).not.toThrow();
    expect(split.train.length + split.validation.length + split.test.length).toBe(set.windows.length);
    expect([split.test.length, split.validation.length]).toEqual([28, 14]);
    expect(splitWindows(set, { by: "subject", test: 0.34, validation: 0.17 })).toEqual(split);
  });

  it("at random are refused where overlapping windows fall on both sides", () => {
    const split = splitWindows(set, { by: "random" });
    expect(() => refuseLeaks(set, split, "random")).toThrow(/test windows share frames with train windows/);
    const apart = cutWindows(recorded(), { length: 10 });
    const clean = splitWindows(apart, { by: "random" });
    expect(() => refuseLeaks(apart, clean, "random")).not.toThrow();
    expect(() => refuseLeaks(apart, clean, "subject")).toThrow(/people or sessions are in train and test/);
  });

  it("notice equal windows under different names", () => {
    const recordings = recorded();
    const twice = { ...recordings.sequences[0], name: "copy", group: "person 9" };
    const copied = cutWindows({ ...recordings, sequences: [recordings.sequences[0], twice] }, { length: 10 });
    const split = { train: Uint32Array.of(0, 1, 2, 3), validation: new Uint32Array(0), test: Uint32Array.of(4, 5) };
    expect(findLeaks(copied, split)).toMatchObject([{ identical: 2, overlapping: 0, groups: [] }]);
    expect(() => refuseLeaks(copied, split, "subject")).toThrow("2 test windows equal train windows");
  });

  it("into folds hold every window once, every class evenly, people whole", () => {
    for (const by of ["random", "subject"] as const) {
      const folds = stratifiedFolds(set, 3, by);
      expect(folds.flatMap(({ test }) => [...test]).sort((a, b) => a - b)).toEqual(all);
      for (const { test } of folds) {
        expect([...test].filter((index) => set.windows[index].label === 1)).toHaveLength(12);
      }
    }
    const [fold] = stratifiedFolds(set, 3, "subject");
    expect(findLeaks(set, fold)).toEqual([]);
    // One of six people checks, two are tested.
    expect([fold.train.length, fold.validation.length, fold.test.length]).toEqual([42, 14, 28]);
    expect(stratifiedFolds(set, 3, "random", { validation: 0.1 })[1].validation).toHaveLength(9);
    expect(stratifiedFolds(set, 6, "subject", { validation: 0 })[0].validation).toHaveLength(0);
    expect(() => stratifiedFolds(set, 7, "subject")).toThrow("7 folds of 6 people");
  });
});

describe("balance", () => {
  const random = createRandom(4);
  const labels = Array.from({ length: 50 }, (_, i) => (i % 10 === 0 ? 2 : i % 10 < 3 ? 1 : 0));
  const uneven: TrainingSet = {
    inputs: Float32Array.from({ length: 50 * 4 }, (_, i) => 10 * labels[Math.floor(i / 4)] + random.uniform()),
    shape: [2, 2],
    count: 50,
    targets: oneHot(labels, 4),
    outputs: 4,
    rows: 1,
  };
  const counts = ({ targets }: TrainingSet) =>
    [0, 1, 2, 3].map((c) => targets.filter((v, i) => i % 4 === c && v > 0).length);

  it("by weights makes every present class weigh the same", () => {
    expect([...classWeights(labels, 4)]).toEqual([35, 10, 5].map((count) => 50 / (3 * count)).concat(0));
    const { weights } = balanceSet(uneven, "weights");
    expect(weights?.reduce((sum, value) => sum + value, 0)).toBeCloseTo(50, 3);
  });

  it("by repetition or by SMOTE makes classes equally frequent", () => {
    expect(counts(balanceSet(uneven, "oversample"))).toEqual([35, 35, 35, 0]);
    const made = balanceSet(uneven, "smote");
    expect(counts(made)).toEqual([35, 35, 35, 0]);
    expect(made.inputs.subarray(0, 200)).toEqual(uneven.inputs);
    // Made samples lie between samples of their class.
    const last = made.inputs.subarray(made.inputs.length - 4);
    for (const value of last) expect(Math.floor(value / 10)).toBe(2);
  });
});

describe("SMOTE on time steps", () => {
  it("adds frames between frames of their class until classes are equally frequent", () => {
    const recordings = recorded(8);
    const [first] = recordings.sequences;
    const one = { ...recordings, sequences: [{ ...first, labels: Uint16Array.of(0, 1, 1, 1, 1, 2, 2, 0) }] };
    const [, made, ...others] = smoteFrames(one, 1).sequences;
    expect(others).toEqual([]);
    expect(made).toMatchObject({ length: 2, labels: Uint16Array.of(2, 2) });
    const ends = [first.samples[10], first.samples[12]].sort((a, b) => a - b);
    for (const value of [made.samples[0], made.samples[2]]) {
      expect(value).toBeGreaterThanOrEqual(ends[0]);
      expect(value).toBeLessThanOrEqual(ends[1]);
    }
  });
});

describe("augmentation", () => {
  const window = Float32Array.from({ length: 60 }, (_, i) => Math.sin(i));
  const apply = (options: Parameters<typeof createAugment>[0]) => {
    const inputs = window.slice();
    createAugment(options, 20, 3)(inputs, 1, createRandom(9));
    return inputs;
  };

  it("by rotation keeps the length of every vector", () => {
    const turned = apply({ rotate: 1 });
    expect(turned).not.toEqual(window);
    for (let t = 0; t < 20; t++) {
      expect(Math.hypot(...turned.subarray(3 * t, 3 * t + 3))).toBeCloseTo(
        Math.hypot(...window.subarray(3 * t, 3 * t + 3)),
        5,
      );
    }
  });

  it("changes windows a little, and not at all where nothing is asked for", () => {
    expect(apply({})).toEqual(window);
    for (const options of [
      { jitter: 0.1 },
      { scale: 0.1 },
      { shift: 3 },
      { warp: 0.3 },
      { crop: 0.8 },
      { background: 0.1 },
    ]) {
      const changed = apply(options);
      expect(changed).not.toEqual(window);
      expect(changed.every((value) => Math.abs(value) < 2)).toBe(true);
    }
    expect(() => createAugment({ warp: 2 }, 20, 3)).toThrow("augmentation warp is 2, expected 0 .. 0.9");
  });

  it("mixes inputs and answers by the same share", () => {
    const inputs = Float32Array.from([0, 0, 1, 1]);
    const targets = Float32Array.from([0, 1]);
    mixUp(inputs, targets, 2, 0.4, createRandom(2));
    expect(inputs[0]).toBeCloseTo(targets[0], 6);
    expect(inputs[3]).toBeCloseTo(targets[1], 6);
  });
});

describe("labels of streams", () => {
  it("leave the frames round a change out, or soften them", () => {
    const recordings = recorded(8);
    expect([...frameTargets(recordings, 0, 3, { margin: 1, change: "ignore" }).weights]).toEqual([
      1, 1, 1, 0, 0, 1, 1, 1,
    ]);
    const { targets } = frameTargets(recordings, 0, 3, { margin: 2, change: "soft" });
    expect([...targets.filter((_, i) => i % 3 === 2)]).toEqual([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1]);
  });

  it("give unlabelled frames a rejection class or no weight, and skip the cold start of a piece", () => {
    const recordings = recorded(8);
    (recordings.sequences[0].labels as Uint16Array).fill(0, 0, 2);
    expect([...frameTargets(recordings, 0, 3).weights.subarray(0, 3)]).toEqual([0, 0, 1]);
    expect([...frameTargets(recordings, 0, 3, { rejection: 0 }).targets.subarray(0, 3)]).toEqual([1, 0, 0]);
    const { set: stream } = streamSet(recordings, { length: 4, classes: 3, warmUp: 1 });
    expect(stream).toMatchObject({ rows: 4, count: 24, shape: [4, 2] });
    expect([...(stream.weights as Float32Array).subarray(0, 8)]).toEqual([0, 0, 1, 1, 0, 1, 1, 1]);
  });
});

it("samples picked from a set keep inputs and targets together", () => {
  const samples = classificationSet(set, all, fitNormalization(set, all), 3);
  const picked = pickSamples(samples, [3, 3, 0]);
  expect(picked.inputs.subarray(0, 20)).toEqual(samples.inputs.subarray(60, 80));
  expect([...picked.targets]).toEqual([0, 0, 1, 0, 0, 1, 0, 1, 0]);
});
