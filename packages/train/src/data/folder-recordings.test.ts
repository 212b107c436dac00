import { describe, expect, it } from "vitest";
import { folderRecordings } from "./folder-recordings.js";

const channels = [
  { name: "a", unit: "g", scale: 0.5 },
  { name: "b", unit: null, scale: 1 },
];
const base = { name: "toy", kind: "series", rate_hz: 10, dtype: "int16", file: "s.i16", channels, index: "index.csv" };

/** Frames 0 .. count-1, channel a = frame, channel b = -frame. */
function frames(count: number): Uint8Array {
  return new Uint8Array(Int16Array.from({ length: count * 2 }, (_, i) => (i % 2 === 0 ? i / 2 : -(i - 1) / 2)).buffer);
}

function folder(meta: object, files: Record<string, string | Uint8Array> = {}) {
  const all: Record<string, string | Uint8Array> = { "s.i16": frames(10), "meta.json": JSON.stringify(meta), ...files };
  return folderRecordings(async (name) => {
    const file = all[name];
    if (file === undefined) throw new Error(`no file ${name}`);
    return typeof file === "string" ? new TextEncoder().encode(file) : file;
  }, "toy");
}

describe("folderRecordings", () => {
  it("reads series with labels by id or by name, groups and splits", async () => {
    const classes = { 0: "still", 1: "moving" };
    const index = "series,split,label,subject,offset,length\n0,train,1,p1,0,4\n1,test,0,p2,4,6\n";
    const recordings = await folder({ ...base, classes }, { "index.csv": index });
    expect(recordings).toMatchObject({
      rateHz: 10,
      rawScale: [0.5, 1],
      units: ["g", ""],
      classes: ["still", "moving"],
    });
    expect(recordings.sequences[1]).toMatchObject({ labels: 0, split: "test", group: "p2", offset: 4, length: 6 });
    expect([...recordings.sequences[1]!.samples.subarray(0, 2)]).toEqual([4, -4]);
    const byName = await folder({ ...base, classes }, { "index.csv": "series,gesture,offset,length\n0,moving,0,3\n" });
    expect(byName.sequences[0]!.labels).toBe(1);
  });

  it("reads sessions with labelled segments that count from 1 and end inclusively", async () => {
    const meta = { ...base, kind: "stream", index: undefined, experiments: "e.csv", labels: "l.csv", unlabelled: 0 };
    const recordings = await folder(
      { ...meta, classes: { 1: "walk" }, label_index_base: 1, label_end_inclusive: true },
      {
        "e.csv": "experiment,user,split,offset,length\n7,3,test,2,6\n",
        "l.csv": "experiment,user,activity,start,end\n7,3,1,2,4\n",
      },
    );
    expect(recordings.sequences[0]).toMatchObject({ name: "7", group: "3", split: "test", offset: 2 });
    expect(recordings.sequences[0]!.labels).toEqual(Uint16Array.of(0, 1, 1, 1, 0, 0));
    expect(recordings.classes).toEqual(["unlabelled", "walk"]);
  });

  it("reads windows of equal length, marked anomalies, and series whose beginning is for training", async () => {
    const windows = await folder(
      { ...base, kind: "windows", window_length: 5, classes: { 2: "c" } },
      { "index.csv": "window,label\n0,2\n1,2\n" },
    );
    expect(windows.sequences.map((sequence) => sequence.offset)).toEqual([0, 5]);
    const marked = await folder(
      { ...base, windows: "w.csv", window_end_inclusive: true },
      { "index.csv": "series,offset,length\nq,0,6\n", "w.csv": "series,start,end\nq,2,3\n" },
    );
    expect(marked.sequences[0]!.labels).toEqual(Uint16Array.of(0, 0, 1, 1, 0, 0));
    const divided = await folder(base, {
      "index.csv": "series,offset,length,train_length,anomaly_start,anomaly_end\nq,0,10,4,6,8\n",
    });
    expect(divided.sequences.map((s) => [s.split, s.length])).toEqual([
      ["train", 4],
      ["test", 6],
    ]);
    expect(divided.sequences[1]!.labels).toEqual(Uint16Array.of(0, 0, 1, 1, 0, 0));
  });

  it("refuses tables and binaries that do not fit, naming file, line and value", async () => {
    const index = (rows: string) => ({ "index.csv": `series,label,offset,length\n${rows}\n` });
    const classes = { 0: "x" };
    await expect(folder(base, index("0,0,7,3"))).rejects.toThrow("toy/index.csv:2: column label: 0 is no class");
    await expect(folder({ ...base, classes }, index("0,0,8,3"))).rejects.toThrow(
      "toy/index.csv:2: frames 8 .. 10 of 10",
    );
    await expect(folder({ ...base, classes }, index("0,0,x,3"))).rejects.toThrow("column offset: value is x");
    await expect(folder({ ...base, classes }, index("0,0,1"))).rejects.toThrow("row has 3 values, expected 4");
    await expect(folder(base, { "s.i16": new Uint8Array(7) })).rejects.toThrow(
      "7 bytes are not a whole number of frames",
    );
    await expect(folder({ ...base, dtype: "int8" })).rejects.toThrow('"dtype" is "int8", expected int16 or float32');
    await expect(folder({ ...base, channels: [{ name: "a" }] })).rejects.toThrow("a finite scale in each");
    await expect(folder(base, { "meta.json": "{" })).rejects.toThrow("toy/meta.json: not valid json");
    const nan = new Uint8Array(Float32Array.of(1, 2, 3, Number.NaN).buffer);
    const floats = { ...base, dtype: "float32" };
    await expect(folder(floats, { "s.i16": nan })).rejects.toThrow("frame 1, channel b: value is NaN");
  });
});
