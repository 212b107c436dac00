import {
  type ConvertedModel,
  type ConvertOptions,
  convert,
  importModel,
  memorySource,
  type WeightBits,
} from "@gatelet/converter";
import type { LayersModel } from "@tensorflow/tfjs";
import { readNetwork } from "../prune/network.js";
import type { Tf } from "../tf/load-tf.js";
import { modelFiles } from "../tf/model-files.js";
import { type TrainOptions, type TrainResult, trainModel } from "../training/train-model.js";
import type { TrainingSet } from "../training/training-set.js";
import { projectWeights, weightGrids } from "./weight-grid.js";

export interface QuantizedTrainingOptions {
  readonly bits: WeightBits;
  /** Bits of the last layer; default 8. */
  readonly headBits?: WeightBits;
  /** Calibration windows, unit and input transform, as `convert` takes them. */
  readonly conversion: Pick<ConvertOptions, "calibration" | "calibrationUnit" | "inputTransform" | "meta">;
  readonly training: TrainOptions;
}

export interface QuantizedTraining {
  readonly training: TrainResult;
  /** Made from the trained weights, which lie on the file's own grid. */
  readonly converted: ConvertedModel;
}

/**
 * Quantization-aware training: the network computes with weights rounded to the steps that the converter will use,
 * gradients go straight through to the weights themselves. Activations are not rounded: at 16 bits their noise is hundreds of
 * times smaller than that of the weights. The model is left with the rounded weights of the best epoch.
 */
export async function trainQuantized(
  tf: Tf,
  model: LayersModel,
  data: { readonly train: TrainingSet; readonly validation?: TrainingSet },
  options: QuantizedTrainingOptions,
): Promise<QuantizedTraining> {
  const network = readNetwork(model);
  const grids = weightGrids(network, (await convertRounded(tf, model, options)).report);
  const training = await trainModel(tf, model, data, {
    ...options.training,
    project: (weights) => projectWeights(network, grids, weights),
    config: { ...options.training.config, grids },
  });
  return { training, converted: await convertRounded(tf, model, options) };
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
