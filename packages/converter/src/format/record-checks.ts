import { FormatError } from "./errors.js";
import {
  FIELD_GROUP,
  type FieldGroup,
  GROUP_FIELDS,
  hasQuads,
  isRecurrent,
  isWindowed,
  KERNEL_RULES,
} from "./rules.js";
import {
  ACTIVATION,
  FLAG,
  KERNEL,
  type KernelName,
  LIMITS,
  MERGE_MODE,
  NO_INPUT,
  POOL_MODE,
  pad2,
  type RecordField,
} from "./schema.js";
import { historyRows, type RecordFields } from "./sizes.js";

/** What the checks of one record need to know of its surroundings. */
export interface RecordContext {
  readonly index: number;
  readonly recordCount: number;
  readonly window: number;
  readonly kernels: readonly KernelName[];
  readonly records: readonly RecordFields[];
}

/** `BAD_RECORD` unless `ok`. */
type Require = (field: RecordField, ok: boolean, limit: string) => void;

const GROUPS = Object.keys(FIELD_GROUP) as FieldGroup[];

function checkUnused(kernel: KernelName, r: RecordFields, require: Require): void {
  const rule = KERNEL_RULES[kernel];
  require("flags", (r.flags & ~rule.flags) === 0, `within 0x${rule.flags.toString(16)} for ${kernel}`);
  require("reserved91", r.reserved91 === 0, "0");
  require("gateParam", r.gateParam === 0, "0");
  for (const group of GROUPS) {
    if (rule.groups & FIELD_GROUP[group]) continue;
    const unused = group === "INPUT1" ? NO_INPUT : 0;
    for (const field of GROUP_FIELDS[group]) require(field, r[field] === unused, `${unused} for ${kernel}`);
  }
}

function checkActivations(kernel: KernelName, r: RecordFields, require: Require): void {
  const { groups } = KERNEL_RULES[kernel];
  if (groups & FIELD_GROUP.ACTIVATION) {
    require("activation", r.activation <= ACTIVATION.LEAKY, "0..6");
    const clips = r.activation === ACTIVATION.RELU || r.activation === ACTIVATION.LEAKY;
    require("activationParam", clips ? r.activationParam >= 0 : r.activationParam === 0, clips ? ">= 0" : "0");
  }
  if (groups & FIELD_GROUP.GATE) {
    const gate = r.gateActivation;
    const bounded = gate >= ACTIVATION.TANH && gate <= ACTIVATION.HARD_SIGMOID;
    require("gateActivation", bounded || gate === ACTIVATION.TABLE, "tanh, sigmoid, hard sigmoid or table");
  }
}

function checkParameters(kernel: KernelName, r: RecordFields, require: Require): void {
  if (hasQuads(kernel)) require("bits", r.bits === 8 || r.bits === 4, "8 or 4");
  if (kernel === "EMBEDDING" || kernel === "DEPTHWISE_CONV1D") require("bits", r.bits === 8, "8");
  require("recurrentFirst", r.recurrentFirst <= 1, "0 or 1");
  require("alignShift", r.alignShift <= 15, "0..15");
  require("shift", r.shift <= (kernel === "LSTM" ? 15 : 30), kernel === "LSTM" ? "0..15" : "0..30");
  if (kernel === "SOFTMAX") require("multiplier", r.multiplier >= 0, ">= 0");
  if (kernel === "EMBEDDING") {
    require("vocabulary", r.vocabulary >= 1 && r.vocabulary <= LIMITS.vocabulary, `1..${LIMITS.vocabulary}`);
  }
  for (const field of ["multiplierA", "multiplierB"] as const) {
    require(field, r[field] >= -32768 && r[field] <= 32767, "-32768..32767");
  }
  if (kernel === "MERGE") require("mode", r.mode <= MERGE_MODE.MINIMUM, "0..4");
  else require("mode", r.mode <= POOL_MODE.AVERAGE, "0 or 1");
  const uses = KERNEL_RULES[kernel].groups;
  const counted = (field: RecordField, group: number) => {
    if (uses & group) require(field, r[field] >= 1 && r[field] <= 4096, "1..4096");
  };
  counted("taps", FIELD_GROUP.TAPS);
  counted("stride", FIELD_GROUP.STRIDE);
  counted("dilation", FIELD_GROUP.DILATION);
}

