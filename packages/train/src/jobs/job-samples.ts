import { averageFrames } from "../data/average-frames.js";
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
import {
  type DataSplit,
  refuseLeaks,
  type SplitKind,
  splitByGroups,
  splitWindows,
  stratifiedFolds,
} from "../data/splits.js";
import { channelAsTarget, countedRecordings, countScale, scaleBareCounts, selectChannels } from "../data/transforms.js";
import { cutWindows, listedWindows, type WindowSet } from "../data/windows.js";
import { TrainError } from "../training/errors.js";
import type { TrainingSet } from "../training/training-set.js";

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
  /** Cross-validation: the test part is this fold of so many, by people or at random as `split` says. */
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
  /** These people are the test part and the others the training part, whatever the data say; for `split: "given"`. */
  readonly testGroups?: readonly string[];
  /** So many frames become one, their mean, before anything else. */
  readonly average?: number;
  /** Physical values become counts of 16 bits, their scale fitted on the training part: what a device would be fed. */
  readonly counts?: boolean;
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
export interface SampleJob {
  readonly data: JobData;
  /**
   * An answer a frame. `stateful`: recordings are walked through piece by piece with the state kept (truncated
   * back-propagation through time), and scored so; else pieces are independent and begin cold.
   */
  readonly stream?: FrameLabelOptions & { readonly warmUp?: number; readonly stateful?: boolean };
  readonly seed: number;
  /** At most so many training windows, and a third as many to validate by, of every class its share; for quick looks. */
  readonly limit?: number;
  /** At most so many test windows, of every class its share. */
  readonly testLimit?: number;
  readonly training?: { readonly batchSize?: number };
}

/** Reads, windows, splits, normalizes. Throws DataError, TrainError (`SPLIT_LEAK` where parts share frames). */
export async function prepareSamples(job: SampleJob, known?: Normalization): Promise<JobSamples> {
  return samplesOf(await loadJobRecordings(job.data), job, known);
}

/**
 * The same for recordings that are there already.
 * @param known normalization of a model that is trained already; default: fitted on the training windows
 */
export async function samplesOf(found: Recordings, job: SampleJob, known?: Normalization): Promise<JobSamples> {
  const { data } = job;
  const cut = await jobWindows(data, found);
  const split = partsOf(cut, data, job.seed);
  if (data.allowLeaks !== true) refuseLeaks(cut, split, data.split);
  const recordings = data.counts === true ? countedByTraining(cut, split.train) : found;
  const windows = { ...cut, recordings };
  if (job.stream !== undefined) return streamSamples(job, recordings, windows, split);
  const learn = limited(windows, split.train, "training", job.limit);
  const checks = job.limit === undefined ? undefined : Math.ceil(job.limit / 3);
  const indices = {
    train: learn,
    validation: thinned(windows, split.validation, checks),
    test: limited(windows, split.test, "test", job.testLimit),
  };
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
    validation: indices.validation.length === 0 ? undefined : toSet(indices.validation),
    test: toSet(indices.test),
    normalization,
    ...(target === undefined ? {} : { target }),
    indices,
  };
}

function partsOf(windows: WindowSet, { split: by, fold, test, validation }: JobData, seed: number): DataSplit {
  const shares = {
    ...(test === undefined ? {} : { test }),
    ...(validation === undefined ? {} : { validation }),
  };
  return fold === undefined
    ? splitWindows(windows, { by, seed, ...shares })
    : foldSplit(windows, by, fold, shares.validation);
}

/** Counts whose scale only the sequences of the training part decide. */
function countedByTraining({ recordings, windows }: WindowSet, train: Uint32Array): Recordings {
  const places = new Set(Array.from(train, (index) => windows[index].sequence));
  const sequences = recordings.sequences.filter((_, place) => places.has(place));
  return countedRecordings(recordings, countScale({ ...recordings, sequences }));
}

