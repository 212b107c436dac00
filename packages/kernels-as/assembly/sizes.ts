// What a record needs of each kind, FORMAT.md 5. The fields' ranges are checked; every size fits in 32 bits unsigned.
import {
  ACTIVATION_TABLE,
  AFFINE_ENTRY_BYTES,
  FLAG_MASK_OBEY,
  FLAG_MASK_SET,
  FLAG_OUT32,
  KERNEL_AFFINE,
  KERNEL_CONV1D,
  KERNEL_DENSE,
  KERNEL_DEPTHWISE_CONV1D,
  KERNEL_EMBEDDING,
  KERNEL_FASTGRNN,
  KERNEL_FIFO,
  KERNEL_GLOBAL_POOL,
  KERNEL_GRU,
  KERNEL_GRU_RESET_AFTER,
  KERNEL_INPUT,
  KERNEL_LAYER_NORM,
  KERNEL_LSTM,
  KERNEL_MASK,
  KERNEL_MINIMAL_GRU,
  KERNEL_POOL,
  KERNEL_PRELU,
  KERNEL_REPEAT,
  KERNEL_RESHAPE,
  KERNEL_REVERSE,
  KERNEL_RNN,
  KERNEL_SOFTMAX,
  POOL_MODE_MAX,
  RECORD_ACTIVATION,
  RECORD_BITS,
  RECORD_DILATION,
  RECORD_FLAGS,
  RECORD_GATE_ACTIVATION,
  RECORD_INPUT_SIZE,
  RECORD_KERNEL,
  RECORD_MODE,
  RECORD_OUTPUT_SIZE,
  RECORD_ROWS_IN,
  RECORD_TAPS,
  RECORD_VOCABULARY,
  ROW_PARAM_BYTES,
  TABLE_BYTES,
} from "./format.gen";
import { pad2, pad4, pad8, rowBytes } from "./arith";
import { blocks } from "./rows";
import { historyRows } from "./windowed";

// Kernels as bits.
// @ts-ignore: decorator
@inline const RECURRENT: i32 =
  (1 << KERNEL_RNN) | (1 << KERNEL_LSTM) | (1 << KERNEL_GRU) | (1 << KERNEL_GRU_RESET_AFTER) |
  (1 << KERNEL_MINIMAL_GRU) | (1 << KERNEL_FASTGRNN);

function pad16(n: i32): i32 {
  return (n + 15) & ~15;
}

// @ts-ignore: decorator
@inline
function average(record: usize): bool {
  return load<u8>(record, RECORD_MODE) != POOL_MODE_MAX;
}

/** RNN, LSTM, the GRUs and FASTGRNN. */
// @ts-ignore: decorator
@inline
export function isRecurrent(kernel: i32): bool {
  return ((RECURRENT >> kernel) & 1) != 0;
}

/** Kernels whose output row is their state. */
// @ts-ignore: decorator
@inline
export function hasStateOutput(kernel: i32): bool {
  return (((RECURRENT | (1 << KERNEL_REPEAT)) >> kernel) & 1) != 0;
}

/** Kernels with a history of rows and `wait`. */
// @ts-ignore: decorator
@inline
export function isWindowed(kernel: i32): bool {
  return <u32>(kernel - KERNEL_CONV1D) <= <u32>(KERNEL_POOL - KERNEL_CONV1D);
}

/** Bytes of the output row in the arena. */
export function outputBytes(record: usize): u32 {
  const size = <i32>load<u16>(record, RECORD_OUTPUT_SIZE);
  return load<u8>(record, RECORD_FLAGS) & FLAG_OUT32 ? pad4(size) << 2 : rowBytes(size);
}

export function stateNeed(record: usize): u32 {
  const kernel = <i32>load<u8>(record, RECORD_KERNEL);
  const n = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  const own = rowBytes(load<u16>(record, RECORD_OUTPUT_SIZE));
  const row = rowBytes(n);
  const rows = <i32>load<u32>(record, RECORD_ROWS_IN);
  const taps = <i32>load<u16>(record, RECORD_TAPS);
  if (kernel == KERNEL_LSTM) return 2 * own;
  if (isRecurrent(kernel)) return own;
  if (kernel == KERNEL_CONV1D) return pad8(historyRows(record) * pad2(n)) << 1;
  if (kernel == KERNEL_DEPTHWISE_CONV1D || kernel == KERNEL_POOL) return <u32>historyRows(record) * row;
  if (kernel == KERNEL_GLOBAL_POOL) return average(record) ? 16 + (pad4(n) << 2) : row;
  if (kernel == KERNEL_FIFO) return <u32>taps * row + pad16(taps);
  if (kernel == KERNEL_REVERSE) return <u32>rows * row + pad16(rows);
  if (kernel == KERNEL_RESHAPE) return pad8(rows * n) << 1;
  return kernel == KERNEL_REPEAT ? row : 0;
}

