/** Largest prime below 2^26: products of residues are exact in a double. */
const PRIME = 67108859;
const LARGEST_DENOMINATOR = 960;
const TOLERANCE = 1e-5;

const mod = (value: number): number => ((value % PRIME) + PRIME) % PRIME;

function inverse(value: number): number {
  let [a, b, x, y] = [mod(value), PRIME, 1, 0];
  while (a !== 0) {
    const q = Math.floor(b / a);
    [a, b, x, y] = [b - q * a, a, y - q * x, x];
  }
  return mod(y);
}

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

/** Keeps columns that depend on each other from growing against each other. */
const RIDGE = 1e-7;

/** Weighted least squares, for what no formula explains exactly. Columns are scaled to their largest value first. */
export function leastSquares(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  weights: readonly number[],
): number[] {
  const width = rows[0]?.length ?? 0;
  const scale = Array.from({ length: width }, (_, k) => Math.max(1e-9, ...rows.map((row) => Math.abs(row[k]!))));
  const normal = Array.from({ length: width }, () => new Array<number>(width).fill(0));
  const right = new Array<number>(width).fill(0);
  rows.forEach((row, i) => {
    const weight = weights[i]! ** 2;
    const scaled = row.map((value, k) => value / scale[k]!);
    for (let a = 0; a < width; a++) {
      if (scaled[a] === 0) continue;
      right[a]! += weight * scaled[a]! * targets[i]!;
      for (let b = 0; b < width; b++) normal[a]![b]! += weight * scaled[a]! * scaled[b]!;
    }
  });
  const largest = Math.max(...normal.map((row, k) => row[k]!));
  normal.forEach((row, k) => {
    row[k]! += RIDGE * largest;
  });
  return solveSquare(normal, right).map((value, k) => value / scale[k]!);
}
