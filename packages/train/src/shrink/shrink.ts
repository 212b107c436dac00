import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type ConvertedModel, convert, type WeightBits } from "@gatelet/converter";
import type { LayersModel } from "@tensorflow/tfjs";
import type { Normalization } from "../data/prepare.js";
import type { JobSamples } from "../jobs/job-samples.js";
import { argMax } from "../metrics/classification.js";
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

/** What the device allows. */
export interface ShrinkTarget {
  readonly flashBytes?: number;
  readonly ramBytes?: number;
  /** Of one window on the simulated board. */
  readonly milliseconds?: number;
  /** Of one step, as predicted from the file alone at 0 wait states. */
  readonly stepMilliseconds?: number;
}

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

/** One stage of the search; those with `gateBytes` are files, scored in the integer engine. */
export interface ShrinkStage {
  readonly stage: string;
  readonly parameters: number;
  readonly validationAccuracy: number;
  readonly testAccuracy: number;
  readonly gateBytes?: number;
  readonly ramBytes?: number;
  readonly board?: BoardCost;
  /** Predicted. */
  readonly stepMilliseconds?: number;
  /** What it misses; empty: a candidate. */
  readonly misses?: readonly string[];
}

/** A width that was tried, untrained: size and speed do not depend on the weights. */
export interface ShrinkWidth {
  readonly units: number;
  readonly gateBytes: number;
  readonly ramBytes: number;
  readonly stepMilliseconds?: number;
  readonly misses: readonly string[];
}

export interface ShrinkReport {
  readonly name: string;
  /** In the order tried, the last one was taken; empty where no widths were given. */
  readonly widths: readonly ShrinkWidth[];
  readonly stages: readonly ShrinkStage[];
  /** The smallest file that meets everything; undefined: none does. */
  readonly chosen: string | undefined;
}

/**
 * Distils a student, prunes it, trains it quantized at 8 and 4 bits, and takes the smallest file that keeps the target and
 * the accuracy (on the validation part: the test part decides nothing). Writes `<stage>.gate`, `shrink.json`, and the
 * chosen file as `<name>.gate`.
 * Throws `TARGET_UNREACHED` with what the best candidate misses, once the report is written.
 */
export async function shrink(request: ShrinkRequest, tools: ShrinkTools): Promise<ShrinkReport> {
  return new Shrinker(request, tools).run();
}

