import { describe, expect, it } from "vitest";
import { argMax, ConfusionMatrix } from "./classification.js";
import { RegressionError } from "./regression.js";

describe("ConfusionMatrix", () => {
  const matrix = new ConfusionMatrix(["a", "b", "c", "never"]);
  const pairs = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 0];
  for (let i = 0; i < pairs.length; i += 2) matrix.add(pairs[i]!, pairs[i + 1]!);

  it("gives accuracy, precision, recall and F1 worked out by hand", () => {
    expect(matrix.total).toBe(6);
    expect(matrix.accuracy).toBeCloseTo(3 / 6, 12);
    const [a, b, c] = matrix.classScores;
    expect(a).toMatchObject({ support: 3, predicted: 3, precision: 2 / 3, recall: 2 / 3 });
    expect(b).toMatchObject({ support: 2, predicted: 2, precision: 1 / 2, recall: 1 / 2 });
    expect(c).toMatchObject({ support: 1, predicted: 1, precision: 0, recall: 0, f1: 0 });
  });

  it("leaves classes out that neither occur nor are predicted", () => {
    expect(matrix.classScores.map((score) => score.name)).toEqual(["a", "b", "c"]);
    expect(matrix.macroF1).toBeCloseTo((2 / 3 + 1 / 2 + 0) / 3, 12);
  });

  it("refuses class ids it does not know", () => {
    expect(() => matrix.add(4, 0)).toThrow("class 4 predicted as 0, there are 4 classes");
    expect(() => matrix.add(0, Number.NaN)).toThrow(RangeError);
  });
});

describe("argMax", () => {
  it("takes the first of equal values, inside the range asked for", () => {
    expect(argMax([1, 3, 3])).toBe(1);
    expect(argMax([9, 1, 2, 9], 1, 2)).toBe(1);
    expect(argMax([-5, -2])).toBe(1);
  });
});

describe("RegressionError", () => {
  it("gives RMSE, MAE and the worst error", () => {
    const error = new RegressionError();
    error.add(1, 4);
    error.add(10, 6);
    expect(error.rmse).toBeCloseTo(Math.sqrt(25 / 2), 12);
    expect(error.mae).toBeCloseTo(3.5, 12);
    expect(error.worst).toBe(4);
    expect(Number.isNaN(new RegressionError().rmse)).toBe(true);
  });
});
