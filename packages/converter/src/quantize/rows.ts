import { QuantizeError } from "./errors.js";
import type { Compensation } from "./rounding.js";
import { RowRounder } from "./rounding.js";

export type WeightBits = 4 | 8;

/** Rows of a float matrix that share their columns: input of `quantizeRows`. */
export interface FloatRows {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns] real contribution of one unit of the integer input u. */
  readonly values: Float64Array;
  /** [rows] */
  readonly bias: Float64Array;
  /** [rows] real value of one LSB of the pre-activation p. */
  readonly preScale: Float64Array;
  /** [columns] factor of the accumulator's left shift: 2^k for columns of the first part, else 1. */
  readonly columnShift: Float64Array;
  /** [columns] mean of u: the bias takes up the mean error of the rounded weights. */
  readonly mean?: Float64Array;
}

/** Integer rows: real = scale[r] * (sum of weight * u + bias). */
export interface IntegerRows {
  readonly rows: number;
  readonly columns: number;
  readonly weights: Int8Array;
  readonly bias: Int32Array;
  readonly multiplier: Int32Array;
  readonly scale: Float64Array;
  /** [rows] expected squared error of the pre-activation in units of its LSB (plain rounding: not comparable). */
  readonly loss: Float64Array;
  /** Rows whose scale had to be raised for the overflow proof, and the largest factor. */
  readonly raisedRows: number;
  readonly largestRaise: number;
}

const MAX_MULTIPLIER = 2 ** 31 - 1;
const TWO_32 = 2 ** 32;
/** A proof that needs a coarser row than this is refused: what is left is no better than 4 bits, or no weights at all. */
const MAX_RAISE = { 8: 16, 4: 2 } as const;

export const weightLimit = (bits: WeightBits): number => (bits === 8 ? 127 : 7);
/** Row scales that are tried, as parts of max|w| / limit. */
export const scaleCandidates = (bits: WeightBits): readonly number[] =>
  bits === 8 ? steps(1, 0.8, 9) : steps(1, 0.5, 21);

function steps(from: number, to: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1));
}

/**
 * Largest value the accumulator of a row can reach: 2^15 * sum of columnShift * |weight| (KERNELS.md 3).
 * @param weights [columns] from `offset`
 */
export function sumBound(weights: Int8Array, offset: number, columnShift: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < columnShift.length; j++) sum += columnShift[j] * Math.abs(weights[offset + j]);
  return 32768 * sum;
}

/** Whether the proof of KERNELS.md 3 holds: sums below 2^31 with the bias, and below 2^27 without it at 4 bits. */
export function proofHolds(sums: number, bias: number, bits: WeightBits): boolean {
  return sums + Math.abs(bias) < 2 ** 31 && (bits === 8 || sums < 2 ** 27);
}

/** Snaps a row scale to what an int32 multiplier represents at this pre-activation scale: [multiplier, scale]. */
export function snapScale(scale: number, preScale: number): readonly [multiplier: number, scale: number] {
  const multiplier = Math.min(MAX_MULTIPLIER, Math.max(1, Math.round((scale * TWO_32) / preScale)));
  return [multiplier, (multiplier * preScale) / TWO_32];
}

/**
 * Quantizes the rows of a matrix: best of the candidate scales by (error-compensated) squared error, each snapped to its
 * multiplier before rounding; rows that break the overflow proof get a coarser scale.
 * @param name for messages
 * @throws QuantizeError where no multiplier or no proof can be found
 */
export function quantizeRows(
  name: string,
  source: FloatRows,
  bits: WeightBits,
  compensation: Compensation,
): IntegerRows {
  const { rows, columns } = source;
  const rounder = new RowRounder(compensation);
  const result = {
    rows,
    columns,
    weights: new Int8Array(rows * columns),
    bias: new Int32Array(rows),
    multiplier: new Int32Array(rows),
    scale: new Float64Array(rows),
    loss: new Float64Array(rows),
    raisedRows: 0,
    largestRaise: 1,
  };
  for (let row = 0; row < rows; row++) {
    const raise = quantizeRow(name, source, row, bits, rounder, result);
    if (raise > 1) result.raisedRows++;
    result.largestRaise = Math.max(result.largestRaise, raise);
  }
  return result;
}

