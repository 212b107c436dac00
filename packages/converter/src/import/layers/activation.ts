import type { Activation } from "../../graph/types.js";
import { readActivation } from "../activations.js";
import type { LayerContext, Lowering, Value } from "../layer-context.js";
import { requireLastAxis } from "./normalization.js";

function pointwise(layer: LayerContext, inputs: readonly Value[], activation: Activation): Value {
  layer.requireInputs(inputs, 1);
  return layer.activate(inputs[0], activation, "");
}

export const lowerActivation: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  return layer.activate(inputs[0], readActivation(layer.config, "activation", "linear", layer.dialect), "");
};

/** ReLU with its ceiling, its threshold and the slope below it. */
export const lowerRelu: Lowering = (layer, inputs) => {
  const { config } = layer;
  const max = config.optionalNumber("max_value");
  const negativeSlope = config.optionalNumber("negative_slope");
  const threshold = config.optionalNumber("threshold");
  return pointwise(layer, inputs, {
    kind: "relu",
    ...(max === undefined ? {} : { max }),
    ...(threshold ? { threshold } : {}),
    ...(negativeSlope ? { negativeSlope } : {}),
  });
};

export const lowerLeakyRelu: Lowering = (layer, inputs) => {
  const key = layer.config.has("negative_slope") ? "negative_slope" : "alpha";
  return pointwise(layer, inputs, { kind: "leakyRelu", alpha: layer.config.number(key, 0.3) });
};

export const lowerElu: Lowering = (layer, inputs) =>
  pointwise(layer, inputs, { kind: "elu", alpha: layer.config.number("alpha", 1) });

export const lowerThresholdedRelu: Lowering = (layer, inputs) =>
  pointwise(layer, inputs, { kind: "relu", threshold: layer.config.number("theta", 1) });

export const lowerSoftmax: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  requireLastAxis(layer, inputs[0], "softmax over time is attention, which is not run; use the channel axis (-1)");
  return layer.activate(inputs[0], "softmax", "");
};

/** PReLU with slopes per channel; slopes that differ from step to step are refused. */
export const lowerPrelu: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  const { config } = layer;
  const { sequence, cols } = inputs[0].shape;
  const axes = config.values["shared_axes"];
  const shared: readonly unknown[] = Array.isArray(axes) ? axes : [];
  const channels = shared.includes(sequence ? 2 : 1) ? 1 : cols;
  if (sequence && !shared.includes(1) && inputs[0].shape.rows !== 1) {
    throw config.unsupported("shared_axes", "share the slopes over time (shared_axes [1])");
  }
  const stored = layer.weight(["alpha"], "alpha", sequence ? [1, channels] : [channels]).data;
  const data = channels === cols ? stored : new Float32Array(cols).fill(stored[0]);
  return layer.add({ op: "prelu", alpha: { shape: [cols], data } }, inputs, { mask: "keep" });
};