class Shrinker {
  readonly #stages: ShrinkStage[] = [];
  readonly #files = new Map<string, Uint8Array>();
  readonly #widths: ShrinkWidth[] = [];

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
    if (request.alone) {
      const alone = request.student(units);
      await this.#train(alone, samples.train, "alone", request.epochs);
      await this.#floatStage("alone", alone);
      alone.dispose();
    }
    const train = await this.#softened();
    const student = request.student(units);
    if (request.epochs > 0) await this.#train(student, train, "student", request.epochs);
    await this.#floatStage("student", student);
    for (const share of request.shares) {
      const prefix = share === 0 ? "student" : `pruned-${Math.round(100 * share)}`;
      const model =
        share === 0 ? student : await buildNetwork(this.tools.tf, pruneUnits(readNetwork(student), { share }));
      if (share > 0) {
        await this.#train(model, train, prefix, request.tuneEpochs);
        await this.#floatStage(prefix, model);
      }
      const { bits = [8, 4] } = request;
      if (bits.includes(8)) await this.#int8Stage(prefix, model);
      if (bits.includes(4)) await this.#int4Stage(prefix, model, train);
    }
    return this.#choose();
  }

  /** The largest width that meets flash, RAM and time of a step; undefined where no widths were given. */
  async #chooseWidth(): Promise<number | undefined> {
    const { widths = [], student } = this.request;
    for (const units of [...widths].sort((a, b) => b - a)) {
      this.tools.onProgress?.(`width ${units}`);
      const model = student(units);
      const { bytes, report } = await convert(await graphOf(this.tools.tf, model), this.#conversion());
      model.dispose();
      const cost = this.#cost(bytes, report.arenaBytes);
      this.#widths.push({ units, ...cost });
      if (cost.misses.length === 0) return units;
    }
    if (widths.length === 0) return undefined;
    const near = this.#widths[this.#widths.length - 1];
    throw new TrainError("TARGET_UNREACHED", `${near.units} units, the least width, misses ${near.misses.join("; ")}`);
  }

  /** What a file costs before anything runs. */
  #cost(gate: Uint8Array, ramBytes: number) {
    const { target } = this.request;
    const stepMilliseconds = this.tools.predictStep?.(gate);
    const misses = [
      ...missed("flash bytes", gate.length, target.flashBytes),
      ...missed("RAM bytes", ramBytes, target.ramBytes),
      ...missed("ms a step", stepMilliseconds, target.stepMilliseconds),
    ];
    const step = stepMilliseconds === undefined ? {} : { stepMilliseconds };
    return { gateBytes: gate.length, ramBytes, ...step, misses };
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

  #conversion() {
    const { samples, name, strip } = this.request;
    const { windows, indices, normalization, recordings } = samples;
    const data = conversionData({ windows, train: indices.train, normalization });
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
    const { samples } = this.request;
    const { converted } = await trainQuantized(this.tools.tf, copy, this.#data(train), {
      bits: 4,
      headBits: 4,
      conversion: this.#conversion(),
      training: this.#options(stage, this.request.tuneEpochs, 0.3),
      judge: async ({ bytes }) => this.#engineScore(bytes, samples.indices.validation, samples.validation),
    });
    copy.dispose();
    await this.#fileStage(stage, converted);
  }

  async #fileStage(stage: string, { bytes, report, graph }: ConvertedModel): Promise<void> {
    const { samples, folder, target, minAccuracy } = this.request;
    const { windows, indices, recordings } = samples;
    await writeWhole(join(folder, `${stage}.gate`), bytes);
    this.#files.set(stage, bytes);
    const board = await this.tools.meter?.(bytes, countsOf(windows, indices.test[0]), recordings.channels);
    const validationAccuracy = await this.#engineScore(bytes, indices.validation, samples.validation);
    const { misses, ...cost } = this.#cost(bytes, report.arenaBytes);
    misses.push(...missed("ms", board?.milliseconds, target.milliseconds));
    if (validationAccuracy < minAccuracy)
      misses.push(`accuracy ${validationAccuracy.toFixed(4)}, least ${minAccuracy}`);
    this.#stages.push({
      stage,
      parameters: countParameters(graph),
      validationAccuracy,
      testAccuracy: await this.#engineScore(bytes, indices.test, samples.test),
      ...cost,
      ...(board === undefined ? {} : { board }),
      misses,
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

  async #choose(): Promise<ShrinkReport> {
    const { name, folder } = this.request;
    const files = this.#stages.filter((stage) => stage.gateBytes !== undefined);
    const candidates = files.filter(({ misses }) => misses?.length === 0);
    const smallest = candidates.sort((a, b) => (a.gateBytes as number) - (b.gateBytes as number)).at(0);
    const report: ShrinkReport = { name, widths: this.#widths, stages: this.#stages, chosen: smallest?.stage };
    await writeWhole(join(folder, "shrink.json"), `${JSON.stringify(report, null, 1)}\n`);
    if (smallest === undefined) {
      const near = files.sort((a, b) => (a.misses?.length ?? 0) - (b.misses?.length ?? 0))[0];
      throw new TrainError(
        "TARGET_UNREACHED",
        `no stage meets the target; ${near.stage} misses ${near.misses?.join("; ")}`,
      );
    }
    await writeWhole(join(folder, `${name}.gate`), this.#files.get(smallest.stage) as Uint8Array);
    return report;
  }
}

/** A line for a figure beyond its limit. */
const missed = (what: string, actual: number | undefined, most: number | undefined): string[] =>
  most !== undefined && actual !== undefined && actual > most ? [`${what} ${actual}, limit ${most}`] : [];

/** Inputs normalized one way as another normalization would have them. */
function renormalized(inputs: Float32Array, from: Normalization, to: Normalization): Float32Array {
  const channels = from.mean.length;
  const gain = from.std.map((std, c) => std / to.std[c]);
  const shift = from.mean.map((mean, c) => (mean - to.mean[c]) / to.std[c]);
  return inputs.map((value, i) => value * gain[i % channels] + shift[i % channels]);
}

/**
 * Parses `flash<=16K,ram<=2K,ms<=5@nrf52840`: 1024s, ms of one window; `step` is ms of one step. Throws `TRAIN_OPTION` naming the part.
 */
export function parseTarget(text: string): ShrinkTarget {
  const [limits, board] = text.split("@");
  if (board !== undefined && board !== "nrf52840") {
    throw new TrainError("TRAIN_OPTION", `board ${board} is not known, boards are: nrf52840`);
  }
  const target: Record<string, number> = {};
  for (const part of limits.split(",").filter((each) => each.trim() !== "")) {
    const match = /^\s*(flash|ram|ms|step)\s*<=\s*(\d+(?:\.\d+)?)\s*([KM]?)\s*$/i.exec(part);
    if (match === null) {
      throw new TrainError(
        "TRAIN_OPTION",
        `target "${part}" is not understood, write flash<=16K,ram<=2K,ms<=5@nrf52840`,
      );
    }
    const key = { flash: "flashBytes", ram: "ramBytes", ms: "milliseconds", step: "stepMilliseconds" }[
      match[1].toLowerCase()
    ] as string;
    target[key] = Number(match[2]) * { "": 1, K: 1024, M: 1024 ** 2 }[match[3].toUpperCase() as "" | "K" | "M"];
  }
  return target;
}
