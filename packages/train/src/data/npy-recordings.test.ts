import { strToU8, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { readNpy } from "./npy.js";
import { npyRecordings, npzRecordings } from "./npy-recordings.js";

/** Writes a version 1 .npy file as NumPy does. */
function npy(dtype: string, shape: readonly number[], values: ArrayBufferView, order = "False"): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '${dtype}', 'fortran_order': ${order}, 'shape': (${tuple}), }`.padEnd(117) + "\n";
  const bytes = new Uint8Array(10 + header.length + values.byteLength);
  bytes.set([0x93, ...strToU8("NUMPY"), 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(strToU8(header), 10);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 10 + header.length);
  return bytes;
}

describe("readNpy", () => {
  it("reads every dtype it names", () => {
    expect(readNpy(npy("<f8", [2], Float64Array.of(1.5, -2)), "f").data).toEqual(Float64Array.of(1.5, -2));
    expect(readNpy(npy("<i8", [1], BigInt64Array.of(-7n)), "f").data).toEqual(Float64Array.of(-7));
    expect(readNpy(npy("|i1", [2], Int8Array.of(-1, 3)), "f").data).toEqual(Int16Array.of(-1, 3));
    expect(readNpy(npy("<i4", [1, 1], Int32Array.of(70000)), "f")).toMatchObject({ shape: [1, 1] });
  });

  it("refuses other files, dtypes, orders, versions and truncation by name", () => {
    const good = npy("<f4", [4], Float32Array.of(1, 2, 3, 4));
    expect(() => readNpy(strToU8("no array at all"), "f.npy")).toThrow("f.npy: not a .npy file (no NUMPY magic)");
    expect(() => readNpy(npy("<c8", [1], new Float64Array(1)), "f")).toThrow("dtype <c8 is not supported");
    expect(() => readNpy(npy(">f4", [1], new Float32Array(1)), "f")).toThrow("dtype >f4");
    expect(() => readNpy(npy("<f4", [1, 1], new Float32Array(1), "True"), "f")).toThrow("fortran order");
    expect(() => readNpy(good.subarray(0, good.length - 1), "f")).toThrow(/needs 144 bytes, file has 143/);
    const versioned = good.slice();
    versioned[6] = 9;
    expect(() => readNpy(versioned, "f")).toThrow(".npy version 9, supported are 1 to 3");
  });
});

describe("npyRecordings and npzRecordings", () => {
  it("reads [frames, channels] and [windows, frames, channels]", () => {
    expect(npyRecordings(npy("<i2", [2, 3], Int16Array.of(1, 2, 3, 4, 5, 6)), "f")).toMatchObject({
      channels: 3,
      sequences: [{ length: 2 }],
    });
    const windows = npyRecordings(npy("<f4", [2, 2, 1], Float32Array.of(1, 2, 3, 4)), "f");
    expect(windows.sequences.map((sequence) => [...sequence.samples])).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it("reads labels and targets of an archive", () => {
    const archive = zipSync({
      "x.npy": npy("<i2", [2, 2, 1], Int16Array.of(1, 2, 3, 4)),
      "y.npy": npy("<i8", [2], BigInt64Array.of(3n, 0n)),
      "targets.npy": npy("<f8", [2], Float64Array.of(0.5, 1.5)),
    });
    const recordings = npzRecordings(archive, "f.npz");
    expect(recordings.sequences.map((sequence) => sequence.labels)).toEqual([3, 0]);
    expect(recordings.sequences[1]!.targets).toEqual(Float32Array.of(Number.NaN, 1.5));
    expect(recordings.classes).toHaveLength(4);
  });

  it("refuses NaN, wrong ranks, wrong label counts and archives without frames", () => {
    expect(() => npyRecordings(npy("<f4", [2, 2], Float32Array.of(1, 2, Number.NaN, 4)), "f.npy")).toThrow(
      "f.npy: frame 1, channel 0: value is NaN, expected a finite number",
    );
    expect(() => npyRecordings(npy("<f4", [1, 1, 1, 1], Float32Array.of(1)), "f")).toThrow("shape (1, 1, 1, 1)");
    const x = npy("<i2", [2, 1], Int16Array.of(1, 2));
    const y = npy("<i4", [3], Int32Array.of(1, 2, 3));
    expect(() => npzRecordings(zipSync({ "x.npy": x, "y.npy": y }), "f")).toThrow(
      "3 labels for 1 sequences of 2 frames",
    );
    expect(() => npzRecordings(zipSync({ "p.npy": x, "q.npy": y }), "f")).toThrow("no array named x, frames");
    expect(() => npzRecordings(strToU8("junk"), "f.npz")).toThrow("f.npz: not a readable .npz archive");
  });
});
