// LSTM, KERNELS.md 4: quad u holds the rows i, f, c, o of unit u.
import {
  ACTIVATION_SIGMOID,
  ACTIVATION_TANH,
  RECORD_ACTIVATION,
  RECORD_ACTIVATION_PARAM,
  RECORD_GATE_ACTIVATION,
  RECORD_GATE_TABLE,
  RECORD_MULTIPLIER,
  RECORD_ROW_PARAMS,
  RECORD_SCRATCH,
  RECORD_SHIFT,
  RECORD_STATE,
  RECORD_TABLE,
  RECORD_WEIGHTS,
  ROW_PARAM_BYTES,
} from "./format.gen";
import { act, activate, activateGate, sigmoid, tanh } from "./activation";
import { act8, sigmoid8, tanhHalf8 } from "./activation-simd";
import { clearPad, copyWords, mulh, rowBytes, sat16 } from "./arith";
import { FEWEST_BYTES } from "./features";
import { BATCH, ROWS } from "./rows";
import { firstLanes, scale8 } from "./vector";
import { inputBlocks, joinedOffset, joinedRows, outputSize, stateBlocks } from "./weighted";

/** One time step: x is the input row, the state h then c is updated. */
export function lstm(model: usize, record: usize, arena: usize, x: usize): void {
  const size = outputSize(record);
  const h = arena + load<u32>(record, RECORD_STATE);
  const c = h + rowBytes(size);
  const next = arena + load<u32>(record, RECORD_SCRATCH);
  const nX = inputBlocks(record);
  const stride = <usize>(nX + stateBlocks(record)) << 4;
  const sum = joinedOffset(record, x, nX, h);
  let w = model + load<u32>(record, RECORD_WEIGHTS);
  let params = model + load<u32>(record, RECORD_ROW_PARAMS);
  for (let u = 0; u < size; u += BATCH) {
    const units = min(BATCH, size - u);
    joinedRows(record, w, stride, units, x, nX, h, sum, params, ROW_PARAM_BYTES, ROWS);
    w += stride * BATCH;
    params += ROW_PARAM_BYTES * BATCH;
    const at = <usize>u << 1;
    if (ASC_FEATURE_SIMD) updateUnits8(model, record, units, c + at, next + at);
    else updateUnits(model, record, units, c + at, next + at);
  }
  if (!ASC_FEATURE_SIMD) {
    clearPad(c, size);
    clearPad(next, size);
  }
  copyWords(h, next, rowBytes(size));
}

// The engines read the record's fields once a batch; self-contained modules do it at each call, which is shorter.
// @ts-ignore: decorator
@inline
function gateOf(model: usize, record: usize, gate: i32, q: i32, table: usize): i32 {
  if (FEWEST_BYTES) return activateGate(model, record, q);
  return gate == ACTIVATION_SIGMOID ? sigmoid(q) : act(gate, q, 0, table);
}

// @ts-ignore: decorator
@inline
function unitOf(model: usize, record: usize, kind: i32, q: i32, param: i32, table: usize): i32 {
  if (FEWEST_BYTES) return activate(model, record, q);
  return kind == ACTIVATION_TANH ? tanh(q) : act(kind, q, param, table);
}

/** (18) to (21) of `units` units; c and next at the first of them. */
function updateUnits(model: usize, record: usize, units: i32, c: usize, next: usize): void {
  const gate = <i32>load<u8>(record, RECORD_GATE_ACTIVATION);
  const kind = <i32>load<u8>(record, RECORD_ACTIVATION);
  const shift = <i32>load<u8>(record, RECORD_SHIFT);
  const multiplier = load<i32>(record, RECORD_MULTIPLIER);
  const param = <i32>load<i16>(record, RECORD_ACTIVATION_PARAM);
  const table = model + load<u32>(record, RECORD_TABLE);
  const gateTable = model + load<u32>(record, RECORD_GATE_TABLE);
  let row = ROWS;
  for (let u = 0; u < units; u++) {
    const i = gateOf(model, record, gate, load<i32>(row), gateTable);
    const f = gateOf(model, record, gate, load<i32>(row, 4), gateTable);
    const g = unitOf(model, record, kind, load<i32>(row, 8), param, table);
    const o = gateOf(model, record, gate, load<i32>(row, 12), gateTable);
    const cell = sat16((f * <i32>load<i16>(c) + ((i * g) >> shift) + (1 << 14)) >> 15);
    store<i16>(c, <i16>cell);
    const t = unitOf(model, record, kind, mulh(cell << 16, multiplier), param, table);
    store<i16>(next, <i16>sat16((o * t + (1 << 14)) >> 15));
    row += 16;
    c += 2;
    next += 2;
  }
}

