import { QuantizeError } from "./errors.js";
import type { Moments } from "./moments.js";
import { type Compensation, plainCompensation, prepareCompensation } from "./rounding.js";
import { type IntegerRows, quantizeRows, type WeightBits, weightLimit } from "./rows.js";

/** Weights of one part: [rows, columns] row-major, and the scale of the int16 values they meet. */
export interface FloatPart {
  readonly weights: Float64Array;
  readonly columns: number;
  readonly inputScale: number;
}

/** Rows that share their columns and their statistics. */
export interface RowGroup {
  readonly rows: number;
  readonly input?: FloatPart;
  readonly recurrent?: FloatPart;
  readonly bias: Float64Array;
  readonly preScale: Float64Array;
  /** Of [input; recurrent], or of the one part that there is. */
  readonly moments?: Moments;
}

/** How the two parts of a row share an accumulator (KERNELS.md 13). */
export interface Alignment {
  readonly shift: number;
  readonly recurrentFirst: boolean;
}

export interface QuantizedGroup {
  readonly source: RowGroup;
  readonly layout: ColumnLayout;
  readonly integers: IntegerRows;
  /** Real weights after rounding, [rows, columns] of each part. */
  readonly input?: Float64Array;
  readonly recurrent?: Float64Array;
  readonly inputIntegers?: Int8Array;
  readonly recurrentIntegers?: Int8Array;
}

export interface QuantizedGroups {
  readonly alignment: Alignment;
  readonly groups: readonly QuantizedGroup[];
  readonly raisedRows: number;
  readonly largestRaise: number;
}

const LARGEST_SHIFT = 15;

/**
 * Quantizes groups of rows that share an alignment: picks shift and part order by the error expected of the coarsest
 * weights, rounds, and lowers the shift where the overflow proof would cost weight precision.
 * @param kept alignment to begin with instead
 * @throws QuantizeError where no alignment works
 */
export function quantizeGroups(
  name: string,
  groups: readonly RowGroup[],
  bits: WeightBits,
  kept?: Alignment,
): QuantizedGroups {
  const best = kept === undefined ? chooseAlignment(groups, bits).signed : signedShift(kept);
  let chosen: QuantizedGroups | undefined;
  let chosenLoss = Infinity;
  let failure: unknown;
  for (let signed = best; ; signed -= Math.sign(signed)) {
    try {
      const result = quantizeAligned(name, groups, bits, alignmentOf(signed));
      const loss = result.groups.reduce((sum, group) => sum + group.integers.loss.reduce((a, b) => a + b, 0), 0);
      if (loss < chosenLoss) {
        chosen = result;
        chosenLoss = loss;
      }
      if (result.raisedRows === 0) break;
    } catch (error) {
      if (!(error instanceof QuantizeError)) throw error;
      failure = error;
    }
    if (signed === 0) break;
  }
  if (chosen === undefined) throw failure;
  return chosen;
}

const signedShift = ({ shift, recurrentFirst }: Alignment): number => (recurrentFirst ? -shift : shift);
const alignmentOf = (signed: number): Alignment => ({ shift: Math.abs(signed), recurrentFirst: signed < 0 });

function quantizeAligned(
  name: string,
  groups: readonly RowGroup[],
  bits: WeightBits,
  alignment: Alignment,
): QuantizedGroups {
  // Groups often share their moments: factor each set once.
  const known = new Map<Moments, Compensation>();
  const quantized = groups.map((group) => quantizeGroup(name, group, bits, alignment, known));
  return {
    alignment,
    groups: quantized,
    raisedRows: quantized.reduce((sum, { integers }) => sum + integers.raisedRows, 0),
    largestRaise: Math.max(...quantized.map(({ integers }) => integers.largestRaise)),
  };
}

/** Columns of a group of rows: those of the input part, then those of the recurrent one. */
export interface ColumnLayout {
  readonly columns: number;
  readonly inputColumns: number;
  /** [columns] real value of one unit of the values that a column meets. */
  readonly scale: Float64Array;
  /** [columns] factor of the accumulator's left shift. */
  readonly columnShift: Float64Array;
}

function columnLayout({ input, recurrent }: RowGroup, { shift, recurrentFirst }: Alignment): ColumnLayout {
  const inputColumns = input?.columns ?? 0;
  const columns = inputColumns + (recurrent?.columns ?? 0);
  const both = input !== undefined && recurrent !== undefined;
  const scale = new Float64Array(columns);
  const columnShift = new Float64Array(columns).fill(1);
  for (let j = 0; j < columns; j++) {
    const isInput = j < inputColumns;
    scale[j] = (isInput ? input : recurrent)?.inputScale ?? 1;
    if (both && isInput !== recurrentFirst) columnShift[j] = 2 ** shift;
  }
  return { columns, inputColumns, scale, columnShift };
}

