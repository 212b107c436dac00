// The executor, KERNELS.md 6.
import {
  COUNTER_EMITTED,
  COUNTER_FRESH,
  COUNTER_MASKED,
  COUNTER_SEEN,
  FLAG_LAST,
  FLAG_MASK_OBEY,
  FLAG_MASK_PASS,
  FLAG_OUT32,
  HEADER_CRC_32,
  HEADER_FRAME_SIZE,
  HEADER_INPUT_KIND,
  HEADER_MAX_OUTPUT_ROWS,
  HEADER_STATE_BYTES,
  HEADER_VOCABULARY_SIZE,
  HEADER_WINDOW,
  INPUT_KIND_TOKENS,
  KERNEL_ACTIVATION,
  KERNEL_AFFINE,
  KERNEL_CONV1D,
  KERNEL_DENSE,
  KERNEL_DEPTHWISE_CONV1D,
  KERNEL_EMBEDDING,
  KERNEL_FASTGRNN,
  KERNEL_FIFO,
  KERNEL_GLOBAL_POOL,
  KERNEL_INPUT,
  KERNEL_LAYER_NORM,
  KERNEL_LSTM,
  KERNEL_MASK,
  KERNEL_MERGE,
  KERNEL_PRELU,
  KERNEL_REPEAT,
  KERNEL_RESHAPE,
  KERNEL_REVERSE,
  KERNEL_RNN,
  KERNEL_SOFTMAX,
  POOL_MODE_MAX,
  RECORD_BYTES,
  RECORD_FLAGS,
  RECORD_INPUT_0,
  RECORD_INPUT_1,
  RECORD_INPUT_SIZE,
  RECORD_KERNEL,
  RECORD_MODE,
  RECORD_OUTPUT,
  RECORD_OUTPUT_SIZE,
  RECORD_ROWS_IN,
  RECORD_ROWS_OUT,
  RECORD_STATE,
  STATUS_BAD_STREAM,
  STATUS_BAD_TOKEN,
  STATUS_OK,
  STATUS_SCHEDULE,
} from "./format.gen";
import { clearWords, fillRow } from "./arith";
import { gru } from "./gru";
import { lstm } from "./lstm";
import { countersOf, outputRowBytes, recordCount, recordsOf } from "./model";
import { layerNorm, softmax } from "./normalize";
import { activation, affine, embedding, input, mask, merge, prelu } from "./pointwise";
import { dense, rnn } from "./rnn";
import {
  copyValues,
  dequeue,
  enqueue,
  keepReversed,
  keepRow,
  keepValues,
  recallReversed,
  recallValues,
} from "./routing";
import { isRecurrent, isWindowed } from "./sizes";
import { conv1d, depthwiseConv1d, globalPool, pool, pushGlobalPool, pushWindowed, startWindowed } from "./windowed";

/** The state region after reset: zeros, the model's tag, and the kernels' special starts. */
export function start(model: usize, arena: usize): void {
  clearWords(arena, load<u32>(model, HEADER_STATE_BYTES));
  store<u32>(arena, load<u32>(model, HEADER_CRC_32));
  let record = recordsOf(model);
  for (let i = 0, n = recordCount(model); i < n; i++) {
    const kernel = <i32>load<u8>(record, RECORD_KERNEL);
    if (isWindowed(kernel)) {
      startWindowed(record, arena, countersOf(arena, i));
    } else if (kernel == KERNEL_GLOBAL_POOL && load<u8>(record, RECORD_MODE) == POOL_MODE_MAX) {
      fillRow(arena + load<u32>(record, RECORD_STATE), load<u16>(record, RECORD_INPUT_SIZE), -32768);
    }
    record += RECORD_BYTES;
  }
}

/** Rule 5: the record's row exists now. */
function emit(model: usize, record: usize, counters: usize, masked: i32, found: i32): void {
  if (load<u32>(model, HEADER_WINDOW)) {
    const emitted = load<u32>(counters, COUNTER_EMITTED);
    if (emitted == load<u32>(record, RECORD_ROWS_OUT)) return;
    store<u32>(counters, emitted + 1, COUNTER_EMITTED);
  }
  store<u8>(counters, 1, COUNTER_FRESH);
  const pass = load<u8>(record, RECORD_FLAGS) & FLAG_MASK_PASS ? masked : 0;
  store<u8>(counters, found | pass, COUNTER_MASKED);
}

// @ts-ignore: decorator
@inline
function isFresh(counters: usize): bool {
  return load<u8>(counters, COUNTER_FRESH) != 0;
}

/** A row of input0 was taken. */
function count(model: usize, counters: usize): void {
  if (load<u32>(model, HEADER_WINDOW)) store<u32>(counters, load<u32>(counters, COUNTER_SEEN) + 1, COUNTER_SEEN);
}

// @ts-ignore: decorator
@inline
function rowOf(records: usize, arena: usize, index: i32): usize {
  return arena + load<u32>(records + <usize>index * RECORD_BYTES, RECORD_OUTPUT);
}

