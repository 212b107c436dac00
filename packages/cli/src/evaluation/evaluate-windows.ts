import { type WindowRef, type WindowSet, windowSamples } from "@gatelet/train";
import { CliError } from "../cli-error.js";
import type { Predictor } from "./predictor.js";
import { type Difference, DifferenceKeeper, type Meaning, ScoreKeeper, type Scores } from "./scores.js";

/** Float against quantized over windows. `scores` are null where the data have no truth. */
export interface WindowEvaluation {
  readonly windows: number;
  readonly quantized: Scores | null;
  readonly float: Scores | null;
  readonly difference: Difference | null;
}

/** Windows that are computed together: enough for the float executor's batches, little memory. */
const CHUNK = 128;

/**
 * Scores predictors over a set of windows; the quantized one, and the float one where it is given.
 * Yields the share done between chunks. Throws `MODEL_MISMATCH` for labels that the model has no output for.
 * @param padding stored value per channel for frames in front of a short sequence
 */
export function* evaluateWindows(
  set: WindowSet,
  quantized: Predictor,
  float: Predictor | undefined,
  meaning: Meaning,
  padding: ArrayLike<number>,
): Generator<number, WindowEvaluation> {
  const truth = truthReader(set.windows, meaning);
  const quantizedScores = new ScoreKeeper(meaning);
  const floatScores = new ScoreKeeper(meaning);
  const difference = new DifferenceKeeper(meaning);
  for (let first = 0; first < set.windows.length; first += CHUNK) {
    const chunk = set.windows.slice(first, first + CHUNK);
    const samples = chunk.map((window) => windowSamples(set, window, padding));
    const answers = quantized.windows(samples);
    const references = float?.windows(samples);
    chunk.forEach((window, i) => {
      const value = truth?.(window);
      if (value !== undefined) quantizedScores.add(value, answers[i]!);
      if (references === undefined) return;
      if (value !== undefined) floatScores.add(value, references[i]!);
      difference.add(references[i]!, answers[i]!);
    });
    yield Math.min(1, (first + CHUNK) / set.windows.length);
  }
  return {
    windows: set.windows.length,
    quantized: truth === undefined ? null : quantizedScores.scores,
    float: truth === undefined || float === undefined ? null : floatScores.scores,
    difference: float === undefined ? null : difference.difference,
  };
}

/** Reads the truth of a window; undefined where the data have none. Checks all labels before any work is done. */
function truthReader(windows: readonly WindowRef[], meaning: Meaning): ((window: WindowRef) => number) | undefined {
  if (meaning.task === "regression") {
    return windows.every((window) => window.target !== undefined) ? (window) => window.target! : undefined;
  }
  if (!windows.every((window) => window.label !== undefined)) return undefined;
  checkLabels(
    windows.map((window) => window.label!),
    meaning,
  );
  return (window) => window.label!;
}

/** Throws `MODEL_MISMATCH` naming the first label that the model has no output for. */
export function checkLabels(labels: Iterable<number>, meaning: Pick<Meaning, "outputSize">): void {
  const classes = Math.max(2, meaning.outputSize);
  for (const label of labels) {
    if (label < classes) continue;
    throw new CliError(
      "MODEL_MISMATCH",
      `the data have class ${label}, the model tells ${classes} classes apart (0 .. ${classes - 1})`,
    );
  }
}