function checkWindowed(kernel: KernelName, r: RecordFields, window: number, require: Require): void {
  const history = historyRows(kernel, r);
  if (kernel !== "POOL") {
    require("dilation", history <= LIMITS.historyRows, `such that the history has at most ${LIMITS.historyRows} rows`);
    const values = history * pad2(r.inputSize);
    require("inputSize", values <=
      LIMITS.historyValues, `such that the history has at most ${LIMITS.historyValues} values`);
  }
  require("padLeft", r.padLeft < history, `below ${history}`);
  if (window > 0) {
    const reach = history - r.padLeft + (r.rowsOut - 1) * r.stride;
    require("rowsOut", reach <= r.rowsIn + history - 1, "such that the last window sees a real row");
  }
}

function checkSizes(kernel: KernelName, r: RecordFields, context: RecordContext, require: Require): void {
  const { records } = context;
  const weighted = KERNEL[kernel] <= KERNEL.DEPTHWISE_CONV1D || isRecurrent(kernel);
  require("inputSize", r.inputSize >= 1, "1..65535");
  require("outputSize", r.outputSize >= 1 && (!weighted || r.outputSize <= LIMITS.rowSize), weighted
    ? "1..4096"
    : "1..65535");
  switch (kernel) {
    case "INPUT":
    case "EMBEDDING":
    case "RNN":
    case "LSTM":
    case "GRU":
    case "GRU_RESET_AFTER":
    case "MINIMAL_GRU":
    case "FASTGRNN":
    case "DENSE":
    case "CONV1D":
      break;
    case "DEPTHWISE_CONV1D":
      require("depthMultiplier", r.outputSize === r.inputSize * r.depthMultiplier, "outputSize / inputSize");
      break;
    case "MERGE": {
      const other = records[r.input1]!;
      require("depthMultiplier", r.depthMultiplier === other.outputSize, `${other.outputSize}, the size of input1`);
      if (r.mode === MERGE_MODE.CONCAT) {
        require("outputSize", r.outputSize === r.inputSize + r.depthMultiplier, `${r.inputSize + r.depthMultiplier}`);
      } else {
        require("depthMultiplier", r.depthMultiplier === r.inputSize, `${r.inputSize}`);
        require("outputSize", r.outputSize === r.inputSize, `${r.inputSize}`);
      }
      break;
    }
    case "RESHAPE": {
      const values = r.rowsIn * r.inputSize;
      require("rowsOut", values === r.rowsOut * r.outputSize &&
        values <= LIMITS.reshapeValues, "rowsIn * inputSize / outputSize");
      break;
    }
    case "LAYER_NORM":
    case "SOFTMAX":
      require("inputSize", r.inputSize <= LIMITS.rowSize, `at most ${LIMITS.rowSize}`);
      require("outputSize", r.outputSize === r.inputSize, `${r.inputSize}`);
      break;
    default:
      require("outputSize", r.outputSize === r.inputSize, `${r.inputSize}`);
  }
}

