import { packWeights } from "../float/gemm.js";
import { ACTIVATION, FLAG, packByteRows, packQuads, packRowParams, pad2 } from "../format/index.js";
import type { Activation } from "../graph/types.js";
import { type ActivationPlan, planActivation } from "../quantize/activation-plan.js";
import type { RowGroup } from "../quantize/matrices.js";
import type { Moments } from "../quantize/moments.js";
import { plainCompensation } from "../quantize/rounding.js";
import { type IntegerRows, quantizeRows, type WeightBits, weightLimit } from "../quantize/rows.js";
import { planWindowing } from "../quantize/windowing.js";
import { withFallback } from "./fallback.js";
import type { Lowering, NodeOf } from "./lowering.js";
import { alignedScale } from "./recurrent.js";

const LINEAR: Activation = { kind: "linear" };

/** Largest absolute weight. */
function largestOf(weights: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < weights.length; i++) largest = Math.max(largest, Math.abs(weights[i]));
  return largest;
}

/** The activation of a matrix node; where its scale is free it is coarse enough for every row's multiplier. */
function planFor(lowering: Lowering, index: number, activation: Activation, largestStep: number): ActivationPlan {
  const stats = lowering.stats[index];
  // A multiplier below 2^31 needs a row scale below half an LSB of the pre-activation.
  const least = (2.5 * largestStep * 32767) / weightLimit(lowering.options.bitsOf(index));
  const out = 32767 * alignedScale(lowering, index, Math.max(lowering.bound(stats.output), least) / 32767);
  return planActivation(activation, { pre: Math.max(lowering.bound(stats.pre), least), out });
}

function isPlain(activation: Activation): boolean {
  if (activation.kind === "linear") return true;
  if (activation.kind !== "relu") return false;
  return activation.max === undefined && !activation.threshold && !activation.negativeSlope;
}

/** The activation that stays on the device: a final sigmoid is left to the host. */
function deviceActivation(lowering: Lowering, index: number, activation: Activation): Activation {
  const isHead = index === lowering.head.node && lowering.head.transform === "sigmoid";
  return isHead && activation.kind === "sigmoid" ? LINEAR : activation;
}

/** DENSE; the last one of a model gives int32 logits on one common scale where its activation allows. */
export function lowerDense(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as NodeOf<"dense">;
  const source = lowering.signal(node.inputs[0]);
  const [inputSize, cols] = node.weights.shape;
  const { data: weights } = packWeights(node.weights.data, inputSize, cols);
  const activation = deviceActivation(lowering, index, node.activation);
  const isLogits = index === lowering.head.node && isPlain(activation);
  const step = largestOf(weights) * source.scale;
  const limit = weightLimit(lowering.options.bitsOf(index));
  // Logits: multipliers up to 2^29, with room for rows that the overflow proof makes coarser.
  const plan = isLogits
    ? planActivation(activation, { pre: 1, out: 1 }, 2 ** Math.ceil(Math.log2(Math.max((8 * step) / limit, 2 ** -40))))
    : planFor(lowering, index, activation, step);
  const group = denseGroup(lowering, index, weights, inputSize, source.scale, node.bias.data, plan.inScale);
  const [bits, integers] = quantizeMatrix(lowering, index, node.name, group);
  const record = lowering.emit(
    index,
    "DENSE",
    { ...activationFields(plan, isLogits), flags: isLogits ? FLAG.OUT32 : 0, bits },
    matrixTensors(bits, cols, integers.weights, inputSize, integers, plan),
  );
  lowering.signals[index] = { record, scale: plan.outScale };
  const quantized = { shape: [inputSize, cols], data: realWeights(integers, source.scale, inputSize) };
  lowering.simulated[index] = {
    node: { ...node, activation: LINEAR, weights: quantized, bias: realBias(integers) },
    apply: isLogits ? logitsFunction(activation, plan.inScale) : plan.simulate,
  };
}

function activationFields(plan: ActivationPlan, isLogits: boolean) {
  const clip = isLogits && plan.kind === ACTIVATION.RELU ? 32767 : plan.param;
  return { activation: plan.kind, activationParam: clip };
}

function logitsFunction(activation: Activation, scale: number): (value: number) => number {
  const low = activation.kind === "relu" ? 0 : -Infinity;
  return (value) => Math.max(low, Math.round(value / scale) * scale);
}

function denseGroup(
  lowering: Lowering,
  index: number,
  weights: Float64Array,
  columns: number,
  inputScale: number,
  bias: ArrayLike<number>,
  preScale: number,
): RowGroup {
  const moments: Moments | undefined = lowering.options.compensate ? lowering.stats[index].moments : undefined;
  if (lowering.options.compensate && moments === undefined) {
    lowering.warnings.push(`${lowering.graph.nodes[index].name} has ${columns} columns and is rounded plainly`);
  }
  return {
    rows: bias.length,
    input: { weights, columns, inputScale },
    bias: Float64Array.from(bias),
    preScale: new Float64Array(bias.length).fill(preScale),
    ...(moments ? { moments } : {}),
  };
}

function quantizeMatrix(
  lowering: Lowering,
  index: number,
  name: string,
  group: RowGroup,
): readonly [WeightBits, IntegerRows] {
  const [bits, { groups, raisedRows, largestRaise }] = withFallback(lowering, index, (width) =>
    lowering.quantize(index, name, [group], width, group.preScale[0]),
  );
  lowering.matrices.set(index, { bits, alignShift: 0, recurrentFirst: false, raisedRows, largestRaise });
  return [bits, groups[0].integers];
}

