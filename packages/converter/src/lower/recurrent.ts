import { packWeights } from "../float/gemm.js";
import { activationFunction } from "../float/index.js";
import { FLAG, int16Bytes, type KernelName, packQuads, packRowParams, type QuadOrder } from "../format/index.js";
import {
  type ActivationPlan,
  int16Rounder,
  isBounded,
  planActivation,
  planGate,
  powerScaleFor,
} from "../quantize/activation-plan.js";
import { isRecurrent, type NodeStats, type RecurrentNode } from "../quantize/calibrate.js";
import { QuantizeError } from "../quantize/errors.js";
import { chooseAlignment, type FloatPart, type QuantizedGroups, type RowGroup } from "../quantize/matrices.js";
import { type Moments, subMoments } from "../quantize/moments.js";
import type { WeightBits } from "../quantize/rows.js";
import type { SimulatedCell } from "../quantize/simulate/recurrent.js";
import { withFallback } from "./fallback.js";
import { type FastGrnnPlan, planFastGrnn } from "./fastgrnn.js";
import type { Lowering, NodeOf } from "./lowering.js";

type CellKind = SimulatedCell["kind"];

const KERNELS: Record<CellKind, { readonly kernel: KernelName; readonly order: QuadOrder }> = {
  rnn: { kernel: "RNN", order: "plain" },
  lstm: { kernel: "LSTM", order: "lstm" },
  gru: { kernel: "GRU", order: "gru" },
  gruResetAfter: { kernel: "GRU_RESET_AFTER", order: "gruResetAfter" },
  minimalGru: { kernel: "MINIMAL_GRU", order: "minimalGru" },
  fastGrnn: { kernel: "FASTGRNN", order: "plain" },
};

/** Scales and functions of a cell. */
interface CellPlan {
  readonly activation: ActivationPlan;
  readonly gate: ActivationPlan | undefined;
  readonly hiddenScale: number;
  /** LSTM: fraction bits of c, `shift` and `multiplier` of (19) and (20). */
  readonly cellBits?: number;
  readonly cellShift?: number;
  readonly cellMultiplier?: number;
  readonly fastGrnn?: FastGrnnPlan;
}

/** Gates with f(-x) = 1 - f(x), as (47) needs them. */
const ANTISYMMETRIC: ReadonlySet<string> = new Set(["sigmoid", "hardSigmoid", "hardSigmoidKeras3"]);

function planCell(lowering: Lowering, node: RecurrentNode, stats: NodeStats): CellPlan {
  const pre = lowering.bound(stats.pre);
  if (node.op === "minimalGru" && !ANTISYMMETRIC.has(node.recurrentActivation.kind)) {
    throw new QuantizeError(
      `gate of ${node.name} is ${node.recurrentActivation.kind}; a minimal GRU needs f(-x) = 1 - f(x): sigmoid or hard sigmoid`,
    );
  }
  const gate =
    node.op === "rnn" ? undefined : planGate(node.name, node.recurrentActivation, gateRange(lowering, node, stats));
  if (node.op === "lstm") return { ...planLstm(lowering, node, stats), gate };
  if (node.op === "fastGrnn" && gate !== undefined) return planFastGrnn(lowering, node, stats, gate);
  // A GRU's h (a minimal one's too) follows its candidate, so both share a scale; an RNN's h is the result itself.
  const hidden = lowering.bound(stats.hidden);
  if (isBounded(node.activation) && stats.hidden.max > 1) {
    const reach = stats.hidden.max.toPrecision(3);
    lowering.warnings.push(`hidden states of ${node.name} reach ${reach}, they saturate at 1`);
  }
  const out = node.op !== "rnn" ? Math.max(hidden, isTableLike(node) ? largestResult(node, pre) : pre) : hidden;
  const activation = planActivation(node.activation, { pre: Math.max(pre, out), out });
  return { activation, gate, hiddenScale: activation.outScale };
}

const isTableLike = (node: RecurrentNode): boolean => !["linear", "relu", "leakyRelu"].includes(node.activation.kind);

