import { cutWindows, type Recordings } from "@gatelet/train";
import { describe, expect, it } from "vitest";
import { PLAIN } from "../text/style.js";
import { streamErrorSvg } from "./error-plot.js";
import { evaluateStreams } from "./evaluate-streams.js";
import { evaluateWindows } from "./evaluate-windows.js";
import { measureTiming } from "./evaluation-report.js";
import { decidedClass, type Predictor, transformed } from "./predictor.js";
import { renderEvaluation } from "./render-evaluation.js";
import type { ClassificationScores, Meaning } from "./scores.js";

/** Says class 1 where the last sample exceeds `threshold`; logits are that far apart. */
function stepper(threshold: number): Predictor {
  const row = (value: number) => [0, value - threshold];
  return {
    outputSize: 2,
    transform: "softmax",
    windows: (samples) => samples.map((window) => Float64Array.from(row(window.at(-1)!))),
    createStream: () => ({ push: (samples) => Float64Array.from([...samples].flatMap(row)) }),
  };
}

const values = [0, 0, 0, 0, 9, 9, 9, 4, 9, 9, 0, 0];
const labels = Uint16Array.from([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0]);
const recordings: Recordings = {
  name: "toy",
  channels: 1,
  rateHz: 2,
  featureNames: ["x"],
  units: [""],
  rawScale: [1],
  sequences: [{ name: "r", length: values.length, samples: Int16Array.from(values), labels }],
  classes: ["low", "high"],
};
const meaning: Meaning = {
  transform: "softmax",
  outputSize: 2,
  classNames: ["low", "high"],
  task: "classification",
  targetScale: { mean: 0, std: 1 },
};

function finish<T>(generator: Generator<number, T>): T {
  let last = -1;
  for (;;) {
    const step = generator.next();
    if (step.done === true) return step.value;
    expect(step.value).toBeGreaterThanOrEqual(last);
    expect(step.value).toBeLessThanOrEqual(1);
    last = step.value;
  }
}

describe("transformed and decidedClass", () => {
  it("are stable for large logits and know the single sigmoid", () => {
    expect([...transformed([1000, 1000], "softmax")]).toEqual([0.5, 0.5]);
    expect(decidedClass([0.1], "sigmoid")).toBe(1);
    expect(decidedClass([-0.1], "sigmoid")).toBe(0);
    expect(transformed([0], "sigmoid")[0]).toBe(0.5);
  });
});

describe("evaluateWindows", () => {
  const set = cutWindows(recordings, { length: 2, hop: 1 });
  it("scores both models and how they differ", () => {
    const result = finish(evaluateWindows(set, stepper(6), stepper(3), meaning, [0]));
    expect(result.windows).toBe(11);
    expect(result.quantized).toMatchObject({
      samples: 11,
      accuracy: 10 / 11,
      confusion: [
        [5, 0],
        [1, 5],
      ],
    });
    expect((result.float as ClassificationScores).accuracy).toBe(1);
    expect(result.difference!.agreement).toBeCloseTo(10 / 11, 12);
    const worst = 1 / (1 + Math.exp(-1)) - 1 / (1 + Math.exp(2));
    expect(result.difference!.worstOutputError).toBeCloseTo(worst, 12);
  });

  it("scores regression in physical units", () => {
    const targets = Float32Array.from(values, (value) => 10 * value + 5);
    const some = { ...recordings, sequences: [{ ...recordings.sequences[0]!, targets }] };
    const exact: Predictor = {
      ...stepper(0),
      outputSize: 1,
      transform: "none",
      windows: (all) => all.map((w) => Float64Array.of(w.at(-1)! + 0.1)),
    };
    const regression: Meaning = {
      ...meaning,
      outputSize: 1,
      transform: "none",
      task: "regression",
      targetScale: { mean: 5, std: 10 },
    };
    const result = finish(evaluateWindows(cutWindows(some, { length: 1 }), exact, undefined, regression, [0]));
    expect(result.quantized).toMatchObject({ kind: "regression", samples: 12 });
    expect((result.quantized as { rmse: number }).rmse).toBeCloseTo(1, 9);
    expect(result.difference).toBeNull();
  });

  it("refuses labels that the model has no output for, before any work", () => {
    const many = { ...set, windows: [{ sequence: 0, start: 0, label: 7 }] };
    expect(() => finish(evaluateWindows(many, stepper(1), undefined, meaning, [0]))).toThrow(
      "the data have class 7, the model tells 2 classes apart (0 .. 1)",
    );
  });
});

describe("evaluateStreams", () => {
  const options = { transitionFrames: 2, hop: 1, window: null, longFrames: 30 };
  it("scores every frame, transitions apart, and draws the error over time", () => {
    const result = finish(evaluateStreams(recordings, stepper(6), stepper(3), meaning, options));
    expect(result.quantized!.all).toMatchObject({ samples: 12, accuracy: 11 / 12 });
    expect(result.quantized!.transitions.samples).toBe(4);
    expect(result.quantized!.steady.samples).toBe(8);
    expect(result.float!.all).toMatchObject({ accuracy: 1 });
    expect(result.errorByStep!.worst).toHaveLength(12);
    expect(result.errorByStep!.worst.indexOf(Math.max(...result.errorByStep!.worst))).toBe(7);
    expect(result.longStream).toMatchObject({ frames: 30, framesPerBin: 1 });
    expect(result.longStream!.worst[19]).toBe(result.errorByStep!.worst[7]);
    expect(streamErrorSvg("toy", result, result.unit)).toContain("30 frames");
  });

  it("holds the decision of a window model until the next one falls", () => {
    const result = finish(
      evaluateStreams(recordings, stepper(6), undefined, meaning, { ...options, window: 4, hop: 2 }),
    );
    // Windows end at frames 3, 5, 7, 9, 11; frames 3 .. 11 have a decision.
    expect(result.quantized!.all.samples).toBe(9);
    expect(result.errorByStep).toBeNull();
    expect((result.quantized!.all as ClassificationScores).confusion).toEqual([
      [2, 1],
      [3, 3],
    ]);
  });
});

describe("renderEvaluation", () => {
  it.each([60, 80])("fits %i columns", (width) => {
    const windows = finish(
      evaluateWindows(cutWindows(recordings, { length: 1 }), stepper(6), stepper(3), meaning, [0]),
    );
    const streams = finish(
      evaluateStreams(recordings, stepper(6), stepper(3), meaning, {
        transitionFrames: 2,
        hop: 1,
        window: null,
        longFrames: 200,
      }),
    );
    const timing = measureTiming(stepper(1), Int16Array.from(values), 1, 4, "test");
    const text = renderEvaluation(
      {
        model: "toy",
        data: "toy.csv",
        fileBytes: 4544,
        arenaBytes: 240,
        windows,
        streams,
        timing: { ...timing, host: "node" },
        notes: [],
      },
      width,
      PLAIN,
    );
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(text).toContain("accuracy  ");
    expect(text).toContain("agreement with float 91.67 %");
    expect(timing.secondsPerWindow! / timing.secondsPerStep).toBeCloseTo(4, 9);
  });
});
