import { choleskyInPlace, invertLower } from "../cholesky.js";
import { QuantizeError } from "../errors.js";
import { addGramLower, mirrorLower } from "../gram.js";
import type { QuantizedGroup } from "../matrices.js";
import { prepareCompensation } from "../rounding.js";
import { quantizeRows, type WeightBits } from "../rows.js";
import type { Sensitivity } from "./sensitivity.js";

/** Integer rows that are rounded again, in place. */
export interface MovableRows {
  readonly group: QuantizedGroup;
  readonly bits: WeightBits;
  readonly sensitivity: Sensitivity;
}

/** A symmetric quadratic form of a row's weights and its bias (the last), real units. */
interface Quadratic {
  readonly size: number;
  /** [size, size] */
  readonly matrix: Float64Array;
}

/**
 * Rounds every row again, one behind the other, each so that it also makes up for what the others do to the outputs.
 * @param residual [samples] error of each sample's output; changed with the rows
 * @param pull     weight of the error of a row's own sums beside that of the outputs
 */
export function reroundRows(blocks: readonly MovableRows[], residual: Float64Array, pull: number): void {
  for (const block of blocks) {
    for (let row = 0; row < block.group.source.rows; row++) reroundRow(block, row, residual, pull);
  }
}

function reroundRow({ group, bits, sensitivity }: MovableRows, row: number, residual: Float64Array, pull: number) {
  const { columns, samples, energy } = sensitivity;
  const answers = sensitivity.row(row);
  const sums = sumForm(group, pull * energy[row] * samples);
  const both = outputForm(answers, columns + 1, samples);
  for (let i = 0; i < both.matrix.length; i++) both.matrix[i] += sums.matrix[i];
  const now = realRow(group, row);
  const slope = times(sums, difference(now, wantedRow(group, row)));
  for (let i = 0; i <= columns; i++) {
    for (let n = 0; n < samples; n++) slope[i] += answers[i * samples + n] * residual[n];
  }
  const step = solve(both, slope);
  const trial = step && roundTo(group, row, bits, both, difference(now, step));
  if (trial === undefined) return;
  const move = difference(trial.real, now);
  const curve = times(both, move);
  const gain = move.reduce((sum, value, i) => sum + value * (slope[i] + 0.5 * curve[i]), 0);
  if (gain >= 0) return;
  const { integers } = group;
  integers.weights.set(trial.weights, row * columns);
  integers.bias[row] = trial.bias;
  integers.multiplier[row] = trial.multiplier;
  integers.scale[row] = trial.scale;
  for (let i = 0; i <= columns; i++) {
    for (let n = 0; n < samples; n++) residual[n] += move[i] * answers[i * samples + n];
  }
}

const difference = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, i) => value - b[i]);

/** Sum of the squared answers of the outputs. */
function outputForm(answers: Float32Array, size: number, samples: number): Quadratic {
  const padded = (size + 3) & ~3;
  const whole = new Float64Array(padded * samples);
  whole.set(answers);
  const gram = new Float64Array(padded * padded);
  addGramLower(whole, padded, samples, gram);
  mirrorLower(gram, padded);
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) matrix.set(gram.subarray(i * padded, i * padded + size), i * size);
  return { size, matrix };
}

/** `strength` times the mean squared error of the row's sum. */
function sumForm({ layout, source }: QuantizedGroup, strength: number): Quadratic {
  const { columns } = layout;
  const size = columns + 1;
  const matrix = new Float64Array(size * size);
  const { moments } = source;
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < columns; j++) {
      matrix[i * size + j] = strength * (moments?.second[i * columns + j] ?? (i === j ? 1 : 0));
    }
    matrix[i * size + columns] = strength * (moments?.mean[i] ?? 0);
    matrix[columns * size + i] = matrix[i * size + columns];
  }
  matrix[columns * size + columns] = strength;
  return { size, matrix };
}

/** Weights and bias of a rounded row, real units. */
function realRow({ integers, layout }: QuantizedGroup, row: number): Float64Array {
  const { columns, columnShift, scale } = layout;
  return Float64Array.from({ length: columns + 1 }, (_, j) => {
    if (j === columns) return integers.bias[row] * integers.scale[row];
    return (integers.weights[row * columns + j] * integers.scale[row] * columnShift[j]) / scale[j];
  });
}

/** Weights and bias that the row was rounded from. */
function wantedRow({ source, layout }: QuantizedGroup, row: number): Float64Array {
  const { columns, inputColumns } = layout;
  const result = new Float64Array(columns + 1);
  source.input?.weights.subarray(row * inputColumns, (row + 1) * inputColumns).forEach((value, j) => {
    result[j] = value;
  });
  const rest = columns - inputColumns;
  source.recurrent?.weights.subarray(row * rest, (row + 1) * rest).forEach((value, j) => {
    result[inputColumns + j] = value;
  });
  result[columns] = source.bias[row];
  return result;
}

function times({ size, matrix }: Quadratic, vector: Float64Array): Float64Array {
  const result = new Float64Array(size);
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) result[i] += matrix[i * size + j] * vector[j];
  return result;
}

function solve({ size, matrix }: Quadratic, right: Float64Array): Float64Array | undefined {
  const lower = matrix.slice();
  for (let i = 0; i < size; i++) lower[i * size + i] *= 1 + 1e-6;
  if (!choleskyInPlace(lower, size)) return undefined;
  const inverse = invertLower(lower, size);
  const middle = new Float64Array(size);
  for (let i = 0; i < size; i++) for (let j = 0; j <= i; j++) middle[i] += inverse[i * size + j] * right[j];
  const result = new Float64Array(size);
  for (let i = 0; i < size; i++) for (let j = 0; j <= i; j++) result[j] += inverse[i * size + j] * middle[i];
  return result;
}

/** Rounds real weights under a form: error-compensated, with the bias taking up what it can; undefined without a proof. */
function roundTo(
  { source, layout }: QuantizedGroup,
  row: number,
  bits: WeightBits,
  form: Quadratic,
  best: Float64Array,
) {
  const { columns, columnShift, scale } = layout;
  const { size, matrix } = form;
  const unit = columnShift.map((shift, j) => shift / scale[j]);
  const corner = matrix[size * size - 1];
  const centred = new Float64Array(columns * columns);
  const mean = new Float64Array(columns);
  for (let i = 0; i < columns; i++) {
    mean[i] = (matrix[i * size + columns] / corner) * unit[i];
    for (let j = 0; j < columns; j++) {
      const shared = (matrix[i * size + columns] * matrix[j * size + columns]) / corner;
      centred[i * columns + j] = (matrix[i * size + j] - shared) * unit[i] * unit[j];
    }
  }
  const rows = {
    rows: 1,
    columns,
    values: Float64Array.from(unit, (real, j) => best[j] / real),
    bias: best.subarray(columns),
    preScale: source.preScale.subarray(row, row + 1),
    columnShift,
    mean,
  };
  try {
    const rounded = quantizeRows("", rows, bits, prepareCompensation(centred, columns));
    const real = Float64Array.from({ length: columns + 1 }, (_, j) =>
      j === columns ? rounded.bias[0] * rounded.scale[0] : rounded.weights[j] * rounded.scale[0] * unit[j],
    );
    return {
      weights: rounded.weights,
      bias: rounded.bias[0],
      multiplier: rounded.multiplier[0],
      scale: rounded.scale[0],
      real,
    };
  } catch (failure) {
    // No proof for the row as it would be best: it stays as it is.
    if (failure instanceof QuantizeError) return undefined;
    throw failure;
  }
}