function largestResult(node: RecurrentNode, reach: number): number {
  const apply = activationFunction(node.activation);
  return Math.max(Math.abs(apply(reach)), Math.abs(apply(-reach)));
}

function gateRange(lowering: Lowering, node: Exclude<RecurrentNode, NodeOf<"rnn">>, stats: NodeStats) {
  const pre = lowering.bound(stats.gates);
  const apply = activationFunction(node.recurrentActivation);
  return { pre, out: Math.max(Math.abs(apply(stats.gates.max)), Math.abs(apply(-stats.gates.max))) };
}

/** Largest exponent n of a cell scale 2^-n. */
const bitsOfScale = (scale: number): number => -Math.round(Math.log2(scale));

function planLstm(lowering: Lowering, node: NodeOf<"lstm">, stats: NodeStats): Omit<CellPlan, "gate"> {
  const pre = lowering.bound(stats.pre);
  const cell = lowering.bound(stats.cell);
  const reach = Math.max(pre, cell);
  let activation: ActivationPlan;
  if (isBounded(node.activation)) {
    activation = planActivation(node.activation, { pre: reach, out: 1 });
  } else {
    // One activation serves the candidate and the cell: one power of two holds both arguments and results.
    const clip = node.activation.kind === "relu" ? (node.activation.max ?? Infinity) : Infinity;
    const out = Math.max(Math.min(reach, clip), isTableLike(node) ? largestResult(node, reach) : 0);
    const scale = powerScaleFor(Math.max(out, isTableLike(node) ? reach : 0));
    activation = planActivation(node.activation, { pre: reach, out }, scale);
  }
  const resultBits = bitsOfScale(activation.outScale);
  const least = activation.inScale <= 2 ** -15 ? 1 : 0;
  const cellBits = Math.max(least, resultBits - 14, Math.min(resultBits, bitsOfScale(powerScaleFor(cell))));
  return {
    activation,
    hiddenScale: activation.outScale,
    cellBits,
    cellShift: resultBits - cellBits,
    cellMultiplier: Math.round(2 ** (16 - cellBits) / activation.inScale),
  };
}

/** Rows gate-major with their parts, statistics and pre-activation scales. */
function rowGroups(
  node: RecurrentNode,
  kind: CellKind,
  stats: NodeStats,
  inputScale: number,
  plan: CellPlan,
  compensate: boolean,
): RowGroup[] {
  const size = node.hiddenSize;
  const [inputSize, width] = node.inputWeights.shape;
  const inputRows = packWeights(node.inputWeights.data, inputSize, width).data;
  const recurrentRows = packWeights(node.recurrentWeights.data, size, width).data;
  const bias = Float64Array.from(node.bias.data);
  const gateScale = plan.gate?.inScale ?? 0;
  const candidateScale = plan.activation.inScale;
  const moments = compensate ? stats.moments : undefined;
  const input = (from: number, to: number): FloatPart => {
    const weights = inputRows.subarray(from * size * inputSize, to * size * inputSize);
    return { weights, columns: inputSize, inputScale };
  };
  const recurrent = (from: number, to: number): FloatPart => {
    const weights = recurrentRows.subarray(from * size * size, to * size * size);
    return { weights, columns: size, inputScale: plan.hiddenScale };
  };
  const group = (from: number, to: number, scaleOf: (gate: number) => number, seen?: Moments): RowGroup => ({
    rows: (to - from) * size,
    input: input(from, to),
    recurrent: recurrent(from, to),
    bias: bias.slice(from * size, to * size),
    preScale: Float64Array.from({ length: (to - from) * size }, (_, r) => scaleOf(from + Math.floor(r / size))),
    ...(seen ? { moments: seen } : {}),
  });
  if (kind === "rnn" || kind === "fastGrnn") return [group(0, 1, () => candidateScale, moments)];
  if (kind === "lstm") return [group(0, 4, (gate) => (gate === 2 ? candidateScale : gateScale), moments)];
  if (kind === "gru" || kind === "minimalGru") {
    const reset = compensate ? stats.resetMoments : undefined;
    const gates = kind === "gru" ? 2 : 1;
    return [group(0, gates, () => gateScale, moments), group(gates, gates + 1, () => candidateScale, reset)];
  }
  const recurrentBias = Float64Array.from((node as NodeOf<"gru">).recurrentBias.data);
  const gates = group(0, 2, () => gateScale, moments);
  const preScale = new Float64Array(size).fill(2 * candidateScale);
  const fromInput = moments === undefined ? {} : { moments: subMoments(moments, 0, inputSize) };
  const fromHidden = moments === undefined ? {} : { moments: subMoments(moments, inputSize, inputSize + size) };
  return [
    { ...gates, bias: gates.bias.map((value, r) => value + recurrentBias[r]) },
    { rows: size, input: input(2, 3), bias: bias.slice(2 * size), preScale, ...fromInput },
    { rows: size, recurrent: recurrent(2, 3), bias: recurrentBias.slice(2 * size), preScale, ...fromHidden },
  ];
}

