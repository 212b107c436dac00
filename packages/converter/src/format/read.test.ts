import { describe, expect, it } from "vitest";
import { encodeModel } from "./encode.js";
import { readModel } from "./read.js";
import { decodeState, encodeState, initialState, readCounters } from "./saved-state.js";
import { RECORD } from "./schema.js";
import type { ModelMeta, ModelSpec } from "./spec.js";
import { affineBytes, averageBytes } from "./tensors.js";

const spec = (meta?: ModelMeta): ModelSpec => ({
  inputKind: "frames",
  outputTransform: "softmax",
  window: 4,
  frameSize: 3,
  vocabularySize: 0,
  outputScale: 0.25,
  records: [
    {
      kernel: "INPUT",
      fields: { inputSize: 3, outputSize: 3, rowsIn: 4, rowsOut: 4 },
      aux: affineBytes([1, 2, 3].map((multiplier) => ({ bias: 1n, multiplier, shift: 1 }))),
    },
    {
      kernel: "POOL",
      fields: { input0: 0, inputSize: 3, outputSize: 3, rowsIn: 4, rowsOut: 2, taps: 2, stride: 2, mode: 1 },
      aux: averageBytes(2),
    },
    { kernel: "POOL", fields: { input0: 1, inputSize: 3, outputSize: 3, rowsIn: 2, rowsOut: 1, taps: 2, stride: 1 } },
  ],
  meta,
});

describe("readModel", () => {
  it("gives back what was written", () => {
    const meta = { name: "tür", classes: ["a", "b"], extra: { deep: [1] } };
    const { header, records, meta: read, metaProblems } = readModel(encodeModel(spec(meta)));
    expect(header).toMatchObject({ window: 4, frameSize: 3, outputSize: 3, outputScale: 0.25, outputTransform: 1 });
    expect(records.map(({ kernel }) => kernel)).toEqual(["INPUT", "POOL", "POOL"]);
    expect(records[1]!.fields).toMatchObject({ taps: 2, stride: 2, mode: 1, rowsOut: 2 });
    expect([...records[1]!.int32("aux")!.subarray(0, 3)]).toEqual([0, 2 ** 30, 2 ** 29]);
    expect(records[2]!.bytes("aux")).toBeUndefined();
    expect(read).toEqual(meta);
    expect(metaProblems).toEqual([]);
  });

  it("reads from any offset of a larger buffer", () => {
    const bytes = encodeModel(spec());
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    expect(readModel(shifted).records[0]!.int32("aux")).toEqual(readModel(bytes).records[0]!.int32("aux"));
  });

  it("drops metadata that it cannot understand and says so", () => {
    const odd = { name: 3, classes: ["a"], layers: [{ name: "x" }] } as unknown as ModelMeta;
    const { meta, metaProblems } = readModel(encodeModel(spec(odd)));
    expect(meta).toEqual({ classes: ["a"] });
    expect(metaProblems).toEqual(["meta key name has an unexpected type", "meta key layers has an unexpected type"]);
  });

  it("states begin with their special values and survive a round trip", () => {
    const model = readModel(encodeModel(spec()));
    const region = initialState(model);
    expect(readCounters(region, 1)).toMatchObject({ wait: 2, front: 2, real: 0 });
    expect(readCounters(region, 2)).toMatchObject({ wait: 2, front: 0 });
    const view = new DataView(region.buffer);
    const history = model.records[2]!.fields.state;
    expect([0, 2, 4, 6].map((at) => view.getInt16(history + at, true))).toEqual([-32768, -32768, -32768, 0]);
    expect(decodeState(model, encodeState(model, region))).toEqual(region);
  });

  it("covers every byte of a record with a field", () => {
    const sizes = { u8: 1, u16: 2, i16: 2, u32: 4, i32: 4 } as const;
    const covered = Object.values(RECORD).flatMap(([at, type]) =>
      Array.from({ length: sizes[type] }, (_, i) => at + i),
    );
    expect(covered.sort((a, b) => a - b)).toEqual(Array.from({ length: 96 }, (_, i) => i));
  });
});
