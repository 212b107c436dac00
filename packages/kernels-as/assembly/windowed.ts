// Kernels with a history of rows, KERNELS.md 5: CONV1D, DEPTHWISE_CONV1D, POOL; and GLOBAL_POOL.
import {
  COUNTER_FRONT,
  COUNTER_REAL,
  COUNTER_WAIT,
  FLAG_MASK_OBEY,
  KERNEL_CONV1D,
  KERNEL_POOL,
  POOL_MODE_MAX,
  RECORD_AUX,
  RECORD_DEPTH_MULTIPLIER,
  RECORD_DILATION,
  RECORD_FLAGS,
  RECORD_INPUT_SIZE,
  RECORD_KERNEL,
  RECORD_MODE,
  RECORD_MULTIPLIER,
  RECORD_OUTPUT,
  RECORD_OUTPUT_SIZE,
  RECORD_PAD_LEFT,
  RECORD_ROW_PARAMS,
  RECORD_SCRATCH,
  RECORD_STATE,
  RECORD_STRIDE,
  RECORD_TAPS,
  RECORD_WEIGHTS,
  ROW_PARAM_BYTES,
} from "./format.gen";
import { activate } from "./activation";
import { clearPad, clearWords, copyWords, fillRow, mulh, pad2, pad8, rowBytes, scale16 } from "./arith";
import { blocks } from "./rows";
import { weightBits, weightedRow } from "./weighted";

/** D: rows of history. */
export function historyRows(record: usize): i32 {
  const taps = <i32>load<u16>(record, RECORD_TAPS);
  if (load<u8>(record, RECORD_KERNEL) == KERNEL_POOL) return taps;
  return (taps - 1) * <i32>load<u16>(record, RECORD_DILATION) + 1;
}

/** Bytes of one row of history. */
function historyStride(record: usize): usize {
  const n = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  return load<u8>(record, RECORD_KERNEL) == KERNEL_CONV1D ? pad2(n) << 1 : rowBytes(n);
}

/** The state after reset: `wait`, `front` and the minima that are not zero. */
export function startWindowed(record: usize, arena: usize, counters: usize): void {
  const state = arena + load<u32>(record, RECORD_STATE);
  const rows = historyRows(record);
  store<u16>(counters, rows - <i32>load<u16>(record, RECORD_PAD_LEFT), COUNTER_WAIT);
  if (load<u8>(record, RECORD_KERNEL) != KERNEL_POOL) return;
  if (load<u8>(record, RECORD_MODE) != POOL_MODE_MAX) {
    store<u16>(counters, rows, COUNTER_FRONT);
    return;
  }
  const n = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  for (let row = 0; row < rows; row++) fillRow(state + <usize>row * rowBytes(n), n, -32768);
}

/**
 * Takes a row (x = 0: a row of padding) into the history; returns whether a row is due.
 */
export function pushWindowed(record: usize, arena: usize, counters: usize, x: usize): bool {
  const history = arena + load<u32>(record, RECORD_STATE);
  const stride = historyStride(record);
  const before = <usize>(historyRows(record) - 1) * stride;
  const kernel = <i32>load<u8>(record, RECORD_KERNEL);
  copyWords(history, history + stride, before);
  const newest = history + before;
  if (x) copyWords(newest, x, stride);
  else clearWords(newest, stride);
  if (kernel == KERNEL_POOL) {
    if (load<u8>(record, RECORD_MODE) == POOL_MODE_MAX) {
      if (!x) fillRow(newest, load<u16>(record, RECORD_INPUT_SIZE), -32768);
    } else {
      const front = <i32>load<u16>(counters, COUNTER_FRONT);
      let real = <i32>load<u16>(counters, COUNTER_REAL);
      if (front > 0) store<u16>(counters, front - 1, COUNTER_FRONT);
      else if (real > 0) real--;
      store<u16>(counters, x ? real + 1 : real, COUNTER_REAL);
    }
  }
  const wait = <i32>load<u16>(counters, COUNTER_WAIT) - 1;
  store<u16>(counters, wait > 0 ? wait : <i32>load<u16>(record, RECORD_STRIDE), COUNTER_WAIT);
  return wait <= 0;
}

/** (27): taps of the history side by side, then rows as in DENSE. */
export function conv1d(model: usize, record: usize, arena: usize, counters: usize): void {
  const taps = <i32>load<u16>(record, RECORD_TAPS);
  const dilation = <i32>load<u16>(record, RECORD_DILATION);
  const channels = pad2(load<u16>(record, RECORD_INPUT_SIZE));
  let window = arena + load<u32>(record, RECORD_STATE);
  if (dilation > 1) {
    const stride = <usize>channels << 1;
    const gathered = arena + load<u32>(record, RECORD_SCRATCH);
    for (let tap = 0; tap < taps; tap++) {
      copyWords(gathered + <usize>tap * stride, window + <usize>(tap * dilation) * stride, stride);
    }
    clearPad(gathered, taps * channels);
    window = gathered;
  }
  const columns = blocks(taps * channels, weightBits(record));
  weightedRow(model, record, window, columns, 0, arena + load<u32>(record, RECORD_OUTPUT));
}