function checkRows(kernel: KernelName, r: RecordFields, window: number, require: Require): void {
  const last = (r.flags & FLAG.LAST) !== 0;
  if (window === 0) {
    require("rowsIn", r.rowsIn === 0, "0 in a stream model");
    require("rowsOut", r.rowsOut === 0, "0 in a stream model");
    require("flags", !last, "without LAST in a stream model");
    const windowOnly = ["GLOBAL_POOL", "REVERSE", "RESHAPE", "REPEAT"].includes(kernel);
    require("kernel", !windowOnly, "one that a stream model allows");
    return;
  }
  require("rowsIn", r.rowsIn >= 1 && r.rowsIn <= LIMITS.rows, `1..${LIMITS.rows}`);
  require("rowsOut", r.rowsOut >= 1 && r.rowsOut <= LIMITS.rows, `1..${LIMITS.rows}`);
  if (isRecurrent(kernel)) require("rowsOut", r.rowsOut === (last ? 1 : r.rowsIn), last ? "1" : `${r.rowsIn}`);
  else if (kernel === "GLOBAL_POOL") require("rowsOut", r.rowsOut === 1, "1");
  else if (kernel === "REPEAT") require("rowsIn", r.rowsIn === 1, "1");
  else if (!isWindowed(kernel) && kernel !== "RESHAPE") require("rowsOut", r.rowsOut === r.rowsIn, `${r.rowsIn}`);
  if (kernel === "REVERSE") {
    require("rowsIn", r.rowsIn * r.inputSize <= LIMITS.reverseValues, `at most ${LIMITS.reverseValues} values in all`);
  }
  if (kernel === "GLOBAL_POOL" && r.mode === POOL_MODE.AVERAGE) {
    require("rowsIn", r.rowsIn <= LIMITS.averageRows, `at most ${LIMITS.averageRows}`);
  }
}

function checkInputs(kernel: KernelName, r: RecordFields, context: RecordContext, require: Require): void {
  const { index, records, window } = context;
  if (index === 0) {
    require("kernel", kernel === "INPUT" || kernel === "EMBEDDING", "INPUT or EMBEDDING for record 0");
    require("input0", r.input0 === NO_INPUT, `${NO_INPUT} for record 0`);
    require("rowsIn", r.rowsIn === window, `${window}`);
    const size = kernel === "INPUT" ? r.outputSize : 1;
    require("inputSize", r.inputSize === size, `${size}`);
    return;
  }
  require("kernel", kernel !== "INPUT" && kernel !== "EMBEDDING", "another one behind record 0");
  require("input0", r.input0 < index, `below ${index}`);
  const first = records[r.input0]!;
  require("inputSize", r.inputSize === first.outputSize, `${first.outputSize}, the size of input0`);
  require("rowsIn", r.rowsIn === first.rowsOut, `${first.rowsOut}, the rows of input0`);
  if (kernel !== "MERGE" && kernel !== "FIFO") return;
  require("input1", r.input1 < index, `below ${index}`);
  require("rowsIn", r.rowsIn === records[r.input1]!.rowsOut, `${records[r.input1]!.rowsOut}, the rows of input1`);
}

/** Every `BAD_RECORD` rule of FORMAT.md 4 and 5 that needs no tensor and no arena address. Earlier records are checked. */
export function checkRecord(context: RecordContext): void {
  const { index, recordCount, window } = context;
  const kernel = context.kernels[index]!;
  const r = context.records[index]!;
  const require: Require = (field, ok, limit) => {
    if (!ok) throw new FormatError("BAD_RECORD", { record: index, field, value: r[field], limit });
  };
  checkUnused(kernel, r, require);
  checkActivations(kernel, r, require);
  checkParameters(kernel, r, require);
  checkInputs(kernel, r, context, require);
  checkRows(kernel, r, window, require);
  checkSizes(kernel, r, context, require);
  if (isWindowed(kernel)) checkWindowed(kernel, r, window, require);
  if (r.flags & FLAG.OUT32) {
    require("flags", index === recordCount - 1, "without OUT32 before the last record");
    const plain = r.activation === ACTIVATION.LINEAR || r.activation === ACTIVATION.RELU;
    require("activation", plain, "linear or relu with OUT32");
  }
  if (kernel === "GLOBAL_POOL" && r.flags & FLAG.MASK_OBEY) {
    require("flags", r.mode === POOL_MODE.AVERAGE, "without MASK_OBEY for a maximum");
  }
}
