import {
  ACTIVATION,
  FIELD_GROUP,
  FLAG,
  type GateModel,
  type GateRecord,
  hasQuads,
  isStateOutput,
  KERNEL_RULES,
  type KernelName,
  type LayerMeta,
  MERGE_MODE,
  POOL_MODE,
  RECORD_BYTES,
  type RecordFields,
} from "@gatelet/converter/format";
import { predictCycles } from "@gatelet/sim";

/** What a user wants to know of one layer record. */
export interface LayerReport {
  /** Index of the record. */
  readonly record: number;
  readonly name: string;
  /** Kernel in readable words, e.g. `GRU`, `Conv1D 5/2`. */
  readonly type: string;
  readonly kernel: KernelName;
  /** Rows of a window and values in a row; rows null in a stream model. */
  readonly rows: number | null;
  readonly cols: number;
  readonly activation: string;
  /** Bits of a weight; null where there are none. */
  readonly bits: number | null;
  /** Real value of one LSB of the output; null where the file does not say. */
  readonly scale: number | null;
  /** Signal to quantization noise of the layer's output, dB, as measured by the converter; null where the file does not say. */
  readonly sqnrDb: number | null;
  readonly parameters: number;
  /** Multiply-accumulates of a window (stream model: of a step). */
  readonly macs: number;
  /** Predicted cycles on a Cortex-M4 at 0 wait states, of a window (stream model: of a step); null: not predicted. */
  readonly cycles: number | null;
  /** Record and tensors in the file; shared tensors count for the first that uses them. */
  readonly flashBytes: number;
  /** State, output row and scratch; rows and scratch share memory with those of other layers. */
  readonly ramBytes: number;
}

const KERNEL_WORDS: Readonly<Record<KernelName, string>> = {
  INPUT: "Input",
  EMBEDDING: "Embedding",
  RNN: "RNN",
  LSTM: "LSTM",
  GRU: "GRU",
  GRU_RESET_AFTER: "GRU after",
  DENSE: "Dense",
  CONV1D: "Conv1D",
  DEPTHWISE_CONV1D: "Depthwise",
  POOL: "Pool",
  GLOBAL_POOL: "GlobalPool",
  AFFINE: "Affine",
  ACTIVATION: "Activation",
  PRELU: "PReLU",
  LAYER_NORM: "LayerNorm",
  SOFTMAX: "Softmax",
  MERGE: "Merge",
  FIFO: "Delay",
  REVERSE: "Reverse",
  RESHAPE: "Reshape",
  REPEAT: "Repeat",
  MASK: "Mask",
  MINIMAL_GRU: "Minimal GRU",
  FASTGRNN: "FastGRNN",
};

const ACTIVATION_WORDS = new Map<number, string>([
  [ACTIVATION.LINEAR, "linear"],
  [ACTIVATION.TANH, "tanh"],
  [ACTIVATION.SIGMOID, "sigmoid"],
  [ACTIVATION.HARD_SIGMOID, "hardSigmoid"],
  [ACTIVATION.RELU, "relu"],
  [ACTIVATION.TABLE, "table"],
  [ACTIVATION.LEAKY, "leakyRelu"],
]);

const WITH_ACTIVATION: ReadonlySet<KernelName> = new Set<KernelName>([
  "RNN",
  "LSTM",
  "GRU",
  "GRU_RESET_AFTER",
  "MINIMAL_GRU",
  "FASTGRNN",
  "DENSE",
  "CONV1D",
  "DEPTHWISE_CONV1D",
  "ACTIVATION",
]);

/** Reports on every record of an accepted file. */
export function layerReports(model: GateModel): LayerReport[] {
  const metaByRecord = new Map((model.meta.layers ?? []).map((layer) => [layer.record, layer]));
  const seenTensors = new Set<number>();
  const { steps, layers } = predictCycles(model);
  const perUnit = (cycles: number | null) =>
    cycles === null ? null : Math.round(model.header.window > 0 ? cycles : cycles / steps);
  return model.records.map((record) => ({
    ...layerReport(model, record, metaByRecord.get(record.index), seenTensors),
    cycles: perUnit(layers[record.index]!.cycles),
  }));
}

