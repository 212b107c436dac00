import type { LayerContext, Lowering, MaskTag, Value } from "../layer-context.js";
import { requireLastAxis } from "./normalization.js";

const MODES = {
  Add: "add",
  Concatenate: "concat",
  Average: "average",
  Maximum: "maximum",
  Minimum: "minimum",
  Multiply: "multiply",
  Subtract: "subtract",
} as const;

/**
 * Keras 2 and tfjs: a row that any input masks is masked; inputs without a mask do not matter. Keras 3 has it the
 * other way round for masks that differ, so that there only equal masks are clear.
 */
function meet(layer: LayerContext, inputs: readonly Value[]): MaskTag | undefined {
  const tags = inputs.flatMap((input) => (input.mask === undefined ? [] : [input.mask]));
  if (tags.length === 0) return undefined;
  const first = tags[0];
  const same = tags.every((tag) => tag.source === first.source && tag.value === first.value && tag.when === first.when);
  const zeroed = tags.some((tag) => tag.zeroed);
  if (same && tags.length === inputs.length) return { ...first, zeroed };
  const text = "of inputs that are masked differently: mask them alike";
  const unclear = layer.dialect === "keras3" ? text : tags.find((tag) => tag.unclear !== undefined)?.unclear;
  return { ...first, source: same ? first.source : -1, zeroed, unclear };
}

function requireSameRate(layer: LayerContext, inputs: readonly Value[], sameCols: boolean): void {
  const [first, ...others] = inputs;
  // A window gives each vector once, at its end, however many rows led to it; an open stream gives one with every row.
  const once = !first.shape.sequence && layer.session.builder.nodes[0].shape.rows !== null;
  for (const other of others) {
    const sameRows =
      other.shape.sequence === first.shape.sequence &&
      other.shape.rows === first.shape.rows &&
      (once || other.probes.every((rows, index) => rows === first.probes[index]));
    if (sameRows && (!sameCols || other.shape.cols === first.shape.cols)) continue;
    const describe = ({ shape }: Value) =>
      shape.sequence ? `[${shape.rows ?? "steps"}, ${shape.cols}]` : `[${shape.cols}]`;
    const text = `joins ${describe(first)} and ${describe(other)}: both sides must run at the same rate${sameCols ? " and have the same width" : ""}`;
    throw layer.config.error("SHAPE_UNSUPPORTED", text);
  }
}

/** Add, Concatenate and their kin. */
export const lowerMerge: Lowering = (layer, inputs) => {
  const { config } = layer;
  const mode = MODES[config.className as keyof typeof MODES];
  if (inputs.length < 2) layer.requireInputs(inputs, 2);
  if (mode === "subtract") layer.requireInputs(inputs, 2);
  if (mode === "concat") requireLastAxis(layer, inputs[0], "join channels (axis -1); sequences are not joined in time");
  requireSameRate(layer, inputs, mode !== "concat");
  const cols = mode === "concat" ? inputs.reduce((sum, input) => sum + input.shape.cols, 0) : inputs[0].shape.cols;
  return layer.add({ op: "merge", mode }, inputs, { shape: { cols }, mask: meet(layer, inputs) ?? "drop" });
};
