import {
  ACTIVATION,
  FIELD_GROUP,
  FLAG,
  type GateModel,
  type GateRecord,
  KERNEL_RULES,
  MERGE_MODE,
  POOL_MODE,
  pad2,
  pad4,
  pad8,
} from "@gatelet/converter/format";
import type { RecordCounts, ScheduleCounts } from "./schedule-counts.js";
import { addQuads, addRowQuads, addSum, Terms } from "./terms.js";

type Fields = GateRecord["fields"];

/** What a kernel's own code costs, beside what `addCommon` counts. `t` rows taken, drained or due as the kernel needs. */
type KernelTerms = (terms: Terms, fields: Fields, counts: RecordCounts) => void;

const bitsOf = (condition: boolean): number => (condition ? 1 : 0);
const groups = (n: number): number => pad4(n) / 4;
const blocks = (n: number): number => pad8(n) / 8;

/** gl_activate on rows of n values; hyperbolic ones are done by twos. */
function addActivation(terms: Terms, name: string, kind: number, times: number, n: number): void {
  if (times === 0) return;
  const byTwos = kind === ACTIVATION.TANH || kind === ACTIVATION.SIGMOID;
  terms.add(`${name} ${kind} rows`, times);
  terms.add(`${name} ${kind} values`, times * (byTwos ? Math.ceil(n / 2) : n));
}

/** n units that are finished `size` at a time. */
function inGroups(n: number, size: number, add: (groups: number, units: number) => void): void {
  add(Math.floor(n / size), size);
  if (n % size !== 0) add(1, n % size);
}

/** A row's quads, activation, tail, over one part or two. */
function addRow(terms: Terms, f: Fields, times: number, parts: readonly number[]): void {
  const { outputSize: n, activation: kind } = f;
  const relu = kind === ACTIVATION.RELU;
  const name = relu ? "relu" : "plain";
  const [columns, recurrent] = parts as readonly [number, number?];
  if (recurrent === undefined) addRowQuads(terms, name, times, groups(n), f.bits, columns);
  else addQuads(terms, name, times * groups(n), f.bits, parts);
  const saturates = relu && f.activationParam === 32767;
  terms.add(`row ${kind}${saturates ? "s" : ""} ${f.bits}`, times);
  if (kind !== ACTIVATION.LINEAR && !saturates) addActivation(terms, "row", kind, times, n);
  terms.tail("row", times, n);
}

/** Setting up quads over input and state. */
function addRecurrent(terms: Terms, f: Fields, times: number): void {
  const { inputSize, outputSize, bits } = f;
  terms.add(`setup ${bits} ${f.recurrentFirst}`, times);
  addSum(terms, times, bits, inputSize);
  addSum(terms, times, bits, outputSize);
  if (f.flags & FLAG.LAST) terms.add("last", times);
  if (f.flags & FLAG.MASK_OBEY) terms.add("obey", times);
}

const isInline = (f: Fields): boolean => f.gateActivation === ACTIVATION.SIGMOID && f.activation === ACTIVATION.TANH;

/** The gated kernels' units: inline for sigmoid gates and tanh, else in groups, with activations that the kernel counts. */
function addUnits(terms: Terms, f: Fields, times: number): void {
  const { outputSize: n } = f;
  const key = isInline(f) ? "inline" : "any";
  terms.add(`${key} ${f.bits}`, times);
  terms.add(`${key} units ${f.bits}`, times * n);
  for (const size of [2, 4, 8]) {
    terms.add(`${key} batches of ${size} ${f.bits}`, times * Math.ceil(n / size));
    if (n % size === 1) terms.add(`${key} ones behind ${size} ${f.bits}`, times);
  }
  if (n % 4 !== 0) terms.add(`${key} partial group ${f.bits}`, times);
  terms.tail("state", times, n);
  terms.add("state blocks", times * blocks(n));
}

/** Candidates or whole units with any activations, `size` at a time: `gates` and `news` activations for each unit. */
function addAnyGroups(
  terms: Terms,
  f: Fields,
  times: number,
  size: number,
  gates: number,
  news: readonly number[],
): void {
  inGroups(f.outputSize, size, (groups, units) => {
    if (gates > 0) addActivation(terms, "gate", f.gateActivation, times * groups, gates * units);
    for (const each of news) addActivation(terms, "new", f.activation, times * groups, each * units);
  });
}

/** gl_copy_words. */
function addWords(terms: Terms, name: string, times: number, bytes: number): void {
  terms.loop(`${name} blocks`, times, bytes >> 4);
  terms.loop(`${name} words`, times, (bytes & 15) / 4);
}

