import type { io, LayersModel } from "@tensorflow/tfjs";
import { registerOwnLayers } from "../layers/own-layers.js";
import type { Tf } from "../tf/load-tf.js";
import { TrainError } from "../training/errors.js";

/** One weight tensor as plain data. */
export interface Weight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** One layer of a chain. */
export interface NetworkLayer {
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: readonly Weight[];
  /** Shape of a sample behind it, without the batch. */
  readonly outputShape: readonly number[];
}

/** A chain of layers as plain data: what pruning cuts. */
export interface Network {
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly layers: readonly NetworkLayer[];
}

interface LayerJson {
  readonly class_name: string;
  readonly config: Record<string, unknown>;
}

/**
 * Takes a sequential tfjs model apart. Throws `PRUNE_UNSUPPORTED` for graphs with branches, nested models and layers
 * whose units cannot be told.
 */
export function readNetwork(model: LayersModel): Network {
  const json = model.toJSON(null, false) as unknown as { class_name: string; config: { layers?: LayerJson[] } };
  const { layers } = json.config;
  if (json.class_name !== "Sequential" || layers === undefined) {
    throw new TrainError("PRUNE_UNSUPPORTED", `model ${model.name} is a ${json.class_name}, only Sequential is pruned`);
  }
  const [, ...inputShape] = model.inputs[0].shape as number[];
  const found = layers.filter(({ class_name }) => class_name !== "InputLayer");
  const own = model.layers.filter((layer) => layer.getClassName() !== "InputLayer");
  return {
    name: model.name,
    inputShape,
    layers: found.map(({ class_name: className, config }, i) => {
      if (!KNOWN.has(className)) {
        throw new TrainError("PRUNE_UNSUPPORTED", `layer ${String(config["name"])} is a ${className}, not pruned`);
      }
      if (typeof config["rank"] === "number" || typeof config["recurrent_rank"] === "number") {
        const name = String(config["name"]);
        throw new TrainError("PRUNE_UNSUPPORTED", `layer ${name} has a matrix of low rank: train ${className} without`);
      }
      const [, ...outputShape] = own[i].outputShape as number[];
      const weights = own[i].weights.map((weight) => ({
        shape: weight.shape as number[],
        data: Float32Array.from(weight.read().dataSync()),
      }));
      return { className, config, weights, outputShape };
    }),
  };
}

/** Builds the tfjs model of a network, weights included. */
export async function buildNetwork(tf: Tf, network: Network): Promise<LayersModel> {
  registerOwnLayers(tf);
  const layers = network.layers.map(({ className, config }, i) => ({
    class_name: className,
    config: i === 0 ? { ...config, batch_input_shape: [null, ...network.inputShape] } : config,
  }));
  const topology = { class_name: "Sequential", config: { name: network.name, layers } };
  const model = await tf.models.modelFromJSON({ modelTopology: topology } as unknown as io.ModelJSON);
  const own = model.layers.filter((layer) => layer.getClassName() !== "InputLayer");
  tf.tidy(() => {
    network.layers.forEach(({ weights }, i) => {
      own[i].weights.forEach((weight, place) => {
        weight.write(tf.tensor(weights[place].data, weights[place].shape as number[]));
      });
    });
  });
  return model;
}

const GATES: Readonly<Record<string, number>> = {
  SimpleRNN: 1,
  LSTM: 4,
  GRU: 3,
  GateletGRU: 3,
  MinimalGRU: 2,
  FastGRNN: 1,
};
/** Layers that leave channels where they are. */
const PASSING = new Set([
  "Dropout",
  "Activation",
  "ReLU",
  "LeakyReLU",
  "Softmax",
  "GlobalAveragePooling1D",
  "GlobalMaxPooling1D",
  "MaxPooling1D",
  "AveragePooling1D",
  "BatchNormalization",
  "Flatten",
]);
const KNOWN = new Set([...PASSING, "Dense", "Conv1D", ...Object.keys(GATES)]);

/** Gates of a recurrent layer, undefined for others. */
export const gatesOf = (layer: NetworkLayer): number | undefined => GATES[layer.className];

/** Whether the layer has units of its own that may go; the last layer's are the answers. */
export function isPrunable(network: Network, index: number): boolean {
  const { className } = network.layers[index];
  const later = network.layers.slice(index + 1).some((layer) => !PASSING.has(layer.className));
  return later && !PASSING.has(className);
}

/** Units (filters) of a layer that has some. */
export function unitsOf(layer: NetworkLayer): number {
  return Number(layer.config[layer.className === "Conv1D" ? "filters" : "units"]);
}

const range = (length: number) => Array.from({ length }, (_, i) => i);