function quantizeRow(
  name: string,
  source: FloatRows,
  row: number,
  bits: WeightBits,
  rounder: RowRounder,
  result: { weights: Int8Array; bias: Int32Array; multiplier: Int32Array; scale: Float64Array; loss: Float64Array },
): number {
  const { columns, values, columnShift } = source;
  const offset = row * columns;
  const preScale = source.preScale[row];
  let largest = 0;
  for (let j = 0; j < columns; j++) largest = Math.max(largest, Math.abs(values[offset + j]));
  // A bias beyond 2^29 accumulator units would eat the accumulator: the scale has a lower end.
  const least = Math.abs(source.bias[row]) / 2 ** 29;
  const limit = weightLimit(bits);
  const full = Math.max(largest / limit, least, largest === 0 ? preScale / 2 ** 12 : 0);
  if (full > preScale / 2) {
    throw new QuantizeError(
      `row ${row} of ${name} has a weight of ${largest.toPrecision(3)} per input step, its pre-activation resolves ` +
        `${preScale.toPrecision(3)}, the largest ratio at ${bits} bits is ${limit / 2}: scale its input down`,
    );
  }
  const trial = new Int8Array(columns);
  const target = result.weights.subarray(offset, offset + columns);
  let best = Infinity;
  for (const part of scaleCandidates(bits)) {
    const [multiplier, scale] = snapScale(Math.max(full * part, least), preScale);
    // At 4 bits single steps are worth moving for every candidate: a slightly worse start may end better.
    const start = rounder.round(values, offset, scale, limit, trial, best * (bits === 4 ? 1.3 : 1));
    const isNear = bits === 4 && start < best * 1.3;
    const loss = isNear ? start + rounder.refine(values, offset, scale, limit, trial) : start;
    if (loss >= best) continue;
    best = loss;
    target.set(trial);
    result.multiplier[row] = multiplier;
    result.scale[row] = scale;
  }
  if (bits === 8) best += rounder.refine(values, offset, result.scale[row], limit, target);
  let raise = 1;
  for (;;) {
    const scale = result.scale[row];
    const bias = source.bias[row] + meanError(source, offset, target, scale);
    const units = Math.round(bias / scale);
    const sums = sumBound(target, 0, columnShift);
    if (proofHolds(sums, units, bits)) {
      result.bias[row] = units;
      break;
    }
    const allowed = Math.min(2 ** 31 - Math.abs(units), bits === 8 ? Infinity : 2 ** 27);
    const factor = Math.max(1.02, allowed > 0 ? (sums / allowed) * 1.005 : 2);
    raise *= factor;
    if (raise > MAX_RAISE[bits] || scale * factor > preScale / 2) {
      throw new QuantizeError(
        `row ${row} of ${name} can reach ${sums + Math.abs(units)} in its ${bits === 8 ? 32 : 28}-bit accumulator ` +
          `(limit ${bits === 8 ? 2 ** 31 : 2 ** 27}); it would need weights ${raise.toFixed(1)} times coarser`,
      );
    }
    const [multiplier, raised] = snapScale(scale * factor, preScale);
    result.multiplier[row] = multiplier;
    result.scale[row] = raised;
    best = rounder.round(values, offset, raised, limit, target);
  }
  result.loss[row] = best / (preScale * preScale);
  return raise;
}

/** Mean of what the rounded weights leave out of the row's sum. */
function meanError({ values, mean }: FloatRows, offset: number, weights: Int8Array, scale: number): number {
  let sum = 0;
  if (mean !== undefined)
    for (let j = 0; j < mean.length; j++) sum += (values[offset + j] - scale * weights[j]) * mean[j];
  return sum;
}
