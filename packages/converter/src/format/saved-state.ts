import { countersEnd } from "./arena.js";
import { crc32 } from "./crc32.js";
import { FormatError } from "./errors.js";
import { readFields } from "./fields.js";
import type { GateModel, GateRecord } from "./read.js";
import { isWindowed } from "./rules.js";
import {
  COUNTER,
  COUNTER_BYTES,
  POOL_MODE,
  pad2,
  pad4,
  pad8,
  STATE,
  STATE_HEADER_BYTES,
  STATE_MAGIC,
  STATE_VERSION,
  STREAM_HEADER_BYTES,
} from "./schema.js";
import { historyRows, rowBytes } from "./sizes.js";

export type CounterFields = Readonly<Record<keyof typeof COUNTER, number>>;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Counters of record i in a state region. */
export const readCounters = (region: Uint8Array, i: number): CounterFields =>
  readFields(viewOf(region), STREAM_HEADER_BYTES + COUNTER_BYTES * i, COUNTER);

/** Bytes of `rows` rows of `stride` bytes, of which the first `used` carry values. */
interface Rows {
  readonly at: number;
  readonly rows: number;
  readonly stride: number;
  readonly used: number;
}

/** How a record's state is made of rows: whatever is not used is padding. */
function stateRows({ kernel, fields: r, needs }: GateRecord): readonly Rows[] {
  const n = r.inputSize;
  const row = rowBytes(n);
  const history = (rows: number): Rows[] => [{ at: 0, rows, stride: row, used: 2 * n }];
  const masks = (rows: number): Rows => ({ at: rows * row, rows: 1, stride: needs.state - rows * row, used: rows });
  switch (kernel) {
    case "RNN":
    case "GRU":
    case "GRU_RESET_AFTER":
    case "MINIMAL_GRU":
    case "FASTGRNN":
      return [{ at: 0, rows: 1, stride: rowBytes(r.outputSize), used: 2 * r.outputSize }];
    case "LSTM":
      return [{ at: 0, rows: 2, stride: rowBytes(r.outputSize), used: 2 * r.outputSize }];
    case "CONV1D": {
      const rows = historyRows(kernel, r);
      const stride = 2 * pad2(n);
      const end = rows * stride;
      return [
        { at: 0, rows, stride, used: 2 * n },
        { at: end, rows: 1, stride: needs.state - end, used: 0 },
      ];
    }
    case "DEPTHWISE_CONV1D":
      return history(historyRows(kernel, r));
    case "POOL":
      return history(r.taps);
    case "GLOBAL_POOL":
      if (r.mode === POOL_MODE.MAX) return history(1);
      return [
        { at: 0, rows: 1, stride: 16, used: 4 },
        { at: 16, rows: 1, stride: 4 * pad4(n), used: 4 * n },
      ];
    case "FIFO":
      return [...history(r.taps), masks(r.taps)];
    case "REVERSE":
      return [...history(r.rowsIn), masks(r.rowsIn)];
    case "RESHAPE":
      return [{ at: 0, rows: 1, stride: 2 * pad8(r.rowsIn * n), used: 2 * r.rowsIn * n }];
    case "REPEAT":
      return history(1);
    default:
      return [];
  }
}

function checkCounters(model: GateModel, record: GateRecord, region: Uint8Array, frames: number): void {
  const { index, kernel, fields: r } = record;
  const counters = readCounters(region, index);
  const require = (field: keyof CounterFields, ok: boolean, limit: string) => {
    if (!ok) throw new FormatError("BAD_STATE", { record: index, field, value: counters[field], limit });
  };
  const most = (field: keyof CounterFields, limit: number) => require(field, counters[field] <= limit, `0..${limit}`);
  if (model.header.window === 0) {
    most("seen", 0);
    most("emitted", 0);
  } else {
    const taken = index === 0 ? frames : readCounters(region, r.input0).emitted;
    require("seen", counters.seen === taken, `${taken}, the rows it was given`);
    if (index === 0) require("emitted", counters.emitted === frames, `${frames}, the frames`);
    most("emitted", r.rowsOut);
  }
  most("fresh", 0);
  most("masked", 0);
  if (isWindowed(kernel)) {
    const limit = Math.max(historyRows(kernel, r) - r.padLeft, r.stride);
    require("wait", counters.wait >= 1 && counters.wait <= limit, `1..${limit}`);
  } else {
    most("wait", 0);
  }
  const average = kernel === "POOL" && r.mode === POOL_MODE.AVERAGE;
  most("front", average ? r.taps : kernel === "FIFO" ? r.taps - 1 : 0);
  most("real", average ? r.taps - counters.front : kernel === "FIFO" ? r.taps : 0);
  if (kernel === "GLOBAL_POOL" && r.mode === POOL_MODE.AVERAGE) {
    const count = viewOf(region).getUint32(r.state, true);
    if (count > counters.seen) {
      throw new FormatError("BAD_STATE", { record: index, field: "count", value: count, limit: `0..${counters.seen}` });
    }
  }
}

