import {
  FIELD_GROUP,
  type FieldGroup,
  GROUP_FIELDS,
  isRecurrent,
  isStateOutput,
  isWindowed,
  KERNEL_NAMES,
  KERNEL_RULES,
} from "../../../packages/converter/src/format/rules.js";
import * as S from "../../../packages/converter/src/format/schema.js";
import * as c from "./code.js";
import { header as h, need, on, onKernels, type Rule, record as r, set, type Value, word } from "./code.js";
import { needRules } from "./sizes.js";

const { KERNEL, LIMITS } = S;
type Kernel = S.KernelName;

const pad16 = (value: Value) => c.pad(value, 15);
const aligned = (value: Value) => c.isZero(c.and(value, 15));
const between = (value: Value, least: number, most: number) => c.lt(c.sub(value, least), most - least + 1);
const countersEnd = () => pad16(c.add(c.mul(h.recordCount, S.COUNTER_BYTES), S.STREAM_HEADER_BYTES));
const recordAt = (index: Value) => c.add(c.mul(index, S.RECORD_BYTES), word("records"));
const h32 = (offset: number, text: string) => c.at("header", offset, "u32", text);

/** FORMAT.md 1. `length` and `crc` are set. */
export const headerRules: readonly Rule[] = [
  need("BAD_MAGIC", c.eq(h.magic, S.MAGIC)),
  need("BAD_VERSION", c.eq(h.formatVersion, S.FORMAT_VERSION)),
  need("BAD_HEADER", c.eq(h.headerBytes, S.HEADER_BYTES)),
  need("BAD_SIZE", c.eq(h.fileBytes, word("length"))),
  need("BAD_SIZE", aligned(word("length"))),
  need("BAD_CRC", c.eq(h.crc32, word("crc"))),
  need("BAD_HEADER", c.isZero(c.or(h.reserved26, h.reserved43, h.reserved60, h32(72, "reserved72"), h32(76, "high")))),
  need("BAD_HEADER", between(h.sectionCount, 2, LIMITS.sections)),
  need("BAD_HEADER", c.eq(h.recordStride, S.RECORD_BYTES)),
  need("BAD_HEADER", between(h.recordCount, 1, LIMITS.records)),
  need("BAD_HEADER", c.lt(c.or(h.inputKind, h.outputType), 2)),
  need("BAD_HEADER", c.lt(h.outputTransform, 3)),
  need("BAD_HEADER", c.lt(h.window, LIMITS.rows + 1)),
  need("BAD_HEADER", between(h.frameSize, 1, LIMITS.rowSize)),
  need("BAD_HEADER", between(h.maxOutputRows, 1, LIMITS.rows)),
  need("BAD_HEADER", c.or(h32(64, "outputScale"), h32(68, "outputScale high"))),
  need("BAD_HEADER", c.lt(h32(68, "outputScale high"), 0x7ff00000)),
  need("UNKNOWN_KERNEL", c.isZero(c.and(h.requiredKernels, c.macro("~(uint32_t)GATELET_KERNELS")))),
  need("BAD_ARENA", c.lt(h.arenaBytes, LIMITS.arenaBytes + 1)),
  need("BAD_ARENA", c.le(h.stateBytes, h.arenaBytes)),
  need("BAD_ARENA", c.eq(c.add(h.stateBytes, h.scratchBytes), h.arenaBytes)),
  need("BAD_ARENA", aligned(c.or(h.stateBytes, h.scratchBytes))),
  set("stateEnd", countersEnd()),
  need("BAD_ARENA", c.ge(h.stateBytes, word("stateEnd"))),
  set("free", c.add(c.mul(h.sectionCount, S.SECTION_ENTRY_BYTES), S.HEADER_BYTES)),
  need("BAD_SECTION", c.le(word("free"), word("length"))),
];

const entry = c.fieldsOf("subject", {
  id: [0, "u16"],
  flags: [2, "u16"],
  offset: [4, "u32"],
  bytes: [8, "u32"],
  reserved: [12, "u32"],
} as const);
const OTHER_SECTION = 4;
const { RECORDS, TENSORS, META } = S.SECTION;

