import { basename } from "node:path";
import { type ConvertedModel, convert, openModel } from "@gatelet/converter";
import {
  cutWindows,
  type Recordings,
  sampleWindows,
  type WindowRef,
  type WindowSet,
  windowSamples,
} from "@gatelet/train";
import type { Budget } from "../budget.js";
import { CliError } from "../cli-error.js";
import { type DataOptions, loadData, loadWindows, splitOf } from "../load-data.js";
import { flatChannels, type InputScaling, scalingFor } from "./input-scaling.js";
import { type ModelFacts, readModelFacts } from "./model-facts.js";

export interface ConversionRequest {
  /** Path of a `model.json`, `.keras` or `.h5` file, or a folder with one. */
  readonly model: string;
  /** Path of calibration data; absent: ranges come from noise, weights are rounded plainly. */
  readonly calibrate?: string;
  readonly data: DataOptions;
  /** Path of the facts file; absent: `meta.json` beside the model. */
  readonly facts?: string;
  readonly bits: 8 | 4;
  readonly mixed: boolean;
  readonly budget: Budget;
  readonly window?: number;
  readonly stream: boolean;
  /** Without META. */
  readonly strip: boolean;
  /** Most windows that calibration looks at. */
  readonly calibrationWindows: number;
  readonly onProgress?: (stage: string, done: number) => void;
  readonly onWarning?: (text: string) => void;
}

/** Frames of the pieces of a recording that calibrate a stream model. */
const STREAM_PIECE = 256;

/**
 * Converts a trained model with calibration data into a `.gate` file.
 * Throws what importer, data readers and quantizer throw, each with a literal `code`; CliError where they do not fit
 * together.
 */
export async function convertModel(request: ConversionRequest): Promise<ConvertedModel> {
  const { model, budget, bits } = request;
  const warn = request.onWarning ?? (() => {});
  const graph = await openModel(model, {
    warn,
    ...(request.window === undefined ? {} : { window: request.window }),
    ...(request.stream ? { stream: true } : {}),
  });
  const facts = await readModelFacts(model, request.facts);
  const frameSize = graph.nodes[0]!.shape.cols;
  checkFacts(facts, frameSize, graph.nodes[graph.output]!.shape.cols);
  const common = {
    bits,
    ...(request.mixed ? { mixed: { flashBytes: mixedBudget(budget) } } : {}),
    budget: {
      ...(budget.ramBytes === undefined ? {} : { arenaBytes: budget.ramBytes }),
      ...(budget.flashBytes === undefined ? {} : { flashBytes: budget.flashBytes }),
    },
    onProgress: ({ stage, done }: { stage: string; done: number }) => request.onProgress?.(stage, done),
  };
  if (request.calibrate === undefined) {
    const scale =
      facts.inputScale === undefined
        ? {}
        : { inputTransform: transformOf({ scale: facts.inputScale, offset: [] }, facts) };
    return convert(graph, { ...common, ...scale, meta: request.strip ? false : metaOf(facts, undefined) });
  }
  const recordings = await loadData(request.calibrate, request.data, { frameSize, ...facts });
  warnOfFlatChannels(recordings, basename(request.calibrate), warn);
  const set = sampleWindows(
    await calibrationWindows(recordings, graph.window, request.data, warn),
    request.calibrationWindows,
  );
  const scaling = scalingFor(recordings, facts.inputScale);
  return convert(graph, {
    ...common,
    ...calibrationOf(set, scaling, facts),
    inputTransform: transformOf(scaling, facts),
    meta: request.strip ? false : metaOf(factsFed(facts, request.data), recordings),
  });
}

/** The facts with the names of the channels that were chosen: what is fed is called what it is. */
function factsFed(facts: ModelFacts, { channels }: DataOptions): ModelFacts {
  return channels === undefined ? facts : { ...facts, features: channels };
}

function mixedBudget(budget: Budget): number {
  if (budget.flashBytes !== undefined) return budget.flashBytes;
  throw new CliError("USAGE", "--mixed chooses bits under a flash budget: give --flash or --board");
}

