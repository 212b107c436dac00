import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type ConvertedModel, convert, type WeightBits } from "@gatelet/converter";
import type { LayersModel } from "@tensorflow/tfjs";
import type { Normalization } from "../data/prepare.js";
import type { JobSamples } from "../jobs/job-samples.js";
import { argMax } from "../metrics/classification.js";
import { divergence } from "../metrics/divergence.js";
import { buildNetwork, readNetwork } from "../prune/network.js";
import { pruneUnits } from "../prune/structured.js";
import { distilledSet } from "../qat/distill.js";
import { graphOf, trainQuantized } from "../qat/train-quantized.js";
import { conversionData, countParameters, countsOf } from "../study/evaluate-entry.js";
import type { BoardCost, BoardMeter, LoadInteger } from "../study/integer-engine.js";
import type { Tf } from "../tf/load-tf.js";
import { TrainError } from "../training/errors.js";
import { predictAll, scoreAnswers } from "../training/predict.js";
import { trainModel } from "../training/train-model.js";
import type { TrainOptions, TrainProgress } from "../training/train-options.js";
import { labelsOf, type TrainingSet } from "../training/training-set.js";
import { writeWhole } from "../training/write-whole.js";
import type { PlannedStage, ShrinkPlan, ShrinkReport, ShrinkStage, ShrinkWidth } from "./report.js";
import { type Shortfall, type ShrinkTarget, shortfall } from "./target.js";

export interface Teacher {
  readonly model: LayersModel;
  readonly normalization: Normalization;
}

export interface ShrinkRequest {
  readonly name: string;
  readonly folder: string;
  readonly samples: JobSamples;
  readonly teachers: readonly Teacher[];
  /** Makes the student, its weights as they are before training; of another width where one was chosen. */
  readonly student: (units?: number) => LayersModel;
  /** Widths to choose from before anything is trained: the largest whose file at 8 bits meets the target. */
  readonly widths?: readonly number[];
  /** Epochs that train the student; 0: it is trained. */
  readonly epochs: number;
  /** Epochs of fine-tuning behind pruning, and of quantization-aware training. */
  readonly tuneEpochs: number;
  readonly training: Pick<TrainOptions, "batchSize" | "learningRate" | "seed">;
  /** Weight of the teachers' answers. */
  readonly distill: number;
  /** Shares of units to try without, 0 first. */
  readonly shares: readonly number[];
  /** Also train the student without teachers, to compare. */
  readonly alone: boolean;
  readonly target: ShrinkTarget;
  /** On the validation part, 0 .. 1. */
  readonly minAccuracy: number;
  /** Bits of weights to try: 8 by conversion, 4 by training; default both. */
  readonly bits?: readonly WeightBits[];
  /** Leaves META out of the files. */
  readonly strip?: boolean;
}

export interface ShrinkTools {
  readonly tf: Tf;
  readonly engine: LoadInteger;
  readonly meter?: BoardMeter;
  /** Milliseconds a step that a file is predicted to take; undefined: not known for it. */
  readonly predictStep?: (gate: Uint8Array) => number | undefined;
  readonly onProgress?: (stage: string, progress?: TrainProgress) => void;
}

/**
 * Distils a student, prunes it, trains it quantized at 8 and 4 bits, and takes the smallest file that keeps the target and
 * the accuracy (on the validation part: the test part decides nothing). What no training can bring to the target is not
 * trained. Writes `<stage>.gate`, `shrink.json`, and the chosen file as `<name>.gate`; where none meets the target the report
 * says what comes nearest. A run that was stopped goes on when it is called again.
 */
export async function shrink(request: ShrinkRequest, tools: ShrinkTools): Promise<ShrinkReport> {
  return new Shrinker(request, tools).run();
}

class Shrinker {
  readonly #stages: ShrinkStage[] = [];
  readonly #files = new Map<string, Uint8Array>();
  readonly #widths: ShrinkWidth[] = [];
  readonly #plans: PlannedStage[] = [];

  constructor(
    readonly request: ShrinkRequest,
    readonly tools: ShrinkTools,
  ) {}