function join<Part extends Int8Array | Int32Array | Float64Array>(
  make: (length: number) => Part,
  parts: (Part | undefined)[],
): Part {
  const given = parts.filter((part) => part !== undefined);
  const joined = make(given.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of given) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Most by which ranges may have grown since an earlier conversion for its scale to be kept. */
const KEPT_MARGIN = 1.2;
/** Scales per octave that are tried. */
export const ALIGN_STEPS = 8;

/**
 * Factor 1 .. 2 by which a free scale `scale` should be coarser so that the recurrent layer behind it can align its two
 * parts well: shifts are powers of two only, and 16 bits have room.
 */
export function alignedScale(lowering: Lowering, index: number, scale: number): number {
  const consumers = lowering.consumers[index];
  const node = lowering.graph.nodes[consumers[0] ?? 0];
  if (consumers.length !== 1 || index === lowering.head.node) return scale;
  if (!isRecurrent(node)) return scale;
  const stats = lowering.stats[consumers[0]];
  const plan = planCell(lowering, node, stats);
  lowering.hasAlignedScale = true;
  const { alignStep, like } = lowering.options;
  const kept = like.get(lowering.graph.nodes[index].name)?.scale;
  // Rows that have outgrown the earlier scale by less than its margin still fit.
  if (kept !== undefined && kept > scale / KEPT_MARGIN && kept < 2 * scale) return kept;
  if (alignStep !== undefined) return scale * 2 ** (alignStep / ALIGN_STEPS);
  let best = scale;
  let least = Infinity;
  for (let step = 0; step < ALIGN_STEPS; step++) {
    const trial = scale * 2 ** (step / ALIGN_STEPS);
    const groups = rowGroups(node, kindOf(node), stats, trial, plan, lowering.options.compensate);
    const { cost } = chooseAlignment(groups, lowering.options.bitsOf(consumers[0]));
    if (cost < 0.98 * least) {
      least = cost;
      best = trial;
    }
  }
  return best;
}

const kindOf = (node: RecurrentNode): CellKind => (node.op === "gru" && node.resetAfter ? "gruResetAfter" : node.op);

/** RNN, LSTM, GRU and GRU_RESET_AFTER records. */
export function lowerRecurrent(lowering: Lowering, index: number): void {
  const node = lowering.graph.nodes[index] as RecurrentNode;
  const stats = lowering.stats[index];
  const kind = kindOf(node);
  const { kernel, order } = KERNELS[kind];
  const source = lowering.signal(node.inputs[0]);
  const plan = planCell(lowering, node, stats);
  const groups = rowGroups(node, kind, stats, source.scale, plan, lowering.options.compensate);
  const [bits, quantized] = withFallback(lowering, index, (width) =>
    lowering.quantize(index, node.name, groups, width, source.scale),
  );
  const { activation, gate } = plan;
  const last = !node.returnSequences && !lowering.isStream;
  const inputSize = node.inputWeights.shape[0];
  const input = {
    weights: join(
      (n) => new Int8Array(n),
      quantized.groups.map((g) => g.inputIntegers),
    ),
    columns: inputSize,
  };
  const recurrent = {
    weights: join(
      (n) => new Int8Array(n),
      quantized.groups.map((g) => g.recurrentIntegers),
    ),
    columns: node.hiddenSize,
  };
  const { recurrentFirst, shift } = quantized.alignment;
  const bias = join(
    (n) => new Int32Array(n),
    quantized.groups.map((g) => g.integers.bias),
  );
  const multiplier = join(
    (n) => new Int32Array(n),
    quantized.groups.map((g) => g.integers.multiplier),
  );
  const record = lowering.emit(
    index,
    kernel,
    {
      flags: (last ? FLAG.LAST : 0) | (node.maskObey === true ? FLAG.MASK_OBEY : 0),
      activation: activation.kind,
      activationParam: activation.param,
      ...(gate ? { gateActivation: gate.kind } : {}),
      bits,
      recurrentFirst: recurrentFirst ? 1 : 0,
      alignShift: shift,
      ...(kind === "lstm" ? { shift: plan.cellShift, multiplier: plan.cellMultiplier } : {}),
      ...(plan.fastGrnn === undefined ? {} : plan.fastGrnn.fields),
    },
    {
      weights: packQuads({ order, bits, hiddenSize: node.hiddenSize, input, recurrent, recurrentFirst }),
      rowParams: packRowParams(order, node.hiddenSize, bias, multiplier),
      ...(activation.table ? { table: activation.table } : {}),
      ...(gate?.table ? { gateTable: gate.table } : {}),
      ...(plan.fastGrnn === undefined ? {} : { aux: int16Bytes(plan.fastGrnn.difference) }),
    },
  );
  lowering.signals[index] = { record, scale: plan.hiddenScale };
  lowering.simulated[index] = { cell: simulatedCell(kind, node, plan, quantized) };
  recordFacts(lowering, index, bits, quantized, plan);
}

function recordFacts(
  lowering: Lowering,
  index: number,
  bits: WeightBits,
  quantized: QuantizedGroups,
  plan: CellPlan,
): void {
  const { alignment, raisedRows, largestRaise } = quantized;
  lowering.matrices.set(index, {
    bits,
    alignShift: alignment.shift,
    recurrentFirst: alignment.recurrentFirst,
    raisedRows,
    largestRaise,
    ...(plan.cellBits === undefined ? {} : { cellBits: plan.cellBits }),
  });
}

function simulatedCell(kind: CellKind, node: RecurrentNode, plan: CellPlan, quantized: QuantizedGroups): SimulatedCell {
  const { groups } = quantized;
  const size = node.hiddenSize;
  const biases = groups.map(({ integers }) => Float64Array.from(integers.bias, (q, row) => q * integers.scale[row]));
  const all = join((n) => new Float64Array(n), kind === "gruResetAfter" ? biases.slice(0, 2) : biases);
  const partScale = 2 * plan.activation.inScale;
  const identity = (value: number) => value;
  return {
    kind,
    hiddenSize: size,
    input: {
      outputs: all.length,
      inputs: node.inputWeights.shape[0],
      data: join(
        (n) => new Float64Array(n),
        groups.map((g) => g.input),
      ),
    },
    recurrent: {
      outputs: all.length,
      inputs: size,
      data: join(
        (n) => new Float64Array(n),
        groups.map((g) => g.recurrent),
      ),
    },
    bias: all,
    candidateBias: kind === "gruResetAfter" ? biases[2] : (plan.fastGrnn?.offset ?? new Float64Array(size)),
    factors: plan.fastGrnn?.factors ?? [0, 0],
    gate: plan.gate?.simulate ?? identity,
    activation: plan.activation.simulate,
    roundCell: plan.cellBits === undefined ? identity : int16Rounder(2 ** -plan.cellBits),
    cellActivation: plan.activation.simulate,
    roundHidden: int16Rounder(plan.hiddenScale),
    roundPart: plan.fastGrnn
      ? int16Rounder(plan.activation.inScale)
      : (value) => Math.round(value / partScale) * partScale,
  };
}