/** FORMAT.md 2, for an entry of the table. */
export const sectionRules: readonly Rule[] = [
  need("BAD_SECTION", c.isZero(entry.reserved)),
  need("BAD_SECTION", c.lt(entry.flags, 2)),
  need("BAD_SECTION", aligned(entry.offset)),
  need("BAD_SECTION", c.ge(entry.offset, word("free"))),
  need("BAD_SECTION", c.le(entry.offset, word("length"))),
  need("BAD_SECTION", c.le(entry.bytes, c.sub(word("length"), entry.offset))),
  set("free", c.add(entry.offset, entry.bytes)),
  set("selector", c.choose(c.lt(entry.id, OTHER_SECTION), entry.id, OTHER_SECTION)),
  ...on(
    [RECORDS],
    need("BAD_SECTION", c.isZero(word("records"))),
    need("BAD_SECTION", c.eq(entry.bytes, c.mul(h.recordCount, S.RECORD_BYTES))),
    set("records", entry.offset),
  ),
  ...on(
    [TENSORS],
    need("BAD_SECTION", c.isZero(word("tensorsEnd"))),
    set("tensorsBegin", entry.offset),
    set("tensorsEnd", word("free")),
  ),
  ...on([META], need("BAD_SECTION", c.isZero(word("metas"))), set("metas", 1)),
  ...on([0, OTHER_SECTION], need("UNKNOWN_SECTION", c.isZero(entry.flags))),
];

/** Behind the sections. */
export const sectionsRules: readonly Rule[] = [
  need("BAD_SECTION", word("records")),
  need("BAD_SECTION", word("tensorsEnd")),
];

const kernelsWith = (test: (kernel: Kernel) => boolean): Kernel[] => KERNEL_NAMES.filter(test);
const using = (group: FieldGroup) => kernelsWith((kernel) => (KERNEL_RULES[kernel].groups & FIELD_GROUP[group]) !== 0);
const notUsing = (group: FieldGroup) => kernelsWith((kernel) => !using(group).includes(kernel));
const except = (...names: Kernel[]) => kernelsWith((kernel) => !names.includes(kernel));
/** Kernels up to DEPTHWISE_CONV1D and the recurrent ones: their rows are short, and as long as they like. */
const shortRows = kernelsWith((kernel) => KERNEL[kernel] <= KERNEL.DEPTHWISE_CONV1D || isRecurrent(kernel));

function unusedFields(): Rule[] {
  const rules = [need("BAD_RECORD", c.isZero(c.or(r.gateParam, r.reserved91)))];
  for (const flags of new Set(KERNEL_NAMES.map((kernel) => KERNEL_RULES[kernel].flags))) {
    const names = kernelsWith((kernel) => KERNEL_RULES[kernel].flags === flags);
    rules.push(...onKernels(names, need("BAD_RECORD", c.isZero(c.and(r.flags, 255 & ~flags)))));
  }
  for (const group of Object.keys(FIELD_GROUP) as FieldGroup[]) {
    const [first, ...more] = GROUP_FIELDS[group];
    const unused = group === "INPUT1" ? S.NO_INPUT : 0;
    const all = c.or(r[first!], ...more.map((name) => r[name]));
    rules.push(...onKernels(notUsing(group), need("BAD_RECORD", c.eq(all, unused))));
  }
  return rules;
}