/** The same, but refused below a window a class. Throws `TRAIN_OPTION`. */
function limited(set: WindowSet, indices: Uint32Array, part: string, limit?: number): Uint32Array {
  const least = Math.max(1, set.recordings.classes.length);
  if (limit === undefined || (Number.isInteger(limit) && limit >= least)) return thinned(set, indices, limit);
  const expected = `expected a whole number, a window for each of ${least} classes at least`;
  throw new TrainError("TRAIN_OPTION", `limit is ${limit} ${part} windows, ${expected}`);
}

/** At most `limit` of the windows at `indices`, spread evenly, every class by its share. */
function thinned({ windows }: WindowSet, indices: Uint32Array, limit = indices.length): Uint32Array {
  if (indices.length <= limit) return indices;
  const byClass = indices.slice().sort((a, b) => (windows[a].label ?? -1) - (windows[b].label ?? -1) || a - b);
  return Uint32Array.from({ length: limit }, (_, i) => byClass[Math.floor((i * indices.length) / limit)]).sort();
}

/** The folds do not depend on the seed of the training: different networks are judged by the same ones. */
function foldSplit(
  windows: WindowSet,
  by: SplitKind,
  { index, count }: { readonly index: number; readonly count: number },
  validation?: number,
): DataSplit {
  if (by === "given") throw new TrainError("TRAIN_OPTION", "folds divide anew: split by subject or at random");
  const split = stratifiedFolds(windows, count, by, validation === undefined ? {} : { validation })[index];
  if (split !== undefined) return split;
  throw new TrainError("TRAIN_OPTION", `fold is ${index}, expected 0 .. ${count - 1}`);
}

async function loadJobRecordings(data: JobData): Promise<Recordings> {
  let recordings = await loadRecordings(data.path, {
    ...(data.labelColumn === undefined ? {} : { labelColumn: data.labelColumn }),
    ...(data.sessionColumn === undefined ? {} : { sequenceColumn: data.sessionColumn }),
    ...(data.classes === undefined ? {} : { classes: data.classes }),
    ...(data.channels === undefined ? {} : { channels: [...new Set([...data.channels, ...targetOf(data)])] }),
  });
  if (data.classes !== undefined && recordings.classes.join("\n") !== data.classes.join("\n")) {
    const [own, models] = [recordings.classes, data.classes].map((names) => names.join(", "));
    throw new TrainError("MODELS_DIFFER", `${data.path} has classes ${own}, the model knows ${models}`);
  }
  if (data.target !== undefined) recordings = channelAsTarget(recordings, data.target);
  if (data.channels !== undefined) recordings = selectChannels(recordings, data.channels);
  if (data.inputScale !== undefined) recordings = scaleBareCounts(recordings, data.inputScale);
  if (data.testGroups !== undefined) recordings = splitByGroups(recordings, data.testGroups);
  if (data.average !== undefined) recordings = averageFrames(recordings, data.average);
  return data.smoteFrames === true ? smoteFrames(recordings, 1) : recordings;
}

const targetOf = ({ target }: JobData): string[] => (target === undefined ? [] : [target]);

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
  const placesOf = (part: Uint32Array) => new Set(Array.from(part, (index) => windows.windows[index].sequence));
  const sequencesOf = (part: Uint32Array) => {
    const places = placesOf(part);
    return { ...recordings, sequences: recordings.sequences.filter((_, place) => places.has(place)) };
  };
  const learnt = placesOf(split.train);
  const shares = (part: Uint32Array) => [...placesOf(part)].filter((place) => learnt.has(place)).length;
  if (shares(split.test) > 0) {
    const message = `${shares(split.test)} recordings are in train and test: streams are divided by whole recordings, split by subject`;
    throw new TrainError("SPLIT_LEAK", message);
  }
  const validation = shares(split.validation) > 0 ? new Uint32Array(0) : split.validation;
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
    validation: validation.length === 0 ? undefined : scored(sequencesOf(validation)),
    test: scored(streams.test),
    normalization: train.normalization,
    streams,
    indices: { train: empty, validation: empty, test: empty },
  };
}
