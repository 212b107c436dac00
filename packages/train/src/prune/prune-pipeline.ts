import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { convert, openModel } from "@gatelet/converter";
import { encodeModel } from "@gatelet/converter/format";
import type { LayersModel } from "@tensorflow/tfjs";
import type { JobSamples } from "../jobs/job-samples.js";
import { modelMeta, type TrainJob } from "../jobs/train-job.js";
import { argMax } from "../metrics/classification.js";
import { conversionData, countsOf } from "../study/evaluate-entry.js";
import type { BoardCost, BoardMeter, LoadInteger } from "../study/integer-engine.js";
import type { Tf } from "../tf/load-tf.js";
import { modelFiles, saveModelFiles } from "../tf/model-files.js";
import { predictAll, scoreAnswers } from "../training/predict.js";
import { trainModel } from "../training/train-model.js";
import type { TrainProgress } from "../training/train-options.js";
import { labelsOf } from "../training/training-set.js";
import { writeWhole } from "../training/write-whole.js";
import { layerInputs } from "./layer-inputs.js";
import { type LowRankMatrix, lowRankNetwork } from "./low-rank.js";
import { buildNetwork, networkCost, readNetwork } from "./network.js";
import { type PruneGoal, pruneUnits } from "./structured.js";
import { MagnitudeMask } from "./unstructured.js";

export interface PruneRequest {
  readonly name: string;
  /** Folder for the stages' runs, models and the table. */
  readonly folder: string;
  readonly samples: JobSamples;
  readonly data: TrainJob["data"];
  /** The network to prune. */
  readonly model: LayersModel;
  /** Epochs that train it first; 0: it is trained. */
  readonly epochs: number;
  /** Share of weights that unstructured pruning removes, and its epochs. */
  readonly share: number;
  readonly sparseEpochs: number;
  readonly goal: PruneGoal;
  /** Pruning in so many steps with fine-tuning in between. */
  readonly rounds?: number;
  readonly tuneEpochs: number;
  readonly learningRate: number;
  readonly batchSize: number;
  readonly seed: number;
  /** The pruned network also learns from the answers of the whole one, with this weight. */
  readonly distill?: number;
  /** Leaves META out of the `.gate` files. */
  readonly strip?: boolean;
  /** Also splits matrices of the reshaped network, with at most this part of their products lost, and fine-tunes once more. */
  readonly lowRank?: number;
}

export interface PruneTools {
  readonly tf: Tf;
  readonly engine: LoadInteger;
  readonly meter?: BoardMeter;
  readonly onProgress?: (stage: string, progress?: TrainProgress) => void;
}

/** One stage of the pipeline. */
export interface PruneRow {
  readonly stage: string;
  /** On the test part; of int8 stages in the integer engine. */
  readonly accuracy: number;
  readonly parameters: number;
  /** What computes: of float stages tfjs `model.json` and weights, else the `.gate` file without META. */
  readonly bytes: number;
  /** The same with names, classes and scales: `meta.json` beside the float files, META in the `.gate` file. */
  readonly describedBytes: number;
  /** `bytes` by gzip. */
  readonly zippedBytes: number;
  readonly macs: number;
  readonly flops: number;
  readonly ramBytes?: number;
  readonly board?: BoardCost;
  /** The matrices that became two. */
  readonly matrices?: readonly LowRankMatrix[];
}

/**
 * From a network to a smaller one: train (unless it is), remove weights, remove units and fine-tune, quantize.
 * Rows: simple; unstructured; reshaped; simple at int8; reshaped at int8; with `lowRank` low rank and low rank at int8 where a
 * matrix pays. Writes `<stage>/best` and `prune.json`.
 */
