import { describe, expect, it } from "vitest";
import { encodeModel } from "./encode.js";
import { packQuads, packRowParams, type QuadOrder, unpackQuads, unpackRowParams } from "./quads.js";
import { simulateSchedule } from "./schedule.js";
import { FLAG, HEADER, MERGE_MODE, RECORD } from "./schema.js";
import type { ModelSpec, RecordSpec } from "./spec.js";
import { affineBytes } from "./tensors.js";

const input = (size: number, window: number): RecordSpec => ({
  kernel: "INPUT",
  fields: { inputSize: size, outputSize: size, rowsIn: window, rowsOut: window },
  aux: affineBytes(Array.from({ length: size }, () => ({ bias: 0n, multiplier: 1, shift: 0 }))),
});
const conv = (input0: number, size: number, rowsIn: number, rowsOut: number, padLeft = 0): RecordSpec => ({
  kernel: "CONV1D",
  fields: {
    input0,
    inputSize: size,
    outputSize: size,
    rowsIn,
    rowsOut,
    taps: 3,
    stride: 1,
    dilation: 1,
    padLeft,
    bits: 8,
  },
  weights: packQuads({
    order: "plain",
    bits: 8,
    hiddenSize: size,
    input: { weights: new Int8Array(size * 3 * (size + (size & 1))).fill(1), columns: 3 * (size + (size & 1)) },
  }),
  rowParams: packRowParams("plain", size, new Int32Array(size), new Int32Array(size).fill(1 << 24)),
});
const add = (input0: number, input1: number, size: number, rows: number): RecordSpec => ({
  kernel: "MERGE",
  fields: {
    input0,
    input1,
    inputSize: size,
    outputSize: size,
    rowsIn: rows,
    rowsOut: rows,
    depthMultiplier: size,
    mode: MERGE_MODE.ADD,
    multiplierA: 1,
    multiplierB: 1,
  },
});
const fifo = (input0: number, input1: number, size: number, rows: number, taps: number): RecordSpec => ({
  kernel: "FIFO",
  fields: { input0, input1, inputSize: size, outputSize: size, rowsIn: rows, rowsOut: rows, taps },
});
const model = (records: RecordSpec[], window: number, frameSize: number): ModelSpec => ({
  inputKind: "frames",
  outputTransform: "none",
  window,
  frameSize,
  vocabularySize: 0,
  outputScale: 1,
  records,
});

describe("packQuads", () => {
  const orders: [QuadOrder, number][] = [
    ["plain", 1],
    ["lstm", 4],
    ["gru", 3],
    ["gruResetAfter", 3],
  ];
  for (const [order, gates] of orders) {
    for (const bits of [8, 4] as const) {
      for (const hiddenSize of [1, 3, 4, 5, 8, 9]) {
        it(`${order} of ${hiddenSize} units at ${bits} bits comes back from unpackQuads`, () => {
          const range = bits === 8 ? 255 : 15;
          const fill = (columns: number) =>
            Int8Array.from({ length: gates * hiddenSize * columns }, (_, i) => ((i * 37) % range) - (range >> 1));
          const recurrentFirst = hiddenSize % 2 === 1;
          const weights = {
            input: { weights: fill(7), columns: 7 },
            recurrent: { weights: fill(hiddenSize), columns: hiddenSize },
          };
          const bytes = packQuads({ order, bits, hiddenSize, recurrentFirst, ...weights });
          const back = unpackQuads(bytes, {
            order,
            bits,
            hiddenSize,
            recurrentFirst,
            inputColumns: 7,
            recurrentColumns: hiddenSize,
          });
          expect(back.input).toEqual(weights.input.weights);
          expect(back.recurrent).toEqual(weights.recurrent.weights);
        });
      }
    }
  }

  it("lays out an 8-bit and a 4-bit block as FORMAT.md 6 says", () => {
    const weights = Int8Array.from([1, 2, 3, 4, -1, -2, -3, -4, 5, 6, 7, 7, -5, -6, -7, -8]);
    const input8 = { weights, columns: 4 };
    expect([...packQuads({ order: "plain", bits: 8, hiddenSize: 4, input: input8 })]).toEqual([
      129, 255, 130, 254, 131, 253, 132, 252, 133, 251, 134, 250, 135, 249, 135, 248,
    ]);
    const nibbles = [...packQuads({ order: "plain", bits: 4, hiddenSize: 4, input: input8 })];
    expect(nibbles.slice(0, 4)).toEqual([0x79, 0xbd, 0x6a, 0xae]);
    // Missing columns are zero weights: 8 in the unsigned nibbles, 0 in the signed one.
    expect(nibbles.slice(8, 10)).toEqual([0x88, 0x08]);
  });

  it("refuses weights that 4 bits cannot hold", () => {
    const input = { weights: Int8Array.of(0, 8), columns: 2 };
    expect(() => packQuads({ order: "plain", bits: 4, hiddenSize: 1, input })).toThrow(
      "input weight is 8, must be -8..7",
    );
  });

  it("puts bias and multiplier of a reset-after GRU in z, r, candidate input, candidate recurrent order", () => {
    const bias = Int32Array.from({ length: 4 * 5 }, (_, i) => i + 1);
    const params = packRowParams(
      "gruResetAfter",
      5,
      bias,
      bias.map((b) => -b),
    );
    expect([...params.slice(0, 8)]).toEqual([1, 2, 3, 4, -1, -2, -3, -4]);
    expect([...params.slice(16, 20)]).toEqual([11, 12, 13, 14]);
    expect([...params.slice(32, 40)]).toEqual([5, 0, 0, 0, -5, 0, 0, 0]);
    expect(unpackRowParams("gruResetAfter", 5, params).bias).toEqual(bias);
  });
});

