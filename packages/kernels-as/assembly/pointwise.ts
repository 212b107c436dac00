// Kernels that write one row for each row, KERNELS.md 5, without weights in quads.
import {
  AFFINE_ENTRY_BYTES,
  FLAG_MASK_ANY,
  FLAG_MASK_SET,
  FLAG_MASK_ZERO,
  MERGE_MODE_ADD,
  MERGE_MODE_CONCAT,
  MERGE_MODE_MAXIMUM,
  MERGE_MODE_MULTIPLY,
  RECORD_AUX,
  RECORD_DEPTH_MULTIPLIER,
  RECORD_FLAGS,
  RECORD_INPUT_SIZE,
  RECORD_MODE,
  RECORD_MULTIPLIER,
  RECORD_MULTIPLIER_A,
  RECORD_MULTIPLIER_B,
  RECORD_OUTPUT,
  RECORD_OUTPUT_SIZE,
  RECORD_SHIFT,
  RECORD_WEIGHTS,
} from "./format.gen";
import { activate } from "./activation";
import { clearPad, copyWords, fillRow, mulh, rowBytes, scale16, shift16 } from "./arith";

// @ts-ignore: decorator
@inline
function inputSize(record: usize): i32 {
  return load<u16>(record, RECORD_INPUT_SIZE);
}

// @ts-ignore: decorator
@inline
function aux(model: usize, record: usize): usize {
  return model + load<u32>(record, RECORD_AUX);
}

/** (32): entry is B, M, s; x any int32. */
export function affineValue(x: i32, entry: usize): i32 {
  const y = (<i64>x * <i64>load<i32>(entry, 8) + load<i64>(entry)) >> (load<u32>(entry, 12) & 63);
  return <i32>max<i64>(min<i64>(y, 32767), -32768);
}

/** AFFINE; x may lie on any even address. */
export function affine(model: usize, record: usize, arena: usize, x: usize): void {
  const n = inputSize(record);
  const row = arena + load<u32>(record, RECORD_OUTPUT);
  let entry = aux(model, record);
  for (let c = 0; c < n; c++) {
    store<i16>(row + (c << 1), <i16>affineValue(load<i16>(x + (c << 1)), entry));
    entry += AFFINE_ENTRY_BYTES;
  }
  clearPad(row, n);
}

/** Whether all (MASK_ANY: some) values of a row equal the codes. */
function matches(record: usize, codes: usize, x: usize): bool {
  const n = inputSize(record);
  const some = (load<u8>(record, RECORD_FLAGS) & FLAG_MASK_ANY) != 0;
  for (let c = 0; c < n; c++) {
    const equal = load<i16>(x + (c << 1)) == load<i16>(codes + (c << 1));
    if (equal == some) return some;
  }
  return !some;
}

function zeroWhereAsked(record: usize, arena: usize): void {
  if (load<u8>(record, RECORD_FLAGS) & FLAG_MASK_ZERO) {
    fillRow(arena + load<u32>(record, RECORD_OUTPUT), load<u16>(record, RECORD_OUTPUT_SIZE), 0);
  }
}

/** INPUT; returns whether the raw counts show the mask. */
export function input(model: usize, record: usize, arena: usize, x: usize): bool {
  affine(model, record, arena, x);
  if (!(load<u8>(record, RECORD_FLAGS) & FLAG_MASK_SET)) return false;
  const codes = aux(model, record) + <usize>inputSize(record) * AFFINE_ENTRY_BYTES;
  if (!matches(record, codes, x)) return false;
  zeroWhereAsked(record, arena);
  return true;
}

/** (33); the token was checked. Returns whether it is a masked one. */
export function embedding(model: usize, record: usize, arena: usize, x: usize): bool {
  const n = <i32>load<u16>(record, RECORD_OUTPUT_SIZE);
  const token = <usize>load<u16>(x);
  const row = arena + load<u32>(record, RECORD_OUTPUT);
  const weights = model + load<u32>(record, RECORD_WEIGHTS) + token * <usize>((n + 15) & ~15);
  const multiplier = <i32>load<i16>(aux(model, record) + (token << 1));
  for (let c = 0; c < n; c++) store<i16>(row + (c << 1), <i16>shift16(<i32>load<i8>(weights + c) * multiplier, 0));
  clearPad(row, n);
  return token == 0 && (load<u8>(record, RECORD_FLAGS) & FLAG_MASK_SET) != 0;
}

/** MASK; returns whether the row shows it. */
export function mask(model: usize, record: usize, arena: usize, x: usize): bool {
  copyWords(arena + load<u32>(record, RECORD_OUTPUT), x, rowBytes(inputSize(record)));
  if (!matches(record, aux(model, record), x)) return false;
  zeroWhereAsked(record, arena);
  return true;
}

/** (34) */
export function activation(model: usize, record: usize, arena: usize, x: usize): void {
  const n = inputSize(record);
  const multiplier = load<i32>(record, RECORD_MULTIPLIER);
  const row = arena + load<u32>(record, RECORD_OUTPUT);
  for (let c = 0; c < n; c++) {
    const p = mulh(<i32>load<i16>(x + (c << 1)) << 16, multiplier);
    store<i16>(row + (c << 1), <i16>activate(model, record, p));
  }
  clearPad(row, n);
}

/** (35) */
export function prelu(model: usize, record: usize, arena: usize, x: usize): void {
  const n = inputSize(record);
  const slopes = aux(model, record);
  const shift = <i32>load<u8>(record, RECORD_SHIFT);
  const row = arena + load<u32>(record, RECORD_OUTPUT);
  for (let c = 0; c < n; c++) {
    const value = <i32>load<i16>(x + (c << 1));
    const y = value >= 0 ? value : shift16(value * <i32>load<i16>(slopes + (c << 1)), shift);
    store<i16>(row + (c << 1), <i16>y);
  }
  clearPad(row, n);
}

/** (36) to (39) of the rows a and b. */
export function merge(record: usize, arena: usize, a: usize, b: usize): void {
  const n = inputSize(record);
  const mode = <i32>load<u8>(record, RECORD_MODE);
  const multiplier = load<i32>(record, RECORD_MULTIPLIER);
  const multiplierA = load<i32>(record, RECORD_MULTIPLIER_A);
  const multiplierB = load<i32>(record, RECORD_MULTIPLIER_B);
  const shift = <i32>load<u8>(record, RECORD_SHIFT);
  const row = arena + load<u32>(record, RECORD_OUTPUT);
  for (let c = 0; c < n; c++) {
    const x = <i32>load<i16>(a + (c << 1));
    let y = shift16(x * multiplierA, shift);
    if (mode != MERGE_MODE_CONCAT) {
      const other = <i32>load<i16>(b + (c << 1));
      const scaled = shift16(other * multiplierB, shift);
      if (mode == MERGE_MODE_ADD) y = shift16(x * multiplierA + other * multiplierB, shift);
      else if (mode == MERGE_MODE_MULTIPLY) y = scale16(x * other, multiplier);
      else if (mode == MERGE_MODE_MAXIMUM) y = max(y, scaled);
      else y = min(y, scaled);
    }
    store<i16>(row + (c << 1), <i16>y);
  }
  if (mode == MERGE_MODE_CONCAT) {
    for (let c = 0, n1 = <i32>load<u16>(record, RECORD_DEPTH_MULTIPLIER); c < n1; c++) {
      const other = <i32>load<i16>(b + (c << 1));
      store<i16>(row + ((n + c) << 1), <i16>shift16(other * multiplierB, shift));
    }
  }
  clearPad(row, load<u16>(record, RECORD_OUTPUT_SIZE));
}
