import { describe, expect, it } from "vitest";
import { QuantizeError } from "./errors.js";
import { plainCompensation } from "./rounding.js";
import { type FloatRows, proofHolds, quantizeRows, snapScale, sumBound, type WeightBits } from "./rows.js";

const PRE = 2 ** -11;

function rowsOf(values: number[], rest: Partial<FloatRows> = {}): FloatRows {
  const columns = values.length;
  return {
    rows: 1,
    columns,
    values: Float64Array.from(values),
    bias: Float64Array.of(0),
    preScale: Float64Array.of(PRE),
    columnShift: new Float64Array(columns).fill(1),
    ...rest,
  };
}
const quantize = (source: FloatRows, bits: WeightBits = 8) =>
  quantizeRows("layer", source, bits, plainCompensation(source.columns));

describe("row quantization", () => {
  it("snaps scales to what the multiplier represents", () => {
    const [multiplier, scale] = snapScale(1.234567e-7, PRE);
    expect(Number.isInteger(multiplier)).toBe(true);
    expect(scale).toBe((multiplier * PRE) / 2 ** 32);
    expect(Math.abs(scale / 1.234567e-7 - 1)).toBeLessThan(1 / multiplier);
  });
  it("gives weights, bias and multiplier of one scale", () => {
    const q = quantize(rowsOf([3e-5, -1e-5, 0, 2e-5], { bias: Float64Array.of(0.25) }));
    expect(q.scale[0]).toBe((q.multiplier[0] * PRE) / 2 ** 32);
    expect(q.weights[0]).toBe(127);
    expect(q.weights[2]).toBe(0);
    expect(q.bias[0] * q.scale[0]).toBeCloseTo(0.25, 6);
  });
  it("lets the bias take up the mean error of the weights", () => {
    const values = [3e-5, 1.03e-5, 0.97e-5];
    const mean = Float64Array.of(20000, 10000, -5000);
    const q = quantize(rowsOf(values, { mean }), 4);
    const real = values.reduce((sum, v, j) => sum + v * mean[j], 0);
    const got = q.scale[0] * (q.weights.reduce((sum, w, j) => sum + w * mean[j], 0) + q.bias[0]);
    expect(got).toBeCloseTo(real, 5);
  });
  it("represents a row of zeros by its bias", () => {
    const q = quantize(rowsOf([0, 0], { bias: Float64Array.of(-1.5) }));
    expect([...q.weights]).toEqual([0, 0]);
    expect(q.bias[0] * q.scale[0]).toBeCloseTo(-1.5, 5);
  });
  it.each([8, 4] as const)("proves every row at %i bits, making wide ones coarser", (bits) => {
    const columns = bits === 8 ? 700 : 900;
    const source = rowsOf(
      Array.from({ length: columns }, (_, j) => (j % 2 ? 1e-5 : -0.9e-5)),
      { bias: Float64Array.of(0.5) },
    );
    const q = quantize(source, bits);
    expect(q.raisedRows).toBe(1);
    expect(proofHolds(sumBound(q.weights, 0, source.columnShift), q.bias[0], bits)).toBe(true);
    expect(proofHolds(sumBound(q.weights, 0, source.columnShift) * q.largestRaise, q.bias[0], bits)).toBe(false);
  });
  it("counts the left shift in the proof", () => {
    const shifted = new Float64Array(100).fill(64);
    const q = quantize(rowsOf(new Array(100).fill(1e-6), { columnShift: shifted }));
    expect(sumBound(q.weights, 0, shifted)).toBeLessThan(2 ** 31);
    expect(q.raisedRows).toBe(1);
  });
  it("refuses with numbers what no multiplier or proof can hold", () => {
    expect(() => quantize(rowsOf([1]))).toThrow(QuantizeError);
    expect(() => quantize(rowsOf([1]))).toThrow(/row 0 of layer has a weight of 1/);
    expect(() => quantize(rowsOf(new Array(8000).fill(1e-6)), 8)).not.toThrow();
    expect(() => quantize(rowsOf(new Array(9000).fill(1e-6)), 4)).toThrow(/28-bit accumulator \(limit 134217728\)/);
  });
});
