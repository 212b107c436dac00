// GRU with its reset gate before or after the recurrent product, and minimal GRU, KERNELS.md 4 (22) to (25), (46), (47).
import {
  ACTIVATION_SIGMOID,
  ACTIVATION_TANH,
  KERNEL_GRU_RESET_AFTER,
  KERNEL_MINIMAL_GRU,
  RECORD_ACTIVATION,
  RECORD_ACTIVATION_PARAM,
  RECORD_GATE_ACTIVATION,
  RECORD_GATE_TABLE,
  RECORD_ROW_PARAMS,
  RECORD_SCRATCH,
  RECORD_STATE,
  RECORD_TABLE,
  RECORD_WEIGHTS,
  ROW_PARAM_BYTES,
} from "./format.gen";
import { activate, activateGate } from "./activation";
import { act8, sigmoid8, tanhHalf8 } from "./activation-simd";
import { clearPad, copyWords, rowBytes, sat16 } from "./arith";
import { BATCH, ROWS } from "./rows";
import { firstLanes } from "./vector";
import { inputBlocks, joinedOffset, joinedRows, outputSize, stateBlocks } from "./weighted";

// Rows of z, r, candidate (reset after: its input part) and the candidate's recurrent part lie in quarters of ROWS.
// @ts-ignore: decorator
@inline const PART: usize = BATCH * 4;

/** One time step: x is the input row, h in the state is updated. `kernel`: GRU, GRU_RESET_AFTER or MINIMAL_GRU. */
export function gru(model: usize, record: usize, arena: usize, x: usize, kernel: i32): void {
  const after = kernel == KERNEL_GRU_RESET_AFTER;
  const minimal = kernel == KERNEL_MINIMAL_GRU;
  const size = outputSize(record);
  const h = arena + load<u32>(record, RECORD_STATE);
  const next = arena + load<u32>(record, RECORD_SCRATCH);
  const reset = next + rowBytes(size);
  const nX = inputBlocks(record);
  const nH = stateBlocks(record);
  const row = <usize>(nX + nH) << 4;
  const sum = joinedOffset(record, x, nX, h);
  let w = model + load<u32>(record, RECORD_WEIGHTS);
  let params = model + load<u32>(record, RECORD_ROW_PARAMS);
  if (!after) {
    for (let u = 0; u < size; u += 4 * BATCH) {
      const units = min(4 * BATCH, size - u);
      const quads = (units + 3) >> 2;
      joinedRows(record, w, row, quads, x, nX, h, sum, params, ROW_PARAM_BYTES, ROWS);
      const at = <usize>u << 1;
      if (ASC_FEATURE_SIMD) resetUnits8(model, record, units, h + at, reset + at);
      else resetUnits(model, record, units, h + at, reset + at);
      if (minimal) for (let i = 0; i < units; i++) store<i16>(next + at + (i << 1), <i16>sat16(load<i32>(ROWS + (i << 2))));
      w += row * quads;
      params += ROW_PARAM_BYTES * quads;
    }
  }
  // before: z and candidate quads alternate, and the candidate sees r * h instead of h;
  // after: z, r over both parts, the candidate over x, the candidate over h;
  // minimal: candidate quads only, p of f waits in the row of the new h
  const sumX = joinedOffset(record, x, nX, after ? 0 : reset);
  const sumH = joinedOffset(record, h, nH, 0);
  const group = after ? row * 3 : minimal ? row : row * 2;
  const stride: usize = after ? 4 * ROW_PARAM_BYTES : minimal ? ROW_PARAM_BYTES : 2 * ROW_PARAM_BYTES;
  for (let u = 0; u < size; u += BATCH) {
    const units = min(BATCH, size - u);
    const quads = (units + 3) >> 2;
    const at = <usize>u << 1;
    let candidate = w;
    let own = params;
    if (minimal) {
      for (let i = 0; i < units; i++) store<i32>(ROWS + (i << 2), -<i32>load<i16>(next + at + (i << 1)));
    } else {
      joinedRows(record, w, group, quads, x, nX, h, sum, params, stride, ROWS);
      candidate += row;
      own += ROW_PARAM_BYTES;
    }
    if (after) {
      joinedRows(record, candidate, group, quads, x, nX, h, sum, own, stride, ROWS + PART);
      candidate += row;
      own += ROW_PARAM_BYTES;
      const recurrent = candidate + (<usize>nX << 4);
      joinedRows(record, recurrent, group, quads, h, nH, 0, sumH, own + ROW_PARAM_BYTES, stride, ROWS + PART * 3);
    }
    joinedRows(record, candidate, group, quads, x, nX, after ? 0 : reset, sumX, own, stride, ROWS + PART * 2);
    if (ASC_FEATURE_SIMD) updateUnits8(model, record, units, after, h + at, next + at);
    else updateUnits(model, record, units, after, h + at, next + at);
    w += group * quads;
    params += stride * quads;
  }
  copyWords(h, next, rowBytes(size));
}

