// Where things lie in a checked model (FORMAT.md 1 to 4) and in a stream's arena.
import {
  COUNTER_BYTES,
  HEADER_BYTES,
  HEADER_OUTPUT_SIZE,
  HEADER_OUTPUT_TYPE,
  HEADER_MAX_OUTPUT_ROWS,
  HEADER_RECORD_COUNT,
  HEADER_SECTION_COUNT,
  HEADER_WINDOW,
  OUTPUT_TYPE_INT32,
  RECORD_BYTES,
  RECORD_ROWS_OUT,
  SECTION_ENTRY_BYTES,
  SECTION_RECORDS,
  STREAM_HEADER_BYTES,
} from "./format.gen";

/** The entry of a section in the table; 0: the file has none. */
export function findSection(model: usize, id: i32): usize {
  let entry = model + HEADER_BYTES;
  for (let left = <i32>load<u16>(model, HEADER_SECTION_COUNT); left > 0; left--) {
    if (load<u16>(entry) == id) return entry;
    entry += SECTION_ENTRY_BYTES;
  }
  return 0;
}

/** Address of record 0. */
export function recordsOf(model: usize): usize {
  return model + load<u32>(findSection(model, SECTION_RECORDS), 4);
}

// @ts-ignore: decorator
@inline
export function recordCount(model: usize): i32 {
  return load<u16>(model, HEADER_RECORD_COUNT);
}

// @ts-ignore: decorator
@inline
export function countersOf(arena: usize, index: i32): usize {
  return arena + STREAM_HEADER_BYTES + <usize>index * COUNTER_BYTES;
}

/** First byte behind the counters and their padding. */
// @ts-ignore: decorator
@inline
export function countersEnd(records: i32): i32 {
  return (STREAM_HEADER_BYTES + records * COUNTER_BYTES + 15) & ~15;
}

/** Bytes of an output row as the caller gets it, without padding. */
export function outputRowBytes(model: usize): i32 {
  return <i32>load<u16>(model, HEADER_OUTPUT_SIZE) << (load<u8>(model, HEADER_OUTPUT_TYPE) == OUTPUT_TYPE_INT32 ? 2 : 1);
}

/** Output rows of a whole window; 0 in stream models. */
export function rowsPerWindow(model: usize): i32 {
  return load<u32>(recordsOf(model) + <usize>(recordCount(model) - 1) * RECORD_BYTES, RECORD_ROWS_OUT);
}

/**
 * The most rows that `count` steps can yield, wherever in its window the stream is; saturates at 2^31 - 1.
 * In a window model a step cannot yield more than the window has left, in a stream model never more than one.
 */
export function rowBound(model: usize, count: i32): i32 {
  const window = load<u32>(model, HEADER_WINDOW);
  const perStep = <u64>load<u32>(model, HEADER_MAX_OUTPUT_ROWS);
  if (!window) return count;
  const perWindow = <u64>rowsPerWindow(model);
  let most = perWindow;
  for (let frames: u64 = 1; frames < <u64>count; frames += window) most += perWindow;
  return <i32>min<u64>(min<u64>(<u64>count * min<u64>(perStep, perWindow), most), 0x7fffffff);
}
