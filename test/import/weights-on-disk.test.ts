import { describe, expect, it } from "vitest";
import { concatBytes, importError, importFiles, modelFiles, randomWeights, sequentialTopology } from "./handmade.js";

const TENSORS = [
  { name: "a/kernel", shape: [3, 4] },
  { name: "a/bias", shape: [4] },
  { name: "b/kernel", shape: [4, 2] },
  { name: "b/bias", shape: [2] },
];
const TOPOLOGY = sequentialTopology([
  { class_name: "Dense", config: { name: "a", units: 4, batch_input_shape: [null, 3] } },
  { class_name: "Dense", config: { name: "b", units: 2 } },
]);
const VALUES = randomWeights(TENSORS);

async function kernels(manifest: unknown, shards: Record<string, Uint8Array>): Promise<Float32Array[]> {
  const json = JSON.stringify({ modelTopology: TOPOLOGY, weightsManifest: manifest });
  const graph = await importFiles({ "model.json": json, ...shards });
  return graph.nodes.flatMap((node) => (node.op === "dense" ? [node.weights.data, node.bias.data] : []));
}

describe("weights on disk", () => {
  it("joins the shards of a group wherever they are cut", async () => {
    const bytes = concatBytes(VALUES);
    const weights = TENSORS.map((tensor) => ({ ...tensor, dtype: "float32" }));
    for (const cut of [1, 47, 48, 49, 100]) {
      const shards = { one: bytes.slice(0, cut), two: bytes.slice(cut) };
      expect(await kernels([{ paths: ["one", "two"], weights }], shards)).toEqual(VALUES);
    }
  });

  it("reads several groups", async () => {
    const weights = TENSORS.map((tensor) => ({ ...tensor, dtype: "float32" }));
    const groups = [
      { paths: ["g1"], weights: weights.slice(2) },
      { paths: ["g2"], weights: weights.slice(0, 2) },
    ];
    const shards = { g1: concatBytes(VALUES.slice(2)), g2: concatBytes(VALUES.slice(0, 2)) };
    expect(await kernels(groups, shards)).toEqual(VALUES);
  });

  it.each([
    ["uint8", Uint8Array, 255],
    ["uint16", Uint16Array, 65535],
  ] as const)("dequantizes %s as tfjs does", async (dtype, Type, top) => {
    const quantized = VALUES.map((values, index) => {
      const min = Math.min(...values);
      const scale = (Math.max(...values) - min) / top || 1;
      const codes = new Type(Array.from(values, (value) => Math.round((value - min) / scale)));
      const quantization = { dtype, min, scale, original_dtype: "float32" };
      return { codes, entry: { ...TENSORS[index], dtype: "float32", quantization }, min, scale };
    });
    const bytes = concatBytes(quantized.map(({ codes }) => codes));
    const read = await kernels([{ paths: ["w"], weights: quantized.map(({ entry }) => entry) }], { w: bytes });
    read.forEach((values, index) => {
      const { codes, scale, min } = quantized[index];
      expect(values).toEqual(Float32Array.from(codes, (code) => code * scale + min));
    });
  });

  it("reads float16, subnormals included, and int32", async () => {
    // 1, -2, 65504, 2^-24, 0.333251953125, ...
    const halves = Uint16Array.from([0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555, 0x0000, 0x0400, 0xbc00, 0x4248, 0, 0, 0]);
    const weights = TENSORS.map((tensor, index) =>
      index === 0
        ? { ...tensor, dtype: "float32", quantization: { dtype: "float16", original_dtype: "float32" } }
        : { ...tensor, dtype: index === 1 ? "int32" : "float32" },
    );
    const bytes = concatBytes([halves, Int32Array.from([1, -2, 3, 70000]), VALUES[2], VALUES[3]]);
    const read = await kernels([{ paths: ["w"], weights }], { w: bytes });
    expect(Array.from(read[0].slice(0, 9))).toEqual([
      1,
      -2,
      65504,
      2 ** -24,
      0.333251953125,
      0,
      2 ** -14,
      -1,
      3.140625,
    ]);
    expect(Array.from(read[1])).toEqual([1, -2, 3, 70000]);
  });

  it("refuses a type it does not know", async () => {
    const weights = TENSORS.map((tensor) => ({ ...tensor, dtype: "complex64" }));
    const error = await importError(kernels([{ paths: ["w"], weights }], { w: new Uint8Array(8) }));
    expect(error.code).toBe("WEIGHT_DTYPE");
    expect(error.message).toContain("weight a/kernel is stored as complex64");
  });

  it("refuses a name that stands twice", async () => {
    const files = modelFiles(TOPOLOGY, [...TENSORS.slice(0, 3), TENSORS[2]], [...VALUES.slice(0, 3), VALUES[2]]);
    expect((await importError(importFiles(files))).code).toBe("WEIGHT_AMBIGUOUS");
  });
});
