import { describe, expect, it } from "vitest";
import type { RecordedSequence, Recordings } from "./recordings.js";
import { onlySplit } from "./recordings.js";
import { channelAsTarget, fillMissing, selectChannels } from "./transforms.js";
import { cutWindows, listedWindows, sampleWindows, windowSamples, windowsOfSplit } from "./windows.js";

function recordings(sequences: readonly RecordedSequence[], more: Partial<Recordings> = {}): Recordings {
  return {
    name: "toy",
    channels: 2,
    featureNames: ["a", "b"],
    units: ["", ""],
    rawScale: [1, 0.5],
    sequences,
    classes: ["x", "y"],
    ...more,
  };
}
const ramp = (length: number, more: Partial<RecordedSequence> = {}): RecordedSequence => ({
  name: "r",
  length,
  samples: Int16Array.from({ length: length * 2 }, (_, i) => i),
  ...more,
});

describe("cutWindows", () => {
  it("gives every hop a window with the label of its last frame", () => {
    const set = cutWindows(recordings([ramp(7, { labels: Uint16Array.of(0, 0, 0, 1, 1, 1, 0) })]), {
      length: 3,
      hop: 2,
    });
    expect(set.windows.map(({ start, label }) => [start, label])).toEqual([
      [0, 0],
      [2, 1],
      [4, 0],
    ]);
    expect([...windowSamples(set, set.windows[1]!)]).toEqual([4, 5, 6, 7, 8, 9]);
  });

  it("gives a labelled series one window at its end, padded in front where it is short", () => {
    const set = cutWindows(recordings([ramp(5, { labels: 1 }), ramp(2, { labels: 0 })]), { length: 3 });
    expect(set.windows.map(({ start, label }) => [start, label])).toEqual([
      [2, 1],
      [-1, 0],
    ]);
    expect([...windowSamples(set, set.windows[1]!, [9, 8])]).toEqual([9, 8, 0, 1, 2, 3]);
  });

  it("leaves windows out that touch a missing value or end without a label, and counts them", () => {
    const gap = ramp(6);
    gap.samples[2] = -32768;
    const set = cutWindows(recordings([gap], { missing: -32768 }), { length: 2, hop: 1 });
    expect(set.windows.map((window) => window.start)).toEqual([2, 3, 4]);
    expect(set.skippedMissing).toBe(2);
    const partly = recordings([ramp(4, { labels: Uint16Array.of(1, 0, 1, 0) })], { unlabelled: 0 });
    expect(cutWindows(partly, { length: 2, hop: 1 })).toMatchObject({ windows: [{ start: 1 }], skippedUnlabelled: 2 });
    expect(cutWindows(partly, { length: 2, hop: 1, keepUnlabelled: true }).windows).toHaveLength(3);
  });

  it("takes the target that lies ahead of the last frame", () => {
    const set = cutWindows(channelAsTarget(recordings([ramp(5)]), "b"), { length: 2, hop: 1, ahead: 1 });
    expect(set.windows.map((window) => window.target)).toEqual([2.5, 3.5, 4.5]);
  });

  it("refuses lengths below 1 and empty results", () => {
    expect(() => cutWindows(recordings([ramp(3)]), { length: 0 })).toThrow("window is 0, expected >= 1");
    const none = recordings([ramp(3, { labels: Uint16Array.of(0, 0, 0) })], { unlabelled: 0 });
    expect(() => cutWindows(none, { length: 2 })).toThrow(
      "no window of 2 frames is left (0 with missing values, 1 without",
    );
  });
});

describe("listedWindows", () => {
  const two = recordings([ramp(4, { offset: 10 }), ramp(4, { offset: 14 })]);
  it("finds the sequence that holds each start", () => {
    const set = listedWindows(two, "start,label,subject\n10,1,train\n15,0,test\n", "w.csv", 3, "subject");
    expect(set.windows).toEqual([
      { sequence: 0, start: 0, label: 1, split: "train" },
      { sequence: 1, start: 1, label: 0, split: "test" },
    ]);
    expect(windowsOfSplit(set, "test").windows).toHaveLength(1);
  });
  it("refuses windows across a boundary and unknown split columns", () => {
    expect(() => listedWindows(two, "start,label,s\n12,1,test\n", "w.csv", 3, "s")).toThrow(
      "w.csv:2: window 12 .. 14 lies in no sequence",
    );
    expect(() => listedWindows(two, "start,label,s\n9,1,test\n", "w.csv", 3, "s")).toThrow("lies in no sequence");
    expect(() => listedWindows(two, "start,label\n10,1\n", "w.csv", 3, "s")).toThrow("no column s among start, label");
  });
});

describe("choosing", () => {
  it("samples windows evenly, splits by name, selects channels and fills gaps", () => {
    const set = cutWindows(recordings([ramp(10)]), { length: 1 });
    expect(sampleWindows(set, 5).windows.map((window) => window.start)).toEqual([0, 2, 4, 6, 8]);
    expect(() => onlySplit(recordings([ramp(2)]), "test")).toThrow("toy holds no sequence of split test");
    const onlyB = selectChannels(recordings([ramp(2)]), ["b"]);
    expect([onlyB.rawScale, [...onlyB.sequences[0]!.samples]]).toEqual([[0.5], [1, 3]]);
    expect(() => selectChannels(recordings([ramp(2)]), ["q"])).toThrow("toy: no channel q among a, b");
    const gaps = { name: "g", length: 4, samples: Int16Array.of(-1, 5, -1, -1, 7, -1, -1, -1) };
    const filled = fillMissing(recordings([gaps], { missing: -1 }));
    expect([...filled.sequences[0]!.samples]).toEqual([7, 5, 7, 5, 7, 5, 7, 5]);
  });
});
