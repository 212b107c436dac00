// The reader's duties: every rejection of FORMAT.md, before anything is executed. Nothing is read beyond `bytes`.
import {
  FLAG_OUT32,
  FORMAT_VERSION,
  HEADER_ARENA_BYTES,
  HEADER_BYTES,
  HEADER_CRC_32,
  HEADER_FILE_BYTES,
  HEADER_FORMAT_VERSION,
  HEADER_FRAME_SIZE,
  HEADER_HEADER_BYTES,
  HEADER_INPUT_KIND,
  HEADER_MAGIC,
  HEADER_MAX_OUTPUT_ROWS,
  HEADER_OUTPUT_SCALE,
  HEADER_OUTPUT_SIZE,
  HEADER_OUTPUT_TRANSFORM,
  HEADER_OUTPUT_TYPE,
  HEADER_RECORD_COUNT,
  HEADER_RECORD_STRIDE,
  HEADER_REQUIRED_KERNELS,
  HEADER_SCRATCH_BYTES,
  HEADER_SECTION_COUNT,
  HEADER_STATE_BYTES,
  HEADER_VOCABULARY_SIZE,
  HEADER_WINDOW,
  KERNEL_EMBEDDING,
  KERNEL_LAYER_NORM,
  KERNEL_FASTGRNN,
  LIMIT_ARENA_BYTES,
  LIMIT_RECORDS,
  LIMIT_ROWS,
  LIMIT_ROW_SIZE,
  LIMIT_SECTIONS,
  LIMIT_TOTAL_ROWS,
  MAGIC,
  NO_INPUT,
  OUTPUT_TRANSFORM_SIGMOID,
  RECORD_AUX,
  RECORD_BYTES,
  RECORD_FLAGS,
  RECORD_GATE_TABLE,
  RECORD_INPUT_0,
  RECORD_INPUT_1,
  RECORD_INPUT_SIZE,
  RECORD_KERNEL,
  RECORD_OUTPUT,
  RECORD_OUTPUT_SIZE,
  RECORD_ROWS_OUT,
  RECORD_ROW_PARAMS,
  RECORD_SCRATCH,
  RECORD_SCRATCH_BYTES,
  RECORD_STATE,
  RECORD_STATE_BYTES,
  RECORD_TABLE,
  RECORD_VOCABULARY,
  RECORD_WEIGHTS,
  SECTION_ENTRY_BYTES,
  SECTION_META,
  SECTION_RECORDS,
  SECTION_TENSORS,
  STATUS_BAD_ALIGNMENT,
  STATUS_BAD_ARENA,
  STATUS_BAD_CRC,
  STATUS_BAD_HEADER,
  STATUS_BAD_MAGIC,
  STATUS_BAD_OVERLAP,
  STATUS_BAD_RECORD,
  STATUS_BAD_SECTION,
  STATUS_BAD_SIZE,
  STATUS_BAD_TENSOR,
  STATUS_BAD_VERSION,
  STATUS_OK,
  STATUS_UNKNOWN_KERNEL,
  STATUS_UNKNOWN_SECTION,
} from "./format.gen";
import { recordValid } from "./check-record";
import { crc32 } from "./crc";
import { countersEnd, findSection } from "./model";
import {
  auxNeed,
  gateTableNeed,
  hasStateOutput,
  outputBytes,
  rowParamsNeed,
  scratchNeed,
  stateNeed,
  tableNeed,
  weightsNeed,
} from "./sizes";

function inRange(value: u32, least: u32, most: u32): bool {
  return value >= least && value <= most;
}

/** Whether [at, at + bytes) is 16-aligned and inside [from, to). */
function fits(at: u32, bytes: u32, from: u32, to: u32): bool {
  return (at & 15) == 0 && at >= from && at <= to && bytes <= to - at;
}

function meet(a: u32, aBytes: u32, b: u32, bBytes: u32): bool {
  return aBytes != 0 && bBytes != 0 && a < b + bBytes && b < a + aBytes;
}