  async run(): Promise<ShrinkReport> {
    const { request } = this;
    const { samples } = request;
    if (samples.validation === undefined) throw new TrainError("TRAIN_OPTION", "shrink needs a validation part");
    await mkdir(request.folder, { recursive: true });
    const units = await this.#chooseWidth();
    if (units === "none") return this.#choose();
    const student = request.student(units);
    await this.#plan(student);
    if (this.#plans.every(({ misses }) => misses.length > 0)) return this.#choose();
    if (request.alone) {
      const alone = request.student(units);
      await this.#train(alone, samples.train, "alone", request.epochs);
      await this.#floatStage("alone", alone);
      alone.dispose();
    }
    const train = await this.#softened();
    if (request.epochs > 0) await this.#train(student, train, "student", request.epochs);
    await this.#floatStage("student", student);
    for (const share of request.shares) await this.#variants(student, share, train);
    return this.#choose();
  }

  /** The student without a share of its units, as files of every width of weights that can meet the target. */
  async #variants(student: LayersModel, share: number, train: TrainingSet): Promise<void> {
    const { request } = this;
    const wanted = (request.bits ?? BITS).filter((bits) => this.#isPossible(stageName(share, bits)));
    if (wanted.length === 0) return;
    const prefix = prefixOf(share);
    const model = await this.#withoutUnits(student, share);
    if (share > 0) {
      await this.#train(model, train, prefix, request.tuneEpochs);
      await this.#floatStage(prefix, model);
    }
    if (wanted.includes(8)) await this.#int8Stage(prefix, model);
    if (wanted.includes(4)) await this.#int4Stage(prefix, model, train);
  }

  async #withoutUnits(student: LayersModel, share: number): Promise<LayersModel> {
    return share === 0 ? student : buildNetwork(this.tools.tf, pruneUnits(readNetwork(student), { share }));
  }

