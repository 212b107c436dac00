import { AFFINE_ENTRY_BYTES, pad8, pad16, TABLE_BYTES } from "./schema.js";

/** One channel of (32): y = sat16((x * multiplier + bias) >> shift). */
export interface AffineEntry {
  /** int64, rounding included: real offset * 2^shift / scale + 2^(shift - 1). */
  readonly bias: bigint;
  /** int32. */
  readonly multiplier: number;
  /** 0..62. */
  readonly shift: number;
}

/** Affine entries as they lie in an aux tensor: i64 bias, i32 multiplier, u32 shift. */
export function affineBytes(entries: readonly AffineEntry[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(entries.length * AFFINE_ENTRY_BYTES));
  entries.forEach(({ bias, multiplier, shift }, index) => {
    view.setBigInt64(index * AFFINE_ENTRY_BYTES, bias, true);
    view.setInt32(index * AFFINE_ENTRY_BYTES + 8, multiplier, true);
    view.setUint32(index * AFFINE_ENTRY_BYTES + 12, shift, true);
  });
  return new Uint8Array(view.buffer);
}

/** Inverse of `affineBytes` for `count` entries beginning at `offset`. */
export function readAffine(bytes: Uint8Array, count: number, offset = 0): AffineEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, count * AFFINE_ENTRY_BYTES);
  return Array.from({ length: count }, (_, i) => ({
    bias: view.getBigInt64(i * AFFINE_ENTRY_BYTES, true),
    multiplier: view.getInt32(i * AFFINE_ENTRY_BYTES + 8, true),
    shift: view.getUint32(i * AFFINE_ENTRY_BYTES + 12, true),
  }));
}

/** int16 values little-endian, padded with zeros to `bytes` (default: a row, pad8). */
export function int16Bytes(values: ArrayLike<number>, bytes = 2 * pad8(values.length)): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  for (let i = 0; i < values.length; i++) view.setInt16(2 * i, values[i]!, true);
  return new Uint8Array(view.buffer);
}

/** int32 values little-endian, padded with zeros to a multiple of 16 bytes. */
export function int32Bytes(values: ArrayLike<number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(pad16(4 * values.length)));
  for (let i = 0; i < values.length; i++) view.setInt32(4 * i, values[i]!, true);
  return new Uint8Array(view.buffer);
}

/** Activation table of 257 int16 as it lies in the file. */
export const tableBytes = (table: Int16Array): Uint8Array => int16Bytes(table, TABLE_BYTES);

/** R of (30), (31): round(2^30 / n) for n = 0 .. count, R[0] = 0. */
export const averageReciprocals = (count: number): Int32Array =>
  Int32Array.from({ length: count + 1 }, (_, n) => (n === 0 ? 0 : Math.round(2 ** 30 / n)));

/** aux of POOL average and of GLOBAL_POOL average with MASK_OBEY. */
export const averageBytes = (count: number): Uint8Array => int32Bytes(averageReciprocals(count));

/** aux of LAYER_NORM: E, 8 zero bytes, affine entries. */
export function layerNormBytes(epsilon: bigint, entries: readonly AffineEntry[]): Uint8Array {
  const bytes = new Uint8Array(16 + entries.length * AFFINE_ENTRY_BYTES);
  new DataView(bytes.buffer).setBigInt64(0, epsilon, true);
  bytes.set(affineBytes(entries), 16);
  return bytes;
}

/** Row-major int8 rows with each row padded to 16 bytes: weights of EMBEDDING and DEPTHWISE_CONV1D. */
export function packByteRows(weights: Int8Array, rows: number, columns: number): Uint8Array {
  const stride = pad16(columns);
  const bytes = new Uint8Array(rows * stride);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns; c++) bytes[row * stride + c] = weights[row * columns + c]!;
  }
  return bytes;
}