/** A windowed kernel's output row from its history. */
function windowedRow(kernel: i32, model: usize, record: usize, arena: usize, counters: usize): void {
  if (kernel == KERNEL_CONV1D) conv1d(model, record, arena, counters);
  else if (kernel == KERNEL_DEPTHWISE_CONV1D) depthwiseConv1d(model, record, arena, counters);
  else pool(model, record, arena, counters);
}

function recur(kernel: i32, model: usize, record: usize, arena: usize, x: usize): void {
  if (kernel == KERNEL_LSTM) lstm(model, record, arena, x);
  else if (kernel == KERNEL_RNN || kernel == KERNEL_FASTGRNN) rnn(model, record, arena, x);
  else gru(model, record, arena, x, kernel);
}

/** Rule 4, taking: row x of input0, masked or not. */
function take(model: usize, record: usize, arena: usize, counters: usize, x: usize, masked: i32): void {
  count(model, counters);
  const kernel = <i32>load<u8>(record, RECORD_KERNEL);
  const complete = load<u32>(counters, COUNTER_SEEN) == load<u32>(record, RECORD_ROWS_IN);
  const flags = <i32>load<u8>(record, RECORD_FLAGS);
  let found = 0;
  if (isRecurrent(kernel)) {
    if (!(masked && flags & FLAG_MASK_OBEY)) recur(kernel, model, record, arena, x);
    if (flags & FLAG_LAST && !complete) return;
  } else if (isWindowed(kernel)) {
    if (!pushWindowed(record, arena, counters, x)) return;
    windowedRow(kernel, model, record, arena, counters);
  } else switch (kernel) {
    case KERNEL_DENSE:
      dense(model, record, arena, x);
      break;
    case KERNEL_GLOBAL_POOL:
      pushGlobalPool(record, arena, x, masked != 0);
      if (!complete) return;
      globalPool(model, record, arena);
      break;
    case KERNEL_INPUT:
      found = <i32>input(model, record, arena, x);
      break;
    case KERNEL_EMBEDDING:
      found = <i32>embedding(model, record, arena, x);
      break;
    case KERNEL_AFFINE:
      affine(model, record, arena, x);
      break;
    case KERNEL_ACTIVATION:
      activation(model, record, arena, x);
      break;
    case KERNEL_PRELU:
      prelu(model, record, arena, x);
      break;
    case KERNEL_LAYER_NORM:
      layerNorm(model, record, arena, x);
      break;
    case KERNEL_SOFTMAX:
      softmax(model, record, arena, x);
      break;
    case KERNEL_MASK:
      found = <i32>mask(model, record, arena, x);
      break;
    case KERNEL_REVERSE:
      keepReversed(record, arena, counters, x, masked);
      if (complete) drain(model, record, arena, counters);
      return;
    case KERNEL_RESHAPE:
      keepValues(record, arena, counters, x);
      if (!complete) return;
      // a drained row has no mask, the row that came now may have one
      if (load<u32>(counters, COUNTER_EMITTED) < load<u32>(record, RECORD_ROWS_OUT)) {
        recallValues(record, arena, counters);
      }
      break;
    default:
      keepRow(record, arena, x);
  }
  emit(model, record, counters, masked, found);
}

/** Rule 4, draining: one row, where the kernel can and has rows left to give. */
function drain(model: usize, record: usize, arena: usize, counters: usize): void {
  if (load<u32>(counters, COUNTER_EMITTED) >= load<u32>(record, RECORD_ROWS_OUT)) return;
  const kernel = <i32>load<u8>(record, RECORD_KERNEL);
  let masked = 0;
  if (isWindowed(kernel)) {
    while (!pushWindowed(record, arena, counters, 0)) {}
    windowedRow(kernel, model, record, arena, counters);
  } else if (kernel == KERNEL_REVERSE) {
    masked = recallReversed(record, arena, counters);
  } else if (kernel == KERNEL_RESHAPE) {
    recallValues(record, arena, counters);
  } else if (kernel != KERNEL_REPEAT) {
    return;
  }
  emit(model, record, counters, masked, 0);
}

