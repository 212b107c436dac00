import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LayersModel } from "@tensorflow/tfjs";
import { type AugmentOptions, createAugment } from "../data/augment.js";
import { type Balance, balanceSet } from "../data/balance.js";
import { continuousSet, type FrameLabelOptions, streamSet } from "../data/frame-labels.js";
import { loadRecordings, readUnpacked } from "../data/load.js";
import {
  classificationSet,
  fitNormalization,
  type Normalization,
  regressionSet,
  targetSpread,
} from "../data/prepare.js";
import type { Recordings } from "../data/recordings.js";
import { smoteFrames } from "../data/smote-frames.js";
import { type DataSplit, refuseLeaks, type SplitKind, splitWindows, stratifiedFolds } from "../data/splits.js";
import { channelAsTarget, scaleBareCounts, selectChannels } from "../data/transforms.js";
import { cutWindows, listedWindows, type WindowSet } from "../data/windows.js";
import { buildPreset, type PresetName } from "../networks/presets.js";
import { type BackendName, loadTf, type Tf } from "../tf/load-tf.js";
import { loadModelFiles } from "../tf/model-files.js";
import { TrainError } from "../training/errors.js";
import { predictAll, type Scores, scoreAnswers } from "../training/predict.js";
import { type TrainOptions, type TrainProgress, trainModel } from "../training/train-model.js";
import type { TrainingSet } from "../training/training-set.js";
import { writeWhole } from "../training/write-whole.js";

/** Where samples come from; plain data, so that it can be sent to a worker and compared. */
export interface JobData {
  readonly path: string;
  readonly labelColumn?: string;
  readonly sessionColumn?: string;
  readonly channels?: readonly string[];
  /** Channel or column to predict: regression. */
  readonly target?: string;
  readonly ahead?: number;
  /** Frames in a window. */
  readonly window: number;
  readonly hop?: number;
  /** Table of windows with a split column, instead of cutting. */
  readonly windowTable?: { readonly path: string; readonly column: string };
  readonly split: SplitKind;
  readonly test?: number;
  readonly validation?: number;
  /** Cross-validation: the test part is this fold of so many, by people or at random as `split` says; no validation part. */
  readonly fold?: { readonly index: number; readonly count: number };
  /** Keep windows without a label as a class of their own. */
  readonly keepUnlabelled?: boolean;
  /** Let parts share frames: flatters; for repeating what others published. */
  readonly allowLeaks?: boolean;
  /** Class names in the order of a trained model's outputs: a CSV file's labels are taken in this order. */
  readonly classes?: readonly string[];
  /** Physical value of a raw count, per channel fed, where the data themselves do not say: a trained model's. */
  readonly inputScale?: readonly number[];
  /** Balance classes by made-up time steps before windows are cut; flatters too. */
  readonly smoteFrames?: boolean;
}

/** One training, complete and as plain data. */
export interface TrainJob {
  readonly data: JobData;
  readonly model:
    | {
        readonly preset: PresetName;
        readonly units?: readonly number[];
        readonly dense?: readonly number[];
        readonly dropout?: number;
      }
    | { readonly topology: string };
  /**
   * An answer a frame. `stateful`: recordings are walked through piece by piece with the state kept (truncated
   * back-propagation through time), and scored so; else pieces are independent and begin cold.
   */
  readonly stream?: FrameLabelOptions & { readonly warmUp?: number; readonly stateful?: boolean };
  readonly balance?: Balance;
  readonly augment?: AugmentOptions;
  readonly training: Pick<
    TrainOptions,
    "epochs" | "batchSize" | "learningRate" | "schedule" | "patience" | "monitor" | "weightDecay" | "clipNorm"
  >;
  readonly seed: number;
  readonly backend?: BackendName;
  /** At most so many training windows, spread evenly; for quick looks. */
  readonly limit?: number;
}

export interface TrainJobResult {
  readonly parameters: number;
  readonly epochs: number;
  readonly bestEpoch: number;
  readonly validation: Scores;
  readonly test: Scores;
  readonly windows: { readonly train: number; readonly validation: number; readonly test: number };
  readonly seconds: number;
  readonly backend: string;
  readonly resumedAt: number;
}

