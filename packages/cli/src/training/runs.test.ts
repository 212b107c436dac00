import type { StreamFigures } from "@gatelet/train";
import { expect, it } from "vitest";
import { foldLines, type TrainedRun } from "./runs.js";

const run = (name: string, accuracy: number, stream?: Partial<StreamFigures>): TrainedRun => ({
  name,
  folder: name,
  parameters: 10,
  epochs: 2,
  bestEpoch: 1,
  validation: { loss: 1 },
  test: { loss: 0.5, accuracy, macroF1: accuracy / 2 },
  windows: { train: 1, validation: 1, test: 1 },
  seconds: 1,
  backend: "wasm",
  resumedAt: 0,
  ...(stream === undefined ? {} : { stream: stream as StreamFigures }),
});

it("shows mean and spread of the folds, a line for each combination", () => {
  const runs = [
    run("units=8 fold=1of2", 0.8),
    run("units=8 fold=2of2", 0.9),
    run("fold=1of2", 0.5),
    run("fold=2of2", 0.5),
  ];
  expect(foldLines(runs, 2)).toEqual([
    "units=8: 2 folds, mean and spread: test 85.00 +-7.07 %, F1 42.50 +-3.54 %",
    "2 folds, mean and spread: test 50.00 +-0.00 %, F1 25.00 +-0.00 %",
  ]);
});

it("shows streams by their frames, float and integer", () => {
  const figures = (accuracy: number) => ({ floatAccuracy: accuracy, accuracy: accuracy - 0.1, macroF1: 0.3 });
  const runs = [run("fold=1of2", 0.1, figures(0.6)), run("fold=2of2", 0.1, figures(0.6))];
  expect(foldLines(runs, 2)).toEqual([
    "2 folds, mean and spread: float 60.00 +-0.00 %, int8 50.00 +-0.00 %, F1 30.00 +-0.00 %",
  ]);
});
