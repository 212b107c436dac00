import { describe, expect, it } from "vitest";
import { divergence } from "./divergence.js";

describe("divergence", () => {
  it("is that of the definition, on the scale given", () => {
    const wanted = [0.7, 0.2, 0.1];
    const logits = [40, 10, -20];
    const exp = logits.map((value) => Math.exp(0.05 * value));
    const total = exp.reduce((a, b) => a + b);
    const defined = wanted.reduce((sum, p, c) => sum + p * Math.log((p * total) / exp[c]), 0);
    expect(divergence(wanted, logits, 0.05)).toBeCloseTo(defined, 12);
  });
  it("is 0 for the same answers, finite for impossible ones and for large integers", () => {
    expect(divergence([0.5, 0.5, 0], [0, 0, -1e4], 1)).toBeCloseTo(0, 12);
    expect(divergence([1, 0], [-2e9, 2e9], 1e-6)).toBeCloseTo(4000, 6);
  });
});
