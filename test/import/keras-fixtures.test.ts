import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { FloatExecutor, foldGraph, type Graph, ImportError, importModel, memorySource } from "@gatelet/converter";
import { describe, expect, it } from "vitest";
import { makeRandom } from "./random.js";

/** What `fixtures/make_fixtures.py` writes: Keras' own answers, and the model as a tfjs converter writes it. */
interface Fixture {
  readonly inputs: readonly (readonly number[])[];
  readonly outputs: readonly (readonly number[])[];
  readonly model: unknown;
  readonly weights: string;
}

const folder = new URL("./fixtures/", import.meta.url);

function load(name: string): Uint8Array {
  const bytes = readFileSync(new URL(name, folder));
  return name.endsWith(".gz") ? gunzipSync(bytes) : bytes;
}

function worst(graph: Graph, { inputs, outputs }: Fixture, prepare = (frames: Float32Array) => frames): number {
  const windows = inputs.map((window) => prepare(Float32Array.from(window)));
  const differences = new FloatExecutor(graph).runBatch(windows).flatMap((output, index) => {
    expect(output.length).toBe(outputs[index].length);
    return outputs[index].map((value, i) => Math.abs(value - output[i]));
  });
  return Math.max(...differences);
}

const names = readdirSync(folder).filter((name) => name.endsWith(".json"));

describe.each(names.map((name) => name.slice(0, -5)))("Keras model %s", (name) => {
  const fixture = JSON.parse(new TextDecoder().decode(load(`${name}.json`))) as Fixture;
  const archive = name.endsWith("k3") ? `${name}.keras` : `${name}.h5.gz`;
  const fromArchive = () => importModel(memorySource("model", { model: load(archive) }));

  it("agrees with Keras, read from its own file", async () => {
    expect(worst(await fromArchive(), fixture)).toBeLessThanOrEqual(1e-5);
  });

  it("agrees with Keras, read as a tfjs converter writes it", async () => {
    const weights = new Uint8Array(Buffer.from(fixture.weights, "base64"));
    const files = { "a/model.json": JSON.stringify(fixture.model), "a/group1-shard1of1.bin": weights };
    const graph = await importModel(memorySource("a/model.json", files));
    expect(worst(graph, fixture)).toBeLessThanOrEqual(1e-5);
    expect(graph.provenance).toMatch(/^keras [23]\.\d+\.\d+ via TensorFlow.js Converter v4.22.0$/);
  });

  it("computes the same once folded", async () => {
    const { graph, inputNormalization: input } = foldGraph(await fromArchive());
    const normalize = (frames: Float32Array) => {
      if (input === null) return frames;
      const { scale, offset } = input;
      return frames.map((value, i) => value * scale[i % scale.length] + offset[i % scale.length]);
    };
    expect(worst(graph, fixture, normalize)).toBeLessThanOrEqual(1e-5);
  });
});

describe("broken archives", () => {
  it.each(["masking.k3.keras", "stacked.k2.h5.gz"])(
    "%s with wrong bytes is read or refused as an ImportError",
    async (name) => {
      const good = load(name);
      const random = makeRandom(name.length);
      const pick = (size: number) => Math.floor(((random() + 1) / 2) * size);
      for (let mutant = 0; mutant < 60; mutant++) {
        const bytes = mutant % 5 === 0 ? good.slice(0, pick(good.length)) : good.slice();
        // Most of an HDF5 file's structure stands in front.
        for (let i = 0; i < 3; i++) bytes[pick(bytes.length / (i + 1))] = pick(256);
        await importModel(memorySource("model", { model: bytes })).catch((error: unknown) => {
          expect(error).toBeInstanceOf(ImportError);
        });
      }
    },
  );
});