function checkHeader(model: usize, bytes: u32): i32 {
  if (model & 15) return STATUS_BAD_ALIGNMENT;
  if (bytes < <u32>HEADER_BYTES) return STATUS_BAD_SIZE;
  if (load<u32>(model, HEADER_MAGIC) != MAGIC) return STATUS_BAD_MAGIC;
  if (load<u16>(model, HEADER_FORMAT_VERSION) != FORMAT_VERSION) return STATUS_BAD_VERSION;
  if (load<u16>(model, HEADER_HEADER_BYTES) != HEADER_BYTES) return STATUS_BAD_HEADER;
  if (load<u32>(model, HEADER_FILE_BYTES) != bytes || bytes & 15) return STATUS_BAD_SIZE;
  const checked = model + HEADER_REQUIRED_KERNELS;
  if (load<u32>(model, HEADER_CRC_32) != crc32(checked, bytes - HEADER_REQUIRED_KERNELS)) return STATUS_BAD_CRC;
  // reserved: u16 at 26, u8 at 43, u32 at 60, u64 at 72
  const reserved = <u64>(<u32>load<u16>(model, 26) | <u32>load<u8>(model, 43) | load<u32>(model, 60));
  let ok = (reserved | load<u64>(model, 72)) == 0;
  ok &= inRange(load<u16>(model, HEADER_SECTION_COUNT), 2, LIMIT_SECTIONS);
  ok &= load<u16>(model, HEADER_RECORD_STRIDE) == RECORD_BYTES;
  ok &= inRange(load<u16>(model, HEADER_RECORD_COUNT), 1, LIMIT_RECORDS);
  ok &= load<u8>(model, HEADER_INPUT_KIND) <= 1;
  ok &= load<u8>(model, HEADER_OUTPUT_TYPE) <= 1;
  ok &= <i32>load<u8>(model, HEADER_OUTPUT_TRANSFORM) <= OUTPUT_TRANSFORM_SIGMOID;
  ok &= load<u32>(model, HEADER_WINDOW) <= <u32>LIMIT_ROWS;
  ok &= inRange(load<u16>(model, HEADER_FRAME_SIZE), 1, LIMIT_ROW_SIZE);
  ok &= inRange(load<u32>(model, HEADER_MAX_OUTPUT_ROWS), 1, LIMIT_ROWS);
  ok &= load<u32>(model, HEADER_OUTPUT_SCALE + 4) < 0x7ff00000;
  ok &= load<u64>(model, HEADER_OUTPUT_SCALE) != 0;
  if (!ok) return STATUS_BAD_HEADER;
  if (load<u32>(model, HEADER_REQUIRED_KERNELS) >> (KERNEL_FASTGRNN + 1)) return STATUS_UNKNOWN_KERNEL;
  const arenaBytes = load<u32>(model, HEADER_ARENA_BYTES);
  const stateBytes = load<u32>(model, HEADER_STATE_BYTES);
  const scratchBytes = load<u32>(model, HEADER_SCRATCH_BYTES);
  ok = arenaBytes <= <u32>LIMIT_ARENA_BYTES;
  ok &= <u64>stateBytes + <u64>scratchBytes == <u64>arenaBytes;
  ok &= ((stateBytes | scratchBytes) & 15) == 0;
  ok &= stateBytes >= <u32>countersEnd(load<u16>(model, HEADER_RECORD_COUNT));
  return ok ? STATUS_OK : STATUS_BAD_ARENA;
}