export async function prunePipeline(request: PruneRequest, tools: PruneTools): Promise<PruneRow[]> {
  const { folder, samples } = request;
  const base = request.model;
  if (request.epochs > 0) await train(request, tools, base, "simple", { epochs: request.epochs });
  const whole = readNetwork(base);
  const rows: PruneRow[] = [await floatRow(request, tools, base, "simple")];

  const sparse = await buildNetwork(tools.tf, whole);
  const perEpoch = Math.ceil(samples.train.count / request.batchSize);
  const isMatrix = sparse.trainableWeights.map(({ shape }) => shape.length > 1);
  const rampEpochs = Math.max(1, request.sparseEpochs >> 1);
  const mask = new MagnitudeMask(request.share, isMatrix, rampEpochs * perEpoch);
  await train(request, tools, sparse, "unstructured", {
    epochs: request.sparseEpochs,
    constrain: mask.constrain,
    bestFrom: rampEpochs + 1,
  });
  rows.push(await floatRow(request, tools, sparse, "unstructured"));
  sparse.dispose();

  const shrunk = await reshape(request, tools, base);
  rows.push(await floatRow(request, tools, shrunk, "reshaped"));
  rows.push(await int8Row(request, tools, "simple", base));
  rows.push(await int8Row(request, tools, "reshaped", shrunk));
  if (request.lowRank !== undefined) rows.push(...(await lowRankRows(request, tools, shrunk, base)));
  shrunk.dispose();
  await writeWhole(join(folder, "prune.json"), `${JSON.stringify({ name: request.name, rows }, null, 1)}\n`);
  return rows;
}

/** Removes units in rounds, each a part of the way, with fine-tuning behind each. */
async function reshape(request: PruneRequest, tools: PruneTools, base: LayersModel): Promise<LayersModel> {
  const { goal, rounds = 1, tuneEpochs, distill } = request;
  const soft = distill === undefined ? undefined : await softTargets(request, tools.tf, base, distill);
  let model = base;
  for (let round = 1; round <= rounds; round++) {
    const part = round / rounds;
    const step: PruneGoal =
      "share" in goal && rounds > 1
        ? { ...goal, share: 1 - (1 - goal.share) ** (1 / rounds) }
        : "limit" in goal && round < rounds
          ? { ...goal, limit: partLimit(base, goal.limit, part) }
          : goal;
    const next = await buildNetwork(tools.tf, pruneUnits(readNetwork(model), step));
    if (model !== base) model.dispose();
    model = next;
    const last = round === rounds;
    const epochs = last ? tuneEpochs : Math.max(1, Math.round(tuneEpochs / 4));
    await train(request, tools, model, last ? "reshaped" : `reshaped-${round}`, { epochs, targets: soft });
  }
  return model;
}

/** Splits matrices, fine-tunes, quantizes; no rows where no matrix pays. */
async function lowRankRows(
  request: PruneRequest,
  tools: PruneTools,
  shrunk: LayersModel,
  base: LayersModel,
): Promise<PruneRow[]> {
  const inputs = layerInputs(tools.tf, shrunk, request.samples.train);
  const { network, matrices } = lowRankNetwork(readNetwork(shrunk), { error: request.lowRank, inputs });
  if (matrices.length === 0) return [];
  const model = await buildNetwork(tools.tf, network);
  const { tuneEpochs, distill } = request;
  const targets = distill === undefined ? undefined : await softTargets(request, tools.tf, base, distill);
  await train(request, tools, model, "low-rank", { epochs: tuneEpochs, targets });
  const rows = [
    { ...(await floatRow(request, tools, model, "low-rank")), matrices },
    await int8Row(request, tools, "low-rank", model),
  ];
  model.dispose();
  return rows;
}

function partLimit(base: LayersModel, limit: Readonly<Record<string, number | undefined>>, part: number) {
  const cost = networkCost(readNetwork(base)) as unknown as Record<string, number>;
  return Object.fromEntries(
    Object.entries(limit).map(([key, most]) => [key, cost[key] + part * ((most as number) - cost[key])]),
  );
}

/** (1 - weight) * labels + weight * answers of the teacher. */
async function softTargets({ samples }: PruneRequest, tf: Tf, teacher: LayersModel, weight: number) {
  const answers = await predictAll(tf, teacher, samples.train);
  return samples.train.targets.map((target, i) => (1 - weight) * target + weight * answers[i]);
}

