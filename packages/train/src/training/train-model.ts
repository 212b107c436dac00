import { createHash } from "node:crypto";
import type { LayersModel, Tensor, Variable } from "@tensorflow/tfjs";
import { mixUp } from "../data/augment.js";
import { type Random, shuffledIndices } from "../data/random.js";
import { argMax } from "../metrics/classification.js";
import type { Tf } from "../tf/load-tf.js";
import { modelFiles, saveModelFiles } from "../tf/model-files.js";
import { Adam } from "./adam.js";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "./checkpoint.js";
import { TrainError } from "./errors.js";
import { asRows, chooseLoss, type LossName, rowLoss } from "./losses.js";
import { type Forward, predictAll, type Scores, scoreAnswers } from "./predict.js";
import { type EpochMetrics, RunFolder } from "./run-folder.js";
import { derivedRandom, withSeededRandom } from "./seeded-random.js";
import { StatefulNetwork, streamBatches } from "./stateful-network.js";
import { checkTrainingSet, pickRows, type TrainingSet } from "./training-set.js";

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
  /** Epochs taken over from an earlier run. */
  readonly resumedAt: number;
  readonly loss: Exclude<LossName, "auto">;
}

interface Data {
  readonly train: TrainingSet;
  readonly validation?: TrainingSet;
}

/** Progress is told, and the event loop served, this often. */
const PAUSE_MS = 100;
const NO_PIECES = new Int32Array(0);
/** Fiftieth: where a cosine schedule ends. */
const LAST_RATE = 0.02;

/**
 * Trains a tfjs layers model with Adam and leaves the best weights in it.
 * With a folder: configuration, metrics of every epoch, the best model as tfjs files, a plot, and a checkpoint after
 * every epoch; a run that was stopped or killed goes on behind its last epoch and ends with the same weights.
 * Throws `TRAIN_DATA`, `TRAIN_OPTION`, `TRAIN_DIVERGED`, `RUN_MISMATCH` where the folder holds a run with another
 * configuration, and the reason of `signal` where it is aborted.
 */
export async function trainModel(tf: Tf, model: LayersModel, data: Data, options: TrainOptions): Promise<TrainResult> {
  checkOptions(options);
  checkTrainingSet(data.train, "training data");
  if (data.validation !== undefined) checkTrainingSet(data.validation, "validation data");
  return new Trainer(tf, model, data, options).run();
}

function checkOptions({ epochs, batchSize = 1, learningRate = 1, patience = 1 }: TrainOptions): void {
  for (const [name, value] of Object.entries({ epochs, batchSize, patience })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new TrainError("TRAIN_OPTION", `${name} is ${value}, expected a whole number, at least 1`);
  }
  if (!(learningRate > 0 && learningRate < 10)) {
    throw new TrainError("TRAIN_OPTION", `learning rate is ${learningRate}, expected above 0 and below 10`);
  }
}

class Trainer {
  readonly #tf: Tf;
  readonly #model: LayersModel;
  readonly #data: Data;
  readonly #options: TrainOptions;
  readonly #loss: Exclude<LossName, "auto">;
  readonly #variables: Variable[];
  /** Trainable weights, the truth of which the variables hold copies. */
  readonly #weights: Float32Array[];
  readonly #adam: Adam;
  readonly #folder: RunFolder | undefined;
  /** For pieces of recordings: keeps the states between them. */
  readonly #stateful: StatefulNetwork | undefined;
  #history: EpochMetrics[] = [];
  #bestEpoch = 0;
  #bestScore = -Number.MAX_VALUE;
  #bestWeights: Float32Array[] = [];
  #started = 0;
  #paused = 0;

