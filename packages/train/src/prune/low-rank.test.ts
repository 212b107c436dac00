import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convert, openModel } from "@gatelet/converter";
import type { LayersModel, Tensor } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { createRandom } from "../data/random.js";
import { gru } from "../layers/gru.js";
import { buildPreset } from "../networks/presets.js";
import { loadTf, type Tf } from "../tf/load-tf.js";
import { modelFiles, saveModelFiles } from "../tf/model-files.js";
import { layerInputs } from "./layer-inputs.js";
import { lowRankNetwork } from "./low-rank.js";
import { buildNetwork, type Network, networkCost, readNetwork } from "./network.js";
import { singularValues } from "./svd.js";

let tf: Tf;
beforeAll(async () => {
  ({ tf } = await loadTf("wasm"));
});

const random = createRandom(5);
const normals = (length: number) => Float32Array.from({ length }, () => random.normal());

/** [rows, cols] of the given rank. */
function matrixOfRank(rows: number, cols: number, rank: number): Float32Array {
  const [a, b] = [normals(rows * rank), normals(rank * cols)];
  const scale = 1 / Math.sqrt(rank * rows);
  return Float32Array.from({ length: rows * cols }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += a[Math.floor(at / cols) * rank + k] * b[k * cols + (at % cols)];
    return sum * scale;
  });
}

/** The network with kernels of low rank in the named layers. */
function withRank(network: Network, ranks: Readonly<Record<number, number>>): Network {
  const layers = network.layers.map((layer, i) => {
    if (ranks[i] === undefined) return layer;
    const [{ shape }, ...rest] = layer.weights;
    return { ...layer, weights: [{ shape, data: matrixOfRank(shape[0], shape[1], ranks[i]) }, ...rest] };
  });
  return { ...network, layers };
}

const answers = (model: LayersModel, x: Tensor) => Array.from((model.predict(x) as Tensor).dataSync());

