/** The largest singular values of a matrix and their vectors. */
export interface SingularValues {
  /** All of them, falling. */
  readonly values: Float64Array;
  /** Column k of U, [rows], and row k of V^T, [cols], for the values that are not zero. */
  readonly left: readonly Float64Array[];
  readonly right: readonly Float64Array[];
}

const SWEEPS = 60;

/**
 * Singular values of a row-major [rows, cols] matrix by one-sided Jacobi rotations (Hestenes): the shorter side's vectors
 * are turned until all are orthogonal. Deterministic; a few seconds for 512 x 512.
 */
export function singularValues(data: ArrayLike<number>, rows: number, cols: number): SingularValues {
  const isWide = cols >= rows;
  const [count, length] = isWide ? [rows, cols] : [cols, rows];
  const vectors = Array.from({ length: count }, (_, v) =>
    Float64Array.from({ length }, (_, i) => data[isWide ? v * cols + i : i * cols + v]),
  );
  const turned = Array.from({ length: count }, (_, v) => {
    const unit = new Float64Array(count);
    unit[v] = 1;
    return unit;
  });
  for (let sweep = 0; sweep < SWEEPS && rotateAll(vectors, turned); sweep++);
  const norms = vectors.map((vector) => Math.sqrt(dot(vector, vector)));
  const order = [...norms.keys()].sort((a, b) => norms[b] - norms[a]);
  const values = Float64Array.from(order, (v) => norms[v]);
  const kept = order.filter((v) => norms[v] > 1e-6 * (values[0] || 1));
  const short = kept.map((v) => turned[v]);
  const long = kept.map((v) => vectors[v].map((value) => value / norms[v]));
  return { values, left: isWide ? short : long, right: isWide ? long : short };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** One sweep over all pairs; false: all were orthogonal. */
function rotateAll(vectors: readonly Float64Array[], turned: readonly Float64Array[]): boolean {
  let changed = false;
  // Vectors far below the longest never become orthogonal in float64, and say nothing.
  const least = 1e-13 * Math.max(...vectors.map((vector) => dot(vector, vector)));
  for (let p = 0; p < vectors.length; p++) {
    for (let q = p + 1; q < vectors.length; q++) {
      const [pp, qq, pq] = [dot(vectors[p], vectors[p]), dot(vectors[q], vectors[q]), dot(vectors[p], vectors[q])];
      if (Math.abs(pq) <= Math.max(least, 1e-12 * Math.sqrt(pp * qq))) continue;
      changed = true;
      const tau = (qq - pp) / (2 * pq);
      const tangent = (tau < 0 ? -1 : 1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
      const cosine = 1 / Math.sqrt(1 + tangent * tangent);
      turn(vectors[p], vectors[q], cosine, cosine * tangent);
      turn(turned[p], turned[q], cosine, cosine * tangent);
    }
  }
  return changed;
}

function turn(a: Float64Array, b: Float64Array, cosine: number, sine: number): void {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i], b[i]];
    a[i] = cosine * x - sine * y;
    b[i] = sine * x + cosine * y;
  }
}
