import { type LayerContext, type Lowering, type MaskTag, PROBES, type Value } from "../layer-context.js";

/** Masking: rows whose values all equal `mask_value` become zero and are flagged. */
export const lowerMasking: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  layer.requireSequence(inputs[0]);
  const value = layer.config.number("mask_value", 0);
  const mask: MaskTag = { source: inputs[0].node, value, when: "all", zeroed: false };
  return layer.add({ op: "mask", value, zero: true, when: "all" }, inputs, { mask });
};

/** Embedding of the model's own input, whose rows become tokens. */
export const lowerEmbedding: Lowering = (layer, inputs) => {
  layer.requireInputs(inputs, 1);
  const { config, session } = layer;
  const input = session.builder.nodes[inputs[0].node];
  if (input.op !== "input" || (input.shape.sequence && input.kind !== "tokens")) {
    const text = "must read the model's input, a list of tokens [steps]: put it first";
    throw config.error("SHAPE_UNSUPPORTED", text);
  }
  makeTokens(layer);
  const cols = config.size("output_dim");
  const table = layer.weight(["embeddings"], "embeddings", [config.size("input_dim"), cols]);
  const maskZero = config.flag("mask_zero", false);
  const mask: MaskTag = { source: inputs[0].node, value: 0, when: "all", zeroed: false };
  const value: Value = { ...inputs[0], shape: input.shape, probes: PROBES };
  return layer.add({ op: "embedding", table, maskZero }, [value], {
    shape: { cols },
    mask: maskZero ? mask : "drop",
  });
};

/** Turns the graph's input from a vector of numbers to a sequence of tokens. */
function makeTokens(layer: LayerContext): void {
  const input = layer.session.builder.nodes[0];
  if (input.op !== "input" || input.kind === "tokens") return;
  if (layer.session.builder.nodes.some((node) => node.inputs.includes(0) && node.op !== "embedding")) {
    throw layer.config.error("SHAPE_UNSUPPORTED", "shares the model's input with layers that read numbers");
  }
  input.kind = "tokens";
  input.shape = { sequence: true, rows: layer.session.tokenSteps, cols: 1 };
}
