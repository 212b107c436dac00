import { describe, expect, it } from "vitest";
import { ACTIVATION } from "../format/index.js";
import { deriveEncoding, encodeFrame, encodingOf } from "../lower/input-encoding.js";
import { mergeFactors } from "../lower/merge.js";
import { planActivation, planGate } from "./activation-plan.js";
import { affineEntry } from "./affine.js";
import { RangeStats } from "./range.js";
import { fitTable } from "./table.js";
import { planWindowing } from "./windowing.js";

const lookUp = (table: Int16Array, p: number) => {
  const u = p + 32768;
  const i = u >> 8;
  return table[i] + (((table[i + 1] - table[i]) * (u & 255) + 128) >> 8);
};

describe("tables", () => {
  it("interpolate smooth functions to about a sixteenth of the bend of an interval", () => {
    const apply = (p: number) => 30000 * Math.tanh(p / 8000);
    const table = fitTable(apply);
    for (let p = -32768; p < 32768; p += 37) expect(Math.abs(lookUp(table, p) - apply(p))).toBeLessThan(4);
  });
  it("keep corners at nodes exact", () => {
    const table = fitTable((p) => Math.max(0, p));
    // The last node saturates: 32768 is no int16.
    for (const p of [-32768, -256, -1, 0, 1, 255, 256, 32255]) expect(lookUp(table, p)).toBe(Math.max(0, p));
  });
  it("saturate", () => {
    const table = fitTable((p) => 4 * p);
    expect(lookUp(table, -32768)).toBe(-32768);
    expect(lookUp(table, 32767)).toBe(32767);
  });
});

describe("activation plans", () => {
  const range = { pre: 4, out: 4 };
  it("put slopes of hard sigmoids into the scale", () => {
    expect(planActivation({ kind: "hardSigmoid" }, range).inScale).toBe(5 * 2 ** -15);
    expect(planActivation({ kind: "hardSigmoidKeras3" }, range).inScale).toBe(6 * 2 ** -15);
  });
  it("clip relu at its maximum, lean leaky ones in Q0.15, and use tables for the rest", () => {
    const clipped = planActivation({ kind: "relu", max: 6 }, { pre: 20, out: 6 });
    expect(clipped.param * clipped.outScale).toBeCloseTo(6, 3);
    expect(planActivation({ kind: "relu", negativeSlope: 0.25 }, range)).toMatchObject({
      kind: ACTIVATION.LEAKY,
      param: 8192,
    });
    expect(planActivation({ kind: "leakyRelu", alpha: -0.5 }, range).kind).toBe(ACTIVATION.TABLE);
    expect(planActivation({ kind: "elu", alpha: 1 }, range).kind).toBe(ACTIVATION.TABLE);
  });
  it("simulate what the kernels do", () => {
    const { simulate } = planActivation({ kind: "relu", threshold: 1 }, range);
    expect(simulate(0.5)).toBe(0);
    expect(simulate(3)).toBeCloseTo(3, 3);
  });
  it("refuse gates beyond 1", () => {
    expect(() => planGate("lstm", { kind: "relu" }, { pre: 3, out: 3 })).toThrow("gates of lstm (relu) reach 3.00");
  });
});

describe("affine entries", () => {
  it.each([
    [0.5, 0],
    [1e-6, 12000],
    [-3.7, -1e5],
    [2 ** 20, 0],
    [0, 77],
    [1e-12, 1],
  ])("gain %d and offset %d to half a step", (gain, offset) => {
    const { multiplier, bias, shift } = affineEntry("x", gain, offset);
    for (const x of [-32768, -1, 0, 1, 255, 32767]) {
      const got = Number((BigInt(x) * BigInt(multiplier) + bias) >> BigInt(shift));
      const exact = x * gain + offset;
      expect(Math.abs(got - exact)).toBeLessThanOrEqual(0.5 + Math.abs(exact) * 2 ** -28);
    }
  });
  it("refuses what no shift can hold", () => {
    expect(() => affineEntry("x", 2 ** 31, 0)).toThrow("x scales by 2147483648");
    expect(() => affineEntry("x", 1, Number.NaN)).toThrow("adds NaN");
  });
});