function checkFacts(facts: ModelFacts, frameSize: number, outputSize: number): void {
  const check = (name: string, list: readonly unknown[] | undefined, size: number, of: string) => {
    if (list === undefined || list.length === size) return;
    throw new CliError("MODEL_MISMATCH", `meta.json: ${list.length} ${name} for a model of ${size} ${of}`);
  };
  check("means", facts.mean, frameSize, "input values");
  check("features", facts.features, frameSize, "input values");
  check("input scales", facts.inputScale, frameSize, "input values");
  if (outputSize > 1) check("classes", facts.classes, outputSize, "outputs");
}

/** Windows for calibration: those of the training split; pieces of recordings for a stream model. */
async function calibrationWindows(
  recordings: Recordings,
  window: number | null,
  options: DataOptions,
  warn: (text: string) => void,
): Promise<WindowSet> {
  if (options.windows !== undefined && window !== null) return loadWindows(recordings, window, "train", options);
  const training = splitOf(recordings, "train");
  if (window !== null) {
    const set = cutWindows(unlabelled(training), { length: window, hop: options.hop ?? Math.max(1, window >> 1) });
    if (set.skippedMissing > 0) warn(`${set.skippedMissing} calibration windows with missing values are left out`);
    return set;
  }
  const shortest = training.sequences.reduce((least, sequence) => Math.min(least, sequence.length), STREAM_PIECE);
  return cutWindows(unlabelled(training), { length: shortest, hop: shortest });
}

/** Calibration needs no labels: with them, frames without one would be left out. */
function unlabelled(recordings: Recordings): Recordings {
  const sequences = recordings.sequences.map(({ labels: _, targets: __, ...sequence }) => sequence);
  return { ...recordings, sequences };
}

function calibrationOf(set: WindowSet, scaling: InputScaling, facts: ModelFacts) {
  const { rawScale } = set.recordings;
  const isRaw = set.recordings.sequences[0]!.samples instanceof Int16Array;
  const padding = paddingOf(rawScale, facts.mean);
  const read = (window: WindowRef) => windowSamples(set, window, padding);
  if (isRaw) return { calibration: set.windows.map(read), calibrationUnit: "raw" as const };
  const { length } = scaling.scale;
  const physical = (samples: ArrayLike<number>) =>
    Float32Array.from(samples, (value, i) => value * rawScale[i % length]!);
  return { calibration: set.windows.map((window) => physical(read(window))), calibrationUnit: "physical" as const };
}

/** Stored value of a frame in front of a short sequence: what the network sees as zero. */
export function paddingOf(rawScale: readonly number[], mean: readonly number[] | undefined): number[] {
  return rawScale.map((scale, c) => (mean?.[c] ?? 0) / scale);
}

function transformOf(scaling: InputScaling, { mean, std }: ModelFacts) {
  return {
    scale: scaling.scale,
    ...(scaling.offset.some((value) => value !== 0) ? { offset: scaling.offset } : {}),
    ...(mean === undefined || std === undefined ? {} : { mean, std }),
  };
}

function metaOf(facts: ModelFacts, recordings: Recordings | undefined) {
  const known = recordings?.units.some((unit) => unit !== "") ? recordings.units : facts.units;
  const frameRate = facts.frameRate ?? recordings?.rateHz;
  const counts = recordings?.sequences[0]?.samples instanceof Int16Array;
  return {
    ...(facts.name === undefined ? {} : { name: facts.name }),
    ...(facts.classes === undefined ? {} : { classes: facts.classes }),
    ...featuresOf(facts, recordings),
    ...(facts.outputs === undefined ? {} : { outputs: facts.outputs }),
    ...(known === undefined ? {} : { units: known }),
    ...(frameRate === undefined ? {} : { frameRate }),
    ...(recordings === undefined ? {} : { frames: counts ? "counts" : "physical" }),
    ...(facts.targetMean === undefined ? {} : { target: { mean: facts.targetMean, std: facts.targetStd ?? 1 } }),
  };
}

/** Names from the facts, else from the data where these have names of their own. */
function featuresOf(facts: ModelFacts, recordings: Recordings | undefined): { features?: readonly string[] } {
  if (facts.features !== undefined) return { features: facts.features };
  if (recordings === undefined || recordings.featureNames.every((name, i) => name === `x${i}`)) return {};
  return { features: recordings.featureNames };
}

function warnOfFlatChannels(recordings: Recordings, file: string, warn: (text: string) => void): void {
  for (const name of flatChannels(recordings)) {
    warn(`${name} never changes in ${file}: the model was calibrated for one value of it only`);
  }
}