/** Rules 2 to 4 for a record behind the first. Returns STATUS_OK or STATUS_SCHEDULE. */
function visit(model: usize, records: usize, index: i32, arena: usize): i32 {
  const record = records + <usize>index * RECORD_BYTES;
  const counters = countersOf(arena, index);
  const input0 = <i32>load<u16>(record, RECORD_INPUT_0);
  const first = countersOf(arena, input0);
  const x = rowOf(records, arena, input0);
  const fresh = isFresh(first);
  const masked = <i32>load<u8>(first, COUNTER_MASKED);
  const kernel = <i32>load<u8>(record, RECORD_KERNEL);
  if (kernel == KERNEL_MERGE || kernel == KERNEL_FIFO) {
    const input1 = <i32>load<u16>(record, RECORD_INPUT_1);
    const second = countersOf(arena, input1);
    if (kernel == KERNEL_MERGE) {
      if (fresh != isFresh(second)) return STATUS_SCHEDULE;
      if (!fresh) return STATUS_OK;
      count(model, counters);
      merge(record, arena, x, rowOf(records, arena, input1));
      emit(model, record, counters, masked | <i32>load<u8>(second, COUNTER_MASKED), 0);
      return STATUS_OK;
    }
    if (fresh) {
      count(model, counters);
      if (!enqueue(record, arena, counters, x, masked)) return STATUS_SCHEDULE;
    }
    if (!isFresh(second)) return STATUS_OK;
    const kept = dequeue(record, arena, counters);
    if (kept < 0) return STATUS_SCHEDULE;
    emit(model, record, counters, kept, 0);
  } else if (fresh) {
    take(model, record, arena, counters, x, masked);
  } else if (load<u32>(model, HEADER_WINDOW)) {
    const source = records + <usize>input0 * RECORD_BYTES;
    if (load<u32>(first, COUNTER_EMITTED) == load<u32>(source, RECORD_ROWS_OUT)) {
      drain(model, record, arena, counters);
    }
  }
  return STATUS_OK;
}

/** `fresh` and `masked` of all records become 0. */
function clearTransient(arena: usize, records: i32): void {
  for (let i = 0; i < records; i++) store<u16>(countersOf(arena, i), 0, COUNTER_FRESH);
}

/**
 * One tick; frame 0: a drain. Returns how many output rows there are now, or STATUS_SCHEDULE, also for a drain in which
 * nothing is emitted.
 */
function tick(model: usize, records: usize, arena: usize, frame: usize, out: usize, rows: i32): i32 {
  const n = recordCount(model);
  clearTransient(arena, n);
  if (frame) take(model, records, arena, countersOf(arena, 0), frame, 0);
  let some = frame != 0;
  for (let i = 1; i < n; i++) {
    if (visit(model, records, i, arena) != STATUS_OK) return STATUS_SCHEDULE;
    if (isFresh(countersOf(arena, i))) some = true;
  }
  if (!some) return STATUS_SCHEDULE;
  if (!isFresh(countersOf(arena, n - 1))) return rows;
  if (<u32>rows == load<u32>(model, HEADER_MAX_OUTPUT_ROWS)) return STATUS_SCHEDULE;
  const last = records + <usize>(n - 1) * RECORD_BYTES;
  const wide = load<u8>(last, RECORD_FLAGS) & FLAG_OUT32 ? 1 : 0;
  const at = out + <usize>rows * <usize>outputRowBytes(model);
  copyValues(at, rowOf(records, arena, n - 1), <i32>load<u16>(last, RECORD_OUTPUT_SIZE) << wide);
  return rows + 1;
}

/** One step of a checked stream, whose token was checked: rows, or STATUS_SCHEDULE and the stream is reset. */
function stepChecked(model: usize, records: usize, arena: usize, frame: usize, out: usize): i32 {
  let rows = tick(model, records, arena, frame, out, 0);
  const frames = load<u32>(arena, 4) + 1;
  store<u32>(arena, frames, 4);
  const window = load<u32>(model, HEADER_WINDOW);
  const n = recordCount(model);
  if (rows >= 0 && window && frames == window) {
    const last = records + <usize>(n - 1) * RECORD_BYTES;
    while (rows >= 0 && load<u32>(countersOf(arena, n - 1), COUNTER_EMITTED) != load<u32>(last, RECORD_ROWS_OUT)) {
      rows = tick(model, records, arena, 0, out, rows);
    }
    start(model, arena);
  } else if (rows < 0) {
    start(model, arena);
  }
  clearTransient(arena, n);
  return rows;
}

/**
 * `count` steps over frames that lie one behind the other; equal to as many single steps.
 * A token out of the vocabulary is refused before anything changes, wherever in the sequence it is.
 * @returns rows written to `out`, one behind the other, or a negative status
 */
export function steps(model: usize, arena: usize, frames: usize, count: i32, out: usize): i32 {
  if (load<u32>(arena) != load<u32>(model, HEADER_CRC_32)) return STATUS_BAD_STREAM;
  const frameBytes = <usize>load<u16>(model, HEADER_FRAME_SIZE) << 1;
  if (load<u8>(model, HEADER_INPUT_KIND) == INPUT_KIND_TOKENS) {
    const vocabulary = load<u32>(model, HEADER_VOCABULARY_SIZE);
    for (let i = 0; i < count; i++) {
      if (<u32>load<u16>(frames + (<usize>i << 1)) >= vocabulary) return STATUS_BAD_TOKEN;
    }
  }
  const records = recordsOf(model);
  const rowSize = <usize>outputRowBytes(model);
  let rows = 0;
  for (let i = 0; i < count; i++) {
    const added = stepChecked(model, records, arena, frames, out);
    if (added < 0) return added;
    rows += added;
    out += rowSize * <usize>added;
    frames += frameBytes;
  }
  return rows;
}
