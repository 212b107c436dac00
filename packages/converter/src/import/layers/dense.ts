import { readActivation } from "../activations.js";
import { LayerConfig } from "../config.js";
import { isObject } from "../json.js";
import { type Lowering, refuse } from "../layer-context.js";
import { lowererOf } from "./index.js";

/** Dense on every row. */
export const lowerDense: Lowering = (layer, inputs) => {
  const { config } = layer;
  layer.requireInputs(inputs, 1);
  const cols = config.size("units");
  const useBias = config.flag("use_bias", true);
  const order = ["kernel", ...(useBias ? ["bias"] : [])];
  const activation = readActivation(config, "activation", "linear", layer.dialect);
  const weights = layer.weight(order, "kernel", [inputs[0].shape.cols, cols]);
  const bias = layer.weightOr(useBias, order, "bias", [cols]);
  const own = activation === "softmax" ? ({ kind: "linear" } as const) : activation;
  const options = { shape: { cols }, mask: "keep" } as const;
  const dense = layer.add({ op: "dense", weights, bias, activation: own }, inputs, options);
  return activation === "softmax" ? layer.activate(dense, activation, "/softmax") : dense;
};

/** Layers that do the same to a row whether or not they stand in a TimeDistributed. */
const ROW_LAYERS: ReadonlySet<string> = new Set([
  "Dense",
  "Activation",
  "ReLU",
  "LeakyReLU",
  "ELU",
  "ThresholdedReLU",
  "Softmax",
  "Dropout",
  "SpatialDropout1D",
  "GaussianNoise",
  "GaussianDropout",
  "AlphaDropout",
  "ActivityRegularization",
  "Identity",
  "BatchNormalization",
  "LayerNormalization",
  "Rescaling",
  "Normalization",
]);

/** TimeDistributed over a layer that works row by row. */
export const lowerTimeDistributed: Lowering = (layer, inputs) => {
  const { config, address } = layer;
  layer.requireSequence(inputs[0]);
  const inner = config.object("layer");
  const className = String(inner["class_name"]);
  const values = isObject(inner["config"]) ? inner["config"] : {};
  // Rows of a rank 3 tensor are flat already.
  if (className === "Flatten") return inputs[0];
  const lower = ROW_LAYERS.has(className) ? lowererOf(className) : undefined;
  if (lower === undefined)
    refuse(config, `it wraps a ${className}; supported are ${[...ROW_LAYERS].join(", ")}, Flatten`);
  const name = String(values["name"] ?? "");
  const context = layer.inner(new LayerConfig(config.name, className, values), {
    paths: [...address.paths.map((path) => [...path, name]), ...address.paths, [name]],
    stores: address.stores.map((store) => [...store, "layer"]),
  });
  return lower(context, inputs);
};
