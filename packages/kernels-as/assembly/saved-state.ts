// Saved state, FORMAT.md 8: the state region of an arena behind a header that says which model it belongs to.
import {
  COUNTER_BYTES,
  COUNTER_EMITTED,
  COUNTER_FRESH,
  COUNTER_FRONT,
  COUNTER_REAL,
  COUNTER_SEEN,
  COUNTER_WAIT,
  HEADER_CRC_32,
  HEADER_STATE_BYTES,
  HEADER_WINDOW,
  KERNEL_CONV1D,
  KERNEL_FIFO,
  KERNEL_GLOBAL_POOL,
  KERNEL_LSTM,
  KERNEL_POOL,
  KERNEL_REPEAT,
  KERNEL_RESHAPE,
  KERNEL_REVERSE,
  POOL_MODE_MAX,
  RECORD_BYTES,
  RECORD_INPUT_0,
  RECORD_INPUT_SIZE,
  RECORD_KERNEL,
  RECORD_MODE,
  RECORD_OUTPUT_SIZE,
  RECORD_PAD_LEFT,
  RECORD_ROWS_IN,
  RECORD_ROWS_OUT,
  RECORD_STATE,
  RECORD_STATE_BYTES,
  RECORD_STRIDE,
  RECORD_TAPS,
  SAVED_BLOB_BYTES,
  SAVED_CRC_32,
  SAVED_FRAMES,
  SAVED_HEADER_BYTES,
  SAVED_MAGIC,
  SAVED_MODEL_CRC,
  SAVED_STATE_BYTES,
  SAVED_VERSION,
  STATE_HEADER_BYTES,
  STATE_MAGIC,
  STATE_VERSION,
  STREAM_HEADER_BYTES,
} from "./format.gen";
import { clearWords, copyWords, pad2, rowBytes } from "./arith";
import { crc32 } from "./crc";
import { countersEnd, countersOf, recordCount, recordsOf } from "./model";
import { isRecurrent, isWindowed } from "./sizes";
import { historyRows } from "./windowed";

/** Writes the state of a stream to `blob`, which has room for 48 + stateBytes. */
export function save(model: usize, arena: usize, blob: usize): void {
  const stateBytes = load<u32>(model, HEADER_STATE_BYTES);
  clearWords(blob, STATE_HEADER_BYTES);
  copyWords(blob + STATE_HEADER_BYTES, arena, stateBytes);
  store<u32>(blob, STATE_MAGIC, SAVED_MAGIC);
  store<u16>(blob, STATE_VERSION, SAVED_VERSION);
  store<u16>(blob, STATE_HEADER_BYTES, SAVED_HEADER_BYTES);
  store<u32>(blob, STATE_HEADER_BYTES + stateBytes, SAVED_BLOB_BYTES);
  store<u32>(blob, load<u32>(model, HEADER_CRC_32), SAVED_MODEL_CRC);
  store<u32>(blob, load<u32>(arena, 4), SAVED_FRAMES);
  store<u32>(blob, stateBytes, SAVED_STATE_BYTES);
  store<u32>(blob, checksum(blob, STATE_HEADER_BYTES + stateBytes), SAVED_CRC_32);
}

function checksum(blob: usize, bytes: u32): u32 {
  return crc32(blob + SAVED_MODEL_CRC, bytes - SAVED_MODEL_CRC);
}

function isZero(at: usize, bytes: usize): bool {
  for (const end = at + bytes; at < end; at++) {
    if (load<u8>(at)) return false;
  }
  return true;
}

/** Whether every byte behind the first `used` of each of `rows` rows is zero. */
function paddingZero(at: usize, rows: i32, stride: usize, used: usize): bool {
  for (let row = 0; row < rows; row++) {
    if (!isZero(at + used, stride - used)) return false;
    at += stride;
  }
  return true;
}

/** Counters of record `index`; those of earlier records are checked. */
function countersValid(model: usize, records: usize, index: i32, region: usize): bool {
  const record = records + <usize>index * RECORD_BYTES;
  const counters = countersOf(region, index);
  const kernel = <i32>load<u8>(record, RECORD_KERNEL);
  const seen = load<u32>(counters, COUNTER_SEEN);
  const emitted = load<u32>(counters, COUNTER_EMITTED);
  const average = load<u8>(record, RECORD_MODE) != POOL_MODE_MAX;
  if (!load<u32>(model, HEADER_WINDOW)) {
    if (seen | emitted) return false;
  } else if (index == 0) {
    const frames = load<u32>(region, 4);
    if (seen != frames || emitted != frames) return false;
  } else {
    if (seen != load<u32>(countersOf(region, load<u16>(record, RECORD_INPUT_0)), COUNTER_EMITTED)) return false;
    if (emitted > load<u32>(record, RECORD_ROWS_OUT)) return false;
  }
  const wait = <i32>load<u16>(counters, COUNTER_WAIT);
  let most = 0;
  if (isWindowed(kernel)) {
    most = max(historyRows(record) - <i32>load<u16>(record, RECORD_PAD_LEFT), <i32>load<u16>(record, RECORD_STRIDE));
    if (wait == 0) return false;
  }
  if (wait > most || load<u16>(counters, COUNTER_FRESH)) return false;
  const taps = <i32>load<u16>(record, RECORD_TAPS);
  const front = <i32>load<u16>(counters, COUNTER_FRONT);
  const real = <i32>load<u16>(counters, COUNTER_REAL);
  if (kernel == KERNEL_FIFO) return front < taps && real <= taps;
  if (kernel == KERNEL_POOL && average) return front <= taps && real <= taps - front;
  if (front | real) return false;
  return !(kernel == KERNEL_GLOBAL_POOL && average) || load<u32>(region + load<u32>(record, RECORD_STATE)) <= seen;
}