function quantizeGroup(
  name: string,
  group: RowGroup,
  bits: WeightBits,
  alignment: Alignment,
  known: Map<Moments, Compensation>,
): QuantizedGroup {
  const { rows, input, recurrent, bias, preScale, moments } = group;
  const layout = columnLayout(group, alignment);
  const { columns, inputColumns, scale, columnShift } = layout;
  const values = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < columns; j++) {
      const weight =
        j < inputColumns
          ? (input as FloatPart).weights[row * inputColumns + j]
          : (recurrent as FloatPart).weights[row * (columns - inputColumns) + j - inputColumns];
      values[row * columns + j] = (weight * scale[j]) / columnShift[j];
    }
  }
  let compensation = plainCompensation(columns);
  let mean: Float64Array | undefined;
  if (moments !== undefined) {
    // Integers of the aligned inputs: u = value / scale * columnShift.
    const unit = scale.map((real, j) => columnShift[j] / real);
    compensation = known.get(moments) ?? prepareCompensation(centredMoments(moments, unit), columns);
    known.set(moments, compensation);
    mean = moments.mean.map((value, j) => value * unit[j]);
  }
  const source = { rows, columns, values, bias, preScale, columnShift, ...(mean ? { mean } : {}) };
  const integers = quantizeRows(name, source, bits, compensation);
  return withIntegers(group, layout, integers);
}

/** A quantized group from its integers. */
export function withIntegers(source: RowGroup, layout: ColumnLayout, integers: IntegerRows): QuantizedGroup {
  const { scale, columnShift, inputColumns } = layout;
  return { source, layout, integers, ...splitParts(source, integers, scale, columnShift, inputColumns) };
}

/** Covariance of the integer inputs: the mean's share of the error goes to the bias. */
function centredMoments({ columns, mean, second }: Moments, unit: Float64Array): Float64Array {
  const result = new Float64Array(columns * columns);
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < columns; j++) {
      result[i * columns + j] = (second[i * columns + j] - mean[i] * mean[j]) * unit[i] * unit[j];
    }
  }
  return result;
}

function splitParts(
  { input, recurrent, rows }: RowGroup,
  integers: IntegerRows,
  scale: Float64Array,
  columnShift: Float64Array,
  inputColumns: number,
) {
  const { columns } = integers;
  const take = (from: number, to: number) => {
    const width = to - from;
    const whole = new Int8Array(rows * width);
    const real = new Float64Array(rows * width);
    for (let row = 0; row < rows; row++) {
      for (let j = from; j < to; j++) {
        const q = integers.weights[row * columns + j];
        whole[row * width + j - from] = q;
        real[row * width + j - from] = (q * integers.scale[row] * columnShift[j]) / scale[j];
      }
    }
    return { whole, real };
  };
  const first = input === undefined ? undefined : take(0, inputColumns);
  const second = recurrent === undefined ? undefined : take(inputColumns, columns);
  return {
    ...(first ? { input: first.real, inputIntegers: first.whole } : {}),
    ...(second ? { recurrent: second.real, recurrentIntegers: second.whole } : {}),
  };
}

/**
 * Signed shift (positive: the input part comes first and takes the left shift) with the least expected error of plain
 * rounding, and that error: row scale squared times the mean square of the aligned inputs, in units of the pre-activation.
 */
export function chooseAlignment(groups: readonly RowGroup[], bits: WeightBits): { signed: number; cost: number } {
  if (!groups.some(({ input, recurrent }) => input !== undefined && recurrent !== undefined))
    return { signed: 0, cost: 0 };
  const facts = groups.map((group) => alignmentFacts(group));
  let best = 0;
  let bestCost = Infinity;
  for (let signed = -LARGEST_SHIFT; signed <= LARGEST_SHIFT; signed++) {
    const inputShift = signed > 0 ? 2 ** signed : 1;
    const recurrentShift = signed < 0 ? 2 ** -signed : 1;
    let cost = 0;
    for (const { largest, energy, preScale, twoParts } of facts) {
      const [shiftX, shiftH] = twoParts ? [inputShift, recurrentShift] : [1, 1];
      const aligned = energy.input * shiftX * shiftX + energy.recurrent * shiftH * shiftH;
      for (let row = 0; row < preScale.length; row++) {
        const step = Math.max(largest.input[row] / shiftX, largest.recurrent[row] / shiftH) / weightLimit(bits);
        cost += ((step * step) / (preScale[row] * preScale[row])) * aligned;
      }
    }
    if (cost < bestCost) {
      best = signed;
      bestCost = cost;
    }
  }
  return { signed: best, cost: bestCost };
}

function alignmentFacts({ rows, input, recurrent, moments, preScale }: RowGroup) {
  const largestOf = (part: FloatPart | undefined) =>
    Float64Array.from({ length: rows }, (_, row) => {
      let largest = 0;
      for (let j = 0; part !== undefined && j < part.columns; j++) {
        largest = Math.max(largest, Math.abs(part.weights[row * part.columns + j]) * part.inputScale);
      }
      return largest;
    });
  const inputColumns = input?.columns ?? 0;
  // Without statistics: a quarter of the range, squared.
  const square = (j: number) => (moments ? moments.second[j * moments.columns + j] : undefined);
  const energyOf = (part: FloatPart | undefined, from: number) => {
    let sum = 0;
    for (let j = 0; part !== undefined && j < part.columns; j++) {
      const real = square(from + j);
      sum += real === undefined ? 2 ** 26 : real / (part.inputScale * part.inputScale);
    }
    return sum;
  };
  return {
    preScale,
    twoParts: input !== undefined && recurrent !== undefined,
    largest: { input: largestOf(input), recurrent: largestOf(recurrent) },
    energy: { input: energyOf(input, 0), recurrent: energyOf(recurrent, inputColumns) },
  };
}
