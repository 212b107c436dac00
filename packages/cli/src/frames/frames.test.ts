import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Runtime } from "../runtime.js";
import { Decider, type Decision } from "./decider.js";
import { DecisionWriter } from "./decision-writer.js";
import { csvFrames, rawFrames } from "./frame-source.js";
import { runFrames } from "./run-frames.js";

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
async function collect(source: AsyncIterable<ArrayLike<number>>): Promise<number[]> {
  const values: number[] = [];
  for await (const batch of source) values.push(...Array.from(batch));
  return values;
}
const text = (content: string, size = 5) => pieces(new TextEncoder().encode(content), size);
const two = { width: 2, features: ["a", "b"] };

describe("csvFrames", () => {
  it("reads lines however they are cut into chunks, with or without header, last newline, CRLF and blanks", async () => {
    for (const size of [1, 2, 3, 7, 100]) {
      expect(await collect(csvFrames(text("1,2\n3,4", size), two))).toEqual([1, 2, 3, 4]);
      expect(await collect(csvFrames(text("\ufeffa,b\r\n1.5;-2\r\n\r\n3\t4\r\n", size), two))).toEqual([1.5, -2, 3, 4]);
      expect(await collect(csvFrames(text("1 2\n3  4\n", size), two))).toEqual([1, 2, 3, 4]);
    }
  });

  it("picks the features by name from wider files, and takes other names in order", async () => {
    expect(await collect(csvFrames(text("label,b,a\nwalk,1,2\nrun,3,4\n"), two))).toEqual([2, 1, 4, 3]);
    expect(await collect(csvFrames(text("p,q\n1,2\n"), two))).toEqual([1, 2]);
  });

  it("names the line of a frame that does not fit", async () => {
    await expect(collect(csvFrames(text("1,2\n3\n"), two))).rejects.toThrow("line 2: frame has 1 values, expected 2");
    await expect(collect(csvFrames(text("1,2\n\n3,4,5\n"), two))).rejects.toThrow(
      "line 3: frame has 3 values, expected 2",
    );
    await expect(collect(csvFrames(text("1,2\n3,nan\n"), two))).rejects.toThrow(
      "line 2: value is nan, expected a finite number",
    );
    await expect(collect(csvFrames(text("1,2\n3,\n"), two))).rejects.toThrow("line 2: value is empty");
    await expect(collect(csvFrames(text("x,y,z\n"), two))).rejects.toThrow(
      "line 1: header has 3 columns (x, y, z), expected a, b",
    );
    await expect(collect(csvFrames(text("1".repeat(3 << 20), 1 << 20), two))).rejects.toThrow("line 1 is longer than");
  });
});

describe("rawFrames", () => {
  it("reads little-endian frames however they are cut", async () => {
    const bytes = Uint8Array.of(1, 0, 255, 255, 0, 128, 2, 1);
    for (const size of [1, 3, 4, 8])
      expect(await collect(rawFrames(pieces(bytes, size), two))).toEqual([1, -1, -32768, 258]);
  });
  it("refuses an input that ends inside a frame", async () => {
    await expect(collect(rawFrames(pieces(new Uint8Array(7), 7), two))).rejects.toThrow(
      "ends inside a frame: 3 of 4 bytes",
    );
  });
});

/** A model that answers with the sum of its window (or, as a stream, of all frames so far) in the first of two outputs. */
function summing(window: number | null): Runtime {
  return {
    engine: "test",
    frameSize: 1,
    outputSize: 2,
    window,
    createStream: () => {
      let sum = 0;
      let seen = 0;
      return {
        reset: () => {
          sum = 0;
          seen = 0;
        },
        run: (frame) => {
          sum += frame[0]!;
          seen++;
          if (window !== null && seen < window) return new Float64Array(0);
          const row = Float64Array.of(sum, 10);
          if (window !== null) {
            sum = 0;
            seen = 0;
          }
          return row;
        },
      };
    },
  };
}

