/**
 * The kernels' exports. No globals: every call is given the model, the stream's arena and its buffers.
 *
 *   check           once per file, before anything else
 *   init, reset     an arena becomes a stream at its first frame
 *   step, run       frames in, output rows out
 *   saveState, restoreState
 *
 * `model` and `arena` are 16-byte aligned; `frames` int16 (tokens: uint16), `out` int16 or int32, packed without padding.
 * The functions below `check` trust a model that it accepted.
 */
import {
  HEADER_ARENA_BYTES,
  HEADER_CRC_32,
  HEADER_OUTPUT_SCALE,
  HEADER_STATE_BYTES,
  SECTION_META,
  STATE_HEADER_BYTES,
  STATUS_ARENA_TOO_SMALL,
  STATUS_BAD_ALIGNMENT,
  STATUS_BAD_ARGUMENT,
  STATUS_BAD_STATE,
  STATUS_BAD_STREAM,
  STATUS_OK,
  STATUS_OUTPUT_TOO_SMALL,
} from "./format.gen";
import { unpackTanhHalf } from "./activation";
import { copyWords } from "./arith";
import { checkModel } from "./check";
import { start, steps } from "./executor";
import { findSection, outputRowBytes, rowBound, rowsPerWindow } from "./model";
import { save, savedStateValid } from "./saved-state";

export { __data_end, __heap_base };

// the start function: whoever instantiates the module has the tables
unpackTanhHalf();

/** STATUS_OK, or why the file is refused (FORMAT.md). */
export function check(model: usize, bytes: u32): i32 {
  return checkModel(model, bytes);
}

/** Back to the first frame. */
export function reset(model: usize, arena: usize): i32 {
  if (!belongs(model, arena)) return STATUS_BAD_STREAM;
  start(model, arena);
  return STATUS_OK;
}

/**
 * One frame.
 * @param outBytes room at `out`: maxRows(model, 1) rows
 * @returns rows written, or a negative status
 */
export function step(model: usize, arena: usize, frame: usize, out: usize, outBytes: u32): i32 {
  return run(model, arena, frame, 1, out, outBytes);
}

/**
 * `count` frames that lie one behind the other: the same as as many calls of `step`.
 * @param outBytes room at `out`: maxRows(model, count) rows; nothing is done if there is less
 * @returns rows written, or a negative status: a refused token changes nothing, STATUS_SCHEDULE resets the stream
 */
export function run(model: usize, arena: usize, frames: usize, count: i32, out: usize, outBytes: u32): i32 {
  if (count < 0) return STATUS_BAD_ARGUMENT;
  if (<u64>rowBound(model, count) * <u64>outputRowBytes(model) > <u64>outBytes) return STATUS_OUTPUT_TOO_SMALL;
  return steps(model, arena, frames, count, out);
}

/**
 * Writes the stream's state (FORMAT.md 8) to `blob`.
 * @returns savedStateBytes(model), or a negative status
 */
export function saveState(model: usize, arena: usize, blob: usize, bytes: u32): i32 {
  if (!belongs(model, arena)) return STATUS_BAD_STREAM;
  if (bytes < savedStateBytes(model)) return STATUS_OUTPUT_TOO_SMALL;
  save(model, arena, blob);
  return savedStateBytes(model);
}

/** Continues from a saved state; a forged one gives STATUS_BAD_STATE and changes nothing. */
export function restoreState(model: usize, arena: usize, blob: usize, bytes: u32): i32 {
  if (!belongs(model, arena)) return STATUS_BAD_STREAM;
  if (!savedStateValid(model, blob, bytes)) return STATUS_BAD_STATE;
  copyWords(arena, blob + STATE_HEADER_BYTES, load<u32>(model, HEADER_STATE_BYTES));
  return STATUS_OK;
}

function savedStateBytes(model: usize): u32 {
  return load<u32>(model, HEADER_STATE_BYTES) + STATE_HEADER_BYTES;
}

function belongs(model: usize, arena: usize): bool {
  return load<u32>(arena) == load<u32>(model, HEADER_CRC_32);
}

/**
 * Writes what a host needs to know of a checked model, so that it need not read the file: 64 bytes.
 * ```
 *  0 u32 arenaBytes   4 u32 stateBytes    8 u32 scratchBytes
 * 12 u8 inputKind    13 u8 outputType    14 u8 outputTransform
 * 16 u32 window      20 u16 frameSize    22 u16 outputSize   24 u32 maxOutputRows  28 u32 vocabularySize
 * 36 f64 outputScale 44 u32 modelCrc     48 u32 bytes of a saved state
 * 52 u32 output rows of a whole window   56 u32 offset of META, 60 u32 its bytes, both 0 where there is none
 * ```
 */
export function describe(model: usize, to: usize): void {
  // the first 44 bytes are the header's from arenaBytes to outputScale
  copyWords(to, model + HEADER_ARENA_BYTES, HEADER_OUTPUT_SCALE + 8 - HEADER_ARENA_BYTES);
  store<u32>(to, load<u32>(model, HEADER_CRC_32), 44);
  store<u32>(to, savedStateBytes(model), 48);
  store<u32>(to, rowsPerWindow(model), 52);
  const meta = findSection(model, SECTION_META);
  store<u64>(to, meta ? load<u64>(meta, 4) : 0, 56);
}

/** Frames that the stream has taken, in its window where there is one. */
export function frames(arena: usize): u32 {
  return load<u32>(arena, 4);
}

/** The most rows that `count` steps can yield. */
export function maxRows(model: usize, count: i32): u32 {
  return rowBound(model, count);
}
// WAMR shrinks memory only to an aligned __heap_base: this must stay the last static data of the program, and so the
// function that uses it the last one here.
// @ts-ignore: decorator
@lazy const END: usize = memory.data(16, 16);

/** Makes `bytes` bytes at `arena`, behind the static data, a stream of a checked model. */
export function init(model: usize, arena: usize, bytes: u32): i32 {
  if (arena <= END) return STATUS_BAD_ARGUMENT;
  if ((model | arena) & 15) return STATUS_BAD_ALIGNMENT;
  if (bytes < load<u32>(model, HEADER_ARENA_BYTES)) return STATUS_ARENA_TOO_SMALL;
  start(model, arena);
  return STATUS_OK;
}