/** gl_window_push: `padded` rows of the pushed are made up, of `filled` values. */
function addHistory(terms: Terms, bytes: number, rowBytes: number, filled: number, c: RecordCounts): void {
  addWords(terms, "history", c.pushes, bytes - rowBytes);
  addWords(terms, "row", c.pushes - c.padded, rowBytes);
  terms.add("real", c.pushes - c.padded);
  terms.add("first padded", c.drains);
  terms.add("padded", c.padded);
  terms.loop("filled", c.padded, filled);
}

/** Columns of a row over one part are summed up by units of 4 at any width of weights. */
const SUMMED_AS = 8;

const conv1d: KernelTerms = (terms, f, c) => {
  const channels = pad2(f.inputSize);
  const depth = (f.taps - 1) * f.dilation + 1;
  const columns = f.taps * channels;
  const bytes = 2 * depth * channels;
  if (f.dilation > 1) {
    addHistory(terms, bytes, 2 * channels, channels, c);
    terms.add("gathers", c.due);
    terms.add("gather rows", c.due * f.taps);
    addWords(terms, "gather", c.due * f.taps, 2 * channels);
    terms.tail("gather", c.due, columns);
    addSum(terms, c.due, SUMMED_AS, columns);
  } else {
    const real = c.pushes - c.padded;
    const words = (columns - channels) / 2;
    terms.add("pushes", real);
    terms.loop("pushed blocks", real, words >> 2);
    terms.loop("pushed words", real, words & 3);
    terms.loop("pushed row", real, channels / 2);
    terms.add("pushed due", c.due - c.drains);
    addHistory(terms, bytes, 2 * channels, channels, { ...c, pushes: c.padded });
    addSum(terms, c.drains, SUMMED_AS, columns);
  }
  addRow(terms, f, c.due, [columns]);
};

const depthwise: KernelTerms = (terms, f, c) => {
  const row = 2 * pad8(f.inputSize);
  const depth = (f.taps - 1) * f.dilation + 1;
  addHistory(terms, depth * row, row, row / 2, c);
  terms.add("values", c.due * f.outputSize);
  terms.add("products", c.due * f.outputSize * f.taps);
  terms.add("channels", c.due * Math.floor(f.outputSize / f.depthMultiplier));
  addActivation(terms, "values", f.activation, c.due, f.outputSize);
  terms.tail("row", c.due, f.outputSize);
};

const pool: KernelTerms = (terms, f, c) => {
  const row = 2 * pad8(f.inputSize);
  const average = f.mode === POOL_MODE.AVERAGE;
  const key = average ? "average" : "maximum";
  addHistory(terms, f.taps * row, row, f.inputSize, c);
  if (average) {
    terms.add("average pushes", c.pushes);
    terms.add("average padded", c.padded);
    terms.add("drops front", c.dropsFront);
    terms.add("drops real", c.dropsReal);
  }
  terms.add(`${key} due`, c.due);
  terms.add(`${key} values`, c.due * f.inputSize);
  terms.add(`${key} products`, c.due * f.inputSize * f.taps);
  terms.tail(key, c.due, f.inputSize);
};

const globalPool: KernelTerms = (terms, f, c) => {
  const average = f.mode === POOL_MODE.AVERAGE;
  const key = average ? (f.flags & FLAG.MASK_OBEY ? "obeying" : "average") : "maximum";
  terms.add(key, c.takes);
  terms.add(`${key} values`, c.takes * f.inputSize);
  terms.add(`${key} due`, c.due);
  if (!average) terms.add("blocks", c.due * blocks(f.inputSize));
  else {
    terms.add(`${key} results`, c.due * f.inputSize);
    terms.tail("row", c.due, f.inputSize);
  }
};

/** memcpy of `words` words and a tail, between addresses of which `odd` times one is no multiple of 4. */
function addCopy(terms: Terms, name: string, times: number, bytes: number, odd: number): void {
  terms.loop(`${name} words`, times, bytes >> 2);
  terms.loop(`${name} bytes`, times, bytes & 3);
  terms.add(`${name} odd words`, odd * (bytes >> 2));
}

const merge: KernelTerms = (terms, f, c) => {
  terms.add(`mode ${f.mode}`, c.takes);
  terms.add(`mode ${f.mode} values`, c.takes * f.inputSize);
  if (f.mode === MERGE_MODE.CONCAT) terms.add("second values", c.takes * f.depthMultiplier);
  terms.tail("row", c.takes, f.outputSize);
};

const values: KernelTerms = (terms, f, c) => {
  terms.add("values", c.takes * f.outputSize);
  terms.tail("row", c.takes, f.outputSize);
};

