import { describe, expect, it } from "vitest";
import { csvRecordings } from "./csv-recordings.js";
import { DataError } from "./recordings.js";

function refusal(text: string, options = {}): DataError {
  try {
    csvRecordings(text, "f.csv", options);
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("csvRecordings", () => {
  it("reads counts without a header as int16", () => {
    const recordings = csvRecordings("1,2\n3,-4\n", "f.csv");
    expect(recordings.featureNames).toEqual(["x0", "x1"]);
    expect(recordings.sequences[0]!.samples).toEqual(Int16Array.of(1, 2, 3, -4));
  });

  it("reads anything else as float32", () => {
    expect(csvRecordings("a;b\n1;2.5\n", "f.csv").sequences[0]!.samples).toEqual(Float32Array.of(1, 2.5));
    expect(csvRecordings("a,b\n1,40000\n", "f.csv").sequences[0]!.samples).toBeInstanceOf(Float32Array);
    expect(csvRecordings("a\n1\n", "f.csv", { values: "physical" }).sequences[0]!.samples).toBeInstanceOf(Float32Array);
  });

  it("takes label, session, split and target columns out of the frame", () => {
    const text = "\ufeffacc,label,session,split,temp\n1,run,s1,train,20\n2,walk,s1,train,21\n3,run,s2,test,22\n";
    const recordings = csvRecordings(text, "f.csv", { targetColumn: "temp" });
    expect(recordings).toMatchObject({ channels: 1, classes: ["run", "walk"], targetName: "temp" });
    const [first, second] = recordings.sequences;
    expect(first).toMatchObject({ name: "s1", length: 2, split: "train", group: "s1" });
    expect(first!.labels).toEqual(Uint16Array.of(0, 1));
    expect(second).toMatchObject({ name: "s2", length: 1, split: "test" });
    expect(second!.targets).toEqual(Float32Array.of(22));
  });

  it("takes class ids from the names it is given, or from the numbers", () => {
    const named = csvRecordings("x,label\n1,b\n2,a\n", "f.csv", { classes: ["b", "a"] });
    expect(named.sequences[0]!.labels).toEqual(Uint16Array.of(0, 1));
    const numbered = csvRecordings("x,y\n1,2\n2,0\n", "f.csv", { labelColumn: "y" });
    expect(numbered.sequences[0]!.labels).toEqual(Uint16Array.of(2, 0));
    expect(numbered.classes).toEqual(["0", "1", "2"]);
  });

  it("takes the columns that are asked for or that a model names, by name", () => {
    const text = "time,b,a\n10:00,1,2\n10:01,3,4\n";
    const asked = csvRecordings(text, "f.csv", { channels: ["a"] });
    expect(asked).toMatchObject({ channels: 1, featureNames: ["a"] });
    expect(asked.sequences[0]!.samples).toEqual(Int16Array.of(2, 4));
    const named = csvRecordings(text, "f.csv", { expected: ["a", "b"] });
    expect(named.featureNames).toEqual(["a", "b"]);
    expect(named.sequences[0]!.samples).toEqual(Int16Array.of(2, 1, 4, 3));
    // Names that the file does not have say nothing: all columns are channels, and must be numbers.
    expect(() => csvRecordings(text, "f.csv", { expected: ["a", "c"] })).toThrow(
      "f.csv:2: column time: value is 10:00",
    );
  });

  it("names file, line, column and value of what is no number", () => {
    expect(refusal("a,b\n1,2\n\n3,nan\n")).toMatchObject({ code: "DATA_NOT_A_NUMBER", line: 4, column: "b" });
    expect(refusal("a,b\n1,2\n\n3,nan\n").message).toBe("f.csv:4: column b: value is nan, expected a finite number");
    expect(refusal("a,b\n1,\n").message).toBe("f.csv:2: column b: value is empty, expected a finite number");
    expect(refusal("a,b\n1,inf\n").message).toContain("value is inf");
    expect(refusal("1,2\n3,x\n").message).toContain("f.csv:2: column x1: value is x");
  });

  it("names rows that are too short or too long", () => {
    expect(refusal("a,b\n1,2\n3\n").message).toBe("f.csv:3: row has 1 values, expected 2");
    expect(refusal("a,b\n1,2,3\n")).toMatchObject({ code: "DATA_ROW_WIDTH", line: 2 });
  });

  it("refuses unknown columns, labels, splits, empty files and counts out of range", () => {
    expect(refusal("a,b\n1,2\n", { labelColumn: "c" }).message).toBe("f.csv: no column c among a, b");
    expect(refusal("a,label\n1,z\n", { classes: ["x"] }).message).toBe('f.csv:2: label "z" is none of x');
    expect(refusal("a,split\n1,dev\n").message).toContain('split is "dev", expected train or test');
    expect(refusal("a,b,a\n1,2,3\n").message).toBe("f.csv: two columns are called a");
    expect(refusal("").code).toBe("DATA_TOO_SHORT");
    expect(refusal("a,b\n").code).toBe("DATA_TOO_SHORT");
    expect(refusal("a\n1\n40000\n", { values: "counts" }).message).toContain(
      "f.csv:3: column a: 40000 is not a raw count",
    );
    expect(refusal('a,"b\n1,2\n').code).toBe("DATA_UNREADABLE");
  });
});
