import type { GrowingNode } from "../graph/builder.js";
import type { GraphNode } from "../graph/types.js";
import type { LayerConfig } from "./config.js";
import { ImportError } from "./errors.js";
import type { ImportSession, MaskTag, Value } from "./layer-context.js";
import type { LayerCall, LayerSpec } from "./topology.js";

/** A mask that Keras 3 computes with layers of its own: NotEqual, then Any or All over the channels. */
export interface MaskTensor {
  readonly of: Value;
  readonly compared: number;
  readonly when: MaskTag["when"] | undefined;
  /** ZerosLike: no mask at all, what LogicalOr leaves out. */
  readonly zeros?: boolean;
}

/** Operation layers that compute masks. Concatenate joins masks where merge layers stand. */
export const MASK_OPERATIONS: ReadonlySet<string> = new Set([
  "NotEqual",
  "Any",
  "All",
  "LogicalAnd",
  "LogicalOr",
  "ExpandDims",
  "Squeeze",
  "ZerosLike",
]);

export function isMask(value: Value | MaskTensor): value is MaskTensor {
  return "compared" in value;
}

/** Lowers one step of a mask's computation. Throws for anything but the forms Keras writes. */
export function lowerMaskOperation(
  layer: LayerSpec,
  use: LayerCall,
  operands: readonly (Value | MaskTensor)[],
): MaskTensor {
  const place = { layer: layer.name, layerClass: layer.className };
  const fail = (text: string) =>
    new ImportError("LAYER_UNSUPPORTED", `layer ${layer.name} (${layer.className}) ${text}`, place);
  const first = operands[0];
  if (first === undefined) throw fail("has no inputs");
  if (layer.className === "ZerosLike")
    return { of: isMask(first) ? first.of : first, compared: 0, when: "all", zeros: true };
  if (layer.className === "NotEqual") {
    const compared = use.constants[0];
    if (operands.length > 1 || isMask(first) || typeof compared !== "number") {
      throw fail("must compare one tensor with a number to make a mask");
    }
    return { of: first, compared, when: undefined };
  }
  const masks = operands.filter(isMask);
  if (masks.length < operands.length) throw fail("is run on masks only: build the model from layers");
  if (layer.className === "ExpandDims" || layer.className === "Squeeze") return masks[0];
  if (layer.className !== "Any" && layer.className !== "All") {
    const real = masks.filter((mask) => mask.zeros !== true);
    if (real.some((mask) => !sameMask(mask, real[0]))) throw fail("joins different masks: mask its inputs alike");
    return real[0] ?? masks[0];
  }
  const mask = masks[0];
  // Joined masks of a Concatenate are reduced once more; they are equal.
  if (mask.when !== undefined) return mask;
  const axis =
    layer.config["axis"] ?? use.kwargs["axis"] ?? use.constants.find((value) => typeof value === "number") ?? -1;
  const single = Array.isArray(axis) && axis.length === 1 ? axis[0] : axis;
  if (single !== -1 && single !== 2)
    throw fail(`reduces a mask over axis ${String(axis)}: over the channels is run (-1)`);
  // Any value that differs keeps the row: it is masked where all are equal.
  return { ...mask, when: layer.className === "Any" ? "all" : "any" };
}

function sameMask(a: MaskTensor, b: MaskTensor): boolean {
  return a.of.node === b.of.node && a.compared === b.compared && a.when === b.when;
}

/** Nodes that give one row for each row, and so carry the flags of the rows that come. */
const ROW_OPS: ReadonlySet<GraphNode["op"]> = new Set([
  "dense",
  "activation",
  "affine",
  "prelu",
  "layerNorm",
  "softmax",
  "embedding",
]);

/**
 * The value with the mask on its rows. Where the rows were computed from the masked tensor without its flags, the
 * layers between are laid anew on flagged rows (the old ones vanish when nothing else reads them).
 */
export function applyMaskTensor(session: ImportSession, value: Value, mask: MaskTensor, config: LayerConfig): Value {
  const { builder } = session;
  const source = builder.nodes[mask.of.node];
  const when = mask.when ?? "all";
  if (mask.when === undefined && !(source.op === "input" && source.kind === "tokens")) {
    throw config.error("OPTION_UNSUPPORTED", "gets a mask for every value: reduce it over the channels (Any)");
  }
  const tag: MaskTag = { source: mask.of.node, value: mask.compared, when, zeroed: false };
  const own = value.mask;
  if (
    own !== undefined &&
    own.value === tag.value &&
    own.when === tag.when &&
    sameSource(session, own.source, tag.source)
  ) {
    return value;
  }
  const chain: GrowingNode[] = [];
  let index = value.node;
  while (index !== mask.of.node) {
    const node = builder.nodes[index];
    if (!ROW_OPS.has(node.op) || node.inputs.length !== 1) {
      throw config.error(
        "OPTION_UNSUPPORTED",
        `gets a mask of ${source.name}, from which its input is not computed row by row`,
      );
    }
    chain.unshift(node);
    index = node.inputs[0];
  }
  let flagged = mask.of.node;
  if (chain[0]?.op === "embedding" && mask.compared === 0) {
    chain[0] = { ...chain[0], maskZero: true };
  } else {
    flagged = builder.add({
      op: "mask",
      value: mask.compared,
      zero: false,
      when,
      name: `${config.name}/mask`,
      layerClass: config.className,
      inputs: [flagged],
      shape: source.shape,
      maskOut: true,
    });
  }
  for (const node of chain) flagged = builder.add({ ...node, inputs: [flagged], maskOut: true } as GraphNode);
  return { ...value, node: flagged, mask: tag };
}

/** A Masking layer flags by the rows it reads; its own output has the same flags. */
function sameSource(session: ImportSession, own: number, wanted: number): boolean {
  if (own === wanted) return true;
  const node = session.builder.nodes[wanted];
  return node?.op === "mask" && node.inputs[0] === own;
}
