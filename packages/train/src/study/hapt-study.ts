import { existsSync } from "node:fs";
import { join } from "node:path";
import type { WeightBits } from "@gatelet/converter";
import type { JobData } from "../jobs/job-samples.js";
import type { TrainJob } from "../jobs/train-job.js";
import type { PresetName } from "../networks/presets.js";
import type { Published, StudyArchitecture, StudyRequest } from "./run-study.js";

export interface HaptStudyOptions {
  readonly folder: string;
  /** Data set folder with the HAPT recordings. */
  readonly data: string;
  /** Folder with hapt-rnn, hapt-lstm, hapt-gru and hapt-windows.csv.gz; absent: the study's nets are trained too. */
  readonly models?: string;
  readonly seeds: number;
  /** Passes over the data; default 12. */
  readonly epochs?: number;
  readonly bits: readonly WeightBits[];
  /** At most so many training windows. */
  readonly limit?: number;
  /**
   * `published`: frames balanced by SMOTE, then overlapping windows divided at random (our guess: hop 25, a quarter for
   * testing); trained models are not used. `honest`, the default: people held out.
   */
  readonly protocol?: "honest" | "published";
  /** Small nets are cross-validated by people on so many folds instead of trained once a seed; `seeds` is ignored. */
  readonly folds?: number;
  /** Units of the small nets; default 32. */
  readonly units?: number;
}

/** Accuracy %, TFLite KB and ms of the publication whose networks these are. */
const PUBLISHED: Readonly<Record<"rnn" | "lstm" | "gru", Published>> = {
  rnn: {
    accuracy: 94.46,
    quantizedAccuracy: 94.38,
    f1: 94.24,
    floatKb: 527.84,
    quantizedKb: 162.03,
    floatMs: 2.2,
    quantizedMs: 2.034,
  },
  lstm: {
    accuracy: 98.35,
    quantizedAccuracy: 98.31,
    f1: 98.34,
    floatKb: 550.32,
    quantizedKb: 185.17,
    floatMs: 2.587,
    quantizedMs: 2.587,
  },
  gru: {
    accuracy: 98.5,
    quantizedAccuracy: 98.35,
    floatKb: 427.55,
    quantizedKb: 152.16,
    floatMs: 3.076,
    quantizedMs: 2.928,
  },
};

const STUDY_SHAPES = {
  rnn: { units: [256, 128, 64] },
  lstm: { units: [128, 64, 32], dense: [64] },
  gru: { units: [128, 64, 32], dense: [64] },
} as const;

const WINDOW = 50;
const HOP = 25;
const CELLS = ["rnn", "lstm", "gru"] as const;

/** The study of three recurrent architectures on HAPT, the published sizes and small ones. */
export function haptStudy(options: HaptStudyOptions): StudyRequest {
  const { folder, data, seeds, epochs = 12, bits, limit, units = 32, protocol = "honest" } = options;
  const models = protocol === "published" ? undefined : options.models;
  const table = models === undefined ? undefined : join(models, "hapt-windows.csv.gz");
  const places: JobData =
    protocol === "published"
      ? { path: data, window: WINDOW, hop: HOP, split: "random", smoteFrames: true, allowLeaks: true }
      : table !== undefined && existsSync(table)
        ? { path: data, window: WINDOW, windowTable: { path: table, column: "subject" }, split: "given" }
        : { path: data, window: WINDOW, hop: HOP, split: "subject" };
  const job = (
    preset: PresetName,
    shape: { units: readonly number[]; dense?: readonly number[] },
    seed: number,
  ): TrainJob => ({
    data: places,
    model: { preset, ...shape },
    training: { epochs, batchSize: 128, learningRate: 0.004, schedule: "cosine" },
    seed,
    ...(limit === undefined ? {} : { limit }),
  });
  const study = CELLS.map((cell): StudyArchitecture => {
    const trained = models === undefined ? undefined : join(models, `hapt-${cell}`);
    const source =
      trained !== undefined && table !== undefined && existsSync(join(trained, "model.json"))
        ? ({ kind: "trained", folder: trained, split: "random", windows: { data, table, length: WINDOW } } as const)
        : ({ kind: "train", jobs: [job(cell, STUDY_SHAPES[cell], 1)] } as const);
    return { name: `hapt-${cell}`, published: PUBLISHED[cell], source };
  });
  const small = CELLS.map((cell): StudyArchitecture => {
    const jobs =
      options.folds === undefined
        ? Array.from({ length: seeds }, (_, i) => job(cell, { units: [units] }, i + 1))
        : foldJobs(job(cell, { units: [units] }, 1), data, protocol, options.folds);
    return { name: `${cell}${units}`, source: { kind: "train", jobs } };
  });
  return {
    name: "hapt",
    folder,
    architectures: seeds > 0 || options.folds !== undefined ? [...study, ...small] : study,
    bits,
  };
}

/** The same training once a fold, people held out; `published` divides its balanced windows at random instead. */
function foldJobs(job: TrainJob, path: string, protocol: "honest" | "published", count: number): TrainJob[] {
  const places: JobData = protocol === "published" ? job.data : { path, window: WINDOW, hop: HOP, split: "subject" };
  return Array.from({ length: count }, (_, index) => ({ ...job, data: { ...places, fold: { index, count } } }));
}
