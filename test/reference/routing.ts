import type { GateRecord } from "@gatelet/converter/format";
import { type Kernel, pad8, type Slot } from "./kernel.js";

/** A row and its mask flag in a queue of `rows` slots: rows first, then one byte a row. */
function store(slot: Slot, rows: number, at: number, x: Int16Array): void {
  const lanes = pad8(x.length);
  slot.int16.set(x, at * lanes);
  slot.bytes[2 * rows * lanes + at] = slot.inputMasked ? 1 : 0;
}

function recall(slot: Slot, rows: number, at: number): void {
  const n = slot.row.length;
  const lanes = pad8(n);
  slot.row.set(slot.int16.subarray(at * lanes, at * lanes + n));
  slot.inputMasked = slot.bytes[2 * rows * lanes + at] === 1;
}

/** Queue of `taps` rows; `front` is the oldest, `real` the count. */
export const fifo = {
  /** False: full. */
  enqueue(record: GateRecord, slot: Slot, x: Int16Array): boolean {
    const { taps } = record.fields;
    const { counters } = slot;
    if (counters.real === taps) return false;
    const at = counters.front + counters.real;
    store(slot, taps, at >= taps ? at - taps : at, x);
    counters.real++;
    return true;
  },
  /** The oldest row into `slot.row`, its flag into `slot.inputMasked`; false: empty. */
  dequeue(record: GateRecord, slot: Slot): boolean {
    const { taps } = record.fields;
    const { counters } = slot;
    if (counters.real === 0) return false;
    recall(slot, taps, counters.front);
    counters.front = counters.front + 1 === taps ? 0 : counters.front + 1;
    counters.real--;
    return true;
  },
};

export function reverseKernel(record: GateRecord): Kernel {
  const { rowsIn } = record.fields;
  // `emitted` may already be rowsOut in a forged state: the row is dropped, and nothing is read.
  const emit = (slot: Slot) => {
    const at = rowsIn - 1 - slot.counters.emitted;
    if (at >= 0) recall(slot, rowsIn, at);
  };
  return {
    take(slot, x) {
      store(slot, rowsIn, slot.counters.seen - 1, x);
      if (slot.counters.seen !== rowsIn) return false;
      emit(slot);
      return true;
    },
    drain(slot) {
      emit(slot);
    },
  };
}

export function reshapeKernel(record: GateRecord): Kernel {
  const { rowsIn, inputSize, outputSize } = record.fields;
  const emit = (slot: Slot) => {
    const from = slot.counters.emitted * outputSize;
    slot.row.set(slot.int16.subarray(from, Math.min(from + outputSize, rowsIn * inputSize)));
  };
  return {
    take(slot, x) {
      slot.int16.set(x, (slot.counters.seen - 1) * inputSize);
      if (slot.counters.seen !== rowsIn) return false;
      emit(slot);
      return true;
    },
    drain: emit,
  };
}

export function repeatKernel(record: GateRecord): Kernel {
  const n = record.fields.inputSize;
  const emit = (slot: Slot) => slot.row.set(slot.int16.subarray(0, n));
  return {
    take(slot, x) {
      slot.int16.set(x);
      emit(slot);
      return true;
    },
    drain: emit,
  };
}
