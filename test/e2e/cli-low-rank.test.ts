import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FloatExecutor, openModel } from "@gatelet/converter";
import { readModel } from "@gatelet/converter/format";
import { Model } from "@gatelet/kernels";
import {
  argMax,
  buildNetwork,
  createRandom,
  loadTf,
  modelFiles,
  type PruneRow,
  readNetwork,
  saveModelFiles,
} from "@gatelet/train";
import { afterAll, describe, expect, it } from "vitest";
import { runCli, temporaryFolder } from "./cli-harness.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const FRAMES = 16;
const CHANNELS = 4;
const CLASSES = ["flat", "rising", "wave"];
const COUNTS = 1000;

/** Windows of counts, class by class: a slope, a wave or neither, seen by all channels with gains of their own, and noise. */
function windowsOf(count: number): { label: number; counts: Int16Array }[] {
  const random = createRandom(9);
  return Array.from({ length: count }, (_, i) => {
    const label = i % CLASSES.length;
    const phase = 6 * random.uniform();
    const counts = Int16Array.from({ length: FRAMES * CHANNELS }, (_, at) => {
      const frame = Math.floor(at / CHANNELS);
      const signal = label === 1 ? frame / 8 - 1 : label === 2 ? Math.sin(1.3 * frame + phase) : 0;
      return COUNTS * (signal * (1 + 0.3 * (at % CHANNELS)) + 0.25 * random.normal());
    });
    return { label, counts };
  });
}

/** A wide Dense layer that a product of four columns with four rows makes. */
async function writeModel(path: string): Promise<void> {
  const { tf } = await loadTf("cpu");
  const wide = tf.layers.dense({ units: 64, activation: "relu", name: "wide" });
  const layers = [tf.layers.flatten({ inputShape: [FRAMES, CHANNELS] }), wide];
  const head = tf.layers.dense({ units: CLASSES.length, activation: "softmax", name: "head" });
  const network = readNetwork(tf.sequential({ name: "wide", layers: [...layers, head] }));
  const [kernel] = network.layers[1].weights;
  const [rows, cols] = kernel.shape;
  const random = createRandom(4);
  const values = (size: number) => Float32Array.from({ length: size }, () => 0.3 * random.normal());
  const [left, right] = [values(rows * 4), values(4 * cols)];
  kernel.data.forEach((_, at) => {
    const [row, col] = [Math.floor(at / cols), at % cols];
    kernel.data[at] = [0, 1, 2, 3].reduce((sum, k) => sum + left[4 * row + k] * right[k * cols + col], 0);
  });
  await saveModelFiles(await modelFiles(tf, await buildNetwork(tf, network)), path, "start");
  const each = <T>(value: T): T[] => new Array<T>(CHANNELS).fill(value);
  const meta = { name: "wide", classes: CLASSES, inputScale: each(1 / COUNTS), mean: each(0), std: each(1) };
  await writeFile(join(path, "meta.json"), JSON.stringify(meta));
}

describe("gatelet prune --low-rank on a model in which it pays", () => {
  it("splits the wide matrix, and the file of the split network answers in the engine as its float model does", async () => {
    const model = folder.path("model");
    await writeModel(model);
    const windows = windowsOf(360);
    const lines = windows.flatMap(({ label, counts }, session) =>
      Array.from({ length: FRAMES }, (_, frame) =>
        [...counts.subarray(frame * CHANNELS, (frame + 1) * CHANNELS), CLASSES[label], session].join(","),
      ),
    );
    const data = folder.path("data.csv");
    await writeFile(data, ["a,b,c,d,label,session", ...lines].join("\n"));
    const output = folder.path("out");
    const cut = ["--data", data, "--window", `${FRAMES}`, "--split", "random", "--share", "0.25"];
    const epochs = ["--epochs", "8", "--sparse-epochs", "2", "--tune-epochs", "4", "--rate", "0.003"];
    const options = [...cut, ...epochs, "--low-rank", "0.1", "--no-board", "-o", output];
    const { code, stdout, stderr } = await runCli(["prune", model, ...options, "--json"]);
    expect(code, stderr).toBe(0);
    const rows: PruneRow[] = JSON.parse(stdout).rows;
    const of = (stage: string) => rows.find((row) => row.stage === stage) as PruneRow;
    const [before, split] = [of("reshaped int8"), of("low-rank int8")];
    const [matrix] = of("low-rank").matrices ?? [];
    expect(matrix).toMatchObject({ layer: "wide", rows: 64, cols: 48 });
    expect(matrix.rank).toBeLessThanOrEqual(12);
    expect(split.macs).toBe(before.macs - matrix.macsBefore + matrix.macs);
    expect(split.bytes).toBeLessThan(before.bytes - 500);
    // Block sizes are counted exactly.
    expect(Math.abs(before.bytes - split.bytes - (matrix.bytesBefore - matrix.bytes))).toBeLessThanOrEqual(32);
    expect(split.accuracy).toBeGreaterThan(before.accuracy - 0.02);
    expect(split.accuracy).toBeGreaterThan(0.95);

    const gate = await readFile(join(output, "low-rank.gate"));
    expect(readModel(gate).records.map(({ kernel }) => kernel)).toEqual([
      "INPUT",
      "RESHAPE",
      "DENSE",
      "DENSE",
      "DENSE",
    ]);
    const engine = await Model.load(gate);
    const float = new FloatExecutor(await openModel(join(output, "low-rank/best")));
    const agreeing = windows.filter(({ counts }) => {
      engine.reset();
      const answer = argMax(engine.run(counts).outputs);
      return answer === argMax(float.run(Float32Array.from(counts, (count) => count / COUNTS)));
    });
    expect(agreeing.length / windows.length).toBeGreaterThan(0.98);
  });
});
