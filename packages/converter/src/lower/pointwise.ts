import { affineBytes, FLAG, int16Bytes, LIMITS, layerNormBytes } from "../format/index.js";
import { int16Rounder, planActivation, Q15, scaleFor } from "../quantize/activation-plan.js";
import { affineEntry } from "../quantize/affine.js";
import { QuantizeError } from "../quantize/errors.js";
import type { Lowering, NodeOf } from "./lowering.js";

/** AFFINE: a batch normalization or rescaling that could not be folded. */
export function lowerAffine(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as NodeOf<"affine">;
  const source = lowering.signal(node.inputs[0]);
  const scale = scaleFor(lowering.bound(lowering.stats[index].output));
  const entries = Array.from(node.scale.data, (factor, j) =>
    affineEntry(`${node.name} channel ${j}`, (factor * source.scale) / scale, node.offset.data[j] / scale),
  );
  const record = lowering.emit(index, "AFFINE", {}, { aux: affineBytes(entries) });
  lowering.signals[index] = { record, scale };
  lowering.simulated[index] = { apply: int16Rounder(scale) };
}

/** ACTIVATION (KERNELS.md 34): the argument is brought to the scale of the function. */
export function lowerActivation(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as NodeOf<"activation">;
  const source = lowering.signal(node.inputs[0]);
  const stats = lowering.stats[index];
  if (node.activation.kind === "linear") {
    lowering.signals[index] = source;
    return;
  }
  const pre = Math.max(lowering.bound(stats.pre), source.scale);
  const plan = planActivation(node.activation, { pre, out: Math.max(lowering.bound(stats.output), source.scale * 2) });
  const record = lowering.emit(
    index,
    "ACTIVATION",
    {
      activation: plan.kind,
      activationParam: plan.param,
      multiplier: argumentFactor(node.name, source.scale, plan.inScale),
    },
    plan.table ? { table: plan.table } : {},
  );
  lowering.signals[index] = { record, scale: plan.outScale };
  lowering.simulated[index] = { node: { ...node, activation: { kind: "linear" } }, apply: plan.simulate };
}

/** p = x * multiplier / 2^16. */
function argumentFactor(name: string, from: number, to: number): number {
  const multiplier = Math.round((from / to) * 65536);
  if (multiplier >= 2 ** 31) {
    throw new QuantizeError(`${name} takes steps of ${from.toPrecision(3)}, ${2 ** 15} times its resolution`);
  }
  return Math.max(1, multiplier);
}

/** PRELU keeps its scale. */
export function lowerPrelu(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as NodeOf<"prelu">;
  const { scale } = lowering.signal(node.inputs[0]);
  const largest = node.alpha.data.reduce((most, value) => Math.max(most, Math.abs(value)), 2 ** -14);
  const shift = Math.min(30, Math.floor(Math.log2(32767 / largest)));
  if (shift < 0) throw new QuantizeError(`${node.name} has a slope of ${largest}, the limit is 32767`);
  const slopes = Int16Array.from(node.alpha.data, (value) => Math.round(value * 2 ** shift));
  const record = lowering.emit(index, "PRELU", { shift }, { aux: int16Bytes(slopes) });
  lowering.signals[index] = { record, scale };
  lowering.simulated[index] = { apply: int16Rounder(scale) };
}

/** Scale of z behind (42): z = 2^20 (x - mean) / deviation. */
const LAYER_NORM_SCALE = 2 ** -20;
const LAYER_NORM_BITS = 27;

export function lowerLayerNorm(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as NodeOf<"layerNorm">;
  const source = lowering.signal(node.inputs[0]);
  const size = node.shape.cols;
  if (size > LIMITS.rowSize)
    throw new QuantizeError(`${node.name} has ${size} channels, the limit is ${LIMITS.rowSize}`);
  const scale = scaleFor(lowering.bound(lowering.stats[index].output));
  const exact = (node.epsilon * size * size) / (source.scale * source.scale);
  const epsilon = BigInt(Math.round(Math.min(2 ** 61, Math.max(1, exact))));
  const entries = Array.from(node.gamma.data, (gamma, j) => {
    const gain = (gamma * LAYER_NORM_SCALE) / scale;
    return affineEntry(`${node.name} channel ${j}`, gain, node.beta.data[j] / scale, LAYER_NORM_BITS);
  });
  const record = lowering.emit(index, "LAYER_NORM", {}, { aux: layerNormBytes(epsilon, entries) });
  lowering.signals[index] = { record, scale };
  lowering.simulated[index] = { apply: int16Rounder(scale) };
}

/** SOFTMAX inside a model; multiplier: LSB to octaves, Q31. */
export function lowerSoftmax(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as NodeOf<"softmax">;
  const source = lowering.signal(node.inputs[0]);
  const multiplier = Math.round(source.scale * Math.LOG2E * 2 ** 31);
  if (multiplier >= 2 ** 31 || node.shape.cols > LIMITS.rowSize) {
    throw new QuantizeError(
      `${node.name} takes ${node.shape.cols} values in steps of ${source.scale.toPrecision(3)}, ` +
        `the limits are ${LIMITS.rowSize} and ${(1 / Math.LOG2E).toFixed(2)}`,
    );
  }
  const record = lowering.emit(index, "SOFTMAX", { multiplier: Math.max(1, multiplier) });
  lowering.signals[index] = { record, scale: Q15 };
  lowering.simulated[index] = { apply: int16Rounder(Q15) };
}

/** MASK behind other nodes than the input: compares the rows' integers. */
export function lowerMask(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as NodeOf<"mask">;
  const { scale } = lowering.signal(node.inputs[0]);
  const code = Math.round(node.value / scale);
  if (Math.abs(code) > 32767 || Math.abs(code * scale - node.value) > 1e-6) {
    lowering.warnings.push(
      `${node.name} compares with ${node.value}, its rows resolve ${scale.toPrecision(3)}: nearest value taken`,
    );
  }
  const codes = new Int16Array(node.shape.cols).fill(Math.max(-32768, Math.min(32767, code)));
  const flags = (node.zero ? FLAG.MASK_ZERO : 0) | (node.when === "any" ? FLAG.MASK_ANY : 0);
  // Keras' Masking replaces a mask, it does not add to one.
  const record = lowering.push(index, {
    kernel: "MASK",
    fields: { ...rowFields(lowering, index), flags },
    aux: int16Bytes(codes),
  });
  lowering.signals[index] = { record, scale };
}

function rowFields(lowering: Lowering, index: number) {
  const node = lowering.graph.nodes[index];
  const input0 = lowering.signal(node.inputs[0]).record;
  const rows = lowering.rowsOf(index);
  return { input0, inputSize: node.shape.cols, outputSize: node.shape.cols, rowsIn: rows, rowsOut: rows };
}