describe("simulateSchedule", () => {
  it("drains the tail of a 'same' convolution at the end of the window", () => {
    const { rowsPerStep, maxOutputRows } = simulateSchedule([input(2, 4), conv(0, 2, 4, 4, 1)], 4);
    expect(rowsPerStep).toEqual([0, 1, 1, 2]);
    expect(maxOutputRows).toBe(2);
  });

  it("finds the side of a merge that is ahead and the FIFO it needs", () => {
    const records = [input(2, 6), conv(0, 2, 6, 6, 0), conv(1, 2, 6, 6, 0), add(2, 0, 2, 6)];
    const { merges, problems } = simulateSchedule(records, 6);
    expect(merges).toEqual([{ record: 3, ahead: "second", capacity: 5, unmatched: 0 }]);
    expect(problems).toHaveLength(1);
    const mended = [input(2, 6), conv(0, 2, 6, 6, 0), conv(1, 2, 6, 6, 0), fifo(0, 2, 2, 6, 5), add(2, 3, 2, 6)];
    const schedule = simulateSchedule(mended, 6);
    expect(schedule.problems).toEqual([]);
    expect(schedule.fifoRows.get(3)).toBe(5);
    expect(schedule.rowsPerStep).toEqual([0, 0, 0, 0, 1, 5]);
  });

  it("tells which record emits in which tick", () => {
    const { ticks } = simulateSchedule([input(2, 2), conv(0, 2, 2, 2, 1)], 2, { trace: true });
    expect(ticks).toEqual([
      { hasFrame: true, emitted: [0] },
      { hasFrame: true, emitted: [0, 1] },
      { hasFrame: false, emitted: [1] },
    ]);
  });

  it("keeps both rates of a stream model apart", () => {
    const { merges } = simulateSchedule([input(2, 0), conv(0, 2, 0, 0, 1), add(0, 1, 2, 0)], 0);
    expect(merges).toEqual([{ record: 2, ahead: "first", capacity: 2, unmatched: 0 }]);
  });
});

describe("encodeModel", () => {
  it("shares equal tensors and overlays rows that are not live together", () => {
    const bytes = encodeModel(model([input(2, 4), conv(0, 2, 4, 2), conv(1, 2, 2, 1 - 0, 1)], 4, 2));
    const view = new DataView(bytes.buffer);
    const records = 80 + 2 * 16;
    const at = (i: number, field: keyof typeof RECORD) => view.getUint32(records + 96 * i + RECORD[field][0], true);
    expect(at(1, "weights")).toBe(at(2, "weights"));
    expect(at(0, "output")).toBe(at(2, "output"));
    expect(view.getUint32(HEADER.scratchBytes[0], true)).toBe(32);
    expect(bytes.length % 16).toBe(0);
  });

  it("refuses branches that do not meet", () => {
    const records = [input(2, 6), conv(0, 2, 6, 6, 0), add(1, 0, 2, 6)];
    expect(() => encodeModel(model(records, 6, 2))).toThrow(/record 2: rows of the two inputs do not come together/);
  });

  it("names record and field of a value that does not fit", () => {
    const records = [{ ...input(2, 6), fields: { ...input(2, 6).fields, flags: FLAG.LAST + 512 } }];
    expect(() => encodeModel(model(records, 6, 2))).toThrow("record 0: flags is 513, must be u8");
  });

  it("refuses a tensor of the wrong size", () => {
    const records = [input(2, 6), { ...conv(0, 2, 6, 4), weights: new Uint8Array(16) }];
    expect(() => encodeModel(model(records, 6, 2))).toThrow("record 1: bytes of weights is 16, must be 32 for CONV1D");
  });
});