function parameters(): Rule[] {
  const { RELU, LEAKY, TABLE, TANH, HARD_SIGMOID } = S.ACTIVATION;
  const clips = c.or(c.eq(r.activation, RELU), c.eq(r.activation, LEAKY));
  const bad = (value: Value) => need("BAD_RECORD", value);
  const counted = (group: FieldGroup, field: Value) => onKernels(using(group), bad(between(field, 1, 4096)));
  return [
    bad(c.lt(r.activation, LEAKY + 1)),
    bad(c.lt(r.activationParam, c.add(c.mul(clips, 32767), 1))),
    ...onKernels(
      using("GATE"),
      bad(c.or(between(r.gateActivation, TANH, HARD_SIGMOID), c.eq(r.gateActivation, TABLE))),
    ),
    ...onKernels(using("BITS"), bad(c.or(c.eq(r.bits, 8), c.eq(r.bits, 4)))),
    ...onKernels(["EMBEDDING", "DEPTHWISE_CONV1D"], bad(c.eq(r.bits, 8))),
    { ...need("UNKNOWN_KERNEL", c.xor(r.bits, 4)), when: "!GATELET_INT4" },
    bad(c.lt(r.recurrentFirst, 2)),
    bad(c.lt(r.alignShift, 16)),
    bad(c.lt(r.shift, 31)),
    ...onKernels(["LSTM"], bad(c.lt(r.shift, 16))),
    ...onKernels(["SOFTMAX"], bad(c.lt(r.multiplier, 0x80000000))),
    ...onKernels(["EMBEDDING"], bad(between(r.vocabulary, 1, LIMITS.vocabulary))),
    ...onKernels(["MERGE"], bad(c.lt(r.mode, S.MERGE_MODE.MINIMUM + 1))),
    ...onKernels(except("MERGE"), bad(c.lt(r.mode, S.POOL_MODE.AVERAGE + 1))),
    ...onKernels(
      using("FACTORS"),
      bad(c.lt(c.add(r.multiplierA, 32768), 65536)),
      bad(c.lt(c.add(r.multiplierB, 32768), 65536)),
    ),
    ...counted("TAPS", r.taps),
    ...counted("STRIDE", r.stride),
    ...counted("DILATION", r.dilation),
  ];
}

function inputs(): Rule[] {
  const bad = (value: Value) => need("BAD_RECORD", value);
  const first = ["INPUT", "EMBEDDING"] as const;
  return [
    ...onKernels(first, bad(c.isZero(word("index"))), bad(c.eq(r.input0, S.NO_INPUT)), bad(c.eq(r.rowsIn, h.window))),
    ...onKernels(["INPUT"], bad(c.eq(r.inputSize, r.outputSize))),
    ...onKernels(["EMBEDDING"], bad(c.eq(r.inputSize, 1))),
    ...onKernels(
      except(...first),
      bad(c.lt(r.input0, word("index"))),
      set("other", recordAt(r.input0)),
      bad(c.eq(r.inputSize, c.other.outputSize)),
      bad(c.eq(r.rowsIn, c.other.rowsOut)),
    ),
    ...onKernels(
      ["MERGE", "FIFO"],
      bad(c.lt(r.input1, word("index"))),
      set("other", recordAt(r.input1)),
      bad(c.eq(r.rowsIn, c.other.rowsOut)),
    ),
  ];
}

function rows(): Rule[] {
  const bad = (value: Value) => need("BAD_RECORD", value);
  const isStream = c.isZero(h.window);
  const last = c.and(r.flags, S.FLAG.LAST);
  const windowOnly = ["GLOBAL_POOL", "REVERSE", "RESHAPE", "REPEAT"] as const;
  const free = [...kernelsWith(isWindowed), "RESHAPE", "REPEAT", "GLOBAL_POOL"] as const;
  return [
    bad(c.or(h.window, c.isZero(c.or(r.rowsIn, r.rowsOut)))),
    bad(c.or(isStream, c.and(between(r.rowsIn, 1, LIMITS.rows), between(r.rowsOut, 1, LIMITS.rows)))),
    bad(c.or(h.window, c.isZero(last))),
    ...onKernels(windowOnly, bad(h.window)),
    ...onKernels(
      ["GLOBAL_POOL"],
      bad(c.or(c.xor(r.mode, S.POOL_MODE.AVERAGE), c.lt(r.rowsIn, LIMITS.averageRows + 1))),
      bad(c.eq(r.rowsOut, 1)),
    ),
    ...onKernels(["REPEAT"], bad(c.eq(r.rowsIn, 1))),
    ...onKernels(except(...free), bad(c.eq(r.rowsOut, c.choose(last, 1, r.rowsIn)))),
    ...onKernels(["REVERSE"], bad(c.le(c.mul(r.rowsIn, r.inputSize), LIMITS.reverseValues))),
  ];
}