/** GRU with reset before, minimal GRU: `gates` quads a group. */
function addGru(terms: Terms, f: Fields, c: RecordCounts, gates: number): void {
  addRecurrent(terms, f, c.takes);
  addSum(terms, c.takes, f.bits, f.outputSize);
  addQuads(terms, "gru", gates * c.takes * groups(f.outputSize), f.bits, [f.inputSize, f.outputSize]);
  addUnits(terms, f, c.takes);
  if (isInline(f)) return;
  addActivation(terms, "gate", f.gateActivation, 2 * c.takes, f.outputSize);
  addAnyGroups(terms, f, c.takes, 8, 0, [1]);
}

const KERNELS: Readonly<Record<GateRecord["kernel"], KernelTerms>> = {
  INPUT: (terms, f, c) => {
    values(terms, f, c);
    if ((f.flags & FLAG.MASK_SET) === 0) return;
    terms.add("codes", c.takes);
    terms.add("code values", c.takes * f.outputSize);
    if (f.flags & FLAG.MASK_ANY) terms.add("any", c.takes);
  },
  EMBEDDING: (terms, f, c) => {
    values(terms, f, c);
    if (f.flags & FLAG.MASK_SET) terms.add("codes", c.takes);
  },
  RNN: (terms, f, c) => {
    addRecurrent(terms, f, c.takes);
    addRow(terms, f, c.takes, [f.inputSize, f.outputSize]);
    terms.add("state blocks", c.takes * blocks(f.outputSize));
  },
  LSTM: (terms, f, c) => {
    addRecurrent(terms, f, c.takes);
    addQuads(terms, isInline(f) ? "inline" : "any", c.takes * f.outputSize, f.bits, [f.inputSize, f.outputSize]);
    addUnits(terms, f, c.takes);
    if (!isInline(f)) addAnyGroups(terms, f, c.takes, 4, 4, [1, 1]);
  },
  GRU: (terms, f, c) => addGru(terms, f, c, 3),
  GRU_RESET_AFTER: (terms, f, c) => {
    addRecurrent(terms, f, c.takes);
    const quads = c.takes * groups(f.outputSize);
    addQuads(terms, "both", 2 * quads, f.bits, [f.inputSize, f.outputSize]);
    addQuads(terms, "wide", quads, f.bits, [f.inputSize]);
    addQuads(terms, "wide", quads, f.bits, [f.outputSize]);
    addUnits(terms, f, c.takes);
    if (isInline(f)) return;
    terms.add(`groups ${f.bits} ${f.recurrentFirst}`, quads);
    addActivation(terms, "gate", f.gateActivation, c.takes, f.outputSize);
    addActivation(terms, "gate", f.gateActivation, quads, 4);
    addActivation(terms, "new", f.activation, quads, 4);
  },
  FASTGRNN: (terms, f, c) => {
    addRecurrent(terms, f, c.takes);
    addQuads(terms, "plain", c.takes * groups(f.outputSize), f.bits, [f.inputSize, f.outputSize]);
    addUnits(terms, f, c.takes);
    if (!isInline(f)) addAnyGroups(terms, f, c.takes, 8, 1, [1]);
  },
  MINIMAL_GRU: (terms, f, c) => {
    addGru(terms, f, c, 2);
    addWords(terms, "forget", c.takes, 16 * blocks(f.outputSize));
  },
  DENSE: (terms, f, c) => {
    addSum(terms, c.takes, SUMMED_AS, f.inputSize);
    if ((f.flags & FLAG.OUT32) === 0) return addRow(terms, f, c.takes, [f.inputSize]);
    terms.add(`wide ${f.bits}`, c.takes);
    addRowQuads(terms, "wide", c.takes, groups(f.outputSize), f.bits, f.inputSize);
    if (f.activation === ACTIVATION.RELU) {
      terms.add(`wide relu ${f.bits}`, c.takes);
      terms.add(`wide relu values ${f.bits}`, c.takes * f.outputSize);
    }
    terms.loop(`wide tail ${f.bits}`, c.takes, pad4(f.outputSize) - f.outputSize);
  },
  CONV1D: conv1d,
  DEPTHWISE_CONV1D: depthwise,
  POOL: pool,
  GLOBAL_POOL: globalPool,
  AFFINE: values,
  ACTIVATION: (terms, f, c) => {
    values(terms, f, c);
    addActivation(terms, "values", f.activation, c.takes, f.outputSize);
  },
  PRELU: values,
  LAYER_NORM: values,
  SOFTMAX: values,
  MERGE: merge,
  FIFO: (terms, f, c) => {
    terms.add("push blocks", c.takes * blocks(f.inputSize));
    terms.add("pops", c.pops);
    terms.add("pop blocks", c.pops * blocks(f.inputSize));
    terms.add("wraps push", c.wrapsPush);
    terms.add("wraps pop", c.wrapsPop);
  },
  REVERSE: (terms, f, c) => {
    terms.add("store blocks", c.takes * blocks(f.inputSize));
    terms.add("load blocks", c.due * blocks(f.inputSize));
  },
  RESHAPE: (terms, f, c) => {
    addCopy(terms, "store", c.takes, 2 * f.inputSize, c.oddStores);
    addCopy(terms, "load", c.due, 2 * f.outputSize, c.oddLoads);
    terms.tail("row", c.due, f.outputSize);
  },
  REPEAT: (terms, f, c) => terms.add("blocks", c.takes * blocks(f.inputSize)),
  MASK: (terms, f, c) => {
    terms.add("code values", c.takes * f.outputSize);
    if (f.flags & FLAG.MASK_ANY) terms.add("any", c.takes);
    terms.add("blocks", c.takes * blocks(f.outputSize));
  },
};

