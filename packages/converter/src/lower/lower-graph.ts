import type { ModelSpec } from "../format/index.js";
import type { Graph, GraphNode } from "../graph/types.js";
import type { NodeStats } from "../quantize/calibrate.js";
import { QuantizeError } from "../quantize/errors.js";
import { lowerEmbedding } from "./embedding.js";
import { lowerInput } from "./input.js";
import { Lowering, type LoweringOptions, type OutputTransform } from "./lowering.js";
import { lowerConv1d, lowerDense, lowerDepthwise } from "./matrix.js";
import { lowerMerge } from "./merge.js";
import { lowerActivation, lowerAffine, lowerLayerNorm, lowerMask, lowerPrelu, lowerSoftmax } from "./pointwise.js";
import { lowerGlobalPool, lowerPool } from "./pool.js";
import { lowerRecurrent } from "./recurrent.js";
import { lowerRepeat, lowerReshape, lowerReverse } from "./shape.js";

/** Node whose rows leave the device: a final softmax or sigmoid is left to the host, which gets logits. */
export function findHead(graph: Graph): { readonly node: number; readonly transform: OutputTransform } {
  const node = graph.nodes[graph.output];
  if (node.op === "softmax") return { node: node.inputs[0], transform: "softmax" };
  if (node.op === "activation" && node.activation.kind === "sigmoid")
    return { node: node.inputs[0], transform: "sigmoid" };
  const endsInSigmoid = node.op === "dense" && node.activation.kind === "sigmoid";
  return { node: graph.output, transform: endsInSigmoid ? "sigmoid" : "none" };
}

const HANDLERS: Record<Exclude<GraphNode["op"], "input">, (lowering: Lowering, index: number) => void> = {
  embedding: lowerEmbedding,
  mask: lowerMask,
  rnn: lowerRecurrent,
  lstm: lowerRecurrent,
  gru: lowerRecurrent,
  minimalGru: lowerRecurrent,
  fastGrnn: lowerRecurrent,
  reverse: lowerReverse,
  dense: lowerDense,
  conv1d: lowerConv1d,
  depthwiseConv1d: lowerDepthwise,
  pool: lowerPool,
  globalPool: lowerGlobalPool,
  affine: lowerAffine,
  activation: lowerActivation,
  prelu: lowerPrelu,
  layerNorm: lowerLayerNorm,
  softmax: lowerSoftmax,
  merge: lowerMerge,
  reshape: lowerReshape,
  repeat: lowerRepeat,
};

/**
 * Turns the nodes of a graph into layer records with integer weights.
 * @throws QuantizeError for what the kernels cannot express
 */
export function lowerGraph(graph: Graph, stats: readonly NodeStats[], options: LoweringOptions): Lowering {
  const lowering = new Lowering(graph, stats, options, findHead(graph));
  lowerInput(lowering);
  for (let index = 1; index <= lowering.head.node; index++) {
    const node = graph.nodes[index];
    if (lowering.signals[index] !== undefined || node.op === "input") continue;
    HANDLERS[node.op](lowering, index);
  }
  if (lowering.records.length === 0) throw new QuantizeError("the model has no layers");
  return lowering;
}

/** The spec of the lowered records, without META. */
export function specOf(lowering: Lowering): ModelSpec {
  const { graph, records, head } = lowering;
  const [first] = records;
  const isTokens = first.kernel === "EMBEDDING";
  return {
    inputKind: isTokens ? "tokens" : "frames",
    outputTransform: head.transform,
    window: graph.window ?? 0,
    frameSize: isTokens ? 1 : graph.nodes[0].shape.cols,
    vocabularySize: isTokens ? (first.fields.vocabulary ?? 0) : 0,
    outputScale: lowering.signal(head.node).scale,
    records,
  };
}