function matrixTensors(
  bits: WeightBits,
  rows: number,
  weights: Int8Array,
  columns: number,
  { bias, multiplier }: IntegerRows,
  { table }: ActivationPlan,
) {
  return {
    weights: packQuads({ order: "plain", bits, hiddenSize: rows, input: { weights, columns } }),
    rowParams: packRowParams("plain", rows, bias, multiplier),
    ...(table ? { table } : {}),
  };
}

/** Rounded weights as a float graph has them: [columns, rows]. */
function realWeights({ weights, scale, rows }: IntegerRows, inputScale: number, columns: number): Float32Array {
  const real = new Float32Array(weights.length);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < columns; j++) real[j * rows + row] = (weights[row * columns + j] * scale[row]) / inputScale;
  }
  return real;
}

function realBias({ bias, scale }: IntegerRows) {
  return { shape: [bias.length], data: Float32Array.from(bias, (value, row) => value * scale[row]) };
}

/** CONV1D: a dense layer over the taps' rows side by side, channels padded to even. */
export function lowerConv1d(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as NodeOf<"conv1d">;
  const source = lowering.signal(node.inputs[0]);
  const [taps, channels, cols] = node.weights.shape;
  const { data: weights } = packWeights(node.weights.data, taps * channels, cols);
  const activation = deviceActivation(lowering, index, node.activation);
  const plan = planFor(lowering, index, activation, largestOf(weights) * source.scale);
  const group = denseGroup(lowering, index, weights, taps * channels, source.scale, node.bias.data, plan.inScale);
  const [bits, integers] = quantizeMatrix(lowering, index, node.name, group);
  const padded = padChannels(integers.weights, cols, taps, channels);
  const record = lowering.emit(
    index,
    "CONV1D",
    { ...activationFields(plan, false), bits, ...windowFields(lowering, node, taps) },
    matrixTensors(bits, cols, padded, taps * pad2(channels), integers, plan),
  );
  lowering.signals[index] = { record, scale: plan.outScale };
  const quantized = { shape: node.weights.shape, data: realWeights(integers, source.scale, taps * channels) };
  lowering.simulated[index] = {
    node: { ...node, activation: LINEAR, weights: quantized, bias: realBias(integers) },
    apply: plan.simulate,
  };
}

/** [rows, taps * channels] with every tap's channels padded to even. */
function padChannels(weights: Int8Array, rows: number, taps: number, channels: number): Int8Array {
  const even = pad2(channels);
  if (even === channels) return weights;
  const padded = new Int8Array(rows * taps * even);
  for (let i = 0; i < rows * taps; i++) {
    padded.set(weights.subarray(i * channels, (i + 1) * channels), i * even);
  }
  return padded;
}

/** taps, stride, dilation and padLeft of a sliding kernel. */
function windowFields(lowering: Lowering, node: NodeOf<"conv1d"> | NodeOf<"depthwiseConv1d">, taps: number) {
  const { stride, dilation } = node;
  const rowsIn = lowering.isStream ? undefined : lowering.rowsOf(node.inputs[0]);
  const { padLeft } = planWindowing(node.name, { taps, stride, dilation, padding: node.padding }, rowsIn);
  return { taps, stride, dilation, padLeft };
}

/** DEPTHWISE_CONV1D: rows of [taps] weights, 8 bits, plain rounding with the best scale per row. */
export function lowerDepthwise(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as NodeOf<"depthwiseConv1d">;
  const source = lowering.signal(node.inputs[0]);
  const [taps, channels, multiplier] = node.weights.shape;
  const cols = channels * multiplier;
  const values = packWeights(node.weights.data, taps, cols).data.map((weight) => weight * source.scale);
  const plan = planFor(lowering, index, deviceActivation(lowering, index, node.activation), largestOf(values));
  const integers = quantizeRows(
    node.name,
    {
      rows: cols,
      columns: taps,
      values,
      bias: Float64Array.from(node.bias.data),
      preScale: new Float64Array(cols).fill(plan.inScale),
      columnShift: new Float64Array(taps).fill(1),
    },
    8,
    plainCompensation(taps),
  );
  const { raisedRows, largestRaise, bias } = integers;
  lowering.matrices.set(index, { bits: 8, alignShift: 0, recurrentFirst: false, raisedRows, largestRaise });
  const byTap = new Int8Array(taps * cols);
  for (let o = 0; o < cols; o++)
    for (let tap = 0; tap < taps; tap++) byTap[tap * cols + o] = integers.weights[o * taps + tap];
  const record = lowering.emit(
    index,
    "DEPTHWISE_CONV1D",
    { ...activationFields(plan, false), bits: 8, depthMultiplier: multiplier, ...windowFields(lowering, node, taps) },
    {
      weights: packByteRows(byTap, taps, cols),
      rowParams: packRowParams("plain", cols, bias, integers.multiplier),
      ...(plan.table ? { table: plan.table } : {}),
    },
  );
  lowering.signals[index] = { record, scale: plan.outScale };
  const quantized = { shape: node.weights.shape, data: realWeights(integers, source.scale, taps) };
  lowering.simulated[index] = {
    node: { ...node, activation: LINEAR, weights: quantized, bias: realBias(integers) },
    apply: plan.simulate,
  };
}
