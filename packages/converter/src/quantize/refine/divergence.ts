import { softmaxRows } from "../../float/activate.js";
import type { Rows } from "../../float/rows.js";
import type { OutputTransform } from "../../lower/lowering.js";

/**
 * How far rows are from those wanted, after what the host makes of them: Kullback-Leibler divergence of probabilities, half
 * the squared error of plain rows; summed over all rows.
 */
export function divergenceOf(wanted: Rows, got: Rows, transform: OutputTransform): number {
  let sum = 0;
  if (transform === "none") {
    for (let i = 0; i < got.data.length; i++) sum += 0.5 * (wanted.data[i] - got.data[i]) ** 2;
    return sum;
  }
  const [p, q] = [probabilities(wanted, transform), probabilities(got, transform)];
  for (let i = 0; i < p.length; i++) {
    sum += relativeEntropy(p[i], q[i]);
    if (transform === "sigmoid") sum += relativeEntropy(1 - p[i], 1 - q[i]);
  }
  return sum;
}

const relativeEntropy = (p: number, q: number): number => (p > 1e-12 ? p * Math.log(p / Math.max(q, 1e-12)) : 0);

function probabilities({ data, cols }: Rows, transform: "softmax" | "sigmoid"): Float64Array {
  if (transform === "sigmoid") return data.map((x) => 1 / (1 + Math.exp(-x)));
  const result = data.slice();
  softmaxRows(result, cols);
  return result;
}

/**
 * A random direction for each row: the mean of v v^T is the second derivative of the divergence there, so half of the squared
 * product of v and an error is, on the average, the divergence that the error costs.
 */
export function randomDirections(rows: Rows, transform: OutputTransform, next: () => number): Rows {
  const signs = rows.data.map(() => (next() < 0.5 ? -1 : 1));
  if (transform === "none") return { ...rows, data: signs };
  const p = probabilities(rows, transform);
  if (transform === "sigmoid") return { ...rows, data: signs.map((sign, i) => sign * Math.sqrt(p[i] * (1 - p[i]))) };
  const data = new Float64Array(p.length);
  for (let row = 0; row < p.length; row += rows.cols) {
    let sum = 0;
    for (let i = row; i < row + rows.cols; i++) sum += signs[i] * Math.sqrt(p[i]);
    for (let i = row; i < row + rows.cols; i++) data[i] = signs[i] * Math.sqrt(p[i]) - p[i] * sum;
  }
  return { ...rows, data };
}
