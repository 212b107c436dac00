// What a FASTGRNN does with its row sums, KERNELS.md 4 (48) to (51); the sums are those of an RNN.
import {
  ACTIVATION_SIGMOID,
  ACTIVATION_TANH,
  RECORD_ACTIVATION,
  RECORD_ACTIVATION_PARAM,
  RECORD_AUX,
  RECORD_GATE_ACTIVATION,
  RECORD_GATE_TABLE,
  RECORD_MULTIPLIER,
  RECORD_MULTIPLIER_A,
  RECORD_MULTIPLIER_B,
  RECORD_TABLE,
} from "./format.gen";
import { activate, activateGate } from "./activation";
import { act8, sigmoid8, tanhHalf8 } from "./activation-simd";
import { clearPad, scale16, shift16 } from "./arith";
import { ROWS } from "./rows";
import { firstLanes, scale8 } from "./vector";

/**
 * The new h of `units` units whose sums are in ROWS.
 * @param at   bytes from the first unit of the layer to the first of these
 * @param h    row of the old h
 * @param next row of the new h
 */
export function fastGrnnUnits(model: usize, record: usize, units: i32, at: usize, h: usize, next: usize): void {
  const difference = model + load<u32>(record, RECORD_AUX) + at;
  const multiplier = load<i32>(record, RECORD_MULTIPLIER);
  const zeta = load<i32>(record, RECORD_MULTIPLIER_A);
  const nu = load<i32>(record, RECORD_MULTIPLIER_B);
  h += at;
  next += at;
  if (ASC_FEATURE_SIMD) {
    units8(model, record, units, difference, h, next);
    return;
  }
  for (let u: usize = 0; u < <usize>units << 1; u += 2) {
    const p = shift16(load<i32>(ROWS + (u << 1)), 0);
    const z = activateGate(model, record, scale16(p << 16, multiplier) + <i32>load<i16>(difference + u));
    const k = nu + ((zeta * (32768 - z) + (1 << 14)) >> 15);
    store<i16>(next + u, <i16>shift16(k * activate(model, record, p) + z * <i32>load<i16>(h + u), 15));
  }
  clearPad(next, units);
}

/** The same, eight units at a time. */
function units8(model: usize, record: usize, units: i32, difference: usize, h: usize, next: usize): void {
  const gate = <i32>load<u8>(record, RECORD_GATE_ACTIVATION);
  const kind = <i32>load<u8>(record, RECORD_ACTIVATION);
  const multiplier = load<i32>(record, RECORD_MULTIPLIER);
  const zeta = i32x4.splat(load<i32>(record, RECORD_MULTIPLIER_A));
  const nu = i32x4.splat(load<i32>(record, RECORD_MULTIPLIER_B));
  let row = ROWS;
  for (; units > 0; units -= 8) {
    let g = i16x8.narrow_i32x4_s(v128.load(row), v128.load(row, 16));
    let z = i16x8.add_sat_s(scale8(g, multiplier), v128.load(difference));
    if (gate == ACTIVATION_SIGMOID && kind == ACTIVATION_TANH) {
      g = tanhHalf8(g);
      z = sigmoid8(z);
    } else {
      g = act8(kind, g, load<i16>(record, RECORD_ACTIVATION_PARAM), model + load<u32>(record, RECORD_TABLE));
      z = act8(gate, z, 0, model + load<u32>(record, RECORD_GATE_TABLE));
    }
    const old = v128.load(h);
    let y = i16x8.narrow_i32x4_s(
      mix(i32x4.extend_low_i16x8_s(z), i32x4.extend_low_i16x8_s(g), i32x4.extmul_low_i16x8_s(z, old), zeta, nu),
      mix(i32x4.extend_high_i16x8_s(z), i32x4.extend_high_i16x8_s(g), i32x4.extmul_high_i16x8_s(z, old), zeta, nu),
    );
    if (units < 8) y = v128.and(y, firstLanes(units));
    v128.store(next, y);
    row += 32;
    difference += 16;
    h += 16;
    next += 16;
  }
}

/** (50), (51) of four, not yet saturated; `kept` is z * h. */
// @ts-ignore: decorator
@inline
function mix(z: v128, g: v128, kept: v128, zeta: v128, nu: v128): v128 {
  const half = i32x4.splat(1 << 14);
  const open = i32x4.mul(zeta, i32x4.sub(i32x4.splat(32768), z));
  const k = i32x4.add(nu, i32x4.shr_s(i32x4.add(open, half), 15));
  return i32x4.shr_s(i32x4.add(i32x4.add(i32x4.mul(k, g), kept), half), 15);
}