export function scratchNeed(record: usize): u32 {
  const kernel = <i32>load<u8>(record, RECORD_KERNEL);
  const n = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  const own = rowBytes(load<u16>(record, RECORD_OUTPUT_SIZE));
  if (kernel == KERNEL_GRU || kernel == KERNEL_MINIMAL_GRU) return 2 * own;
  if (isRecurrent(kernel)) return own;
  if (kernel == KERNEL_CONV1D && load<u16>(record, RECORD_DILATION) > 1) {
    return pad8(<i32>load<u16>(record, RECORD_TAPS) * pad2(n)) << 1;
  }
  return kernel == KERNEL_SOFTMAX ? pad4(n) << 2 : 0;
}

/** Quads of row parameters. */
function quadsNeed(record: usize): i32 {
  const kernel = <i32>load<u8>(record, RECORD_KERNEL);
  const size = <i32>load<u16>(record, RECORD_OUTPUT_SIZE);
  const quads = pad4(size) >> 2;
  if (kernel == KERNEL_LSTM) return size;
  if (kernel == KERNEL_GRU) return 3 * quads;
  if (kernel == KERNEL_GRU_RESET_AFTER) return 4 * quads;
  if (kernel == KERNEL_MINIMAL_GRU) return 2 * quads;
  const weighted = RECURRENT | (1 << KERNEL_DENSE) | (1 << KERNEL_CONV1D) | (1 << KERNEL_DEPTHWISE_CONV1D);
  return (weighted >> kernel) & 1 ? quads : 0;
}

export function rowParamsNeed(record: usize): u32 {
  return quadsNeed(record) * ROW_PARAM_BYTES;
}

export function weightsNeed(record: usize): u32 {
  const kernel = <i32>load<u8>(record, RECORD_KERNEL);
  const n = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  const size = <i32>load<u16>(record, RECORD_OUTPUT_SIZE);
  const taps = <i32>load<u16>(record, RECORD_TAPS);
  const bits = <i32>load<u8>(record, RECORD_BITS);
  if (kernel == KERNEL_EMBEDDING) return load<u32>(record, RECORD_VOCABULARY) * <u32>pad16(size);
  if (kernel == KERNEL_DEPTHWISE_CONV1D) return taps * pad16(size);
  if (kernel == KERNEL_CONV1D) return <u32>(quadsNeed(record) * blocks(taps * pad2(n), bits)) << 4;
  if (kernel == KERNEL_DENSE) return <u32>(quadsNeed(record) * blocks(n, bits)) << 4;
  if (!isRecurrent(kernel)) return 0;
  const rows = kernel == KERNEL_GRU_RESET_AFTER ? 3 * (pad4(size) >> 2) : quadsNeed(record);
  return <u32>(rows * (blocks(n, bits) + blocks(size, bits))) << 4;
}

export function tableNeed(record: usize): u32 {
  return load<u8>(record, RECORD_ACTIVATION) == ACTIVATION_TABLE ? TABLE_BYTES : 0;
}

export function gateTableNeed(record: usize): u32 {
  return load<u8>(record, RECORD_GATE_ACTIVATION) == ACTIVATION_TABLE ? TABLE_BYTES : 0;
}

export function auxNeed(record: usize): u32 {
  const kernel = <i32>load<u8>(record, RECORD_KERNEL);
  const flags = <i32>load<u8>(record, RECORD_FLAGS);
  const n = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  const entries = n * AFFINE_ENTRY_BYTES;
  if (kernel == KERNEL_INPUT) return entries + (flags & FLAG_MASK_SET ? rowBytes(n) : 0);
  if (kernel == KERNEL_AFFINE) return entries;
  if (kernel == KERNEL_LAYER_NORM) return 16 + entries;
  if (kernel == KERNEL_EMBEDDING) return pad16(load<u32>(record, RECORD_VOCABULARY) << 1);
  const rows = (1 << KERNEL_PRELU) | (1 << KERNEL_MASK) | (1 << KERNEL_FASTGRNN);
  if ((rows >> kernel) & 1) return rowBytes(load<u16>(record, RECORD_OUTPUT_SIZE));
  if (kernel == KERNEL_POOL && average(record)) return pad16((<i32>load<u16>(record, RECORD_TAPS) + 1) << 2);
  if (kernel == KERNEL_GLOBAL_POOL && average(record) && flags & FLAG_MASK_OBEY) {
    return pad16((load<u32>(record, RECORD_ROWS_IN) + 1) << 2);
  }
  return 0;
}