function sizes(): Rule[] {
  const bad = (value: Value) => need("BAD_RECORD", value);
  const concat = c.eq(r.mode, S.MERGE_MODE.CONCAT);
  const equal = except(...shortRows, "RESHAPE", "MERGE");
  return [
    bad(r.inputSize),
    bad(r.outputSize),
    ...onKernels(shortRows, bad(c.lt(r.outputSize, LIMITS.rowSize + 1))),
    ...onKernels(["DEPTHWISE_CONV1D"], bad(c.eq(r.outputSize, c.mul(r.inputSize, r.depthMultiplier)))),
    ...onKernels(
      ["RESHAPE"],
      bad(c.eq(c.mul(r.rowsIn, r.inputSize), c.mul(r.rowsOut, r.outputSize))),
      bad(c.lt(c.mul(r.rowsIn, r.inputSize), LIMITS.reshapeValues + 1)),
    ),
    // The other is input1.
    ...onKernels(
      ["MERGE"],
      bad(c.eq(r.depthMultiplier, c.other.outputSize)),
      bad(c.or(concat, c.eq(r.depthMultiplier, r.inputSize))),
      bad(c.eq(r.outputSize, c.add(r.inputSize, c.mul(concat, r.depthMultiplier)))),
    ),
    ...onKernels(["LAYER_NORM", "SOFTMAX"], bad(c.lt(r.inputSize, LIMITS.rowSize + 1))),
    ...onKernels(equal, bad(c.eq(r.outputSize, r.inputSize))),
  ];
}

function flagsAndWindows(): Rule[] {
  const bad = (value: Value) => need("BAD_RECORD", value);
  const { LINEAR, RELU } = S.ACTIVATION;
  const wide = c.and(r.flags, S.FLAG.OUT32);
  const depth = word("depth");
  const channels = c.pad(r.inputSize, 1);
  const reach = c.add(c.sub(depth, r.padLeft), c.mul(c.sub(r.rowsOut, 1), r.stride));
  return [
    bad(c.or(c.isZero(wide), c.eq(c.add(word("index"), 1), h.recordCount))),
    bad(c.or(c.isZero(wide), c.eq(r.activation, LINEAR), c.eq(r.activation, RELU))),
    ...onKernels(
      ["GLOBAL_POOL"],
      bad(c.or(c.isZero(c.and(r.flags, S.FLAG.MASK_OBEY)), c.eq(r.mode, S.POOL_MODE.AVERAGE))),
    ),
    ...onKernels(["POOL"], set("depth", r.taps)),
    ...onKernels(
      ["CONV1D", "DEPTHWISE_CONV1D"],
      set("depth", c.add(c.mul(c.sub(r.taps, 1), r.dilation), 1)),
      bad(c.lt(depth, LIMITS.historyRows + 1)),
      bad(c.lt(c.mul(depth, channels), LIMITS.historyValues + 1)),
    ),
    ...onKernels(
      kernelsWith(isWindowed),
      bad(c.lt(r.padLeft, depth)),
      bad(c.or(c.isZero(h.window), c.lt(reach, c.add(r.rowsIn, depth)))),
    ),
  ];
}

const inside = (offset: Value, bytes: Value, from: Value, to: Value): c.Expression =>
  c.and(aligned(offset), c.ge(offset, from), c.le(offset, to), c.le(bytes, c.sub(to, offset)));
/** Whether [a, a + aBytes) and [b, b + bBytes) share a byte; neither wraps. */
const meets = (a: Value, aBytes: Value, b: Value, bBytes: Value): c.Expression =>
  c.or(c.lt(c.sub(a, b), bBytes), c.lt(c.sub(b, a), aBytes));

function tensors(): Rule[] {
  const table = (kind: Value) => c.mul(c.eq(kind, S.ACTIVATION.TABLE), S.TABLE_BYTES);
  const list: [Value, c.Expression][] = [
    [word("weightsNeed"), r.weights],
    [c.mul(word("quadsNeed"), S.ROW_PARAM_BYTES), r.rowParams],
    [table(r.activation), r.table],
    [table(r.gateActivation), r.gateTable],
    [word("auxNeed"), r.aux],
  ];
  const high = c.at("other", 4, "u32", "epsilon high");
  const low = c.at("other", 0, "u32", "epsilon low");
  return [
    ...list.flatMap(([bytes, offset]) => [
      set("first", bytes),
      need("BAD_RECORD", c.or(word("first"), c.isZero(offset))),
      need(
        "BAD_TENSOR",
        c.or(c.isZero(word("first")), inside(offset, word("first"), word("tensorsBegin"), word("tensorsEnd"))),
      ),
    ]),
    ...onKernels(
      ["LAYER_NORM"],
      set("other", r.aux),
      need("BAD_TENSOR", c.or(low, high)),
      need("BAD_TENSOR", c.lt(c.sub(high, c.isZero(low)), 0x20000000)),
    ),
  ];
}

