import { join } from "node:path";
import type { WeightBits } from "@gatelet/converter";
import type { JobData } from "../jobs/job-samples.js";
import type { TrainJob } from "../jobs/train-job.js";
import type { PresetName } from "../networks/presets.js";
import type { StudyArchitecture, StudyRequest } from "./run-study.js";

export interface Uea5StudyOptions {
  readonly folder: string;
  /** Folder that holds a folder for each of {@link UEA5_SETS}. */
  readonly data: string;
  readonly seeds: number;
  /** Passes over the data; default: as many as each set needs (6 to 60). */
  readonly epochs?: number;
  /** At most so many training windows of a set; default: all, 2,000 of motion_sense. */
  readonly limit?: number;
  readonly bits: readonly WeightBits[];
}

interface SetRecipe {
  readonly data: Omit<JobData, "path">;
  readonly epochs: number;
  readonly batchSize: number;
  readonly limit?: number;
}

/** A whole series is one window, in counts, at a rate that leaves 60 to 100 steps of it; the split is the archive's. */
const series = (window: number, average: number): Omit<JobData, "path"> => ({
  window,
  average,
  counts: true,
  split: "given",
});

const RECIPES = {
  asphalt_obstacles: { data: series(92, 8), epochs: 30, batchSize: 32 },
  basic_motions: { data: series(100, 1), epochs: 40, batchSize: 8 },
  handwriting: { data: series(76, 2), epochs: 60, batchSize: 16 },
  uwave_gesture: { data: series(63, 5), epochs: 50, batchSize: 16 },
  motion_sense: {
    data: {
      window: 64,
      hop: 64,
      average: 2,
      split: "given",
      testGroups: ["19", "20", "21", "22", "23", "24"],
    },
    epochs: 6,
    batchSize: 64,
    limit: 2000,
  },
} as const satisfies Record<string, SetRecipe>;

/** Data sets of the study, by the names of their folders. */
export const UEA5_SETS = Object.keys(RECIPES);

const NETWORKS: readonly { readonly name: string; readonly preset: PresetName; readonly units: readonly number[] }[] = [
  { name: "mlp48", preset: "mlp", units: [48] },
  { name: "cnn16-32", preset: "cnn", units: [16, 32] },
  { name: "rnn32", preset: "rnn", units: [32] },
  { name: "lstm32", preset: "lstm", units: [32] },
  { name: "gru32", preset: "gru", units: [32] },
  { name: "convgru24-24", preset: "convgru", units: [24, 24] },
];

/**
 * Six small networks made by hand on five sets of movements: the mean of their scores is what a search for architectures
 * must beat. Splits are the archives' own; of MotionSense the last six people are tested.
 */
export function uea5Study(options: Uea5StudyOptions): StudyRequest {
  const { folder, data, seeds, bits } = options;
  const job = (set: string, recipe: SetRecipe, network: (typeof NETWORKS)[number], seed: number): TrainJob => {
    const limit = options.limit ?? recipe.limit;
    return {
      data: { ...recipe.data, path: join(data, set) },
      model: { preset: network.preset, units: network.units, dropout: 0.2 },
      augment: { jitter: 0.05, scale: 0.1 },
      training: {
        epochs: options.epochs ?? recipe.epochs,
        batchSize: recipe.batchSize,
        learningRate: 0.004,
        schedule: "cosine",
      },
      seed,
      ...(limit === undefined ? {} : { limit }),
    };
  };
  const architectures = Object.entries(RECIPES).flatMap(([set, recipe]) =>
    NETWORKS.map((network): StudyArchitecture => {
      const jobs = Array.from({ length: seeds }, (_, i) => job(set, recipe, network, i + 1));
      return { name: network.name, set, source: { kind: "train", jobs } };
    }),
  );
  return { name: "uea5", folder, architectures, bits };
}