/** (22): r * h of `units` units whose r rows are in ROWS. */
function resetUnits(model: usize, record: usize, units: i32, h: usize, reset: usize): void {
  for (let u = 0; u < units; u++) {
    const r = activateGate(model, record, load<i32>(ROWS + (u << 2)));
    store<i16>(reset + (u << 1), <i16>sat16((r * <i32>load<i16>(h + (u << 1)) + (1 << 14)) >> 15));
  }
  clearPad(reset, units);
}

function resetUnits8(model: usize, record: usize, units: i32, h: usize, reset: usize): void {
  const gate = <i32>load<u8>(record, RECORD_GATE_ACTIVATION);
  const table = model + load<u32>(record, RECORD_GATE_TABLE);
  let row = ROWS;
  for (let u = 0; u < units; u += 8) {
    const p = i16x8.narrow_i32x4_s(v128.load(row), v128.load(row, 16));
    const r = gate == ACTIVATION_SIGMOID ? sigmoid8(p) : act8(gate, p, 0, table);
    let y = i16x8.q15mulr_sat_s(r, v128.load(h));
    if (units - u < 8) y = v128.and(y, firstLanes(units - u));
    v128.store(reset, y);
    row += 32;
    h += 16;
    reset += 16;
  }
}

/** (23), (24) of `units` units; (25) where the reset gate acts after. */
function updateUnits(
  model: usize, record: usize, units: i32, after: bool, h: usize, next: usize,
): void {
  for (let u = 0; u < units; u++) {
    const z = ROWS + (u << 2);
    let p = load<i32>(z, 2 * PART);
    if (after) {
      const r = activateGate(model, record, load<i32>(z, PART));
      p = 2 * p + ((r * load<i32>(z, 3 * PART) + (1 << 13)) >> 14);
    }
    const keep = activateGate(model, record, load<i32>(z));
    const g = activate(model, record, p);
    const old = <i32>load<i16>(h + (u << 1));
    store<i16>(next + (u << 1), <i16>sat16(g + ((keep * (old - g) + (1 << 14)) >> 15)));
  }
  clearPad(next, units);
}

function updateUnits8(
  model: usize, record: usize, units: i32, after: bool, h: usize, next: usize,
): void {
  const gate = <i32>load<u8>(record, RECORD_GATE_ACTIVATION);
  const gateTable = model + load<u32>(record, RECORD_GATE_TABLE);
  const kind = <i32>load<u8>(record, RECORD_ACTIVATION);
  const table = model + load<u32>(record, RECORD_TABLE);
  const usual = gate == ACTIVATION_SIGMOID && kind == ACTIVATION_TANH;
  const half = i32x4.splat(1 << 14);
  for (let u = 0; u < units; u += 8) {
    const z = ROWS + (<usize>u << 2);
    let low = v128.load(z, 2 * PART);
    let high = v128.load(z, 2 * PART + 16);
    if (after) {
      let r = i16x8.narrow_i32x4_s(v128.load(z, PART), v128.load(z, PART + 16));
      r = usual ? sigmoid8(r) : act8(gate, r, 0, gateTable);
      low = scaledSum(low, i32x4.extend_low_i16x8_s(r), v128.load(z, 3 * PART));
      high = scaledSum(high, i32x4.extend_high_i16x8_s(r), v128.load(z, 3 * PART + 16));
    }
    let g = i16x8.narrow_i32x4_s(low, high);
    let keep = i16x8.narrow_i32x4_s(v128.load(z), v128.load(z, 16));
    if (usual) {
      g = tanhHalf8(g);
      keep = sigmoid8(keep);
    } else {
      g = act8(kind, g, load<i16>(record, RECORD_ACTIVATION_PARAM), table);
      keep = act8(gate, keep, 0, gateTable);
    }
    const old = v128.load(h + (u << 1));
    low = i32x4.sub(i32x4.extmul_low_i16x8_s(keep, old), i32x4.extmul_low_i16x8_s(keep, g));
    high = i32x4.sub(i32x4.extmul_high_i16x8_s(keep, old), i32x4.extmul_high_i16x8_s(keep, g));
    low = i32x4.add(i32x4.extend_low_i16x8_s(g), i32x4.shr_s(i32x4.add(low, half), 15));
    high = i32x4.add(i32x4.extend_high_i16x8_s(g), i32x4.shr_s(i32x4.add(high, half), 15));
    let y = i16x8.narrow_i32x4_s(low, high);
    if (units - u < 8) y = v128.and(y, firstLanes(units - u));
    v128.store(next + (u << 1), y);
  }
}

/** 2 * q + ((r * s + 2^13) >> 14), modulo 2^32. */
// @ts-ignore: decorator
@inline
function scaledSum(q: v128, r: v128, s: v128): v128 {
  const product = i32x4.add(i32x4.mul(r, s), i32x4.splat(1 << 13));
  return i32x4.add(i32x4.shl(q, 1), i32x4.shr_s(product, 14));
}
