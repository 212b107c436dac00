import type { GateRecord } from "@gatelet/converter/format";
import { act, mulh, sat16 } from "./arithmetic.js";
import { activationOf, type Kernel, pad8, type Slot } from "./kernel.js";
import { QuadReader, requantizeOne, type WeightRow } from "./rows.js";

/** A history of `rows` rows of `lanes` int16 at the beginning of the state: oldest first. */
function push(slot: Slot, rows: number, lanes: number, x: ArrayLike<number>): void {
  slot.int16.copyWithin(0, lanes, rows * lanes);
  slot.int16.fill(0, (rows - 1) * lanes, rows * lanes);
  slot.int16.set(Array.from(x), (rows - 1) * lanes);
}

/** Counts a push; true where a row is emitted. */
function countDown(slot: Slot, stride: number): boolean {
  slot.counters.wait--;
  if (slot.counters.wait > 0) return false;
  slot.counters.wait = stride;
  return true;
}

/** A windowed kernel from what a push and what an emission do. */
function windowed(
  record: GateRecord,
  history: number,
  pushRow: (slot: Slot, x: Int16Array | undefined) => void,
  emit: (slot: Slot) => void,
  start: (slot: Slot) => void = () => {},
): Kernel {
  const { padLeft, stride } = record.fields;
  return {
    start(slot) {
      slot.counters.wait = history - padLeft;
      start(slot);
    },
    take(slot, x) {
      pushRow(slot, x);
      const emits = countDown(slot, stride);
      if (emits) emit(slot);
      return emits;
    },
    drain(slot) {
      do pushRow(slot, undefined);
      while (!countDown(slot, stride));
      emit(slot);
    },
  };
}

/** (27) */
export function conv1dKernel(record: GateRecord): Kernel {
  const { inputSize, outputSize, taps, dilation, bits } = record.fields;
  const channels = 2 * Math.ceil(inputSize / 2);
  const history = (taps - 1) * dilation + 1;
  const quads = new QuadReader(record);
  const rows: WeightRow[] = [];
  while (rows.length < outputSize) rows.push(...quads.next(taps * channels));
  const activation = activationOf(record);
  const zeros = new Int16Array(inputSize);
  return windowed(
    record,
    history,
    (slot, x) => push(slot, history, channels, x ?? zeros),
    (slot) => {
      const window = new Int16Array(taps * channels);
      for (let tap = 0; tap < taps; tap++) {
        const from = tap * dilation * channels;
        window.set(slot.int16.subarray(from, from + channels), tap * channels);
      }
      for (let r = 0; r < outputSize; r++) slot.row[r] = act(activation, sat16(requantizeOne(rows[r]!, window, bits)));
    },
  );
}

/** (28) */
export function depthwiseKernel(record: GateRecord): Kernel {
  const { inputSize, outputSize, taps, dilation, depthMultiplier } = record.fields;
  const lanes = pad8(inputSize);
  const history = (taps - 1) * dilation + 1;
  const stride = 16 * Math.ceil(outputSize / 16);
  const weights = new Int8Array(record.bytes("weights")!);
  const params = record.int32("rowParams")!;
  const activation = activationOf(record);
  const zeros = new Int16Array(inputSize);
  return windowed(
    record,
    history,
    (slot, x) => push(slot, history, lanes, x ?? zeros),
    (slot) => {
      for (let o = 0; o < outputSize; o++) {
        const channel = Math.floor(o / depthMultiplier);
        let acc = 0;
        for (let tap = 0; tap < taps; tap++) {
          acc = (acc + weights[tap * stride + o]! * slot.int16[tap * dilation * lanes + channel]!) | 0;
        }
        const at = 8 * Math.floor(o / 4) + (o % 4);
        const q = mulh((acc + params[at]!) | 0, params[at + 4]!);
        slot.row[o] = act(activation, sat16(q));
      }
    },
  );
}

/** (29), (30) */
export function poolKernel(record: GateRecord): Kernel {
  const { inputSize, taps, mode } = record.fields;
  const lanes = pad8(inputSize);
  const column = (slot: Slot, c: number) =>
    Array.from({ length: taps }, (_, row) => slot.int16[row * lanes + c] as number);
  const channels = Array.from({ length: inputSize }, (_, c) => c);
  if (mode === 0) {
    const lowest = new Int16Array(inputSize).fill(-32768);
    return windowed(
      record,
      taps,
      (slot, x) => push(slot, taps, lanes, x ?? lowest),
      (slot) => slot.row.set(channels.map((c) => Math.max(...column(slot, c)))),
      (slot) => {
        for (let row = 0; row < taps; row++) slot.int16.set(lowest, row * lanes);
      },
    );
  }
  const reciprocals = record.int32("aux")!;
  const zeros = new Int16Array(inputSize);
  return windowed(
    record,
    taps,
    (slot, x) => {
      push(slot, taps, lanes, x ?? zeros);
      if (slot.counters.front > 0) slot.counters.front--;
      else if (slot.counters.real > 0) slot.counters.real--;
      if (x !== undefined) slot.counters.real++;
    },
    (slot) => {
      const r = reciprocals[slot.counters.real]!;
      for (const c of channels) {
        const sum = column(slot, c).reduce((a, b) => a + b, 0);
        slot.row[c] = sat16(mulh(sum << 2, r));
      }
    },
    (slot) => {
      slot.counters.front = taps;
    },
  );
}

/** (31) */
export function globalPoolKernel(record: GateRecord): Kernel {
  const { inputSize, mode, rowsIn, multiplier, flags } = record.fields;
  const obey = (flags & 2) !== 0;
  if (mode === 0) {
    return {
      start: (slot) => slot.int16.fill(-32768, 0, inputSize),
      take(slot, x) {
        for (let c = 0; c < inputSize; c++) slot.int16[c] = Math.max(slot.int16[c]!, x[c]!);
        slot.row.set(slot.int16.subarray(0, inputSize));
        return slot.counters.seen === rowsIn;
      },
    };
  }
  const reciprocals = obey ? record.int32("aux")! : undefined;
  return {
    take(slot, x) {
      if (!(obey && slot.inputMasked)) {
        slot.int32[0]!++;
        for (let c = 0; c < inputSize; c++) slot.int32[4 + c]! += x[c]!;
      }
      if (slot.counters.seen !== rowsIn) return false;
      const r = reciprocals === undefined ? multiplier : reciprocals[slot.int32[0]!]!;
      for (let c = 0; c < inputSize; c++) slot.row[c] = sat16(mulh(slot.int32[4 + c]! << 2, r));
      return true;
    },
  };
}