function places(): Rule[] {
  const state = word("stateNeed");
  const scratch = word("scratchNeed");
  const end = h.stateBytes;
  const outputs = kernelsWith(isStateOutput);
  return [
    ...["BAD_RECORD" as const].flatMap((status) => [
      need(status, c.eq(r.stateBytes, state)),
      need(status, c.eq(r.scratchBytes, scratch)),
      need(status, c.or(state, c.isZero(r.state))),
      need(status, c.or(scratch, c.isZero(r.scratch))),
    ]),
    need("BAD_ARENA", c.or(c.isZero(state), inside(r.state, state, countersEnd(), end))),
    need("BAD_OVERLAP", c.or(c.isZero(state), c.ge(r.state, word("stateEnd")))),
    set("stateEnd", c.choose(c.isZero(state), word("stateEnd"), c.add(r.state, state))),
    ...onKernels(outputs, need("BAD_ARENA", c.eq(r.output, r.state))),
    ...onKernels(except(...outputs), need("BAD_ARENA", inside(r.output, outputBytes(r), end, h.arenaBytes))),
    need("BAD_ARENA", c.or(c.isZero(scratch), inside(r.scratch, scratch, end, h.arenaBytes))),
    need("BAD_OVERLAP", c.isZero(meets(r.output, outputBytes(r), r.scratch, r.scratchBytes))),
  ];
}

function outputBytes(fields: Readonly<Record<"flags" | "outputSize", c.Expression>>): c.Expression {
  const wide = c.isSet(c.and(fields.flags, S.FLAG.OUT32));
  return c.choose(wide, c.mul(c.pad(fields.outputSize, 3), 4), c.mul(c.pad(fields.outputSize, 7), 2));
}

/** FORMAT.md 3 to 5, for a record; those before it are checked. */
export const recordRules: readonly Rule[] = [
  need("UNKNOWN_KERNEL", c.lt(r.kernel, 32)),
  need("UNKNOWN_KERNEL", c.and(c.shr(c.macro("(uint32_t)GATELET_KERNELS"), r.kernel), 1)),
  set("selector", r.kernel),
  ...unusedFields(),
  ...parameters(),
  ...inputs(),
  ...rows(),
  ...sizes(),
  ...flagsAndWindows(),
  ...needRules(),
  ...tensors(),
  ...places(),
  set("rows", c.add(word("rows"), r.rowsOut)),
  need("BAD_RECORD", c.lt(word("rows"), LIMITS.totalRows + 1)),
  set("kernels", c.or(word("kernels"), c.shl(1, r.kernel))),
];

/** Header fields that repeat what the records say: the subject is the last record. */
export const repeatedRules: readonly Rule[] = [
  need("BAD_HEADER", c.eq(h.requiredKernels, word("kernels"))),
  need("BAD_HEADER", c.eq(h.outputType, c.isSet(c.and(r.flags, S.FLAG.OUT32)))),
  need("BAD_HEADER", c.eq(h.outputSize, r.outputSize)),
  set("other", word("records")),
  need("BAD_HEADER", c.eq(h.inputKind, c.eq(c.other.kernel, KERNEL.EMBEDDING))),
  need("BAD_HEADER", c.eq(h.frameSize, c.other.inputSize)),
  need("BAD_HEADER", c.eq(h.vocabularySize, c.other.vocabulary)),
];

/**
 * Liveness rule of FORMAT.md 3: the other is record `index`, the subject runs from the last record down to the one behind it,
 * `selector` becomes 1 where a reader was met. Rows in states lie below all that they are compared with.
 */
export const pairRules: readonly Rule[] = [
  set("selector", c.or(word("selector"), c.eq(r.input0, word("index")), c.eq(r.input1, word("index")))),
  ...on(
    [1],
    set("first", outputBytes(c.other)),
    need("BAD_OVERLAP", c.isZero(meets(c.other.output, word("first"), r.output, outputBytes(r)))),
    need("BAD_OVERLAP", c.isZero(meets(c.other.output, word("first"), r.scratch, r.scratchBytes))),
  ),
];