async function train(
  request: PruneRequest,
  { tf, onProgress }: PruneTools,
  model: LayersModel,
  stage: string,
  options: {
    readonly epochs: number;
    readonly constrain?: (weights: readonly Float32Array[], step: number) => void;
    readonly bestFrom?: number;
    readonly targets?: Float32Array;
  },
): Promise<void> {
  const { samples, batchSize, learningRate, seed } = request;
  const { targets, ...rest } = options;
  const train = targets === undefined ? samples.train : { ...samples.train, targets };
  await trainModel(
    tf,
    model,
    { train, ...(samples.validation === undefined ? {} : { validation: samples.validation }) },
    {
      ...rest,
      batchSize,
      learningRate,
      seed,
      schedule: "cosine",
      folder: join(request.folder, stage),
      config: { stage },
      onProgress: (progress) => onProgress?.(stage, progress),
    },
  );
}

async function floatRow(
  request: PruneRequest,
  { tf }: PruneTools,
  model: LayersModel,
  stage: string,
): Promise<PruneRow> {
  const { samples } = request;
  const folder = join(request.folder, stage, "best");
  const files = await modelFiles(tf, model);
  await saveModelFiles(files, folder, "final");
  const meta = JSON.stringify(modelMeta({ data: request.data, seed: request.seed }, samples), null, 1);
  await writeWhole(join(folder, "meta.json"), meta);
  const { accuracy = 0 } = scoreAnswers(await predictAll(tf, model, samples.test), samples.test, "crossEntropy");
  const all = Buffer.concat([await readFile(join(folder, "model.json")), files.bytes]);
  return {
    stage,
    accuracy,
    ...networkCost(readNetwork(model)),
    bytes: all.length,
    describedBytes: all.length + Buffer.byteLength(meta),
    zippedBytes: gzipSync(all, { level: 9 }).length,
  };
}

async function int8Row(request: PruneRequest, tools: PruneTools, stage: string, model: LayersModel): Promise<PruneRow> {
  const { samples, name } = request;
  const { windows, indices, normalization, recordings } = samples;
  tools.onProgress?.(`${stage} at int8`);
  const graph = await openModel(join(request.folder, stage, "best"));
  const { bytes, spec, report } = await convert(graph, {
    ...conversionData({ windows, train: indices.train, normalization }),
    meta: { name, classes: recordings.classes },
  });
  const { meta: _, ...nameless } = spec;
  const stripped = encodeModel(nameless);
  const written = request.strip ? stripped : bytes;
  await writeWhole(join(request.folder, `${stage}.gate`), written);
  const engine = await tools.engine(written);
  const labels = labelsOf(samples.test);
  let right = 0;
  indices.test.forEach((index, i) => {
    if (argMax(engine.window(countsOf(windows, index))) === labels[i]) right++;
  });
  const board = await tools.meter?.(written, countsOf(windows, indices.test[0]), recordings.channels);
  return {
    stage: `${stage} int8`,
    accuracy: right / labels.length,
    ...networkCost(readNetwork(model)),
    bytes: stripped.length,
    describedBytes: bytes.length,
    zippedBytes: gzipSync(stripped, { level: 9 }).length,
    ramBytes: report.arenaBytes,
    ...(board === undefined ? {} : { board }),
  };
}

/** Rows of the published grasp pipeline: accuracy %, bytes, zipped bytes, FLOPs; ms, RAM KB, flash KB on the nRF52840. */
export const PUBLISHED_GRASP: readonly (readonly [string, number, number, number, string, number, number, number])[] = [
  ["simple", 97.08, 10_160, 8_445, "193,648", 410, 17.6, 32.2],
  ["unstructured", 95, 10_160, 5_710, "193,648", 410, 17.6, 32.2],
  ["reshaped", 93.75, 6_596, 5_020, "96,848", 328, 17.6, 28.6],
  ["reshaped int8", 93.33, 4_448, 5_810, "-", 9, 6.2, 33.8],
];
