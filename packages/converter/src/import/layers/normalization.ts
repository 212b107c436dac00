import type { FloatTensor } from "../../graph/types.js";
import type { LayerContext, Lowering, Value } from "../layer-context.js";

/** Refuses any axis but the last one (written -1, as a positive index, or as a list of one). */
export function requireLastAxis(layer: LayerContext, value: Value, hint: string): void {
  const last = value.shape.sequence ? 2 : 1;
  const axis = layer.config.values["axis"] ?? -1;
  const single = Array.isArray(axis) && axis.length === 1 ? axis[0] : axis;
  if (single !== -1 && single !== last) throw layer.config.unsupported("axis", hint);
}

function affine(layer: LayerContext, input: Value, scale: ArrayLike<number>, offset: ArrayLike<number>): Value {
  const tensor = (values: ArrayLike<number>): FloatTensor => ({
    shape: [values.length],
    data: Float32Array.from(values),
  });
  const bad = Array.from(scale).findIndex((value, col) => !Number.isFinite(value) || !Number.isFinite(offset[col]));
  if (bad >= 0) {
    const text = `scales channel ${bad} by ${scale[bad]}: its variance is not positive`;
    throw layer.config.error("WEIGHT_NOT_FINITE", text);
  }
  return layer.add({ op: "affine", scale: tensor(scale), offset: tensor(offset) }, [input], { mask: "keep" });
}

/** BatchNormalization at inference. */
export const lowerBatchNormalization: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  const { config } = layer;
  requireLastAxis(layer, inputs[0], "normalize over the channels (axis -1)");
  const { cols } = inputs[0].shape;
  const hasScale = config.flag("scale", true);
  const hasCenter = config.flag("center", true);
  const order = [...(hasScale ? ["gamma"] : []), ...(hasCenter ? ["beta"] : []), "moving_mean", "moving_variance"];
  const gamma = layer.weightOr(hasScale, order, "gamma", [cols], 1).data;
  const beta = layer.weightOr(hasCenter, order, "beta", [cols]).data;
  const mean = layer.weight(order, "moving_mean", [cols]).data;
  const variance = layer.weight(order, "moving_variance", [cols]).data;
  const epsilon = config.number("epsilon", 1e-3);
  const scale = Float64Array.from(gamma, (value, col) => value / Math.sqrt(variance[col] + epsilon));
  const offset = Float64Array.from(beta, (value, col) => value - mean[col] * scale[col]);
  return affine(layer, inputs[0], scale, offset);
};

/** A number or a list (nested as Keras likes) as one value per channel. */
function perChannel(layer: LayerContext, key: string, cols: number, fallback?: number): Float64Array {
  const value = layer.config.values[key] ?? fallback;
  const flat = (Array.isArray(value) ? value.flat(4) : [value]).map(Number);
  if (flat.every(Number.isFinite) && (flat.length === 1 || flat.length === cols)) {
    return Float64Array.from({ length: cols }, (_, col) => flat[flat.length === 1 ? 0 : col]);
  }
  throw layer.config.unsupported(key, `one number or ${cols} are needed`);
}

/** Normalization: mean and variance are weights, or stand in the config. */
export const lowerNormalization: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  const { config } = layer;
  const { cols } = inputs[0].shape;
  const scalar = config.values["axis"] === null;
  if (!scalar) requireLastAxis(layer, inputs[0], "normalize over the channels (axis -1)");
  config.only("invert", false, "put a Rescaling layer in its place");
  let mean: ArrayLike<number>;
  let variance: ArrayLike<number>;
  if (config.has("mean")) {
    mean = perChannel(layer, "mean", cols);
    variance = perChannel(layer, "variance", cols);
  } else {
    const order = ["mean", "variance", "count"];
    const shape = scalar ? [] : [cols];
    const spread = (data: Float32Array) => (scalar ? new Float32Array(cols).fill(data[0]) : data);
    // Keras 2 names them without the layer.
    const bare = layer.inner(config, { ...layer.address, paths: [...layer.address.paths, []] });
    mean = spread(bare.weight(order, "mean", shape).data);
    variance = spread(bare.weight(order, "variance", shape).data);
  }
  const scale = Float64Array.from(variance, (value) => 1 / Math.max(Math.sqrt(value), 1e-7));
  const offset = Float64Array.from(mean, (value, col) => -value * scale[col]);
  return affine(layer, inputs[0], scale, offset);
};

export const lowerRescaling: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  const { cols } = inputs[0].shape;
  return affine(layer, inputs[0], perChannel(layer, "scale", cols), perChannel(layer, "offset", cols, 0));
};

export const lowerLayerNormalization: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  const { config } = layer;
  requireLastAxis(layer, inputs[0], "normalize over the channels (axis -1)");
  config.only("rms_scaling", false, "train with LayerNormalization proper");
  const { cols } = inputs[0].shape;
  const hasScale = config.flag("scale", true);
  const hasCenter = config.flag("center", true);
  const order = [...(hasScale ? ["gamma"] : []), ...(hasCenter ? ["beta"] : [])];
  const gamma = layer.weightOr(hasScale, order, "gamma", [cols], 1);
  const beta = layer.weightOr(hasCenter, order, "beta", [cols]);
  const epsilon = config.number("epsilon", 1e-3);
  return layer.add({ op: "layerNorm", gamma, beta, epsilon }, inputs, { mask: "keep" });
};
