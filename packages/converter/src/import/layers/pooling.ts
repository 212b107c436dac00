import type { LayerContext, Lowering, Value } from "../layer-context.js";

function lowerPooling(layer: LayerContext, inputs: readonly Value[], mode: "max" | "average"): Value {
  const { config } = layer;
  layer.requireInputs(inputs, 1);
  layer.requireSequence(inputs[0]);
  config.only("data_format", "channels_last", "store sequences as [steps, channels]");
  const size = config.size1d("pool_size", 2);
  const stride = config.has("strides") ? config.size1d("strides") : size;
  const padding = config.text("padding", "valid").toLowerCase();
  if (padding !== "valid" && padding !== "same") {
    throw config.unsupported("padding", "supported are valid and same");
  }
  const { rows } = inputs[0].shape;
  if (padding === "same") layer.requireRows(inputs[0]);
  if (padding === "valid" && rows !== null && rows < size) {
    throw config.error("SHAPE_UNSUPPORTED", `pools ${size} steps, its input has ${rows}`);
  }
  const count = (steps: number) => Math.ceil((padding === "valid" ? steps - size + 1 : steps) / stride);
  return layer.add({ op: "pool", mode, size, stride, padding }, inputs, { rows: count });
}

export const lowerMaxPooling: Lowering = (layer, inputs) => lowerPooling(layer, inputs, "max");

export const lowerAveragePooling: Lowering = (layer, inputs) => lowerPooling(layer, inputs, "average");

function lowerGlobal(layer: LayerContext, inputs: readonly Value[], mode: "max" | "average"): Value {
  const { config } = layer;
  layer.requireInputs(inputs, 1);
  layer.requireSequence(inputs[0]);
  layer.requireRows(inputs[0]);
  config.only("data_format", "channels_last", "store sequences as [steps, channels]");
  config.only("keepdims", false, "leave the time axis out");
  const shape = { sequence: false, rows: 1 };
  // Keras averages the unmasked rows; its maximum knows no masks.
  return layer.add({ op: "globalPool", mode }, inputs, { shape, obey: mode === "average" });
}

export const lowerGlobalMax: Lowering = (layer, inputs) => lowerGlobal(layer, inputs, "max");

export const lowerGlobalAverage: Lowering = (layer, inputs) => lowerGlobal(layer, inputs, "average");
