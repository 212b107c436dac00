import {
  type ConvertedModel,
  type ConvertOptions,
  convert,
  importModel,
  memorySource,
  type WeightBits,
} from "@gatelet/converter";
import type { LayersModel } from "@tensorflow/tfjs";
import { type Network, readNetwork } from "../prune/network.js";
import type { Tf } from "../tf/load-tf.js";
import { modelFiles } from "../tf/model-files.js";
import { trainModel } from "../training/train-model.js";
import type { TrainOptions, TrainResult } from "../training/train-options.js";
import type { TrainingSet } from "../training/training-set.js";
import { IntegerSimulation } from "./simulation.js";
import { type NetworkGrids, networkGrids, projectWeights, type RowSteps } from "./weight-grid.js";

export interface QuantizedTrainingOptions {
  readonly bits: WeightBits;
  /** Bits of the last layer; default 8. */
  readonly headBits?: WeightBits;
  /** Calibration windows, unit and input transform, as `convert` takes them. */
  readonly conversion: Pick<ConvertOptions, "calibration" | "calibrationUnit" | "inputTransform" | "meta">;
  readonly training: TrainOptions;
  /**
   * Scores a file, e.g. on validation windows in the integer engine: the best epoch's is taken, or, where none is
   * better, what conversion without training gives; the model then keeps the weights that it came with. Absent: the best epoch is that of the simulation.
   */
  readonly judge?: (converted: ConvertedModel) => Promise<number>;
}

export interface QuantizedTraining {
  readonly training: TrainResult;
  /** Made from the trained weights, which lie on the file's own grid. */
  readonly converted: ConvertedModel;
}

/**
 * Quantization-aware training: the forward pass is the file's integer arithmetic (`IntegerSimulation`), and gradients go
 * straight through its roundings to the float weights. Networks with layers that are not simulated compute with rounded
 * weights only. Scales follow the weights: they are chosen anew behind every epoch. The model is left with the rounded
 * weights of the best epoch.
 */
export async function trainQuantized(
  tf: Tf,
  model: LayersModel,
  data: { readonly train: TrainingSet; readonly validation?: TrainingSet },
  options: QuantizedTrainingOptions,
): Promise<QuantizedTraining> {
  const { judge } = options;
  const network = readNetwork(model);
  let converted = await convertRounded(tf, model, options);
  let grids = networkGrids(network, converted.report);
  const steps: RowSteps = new Map();
  const notSimulated = missingLayer(tf, network, grids);
  let best = judge === undefined ? undefined : await judged(judge, await convertCompensated(tf, model, options), model);
  const training = await trainModel(tf, model, data, {
    ...options.training,
    project: (weights) => projectWeights(network, grids.layers, weights, options.bits === 4 ? steps : undefined),
    ...(notSimulated === undefined ? { forward: () => new IntegerSimulation(tf, network, grids).forward(model) } : {}),
    config: { ...options.training.config, grids, ...(notSimulated === undefined ? {} : { notSimulated }) },
    onEpoch: async (metrics) => {
      converted = await convertRounded(tf, model, options);
      const next = networkGrids(network, converted.report);
      if (JSON.stringify(next) !== JSON.stringify(grids)) steps.clear();
      grids = next;
      if (judge !== undefined) {
        const found = await judged(judge, converted, model);
        if (best === undefined || found.score >= best.score) best = found;
      }
      await options.training.onEpoch?.(metrics);
    },
  });
  if (best === undefined) return { training, converted: await convertRounded(tf, model, options) };
  setWeights(tf, model, best.weights);
  return { training, converted: best.converted };
}

async function judged(
  judge: (converted: ConvertedModel) => Promise<number>,
  converted: ConvertedModel,
  model: LayersModel,
) {
  const weights = model.weights.map((weight) => Float32Array.from(weight.read().dataSync()));
  return { score: await judge(converted), converted, weights };
}

function setWeights(tf: Tf, model: LayersModel, arrays: readonly Float32Array[]): void {
  tf.tidy(() => {
    model.weights.forEach((weight, i) => {
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

/** Converts with plain rounding: weights that lie on a grid stay where they are. */
export async function convertRounded(
  tf: Tf,
  model: LayersModel,
  { bits, headBits, conversion }: QuantizedTrainingOptions,
): Promise<ConvertedModel> {
  const graph = await graphOf(tf, model);
  return convert(graph, { ...conversion, bits, ...(headBits === undefined ? {} : { headBits }), compensate: false });
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
