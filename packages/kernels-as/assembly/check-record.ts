// Every BAD_RECORD rule of FORMAT.md 4 and 5 that needs no tensor and no arena address.
import {
  ACTIVATION_HARD_SIGMOID,
  ACTIVATION_LEAKY,
  ACTIVATION_LINEAR,
  ACTIVATION_RELU,
  ACTIVATION_TABLE,
  ACTIVATION_TANH,
  FIELD_GROUP_BITS,
  FIELD_GROUP_DILATION,
  FIELD_GROUP_GATE,
  FIELD_GROUP_INPUT1,
  FIELD_GROUP_STRIDE,
  FIELD_GROUP_TAPS,
  FLAG_LAST,
  FLAG_MASK_OBEY,
  FLAG_OUT32,
  KERNEL_CONV1D,
  KERNEL_DENSE,
  KERNEL_DEPTHWISE_CONV1D,
  KERNEL_EMBEDDING,
  KERNEL_FIFO,
  KERNEL_GLOBAL_POOL,
  KERNEL_INPUT,
  KERNEL_LAYER_NORM,
  KERNEL_LSTM,
  KERNEL_MERGE,
  KERNEL_POOL,
  KERNEL_REPEAT,
  KERNEL_RESHAPE,
  KERNEL_REVERSE,
  KERNEL_SOFTMAX,
  LIMIT_AVERAGE_ROWS,
  LIMIT_HISTORY_ROWS,
  LIMIT_HISTORY_VALUES,
  LIMIT_RESHAPE_VALUES,
  LIMIT_REVERSE_VALUES,
  LIMIT_ROWS,
  LIMIT_ROW_SIZE,
  LIMIT_VOCABULARY,
  MERGE_MODE_CONCAT,
  MERGE_MODE_MINIMUM,
  NO_INPUT,
  POOL_MODE_AVERAGE,
  POOL_MODE_MAX,
  RECORD_ACTIVATION,
  RECORD_ACTIVATION_PARAM,
  RECORD_ALIGN_SHIFT,
  RECORD_BITS,
  RECORD_BYTES,
  RECORD_DEPTH_MULTIPLIER,
  RECORD_DILATION,
  RECORD_FLAGS,
  RECORD_GATE_ACTIVATION,
  RECORD_GATE_PARAM,
  RECORD_INPUT_0,
  RECORD_INPUT_1,
  RECORD_INPUT_SIZE,
  RECORD_KERNEL,
  RECORD_MODE,
  RECORD_MULTIPLIER,
  RECORD_MULTIPLIER_A,
  RECORD_MULTIPLIER_B,
  RECORD_OUTPUT_SIZE,
  RECORD_PAD_LEFT,
  RECORD_RECURRENT_FIRST,
  RECORD_ROWS_IN,
  RECORD_ROWS_OUT,
  RECORD_SHIFT,
  RECORD_STRIDE,
  RECORD_TAPS,
  RECORD_VOCABULARY,
} from "./format.gen";
import { pad2 } from "./arith";
import { isRecurrent, isWindowed } from "./sizes";
import { KERNEL_FLAGS, KERNEL_GROUPS } from "./tables.gen";
import { historyRows } from "./windowed";

// Fields that only some kernels use: offset, bytes, number of the bit of their group (rules.ts of the format).
// @ts-ignore: decorator
@lazy const FIELDS: usize = memory.data<u8>([
  <u8>RECORD_ACTIVATION, 1, 1, <u8>RECORD_ACTIVATION_PARAM, 2, 1, <u8>RECORD_GATE_ACTIVATION, 1, 2, <u8>RECORD_BITS, 1, 3,
  <u8>RECORD_RECURRENT_FIRST, 1, 4, <u8>RECORD_ALIGN_SHIFT, 1, 4, <u8>RECORD_SHIFT, 1, 5, <u8>RECORD_MULTIPLIER, 4, 6,
  <u8>RECORD_TAPS, 2, 7, <u8>RECORD_STRIDE, 2, 8, <u8>RECORD_PAD_LEFT, 2, 8, <u8>RECORD_DILATION, 2, 9,
  <u8>RECORD_MULTIPLIER_A, 4, 10, <u8>RECORD_MULTIPLIER_B, 4, 10, <u8>RECORD_DEPTH_MULTIPLIER, 2, 11, <u8>RECORD_MODE, 1, 12,
  <u8>RECORD_VOCABULARY, 4, 13, <u8>RECORD_GATE_PARAM, 2, 31, <u8>(RECORD_MODE + 1), 1, 31,
]);
// @ts-ignore: decorator
@inline const FIELDS_BYTES: usize = 57;