function requireZero(region: Uint8Array, from: number, to: number, record: number | undefined): void {
  for (let i = from; i < to; i++) {
    if (region[i] !== 0)
      throw new FormatError("BAD_STATE", { record, field: "padding", value: region[i]!, limit: "0" });
  }
}

function checkContents(record: GateRecord, region: Uint8Array): void {
  const base = record.fields.state;
  for (const { at, rows, stride, used } of stateRows(record)) {
    for (let row = 0; row < rows; row++) {
      const start = base + at + row * stride;
      requireZero(region, start + used, start + stride, record.index);
    }
  }
  if (record.kernel !== "FIFO" && record.kernel !== "REVERSE") return;
  const rows = record.kernel === "FIFO" ? record.fields.taps : record.fields.rowsIn;
  const masks = base + rows * rowBytes(record.fields.inputSize);
  for (let i = masks; i < masks + rows; i++) {
    if (region[i]! > 1) {
      throw new FormatError("BAD_STATE", { record: record.index, field: "mask", value: region[i]!, limit: "0 or 1" });
    }
  }
}

/** Saved state (FORMAT.md 8) of a state region, the first `stateBytes` of an arena. */
export function encodeState(model: GateModel, region: Uint8Array): Uint8Array {
  const { stateBytes, crc32: modelCrc } = model.header;
  const bytes = new Uint8Array(STATE_HEADER_BYTES + stateBytes);
  bytes.set(region.subarray(0, stateBytes), STATE_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(STATE.magic[0], STATE_MAGIC, true);
  view.setUint16(STATE.version[0], STATE_VERSION, true);
  view.setUint16(STATE.headerBytes[0], STATE_HEADER_BYTES, true);
  view.setUint32(STATE.blobBytes[0], bytes.length, true);
  view.setUint32(STATE.modelCrc[0], modelCrc, true);
  view.setUint32(STATE.frames[0], viewOf(region).getUint32(4, true), true);
  view.setUint32(STATE.stateBytes[0], stateBytes, true);
  view.setUint32(STATE.crc32[0], crc32(bytes, STATE.modelCrc[0]), true);
  return bytes;
}

/**
 * Checks a saved state against a model, completely, and returns its state region (a view of the blob).
 * @throws FormatError with code BAD_STATE, field, value and limit
 */
export function decodeState(model: GateModel, blob: Uint8Array): Uint8Array {
  const { window, recordCount } = model.header;
  const expected = STATE_HEADER_BYTES + model.header.stateBytes;
  const fail = (field: string, value: number, limit: number | string): never => {
    throw new FormatError("BAD_STATE", { field, value, limit: `${limit}` });
  };
  if (blob.length !== expected) fail("length", blob.length, expected);
  const view = viewOf(blob);
  const header = readFields(view, 0, STATE);
  const require = (field: keyof typeof STATE, limit: number) => {
    if (header[field] !== limit) fail(field, header[field], limit);
  };
  require("magic", STATE_MAGIC);
  require("version", STATE_VERSION);
  require("headerBytes", STATE_HEADER_BYTES);
  require("blobBytes", expected);
  require("crc32", crc32(blob, STATE.modelCrc[0]));
  require("modelCrc", model.header.crc32);
  require("stateBytes", model.header.stateBytes);
  for (let i = STATE.stateBytes[0] + 4; i < STATE_HEADER_BYTES; i++) {
    if (blob[i] !== 0) fail("reserved byte", blob[i]!, 0);
  }
  const region = blob.subarray(STATE_HEADER_BYTES);
  const tag = viewOf(region).getUint32(0, true);
  const frames = viewOf(region).getUint32(4, true);
  if (tag !== model.header.crc32) fail("tag", tag, model.header.crc32);
  if (frames !== header.frames) fail("frames", header.frames, frames);
  if (window > 0 && frames >= window) fail("frames", frames, `below ${window}`);
  requireZero(region, STREAM_HEADER_BYTES + COUNTER_BYTES * recordCount, countersEnd(recordCount), undefined);
  for (const record of model.records) {
    checkCounters(model, record, region, frames);
    checkContents(record, region);
  }
  return region;
}

/** The state region of a stream after `reset` (KERNELS.md 6). */
export function initialState(model: GateModel): Uint8Array {
  const region = new Uint8Array(model.header.stateBytes);
  const view = viewOf(region);
  view.setUint32(0, model.header.crc32, true);
  for (const { index, kernel, fields: r } of model.records) {
    const counter = STREAM_HEADER_BYTES + COUNTER_BYTES * index;
    if (isWindowed(kernel)) view.setUint16(counter + COUNTER.wait[0], historyRows(kernel, r) - r.padLeft, true);
    if (kernel === "POOL" && r.mode === POOL_MODE.AVERAGE) view.setUint16(counter + COUNTER.front[0], r.taps, true);
    const minima = kernel === "POOL" ? r.taps : kernel === "GLOBAL_POOL" ? 1 : 0;
    if (r.mode !== POOL_MODE.MAX) continue;
    for (let row = 0; row < minima; row++) {
      const at = r.state + row * rowBytes(r.inputSize);
      for (let c = 0; c < r.inputSize; c++) view.setInt16(at + 2 * c, -32768, true);
    }
  }
  return region;
}
