/**
 * The byte layout of `.gate` files as tables: the only place in TypeScript that knows offsets. `tools/generate` writes the
 * AssemblyScript and C copies from it. Meaning, ranges and checks: docs/FORMAT.md.
 */

export type FieldType = "u8" | "u16" | "i16" | "u32" | "i32" | "u64" | "f64";
export type FieldTable = Readonly<Record<string, readonly [offset: number, type: FieldType]>>;

export const MAGIC = 0x45544147;
export const FORMAT_VERSION = 1;
export const HEADER_BYTES = 80;
export const RECORD_BYTES = 96;
export const SECTION_ENTRY_BYTES = 16;
export const ROW_PARAM_BYTES = 32;
export const AFFINE_ENTRY_BYTES = 16;
export const TABLE_BYTES = 528;
export const NO_INPUT = 0xffff;
export const STREAM_HEADER_BYTES = 8;
export const COUNTER_BYTES = 16;
export const STATE_MAGIC = 0x54535447;
export const STATE_VERSION = 1;
export const STATE_HEADER_BYTES = 48;

export const LIMITS = {
  records: 256,
  sections: 16,
  rows: 65535,
  totalRows: 1 << 20,
  rowSize: 4096,
  arenaBytes: 1 << 26,
  averageRows: 16383,
  reshapeValues: 65536,
  reverseValues: 1 << 24,
  historyRows: 65535,
  historyValues: 1 << 18,
  vocabulary: 65536,
} as const;

export const SECTION = { RECORDS: 1, TENSORS: 2, META: 3 } as const;

export const KERNEL = {
  INPUT: 0,
  EMBEDDING: 1,
  RNN: 2,
  LSTM: 3,
  GRU: 4,
  GRU_RESET_AFTER: 5,
  DENSE: 6,
  CONV1D: 7,
  DEPTHWISE_CONV1D: 8,
  POOL: 9,
  GLOBAL_POOL: 10,
  AFFINE: 11,
  ACTIVATION: 12,
  PRELU: 13,
  LAYER_NORM: 14,
  SOFTMAX: 15,
  MERGE: 16,
  FIFO: 17,
  REVERSE: 18,
  RESHAPE: 19,
  REPEAT: 20,
  MASK: 21,
  MINIMAL_GRU: 22,
  FASTGRNN: 23,
} as const;
export type KernelName = keyof typeof KERNEL;

export const FLAG = {
  LAST: 1,
  MASK_OBEY: 2,
  MASK_PASS: 4,
  OUT32: 8,
  MASK_SET: 16,
  MASK_ZERO: 32,
  MASK_ANY: 64,
} as const;

export const ACTIVATION = { LINEAR: 0, TANH: 1, SIGMOID: 2, HARD_SIGMOID: 3, RELU: 4, TABLE: 5, LEAKY: 6 } as const;
export const INPUT_KIND = { FRAMES: 0, TOKENS: 1 } as const;
export const OUTPUT_TYPE = { INT16: 0, INT32: 1 } as const;
export const OUTPUT_TRANSFORM = { NONE: 0, SOFTMAX: 1, SIGMOID: 2 } as const;
export const MERGE_MODE = { CONCAT: 0, ADD: 1, MULTIPLY: 2, MAXIMUM: 3, MINIMUM: 4 } as const;
export const POOL_MODE = { MAX: 0, AVERAGE: 1 } as const;

export const HEADER = {
  magic: [0, "u32"],
  formatVersion: [4, "u16"],
  headerBytes: [6, "u16"],
  fileBytes: [8, "u32"],
  crc32: [12, "u32"],
  requiredKernels: [16, "u32"],
  sectionCount: [20, "u16"],
  recordStride: [22, "u16"],
  recordCount: [24, "u16"],
  reserved26: [26, "u16"],
  arenaBytes: [28, "u32"],
  stateBytes: [32, "u32"],
  scratchBytes: [36, "u32"],
  inputKind: [40, "u8"],
  outputType: [41, "u8"],
  outputTransform: [42, "u8"],
  reserved43: [43, "u8"],
  window: [44, "u32"],
  frameSize: [48, "u16"],
  outputSize: [50, "u16"],
  maxOutputRows: [52, "u32"],
  vocabularySize: [56, "u32"],
  reserved60: [60, "u32"],
  outputScale: [64, "f64"],
  reserved72: [72, "u64"],
} as const satisfies FieldTable;

export const RECORD = {
  kernel: [0, "u8"],
  flags: [1, "u8"],
  activation: [2, "u8"],
  gateActivation: [3, "u8"],
  input0: [4, "u16"],
  input1: [6, "u16"],
  inputSize: [8, "u16"],
  outputSize: [10, "u16"],
  rowsIn: [12, "u32"],
  rowsOut: [16, "u32"],
  output: [20, "u32"],
  state: [24, "u32"],
  stateBytes: [28, "u32"],
  scratch: [32, "u32"],
  scratchBytes: [36, "u32"],
  weights: [40, "u32"],
  rowParams: [44, "u32"],
  table: [48, "u32"],
  gateTable: [52, "u32"],
  aux: [56, "u32"],
  activationParam: [60, "i16"],
  gateParam: [62, "i16"],
  bits: [64, "u8"],
  recurrentFirst: [65, "u8"],
  alignShift: [66, "u8"],
  shift: [67, "u8"],
  multiplier: [68, "i32"],
  taps: [72, "u16"],
  stride: [74, "u16"],
  dilation: [76, "u16"],
  padLeft: [78, "u16"],
  multiplierA: [80, "i32"],
  multiplierB: [84, "i32"],
  depthMultiplier: [88, "u16"],
  mode: [90, "u8"],
  reserved91: [91, "u8"],
  vocabulary: [92, "u32"],
} as const satisfies FieldTable;
export type RecordField = keyof typeof RECORD;

export const COUNTER = {
  seen: [0, "u32"],
  emitted: [4, "u32"],
  wait: [8, "u16"],
  fresh: [10, "u8"],
  masked: [11, "u8"],
  front: [12, "u16"],
  real: [14, "u16"],
} as const satisfies FieldTable;

export const STATE = {
  magic: [0, "u32"],
  version: [4, "u16"],
  headerBytes: [6, "u16"],
  blobBytes: [8, "u32"],
  crc32: [12, "u32"],
  modelCrc: [16, "u32"],
  frames: [20, "u32"],
  stateBytes: [24, "u32"],
} as const satisfies FieldTable;

export const pad2 = (n: number): number => (n + 1) & ~1;
export const pad4 = (n: number): number => (n + 3) & ~3;
export const pad8 = (n: number): number => (n + 7) & ~7;
export const pad16 = (n: number): number => (n + 15) & ~15;
