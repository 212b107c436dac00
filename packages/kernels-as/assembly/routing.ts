// Kernels that only move rows, KERNELS.md 5: FIFO, REVERSE, RESHAPE, REPEAT.
import {
  COUNTER_EMITTED,
  COUNTER_FRONT,
  COUNTER_REAL,
  COUNTER_SEEN,
  RECORD_INPUT_SIZE,
  RECORD_OUTPUT,
  RECORD_OUTPUT_SIZE,
  RECORD_ROWS_IN,
  RECORD_STATE,
  RECORD_TAPS,
} from "./format.gen";
import { clearPad, copyWords, rowBytes } from "./arith";

/** Slot `at` of a store of `rows` rows and as many mask bytes. */
function keep(record: usize, arena: usize, rows: i32, at: i32, x: usize, masked: i32): void {
  const bytes = <usize>rowBytes(load<u16>(record, RECORD_INPUT_SIZE));
  const state = arena + load<u32>(record, RECORD_STATE);
  copyWords(state + <usize>at * bytes, x, bytes);
  store<u8>(state + <usize>rows * bytes + at, masked);
}

/** The row of slot `at` into the output; returns its mask byte. */
function recall(record: usize, arena: usize, rows: i32, at: i32): i32 {
  const bytes = <usize>rowBytes(load<u16>(record, RECORD_INPUT_SIZE));
  const state = arena + load<u32>(record, RECORD_STATE);
  copyWords(arena + load<u32>(record, RECORD_OUTPUT), state + <usize>at * bytes, bytes);
  return load<u8>(state + <usize>rows * bytes + at);
}

/** Appends to a FIFO; false: it is full. */
export function enqueue(record: usize, arena: usize, counters: usize, x: usize, masked: i32): bool {
  const capacity = <i32>load<u16>(record, RECORD_TAPS);
  const count = <i32>load<u16>(counters, COUNTER_REAL);
  if (count == capacity) return false;
  const at = <i32>load<u16>(counters, COUNTER_FRONT) + count;
  keep(record, arena, capacity, at >= capacity ? at - capacity : at, x, masked);
  store<u16>(counters, count + 1, COUNTER_REAL);
  return true;
}

/** Takes the oldest row of a FIFO; returns its mask byte, or -1: it is empty. */
export function dequeue(record: usize, arena: usize, counters: usize): i32 {
  const capacity = <i32>load<u16>(record, RECORD_TAPS);
  const count = <i32>load<u16>(counters, COUNTER_REAL);
  if (count == 0) return -1;
  const front = <i32>load<u16>(counters, COUNTER_FRONT);
  store<u16>(counters, front + 1 == capacity ? 0 : front + 1, COUNTER_FRONT);
  store<u16>(counters, count - 1, COUNTER_REAL);
  return recall(record, arena, capacity, front);
}

/** Row `seen` - 1 of a REVERSE. */
export function keepReversed(record: usize, arena: usize, counters: usize, x: usize, masked: i32): void {
  keep(record, arena, load<u32>(record, RECORD_ROWS_IN), load<u32>(counters, COUNTER_SEEN) - 1, x, masked);
}

/** The next row of a REVERSE (emitted < rowsOut); returns its mask byte. */
export function recallReversed(record: usize, arena: usize, counters: usize): i32 {
  const rows = <i32>load<u32>(record, RECORD_ROWS_IN);
  return recall(record, arena, rows, rows - 1 - <i32>load<u32>(counters, COUNTER_EMITTED));
}

/** Row `seen` - 1 into a RESHAPE; rows lie close together, so they are moved value by value. */
export function keepValues(record: usize, arena: usize, counters: usize, x: usize): void {
  const n = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  const at = <usize>((load<u32>(counters, COUNTER_SEEN) - 1) * n);
  copyValues(arena + load<u32>(record, RECORD_STATE) + (at << 1), x, n);
}

/** The next row of a RESHAPE (emitted < rowsOut). */
export function recallValues(record: usize, arena: usize, counters: usize): void {
  const n = <i32>load<u16>(record, RECORD_OUTPUT_SIZE);
  const at = <usize>(load<u32>(counters, COUNTER_EMITTED) * n);
  const row = arena + load<u32>(record, RECORD_OUTPUT);
  copyValues(row, arena + load<u32>(record, RECORD_STATE) + (at << 1), n);
  clearPad(row, n);
}

/** n int16 from any even address to any even address. */
export function copyValues(to: usize, from: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<i16>(to + (i << 1), load<i16>(from + (i << 1)));
}

/** The one row of a REPEAT; its state is its output. */
export function keepRow(record: usize, arena: usize, x: usize): void {
  copyWords(arena + load<u32>(record, RECORD_STATE), x, rowBytes(load<u16>(record, RECORD_INPUT_SIZE)));
}
