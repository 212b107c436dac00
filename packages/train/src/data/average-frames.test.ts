import { expect, it } from "vitest";
import { averageFrames } from "./average-frames.js";
import type { Recordings } from "./recordings.js";

const recordings: Recordings = {
  name: "steps",
  channels: 2,
  rateHz: 60,
  featureNames: ["a", "b"],
  units: ["", ""],
  rawScale: [1, 1],
  classes: ["x", "y"],
  sequences: [
    {
      name: "long",
      length: 7,
      samples: Int16Array.of(1, 10, 2, 20, 6, 30, 7, 40, 8, 50, 9, 61, 99, 99),
      labels: Uint16Array.of(0, 0, 1, 1, 1, 0, 0),
      targets: Float32Array.of(1, 2, 3, 4, 5, 6, 7),
      offset: 12,
    },
    { name: "short", length: 2, samples: Float32Array.of(1, 2, 2, 4), labels: 1 },
  ],
};

it("averages frames, keeps the last one's label, and what is shorter than a group", () => {
  const { rateHz, sequences } = averageFrames(recordings, 3);
  expect(rateHz).toBe(20);
  expect(sequences[0]).toEqual({
    name: "long",
    length: 2,
    samples: Int16Array.of(3, 20, 8, 50),
    labels: Uint16Array.of(1, 0),
    targets: Float32Array.of(3, 6),
  });
  expect(sequences[1]).toEqual({ name: "short", length: 1, samples: Float32Array.of(1.5, 3), labels: 1 });
  expect(averageFrames(recordings, 1)).toBe(recordings);
});

it("refuses half frames and gaps", () => {
  expect(() => averageFrames(recordings, 1.5)).toThrow("frames to average are 1.5, expected a whole number");
  expect(() => averageFrames({ ...recordings, missing: -999 }, 2)).toThrow("steps: values are missing");
});