/** Keeps the `kept` places of one axis. */
export function sliceWeight(weight: Weight, axis: number, kept: readonly number[]): Weight {
  const outer = weight.shape.slice(0, axis).reduce((product, size) => product * size, 1);
  const inner = weight.shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const size = weight.shape[axis];
  const data = new Float32Array(outer * kept.length * inner);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const place of kept) {
      const from = (o * size + place) * inner;
      data.set(weight.data.subarray(from, from + inner), at);
      at += inner;
    }
  }
  return { shape: weight.shape.map((length, i) => (i === axis ? kept.length : length)), data };
}

/**
 * Removes units: the rows and columns that belong to them in their own layer (in all gates), and what reads them.
 * @param kept per layer index the units that stay, in rising order; layers without an entry keep all
 */
export function shrinkNetwork(network: Network, kept: ReadonlyMap<number, readonly number[]>): Network {
  let incoming: readonly number[] | undefined;
  const layers = network.layers.map((layer, index): NetworkLayer => {
    const own = kept.get(index);
    const shrunk = cutInputs(layer, incoming);
    const result = own === undefined ? shrunk : cutUnits(shrunk, own);
    if (own !== undefined) incoming = own;
    else if (!PASSING.has(layer.className)) incoming = undefined;
    else if (layer.className === "Flatten" && incoming !== undefined) {
      const steps = network.layers[index - 1]?.outputShape[0] ?? network.inputShape[0];
      const channels = network.layers[index - 1]?.outputShape[1] ?? network.inputShape[1];
      const stay = incoming;
      incoming = range(steps).flatMap((t) => stay.map((channel) => t * channels + channel));
    }
    const count = own?.length ?? (PASSING.has(layer.className) ? incoming?.length : undefined);
    const outputShape = count === undefined ? layer.outputShape : [...layer.outputShape.slice(0, -1), count];
    return { ...result, outputShape };
  });
  return { ...network, layers };
}

function cutInputs(layer: NetworkLayer, kept: readonly number[] | undefined): NetworkLayer {
  if (kept === undefined || layer.weights.length === 0) return layer;
  if (layer.className === "BatchNormalization") {
    return { ...layer, weights: layer.weights.map((weight) => sliceWeight(weight, 0, kept)) };
  }
  const [kernel, ...rest] = layer.weights;
  return { ...layer, weights: [sliceWeight(kernel, layer.className === "Conv1D" ? 1 : 0, kept), ...rest] };
}

function cutUnits(layer: NetworkLayer, kept: readonly number[]): NetworkLayer {
  const units = unitsOf(layer);
  const gates = gatesOf(layer);
  const [kernel, ...rest] = layer.weights;
  if (gates === undefined) {
    const key = layer.className === "Conv1D" ? "filters" : "units";
    const last = kernel.shape.length - 1;
    const weights = [sliceWeight(kernel, last, kept), ...rest.map((bias) => sliceWeight(bias, 0, kept))];
    return { ...layer, config: { ...layer.config, [key]: kept.length }, weights };
  }
  const columns = range(gates).flatMap((gate) => kept.map((unit) => gate * units + unit));
  const [recurrent, bias, ...others] = rest;
  const weights = [
    sliceWeight(kernel, 1, columns),
    sliceWeight(sliceWeight(recurrent, 1, columns), 0, kept),
    ...(bias === undefined ? [] : [sliceWeight(bias, bias.shape.length - 1, columns)]),
    ...others,
  ];
  return { ...layer, config: { ...layer.config, units: kept.length }, weights };
}

/** What a network takes. */
export interface NetworkCost {
  readonly parameters: number;
  /** Multiplications of one window. */
  readonly macs: number;
  /** Two a MAC, one a bias and a pooled value, five a softmax output: as the published grasp pipeline counts. */
  readonly flops: number;
}

/** Counts a network's parameters and work for one window. */
export function networkCost(network: Network): NetworkCost {
  let parameters = 0;
  let macs = 0;
  let flops = 0;
  let shape = network.inputShape;
  for (const layer of network.layers) {
    parameters += layer.weights.reduce((sum, { data }) => sum + data.length, 0);
    const rows = layer.outputShape.length > 1 ? layer.outputShape[0] : 1;
    if (!PASSING.has(layer.className)) {
      const steps = gatesOf(layer) === undefined ? rows : shape[0];
      // The kernel; recurrent layers have a second matrix.
      const matrices = layer.weights.slice(0, gatesOf(layer) === undefined ? 1 : 2);
      const products = matrices.reduce((sum, { data }) => sum + data.length, 0);
      macs += steps * products;
      flops += steps * (2 * products + unitsOf(layer) * (gatesOf(layer) ?? 1));
    }
    if (/Pooling1D$/.test(layer.className)) flops += shape.reduce((product, size) => product * size, 1);
    if (layer.config["activation"] === "softmax") flops += 5 * rows * unitsOf(layer);
    shape = layer.outputShape;
  }
  return { parameters, macs, flops };
}