/**
 * The same, eight units at a time; the lanes behind the last unit become zero. Cells first, then outputs: of one loop, each
 * turn would wait for two look-ups one after the other. `next` holds the output gate in between.
 */
function updateUnits8(model: usize, record: usize, units: i32, c: usize, next: usize): void {
  const gate = <i32>load<u8>(record, RECORD_GATE_ACTIVATION);
  const kind = <i32>load<u8>(record, RECORD_ACTIVATION);
  const shift = <i32>load<u8>(record, RECORD_SHIFT);
  const multiplier = load<i32>(record, RECORD_MULTIPLIER);
  const param = <i32>load<i16>(record, RECORD_ACTIVATION_PARAM);
  const table = model + load<u32>(record, RECORD_TABLE);
  const gateTable = model + load<u32>(record, RECORD_GATE_TABLE);
  const usual = gate == ACTIVATION_SIGMOID && kind == ACTIVATION_TANH;
  let row = ROWS;
  for (let u = 0; u < units; u += 8) {
    // i f c o of two units a vector, then each gate of eight units
    const a = i16x8.narrow_i32x4_s(v128.load(row), v128.load(row, 16));
    const b = i16x8.narrow_i32x4_s(v128.load(row, 32), v128.load(row, 48));
    const d = i16x8.narrow_i32x4_s(v128.load(row, 64), v128.load(row, 80));
    const e = i16x8.narrow_i32x4_s(v128.load(row, 96), v128.load(row, 112));
    const evenA = v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    const oddA = v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    const evenB = v128.shuffle<i16>(d, e, 0, 8, 1, 9, 2, 10, 3, 11);
    const oddB = v128.shuffle<i16>(d, e, 4, 12, 5, 13, 6, 14, 7, 15);
    const inputForgetA = v128.shuffle<i16>(evenA, oddA, 0, 8, 1, 9, 2, 10, 3, 11);
    const cellOutputA = v128.shuffle<i16>(evenA, oddA, 4, 12, 5, 13, 6, 14, 7, 15);
    const inputForgetB = v128.shuffle<i16>(evenB, oddB, 0, 8, 1, 9, 2, 10, 3, 11);
    const cellOutputB = v128.shuffle<i16>(evenB, oddB, 4, 12, 5, 13, 6, 14, 7, 15);
    let i = v128.shuffle<i64>(inputForgetA, inputForgetB, 0, 2);
    let f = v128.shuffle<i64>(inputForgetA, inputForgetB, 1, 3);
    let g = v128.shuffle<i64>(cellOutputA, cellOutputB, 0, 2);
    let o = v128.shuffle<i64>(cellOutputA, cellOutputB, 1, 3);
    if (usual) {
      i = sigmoid8(i);
      f = sigmoid8(f);
      g = tanhHalf8(g);
      o = sigmoid8(o);
    } else {
      i = act8(gate, i, 0, gateTable);
      f = act8(gate, f, 0, gateTable);
      g = act8(kind, g, param, table);
      o = act8(gate, o, 0, gateTable);
    }
    const old = v128.load(c + (u << 1));
    const half = i32x4.splat(1 << 14);
    const low = i32x4.add(
      i32x4.extmul_low_i16x8_s(f, old),
      i32x4.shr_s(i32x4.extmul_low_i16x8_s(i, g), shift),
    );
    const high = i32x4.add(
      i32x4.extmul_high_i16x8_s(f, old),
      i32x4.shr_s(i32x4.extmul_high_i16x8_s(i, g), shift),
    );
    const cell = i16x8.narrow_i32x4_s(i32x4.shr_s(i32x4.add(low, half), 15), i32x4.shr_s(i32x4.add(high, half), 15));
    v128.store(c + (u << 1), units - u < 8 ? v128.and(cell, firstLanes(units - u)) : cell);
    v128.store(next + (u << 1), o);
    row += 128;
  }
  for (let u = 0; u < units; u += 8) {
    let t = scale8(v128.load(c + (u << 1)), multiplier);
    t = usual ? tanhHalf8(t) : act8(kind, t, param, table);
    const h = i16x8.q15mulr_sat_s(v128.load(next + (u << 1)), t);
    v128.store(next + (u << 1), units - u < 8 ? v128.and(h, firstLanes(units - u)) : h);
  }
}