/** Flags and fields that the kernel does not use are zero. */
function fieldsInUse(record: usize, groups: i32): bool {
  const flags = <i32>load<u8>(record, RECORD_FLAGS);
  if (flags & ~<i32>load<u8>(KERNEL_FLAGS + load<u8>(record, RECORD_KERNEL))) return false;
  if (!(groups & FIELD_GROUP_INPUT1) && load<u16>(record, RECORD_INPUT_1) != NO_INPUT) return false;
  for (let i: usize = 0; i < FIELDS_BYTES; i += 3) {
    const value = load<u32>(record + load<u8>(FIELDS + i)) << (32 - 8 * <u32>load<u8>(FIELDS + i, 1));
    if (value && !((groups >>> load<u8>(FIELDS + i, 2)) & 1)) return false;
  }
  return true;
}

/** 1 .. limit */
// @ts-ignore: decorator
@inline
function within(value: i32, limit: i32): bool {
  return <u32>(value - 1) < <u32>limit;
}

function activationsValid(record: usize, groups: i32): bool {
  const kind = <i32>load<u8>(record, RECORD_ACTIVATION);
  const param = <i32>load<i16>(record, RECORD_ACTIVATION_PARAM);
  if (kind > ACTIVATION_LEAKY) return false;
  if (kind == ACTIVATION_RELU || kind == ACTIVATION_LEAKY ? param < 0 : param != 0) return false;
  if (!(groups & FIELD_GROUP_GATE)) return true;
  const gate = <i32>load<u8>(record, RECORD_GATE_ACTIVATION);
  return (gate >= ACTIVATION_TANH && gate <= ACTIVATION_HARD_SIGMOID) || gate == ACTIVATION_TABLE;
}

function parametersValid(record: usize, kernel: i32, groups: i32): bool {
  const bits = <i32>load<u8>(record, RECORD_BITS);
  const quads = isRecurrent(kernel) || kernel == KERNEL_DENSE || kernel == KERNEL_CONV1D;
  if (groups & FIELD_GROUP_BITS && bits != 8 && !(quads && bits == 4)) return false;
  if (load<u8>(record, RECORD_RECURRENT_FIRST) > 1 || load<u8>(record, RECORD_ALIGN_SHIFT) > 15) return false;
  if (<i32>load<u8>(record, RECORD_SHIFT) > (kernel == KERNEL_LSTM ? 15 : 30)) return false;
  if (kernel == KERNEL_SOFTMAX && load<i32>(record, RECORD_MULTIPLIER) < 0) return false;
  if (kernel == KERNEL_EMBEDDING && !within(load<i32>(record, RECORD_VOCABULARY), LIMIT_VOCABULARY)) return false;
  const a = load<i32>(record, RECORD_MULTIPLIER_A);
  const b = load<i32>(record, RECORD_MULTIPLIER_B);
  if (a != <i32><i16>a || b != <i32><i16>b) return false;
  if (<i32>load<u8>(record, RECORD_MODE) > (kernel == KERNEL_MERGE ? MERGE_MODE_MINIMUM : POOL_MODE_AVERAGE)) return false;
  if (groups & FIELD_GROUP_TAPS && !within(load<u16>(record, RECORD_TAPS), 4096)) return false;
  if (groups & FIELD_GROUP_STRIDE && !within(load<u16>(record, RECORD_STRIDE), 4096)) return false;
  return !(groups & FIELD_GROUP_DILATION) || within(load<u16>(record, RECORD_DILATION), 4096);
}

/** Inputs of record `index`, whose earlier records are checked. */
function inputsValid(records: usize, index: i32, record: usize, kernel: i32, window: u32): bool {
  const input0 = <i32>load<u16>(record, RECORD_INPUT_0);
  const first = kernel == KERNEL_INPUT || kernel == KERNEL_EMBEDDING;
  const inputSize = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  const rowsIn = load<u32>(record, RECORD_ROWS_IN);
  if (first != (index == 0)) return false;
  if (first) {
    const size = kernel == KERNEL_INPUT ? <i32>load<u16>(record, RECORD_OUTPUT_SIZE) : 1;
    return input0 == NO_INPUT && rowsIn == window && inputSize == size;
  }
  if (input0 >= index) return false;
  const source = records + <usize>input0 * RECORD_BYTES;
  if (<i32>load<u16>(source, RECORD_OUTPUT_SIZE) != inputSize) return false;
  if (load<u32>(source, RECORD_ROWS_OUT) != rowsIn) return false;
  if (kernel != KERNEL_MERGE && kernel != KERNEL_FIFO) return true;
  const input1 = <i32>load<u16>(record, RECORD_INPUT_1);
  if (input1 >= index) return false;
  const other = records + <usize>input1 * RECORD_BYTES;
  if (load<u32>(other, RECORD_ROWS_OUT) != rowsIn) return false;
  return kernel == KERNEL_FIFO || load<u16>(other, RECORD_OUTPUT_SIZE) == load<u16>(record, RECORD_DEPTH_MULTIPLIER);
}

