import {
  type ConvertedModel,
  type ConvertOptions,
  convert,
  importModel,
  memorySource,
  type QuantizeReport,
  type WeightBits,
} from "@gatelet/converter";
import type { LayersModel } from "@tensorflow/tfjs";
import { type Network, readNetwork } from "../prune/network.js";
import type { Tf } from "../tf/load-tf.js";
import { modelFiles } from "../tf/model-files.js";
import { trainModel } from "../training/train-model.js";
import type { TrainOptions, TrainResult } from "../training/train-options.js";
import type { TrainingSet } from "../training/training-set.js";
import { distilledSet } from "./distill.js";
import { fileWeights } from "./file-weights.js";
import { IntegerSimulation } from "./simulation.js";
import { type NetworkGrids, networkGrids, projectWeights, type RowSteps } from "./weight-grid.js";

export interface QuantizedTrainingOptions {
  readonly bits: WeightBits;
  /** Bits of the last layer; default 8. */
  readonly headBits?: WeightBits;
  /** Calibration windows, unit and input transform, as `convert` takes them. */
  readonly conversion: Pick<ConvertOptions, "calibration" | "calibrationUnit" | "inputTransform" | "meta">;
  readonly training: TrainOptions;
  /** Weight, 0 .. 1, of the float network's own answers among the targets: the file learns to answer as it did. Default 0. */
  readonly teach?: number;
  /**
   * Scores a file, e.g. on validation windows in the integer engine: the best epoch's is taken, or, where none is
   * better, what conversion without training gives. Absent: the best epoch is that of the simulation.
   */
  readonly judge?: (converted: ConvertedModel) => Promise<number>;
}

export interface QuantizedTraining {
  readonly training: TrainResult;
  /** What `judge` gave conversion without training. */
  readonly startScore?: number;
  readonly taken: "start" | "trained";
  /** Made from the trained weights, which lie on the file's own grid. */
  readonly converted: ConvertedModel;
}

/**
 * Quantization-aware training: the forward pass is the file's integer arithmetic (`IntegerSimulation`), and gradients go
 * straight through its roundings to the float weights. It begins with the weights of the file that conversion alone makes
 * (error-compensated rounding), which `judge` must find worse than an epoch for that epoch to be taken. Networks with layers
 * that are not simulated compute with rounded weights only. Scales of activations are those of that first file. The model
 * is left with the weights of the file.
 */
export async function trainQuantized(
  tf: Tf,
  model: LayersModel,
  data: { readonly train: TrainingSet; readonly validation?: TrainingSet },
  options: QuantizedTrainingOptions,
): Promise<QuantizedTraining> {
  const { judge, teach = 0 } = options;
  const network = readNetwork(model);
  const train = teach > 0 ? await distilledSet(tf, [model], data.train, { weight: teach }) : data.train;
  const start = await convertCompensated(tf, model, options);
  const startScore = await judge?.(start);
  const grids = networkGrids(network, start.report);
  const notSimulated = missingLayer(tf, network, grids);
  const startWeights =
    notSimulated === undefined
      ? fileWeights(network, grids.layers, start)
      : network.layers.flatMap(({ weights }) => weights.map(({ data }) => data));
  setWeights(tf, model.trainableWeights, startWeights);
  // Only at 4 bits are steps kept from one rounding to the next; those before the last rounding give it again.
  let steps: RowSteps = new Map();
  let before: RowSteps = steps;
  const project = (weights: readonly Float32Array[]) => {
    before = new Map(steps);
    return projectWeights(network, grids.layers, weights, options.bits === 4 ? steps : undefined);
  };
  const memory = {
    save: () => [...before],
    restore: (saved: unknown) => {
      steps = new Map(saved as [string, number][]);
    },
  };
  const forward =
    notSimulated === undefined
      ? { forward: () => new IntegerSimulation(tf, network, grids).forward(model) }
      : undefined;
  const training = await trainModel(
    tf,
    model,
    { ...data, train },
    {
      ...options.training,
      ...forward,
      project,
      memory,
      config: { ...options.training.config, grids, ...(notSimulated === undefined ? {} : { notSimulated }) },
      ...(judge === undefined
        ? {}
        : { judge: async () => judge(await convertRounded(tf, model, options, start.report)) }),
    },
  );
  if (startScore !== undefined && startScore >= training.bestScore) {
    setWeights(tf, model.trainableWeights, startWeights);
    return { training, startScore, taken: "start", converted: start };
  }
  const trained = await convertRounded(tf, model, options, start.report);
  return { training, ...(startScore === undefined ? {} : { startScore }), taken: "trained", converted: trained };
}

function setWeights(tf: Tf, weights: LayersModel["weights"], arrays: readonly Float32Array[]): void {
  tf.tidy(() => {
    weights.forEach((weight, i) => {
      weight.write(tf.tensor(arrays[i], weight.shape as number[]));
    });
  });
}

/** Class of the first layer that cannot be trained in integer arithmetic; undefined: the whole network can. */
function missingLayer(tf: Tf, network: Network, grids: NetworkGrids): string | undefined {
  return new IntegerSimulation(tf, network, grids).load(
    network.layers.flatMap(({ weights }) => weights.map(({ data }) => data)),
  );
}

/** What conversion alone makes of the float weights. */
async function convertCompensated(
  tf: Tf,
  model: LayersModel,
  { bits, headBits, conversion }: QuantizedTrainingOptions,
) {
  const head = headBits === undefined ? {} : { headBits };
  return convert(await graphOf(tf, model), { ...conversion, ...head, bits });
}

/**
 * Converts with plain rounding: weights that lie on a grid stay where they are.
 * @param like a conversion of the same network whose scales and alignments are kept
 */
export async function convertRounded(
  tf: Tf,
  model: LayersModel,
  { bits, headBits, conversion }: Pick<QuantizedTrainingOptions, "bits" | "headBits" | "conversion">,
  like?: QuantizeReport,
): Promise<ConvertedModel> {
  const graph = await graphOf(tf, model);
  const kept = like === undefined ? {} : { like: like.layers };
  const head = headBits === undefined ? {} : { headBits };
  return convert(graph, { ...conversion, ...head, ...kept, bits, compensate: false });
}

/** The converter's float graph of a tfjs model in memory. */
export async function graphOf(tf: Tf, model: LayersModel) {
  const { topology, specs, bytes } = await modelFiles(tf, model);
  const json = {
    format: "layers-model",
    generatedBy: "gatelet train (tfjs)",
    modelTopology: topology,
    weightsManifest: [{ paths: ["weights.bin"], weights: specs }],
  };
  return importModel(memorySource("model.json", { "model.json": JSON.stringify(json), "weights.bin": bytes }));
}
