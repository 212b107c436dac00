/**
 * In place Cholesky factorisation of a symmetric positive definite matrix: lower triangle L with A = L L^T, upper triangle zero.
 * @returns false where A is not positive definite (contents undefined then). Cost: n^3 / 6 MACs.
 */
export function choleskyInPlace(a: Float64Array, n: number): boolean {
  for (let j = 0; j < n; j++) {
    const rowJ = j * n;
    let diagonal = a[rowJ + j];
    for (let k = 0; k < j; k++) diagonal -= a[rowJ + k] * a[rowJ + k];
    if (!(diagonal > 0)) return false;
    const root = Math.sqrt(diagonal);
    a[rowJ + j] = root;
    for (let i = j + 1; i < n; i++) {
      const rowI = i * n;
      let sum = a[rowI + j];
      for (let k = 0; k < j; k++) sum -= a[rowI + k] * a[rowJ + k];
      a[rowI + j] = sum / root;
    }
    for (let k = j + 1; k < n; k++) a[rowJ + k] = 0;
  }
  return true;
}

/** Inverse of a lower triangular matrix, row-major. Cost: n^3 / 6 MACs. */
export function invertLower(l: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const rowI = i * n;
    // Row i of the inverse: (e_i - sum over k < i of L[i][k] * row k) / L[i][i].
    for (let k = 0; k < i; k++) {
      const factor = l[rowI + k];
      if (factor === 0) continue;
      const rowK = k * n;
      for (let j = 0; j <= k; j++) inverse[rowI + j] -= factor * inverse[rowK + j];
    }
    const pivot = l[rowI + i];
    for (let j = 0; j < i; j++) inverse[rowI + j] /= pivot;
    inverse[rowI + i] = 1 / pivot;
  }
  return inverse;
}

/**
 * Upper triangular U, row-major, with U^T U = A^-1 (the Cholesky factor that error-compensated rounding walks along).
 * Factoring A in reversed order gives it without forming the inverse: with J the reversal and J A J = L L^T,
 * A^-1 = (J L^-1 J)^T (J L^-1 J), and J L^-1 J is upper triangular.
 * @returns undefined where A is not positive definite. Cost: n^3 / 3 MACs.
 */
export function inverseCholeskyUpper(a: Float64Array, n: number): Float64Array | undefined {
  const last = n - 1;
  const reversed = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) reversed[i * n + j] = a[(last - i) * n + (last - j)];
  if (!choleskyInPlace(reversed, n)) return undefined;
  const inverse = invertLower(reversed, n);
  const upper = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) upper[i * n + j] = inverse[(last - i) * n + (last - j)];
  return upper;
}