function decide(window: number | null, hop: number | undefined, frames: number): Decision[] {
  const decider = new Decider(summing(window), {
    transform: "none",
    classes: [],
    ...(hop === undefined ? {} : { hop }),
  });
  const decisions: Decision[] = [];
  for (let t = 0; t < frames; t++) decider.push(Int16Array.of(t), decisions);
  return decisions;
}

describe("Decider", () => {
  it("answers once a window, or every hop for overlapping windows, with the sum over exactly that window", () => {
    expect(decide(4, undefined, 9).map(({ frame, outputs }) => [frame, outputs[0]])).toEqual([
      [3, 6],
      [7, 22],
    ]);
    for (const [window, hop] of [
      [4, 1],
      [4, 2],
      [5, 2],
      [4, 3],
      [3, 5],
    ] as const) {
      const decisions = decide(window, hop, 23);
      const expected: number[][] = [];
      for (let start = 0; start + window <= 23; start += hop) {
        expected.push([start + window - 1, (window * (2 * start + window - 1)) / 2]);
      }
      expect(decisions.map(({ frame, outputs }) => [frame, outputs[0]])).toEqual(expected);
    }
  });

  it("answers every frame in a stream and keeps its state", () => {
    expect(decide(null, undefined, 4).map(({ outputs }) => outputs[0])).toEqual([0, 1, 3, 6]);
  });

  it("names classes with their probability", () => {
    const decider = new Decider(summing(null), { transform: "softmax", classes: ["low", "high"] });
    const decisions: Decision[] = [];
    decider.push(Int16Array.of(7), decisions);
    decider.push(Int16Array.of(6), decisions);
    expect(decisions.map(({ className }) => className)).toEqual(["high", "low"]);
    expect(decisions[1]!.confidence).toBeCloseTo(1 / (1 + Math.exp(-3)), 12);
  });
});

describe("runFrames and DecisionWriter", () => {
  it("waits for a slow reader instead of piling decisions up", async () => {
    let pending = 0;
    let most = 0;
    const slow = new Writable({
      highWaterMark: 1024,
      write: (chunk: Buffer, _encoding, done) => {
        pending += chunk.length;
        most = Math.max(most, pending);
        setImmediate(() => {
          pending -= chunk.length;
          done();
        });
      },
    });
    const writer = new DecisionWriter(slow, { json: false, changesOnly: false, manyRows: false, outputNames: [] });
    const decider = new Decider(summing(null), { transform: "softmax", classes: ["x", "y"] });
    async function* source(): AsyncGenerator<Int16Array> {
      for (let i = 0; i < 50; i++) yield new Int16Array(1000);
    }
    await runFrames(
      source(),
      1,
      (values) => values as Int16Array,
      decider,
      writer,
      () => false,
    );
    expect(writer.written).toBe(50_000);
    expect(most).toBeLessThan(16 * 1024);
  });

  it("writes csv with a header, json lines, and changes only", async () => {
    const written = async (format: Partial<{ json: boolean; changesOnly: boolean }>) => {
      const out = new PassThrough();
      const writer = new DecisionWriter(out, {
        json: false,
        changesOnly: false,
        manyRows: false,
        outputNames: [],
        ...format,
      });
      const decision = (frame: number, classId: number) => ({
        frame,
        row: 0,
        outputs: [0.25, 0.75],
        classId,
        className: `c,${classId}`,
        confidence: 0.75,
      });
      await writer.write([decision(1, 1), decision(2, 1), decision(3, 0)]);
      return String(out.read());
    };
    expect(await written({})).toBe('frame,class,confidence\n1,"c,1",0.7500\n2,"c,1",0.7500\n3,"c,0",0.7500\n');
    expect((await written({ changesOnly: true })).split("\n")).toHaveLength(4);
    expect(JSON.parse((await written({ json: true })).split("\n")[0]!)).toEqual({
      frame: 1,
      classId: 1,
      class: "c,1",
      confidence: 0.75,
      outputs: [0.25, 0.75],
    });
  });
});
