import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { archiveRecordings } from "./archive-series.js";
import { loadRecordings } from "./load.js";
import { uciHaptRecordings } from "./uci-hapt.js";

const TS =
  "@problemName Taps\n# remark\n@univariate false\n@classLabel true up down\n@data\n1,2,3:4,5,6:up\n1,?:2,3:down\n";

describe("archive files", () => {
  it("of .ts give series of different lengths with labels by header", () => {
    const recordings = archiveRecordings([{ name: "Taps_TRAIN.ts", text: TS, split: "train" }]);
    expect(recordings).toMatchObject({ name: "Taps", channels: 2, classes: ["up", "down"] });
    const [first, second] = recordings.sequences;
    expect(first).toMatchObject({ length: 3, labels: 0, split: "train" });
    expect([...first.samples]).toEqual([1, 4, 2, 5, 3, 6]);
    expect(second.samples[2]).toBe(recordings.missing);
    expect(second.labels).toBe(1);
  });

  it("of .arff are read plain and relational", () => {
    const head = "@relation x\n@attribute a numeric\n@attribute b numeric\n@attribute class {1,'two words'}\n@data\n";
    const plain = archiveRecordings([{ name: "a.arff", text: `${head}0.5,1.5,1\n2,3,'two words'\n` }]);
    expect(plain.sequences.map(({ labels }) => labels)).toEqual([0, 1]);
    expect([...plain.sequences[1].samples]).toEqual([2, 3]);
    const relational = archiveRecordings([{ name: "b.arff", text: `${head}'1,2\\n3,4',1\n` }]);
    expect([...relational.sequences[0].samples]).toEqual([1, 3, 2, 4]);
  });

  it("name the line of what is wrong", () => {
    const broken = (text: string) => () => archiveRecordings([{ name: "x.ts", text }]);
    expect(broken(TS.replace("4,5,6", "4,5"))).toThrow("x.ts:6: dimensions of 3 and 2 values");
    expect(broken(TS.replace(":down", ":left"))).toThrow("x.ts:7: class left is not among up, down");
    expect(broken(TS.replace("1,2,3", "1,a,3"))).toThrow('x.ts:6: "a" is not a number');
    expect(broken("@classLabel true a\n")).toThrow("x.ts: no @data line");
    expect(broken("@classLabel true a\n@data\n1,2,3")).toThrow('x.ts:3: no ":" between values and class');
    expect(broken("@targetLabel true\n@data\n1,2:0.5")).toThrow("x.ts:1: series with a number to predict are not read");
    const text = "@relation x\n@attribute a numeric\n@attribute c string\n@data\n1,left\n";
    expect(() => archiveRecordings([{ name: "x.arff", text }])).toThrow(
      "class left is not among the classes: the header",
    );
  });
});

describe("the UCI HAPT folder", () => {
  const files: Record<string, string> = {
    "labels.txt": "1 1 5 2 3\n",
    "acc_exp01_user01.txt": "0.91805556 -0.1125 0.50972222\n0.9 0.1 0.2\n1 0 0\n0 1 0\n",
    "gyro_exp01_user01.txt": "-0.054978 -0.069639 -0.030849\n0 0 0\n0 0 0\n0 0 0\n",
  };
  const read = async (name: string) => files[name];

  it("gives counts, labels and people back", async () => {
    const recordings = await uciHaptRecordings(Object.keys(files), read);
    const [session] = recordings.sequences;
    expect([...(session.labels as Uint16Array)]).toEqual([0, 5, 5, 0]);
    expect([...session.samples.subarray(0, 6)]).toEqual([661, -81, 367, -180, -228, -101]);
    expect(session.group).toBe("user 1");
    expect(recordings.classes[5]).toBe("STANDING");
  });

  it("names what is wrong", async () => {
    const late = { ...files, "labels.txt": "1 1 5 2 9\n" };
    await expect(uciHaptRecordings(Object.keys(late), async (name) => late[name as "labels.txt"])).rejects.toThrow(
      "labels.txt:1: sample 9 of experiment 1, which has 4",
    );
    await expect(uciHaptRecordings(["labels.txt"], read)).rejects.toThrow("no acc_expXX_userYY.txt");
    const mixed = { ...files, "labels.txt": "1 7 5 2 3\n" };
    await expect(uciHaptRecordings(Object.keys(mixed), async (name) => mixed[name as "labels.txt"])).rejects.toThrow(
      "labels.txt:1: user 7 of experiment 1, whose file is acc_exp01_user01.txt",
    );
  });

  it("and archive files are found by their path", async () => {
    const folder = await mkdtemp(join(tmpdir(), "gatelet-archives-"));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    await writeFile(join(folder, "Taps_TRAIN.ts"), TS);
    await writeFile(join(folder, "Taps_TEST.ts"), TS);
    expect((await loadRecordings(folder)).name).toBe("hapt");
    await mkdir(join(folder, "HAPT Data Set/RawData"), { recursive: true });
    for (const [name, text] of Object.entries(files))
      await writeFile(join(folder, "HAPT Data Set/RawData", name), text);
    expect((await loadRecordings(join(folder, "HAPT Data Set"))).sequences).toHaveLength(1);
    await mkdir(join(folder, "other"));
    await expect(loadRecordings(join(folder, "other"))).rejects.toThrow(
      "other holds neither a meta.json nor the labels.txt",
    );
    const taps = await loadRecordings(join(folder, "Taps_TRAIN.ts"));
    expect(taps.sequences.map(({ split }) => split)).toEqual(["train", "train", "test", "test"]);
    await rm(folder, { recursive: true });
  });
});