function layerReport(
  model: GateModel,
  record: GateRecord,
  meta: LayerMeta | undefined,
  seen: Set<number>,
): Omit<LayerReport, "cycles"> {
  const { kernel, fields, needs } = record;
  const rows = model.header.window === 0 ? null : fields.rowsOut;
  let flashBytes = RECORD_BYTES;
  for (const tensor of ["weights", "rowParams", "table", "gateTable", "aux"] as const) {
    if (needs[tensor] === 0 || seen.has(fields[tensor])) continue;
    seen.add(fields[tensor]);
    flashBytes += needs[tensor];
  }
  const ownOutput = isStateOutput(kernel) ? 0 : needs.output;
  return {
    record: record.index,
    name: meta?.name ?? (record.index === 0 ? "input" : `record ${record.index}`),
    type: typeText(record),
    kernel,
    rows,
    cols: fields.outputSize,
    activation: activationText(record),
    bits: fields.bits === 0 ? null : fields.bits,
    scale: meta?.scale ?? null,
    sqnrDb: meta?.sqnrDb ?? null,
    parameters: parameterCount(kernel, fields),
    macs: macsOfRow(kernel, fields) * macRows(model, record),
    flashBytes,
    ramBytes: needs.state + ownOutput + needs.scratch,
  };
}

function typeText({ kernel, fields }: GateRecord): string {
  const word = KERNEL_WORDS[kernel];
  if (kernel === "CONV1D" || kernel === "DEPTHWISE_CONV1D") {
    const dilation = fields.dilation > 1 ? ` dil ${fields.dilation}` : "";
    return `${word} ${fields.taps}/${fields.stride}${dilation}`;
  }
  const pooling = fields.mode === POOL_MODE.MAX ? "Max" : "Average";
  if (kernel === "POOL") return `${pooling}Pool ${fields.taps}/${fields.stride}`;
  if (kernel === "GLOBAL_POOL") return `Global${pooling}`;
  if (kernel !== "MERGE") return word;
  const mode = Object.entries(MERGE_MODE).find(([, value]) => value === fields.mode)?.[0] ?? "merge";
  return mode[0]! + mode.slice(1).toLowerCase();
}

function activationText({ kernel, fields }: GateRecord): string {
  if (!WITH_ACTIVATION.has(kernel)) return "";
  const own = ACTIVATION_WORDS.get(fields.activation) ?? "?";
  const gated = KERNEL_RULES[kernel].groups & FIELD_GROUP.GATE;
  return gated ? `${own}, ${ACTIVATION_WORDS.get(fields.gateActivation) ?? "?"}` : own;
}

/** Weights and biases that the layer was trained with (padding and multipliers do not count). */
function parameterCount(kernel: KernelName, r: RecordFields): number {
  const { inputSize: n, outputSize: h } = r;
  switch (kernel) {
    case "RNN":
      return h * (n + h + 1);
    case "LSTM":
      return 4 * h * (n + h + 1);
    case "GRU":
      return 3 * h * (n + h + 1);
    case "GRU_RESET_AFTER":
      return 3 * h * (n + h + 2);
    case "MINIMAL_GRU":
      return 2 * h * (n + h + 1);
    case "FASTGRNN":
      return h * (n + h + 2) + 2;
    case "DENSE":
      return h * (n + 1);
    case "CONV1D":
      return h * (r.taps * n + 1);
    case "DEPTHWISE_CONV1D":
      return h * (r.taps + 1);
    case "EMBEDDING":
      return r.vocabulary * h;
    case "AFFINE":
    case "LAYER_NORM":
      return 2 * n;
    case "PRELU":
      return n;
    default:
      return 0;
  }
}

/** Multiply-accumulates with weights for one row. */
export function macsOfRow(kernel: KernelName, r: RecordFields): number {
  const { inputSize: n, outputSize: h } = r;
  switch (kernel) {
    case "RNN":
    case "FASTGRNN":
      return h * (n + h);
    case "LSTM":
      return 4 * h * (n + h);
    case "GRU":
    case "GRU_RESET_AFTER":
      return 3 * h * (n + h);
    case "MINIMAL_GRU":
      return 2 * h * (n + h);
    case "DENSE":
      return h * n;
    case "CONV1D":
      return h * r.taps * n;
    case "DEPTHWISE_CONV1D":
      return h * r.taps;
    default:
      return 0;
  }
}

/** Rows that are computed in a window: recurrent layers compute every row that comes, also where only the last leaves. */
function macRows(model: GateModel, { fields }: GateRecord): number {
  if (model.header.window === 0) return 1;
  return fields.flags & FLAG.LAST ? fields.rowsIn : fields.rowsOut;
}

/** Whether a layer keeps weights in quads (and so has bits that a user chooses). */
export const hasWeights = (report: LayerReport): boolean => hasQuads(report.kernel);
