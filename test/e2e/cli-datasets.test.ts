import { readFile } from "node:fs/promises";
import { cutWindows, fillMissing, listedWindows, loadRecordings, readUnpacked, windowsOfSplit } from "@gatelet/train";
import { describe, expect, it } from "vitest";
import { missing, sharedFolder } from "../support/requirements.js";

/** Sequences, frames and classes of each folder, as the folders' own README files state them. */
const DATA_SETS: Record<string, readonly [sequences: number, frames: number, classes: number]> = {
  hapt: [61, 1_122_772, 13],
  uci_har_third: [3350, 3350 * 128, 7],
  motion_sense: [360, 1_412_865, 6],
  magic_wand: [732, 65_373, 4],
  fsdd_mfcc: [3000, 80_499, 10],
  basic_motions: [80, 8000, 4],
  uwave_gesture: [440, 440 * 315, 8],
  handwriting: [1000, 152_000, 26],
  asphalt_obstacles: [781, 233_234, 4],
  japanese_vowels: [640, 9961, 9],
  gun_point: [200, 30_000, 2],
  italy_power_demand: [1096, 26_304, 2],
  air_quality: [1, 9357, 0],
  beijing_air: [4, 140_256, 0],
  nab: [8, 60_442, 2],
  ucr_anomaly: [6, 21_552, 2],
};

describe.skipIf(missing("shared"))("data set folders", () => {
  const data = (name: string) => `${sharedFolder()}/data/${name}`;

  it.each(Object.entries(DATA_SETS))("%s loads whole", async (name, [sequences, frames, classes]) => {
    const recordings = await loadRecordings(data(name));
    expect(recordings.sequences).toHaveLength(sequences);
    expect(recordings.sequences.reduce((sum, sequence) => sum + sequence.length, 0)).toBe(frames);
    expect(recordings.classes).toHaveLength(classes);
    const filled = fillMissing(recordings);
    expect(cutWindows(filled, { length: 20 }).windows.length).toBeGreaterThan(0);
  });

  it("labels as many hapt frames of each activity as its README counts", async () => {
    const counts = new Array<number>(13).fill(0);
    for (const { labels } of (await loadRecordings(data("hapt"))).sequences) {
      for (const label of labels as Uint16Array) counts[label]!++;
    }
    expect(counts).toEqual([
      307158, 122091, 116707, 107961, 126677, 138105, 136865, 10316, 8029, 12428, 11150, 14418, 10867,
    ]);
  });

  it("finds the listed hapt windows, whose labels are those of their last samples", async () => {
    const recordings = await loadRecordings(data("hapt"));
    const file = `${sharedFolder()}/models/hapt-windows.csv.gz`;
    const text = new TextDecoder().decode(await readUnpacked(file));
    const set = listedWindows(recordings, text, "hapt-windows.csv.gz", 50, "subject");
    expect(windowsOfSplit(set, "test").windows).toHaveLength(9502);
    for (const window of set.windows) {
      const { labels, split } = recordings.sequences[window.sequence]!;
      expect((labels as Uint16Array)[window.start + 49]).toBe(window.label);
      expect(split).toBe(window.split);
    }
  });

  it("refuses a folder without meta.json by name", async () => {
    await expect(loadRecordings(sharedFolder()!)).rejects.toThrow(/holds neither a meta\.json nor the labels\.txt/);
    expect((await readFile(`${data("hapt")}/meta.json`, "utf8")).length).toBeGreaterThan(0);
  });
});
