import type { LayersModel, Tensor, Variable } from "@tensorflow/tfjs";
import { mixUp } from "../data/augment.js";
import type { Random } from "../data/random.js";
import { withFusedLayers } from "../fused/fused-layers.js";
import type { Tf } from "../tf/load-tf.js";
import { modelFiles, saveModelFiles } from "../tf/model-files.js";
import { Adam } from "./adam.js";
import { countRight, isDistribution, planBatches } from "./batches.js";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "./checkpoint.js";
import { TrainError } from "./errors.js";
import { runFingerprint } from "./fingerprint.js";
import { asRows, chooseLoss, type LossName, rowLoss } from "./losses.js";
import { type Forward, predictAll, type Scores, scoreAnswers } from "./predict.js";
import { type EpochMetrics, RunFolder } from "./run-folder.js";
import { derivedRandom, withSeededRandom } from "./seeded-random.js";
import { StatefulNetwork } from "./stateful-network.js";
import { checkOptions, type TrainingData, type TrainOptions, type TrainResult } from "./train-options.js";
import { checkTrainingSet, pickRows, type TrainingSet } from "./training-set.js";

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
export async function trainModel(
  tf: Tf,
  model: LayersModel,
  data: TrainingData,
  options: TrainOptions,
): Promise<TrainResult> {
  checkOptions(options);
  checkTrainingSet(data.train, "training data");
  if (data.validation !== undefined) checkTrainingSet(data.validation, "validation data");
  return withFusedLayers(tf, model, () => new Trainer(tf, model, data, options).run());
}

class Trainer {
  readonly #tf: Tf;
  readonly #model: LayersModel;
  readonly #data: TrainingData;
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

  constructor(tf: Tf, model: LayersModel, data: TrainingData, options: TrainOptions) {
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
    const fingerprint = runFingerprint(this.#model, this.#data, this.#options);
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
    await this.#folder?.plot(this.#history, this.#bestEpoch);
    const best = this.#history[this.#bestEpoch - 1];
    return {
      history: this.#history,
      bestEpoch: this.#bestEpoch,
      bestScore: this.#bestScore,
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
    const score = (await this.#options.judge?.()) ?? this.#score(metrics);
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
    const { config, epochs, onProgress: _, onEpoch: __, signal: ___, judge: ____, memory, ...plain } = this.#options;
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
    if (found.memory !== undefined) memory?.restore(found.memory);
    return found.epoch;
  }

  #checkpoint(fingerprint: string): Checkpoint {
    return {
      epoch: this.#history.length,
      bestEpoch: this.#bestEpoch,
      bestScore: this.#bestScore,
      optimizerStep: this.#adam.step,
      fingerprint,
      ...(this.#options.memory === undefined ? {} : { memory: this.#options.memory.save() }),
      arrays: [this.#getAll(), this.#adam.first, this.#adam.second, this.#bestWeights, this.#weights],
    };
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
