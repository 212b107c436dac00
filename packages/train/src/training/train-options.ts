import type { Random } from "../data/random.js";
import { TrainError } from "./errors.js";
import type { LossName } from "./losses.js";
import type { Forward, Scores } from "./predict.js";
import type { EpochMetrics } from "./run-folder.js";
import type { TrainingSet } from "./training-set.js";

/** Where a run is; given after every few batches. */
export interface TrainProgress {
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  readonly batch: number;
  readonly batches: number;
  /** Mean over the epoch so far. */
  readonly loss: number;
  readonly accuracy?: number;
  readonly secondsLeft: number;
}

export interface TrainOptions {
  readonly epochs: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  /** `cosine` falls to a fiftieth of the learning rate at the last epoch. */
  readonly schedule?: "constant" | "cosine";
  readonly weightDecay?: number;
  readonly clipNorm?: number;
  readonly loss?: LossName;
  /** Same seed, same machine, same back end: same weights. */
  readonly seed?: number;
  /** Ends after so many epochs without a better score; the best weights are kept in any case. */
  readonly patience?: number;
  /** What `best` means, on the validation set where there is one; default: accuracy for classes, loss otherwise. */
  readonly monitor?: "loss" | "accuracy" | "f1";
  /** Scores the network behind every epoch instead of `monitor`, the more the better, e.g. as converted in another engine. */
  readonly judge?: () => Promise<number>;
  /** Folder of the run; an unfinished run there goes on. Absent: nothing is written. */
  readonly folder?: string;
  /** More facts for `config.json`; part of what a resumed run must have in common. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Changes a batch of inputs [count, size] in place, anew in every epoch. */
  readonly augment?: (inputs: Float32Array, count: number, random: Random) => void;
  /** Mixes each sample and its answer with another of the batch, by a share of up to this (mix-up); default 0. */
  readonly mixUp?: number;
  /** Called with the trainable weights before the first and after every step, to hold some of them where they must be. */
  readonly constrain?: (weights: readonly Float32Array[], step: number) => void;
  /**
   * What the network computes with instead of its trainable weights, e.g. their rounded values: gradients are taken there and
   * applied to the weights themselves (straight-through). The best model holds these values.
   */
  readonly project?: (weights: readonly Float32Array[]) => readonly Float32Array[];
  /** What `project` remembers from call to call, as plain data, for a resumed run to go on with. */
  readonly memory?: { save(): unknown; restore(saved: unknown): void };
  /** First epoch, from 1, that may be the best one: those before are still changing the network. */
  readonly bestFrom?: number;
  /** Another forward pass through the same variables, e.g. with fake quantization. */
  readonly forward?: (training: boolean) => Forward;
  readonly onProgress?: (progress: TrainProgress) => void;
  readonly onEpoch?: (metrics: EpochMetrics) => void | Promise<void>;
  /** Stops behind the current batch; finished epochs stay. */
  readonly signal?: AbortSignal;
}

export interface TrainResult {
  readonly history: readonly EpochMetrics[];
  /** From 1. */
  readonly bestEpoch: number;
  readonly best: Scores;
  /** What was best about it, by `judge` or `monitor`. */
  readonly bestScore: number;
  /** Epochs taken over from an earlier run. */
  readonly resumedAt: number;
  readonly loss: Exclude<LossName, "auto">;
}

/** What a run learns from, and what chooses its best epoch. */
export interface TrainingData {
  readonly train: TrainingSet;
  readonly validation?: TrainingSet;
}

/** Throws `TRAIN_OPTION` naming the option and its value. */
export function checkOptions({ epochs, batchSize = 1, learningRate = 1, patience = 1 }: TrainOptions): void {
  for (const [name, value] of Object.entries({ epochs, batchSize, patience })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new TrainError("TRAIN_OPTION", `${name} is ${value}, expected a whole number, at least 1`);
  }
  if (!(learningRate > 0 && learningRate < 10)) {
    throw new TrainError("TRAIN_OPTION", `learning rate is ${learningRate}, expected above 0 and below 10`);
  }
}
