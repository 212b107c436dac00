import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LayersModel } from "@tensorflow/tfjs";
import { type AugmentOptions, createAugment } from "../data/augment.js";
import { type Balance, balanceSet } from "../data/balance.js";
import { countScale } from "../data/transforms.js";
import type { RecurrentPath } from "../fused/fused-cell.js";
import { buildPreset, type PresetName } from "../networks/presets.js";
import { type BackendName, loadTf, type Tf } from "../tf/load-tf.js";
import { loadModelFiles } from "../tf/model-files.js";
import { TrainError } from "../training/errors.js";
import { predictAll, type Scores, scoreAnswers } from "../training/predict.js";
import { trainModel } from "../training/train-model.js";
import type { TrainOptions, TrainProgress } from "../training/train-options.js";
import { writeWhole } from "../training/write-whole.js";
import { type JobSamples, prepareSamples, type SampleJob } from "./job-samples.js";
import { checkModelShape } from "./model-shape.js";

/** One training, complete and as plain data. */
export interface TrainJob extends SampleJob {
  readonly model:
    | {
        readonly preset: PresetName;
        readonly units?: readonly number[];
        readonly dense?: readonly number[];
        readonly dropout?: number;
      }
    | { readonly topology: string };
  readonly balance?: Balance;
  readonly augment?: AugmentOptions;
  readonly training: Pick<
    TrainOptions,
    "epochs" | "batchSize" | "learningRate" | "schedule" | "patience" | "monitor" | "weightDecay" | "clipNorm"
  >;
  readonly backend?: BackendName;
  readonly recurrent?: RecurrentPath;
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
  checkModelShape(model, job.model.topology, samples.train);
  if (job.stream !== undefined && model.outputs[0].shape.length < 3) {
    const why = "gives one answer a window, a stream needs one a frame: set returnSequences in its recurrent layers";
    throw new TrainError("TOPOLOGY_INVALID", `${job.model.topology} ${why}`);
  }
  return model;
}

/**
 * Runs a training from raw recordings to test scores. In `folder`: `config.json`, `metrics.jsonl`, `best/` (tfjs files
 * with the `meta.json` that the converter reads: normalization, classes, units), `curves.svg` (and `.png` where `@resvg/resvg-js` is installed), `result.json`.
 * A folder with the result of the same job is not computed again; an unfinished one goes on.
 */
export async function runTrainJob(job: TrainJob, folder: string, hooks: JobHooks = {}): Promise<TrainJobResult> {
  checkStreamAugmentation(job);
  const known = await readResult(folder, job);
  if (known !== undefined) return known;
  const samples = await prepareSamples(job);
  const wanted = "preset" in job.model ? [] : await topologyClasses(job.model.topology);
  const { tf, backend, choice } = await loadTf(job.backend, { layers: wanted, recurrent: job.recurrent });
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
  const { recordings, normalization, target, streams } = samples;
  const counts = recordings.sequences[0].samples instanceof Int16Array;
  // Physical streams are judged in counts of this scale, fitted on the training part.
  const inputScale = counts
    ? { inputScale: recordings.rawScale }
    : streams === undefined
      ? {}
      : { inputScale: countScale(streams.train) };
  return {
    name: recordings.name,
    features: recordings.featureNames,
    units: recordings.units,
    ...(job.data.target === undefined ? { classes: recordings.classes } : { target: [job.data.target] }),
    ...inputScale,
    ...normalization,
    ...(recordings.rateHz === undefined ? {} : { frameRate: recordings.rateHz }),
    ...(target === undefined ? {} : { target_mean: target.mean, target_std: target.std }),
  };
}