/** What the executor costs around a record. */
function addCommon(terms: Terms, model: GateModel, record: GateRecord, c: RecordCounts): void {
  const w = model.header.window > 0 ? " in window" : "";
  terms.add(`takes${w}`, c.takes);
  terms.add("drains", c.drains);
  terms.add(`emits${w}`, c.emits);
  terms.add("refused", c.refused);
  terms.add(`due`, c.due);
  terms.add(`idle${w}`, c.idle);
  terms.add("idle waiting", c.idleWaiting);
  terms.add("idle done", c.idleDone);
  if (record.fields.flags & FLAG.MASK_PASS) terms.add("passes", c.emits);
  if (record.index === model.records.length - 1) {
    terms.add("last record", c.takes + c.drains + c.idle + c.idleWaiting + c.idleDone);
    // Recurrent kernels always say that a row is there; with LAST it is left out until the last one.
    terms.add("last record emits", record.fields.flags & FLAG.LAST ? c.takes : c.emits + c.refused);
  }
}

/** Records of one kernel that run through other code have costs of their own. */
export function variantOf({ kernel, fields: f }: GateRecord): string {
  if ((KERNEL_RULES[kernel].groups & FIELD_GROUP.GATE) === 0) return kernel;
  if (isInline(f)) return `${kernel} sigmoid tanh`;
  return f.gateActivation === ACTIVATION.SIGMOID ? `${kernel} sigmoid` : kernel;
}

/** Everything that costs time in one record. */
export function recordTerms(model: GateModel, record: GateRecord, counts: RecordCounts): Terms {
  const terms = new Terms();
  addCommon(terms, model, record, counts);
  KERNELS[record.kernel](terms, record.fields, counts);
  return terms;
}

/** Everything that costs time outside of the records: entering a step, ticks, delivering rows, the end of a window. */
export function executorTerms(model: GateModel, counts: ScheduleCounts): Terms {
  const terms = new Terms();
  const { header, records } = model;
  const w = header.window > 0 ? " of window" : "";
  terms.add(`steps${w}`, counts.steps);
  if (header.vocabularySize > 0) terms.add("tokens", counts.steps);
  for (const [kind, count] of counts.ticksOf) terms.add(`${kind}${w}`, count);
  // Fresh marks are cleared before every tick, and behind a frame that ends no window.
  terms.add("cleared before", counts.ticks * records.length);
  terms.add("cleared behind", (counts.steps - counts.resets) * records.length);
  const rowBytes = header.outputSize * (header.outputType === 0 ? 2 : 4);
  addCopy(terms, "row", counts.delivered, rowBytes, (rowBytes & 3) === 0 ? 0 : counts.deliveredOdd);
  terms.add("resets", counts.resets);
  terms.add("reset words", (counts.resets * header.stateBytes) / 4);
  for (const record of records) addReset(terms, record, counts.resets);
  return terms;
}

/** start_layer of one record. */
function addReset(terms: Terms, { kernel, fields: f }: GateRecord, resets: number): void {
  terms.add("reset records", resets);
  const average = f.mode === POOL_MODE.AVERAGE;
  if (kernel === "CONV1D" || kernel === "DEPTHWISE_CONV1D") terms.add(`reset ${kernel}`, resets);
  if (kernel !== "POOL" && kernel !== "GLOBAL_POOL") return;
  const key = `reset ${kernel} ${bitsOf(average)}`;
  terms.add(key, resets);
  if (average) return;
  const rows = kernel === "POOL" ? f.taps : 1;
  terms.add(`${key} rows`, resets * rows);
  terms.add(`${key} values`, resets * rows * f.inputSize);
}