export interface JobHooks {
  readonly onProgress?: (progress: TrainProgress) => void;
  /** A remark for the user, e.g. the choice of the back end. */
  readonly onNote?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** Samples of a job, ready for any network. */
export interface JobSamples {
  readonly recordings: Recordings;
  readonly windows: WindowSet;
  readonly train: TrainingSet;
  readonly validation: TrainingSet | undefined;
  readonly test: TrainingSet;
  readonly normalization: Normalization;
  readonly target?: { readonly mean: number; readonly std: number };
  /** Whole recordings of the parts, for streams. */
  readonly streams?: { readonly train: Recordings; readonly test: Recordings };
  /** Places of the parts' windows; empty for streams. */
  readonly indices: { readonly train: Uint32Array; readonly validation: Uint32Array; readonly test: Uint32Array };
}

/** What decides the samples of a job. */
export type SampleJob = Pick<TrainJob, "data" | "stream" | "seed" | "limit"> & Partial<Pick<TrainJob, "training">>;

/** Reads, windows, splits, normalizes. Throws DataError, TrainError (`SPLIT_LEAK` where parts share frames). */
export async function prepareSamples(job: SampleJob, known?: Normalization): Promise<JobSamples> {
  return samplesOf(await loadJobRecordings(job.data), job, known);
}

/**
 * The same for recordings that are there already.
 * @param known normalization of a model that is trained already; default: fitted on the training windows
 */
export async function samplesOf(recordings: Recordings, job: SampleJob, known?: Normalization): Promise<JobSamples> {
  const { data } = job;
  const windows = await jobWindows(data, recordings);
  const shares = {
    ...(data.test === undefined ? {} : { test: data.test }),
    ...(data.validation === undefined ? {} : { validation: data.validation }),
  };
  const split =
    data.fold === undefined
      ? splitWindows(windows, { by: data.split, seed: job.seed, ...shares })
      : foldSplit(windows, data.split, data.fold);
  if (data.allowLeaks !== true) refuseLeaks(windows, split, data.split);
  if (job.stream !== undefined) return streamSamples(job, recordings, windows, split);
  const limit = job.limit ?? Number.POSITIVE_INFINITY;
  const every = Math.max(1, split.train.length / limit);
  const learn = split.train.filter((_, i) => Math.floor(i / every) !== Math.floor((i - 1) / every));
  const indices = { ...split, train: learn };
  const normalization = known ?? fitNormalization(windows, learn);
  const target = data.target === undefined ? undefined : targetSpread(windows, learn);
  const toSet = (part: Uint32Array): TrainingSet =>
    target === undefined
      ? classificationSet(windows, part, normalization, recordings.classes.length)
      : regressionSet(windows, part, normalization, target);
  return {
    recordings,
    windows,
    train: toSet(learn),
    validation: split.validation.length === 0 ? undefined : toSet(split.validation),
    test: toSet(split.test),
    normalization,
    ...(target === undefined ? {} : { target }),
    indices,
  };
}

/** The folds do not depend on the seed of the training: different networks are judged by the same ones. */
function foldSplit(windows: WindowSet, by: SplitKind, { index, count }: { index: number; count: number }): DataSplit {
  if (by === "given") throw new TrainError("TRAIN_OPTION", "folds divide anew: split by subject or at random");
  const split = stratifiedFolds(windows, count, by)[index];
  if (split !== undefined) return split;
  throw new TrainError("TRAIN_OPTION", `fold is ${index}, expected 0 .. ${count - 1}`);
}

async function loadJobRecordings(data: JobData): Promise<Recordings> {
  let recordings = await loadRecordings(data.path, {
    ...(data.labelColumn === undefined ? {} : { labelColumn: data.labelColumn }),
    ...(data.sessionColumn === undefined ? {} : { sequenceColumn: data.sessionColumn }),
    ...(data.classes === undefined ? {} : { classes: data.classes }),
  });
  if (data.classes !== undefined && recordings.classes.join("\n") !== data.classes.join("\n")) {
    const [own, models] = [recordings.classes, data.classes].map((names) => names.join(", "));
    throw new TrainError("MODELS_DIFFER", `${data.path} has classes ${own}, the model knows ${models}`);
  }
  if (data.target !== undefined) recordings = channelAsTarget(recordings, data.target);
  if (data.channels !== undefined) recordings = selectChannels(recordings, data.channels);
  if (data.inputScale !== undefined) recordings = scaleBareCounts(recordings, data.inputScale);
  return data.smoteFrames === true ? smoteFrames(recordings, 1) : recordings;
}

async function jobWindows(data: JobData, recordings: Recordings): Promise<WindowSet> {
  const { windowTable } = data;
  if (windowTable !== undefined) {
    const text = new TextDecoder().decode(await readUnpacked(windowTable.path));
    return listedWindows(recordings, text, windowTable.path, data.window, windowTable.column);
  }
  return cutWindows(recordings, {
    length: data.window,
    ...(data.hop === undefined ? {} : { hop: data.hop }),
    ...(data.ahead === undefined ? {} : { ahead: data.ahead }),
    ...(data.keepUnlabelled === undefined ? {} : { keepUnlabelled: data.keepUnlabelled }),
  });
}

/** Streams are divided by whole recordings. */
function streamSamples(
  job: SampleJob,
  recordings: Recordings,
  windows: WindowSet,
  split: { train: Uint32Array; validation: Uint32Array; test: Uint32Array },
): JobSamples {
  const sequencesOf = (part: Uint32Array) => {
    const places = new Set(Array.from(part, (index) => windows.windows[index].sequence));
    return { ...recordings, sequences: recordings.sequences.filter((_, place) => places.has(place)) };
  };
  const options = { ...job.stream, length: job.data.window, classes: recordings.classes.length };
  const streams = { train: sequencesOf(split.train), test: sequencesOf(split.test) };
  const train = streamSet(streams.train, { ...options, hop: job.data.hop ?? job.data.window });
  const rest = { ...options, normalization: train.normalization, change: "hard" as const };
  const empty = new Uint32Array(0);
  const stateful = job.stream?.stateful === true;
  const scored = (part: Recordings) => (stateful ? continuousSet(part, rest) : streamSet(part, rest).set);
  const lanes = job.training?.batchSize ?? 64;
  return {
    recordings,
    windows: train.windows,
    train: stateful
      ? continuousSet(streams.train, { ...options, normalization: train.normalization, lanes })
      : train.set,
    validation: split.validation.length === 0 ? undefined : scored(sequencesOf(split.validation)),
    test: scored(streams.test),
    normalization: train.normalization,
    streams,
    indices: { train: empty, validation: empty, test: empty },
  };
}

/** The network of a job, its weights as they are before training. */
export async function buildJobModel(tf: Tf, job: TrainJob, samples: JobSamples): Promise<LayersModel> {
  const [steps, channels] = samples.train.shape;
  if ("preset" in job.model) {
    const { preset, ...options } = job.model;
    return buildPreset(tf, preset, {
      ...options,
      steps,
      channels,
      outputs: samples.train.outputs,
      head: job.data.target === undefined ? "softmax" : "linear",
      stream: job.stream !== undefined,
      seed: job.seed,
    });
  }
  const model = await loadModelFiles(tf, job.model.topology);
  const [, ...input] = model.inputs[0].shape;
  const output = model.outputs[0].shape[model.outputs[0].shape.length - 1];
  const fits = input.length === 2 && (input[0] === null || input[0] === steps) && input[1] === channels;
  if (fits && output === samples.train.outputs && job.stream !== undefined && model.outputs[0].shape.length < 3) {
    const why = "gives one answer a window, a stream needs one a frame: set returnSequences in its recurrent layers";
    throw new TrainError("TOPOLOGY_INVALID", `${job.model.topology} ${why}`);
  }
  if (fits && output === samples.train.outputs) return model;
  throw new TrainError(
    "TOPOLOGY_INVALID",
    `${job.model.topology} takes [${input.join(", ")}] and gives ${output} values, the data are [${steps}, ${channels}] with ${samples.train.outputs}`,
  );
}

/**
 * Runs a training from raw recordings to test scores. In `folder`: `config.json`, `metrics.jsonl`, `best/` (tfjs files
 * with the `meta.json` that the converter reads: normalization, classes, units), `curves.svg`, `result.json`.
 * A folder with the result of the same job is not computed again; an unfinished one goes on.
 */
export async function runTrainJob(job: TrainJob, folder: string, hooks: JobHooks = {}): Promise<TrainJobResult> {
  checkStreamAugmentation(job);
  const known = await readResult(folder, job);
  if (known !== undefined) return known;
  const samples = await prepareSamples(job);
  const wanted = "preset" in job.model ? [] : await topologyClasses(job.model.topology);
  const { tf, backend, choice } = await loadTf(job.backend, { layers: wanted });
  hooks.onNote?.(choice);
  const model = await buildJobModel(tf, job, samples);
  const train = balanceSet(samples.train, job.balance ?? "none", job.seed);
  const [steps, channels] = train.shape;
  const result = await trainModel(
    tf,
    model,
    { train, ...(samples.validation === undefined ? {} : { validation: samples.validation }) },
    {
      ...job.training,
      seed: job.seed,
      folder,
      config: { job },
      ...(job.augment?.mixup === undefined ? {} : { mixUp: job.augment.mixup }),
      ...(job.augment === undefined ? {} : { augment: createAugment(job.augment, steps, channels) }),
      ...(hooks.onProgress === undefined ? {} : { onProgress: hooks.onProgress }),
      ...(hooks.signal === undefined ? {} : { signal: hooks.signal }),
    },
  );
  await writeWhole(join(folder, "best", "meta.json"), JSON.stringify(modelMeta(job, samples), null, 1));
  const test = scoreAnswers(await predictAll(tf, model, samples.test), samples.test, result.loss);
  const outcome: TrainJobResult = {
    parameters: model.countParams(),
    epochs: result.history.length,
    bestEpoch: result.bestEpoch,
    validation: result.best,
    test,
    windows: { train: train.count, validation: samples.validation?.count ?? 0, test: samples.test.count },
    seconds: result.history.reduce((sum, { seconds }) => sum + seconds, 0),
    backend,
    resumedAt: result.resumedAt,
  };
  model.dispose();
  await writeWhole(join(folder, "result.json"), JSON.stringify({ job, outcome }, null, 1));
  return outcome;
}

/** Labels stay where they are: what moves the frames of a stream would part them. */
function checkStreamAugmentation({ stream, augment = {} }: TrainJob): void {
  const moving = (["shift", "warp", "crop", "mixup"] as const).find((kind) => augment[kind] !== undefined);
  if (stream === undefined || moving === undefined) return;
  throw new TrainError(
    "TRAIN_OPTION",
    `augmentation ${moving} moves frames away from their labels or states: not for streams`,
  );
}

async function readResult(folder: string, job: TrainJob): Promise<TrainJobResult | undefined> {
  const text = await readFile(join(folder, "result.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const found = JSON.parse(text) as { job: TrainJob; outcome: TrainJobResult };
  if (JSON.stringify(found.job) === JSON.stringify(job)) return found.outcome;
  throw new TrainError(
    "RUN_MISMATCH",
    `${folder} holds the result of another training: choose another folder or delete it`,
  );
}

/** Class names that occur anywhere in a topology file. */
async function topologyClasses(path: string): Promise<string[]> {
  const text = await readFile(path.endsWith(".json") ? path : join(path, "model.json"), "utf8").catch((cause) => {
    throw new TrainError("TOPOLOGY_INVALID", `cannot read ${path}`, { cause });
  });
  return [...text.matchAll(/"class_name"\s*:\s*"(\w+)"/g)].map((match) => match[1]);
}

/** What `gatelet convert` needs to know beside the model. */
export function modelMeta(job: Pick<TrainJob, "data" | "seed">, samples: JobSamples): object {
  const { recordings, normalization, target } = samples;
  return {
    name: recordings.name,
    features: recordings.featureNames,
    units: recordings.units,
    ...(job.data.target === undefined ? { classes: recordings.classes } : { target: [job.data.target] }),
    ...(recordings.sequences[0].samples instanceof Int16Array ? { inputScale: recordings.rawScale } : {}),
    ...normalization,
    ...(recordings.rateHz === undefined ? {} : { frameRate: recordings.rateHz }),
    ...(target === undefined ? {} : { target_mean: target.mean, target_std: target.std }),
  };
}
