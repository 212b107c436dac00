import { existsSync } from "node:fs";
import { join } from "node:path";
import type { WeightBits } from "@gatelet/converter";
import type { JobData } from "../jobs/job-samples.js";
import type { TrainJob } from "../jobs/train-job.js";
import type { PresetName } from "../networks/presets.js";
import type { Protocol, Published, StudyArchitecture, StudyRequest } from "./run-study.js";

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
  /** At most so many test windows of what is trained here. */
  readonly testLimit?: number;
  /**
   * `published`: frames balanced by SMOTE, then overlapping windows divided at random (see PROTOCOL_GUESSES); `both`: that and
   * people held out, all trained here, so that the gap can be explained. `honest`, the default: people held out.
   */
  readonly protocol?: Protocol | "both";
  /** Small nets are cross-validated by people on so many folds instead of trained once a seed; `seeds` is ignored. */
  readonly folds?: number;
  /** Units of the small nets; default 32. */
  readonly units?: number;
  /** Cells of the small nets; default those of the publication. */
  readonly cells?: readonly StudyCell[];
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

const DEFAULT_EPOCHS = 12;
/** Adam's rate at the start; at the small nets' rate the first layer of the published sizes saturates and learns nothing. */
const RATE = { published: 0.001, small: 0.004 } as const;
const WINDOW = 50;
const HOP = 25;
const CELLS = ["rnn", "lstm", "gru"] as const;
/** Cells that a study's small nets may have. */
export const STUDY_CELLS = [...CELLS, "mgu", "fastgrnn"] as const;
export type StudyCell = (typeof STUDY_CELLS)[number];

/** The study of three recurrent architectures on HAPT, the published sizes and small ones. */
export function haptStudy(options: HaptStudyOptions): StudyRequest {
  const { folder, protocol = "honest", bits } = options;
  const protocols: readonly Protocol[] = protocol === "both" ? ["published", "honest"] : [protocol];
  const notes = noteOf(options);
  return {
    name: "hapt",
    folder,
    architectures: protocols.flatMap((each) => architecturesOf(options, each)),
    bits,
    ...(notes === undefined ? {} : { notes: [notes] }),
  };
}

function noteOf({ limit, testLimit, epochs = DEFAULT_EPOCHS }: HaptStudyOptions): string | undefined {
  if (limit === undefined && testLimit === undefined) return undefined;
  const train = limit === undefined ? "all" : limit.toLocaleString("en-US");
  const test = testLimit === undefined ? "all" : `at most ${testLimit.toLocaleString("en-US")}`;
  return `A short run: what is trained here saw ${train} windows in ${epochs} epochs and was tested on ${test} windows, under every protocol alike.`;
}

function architecturesOf(options: HaptStudyOptions, protocol: Protocol): StudyArchitecture[] {
  const { data, seeds, folds, units = 32, cells = CELLS } = options;
  // Trained models were divided at random: beside the published protocol both sides are trained here.
  const models = options.protocol === "honest" || options.protocol === undefined ? options.models : undefined;
  const table = models === undefined ? undefined : join(models, "hapt-windows.csv.gz");
  const places = placesOf(data, protocol, table);
  const marked = protocol === "published" ? { protocol } : {};
  const study = CELLS.map((cell): StudyArchitecture => {
    const trained = models === undefined ? undefined : join(models, `hapt-${cell}`);
    const source =
      trained !== undefined && table !== undefined && existsSync(join(trained, "model.json"))
        ? ({ kind: "trained", folder: trained, split: "random", windows: { data, table, length: WINDOW } } as const)
        : ({ kind: "train", jobs: [jobOf(options, places, cell, STUDY_SHAPES[cell], 1)] } as const);
    return { name: `hapt-${cell}`, published: PUBLISHED[cell], ...marked, source };
  });
  if (seeds === 0 && folds === undefined) return study;
  const small = cells.map((cell): StudyArchitecture => {
    const jobs =
      folds === undefined
        ? Array.from({ length: seeds }, (_, i) => jobOf(options, places, cell, { units: [units] }, i + 1))
        : foldJobs(jobOf(options, places, cell, { units: [units] }, 1), protocol, folds);
    return { name: `${cell}${units}`, ...marked, source: { kind: "train", jobs } };
  });
  return [...study, ...small];
}

function placesOf(path: string, protocol: Protocol, table: string | undefined): JobData {
  if (protocol === "published") {
    return { path, window: WINDOW, hop: HOP, split: "random", smoteFrames: true, allowLeaks: true };
  }
  return table !== undefined && existsSync(table)
    ? { path, window: WINDOW, windowTable: { path: table, column: "subject" }, split: "given" }
    : { path, window: WINDOW, hop: HOP, split: "subject" };
}

function jobOf(
  { epochs = DEFAULT_EPOCHS, limit, testLimit }: HaptStudyOptions,
  data: JobData,
  preset: PresetName,
  shape: { readonly units: readonly number[]; readonly dense?: readonly number[] },
  seed: number,
): TrainJob {
  return {
    data,
    model: { preset, ...shape },
    training: {
      epochs,
      batchSize: 128,
      learningRate: shape.units.length > 1 ? RATE.published : RATE.small,
      schedule: "cosine",
    },
    seed,
    ...(limit === undefined ? {} : { limit }),
    ...(testLimit === undefined ? {} : { testLimit }),
  };
}

/** The same training once a fold, people held out; `published` divides its balanced windows at random instead. */
function foldJobs(job: TrainJob, protocol: Protocol, count: number): TrainJob[] {
  const places: JobData = protocol === "published" ? job.data : placesOf(job.data.path, protocol, undefined);
  return Array.from({ length: count }, (_, index) => ({ ...job, data: { ...places, fold: { index, count } } }));
}
