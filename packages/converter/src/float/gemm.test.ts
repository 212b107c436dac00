import { describe, expect, it } from "vitest";
import { multiplyAdd, packWeights } from "./gemm.js";

describe("multiplyAdd", () => {
  it.each([1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33])("adds the product for all sizes around %i", (size) => {
    for (const [m, k, n] of [
      [size, 3, 5],
      [5, size, 4],
      [3, 6, size],
    ]) {
      const weights = Array.from({ length: k * n }, (_, i) => ((i * 37) % 19) - 9);
      const a = Float64Array.from({ length: m * (k + 2) + 1 }, (_, i) => ((i * 53) % 23) - 11);
      const out = new Float64Array(m * n).fill(2);
      multiplyAdd(out, n, a, 1, k + 2, m, packWeights(weights, k, n));
      for (let row = 0; row < m; row++) {
        for (let col = 0; col < n; col++) {
          let sum = 2;
          for (let i = 0; i < k; i++) sum += a[1 + row * (k + 2) + i] * weights[i * n + col];
          expect(out[row * n + col]).toBe(sum);
        }
      }
    }
  });

  it("computes a range of outputs and leaves the others", () => {
    const weights = packWeights([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 2, 5);
    const out = new Float64Array(5);
    multiplyAdd(out, 5, Float64Array.of(1, 10), 0, 2, 1, weights, 1, 4);
    expect(Array.from(out)).toEqual([0, 72, 83, 94, 0]);
  });
});
