import type { Rows } from "./simulated-layer.js";

/** [batch, steps, columns] to [steps, batch, columns]. */
export function byTime({ values, batch, steps, columns }: Rows): Float32Array<ArrayBuffer> {
  return swapped(values, batch, steps, columns);
}

export const byBatch = (values: Float32Array, batch: number, steps: number, columns: number) =>
  swapped(values, steps, batch, columns);

export function swapped(
  values: Float32Array,
  outer: number,
  inner: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(values.length);
  for (let a = 0; a < outer; a++) {
    for (let b = 0; b < inner; b++) {
      const from = (a * inner + b) * columns;
      result.set(values.subarray(from, from + columns), (b * outer + a) * columns);
    }
  }
  return result;
}

/** Some columns of a matrix of `width` columns. */
export function columnsOf(values: Float32Array, width: number, from: number, count: number): Float32Array {
  const rows = values.length / width;
  const result = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    result.set(values.subarray(row * width + from, row * width + from + count), row * count);
  }
  return result;
}
