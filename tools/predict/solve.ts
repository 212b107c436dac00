import { inverse, mod, PRIME } from "./modular.js";

const LARGEST_DENOMINATOR = 960;
const TOLERANCE = 1e-5;

/** Columns that do not depend on earlier ones, and as many rows that are independent in them: exact, modulo a prime. */
function independent(rows: readonly (readonly number[])[]): { columns: number[]; pivots: number[] } {
  const width = rows[0]?.length ?? 0;
  const work = rows.map((row) => row.map(mod));
  const order = rows.map((_, i) => i);
  const columns: number[] = [];
  for (let column = 0; column < width; column++) {
    const used = columns.length;
    const at = work.findIndex((row, i) => i >= used && row[column] !== 0);
    if (at < 0) continue;
    [work[used], work[at]] = [work[at]!, work[used]!];
    [order[used], order[at]] = [order[at]!, order[used]!];
    const pivot = work[used]!;
    const scale = inverse(pivot[column]!);
    for (let i = used + 1; i < work.length; i++) {
      const row = work[i]!;
      if (row[column] === 0) continue;
      const factor = (row[column]! * scale) % PRIME;
      for (let k = column; k < width; k++) row[k] = mod(row[k]! - ((factor * pivot[k]!) % PRIME));
    }
    columns.push(column);
  }
  return { columns, pivots: order.slice(0, columns.length) };
}

/** Solves a square system in doubles. */
function solveSquare(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const work = matrix.map((row, i) => [...row, right[i]!]);
  const n = work.length;
  for (let column = 0; column < n; column++) {
    let best = column;
    for (let i = column + 1; i < n; i++) if (Math.abs(work[i]![column]!) > Math.abs(work[best]![column]!)) best = i;
    [work[column], work[best]] = [work[best]!, work[column]!];
    for (let i = 0; i < n; i++) {
      if (i === column) continue;
      const factor = work[i]![column]! / work[column]![column]!;
      for (let k = column; k <= n; k++) work[i]![k]! -= factor * work[column]![k]!;
    }
  }
  return work.map((row, i) => row[n]! / row[i]!);
}

/** The fraction with a small denominator that a double stands for. */
function fraction(value: number): number {
  for (let denominator = 1; denominator <= LARGEST_DENOMINATOR; denominator++) {
    const numerator = Math.round(value * denominator);
    if (Math.abs(value * denominator - numerator) < TOLERANCE) return numerator / denominator;
  }
  return value;
}

export interface Solution {
  /** One coefficient per column; 0 for columns that depend on others before them. */
  readonly coefficients: readonly number[];
  /** Rows that the coefficients do not reproduce exactly. */
  readonly wrong: readonly number[];
}

/**
 * Solves rows * x = targets exactly, for many more rows than columns and integer data: independent columns and rows are
 * found modulo a prime, coefficients are small fractions, every row is verified. Columns that depend on earlier ones get 0.
 */
export function solve(rows: readonly (readonly number[])[], targets: readonly number[]): Solution {
  const { columns, pivots } = independent(rows);
  const square = pivots.map((row) => columns.map((column) => rows[row]![column]!));
  const values = solveSquare(
    square,
    pivots.map((row) => targets[row]!),
  );
  const coefficients = new Array<number>(rows[0]?.length ?? 0).fill(0);
  columns.forEach((column, i) => {
    coefficients[column] = fraction(values[i]!);
  });
  const wrong: number[] = [];
  rows.forEach((row, i) => {
    const sum = row.reduce((total, value, k) => total + value * coefficients[k]!, 0);
    if (!(Math.abs(sum - targets[i]!) < 0.01)) wrong.push(i);
  });
  return { coefficients, wrong };
}
