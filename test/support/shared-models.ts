import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { sharedFolder } from "./requirements.js";

/** A model's `meta.json`, as far as tests use it. */
export interface SharedModelMeta {
  readonly name: string;
  /** [steps, channels] of a window. */
  readonly input: readonly [number, number];
  /** Normalization of HAPT models: network input = (physical - mean) / std. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly test_windows: number;
  readonly float_accuracy?: number;
  readonly split?: "random" | "subject";
  readonly target_mean?: number;
  readonly target_std?: number;
  readonly rmse?: number;
}

/** One trained model of the shared folder with its data; everything is read when it is first asked for. */
export interface SharedModel {
  readonly name: string;
  /** Folder of the model, for `openModel`. */
  readonly folder: string;
  readonly meta: SharedModelMeta;
  readonly steps: number;
  readonly channels: number;
  /** Values in one row of the reference outputs. */
  readonly outputs: number;
  readonly testCount: number;
  /** Test window as the network's input: [steps * channels], normalized. */
  testWindow(index: number): Float32Array;
  /** Test window as raw int16 counts [steps * channels]; HAPT models only (TypeError otherwise). */
  rawTestWindow(index: number): Int16Array;
  /** Reference output of a test window, softmax or regression value: [outputs]. */
  reference(index: number): Float32Array;
  /** True class of a test window; throws TypeError for the regression model. */
  label(index: number): number;
  /** True value of a test window (standardized); the regression model only. */
  target(index: number): number;
  /** `count` windows for calibration, spread evenly over the training windows: network inputs. */
  calibrationWindows(count: number): Float32Array[];
  /** The same windows as raw int16 counts; HAPT models only. */
  rawCalibrationWindows(count: number): Int16Array[];
}

/** The raw HAPT recordings: int16 [samples * 6], the physical value of one count per channel. */
export interface HaptRecording {
  readonly samples: Int16Array;
  readonly scales: readonly number[];
}

const HAPT_STEPS = 50;
const HAPT_CHANNELS = 6;

function shared(path: string): string {
  const folder = sharedFolder();
  if (folder === undefined) throw new Error("the shared folder is missing: guard the test with missing('shared')");
  return `${folder}/${path}`;
}

function unzip(path: string): Buffer {
  return gunzipSync(readFileSync(shared(path)));
}

function readFloats(path: string): Float32Array {
  const bytes = unzip(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function once<Value>(make: () => Value): () => Value {
  let value: { readonly made: Value } | undefined;
  return () => (value ??= { made: make() }).made;
}

const recording = once((): HaptRecording => {
  const bytes = unzip("data/hapt/stream.i16.gz");
  const meta = JSON.parse(readFileSync(shared("data/hapt/meta.json"), "utf8")) as {
    channels: readonly { readonly scale: number }[];
  };
  return {
    samples: new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)),
    scales: meta.channels.map((channel) => channel.scale),
  };
});

/** All HAPT sessions one after another (see data/hapt). */
export function haptRecording(): HaptRecording {
  return recording();
}

interface HaptWindow {
  readonly start: number;
  readonly label: number;
  readonly random: string;
  readonly subject: string;
}

const haptWindows = once((): HaptWindow[] => {
  const [, ...lines] = unzip("models/hapt-windows.csv.gz").toString("utf8").trim().split("\n");
  return lines.map((line) => {
    const [start, label, random, subject] = line.trim().split(",");
    return { start: Number(start), label: Number(label), random, subject };
  });
});

/** Names of all trained models of the shared folder; empty where the folder is absent. */
export function sharedModelNames(): string[] {
  const folder = sharedFolder();
  if (folder === undefined) return [];
  return readdirSync(`${folder}/models`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "peers")
    .map((entry) => entry.name)
    .sort();
}

/** The eight models that classify HAPT windows of 50 frames of 6 channels. */
export function haptModelNames(): string[] {
  return sharedModelNames().filter((name) => name.startsWith("hapt-"));
}

/** `count` of `all`, evenly spread, the first among them. */
export function spread<Item>(all: readonly Item[], count: number): Item[] {
  const taken = Math.min(count, all.length);
  return Array.from({ length: taken }, (_, index) => all[Math.floor((index * all.length) / taken)]);
}

/** Opens a model of the shared folder. Throws where the folder is missing; `missing("shared")` tells beforehand. */
export function sharedModel(name: string): SharedModel {
  const folder = shared(`models/${name}`);
  const meta = JSON.parse(readFileSync(`${folder}/meta.json`, "utf8")) as SharedModelMeta;
  const [steps, channels] = meta.input;
  const references = once(() => readFloats(`models/${name}/reference.f32.gz`));
  const outputs = references().length / meta.test_windows;
  const base = {
    name,
    folder,
    meta,
    steps,
    channels,
    outputs,
    testCount: meta.test_windows,
    reference: (index: number) => references().subarray(index * outputs, (index + 1) * outputs),
  };
  return { ...base, ...(name.startsWith("hapt-") ? haptData(meta) : storedData(name, meta)) };
}

type DataPart = Omit<
  SharedModel,
  "name" | "folder" | "meta" | "steps" | "channels" | "outputs" | "testCount" | "reference"
>;

function haptData(meta: SharedModelMeta): DataPart {
  const split = meta.split ?? "subject";
  const part = (which: string) => once(() => haptWindows().filter((window) => window[split] === which));
  const test = part("test");
  const train = part("train");
  const raw = (window: HaptWindow) =>
    haptRecording().samples.subarray(window.start * HAPT_CHANNELS, (window.start + HAPT_STEPS) * HAPT_CHANNELS);
  // In float32 step by step, as the networks got their inputs in training.
  const normalize = (window: HaptWindow) => {
    const { scales } = haptRecording();
    return Float32Array.from(raw(window), (count, index) => {
      const channel = index % HAPT_CHANNELS;
      const physical = Math.fround(count * Math.fround(scales[channel]));
      return Math.fround(physical - meta.mean[channel]) / meta.std[channel];
    });
  };
  return {
    testWindow: (index) => normalize(test()[index]),
    rawTestWindow: (index) => raw(test()[index]),
    label: (index) => test()[index].label,
    target: () => {
      throw new TypeError("HAPT models classify: they have labels, no targets");
    },
    calibrationWindows: (count) => spread(train(), count).map(normalize),
    rawCalibrationWindows: (count) => spread(train(), count).map(raw),
  };
}

function storedData(name: string, meta: SharedModelMeta): DataPart {
  const size = meta.input[0] * meta.input[1];
  const inputs = once(() => readFloats(`models/${name}/inputs.f32.gz`));
  const calibration = once(() => {
    const all = readFloats(`models/${name}/calibration.f32.gz`);
    return Array.from({ length: all.length / size }, (_, index) => all.subarray(index * size, (index + 1) * size));
  });
  const labels = once(() => unzip(`models/${name}/labels.u8.gz`));
  const targets = once(() => readFloats(`models/${name}/targets.f32.gz`));
  const noRaw = (): never => {
    throw new TypeError(`${name} has no raw int16 windows`);
  };
  return {
    testWindow: (index) => inputs().subarray(index * size, (index + 1) * size),
    rawTestWindow: noRaw,
    label: (index) => labels()[index],
    target: (index) => targets()[index],
    calibrationWindows: (count) => spread(calibration(), count),
    rawCalibrationWindows: noRaw,
  };
}
