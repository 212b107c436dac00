import { describe, expect, it } from "vitest";
import { choleskyInPlace, inverseCholeskyUpper, invertLower } from "./cholesky.js";
import { MomentCollector, subMoments } from "./moments.js";
import { plainCompensation, prepareCompensation, RowRounder } from "./rounding.js";

/** Correlated samples: few hidden causes, many columns. */
function samples(columns: number, count: number): Float64Array[] {
  let state = 1;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  const mixing = Array.from({ length: columns }, () => [next(), next(), next()]);
  return Array.from({ length: count }, () => {
    const causes = [next(), next(), next()];
    return Float64Array.from(mixing, (row) => row.reduce((sum, m, i) => sum + m * causes[i], 0.05 * next()));
  });
}

function momentsOf(data: readonly Float64Array[]) {
  const collector = new MomentCollector(data[0].length);
  for (const sample of data) collector.add(sample, 0, sample.length);
  return collector.finish()!;
}

const rowError = (data: readonly Float64Array[], row: Float64Array, q: Int8Array, scale: number) =>
  data.reduce((sum, u) => sum + row.reduce((e, w, j) => e + (w - scale * q[j]) * u[j], 0) ** 2, 0) / data.length;

describe("factorisation", () => {
  const n = 9;
  const { second } = momentsOf(samples(n, 400));
  const matrix = second.map((value, i) => value + (i % (n + 1) === 0 ? 0.01 : 0));
  it("inverts a lower triangle", () => {
    const lower = matrix.slice();
    expect(choleskyInPlace(lower, n)).toBe(true);
    const inverse = invertLower(lower, n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let k = 0; k < n; k++) sum += lower[i * n + k] * inverse[k * n + j];
        expect(sum).toBeCloseTo(i === j ? 1 : 0, 9);
      }
    }
  });
  it("gives the upper factor of the inverse", () => {
    const upper = inverseCholeskyUpper(matrix, n)!;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        // A (U^T U) = 1
        let sum = 0;
        for (let k = 0; k < n; k++) {
          for (let m = 0; m < n; m++) sum += matrix[i * n + k] * upper[m * n + k] * upper[m * n + j];
        }
        expect(sum).toBeCloseTo(i === j ? 1 : 0, 7);
      }
    }
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) expect(upper[i * n + j]).toBe(0);
  });
  it("tells a matrix that is not positive definite", () => {
    expect(inverseCholeskyUpper(Float64Array.of(1, 2, 2, 1), 2)).toBeUndefined();
  });
});

describe("moments", () => {
  it.each([1, 3, 4, 5, 255, 256, 257])("are exact for %i samples", (count) => {
    const data = samples(5, count);
    const { mean, second } = momentsOf(data);
    for (let i = 0; i < 5; i++) {
      expect(mean[i]).toBeCloseTo(data.reduce((sum, u) => sum + u[i], 0) / count, 12);
      for (let j = 0; j < 5; j++) {
        expect(second[i * 5 + j]).toBeCloseTo(data.reduce((sum, u) => sum + u[i] * u[j], 0) / count, 12);
      }
    }
  });
  it("join two parts and can be cut again", () => {
    const [a, b] = [samples(3, 40), samples(2, 40)];
    const collector = new MomentCollector(5);
    for (let i = 0; i < 40; i++) collector.add(a[i], 0, 3, b[i], 0);
    expect(subMoments(collector.finish()!, 3, 5).second).toEqual(momentsOf(b).second);
    expect(new MomentCollector(3).finish()).toBeUndefined();
  });
});

describe("error-compensated rounding", () => {
  const columns = 24;
  const data = samples(columns, 600);
  const row = samples(columns, 1)[0].map((value) => value * 3);
  const scale = Math.max(...row.map(Math.abs)) / 7;
  const compensated = new RowRounder(prepareCompensation(momentsOf(data).second, columns));
  const round = (rounder: RowRounder) => {
    const q = new Int8Array(columns);
    return { q, loss: rounder.round(row, 0, scale, 7, q) };
  };
  it("errs less on the data than rounding to nearest, and single steps help further", () => {
    const plain = round(new RowRounder(plainCompensation(columns)));
    const { q, loss } = round(compensated);
    const before = rowError(data, row, q, scale);
    expect(before).toBeLessThan(0.3 * rowError(data, row, plain.q, scale));
    const change = compensated.refine(row, 0, scale, 7, q);
    expect(change).toBeLessThanOrEqual(0);
    expect(loss + change).toBeGreaterThan(0);
    expect(rowError(data, row, q, scale)).toBeLessThan(before * 1.05);
  });
  it("predicts its own loss", () => {
    const { q, loss } = round(compensated);
    const { second } = momentsOf(data);
    const trace = Array.from({ length: columns }, (_, i) => second[i * columns + i]).reduce((a, b) => a + b, 0);
    const damping = row.reduce((sum, w, j) => sum + (w - scale * q[j]) ** 2, 0) * ((0.01 * trace) / columns);
    expect(loss).toBeCloseTo(rowError(data, row, q, scale) + damping, 8);
  });
  it("keeps within the limit and stops at a bound", () => {
    const { q } = round(compensated);
    expect(Math.max(...q.map(Math.abs))).toBeLessThanOrEqual(7);
    const loss = compensated.round(row, 0, scale, 7, new Int8Array(columns), 1e-9);
    expect(loss).toBeGreaterThan(1e-9);
  });
  it("bears columns that are always zero, and blocks of wide matrices", () => {
    const wide = 700;
    const moments = new Float64Array(wide * wide);
    for (let i = 0; i < wide; i++) moments[i * wide + i] = i % 3 === 0 ? 0 : 1;
    const rounder = new RowRounder(prepareCompensation(moments, wide));
    const q = new Int8Array(wide);
    rounder.round(new Float64Array(wide).fill(0.7), 0, 0.1, 127, q);
    expect(new Set(q)).toEqual(new Set([7]));
  });
});