async function gateOf(model: LayersModel) {
  const folder = await mkdtemp(join(tmpdir(), "low-rank-"));
  try {
    await saveModelFiles(await modelFiles(tf, model), folder, "final");
    const graph = await openModel(folder);
    const [, steps, channels] = model.inputs[0].shape as number[];
    const windows = Array.from({ length: 8 }, () => normals(steps * channels));
    return await convert(graph, { calibration: windows });
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("singular values", () => {
  it.each([
    [5, 9],
    [9, 5],
    [6, 6],
  ])("of %i x %i multiply out to the matrix, with orthonormal vectors, falling", (rows, cols) => {
    const data = normals(rows * cols);
    const { values, left, right } = singularValues(data, rows, cols);
    data.forEach((value, at) => {
      const sum = left.reduce((total, u, k) => total + u[Math.floor(at / cols)] * values[k] * right[k][at % cols], 0);
      expect(sum).toBeCloseTo(value, 9);
    });
    left.forEach((u, i) => {
      left.forEach((other, j) => {
        expect(u.reduce((sum, value, n) => sum + value * other[n], 0)).toBeCloseTo(i === j ? 1 : 0, 9);
      });
    });
    expect([...values]).toEqual([...values].sort((a, b) => b - a));
  });

  it("of a matrix of rank 3 are three", () => {
    const { values, left } = singularValues(Float64Array.from(matrixOfRank(12, 20, 3)), 12, 20);
    expect(values[3] / values[2]).toBeLessThan(1e-5);
    expect(singularValues(new Float64Array(12), 3, 4).left).toEqual([]);
    expect(left.length).toBeGreaterThanOrEqual(3);
  });
});

describe("low-rank networks", () => {
  it("answer as before where the matrices are of low rank, with fewer multiplications and a smaller file", async () => {
    const model = tf.sequential({
      layers: [
        gru(tf, { units: 48, returnSequences: true, inputShape: [6, 3], seed: 1 }),
        gru(tf, { units: 32, seed: 2, resetAfter: false }),
        tf.layers.dense({ units: 40, activation: "relu", name: "wide" }),
        tf.layers.dense({ units: 4 }),
      ],
    });
    const network = withRank(readNetwork(model), { 1: 8, 2: 4 });
    const { network: split, matrices } = lowRankNetwork(network, { error: 0.01 });
    expect(matrices.map(({ rows, cols, rank }) => [rows, cols, rank])).toEqual([
      [48, 96, 8],
      [32, 40, 4],
    ]);
    expect(split.layers.map(({ className }) => className)).toEqual([
      "GateletGRU",
      "Dense",
      "GateletGRU",
      "Dense",
      "Dense",
      "Dense",
    ]);
    const [before, after] = [await buildNetwork(tf, network), await buildNetwork(tf, split)];
    const x = tf.randomNormal([4, 6, 3], 0, 1, "float32", 3);
    const expected = answers(before, x);
    answers(after, x).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 4);
    });
    const saved = (key: "macs" | "macsBefore") => 6 * matrices[0][key] + matrices[1][key];
    expect(networkCost(network).macs - networkCost(split).macs).toBe(saved("macsBefore") - saved("macs"));
    expect(after.countParams()).toBe(networkCost(split).parameters);
    const [whole, low] = [await gateOf(before), await gateOf(after)];
    const planned = matrices.reduce((sum, { bytes, bytesBefore }) => sum + bytesBefore - bytes, 0);
    const records = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getUint16(24, true);
    expect(records(low.bytes)).toBe(records(whole.bytes) + 2);
    // META names two more layers.
    expect(whole.bytes.length - low.bytes.length).toBeGreaterThan(planned - 512);
    expect(low.bytes.length).toBeLessThan(whole.bytes.length);
  });

  it("keep the products with the inputs that really come: full-rank matrices behind inputs of low rank lose nothing", async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 6, inputShape: [8, 6] }),
        tf.layers.dense({ units: 40, name: "copies" }),
        gru(tf, { units: 24, seed: 3 }),
        tf.layers.dense({ units: 3 }),
      ],
    });
    const windows = normals(50 * 8 * 6);
    const set = { inputs: windows, targets: new Float32Array(150), count: 50, shape: [8, 6], outputs: 3, rows: 1 };
    const inputs = layerInputs(tf, model, set);
    expect([...inputs].map(([place, rows]) => [place, rows.length])).toEqual([
      [0, 400 * 6],
      [1, 400 * 6],
      [2, 400 * 40],
      [3, 50 * 24],
    ]);
    expect(inputs.get(0)).toEqual(windows);
    const network = readNetwork(model);
    expect(lowRankNetwork(network, { error: 0.01 }).matrices).toEqual([]);
    const { network: split, matrices } = lowRankNetwork(network, { error: 0.01, inputs });
    expect(matrices).toMatchObject([{ rows: 40, cols: 72, rank: 6 }]);
    const x = tf.tensor(windows, [50, 8, 6]);
    const expected = answers(model, x);
    answers(await buildNetwork(tf, split), x).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 4);
    });
  });

  it("take the least rank that keeps the error, and leave alone what does not pay", () => {
    const network = readNetwork(
      buildPreset(tf, "lstm", { steps: 6, channels: 3, outputs: 2, units: [40, 24], dense: [24] }),
    );
    const found = lowRankNetwork(network, { error: 0.6 });
    expect(found.matrices.length).toBeGreaterThan(0);
    for (const { error, rank, rows, cols } of found.matrices) {
      expect(error).toBeLessThanOrEqual(0.6);
      expect(rank % 4).toBe(0);
      expect(rank * (rows + cols)).toBeLessThan(rows * cols);
    }
    // The first layer has three inputs, the last two outputs: no rank pays.
    expect(lowRankNetwork(network, { error: 0 })).toEqual({ network, matrices: [] });
    const only = lowRankNetwork(network, { error: 0.7, layers: [String(network.layers[1].config["name"])] });
    expect(only.matrices.map(({ layer }) => layer)).toEqual([network.layers[1].config["name"]]);
    expect(() => lowRankNetwork(network, { error: 1 })).toThrow("error of low-rank matrices is 1");
  });
});