function checkSections(model: usize, bytes: u32): i32 {
  const count = <u32>load<u16>(model, HEADER_SECTION_COUNT);
  let free = <u32>HEADER_BYTES + count * SECTION_ENTRY_BYTES;
  if (free > bytes) return STATUS_BAD_SECTION;
  let seen = 0;
  for (let i: u32 = 0; i < count; i++) {
    const entry = model + HEADER_BYTES + i * SECTION_ENTRY_BYTES;
    const id = <i32>load<u16>(entry);
    const flags = <i32>load<u16>(entry, 2);
    const offset = load<u32>(entry, 4);
    const length = load<u32>(entry, 8);
    if (flags > 1 || load<u32>(entry, 12) || !fits(offset, length, free, bytes)) return STATUS_BAD_SECTION;
    free = offset + length;
    if (id >= SECTION_RECORDS && id <= SECTION_META) {
      if (seen & (1 << id)) return STATUS_BAD_SECTION;
      seen |= 1 << id;
    } else if (flags) {
      return STATUS_UNKNOWN_SECTION;
    }
  }
  const needed = (1 << SECTION_RECORDS) | (1 << SECTION_TENSORS);
  if ((seen & needed) != needed) return STATUS_BAD_SECTION;
  const records = load<u32>(findSection(model, SECTION_RECORDS), 8);
  return records == <u32>load<u16>(model, HEADER_RECORD_COUNT) * RECORD_BYTES ? STATUS_OK : STATUS_BAD_SECTION;
}

/** Bytes of the tensor whose offset the field at `field` holds. */
function tensorNeed(record: usize, field: i32): u32 {
  if (field == RECORD_WEIGHTS) return weightsNeed(record);
  if (field == RECORD_ROW_PARAMS) return rowParamsNeed(record);
  if (field == RECORD_TABLE) return tableNeed(record);
  if (field == RECORD_GATE_TABLE) return gateTableNeed(record);
  return auxNeed(record);
}

function checkTensors(model: usize, record: usize): i32 {
  const entry = findSection(model, SECTION_TENSORS);
  const from = load<u32>(entry, 4);
  const to = from + load<u32>(entry, 8);
  // five fields side by side
  for (let field = RECORD_WEIGHTS; field <= RECORD_AUX; field += 4) {
    const offset = load<u32>(record + field);
    const bytes = tensorNeed(record, field);
    if (!bytes) {
      if (offset) return STATUS_BAD_RECORD;
    } else if (!fits(offset, bytes, from, to)) {
      return STATUS_BAD_TENSOR;
    }
  }
  if (load<u8>(record, RECORD_KERNEL) == KERNEL_LAYER_NORM) {
    const epsilon = load<i64>(model + load<u32>(record, RECORD_AUX));
    if (epsilon < 1 || epsilon > (<i64>1 << 61)) return STATUS_BAD_TENSOR;
  }
  return STATUS_OK;
}

/** Addresses of one record; `free` is the end of the last state so far. */
function checkAddresses(model: usize, record: usize, free: u32): i32 {
  const stateBytes = load<u32>(model, HEADER_STATE_BYTES);
  const arenaBytes = load<u32>(model, HEADER_ARENA_BYTES);
  const state = load<u32>(record, RECORD_STATE);
  const scratch = load<u32>(record, RECORD_SCRATCH);
  const output = load<u32>(record, RECORD_OUTPUT);
  const stateSize = load<u32>(record, RECORD_STATE_BYTES);
  const scratchSize = load<u32>(record, RECORD_SCRATCH_BYTES);
  if (stateSize != stateNeed(record) || scratchSize != scratchNeed(record)) return STATUS_BAD_RECORD;
  if (!stateSize) {
    if (state) return STATUS_BAD_RECORD;
  } else {
    const first = countersEnd(load<u16>(model, HEADER_RECORD_COUNT));
    if (!fits(state, stateSize, first, stateBytes)) return STATUS_BAD_ARENA;
    if (state < free) return STATUS_BAD_OVERLAP;
  }
  if (hasStateOutput(load<u8>(record, RECORD_KERNEL))) {
    if (output != state) return STATUS_BAD_ARENA;
  } else if (!fits(output, outputBytes(record), stateBytes, arenaBytes)) {
    return STATUS_BAD_ARENA;
  }
  if (!scratchSize) return scratch ? STATUS_BAD_RECORD : STATUS_OK;
  return fits(scratch, scratchSize, stateBytes, arenaBytes) ? STATUS_OK : STATUS_BAD_ARENA;
}

/** Bytes of its own that a record's output row takes in the scratch part of the arena. */
function ownOutputBytes(record: usize): u32 {
  return hasStateOutput(load<u8>(record, RECORD_KERNEL)) ? 0 : outputBytes(record);
}

