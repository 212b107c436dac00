import { isStateOutput } from "./rules.js";
import {
  ACTIVATION,
  AFFINE_ENTRY_BYTES,
  FLAG,
  type KernelName,
  POOL_MODE,
  pad2,
  pad4,
  pad8,
  pad16,
  type RecordField,
  ROW_PARAM_BYTES,
  TABLE_BYTES,
} from "./schema.js";

export type RecordFields = Readonly<Record<RecordField, number>>;

/** Bytes that a record needs of each kind: exactly what its fields must say and its tensors must hold. */
export interface RecordNeeds {
  /** Bytes of the output row (for recurrent kernels and REPEAT a part of the state). */
  readonly output: number;
  readonly state: number;
  readonly scratch: number;
  readonly weights: number;
  readonly rowParams: number;
  readonly table: number;
  readonly gateTable: number;
  readonly aux: number;
}

/** Bytes of an int16 row of n values. */
export const rowBytes = (n: number): number => 2 * pad8(n);
/** Quads of 4 rows that n rows fill. */
export const quadsOf = (n: number): number => pad4(n) / 4;
/** 16-byte blocks of a quad over one part of `columns`. */
export const blocksOf = (columns: number, bits: number): number => (bits === 4 ? pad8(columns) / 8 : pad4(columns) / 4);
/** Rows of history of a windowed kernel: D of KERNELS.md 5. */
export const historyRows = (kernel: KernelName, r: Pick<RecordFields, "taps" | "dilation">): number =>
  kernel === "POOL" ? r.taps : (r.taps - 1) * r.dilation + 1;
/** Bytes of one mask byte per row, padded. */
export const maskBytes = (rows: number): number => pad16(rows);

type Sizes = Partial<Omit<RecordNeeds, "rowParams" | "table" | "gateTable">> & { quads?: number };

function kernelSizes(kernel: KernelName, r: RecordFields): Sizes {
  const n = r.inputSize;
  const h = r.outputSize;
  const row = rowBytes(n);
  const q = quadsOf(h);
  const both = blocksOf(n, r.bits) + blocksOf(h, r.bits);
  const affine = AFFINE_ENTRY_BYTES * n;
  const average = r.mode === POOL_MODE.AVERAGE;
  const obey = (r.flags & FLAG.MASK_OBEY) !== 0;
  switch (kernel) {
    case "INPUT":
      return { aux: affine + (r.flags & FLAG.MASK_SET ? row : 0) };
    case "EMBEDDING":
      return { weights: r.vocabulary * pad16(h), aux: pad16(2 * r.vocabulary) };
    case "RNN":
      return { state: rowBytes(h), scratch: rowBytes(h), weights: 16 * q * both, quads: q };
    case "LSTM":
      return { state: 2 * rowBytes(h), scratch: rowBytes(h), weights: 16 * h * both, quads: h };
    case "GRU":
      return { state: rowBytes(h), scratch: 2 * rowBytes(h), weights: 48 * q * both, quads: 3 * q };
    case "GRU_RESET_AFTER":
      return { state: rowBytes(h), scratch: rowBytes(h), weights: 48 * q * both, quads: 4 * q };
    case "FASTGRNN":
      return { state: rowBytes(h), scratch: rowBytes(h), weights: 16 * q * both, quads: q, aux: rowBytes(h) };
    case "MINIMAL_GRU":
      return { state: rowBytes(h), scratch: 2 * rowBytes(h), weights: 32 * q * both, quads: 2 * q };
    case "DENSE":
      return { weights: 16 * q * blocksOf(n, r.bits), quads: q };
    case "CONV1D": {
      const channels = pad2(n);
      return {
        state: 2 * pad8(historyRows(kernel, r) * channels),
        scratch: r.dilation > 1 ? 2 * pad8(r.taps * channels) : 0,
        weights: 16 * q * blocksOf(r.taps * channels, r.bits),
        quads: q,
      };
    }
    case "DEPTHWISE_CONV1D":
      return { state: historyRows(kernel, r) * row, weights: r.taps * pad16(h), quads: q };
    case "POOL":
      return { state: r.taps * row, aux: average ? pad16(4 * (r.taps + 1)) : 0 };
    case "GLOBAL_POOL":
      return { state: average ? 16 + 4 * pad4(n) : row, aux: average && obey ? pad16(4 * (r.rowsIn + 1)) : 0 };
    case "AFFINE":
      return { aux: affine };
    case "PRELU":
    case "MASK":
      return { aux: row };
    case "LAYER_NORM":
      return { aux: 16 + affine };
    case "SOFTMAX":
      return { scratch: 4 * pad4(n) };
    case "FIFO":
      return { state: r.taps * row + maskBytes(r.taps) };
    case "REVERSE":
      return { state: r.rowsIn * row + maskBytes(r.rowsIn) };
    case "RESHAPE":
      return { state: 2 * pad8(r.rowsIn * n) };
    case "REPEAT":
      return { state: row };
    case "ACTIVATION":
    case "MERGE":
      return {};
  }
}

/**
 * Sizes of FORMAT.md 5 for a record whose size fields are in range. Plain numbers, exact (below 2^53) for every value
 * the fields can hold, except that products with pad functions need operands below 2^31.
 */
export function recordNeeds(kernel: KernelName, r: RecordFields): RecordNeeds {
  const sizes = kernelSizes(kernel, r);
  return {
    output: r.flags & FLAG.OUT32 ? 4 * pad4(r.outputSize) : rowBytes(r.outputSize),
    state: sizes.state ?? 0,
    scratch: sizes.scratch ?? 0,
    weights: sizes.weights ?? 0,
    rowParams: (sizes.quads ?? 0) * ROW_PARAM_BYTES,
    table: r.activation === ACTIVATION.TABLE ? TABLE_BYTES : 0,
    gateTable: r.gateActivation === ACTIVATION.TABLE ? TABLE_BYTES : 0,
    aux: sizes.aux ?? 0,
  };
}

/** Bytes of its own that a record's output row takes in the scratch part of the arena. */
export const ownOutputBytes = (kernel: KernelName, needs: RecordNeeds): number =>
  isStateOutput(kernel) ? 0 : needs.output;