describe("merge factors", () => {
  it("are exact for powers of two", () => {
    expect(mergeFactors(1, 1)).toEqual({ multiplierA: 1, multiplierB: 1, shift: 0 });
    expect(mergeFactors(1, 0.125)).toEqual({ multiplierA: 8, multiplierB: 1, shift: 3 });
  });
  it.each([
    [0.3, 0.7],
    [1, 0.3333],
    [1.9, -0.01],
    [16000, 3],
    [1e-3, 2e-4],
  ])("keep sums of %d and %d within int32", (a, b) => {
    const { multiplierA, multiplierB, shift } = mergeFactors(a, b);
    expect(32768 * (Math.abs(multiplierA) + Math.abs(multiplierB)) + 2 ** Math.max(0, shift - 1)).toBeLessThan(2 ** 31);
    expect(multiplierA / 2 ** shift).toBeCloseTo(a, 4 - Math.ceil(Math.log10(Math.abs(a) + Math.abs(b))));
  });
  it("refuse what 16 bits cannot hold", () => {
    expect(() => mergeFactors(40000, 1)).toThrow("beyond 16 bits");
  });
});

describe("ranges", () => {
  it("by maximum, percentile and least squares", () => {
    const stats = new RangeStats();
    stats.add(Float64Array.from({ length: 100_000 }, (_, i) => (i % 1000) / 1000));
    stats.add(Float64Array.of(-50));
    expect(stats.max).toBe(50);
    expect(stats.bound("max", 1.25)).toBe(62.5);
    expect(stats.percentile(0.99)).toBeLessThan(1.1);
    expect(stats.leastSquares(32767)).toBe(50);
    expect(stats.leastSquares(3)).toBeLessThan(50);
  });
});

describe("input encoding", () => {
  it("keeps integers and power-of-two fractions exact", () => {
    const encoding = deriveEncoding([Float32Array.of(3, 0.25, -700, 1.75)], 2);
    expect(encoding.scale).toEqual([1, 0.25]);
    expect(encoding.offset).toEqual([0, 0]);
  });
  it("takes out large offsets and leaves a quarter to spare", () => {
    const { scale, offset } = deriveEncoding([Float32Array.from({ length: 50 }, (_, i) => 1013 + Math.sin(i))], 1);
    expect(Math.abs(offset[0] - 1013)).toBeLessThan(0.1);
    expect(scale[0] * 32767).toBeGreaterThan(1.24);
    expect(scale[0] * 32767).toBeLessThan(2.5);
  });
  it("ignores the mask value", () => {
    expect(deriveEncoding([Float32Array.of(-999.5, 2, 3)], 1, -999.5).scale).toEqual([1]);
  });
  it("names the feature of a bad transform", () => {
    expect(() => encodingOf({ scale: [1, 0] }, 2)).toThrow("scale of feature 1 is 0");
    expect(() => encodingOf({ scale: 1, mean: [1] }, 2)).toThrow("mean has 1 values, the model has 2 features");
  });
  it("rounds and saturates raw counts", () => {
    const out = new Int16Array(2);
    encodeFrame(encodingOf({ scale: 0.5, mean: 1, std: 2 }, 2), [0.3, 1e6], 0, out);
    expect([...out]).toEqual([3, 32767]);
  });
});

describe("windowing", () => {
  it.each([
    ["valid", 10, 3, 1, 1, 0, 8],
    ["valid", 10, 3, 2, 2, 0, 3],
    ["same", 10, 3, 1, 1, 1, 10],
    ["same", 10, 4, 1, 1, 1, 10],
    ["same", 50, 5, 2, 1, 1, 25],
    ["same", 7, 2, 3, 1, 0, 3],
    ["causal", 10, 3, 1, 2, 4, 10],
    ["causal", 10, 3, 3, 1, 2, 4],
  ] as const)(
    "%s over %i rows: taps %i, stride %i, dilation %i",
    (padding, rows, taps, stride, dilation, padLeft, rowsOut) => {
      expect(planWindowing("conv", { taps, stride, dilation, padding }, rows)).toMatchObject({ padLeft, rowsOut });
    },
  );
  it("refuses same padding with a stride over an open time dimension", () => {
    const node = { taps: 3, stride: 2, dilation: 1, padding: "same" } as const;
    expect(() => planWindowing("conv", node, undefined)).toThrow("give a window");
  });
});