/** (28) */
export function depthwiseConv1d(model: usize, record: usize, arena: usize, counters: usize): void {
  const size = <i32>load<u16>(record, RECORD_OUTPUT_SIZE);
  const taps = <i32>load<u16>(record, RECORD_TAPS);
  const stride = <usize>load<u16>(record, RECORD_DILATION) * historyStride(record);
  const perChannel = <i32>load<u16>(record, RECORD_DEPTH_MULTIPLIER);
  const params = model + load<u32>(record, RECORD_ROW_PARAMS);
  const weights = model + load<u32>(record, RECORD_WEIGHTS);
  const weightStride = <usize>((size + 15) & ~15);
  const row = arena + load<u32>(record, RECORD_OUTPUT);
  let column = arena + load<u32>(record, RECORD_STATE);
  let left = perChannel;
  for (let o = 0; o < size; o++) {
    let acc = 0;
    let w = weights + o;
    let u = column;
    for (let tap = 0; tap < taps; tap++) {
      acc += <i32>load<i8>(w) * <i32>load<i16>(u);
      w += weightStride;
      u += stride;
    }
    const at = params + <usize>(o >> 2) * ROW_PARAM_BYTES + ((o & 3) << 2);
    const q = mulh(acc + load<i32>(at), load<i32>(at, 16));
    store<i16>(row + (o << 1), <i16>activate(model, record, q));
    if (--left == 0) {
      left = perChannel;
      column += 2;
    }
  }
  clearPad(row, size);
}

/** (29), (30) */
export function pool(model: usize, record: usize, arena: usize, counters: usize): void {
  const n = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  const taps = <i32>load<u16>(record, RECORD_TAPS);
  const stride = <usize>rowBytes(n);
  const most = load<u8>(record, RECORD_MODE) == POOL_MODE_MAX;
  const row = arena + load<u32>(record, RECORD_OUTPUT);
  const real = <usize>load<u16>(counters, COUNTER_REAL);
  const reciprocal = most ? 0 : load<i32>(model + load<u32>(record, RECORD_AUX) + (real << 2));
  const history = arena + load<u32>(record, RECORD_STATE);
  for (let c = 0; c < n; c++) {
    let u = history + (c << 1);
    let y = most ? -32768 : 0;
    for (let tap = 0; tap < taps; tap++) {
      const value = <i32>load<i16>(u);
      y = most ? max(y, value) : y + value;
      u += stride;
    }
    store<i16>(row + (c << 1), <i16>(most ? y : scale16(y << 2, reciprocal)));
  }
  clearPad(row, n);
}

/** Running maximum or sums of GLOBAL_POOL; a masked row leaves them with MASK_OBEY. */
export function pushGlobalPool(record: usize, arena: usize, x: usize, masked: bool): void {
  const n = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  const state = arena + load<u32>(record, RECORD_STATE);
  if (load<u8>(record, RECORD_MODE) == POOL_MODE_MAX) {
    for (let c = 0; c < n; c++) {
      const at = state + (c << 1);
      store<i16>(at, max(<i32>load<i16>(at), <i32>load<i16>(x + (c << 1))));
    }
    return;
  }
  if (masked && load<u8>(record, RECORD_FLAGS) & FLAG_MASK_OBEY) return;
  store<u32>(state, load<u32>(state) + 1);
  for (let c = 0; c < n; c++) {
    const at = state + 16 + (c << 2);
    store<i32>(at, load<i32>(at) + <i32>load<i16>(x + (c << 1)));
  }
}

/** (31) */
export function globalPool(model: usize, record: usize, arena: usize): void {
  const n = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  const state = arena + load<u32>(record, RECORD_STATE);
  const row = arena + load<u32>(record, RECORD_OUTPUT);
  if (load<u8>(record, RECORD_MODE) == POOL_MODE_MAX) {
    copyWords(row, state, rowBytes(n));
    return;
  }
  let reciprocal = load<i32>(record, RECORD_MULTIPLIER);
  if (load<u8>(record, RECORD_FLAGS) & FLAG_MASK_OBEY) {
    reciprocal = load<i32>(model + load<u32>(record, RECORD_AUX) + (load<u32>(state) << 2));
  }
  for (let c = 0; c < n; c++) {
    const sum = load<i32>(state + 16 + (c << 2));
    store<i16>(row + (c << 1), <i16>scale16(sum << 2, reciprocal));
  }
  clearPad(row, n);
}
