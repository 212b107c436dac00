import { describe, expect, it } from "vitest";
import type { Activation } from "../graph/types.js";
import { activateFunction, activationFunction, softmaxRows } from "./activate.js";

/** Values from the definitions, computed with 20 digits elsewhere. */
const KNOWN: readonly (readonly [Activation, number, number])[] = [
  [{ kind: "gelu" }, 1, 0.8413447460685429],
  [{ kind: "gelu" }, -2.5, -0.015524163314440348],
  [{ kind: "gelu" }, 5, 4.99999856674214],
  [{ kind: "geluTanh" }, 1, 0.8411919906082768],
  [{ kind: "mish" }, 1, 0.8650983882673103],
  [{ kind: "selu" }, -1, -1.1113307378125628],
  [{ kind: "softplus" }, -30, 9.357622968839737e-14],
  [{ kind: "softplus" }, 800, 800],
  [{ kind: "hardSigmoid" }, 1, 0.7],
  [{ kind: "hardSigmoidKeras3" }, 1, 2 / 3],
  [{ kind: "hardSwish" }, 1, 2 / 3],
  [{ kind: "relu", max: 6 }, 7, 6],
  [{ kind: "relu", threshold: 1, negativeSlope: 0.5 }, 0.5, -0.25],
  [{ kind: "relu", threshold: 1, negativeSlope: 0.5 }, 1.5, 1.5],
  [{ kind: "leakyRelu", alpha: 0.3 }, -2, -0.6],
  [{ kind: "elu", alpha: 0.5 }, -1, -0.31606027941427883],
];

describe("activations", () => {
  it.each(KNOWN)("%o of %f", (activation, x, expected) => {
    expect(activationFunction(activation)(x)).toBeCloseTo(expected, 12);
  });

  it.each(["tanh", "sigmoid"] as const)("%s over a stretch equals %s of each, however large", (kind) => {
    const values = Float64Array.of(-1000, -30, -1, -1e-9, 0, 1e-9, 0.5, 20, 1000);
    const all = values.slice();
    activateFunction({ kind })(all, 1, 8);
    values.forEach((value, i) => {
      const expected = i === 0 || i === 8 ? value : activationFunction({ kind })(value);
      expect(Math.abs(all[i] - expected)).toBeLessThan(4e-16);
    });
  });

  it("softmax of each row, also of large values", () => {
    const rows = Float64Array.of(1000, 1000, 0, Math.log(3));
    softmaxRows(rows, 2);
    expect(rows[0]).toBe(0.5);
    expect(rows[2]).toBeCloseTo(0.25, 12);
    expect(rows[3]).toBeCloseTo(0.75, 12);
  });
});
