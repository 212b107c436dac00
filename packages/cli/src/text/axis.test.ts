import { describe, expect, it } from "vitest";
import { decades, linear, polyline, ticks } from "./axis.js";

describe("axis", () => {
  it("steps by 1, 2 or 5 times a power of ten", () => {
    expect(ticks(0, 100_000, 8)).toEqual([
      0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000, 80_000, 90_000, 100_000,
    ]);
    expect(ticks(0, 50, 8)).toEqual([0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50]);
    expect(ticks(0, 16, 8)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16]);
    expect(ticks(0, 1, 8)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
    expect(ticks(-3, 7, 3)).toEqual([0, 5]);
  });
  it("names every decade of a short axis and each second or fifth of a long one", () => {
    expect(decades(-3, 0, 6)).toEqual([1e-3, 1e-2, 1e-1, 1]);
    expect(decades(-12, 0, 6)).toEqual([1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1]);
    expect(decades(0, 1, 6)).toEqual([1, 10]);
  });
  it("maps linearly, also downwards, and draws to a thousandth", () => {
    const map = linear([-2, 0], [200, 50]);
    expect([map(-2), map(-1), map(0)]).toEqual([200, 125, 50]);
    expect(
      polyline([
        [1, 2],
        [1 / 3, 4],
      ]),
    ).toBe("M1,2L0.333,4");
    expect(polyline([])).toBe("");
  });
});
