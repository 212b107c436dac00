import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { convert, encodeFrame, encodingOf, folderSource, type QuantizeOptions } from "@gatelet/converter";
import { readModel } from "@gatelet/converter/format";
import { describe, expect, it } from "vitest";
import { missing, sharedFolder } from "../support/requirements.js";
import { runReference } from "./quantize-support.js";

const shared = sharedFolder() ?? "";
const STEPS = 50;
const CHANNELS = 6;

interface ModelFacts {
  readonly mean: number[];
  readonly std: number[];
  readonly input: [number, number];
  readonly split?: "random" | "subject";
}

function floats(path: string): Float32Array {
  const bytes = gunzipSync(readFileSync(path));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
const folder = (name: string) => `${shared}/models/${name}`;
const facts = (name: string) => JSON.parse(readFileSync(`${folder(name)}/meta.json`, "utf8")) as ModelFacts;
const every = <Item>(items: readonly Item[], count: number) =>
  Array.from({ length: count }, (_, i) => ({
    item: items[Math.floor(((i + 0.5) * items.length) / count)]!,
    index: Math.floor(((i + 0.5) * items.length) / count),
  }));

/** Raw windows of the HAPT recordings, calibration from the training part. */
function haptWindows(split: "random" | "subject", count: number, calibrationCount: number) {
  const bytes = gunzipSync(readFileSync(`${shared}/data/hapt/stream.i16.gz`));
  const stream = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const rows = gunzipSync(readFileSync(`${shared}/models/hapt-windows.csv.gz`))
    .toString()
    .trim()
    .split("\n")
    .slice(1);
  const column = split === "random" ? 2 : 3;
  const of = (part: string) =>
    rows
      .map((row) => row.split(","))
      .filter((row) => row[column] === part)
      .map((row) => {
        const start = Number(row[0]) * CHANNELS;
        return stream.subarray(start, start + STEPS * CHANNELS);
      });
  return {
    calibration: every(of("train"), calibrationCount).map(({ item }) => item),
    test: every(of("test"), count),
  };
}

function haptOptions(
  name: string,
  calibrationCount: number,
  count = 0,
): QuantizeOptions & { test: ReturnType<typeof haptWindows>["test"] } {
  const { mean, std, split = "random" } = facts(name);
  const channels = (
    JSON.parse(readFileSync(`${shared}/data/hapt/meta.json`, "utf8")) as { channels: { scale: number }[] }
  ).channels;
  const { calibration, test } = haptWindows(split, count, calibrationCount);
  return {
    calibration,
    test,
    calibrationUnit: "raw",
    inputTransform: { scale: channels.map(({ scale }) => scale), mean, std },
  };
}

const largest = (row: ArrayLike<number>) => Array.from(row).reduce((best, x, i, all) => (x > all[best]! ? i : best), 0);

describe.skipIf(missing("shared"))("models trained on recordings", () => {
  it.each(["hapt-lstm32", "hapt-gru32", "hapt-rnn32", "hapt-convgru", "hapt-cnn16"])(
    "%s decides as the float network",
    async (name) => {
      const options = haptOptions(name, 200, 40);
      const { bytes } = await convert(await folderSource(folder(name)), options);
      const reference = floats(`${folder(name)}/reference.f32.gz`);
      let agree = 0;
      let error = 0;
      for (const { item, index } of options.test) {
        const wanted = reference.subarray(13 * index, 13 * index + 13);
        const got = runReference(bytes, item);
        if (largest(got) === largest(wanted)) agree++;
        got.forEach((value, i) => {
          error += Math.abs(value - wanted[i]!) / (13 * options.test.length);
        });
      }
      expect(agree).toBeGreaterThanOrEqual(options.test.length - 1);
      expect(error).toBeLessThan(1.5e-3);
    },
  );

  it.each([
    ["hapt-lstm", 144_000, 80_000],
    ["hapt-gru", 111_000, 62_160],
    ["hapt-rnn", 136_000, 76_160],
  ] as const)("%s fits its bytes at 8 and 4 bits", async (name, eight, four) => {
    const options = {
      ...haptOptions(name, 32),
      meta: { name, classes: Array.from({ length: 13 }, (_, i) => `CLASS_NAME_${i}`) },
    };
    const source = await folderSource(folder(name));
    const { bytes, report } = await convert(source, options);
    const { header } = readModel(bytes);
    expect(bytes.length).toBeLessThanOrEqual(eight);
    expect(header.stateBytes + header.scratchBytes).toBeLessThanOrEqual(1_856);
    const small = await convert(source, { ...options, bits: 4 });
    expect(small.bytes.length).toBeLessThanOrEqual(four);
    expect(small.bytes.length / bytes.length).toBeLessThanOrEqual(0.56);
    expect(report.warnings).toEqual([]);
  });

  it.each(["digits-gru", "air-lstm", "wand-convgru"])("%s keeps its outputs", async (name) => {
    const { input } = facts(name);
    const size = input[0] * input[1];
    const cut = (all: Float32Array) =>
      Array.from({ length: all.length / size }, (_, i) => all.subarray(i * size, (i + 1) * size));
    const calibration = cut(floats(`${folder(name)}/calibration.f32.gz`)).slice(0, 200);
    const { bytes } = await convert(await folderSource(folder(name)), { calibration });
    const { meta } = readModel(bytes);
    const encoding = encodingOf({ scale: meta?.inputScale ?? [], offset: meta?.inputOffset ?? 0 }, input[1]);
    const reference = floats(`${folder(name)}/reference.f32.gz`);
    const windows = cut(floats(`${folder(name)}/inputs.f32.gz`));
    const outputs = reference.length / windows.length;
    let error = 0;
    for (const { item, index } of every(windows, 40)) {
      const raw = new Int16Array(size);
      for (let at = 0; at < size; at += input[1]) encodeFrame(encoding, item, at, raw.subarray(at, at + input[1]));
      runReference(bytes, raw).forEach((value, i) => {
        error += Math.abs(value - reference[outputs * index + i]!) / (40 * outputs);
      });
    }
    expect(error).toBeLessThan(3e-3);
  });

  it("air-lstm fed raw counts is as exact as with standardized floats", async () => {
    const { mean, std, input } = facts("air-lstm");
    const size = input[0] * input[1];
    const all = floats(`${folder("air-lstm")}/calibration.f32.gz`);
    const calibration = Array.from({ length: 200 }, (_, i) => all.subarray(i * size, (i + 1) * size));
    const scale = std.map((deviation) => (deviation > 100 ? 1 : 0.1));
    const raw = calibration.map((window) =>
      Int16Array.from(window, (x, i) =>
        Math.round((x * std[i % input[1]]! + mean[i % input[1]]!) / scale[i % input[1]]!),
      ),
    );
    const source = await folderSource(folder("air-lstm"));
    const ofFirst = async (options: QuantizeOptions) =>
      (await convert(source, options)).report.layers.find(({ kernel }) => kernel === "LSTM")?.sqnrDb ?? 0;
    const standardized = await ofFirst({ calibration });
    const counted = await ofFirst({ calibration: raw, calibrationUnit: "raw", inputTransform: { scale, mean, std } });
    expect(counted).toBeGreaterThan(standardized - 1);
    expect(standardized).toBeGreaterThan(40);
  });
});