  #isPossible(stage: string): boolean {
    return this.#plans.some((plan) => plan.stage === stage && plan.misses.length === 0);
  }

  /** What every stage's file will cost. */
  async #plan(student: LayersModel): Promise<void> {
    const { shares, bits = BITS } = this.request;
    for (const share of shares) {
      const model = await this.#withoutUnits(student, share);
      for (const width of bits) {
        const stage = stageName(share, width);
        this.tools.onProgress?.(`${stage}: what it will cost`);
        this.#plans.push({ stage, ...(await this.#planned(model, width)) });
      }
      if (model !== student) model.dispose();
    }
  }

  async #planned(model: LayersModel, bits: WeightBits): Promise<ShrinkPlan> {
    const { target } = this.request;
    const head = bits === 4 ? { headBits: bits } : {};
    const options = { ...this.#conversion(), ...head, bits, compensate: false };
    const { bytes, report } = await convert(await graphOf(this.tools.tf, model), options);
    const cost = this.#cost(bytes, report.arenaBytes);
    const timed = target.milliseconds !== undefined && this.tools.meter !== undefined;
    const board = timed ? await this.#measure(bytes) : undefined;
    const milliseconds = board === undefined ? {} : { milliseconds: board.milliseconds };
    const found = { ...cost, ...milliseconds };
    return { ...found, ...this.#shortfall(found) };
  }

  /** The largest width that meets the target; undefined where no widths were given. */
  async #chooseWidth(): Promise<number | undefined | "none"> {
    const { widths = [], student, bits = BITS } = this.request;
    for (const units of [...widths].sort((a, b) => b - a)) {
      this.tools.onProgress?.(`width ${units}`);
      const model = student(units);
      const plan = await this.#planned(model, bits.includes(8) ? 8 : 4);
      model.dispose();
      this.#widths.push({ units, ...plan });
      if (plan.misses.length === 0) return units;
    }
    return widths.length === 0 ? undefined : "none";
  }

  /** What a file costs before anything runs. */
  #cost(gate: Uint8Array, ramBytes: number) {
    const stepMilliseconds = this.tools.predictStep?.(gate);
    return { gateBytes: gate.length, ramBytes, ...(stepMilliseconds === undefined ? {} : { stepMilliseconds }) };
  }

  #shortfall(figures: {
    readonly gateBytes: number;
    readonly ramBytes: number;
    readonly stepMilliseconds?: number;
    readonly milliseconds?: number;
    readonly accuracy?: number;
  }): Shortfall {
    const { target, minAccuracy } = this.request;
    return shortfall([
      ["flash bytes", figures.gateBytes, target.flashBytes],
      ["RAM bytes", figures.ramBytes, target.ramBytes],
      ["ms a step", figures.stepMilliseconds, target.stepMilliseconds],
      ["ms", figures.milliseconds, target.milliseconds],
      ["accuracy", figures.accuracy, minAccuracy, "least"],
    ]);
  }

  async #measure(gate: Uint8Array): Promise<BoardCost | undefined> {
    const { windows, indices, recordings } = this.request.samples;
    return this.tools.meter?.(gate, countsOf(windows, indices.test[0]), recordings.channels);
  }

  /** The training part with the teachers' answers mixed in; each teacher sees inputs as it was trained with. */
  async #softened(): Promise<TrainingSet> {
    const { samples, teachers, distill } = this.request;
    const { tf } = this.tools;
    if (teachers.length === 0) return samples.train;
    const sum = new Float64Array(samples.train.targets.length);
    for (const { model, normalization } of teachers) {
      const inputs = renormalized(samples.train.inputs, samples.normalization, normalization);
      const { targets } = await distilledSet(tf, [model], { ...samples.train, inputs }, { weight: distill });
      for (let i = 0; i < sum.length; i++) sum[i] += targets[i] / teachers.length;
    }
    return { ...samples.train, targets: Float32Array.from(sum) };
  }

  #options(stage: string, epochs: number, rate = 1): TrainOptions {
    const { training, folder } = this.request;
    return {
      ...training,
      learningRate: rate * (training.learningRate ?? 1e-3),
      epochs,
      schedule: "cosine",
      folder: join(folder, stage),
      onProgress: (progress) => this.tools.onProgress?.(stage, progress),
    };
  }

  #data(train: TrainingSet) {
    const { validation } = this.request.samples;
    return { train, ...(validation === undefined ? {} : { validation }) };
  }

  async #train(model: LayersModel, train: TrainingSet, stage: string, epochs: number): Promise<void> {
    await trainModel(this.tools.tf, model, this.#data(train), this.#options(stage, epochs));
  }

  async #floatStage(stage: string, model: LayersModel): Promise<void> {
    const { validation, test } = this.request.samples;
    const score = async (set: TrainingSet) =>
      scoreAnswers(await predictAll(this.tools.tf, model, set), set, "crossEntropy").accuracy ?? 0;
    this.#stages.push({
      stage,
      parameters: model.countParams(),
      validationAccuracy: await score(validation as TrainingSet),
      testAccuracy: await score(test),
    });
  }

  #conversion(calibrationWindows?: number) {
    const { samples, name, strip } = this.request;
    const { windows, indices, normalization, recordings } = samples;
    const count = calibrationWindows === undefined ? {} : { calibrationWindows };
    const data = conversionData({ windows, train: indices.train, normalization, ...count });
    return { ...data, meta: strip ? (false as const) : { name, classes: recordings.classes } };
  }

  async #int8Stage(prefix: string, model: LayersModel): Promise<void> {
    const stage = `${prefix}-int8`;
    this.tools.onProgress?.(stage);
    await this.#fileStage(stage, await convert(await graphOf(this.tools.tf, model), this.#conversion()));
  }

  /** 4 bits everywhere, the last layer too, by training. */
  async #int4Stage(prefix: string, model: LayersModel, train: TrainingSet): Promise<void> {
    const stage = `${prefix}-int4`;
    const copy = await buildNetwork(this.tools.tf, readNetwork(model));
    const { samples, training } = this.request;
    const { batchSize } = training;
    const { validation } = samples;
    const own = validation && (await predictAll(this.tools.tf, copy, validation));
    const { converted } = await trainQuantized(this.tools.tf, copy, this.#data(train), {
      bits: 4,
      headBits: 4,
      conversion: this.#conversion(FINE_CALIBRATION_WINDOWS),
      teach: OWN_ANSWERS,
      training: { ...this.#options(stage, this.request.tuneEpochs, FINE_RATE), batchSize: 2 * (batchSize ?? 64) },
      // Accuracy on a few thousand windows is noise of some tenths of a point; divergence is not.
      judge: async (file) => (own === undefined ? 0 : -(await this.#engineDivergence(file, own))),
    });
    copy.dispose();
    await this.#fileStage(stage, converted);
  }

  async #fileStage(stage: string, { bytes, report, graph }: ConvertedModel): Promise<void> {
    const { samples, folder } = this.request;
    const { indices } = samples;
    await writeWhole(join(folder, `${stage}.gate`), bytes);
    this.#files.set(stage, bytes);
    const board = await this.#measure(bytes);
    const accuracy = await this.#engineScore(bytes, indices.validation, samples.validation);
    const cost = this.#cost(bytes, report.arenaBytes);
    const milliseconds = board === undefined ? {} : { milliseconds: board.milliseconds };
    this.#stages.push({
      stage,
      parameters: countParameters(graph),
      validationAccuracy: accuracy,
      testAccuracy: await this.#engineScore(bytes, indices.test, samples.test),
      ...cost,
      ...(board === undefined ? {} : { board }),
      ...this.#shortfall({ ...cost, ...milliseconds, accuracy }),
    });
  }

  /** Share of a part's windows that a file decides right in the integer engine. */
  async #engineScore(gate: Uint8Array, part: Uint32Array, set: TrainingSet | undefined): Promise<number> {
    if (set === undefined) return 0;
    const engine = await this.tools.engine(gate);
    const labels = labelsOf(set);
    const right = part.reduce((sum, index, i) => {
      const decided = argMax(engine.window(countsOf(this.request.samples.windows, index)));
      return sum + Number(decided === labels[i]);
    }, 0);
    return right / labels.length;
  }

  /** Mean divergence, on the validation part, of a file's answers in the integer engine from a float network's. */
  async #engineDivergence({ bytes, report }: ConvertedModel, answers: Float32Array): Promise<number> {
    const engine = await this.tools.engine(bytes);
    const { windows, indices } = this.request.samples;
    const scale = report.layers.at(-1)?.scale ?? 1;
    const classes = answers.length / indices.validation.length;
    const sum = indices.validation.reduce((total, index, i) => {
      const wanted = answers.subarray(i * classes, (i + 1) * classes);
      return total + divergence(wanted, engine.window(countsOf(windows, index)), scale);
    }, 0);
    return sum / indices.validation.length;
  }

  async #choose(): Promise<ShrinkReport> {
    const { name, folder } = this.request;
    const files = this.#stages.filter((stage) => stage.gateBytes !== undefined);
    const candidates = files.filter(({ misses }) => misses?.length === 0);
    const smallest = candidates.sort((a, b) => (a.gateBytes as number) - (b.gateBytes as number)).at(0);
    const report: ShrinkReport = {
      name,
      widths: this.#widths,
      plans: this.#plans,
      stages: this.#stages,
      chosen: smallest?.stage,
      ...(smallest === undefined ? { nearest: this.#nearest(files) } : {}),
    };
    await writeWhole(join(folder, "shrink.json"), `${JSON.stringify(report, null, 1)}\n`);
    if (smallest !== undefined) {
      await writeWhole(join(folder, `${name}.gate`), this.#files.get(smallest.stage) as Uint8Array);
    }
    return report;
  }

  /** Of files, else of what was planned, that which is least beyond its limits. */
  #nearest(files: readonly ShrinkStage[]): { stage: string; misses: readonly string[] } {
    const known: readonly { stage: string; misses?: readonly string[]; excess?: number }[] =
      files.length > 0
        ? files
        : this.#plans.length > 0
          ? this.#plans
          : this.#widths.map((width) => ({ ...width, stage: `${width.units} units` }));
    const near = known.reduce((a, b) => ((b.excess ?? 0) < (a.excess ?? 0) ? b : a));
    return { stage: near.stage, misses: near.misses ?? [] };
  }
}

/** Weight of the float student's own answers where it is trained at 4 bits. */
const OWN_ANSWERS = 1;
/** Of the learning rate: the file's weights are near the best already, and larger steps only make them flip. */
const FINE_RATE = 0.05;
/** Calibration windows for the weights that the training at 4 bits begins with. */
const FINE_CALIBRATION_WINDOWS = 8_000;
const BITS: readonly WeightBits[] = [8, 4];
const prefixOf = (share: number): string => (share === 0 ? "student" : `pruned-${Math.round(100 * share)}`);
const stageName = (share: number, bits: WeightBits): string => `${prefixOf(share)}-int${bits}`;

/** Inputs normalized one way as another normalization would have them. */
function renormalized(inputs: Float32Array, from: Normalization, to: Normalization): Float32Array {
  const channels = from.mean.length;
  const gain = from.std.map((std, c) => std / to.std[c]);
  const shift = from.mean.map((mean, c) => (mean - to.mean[c]) / to.std[c]);
  return inputs.map((value, i) => value * gain[i % channels] + shift[i % channels]);
}