/** Padding and mask bytes of a record's state. */
function contentsValid(record: usize, region: usize): bool {
  const kernel = <i32>load<u8>(record, RECORD_KERNEL);
  const state = region + load<u32>(record, RECORD_STATE);
  const n = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  let rows = 0;
  let stride = <usize>rowBytes(n);
  let used = <usize>n << 1;
  let masks: usize = 0;
  let free: usize = 0;
  if (isRecurrent(kernel)) {
    const size = <i32>load<u16>(record, RECORD_OUTPUT_SIZE);
    rows = kernel == KERNEL_LSTM ? 2 : 1;
    stride = rowBytes(size);
    used = <usize>size << 1;
  } else if (isWindowed(kernel)) {
    rows = historyRows(record);
    if (kernel == KERNEL_CONV1D) stride = <usize>pad2(n) << 1;
  } else if (kernel == KERNEL_FIFO || kernel == KERNEL_REVERSE) {
    rows = kernel == KERNEL_FIFO ? <i32>load<u16>(record, RECORD_TAPS) : <i32>load<u32>(record, RECORD_ROWS_IN);
    masks = rows;
  } else if (kernel == KERNEL_RESHAPE) {
    free = <usize>load<u32>(record, RECORD_ROWS_IN) * used;
  } else if (kernel == KERNEL_GLOBAL_POOL && load<u8>(record, RECORD_MODE) != POOL_MODE_MAX) {
    rows = 1;
    stride = 16;
    used = 4;
    free = <usize>n << 2;
  } else if (kernel == KERNEL_GLOBAL_POOL || kernel == KERNEL_REPEAT) {
    rows = 1;
  }
  // rows with their padding, mask bytes or free values, padding to the end
  if (!paddingZero(state, rows, stride, used)) return false;
  const at = state + <usize>rows * stride;
  for (let i: usize = 0; i < masks; i++) {
    if (load<u8>(at + i) > 1) return false;
  }
  const end = at + masks + free;
  return isZero(end, state + load<u32>(record, RECORD_STATE_BYTES) - end);
}

/** Whether `blob` of `bytes` bytes is a state of this model. Nothing is written. */
export function savedStateValid(model: usize, blob: usize, bytes: u32): bool {
  const stateBytes = load<u32>(model, HEADER_STATE_BYTES);
  const modelCrc = load<u32>(model, HEADER_CRC_32);
  const window = load<u32>(model, HEADER_WINDOW);
  if (bytes != STATE_HEADER_BYTES + stateBytes) return false;
  const region = blob + STATE_HEADER_BYTES;
  const frames = load<u32>(blob, SAVED_FRAMES);
  let ok = load<u32>(blob, SAVED_MAGIC) == STATE_MAGIC;
  ok &= load<u16>(blob, SAVED_VERSION) == STATE_VERSION;
  ok &= load<u16>(blob, SAVED_HEADER_BYTES) == STATE_HEADER_BYTES;
  ok &= load<u32>(blob, SAVED_BLOB_BYTES) == bytes;
  ok &= load<u32>(blob, SAVED_MODEL_CRC) == modelCrc;
  ok &= load<u32>(blob, SAVED_STATE_BYTES) == stateBytes;
  ok &= isZero(blob + SAVED_STATE_BYTES + 4, STATE_HEADER_BYTES - SAVED_STATE_BYTES - 4);
  ok &= load<u32>(region) == modelCrc;
  ok &= load<u32>(region, 4) == frames;
  ok &= frames < window || !window;
  ok &= load<u32>(blob, SAVED_CRC_32) == checksum(blob, bytes);
  if (!ok) return false;
  const count = recordCount(model);
  const counted = STREAM_HEADER_BYTES + count * COUNTER_BYTES;
  if (!isZero(region + counted, countersEnd(count) - counted)) return false;
  const records = recordsOf(model);
  for (let i = 0; i < count; i++) {
    if (!countersValid(model, records, i, region)) return false;
    if (!contentsValid(records + <usize>i * RECORD_BYTES, region)) return false;
  }
  return true;
}