  constructor(tf: Tf, model: LayersModel, data: Data, options: TrainOptions) {
    this.#tf = tf;
    this.#model = model;
    this.#data = data;
    this.#options = options;
    this.#loss = chooseLoss(options.loss ?? "auto", model, data.train.outputs > 1 && isDistribution(data.train));
    this.#variables = model.trainableWeights.map((weight) => weight.read() as Variable);
    this.#weights = this.#variables.map((variable) => Float32Array.from(variable.dataSync()));
    const { learningRate = 1e-3, weightDecay, clipNorm = 1 } = options;
    this.#adam = new Adam(
      { learningRate, weightDecay, clipNorm },
      this.#weights.map((array) => array.length),
    );
    if (data.train.previous !== undefined) {
      if (options.forward !== undefined) {
        throw new TrainError("TRAIN_OPTION", "a forward pass of its own keeps no state between pieces of recordings");
      }
      this.#stateful = new StatefulNetwork(tf, model);
    }
    this.#folder = options.folder === undefined ? undefined : new RunFolder(options.folder);
  }

  async run(): Promise<TrainResult> {
    const { epochs } = this.#options;
    const fingerprint = this.#fingerprint();
    const resumedAt = await this.#resume(fingerprint);
    const { constrain } = this.#options;
    constrain?.(this.#weights, this.#adam.step);
    this.#writeVariables();
    this.#started = performance.now();
    this.#paused = this.#started;
    let stopped = this.#shouldStop();
    for (let epoch = resumedAt; epoch < epochs && !stopped; epoch++) {
      const metrics = await this.#epoch(epoch, resumedAt);
      this.#history.push(metrics);
      await this.#keepBest(metrics);
      stopped = this.#shouldStop();
      if (this.#folder !== undefined) {
        await this.#folder.addMetrics(metrics);
        await writeCheckpoint(this.#folder.checkpointPath, this.#checkpoint(fingerprint));
      }
      await this.#options.onEpoch?.(metrics);
    }
    this.#setAll(this.#bestWeights);
    await this.#folder?.plot(this.#history);
    const best = this.#history[this.#bestEpoch - 1];
    return {
      history: this.#history,
      bestEpoch: this.#bestEpoch,
      best: {
        loss: best.validationLoss ?? best.loss,
        accuracy: best.validationAccuracy ?? best.accuracy,
        macroF1: best.validationF1,
      },
      resumedAt,
      loss: this.#loss,
    };
  }

  async #epoch(epoch: number, firstEpoch: number): Promise<EpochMetrics> {
    const { train, validation } = this.#data;
    const { batchSize = 64, seed = 1, epochs, signal, onProgress } = this.#options;
    const random = derivedRandom(seed, 1, epoch);
    const plan = planBatches(train, batchSize, random);
    const batches = plan.length;
    this.#stateful?.begin();
    const rate = this.#rate(epoch);
    const begun = performance.now();
    let loss = 0;
    let right = 0;
    let weight = 0;
    for (let batch = 0; batch < batches; batch++) {
      const outcome = await this.#step(plan[batch], random, rate);
      if (!Number.isFinite(outcome.loss)) {
        const place = `epoch ${epoch + 1}, batch ${batch + 1}`;
        throw new TrainError("TRAIN_DIVERGED", `loss is ${outcome.loss} in ${place}: take a smaller learning rate`);
      }
      loss += outcome.loss * outcome.weight;
      right += outcome.right;
      weight += outcome.weight;
      if (performance.now() - this.#paused < PAUSE_MS && batch + 1 < batches) continue;
      const done = epoch - firstEpoch + (batch + 1) / batches;
      const accuracy = this.#loss === "squaredError" ? {} : { accuracy: right / weight };
      const secondsLeft = (((performance.now() - this.#started) / done) * (epochs - firstEpoch - done)) / 1000;
      onProgress?.({
        epoch: epoch + 1,
        epochs,
        batch: batch + 1,
        batches,
        loss: loss / weight,
        ...accuracy,
        secondsLeft,
      });
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      this.#paused = performance.now();
    }
    const checked = validation === undefined ? undefined : await this.#evaluate(validation);
    return {
      epoch: epoch + 1,
      loss: loss / weight,
      ...(this.#loss === "squaredError" ? {} : { accuracy: right / weight }),
      ...(checked === undefined ? {} : { validationLoss: checked.loss }),
      ...(checked?.accuracy === undefined
        ? {}
        : { validationAccuracy: checked.accuracy, validationF1: checked.macroF1 }),
      learningRate: (this.#options.learningRate ?? 1e-3) * rate,
      seconds: Math.round(performance.now() - begun) / 1000,
    };
  }

  /** One batch: gradients by tfjs, the step itself on plain arrays. */
  async #step(indices: Uint32Array, random: Random, rate: number) {
    const tf = this.#tf;
    const { train } = this.#data;
    const { augment, constrain, mixUp: share = 0 } = this.#options;
    const size = train.inputs.length / train.count;
    const inputs = pickRows(train.inputs, indices, size);
    augment?.(inputs, indices.length, random);
    const width = train.rows * train.outputs;
    const targets = pickRows(train.targets, indices, width);
    if (share > 0) mixUp(inputs, targets, indices.length, share, random);
    const weights = train.weights === undefined ? undefined : pickRows(train.weights, indices, train.rows);
    const { previous = NO_PIECES } = train;
    const stateful = this.#stateful?.forward(indices, previous, true);
    const forward = stateful ?? this.#options.forward?.(true) ?? this.#apply;
    const rowLosses = rowLoss(tf, this.#loss);
    const x = tf.tensor(inputs, [indices.length, ...train.shape]);
    const y = tf.tensor2d(targets, [indices.length * train.rows, train.outputs]);
    const w = weights === undefined ? undefined : tf.tensor1d(weights);
    let answers: Tensor | undefined;
    const { value, grads } = withSeededRandom(random, () =>
      tf.variableGrads(() => {
        const predicted = asRows(forward(x), train.outputs);
        answers = tf.keep(predicted);
        const each = rowLosses(predicted, y);
        let mean = w === undefined ? each.mean() : each.mul(w).sum().div(w.sum().maximum(1e-12));
        for (const penalty of this.#model.calculateLosses()) mean = mean.add(penalty);
        return mean.asScalar();
      }, this.#variables),
    );
    const gradients = await Promise.all(
      this.#variables.map((variable, i) => grads[variable.name]?.data() ?? new Float32Array(this.#weights[i].length)),
    );
    const loss = (await value.data())[0];
    const right =
      this.#loss === "squaredError" ? 0 : countRight(await answers!.data(), targets, train.outputs, weights);
    tf.dispose([x, y, w, value, answers, grads] as Tensor[]);
    this.#stateful?.finish(previous);
    this.#adam.update(this.#weights, gradients as ArrayLike<number>[], rate);
    constrain?.(this.#weights, this.#adam.step);
    this.#writeVariables();
    const weight = weights === undefined ? indices.length * train.rows : weights.reduce((sum, each) => sum + each, 0);
    return { loss, right, weight };
  }

  readonly #apply: Forward = (inputs) => this.#model.apply(inputs, { training: true }) as Tensor;

  async #evaluate(set: TrainingSet): Promise<Scores> {
    const forward = this.#options.forward?.(false) ?? this.#model;
    return scoreAnswers(await predictAll(this.#tf, forward, set), set, this.#loss);
  }

  #rate(epoch: number): number {
    const { schedule = "constant", epochs } = this.#options;
    if (schedule === "constant" || epochs === 1) return 1;
    return LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + Math.cos((Math.PI * epoch) / (epochs - 1)));
  }

  #score(metrics: EpochMetrics): number {
    const classes = this.#loss !== "squaredError";
    const monitor = this.#options.monitor ?? (classes ? "accuracy" : "loss");
    const loss = -(metrics.validationLoss ?? metrics.loss);
    if (monitor === "loss" || !classes) return loss;
    // Of equal accuracies the smaller loss is better.
    const share = metrics.validationAccuracy ?? metrics.accuracy ?? 0;
    return (monitor === "f1" ? (metrics.validationF1 ?? share) : share) + 1e-9 * loss;
  }

  async #keepBest(metrics: EpochMetrics): Promise<void> {
    if (metrics.epoch < Math.min(this.#options.bestFrom ?? 1, this.#options.epochs)) return;
    const score = this.#score(metrics);
    if (score <= this.#bestScore && this.#bestWeights.length > 0) return;
    this.#bestScore = score;
    this.#bestEpoch = metrics.epoch;
    this.#bestWeights = this.#getAll();
    if (this.#folder === undefined) return;
    await saveModelFiles(await modelFiles(this.#tf, this.#model), this.#folder.bestPath, `${metrics.epoch}`);
  }

  #shouldStop(): boolean {
    const { patience } = this.#options;
    return patience !== undefined && this.#history.length - this.#bestEpoch >= patience && this.#bestEpoch > 0;
  }

  /** Takes over what the folder holds; returns the number of epochs done. */
  async #resume(fingerprint: string): Promise<number> {
    const { config, epochs, onProgress: _, onEpoch: __, signal: ___, ...plain } = this.#options;
    if (this.#folder === undefined) return 0;
    const found = await readCheckpoint(this.#folder.checkpointPath);
    if (found !== undefined && found.fingerprint !== fingerprint) {
      const message = `${this.#folder.path} holds a run with another configuration, model or data: choose another folder or delete it`;
      throw new TrainError("RUN_MISMATCH", message);
    }
    await this.#folder.begin({ ...config, ...plain, epochs, loss: this.#loss, parameters: this.#model.countParams() });
    this.#history = await this.#folder.keepMetrics(found?.epoch ?? 0);
    if (found === undefined) return 0;
    const [all, first, second, best, weights] = found.arrays;
    this.#setAll(all);
    for (const [i, array] of weights.entries()) this.#weights[i].set(array);
    for (const [i, array] of first.entries()) this.#adam.first[i].set(array);
    for (const [i, array] of second.entries()) this.#adam.second[i].set(array);
    this.#adam.step = found.optimizerStep;
    this.#bestEpoch = found.bestEpoch;
    this.#bestScore = found.bestScore;
    this.#bestWeights = [...best];
    return found.epoch;
  }

  #checkpoint(fingerprint: string): Checkpoint {
    return {
      epoch: this.#history.length,
      bestEpoch: this.#bestEpoch,
      bestScore: this.#bestScore,
      optimizerStep: this.#adam.step,
      fingerprint,
      arrays: [this.#getAll(), this.#adam.first, this.#adam.second, this.#bestWeights, this.#weights],
    };
  }

  /** Everything that decides how the run goes on: options, topology, first weights, data. */
  #fingerprint(): string {
    const {
      folder: _,
      onProgress: __,
      onEpoch: ___,
      signal: ____,
      augment,
      constrain,
      project,
      forward,
      ...options
    } = this.#options;
    const { epochs, schedule } = options;
    const parts = {
      ...options,
      // A constant learning rate lets a finished run be prolonged.
      epochs: schedule === "cosine" ? epochs : 0,
      hooks: [augment, constrain, project, forward].map((hook) => hook !== undefined),
      layers: this.#model.weights.map((weight) => weight.shape),
    };
    const hash = createHash("sha256").update(JSON.stringify(parts));
    for (const set of [this.#data.train, this.#data.validation]) {
      for (const array of [set?.inputs, set?.targets, set?.weights, set?.previous]) {
        if (array !== undefined) hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
      }
    }
    return hash.digest("hex");
  }

  #getAll(): Float32Array[] {
    return this.#model.weights.map((weight) => Float32Array.from(weight.read().dataSync()));
  }

  /** Sets all weights of the model, those that are not trained too. */
  #setAll(arrays: readonly Float32Array[]): void {
    const tf = this.#tf;
    tf.tidy(() => {
      this.#model.weights.forEach((weight, i) => {
        weight.write(tf.tensor(arrays[i], weight.shape as number[]));
      });
    });
    this.#variables.forEach((variable, i) => {
      this.#weights[i].set(variable.dataSync());
    });
  }

  #writeVariables(): void {
    const tf = this.#tf;
    const arrays = this.#options.project?.(this.#weights) ?? this.#weights;
    tf.tidy(() => {
      this.#variables.forEach((variable, i) => {
        variable.assign(tf.tensor(arrays[i], variable.shape));
      });
    });
  }
}

/** Samples of each step of an epoch, in random order; pieces of recordings in theirs. */
function planBatches({ count, previous }: TrainingSet, batchSize: number, random: Random): Uint32Array[] {
  if (previous !== undefined) return streamBatches(previous, batchSize, random);
  const order = shuffledIndices(count, random);
  return Array.from({ length: Math.ceil(count / batchSize) }, (_, batch) =>
    order.subarray(batch * batchSize, Math.min(count, (batch + 1) * batchSize)),
  );
}

/** Weighted number of rows whose largest answer stands where the largest target does. */
function countRight(answers: ArrayLike<number>, targets: ArrayLike<number>, outputs: number, weights?: Float32Array) {
  let right = 0;
  const rows = targets.length / outputs;
  for (let row = 0; row < rows; row++) {
    const equal =
      outputs === 1
        ? answers[row] > 0.5 === targets[row] > 0.5
        : argMax(answers, row * outputs, outputs) === argMax(targets, row * outputs, outputs);
    if (equal) right += weights?.[row] ?? 1;
  }
  return right;
}

/** Whether the targets of a set are probabilities: not negative, and each row sums to 1. */
function isDistribution({ targets, outputs }: TrainingSet): boolean {
  for (let at = 0; at < targets.length; at += outputs) {
    let sum = 0;
    for (let c = 0; c < outputs; c++) {
      if (targets[at + c] < 0) return false;
      sum += targets[at + c];
    }
    if (Math.abs(sum - 1) > 1e-3) return false;
  }
  return true;
}
