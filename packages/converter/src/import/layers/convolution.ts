import type { Padding } from "../../graph/types.js";
import { readActivation } from "../activations.js";
import type { AddOptions, LayerContext, Lowering, Value } from "../layer-context.js";

interface Taps {
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: Padding;
}

/** Rows before the first that 'same' adds in TensorFlow, and after the last. */
export function samePadding(rows: number, span: number, stride: number): readonly [number, number] {
  const total = Math.max(0, (Math.ceil(rows / stride) - 1) * stride + span - rows);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}

function readPadding(layer: LayerContext): Padding {
  const padding = layer.config.text("padding", "valid").toLowerCase();
  if (padding === "valid" || padding === "same" || padding === "causal") return padding;
  throw layer.config.unsupported("padding", "supported are valid, same and causal");
}

/** Kernel geometry; a ZeroPadding1D before the layer is taken up where it equals causal or same padding. */
function readTaps(layer: LayerContext, input: Value): Taps {
  const { config } = layer;
  config.only("data_format", "channels_last", "store sequences as [steps, channels]");
  config.only("groups", 1, "use SeparableConv1D, or one group");
  const taps = config.size1d("kernel_size");
  const stride = config.size1d("strides", 1);
  const dilation = config.size1d("dilation_rate", 1);
  const padding = readPadding(layer);
  if (input.padding === undefined) return { taps, stride, dilation, padding };
  const [before, after] = input.padding;
  const span = (taps - 1) * dilation + 1;
  if (padding === "valid" && before === span - 1 && after === 0) return { taps, stride, dilation, padding: "causal" };
  const rows = input.shape.rows;
  if (padding === "valid" && (rows !== null || stride === 1)) {
    const [sameBefore, sameAfter] = samePadding(rows ?? span, span, stride);
    if (before === sameBefore && after === sameAfter) return { taps, stride, dilation, padding: "same" };
  }
  const text = `follows a ZeroPadding1D of [${before}, ${after}], which is neither its causal nor its same padding: use padding 'causal' or 'same' instead`;
  throw config.error("OPTION_UNSUPPORTED", text);
}

/** Shape and refusals that all convolutions share. */
function convolve(layer: LayerContext, input: Value, geometry: Taps, cols: number): AddOptions {
  layer.requireSequence(input);
  const span = (geometry.taps - 1) * geometry.dilation + 1;
  const { rows } = input.shape;
  if (geometry.padding === "same") layer.requireRows(input);
  if (geometry.padding === "valid" && rows !== null && rows < span) {
    throw layer.config.error("SHAPE_UNSUPPORTED", `spans ${span} steps, its input has ${rows}`);
  }
  const { stride } = geometry;
  const count = (steps: number) => Math.ceil((geometry.padding === "valid" ? steps - span + 1 : steps) / stride);
  return { shape: { cols }, rows: count };
}

/** Conv1D. */
export const lowerConv1D: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  const { config } = layer;
  const input = inputs[0];
  const cols = config.size("filters");
  const { taps, ...geometry } = readTaps(layer, input);
  const options = convolve(layer, input, { taps, ...geometry }, cols);
  const useBias = config.flag("use_bias", true);
  const order = ["kernel", ...(useBias ? ["bias"] : [])];
  const activation = readActivation(config, "activation", "linear", layer.dialect);
  const weights = layer.weight(order, "kernel", [taps, input.shape.cols, cols]);
  const bias = layer.weightOr(useBias, order, "bias", [cols]);
  const own = activation === "softmax" ? ({ kind: "linear" } as const) : activation;
  const value = layer.add({ op: "conv1d", weights, bias, ...geometry, activation: own }, [input], options);
  return activation === "softmax" ? layer.activate(value, activation, "/softmax") : value;
};

/** DepthwiseConv1D: its kernel is `depthwise_kernel` in Keras 2, `kernel` in Keras 3. */
export const lowerDepthwiseConv1D: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  const { config } = layer;
  const input = inputs[0];
  const depthMultiplier = config.size("depth_multiplier", 1);
  const cols = input.shape.cols * depthMultiplier;
  const { taps, ...geometry } = readTaps(layer, input);
  const options = convolve(layer, input, { taps, ...geometry }, cols);
  const useBias = config.flag("use_bias", true);
  const tail = useBias ? ["bias"] : [];
  const legacy = layer.session.weights.find(layer.address, ["depthwise_kernel", ...tail], "depthwise_kernel");
  const order = [legacy === undefined ? "kernel" : "depthwise_kernel", ...tail];
  const activation = readActivation(config, "activation", "linear", layer.dialect);
  const weights = layer.weight(order, order[0], [taps, input.shape.cols, depthMultiplier]);
  const bias = layer.weightOr(useBias, order, "bias", [cols]);
  const own = activation === "softmax" ? ({ kind: "linear" } as const) : activation;
  const body = { op: "depthwiseConv1d", weights, bias, depthMultiplier, ...geometry, activation: own } as const;
  const value = layer.add(body, [input], options);
  return activation === "softmax" ? layer.activate(value, activation, "/softmax") : value;
};

/** SeparableConv1D: a depthwise convolution without bias, then a pointwise one. */
export const lowerSeparableConv1D: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  const { config } = layer;
  const input = inputs[0];
  const depthMultiplier = config.size("depth_multiplier", 1);
  const middle = input.shape.cols * depthMultiplier;
  const cols = config.size("filters");
  const { taps, ...geometry } = readTaps(layer, input);
  const options = convolve(layer, input, { taps, ...geometry }, middle);
  const useBias = config.flag("use_bias", true);
  const order = ["depthwise_kernel", "pointwise_kernel", ...(useBias ? ["bias"] : [])];
  const activation = readActivation(config, "activation", "linear", layer.dialect);
  const linear = { kind: "linear" } as const;
  const depthwise = layer.add(
    {
      op: "depthwiseConv1d",
      weights: layer.weight(order, "depthwise_kernel", [taps, input.shape.cols, depthMultiplier]),
      bias: layer.weightOr(false, order, "bias", [middle]),
      depthMultiplier,
      ...geometry,
      activation: linear,
    },
    [input],
    { ...options, suffix: "/depthwise" },
  );
  const pointwise = layer.add(
    {
      op: "conv1d",
      weights: layer.weight(order, "pointwise_kernel", [1, middle, cols]),
      bias: layer.weightOr(useBias, order, "bias", [cols]),
      stride: 1,
      dilation: 1,
      padding: "valid",
      activation: activation === "softmax" ? linear : activation,
    },
    [depthwise],
    { suffix: "/pointwise", shape: { cols } },
  );
  return activation === "softmax" ? layer.activate(pointwise, activation, "/softmax") : pointwise;
};

/** ZeroPadding1D: noted on the value; the convolution behind it takes it up. */
export const lowerZeroPadding: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  const { config } = layer;
  const value = layer.dropMask(inputs[0]);
  layer.requireSequence(value);
  config.only("data_format", "channels_last", "store sequences as [steps, channels]");
  let padding = config.values["padding"] ?? 1;
  if (Array.isArray(padding) && padding.length === 1) padding = padding[0];
  const [before, after] = Array.isArray(padding) ? padding : [padding, padding];
  if (![before, after].every((rows) => Number.isInteger(rows) && rows >= 0)) {
    throw config.unsupported("padding", "one or two numbers of steps are needed");
  }
  if (before === 0 && after === 0) return value;
  const [outer, inner] = value.padding ?? [0, 0];
  return { ...value, padding: [Number(before) + outer, Number(after) + inner] };
};
