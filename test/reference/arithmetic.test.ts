import { describe, expect, it } from "vitest";
import { act, mulh, rshr, sat16, tanhHalf } from "./arithmetic.js";

const EXTREMES = [
  0,
  1,
  -1,
  2,
  -2,
  32767,
  -32768,
  65535,
  65536,
  -65536,
  2 ** 30,
  2 ** 31 - 1,
  -(2 ** 31),
  -(2 ** 31) + 1,
];

describe("arithmetic of the reference", () => {
  it("mulh equals the int64 equation", () => {
    let x = 12345;
    const next = () => {
      x = (Math.imul(x, 1664525) + 1013904223) | 0;
      return x;
    };
    const pairs = EXTREMES.flatMap((a) => EXTREMES.map((m): [number, number] => [a, m]));
    for (let i = 0; i < 2000; i++) pairs.push([next(), next()]);
    for (const [a, m] of pairs) expect(mulh(a, m)).toBe(Number((BigInt(a) * BigInt(m) + 2n ** 31n) >> 32n));
  });

  it("rshr wraps its sum modulo 2^32", () => {
    expect(rshr(5, 1)).toBe(3);
    expect(rshr(-5, 1)).toBe(-2);
    expect(rshr(2 ** 31 - 1, 1)).toBe(-(2 ** 30));
    expect(rshr(7, 0)).toBe(7);
    expect(sat16(40000)).toBe(32767);
  });

  it("tanh and sigmoid keep their error bounds over all arguments", () => {
    let [tanhError, sigmoidError] = [0, 0];
    for (let p = -32768; p <= 32767; p++) {
      const tanh = Math.min(32767, 32768 * Math.tanh(p / 4096));
      const sigmoid = Math.min(32767, 32768 / (1 + Math.exp(-p / 2048)));
      tanhError = Math.max(tanhError, Math.abs(tanhHalf(p) - tanh));
      sigmoidError = Math.max(sigmoidError, Math.abs(act({ kind: 2, param: 0, table: undefined }, p) - sigmoid));
    }
    expect(tanhError).toBeLessThanOrEqual(3);
    expect(sigmoidError).toBeLessThanOrEqual(2.5);
    expect(tanhHalf(0)).toBe(0);
  });
});
