import type { ModelDescription } from "./description.js";

/** Output rows of one or more steps, one behind the other. */
export interface StepResult {
  readonly rows: number;
  /** rows * outputSize integers; real value = outputScale * integer. */
  readonly outputs: Int32Array;
}

export interface Decision {
  /** Index of the class; for a single sigmoid output 1 or 0. */
  readonly index: number;
  /** Its name, where META has one. */
  readonly name: string | undefined;
  /** Its probability, where the model's outputs are logits; else the real value. */
  readonly value: number;
}

function rowOf(model: ModelDescription, result: StepResult, row: number): Int32Array {
  const index = row < 0 ? result.rows + row : row;
  if (!(index >= 0 && index < result.rows)) throw new RangeError(`row ${row} does not exist, there are ${result.rows}`);
  return result.outputs.subarray(index * model.outputSize, (index + 1) * model.outputSize);
}

/** Real values of one row; negative rows count from the end. */
export function rowValues(model: ModelDescription, result: StepResult, row = -1): Float64Array {
  return Float64Array.from(rowOf(model, result, row), (q) => q * model.outputScale);
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Probabilities of one row by the model's outputTransform; values as they are where there is none. */
export function rowProbabilities(model: ModelDescription, result: StepResult, row = -1): Float64Array {
  const values = rowValues(model, result, row);
  if (model.outputTransform === "sigmoid") return values.map(sigmoid);
  if (model.outputTransform === "none") return values;
  const most = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = values.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** The decision of one row, taken on its integers: the first largest; a single sigmoid output is decided by its sign. */
export function decideRow(model: ModelDescription, result: StepResult, row = -1): Decision {
  const integers = rowOf(model, result, row);
  const probabilities = rowProbabilities(model, result, row);
  const { classes } = model.meta;
  if (integers.length === 1 && model.outputTransform === "sigmoid") {
    const index = integers[0]! > 0 ? 1 : 0;
    const value = index === 1 ? probabilities[0]! : 1 - probabilities[0]!;
    return { index, name: classes?.[index], value };
  }
  let index = 0;
  for (let i = 1; i < integers.length; i++) if (integers[i]! > integers[index]!) index = i;
  return { index, name: classes?.[index], value: probabilities[index]! };
}
