// Activation functions, KERNELS.md 2.
import {
  ACTIVATION_HARD_SIGMOID,
  ACTIVATION_LEAKY,
  ACTIVATION_LINEAR,
  ACTIVATION_RELU,
  ACTIVATION_SIGMOID,
  ACTIVATION_TANH,
  RECORD_ACTIVATION,
  RECORD_ACTIVATION_PARAM,
  RECORD_GATE_ACTIVATION,
  RECORD_GATE_TABLE,
  RECORD_TABLE,
} from "./format.gen";
import { sat16 } from "./arith";
import { RARE_ACTIVATIONS } from "./features";
import { TANH_HALF, TANH_HALF_PACKED } from "./tables.gen";

/**
 * Makes TANH_HALF from its packed bytes: second differences in their lower six bits; in the upper two what a value is more
 * than the one before and its difference.
 */
export function unpackTanhHalf(): void {
  let value = 0;
  let difference = 1024;
  for (let i: usize = 0; i < 257; i++) {
    const packed = <i32>load<i8>(TANH_HALF_PACKED + i);
    difference += (packed << 26) >> 26;
    store<u32>(TANH_HALF + (i << 2), (value << 16) | difference);
    value += difference + (packed >> 6);
  }
}

/** (4) 32768 * tanh(p / 4096) for -32768 <= p <= 32767. */
// @ts-ignore: decorator
@inline
export function tanhHalf(p: i32): i32 {
  const s = p >> 31;
  const a = (p ^ s) - s;
  const w = load<u32>((a >> 5) & ~3, TANH_HALF);
  const y = (w >>> 16) + (((w & 0xffff) * (a & 127)) >>> 7);
  return (y ^ s) - s;
}

/** tanhHalf(sat16(q)), not inlined. */
export function tanh(q: i32): i32 {
  return tanhHalf(sat16(q));
}

/** (7) of sat16(q). */
// @ts-ignore: decorator
@inline
export function sigmoid(q: i32): i32 {
  return (tanh(q) + 32768) >> 1;
}

/**
 * (5) to (11) for one pre-activation, which is saturated here.
 * @param param upper clip of RELU, slope of LEAKY
 * @param table 257 int16, read for TABLE only
 */
export function act(kind: i32, q: i32, param: i32, table: usize): i32 {
  const p = sat16(q);
  if (kind == ACTIVATION_SIGMOID || kind == ACTIVATION_TANH) {
    const y = tanhHalf(p);
    return kind == ACTIVATION_TANH ? y : (y + 32768) >> 1;
  }
  if (kind == ACTIVATION_LINEAR) return p;
  if (kind == ACTIVATION_RELU || !RARE_ACTIVATIONS) return min(max(p, 0), param);
  if (kind == ACTIVATION_HARD_SIGMOID) return min(max(p + 16384, 0), 32767);
  if (kind == ACTIVATION_LEAKY) return p >= 0 ? p : (p * param + (1 << 14)) >> 15;
  const u = p + 32768;
  const t = table + ((u >> 8) << 1);
  const left = <i32>load<i16>(t);
  return left + (((<i32>load<i16>(t, 2) - left) * (u & 255) + 128) >> 8);
}

/** act(`activation`, sat16(q)) */
export function activate(model: usize, record: usize, q: i32): i32 {
  const kind = <i32>load<u8>(record, RECORD_ACTIVATION);
  return act(kind, q, load<i16>(record, RECORD_ACTIVATION_PARAM), model + load<u32>(record, RECORD_TABLE));
}

/** act(`gateActivation`, sat16(q)) */
export function activateGate(model: usize, record: usize, q: i32): i32 {
  const kind = <i32>load<u8>(record, RECORD_GATE_ACTIVATION);
  return act(kind, q, 0, model + load<u32>(record, RECORD_GATE_TABLE));
}