/** The liveness rule of FORMAT.md 3; addresses are checked. */
function checkLiveness(records: usize, count: i32): i32 {
  for (let j = 0; j < count; j++) {
    const row = records + <usize>j * RECORD_BYTES;
    const at = load<u32>(row, RECORD_OUTPUT);
    const bytes = ownOutputBytes(row);
    if (meet(at, bytes, load<u32>(row, RECORD_SCRATCH), load<u32>(row, RECORD_SCRATCH_BYTES))) return STATUS_BAD_OVERLAP;
    let last = j;
    for (let k = j + 1; k < count; k++) {
      const reader = records + <usize>k * RECORD_BYTES;
      if (<i32>load<u16>(reader, RECORD_INPUT_0) == j || <i32>load<u16>(reader, RECORD_INPUT_1) == j) last = k;
    }
    for (let k = j + 1; k <= last; k++) {
      const other = records + <usize>k * RECORD_BYTES;
      if (meet(at, bytes, load<u32>(other, RECORD_OUTPUT), ownOutputBytes(other))) return STATUS_BAD_OVERLAP;
      const scratch = load<u32>(other, RECORD_SCRATCH);
      if (meet(at, bytes, scratch, load<u32>(other, RECORD_SCRATCH_BYTES))) return STATUS_BAD_OVERLAP;
    }
  }
  return STATUS_OK;
}

/** Header fields that repeat what the records say. */
function headerAgrees(model: usize, records: usize, count: i32, kernels: u32): bool {
  const last = records + <usize>(count - 1) * RECORD_BYTES;
  const tokens = load<u8>(records, RECORD_KERNEL) == KERNEL_EMBEDDING;
  const wide = (load<u8>(last, RECORD_FLAGS) & FLAG_OUT32) != 0;
  let ok = load<u32>(model, HEADER_REQUIRED_KERNELS) == kernels;
  ok &= load<u8>(model, HEADER_INPUT_KIND) == <u8>tokens;
  ok &= load<u8>(model, HEADER_OUTPUT_TYPE) == <u8>wide;
  ok &= load<u16>(model, HEADER_FRAME_SIZE) == load<u16>(records, RECORD_INPUT_SIZE);
  ok &= load<u16>(model, HEADER_OUTPUT_SIZE) == load<u16>(last, RECORD_OUTPUT_SIZE);
  ok &= load<u32>(model, HEADER_VOCABULARY_SIZE) == load<u32>(records, RECORD_VOCABULARY);
  return ok;
}

/**
 * Checks a whole file of `bytes` bytes.
 * @returns STATUS_OK, or the status of one of its faults
 */
export function checkModel(model: usize, bytes: u32): i32 {
  let status = checkHeader(model, bytes);
  if (!status) status = checkSections(model, bytes);
  if (status) return status;
  const count = <i32>load<u16>(model, HEADER_RECORD_COUNT);
  const records = model + load<u32>(findSection(model, SECTION_RECORDS), 4);
  const window = load<u32>(model, HEADER_WINDOW);
  let free: u32 = 0;
  let rows: u32 = 0;
  let kernels: u32 = 0;
  for (let i = 0; i < count; i++) {
    const record = records + <usize>i * RECORD_BYTES;
    if (load<u8>(record, RECORD_KERNEL) > <u8>KERNEL_FASTGRNN) return STATUS_UNKNOWN_KERNEL;
    if (!recordValid(records, i, count, window)) return STATUS_BAD_RECORD;
    status = checkTensors(model, record);
    if (!status) status = checkAddresses(model, record, free);
    if (status) return status;
    const stateSize = load<u32>(record, RECORD_STATE_BYTES);
    if (stateSize) free = load<u32>(record, RECORD_STATE) + stateSize;
    rows += load<u32>(record, RECORD_ROWS_OUT);
    kernels |= <u32>1 << <u32>load<u8>(record, RECORD_KERNEL);
  }
  if (rows > <u32>LIMIT_TOTAL_ROWS) return STATUS_BAD_RECORD;
  if (!headerAgrees(model, records, count, kernels)) return STATUS_BAD_HEADER;
  return checkLiveness(records, count);
}
