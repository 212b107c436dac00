const INTERVALS = 256;
const SAMPLES = 8;

/**
 * 257 int16 values for linear interpolation (KERNELS.md 10) of a function over -32768 .. 32767.
 * Of two candidates, values at the nodes and the least-squares broken line, the one with the smaller largest error wins:
 * the first for functions with corners at nodes or jumps, the second for smooth ones (half the error).
 * @param apply result in LSB for an argument in LSB
 */
export function fitTable(apply: (p: number) => number): Int16Array {
  const nodes = Float64Array.from({ length: INTERVALS + 1 }, (_, i) => apply((i << 8) - 32768));
  const candidates = [nodes, leastSquares(apply)].map((values) => Int16Array.from(values, toInt16));
  return worstError(candidates[1], apply) < worstError(candidates[0], apply) ? candidates[1] : candidates[0];
}

const clampInt16 = (value: number): number => Math.min(32767, Math.max(-32768, value));
const toInt16 = (value: number): number => clampInt16(Math.round(value));

/** Largest error over the sample points, against the saturated function. */
function worstError(table: Int16Array, apply: (p: number) => number): number {
  let worst = 0;
  for (let i = 0; i < INTERVALS; i++) {
    for (let f = 0; f < 256; f += 256 / SAMPLES) {
      const given = table[i] + (((table[i + 1] - table[i]) * f + 128) >> 8);
      worst = Math.max(worst, Math.abs(given - clampInt16(apply((i << 8) + f - 32768))));
    }
  }
  return worst;
}

/** Node values of the broken line with least squared error: a tridiagonal system of hat functions. */
function leastSquares(apply: (p: number) => number): Float64Array {
  const size = INTERVALS + 1;
  const diagonal = new Float64Array(size);
  const side = new Float64Array(size);
  const right = new Float64Array(size);
  for (let i = 0; i < INTERVALS; i++) {
    for (let s = 0; s < SAMPLES; s++) {
      const part = (s + 0.5) / SAMPLES;
      const value = clampInt16(apply((i << 8) + 256 * part - 32768));
      diagonal[i] += (1 - part) ** 2;
      diagonal[i + 1] += part ** 2;
      side[i] += part * (1 - part);
      right[i] += (1 - part) * value;
      right[i + 1] += part * value;
    }
  }
  for (let i = 1; i < size; i++) {
    const factor = side[i - 1] / diagonal[i - 1];
    diagonal[i] -= factor * side[i - 1];
    right[i] -= factor * right[i - 1];
  }
  const values = new Float64Array(size);
  for (let i = size - 1; i >= 0; i--) {
    values[i] = (right[i] - (i + 1 < size ? side[i] * values[i + 1] : 0)) / diagonal[i];
  }
  return values;
}
