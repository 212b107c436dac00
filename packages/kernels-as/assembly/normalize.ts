// LAYER_NORM and SOFTMAX, KERNELS.md 5 (40) to (45): tables and Newton steps, no division.
import {
  AFFINE_ENTRY_BYTES,
  RECORD_AUX,
  RECORD_INPUT_SIZE,
  RECORD_MULTIPLIER,
  RECORD_OUTPUT,
  RECORD_SCRATCH,
} from "./format.gen";
import { clearPad } from "./arith";
import { affineValue } from "./pointwise";

/**
 * RSQRT[i - 32] of KERNELS.md (41), 2^15 / sqrt((i + 1/2) / 128) rounded, found bit by bit: the largest r with
 * (r - 1/2)^2 (2 i + 1) <= 2^38. Once a row, this is cheaper than 192 bytes of table.
 */
function inverseRoot(i: u64): u32 {
  let r: u64 = 0;
  for (let bit: u64 = 1 << 15; bit; bit >>= 1) {
    const twice = 2 * (r | bit) - 1;
    if (twice * twice * (2 * i + 1) <= (<u64>1 << 40)) r |= bit;
  }
  return <u32>r;
}

export function layerNorm(model: usize, record: usize, arena: usize, x: usize): void {
  const n = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  const aux = model + load<u32>(record, RECORD_AUX);
  const row = arena + load<u32>(record, RECORD_OUTPUT);
  let sum: i64 = 0;
  let squares: i64 = 0;
  for (let c = 0; c < n; c++) {
    const value = <i64>load<i16>(x + (c << 1));
    sum += value;
    squares += value * value;
  }
  const w = <u64>(<i64>n * squares - sum * sum + load<i64>(aux));
  const e = (63 - <i32>clz<u64>(w)) & ~1;
  const m = e <= 30 ? w << <u64>(30 - e) : w >> <u64>(e - 30);
  let r = <u64>inverseRoot(m >> 25) << 15;
  for (let i = 0; i < 2; i++) {
    const t = (r * r) >> 32;
    const u = (m * t) >> 32;
    r = (r * (0x30000000 - u)) >> 29;
  }
  const shift = <i64>(26 + ((e - 30) >> 1));
  let entry = aux + 16;
  for (let c = 0; c < n; c++) {
    const z = <i32>(((<i64>n * <i64>load<i16>(x + (c << 1)) - sum) * <i64>r) >> shift);
    store<i16>(row + (c << 1), <i16>affineValue(z, entry));
    entry += AFFINE_ENTRY_BYTES;
  }
  clearPad(row, n);
}

// 2^(32 - 2^k / 64), k = 0 .. 6.
// @ts-ignore: decorator
@lazy const ROOTS: usize = memory.data<u32>([
  0xfd3e0c0d, 0xfa83b2db, 0xf5257d15, 0xeac0c6e8, 0xd744fccb, 0xb504f334, 0x80000000,
]);

/** EXP2[j] of KERNELS.md (43), round(2^(24 - j / 64)): a product of roots of two, whose errors stay below 1/40. */
function powerOfTwo(j: i32): u32 {
  let r: u64 = 0x80000000;
  for (let k = 0; k < 7; k++) {
    if ((j >> k) & 1) r = (r * load<u32>(ROOTS + (k << 2)) + 0x80000000) >> 32;
  }
  return <u32>((r + 64) >> 7);
}

export function softmax(model: usize, record: usize, arena: usize, x: usize): void {
  const n = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  const multiplier = <u64>load<i32>(record, RECORD_MULTIPLIER);
  const row = arena + load<u32>(record, RECORD_OUTPUT);
  const powers = arena + load<u32>(record, RECORD_SCRATCH);
  let most = -32768;
  for (let c = 0; c < n; c++) most = max(most, <i32>load<i16>(x + (c << 1)));
  let sum: u64 = 0;
  for (let c = 0; c < n; c++) {
    const u = (<u64>(most - <i32>load<i16>(x + (c << 1))) * multiplier) >> 15;
    const k = u >> 16;
    const f = <i32>u & 0xffff;
    const left = powerOfTwo(f >> 10);
    const between = left - (((left - powerOfTwo((f >> 10) + 1)) * <u32>(f & 1023)) >> 10);
    const power = k > 30 ? 0 : between >> <u32>k;
    store<u32>(powers + (c << 2), power);
    sum += power;
  }
  const q = 32 - <i32>clz<u64>(sum);
  const m = q >= 0 ? sum >> <u64>q : sum << <u64>-q;
  let r = <u64>3031741620 - ((<u64>2021161080 * m) >> 32);
  for (let i = 0; i < 3; i++) r = (r * (0x80000000 - ((m * r) >> 32))) >> 30;
  for (let c = 0; c < n; c++) {
    const y = (<u64>load<u32>(powers + (c << 2)) * r) >> <u64>(47 + q);
    store<i16>(row + (c << 1), <i16>min<u64>(y, 32767));
  }
  clearPad(row, n);
}