function rowsValid(record: usize, kernel: i32, window: u32): bool {
  const rowsIn = load<i32>(record, RECORD_ROWS_IN);
  const rowsOut = load<i32>(record, RECORD_ROWS_OUT);
  const last = (load<u8>(record, RECORD_FLAGS) & FLAG_LAST) != 0;
  if (window == 0) {
    const windowOnly = kernel == KERNEL_GLOBAL_POOL || (kernel >= KERNEL_REVERSE && kernel <= KERNEL_REPEAT);
    return rowsIn == 0 && rowsOut == 0 && !last && !windowOnly;
  }
  if (!within(rowsIn, LIMIT_ROWS) || !within(rowsOut, LIMIT_ROWS)) return false;
  if (last || kernel == KERNEL_GLOBAL_POOL) {
    if (rowsOut != 1) return false;
  } else if (kernel == KERNEL_REPEAT) {
    if (rowsIn != 1) return false;
  } else if (!isWindowed(kernel) && kernel != KERNEL_RESHAPE) {
    if (rowsOut != rowsIn) return false;
  }
  const inputSize = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  if (kernel == KERNEL_REVERSE && <i64>rowsIn * <i64>inputSize > LIMIT_REVERSE_VALUES) return false;
  const average = kernel == KERNEL_GLOBAL_POOL && load<u8>(record, RECORD_MODE) != POOL_MODE_MAX;
  return !average || rowsIn <= LIMIT_AVERAGE_ROWS;
}

function sizesValid(record: usize, kernel: i32): bool {
  const n = <i32>load<u16>(record, RECORD_INPUT_SIZE);
  const size = <i32>load<u16>(record, RECORD_OUTPUT_SIZE);
  const depth = <i32>load<u16>(record, RECORD_DEPTH_MULTIPLIER);
  if (n == 0 || size == 0) return false;
  if (kernel == KERNEL_DEPTHWISE_CONV1D && <i64>n * <i64>depth != <i64>size) return false;
  if (isRecurrent(kernel) || kernel <= KERNEL_DEPTHWISE_CONV1D) return size <= LIMIT_ROW_SIZE;
  if (kernel == KERNEL_MERGE) {
    return load<u8>(record, RECORD_MODE) == MERGE_MODE_CONCAT ? size == n + depth : depth == n && size == n;
  }
  if (kernel == KERNEL_RESHAPE) {
    const values = <u64>load<u32>(record, RECORD_ROWS_IN) * <u64>n;
    return values <= <u64>LIMIT_RESHAPE_VALUES && values == <u64>load<u32>(record, RECORD_ROWS_OUT) * <u64>size;
  }
  if ((kernel == KERNEL_LAYER_NORM || kernel == KERNEL_SOFTMAX) && n > LIMIT_ROW_SIZE) return false;
  return size == n;
}

function windowValid(record: usize, kernel: i32, window: u32): bool {
  const rows = historyRows(record);
  const padLeft = <i32>load<u16>(record, RECORD_PAD_LEFT);
  if (kernel != KERNEL_POOL) {
    const channels = pad2(load<u16>(record, RECORD_INPUT_SIZE));
    if (rows > LIMIT_HISTORY_ROWS || <i64>rows * <i64>channels > LIMIT_HISTORY_VALUES) return false;
  }
  if (padLeft >= rows) return false;
  if (window == 0) return true;
  const later = (<i64>load<u32>(record, RECORD_ROWS_OUT) - 1) * <i64>load<u16>(record, RECORD_STRIDE);
  return rows - padLeft + later <= <i64>load<u32>(record, RECORD_ROWS_IN) + rows - 1;
}

/** Whether record `index` keeps the rules; earlier records are checked, its kernel is known. */
export function recordValid(records: usize, index: i32, count: i32, window: u32): bool {
  const record = records + <usize>index * RECORD_BYTES;
  const kernel = <i32>load<u8>(record, RECORD_KERNEL);
  const groups = <i32>load<u16>(KERNEL_GROUPS + (<usize>kernel << 1));
  const flags = <i32>load<u8>(record, RECORD_FLAGS);
  const kind = <i32>load<u8>(record, RECORD_ACTIVATION);
  if (!fieldsInUse(record, groups)) return false;
  if (!activationsValid(record, groups)) return false;
  if (!parametersValid(record, kernel, groups)) return false;
  if (!inputsValid(records, index, record, kernel, window)) return false;
  if (!rowsValid(record, kernel, window)) return false;
  if (!sizesValid(record, kernel)) return false;
  if (isWindowed(kernel) && !windowValid(record, kernel, window)) return false;
  if (flags & FLAG_OUT32) {
    if (index != count - 1) return false;
    if (kind != ACTIVATION_LINEAR && kind != ACTIVATION_RELU) return false;
  }
  return !(
    kernel == KERNEL_GLOBAL_POOL && flags & FLAG_MASK_OBEY && load<u8>(record, RECORD_MODE) == POOL_MODE_MAX
  );
}
