// What kernels with quads share: rows over one or two parts (KERNELS.md 3), and the activated row.
import {
  ACTIVATION_RELU,
  FLAG_OUT32,
  KERNEL_FASTGRNN,
  RECORD_ACTIVATION,
  RECORD_ACTIVATION_PARAM,
  RECORD_ALIGN_SHIFT,
  RECORD_BITS,
  RECORD_FLAGS,
  RECORD_INPUT_SIZE,
  RECORD_KERNEL,
  RECORD_OUTPUT_SIZE,
  RECORD_RECURRENT_FIRST,
  RECORD_ROW_PARAMS,
  RECORD_TABLE,
  RECORD_WEIGHTS,
  ROW_PARAM_BYTES,
} from "./format.gen";
import { activate } from "./activation";
import { act8 } from "./activation-simd";
import { clearPad, sat16 } from "./arith";
import { fastGrnnUnits } from "./fastgrnn";
import { WEIGHT_BITS } from "./features";
import { BATCH, ROWS, blocks, quadRows, rowOffset } from "./rows";
import { firstLanes } from "./vector";

// @ts-ignore: decorator
@inline
export function weightBits(record: usize): i32 {
  return WEIGHT_BITS ? WEIGHT_BITS : <i32>load<u8>(record, RECORD_BITS);
}

export function outputSize(record: usize): i32 {
  return load<u16>(record, RECORD_OUTPUT_SIZE);
}

export function inputBlocks(record: usize): i32 {
  return blocks(load<u16>(record, RECORD_INPUT_SIZE), weightBits(record));
}

export function stateBlocks(record: usize): i32 {
  return blocks(load<u16>(record, RECORD_OUTPUT_SIZE), weightBits(record));
}

/**
 * rowOffset over x (nX blocks) and the recurrent row h, joined as (13) says.
 * @param h 0: there is only x
 */
export function joinedOffset(record: usize, x: usize, nX: i32, h: usize): i32 {
  const bits = weightBits(record);
  const k = <i32>load<u8>(record, RECORD_ALIGN_SHIFT);
  const sumX = rowOffset(x, nX, bits);
  if (!h) return sumX;
  const sumH = rowOffset(h, stateBlocks(record), bits);
  return load<u8>(record, RECORD_RECURRENT_FIRST) ? (sumH << k) + sumX : (sumX << k) + sumH;
}

/** quadRows over x and h in the order of the file; h = 0: over x alone. */
export function joinedRows(
  record: usize, w: usize, stride: usize, quads: i32, x: usize, nX: i32, h: usize,
  sum: i32, params: usize, paramStride: usize, out: usize,
): void {
  const bits = weightBits(record);
  let k = <i32>load<u8>(record, RECORD_ALIGN_SHIFT);
  let nH = stateBlocks(record);
  if (!h) {
    k = 0;
    nH = 0;
  } else if (load<u8>(record, RECORD_RECURRENT_FIRST)) {
    const u = x;
    x = h;
    h = u;
    const n = nX;
    nX = nH;
    nH = n;
  }
  quadRows(bits, w, stride, quads, x, nX, h, nH, k, sum, params, paramStride, out);
}

/**
 * y = act(W [x; h] + b): RNN, DENSE, CONV1D (h = 0); the sums themselves with OUT32; the new h of FASTGRNN.
 * @param nX blocks of x
 */
export function weightedRow(model: usize, record: usize, x: usize, nX: i32, h: usize, row: usize): void {
  const size = outputSize(record);
  const wide = <i32>load<u8>(record, RECORD_FLAGS) & FLAG_OUT32;
  const sum = joinedOffset(record, x, nX, h);
  const stride = <usize>(nX + (h ? stateBlocks(record) : 0)) << 4;
  let w = model + load<u32>(record, RECORD_WEIGHTS);
  let params = model + load<u32>(record, RECORD_ROW_PARAMS);
  for (let r = 0; r < size; r += 4 * BATCH) {
    const n = min(4 * BATCH, size - r);
    joinedRows(record, w, stride, (n + 3) >> 2, x, nX, h, sum, params, ROW_PARAM_BYTES, ROWS);
    if (wide) wideRow(record, n, row + (r << 2));
    else if (load<u8>(record, RECORD_KERNEL) == KERNEL_FASTGRNN) fastGrnnUnits(model, record, n, r << 1, h, row);
    else activateRow(model, record, ROWS, n, row + (r << 1));
    w += stride * BATCH;
    params += ROW_PARAM_BYTES * BATCH;
  }
}

function wideRow(record: usize, n: i32, row: usize): void {
  const least = load<u8>(record, RECORD_ACTIVATION) == ACTIVATION_RELU ? 0 : i32.MIN_VALUE;
  for (let i = 0; i < n; i++) store<i32>(row + (i << 2), max(load<i32>(ROWS + (i << 2)), least));
  for (let i = n; i & 3; i++) store<i32>(row + (i << 2), 0);
}

/** act(`activation`, sat16(q)) of `n` results at q into a row; lanes behind them become zero up to the next eight. */
export function activateRow(model: usize, record: usize, q: usize, n: i32, row: usize): void {
  if (ASC_FEATURE_SIMD) {
    const kind = <i32>load<u8>(record, RECORD_ACTIVATION);
    const param = <i32>load<i16>(record, RECORD_ACTIVATION_PARAM);
    const table = model + load<u32>(record, RECORD_TABLE);
    for (let i = 0; i < n; i += 8) {
      let y = act8(kind, i16x8.narrow_i32x4_s(v128.load(q), v128.load(q, 16)), param, table);
      if (n - i < 8) y = v128.and(y, firstLanes(n - i));
      v128.store(row, y);
      q += 32;
      row += 16;
    }
  } else {
    for (let i = 0; i < n; i++) {
      store<i16>(row + (i << 1), <i16>activate(model, record, load<i32>(q + (i << 2))));
    }
    clearPad(row, n);
  }
}
